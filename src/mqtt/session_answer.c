/* session_answer.c -- what the core says to a ref becomes an acknowledgement, in order. */
#include "mqtt/session_parts.h"

_Static_assert((MQTT_OPEN_MAX & (MQTT_OPEN_MAX - 1)) == 0, "refs are slots modulo the table");
_Static_assert(MQTT_OPEN_MAX >= MQTT_WINDOW + MQTT_FILTERS_MAX + 1, "room beside the window");

uint32_t
mqtt_ref_add(uint32_t ref, uint32_t n)
{
    uint32_t sum = ref + n;
    return sum < ref ? sum + 1 : sum;
}

struct mqtt_open *
mqtt_open_at(struct mqtt_session *s, uint32_t ref)
{
    return &s->open[ref & (MQTT_OPEN_MAX - 1)];
}

uint32_t
mqtt_open_refs(struct mqtt_session *s, enum mqtt_type type, uint16_t packet_id, uint8_t qos,
               size_t count)
{
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        if (s->next == 0) /* the numbers went round: ref 0 means "no answer wanted" */
            *mqtt_open_at(s, s->next++) = (struct mqtt_open){.count = 1, .answered = true};
        ASSERT(s->next - s->head < MQTT_OPEN_MAX);
        if (i == 0)
            first = s->next;
        *mqtt_open_at(s, s->next++) = (struct mqtt_open){
            .packet_id = packet_id, .type = (uint8_t)type, .count = (uint8_t)count, .qos = qos};
    }
    return first;
}

bool
mqtt_refs_fit(const struct mqtt_session *s, size_t count)
{
    return (s->next - s->head) + count + 1 <= MQTT_OPEN_MAX;
}

/* Which reasons each packet of ours may carry (2.4). */
static const struct {
    enum mqtt_type type;
    uint8_t count, codes[34];
} legal[] = {
    {MQTT_CONNACK, 22, {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                        0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}},
    {MQTT_PUBLISH, 9, {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},
    {MQTT_PUBREL, 2, {0x00, 0x92}},
    {MQTT_SUBSCRIBE, 12, {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}},
    {MQTT_UNSUBSCRIBE, 7, {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}},
    {MQTT_DISCONNECT, 28, {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E,
                           0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
                           0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}},
};

uint8_t
mqtt_legal_reason(enum mqtt_type type, uint8_t reason)
{
    bool of_filter = type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE;
    if (of_filter && reason == MQTT_TOPIC_INVALID)
        reason = MQTT_FILTER_INVALID; /* the same refusal has two names */
    if (type == MQTT_DISCONNECT && reason == MQTT_SERVER_UNAVAILABLE)
        reason = MQTT_SERVER_BUSY; /* as has this one */
    if (type == MQTT_CONNACK && reason == MQTT_SHUTTING_DOWN)
        reason = MQTT_SERVER_UNAVAILABLE;
    if (type == MQTT_PUBREL)
        return reason < MQTT_UNSPECIFIED ? (uint8_t)MQTT_SUCCESS
                                         : (uint8_t)MQTT_PACKET_ID_NOT_FOUND;
    for (size_t i = 0; i < ARRAY_COUNT(legal); i++) {
        if (legal[i].type == type && memchr(legal[i].codes, reason, legal[i].count))
            return reason;
    }
    return MQTT_UNSPECIFIED;
}

/*
 * The reason string property, if the client wants it and can take a packet of `size` bytes with it
 * (MQTT-3.1.2-29, MQTT-3.4.2-2).
 */
static void
put_why(const struct mqtt_session *s, struct bytes why, size_t size, struct buf *b)
{
    if (s->version != MQTT_V5 || why.len == 0 || why.len > MQTT_WHY_MAX - 8 ||
        size + why.len + 8 > s->client_packet_max)
        return;
    mqtt_property_put_text(b, MQTT_PROPERTY_REASON_STRING, why);
}

void
mqtt_put_goodbye(struct mqtt_session *s, uint8_t reason, struct buf *out)
{
    if (s->version != MQTT_V5)
        return; /* 3.1.1 knows no DISCONNECT from a server */
    struct buf b;
    buf_init(&b, MQTT_WHY_MAX);
    put_why(s, s->why ? bytes_text(s->why) : (struct bytes){NULL, 0}, 3, &b);
    struct mqtt_packet p = {.type = MQTT_DISCONNECT};
    p.ack = (struct mqtt_ack){0, mqtt_legal_reason(MQTT_DISCONNECT, reason), buf_bytes(&b)};
    if (s->client_packet_max >= 3)
        mqtt_put(out, s->version, &p);
    buf_fini(&b);
}

/* PUBACK, PUBREC or PUBCOMP. */
static void
put_ack(struct mqtt_session *s, const struct mqtt_open *o, struct bytes why, struct buf *out)
{
    struct buf b;
    buf_init(&b, MQTT_WHY_MAX);
    if (s->problem_texts && o->reason >= MQTT_UNSPECIFIED)
        put_why(s, why, 5, &b);
    struct mqtt_packet p = {.type = o->type == MQTT_PUBREL ? MQTT_PUBCOMP
                                    : o->qos == 2          ? MQTT_PUBREC
                                                           : MQTT_PUBACK};
    p.ack = (struct mqtt_ack){o->packet_id, o->reason, buf_bytes(&b)};
    mqtt_put(out, s->version, &p);
    buf_fini(&b);
}

/* One SUBACK or UNSUBACK. ERR_AGAIN: not all its refs are answered. ERR_CLOSED: see S6. */
static enum err
put_codes(struct mqtt_session *s, struct bytes why, struct buf *out, uint32_t *out_end)
{
    const struct mqtt_open *first = mqtt_open_at(s, s->head);
    uint8_t codes[MQTT_FILTERS_MAX];
    uint32_t ref = s->head;
    for (size_t i = 0; i < first->count; i++) {
        if (ref == 0)
            ref++;
        const struct mqtt_open *o = mqtt_open_at(s, ref++);
        if (!o->answered)
            return ERR_AGAIN;
        codes[i] = s->version == MQTT_V311 && o->reason >= 0x80 ? 0x80 : o->reason;
    }
    if (5u + first->count > s->client_packet_max)
        return ERR_CLOSED;
    struct buf b;
    buf_init(&b, MQTT_WHY_MAX);
    if (s->problem_texts)
        put_why(s, why, 8u + first->count, &b);
    buf_fini(&s->refusal);
    mqtt_put_codes(out, s->version, first->type == MQTT_SUBSCRIBE ? MQTT_SUBACK : MQTT_UNSUBACK,
                   first->packet_id, buf_bytes(&b), bytes_of(codes, first->count));
    buf_fini(&b);
    *out_end = ref;
    return OK;
}

static void
forget_release(struct mqtt_session *s, uint16_t packet_id)
{
    for (size_t i = 0; i < s->releases; i++) {
        if (s->release[i] == packet_id) {
            s->release[i] = s->release[--s->releases];
            ASSERT(s->window > 0);
            s->window--;
            return;
        }
    }
}

/*
 * The window after an acknowledgement. A QoS 2 exchange of v5 counts until PUBCOMP; 3.1.1 knows no
 * receive maximum, and its PUBREL may stand behind the very PUBLISH that would have to wait.
 */
static void
settle(struct mqtt_session *s, const struct mqtt_open *o)
{
    if (o->type == MQTT_PUBREL) {
        forget_release(s, o->packet_id);
        return;
    }
    ASSERT(s->window > 0);
    s->window--;
    bool goes_on = s->version == MQTT_V5 && o->qos == 2 && o->reason < MQTT_UNSPECIFIED;
    if (!goes_on)
        return;
    for (size_t i = 0; i < s->releases; i++) {
        if (s->release[i] == o->packet_id)
            return; /* sent again after a PUBREC that crossed it */
    }
    ASSERT(s->releases < MQTT_WINDOW);
    s->release[s->releases++] = o->packet_id;
    s->window++;
}

/* Write every answer that is complete, in order (S2). `why` belongs to `ref`. */
static enum err
put_answers(struct mqtt_session *s, uint32_t ref, struct bytes why, struct buf *out)
{
    struct bytes none = {NULL, 0};
    while (s->head != s->next) {
        const struct mqtt_open *o = mqtt_open_at(s, s->head);
        uint32_t end = s->head + 1;
        if (o->type == MQTT_PUBLISH || o->type == MQTT_PUBREL) {
            if (!o->answered)
                return OK;
            settle(s, o);
            if (s->version == MQTT_V311 && o->type == MQTT_PUBLISH && o->reason >= 0x80) {
                s->state = MQTT_CLOSED; /* S3 */
                return ERR_CLOSED;
            }
            put_ack(s, o, s->head == ref ? why : none, out);
        } else if (o->type != 0) {
            struct bytes first = buf_bytes(&s->refusal);
            bool own = ref - s->head < o->count;
            enum err e = put_codes(s, first.len || !own ? first : why, out, &end);
            if (e == ERR_CLOSED)
                s->state = MQTT_CLOSED;
            if (e != OK)
                return e == ERR_AGAIN ? OK : e;
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
    struct mqtt_open *o = mqtt_open_at(s, ref);
    if (o->answered)
        return ERR_NOT_FOUND;
    o->answered = true;
    o->reason = mqtt_legal_reason((enum mqtt_type)o->type, reason);
    const struct mqtt_open *oldest = mqtt_open_at(s, s->head);
    bool of_filter = o->type == MQTT_SUBSCRIBE || o->type == MQTT_UNSUBSCRIBE;
    if (of_filter && o->reason >= MQTT_UNSPECIFIED && ref - s->head < oldest->count &&
        s->refusal.len == 0 && why.len <= MQTT_WHY_MAX)
        buf_put(&s->refusal, why);
    return put_answers(s, ref, why, out);
}
