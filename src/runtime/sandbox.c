#include "runtime/sandbox.h"

#include "runtime/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <seccomp.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *
sandbox_wall_text(enum sandbox_wall wall)
{
    static const char *const texts[WALL_COUNT] = {
        "namespaces",  "root",         "capabilities", "uid",      "dumpable",
        "descriptors", "no-new-privs", "limits",       "landlock", "seccomp"};
    return (unsigned)wall < WALL_COUNT ? texts[wall] : "?";
}

__attribute__((weak)) void
sandbox_closed_hook(void)
{
}

/* K1 of the escape catalogue: no fast open inside, whatever socket turns up. */
static bool
fast_open_off(void)
{
    int fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, "0", 1) == 1;
    close(fd);
    return done;
}

/* An empty tmpfs becomes the root; the old one is gone. */
static bool
empty_root(void)
{
    static const char place[] = "/tmp";
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 "size=1m,nr_inodes=16,mode=0500") == 0 &&
           chdir(place) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
           umount2(".", MNT_DETACH) == 0 && chdir("/") == 0 &&
           mount(NULL, "/", NULL,
                 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

static bool
drop_bounding_set(void)
{
    for (int cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL)
            return false;
    return prctl(PR_SET_SECUREBITS,
                 SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                 0, 0, 0) == 0;
}

static bool
become(uint32_t uid)
{
    if (uid == 0)
        return true;
    return setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
           setresuid(uid, uid, uid) == 0;
}

bool
sandbox_drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &head, none) == 0;
}

static int
compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static bool
close_all_but(const int *keep, size_t count)
{
    int sorted[256];
    if (count > ARRAY_COUNT(sorted))
        return false;
    memcpy(sorted, keep, count * sizeof(*keep));
    qsort(sorted, count, sizeof(*sorted), compare_ints);
    unsigned next = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned fd = (unsigned)sorted[i];
        if (fd > next && close_range(next, fd - 1, 0) != 0)
            return false;
        next = fd + 1;
    }
    return close_range(next, ~0U, 0) == 0;
}

static bool
limit(__rlimit_resource_t what, uint64_t most)
{
    struct rlimit both = {most, most};
    return setrlimit(what, &both) == 0;
}

static bool
set_limits(const struct sandbox_limits *l)
{
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NPROC, 0) && limit(RLIMIT_AS, l->memory_bytes) &&
           limit(RLIMIT_NOFILE, l->files) && limit(RLIMIT_FSIZE, l->file_bytes) &&
           limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_SIGPENDING, 16) &&
           limit(RLIMIT_RTPRIO, 0) && limit(RLIMIT_NICE, 0);
}

/* Writing a new file there and renaming it over an old one, and nothing else. */
static bool
landlock_but(int rules_fd, uint64_t handled, int folder_fd)
{
    struct landlock_path_beneath_attr but = {
        .allowed_access = handled & (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                     LANDLOCK_ACCESS_FS_REMOVE_FILE | KERNEL_LANDLOCK_TRUNCATE),
        .parent_fd = folder_fd,
    };
    return syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_RULE_PATH_BENEATH, &but, 0) == 0;
}

/*
 * Deny everything that this kernel's Landlock knows, but for files in folder_fd (0: none). Returns
 * the ABI, 0 without Landlock, -1.
 */
static int
landlock_all(int folder_fd)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, KERNEL_LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return 0;
    struct kernel_landlock_ruleset rules = {
        .handled_access_fs = (1ULL << (abi >= 5   ? 16
                                       : abi >= 3 ? 15
                                       : abi >= 2 ? 14
                                                  : 13)) -
                             1,
        .handled_access_net = abi >= 4 ? 3 : 0,
        .scoped = abi >= 6 ? 3 : 0,
    };
    size_t size = abi >= 6 ? sizeof(rules) : abi >= 4 ? 16 : 8;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0)
        return -1;
    bool good = folder_fd == 0 || landlock_but(fd, rules.handled_access_fs, folder_fd);
    good = good && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return good ? (int)abi : -1;
}

static scmp_filter_ctx
compile_rules(const struct sandbox_profile *profile)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!ctx)
        return NULL;
    bool good = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
                seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
                seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 1) == 0;
    for (size_t i = 0; good && i < profile->rules_count; i++) {
        const struct sandbox_rule *rule = &profile->rules[i];
        struct scmp_arg_cmp when[SANDBOX_CONDITIONS_MAX];
        unsigned count = 0;
        for (; count < SANDBOX_CONDITIONS_MAX && rule->when[count].mask; count++)
            when[count] = SCMP_CMP64(rule->when[count].argument, SCMP_CMP_MASKED_EQ,
                                     rule->when[count].mask, rule->when[count].value);
        good = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, rule->number, count, when) == 0;
    }
    if (good)
        return ctx;
    seccomp_release(ctx);
    return NULL;
}

static bool
filter_calls(const struct sandbox_profile *profile)
{
    scmp_filter_ctx ctx = compile_rules(profile);
    bool good = ctx && seccomp_load(ctx) == 0;
    if (ctx)
        seccomp_release(ctx);
    return good;
}

enum err
sandbox_filter_program(const struct sandbox_profile *profile, struct buf *out)
{
    uint8_t bytes[4096];
    scmp_filter_ctx ctx = compile_rules(profile);
    int fd = ctx ? memfd_create("filter", MFD_CLOEXEC) : -1;
    bool good = fd >= 0 && seccomp_export_bpf(ctx, fd) == 0 && lseek(fd, 0, SEEK_SET) == 0;
    ssize_t n = good ? read(fd, bytes, sizeof(bytes)) : -1;
    for (; n > 0; n = read(fd, bytes, sizeof(bytes)))
        buf_put(out, bytes_of(bytes, (size_t)n));
    if (fd >= 0)
        close(fd);
    if (ctx)
        seccomp_release(ctx);
    return n == 0 ? buf_error(out) : ERR_IO;
}

void
sandbox_profile_digest(const struct sandbox_profile *profile, uint8_t out[static 32])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < profile->rules_count; i++) {
        const struct sandbox_rule *r = &profile->rules[i];
        char line[256];
        int n = snprintf(line, sizeof(line), "%s", r->name);
        for (size_t k = 0; k < SANDBOX_CONDITIONS_MAX && r->when[k].mask; k++)
            n +=
                snprintf(line + n, sizeof(line) - (size_t)n, " %u:%llx=%llx", r->when[k].argument,
                         (unsigned long long)r->when[k].mask, (unsigned long long)r->when[k].value);
        ASSERT(n > 0 && (size_t)n < sizeof(line) - 1);
        line[n++] = '\n';
        crypto_hash_sha256_update(&state, (const uint8_t *)line, (unsigned long long)n);
    }
    crypto_hash_sha256_final(&state, out);
}

/* One wall: skip it when it is not asked for, note it when it stands, name it when it fails. */
#define BUILD(wall, works)                                                                         \
    do {                                                                                           \
        if (!(config->walls & (1U << (wall))))                                                     \
            break;                                                                                 \
        if (!(works)) {                                                                            \
            *out_step = sandbox_wall_text(wall);                                                   \
            return ERR_IO;                                                                         \
        }                                                                                          \
        report.walls |= 1U << (wall);                                                              \
    } while (0)

enum err
sandbox_close(const struct sandbox_config *config, struct sandbox_report *out,
              const char **out_step)
{
    struct sandbox_report report = {.walls = config->walls & (1U << WALL_NAMESPACES)};
    bool namespaces = report.walls != 0;
    bool landlock = (config->walls & (1U << WALL_LANDLOCK)) != 0;

    ASSERT(namespaces ||
           !(config->walls & 1U << WALL_ROOT)); /* or it would empty the host's root */
    report.fast_open_off = namespaces && fast_open_off();
    BUILD(WALL_ROOT, empty_root());
    BUILD(WALL_CAPABILITIES, drop_bounding_set());
    BUILD(WALL_UID, become(config->uid));
    BUILD(WALL_CAPABILITIES, sandbox_drop_capabilities());
    if (!config->outlives_starter)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* anew: a change of user forgets it */
    BUILD(WALL_DUMPABLE, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    BUILD(WALL_DESCRIPTORS, close_all_but(config->keep, config->keep_count));
    BUILD(WALL_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    BUILD(WALL_LIMITS, set_limits(&config->limits));
    if (landlock) {
        report.landlock_abi = landlock_all(config->folder_fd);
        if (report.landlock_abi < 0) {
            *out_step = sandbox_wall_text(WALL_LANDLOCK);
            return ERR_IO;
        }
        if (report.landlock_abi > 0)
            report.walls |= 1U << WALL_LANDLOCK;
    }
    if (config->walls & (1U << WALL_SECCOMP))
        report.walls |= 1U << WALL_SECCOMP; /* noted first: nothing may follow but the filter */
    *out = report;
    if ((config->walls & (1U << WALL_SECCOMP)) && !filter_calls(config->profile)) {
        *out_step = sandbox_wall_text(WALL_SECCOMP);
        return ERR_IO;
    }
    sandbox_closed_hook();
    return OK;
}
