/* topics.c -- subscriptions: a device hears of its own leases and its own Datastreams. */
#include "programs/core/core.h"

#include "base/text.h"

enum { DELIVER_BYTES_MAX = 60000 };

/* "leases/NAME" of oneself. */
static bool
is_own_leases(const struct peer *peer, struct bytes filter)
{
    static const char prefix[] = "leases/";
    return bytes_start(filter, prefix) &&
           bytes_are(bytes_skip(filter, sizeof(prefix) - 1), peer->name);
}

/* The Datastream whose Observations the topic names, by its id; 0: another kind of topic. */
static uint32_t
topic_stream(const struct sta_topic *topic)
{
    const struct sta_path *path = &topic->path;
    if (path->kind != STA_PATH_SET || path->ref || path->steps_count < 2)
        return 0;
    const struct sta_step *last = &path->steps[path->steps_count - 1];
    const struct sta_step *before = &path->steps[path->steps_count - 2];
    if (last->type != STA_OBSERVATION || before->type != STA_DATASTREAM || !before->has_id ||
        before->id >= STORE_STREAMS_MAX)
        return 0;
    return (uint32_t)before->id;
}

static bool
may_hear(const struct core *c, const struct peer *peer, uint32_t stream)
{
    return peer->kind == PEER_DEVICE && stream && c->streams[stream].used &&
           strcmp(c->streams[stream].owner, peer->name) == 0;
}

static struct subscription *
find(struct core *c, uint64_t peer, struct bytes filter)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        struct subscription *s = &c->subscriptions[i];
        if (s->peer == peer && (peer == 0 || bytes_are(filter, s->text)))
            return s;
    }
    return NULL;
}

static uint8_t
subscribe_stream(struct core *c, const struct peer *peer, const struct subscribe *m,
                 const char **why)
{
    struct sta_topic topic;
    struct sta_error error = {0};
    *why = "not a topic of this zone that this device may hear";
    if (sta_topic_parse(m->filter, &topic, &error) != OK)
        return error.status == 404 ? REASON_NOT_AUTHORISED : REASON_TOPIC_INVALID;
    uint32_t stream = topic_stream(&topic);
    if (!may_hear(c, peer, stream))
        return REASON_NOT_AUTHORISED;
    struct subscription *s = find(c, peer->id, m->filter);
    if (!s) {
        s = find(c, 0, m->filter);
        *why = "no more subscriptions";
        if (!s || bytes_copy_text(m->filter, s->text, sizeof(s->text)) != OK)
            return REASON_QUOTA;
        s->peer = peer->id;
        s->stream = stream;
        s->topic = topic;
        c->streams[stream].subscribers++;
    }
    s->qos = m->qos;
    *why = "";
    return m->qos;
}

void
topics_subscribe(struct core *c, struct peer *peer, const struct subscribe *m)
{
    uint8_t reason = REASON_NOT_AUTHORISED;
    const char *why = "only devices subscribe, to their own leases and Datastreams";
    if (peer->kind == PEER_DEVICE && is_own_leases(peer, m->filter)) {
        peer->wants_leases = true;
        reason = m->qos;
        why = "";
    } else if (peer->kind == PEER_DEVICE) {
        reason = subscribe_stream(c, peer, m, &why);
    }
    struct subscribed answer = {m->peer, m->ref, reason, bytes_text(why)};
    if (CHANNEL_SEND(&c->gate.channel, subscribed, &answer) != OK)
        peer->wants_leases = false;
}

static void
unsubscribe_one(struct core *c, struct subscription *s)
{
    ASSERT(c->streams[s->stream].subscribers > 0);
    c->streams[s->stream].subscribers--;
    *s = (struct subscription){0};
}

void
topics_unsubscribe(struct core *c, struct peer *peer, const struct unsubscribe *m)
{
    uint8_t reason = 0x11; /* MQTT 5 section 3.11.3: no subscription existed */
    struct subscription *s = find(c, peer->id, m->filter);
    if (s) {
        unsubscribe_one(c, s);
        reason = REASON_SUCCESS;
    } else if (is_own_leases(peer, m->filter) && peer->wants_leases) {
        peer->wants_leases = false;
        reason = REASON_SUCCESS;
    }
    struct subscribed answer = {m->peer, m->ref, reason, bytes_text("")};
    if (CHANNEL_SEND(&c->gate.channel, subscribed, &answer) != OK)
        c->count.refused++;
}

void
topics_forget(struct core *c, uint64_t peer)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++)
        if (c->subscriptions[i].peer == peer)
            unsubscribe_one(c, &c->subscriptions[i]);
}

static void
deliver_to(struct core *c, const struct peer *peer, uint8_t qos, struct bytes topic,
           struct bytes payload)
{
    struct deliver m = {peer->id, qos, topic, payload};
    /* A device that does not read loses messages, not the zone its memory. */
    if (payload.len > DELIVER_BYTES_MAX ||
        channel_waiting(&c->gate.channel) > CHANNEL_QUEUE_MAX / 2 ||
        CHANNEL_SEND(&c->gate.channel, deliver, &m) != OK)
        c->count.refused++;
}

void
topics_deliver(struct core *c, const struct stored *stored)
{
    uint64_t id = sta_observation_id(stored->stream, stored->n);
    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        struct subscription *s = &c->subscriptions[i];
        if (s->peer == 0 || s->stream != stored->stream)
            continue;
        const struct peer *peer = peers_get(&c->peers, s->peer);
        ASSERT(peer);
        if (!may_hear(c, peer, s->stream) ||
            !sta_topic_touched(&c->graph, &s->topic, STA_OBSERVATION, id, stored->value.feature_id))
            continue;
        struct view_rights v = {.core = c, .device = peer, .own_observations = true};
        struct sta_rights rights = rights_of(&v);
        struct sta_source source = source_of(c);
        struct sta_view view;
        struct buf payload;
        arena_reset(&c->delivery);
        view_of(c, &rights, &source, &view);
        view.arena = &c->delivery;
        buf_init(&payload, DELIVER_BYTES_MAX);
        if (sta_answer_change(&view, &s->topic, STA_OBSERVATION, id, &payload) == OK &&
            buf_error(&payload) == OK)
            deliver_to(c, peer, s->qos, bytes_text(s->text), buf_bytes(&payload));
        buf_fini(&payload);
    }
}

void
topics_lease(struct core *c, struct bytes device, struct bytes note)
{
    char topic[START_NAME_SIZE + 8];
    int n = snprintf(topic, sizeof(topic), "leases/%.*s", BYTES_PRINTF(device));
    if (n < 0 || (size_t)n >= sizeof(topic))
        return;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        const struct peer *peer = &c->peers.peer[i];
        if (peer->used && peer->kind == PEER_DEVICE && peer->wants_leases &&
            bytes_are(device, peer->name))
            deliver_to(c, peer, 1, bytes_text(topic), note);
    }
}
