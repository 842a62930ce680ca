/* asks.c -- requests: gathering their bodies, and giving their answers as fast as the gate reads.
 */
#include "programs/core/core.h"

#include "programs/core/batches.h"

#include "runtime/log.h"

enum { PART_BYTES = 60000, TARGET_BYTES_MAX = 8192, LOCATION_BYTES_MAX = 1024 };

void
asks_init(struct core *c)
{
    for (size_t i = 0; i < ASKS_MAX; i++) {
        struct request *a = &c->asks[i];
        a->place = c->asks_used[i] = (uint16_t)i;
        buf_init(&a->target, TARGET_BYTES_MAX);
        buf_init(&a->token, TOKEN_BYTES_MAX);
        buf_init(&a->location, LOCATION_BYTES_MAX);
    }
}

static void
trade_places(struct core *c, uint32_t a, uint32_t b)
{
    uint16_t at_a = c->asks_used[a], at_b = c->asks_used[b];
    c->asks_used[a] = at_b;
    c->asks_used[b] = at_a;
    c->asks[at_b].place = (uint16_t)a;
    c->asks[at_a].place = (uint16_t)b;
}

/* The ask in use that stands there. Walk them from the last one on: the one at hand may be freed.
 */
static struct request *
ask_at(struct core *c, uint32_t place)
{
    ASSERT(place < c->asks_count);
    return &c->asks[c->asks_used[place]];
}

void
ask_free(struct core *c, struct request *ask)
{
    ASSERT(ask->state != ASK_FREE);
    ASSERT(c->ask_bytes >= ask->body_length);
    if (ask->batch && !ask->child)
        batch_free(c, ask);
    c->ask_bytes -= ask->body_length;
    struct peer *peer = peers_get(&c->peers, ask->peer);
    if (peer && peer->asks)
        peer->asks--;
    buf_fini(&ask->target);
    buf_fini(&ask->token);
    buf_fini(&ask->body);
    buf_fini(&ask->location);
    buf_fini(&ask->out);
    uint32_t generation = ask->generation + 1;
    *ask = (struct request){.generation = generation, .place = ask->place};
    trade_places(c, ask->place, --c->asks_count);
    buf_init(&ask->target, TARGET_BYTES_MAX);
    buf_init(&ask->token, TOKEN_BYTES_MAX);
    buf_init(&ask->location, LOCATION_BYTES_MAX);
}

void
asks_of_peer_free(struct core *c, uint64_t peer)
{
    struct peer *p = peers_get(&c->peers, peer);
    if (p && p->asks == 0)
        return;
    for (uint32_t i = c->asks_count; i-- > 0;)
        if (ask_at(c, i)->peer == peer)
            ask_free(c, ask_at(c, i));
}

struct request *
ask_of(struct core *c, uint16_t index, uint32_t generation)
{
    ASSERT(index < ASKS_MAX);
    struct request *ask = &c->asks[index];
    return ask->state != ASK_FREE && ask->generation == generation ? ask : NULL;
}

struct request *
ask_waiting(struct core *c, uint64_t ref)
{
    for (uint32_t i = c->asks_count; i-- > 0;)
        if (ask_at(c, i)->state == ASK_LEDGER && ask_at(c, i)->wait_ref == ref)
            return ask_at(c, i);
    return NULL;
}

/* An answer without a slot: for those that come when there is no more room. */
static void
refuse_without_slot(struct core *c, const struct ask *m, int status, const char *sentence)
{
    struct refusal why;
    refuse(&why, status, REASON_QUOTA, "%s", sentence);
    struct buf body;
    buf_init(&body, 1024);
    refusal_render(&why, &body);
    struct answer head = {.peer = m->peer,
                          .ref = m->ref,
                          .status = (uint16_t)status,
                          .content_type = bytes_text("application/json"),
                          .body_length = (uint32_t)body.len};
    struct answer_body part = {m->peer, m->ref, buf_bytes(&body)};
    enum err e = CHANNEL_SEND(&c->gate.channel, answer, &head);
    if (e == OK)
        e = CHANNEL_SEND(&c->gate.channel, answer_body, &part);
    if (e != OK)
        log_event("answer_lost", "peer=%llu", (unsigned long long)m->peer);
    buf_fini(&body);
}

/* HEAD is answered like GET; the gate keeps the body. */
static bool
reads(const struct request *ask)
{
    struct bytes method = bytes_text(ask->method);
    return bytes_are(method, "GET") || bytes_are(method, "HEAD");
}

/* POST to the batch of the service; it stands alone. */
static bool
is_batch(struct bytes target)
{
    return bytes_are(target, "/v1.1/$batch") || bytes_are(target, "/v1.1/%24batch");
}

void
asks_run(struct core *c, struct peer *peer, struct request *ask)
{
    if (reads(ask)) {
        read_run(c, peer, ask);
        return;
    }
    struct refusal why;
    struct sta_path path;
    struct sta_error error = {0};
    struct bytes target = buf_bytes(&ask->target);
    target.len = bytes_find(target, '?');
    bool post = bytes_are(bytes_text(ask->method), "POST");
    bool device = peer->kind == PEER_DEVICE;
    if (post && is_batch(target) && !ask->child) {
        batches_post(c, peer, ask);
    } else if (post && is_batch(target)) {
        refuse(&why, 400, REASON_UNSPECIFIED, "A batch holds no other batch.");
        ask_refuse_now(c, ask, &why);
    } else if (post && bytes_are(target, "/v1.1/Commands")) {
        commands_post(c, peer, ask);
    } else if (sta_path_parse(target, &path, &error) != OK) {
        refuse(&why, error.status, REASON_UNSPECIFIED, "%s", error.text);
        ask_refuse_now(c, ask, &why);
    } else if (post && path.kind == STA_PATH_SET && sta_path_type(&path) == STA_TASK &&
               c->graph.tasking) {
        tasks_post(c, peer, ask, &path);
    } else if (post && device && path.kind == STA_PATH_CREATE_OBSERVATIONS) {
        ingest_rows(c, peer, ask, NULL);
    } else if (post && device && path.kind == STA_PATH_SET && !path.ref &&
               sta_path_type(&path) == STA_OBSERVATION) {
        ingest_post(c, peer, ask, &path);
    } else {
        changes_run(c, peer, ask, &path);
    }
}

static void
run(struct core *c, struct request *ask)
{
    struct peer *peer = peers_get(&c->peers, ask->peer);
    ASSERT(peer);
    asks_run(c, peer, ask);
}

struct request *
asks_child(struct core *c, const struct request *of)
{
    struct peer *peer = peers_get(&c->peers, of->peer);
    ASSERT(peer && of->batch && !of->child);
    if (c->asks_count == ASKS_MAX)
        return NULL;
    struct request *ask = &c->asks[c->asks_used[c->asks_count++]];
    ASSERT(ask->state == ASK_FREE);
    ask->state = ASK_BATCH;
    ask->child = true;
    ask->batch = of->batch;
    ask->peer = of->peer;
    ask->ref = of->ref;
    buf_put(&ask->token, buf_bytes(&of->token));
    peer->asks++;
    return ask;
}

void
asks_take(struct core *c, struct peer *peer, const struct ask *m)
{
    if (peer->asks >= PEER_ASKS_MAX) {
        refuse_without_slot(c, m, 429, "More than 16 requests wait on this connection.");
        return;
    }
    if (c->asks_count == ASKS_MAX || c->ask_bytes + m->body_length > ASK_BYTES_MAX) {
        refuse_without_slot(c, m, 503, "This zone has too much to do; try again.");
        return;
    }
    struct request *ask = &c->asks[c->asks_used[c->asks_count++]];
    ASSERT(ask->state == ASK_FREE);
    ask->state = ASK_BODY;
    ask->peer = m->peer;
    ask->ref = m->ref;
    ask->body_length = m->body_length;
    c->ask_bytes += m->body_length;
    peer->asks++;
    enum err e = bytes_copy_text(m->method, ask->method, sizeof(ask->method));
    ask->json_patch = bytes_start(m->content_type, "application/json-patch+json");
    ask->browser = reads(ask) && bytes_are(m->content_type, "text/html");
    if (e == OK)
        e = bytes_copy_text(m->content_type, ask->body_type, sizeof(ask->body_type));
    buf_put(&ask->target, m->target);
    buf_put(&ask->token, m->token);
    buf_init(&ask->body, m->body_length ? m->body_length : 1);
    ASSERT(e == OK && buf_error(&ask->target) == OK && buf_error(&ask->token) == OK);
    if (m->body_length == 0)
        run(c, ask);
}

enum err
asks_part(struct core *c, const struct ask_body *m)
{
    for (uint32_t i = c->asks_count; i-- > 0;) {
        struct request *ask = ask_at(c, i);
        if (ask->state != ASK_BODY || ask->peer != m->peer || ask->ref != m->ref)
            continue;
        buf_put(&ask->body, m->part);
        if (buf_error(&ask->body) != OK)
            return ERR_MALFORMED; /* more than was announced */
        if (ask->body.len == ask->body_length)
            run(c, ask);
        return OK;
    }
    return OK; /* of a request that was refused already */
}

void
ask_refuse(struct request *ask, const struct refusal *why)
{
    ask->status = why->status;
    ask->content_type = "application/json";
    buf_reset(&ask->location);
    buf_fini(&ask->out);
    buf_init(&ask->out, 4096);
    refusal_render(why, &ask->out);
    ASSERT(buf_error(&ask->out) == OK);
}

void
ask_refuse_now(struct core *c, struct request *ask, const struct refusal *why)
{
    ask_refuse(ask, why);
    ask_send(c, ask);
}

static enum err
send_head(struct core *c, struct request *ask)
{
    struct answer m = {.peer = ask->peer,
                       .ref = ask->ref,
                       .status = (uint16_t)ask->status,
                       .content_type = bytes_text(ask->content_type ? ask->content_type : ""),
                       .location = buf_bytes(&ask->location),
                       .body_length = (uint32_t)ask->out.len};
    return CHANNEL_SEND(&c->gate.channel, answer, &m);
}

void
ask_send(struct core *c, struct request *ask)
{
    ASSERT(ask->status >= 200 && buf_error(&ask->out) == OK && buf_error(&ask->location) == OK);
    if (ask->child) {
        batch_child_done(c, ask);
        return;
    }
    ask->state = ASK_SENDING;
    while (channel_waiting(&c->gate.channel) < LINK_HIGH_BYTES) {
        if (!ask->head_sent) {
            if (send_head(c, ask) != OK)
                return;
            ask->head_sent = true;
        }
        size_t left = ask->out.len - ask->sent;
        if (left == 0) {
            ask_free(c, ask);
            return;
        }
        size_t n = left < PART_BYTES ? left : PART_BYTES;
        struct answer_body part = {ask->peer, ask->ref, bytes_of(ask->out.p + ask->sent, n)};
        if (CHANNEL_SEND(&c->gate.channel, answer_body, &part) != OK)
            return;
        ask->sent += n;
    }
}

void
asks_pump(struct core *c)
{
    for (uint32_t i = c->asks_count; i-- > 0;)
        if (ask_at(c, i)->state == ASK_SENDING)
            ask_send(c, ask_at(c, i));
}

void
asks_expire(struct core *c)
{
    uint64_t now_ms = clock_mono_ms(&c->clock);
    for (uint32_t i = c->asks_count; i-- > 0;) {
        struct request *ask = ask_at(c, i);
        if ((ask->state != ASK_LEDGER && ask->state != ASK_WARDEN) || now_ms < ask->deadline_ms)
            continue;
        struct refusal why;
        refuse(&why, 503, REASON_UNSPECIFIED,
               ask->state == ASK_LEDGER
                   ? "The ledger did not answer; without a record no answer leaves."
                   : "The warden did not answer.");
        ask_refuse_now(c, ask, &why);
    }
}
