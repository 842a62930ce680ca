#include "mqtt/session_parts.h"

static mqtt_packet_fn on_publish, on_release, on_ack, on_filters, on_pingreq, on_disconnect;

/* A pair that is not here is a protocol error. */
static mqtt_packet_fn *const table[MQTT_STATE_COUNT][MQTT_TYPE_COUNT] = {
    [MQTT_EXPECT_CONNECT][MQTT_CONNECT] = mqtt_on_connect,
    [MQTT_UP][MQTT_PUBLISH] = on_publish,
    [MQTT_UP][MQTT_PUBREL] = on_release,
    [MQTT_UP][MQTT_PUBACK] = on_ack,
    [MQTT_UP][MQTT_PUBREC] = on_ack,
    [MQTT_UP][MQTT_PUBCOMP] = on_ack,
    [MQTT_UP][MQTT_SUBSCRIBE] = on_filters,
    [MQTT_UP][MQTT_UNSUBSCRIBE] = on_filters,
    [MQTT_UP][MQTT_PINGREQ] = on_pingreq,
    [MQTT_UP][MQTT_DISCONNECT] = on_disconnect,
};

void
mqtt_session_init(struct mqtt_session *s, uint32_t keep_alive_max_s, uint64_t now_ms)
{
    ASSERT(keep_alive_max_s > 0 && keep_alive_max_s <= MQTT_KEEP_ALIVE_S_MAX);
    *s = (struct mqtt_session){
        .state = MQTT_EXPECT_CONNECT,
        .keep_alive_max_s = keep_alive_max_s,
        .heard_ms = now_ms,
        .client_packet_max = UINT32_MAX,
        .head = 1,
        .next = 1,
    };
    buf_init(&s->stripped, MQTT_PROPERTIES_MAX);
    buf_init(&s->refusal, MQTT_WHY_MAX);
}

void
mqtt_session_fini(struct mqtt_session *s)
{
    mqtt_aliases_fini(&s->from_client);
    mqtt_aliases_fini(&s->to_client);
    buf_fini(&s->stripped);
    buf_fini(&s->refusal);
}

/* ---- PUBLISH ---- */

/* Is a packet with this id still unanswered? In 3.1.1 the kinds of packets have ids of their own.
 */
static bool
packet_id_is_open(struct mqtt_session *s, enum mqtt_type type, uint16_t packet_id)
{
    for (uint32_t ref = s->head; ref != s->next; ref++) {
        const struct mqtt_open *o = mqtt_open_at(s, ref);
        if (o->packet_id == packet_id && o->type != 0 && o->type != MQTT_PUBREL &&
            (o->type == (uint8_t)type || s->version == MQTT_V5))
            return true;
    }
    return false;
}

/* The properties without the alias, which belongs to this connection only. */
static struct bytes
strip_alias(struct mqtt_session *s, struct bytes properties)
{
    struct bytes rest = properties;
    struct mqtt_property p;
    size_t before = 0, after = properties.len;
    while (mqtt_property_next(&rest, &p)) {
        if (p.id == MQTT_PROPERTY_TOPIC_ALIAS) {
            after = rest.len;
            break;
        }
        before = properties.len - rest.len;
    }
    if (before == 0)
        return bytes_skip(properties, properties.len - after);
    if (after == 0)
        return bytes_of(properties.p, before);
    buf_reset(&s->stripped);
    buf_put(&s->stripped, bytes_of(properties.p, before));
    buf_put(&s->stripped, bytes_skip(properties, properties.len - after));
    return buf_bytes(&s->stripped);
}

static enum mqtt_reason
resolve_alias(struct mqtt_session *s, struct mqtt_publish *m)
{
    struct mqtt_property p;
    if (!mqtt_property_find(m->properties, MQTT_PROPERTY_TOPIC_ALIAS, &p))
        return MQTT_SUCCESS;
    uint16_t alias = (uint16_t)p.number;
    if (alias == 0 || alias > s->from_client.max)
        return mqtt_refuse(s, MQTT_TOPIC_ALIAS_INVALID, "topic aliases here are 1 to 16");
    if (m->topic.len == 0 && !mqtt_alias_get(&s->from_client, alias, &m->topic))
        return mqtt_refuse(s, MQTT_PROTOCOL_ERROR, "this topic alias was given no topic before");
    if (m->topic.len <= MQTT_TOPIC_MAX && mqtt_alias_set(&s->from_client, alias, m->topic) != OK)
        return mqtt_refuse(s, MQTT_QUOTA_EXCEEDED, "no room for a topic alias");
    if (!mqtt_alias_get(&s->from_client, alias, &m->topic))
        return MQTT_SUCCESS; /* too long to be kept, and refused as that */
    m->properties = strip_alias(s, m->properties);
    return MQTT_SUCCESS;
}

/* What no core could take, whoever sends it. */
static enum mqtt_reason
publish_refusal(struct mqtt_session *s, const struct mqtt_publish *m)
{
    if (m->topic.len > MQTT_TOPIC_MAX || mqtt_topic_levels(m->topic) > MQTT_TOPIC_LEVELS_MAX)
        return mqtt_refuse(s, MQTT_TOPIC_INVALID, "a topic has at most 1024 bytes and 64 levels");
    if (m->properties.len > MQTT_PROPERTIES_MAX)
        return mqtt_refuse(s, MQTT_QUOTA_EXCEEDED, "properties have at most 8192 bytes");
    return MQTT_SUCCESS;
}

static enum mqtt_reason
on_publish(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    struct mqtt_publish *m = &event->packet.publish;
    enum mqtt_reason reason = resolve_alias(s, m);
    if (reason != MQTT_SUCCESS)
        return reason;
    enum mqtt_reason refusal = publish_refusal(s, m);
    event->ref = 0;
    if (m->qos == 0) {
        event->kind = MQTT_EVENT_PUBLISH;
        return refusal; /* nothing else could tell the client */
    }
    if (s->window == MQTT_WINDOW)
        return mqtt_refuse(s, MQTT_RECEIVE_MAXIMUM_EXCEEDED,
                           "more than 64 publishes without an answer"); /* 3.1.1 waited */
    bool again = s->version == MQTT_V311 && m->dup;
    if (!again && packet_id_is_open(s, MQTT_PUBLISH, m->packet_id))
        return mqtt_refuse(s, MQTT_PROTOCOL_ERROR, "this packet id is in use");
    event->ref = mqtt_open_refs(s, MQTT_PUBLISH, m->packet_id, m->qos, 1);
    s->window++;
    if (refusal == MQTT_SUCCESS) {
        event->kind = MQTT_EVENT_PUBLISH;
        return MQTT_SUCCESS;
    }
    struct bytes why = bytes_text(s->why);
    s->why = NULL;
    enum err e = mqtt_session_answer(s, event->ref, (uint8_t)refusal, why, out);
    return e == ERR_CLOSED ? refusal : MQTT_SUCCESS;
}

static enum mqtt_reason
on_release(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)out;
    event->ref = mqtt_open_refs(s, MQTT_PUBREL, event->packet.ack.packet_id, 2, 1);
    event->kind = MQTT_EVENT_RELEASE;
    return MQTT_SUCCESS;
}

/* ---- the others ---- */

static enum mqtt_reason
on_ack(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)s, (void)out;
    event->kind = MQTT_EVENT_ACK;
    return MQTT_SUCCESS;
}

static enum mqtt_reason
filter_refusal(struct mqtt_session *s, enum mqtt_type type, const struct mqtt_filter *f)
{
    enum { NO_LOCAL = 4 };
    struct bytes group, filter;
    if (!mqtt_topic_is_printable(f->text) || mqtt_share_split(f->text, &group, &filter) != OK)
        return mqtt_refuse(s, MQTT_MALFORMED,
                           "a wildcard, or the group after $share/, stands wrong");
    if (type == MQTT_SUBSCRIBE && f->options & NO_LOCAL && group.len)
        return mqtt_refuse(s, MQTT_PROTOCOL_ERROR, "no local and $share/ exclude each other");
    if (f->text.len > MQTT_TOPIC_MAX || mqtt_topic_levels(f->text) > MQTT_TOPIC_LEVELS_MAX)
        return mqtt_refuse(s, MQTT_FILTER_INVALID, "a filter has at most 1024 bytes and 64 levels");
    return MQTT_SUCCESS;
}

static enum mqtt_reason
on_filters(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)out;
    enum mqtt_type type = event->packet.type;
    const struct mqtt_filters *m = &event->packet.filters;
    for (size_t i = 0; i < m->count; i++) {
        enum mqtt_reason refusal = filter_refusal(s, type, &m->filter[i]);
        if (refusal != MQTT_SUCCESS)
            return refusal;
    }
    if (packet_id_is_open(s, type, m->packet_id))
        return mqtt_refuse(s, MQTT_PROTOCOL_ERROR, "this packet id is in use");
    event->ref = mqtt_open_refs(s, type, m->packet_id, 0, m->count);
    event->kind = type == MQTT_SUBSCRIBE ? MQTT_EVENT_SUBSCRIBE : MQTT_EVENT_UNSUBSCRIBE;
    return MQTT_SUCCESS;
}

static enum mqtt_reason
on_pingreq(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)s, (void)event;
    mqtt_put_pingresp(out);
    return MQTT_SUCCESS;
}

static enum mqtt_reason
on_disconnect(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)out;
    struct mqtt_property p;
    event->has_expiry =
        mqtt_property_find(event->packet.ack.properties, MQTT_PROPERTY_SESSION_EXPIRY, &p);
    event->expiry_s = event->has_expiry ? p.number : 0;
    if (s->expiry_s == 0 && event->expiry_s != 0)
        return mqtt_refuse(s, MQTT_PROTOCOL_ERROR,
                           "a session that was to end with its connection cannot be kept now");
    s->state = MQTT_CLOSED;
    event->kind = MQTT_EVENT_DISCONNECT;
    event->reason = event->packet.ack.reason;
    return MQTT_SUCCESS;
}

/* ---- deliveries ---- */

enum err
mqtt_session_deliver(struct mqtt_session *s, const struct mqtt_publish *m, struct buf *out)
{
    ASSERT(m->qos <= 2 && m->topic.len > 0 && (m->packet_id != 0) == (m->qos > 0));
    if (s->state != MQTT_UP)
        return ERR_WRONG_STATE;
    struct mqtt_packet p = {.type = MQTT_PUBLISH};
    p.publish = *m;
    p.publish.alias = 0;
    if (s->version != MQTT_V5)
        p.publish.properties = (struct bytes){NULL, 0};
    size_t plain = mqtt_publish_size(s->version, &p.publish);
    bool known = false;
    /* An alias that is new makes the packet larger; it must not be given for nothing. */
    if (s->to_client.max && plain + 4 <= s->client_packet_max)
        p.publish.alias = mqtt_alias_give(&s->to_client, m->topic, &known);
    if (known)
        p.publish.topic = (struct bytes){NULL, 0};
    if (p.publish.alias == 0 && plain > s->client_packet_max) {
        s->too_large++;
        return ERR_LIMIT;
    }
    mqtt_put(out, s->version, &p);
    return OK;
}

enum err
mqtt_session_release(struct mqtt_session *s, uint16_t packet_id, struct buf *out)
{
    ASSERT(packet_id != 0);
    if (s->state != MQTT_UP)
        return ERR_WRONG_STATE;
    struct mqtt_packet p = {.type = MQTT_PUBREL, .ack = {.packet_id = packet_id}};
    mqtt_put(out, s->version, &p);
    return OK;
}

/* ---- taking packets ---- */

static const char *
sentence_of(enum mqtt_reason reason)
{
    if (reason == MQTT_MALFORMED)
        return "the packet is not formed as the standard says";
    if (reason == MQTT_PROTOCOL_ERROR)
        return "the packet may not come now, or holds what the standard forbids";
    if (reason == MQTT_PACKET_TOO_LARGE)
        return "a packet has at most 60000 bytes, 32 filters and 32 user properties";
    return NULL;
}

static void
refuse(struct mqtt_session *s, enum mqtt_reason reason, struct buf *out, struct mqtt_event *event)
{
    if (!s->why)
        s->why = sentence_of(reason);
    if (s->state == MQTT_UP)
        mqtt_put_goodbye(s, (uint8_t)reason, out);
    s->state = MQTT_CLOSED;
    event->kind = MQTT_EVENT_CLOSE;
    event->reason = (uint8_t)reason;
}

/* A packet that needs refs waits until there are some; see S4. */
static bool
must_wait(const struct mqtt_session *s, const struct mqtt_frame *frame)
{
    if (frame->type == MQTT_SUBSCRIBE || frame->type == MQTT_UNSUBSCRIBE)
        return !mqtt_refs_fit(s, MQTT_FILTERS_MAX);
    if (frame->type == MQTT_PUBREL)
        return !mqtt_refs_fit(s, 1);
    if (frame->type != MQTT_PUBLISH || (frame->flags & 6) == 0)
        return false;
    return !mqtt_refs_fit(s, 1) || (s->window == MQTT_WINDOW && s->version == MQTT_V311);
}

/* A CONNECT that is not one: those who can understand a CONNACK get one. */
static void
answer_bad_connect(struct mqtt_session *s, const struct mqtt_frame *frame, enum mqtt_reason reason,
                   struct buf *out)
{
    uint8_t version = mqtt_connect_version(frame);
    if (reason == MQTT_BAD_VERSION)
        s->why = "MQTT 5 and 3.1.1 are spoken here";
    else
        s->why = sentence_of(reason);
    if (reason == MQTT_BAD_VERSION && version <= MQTT_V5)
        mqtt_refuse_connect(s, MQTT_V311, reason, out);
    else if (version >= MQTT_V5)
        mqtt_refuse_connect(s, MQTT_V5, reason, out);
}

enum err
mqtt_session_take(struct mqtt_session *s, struct bytes in, uint64_t now_ms, struct buf *out,
                  size_t *out_used, struct mqtt_event *event)
{
    if (s->state == MQTT_CLOSED)
        return ERR_CLOSED;
    if (s->state == MQTT_OPENING)
        return ERR_AGAIN;
    struct mqtt_frame frame;
    event->kind = MQTT_EVENT_NONE;
    enum err e = mqtt_frame_find(in, MQTT_PACKET_MAX, &frame);
    if (e == ERR_AGAIN)
        return e;
    if (e != OK) {
        refuse(s, mqtt_reason_of(e), out, event);
        *out_used = in.len;
        return OK;
    }
    mqtt_packet_fn *fn = table[s->state][frame.type];
    if (fn && must_wait(s, &frame))
        return ERR_AGAIN;
    *out_used = frame.size;
    s->heard_ms = now_ms;
    s->why = NULL;
    e = fn ? mqtt_decode(&frame, s->version, &event->packet) : ERR_WRONG_STATE;
    if (e != OK && fn == mqtt_on_connect)
        answer_bad_connect(s, &frame, mqtt_reason_of(e), out);
    enum mqtt_reason reason = e == OK ? fn(s, out, event) : mqtt_reason_of(e);
    if (reason != MQTT_SUCCESS)
        refuse(s, reason, out, event);
    return OK;
}

void
mqtt_session_close(struct mqtt_session *s, uint8_t reason, struct buf *out)
{
    s->why = NULL;
    if (s->state == MQTT_UP)
        mqtt_put_goodbye(s, reason, out);
    else if (s->state == MQTT_OPENING)
        mqtt_refuse_connect(s, s->version, (enum mqtt_reason)reason, out);
    s->state = MQTT_CLOSED;
}

uint64_t
mqtt_session_deadline_ms(const struct mqtt_session *s)
{
    return s->state == MQTT_UP ? s->heard_ms + s->keep_alive_s * 1500ull : UINT64_MAX;
}
