/*
 * mqtt_peer.c -- a connection that speaks MQTT: events of the session become messages to the core,
 * and what the core says becomes packets.
 */
#include "programs/gate/gate.h"

enum { WILL_DELAY_SIZE = 5 }; /* the bytes of that property */

void
mqtt_peer_begin(struct gate *g, struct connection *c)
{
    mqtt_session_init(&c->mqtt, MQTT_KEEP_ALIVE_S_MAX, clock_mono_ms(&g->clock));
}

/* ---- to the core ---- */

/* The will's properties without its delay, which is of the session and not of the message. */
static struct bytes
will_properties(struct gate *g, const struct mqtt_connect *m, uint32_t *out_delay_s)
{
    struct mqtt_property p;
    *out_delay_s = 0;
    if (!mqtt_property_find(m->will_properties, MQTT_PROPERTY_WILL_DELAY, &p))
        return m->will_properties;
    *out_delay_s = p.number;
    struct bytes rest = m->will_properties;
    buf_reset(&g->scratch);
    while (mqtt_property_next(&rest, &p)) {
        if (p.id != MQTT_PROPERTY_WILL_DELAY)
            mqtt_property_put(&g->scratch, &p);
    }
    ASSERT(g->scratch.len + WILL_DELAY_SIZE == m->will_properties.len);
    return buf_bytes(&g->scratch);
}

static enum err
send_open(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    const struct mqtt_connect *m = &event->packet.connect;
    enum err e = connection_open_peer(g, c);
    if (e != OK)
        return e;
    unsigned will = 1u | (unsigned)m->will_qos << 1 | (unsigned)m->will_retain << 3;
    uint32_t packet_max = c->mqtt.client_packet_max;
    struct session_open o = {
        .peer = c->peer,
        .version = m->version,
        .clean_start = m->clean_start,
        .session_expiry_s = event->expiry_s,
        .receive_maximum = c->mqtt.client_receive_maximum,
        .packet_max = packet_max < MQTT_PACKET_MAX ? packet_max : 0,
        .client_id = m->client_id,
        .password = m->password,
        .will_flags = (uint8_t)(m->has_will ? will : 0),
        .will_topic = m->will_topic,
        .will_payload = m->will_payload,
    };
    o.will_properties = will_properties(g, m, &o.will_delay_s);
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_ANSWER_MS;
    return CHANNEL_SEND(&g->core, session_open, &o);
}

static enum err
send_filters(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    enum err e = OK;
    const struct mqtt_filters *m = &event->packet.filters;
    struct mqtt_property p = {.number = 0};
    if (event->kind == MQTT_EVENT_SUBSCRIBE)
        (void)mqtt_property_find(m->properties, MQTT_PROPERTY_SUBSCRIPTION_ID, &p);
    for (size_t i = 0; e == OK && i < m->count; i++) {
        uint32_t ref = mqtt_ref_add(event->ref, (uint32_t)i);
        if (event->kind == MQTT_EVENT_SUBSCRIBE) {
            struct session_subscribe s = {.peer = c->peer,
                                          .ref = ref,
                                          .options = m->filter[i].options,
                                          .identifier = p.number,
                                          .filter = m->filter[i].text};
            e = CHANNEL_SEND(&g->core, session_subscribe, &s);
        } else {
            struct unsubscribe u = {c->peer, ref, m->filter[i].text};
            e = CHANNEL_SEND(&g->core, unsubscribe, &u);
        }
    }
    return e;
}

/* The common kind goes the short way. */
static enum err
send_publish(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    const struct mqtt_publish *p = &event->packet.publish;
    g->publishes++;
    if (p->qos < 2 && !p->retain && p->properties.len == 0) {
        struct publish m = {c->peer, event->ref, p->topic, p->payload};
        return CHANNEL_SEND(&g->core, publish, &m);
    }
    struct session_publish m = {
        .peer = c->peer,
        .ref = event->ref,
        .packet_id = p->packet_id,
        .flags = (uint8_t)(p->qos | (unsigned)p->retain << 2 | (unsigned)p->dup << 3),
        .topic = p->topic,
        .properties = p->properties,
        .payload = p->payload,
    };
    return CHANNEL_SEND(&g->core, session_publish, &m);
}

static enum err
send_release(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    struct session_release m = {c->peer, event->ref, event->packet.ack.packet_id};
    return CHANNEL_SEND(&g->core, session_release, &m);
}

static enum err
send_ack(struct gate *g, const struct connection *c, uint16_t packet_id, enum mqtt_type type,
         uint8_t reason)
{
    struct session_ack m = {c->peer, packet_id, (uint8_t)type, reason};
    return CHANNEL_SEND(&g->core, session_ack, &m);
}

static void
say_goodbye(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    struct session_close m = {c->peer, event->reason, event->has_expiry, event->expiry_s};
    if (CHANNEL_SEND(&g->core, session_close, &m) != OK)
        gate_note(g, "core_full", "a session_close was lost");
    connection_end(g, c);
}

static void
on_event(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    enum err e = OK;
    const struct mqtt_ack *ack = &event->packet.ack;
    switch (event->kind) {
    case MQTT_EVENT_OPEN:
        e = send_open(g, c, event);
        break;
    case MQTT_EVENT_PUBLISH:
        e = send_publish(g, c, event);
        break;
    case MQTT_EVENT_RELEASE:
        e = send_release(g, c, event);
        break;
    case MQTT_EVENT_ACK:
        e = send_ack(g, c, ack->packet_id, event->packet.type, ack->reason);
        break;
    case MQTT_EVENT_SUBSCRIBE:
    case MQTT_EVENT_UNSUBSCRIBE:
        e = send_filters(g, c, event);
        break;
    case MQTT_EVENT_DISCONNECT:
        say_goodbye(g, c, event);
        return;
    case MQTT_EVENT_CLOSE:
        g->refused += event->reason >= 0x80;
        connection_end(g, c);
        return;
    case MQTT_EVENT_NONE:
    default:
        return;
    }
    if (e != OK)
        mqtt_peer_close(g, c, MQTT_SERVER_BUSY);
}

size_t
mqtt_peer_run(struct gate *g, struct connection *c, struct bytes in)
{
    size_t total = 0;
    uint64_t now_ms = clock_mono_ms(&g->clock);
    struct mqtt_event event;
    while (c->state == CONNECTION_OPEN && gate_open_for_input(g)) {
        size_t used = 0;
        enum err e =
            mqtt_session_take(&c->mqtt, bytes_skip(in, total), now_ms, &c->out, &used, &event);
        if (e != OK)
            break;
        total += used;
        on_event(g, c, &event);
    }
    uint64_t deadline_ms = mqtt_session_deadline_ms(&c->mqtt);
    if (c->state == CONNECTION_OPEN && deadline_ms != UINT64_MAX)
        c->deadline_ms = deadline_ms;
    gate_mark(g, c);
    return total;
}

/* ---- from the core ---- */

void
mqtt_peer_opened(struct gate *g, struct connection *c, const struct session_opened *m)
{
    struct mqtt_opened o = {m->reason, m->session_present, m->client_id, m->session_expiry_s,
                            m->why};
    uint64_t now_ms = clock_mono_ms(&g->clock);
    enum err e = mqtt_session_opened(&c->mqtt, &o, now_ms, &c->out);
    g->refused += m->reason >= 0x80;
    if (e == ERR_CLOSED)
        connection_end(g, c);
    if (e == OK)
        c->deadline_ms = mqtt_session_deadline_ms(&c->mqtt);
    gate_mark(g, c);
}

void
mqtt_peer_answer(struct gate *g, struct connection *c, uint32_t ref, uint8_t reason,
                 struct bytes why)
{
    enum err e = mqtt_session_answer(&c->mqtt, ref, reason, why, &c->out);
    g->refused += reason >= 0x80;
    if (e == ERR_CLOSED)
        connection_end(g, c);
    gate_mark(g, c);
}

/* What the client cannot take counts as delivered, and the core has to know (MQTT-3.1.2-25). */
static enum err
say_undeliverable(struct gate *g, const struct connection *c, const struct mqtt_publish *m)
{
    if (m->qos == 0)
        return OK;
    return send_ack(g, c, m->packet_id, m->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC,
                    MQTT_PACKET_TOO_LARGE);
}

void
mqtt_peer_deliver(struct gate *g, struct connection *c, const struct mqtt_publish *m)
{
    if (c->mqtt.state != MQTT_UP)
        return;
    enum err e = ERR_LIMIT;
    if (connection_waiting(c) <= CONNECTION_MQTT_OUT_MAX) {
        e = mqtt_session_deliver(&c->mqtt, m, &c->out);
        if (e == ERR_LIMIT)
            e = say_undeliverable(g, c, m);
    }
    if (e != OK || buf_error(&c->out) != OK)
        mqtt_peer_close(g, c, MQTT_QUOTA_EXCEEDED);
    gate_mark(g, c);
}

void
mqtt_peer_release(struct gate *g, struct connection *c, uint16_t packet_id)
{
    if (mqtt_session_release(&c->mqtt, packet_id, &c->out) == OK)
        gate_mark(g, c);
}

void
mqtt_peer_close(struct gate *g, struct connection *c, uint8_t reason)
{
    mqtt_session_close(&c->mqtt, reason, &c->out);
    connection_end(g, c);
}

void
mqtt_peer_expire(struct gate *g, struct connection *c)
{
    bool asked = c->mqtt.state == MQTT_OPENING; /* the core did not answer CONNECT */
    mqtt_peer_close(g, c, asked ? MQTT_SERVER_UNAVAILABLE : MQTT_KEEP_ALIVE_TIMEOUT);
}
