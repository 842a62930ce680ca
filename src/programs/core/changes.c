/*
 * changes.c -- who changes what: devices what is their own, people what the charter lets them
 * write.
 *
 * A device's change is made at once, with a leaf in the journal. A person's is planned and checked,
 * then its record goes to the ledger, and only when that is durable it is planned again, on what is
 * there by then, and made. No record: 503, and nothing changed.
 */
#include "programs/core/batches.h"

#include "base/text.h"
#include "runtime/log.h"

enum { WHAT_SIZE = 200, LEAF_BYTES_MAX = 2048, CLASSES_TOLD_MAX = 16 };

/* Who asks for a change, and what they may change. */
struct writer {
    bool person;
    struct token token; /* a person's */
    char owner[STA_OWNER_SIZE];
    struct view_rights view; /* what may be changed, and linked to */
    struct sta_rights rights;
    struct sta_source source;
    struct sta_maker maker;
};

/* ---- the writer -------------------------------------------------------------------------------
 */

static enum err
person_of(struct core *c, const struct peer *peer, const struct request *ask, struct writer *w,
          struct refusal *why)
{
    enum err e = caller_check(c, peer, ask, &w->token, why);
    if (e != OK)
        return e;
    const struct start_caller *row = start_caller(c->start, bytes_text(w->token.caller));
    if (!row->writes[0]) {
        refuse(why, 403, REASON_NOT_AUTHORISED,
               "The charter lets %s read here, and change nothing: it has no `writes`.",
               w->token.caller);
        refusal_rule(why, row->line, "caller", row->name);
        return ERR_DENIED;
    }
    w->person = true;
    w->view = (struct view_rights){.core = c,
                                   .purpose = bytes_text(w->token.purpose),
                                   .caller = row->name,
                                   .writes = row->writes};
    snprintf(w->owner, sizeof(w->owner), "@%s", w->token.caller);
    return OK;
}

static enum err
writer_of(struct core *c, const struct peer *peer, const struct request *ask, struct writer *w,
          struct refusal *why)
{
    *w = (struct writer){0};
    if (peer->kind == PEER_DEVICE) {
        w->view = (struct view_rights){.core = c, .device = peer, .own_observations = true};
        memcpy(w->owner, peer->name, sizeof(peer->name));
    } else {
        enum err e = person_of(c, peer, ask, w, why);
        if (e != OK)
            return e;
    }
    w->rights = rights_of(&w->view);
    w->source = source_of(c);
    c->now_us = clock_wall_us(&c->clock);
    w->maker = (struct sta_maker){.owner = bytes_text(w->owner),
                                  .now_us = c->now_us,
                                  .rights = &w->rights,
                                  .source = &w->source,
                                  .names_owner = w->person};
    return OK;
}

/* ---- what is asked -----------------------------------------------------------------------------
 */

static enum err
verb_of(const char *method, bool json_patch, enum sta_verb *out, struct refusal *why)
{
    static const struct {
        const char *method;
        enum sta_verb verb;
    } rows[] = {
        {"POST", STA_CREATE}, {"PATCH", STA_MERGE}, {"PUT", STA_REPLACE}, {"DELETE", STA_DELETE}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strcasecmp(method, rows[i].method) != 0)
            continue;
        *out = rows[i].verb == STA_MERGE && json_patch ? STA_JSON_PATCH : rows[i].verb;
        return OK;
    }
    if (strcasecmp(method, "GET") == 0 || strcasecmp(method, "HEAD") == 0)
        return refuse(why, 400, REASON_PAYLOAD_INVALID,
                      "%s changes nothing; ask outside of the change set.", method);
    return refuse(why, 501, REASON_UNSPECIFIED,
                  "This server answers GET, POST, PATCH, PUT and DELETE; %s is not there.", method);
}

/* "PATCH /v1.1/Things(1)" */
static void
describe(const struct request *ask, const struct sta_path *path, char out[static WHAT_SIZE])
{
    static struct buf text; /* one thread; keeps its memory */
    if (text.max == 0)
        buf_init(&text, 4096);
    buf_reset(&text);
    sta_path_print(path, &text);
    snprintf(out, WHAT_SIZE, "%s %.*s", ask->method, (int)text.len, (const char *)text.p);
}

/* The decision as it stands in the journal. */
static struct bytes
leaf_of(const struct writer *w, const char *what, const struct sta_plan *plan)
{
    static struct buf leaf; /* one thread; keeps its memory */
    if (leaf.max == 0)
        buf_init(&leaf, LEAF_BYTES_MAX);
    buf_reset(&leaf);
    buf_text(&leaf, "{\"d\":");
    text_put_json(&leaf, bytes_text(w->owner));
    buf_text(&leaf, ",\"v\":\"change\",\"what\":");
    text_put_json(&leaf, bytes_text(what));
    buf_format(&leaf, ",\"entities\":%u,\"observations\":%u,\"gone\":%u,\"observationsGone\":%llu}",
               plan->items_count - plan->entities_gone, plan->observations_count,
               plan->entities_gone, (unsigned long long)plan->observations_gone);
    ASSERT(buf_error(&leaf) == OK); /* what: at most 200 bytes, six for each in JSON */
    return buf_bytes(&leaf);
}

/* ---- the plan -----------------------------------------------------------------------------------
 */

static enum err
plan_of(struct core *c, const struct writer *w, const struct sta_change *change,
        struct sta_plan *plan, struct refusal *why)
{
    struct sta_error error = {0};
    enum err e = sta_plan_change(&c->graph, change, &w->maker, &c->call, plan, &error);
    if (e != OK)
        return refuse(why, error.status, REASON_PAYLOAD_INVALID, "%s", error.text);
    return entities_check(c, &w->view, plan, why);
}

static void
add_class(const char *classes[static CLASSES_TOLD_MAX], uint32_t *count, const char *name)
{
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp(classes[i], name) == 0)
            return;
    if (name[0] && *count < CLASSES_TOLD_MAX)
        classes[(*count)++] = name;
}

/* The data classes that the plan touches, for the record. */
static uint32_t
classes_of(const struct core *c, const struct sta_plan *plan,
           const char *classes[static CLASSES_TOLD_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->items_count; i++)
        add_class(classes, &count, plan->items[i].class_name);
    for (uint32_t i = 0; i < plan->observations_count + plan->corrections_count; i++) {
        uint32_t stream = i < plan->observations_count
                              ? plan->observations[i].stream
                              : plan->corrections[i - plan->observations_count].stream;
        const struct sta_entity *e = sta_graph_stream(&c->graph, stream);
        if (e)
            add_class(classes, &count, e->class_name);
    }
    return count;
}

/* Hold the ask until the record of the change is durable; then it is made. */
static void
record_change(struct core *c, struct request *ask, const struct writer *w, const char *what,
              const struct sta_plan *plan)
{
    const char *classes[CLASSES_TOLD_MAX];
    uint64_t rows = plan->items_count + plan->observations_count + plan->observations_gone;
    for (uint32_t i = 0; i < plan->corrections_count; i++)
        rows += !plan->corrections[i].withdrawn;
    struct reading r = {.event = "change",
                        .caller = w->token.caller,
                        .role = w->token.role,
                        .purpose = w->token.purpose,
                        .classes = classes,
                        .what = what,
                        .rows = rows,
                        .status = 202};
    r.classes_count = classes_of(c, plan, classes);
    ask->change = true;
    record_and_send(c, ask, &r);
}

/* ---- the answer ---------------------------------------------------------------------------------
 */

/* One change of a plan that is true now, and what came of it. */
struct made {
    enum sta_verb verb;
    enum sta_type type;
    uint64_t id;
    uint32_t observation; /* of the plan, when it made one (id 0) */
};

/* What a device or person may change they may see; and nothing else goes out here. The status;
 * the body and, of something new, its Location. */
static int
answer_made(struct core *c, const struct writer *w, const struct sta_plan *plan,
            const struct made *m, struct buf *location, struct buf *out)
{
    struct view_rights view = w->view;
    view.writes = NULL;
    struct sta_rights rights = rights_of(&view);
    struct sta_view answer;
    uint64_t id = m->id;
    view_of(c, &rights, &w->source, &answer);
    if (m->type == STA_OBSERVATION && id == 0) {
        const struct sta_plan_observation *o = &plan->observations[m->observation];
        ASSERT(m->observation < plan->observations_count);
        if (o->n == STA_NOT_KEPT)
            return 202; /* accepted, and by the service's rule not kept */
        id = sta_observation_id(o->stream, o->n);
    }
    if (m->verb == STA_DELETE)
        return 200;
    size_t before = out->len;
    if (sta_answer_entity(&answer, m->type, id, out) != OK && !out->overflow)
        out->len = before; /* deleted again within the same plan */
    if (m->verb == STA_CREATE)
        sta_self_link(bytes_text(c->base_url), m->type, id, location);
    return m->verb == STA_CREATE ? 201 : 200;
}

static void
answer_body(struct core *c, struct request *ask, const struct writer *w,
            const struct sta_plan *plan, enum sta_verb verb)
{
    const struct made m = {.verb = verb,
                           .type = plan->type,
                           .id = plan->id,
                           .observation = plan->observations_count - 1};
    buf_init(&ask->out, STA_BODY_BYTES_MAX * 2);
    ask->status = answer_made(c, w, plan, &m, &ask->location, &ask->out);
    if (verb == STA_DELETE)
        buf_format(&ask->out, "{\"deleted\":{\"entities\":%u,\"Observations\":%llu}}",
                   plan->entities_gone, (unsigned long long)plan->observations_gone);
    if (buf_error(&ask->out) != OK) { /* made, and too long to show */
        buf_fini(&ask->out);
        buf_init(&ask->out, 16);
    }
    ask->content_type = ask->out.len ? "application/json" : "";
}

/* Store the plan and answer. */
static void
make(struct core *c, struct request *ask, const struct writer *w, const char *what,
     struct sta_plan *plan, enum sta_verb verb)
{
    struct refusal why = {0};
    /* What a device makes of itself is its own affair; the rest is a decision to be kept. */
    bool plain = !w->person && verb == STA_CREATE && plan->observations_count == 0;
    struct bytes leaf = plain ? (struct bytes){0} : leaf_of(w, what, plan);
    enum err e = entities_change(c, plan, leaf, &why);
    if (e != OK) {
        c->count.refused++;
        ask_refuse_now(c, ask, &why);
        return;
    }
    answer_body(c, ask, w, plan, verb);
    log_event("changed", "by=%s method=%s type=%s id=%llu gone=%u", w->owner, ask->method,
              sta_type_info(plan->type)->entity, (unsigned long long)plan->id, plan->entities_gone);
    ask_send(c, ask);
}

/* A person's refusal is on record; who carries no name is counted. */
static void
refuse_change(struct core *c, const struct peer *peer, struct request *ask, const struct writer *w,
              const char *what, const struct refusal *why)
{
    c->count.refused++;
    ask_refuse(ask, why);
    if (peer->kind != PEER_CALLER) {
        c->strangers_refused += peer->kind == PEER_STRANGER;
        ask_send(c, ask);
        return;
    }
    struct reading r = {.event = "change-refused",
                        .caller = peer->name,
                        .role = w->token.role,
                        .purpose = w->token.purpose,
                        .what = what,
                        .status = why->status,
                        .rule = why->rule};
    record_and_send(c, ask, &r);
}

/* ---- a request ----------------------------------------------------------------------------------
 */

/* A person's dataArray: the classes of all Datastreams that it names go on record first. */
static enum err
run_rows(struct core *c, struct peer *peer, struct request *ask, const struct writer *w,
         const char *what, bool recorded, struct refusal *why)
{
    const char *classes[CLASSES_TOLD_MAX];
    struct reading r = {.event = "change",
                        .caller = w->token.caller,
                        .role = w->token.role,
                        .purpose = w->token.purpose,
                        .classes = classes,
                        .what = what,
                        .status = 202};
    struct sta_rows rows;
    struct sta_observation o;
    struct sta_error error = {0};
    enum err row;
    if (recorded) {
        ingest_rows(c, peer, ask, &w->view);
        return OK;
    }
    if (sta_rows_begin(buf_bytes(&ask->body), &rows, &error) != OK)
        return refuse(why, error.status, REASON_PAYLOAD_INVALID, "%s", error.text);
    size_t mark = c->call.used;
    while (r.rows < rows.count && sta_rows_next(&rows, c->now_us, &c->call, &o, &row, &error)) {
        const struct sta_entity *e =
            row == OK && o.stream ? sta_graph_stream(&c->graph, o.stream) : NULL;
        if (e)
            add_class(classes, &r.classes_count, e->class_name);
        r.rows++;
        c->call.used = mark;
    }
    ask->change = true;
    record_and_send(c, ask, &r);
    return OK;
}

static void
run(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path,
    bool recorded)
{
    struct writer w;
    struct refusal why = {0};
    struct sta_plan plan = {0};
    struct sta_change change = {.path = *path, .body = buf_bytes(&ask->body)};
    char what[WHAT_SIZE];
    describe(ask, path, what);
    enum err e = writer_of(c, peer, ask, &w, &why);
    bool rows = path->kind == STA_PATH_CREATE_OBSERVATIONS && strcmp(ask->method, "POST") == 0;
    if (e == OK && rows && w.person) {
        e = run_rows(c, peer, ask, &w, what, recorded, &why);
        if (e == OK)
            return;
    }
    if (e == OK && path->steps_count == 0)
        e = refuse(&why, 405, REASON_TOPIC_INVALID,
                   "Nothing is made, changed or deleted here; name a set or an entity.");
    if (e == OK)
        e = verb_of(ask->method, ask->json_patch, &change.verb, &why);
    if (e == OK && !recorded)
        e = ingest_rate(c, peer, &why);
    if (e == OK && ask->body.len > STA_BODY_BYTES_MAX)
        e = refuse(&why, 413, REASON_QUOTA, "A body has at most %d bytes.", STA_BODY_BYTES_MAX);
    if (e == OK && sta_path_type(path) == STA_TASK && change.verb != STA_DELETE)
        e = refuse(&why, 405, REASON_NOT_AUTHORISED,
                   "What becomes of a Task is written by the service; ask for another one.");
    if (e == OK && change.verb == STA_CREATE && rights_names_once(peer) &&
        names_taken(c, peer, ask, path, &why, &e))
        return;
    if (e == OK)
        e = plan_of(c, &w, &change, &plan, &why);
    if (e != OK)
        refuse_change(c, peer, ask, &w, what, &why);
    else if (w.person && !recorded)
        record_change(c, ask, &w, what, &plan);
    else
        make(c, ask, &w, what, &plan, change.verb);
}

void
changes_run(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path)
{
    arena_reset(&c->call);
    run(c, peer, ask, path, false);
}

void
changes_recorded(struct core *c, struct request *ask)
{
    struct peer *peer = peers_get(&c->peers, ask->peer);
    struct sta_path path;
    struct sta_error error;
    struct bytes target = buf_bytes(&ask->target);
    ASSERT(peer && ask->change);
    target.len = bytes_find(target, '?');
    ask->change = false;
    arena_reset(&c->call);
    if (ask->child && target.len == 0) { /* a change set has no target of its own */
        changes_set(c, peer, ask, true);
        return;
    }
    enum err e = sta_path_parse(target, &path, &error);
    ASSERT(e == OK); /* it was before */
    run(c, peer, ask, &path, true);
}

enum err
changes_observe(struct core *c, struct peer *peer, const struct sta_path *path, struct bytes json,
                struct ingested *out, struct refusal *why)
{
    static const struct request nobody; /* a device needs no token */
    struct writer w;
    struct sta_plan plan = {0};
    struct sta_change change = {.verb = STA_CREATE, .path = *path, .body = json};
    ASSERT(peer->kind == PEER_DEVICE);
    enum err e = writer_of(c, peer, &nobody, &w, why);
    if (e == OK)
        e = plan_of(c, &w, &change, &plan, why);
    if (e == OK)
        e = entities_change(c, &plan, leaf_of(&w, "POST Observation", &plan), why);
    if (e != OK)
        return e;
    ASSERT(plan.observations_count);
    const struct sta_plan_observation *o = &plan.observations[plan.observations_count - 1];
    out->stream = o->stream;
    out->n = o->n;
    out->kept = o->n != STA_NOT_KEPT;
    return OK;
}

/* ---- a change set: several changes as one -------------------------------------------------------
 */

/* One part onto the planner; references to earlier ones are resolved on a copy. */
static enum err
add_part(struct core *c, struct batch *b, struct sta_planner *p, const struct sta_bundle_part *part,
         struct made *made, struct sta_error *error, struct refusal *why)
{
    struct sta_bundle_part copy = *part;
    struct sta_change change = {0};
    char method[20];
    if (part->error.status)
        return refuse(why, part->error.status, REASON_PAYLOAD_INVALID, "%s", part->error.text);
    if (batch_refer(b, &copy, &c->call) != OK)
        return refuse(why, 413, REASON_QUOTA, "the request is too large");
    snprintf(method, sizeof(method), "%.*s", (int)copy.method.len, (const char *)copy.method.p);
    enum err e = verb_of(method, bytes_start(copy.content_type, "application/json-patch+json"),
                         &change.verb, why);
    if (e != OK)
        return e;
    copy.target.len = bytes_find(copy.target, '?');
    change.body = copy.body;
    e = sta_path_parse(copy.target, &change.path, error);
    if (e == OK && change.path.kind == STA_PATH_SET && sta_path_type(&change.path) == STA_TASK)
        e = sta_fail(error, 400, 0, "a Task is asked for outside change sets");
    if (e == OK)
        e = sta_planner_add(p, &change, &made->type, &made->id);
    if (e != OK)
        return refuse(why, error->status, REASON_PAYLOAD_INVALID, "%s", error->text);
    made->verb = change.verb;
    made->observation = sta_planner_observations(p) - 1;
    if (made->id && change.verb == STA_CREATE)
        batch_made(b, part, made->type, made->id);
    return OK;
}

static enum err
plan_set(struct core *c, const struct writer *w, struct batch *b, struct made *made,
         struct sta_plan *plan, struct refusal *why)
{
    struct sta_error error = {0};
    char text[REFUSAL_WHY_SIZE];
    struct sta_planner *p = sta_planner_new(&c->graph, &w->maker, &c->call, &error);
    uint32_t aliases = b->aliases_count;
    size_t mark = b->arena.used;
    enum err e = OK;
    if (!p)
        return refuse(why, 413, REASON_QUOTA, "%s", error.text);
    for (uint32_t i = b->next; e == OK && i < b->last; i++) {
        e = add_part(c, b, p, &b->bundle.parts[i], &made[i - b->next], &error, why);
        if (e != OK) {
            memcpy(text, why->why, sizeof(text));
            snprintf(why->why, sizeof(why->why), "request %u of the change set: %.250s",
                     i - b->next + 1, text);
        }
    }
    if (e == OK && sta_planner_finish(p, plan) != OK)
        e = refuse(why, error.status, REASON_PAYLOAD_INVALID, "%s", error.text);
    if (e == OK)
        e = entities_check(c, &w->view, plan, why);
    b->aliases_count = aliases; /* they are given again when it is true */
    b->arena.used = mark;
    return e;
}

static void
answer_set(struct core *c, const struct writer *w, struct batch *b, const struct sta_plan *plan,
           const struct made *made)
{
    struct buf out, location;
    buf_init(&out, STA_BODY_BYTES_MAX * 2);
    buf_init(&location, 1024);
    for (uint32_t i = b->next; i < b->last; i++) {
        const struct made *m = &made[i - b->next];
        buf_reset(&out);
        buf_reset(&location);
        int status = answer_made(c, w, plan, m, &location, &out);
        if (buf_error(&out) != OK)
            buf_reset(&out);
        batch_answer(c, b, i, status, "application/json", buf_bytes(&location), buf_bytes(&out));
        if (m->id && m->verb == STA_CREATE)
            batch_made(b, &b->bundle.parts[i], m->type, m->id);
    }
    buf_fini(&out);
    buf_fini(&location);
}

void
changes_set(struct core *c, struct peer *peer, struct request *child, bool recorded)
{
    struct batch *b = batch_of(c, child);
    struct writer w;
    struct refusal why = {0};
    struct sta_plan plan = {0};
    char what[WHAT_SIZE];
    arena_reset(&c->call);
    snprintf(what, sizeof(what), "POST /v1.1/$batch: a change set of %u requests",
             b->last - b->next);
    struct made *made = arena_take(&c->call, (b->last - b->next) * sizeof(*made));
    ASSERT(made);
    enum err e = writer_of(c, peer, child, &w, &why);
    if (e == OK && !recorded)
        e = ingest_rate(c, peer, &why);
    if (e == OK)
        e = plan_set(c, &w, b, made, &plan, &why);
    if (e != OK) {
        refuse_change(c, peer, child, &w, what, &why);
        return;
    }
    if (w.person && !recorded) {
        record_change(c, child, &w, what, &plan);
        return;
    }
    e = entities_change(c, &plan, leaf_of(&w, what, &plan), &why);
    if (e != OK) {
        c->count.refused++;
        ask_refuse_now(c, child, &why);
        return;
    }
    answer_set(c, &w, b, &plan, made);
    child->status = 200;
    ask_send(c, child);
}
