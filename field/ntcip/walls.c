#include "field/ntcip/walls.h"
#include "runtime/kernel.h"
#include "runtime/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NET_BIND = 1, NET_CONNECT = 2, RULE_NET_PORT = 2, SCOPE_ABSTRACT_SOCKETS = 1 };

/* struct landlock_net_port_attr of ABI 4 */
struct net_port {
    uint64_t access, port;
};

#define LOOKS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define REPLACES                                                                                   \
    (LOOKS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                         \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | KERNEL_LANDLOCK_TRUNCATE)

/* What getaddrinfo(), the time zone and OpenSSL read; those that are not there are left out. */
static const char *const looked_at[] = {
    "/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf",  "/etc/host.conf",
    "/etc/gai.conf",    "/etc/services", "/etc/localtime",      "/etc/ssl/openssl.cnf",
    "/usr/lib",         "/usr/lib/ssl",  "/usr/share/zoneinfo", "/etc/ld.so.cache",
};

static bool
allow_path(int rules, const char *path, uint64_t access, uint64_t handled)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & handled, .parent_fd = fd};
    bool good = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    if (!good && errno == EINVAL) { /* a file, of which folders' rights cannot be had */
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
        good = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    }
    close(fd);
    return good;
}

static bool
allow_files(int rules, const struct walls_config *c, uint64_t handled)
{
    char folder[4096];
    for (size_t i = 0; i < ARRAY_COUNT(looked_at); i++)
        (void)allow_path(rules, looked_at[i], LOOKS, handled);
    if (c->device_folder && !allow_path(rules, c->device_folder, REPLACES, handled))
        return false;
    if (!c->status_file)
        return true;
    const char *slash = strrchr(c->status_file, '/');
    int n = slash ? (int)(slash - c->status_file) : 0;
    if (snprintf(folder, sizeof(folder), "%.*s%s", n, c->status_file,
                 slash ? (n ? "" : "/") : ".") >= (int)sizeof(folder))
        return false;
    return allow_path(rules, folder, REPLACES & ~(uint64_t)LOOKS, handled);
}

static bool
allow_ports(int rules, const struct walls_config *c)
{
    for (size_t i = 0; i < ARRAY_COUNT(c->ports); i++) {
        struct net_port rule = {NET_CONNECT, c->ports[i]};
        if (c->ports[i] && syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &rule, 0) != 0)
            return false;
    }
    return true;
}

/* The ABI, 0 without Landlock, -1. */
static int
landlock(const struct walls_config *c)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, KERNEL_LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return 0;
    int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
    struct kernel_landlock_ruleset handled = {
        .handled_access_fs = (1ULL << bits) - 1,
        .handled_access_net = abi >= 4 ? NET_BIND | NET_CONNECT : 0,
        .scoped = abi >= 6 ? SCOPE_ABSTRACT_SOCKETS : 0, /* a street half that hangs is killed */
    };
    size_t size = abi >= 6 ? sizeof(handled) : abi >= 4 ? 16 : 8;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    bool good = rules >= 0 && allow_files(rules, c, handled.handled_access_fs) &&
                (abi < 4 || allow_ports(rules, c)) &&
                syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (rules >= 0)
        close(rules);
    return good ? (int)abi : -1;
}

/* What no library of ours has a use for. A denied call kills. */
static bool
filter(void)
{
    static const int denied[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(bind),
        SCMP_SYS(listen),
        SCMP_SYS(accept),
        SCMP_SYS(accept4),
        SCMP_SYS(mount),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(chmod),
        SCMP_SYS(fchmodat),
        SCMP_SYS(link),
        SCMP_SYS(linkat),
        SCMP_SYS(symlinkat),
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    bool good = ctx && seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
    for (size_t i = 0; good && i < ARRAY_COUNT(denied); i++)
        good = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, denied[i], 0) == 0;
    good = good && seccomp_load(ctx) == 0;
    if (ctx)
        seccomp_release(ctx);
    return good;
}

enum err
walls_close(const struct walls_config *config, int *out_abi, const char **out_step)
{
    *out_step = "no-new-privs";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return ERR_IO;
    *out_step = "landlock";
    *out_abi = landlock(config);
    if (*out_abi < 0)
        return ERR_IO;
    *out_step = "capabilities";
    if (!sandbox_drop_capabilities())
        return ERR_IO;
    *out_step = "seccomp";
    return filter() ? OK : ERR_IO;
}
