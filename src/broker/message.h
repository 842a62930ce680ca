/*
 * message.h -- one message on its way to many: counted references, one allocation.
 *
 * Properties are kept as they came and in their order, but for the message expiry, which is written
 * anew at each delivery with what is left (MQTT-3.3.2-6), and the subscription identifiers, which
 * belong to one.
 */
#ifndef BROKER_MESSAGE_H
#define BROKER_MESSAGE_H

#include "base/base.h"
#include "base/buf.h"
#include "broker/budget.h"

enum { MESSAGE_BYTES_MAX = 62000 /* topic, properties and payload: one record of the store */ };

struct broker_message {
    uint32_t references;
    uint8_t qos;
    bool retain;
    uint64_t number;    /* of its own record; 0: none */
    uint32_t kept;      /* entries whose records point to it */
    int64_t expires_us; /* INT64_MAX: never */
    size_t size;        /* of the allocation */
    struct bytes topic, properties, payload;
};

struct broker_message_parts {
    uint8_t qos;
    bool retain;
    int64_t expires_us; /* in addition to what the properties say; INT64_MAX: never */
    struct bytes topic, properties, payload;
};

/* A copy, with one reference for the caller; the properties have been checked
 * (mqtt_properties_check). ERR_LIMIT: too long, or no memory in the budget. */
enum err message_new(struct budget *b, const struct broker_message_parts *parts, int64_t now_us,
                     struct broker_message **out) MUST_USE;
struct broker_message *message_get(struct broker_message *m);
void message_release(struct budget *b, struct broker_message *m); /* NULL is fine */

static inline bool
message_expired(const struct broker_message *m, int64_t now_us)
{
    return m->expires_us <= now_us;
}

/* The properties of one delivery. */
void message_put_properties(const struct broker_message *m, int64_t now_us, const uint32_t *ids,
                            uint32_t ids_count, struct buf *out);

#endif
