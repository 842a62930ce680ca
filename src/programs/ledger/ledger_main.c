/* bulkhead-ledger -- the transparency log of every zone and of the city. */
#include "programs/limits.h"
#include "programs/ledger/ledger.h"
#include "runtime/sandbox_rules.h"

#include <sys/socket.h>

static const struct sandbox_rule rules[] = {
#include "programs/ledger/ledger.seccomp.def"
};
static const struct sandbox_profile profile = {"ledger", rules, ARRAY_COUNT(rules)};

static enum err
main_open(void *self, struct start *start)
{
    return ledger_open(self, start);
}

static enum err
main_serve(void *self, struct loop *loop)
{
    return ledger_serve(self, loop);
}

static void
main_stop(void *self)
{
    ledger_stop(self);
}

static void
main_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    ledger_counters(self, out);
}

int
main(void)
{
    static struct ledger ledger;
    static const struct program program = {
        .kind = "ledger",
        .profile = &profile,
        .open = main_open,
        .serve = main_serve,
        .stop = main_stop,
        .counters = main_counters,
        .limits = {.memory_bytes = LIMITS_LEDGER_MEMORY_BYTES,
                   .files = LIMITS_LEDGER_FILES,
                   .file_bytes = LIMITS_LEDGER_FILE_BYTES},
    };
    return program_run(&program, &ledger);
}
