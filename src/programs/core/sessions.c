/*
 * sessions.c -- what MQTT clients ask of their sessions: CONNECT, its end, QoS 2, acknowledgements,
 * wills. The broker (broker/broker.h) keeps them; here are rights, time and answers.
 */
#include "programs/core/core.h"

#include "base/text.h"
#include "mqtt/property.h"
#include "runtime/log.h"

enum {
    WILL_FLAG = 1,
    WILL_QOS_SHIFT = 1,
    WILL_RETAIN_FLAG = 8,
    QOS_FLAGS = 3,
    RETAIN_FLAG = 4,
    GIVEN_ID_SIZE = 80,
    LOST_TOLD_MS = 10000,
    SMALL_ZONE_BYTES = 192 * 1024 * 1024, /* the tables of a large zone take 45 MiB of addresses */
    SMALL_ZONE_DIVISOR = 16,
};

static int64_t
now_us(const struct core *c)
{
    return clock_wall_us(&c->clock);
}

/* ---- start ----------------------------------------------------------------------------------- */

void
sessions_init(struct core *c)
{
    struct broker_ports ports = session_ports;
    ports.ctx = c;
    bool small = c->start->memory_bytes && c->start->memory_bytes < SMALL_ZONE_BYTES;
    broker_init(&c->broker, &ports, random_u64(&c->random), small ? SMALL_ZONE_DIVISOR : 1);
    c->hear = calloc(c->broker.subscriptions_max, sizeof(struct hear *));
    ASSERT(c->hear);
}

void
sessions_fini(struct core *c)
{
    for (uint32_t i = 0; i < c->broker.subscriptions_max; i++)
        budget_give(&c->broker.budget, c->hear[i], sizeof(struct hear));
    free(c->hear);
    broker_fini(&c->broker);
}

enum err
sessions_load(struct core *c, uint8_t type, uint64_t id, struct bytes record)
{
    return broker_load(&c->broker, type, id, record, now_us(c));
}

void
sessions_loaded(struct core *c)
{
    broker_loaded(&c->broker, now_us(c));
    if (c->broker.sessions_count || c->broker.retained_count)
        log_event("sessions", "kept=%u subscriptions=%u retained=%u orphans=%u",
                  c->broker.sessions_count, c->broker.subscriptions_count, c->broker.retained_count,
                  c->broker.orphans);
}

/* ---- CONNECT --------------------------------------------------------------------------------- */

/* A caller's token stands in the password. It is looked at, and not kept. */
static enum err
admit_caller(struct core *c, struct peer *peer, struct bytes password, struct refusal *why)
{
    struct request ask = {.state = ASK_FREE};
    struct token token;
    ask.token = (struct buf){.p = (uint8_t *)(uintptr_t)password.p,
                             .len = password.len,
                             .capacity = password.len,
                             .max = password.len};
    enum err e = caller_check(c, peer, &ask, &token, why);
    if (e != OK) {
        c->count.reads_refused++;
        return e;
    }
    memcpy(peer->role, token.role, sizeof(peer->role));
    memcpy(peer->purpose, token.purpose, sizeof(peer->purpose));
    peer->token_until_us = token.expiry_us;
    return OK;
}

/* What may not be published may not be left as a will either. */
static enum err
check_will(struct core *c, const struct peer *peer, const struct session_open *m,
           struct broker_connect *out, struct refusal *why)
{
    struct speaker who = speaker_of(peer);
    const struct start_topics *row;
    struct plain p = {
        .qos = m->will_flags >> WILL_QOS_SHIFT & QOS_FLAGS,
        .retain = m->will_flags & WILL_RETAIN_FLAG,
        .topic = m->will_topic,
        .properties = m->will_properties,
        .payload = m->will_payload,
    };
    if (!(m->will_flags & WILL_FLAG))
        return OK;
    if (!plain_topic(m->will_topic))
        return refuse(why, 400, REASON_TOPIC_INVALID, "an Observation is no will");
    if (p.qos > 2 || mqtt_properties_check(p.properties, MQTT_WILL) != OK)
        return refuse(why, 400, REASON_UNSPECIFIED, "the will is malformed");
    out->has_will = true;
    out->will_delay_s = m->will_delay_s;
    out->will =
        (struct broker_message_parts){p.qos, p.retain, INT64_MAX, p.topic, p.properties, p.payload};
    return plain_check(c, &who, &p, &row, why);
}

static enum err
open_session(struct core *c, struct peer *peer, const struct session_open *m, struct bytes id,
             struct broker_connect *out, bool *out_present, struct refusal *why)
{
    enum err e = peer->kind == PEER_STRANGER
                     ? refuse(why, 403, REASON_NOT_AUTHORISED, "strangers have no session")
                 : peer->session ? refuse(why, 400, REASON_UNSPECIFIED, "a session is open already")
                 : peer->kind == PEER_CALLER ? admit_caller(c, peer, m->password, why)
                                             : OK;
    uint32_t most = peer->kind == PEER_DEVICE ? SESSION_EXPIRY_S_MAX : 0; /* a token ends soon */
    *out = (struct broker_connect){
        .peer = peer->id,
        .kind = (uint8_t)peer->kind,
        .version = m->version,
        .name = bytes_text(peer->name),
        .client_id = id,
        .clean_start = m->clean_start,
        .expiry_s = m->session_expiry_s < most ? m->session_expiry_s : most,
        .receive_maximum = m->receive_maximum,
        .packet_max = m->packet_max,
    };
    if (e == OK)
        e = check_will(c, peer, m, out, why);
    if (e != OK)
        return e;
    round_room(c, m->will_payload.len + m->will_properties.len + STORE_NAME_SIZE);
    e = broker_open(&c->broker, out, now_us(c), &peer->session, out_present);
    if (e != OK)
        return refuse(why, 429, REASON_QUOTA, "too many sessions of this name, or of the zone");
    broker_tidy(&c->broker); /* what a clean start ended is gone before it is told so */
    return OK;
}

void
sessions_open(struct core *c, struct peer *peer, const struct session_open *m)
{
    char given[GIVEN_ID_SIZE] = "";
    struct refusal why = {0};
    struct broker_connect connect;
    bool present = false;
    if (m->client_id.len == 0)
        snprintf(given, sizeof(given), "%s-%016llx", peer->name,
                 (unsigned long long)random_u64(&c->random));
    enum err e = open_session(c, peer, m, m->client_id.len ? m->client_id : bytes_text(given),
                              &connect, &present, &why);
    uint8_t reason = e == OK ? REASON_SUCCESS : why.status == 503 ? REASON_BUSY : why.reason;
    round_opened(c, peer->id, reason, e == OK ? "" : why.why, present,
                 e == OK ? connect.expiry_s : 0, given);
}

/* ---- the end of a connection ----------------------------------------------------------------- */

static void
leave(struct core *c, struct peer *peer, bool forget_will, uint64_t expiry_s)
{
    uint32_t session = peer->session;
    peer->session = 0;
    hears_forget(c, peer->id);
    if (session && c->broker.session[session].peer == peer->id)
        broker_close(&c->broker, session, forget_will, expiry_s, now_us(c));
}

void
sessions_close(struct core *c, struct peer *peer, const struct session_close *m)
{
    uint64_t expiry_s = UINT64_MAX;
    if (m->has_expiry)
        expiry_s =
            m->session_expiry_s < SESSION_EXPIRY_S_MAX ? m->session_expiry_s : SESSION_EXPIRY_S_MAX;
    leave(c, peer, m->reason == 0, expiry_s);
}

void
sessions_lost(struct core *c, struct peer *peer)
{
    leave(c, peer, false, UINT64_MAX);
}

/* ---- QoS 2, retained and properties ------------------------------------------------------------
 */

static enum err
publish_once(struct core *c, struct peer *peer, const struct session_publish *m,
             struct refusal *why)
{
    uint8_t qos = m->flags & QOS_FLAGS;
    bool retain = m->flags & RETAIN_FLAG;
    struct publish observation = {m->peer, m->ref, m->topic, m->payload};
    if (plain_topic(m->topic)) {
        struct speaker who = speaker_of(peer);
        struct plain p = {qos, retain, m->topic, m->properties, m->payload};
        return plain_publish_by(c, peer, &who, &p, why);
    }
    if (!retain)
        return ingest_message(c, peer, &observation, why);
    round_room(c, 0);
    c->count.refused++;
    refuse(why, 403, REASON_RETAIN, "Observations are stored; they are not retained messages");
    round_decide(c, peer->name, 0, UINT64_MAX, why->why);
    return ERR_DENIED;
}

/* True: this packet id came before and waits for its release; it is answered and has no effect. */
static bool
came_before(const struct core *c, const struct peer *peer, uint16_t packet_id)
{
    const struct broker_session *s = &c->broker.session[peer->session];
    for (uint32_t i = 0; i < s->inbox_count; i++)
        if (s->inbox[i] == packet_id)
            return true;
    return false;
}

enum err
sessions_publish(struct core *c, struct peer *peer, const struct session_publish *m)
{
    struct refusal why = {0};
    bool twice = (m->flags & QOS_FLAGS) == 2, known;
    enum err e = OK;
    if ((m->flags & QOS_FLAGS) == 3 || mqtt_properties_check(m->properties, MQTT_PUBLISH) != OK ||
        (twice && m->packet_id == 0))
        return ERR_MALFORMED;
    if (twice && !peer->session)
        e = refuse(&why, 403, REASON_NOT_AUTHORISED, "no session is open");
    else if (twice && came_before(c, peer, m->packet_id))
        e = OK;
    else if (twice && c->broker.session[peer->session].inbox_count == BROKER_INBOX_MAX)
        e = refuse(&why, 429, REASON_QUOTA, "%d messages wait for PUBREL", BROKER_INBOX_MAX);
    else
        e = publish_once(c, peer, m, &why);
    if (e == OK && twice && broker_inbox_add(&c->broker, peer->session, m->packet_id, &known) != OK)
        e = refuse(&why, 507, REASON_QUOTA, "no memory for one more message");
    round_ack(c, m->peer, m->ref, e == OK ? REASON_SUCCESS : why.reason, e == OK ? "" : why.why);
    return OK;
}

void
sessions_release(struct core *c, struct peer *peer, const struct session_release *m)
{
    round_room(c, 0);
    bool known = peer->session && broker_inbox_release(&c->broker, peer->session, m->packet_id);
    round_ack(c, m->peer, m->ref, known ? REASON_SUCCESS : REASON_PACKET_ID_NONE, "");
}

enum err
sessions_ack(struct core *c, struct peer *peer, const struct session_ack *m)
{
    if (!peer->session)
        return OK; /* its session was taken over meanwhile */
    enum err e = broker_ack(&c->broker, peer->session, m->type, m->packet_id, m->reason);
    return e == ERR_MALFORMED ? e : OK; /* what answers nothing of ours changes nothing */
}

/* ---- time --------------------------------------------------------------------------------------
 */

static void
publish_wills(struct core *c)
{
    struct broker_will *w;
    uint64_t now_ms = clock_mono_ms(&c->clock);
    /* Within the zone's rate, like everything that is said; those over it wait for the next tick.
     */
    for (int i = 0; i < WILLS_A_TICK && (w = broker_next_will(&c->broker, now_us(c))); i++) {
        if (!bucket_take(&c->zone_bucket, c->start->messages_per_s, now_ms)) {
            broker_will_later(&c->broker, w);
            return;
        }
        struct speaker who = {.kind = w->kind, .name = w->name};
        struct plain p = {w->message->qos, w->message->retain, w->message->topic,
                          w->message->properties, w->message->payload};
        struct refusal why = {0};
        enum err e = plain_publish(c, &who, &p, &why);
        log_event("will", "device=%s error=\"%s\"", w->name, err_text(e));
        broker_will_done(&c->broker, w);
    }
}

/* A token is over, or the zone is cut off: no caller hears on. */
static void
drop_callers(struct core *c)
{
    bool cut = start_island(c->start, bytes_text(c->start->zone)) != NULL;
    for (size_t i = 0; i < c->peers.touched && c->peers.count; i++) {
        struct peer *p = &c->peers.peer[i];
        if (!p->used || p->kind != PEER_CALLER || !p->session ||
            (!cut && now_us(c) < p->token_until_us))
            continue;
        struct peer_drop m = {p->id, REASON_NOT_AUTHORISED};
        sessions_lost(c, p);
        if (CHANNEL_SEND(&c->gate.channel, peer_drop, &m) != OK)
            c->count.refused++;
    }
}

/* What did not reach a client is told, now and then, by number. */
static void
tell_lost(struct core *c)
{
    const struct broker_counters *n = &c->broker.count;
    uint64_t lost = n->lost_full + n->lost_expired + n->lost_rights + n->lost_size;
    uint64_t now_ms = clock_mono_ms(&c->clock);
    if (lost == c->lost_told || now_ms - c->lost_told_ms < LOST_TOLD_MS)
        return;
    c->lost_told = lost;
    c->lost_told_ms = now_ms;
    log_event("messages_lost", "full=%llu expired=%llu rights=%llu size=%llu refused=%llu",
              (unsigned long long)n->lost_full, (unsigned long long)n->lost_expired,
              (unsigned long long)n->lost_rights, (unsigned long long)n->lost_size,
              (unsigned long long)n->refused_full);
}

void
sessions_tick(struct core *c)
{
    if (c->store_failed)
        return;
    publish_wills(c);
    drop_callers(c);
    broker_retained_expire(&c->broker, now_us(c));
    broker_tidy(&c->broker);
    tell_lost(c);
}

void
sessions_pump(struct core *c)
{
    if (!c->store_failed && broker_pump_waits(&c->broker))
        broker_pump(&c->broker, now_us(c));
}
