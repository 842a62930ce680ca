/* gate.c -- what the gate says, message by message. */
#include "programs/core/core.h"

#include "runtime/log.h"

void
peers_forget(struct core *c, struct peer *peer)
{
    sessions_lost(c, peer);
    hears_forget(c, peer->id);
    asks_of_peer_free(c, peer->id);
    peers_drop(&c->peers, peer);
}

static void
forget_all(struct core *c)
{
    for (size_t i = 0; i < c->peers.touched; i++)
        if (c->peers.peer[i].used)
            peers_forget(c, &c->peers.peer[i]);
}

enum err
gate_begin(struct core *c)
{
    struct core_started m;
    memset(&m, 0, sizeof(m));
    forget_all(c);
    return CHANNEL_SEND(&c->gate.channel, core_started, &m);
}

static enum err
on_open(struct core *c, const struct peer_open *m)
{
    struct peer *peer;
    enum err e = peers_add(&c->peers, m, &peer);
    if (e == ERR_MALFORMED || e == ERR_EXISTS)
        return ERR_MALFORMED;
    if (e != OK) {
        struct peer_drop drop = {m->peer, REASON_QUOTA};
        return CHANNEL_SEND(&c->gate.channel, peer_drop, &drop);
    }
    return OK;
}

#define DECODE(name)                                                                               \
    struct name m;                                                                                 \
    do {                                                                                           \
        enum err decode_e_ = name##_decode(body, &m);                                              \
        if (decode_e_ != OK)                                                                       \
            return decode_e_;                                                                      \
    } while (0)
/* A frame about a peer that is not known came from before somebody's restart: ignored. */
#define PEER(variable)                                                                             \
    struct peer *variable = peers_get(&c->peers, m.peer);                                          \
    if (!variable)                                                                                 \
    return OK

static enum err
take_open(struct core *c, struct bytes body)
{
    DECODE(peer_open);
    return on_open(c, &m);
}

static enum err
take_close(struct core *c, struct bytes body)
{
    DECODE(peer_close);
    PEER(peer);
    peers_forget(c, peer);
    return OK;
}

static enum err
take_publish(struct core *c, struct bytes body)
{
    DECODE(publish);
    PEER(peer);
    ingest_publish(c, peer, &m);
    return OK;
}

static enum err
take_subscribe(struct core *c, struct bytes body)
{
    DECODE(subscribe);
    PEER(peer);
    struct session_subscribe s = {
        .peer = m.peer, .ref = m.ref, .options = m.qos, .filter = m.filter};
    topics_subscribe(c, peer, &s);
    return OK;
}

static enum err
take_unsubscribe(struct core *c, struct bytes body)
{
    DECODE(unsubscribe);
    PEER(peer);
    topics_unsubscribe(c, peer, &m);
    return OK;
}

static enum err
take_session_open(struct core *c, struct bytes body)
{
    DECODE(session_open);
    PEER(peer);
    sessions_open(c, peer, &m);
    return OK;
}

static enum err
take_session_close(struct core *c, struct bytes body)
{
    DECODE(session_close);
    PEER(peer);
    sessions_close(c, peer, &m);
    return OK;
}

static enum err
take_session_publish(struct core *c, struct bytes body)
{
    DECODE(session_publish);
    PEER(peer);
    return sessions_publish(c, peer, &m);
}

static enum err
take_session_release(struct core *c, struct bytes body)
{
    DECODE(session_release);
    PEER(peer);
    sessions_release(c, peer, &m);
    return OK;
}

static enum err
take_session_subscribe(struct core *c, struct bytes body)
{
    DECODE(session_subscribe);
    PEER(peer);
    topics_subscribe(c, peer, &m);
    return OK;
}

static enum err
take_session_ack(struct core *c, struct bytes body)
{
    DECODE(session_ack);
    PEER(peer);
    return sessions_ack(c, peer, &m);
}

static enum err
take_ask(struct core *c, struct bytes body)
{
    DECODE(ask);
    PEER(peer);
    asks_take(c, peer, &m);
    return OK;
}

static enum err
take_ask_body(struct core *c, struct bytes body)
{
    DECODE(ask_body);
    PEER(peer);
    (void)peer;
    return asks_part(c, &m);
}

static enum err
take_started(struct core *c, struct bytes body)
{
    DECODE(gate_started);
    (void)m;
    forget_all(c);
    return OK;
}

enum err
gate_frame(void *ctx, uint16_t id, struct bytes body)
{
    static const struct {
        uint16_t id;
        enum err (*take)(struct core *c, struct bytes body);
    } handlers[] = {
        {publish_id, take_publish},
        {ask_id, take_ask},
        {ask_body_id, take_ask_body},
        {peer_open_id, take_open},
        {peer_close_id, take_close},
        {subscribe_id, take_subscribe},
        {unsubscribe_id, take_unsubscribe},
        {gate_started_id, take_started},
        {session_open_id, take_session_open},
        {session_close_id, take_session_close},
        {session_publish_id, take_session_publish},
        {session_release_id, take_session_release},
        {session_subscribe_id, take_session_subscribe},
        {session_ack_id, take_session_ack},
    };
    struct core *c = ctx;
    for (size_t i = 0; i < ARRAY_COUNT(handlers); i++) {
        if (handlers[i].id != id)
            continue;
        arena_reset(&c->call);
        enum err e = handlers[i].take(c, body);
        if (e != OK)
            log_event("gate_frame_refused", "id=%u error=\"%s\"", id, err_text(e));
        return e;
    }
    return ERR_MALFORMED;
}
