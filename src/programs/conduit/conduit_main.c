/*
 * bulkhead-conduit -- the only way from one zone to another: one direction, the charter's kinds.
 *
 * It holds one channel to the core it reads, one to the core it writes, one to the ledger; and
 * never reads from the core it writes to.
 */
#include "base/clock.h"
#include "base/text.h"
#include "programs/conduit/valve.h"
#include "programs/ledger_client.h"
#include "programs/mistrust.h"
#include "programs/program.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

enum { TELL_EVERY_MS = 10000, LOOK_EVERY_MS = 500 };

struct conduit {
    struct start *start;
    struct clock_source clock;
    struct loop *loop;
    struct valve valve;
    struct channel from, to;
    struct watch from_watch;
    struct mistrust mistrust; /* of `from` */
    struct ledger_client ledger;
    uint64_t counts[VALVE_VERDICTS];
    uint64_t told[VALVE_VERDICTS];
};

static const struct sandbox_rule rules[] = {
#include "programs/conduit/conduit.seccomp.def"
};
static const struct sandbox_profile profile = {"conduit", rules, ARRAY_COUNT(rules)};

static enum err
conduit_open(void *self, struct start *start)
{
    struct conduit *c = self;
    int from_fd = start_fd(start, FD_CORE, "from"), to_fd = start_fd(start, FD_CORE, "to");
    int ledger_fd = start_fd(start, FD_LEDGER, NULL);
    if (from_fd < 0 || to_fd < 0 || ledger_fd < 0 || start->conduits_count != 1)
        return ERR_NOT_FOUND;
    c->start = start;
    c->clock = clock_system();
    valve_init(&c->valve, &start->conduits[0], clock_mono_ms(&c->clock));
    channel_init(&c->from, from_fd);
    channel_init(&c->to, to_fd);
    ledger_client_init(&c->ledger, ledger_fd, c->clock, random_system());
    return OK;
}

static void
look_at_islands(struct conduit *c)
{
    c->valve.cut = start_island(c->start, bytes_text(c->valve.rules.from)) != NULL ||
                   start_island(c->start, bytes_text(c->valve.rules.to)) != NULL;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct conduit *c = ctx;
    enum valve_verdict verdict;
    look_at_islands(c);
    enum err e = valve_judge(&c->valve, id, body, clock_mono_ms(&c->clock),
                             clock_wall_us(&c->clock), &verdict);
    if (e == OK && verdict != VALVE_PASS) /* what passes is counted when it goes */
        c->counts[verdict]++;
    return e;
}

/* Send what waited for its tick. Answers how long the next one waits. */
static uint32_t
release(struct conduit *c)
{
    struct zone_count count;
    uint32_t wait_ms;
    look_at_islands(c);
    c->counts[VALVE_CUT] += c->valve.cut && c->valve.waiting;
    if (valve_release(&c->valve, clock_mono_ms(&c->clock), clock_wall_us(&c->clock), &count,
                      &wait_ms)) {
        /* A core that does not read: its loss, nobody waits. */
        bool sent = CHANNEL_SEND(&c->to, zone_count, &count) == OK;
        c->counts[sent ? VALVE_PASS : VALVE_RATE]++;
    }
    return wait_ms;
}

/* Breached: it is not heard for a while. The valve stays as it is: nonsense earns no new credit. */
static void
drop_source(struct conduit *c, enum err why)
{
    log_event("source_malformed", "error=\"%s\"", err_text(why));
    if (why == ERR_MALFORMED)
        program_complain("from");
    mistrust_nonsense(&c->mistrust, clock_mono_ms(&c->clock));
    loop_unwatch(c->loop, &c->from_watch);
}

static void
on_from(void *ctx, int fd, unsigned events)
{
    struct conduit *c = ctx;
    (void)fd, (void)events;
    enum err e = channel_receive(&c->from, on_frame, c);
    if (e != OK && e != ERR_AGAIN)
        drop_source(c, e);
}

static void
on_look(void *ctx)
{
    struct conduit *c = ctx;
    if (!mistrust_take_up(&c->mistrust, &c->from, clock_mono_ms(&c->clock)))
        return;
    enum err e = loop_watch(c->loop, &c->from_watch, LOOP_READ);
    if (e != OK)
        drop_source(c, e);
    else
        log_event("source_heard_again", "pause_ms=%u", c->mistrust.pause_ms);
}

static void
nobody_waits(void *ctx, uint64_t tag, enum err result)
{
    (void)ctx, (void)tag, (void)result;
}

/* What passed and what was refused since the last entry, on the record. */
static void
tell_ledger(void *ctx)
{
    struct conduit *c = ctx;
    char entry[512];
    if (memcmp(c->counts, c->told, sizeof(c->counts)) == 0)
        return;
    int n = snprintf(entry, sizeof(entry),
                     "{\"event\":\"conduit\",\"conduit\":\"%s\",\"passed\":%llu,\"refused_kind\":"
                     "%llu,\"refused_rate\":%llu,\"refused_group\":%llu,\"refused_cut\":%llu}",
                     c->valve.rules.name,
                     (unsigned long long)(c->counts[VALVE_PASS] - c->told[VALVE_PASS]),
                     (unsigned long long)(c->counts[VALVE_KIND] - c->told[VALVE_KIND]),
                     (unsigned long long)(c->counts[VALVE_RATE] - c->told[VALVE_RATE]),
                     (unsigned long long)(c->counts[VALVE_GROUP] - c->told[VALVE_GROUP]),
                     (unsigned long long)(c->counts[VALVE_CUT] - c->told[VALVE_CUT]));
    ASSERT(n > 0 && (size_t)n < sizeof(entry));
    if (ledger_client_record(&c->ledger, bytes_of(entry, (size_t)n), nobody_waits, c, 0) == OK)
        memcpy(c->told, c->counts, sizeof(c->told));
}

static uint32_t
on_idle(void *ctx)
{
    struct conduit *c = ctx;
    ledger_client_flush(&c->ledger);
    uint32_t wait_ms = release(c);
    enum err e = channel_flush(&c->to);
    return e == ERR_AGAIN && wait_ms > 100 ? 100 : wait_ms;
}

static enum err
conduit_serve(void *self, struct loop *loop)
{
    struct conduit *c = self;
    c->loop = loop;
    c->from_watch = (struct watch){.fd = c->from.fd, .fn = on_from, .ctx = c};
    loop_idle(loop, on_idle, c);
    loop_every(loop, TELL_EVERY_MS, tell_ledger, c);
    loop_every(loop, LOOK_EVERY_MS, on_look, c);
    enum err e = ledger_client_serve(&c->ledger, loop);
    return e == OK ? loop_watch(loop, &c->from_watch, LOOP_READ) : e;
}

static void
conduit_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    const struct conduit *c = self;
    for (size_t i = 0; i < VALVE_VERDICTS; i++)
        out[i] = c->counts[i];
}

int
main(void)
{
    static struct conduit conduit;
    static const struct program program = {.kind = "conduit",
                                           .profile = &profile,
                                           .open = conduit_open,
                                           .serve = conduit_serve,
                                           .counters = conduit_counters};
    return program_run(&program, &conduit);
}
