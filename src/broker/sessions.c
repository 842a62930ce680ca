/* sessions.c -- whose session is whose, how it begins and ends, and its will. */
#include "broker/inside.h"

#include "base/hash.h"

enum { TAKEN_OVER = 0x8E };

uint64_t
inside_hash(uint64_t h, struct bytes text)
{
    h = hash_bytes(h * 0x9E3779B97F4A7C15u, text);
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    return h ^ h >> 32;
}

struct buf *
inside_record(void)
{
    static struct buf record; /* one thread; keeps its memory */
    if (record.max == 0)
        buf_init(&record, RECORD_BYTES_MAX);
    buf_reset(&record);
    return &record;
}

void
broker_tidy(struct broker *b)
{
    uint32_t count = b->pending_count;
    b->pending_count = 0;
    for (uint32_t i = 0; i < count; i++)
        b->ports.keep(b->ports.ctx, b->pending[i].type, b->pending[i].id, (struct bytes){0});
}

void
inside_forget(struct broker *b, uint8_t type, uint64_t id)
{
    if (b->pending_count == BROKER_PENDING_MAX)
        broker_tidy(b);
    b->pending[b->pending_count].type = type;
    b->pending[b->pending_count++].id = id;
}

void
broker_init(struct broker *b, const struct broker_ports *ports, uint64_t seed, uint32_t divisor)
{
    ASSERT(divisor >= 1 && divisor <= 16);
    memset(b, 0, sizeof(*b));
    b->ports = *ports;
    b->seed = seed;
    b->budget.max = BROKER_BYTES_MAX / divisor;
    b->sessions_max = BROKER_SESSIONS_MAX / divisor;
    b->subscriptions_max = BROKER_SUBSCRIPTIONS_MAX / divisor;
    b->groups_max = BROKER_GROUPS_MAX / divisor;
    b->retained_max = BROKER_RETAINED_MAX / divisor;
    b->hits_max = b->sessions_max + b->groups_max;
    trie_init(&b->tree, &b->budget, seed, TRIE_NODES_MAX / divisor);
    b->session = calloc(b->sessions_max, sizeof(*b->session));
    b->subscription = calloc(b->subscriptions_max, sizeof(*b->subscription));
    b->group = calloc(b->groups_max, sizeof(*b->group));
    b->retained = calloc(b->retained_max, sizeof(*b->retained));
    b->session_bucket = calloc(BROKER_BUCKETS, sizeof(uint32_t));
    b->name_bucket = calloc(BROKER_BUCKETS, sizeof(uint32_t));
    b->retained_bucket = calloc(BROKER_BUCKETS, sizeof(uint32_t));
    b->hit = calloc(b->hits_max, sizeof(*b->hit));
    ASSERT(b->session && b->subscription && b->group && b->retained && b->hit);
    ASSERT(b->session_bucket && b->name_bucket && b->retained_bucket);
    b->session_high = b->subscription_high = b->group_high = b->retained_high = 1;
    b->next_number = 1;
    b->due_us = INT64_MAX;
}

void
broker_fini(struct broker *b)
{
    memset(&b->ports, 0, sizeof(b->ports)); /* nothing is asked and nothing kept any more */
    for (uint32_t i = 1; i < b->session_high; i++) {
        struct broker_session *s = &b->session[i];
        while (s->first) {
            struct broker_entry *e = s->first;
            s->first = e->next;
            message_release(&b->budget, e->message);
            budget_give(&b->budget, e, e->size);
        }
        message_release(&b->budget, s->will);
        budget_give(&b->budget, s->client_id, s->client_id_len);
        budget_give(&b->budget, s->inbox, BROKER_INBOX_MAX * sizeof(uint16_t));
    }
    for (uint32_t i = 1; i < b->subscription_high; i++)
        budget_give(&b->budget, b->subscription[i].filter, b->subscription[i].filter_len);
    for (uint32_t i = 1; i < b->retained_high; i++)
        message_release(&b->budget, b->retained[i].message);
    while (b->wills) {
        struct broker_will *w = b->wills;
        b->wills = w->next;
        message_release(&b->budget, w->message);
        budget_give(&b->budget, w, sizeof(*w));
    }
    trie_fini(&b->tree);
    ASSERT(b->budget.used == 0);
    free(b->session);
    free(b->subscription);
    free(b->group);
    free(b->retained);
    free(b->session_bucket);
    free(b->name_bucket);
    free(b->retained_bucket);
    free(b->hit);
}

/* ---- finding --------------------------------------------------------------------------------- */

static uint32_t *
name_bucket(const struct broker *b, uint8_t kind, struct bytes name)
{
    return &b->name_bucket[inside_hash(b->seed + kind, name) % BROKER_BUCKETS];
}

static uint32_t *
session_bucket(const struct broker *b, uint8_t kind, struct bytes name, struct bytes client_id)
{
    uint64_t h = inside_hash(inside_hash(b->seed + kind, name), client_id);
    return &b->session_bucket[h % BROKER_BUCKETS];
}

static struct bytes
client_id_of(const struct broker_session *s)
{
    return bytes_of(s->client_id, s->client_id_len);
}

uint32_t
broker_find(const struct broker *b, uint8_t kind, struct bytes name, struct bytes client_id)
{
    uint32_t i = *session_bucket(b, kind, name, client_id);
    for (; i; i = b->session[i].next) {
        const struct broker_session *s = &b->session[i];
        if (s->kind == kind && bytes_are(name, s->name) && bytes_equal(client_id, client_id_of(s)))
            return i;
    }
    return 0;
}

void
inside_dirty(struct broker *b, uint32_t session)
{
    struct broker_session *s = &b->session[session];
    if (s->dirty || s->peer == 0)
        return;
    s->dirty = true;
    s->dirty_next = b->dirty;
    b->dirty = session;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void
inside_session_record(struct broker *b, const struct broker_session *s)
{
    struct kept_session m = {
        .kind = s->kind,
        .name = bytes_text(s->name),
        .client_id = client_id_of(s),
        .version = s->version,
        .expiry_s = s->expiry_s,
        .left_us = s->peer || s->left_us < 0 ? 0 : s->left_us,
    };
    INSIDE_KEEP(b, kept_session, s->number, &m);
}

uint32_t
inside_session_new(struct broker *b, uint8_t kind, struct bytes name, struct bytes client_id)
{
    if (!b->session_free && b->session_high == b->sessions_max)
        return 0;
    uint8_t *copy = budget_take(&b->budget, client_id.len);
    if (!copy)
        return 0;
    uint32_t i = b->session_free ? b->session_free : b->session_high++;
    struct broker_session *s = &b->session[i];
    if (b->session_free)
        b->session_free = s->next;
    bool dirty = s->dirty; /* still in the list to pump: it stays there, once */
    uint32_t dirty_next = s->dirty_next;
    memcpy(copy, client_id.p, client_id.len);
    *s = (struct broker_session){.used = true,
                                 .kind = kind,
                                 .client_id = copy,
                                 .client_id_len = (uint32_t)client_id.len,
                                 .dirty = dirty,
                                 .dirty_next = dirty_next,
                                 .number = b->next_number++};
    enum err e = bytes_copy_text(name, s->name, sizeof(s->name));
    ASSERT(e == OK && client_id.len > 0);
    uint32_t *bucket = session_bucket(b, kind, name, client_id);
    s->next = *bucket;
    *bucket = i;
    bucket = name_bucket(b, kind, name);
    s->next_of_name = *bucket;
    *bucket = i;
    b->sessions_count++;
    return i;
}

static void
unchain(struct broker *b, uint32_t session)
{
    struct broker_session *s = &b->session[session];
    struct bytes name = bytes_text(s->name);
    uint32_t *at = session_bucket(b, s->kind, name, client_id_of(s));
    while (*at != session)
        at = &b->session[*at].next;
    *at = s->next;
    at = name_bucket(b, s->kind, name);
    while (*at != session)
        at = &b->session[*at].next_of_name;
    *at = s->next_of_name;
}

void
inside_will_due(struct broker *b, uint32_t session)
{
    struct broker_session *s = &b->session[session];
    if (!s->will)
        return;
    struct broker_will *w = budget_take(&b->budget, sizeof(*w));
    if (w) {
        *w = (struct broker_will){
            .next = b->wills, .kind = s->kind, .number = s->will_number, .message = s->will};
        memcpy(w->name, s->name, sizeof(w->name));
        b->wills = w;
    } else { /* its record is still there: the next start gives it out */
        b->count.lost_full++;
        message_release(&b->budget, s->will);
    }
    s->will = NULL;
    s->will_number = 0;
}

static void
will_forget(struct broker *b, struct broker_session *s)
{
    if (!s->will)
        return;
    inside_forget(b, kept_will_id, s->will_number);
    message_release(&b->budget, s->will);
    s->will = NULL;
    s->will_number = 0;
}

void
inside_session_end(struct broker *b, uint32_t session)
{
    struct broker_session *s = &b->session[session];
    ASSERT(s->used);
    inside_will_due(b, session); /* MQTT-3.1.2-8 */
    broker_unsubscribe_all(b, session);
    inside_queue_clear(b, s);
    if (s->inbox_count)
        b->ports.keep(b->ports.ctx, kept_inbox_id, s->number, (struct bytes){0});
    budget_give(&b->budget, s->inbox, BROKER_INBOX_MAX * sizeof(uint16_t));
    if (s->kept)
        inside_forget(b, kept_session_id, s->number);
    unchain(b, session);
    budget_give(&b->budget, s->client_id, s->client_id_len);
    *s = (struct broker_session){
        .next = b->session_free, .dirty = s->dirty, .dirty_next = s->dirty_next};
    b->session_free = session;
    b->sessions_count--;
    b->count.sessions_ended++;
}

static enum err
check_counts(const struct broker *b, const struct broker_connect *m)
{
    uint32_t all = 0, kept = 0;
    for (uint32_t i = *name_bucket(b, m->kind, m->name); i; i = b->session[i].next_of_name) {
        const struct broker_session *s = &b->session[i];
        if (s->kind != m->kind || !bytes_are(m->name, s->name))
            continue;
        all++;
        kept += s->expiry_s > 0;
    }
    return all >= BROKER_NAME_SESSIONS_MAX || (m->expiry_s && kept >= BROKER_NAME_KEPT_MAX)
               ? ERR_LIMIT
               : OK;
}

static void
keep_will(struct broker *b, struct broker_session *s)
{
    s->will_number = b->next_number++;
    struct kept_will m = {
        .session = s->number,
        .kind = s->kind,
        .name = bytes_text(s->name),
        .delay_s = s->will_delay_s,
        .flags = inside_flags(s->will->qos, s->will->retain),
        .topic = s->will->topic,
        .properties = s->will->properties,
        .payload = s->will->payload,
    };
    INSIDE_KEEP(b, kept_will, s->will_number, &m);
}

/* What the new connection says about the session, old or new. */
static void
connect_to(struct broker *b, uint32_t session, const struct broker_connect *m,
           struct broker_message *will)
{
    struct broker_session *s = &b->session[session];
    uint16_t most = m->receive_maximum;
    will_forget(b, s); /* MQTT-3.1.3-9 */
    s->peer = m->peer;
    s->version = m->version;
    s->expiry_s = m->expiry_s;
    s->window = most && most < BROKER_FLIGHT_MAX ? most : BROKER_FLIGHT_MAX;
    s->packet_max = m->packet_max;
    s->will = will;
    s->will_delay_s = m->will_delay_s;
    if (s->expiry_s || s->kept) {
        s->kept = true;
        inside_session_record(b, s);
    }
    if (will)
        keep_will(b, s);
    inside_dirty(b, session);
}

enum err
broker_open(struct broker *b, const struct broker_connect *m, int64_t now_us, uint32_t *out_session,
            bool *out_present)
{
    struct broker_message *will = NULL;
    uint32_t old = broker_find(b, m->kind, m->name, m->client_id);
    if (old && b->session[old].peer) { /* MQTT-3.1.4-3 */
        bool ends = b->session[old].expiry_s == 0;
        b->ports.drop(b->ports.ctx, b->session[old].peer, TAKEN_OVER);
        broker_close(b, old, false, UINT64_MAX, now_us);
        old = ends ? 0 : old;
    }
    enum err e = old && !m->clean_start ? OK : check_counts(b, m);
    if (e == OK && m->has_will)
        e = message_new(&b->budget, &m->will, now_us, &will);
    if (e != OK)
        return e;
    if (old && m->clean_start) {
        inside_session_end(b, old);
        old = 0;
    }
    uint32_t session = old ? old : inside_session_new(b, m->kind, m->name, m->client_id);
    if (!session) {
        message_release(&b->budget, will);
        return ERR_LIMIT;
    }
    connect_to(b, session, m, will);
    *out_session = session;
    *out_present = old != 0;
    return OK;
}

/* When the time of a session or of its will is over. */
static int64_t
due_of(const struct broker_session *s)
{
    int64_t end_us =
        s->expiry_s == UINT32_MAX ? INT64_MAX : s->left_us + (int64_t)s->expiry_s * 1000000;
    int64_t will_us = s->will ? s->left_us + (int64_t)s->will_delay_s * 1000000 : INT64_MAX;
    return will_us < end_us ? will_us : end_us;
}

void
broker_close(struct broker *b, uint32_t session, bool forget_will, uint64_t expiry_s,
             int64_t now_us)
{
    struct broker_session *s = &b->session[session];
    ASSERT(s->used && s->peer);
    s->peer = 0;
    s->left_us = now_us;
    if (expiry_s != UINT64_MAX && s->expiry_s > 0) /* MQTT-3.14.2-2 is the gate's to refuse */
        s->expiry_s = (uint32_t)expiry_s;
    if (forget_will)
        will_forget(b, s);
    if (s->expiry_s == 0) {
        inside_session_end(b, session);
        return;
    }
    if (s->will && s->will_delay_s == 0)
        inside_will_due(b, session);
    inside_queue_lost(b, s);
    inside_session_record(b, s);
    int64_t due_us = due_of(s);
    b->due_us = due_us < b->due_us ? due_us : b->due_us;
}

struct broker_will *
broker_next_will(struct broker *b, int64_t now_us)
{
    if (!b->wills && now_us >= b->due_us) {
        b->due_us = INT64_MAX;
        for (uint32_t i = 1; i < b->session_high; i++) {
            struct broker_session *s = &b->session[i];
            if (!s->used || s->peer)
                continue;
            if (s->will && now_us >= s->left_us + (int64_t)s->will_delay_s * 1000000)
                inside_will_due(b, i);
            if (now_us >= due_of(s)) {
                inside_session_end(b, i);
                continue;
            }
            int64_t due_us = due_of(s);
            b->due_us = due_us < b->due_us ? due_us : b->due_us;
        }
    }
    struct broker_will *w = b->wills;
    if (w)
        b->wills = w->next;
    b->count.wills += w != NULL;
    return w;
}

void
broker_will_later(struct broker *b, struct broker_will *w)
{
    w->next = b->wills;
    b->wills = w;
    b->count.wills--;
}

void
broker_will_done(struct broker *b, struct broker_will *w)
{
    inside_forget(b, kept_will_id, w->number);
    message_release(&b->budget, w->message);
    budget_give(&b->budget, w, sizeof(*w));
}

/* ---- QoS 2 that comes in ------------------------------------------------------------------------
 */

static void
keep_inbox(struct broker *b, const struct broker_session *s)
{
    uint8_t ids[2 * BROKER_INBOX_MAX];
    if (!inside_durable(s))
        return;
    for (uint32_t i = 0; i < s->inbox_count; i++) {
        ids[2 * i] = (uint8_t)(s->inbox[i] >> 8);
        ids[2 * i + 1] = (uint8_t)s->inbox[i];
    }
    struct kept_inbox m = {bytes_of(ids, 2 * s->inbox_count)};
    INSIDE_KEEP(b, kept_inbox, s->number, &m);
}

enum err
broker_inbox_add(struct broker *b, uint32_t session, uint16_t packet_id, bool *out_known)
{
    struct broker_session *s = &b->session[session];
    ASSERT(s->used && packet_id);
    if (!s->inbox)
        s->inbox = budget_take(&b->budget, BROKER_INBOX_MAX * sizeof(uint16_t));
    if (!s->inbox)
        return ERR_LIMIT;
    *out_known = false;
    for (uint32_t i = 0; i < s->inbox_count; i++)
        *out_known |= s->inbox[i] == packet_id;
    if (*out_known)
        return OK;
    if (s->inbox_count == BROKER_INBOX_MAX)
        return ERR_LIMIT;
    s->inbox[s->inbox_count++] = packet_id;
    if (!b->loading)
        keep_inbox(b, s);
    return OK;
}

bool
broker_inbox_release(struct broker *b, uint32_t session, uint16_t packet_id)
{
    struct broker_session *s = &b->session[session];
    for (uint32_t i = 0; i < s->inbox_count; i++) {
        if (s->inbox[i] != packet_id)
            continue;
        s->inbox[i] = s->inbox[--s->inbox_count];
        keep_inbox(b, s);
        return true;
    }
    return false;
}
