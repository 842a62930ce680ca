/*
 * topics.c -- SUBSCRIBE: every filter is authorised, and every delivery again. SensorThings topics
 * are looked up by their Datastream; leases and plain topics by the broker's tree.
 */
#include "programs/core/core.h"

#include "base/hash.h"
#include "base/text.h"
#include "mqtt/topic.h"

enum { DELIVER_BYTES_MAX = 60000, DELIVERY_QOS = 2 /* the subscription's decides */ };

static const char leases[] = "leases/";

/* "leases/NAME" of oneself. */
static bool
is_own_leases(const struct speaker *who, struct bytes filter)
{
    return who->kind == PEER_DEVICE && bytes_start(filter, leases) &&
           bytes_are(bytes_skip(filter, sizeof(leases) - 1), who->name);
}

uint32_t
topics_stream(const struct sta_topic *topic)
{
    const struct sta_path *path = &topic->path;
    if (path->kind != STA_PATH_SET || path->ref || path->steps_count < 2)
        return 0;
    const struct sta_step *last = &path->steps[path->steps_count - 1];
    const struct sta_step *before = &path->steps[path->steps_count - 2];
    if (last->type != STA_OBSERVATION || !sta_is_stream(before->type) || !before->has_id ||
        before->id == 0 || before->id >= STORE_STREAMS_MAX)
        return 0;
    return (uint32_t)before->id;
}

/* ---- rights -------------------------------------------------------------------------------------
 */

/* What somebody sees who may be away: a device by its name, a caller by the purpose of the token.
 */
struct sight {
    struct peer device; /* only its name counts */
    struct view_rights view;
    struct sta_rights rights;
};

static void
sight_of(const struct core *c, const struct speaker *who, struct sight *out)
{
    out->device = (struct peer){.kind = PEER_DEVICE};
    out->view = (struct view_rights){.core = c, .purpose = who->purpose};
    if (who->kind == PEER_DEVICE) {
        snprintf(out->device.name, sizeof(out->device.name), "%s", who->name);
        out->view.device = &out->device;
        out->view.own_observations = true;
    }
    out->view.nothing = who->kind == PEER_STRANGER;
    out->rights = rights_of(&out->view);
}

static bool
may_hear_stream(const struct core *c, const struct sight *sight, uint32_t stream)
{
    const struct sta_entity *e = sta_graph_stream(&c->graph, stream);
    return e && c->streams[stream].used &&
           sight->rights.may_see(sight->rights.ctx, STA_OBSERVATION, e);
}

/* Everything that the path names by id is there and may be seen; hidden and missing are the same.
 */
static bool
path_seen(const struct core *c, const struct sight *sight, const struct sta_path *path)
{
    for (uint32_t i = 0; i < path->steps_count; i++) {
        const struct sta_step *step = &path->steps[i];
        if (!step->has_id)
            continue;
        if (step->type == STA_OBSERVATION) {
            uint32_t stream;
            uint64_t n;
            if (!sta_observation_of_id(step->id, &stream, &n) || stream >= STORE_STREAMS_MAX ||
                !may_hear_stream(c, sight, stream))
                return false;
            continue;
        }
        const struct sta_entity *e = sta_graph_get(&c->graph, step->type, step->id);
        if (!e || !sight->rights.may_see(sight->rights.ctx, step->type, e))
            return false;
    }
    return true;
}

bool
topics_may_hear(const struct core *c, const struct speaker *who, struct bytes text)
{
    struct sta_topic topic;
    struct sta_error error = {0};
    struct sight sight;
    if (sta_topic_parse(text, &topic, &error) != OK)
        return false;
    sight_of(c, who, &sight);
    return path_seen(c, &sight, &topic.path);
}

/* ---- SUBSCRIBE ---------------------------------------------------------------------------------
 */

struct wanted {
    enum broker_kind kind;
    int qos; /* the highest that is granted */
};

static uint8_t
refuse_filter(const char **why, uint8_t reason, const char *sentence)
{
    *why = sentence;
    return reason;
}

static uint8_t
check_sta(const struct core *c, const struct speaker *who, struct bytes filter, const char **why)
{
    struct sta_topic topic;
    struct sta_error error = {0};
    struct sight sight;
    if (sta_topic_parse(filter, &topic, &error) != OK && error.status != 404)
        return refuse_filter(why, REASON_TOPIC_INVALID,
                             "not a SensorThings topic: wildcards have no meaning in v1.1");
    sight_of(c, who, &sight);
    if (error.status == 404 || who->kind == PEER_STRANGER || !path_seen(c, &sight, &topic.path))
        return refuse_filter(why, REASON_NOT_AUTHORISED,
                             "not a topic of this zone that you may hear");
    return REASON_SUCCESS;
}

static uint8_t
check_filter(const struct core *c, const struct speaker *who, struct bytes text, uint8_t options,
             struct wanted *out, const char **why)
{
    struct bytes group, filter;
    *out = (struct wanted){BROKER_STA, options & BROKER_QOS};
    if (!plain_topic(text))
        return check_sta(c, who, text, why);
    if (mqtt_share_split(text, &group, &filter) != OK || (options & BROKER_QOS) == 3)
        return refuse_filter(why, REASON_TOPIC_INVALID, "not a filter of topics");
    if (group.len && !plain_topic(filter))
        return refuse_filter(why, REASON_SHARED, "SensorThings topics are not shared");
    if (group.len && (options & BROKER_NO_LOCAL))
        return refuse_filter(why, REASON_UNSPECIFIED, "a shared subscription cannot be no-local");
    out->kind = is_own_leases(who, text) ? BROKER_LEASES : BROKER_PLAIN;
    if (out->kind == BROKER_LEASES)
        return REASON_SUCCESS;
    int most = plain_filter_qos(c, who, filter);
    if (most == PLAIN_EXCEPTED)
        return refuse_filter(why, REASON_UNSPECIFIED, "the charter excepts these topics");
    if (most < 0)
        return refuse_filter(why, REASON_NOT_AUTHORISED,
                             "no topics of this zone that you may hear match this filter");
    out->qos = most < out->qos ? most : out->qos;
    return REASON_SUCCESS;
}

static void remember(struct core *c, uint32_t subscription);

void
topics_subscribe_now(struct core *c, struct peer *peer, const struct session_subscribe *m)
{
    enum { KEPT_HANDLING_NEW = 0x10, KEPT_HANDLING_NEVER = 0x20 };
    struct speaker who = speaker_of(peer);
    struct wanted wanted;
    const char *why = "no session is open";
    uint32_t subscription;
    bool fresh;
    round_room(c, 2 * m->filter.len);
    uint8_t reason = peer->session ? check_filter(c, &who, m->filter, m->options, &wanted, &why)
                                   : REASON_NOT_AUTHORISED;
    if (reason != REASON_SUCCESS) {
        c->count.refused++;
        round_subscribed(c, peer->id, m->ref, reason, why);
        return;
    }
    uint8_t options = (uint8_t)((m->options & ~(unsigned)BROKER_QOS) | (unsigned)wanted.qos);
    enum err e = broker_subscribe(&c->broker, peer->session, wanted.kind, m->filter, options,
                                  m->identifier, &subscription, &fresh);
    if (e != OK) {
        round_subscribed(c, peer->id, m->ref, REASON_QUOTA, "no more subscriptions");
        return;
    }
    round_subscribed(c, peer->id, m->ref, (uint8_t)wanted.qos, "");
    if (wanted.kind == BROKER_STA)
        remember(c, subscription);
    uint8_t handling = m->options & BROKER_RETAIN_HANDLING;
    if (handling == 0 || (handling == KEPT_HANDLING_NEW && fresh))
        broker_offer_retained(&c->broker, subscription, clock_wall_us(&c->clock));
}

void
topics_subscribe(struct core *c, struct peer *peer, const struct session_subscribe *m)
{
    struct refusal rate = {0};
    struct speaker who = speaker_of(peer);
    struct wanted wanted;
    const char *why = "";
    if (peer->kind == PEER_DEVICE && ingest_rate(c, peer, &rate) != OK) {
        round_subscribed(c, peer->id, m->ref, rate.reason, rate.why);
        return;
    }
    /* A caller's goes on record first, unless it is refused anyway. */
    if (peer->kind == PEER_CALLER && peer->session &&
        check_filter(c, &who, m->filter, m->options, &wanted, &why) == REASON_SUCCESS)
        hears_ask(c, peer, m);
    else
        topics_subscribe_now(c, peer, m);
}

void
topics_unsubscribe(struct core *c, struct peer *peer, const struct unsubscribe *m)
{
    round_room(c, 0);
    bool there = peer->session && broker_unsubscribe(&c->broker, peer->session, m->filter) == OK;
    broker_tidy(&c->broker); /* gone before it is told so */
    round_subscribed(c, peer->id, m->ref, there ? REASON_SUCCESS : REASON_SUBSCRIPTION_NONE, "");
}

/* ---- SensorThings ------------------------------------------------------------------------------
 */

static uint32_t *
list_of(struct core *c, const struct hear *h)
{
    return h->stream ? &c->streams[h->stream].hears : &c->hears_any;
}

void
topics_index(struct core *c, uint32_t subscription, bool there)
{
    const struct broker_subscription *s = &c->broker.subscription[subscription];
    struct sta_error error = {0};
    struct hear *h = c->hear[subscription];
    if (!there) {
        if (!h)
            return; /* there was no memory for it */
        uint32_t *at = list_of(c, h);
        while (*at != subscription)
            at = &c->hear[*at]->next;
        *at = h->next;
        c->hear[subscription] = NULL;
        budget_give(&c->broker.budget, h, sizeof(*h));
        return;
    }
    ASSERT(!h);
    h = budget_take(&c->broker.budget, sizeof(*h));
    if (!h || sta_topic_parse(bytes_of(s->filter, s->filter_len), &h->topic, &error) != OK) {
        budget_give(&c->broker.budget, h, sizeof(*h));
        c->broker.count.lost_full++;
        return;
    }
    h->stream = topics_stream(&h->topic);
    c->hear[subscription] = h;
    uint32_t *list = list_of(c, h);
    h->next = *list;
    *list = subscription;
}

/* Never 0: whether two texts differ, for nobody who could gain by making them collide. */
static uint64_t
digest_of(struct bytes text)
{
    return hash_or_one(hash_bytes(HASH_START, text));
}

/* One change to one subscription, as GET would answer it to whoever subscribed. Not `say`: only
 * remember what it is like now, to know a change. */
static void
deliver_change(struct core *c, uint32_t subscription, enum sta_type type, uint64_t id, bool say)
{
    const struct broker_subscription *s = &c->broker.subscription[subscription];
    const struct broker_session *session = &c->broker.session[s->session];
    const struct peer *peer = session->peer ? peers_get(&c->peers, session->peer) : NULL;
    struct speaker who = {.kind = session->kind, .name = session->name};
    struct sight sight;
    struct sta_view view;
    static struct buf payload; /* one thread; keeps its memory */
    if (peer)
        who = speaker_of(peer);
    if (payload.max == 0)
        buf_init(&payload, DELIVER_BYTES_MAX);
    buf_reset(&payload);
    sight_of(c, &who, &sight);
    if (who.kind == PEER_CALLER && (!peer || core_clock_doubt(c)))
        return;
    struct sta_source source = source_of(c);
    arena_reset(&c->delivery);
    view_of(c, &sight.rights, &source, &view);
    view.arena = &c->delivery;
    if (sta_answer_change(&view, &c->hear[subscription]->topic, type, id, &payload) != OK)
        return; /* not theirs to see */
    struct hear *h = c->hear[subscription];
    uint64_t digest = h->topic.path.kind == STA_PATH_SET ? 0 : digest_of(buf_bytes(&payload));
    if (digest && digest == h->told)
        return; /* what the topic names is as it was */
    h->told = digest;
    if (!say)
        return;
    int64_t now_us = clock_wall_us(&c->clock);
    struct broker_message_parts parts = {.qos = DELIVERY_QOS,
                                         .expires_us = INT64_MAX,
                                         .topic = bytes_of(s->filter, s->filter_len),
                                         .payload = buf_bytes(&payload)};
    struct broker_message *m;
    if (buf_error(&payload) != OK || message_new(&c->broker.budget, &parts, now_us, &m) != OK) {
        c->broker.count.lost_full++;
        return;
    }
    broker_offer(&c->broker, subscription, m, false, now_us);
    message_release(&c->broker.budget, m);
}

static void
remember(struct core *c, uint32_t subscription)
{
    const struct hear *h = c->hear[subscription];
    const struct sta_step *last = h ? &h->topic.path.steps[h->topic.path.steps_count - 1] : NULL;
    if (h && h->topic.path.kind != STA_PATH_SET && last->has_id && last->type != STA_OBSERVATION)
        deliver_change(c, subscription, last->type, last->id, false);
}

static void
deliver_list(struct core *c, uint32_t list, enum sta_type type, uint64_t id, uint64_t feature_id)
{
    uint32_t next;
    for (uint32_t i = list; i; i = next) {
        next = c->hear[i]->next;
        if (sta_topic_touched(&c->graph, &c->hear[i]->topic, type, id, feature_id))
            deliver_change(c, i, type, id, true);
    }
}

void
topics_deliver(struct core *c, const struct stored *stored)
{
    uint64_t id = sta_observation_id(stored->stream, stored->n);
    deliver_list(c, c->streams[stored->stream].hears, STA_OBSERVATION, id,
                 stored->value.feature_id);
    deliver_list(c, c->hears_any, STA_OBSERVATION, id, stored->value.feature_id);
}

void
topics_changed(struct core *c, enum sta_type type, uint64_t id)
{
    struct observation o = {.feature_id = 0};
    uint32_t stream;
    uint64_t n;
    if (type == STA_OBSERVATION) {
        if (!sta_observation_of_id(id, &stream, &n) || stream >= STORE_STREAMS_MAX ||
            (!c->streams[stream].hears && !c->hears_any) ||
            store_get(c->store, stream, n, &o) != OK) /* nobody hears, or it was taken back */
            return;
        deliver_list(c, c->streams[stream].hears, type, id, o.feature_id);
    }
    deliver_list(c, c->hears_any, type, id, o.feature_id);
}

/* ---- leases -------------------------------------------------------------------------------------
 */

void
topics_lease(struct core *c, struct bytes device, struct bytes note)
{
    char topic[START_NAME_SIZE + 8];
    int n = snprintf(topic, sizeof(topic), "%s%.*s", leases, BYTES_PRINTF(device));
    if (n < 0 || (size_t)n >= sizeof(topic))
        return;
    int64_t now_us = clock_wall_us(&c->clock);
    struct broker_message_parts parts = {.qos = DELIVERY_QOS,
                                         .expires_us = now_us + LEASE_QUEUE_US,
                                         .topic = bytes_text(topic),
                                         .payload = note};
    struct broker_message *m;
    enum err e = message_new(&c->broker.budget, &parts, now_us, &m);
    if (e == OK) {
        e = broker_publish(&c->broker, BROKER_LEASES, m, 0, now_us);
        message_release(&c->broker.budget, m);
    }
    c->count.refused += e != OK;
}
