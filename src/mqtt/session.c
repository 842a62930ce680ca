#include "mqtt/session.h"

_Static_assert((MQTT_OPEN_MAX & (MQTT_OPEN_MAX - 1)) == 0, "refs are slots modulo the table");
_Static_assert(MQTT_OPEN_MAX >= MQTT_WINDOW + MQTT_FILTERS_MAX + 1, "room beside the window");

/* SUCCESS goes on, anything else closes with that reason. */
typedef enum mqtt_reason packet_fn(struct mqtt_session *s, struct buf *out,
                                   struct mqtt_event *event);

static packet_fn on_connect, on_publish, on_puback, on_filters, on_pingreq, on_disconnect;

/* A pair that is not here is a protocol error. */
static packet_fn *const table[MQTT_STATE_COUNT][MQTT_TYPE_COUNT] = {
    [MQTT_EXPECT_CONNECT][MQTT_CONNECT] = on_connect,
    [MQTT_UP][MQTT_PUBLISH] = on_publish,
    [MQTT_UP][MQTT_PUBACK] = on_puback,
    [MQTT_UP][MQTT_SUBSCRIBE] = on_filters,
    [MQTT_UP][MQTT_UNSUBSCRIBE] = on_filters,
    [MQTT_UP][MQTT_PINGREQ] = on_pingreq,
    [MQTT_UP][MQTT_DISCONNECT] = on_disconnect,
};

void
mqtt_session_init(struct mqtt_session *s, struct bytes name, uint64_t now_ms)
{
    *s = (struct mqtt_session){
        .state = MQTT_EXPECT_CONNECT,
        .heard_ms = now_ms,
        .client_packet_max = UINT32_MAX,
        .client_window = MQTT_DELIVERIES_MAX,
        .problem_texts = true,
        .head = 1,
        .next = 1,
    };
    enum err e = bytes_copy_text(name, s->name, sizeof(s->name));
    ASSERT(e == OK && name.len > 0);
    buf_init(&s->waiting, MQTT_DELIVERY_BYTES_MAX);
}

void
mqtt_session_fini(struct mqtt_session *s)
{
    buf_fini(&s->waiting);
}

uint32_t
mqtt_ref_add(uint32_t ref, uint32_t n)
{
    uint32_t sum = ref + n;
    return sum < ref ? sum + 1 : sum;
}

static struct mqtt_open *
open_at(struct mqtt_session *s, uint32_t ref)
{
    return &s->open[ref & (MQTT_OPEN_MAX - 1)];
}

/* Take `count` refs for one packet; the caller made sure that they are free. */
static uint32_t
open_refs(struct mqtt_session *s, enum mqtt_type type, uint16_t packet_id, size_t count)
{
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        if (s->next == 0) /* the numbers went round: ref 0 means "no answer wanted" */
            *open_at(s, s->next++) = (struct mqtt_open){.count = 1, .answered = true};
        ASSERT(s->next - s->head < MQTT_OPEN_MAX);
        if (i == 0)
            first = s->next;
        *open_at(s, s->next++) = (struct mqtt_open){
            .packet_id = packet_id, .type = (uint8_t)type, .count = (uint8_t)count};
    }
    return first;
}

static bool
refs_fit(const struct mqtt_session *s, size_t count)
{
    return (s->next - s->head) + count + 1 <= MQTT_OPEN_MAX;
}

/* ---- CONNECT ---- */

/* 3.1.1 has five refusals (its table 3.1). */
static uint8_t
connack_code(uint8_t version, enum mqtt_reason reason)
{
    if (version == MQTT_V5 || reason == MQTT_SUCCESS)
        return (uint8_t)reason;
    if (reason == MQTT_BAD_VERSION)
        return 1;
    if (reason == MQTT_BAD_CLIENT_ID)
        return 2;
    return reason == MQTT_SERVER_BUSY || reason == MQTT_SERVER_UNAVAILABLE ? 3 : 5;
}

static enum mqtt_reason
connect_refusal(const struct mqtt_session *s, const struct mqtt_connect *m)
{
    struct mqtt_property p;
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_AUTH_METHOD, &p))
        return MQTT_BAD_AUTH_METHOD;
    if (m->client_id.len ? !bytes_are(m->client_id, s->name)
                         : m->version == MQTT_V311 && !m->clean_start)
        return MQTT_BAD_CLIENT_ID; /* S5; 3.1.1: MQTT-3.1.3-8 */
    if (m->has_will && m->will_retain)
        return MQTT_RETAIN_UNSUPPORTED; /* MQTT-3.2.2-13 */
    if (m->has_will && m->will_qos > 1)
        return MQTT_QOS_UNSUPPORTED; /* MQTT-3.2.2-12 */
    if (m->has_will)
        return MQTT_IMPLEMENTATION;
    return MQTT_SUCCESS;
}

static void
take_client_limits(struct mqtt_session *s, struct bytes properties)
{
    struct mqtt_property p;
    if (mqtt_property_find(properties, MQTT_PROPERTY_RECEIVE_MAXIMUM, &p) &&
        p.number < MQTT_DELIVERIES_MAX)
        s->client_window = (uint16_t)p.number;
    if (mqtt_property_find(properties, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, &p))
        s->client_packet_max = p.number;
    if (mqtt_property_find(properties, MQTT_PROPERTY_REQUEST_PROBLEM, &p))
        s->problem_texts = p.number == 1;
}

static void
put_connack(struct mqtt_session *s, const struct mqtt_connect *m, bool keep_alive_differs,
            struct buf *out)
{
    struct buf b;
    buf_init(&b, 256);
    mqtt_property_put_number(&b, MQTT_PROPERTY_SESSION_EXPIRY, 0);
    mqtt_property_put_number(&b, MQTT_PROPERTY_RECEIVE_MAXIMUM, MQTT_WINDOW);
    mqtt_property_put_number(&b, MQTT_PROPERTY_MAXIMUM_QOS, 1);
    mqtt_property_put_number(&b, MQTT_PROPERTY_RETAIN_AVAILABLE, 0);
    mqtt_property_put_number(&b, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, MQTT_PACKET_MAX);
    if (m->client_id.len == 0)
        mqtt_property_put_text(&b, MQTT_PROPERTY_ASSIGNED_CLIENT_ID, bytes_text(s->name));
    mqtt_property_put_number(&b, MQTT_PROPERTY_TOPIC_ALIAS_MAXIMUM, 0);
    mqtt_property_put_number(&b, MQTT_PROPERTY_WILDCARDS_AVAILABLE, 0);
    mqtt_property_put_number(&b, MQTT_PROPERTY_SUBSCRIPTION_IDS_AVAILABLE, 0);
    mqtt_property_put_number(&b, MQTT_PROPERTY_SHARED_AVAILABLE, 0);
    if (keep_alive_differs)
        mqtt_property_put_number(&b, MQTT_PROPERTY_SERVER_KEEP_ALIVE, MQTT_KEEP_ALIVE_S_MAX);
    if (buf_error(&b) == OK)
        mqtt_put_connack(out, s->version, 0, buf_bytes(&b));
    else
        out->overflow = true;
    buf_fini(&b);
}

static enum mqtt_reason
on_connect(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    const struct mqtt_connect *m = &event->packet.connect;
    s->version = m->version;
    enum mqtt_reason refusal = connect_refusal(s, m);
    if (refusal != MQTT_SUCCESS) {
        mqtt_put_connack(out, s->version, connack_code(s->version, refusal),
                         (struct bytes){NULL, 0});
        return refusal;
    }
    take_client_limits(s, m->properties);
    bool differs = m->keep_alive_s == 0 || m->keep_alive_s > MQTT_KEEP_ALIVE_S_MAX;
    s->keep_alive_ms = (differs ? MQTT_KEEP_ALIVE_S_MAX : m->keep_alive_s) * 1500u;
    s->state = MQTT_UP;
    put_connack(s, m, differs, out);
    event->kind = MQTT_EVENT_UP;
    return MQTT_SUCCESS;
}

/* ---- what a client that is up may send ---- */

static bool
packet_id_is_open(struct mqtt_session *s, enum mqtt_type type, uint16_t packet_id)
{
    for (uint32_t ref = s->head; ref != s->next; ref++) {
        const struct mqtt_open *o = open_at(s, ref);
        if (o->packet_id == packet_id && (o->type == (uint8_t)type || s->version == MQTT_V5))
            return true;
    }
    return false;
}

static enum mqtt_reason
on_publish(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)out;
    const struct mqtt_publish *m = &event->packet.publish;
    struct mqtt_property p;
    if (m->qos > 1)
        return MQTT_QOS_UNSUPPORTED; /* MQTT-3.2.2-11 */
    if (m->retain)
        return MQTT_RETAIN_UNSUPPORTED; /* MQTT-3.2.2-14 */
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_TOPIC_ALIAS, &p))
        return MQTT_TOPIC_ALIAS_INVALID; /* MQTT-3.2.2-18 */
    if (mqtt_topic_levels(m->topic) > MQTT_TOPIC_LEVELS_MAX || m->topic.len > MQTT_TOPIC_MAX)
        return MQTT_TOPIC_INVALID;
    event->ref = 0;
    if (m->qos == 1) {
        if (s->publishes == MQTT_WINDOW)
            return MQTT_RECEIVE_MAXIMUM_EXCEEDED; /* v5 only; 3.1.1 waited before it was decoded */
        if (packet_id_is_open(s, MQTT_PUBLISH, m->packet_id))
            return MQTT_PROTOCOL_ERROR;
        event->ref = open_refs(s, MQTT_PUBLISH, m->packet_id, 1);
        s->publishes++;
    }
    event->kind = MQTT_EVENT_PUBLISH;
    return MQTT_SUCCESS;
}

static enum mqtt_reason
on_filters(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    (void)out;
    const struct mqtt_filters *m = &event->packet.filters;
    struct mqtt_property p;
    if (mqtt_property_find(m->properties, MQTT_PROPERTY_SUBSCRIPTION_ID, &p))
        return MQTT_SUBSCRIPTION_IDS_UNSUPPORTED;
    for (size_t i = 0; i < m->count; i++) {
        struct bytes text = m->filter[i].text;
        if (bytes_start(text, "$share/"))
            return MQTT_SHARED_UNSUPPORTED;
        if (mqtt_topic_levels(text) > MQTT_TOPIC_LEVELS_MAX || text.len > MQTT_TOPIC_MAX)
            return MQTT_FILTER_INVALID;
    }
    if (packet_id_is_open(s, event->packet.type, m->packet_id))
        return MQTT_PROTOCOL_ERROR;
    event->ref = open_refs(s, event->packet.type, m->packet_id, m->count);
    event->kind =
        event->packet.type == MQTT_SUBSCRIBE ? MQTT_EVENT_SUBSCRIBE : MQTT_EVENT_UNSUBSCRIBE;
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
    s->state = MQTT_CLOSED;
    event->kind = MQTT_EVENT_CLOSE;
    event->reason = event->packet.ack.reason;
    return MQTT_SUCCESS;
}

/* ---- deliveries ---- */

static bool
delivery_forget(struct mqtt_session *s, uint16_t packet_id)
{
    for (size_t i = 0; i < s->delivering; i++) {
        if (s->delivery[i] == packet_id) {
            s->delivery[i] = s->delivery[--s->delivering];
            return true;
        }
    }
    return false;
}

/* Move packets that waited into the window that has opened. */
static void
deliver_waiting(struct mqtt_session *s, struct buf *out)
{
    size_t at = 0;
    while (s->delivering < s->client_window && at < s->waiting.len) {
        const uint8_t *p = s->waiting.p + at; /* our own record: size (4), packet id (2), packet */
        uint32_t size = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        s->delivery[s->delivering++] = (uint16_t)(p[4] << 8 | p[5]);
        buf_put(out, bytes_of(p + 6, size));
        at += 6 + size;
    }
    buf_drop(&s->waiting, at);
}

static enum mqtt_reason
on_puback(struct mqtt_session *s, struct buf *out, struct mqtt_event *event)
{
    if (!delivery_forget(s, event->packet.ack.packet_id))
        return MQTT_PROTOCOL_ERROR;
    deliver_waiting(s, out);
    return MQTT_SUCCESS;
}

enum err
mqtt_session_deliver(struct mqtt_session *s, struct bytes topic, struct bytes payload, uint8_t qos,
                     struct buf *out)
{
    ASSERT(qos <= 1 && topic.len > 0 && topic.len <= MQTT_TOPIC_MAX);
    if (s->state != MQTT_UP)
        return ERR_WRONG_STATE;
    struct mqtt_packet p = {.type = MQTT_PUBLISH};
    p.publish = (struct mqtt_publish){.qos = qos, .topic = topic, .payload = payload};
    size_t size = mqtt_publish_size(s->version, &p.publish);
    if (size > s->client_packet_max) {
        s->dropped++;
        return OK;
    }
    if (qos == 0) {
        mqtt_put(out, s->version, &p);
        return buf_error(out);
    }
    /* Far fewer are in flight or waiting than there are ids, so the next one is free. */
    s->last_packet_id = s->last_packet_id == UINT16_MAX ? 1 : s->last_packet_id + 1;
    p.publish.packet_id = s->last_packet_id;
    if (s->delivering < s->client_window && s->waiting.len == 0) {
        s->delivery[s->delivering++] = p.publish.packet_id;
        mqtt_put(out, s->version, &p);
        return buf_error(out);
    }
    if (size + 6 > s->waiting.max - s->waiting.len)
        return ERR_LIMIT;
    mqtt_put_number(&s->waiting, (uint32_t)size, 4);
    mqtt_put_number(&s->waiting, p.publish.packet_id, 2);
    mqtt_put(&s->waiting, s->version, &p);
    return buf_error(&s->waiting);
}

/* ---- taking packets ---- */

static void
refuse(struct mqtt_session *s, enum mqtt_reason reason, struct buf *out, struct mqtt_event *event)
{
    if (s->state == MQTT_UP)
        mqtt_put_disconnect(out, s->version, (uint8_t)reason, (struct bytes){NULL, 0});
    s->state = MQTT_CLOSED;
    event->kind = MQTT_EVENT_CLOSE;
    event->reason = (uint8_t)reason;
}

/* A packet that needs refs waits until there are some; see S4. */
static bool
must_wait(const struct mqtt_session *s, const struct mqtt_frame *frame)
{
    if (frame->type == MQTT_SUBSCRIBE || frame->type == MQTT_UNSUBSCRIBE)
        return !refs_fit(s, MQTT_FILTERS_MAX);
    bool acked = frame->type == MQTT_PUBLISH && (frame->flags & 6) == 2;
    if (!acked)
        return false;
    return !refs_fit(s, 1) || (s->publishes == MQTT_WINDOW && s->version == MQTT_V311);
}

enum err
mqtt_session_take(struct mqtt_session *s, struct bytes in, uint64_t now_ms, struct buf *out,
                  size_t *out_used, struct mqtt_event *event)
{
    if (s->state == MQTT_CLOSED)
        return ERR_CLOSED;
    size_t limit = s->state == MQTT_UP ? MQTT_PACKET_MAX : MQTT_STRANGER_PACKET_MAX;
    struct mqtt_frame frame;
    event->kind = MQTT_EVENT_NONE;
    enum err e = mqtt_frame_find(in, limit, &frame);
    if (e == ERR_AGAIN)
        return e;
    if (e != OK) {
        refuse(s, mqtt_reason_of(e), out, event);
        *out_used = in.len;
        return OK;
    }
    packet_fn *fn = table[s->state][frame.type];
    if (fn && must_wait(s, &frame))
        return ERR_AGAIN;
    *out_used = frame.size;
    s->heard_ms = now_ms;
    e = fn ? mqtt_decode(&frame, s->version, &event->packet) : ERR_WRONG_STATE;
    if (e == ERR_UNSUPPORTED)
        mqtt_put_connack(out, MQTT_V311, connack_code(MQTT_V311, MQTT_BAD_VERSION),
                         (struct bytes){NULL, 0});
    enum mqtt_reason reason = e == OK ? fn(s, out, event) : mqtt_reason_of(e);
    if (reason != MQTT_SUCCESS)
        refuse(s, reason, out, event);
    return OK;
}

/* ---- answers of the core ---- */

/* The reason codes that PUBACK, SUBACK and UNSUBACK may carry (3.4.2.1, 3.9.3, 3.11.3). */
static uint8_t
legal_reason(enum mqtt_type type, uint8_t reason)
{
    static const uint8_t publish[] = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
    static const uint8_t subscribe[] = {0x00, 0x01, 0x80, 0x83, 0x87, 0x8F,
                                        0x91, 0x97, 0x9E, 0xA1, 0xA2};
    static const uint8_t unsubscribe[] = {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91};
    const uint8_t *list = type == MQTT_PUBLISH     ? publish
                          : type == MQTT_SUBSCRIBE ? subscribe
                                                   : unsubscribe;
    size_t n = type == MQTT_PUBLISH     ? sizeof(publish)
               : type == MQTT_SUBSCRIBE ? sizeof(subscribe)
                                        : sizeof(unsubscribe);
    if (reason == MQTT_TOPIC_INVALID && type != MQTT_PUBLISH)
        reason = MQTT_FILTER_INVALID; /* the same refusal has two names */
    return memchr(list, reason, n) ? reason : MQTT_UNSPECIFIED;
}

/* The reason string of a PUBACK, if the client wants it and can take it (MQTT-3.4.2-2). */
static void
put_puback(struct mqtt_session *s, const struct mqtt_open *o, struct bytes why, struct buf *out)
{
    struct buf b;
    buf_init(&b, 512);
    if (s->version == MQTT_V5 && s->problem_texts && o->reason >= 0x80 && why.len &&
        why.len + 16 <= s->client_packet_max)
        mqtt_property_put_text(&b, MQTT_PROPERTY_REASON_STRING, why);
    if (buf_error(&b) != OK)
        buf_reset(&b);
    struct mqtt_packet p = {.type = MQTT_PUBACK};
    p.ack = (struct mqtt_ack){o->packet_id, o->reason, buf_bytes(&b)};
    mqtt_put(out, s->version, &p);
    buf_fini(&b);
}

/* Write one SUBACK or UNSUBACK when all its refs are answered; false when they are not. */
static bool
put_codes(struct mqtt_session *s, struct buf *out, uint32_t *out_end)
{
    const struct mqtt_open *first = open_at(s, s->head);
    uint8_t codes[MQTT_FILTERS_MAX];
    uint32_t ref = s->head;
    for (size_t i = 0; i < first->count; i++) {
        if (ref == 0)
            ref++;
        const struct mqtt_open *o = open_at(s, ref++);
        if (!o->answered)
            return false;
        codes[i] = s->version == MQTT_V311 && o->reason >= 0x80 ? 0x80 : o->reason;
    }
    struct bytes all = bytes_of(codes, first->count);
    if (first->type == MQTT_SUBSCRIBE)
        mqtt_put_suback(out, s->version, first->packet_id, all);
    else
        mqtt_put_unsuback(out, s->version, first->packet_id, all);
    *out_end = ref;
    return true;
}

/* Write every answer that is complete, in order (S2). `why` belongs to `ref`. */
static enum err
put_answers(struct mqtt_session *s, uint32_t ref, struct bytes why, struct buf *out)
{
    while (s->head != s->next) {
        const struct mqtt_open *o = open_at(s, s->head);
        uint32_t end = s->head + 1;
        if (o->type == MQTT_PUBLISH) {
            if (!o->answered)
                return OK;
            s->publishes--;
            if (s->version == MQTT_V311 && o->reason >= 0x80) {
                s->state = MQTT_CLOSED; /* S3 */
                return ERR_CLOSED;
            }
            put_puback(s, o, s->head == ref ? why : (struct bytes){NULL, 0}, out);
        } else if (o->type != 0 && !put_codes(s, out, &end)) {
            return OK;
        }
        s->head = end;
    }
    return OK;
}

uint8_t
mqtt_session_waits(const struct mqtt_session *s, uint32_t ref)
{
    if (s->state != MQTT_UP || ref == 0 || ref - s->head >= s->next - s->head)
        return 0;
    const struct mqtt_open *o = &s->open[ref & (MQTT_OPEN_MAX - 1)];
    return o->answered ? 0 : o->type;
}

enum err
mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason, struct bytes why,
                    struct buf *out)
{
    if (s->state != MQTT_UP)
        return ERR_CLOSED;
    if (ref == 0 || ref - s->head >= s->next - s->head)
        return ERR_NOT_FOUND;
    struct mqtt_open *o = open_at(s, ref);
    if (o->answered)
        return ERR_NOT_FOUND;
    o->answered = true;
    o->reason = legal_reason((enum mqtt_type)o->type, reason);
    return put_answers(s, ref, why, out);
}

void
mqtt_session_close(struct mqtt_session *s, uint8_t reason, struct buf *out)
{
    if (s->state == MQTT_UP)
        mqtt_put_disconnect(out, s->version, reason, (struct bytes){NULL, 0});
    s->state = MQTT_CLOSED;
}

uint64_t
mqtt_session_deadline_ms(const struct mqtt_session *s)
{
    return s->state == MQTT_UP ? s->heard_ms + s->keep_alive_ms : UINT64_MAX;
}
