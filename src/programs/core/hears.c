/* hears.c -- what a caller subscribes to stands in the ledger before SUBACK (C2). */
#include "programs/core/core.h"

#include "base/text.h"

static void
refuse_one(struct core *c, struct hear_wait *w)
{
    round_subscribed(c, w->peer, w->ref, REASON_UNSPECIFIED,
                     "the ledger cannot record this now; without a record nothing is heard");
    c->count.reads_refused++;
    *w = (struct hear_wait){0};
}

/* Which data classes may be heard by it: all that the purpose opens, or the one of its stream. */
static uint32_t
classes_of(const struct core *c, const struct peer *peer, struct bytes filter,
           const char *out[static START_CLASSES_MAX])
{
    struct sta_topic topic;
    struct sta_error error = {0};
    uint32_t count = 0;
    bool plain = plain_topic(filter);
    uint32_t stream =
        !plain && sta_topic_parse(filter, &topic, &error) == OK ? topics_stream(&topic) : 0;
    struct speaker who = speaker_of(peer);
    for (size_t i = 0; i < c->start->classes_count; i++) {
        const struct start_class *row = &c->start->classes[i];
        if (!class_allows(row, bytes_text(peer->purpose)) ||
            (stream && c->streams[stream].class_index != (int16_t)i) ||
            (plain && !plain_filter_touches(c, &who, filter, row->name)))
            continue;
        out[count++] = row->name;
    }
    return count;
}

void
hears_ask(struct core *c, struct peer *peer, const struct session_subscribe *m)
{
    struct hear_wait *w = NULL;
    for (size_t i = 0; i < HEAR_WAITS_MAX && !w; i++)
        w = c->hear_waits[i].peer ? NULL : &c->hear_waits[i];
    struct hear_wait row = {.peer = peer->id,
                            .ref = m->ref,
                            .identifier = m->identifier,
                            .options = m->options,
                            .deadline_ms = clock_mono_ms(&c->clock) + ASK_WAIT_MS};
    if (!w || bytes_copy_text(m->filter, row.filter, sizeof(row.filter)) != OK) {
        round_subscribed(c, peer->id, m->ref, REASON_QUOTA, "too many wait for the ledger");
        return;
    }
    const char *classes[START_CLASSES_MAX];
    char what[1100];
    snprintf(what, sizeof(what), "subscribe %s", row.filter);
    struct reading r = {.event = "read",
                        .caller = peer->name,
                        .role = peer->role,
                        .purpose = peer->purpose,
                        .classes = classes,
                        .classes_count = classes_of(c, peer, m->filter, classes),
                        .what = what};
    *w = row;
    if (record_reading(c, &r, &w->wait_ref) != OK)
        refuse_one(c, w);
}

void
hears_recorded(struct core *c, uint64_t wait_ref, bool durable)
{
    for (size_t i = 0; i < HEAR_WAITS_MAX; i++) {
        struct hear_wait *w = &c->hear_waits[i];
        if (w->peer == 0 || w->wait_ref != wait_ref)
            continue;
        struct peer *peer = peers_get(&c->peers, w->peer);
        if (!durable) {
            refuse_one(c, w);
        } else if (peer) {
            struct session_subscribe m = {.peer = w->peer,
                                          .ref = w->ref,
                                          .options = w->options,
                                          .identifier = w->identifier,
                                          .filter = bytes_text(w->filter)};
            c->count.reads++;
            topics_subscribe_now(c, peer, &m);
        }
        *w = (struct hear_wait){0};
        return;
    }
}

void
hears_expire(struct core *c)
{
    uint64_t now_ms = clock_mono_ms(&c->clock);
    for (size_t i = 0; i < HEAR_WAITS_MAX; i++)
        if (c->hear_waits[i].peer && now_ms >= c->hear_waits[i].deadline_ms)
            refuse_one(c, &c->hear_waits[i]);
}

void
hears_lost(struct core *c)
{
    for (size_t i = 0; i < HEAR_WAITS_MAX; i++)
        if (c->hear_waits[i].peer)
            refuse_one(c, &c->hear_waits[i]);
}

void
hears_forget(struct core *c, uint64_t peer)
{
    for (size_t i = 0; i < HEAR_WAITS_MAX; i++)
        if (c->hear_waits[i].peer == peer)
            c->hear_waits[i] = (struct hear_wait){0};
}
