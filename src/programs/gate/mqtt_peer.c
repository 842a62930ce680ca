/* mqtt_peer.c -- a connection that speaks MQTT: events of the session become messages to the core.
 */
#include "programs/gate/gate.h"

void
mqtt_peer_begin(struct gate *g, struct connection *c)
{
    mqtt_session_init(&c->mqtt, bytes_text(c->identity.name), clock_mono_ms(&g->clock));
}

static enum err
send_filters(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    enum err e = OK;
    const struct mqtt_filters *m = &event->packet.filters;
    for (size_t i = 0; e == OK && i < m->count; i++) {
        uint32_t ref = mqtt_ref_add(event->ref, (uint32_t)i);
        if (event->kind == MQTT_EVENT_SUBSCRIBE) {
            struct subscribe s = {.peer = c->peer,
                                  .ref = ref,
                                  .filter = m->filter[i].text,
                                  .qos = (m->filter[i].options & 3) > 0};
            e = CHANNEL_SEND(&g->core, subscribe, &s);
        } else {
            struct unsubscribe u = {c->peer, ref, m->filter[i].text};
            e = CHANNEL_SEND(&g->core, unsubscribe, &u);
        }
    }
    return e;
}

static enum err
send_publish(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    const struct mqtt_publish *p = &event->packet.publish;
    struct publish m = {c->peer, event->ref, p->topic, p->payload};
    g->publishes++;
    return CHANNEL_SEND(&g->core, publish, &m);
}

static void
on_event(struct gate *g, struct connection *c, const struct mqtt_event *event)
{
    enum err e = OK;
    switch (event->kind) {
    case MQTT_EVENT_UP:
        gate_take_over(g, c);
        e = connection_open_peer(g, c);
        break;
    case MQTT_EVENT_PUBLISH:
        e = send_publish(g, c, event);
        break;
    case MQTT_EVENT_SUBSCRIBE:
    case MQTT_EVENT_UNSUBSCRIBE:
        e = send_filters(g, c, event);
        break;
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

void
mqtt_peer_deliver(struct gate *g, struct connection *c, const struct deliver *m)
{
    if (m->topic.len == 0 || c->mqtt.state != MQTT_UP)
        return;
    enum err e = connection_waiting(c) > CONNECTION_MQTT_OUT_MAX
                     ? ERR_LIMIT
                     : mqtt_session_deliver(&c->mqtt, m->topic, m->payload, m->qos, &c->out);
    if (e != OK)
        mqtt_peer_close(g, c, MQTT_QUOTA_EXCEEDED);
    gate_mark(g, c);
}

void
mqtt_peer_close(struct gate *g, struct connection *c, uint8_t reason)
{
    mqtt_session_close(&c->mqtt, reason, &c->out);
    connection_end(g, c);
}
