#include "mqtt/packet.h"

#include "mqtt/cursor.h"
#include "mqtt/topic.h"

/* The flags that the fixed header must hold (2.1.3); PUBLISH has its own. */
static const uint8_t flags_of[MQTT_TYPE_COUNT] = {
    [MQTT_PUBREL] = 2,
    [MQTT_SUBSCRIBE] = 2,
    [MQTT_UNSUBSCRIBE] = 2,
};

static const bool from_client[MQTT_TYPE_COUNT] = {
    [MQTT_CONNECT] = true,    [MQTT_PUBLISH] = true,     [MQTT_PUBACK] = true,
    [MQTT_PUBREC] = true,     [MQTT_PUBREL] = true,      [MQTT_PUBCOMP] = true,
    [MQTT_SUBSCRIBE] = true,  [MQTT_UNSUBSCRIBE] = true, [MQTT_PINGREQ] = true,
    [MQTT_DISCONNECT] = true, [MQTT_AUTH] = true,
};

enum err
mqtt_frame_find(struct bytes in, size_t limit, struct mqtt_frame *out)
{
    if (in.len == 0)
        return ERR_AGAIN;
    enum mqtt_type type = (enum mqtt_type)(in.p[0] >> 4);
    uint8_t flags = in.p[0] & 15;
    if (type == MQTT_WILL)
        return ERR_MALFORMED;
    if (!from_client[type])
        return ERR_WRONG_STATE;
    if (type != MQTT_PUBLISH && flags != flags_of[type])
        return ERR_MALFORMED;

    uint32_t length = 0;
    size_t at = 1;
    for (;; at++) {
        if (at == 5)
            return ERR_MALFORMED;
        if (at == in.len)
            return ERR_AGAIN;
        length |= (uint32_t)(in.p[at] & 0x7F) << (7 * (at - 1));
        if (!(in.p[at] & 0x80))
            break;
    }
    if (in.p[at] == 0 && at > 1)
        return ERR_MALFORMED; /* longer than it needs to be (MQTT-1.5.5-1) */
    at++;
    if (at + length > limit)
        return ERR_LIMIT;
    if (in.len - at < length)
        return ERR_AGAIN;
    *out = (struct mqtt_frame){type, flags, bytes_of(in.p + at, length), at + length};
    return OK;
}

/* The property length and that many bytes, checked. */
static enum err
read_properties(struct cursor *c, uint8_t version, enum mqtt_type in, struct bytes *out)
{
    *out = (struct bytes){NULL, 0};
    if (version != MQTT_V5)
        return OK;
    uint32_t n = cursor_varint(c);
    struct bytes properties = cursor_take(c, n);
    if (c->bad)
        return ERR_MALFORMED;
    enum err e = mqtt_properties_check(properties, in);
    if (e == OK && properties.len)
        *out = properties;
    return e;
}

/* No wildcard and no control character (MQTT-3.3.2-2, 1.5.4); the cursor saw to UTF-8. */
static bool
topic_is_clean(struct bytes topic)
{
    return mqtt_topic_is_printable(topic) && bytes_find(topic, '+') == topic.len &&
           bytes_find(topic, '#') == topic.len;
}

static enum err
read_will(struct cursor *c, uint8_t version, struct mqtt_connect *m)
{
    if (!m->has_will)
        return m->will_qos || m->will_retain ? ERR_MALFORMED : OK;
    if (m->will_qos > 2)
        return ERR_MALFORMED;
    enum err e = read_properties(c, version, MQTT_WILL, &m->will_properties);
    if (e != OK)
        return e;
    m->will_topic = cursor_text(c);
    m->will_payload = cursor_binary(c);
    if (c->bad || m->will_topic.len == 0 || !topic_is_clean(m->will_topic))
        return ERR_MALFORMED;
    return OK;
}

static enum err
decode_connect(struct cursor *c, struct mqtt_connect *m)
{
    struct bytes name = cursor_text(c);
    uint8_t version = (uint8_t)cursor_number(c, 1);
    if (c->bad)
        return ERR_MALFORMED;
    if (!bytes_are(name, "MQTT") || (version != MQTT_V311 && version != MQTT_V5))
        return ERR_UNSUPPORTED;
    uint8_t flags = (uint8_t)cursor_number(c, 1);
    *m = (struct mqtt_connect){
        .version = version,
        .clean_start = flags & 2,
        .has_will = flags & 4,
        .will_qos = flags >> 3 & 3,
        .will_retain = flags & 0x20,
        .has_password = flags & 0x40,
        .has_user = flags & 0x80,
        .keep_alive_s = (uint16_t)cursor_number(c, 2),
    };
    if (flags & 1)
        return ERR_MALFORMED; /* MQTT-3.1.2-3 */
    if (version == MQTT_V311 && m->has_password && !m->has_user)
        return ERR_MALFORMED; /* 3.1.1: MQTT-3.1.2-22 */
    enum err e = read_properties(c, version, MQTT_CONNECT, &m->properties);
    if (e != OK)
        return e;
    m->client_id = cursor_text(c);
    e = read_will(c, version, m);
    if (e != OK)
        return e;
    if (m->has_user)
        m->user = cursor_text(c);
    if (m->has_password)
        m->password = cursor_binary(c);
    return OK;
}

static enum err
decode_publish(struct cursor *c, uint8_t flags, uint8_t version, struct mqtt_publish *m)
{
    *m = (struct mqtt_publish){.dup = flags & 8, .qos = flags >> 1 & 3, .retain = flags & 1};
    if (m->qos > 2 || (m->qos == 0 && m->dup))
        return ERR_MALFORMED; /* MQTT-3.3.1-4, MQTT-3.3.1-2 */
    m->topic = cursor_text(c);
    if (m->qos)
        m->packet_id = (uint16_t)cursor_number(c, 2);
    enum err e = read_properties(c, version, MQTT_PUBLISH, &m->properties);
    if (e != OK)
        return e;
    if (c->bad || !topic_is_clean(m->topic))
        return ERR_MALFORMED;
    if (m->qos && m->packet_id == 0)
        return ERR_WRONG_STATE; /* MQTT-2.2.1-3 */
    struct mqtt_property p;
    if (m->topic.len == 0 &&
        (version != MQTT_V5 || !mqtt_property_find(m->properties, MQTT_PROPERTY_TOPIC_ALIAS, &p)))
        return ERR_WRONG_STATE; /* 3.3.2.1 */
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_RESPONSE_TOPIC, &p) &&
        (p.value.len == 0 || !topic_is_clean(p.value)))
        return ERR_WRONG_STATE; /* MQTT-3.3.2-14 */
    m->payload = cursor_take(c, c->rest.len);
    return OK;
}

/* The reasons that a client may give (2.4). */
static bool
reason_is_legal(enum mqtt_type type, uint8_t reason)
{
    static const uint8_t received[] = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
    static const uint8_t released[] = {0x00, 0x92};
    static const uint8_t goodbye[] = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90,
                                      0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
    if (type == MQTT_DISCONNECT)
        return memchr(goodbye, reason, sizeof(goodbye));
    if (type == MQTT_PUBREL || type == MQTT_PUBCOMP)
        return memchr(released, reason, sizeof(released));
    return memchr(received, reason, sizeof(received));
}

/*
 * PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT: reason and properties may both be left out
 * (3.4.2.1).
 */
static enum err
decode_ack(struct cursor *c, enum mqtt_type type, uint8_t version, struct mqtt_ack *m)
{
    *m = (struct mqtt_ack){0};
    if (type != MQTT_DISCONNECT) {
        m->packet_id = (uint16_t)cursor_number(c, 2);
        if (!c->bad && m->packet_id == 0)
            return ERR_WRONG_STATE;
    }
    if (version != MQTT_V5 || c->rest.len == 0)
        return OK;
    m->reason = (uint8_t)cursor_number(c, 1);
    enum err e = c->rest.len ? read_properties(c, version, type, &m->properties) : OK;
    return e == OK && !reason_is_legal(type, m->reason) ? ERR_WRONG_STATE : e;
}

static enum err
decode_filters(struct cursor *c, enum mqtt_type type, uint8_t version, struct mqtt_filters *m)
{
    m->count = 0;
    m->packet_id = (uint16_t)cursor_number(c, 2);
    enum err e = read_properties(c, version, type, &m->properties);
    if (e != OK)
        return e;
    if (!c->bad && m->packet_id == 0)
        return ERR_WRONG_STATE;
    while (c->rest.len && !c->bad) {
        if (m->count == MQTT_FILTERS_MAX)
            return ERR_LIMIT;
        struct mqtt_filter *f = &m->filter[m->count++];
        *f = (struct mqtt_filter){.text = cursor_text(c)};
        if (f->text.len == 0)
            return ERR_MALFORMED; /* MQTT-4.7.3-1 */
        if (type == MQTT_UNSUBSCRIBE)
            continue;
        f->options = (uint8_t)cursor_number(c, 1);
        uint8_t reserved = version == MQTT_V5 ? 0xC0 : 0xFC;
        if (f->options & reserved)
            return ERR_MALFORMED; /* MQTT-3.8.3-5 */
        if ((f->options & 3) == 3 || (f->options & 0x30) == 0x30)
            return version == MQTT_V5 ? ERR_WRONG_STATE : ERR_MALFORMED; /* 3.8.3.1 */
    }
    return m->count ? OK : ERR_WRONG_STATE; /* MQTT-3.8.3-2 */
}

enum err
mqtt_decode(const struct mqtt_frame *frame, uint8_t version, struct mqtt_packet *out)
{
    struct cursor c = {frame->body, false};
    struct mqtt_packet p;
    p.type = frame->type;
    enum err e = OK;
    switch (frame->type) {
    case MQTT_CONNECT:
        e = decode_connect(&c, &p.connect);
        break;
    case MQTT_PUBLISH:
        e = decode_publish(&c, frame->flags, version, &p.publish);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_DISCONNECT:
        e = decode_ack(&c, frame->type, version, &p.ack);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        e = decode_filters(&c, frame->type, version, &p.filters);
        break;
    case MQTT_PINGREQ:
        break;
    case MQTT_WILL:
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
    case MQTT_AUTH:
    case MQTT_DELIVERY:
    case MQTT_TYPE_COUNT:
    default:
        return ERR_WRONG_STATE;
    }
    if (e != OK)
        return e;
    if (c.bad || c.rest.len)
        return ERR_MALFORMED;
    *out = p;
    return OK;
}

enum mqtt_reason
mqtt_reason_of(enum err e)
{
    ASSERT(e != OK && e != ERR_AGAIN);
    if (e == ERR_WRONG_STATE)
        return MQTT_PROTOCOL_ERROR;
    if (e == ERR_UNSUPPORTED)
        return MQTT_BAD_VERSION;
    if (e == ERR_LIMIT)
        return MQTT_PACKET_TOO_LARGE;
    return MQTT_MALFORMED;
}

uint8_t
mqtt_connect_version(const struct mqtt_frame *frame)
{
    struct cursor c = {frame->body, false};
    struct bytes name = cursor_text(&c);
    uint8_t version = (uint8_t)cursor_number(&c, 1);
    return c.bad || !bytes_are(name, "MQTT") ? 0 : version;
}
