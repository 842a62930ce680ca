/*
 * broker_test.h -- a broker with everything else played by the test: a store that is a map with a
 * batch in front of it, clients that are lists of what they heard. For tests and fuzz targets only,
 * which is why everything is static here.
 */
#ifndef BROKER_BROKER_TEST_H
#define BROKER_BROKER_TEST_H

#include "base/test.h"
#include "broker/broker.h"
#include "broker/record.h"

enum { BENCH_RECORDS_MAX = 20000, BENCH_HEARD_MAX = 8192, BENCH_S = 1000000 };

struct bench_record {
    uint8_t type;
    uint64_t id;
    uint8_t *p; /* NULL: deleted */
    size_t len;
};

struct bench_heard {
    uint64_t peer;
    uint16_t packet_id;
    uint8_t flags;
    bool release;
    char topic[64], payload[64];
    uint32_t ids[4], ids_count;
    uint32_t expiry; /* of the properties; UINT32_MAX: none */
};

struct bench {
    struct broker broker;
    bool open;
    uint32_t divisor; /* of the tables; 0: none */
    int64_t now_us;
    struct bench_record kept[BENCH_RECORDS_MAX];
    size_t kept_count;
    struct bench_record batch[BENCH_RECORDS_MAX];
    size_t batch_count;
    struct bench_heard heard[BENCH_HEARD_MAX];
    size_t heard_count;
    uint64_t dropped_peer;
    uint8_t dropped_reason;
    bool full;        /* the store has no room */
    size_t takes;     /* deliveries until the channel is full */
    const char *deaf; /* the name that may not hear */
    uint64_t indexed;
    uint64_t written; /* records that ever came into a batch */
};

static bool
bench_may_hear(void *ctx, const struct broker_session *s, const struct broker_message *m)
{
    const struct bench *t = ctx;
    CHECK(m->topic.len > 0);
    return !t->deaf || strcmp(s->name, t->deaf) != 0;
}

static struct bench_heard *
bench_hear(struct bench *t, const struct broker_session *s)
{
    CHECK(s->peer && t->heard_count < BENCH_HEARD_MAX);
    struct bench_heard *h = &t->heard[t->heard_count++];
    *h = (struct bench_heard){.peer = s->peer, .expiry = UINT32_MAX};
    return h;
}

static bool
bench_deliver(void *ctx, const struct broker_session *s, const struct broker_delivery *d)
{
    struct bench *t = ctx;
    if (t->takes == 0)
        return false;
    t->takes--;
    struct bench_heard *h = bench_hear(t, s);
    h->packet_id = d->packet_id;
    h->flags = d->flags;
    CHECK_OK(bytes_copy_text(d->message->topic, h->topic, sizeof(h->topic)));
    CHECK_OK(bytes_copy_text(d->message->payload, h->payload, sizeof(h->payload)));
    for (h->ids_count = 0; h->ids_count < d->ids_count && h->ids_count < 4; h->ids_count++)
        h->ids[h->ids_count] = d->ids[h->ids_count];
    struct buf b;
    buf_init(&b, 10000);
    message_put_properties(d->message, t->now_us, d->ids, d->ids_count, &b);
    for (size_t i = 0; i + 5 <= b.len && i == 0; i++)
        if (b.p[0] == 2)
            h->expiry =
                (uint32_t)b.p[1] << 24 | (uint32_t)b.p[2] << 16 | (uint32_t)b.p[3] << 8 | b.p[4];
    buf_fini(&b);
    return true;
}

static bool
bench_release(void *ctx, const struct broker_session *s, uint16_t packet_id)
{
    struct bench_heard *h = bench_hear(ctx, s);
    h->release = true;
    h->packet_id = packet_id;
    return true;
}

static void
bench_drop(void *ctx, uint64_t peer, uint8_t reason)
{
    struct bench *t = ctx;
    t->dropped_peer = peer;
    t->dropped_reason = reason;
}

static bool
bench_room(void *ctx, size_t bytes)
{
    const struct bench *t = ctx;
    CHECK(bytes > 0);
    return !t->full;
}

static void
bench_keep(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    struct bench *t = ctx;
    CHECK(t->batch_count < BENCH_RECORDS_MAX && type >= RECORD_TYPE_FIRST &&
          type <= RECORD_TYPE_LAST && record.len < RECORD_BYTES_MAX);
    struct bench_record *r = &t->batch[t->batch_count++];
    *r = (struct bench_record){.type = type, .id = id, .len = record.len};
    if (record.len) {
        r->p = malloc(record.len);
        CHECK(r->p);
        memcpy(r->p, record.p, record.len);
    }
    t->written++;
}

static int
bench_class_of(void *ctx, struct bytes topic)
{
    (void)ctx;
    return bytes_start(topic, "gone/") ? -1 : 1;
}

static void
bench_indexed(void *ctx, uint32_t subscription, bool there)
{
    struct bench *t = ctx;
    CHECK(subscription);
    t->indexed += there ? 1 : UINT64_MAX;
}

/* ---- the store ------------------------------------------------------------------------------- */

/* Make the batch durable, then let everything be sent: what the core does in a round. */
static void
bench_commit(struct bench *t)
{
    for (size_t i = 0; i < t->batch_count; i++) {
        struct bench_record *r = &t->batch[i];
        size_t at = 0;
        while (at < t->kept_count && (t->kept[at].type != r->type || t->kept[at].id != r->id))
            at++;
        if (at < t->kept_count) {
            free(t->kept[at].p);
            t->kept[at] = t->kept[--t->kept_count];
        }
        if (r->p) {
            CHECK(t->kept_count < BENCH_RECORDS_MAX);
            t->kept[t->kept_count++] = *r;
        }
    }
    t->batch_count = 0;
    broker_pump(&t->broker, t->now_us);
}

static int
by_type_and_id(const void *a, const void *b)
{
    const struct bench_record *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void
bench_start(struct bench *t)
{
    const struct broker_ports ports = {
        t,          bench_may_hear, bench_deliver,  bench_release, bench_drop,
        bench_room, bench_keep,     bench_class_of, bench_indexed};
    broker_init(&t->broker, &ports, 7, t->divisor ? t->divisor : 1);
    t->open = true;
    t->takes = SIZE_MAX;
    t->indexed = 0;
    qsort(t->kept, t->kept_count, sizeof(t->kept[0]), by_type_and_id);
    for (size_t i = 0; i < t->kept_count; i++)
        CHECK_OK(broker_load(&t->broker, t->kept[i].type, t->kept[i].id,
                             bytes_of(t->kept[i].p, t->kept[i].len), t->now_us));
    broker_loaded(&t->broker, t->now_us);
}

/* The power goes: the batch was never there, the memory is gone. */
static UNUSED void
bench_crash(struct bench *t)
{
    for (size_t i = 0; i < t->batch_count; i++)
        free(t->batch[i].p);
    t->batch_count = 0;
    broker_fini(&t->broker);
    bench_start(t);
}

static struct bench *
bench_small(uint32_t divisor)
{
    struct bench *t = calloc(1, sizeof(*t));
    CHECK(t);
    t->divisor = divisor;
    t->now_us = 1000LL * BENCH_S;
    bench_start(t);
    return t;
}

static UNUSED struct bench *
bench_new(void)
{
    return bench_small(1);
}

static void
bench_free(struct bench *t)
{
    broker_fini(&t->broker);
    for (size_t i = 0; i < t->batch_count; i++)
        free(t->batch[i].p);
    for (size_t i = 0; i < t->kept_count; i++)
        free(t->kept[i].p);
    free(t);
}

static UNUSED size_t
bench_records(const struct bench *t, uint8_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < t->kept_count; i++)
        n += type == 0 || t->kept[i].type == type;
    return n;
}

/* ---- clients --------------------------------------------------------------------------------- */

static UNUSED struct broker_connect
bench_connect(uint64_t peer, const char *name, uint32_t expiry_s)
{
    return (struct broker_connect){.peer = peer,
                                   .kind = 1,
                                   .version = 5,
                                   .name = bytes_text(name),
                                   .client_id = bytes_text(name),
                                   .expiry_s = expiry_s,
                                   .receive_maximum = 65535};
}

static UNUSED uint32_t
bench_open(struct bench *t, uint64_t peer, const char *name, uint32_t expiry_s, bool *present)
{
    struct broker_connect m = bench_connect(peer, name, expiry_s);
    uint32_t session;
    bool there;
    CHECK_OK(broker_open(&t->broker, &m, t->now_us, &session, &there));
    if (present)
        *present = there;
    return session;
}

static UNUSED void
bench_subscribe(struct bench *t, uint32_t session, const char *filter, uint8_t options,
                uint32_t identifier)
{
    uint32_t i;
    bool fresh;
    CHECK_OK(broker_subscribe(&t->broker, session, BROKER_PLAIN, bytes_text(filter), options,
                              identifier, &i, &fresh));
}

static UNUSED enum err
bench_publish(struct bench *t, uint32_t from, const char *topic, const char *payload, uint8_t qos,
              bool retain)
{
    struct broker_message_parts parts = {.qos = qos,
                                         .retain = retain,
                                         .expires_us = INT64_MAX,
                                         .topic = bytes_text(topic),
                                         .payload = bytes_text(payload)};
    struct broker_message *m;
    CHECK_OK(message_new(&t->broker.budget, &parts, t->now_us, &m));
    enum err e = broker_publish(&t->broker, BROKER_PLAIN, m, from, t->now_us);
    if (e == OK && retain)
        e = broker_retain(&t->broker, m, 1, 100, t->now_us);
    message_release(&t->broker.budget, m);
    return e;
}

#endif
