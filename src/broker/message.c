#include "broker/message.h"

#include "mqtt/property.h"

static int64_t
expiry_of(struct bytes properties, int64_t now_us, int64_t most_us)
{
    struct mqtt_property p;
    if (!mqtt_property_find(properties, MQTT_PROPERTY_MESSAGE_EXPIRY, &p))
        return most_us;
    int64_t at_us = now_us + (int64_t)p.number * 1000000;
    return at_us < most_us ? at_us : most_us;
}

static struct bytes
append(uint8_t **at, struct bytes what)
{
    if (what.len)
        memcpy(*at, what.p, what.len);
    struct bytes kept = bytes_of(*at, what.len);
    *at += what.len;
    return kept;
}

enum err
message_new(struct budget *b, const struct broker_message_parts *parts, int64_t now_us,
            struct broker_message **out)
{
    size_t bytes = parts->topic.len + parts->properties.len + parts->payload.len;
    if (bytes > MESSAGE_BYTES_MAX)
        return ERR_LIMIT;
    size_t size = sizeof(struct broker_message) + bytes;
    struct broker_message *m = budget_take(b, size);
    if (!m)
        return ERR_LIMIT;
    uint8_t *at = (uint8_t *)(m + 1);
    *m = (struct broker_message){.references = 1,
                                 .qos = parts->qos,
                                 .retain = parts->retain,
                                 .expires_us =
                                     expiry_of(parts->properties, now_us, parts->expires_us),
                                 .size = size};
    m->topic = append(&at, parts->topic);
    m->properties = append(&at, parts->properties);
    m->payload = append(&at, parts->payload);
    *out = m;
    return OK;
}

struct broker_message *
message_get(struct broker_message *m)
{
    m->references++;
    return m;
}

void
message_release(struct budget *b, struct broker_message *m)
{
    if (!m)
        return;
    ASSERT(m->references > 0);
    if (--m->references == 0)
        budget_give(b, m, m->size);
}

void
message_put_properties(const struct broker_message *m, int64_t now_us, const uint32_t *ids,
                       uint32_t ids_count, struct buf *out)
{
    struct bytes rest = m->properties;
    struct mqtt_property p;
    bool expires = false;
    while (mqtt_property_next(&rest, &p)) {
        if (p.id == MQTT_PROPERTY_MESSAGE_EXPIRY)
            expires = true;
        else if (p.id != MQTT_PROPERTY_SUBSCRIPTION_ID && p.id != MQTT_PROPERTY_TOPIC_ALIAS &&
                 p.id != MQTT_PROPERTY_WILL_DELAY)
            mqtt_property_put(out, &p);
    }
    if (expires) {
        int64_t left_us = m->expires_us > now_us ? m->expires_us - now_us : 0;
        int64_t left_s = left_us / 1000000 + (left_us % 1000000 > 0);
        mqtt_property_put_number(out, MQTT_PROPERTY_MESSAGE_EXPIRY,
                                 left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX);
    }
    for (uint32_t i = 0; i < ids_count; i++)
        mqtt_property_put_number(out, MQTT_PROPERTY_SUBSCRIPTION_ID, ids[i]);
}
