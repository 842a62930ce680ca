/*
 * live_filter.c -- the system-call filter that the kernel runs for a process, byte for byte.
 *
 * As root, PTRACE_SECCOMP_GET_FILTER gives the program itself; it must be the one that this
 * tool's copy of the same table compiles to, and the only one. The process stands still for less
 * than a millisecond. Others may not ask: for them the number of filters must do (live.c).
 */
#include "cli/live.h"

#include "runtime/sandbox_rules.h"

#include <errno.h>
#include <linux/filter.h>
#include <sodium.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILTER_MAX = 4096, HEX_SIZE = 17 };

static const struct sandbox_rule ledger_rules[] = {
#include "programs/ledger/ledger.seccomp.def"
};
static const struct sandbox_rule judge_rules[] = {
#include "programs/judge/judge.seccomp.def"
};
static const struct sandbox_rule warden_rules[] = {
#include "programs/warden/warden.seccomp.def"
};
static const struct sandbox_rule core_rules[] = {
#include "programs/core/core.seccomp.def"
};
static const struct sandbox_rule conduit_rules[] = {
#include "programs/conduit/conduit.seccomp.def"
};
static const struct sandbox_rule gate_rules[] = {
#include "programs/gate/gate.seccomp.def"
};

static const struct sandbox_profile profiles[PROCESS_KINDS] = {
    [PROCESS_LEDGER] = {"ledger", ledger_rules, ARRAY_COUNT(ledger_rules)},
    [PROCESS_JUDGE] = {"judge", judge_rules, ARRAY_COUNT(judge_rules)},
    [PROCESS_WARDEN] = {"warden", warden_rules, ARRAY_COUNT(warden_rules)},
    [PROCESS_CORE] = {"core", core_rules, ARRAY_COUNT(core_rules)},
    [PROCESS_CONDUIT] = {"conduit", conduit_rules, ARRAY_COUNT(conduit_rules)},
    [PROCESS_GATE] = {"gate", gate_rules, ARRAY_COUNT(gate_rules)},
};

static void
digest_text(const void *bytes, size_t len, char out[static HEX_SIZE])
{
    uint8_t digest[32];
    crypto_hash_sha256(digest, bytes, len);
    for (size_t i = 0; i < (HEX_SIZE - 1) / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool
hold_still(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
        return false;
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid &&
        WIFSTOPPED(status))
        return true;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return false;
}

void
live_filter(struct live *l)
{
    static struct sock_filter runs[FILTER_MAX];
    char want[HEX_SIZE], found[HEX_SIZE];
    struct buf table;
    pid_t pid = (pid_t)l->pid;
    if (geteuid() != 0)
        return;
    if (!hold_still(pid)) {
        live_alarm(l, "system-call filter", "one that can be read", "%s", strerror(errno));
        return;
    }
    long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, NULL);
    if (count > 0 && count <= FILTER_MAX)
        count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, runs);
    int error = errno;
    bool second = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 1L, NULL) >= 0;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    buf_init(&table, sizeof(runs));
    if (sandbox_filter_program(&profiles[l->planned->kind], &table) != OK)
        buf_reset(&table);
    digest_text(table.p, table.len, want);
    if (count <= 0 || count > FILTER_MAX) {
        live_alarm(l, "system-call filter", want, "%s",
                   count == 0 ? "an empty one" : strerror(error));
    } else {
        digest_text(runs, (size_t)count * sizeof(runs[0]), found);
        if (table.len != (size_t)count * sizeof(runs[0]) || memcmp(runs, table.p, table.len) != 0)
            live_alarm(l, "system-call filter", want, "%s", found);
    }
    if (second)
        live_alarm(l, "system-call filters", "one", "more");
    buf_fini(&table);
}
