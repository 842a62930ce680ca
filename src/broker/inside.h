/*
 * inside.h -- what the files of the broker share; nobody else includes it.
 */
#ifndef BROKER_INSIDE_H
#define BROKER_INSIDE_H

#include "broker/broker.h"
#include "broker/record.h"

/* An empty buffer for one record, good until the next call. */
struct buf *inside_record(void);
#define INSIDE_KEEP(b, name, id, m)                                                                \
    do {                                                                                           \
        struct buf *record_ = inside_record();                                                     \
        name##_encode(m, record_);                                                                 \
        ASSERT(buf_error(record_) == OK);                                                          \
        (b)->ports.keep((b)->ports.ctx, name##_id, id, buf_bytes(record_));                        \
    } while (0)
/* Delete a record some time later. Only for numbers that are never used again. */
void inside_forget(struct broker *b, uint8_t type, uint64_t id);

static inline uint8_t
inside_flags(uint8_t qos, bool retain)
{
    return (uint8_t)(qos | (retain ? 4 : 0));
}

/* Of the store: its subscriptions and queue are kept. */
static inline bool
inside_durable(const struct broker_session *s)
{
    return s->kept && s->expiry_s > 0;
}

void inside_dirty(struct broker *b, uint32_t session);
void inside_session_record(struct broker *b, const struct broker_session *s);
/* A free session, in its chains. 0: too many. */
uint32_t inside_session_new(struct broker *b, uint8_t kind, struct bytes name,
                            struct bytes client_id);
void inside_session_end(struct broker *b, uint32_t session);
void inside_will_due(struct broker *b, uint32_t session);

/* queue.c */
void inside_enqueue(struct broker *b, uint32_t session, struct broker_message *m, uint8_t qos,
                    bool retain, const uint32_t *ids, uint32_t ids_count);
void inside_entry_link(struct broker_session *s, struct broker_entry *e);
void inside_entry_drop(struct broker *b, struct broker_session *s, struct broker_entry *e);
void inside_queue_clear(struct broker *b, struct broker_session *s);
/* The connection is gone: what was sent waits to be sent again, QoS 0 is forgotten. */
void inside_queue_lost(struct broker *b, struct broker_session *s);

/* retained.c */
void inside_retained_put(struct broker *b, struct broker_message *m, uint64_t number,
                         uint8_t class_index);

/* FNV-1a, begun with a number that nobody outside knows. */
uint64_t inside_hash(uint64_t h, struct bytes text);

#endif
