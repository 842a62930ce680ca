/* session_connect.c -- from CONNECT to CONNACK. */
#include "mqtt/session_parts.h"

#include "base/text.h"

/* 3.1.1 has five refusals (its table 3.1). */
static uint8_t
code_of_v311(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
        return 0;
    case MQTT_BAD_VERSION:
        return 1;
    case MQTT_BAD_CLIENT_ID:
        return 2;
    case MQTT_SERVER_UNAVAILABLE:
    case MQTT_SERVER_BUSY:
    case MQTT_QUOTA_EXCEEDED:
        return 3;
    case MQTT_BAD_PASSWORD:
        return 4;
    default:
        return 5;
    }
}

/* A CONNACK that refuses; nothing when not even that fits the client (S6). */
static void
put_refusal(const struct mqtt_session *s, uint8_t version, uint8_t reason, struct bytes why,
            struct buf *out)
{
    uint8_t code = mqtt_legal_reason(MQTT_CONNACK, reason);
    struct buf b;
    buf_init(&b, 512);
    if (version == MQTT_V311)
        code = code_of_v311(code);
    else if (why.len && why.len + 16 <= s->client_packet_max)
        mqtt_property_put_text(&b, MQTT_PROPERTY_REASON_STRING, why);
    if (buf_error(&b) != OK)
        buf_reset(&b);
    if (s->client_packet_max >= 5)
        mqtt_put_connack(out, version, false, code, buf_bytes(&b));
    buf_fini(&b);
}

void
mqtt_refuse_connect(struct mqtt_session *s, uint8_t version, enum mqtt_reason reason,
                    struct buf *out)
{
    struct bytes why = s->why ? bytes_text(s->why) : (struct bytes){NULL, 0};
    put_refusal(s, version, (uint8_t)reason, why, out);
}

/* Names end up in log lines, and in topics of those who build them from names. */
static bool
client_id_is_clean(struct bytes id)
{
    static const char unwanted[] = "+#/";
    for (size_t i = 0; i < sizeof(unwanted) - 1; i++) {
        if (bytes_find(id, (uint8_t)unwanted[i]) < id.len)
            return false;
    }
    return mqtt_topic_is_printable(id);
}

static enum mqtt_reason
connect_refusal(struct mqtt_session *s, const struct mqtt_connect *m)
{
    struct mqtt_property p;
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_AUTH_METHOD, &p))
        return mqtt_refuse(
            s, MQTT_BAD_AUTH_METHOD,
            "enhanced authentication is not offered: the certificate says who you are");
    if (m->client_id.len == 0 && m->version == MQTT_V311 && !m->clean_start)
        return mqtt_refuse(s, MQTT_BAD_CLIENT_ID, "an empty client id needs a clean session");
    if (m->client_id.len > MQTT_CLIENT_ID_MAX || !client_id_is_clean(m->client_id))
        return mqtt_refuse(
            s, MQTT_BAD_CLIENT_ID,
            "a client id has at most 256 bytes, without + # / and control characters");
    if (m->password.len > MQTT_PASSWORD_MAX || !text_is_utf8(m->password))
        return mqtt_refuse(s, MQTT_BAD_PASSWORD, "a password here is a token: text of 1024 bytes");
    if (m->has_will && (m->will_topic.len > MQTT_TOPIC_MAX ||
                        mqtt_topic_levels(m->will_topic) > MQTT_TOPIC_LEVELS_MAX))
        return mqtt_refuse(s, MQTT_TOPIC_INVALID,
                           "the will's topic has over 1024 bytes or 64 levels");
    if (m->will_properties.len > MQTT_PROPERTIES_MAX)
        return mqtt_refuse(s, MQTT_QUOTA_EXCEEDED, "the will's properties have over 8192 bytes");
    return MQTT_SUCCESS;
}

static uint32_t
number_or(struct bytes properties, enum mqtt_property_id id, uint32_t otherwise)
{
    struct mqtt_property p;
    return mqtt_property_find(properties, id, &p) ? p.number : otherwise;
}

static void
take_client_limits(struct mqtt_session *s, const struct mqtt_connect *m)
{
    struct bytes all = m->properties;
    s->client_receive_maximum = (uint16_t)number_or(all, MQTT_PROPERTY_RECEIVE_MAXIMUM, UINT16_MAX);
    s->client_packet_max = number_or(all, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, UINT32_MAX);
    s->problem_texts = number_or(all, MQTT_PROPERTY_REQUEST_PROBLEM, 1) == 1;
    mqtt_aliases_init(&s->to_client, number_or(all, MQTT_PROPERTY_TOPIC_ALIAS_MAXIMUM, 0));
    mqtt_aliases_init(&s->from_client, m->version == MQTT_V5 ? MQTT_ALIASES_MAX : 0);
    uint32_t otherwise = m->version == MQTT_V5 || m->clean_start ? 0 : UINT32_MAX;
    s->expiry_s = number_or(all, MQTT_PROPERTY_SESSION_EXPIRY, otherwise);
    /* 3.1.1 cannot be told, so it gets what it asks for as far as we ever go. */
    uint32_t most = m->version == MQTT_V5 ? s->keep_alive_max_s : (uint32_t)MQTT_KEEP_ALIVE_S_MAX;
    s->keep_alive_told = m->keep_alive_s == 0 || m->keep_alive_s > most;
    s->keep_alive_s = s->keep_alive_told ? most : m->keep_alive_s;
}

enum mqtt_reason
mqtt_on_connect(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    const struct mqtt_connect *m = &event->packet.connect;
    s->version = m->version;
    take_client_limits(s, m);
    enum mqtt_reason refusal = connect_refusal(s, m);
    if (refusal != MQTT_SUCCESS) {
        mqtt_refuse_connect(s, s->version, refusal, out);
        return refusal;
    }
    s->nameless = m->client_id.len == 0;
    s->state = MQTT_OPENING;
    event->expiry_s = s->expiry_s;
    event->kind = MQTT_EVENT_OPEN;
    return MQTT_SUCCESS;
}

/* What v5 clients have to know; what is not there means that all of it may be used. */
static void
put_limits(const struct mqtt_session *s, const struct mqtt_opened *m, struct buf *b)
{
    if (m->expiry_s != s->expiry_s)
        mqtt_property_put_number(b, MQTT_PROPERTY_SESSION_EXPIRY, m->expiry_s);
    mqtt_property_put_number(b, MQTT_PROPERTY_RECEIVE_MAXIMUM, MQTT_WINDOW);
    mqtt_property_put_number(b, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, MQTT_PACKET_MAX);
    if (m->client_id.len)
        mqtt_property_put_text(b, MQTT_PROPERTY_ASSIGNED_CLIENT_ID, m->client_id);
    mqtt_property_put_number(b, MQTT_PROPERTY_TOPIC_ALIAS_MAXIMUM, MQTT_ALIASES_MAX);
    if (s->keep_alive_told)
        mqtt_property_put_number(b, MQTT_PROPERTY_SERVER_KEEP_ALIVE, s->keep_alive_s);
}

enum err
mqtt_session_opened(struct mqtt_session *s, const struct mqtt_opened *m, uint64_t now_ms,
                    struct buf *out)
{
    if (s->state != MQTT_OPENING)
        return ERR_WRONG_STATE;
    if (m->reason >= MQTT_UNSPECIFIED) {
        put_refusal(s, s->version, m->reason, m->why, out);
        s->state = MQTT_CLOSED;
        return ERR_CLOSED;
    }
    struct buf b;
    buf_init(&b, 512);
    put_limits(s, m, &b);
    bool fits =
        buf_error(&b) == OK && (s->version == MQTT_V311 || b.len + 8 <= s->client_packet_max);
    if (fits)
        mqtt_put_connack(out, s->version, m->session_present, 0, buf_bytes(&b));
    buf_fini(&b);
    s->state = fits ? MQTT_UP : MQTT_CLOSED; /* a client that takes less cannot be served */
    s->heard_ms = now_ms;
    return fits ? OK : ERR_CLOSED;
}
