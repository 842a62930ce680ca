/* retained.c -- the newest message of a topic, kept for who subscribes later. */
#include "broker/inside.h"
#include "mqtt/topic.h"

enum { EXPIRE_LOOKS = 256 }; /* entries looked at in one call */

static uint32_t *
bucket(const struct broker *b, struct bytes topic)
{
    return &b->retained_bucket[inside_hash(b->seed, topic) % BROKER_BUCKETS];
}

static uint32_t
find(const struct broker *b, struct bytes topic)
{
    uint32_t i = *bucket(b, topic);
    while (i && !bytes_equal(topic, b->retained[i].message->topic))
        i = b->retained[i].next;
    return i;
}

static void
drop(struct broker *b, uint32_t i)
{
    struct broker_retained *r = &b->retained[i];
    uint32_t *at = bucket(b, r->message->topic);
    while (*at != i)
        at = &b->retained[*at].next;
    *at = r->next;
    b->retained_in[r->class_index]--;
    b->retained_bytes -= r->message->size;
    b->retained_count--;
    message_release(&b->budget, r->message);
    *r = (struct broker_retained){.next = b->retained_free};
    b->retained_free = i;
}

void
inside_retained_put(struct broker *b, struct broker_message *m, uint64_t number,
                    uint8_t class_index)
{
    uint32_t i = b->retained_free ? b->retained_free : b->retained_high++;
    ASSERT(i < b->retained_max);
    struct broker_retained *r = &b->retained[i];
    if (b->retained_free)
        b->retained_free = r->next;
    uint32_t *at = bucket(b, m->topic);
    *r = (struct broker_retained){
        .message = m, .number = number, .next = *at, .class_index = class_index};
    *at = i;
    b->retained_in[class_index]++;
    b->retained_bytes += m->size;
    b->retained_count++;
}

enum err
broker_retain(struct broker *b, const struct broker_message *m, uint8_t class_index, uint32_t most,
              int64_t now_us)
{
    ASSERT(class_index < BROKER_CLASSES_MAX);
    uint32_t old = find(b, m->topic);
    bool removes = m->payload.len == 0 || message_expired(m, now_us); /* MQTT-3.3.1-6 */
    if (!old && removes)
        return OK;
    uint64_t number = old ? b->retained[old].number : b->next_number;
    if (removes) {
        b->ports.keep(b->ports.ctx, kept_retained_id, number, (struct bytes){0});
        drop(b, old);
        return OK;
    }
    size_t before = old ? b->retained[old].message->size : 0;
    if (b->retained_bytes - before + m->size > BROKER_RETAINED_BYTES_MAX ||
        (!old &&
         (b->retained_count + 1 >= b->retained_max || b->retained_in[class_index] >= most)) ||
        !b->ports.room(b->ports.ctx, m->size)) {
        b->count.refused_full++;
        return ERR_LIMIT;
    }
    struct broker_message *mine = NULL; /* a copy: the one that is sent may count its own entries */
    struct broker_message_parts parts = {m->qos,   true,          m->expires_us,
                                         m->topic, m->properties, m->payload};
    enum err e = message_new(&b->budget, &parts, now_us, &mine);
    if (e != OK)
        return e;
    if (old)
        drop(b, old);
    else
        b->next_number++;
    struct kept_retained record = {.flags = inside_flags(m->qos, true),
                                   .expires_us = m->expires_us,
                                   .topic = m->topic,
                                   .properties = m->properties,
                                   .payload = m->payload};
    INSIDE_KEEP(b, kept_retained, number, &record);
    inside_retained_put(b, mine, number, class_index);
    return OK;
}

void
broker_offer_retained(struct broker *b, uint32_t subscription, int64_t now_us)
{
    const struct broker_subscription *sub = &b->subscription[subscription];
    struct bytes filter = bytes_of(sub->filter, sub->filter_len);
    if (sub->group || sub->kind != BROKER_PLAIN) /* 4.8.2: not to groups */
        return;
    uint32_t one = mqtt_topic_is_name(filter) ? find(b, filter) : 0;
    if (one)
        broker_offer(b, subscription, b->retained[one].message, true, now_us);
    if (mqtt_topic_is_name(filter))
        return;
    for (uint32_t i = 1; i < b->retained_high; i++) {
        struct broker_message *m = b->retained[i].message;
        if (m && mqtt_filter_matches(filter, m->topic))
            broker_offer(b, subscription, m, true, now_us);
    }
}

void
broker_retained_expire(struct broker *b, int64_t now_us)
{
    for (uint32_t looked = 0; looked < EXPIRE_LOOKS && looked < b->retained_high; looked++) {
        b->retained_at = b->retained_at + 1 < b->retained_high ? b->retained_at + 1 : 1;
        const struct broker_retained *r = &b->retained[b->retained_at];
        if (!r->message || !message_expired(r->message, now_us))
            continue;
        inside_forget(b, kept_retained_id, r->number);
        drop(b, b->retained_at);
        b->count.lost_expired++;
    }
}
