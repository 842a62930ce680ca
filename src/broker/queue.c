/* queue.c -- what waits for one client, what is in flight, and how it is sent again. */
#include "broker/inside.h"

enum { PUBACK = 4, PUBREC = 5, PUBCOMP = 7, PUBLISH_LEAST = 4 /* the gate counts to the byte */ };

/* ---- the list -------------------------------------------------------------------------------- */

void
inside_entry_link(struct broker_session *s, struct broker_entry *e)
{
    e->previous = s->last;
    if (s->last)
        s->last->next = e;
    else
        s->first = e;
    s->last = e;
    if (!s->unsent)
        s->unsent = e;
    s->queue_count++;
    s->zeros += e->qos == 0;
    s->queue_bytes += e->size + (e->message ? e->message->size : 0);
}

static void
drop_message(struct broker *b, struct broker_session *s, struct broker_entry *e)
{
    struct broker_message *m = e->message;
    if (!m)
        return;
    s->queue_bytes -= m->size;
    if (e->refers) {
        ASSERT(m->kept > 0);
        if (--m->kept == 0)
            inside_forget(b, kept_message_id, m->number);
    }
    e->refers = false;
    e->message = NULL;
    message_release(&b->budget, m);
}

void
inside_entry_drop(struct broker *b, struct broker_session *s, struct broker_entry *e)
{
    if (s->unsent == e)
        s->unsent = e->next;
    if (e->previous)
        e->previous->next = e->next;
    else
        s->first = e->next;
    if (e->next)
        e->next->previous = e->previous;
    else
        s->last = e->previous;
    if (e->state != FLIGHT_QUEUED)
        s->in_flight--;
    if (e->state == FLIGHT_RELEASING)
        s->releasing--;
    drop_message(b, s, e);
    s->queue_count--;
    s->zeros -= e->qos == 0;
    s->queue_bytes -= e->size;
    if (e->number)
        inside_forget(b, kept_entry_id, e->number);
    budget_give(&b->budget, e, e->size);
}

void
inside_queue_clear(struct broker *b, struct broker_session *s)
{
    while (s->first)
        inside_entry_drop(b, s, s->first);
}

/* ---- coming in ------------------------------------------------------------------------------- */

/* B6: the oldest that is not in flight goes. False: all are. */
static bool
make_room(struct broker *b, struct broker_session *s, size_t size)
{
    while (s->queue_count >= BROKER_QUEUE_MAX || s->queue_bytes + size > BROKER_QUEUE_BYTES_MAX) {
        struct broker_entry *e = s->unsent;
        while (e && (e->state != FLIGHT_QUEUED || e->again))
            e = e->next;
        if (!e)
            return false;
        inside_entry_drop(b, s, e);
        b->count.lost_full++;
    }
    return true;
}

/* Ids grow round; only one that is in flight can still have the next one. */
static uint16_t
next_packet_id(struct broker_session *s)
{
    uint16_t id = s->last_packet_id;
    bool taken;
    do {
        id = id == UINT16_MAX ? 1 : (uint16_t)(id + 1);
        taken = false;
        uint32_t seen = 0;
        for (const struct broker_entry *e = s->first; e && seen <= BROKER_FLIGHT_MAX; e = e->next) {
            taken |= e->packet_id == id;
            seen += e->packet_id != 0;
        }
    } while (taken);
    s->last_packet_id = id;
    return id;
}

static void
keep_entry(struct broker *b, const struct broker_session *s, const struct broker_entry *e)
{
    const struct broker_message *m = e->message;
    uint8_t ids[4 * BROKER_IDENTIFIERS_MAX];
    for (uint32_t i = 0; i < e->ids_count; i++)
        for (uint32_t k = 0; k < 4; k++)
            ids[4 * i + k] = (uint8_t)(e->ids[i] >> (24 - 8 * k));
    struct kept_entry record = {
        .session = s->number,
        .message = m && e->refers ? m->number : 0,
        .packet_id = e->packet_id,
        .flags = inside_flags(e->qos, e->retain),
        .released = m == NULL,
        .identifiers = bytes_of(ids, 4u * e->ids_count),
    };
    if (m && !e->refers) {
        record.message_flags = inside_flags(m->qos, m->retain);
        record.expires_us = m->expires_us;
        record.topic = m->topic;
        record.properties = m->properties;
        record.payload = m->payload;
    }
    INSIDE_KEEP(b, kept_entry, e->number, &record);
}

void
inside_enqueue(struct broker *b, uint32_t session, struct broker_message *m, uint8_t qos,
               bool retain, const uint32_t *ids, uint32_t ids_count)
{
    struct broker_session *s = &b->session[session];
    ASSERT(s->used && ids_count <= BROKER_IDENTIFIERS_MAX);
    size_t size = sizeof(struct broker_entry) + ids_count * sizeof(uint32_t);
    struct broker_entry *e = make_room(b, s, size + m->size) ? budget_take(&b->budget, size) : NULL;
    if (!e) {
        b->count.lost_full++;
        return;
    }
    e->size = size;
    e->message = message_get(m);
    e->state = FLIGHT_QUEUED;
    e->qos = qos;
    e->retain = retain;
    e->ids_count = (uint8_t)ids_count;
    if (ids_count)
        memcpy(e->ids, ids, ids_count * sizeof(uint32_t));
    e->packet_id = qos ? next_packet_id(s) : 0;
    inside_entry_link(s, e);
    if (qos && inside_durable(s)) {
        e->number = b->next_number++;
        e->refers = m->number != 0;
        m->kept += e->refers;
        keep_entry(b, s, e);
    }
    b->count.queued++;
    inside_dirty(b, session);
}

void
inside_queue_lost(struct broker *b, struct broker_session *s)
{
    struct broker_entry *next;
    for (struct broker_entry *e = s->first; e; e = next) {
        next = e->next;
        if (e->qos == 0) {
            inside_entry_drop(b, s, e);
            continue;
        }
        enum flight_action action;
        enum flight_state before = e->state;
        enum err lost = flight_step(&e->state, e->qos, FLIGHT_LOST, &action);
        ASSERT(lost == OK);
        e->again |= before == FLIGHT_SENT;
        if (before == FLIGHT_SENT)
            s->in_flight--;
        s->releasing += before == FLIGHT_RELEASED;
    }
    s->unsent = s->first;
}

/* ---- going out ------------------------------------------------------------------------------- */

/* PUBREL first: it does not count against the window, and frees it. */
static bool
pump_releases(struct broker *b, struct broker_session *s)
{
    for (struct broker_entry *e = s->first; e && s->releasing; e = e->next) {
        enum flight_action action;
        if (e->state != FLIGHT_RELEASING)
            continue;
        if (!b->ports.release(b->ports.ctx, s, e->packet_id))
            return false;
        enum err sent = flight_step(&e->state, e->qos, FLIGHT_PUBREL, &action);
        ASSERT(sent == OK);
        s->releasing--;
    }
    return true;
}

/* What may not be sent any more is dropped; true: it was. */
static bool
drop_stale(struct broker *b, struct broker_session *s, struct broker_entry *e, int64_t now_us)
{
    const struct broker_message *m = e->message;
    uint64_t *lost = NULL;
    size_t size = m->topic.len + m->properties.len + m->payload.len + 5u * e->ids_count;
    if (!e->again && message_expired(m, now_us)) /* MQTT-3.3.2-5 */
        lost = &b->count.lost_expired;
    else if (!b->ports.may_hear(b->ports.ctx, s, m)) /* B5 */
        lost = &b->count.lost_rights;
    else if (s->packet_max && size + PUBLISH_LEAST > s->packet_max) /* MQTT-3.1.2-25 */
        lost = &b->count.lost_size;
    if (!lost)
        return false;
    ++*lost;
    inside_entry_drop(b, s, e);
    return true;
}

static bool
send_entry(struct broker *b, struct broker_session *s, struct broker_entry *e)
{
    struct broker_delivery d = {
        .packet_id = e->packet_id,
        .flags = (uint8_t)(inside_flags(e->qos, e->retain) | (e->again ? 8 : 0)),
        .message = e->message,
        .ids = e->ids,
        .ids_count = e->ids_count,
    };
    return b->ports.deliver(b->ports.ctx, s, &d);
}

/* False: the channel takes no more; the rest of the queue waits. */
static bool
pump_session(struct broker *b, struct broker_session *s, int64_t now_us)
{
    if (!pump_releases(b, s))
        return false;
    struct broker_entry *next, *blocked = NULL; /* the first that the window holds back */
    for (struct broker_entry *e = s->unsent; e && (!blocked || s->zeros); e = next) {
        next = e->next;
        s->unsent = blocked ? blocked : e;
        if (e->state != FLIGHT_QUEUED || (blocked && e->qos) || drop_stale(b, s, e, now_us))
            continue;
        if (e->qos && s->in_flight >= s->window) { /* B4 */
            blocked = e;
            continue;
        }
        if (!send_entry(b, s, e))
            return false;
        b->count.delivered++;
        if (e->qos == 0) {
            inside_entry_drop(b, s, e);
            continue;
        }
        enum flight_action action;
        enum err sent = flight_step(&e->state, e->qos, FLIGHT_SEND, &action);
        ASSERT(sent == OK);
        s->in_flight++;
    }
    s->unsent = blocked;
    return true;
}

void
broker_pump(struct broker *b, int64_t now_us)
{
    uint32_t list = b->dirty;
    b->dirty = 0;
    while (list) {
        uint32_t i = list;
        struct broker_session *s = &b->session[i];
        list = s->dirty_next;
        s->dirty = false;
        if (s->used && s->peer && !pump_session(b, s, now_us))
            inside_dirty(b, i);
    }
}

bool
broker_pump_waits(const struct broker *b)
{
    return b->dirty != 0;
}

/* ---- what the client says ----------------------------------------------------------------------
 */

static enum flight_event
event_of(uint8_t type, uint8_t reason)
{
    if (type == PUBACK)
        return FLIGHT_PUBACK;
    if (type == PUBCOMP)
        return FLIGHT_PUBCOMP;
    return reason >= 0x80 ? FLIGHT_PUBREC_FAIL : FLIGHT_PUBREC;
}

enum err
broker_ack(struct broker *b, uint32_t session, uint8_t type, uint16_t packet_id, uint8_t reason)
{
    struct broker_session *s = &b->session[session];
    ASSERT(s->used && s->peer);
    struct broker_entry *e = s->first;
    if (type != PUBACK && type != PUBREC && type != PUBCOMP)
        return ERR_MALFORMED;
    while (e && (e->packet_id != packet_id || packet_id == 0))
        e = e->next;
    if (!e && type == PUBREC && reason < 0x80 && packet_id)
        (void)b->ports.release(b->ports.ctx, s, packet_id); /* so that the client can forget it */
    if (!e)
        return ERR_WRONG_STATE;
    enum flight_action action;
    enum flight_state before = e->state;
    enum err step = flight_step(&e->state, e->qos, event_of(type, reason), &action);
    if (step != OK)
        return step;
    s->releasing += e->state == FLIGHT_RELEASING && before != FLIGHT_RELEASING;
    if (action == FLIGHT_KEEP_RELEASE) {
        drop_message(b, s, e);
        if (e->number)
            keep_entry(b, s, e);
    }
    if (action == FLIGHT_DONE) {
        b->count.acknowledged++;
        inside_entry_drop(b, s, e);
    }
    inside_dirty(b, session);
    return OK;
}
