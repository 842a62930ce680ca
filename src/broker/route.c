/* route.c -- from one publish to the queues of everybody who hears it. */
#include "broker/inside.h"

#define AT(i) (b->subscription[i])

enum { ENTRY_RECORD_BYTES = 128, ENTRY_MEMORY_BYTES = 160 };

static void
add_identifier(struct broker_hit *hit, uint32_t identifier)
{
    for (uint32_t i = 0; i < hit->ids_count; i++)
        if (hit->ids[i] == identifier)
            return;
    if (identifier && hit->ids_count < BROKER_IDENTIFIERS_MAX)
        hit->ids[hit->ids_count++] = identifier;
}

static uint8_t
lesser(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* False: the message does not go to this session by this subscription. */
static bool
reaches(const struct broker *b, const struct broker_subscription *sub)
{
    const struct broker_session *s = &b->session[sub->session];
    uint8_t qos = lesser(sub->options & BROKER_QOS, b->routed->qos);
    if (sub->kind != (uint8_t)b->routing)
        return false;
    if ((sub->options & BROKER_NO_LOCAL) && sub->session == b->from)
        return false;
    return s->peer || (qos > 0 && s->expiry_s > 0);
}

static struct broker_hit *
new_hit(struct broker *b, const struct broker_subscription *sub)
{
    if (b->hits == b->hits_max) {
        b->count.lost_full++;
        return NULL;
    }
    struct broker_hit *hit = &b->hit[b->hits++];
    hit->session = sub->session;
    hit->qos = 0;
    hit->ids_count = 0;
    hit->retain = false;
    return hit;
}

static void
widen(const struct broker *b, struct broker_hit *hit, const struct broker_subscription *sub)
{
    uint8_t qos = lesser(sub->options & BROKER_QOS, b->routed->qos);
    hit->qos = qos > hit->qos ? qos : hit->qos;
    hit->retain |= b->routed->retain && (sub->options & BROKER_RETAIN_AS_PUBLISHED);
    add_identifier(hit, sub->identifier);
}

static void
consider(struct broker *b, const struct broker_subscription *sub)
{
    if (!reaches(b, sub))
        return;
    struct broker_session *s = &b->session[sub->session];
    if (s->stamp != b->stamp) {
        if (!b->ports.may_hear(b->ports.ctx, s, b->routed)) /* B5 */
            return;
        struct broker_hit *hit = new_hit(b, sub);
        if (!hit)
            return;
        s->stamp = b->stamp;
        s->hit = b->hits - 1;
    }
    widen(b, &b->hit[s->hit], sub); /* B2 */
}

/* Of a group one member gets it: in turn, somebody who is there before somebody who is away. */
static void
consider_group(struct broker *b, struct broker_group *group)
{
    uint32_t first = group->turn ? group->turn : group->members, away = 0, chosen = 0;
    uint32_t i = first;
    do {
        const struct broker_session *s = &b->session[AT(i).session];
        if (reaches(b, &AT(i)) && b->ports.may_hear(b->ports.ctx, s, b->routed)) {
            if (s->peer)
                chosen = i;
            else if (!away)
                away = i;
        }
        i = AT(i).next ? AT(i).next : group->members;
    } while (!chosen && i != first);
    chosen = chosen ? chosen : away;
    struct broker_hit *hit = chosen ? new_hit(b, &AT(chosen)) : NULL;
    if (!hit)
        return;
    widen(b, hit, &AT(chosen));
    group->turn = AT(chosen).next;
}

static void
on_node(void *ctx, const struct trie_node *node)
{
    struct broker *b = ctx;
    for (uint32_t i = node->value; i; i = AT(i).next)
        consider(b, &AT(i));
    for (uint32_t g = node->groups; g; g = b->group[g].next)
        consider_group(b, &b->group[g]);
}

/* Room in the store and in memory for all of it, before anything is queued. */
static bool
room_for(struct broker *b, const struct broker_message *m, uint32_t *out_kept)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->hits; i++)
        kept += b->hit[i].qos > 0 && inside_durable(&b->session[b->hit[i].session]);
    *out_kept = kept;
    size_t memory = (size_t)b->hits * ENTRY_MEMORY_BYTES;
    if (memory > b->budget.max - b->budget.used)
        return false;
    return kept == 0 || b->ports.room(b->ports.ctx, m->size + (size_t)kept * ENTRY_RECORD_BYTES);
}

static void
keep_message(struct broker *b, struct broker_message *m)
{
    m->number = b->next_number++;
    struct kept_message record = {
        .flags = inside_flags(m->qos, m->retain),
        .expires_us = m->expires_us,
        .topic = m->topic,
        .properties = m->properties,
        .payload = m->payload,
    };
    INSIDE_KEEP(b, kept_message, m->number, &record);
}

enum err
broker_publish(struct broker *b, enum broker_kind kind, struct broker_message *m, uint32_t from,
               int64_t now_us)
{
    ASSERT(kind == BROKER_PLAIN || kind == BROKER_LEASES);
    if (b->tree.count == 0 || message_expired(m, now_us))
        return OK;
    uint32_t kept;
    b->stamp++;
    b->hits = 0;
    b->routing = kind;
    b->from = from;
    b->routed = m;
    trie_match(&b->tree, m->topic, on_node, b);
    if (!room_for(b, m, &kept)) {
        b->count.refused_full++;
        return ERR_LIMIT;
    }
    if (kept > 1)
        keep_message(b, m);
    for (uint32_t i = 0; i < b->hits; i++) {
        const struct broker_hit *hit = &b->hit[i];
        inside_enqueue(b, hit->session, m, hit->qos, hit->retain, hit->ids, hit->ids_count);
    }
    return OK;
}

void
broker_offer(struct broker *b, uint32_t subscription, struct broker_message *m, bool retained,
             int64_t now_us)
{
    const struct broker_subscription *sub = &AT(subscription);
    const struct broker_session *s = &b->session[sub->session];
    uint8_t qos = lesser(sub->options & BROKER_QOS, m->qos);
    if (message_expired(m, now_us) || (!s->peer && (qos == 0 || s->expiry_s == 0)) ||
        !b->ports.may_hear(b->ports.ctx, s, m))
        return;
    if (qos > 0 && inside_durable(s) &&
        !b->ports.room(b->ports.ctx, m->size + ENTRY_RECORD_BYTES)) {
        b->count.lost_full++;
        return;
    }
    inside_enqueue(b, sub->session, m, qos, retained, &sub->identifier, sub->identifier != 0);
}
