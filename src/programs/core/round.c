/* round.c -- one batch of the store, and what may leave once it is durable. */
#include "programs/core/core.h"

#include "base/text.h"
#include "runtime/log.h"

#include <time.h>

void
round_init(struct core *c)
{
    arena_init(&c->round.arena, ROUND_BYTES);
}

static void
round_reset(struct round *r)
{
    r->acks_count = r->stored_count = r->decided = r->bytes = 0;
    arena_reset(&r->arena);
}

static void
answer_ask(struct core *c, const struct ack *a, bool durable)
{
    struct request *ask = ask_of(c, a->ask, a->generation);
    if (!ask || ask->state != ASK_COMMIT)
        return;
    if (!durable) {
        struct refusal why;
        refuse(&why, 503, REASON_IMPLEMENTATION, "The store failed; nothing was kept.");
        ask_refuse(ask, &why);
    }
    ask_send(c, ask);
}

static enum err
send_ack(struct core *c, const struct ack *a, uint8_t reason, struct bytes why)
{
    struct channel *gate = &c->gate.channel;
    struct subscribed s = {a->peer, a->ref, reason, why};
    struct published p = {a->peer, a->ref, reason, why};
    struct session_opened o = {.peer = a->peer,
                               .reason = reason,
                               .session_present = a->present && reason == 0,
                               .session_expiry_s = a->expiry_s,
                               .why = why};
    if (a->kind == ACK_SUBSCRIBED)
        return CHANNEL_SEND(gate, subscribed, &s);
    if (a->kind == ACK_PUBLISHED)
        return CHANNEL_SEND(gate, published, &p);
    o.client_id = bytes_text(a->given_id);
    return CHANNEL_SEND(gate, session_opened, &o);
}

static void
answer_acks(struct core *c, bool durable)
{
    struct round *r = &c->round;
    for (uint32_t i = 0; i < r->acks_count; i++) {
        const struct ack *a = &r->acks[i];
        if (a->kind == ACK_ASK) {
            answer_ask(c, a, durable);
            continue;
        }
        enum err e = durable ? send_ack(c, a, a->reason, bytes_text(a->why))
                             : send_ack(c, a, REASON_IMPLEMENTATION,
                                        bytes_text("the store failed; nothing was kept"));
        if (e != OK)
            log_event("ack_lost", "peer=%llu", (unsigned long long)a->peer);
    }
}

/* What was stored goes to the service and to who subscribed. They may wish commands; what has to
 * wait for a session that is kept goes into the next batch. */
static void
tell_stored(struct core *c)
{
    struct round *r = &c->round;
    for (uint32_t i = 0; i < r->stored_count; i++) {
        const struct stored *s = &r->stored[i];
        bool lease = c->streams[s->stream].tells_leases, own = c->streams[s->stream].own;
        c->count.stored += !own;
        c->count.told += own;
        c->count.obeyed += lease;
        if ((c->service->stored && !own) || lease) {
            struct service_stream stream;
            streams_describe(c, s->stream, &stream);
            if (lease)
                tasks_reported(c, &stream, &s->value);
            if (c->service->stored)
                c->service->stored(c->self, &stream, &s->value);
        }
        if (c->streams[s->stream].hears || c->hears_any)
            topics_deliver(c, s);
    }
}

/* Not many messages a batch: wait a moment for more of them; one durable write serves them all. */
void
round_gather(struct core *c)
{
    struct round *r = &c->round;
    if (!c->loop || r->last_batch < ROUND_GATHER_FROM || r->last_batch >= ROUND_GATHER_BELOW ||
        r->decided >= ROUND_GATHER_BELOW || r->decided == 0)
        return;
    if (r->gather_rest) {
        r->gather_rest--;
        return;
    }
    uint32_t before = r->decided;
    link_flush(&c->warden, true); /* a wish does not wait */
    struct timespec pause = {.tv_nsec = ROUND_GATHER_US * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    if (!record_outbox_full(c))
        link_read(&c->gate, gate_frame, c);
    if (r->decided >= before && r->decided - before < before / 4 + 1)
        r->gather_rest = ROUND_GATHER_REST; /* all who send wait for us: do not keep them */
}

bool
round_commit(struct core *c)
{
    struct round *r = &c->round;
    if (r->acks_count == 0 && r->stored_count == 0 && !store_dirty(c->store))
        return !c->store_failed;
    bool durable = !c->store_failed;
    enum err failed = OK;
    ASSERT(!c->committing);
    c->committing = true;
    if (durable && store_dirty(c->store)) {
        enum err e = store_commit(c->store);
        if (e != OK) {
            log_event("commit_failed", "error=\"%s\" messages=%u", err_text(e), r->decided);
            durable = false;
            c->store_failed = true;
            failed = e;
        }
    }
    answer_acks(c, durable);
    if (durable)
        tell_stored(c);
    r->last_batch = r->decided;
    round_reset(r);
    c->committing = false;
    if (failed != OK)
        core_store_failed(c, failed);
    return durable;
}

/* What a message takes beside its bytes, its leaf among it; and a row of many, which has none. */
enum { LEAF_BYTES = 128, ROW_BYTES = 96 };

static bool
is_full(const struct round *r, size_t bytes)
{
    /* A service may put longer text in the place of what came. */
    enum { ADMITTED_BYTES = 2 * STORE_TEXT_MAX + 4096 };
    return r->acks_count + 1 >= ROUND_ACKS_MAX || r->stored_count + 1 >= ROUND_STORED_MAX ||
           r->bytes + bytes + LEAF_BYTES > STORE_BATCH_BYTES_MAX / 2 ||
           r->arena.used + bytes + ADMITTED_BYTES > r->arena.size;
}

void
round_room(struct core *c, size_t bytes)
{
    struct round *r = &c->round;
    if (is_full(r, bytes))
        round_commit(c);
    r->bytes += (uint32_t)(bytes + LEAF_BYTES);
}

bool
round_row(struct core *c, size_t bytes)
{
    struct round *r = &c->round;
    if (is_full(r, bytes + ROW_BYTES))
        return false;
    r->bytes += (uint32_t)(bytes + ROW_BYTES);
    return true;
}

static const char *
keep_text(struct round *r, const char *text)
{
    if (!text || !text[0])
        return "";
    struct bytes copy = arena_dup(&r->arena, bytes_text(text));
    return copy.p ? (const char *)copy.p : "refused";
}

void
round_ack(struct core *c, uint64_t peer, uint32_t ref, uint8_t reason, const char *why)
{
    struct round *r = &c->round;
    if (ref == 0)
        return; /* QoS 0: nobody waits */
    ASSERT(r->acks_count < ROUND_ACKS_MAX);
    r->acks[r->acks_count++] =
        (struct ack){.peer = peer, .ref = ref, .reason = reason, .why = keep_text(r, why)};
}

void
round_subscribed(struct core *c, uint64_t peer, uint32_t ref, uint8_t reason, const char *why)
{
    struct round *r = &c->round;
    round_room(c, 0);
    r->acks[r->acks_count++] = (struct ack){.kind = ACK_SUBSCRIBED,
                                            .peer = peer,
                                            .ref = ref,
                                            .reason = reason,
                                            .why = keep_text(r, why)};
}

void
round_opened(struct core *c, uint64_t peer, uint8_t reason, const char *why, bool present,
             uint32_t expiry_s, const char *given_id)
{
    struct round *r = &c->round;
    round_room(c, 0);
    r->acks[r->acks_count++] = (struct ack){.kind = ACK_OPENED,
                                            .peer = peer,
                                            .reason = reason,
                                            .present = present,
                                            .expiry_s = expiry_s,
                                            .why = keep_text(r, why),
                                            .given_id = keep_text(r, given_id)};
}

void
round_ask(struct core *c, struct request *ask)
{
    struct round *r = &c->round;
    if (r->acks_count >= ROUND_ACKS_MAX)
        round_commit(c);
    ask->state = ASK_COMMIT;
    r->acks[r->acks_count++] = (struct ack){.kind = ACK_ASK,
                                            .peer = ask->peer,
                                            .ref = ask->ref,
                                            .ask = (uint16_t)(ask - c->asks),
                                            .generation = ask->generation};
}

void
round_decide(struct core *c, const char *device, uint32_t stream, uint64_t n, const char *reason)
{
    static struct buf leaf; /* one thread; keeps its memory */
    if (leaf.max == 0)
        buf_init(&leaf, 2048);
    buf_reset(&leaf);
    buf_text(&leaf, "{\"d\":\""); /* piece by piece: this is the hot path */
    buf_text(&leaf, device);
    buf_text(&leaf, "\",\"s\":");
    buf_u64_decimal(&leaf, stream);
    buf_text(&leaf, ",\"n\":");
    if (n == UINT64_MAX)
        buf_text(&leaf, "null");
    else
        buf_u64_decimal(&leaf, n);
    if (reason) {
        buf_text(&leaf, ",\"v\":\"refuse\",\"r\":");
        text_put_json(&leaf, bytes_text(reason));
    } else {
        buf_text(&leaf, ",\"v\":\"accept\"");
    }
    buf_text(&leaf, "}");
    ASSERT(buf_error(&leaf) == OK); /* names are at most 48 bytes, reasons 300 */
    if (c->store_failed || store_decide(c->store, buf_bytes(&leaf)) != OK)
        log_event("leaf_lost", "stream=%u", stream);
    c->round.decided++;
}

void
round_decide_rows(struct core *c, const char *by, const struct round_rows *rows)
{
    static struct buf leaf; /* one thread; keeps its memory */
    if (leaf.max == 0)
        buf_init(&leaf, 4096);
    buf_reset(&leaf);
    buf_format(&leaf,
               "{\"d\":\"%s\",\"v\":\"rows\",\"s\":%u,\"n\":%llu,\"kept\":%u,\"notKept\":%u,"
               "\"refused\":%u",
               by, rows->stream, (unsigned long long)rows->n, rows->kept, rows->not_kept,
               rows->refused);
    if (rows->why[0]) {
        buf_text(&leaf, ",\"r\":");
        text_put_json(&leaf, bytes_text(rows->why));
    }
    buf_byte(&leaf, '}');
    ASSERT(buf_error(&leaf) == OK); /* names are at most 49 bytes, reasons 300 */
    if (c->store_failed || store_decide(c->store, buf_bytes(&leaf)) != OK)
        log_event("leaf_lost", "rows=%u", rows->kept);
    c->round.decided += rows->kept + rows->not_kept + rows->refused;
}

bool
round_fits(const struct core *c, const struct observation *o)
{
    const struct round *r = &c->round;
    return r->stored_count < ROUND_STORED_MAX &&
           r->arena.used + o->text.len + o->extra.len + 64 <= r->arena.size;
}

void
round_forget(struct core *c)
{
    c->round.stored_count = 0;
}

void
round_decide_topic(struct core *c, const char *device, struct bytes topic, const char *reason)
{
    enum { TOPIC_SHOWN = 256 };
    static struct buf leaf; /* one thread; keeps its memory */
    if (leaf.max == 0)
        buf_init(&leaf, 4096);
    buf_reset(&leaf);
    buf_format(&leaf, "{\"d\":\"%s\",\"t\":", device);
    text_put_json(&leaf, bytes_of(topic.p, topic.len < TOPIC_SHOWN ? topic.len : TOPIC_SHOWN));
    buf_format(&leaf, ",\"v\":\"%s\"", reason ? "refuse" : "accept");
    if (reason) {
        buf_text(&leaf, ",\"r\":");
        text_put_json(&leaf, bytes_text(reason));
    }
    buf_text(&leaf, "}");
    ASSERT(buf_error(&leaf) == OK); /* an escaped byte has at most 6 */
    if (c->store_failed || store_decide(c->store, buf_bytes(&leaf)) != OK)
        log_event("leaf_lost", "topic_bytes=%zu", topic.len);
    c->round.decided++;
}

void
round_keep(struct core *c, uint32_t stream, uint64_t n, const struct observation *o)
{
    struct round *r = &c->round;
    ASSERT(r->stored_count < ROUND_STORED_MAX);
    struct stored *s = &r->stored[r->stored_count++];
    *s = (struct stored){stream, n, *o};
    if (o->text.len)
        s->value.text = arena_dup(&r->arena, o->text);
    if (o->extra.len)
        s->value.extra = arena_dup(&r->arena, o->extra);
    ASSERT((!o->text.len || s->value.text.p) && (!o->extra.len || s->value.extra.p));
}
