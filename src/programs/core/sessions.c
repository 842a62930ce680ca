/*
 * sessions.c -- what CONNECT asks for. None is kept yet: every session begins new and ends with its
 * connection; QoS 2, retained messages and wills are refused by name.
 */
#include "programs/core/core.h"

enum { WILL_FLAG = 1, RETAIN_FLAG = 4, QOS_FLAGS = 3, CLIENT_ID_SIZE = 80 };

/* Another connection of the same client goes (MQTT-3.1.4-3). */
static void
take_over(struct core *c, const struct peer *by)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        const struct peer *p = &c->peers.peer[i];
        if (!p->used || p == by || !p->client_id[0] || p->kind != by->kind ||
            strcmp(p->name, by->name) != 0 || strcmp(p->client_id, by->client_id) != 0)
            continue;
        struct peer_drop drop = {p->id, REASON_TAKEN_OVER};
        if (CHANNEL_SEND(&c->gate.channel, peer_drop, &drop) != OK)
            c->count.refused++;
    }
}

void
sessions_open(struct core *c, struct peer *peer, const struct session_open *m)
{
    char given[CLIENT_ID_SIZE] = "";
    struct session_opened answer = {.peer = m->peer};
    if (m->will_flags & WILL_FLAG) {
        answer.reason = REASON_IMPLEMENTATION;
        answer.why = bytes_text("wills are not served here");
    }
    if (m->client_id.len == 0)
        snprintf(given, sizeof(given), "%s-%016llx", peer->name,
                 (unsigned long long)random_u64(&c->random));
    enum err e = bytes_copy_text(m->client_id.len ? m->client_id : bytes_text(given),
                                 peer->client_id, sizeof(peer->client_id));
    ASSERT(e == OK);
    answer.client_id = bytes_text(given);
    if (answer.reason == 0)
        take_over(c, peer);
    if (CHANNEL_SEND(&c->gate.channel, session_opened, &answer) != OK)
        c->count.refused++;
}

void
sessions_publish(struct core *c, struct peer *peer, const struct session_publish *m)
{
    if ((m->flags & QOS_FLAGS) > 1 || m->flags & RETAIN_FLAG) {
        round_ack(c, m->peer, m->ref, REASON_IMPLEMENTATION,
                  "QoS 2 and retained messages are not served here");
        return;
    }
    struct publish p = {m->peer, m->ref, m->topic, m->payload};
    ingest_publish(c, peer, &p);
}

void
sessions_release(struct core *c, const struct session_release *m)
{
    enum { PACKET_ID_NOT_FOUND = 0x92 };
    round_ack(c, m->peer, m->ref, PACKET_ID_NOT_FOUND, "");
}

void
sessions_subscribe(struct core *c, struct peer *peer, const struct session_subscribe *m)
{
    struct subscribe s = {m->peer, m->ref, m->filter, (m->options & QOS_FLAGS) > 0};
    topics_subscribe(c, peer, &s);
}
