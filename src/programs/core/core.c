#include "programs/core/core.h"

#include "programs/core/batches.h"

#include "base/text.h"
#include "broker/record.h"
#include "runtime/log.h"

#include <sodium.h>

static int64_t
port_wall_us(void *ctx)
{
    return clock_wall_us(&((struct core *)ctx)->clock);
}

static uint64_t
port_mono_ms(void *ctx)
{
    return clock_mono_ms(&((struct core *)ctx)->clock);
}

struct loading {
    struct core *core;
    enum err error;
};

static enum err
load_next_id(struct sta_graph *g, uint64_t type, struct bytes record)
{
    uint64_t next;
    if (type <= STA_NONE || type >= STA_TYPE_COUNT ||
        text_u64(record, 1ULL << STA_ID_MAX_BITS, &next) != OK)
        return ERR_MALFORMED;
    sta_graph_skip_ids(g, (enum sta_type)type, next);
    return OK;
}

static void
load_entity(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    struct loading *l = ctx;
    if (l->error != OK)
        return;
    if (type >= RECORD_TYPE_FIRST && type <= RECORD_TYPE_LAST)
        l->error = sessions_load(l->core, type, id, record);
    else if (type == ENTITY_TO_ERASE && id < STORE_STREAMS_MAX)
        entities_to_erase(l->core, (uint32_t)id); /* a predecessor did not come to it */
    else if (type == ENTITY_NEXT_ID)
        l->error = load_next_id(&l->core->graph, id, record);
    else
        l->error = sta_graph_load(&l->core->graph, type, id, record);
}

/* The entities of the store into memory, and what ingest needs of each Datastream. */
static enum err
load_graph(struct core *c)
{
    uint64_t most = c->start->memory_bytes ? c->start->memory_bytes / 4 : 64u * 1024 * 1024;
    sta_graph_init(&c->graph, GRAPH_ENTITIES_MAX, most);
    c->graph.tasking = c->start->commands_count > 0;
    struct loading l = {c, OK};
    enum err e = store_each_entity(c->store, load_entity, &l);
    if (e == OK)
        e = l.error;
    if (e == OK)
        e = sta_graph_link(&c->graph);
    if (e != OK)
        return e;
    for (int kind = 0; kind < 2; kind++) {
        enum sta_type type = kind == 0 ? STA_DATASTREAM : STA_MULTI_DATASTREAM;
        for (uint32_t i = 0; i < c->graph.set[type].count; i++) {
            arena_reset(&c->call);
            streams_learn(c, c->graph.set[type].p[i]);
        }
    }
    return OK;
}

static enum err
start_service(struct core *c)
{
    if (c->service->size) {
        c->self = calloc(1, c->service->size);
        ASSERT(c->self);
    }
    for (int pass = 0; pass < 2; pass++) { /* Things first: a Datastream names its Thing */
        enum sta_type type = pass == 0 ? STA_THING : STA_DATASTREAM;
        for (uint32_t i = 0; i < c->graph.set[type].count; i++)
            streams_tell(c, type, c->graph.set[type].p[i]->id);
    }
    c->ports = (struct service_ports){
        .ctx = c,
        .wish = commands_wish,
        .count = conduits_count,
        .save = state_save,
        .tell = tells_say,
        .wall_us = port_wall_us,
        .mono_ms = port_mono_ms,
        .random = c->random,
    };
    struct bytes saved = {0};
    arena_reset(&c->call);
    enum err e = state_load(c, &c->call, &saved);
    if (e != OK) {
        log_event("state_unreadable", "error=\"%s\"", err_text(e));
        return e;
    }
    e = c->service->start(c->self, c->start, &c->ports, saved);
    if (saved.len)
        sodium_memzero((void *)(uintptr_t)saved.p,
                       saved.len); /* it may hold a key of the service */
    return e;
}

enum { STATE_KEY_BYTES = 32 };

static void
take_keys(struct core *c)
{
    const struct start_key *judge = start_key(c->start, KEY_JUDGE_PUBLIC, NULL);
    if (judge && judge->len == sizeof(c->judge_public)) {
        memcpy(c->judge_public, judge->key, sizeof(c->judge_public));
        c->has_judge = true;
    }
    static const char label[] = "bulkhead service state v1";
    const struct start_key *master = start_key(c->start, KEY_STORE_MASTER, NULL);
    c->state_key = sodium_malloc(STATE_KEY_BYTES);
    ASSERT(c->state_key);
    if (master && master->len == 32)
        crypto_generichash(c->state_key, STATE_KEY_BYTES, (const uint8_t *)label, sizeof(label) - 1,
                           master->key, master->len);
    sodium_mprotect_readonly(c->state_key);
    c->state_fd = master ? start_fd(c->start, FD_SERVICE_STATE, NULL) : -1;
}

enum err
core_open(const struct core_config *config, struct core **out)
{
    ASSERT(config->start && config->service && config->store);
    struct core *c = calloc(1, sizeof(*c));
    ASSERT(c);
    c->start = config->start;
    c->service = config->service;
    c->store = config->store;
    c->clock = config->clock;
    c->random = config->random;
    c->streams = calloc(STORE_STREAMS_MAX, sizeof(*c->streams));
    ASSERT(c->streams);
    arena_init(&c->call, STA_ARENA_BYTES);
    arena_init(&c->delivery, DELIVERY_BYTES);
    json_memory(&c->call);
    peers_init(&c->peers);
    sessions_init(c);
    asks_init(c);
    round_init(c);
    c->next_ref = random_u64(&c->random) >> 1 | 1;
    struct bytes base = start_text(c->start, TEXT_BASE_URL);
    int n = snprintf(c->base_url, sizeof(c->base_url), "%.*s/v1.1", BYTES_PRINTF(base));
    if (n < 0 || (size_t)n >= sizeof(c->base_url))
        return ERR_LIMIT;
    take_keys(c);
    link_init(&c->gate, "gate", start_fd(c->start, FD_GATE, NULL), c->clock);
    link_init(&c->ledger, "ledger", start_fd(c->start, FD_LEDGER, NULL), c->clock);
    link_init(&c->warden, "warden", start_fd(c->start, FD_WARDEN, NULL), c->clock);
    conduits_open(c);
    batches_open(c);
    tells_open(c);
    enum err e = load_graph(c);
    if (e == OK)
        e = start_service(c);
    if (e != OK)
        return e; /* the process ends: nothing is worth freeing */
    sessions_loaded(c);
    if (c->gate.up)
        e = gate_begin(c);
    c->outbox_from = store_head_size(c->store);
    c->outbox_max = c->start->disk_bytes / OUTBOX_DISK_BYTES;
    if (c->outbox_max == 0 || c->outbox_max > OUTBOX_DECISIONS_MAX)
        c->outbox_max = OUTBOX_DECISIONS_MAX;
    tasks_open(c);
    record_clock(c);
    c->anchored_size = UINT64_MAX; /* what the predecessor anchored last is not known */
    *out = c;
    return e;
}

void
core_close(struct core *c)
{
    for (size_t i = 0; i < ASKS_MAX; i++)
        if (c->asks[i].state != ASK_FREE)
            ask_free(c, &c->asks[i]);
    channel_fini(&c->gate.channel);
    channel_fini(&c->ledger.channel);
    channel_fini(&c->warden.channel);
    for (uint32_t i = 0; i < c->conduits_count; i++)
        channel_fini(&c->conduits[i].link.channel);
    sodium_free(c->state_key);
    sessions_fini(c);
    sta_graph_fini(&c->graph);
    arena_fini(&c->call);
    arena_fini(&c->delivery);
    arena_fini(&c->round.arena);
    batches_close(c);
    tells_close(c);
    free(c->streams);
    if (c->self && c->service->end)
        c->service->end(c->self);
    free(c->self);
    free(c);
}

/* ---- the loop ----------------------------------------------------------------------------- */

static bool
gate_may_read(const struct core *c)
{
    return channel_waiting(&c->gate.channel) < LINK_HIGH_BYTES && !record_outbox_full(c);
}

static void
on_gate(void *ctx, int fd, unsigned events)
{
    struct core *c = ctx;
    (void)fd, (void)events;
    if (gate_may_read(c))
        link_read(&c->gate, gate_frame, c);
}

static void
on_ledger(void *ctx, int fd, unsigned events)
{
    struct core *c = ctx;
    (void)fd, (void)events;
    link_read(&c->ledger, record_frame, c);
    if (!c->ledger.up)
        record_lost(c);
}

static void
on_warden(void *ctx, int fd, unsigned events)
{
    struct core *c = ctx;
    (void)fd, (void)events;
    link_read(&c->warden, commands_frame, c);
}

void
core_read(struct core *c)
{
    on_gate(c, -1, 0);
    on_ledger(c, -1, 0);
    on_warden(c, -1, 0);
    conduits_read(c);
}

static void
on_tick(void *ctx)
{
    core_tick(ctx);
}

static uint32_t
on_round(void *ctx)
{
    return core_round(ctx);
}

enum err
core_serve(struct core *c, struct loop *loop)
{
    c->loop = loop;
    enum err e = link_watch(&c->gate, loop, on_gate, c);
    if (e == OK)
        e = link_watch(&c->ledger, loop, on_ledger, c);
    if (e == OK)
        e = link_watch(&c->warden, loop, on_warden, c);
    if (e == OK)
        e = conduits_watch(c);
    if (e != OK)
        return e;
    loop_every(loop, SERVICE_TICK_MS, on_tick, c);
    loop_idle(loop, on_round, c);
    log_event("serving", "entities=%u streams=%u service=%s", c->graph.entities,
              c->graph.set[STA_DATASTREAM].count, c->service->name);
    return OK;
}

/* A disk that lied once is not trusted: start anew and recover. */
void
core_store_failed(struct core *c, enum err e)
{
    char what[128];
    snprintf(what, sizeof(what), "the store failed: %s", err_text(e));
    c->store_failed = true;
    program_condition(what);
    if (!c->loop)
        return;
    link_flush(&c->gate, false);
    program_fail();
}

const char *
core_condition(const struct core *c)
{
    if (record_outbox_full(c))
        return "back-pressure: the ledger takes no anchors and the outbox is full; no device is "
               "read";
    if (core_clock_doubt(c))
        return "the clock was set or stood still: no reads, no commands, nothing across for a "
               "minute";
    if (c->ledger_silent)
        return "the ledger does not record: no reads, no commands; devices are heard";
    if (c->maintain_error == ERR_LIMIT)
        return "the zone's share of the disk is full: new data is refused";
    if (c->maintain_error == ERR_NO_SPACE)
        return "no space is left on the disk: the journal takes what it can";
    return "";
}

/* Those that talked nonsense, when their pauses are over: others may be there by now. */
static void
take_up_links(struct core *c)
{
    if (link_take_up(&c->gate)) {
        enum err e = gate_begin(c); /* `gate_started` may be among what was thrown away */
        ASSERT(e == OK);            /* the channel is empty */
    }
    if (link_take_up(&c->ledger))
        record_begin(c);
    link_take_up(&c->warden);
    conduits_take_up(c);
}

void
core_tick(struct core *c)
{
    take_up_links(c);
    record_clock(c);
    if (!c->store_failed)
        program_condition(core_condition(c));
    if (c->service->tick)
        c->service->tick(c->self);
    tells_tick(c);
    asks_expire(c);
    hears_expire(c);
    sessions_tick(c);
    commands_expire(c);
    tasks_step(c);
    record_anchor(c);
    record_strangers(c);
    record_destructions(c);
}

uint32_t
core_round(struct core *c)
{
    bool worked = c->round.decided > 0 || store_dirty(c->store);
    round_gather(c);
    round_commit(c);
    bool batches = batches_step(c);
    if (batches || c->round.acks_count)
        round_commit(c);
    batches = batches_step(c) || batches;
    if (store_dirty(c->store)) /* what was stored waits in sessions that are kept */
        round_commit(c);
    sessions_pump(c);
    asks_pump(c);
    link_flush(&c->ledger, true);
    link_flush(&c->warden, true);
    conduits_flush(c);
    link_flush(&c->gate, gate_may_read(c));
    bool more = entities_erase(c);
    if (c->start->holds != c->holds && !c->store_failed) {
        c->holds = c->start->holds;
        store_hold(c->store, c->start->hold_ms);
    }
    if (!worked && !c->store_failed) {
        bool upkeep = false;
        enum err e = store_maintain(c->store, &upkeep);
        if (e != OK && e != c->maintain_error)
            log_event("maintain_failed", "error=\"%s\"", err_text(e));
        c->maintain_error = e;
        more = more || (upkeep && e == OK);
        if (e != OK && e != ERR_LIMIT && e != ERR_NO_SPACE)
            core_store_failed(c, e);
    }
    return more || batches || c->round.acks_count ? 0 : UINT32_MAX;
}

void
core_stop(struct core *c)
{
    round_commit(c);
    c->anchor_ref = 0;
    record_anchor(c); /* the last head goes out; its answer nobody waits for */
    link_flush(&c->ledger, false);
    link_flush(&c->gate, false);
    const struct core_counters *n = &c->count;
    log_event("ended", "stored=%llu not_kept=%llu again=%llu refused=%llu told=%llu",
              (unsigned long long)n->stored, (unsigned long long)n->not_kept,
              (unsigned long long)n->again, (unsigned long long)n->refused,
              (unsigned long long)n->told);
}

void
core_counters(const struct core *c, uint64_t out[static PROGRAM_COUNTERS])
{
    const struct core_counters *n = &c->count;
    const uint64_t values[PROGRAM_COUNTERS] = {
        n->stored,   n->refused,
        n->reads,    n->reads_refused,
        n->leases,   n->leases_refused,
        n->obeyed,   c->service->shown ? c->service->shown(c->self) : 0,
        n->not_kept,
    };
    memcpy(out, values, sizeof(values));
}
