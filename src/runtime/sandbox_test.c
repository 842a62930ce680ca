/* sandbox_test.c -- walls that no look from outside can tell: each is tried from within. */
#include "runtime/sandbox.h"
#include "base/test.h"
#include "runtime/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INSIDE_HOLDS, INSIDE_OPEN, INSIDE_NO_WALL, INSIDE_OLD_KERNEL };

/* The exit status of `inside` in a process that built only these walls. */
static int
within(uint32_t walls, const int *keep, size_t keep_count, int (*inside)(int landlock_abi))
{
    static const struct sandbox_profile profile = {"test", NULL, 0};
    struct sandbox_config config = {
        .profile = &profile, .walls = walls, .keep = keep, .keep_count = keep_count};
    struct sandbox_report report;
    const char *step = "";
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(sandbox_close(&config, &report, &step) == OK ? inside(report.landlock_abi)
                                                           : INSIDE_NO_WALL);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int forgotten, kept;

static int
looks_for_descriptors(int landlock_abi)
{
    (void)landlock_abi;
    bool closed = fcntl(forgotten, F_GETFD) == -1 && errno == EBADF;
    return closed && fcntl(kept, F_GETFD) >= 0 ? INSIDE_HOLDS : INSIDE_OPEN;
}

TEST(what_was_not_given_is_closed)
{
    forgotten = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kept = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(forgotten >= 0 && kept >= 0);
    int keep[] = {0, 1, 2, kept};
    CHECK(within(1U << WALL_DESCRIPTORS, keep, ARRAY_COUNT(keep), looks_for_descriptors) ==
          INSIDE_HOLDS);
    CHECK(within(0, keep, ARRAY_COUNT(keep), looks_for_descriptors) == INSIDE_OPEN);
    close(forgotten);
    close(kept);
}

static int
opens_a_file(int landlock_abi)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? INSIDE_HOLDS : INSIDE_NO_WALL;
    return landlock_abi == 0 ? INSIDE_OLD_KERNEL : INSIDE_OPEN;
}

TEST(landlock_alone_keeps_files_shut)
{
    int seen = within(1U << WALL_NO_NEW_PRIVS | 1U << WALL_LANDLOCK, NULL, 0, opens_a_file);
    if (seen == INSIDE_OLD_KERNEL)
        printf("this kernel has no Landlock: nothing was tried\n");
    else
        CHECK(seen == INSIDE_HOLDS);
    CHECK(within(1U << WALL_NO_NEW_PRIVS, NULL, 0, opens_a_file) != INSIDE_HOLDS);
}

/* ---- the filter: every row of every table, in the kernel ------------------------------------ */

static const struct sandbox_rule conduit_rules[] = {
#include "programs/conduit/conduit.seccomp.def"
};
static const struct sandbox_rule core_rules[] = {
#include "programs/core/core.seccomp.def"
};
static const struct sandbox_rule gate_rules[] = {
#include "programs/gate/gate.seccomp.def"
};
static const struct sandbox_rule judge_rules[] = {
#include "programs/judge/judge.seccomp.def"
};
static const struct sandbox_rule ledger_rules[] = {
#include "programs/ledger/ledger.seccomp.def"
};
static const struct sandbox_rule warden_rules[] = {
#include "programs/warden/warden.seccomp.def"
};
static const struct sandbox_rule witness_rules[] = {
#include "witness/witness.seccomp.def"
};
static const struct sandbox_profile profiles[] = {
    {"conduit", conduit_rules, ARRAY_COUNT(conduit_rules)},
    {"core", core_rules, ARRAY_COUNT(core_rules)},
    {"gate", gate_rules, ARRAY_COUNT(gate_rules)},
    {"judge", judge_rules, ARRAY_COUNT(judge_rules)},
    {"ledger", ledger_rules, ARRAY_COUNT(ledger_rules)},
    {"warden", warden_rules, ARRAY_COUNT(warden_rules)},
    {"witness", witness_rules, ARRAY_COUNT(witness_rules)},
};

enum { ARGUMENTS = 6, NUMBERS = 480, X32_BIT = 0x40000000 };

/* True if this call ends a process with this profile. */
static bool
kills(const struct sandbox_profile *profile, long number, const uint64_t a[static ARGUMENTS])
{
    struct sandbox_config config = {.profile = profile,
                                    .walls = 1U << WALL_NO_NEW_PRIVS | 1U << WALL_SECCOMP};
    struct sandbox_report report;
    const char *step = "";
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (sandbox_close(&config, &report, &step) != OK)
            _exit(INSIDE_NO_WALL);
        syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        syscall(SYS_exit_group, INSIDE_OPEN); /* a sanitizer's _exit() wants other calls */
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    CHECK(killed || (WIFEXITED(status) && WEXITSTATUS(status) == INSIDE_OPEN));
    return killed;
}

/* Arguments that a row allows; the rest is chosen to do nothing. */
static void
allowed_arguments(const struct sandbox_rule *rule, uint64_t out[static ARGUMENTS])
{
    memset(out, 0, ARGUMENTS * sizeof(*out));
    if (rule->when[0].mask && rule->when[0].argument != 0)
        out[0] = (uint64_t)-1; /* no descriptor, no address */
    for (size_t i = 0; i < SANDBOX_CONDITIONS_MAX && rule->when[i].mask; i++)
        out[rule->when[i].argument] = rule->when[i].value;
}

TEST(an_argument_that_differs_in_any_bit_kills)
{
    static const unsigned bits[] = {0, 1, 2, 3, 5, 14, 19, 31, 32, 47, 63};
    for (size_t p = 0; p < ARRAY_COUNT(profiles); p++) {
        for (size_t r = 0; r < profiles[p].rules_count; r++) {
            const struct sandbox_rule *rule = &profiles[p].rules[r];
            uint64_t a[ARGUMENTS];
            if (!rule->when[0].mask)
                continue;
            allowed_arguments(rule, a);
            if (kills(&profiles[p], rule->number, a)) {
                printf("%s: %s\n", profiles[p].kind, rule->name);
                CHECK(!"a call with a row kills");
            }
            for (size_t i = 0; i < SANDBOX_CONDITIONS_MAX && rule->when[i].mask; i++)
                for (size_t b = 0; b < ARRAY_COUNT(bits); b++) {
                    if (!(rule->when[i].mask >> bits[b] & 1))
                        continue;
                    allowed_arguments(rule, a);
                    a[rule->when[i].argument] ^= 1ULL << bits[b];
                    if (!kills(&profiles[p], rule->number, a)) {
                        printf("%s: %s, argument %u, bit %u\n", profiles[p].kind, rule->name,
                               rule->when[i].argument, bits[b]);
                        CHECK(!"this argument is let through");
                    }
                }
        }
    }
}

/*
 * Linux 6.12 and later let uretprobe and uprobe pass every filter, because they are the kernel's
 * own: anywhere but in a probe's trampoline they do nothing, or end the process with SIGILL.
 */
enum { CALL_URETPROBE = 335, CALL_UPROBE = 336 };

TEST(a_call_without_a_row_kills)
{
    static const uint64_t none[ARGUMENTS];
    size_t kinds = test_sanitized() ? 1 : ARRAY_COUNT(profiles); /* there a fork takes its time */
    for (size_t p = 0; p < kinds; p++) {
        for (long number = 0; number < NUMBERS; number++) {
            bool listed = number == CALL_URETPROBE || number == CALL_UPROBE;
            for (size_t r = 0; r < profiles[p].rules_count; r++)
                listed = listed || profiles[p].rules[r].number == number;
            if (listed || kills(&profiles[p], number, none))
                continue;
            printf("%s: call %ld\n", profiles[p].kind, number);
            CHECK(!"this call is let through");
        }
        CHECK(kills(&profiles[p], X32_BIT | SYS_read, none)); /* another table of numbers */
    }
}

/* The tables above are taken at their word; this list is not theirs. */
TEST(no_table_allows_what_opens_runs_or_reaches_another)
{
    enum { ANON = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };
    static const struct {
        const char *what;
        long number;
        uint64_t a[ARGUMENTS];
    } never[] = {
        {"executable memory", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, ANON, -1ULL}},
        {"memory of two processes", SYS_mmap, {0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1ULL}},
        {"memory at a chosen place", SYS_mmap, {1 << 20, 4096, RW, ANON | MAP_FIXED, -1ULL}},
        {"huge pages", SYS_mmap, {0, 4096, RW, ANON | MAP_HUGETLB, -1ULL}},
        {"locked pages", SYS_mmap, {0, 4096, RW, ANON | MAP_LOCKED, -1ULL}},
        {"a stack", SYS_mmap, {0, 4096, RW, ANON | MAP_GROWSDOWN, -1ULL}},
        {"a mapped file", SYS_mmap, {0, 4096, RW, MAP_PRIVATE, 0}},
        {"mprotect", SYS_mprotect, {0, 0, PROT_READ}},
        {"mremap to a chosen place", SYS_mremap, {0, 0, 0, MREMAP_MAYMOVE | MREMAP_FIXED, 4096}},
        {"madvise", SYS_madvise, {0, 0, 0}},
        {"a shared futex", SYS_futex, {0, FUTEX_WAKE, 1}},
        {"a futex of another", SYS_futex, {0, FUTEX_CMP_REQUEUE_PI, 1}},
        {"the processor time of another", SYS_clock_gettime, {(uint64_t)-6 - 8, 0}},
        {"a client's address", SYS_accept4, {-1ULL, 4096, 4096, SOCK_NONBLOCK | SOCK_CLOEXEC}},
        {"sleeping to a date", SYS_clock_nanosleep, {CLOCK_REALTIME, TIMER_ABSTIME, 0, 0}},
        {"socket", SYS_socket, {0}},
        {"connect", SYS_connect, {-1ULL}},
        {"sendto", SYS_sendto, {-1ULL}},
        {"sendmsg", SYS_sendmsg, {-1ULL}},
        {"recvmsg", SYS_recvmsg, {-1ULL}},
        {"fcntl", SYS_fcntl, {-1ULL}},
        {"ioctl", SYS_ioctl, {-1ULL}},
        {"dup", SYS_dup, {-1ULL}},
        {"open", SYS_openat, {-1ULL}},
        {"stat by name", SYS_newfstatat, {-1ULL}},
        {"clone", SYS_clone, {0}},
        {"execve", SYS_execve, {0}},
        {"kill", SYS_kill, {1, 0}},
        {"prctl", SYS_prctl, {3}},
        {"sigreturn", SYS_rt_sigreturn, {0}},
        {"another filter", SYS_seccomp, {0}},
    };
    for (size_t p = 0; p < ARRAY_COUNT(profiles); p++)
        for (size_t i = 0; i < ARRAY_COUNT(never); i++)
            if (!kills(&profiles[p], never[i].number, never[i].a)) {
                printf("%s: %s\n", profiles[p].kind, never[i].what);
                CHECK(!"this is let through");
            }
}
