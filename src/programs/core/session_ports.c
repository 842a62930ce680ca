/* session_ports.c -- what the broker asks of the core: rights, the gate's channel, the store. */
#include "programs/core/core.h"

#include "runtime/log.h"

enum { PROPERTIES_BYTES_MAX = 8192 };

struct speaker
speaker_of(const struct peer *peer)
{
    return (struct speaker){.kind = (uint8_t)peer->kind,
                            .name = peer->name,
                            .session = peer->session,
                            .purpose = bytes_text(peer->purpose)};
}

/* Somebody with a session, there or away; a caller who is away hears nothing. */
static struct speaker
speaker_of_session(const struct core *c, const struct broker_session *s)
{
    struct peers *peers = (struct peers *)(uintptr_t)&c->peers;
    const struct peer *peer = s->peer ? peers_get(peers, s->peer) : NULL;
    if (peer)
        return speaker_of(peer);
    return (struct speaker){.kind = s->kind, .name = s->name};
}

static bool
may_hear(void *ctx, const struct broker_session *s, const struct broker_message *m)
{
    const struct core *c = ctx;
    struct speaker who = speaker_of_session(c, s);
    if (who.kind == PEER_CALLER && (core_clock_doubt(c) || !who.purpose.len))
        return false;
    return plain_topic(m->topic) ? plain_may_hear(c, &who, m->topic)
                                 : topics_may_hear(c, &who, m->topic);
}

static bool
deliver(void *ctx, const struct broker_session *s, const struct broker_delivery *d)
{
    struct core *c = ctx;
    static struct buf properties; /* one thread; keeps its memory */
    if (properties.max == 0)
        buf_init(&properties, PROPERTIES_BYTES_MAX);
    if (channel_waiting(&c->gate.channel) > CHANNEL_QUEUE_MAX / 2)
        return false;
    buf_reset(&properties);
    if (s->version == 5)
        message_put_properties(d->message, clock_wall_us(&c->clock), d->ids, d->ids_count,
                               &properties);
    if (buf_error(&properties) != OK) /* too many identifiers for what is left: without them */
        buf_reset(&properties);
    struct session_deliver m = {.peer = s->peer,
                                .packet_id = d->packet_id,
                                .flags = d->flags,
                                .topic = d->message->topic,
                                .properties = buf_bytes(&properties),
                                .payload = d->message->payload};
    return CHANNEL_SEND(&c->gate.channel, session_deliver, &m) == OK;
}

static bool
release(void *ctx, const struct broker_session *s, uint16_t packet_id)
{
    struct core *c = ctx;
    struct session_deliver_release m = {s->peer, packet_id};
    return CHANNEL_SEND(&c->gate.channel, session_deliver_release, &m) == OK;
}

static void
drop(void *ctx, uint64_t id, uint8_t reason)
{
    struct core *c = ctx;
    struct peer_drop m = {id, reason};
    struct peer *peer = peers_get(&c->peers, id);
    if (peer)
        peer->session = 0; /* it is somebody else's from now on */
    if (CHANNEL_SEND(&c->gate.channel, peer_drop, &m) != OK)
        c->count.refused++;
}

static bool
room(void *ctx, size_t bytes)
{
    struct core *c = ctx;
    if (c->store_failed || c->maintain_error == ERR_LIMIT || c->maintain_error == ERR_NO_SPACE)
        return false;
    if (!c->committing)
        round_room(c, bytes);
    return !c->store_failed;
}

/* The batch may just be full. Between a commit and its answers the rest has a commit of its own. */
static bool
make_room(struct core *c)
{
    return c->committing ? store_commit(c->store) == OK : round_commit(c);
}

static void
keep(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    struct core *c = ctx;
    enum err e = c->store_failed ? ERR_IO : store_put_entity(c->store, type, id, record);
    if (e == ERR_LIMIT && make_room(c))
        e = store_put_entity(c->store, type, id, record);
    if (e == OK || c->store_failed)
        return;
    /* What waits for a client must not be promised and then missing. */
    log_event("session_not_kept", "type=%u error=\"%s\"", type, err_text(e));
    core_store_failed(c, e);
}

static int
class_of(void *ctx, struct bytes topic)
{
    return plain_row(ctx, topic);
}

static void
indexed(void *ctx, uint32_t subscription, bool there)
{
    topics_index(ctx, subscription, there);
}

const struct broker_ports session_ports = {
    .may_hear = may_hear,
    .deliver = deliver,
    .release = release,
    .drop = drop,
    .room = room,
    .keep = keep,
    .class_of = class_of,
    .indexed = indexed,
};
