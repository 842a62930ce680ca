/*
 * broker_record_fuzz.c -- any bytes as records of the store: a type, an id and a record each, in
 * the order that they come. The broker takes them or says ERR_MALFORMED, works on, and ends with
 * nothing left.
 */
#include "base/fuzz.h"
#include "broker/broker.h"
#include "broker/record.h"

struct world {
    uint64_t said;
};

static bool
may_hear(void *ctx, const struct broker_session *s, const struct broker_message *m)
{
    (void)ctx;
    return s->used && m->topic.len > 0;
}

static bool
deliver(void *ctx, const struct broker_session *s, const struct broker_delivery *d)
{
    struct buf b;
    ((struct world *)ctx)->said += s->peer;
    buf_init(&b, 70000);
    message_put_properties(d->message, 0, d->ids, d->ids_count, &b);
    buf_fini(&b);
    return true;
}

static bool
release(void *ctx, const struct broker_session *s, uint16_t packet_id)
{
    ((struct world *)ctx)->said += s->peer && packet_id;
    return true;
}

static void
drop(void *ctx, uint64_t peer, uint8_t reason)
{
    ((struct world *)ctx)->said += peer && reason;
}

static bool
room(void *ctx, size_t bytes)
{
    (void)ctx;
    return bytes < 1000000;
}

static void
keep(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    (void)ctx, (void)id;
    ASSERT(type >= RECORD_TYPE_FIRST && type <= RECORD_TYPE_LAST && record.len <= RECORD_BYTES_MAX);
}

static int
class_of(void *ctx, struct bytes topic)
{
    (void)ctx;
    return topic.len % 3 == 0 ? -1 : 1;
}

static void
indexed(void *ctx, uint32_t subscription, bool there)
{
    (void)ctx;
    ASSERT(subscription > 0 || there);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct broker b; /* its tables are large, and given back below */
    struct world w = {0};
    const struct broker_ports ports = {&w,   may_hear, deliver,  release, drop,
                                       room, keep,     class_of, indexed};
    struct bytes rest = bytes_of(data, size);
    int64_t now_us = 1000000;
    broker_init(&b, &ports, 1, 16);
    uint64_t last = 0;
    for (int i = 0; i < 64 && rest.len; i++) {
        uint8_t type = fuzz_byte(&rest) % 18 + RECORD_TYPE_FIRST;
        uint64_t id = last += 1 + fuzz_byte(&rest);
        struct bytes part = fuzz_part(&rest);
        uint8_t *exact = fuzz_exact(part);
        enum err e = broker_load(&b, type, id, bytes_of(exact, part.len), now_us);
        ASSERT(e == OK || e == ERR_MALFORMED);
        free(exact);
    }
    broker_loaded(&b, now_us);
    for (int i = 0; i < 64; i++) {
        struct broker_will *will = broker_next_will(&b, now_us);
        if (will)
            broker_will_done(&b, will);
        now_us += 1000000;
    }
    for (uint32_t i = 1; i < b.session_high; i++)
        if (b.session[i].used && !b.session[i].peer) {
            b.session[i].peer = i;
            b.session[i].dirty = true;
            b.session[i].dirty_next = b.dirty;
            b.dirty = i;
        }
    broker_pump(&b, now_us);
    broker_retained_expire(&b, now_us);
    broker_tidy(&b);
    broker_fini(&b);
    return 0;
}
