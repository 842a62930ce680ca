#include "programs/clock_guard.h"

#include "base/text.h"
#include "programs/program.h"
#include "runtime/log.h"

enum { CLOCK_ENTRY_MAX = 512 };

void
clock_put_entry(struct buf *b, const char *process, const char *zone, enum clock_event event,
                int64_t step_us, int64_t now_us)
{
    buf_format(b,
               "{\"event\":\"clock\",\"process\":\"%s\",\"zone\":\"%s\",\"what\":\"%s\","
               "\"by_ms\":%lld,\"time\":\"",
               process, zone, clock_event_text(event), (long long)(step_us / 1000));
    text_put_time(b, now_us);
    buf_text(b, "\"}");
}

void
clock_guard_init(struct clock_guard *g, struct clock_source clock, const char *process,
                 const char *zone)
{
    *g = (struct clock_guard){.clock = clock, .process = process, .zone = zone};
    uint64_t mono_ms = clock_mono_ms(&clock);
    clock_watch_start(&g->watch, mono_ms, clock_wall_us(&clock), INT64_MIN);
}

static void
on_told(void *ctx, uint64_t tag, enum err result)
{
    struct clock_guard *g = ctx;
    (void)tag;
    g->asked = false;
    if (result == OK)
        g->untold = CLOCK_STEADY;
}

static void
tell(struct clock_guard *g, struct ledger_client *ledger)
{
    struct buf entry;
    buf_init(&entry, CLOCK_ENTRY_MAX);
    clock_put_entry(&entry, g->process, g->zone, g->untold, g->watch.step_us,
                    clock_wall_us(&g->clock));
    g->asked = buf_error(&entry) == OK &&
               ledger_client_record(ledger, buf_bytes(&entry), on_told, g, 0) == OK;
    buf_fini(&entry);
}

void
clock_guard_look(struct clock_guard *g, struct ledger_client *ledger)
{
    uint64_t mono_ms;
    int64_t wall_us;
    if (clock_both(&g->clock, &mono_ms, &wall_us)) {
        enum clock_event event = clock_watch_look(&g->watch, mono_ms, wall_us);
        if (event != CLOCK_STEADY) {
            log_event("clock", "what=%s by_ms=%lld", clock_event_text(event),
                      (long long)(g->watch.step_us / 1000));
            g->untold = event;
        }
    }
    if (g->untold != CLOCK_STEADY && !g->asked)
        tell(g, ledger);
}

bool
clock_guard_doubt(const struct clock_guard *g)
{
    return clock_watch_doubt(&g->watch, clock_mono_ms(&g->clock));
}
