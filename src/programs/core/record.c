/* record.c -- the ledger: who looked at what, before the answer leaves; and the journal's heads. */
#include "programs/core/core.h"

#include "base/text.h"
#include "programs/clock_guard.h"
#include "runtime/log.h"

enum { ENTRY_BYTES_MAX = 16384, STRANGERS_MS = 1000, DESTRUCTIONS_MS = 10000 };

/*
 * The outbox: decisions in the zone's journal that no durable anchor covers yet. While the ledger
 * is gone it grows up to outbox_max; then the core reads nothing from its gate, the gate nothing
 * from its devices, and everybody waits: nothing is acknowledged, nothing is dropped. A core that
 * was started anew begins to count anew; the charter's disk bounds the sum.
 */
static uint64_t
outbox_count(const struct core *c)
{
    return store_head_size(c->store) - c->outbox_from;
}

bool
record_outbox_full(const struct core *c)
{
    return outbox_count(c) >= c->outbox_max;
}

bool
core_clock_doubt(const struct core *c)
{
    return clock_watch_doubt(&c->watch, clock_mono_ms(&c->clock));
}

static struct buf *
entry_begin(const char *event)
{
    static struct buf entry; /* one thread; keeps its memory */
    if (entry.max == 0)
        buf_init(&entry, ENTRY_BYTES_MAX);
    buf_reset(&entry);
    buf_format(&entry, "{\"event\":\"%s\"", event);
    return &entry;
}

static void
entry_text(struct buf *b, const char *name, const char *value)
{
    buf_format(b, ",\"%s\":", name);
    text_put_json(b, bytes_text(value ? value : ""));
}

static void
entry_end(const struct core *c, struct buf *b)
{
    buf_text(b, ",\"charter\":\"");
    text_put_hex(b, bytes_of(c->start->charter_digest, 8));
    buf_text(b, "\",\"time\":\"");
    text_put_time(b, clock_wall_us(&c->clock));
    buf_text(b, "\"}");
}

/* Queue one entry. ERR_CLOSED, ERR_LIMIT: it will not be recorded. */
static enum err
record_entry(struct core *c, const struct buf *entry, uint64_t *out_ref)
{
    if (!c->ledger.up)
        return ERR_CLOSED;
    if (buf_error(entry) != OK || channel_waiting(&c->ledger.channel) > LINK_HIGH_BYTES)
        return ERR_LIMIT;
    struct record m = {.ref = c->next_ref++, .entry = buf_bytes(entry)};
    enum err e = CHANNEL_SEND(&c->ledger.channel, record, &m);
    if (e == OK)
        *out_ref = m.ref;
    return e;
}

static void
refuse_unrecorded(struct core *c, struct request *ask)
{
    ask->change = false; /* it is not made */
    struct refusal why;
    refuse(&why, 503, REASON_UNSPECIFIED,
           "The ledger cannot record this now; without a record no answer leaves.");
    c->count.reads_refused++;
    ask_refuse_now(c, ask, &why);
}

enum err
record_reading(struct core *c, const struct reading *r, uint64_t *out_ref)
{
    struct buf *b = entry_begin(r->event);
    entry_text(b, "caller", r->caller);
    entry_text(b, "role", r->role);
    entry_text(b, "purpose", r->purpose);
    buf_text(b, ",\"classes\":[");
    for (uint32_t i = 0; i < r->classes_count; i++) {
        if (i)
            buf_byte(b, ',');
        text_put_json(b, bytes_text(r->classes[i]));
    }
    buf_byte(b, ']');
    entry_text(b, "what", r->what);
    buf_format(b, ",\"rows\":%llu,\"status\":%d", (unsigned long long)r->rows, r->status);
    if (r->rule && r->rule[0])
        entry_text(b, "rule", r->rule);
    entry_end(c, b);
    return record_entry(c, b, out_ref);
}

void
record_and_send(struct core *c, struct request *ask, const struct reading *r)
{
    if (record_reading(c, r, &ask->wait_ref) != OK) {
        refuse_unrecorded(c, ask);
        return;
    }
    ask->state = ASK_LEDGER; /* C2 */
    ask->deadline_ms = clock_mono_ms(&c->clock) + ASK_WAIT_MS;
}

enum err
record_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct core *c = ctx;
    struct recorded good;
    struct record_failed bad;
    if (id == recorded_id && recorded_decode(body, &good) == OK) {
        struct request *ask = ask_waiting(c, good.ref);
        if (ask && ask->change)
            changes_recorded(c, ask);
        else if (ask)
            ask_send(c, ask);
        hears_recorded(c, good.ref, true);
        if (good.ref == c->anchor_ref) {
            c->anchor_ref = 0;
            c->outbox_from = c->anchored_size;
        }
        if (good.ref == c->clock_ref && c->clock_ref) {
            c->clock_ref = 0;
            c->clock_untold = CLOCK_STEADY;
        }
        c->ledger_silent = false;
        return OK;
    }
    if (id == record_failed_id && record_failed_decode(body, &bad) == OK) {
        struct request *ask = ask_waiting(c, bad.ref);
        if (ask)
            refuse_unrecorded(c, ask);
        hears_recorded(c, bad.ref, false);
        if (bad.ref == c->clock_ref)
            c->clock_ref = 0;
        c->ledger_silent = true;
        if (bad.ref == c->anchor_ref) {
            c->anchor_ref = 0;
            c->anchored_size = UINT64_MAX; /* try again */
        }
        return OK;
    }
    return ERR_MALFORMED;
}

void
record_lost(struct core *c)
{
    for (size_t i = 0; i < ASKS_MAX; i++)
        if (c->asks[i].state == ASK_LEDGER)
            refuse_unrecorded(c, &c->asks[i]);
    hears_lost(c);
}

void
record_begin(struct core *c)
{
    c->anchor_ref = 0;
    c->anchored_size = UINT64_MAX;
    c->clock_ref = 0;
}

void
record_anchor(struct core *c)
{
    uint64_t now_ms = clock_mono_ms(&c->clock);
    if (!c->ledger.up || (c->anchor_ref && now_ms < c->anchor_deadline_ms))
        return;
    c->ledger_silent |= c->anchor_ref != 0; /* its time is over */
    uint64_t size = store_head_size(c->store);
    uint8_t root[32];
    if (size == 0 || (size == c->anchored_size && !c->anchor_ref))
        return; /* an idle zone hashes nothing */
    store_head(c->store, &size, root);
    struct buf *b = entry_begin("anchor");
    entry_text(b, "zone", c->start->zone);
    buf_format(b, ",\"size\":%llu,\"root\":\"", (unsigned long long)size);
    text_put_hex(b, bytes_of(root, sizeof(root)));
    buf_byte(b, '"');
    entry_end(c, b);
    if (record_entry(c, b, &c->anchor_ref) != OK)
        return;
    c->anchored_size = size;
    c->anchor_deadline_ms = now_ms + ASK_WAIT_MS;
}

void
record_strangers(struct core *c)
{
    uint64_t now_ms = clock_mono_ms(&c->clock);
    if (c->strangers_refused == 0 || now_ms - c->strangers_ms < STRANGERS_MS)
        return;
    struct buf *b = entry_begin("read-refused");
    buf_format(b, ",\"strangers\":%llu", (unsigned long long)c->strangers_refused);
    entry_end(c, b);
    uint64_t ref;
    if (record_entry(c, b, &ref) != OK)
        return;
    c->strangers_refused = 0;
    c->strangers_ms = now_ms;
}

static void
add_destroyed(void *ctx, const struct store_copy *copy)
{
    *(uint64_t *)ctx += copy->keys_destroyed;
}

/* Keys that were destroyed since the last look: their number, on the public record. */
void
record_destructions(struct core *c)
{
    uint64_t now_ms = clock_mono_ms(&c->clock), total = 0, ref;
    if (c->destroyed_looked_ms && now_ms - c->destroyed_looked_ms < DESTRUCTIONS_MS)
        return;
    if (store_each_copy(c->store, add_destroyed, &total) != OK)
        return;
    bool first = c->destroyed_looked_ms == 0; /* the predecessor told of these */
    c->destroyed_looked_ms = now_ms;
    if (first || total <= c->destroyed_told) {
        c->destroyed_told = total;
        return;
    }
    struct buf *b = entry_begin("key-destruction");
    entry_text(b, "zone", c->start->zone);
    buf_format(b, ",\"keys\":%llu,\"total\":%llu", (unsigned long long)(total - c->destroyed_told),
               (unsigned long long)total);
    entry_end(c, b);
    if (record_entry(c, b, &ref) == OK)
        c->destroyed_told = total;
}

static void
note_clock(struct core *c, enum clock_event event)
{
    if (event == CLOCK_STEADY)
        return;
    log_event("clock", "what=%s by_ms=%lld", clock_event_text(event),
              (long long)(c->watch.step_us / 1000));
    c->clock_untold = event;
    c->clock_ref = 0;
}

void
record_clock(struct core *c)
{
    uint64_t mono_ms;
    int64_t wall_us;
    if (!clock_both(&c->clock, &mono_ms, &wall_us))
        return;
    note_clock(c, c->watch.started
                      ? clock_watch_look(&c->watch, mono_ms, wall_us)
                      : clock_watch_start(&c->watch, mono_ms, wall_us, store_known_us(c->store)));
    if (c->clock_untold == CLOCK_STEADY || (c->clock_ref && mono_ms < c->clock_deadline_ms))
        return;
    static struct buf entry; /* one thread; keeps its memory */
    if (entry.max == 0)
        buf_init(&entry, 512);
    buf_reset(&entry);
    clock_put_entry(&entry, "core", c->start->zone, c->clock_untold, c->watch.step_us, wall_us);
    if (record_entry(c, &entry, &c->clock_ref) == OK)
        c->clock_deadline_ms = mono_ms + ASK_WAIT_MS;
}
