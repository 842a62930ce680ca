#include "mqtt/alias.h"

#include "mqtt/topic.h"

void
mqtt_aliases_init(struct mqtt_aliases *a, uint32_t max)
{
    *a = (struct mqtt_aliases){.max = (uint16_t)(max < MQTT_ALIASES_MAX ? max : MQTT_ALIASES_MAX)};
}

void
mqtt_aliases_fini(struct mqtt_aliases *a)
{
    for (size_t i = 0; a->topics && i < MQTT_ALIASES_MAX; i++)
        buf_fini(&a->topics[i]);
    free(a->topics);
    *a = (struct mqtt_aliases){0};
}

enum err
mqtt_alias_set(struct mqtt_aliases *a, uint16_t alias, struct bytes topic)
{
    if (alias == 0 || alias > a->max || topic.len == 0 || topic.len > MQTT_TOPIC_MAX)
        return ERR_LIMIT;
    if (!a->topics) {
        a->topics = calloc(MQTT_ALIASES_MAX, sizeof(*a->topics));
        if (!a->topics)
            return ERR_LIMIT;
        for (size_t i = 0; i < MQTT_ALIASES_MAX; i++)
            buf_init(&a->topics[i], MQTT_TOPIC_MAX);
    }
    struct buf *b = &a->topics[alias - 1];
    buf_reset(b);
    buf_put(b, topic);
    return buf_error(b);
}

bool
mqtt_alias_get(const struct mqtt_aliases *a, uint16_t alias, struct bytes *out)
{
    if (alias == 0 || alias > a->max || !a->topics || a->topics[alias - 1].len == 0)
        return false;
    *out = buf_bytes(&a->topics[alias - 1]);
    return true;
}

uint16_t
mqtt_alias_give(struct mqtt_aliases *a, struct bytes topic, bool *out_known)
{
    ASSERT(a->count <= a->max);
    *out_known = false;
    for (uint16_t i = 0; i < a->count; i++) {
        if (bytes_equal(topic, buf_bytes(&a->topics[i]))) {
            *out_known = true;
            return (uint16_t)(i + 1);
        }
    }
    if (a->count == a->max || mqtt_alias_set(a, (uint16_t)(a->count + 1), topic) != OK)
        return 0;
    return ++a->count;
}
