#include "mqtt/packet.h"

enum { ALIAS_SIZE = 3 }; /* of the property */

static void
put_head(struct buf *b, enum mqtt_type type, uint8_t flags, size_t length)
{
    if (length >= 1u << 28) {
        b->overflow = true;
        return;
    }
    buf_byte(b, (uint8_t)(type << 4 | flags));
    mqtt_put_varint(b, (uint32_t)length);
}

static size_t
properties_size(uint8_t version, struct bytes properties)
{
    ASSERT(properties.len < 1u << 28);
    return version == MQTT_V5 ? mqtt_varint_size((uint32_t)properties.len) + properties.len : 0;
}

static void
put_properties(struct buf *b, uint8_t version, struct bytes properties)
{
    if (version != MQTT_V5)
        return;
    mqtt_put_varint(b, (uint32_t)properties.len);
    buf_put(b, properties);
}

static void
put_connect(struct buf *b, const struct mqtt_connect *m)
{
    size_t length = 2 + 4 + 1 + 1 + 2 + properties_size(m->version, m->properties);
    length += 2 + m->client_id.len;
    if (m->has_will)
        length += properties_size(m->version, m->will_properties) + 2 + m->will_topic.len + 2 +
                  m->will_payload.len;
    length += m->has_user ? 2 + m->user.len : 0;
    length += m->has_password ? 2 + m->password.len : 0;
    put_head(b, MQTT_CONNECT, 0, length);
    mqtt_put_binary(b, bytes_text("MQTT"));
    buf_byte(b, m->version);
    buf_byte(b, (uint8_t)(m->clean_start << 1 | m->has_will << 2 | m->will_qos << 3 |
                          m->will_retain << 5 | m->has_password << 6 | m->has_user << 7));
    mqtt_put_number(b, m->keep_alive_s, 2);
    put_properties(b, m->version, m->properties);
    mqtt_put_binary(b, m->client_id);
    if (m->has_will) {
        put_properties(b, m->version, m->will_properties);
        mqtt_put_binary(b, m->will_topic);
        mqtt_put_binary(b, m->will_payload);
    }
    if (m->has_user)
        mqtt_put_binary(b, m->user);
    if (m->has_password)
        mqtt_put_binary(b, m->password);
}

static size_t
publish_length(uint8_t version, const struct mqtt_publish *m)
{
    size_t properties = m->properties.len + (m->alias ? ALIAS_SIZE : 0);
    ASSERT(properties < 1u << 28);
    size_t head = version == MQTT_V5 ? mqtt_varint_size((uint32_t)properties) + properties : 0;
    return 2 + m->topic.len + (m->qos ? 2 : 0) + head + m->payload.len;
}

size_t
mqtt_publish_size(uint8_t version, const struct mqtt_publish *p)
{
    size_t length = publish_length(version, p);
    return length >= 1u << 28 ? SIZE_MAX : 1 + mqtt_varint_size((uint32_t)length) + length;
}

static void
put_publish(struct buf *b, uint8_t version, const struct mqtt_publish *m)
{
    put_head(b, MQTT_PUBLISH, (uint8_t)(m->dup << 3 | m->qos << 1 | m->retain),
             publish_length(version, m));
    mqtt_put_binary(b, m->topic);
    if (m->qos)
        mqtt_put_number(b, m->packet_id, 2);
    if (version == MQTT_V5) {
        mqtt_put_varint(b, (uint32_t)m->properties.len + (m->alias ? ALIAS_SIZE : 0u));
        if (m->alias)
            mqtt_property_put_number(b, MQTT_PROPERTY_TOPIC_ALIAS, m->alias);
        buf_put(b, m->properties);
    }
    buf_put(b, m->payload);
}

/*
 * Reason 0 without properties is left out (3.4.2.1), as is an empty property length: the shortest
 * form. A packet that spelled them out is therefore written back shorter than it came.
 */
static void
put_ack(struct buf *b, uint8_t version, enum mqtt_type type, const struct mqtt_ack *m)
{
    bool has_id = type != MQTT_DISCONNECT;
    bool has_properties = version == MQTT_V5 && m->properties.len;
    bool has_reason = version == MQTT_V5 && (m->reason || has_properties);
    size_t length = (has_id ? 2u : 0u) + (has_reason ? 1u : 0u);
    if (has_properties)
        length += properties_size(version, m->properties);
    put_head(b, type, type == MQTT_PUBREL ? 2 : 0, length);
    if (has_id)
        mqtt_put_number(b, m->packet_id, 2);
    if (has_reason)
        buf_byte(b, m->reason);
    if (has_properties)
        put_properties(b, version, m->properties);
}

static void
put_filters(struct buf *b, uint8_t version, enum mqtt_type type, const struct mqtt_filters *m)
{
    size_t length = 2 + properties_size(version, m->properties);
    for (size_t i = 0; i < m->count; i++)
        length += 2 + m->filter[i].text.len + (type == MQTT_SUBSCRIBE ? 1u : 0u);
    put_head(b, type, 2, length);
    mqtt_put_number(b, m->packet_id, 2);
    put_properties(b, version, m->properties);
    for (size_t i = 0; i < m->count; i++) {
        mqtt_put_binary(b, m->filter[i].text);
        if (type == MQTT_SUBSCRIBE)
            buf_byte(b, m->filter[i].options);
    }
}

void
mqtt_put(struct buf *b, uint8_t version, const struct mqtt_packet *p)
{
    switch (p->type) {
    case MQTT_CONNECT:
        put_connect(b, &p->connect);
        return;
    case MQTT_PUBLISH:
        put_publish(b, version, &p->publish);
        return;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_DISCONNECT:
        put_ack(b, version, p->type, &p->ack);
        return;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        put_filters(b, version, p->type, &p->filters);
        return;
    case MQTT_PINGREQ:
        put_head(b, MQTT_PINGREQ, 0, 0);
        return;
    case MQTT_WILL:
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
    case MQTT_AUTH:
    case MQTT_DELIVERY:
    case MQTT_TYPE_COUNT:
    default:
        assert_failed("a packet that mqtt_decode() does not read", __FILE__, __LINE__);
    }
}

void
mqtt_put_connack(struct buf *b, uint8_t version, bool session_present, uint8_t code,
                 struct bytes properties)
{
    put_head(b, MQTT_CONNACK, 0, 2 + properties_size(version, properties));
    buf_byte(b, session_present);
    buf_byte(b, code);
    put_properties(b, version, properties);
}

void
mqtt_put_codes(struct buf *b, uint8_t version, enum mqtt_type type, uint16_t packet_id,
               struct bytes properties, struct bytes codes)
{
    ASSERT(type == MQTT_SUBACK || type == MQTT_UNSUBACK);
    if (type == MQTT_UNSUBACK && version != MQTT_V5)
        codes.len = 0;
    put_head(b, type, 0, 2 + properties_size(version, properties) + codes.len);
    mqtt_put_number(b, packet_id, 2);
    put_properties(b, version, properties);
    buf_put(b, codes);
}

void
mqtt_put_pingresp(struct buf *b)
{
    put_head(b, MQTT_PINGRESP, 0, 0);
}
