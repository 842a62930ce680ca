#include "programs/core/batches.h"

#include "base/text.h"
#include "http/response.h"

void
batches_open(struct core *c)
{
    c->batches = calloc(BATCHES_MAX, sizeof(*c->batches));
    ASSERT(c->batches);
    for (size_t i = 0; i < BATCHES_MAX; i++)
        arena_init(&c->batches[i].arena, STA_BUNDLE_ARENA_BYTES);
}

void
batches_close(struct core *c)
{
    for (size_t i = 0; i < BATCHES_MAX; i++)
        arena_fini(&c->batches[i].arena);
    free(c->batches);
}

struct batch *
batch_of(struct core *c, const struct request *ask)
{
    ASSERT(ask->batch >= 1 && ask->batch <= BATCHES_MAX);
    return &c->batches[ask->batch - 1];
}

void
batch_free(struct core *c, struct request *ask)
{
    struct batch *b = batch_of(c, ask);
    struct arena arena = b->arena;
    *b = (struct batch){.arena = arena};
}

/* ---- writing answers ----------------------------------------------------------------------------
 */

static void
close_set(struct batch *b, struct buf *out)
{
    if (b->open_set)
        buf_format(out, "--set%u_%s--\r\n", b->open_set, b->boundary);
    b->open_set = 0;
}

/* A failed change set has one answer, which stands alone; `set` is 0 then. */
static void
answer_multipart(struct batch *b, const struct sta_bundle_part *part, uint16_t set, int status,
                 const char *content_type, struct bytes location, struct bytes body,
                 struct buf *out)
{
    if (b->open_set && b->open_set != set)
        close_set(b, out);
    if (set && !b->open_set) {
        buf_format(out, "--%s\r\nContent-Type: multipart/mixed; boundary=set%u_%s\r\n\r\n",
                   b->boundary, set, b->boundary);
        b->open_set = set;
    }
    if (set)
        buf_format(out, "--set%u_%s\r\n", set, b->boundary);
    else
        buf_format(out, "--%s\r\n", b->boundary);
    buf_text(out, "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
    if (part->id.len) {
        buf_text(out, "Content-ID: ");
        buf_put(out, part->id);
        buf_text(out, "\r\n");
    }
    buf_format(out, "\r\nHTTP/1.1 %d %s\r\n", status, http_reason((uint16_t)status));
    if (location.len) {
        buf_text(out, "Location: ");
        buf_put(out, location);
        buf_text(out, "\r\n");
    }
    if (body.len)
        buf_format(out, "Content-Type: %s\r\n", content_type);
    buf_format(out, "Content-Length: %zu\r\n\r\n", body.len);
    buf_put(out, body);
    buf_text(out, "\r\n");
}

static void
answer_json(const struct batch *b, const struct sta_bundle_part *part, int status,
            const char *content_type, struct bytes location, struct bytes body, struct buf *out)
{
    buf_text(out, b->answers ? ",{\"id\":" : "{\"id\":");
    text_put_json(out, part->id);
    buf_format(out, ",\"status\":%d", status);
    if (location.len) {
        buf_text(out, ",\"headers\":{\"location\":");
        text_put_json(out, location);
        buf_byte(out, '}');
    }
    if (body.len) {
        buf_text(out, ",\"body\":");
        if (strcmp(content_type, "application/json") == 0)
            buf_put(out, body);
        else
            text_put_json(out, body);
    }
    buf_byte(out, '}');
}

static void
put_answer(struct core *c, struct batch *b, uint32_t index, uint16_t set, int status,
           const char *content_type, struct bytes location, struct bytes body)
{
    struct request *ask = &c->asks[b->ask];
    const struct sta_bundle_part *part = &b->bundle.parts[index];
    static const char long_answer[] =
        "{\"code\":503,\"type\":\"error\",\"message\":\"The answers of this batch are too long.\"}";
    size_t before = ask->out.len;
    if (c->ask_bytes + body.len + 1024 > ASK_BYTES_MAX ||
        ask->out.len + body.len > ASK_ANSWER_MAX / 2) {
        status = 503;
        content_type = "application/json";
        body = bytes_text(long_answer);
    }
    if (b->bundle.json)
        answer_json(b, part, status, content_type, location, body, &ask->out);
    else
        answer_multipart(b, part, set, status, content_type, location, body, &ask->out);
    b->answers++;
    uint32_t grown = (uint32_t)(ask->out.len - before); /* given back with the body */
    c->ask_bytes += grown;
    ask->body_length += grown;
}

void
batch_answer(struct core *c, struct batch *b, uint32_t part, int status, const char *content_type,
             struct bytes location, struct bytes body)
{
    put_answer(c, b, part, b->bundle.parts[part].set, status, content_type, location, body);
}

/* ---- references ---------------------------------------------------------------------------------
 */

enum err
batch_refer(const struct batch *b, struct sta_bundle_part *part, struct arena *arena)
{
    enum err e = OK;
    for (uint32_t i = b->aliases_count; e == OK && i-- > 0;) /* the newest of a name first */
        e = sta_bundle_refer(part, b->aliases[i].id, b->aliases[i].path, b->aliases[i].entity,
                             arena);
    return e == OK ? sta_bundle_target(part, arena) : e;
}

void
batch_made(struct batch *b, const struct sta_bundle_part *part, enum sta_type type, uint64_t entity)
{
    char path[80];
    if (part->id.len == 0 || b->aliases_count == b->bundle.count)
        return;
    int n = snprintf(path, sizeof(path), "/v1.1/%s(%llu)", sta_type_info(type)->set,
                     (unsigned long long)entity);
    struct bytes copy = arena_dup(&b->arena, bytes_of(path, (size_t)n));
    if (copy.p)
        b->aliases[b->aliases_count++] = (struct batch_alias){part->id, copy, entity};
}

/* What a request by itself made is in its Location: "BASE/Things(5)". */
static void
remember(struct core *c, struct batch *b, const struct request *child)
{
    struct sta_path path;
    struct sta_error error;
    struct bytes at = buf_bytes(&child->location);
    size_t base = strlen(c->base_url);
    if (child->status != 201 || at.len <= base)
        return;
    struct bytes target = bytes_skip(at, base - 5); /* from "/v1.1" on */
    if (sta_path_parse(target, &path, &error) == OK && path.kind == STA_PATH_ENTITY &&
        path.steps_count == 1)
        batch_made(b, &b->bundle.parts[b->next], path.steps[0].type, path.steps[0].id);
}

/* ---- running
 * ------------------------------------------------------------------------------------- */

void
batch_child_done(struct core *c, struct request *child)
{
    struct batch *b = batch_of(c, child);
    ASSERT(b->used && b->waiting);
    struct bytes body = buf_bytes(&child->out), location = buf_bytes(&child->location);
    const char *type = child->content_type ? child->content_type : "";
    bool set = b->bundle.parts[b->next].set != 0;
    remember(c, b, child);
    if (!set) {
        put_answer(c, b, b->next, 0, child->status, type, location, body);
    } else if (child->status >= 400) { /* none of it happened */
        for (uint32_t i = b->next; i < (b->bundle.json ? b->last : b->next + 1); i++)
            put_answer(c, b, i, 0, child->status, type, location, body);
    }
    b->waiting = false;
    b->next = b->last;
    ask_free(c, child);
}

static void
finish(struct core *c, struct batch *b)
{
    struct request *ask = &c->asks[b->ask];
    struct refusal why;
    if (b->bundle.json) {
        buf_text(&ask->out, "]}");
        ask->content_type = "application/json";
    } else {
        close_set(b, &ask->out);
        buf_format(&ask->out, "--%s--\r\n", b->boundary);
        ask->content_type = b->content_type;
    }
    ask->status = 200;
    if (buf_error(&ask->out) != OK) {
        refuse(&why, 413, REASON_QUOTA,
               "The requests were carried out, but their answers are too long.");
        ask_refuse(ask, &why);
    }
    ask_send(c, ask);
}

static void
answer_error(struct core *c, struct batch *b, uint32_t part, const struct sta_error *error)
{
    struct refusal why;
    struct buf body;
    refuse(&why, error->status, REASON_UNSPECIFIED, "%s", error->text);
    buf_init(&body, 4096);
    refusal_render(&why, &body);
    put_answer(c, b, part, 0, error->status, "application/json", (struct bytes){0},
               buf_bytes(&body));
    buf_fini(&body);
}

/* The method in capitals: the JSON form writes "post". */
static void
put_method(struct request *child, struct bytes method)
{
    size_t n = method.len < sizeof(child->method) - 1 ? method.len : sizeof(child->method) - 1;
    for (size_t i = 0; i < n; i++)
        child->method[i] =
            (char)(method.p[i] >= 'a' && method.p[i] <= 'z' ? method.p[i] & ~0x20 : method.p[i]);
    child->method[n] = '\0';
}

/* A request by itself, like one that came alone. */
static void
run_alone(struct core *c, struct batch *b, struct peer *peer, struct request *child)
{
    struct sta_bundle_part part = b->bundle.parts[b->next];
    struct sta_error error = part.error;
    arena_reset(&c->call);
    if (error.status == 0 && batch_refer(b, &part, &c->call) != OK)
        (void)sta_fail(&error, 413, 0, "the request is too large");
    buf_put(&child->target, part.target);
    buf_init(&child->body, part.body.len ? part.body.len : 1);
    buf_put(&child->body, part.body);
    put_method(child, part.method);
    child->json_patch = bytes_start(part.content_type, "application/json-patch+json");
    if (error.status == 0 && buf_error(&child->target) != OK)
        (void)sta_fail(&error, 414, 0, "a target has at most %zu bytes", child->target.max);
    if (error.status) {
        answer_error(c, b, b->next, &error);
        b->waiting = false;
        b->next = b->last;
        ask_free(c, child);
        return;
    }
    asks_run(c, peer, child);
}

/* The next request, or the next change set, in a child of its own. */
static void
run_next(struct core *c, struct batch *b)
{
    struct request *ask = &c->asks[b->ask];
    struct peer *peer = peers_get(&c->peers, ask->peer);
    const struct sta_bundle_part *parts = b->bundle.parts;
    struct sta_error error = {0};
    ASSERT(peer);
    for (b->last = b->next + 1; parts[b->next].set && b->last < b->bundle.count; b->last++)
        if (parts[b->last].set != parts[b->next].set)
            break;
    struct request *child = asks_child(c, ask);
    if (!child) {
        (void)sta_fail(&error, 503, 0, "This zone has too much to do; try again.");
        answer_error(c, b, b->next, &error);
        b->next = b->last;
        return;
    }
    b->waiting = true;
    if (parts[b->next].set)
        changes_set(c, peer, child, false);
    else
        run_alone(c, b, peer, child);
}

bool
batches_step(struct core *c)
{
    bool more = false;
    for (size_t i = 0; i < BATCHES_MAX; i++) {
        struct batch *b = &c->batches[i];
        for (int steps = 0; b->used && !b->waiting && steps < BATCH_STEPS_MAX; steps++) {
            if (b->next < b->bundle.count)
                run_next(c, b);
            else
                finish(c, b);
        }
        more = more || (b->used && !b->waiting && c->asks[b->ask].state == ASK_BATCH);
    }
    return more;
}

void
batches_post(struct core *c, struct peer *peer, struct request *ask)
{
    struct refusal why;
    struct sta_error error = {0};
    struct batch *b = NULL;
    for (uint8_t i = 0; i < BATCHES_MAX && !b; i++)
        if (!c->batches[i].used) {
            b = &c->batches[i];
            ask->batch = (uint8_t)(i + 1);
        }
    if (peer->kind == PEER_STRANGER || !b) {
        if (!b)
            refuse(&why, 503, REASON_QUOTA, "%d batches run already; try again.", BATCHES_MAX);
        else
            refuse(&why, 401, REASON_NOT_AUTHORISED,
                   "A batch is for devices of this zone, and for people with a token.");
        c->strangers_refused += peer->kind == PEER_STRANGER;
        ask->batch = 0;
        ask_refuse_now(c, ask, &why);
        return;
    }
    arena_reset(&b->arena);
    b->used = true;
    b->ask = (uint16_t)(ask - c->asks);
    enum err e = sta_bundle_read(bytes_text(ask->body_type), buf_bytes(&ask->body), &b->arena,
                                 &b->bundle, &error);
    if (e == OK) {
        b->aliases = arena_take(&b->arena, (b->bundle.count + 1) * sizeof(*b->aliases));
        if (!b->aliases)
            e = sta_fail(&error, 413, 0, "the batch is too large");
    }
    if (e != OK) {
        refuse(&why, error.status, REASON_UNSPECIFIED, "%s", error.text);
        ask_refuse_now(c, ask, &why);
        return;
    }
    snprintf(b->boundary, sizeof(b->boundary), "%016llx%016llx",
             (unsigned long long)random_u64(&c->random),
             (unsigned long long)random_u64(&c->random));
    snprintf(b->content_type, sizeof(b->content_type), "multipart/mixed; boundary=%s", b->boundary);
    ask->state = ASK_BATCH;
    buf_init(&ask->out, ASK_ANSWER_MAX);
    if (b->bundle.json)
        buf_text(&ask->out, "{\"responses\":[");
}
