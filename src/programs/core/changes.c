/*
 * changes.c -- who changes what: devices what is their own, people what the charter lets them
 * write.
 *
 * A device's change is made at once, with a leaf in the journal. A person's is planned and checked,
 * then its record goes to the ledger, and only when that is durable it is planned again, on what is
 * there by then, and made. No record: 503, and nothing changed.
 */
#include "programs/core/core.h"

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
verb_of(const struct request *ask, enum sta_verb *out, struct refusal *why)
{
    static const struct {
        const char *method;
        enum sta_verb verb;
    } rows[] = {
        {"POST", STA_CREATE}, {"PATCH", STA_MERGE}, {"PUT", STA_REPLACE}, {"DELETE", STA_DELETE}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strcmp(ask->method, rows[i].method) != 0)
            continue;
        *out = rows[i].verb == STA_MERGE && ask->json_patch ? STA_JSON_PATCH : rows[i].verb;
        return OK;
    }
    return refuse(why, 501, REASON_UNSPECIFIED,
                  "This server answers GET, POST, PATCH, PUT and DELETE; %s is not there.",
                  ask->method);
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

static void
answer_body(struct core *c, struct request *ask, const struct writer *w,
            const struct sta_plan *plan, enum sta_verb verb)
{
    /* What a device or person may change they may see; and nothing else goes out here. */
    struct view_rights view = w->view;
    view.writes = NULL;
    struct sta_rights rights = rights_of(&view);
    struct sta_view answer;
    uint64_t id = plan->id;
    view_of(c, &rights, &w->source, &answer);
    ask->status = verb == STA_CREATE ? 201 : 200;
    ask->content_type = "application/json";
    buf_init(&ask->out, STA_BODY_BYTES_MAX * 2);
    if (plan->type == STA_OBSERVATION && id == 0 && plan->observations_count)
        id = sta_observation_id(plan->observations[0].stream, plan->observations[0].n);
    if (verb == STA_DELETE) {
        buf_format(&ask->out, "{\"deleted\":{\"entities\":%u,\"Observations\":%llu}}",
                   plan->entities_gone, (unsigned long long)plan->observations_gone);
        return;
    }
    enum err e = id ? sta_answer_entity(&answer, plan->type, id, &ask->out) : ERR_NOT_FOUND;
    if (e != OK || buf_error(&ask->out) != OK) {
        buf_fini(&ask->out);
        buf_init(&ask->out, 16);
        ask->content_type = "";
    }
    if (id == 0)
        ask->status = 202; /* accepted, and by the service's rule not kept */
    else if (verb == STA_CREATE)
        sta_self_link(bytes_text(c->base_url), plan->type, id, &ask->location);
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

/* ---- devices: the same name is the same entity
 * ----------------------------------------------------- */

/* The device's own Thing, or Datastream below this Thing, of that name; and how many it has. */
static const struct sta_entity *
find_named(const struct core *c, const struct peer *peer, enum sta_type type, uint64_t thing,
           const char *name, uint32_t *out_own)
{
    int property = sta_property_index(type, bytes_text("name"));
    *out_own = 0;
    for (uint32_t i = 0; i < c->graph.set[type].count; i++) {
        const struct sta_entity *e = c->graph.set[type].p[i];
        if (strcmp(e->owner, peer->name) != 0)
            continue;
        ++*out_own;
        if (!name[0] || property < 0 ||
            (sta_is_stream(type) &&
             (e->links[DATASTREAM_THING].count == 0 || e->links[DATASTREAM_THING].p[0] != thing)))
            continue;
        char plain[STA_VALUE_TEXT_MAX / 64];
        if (json_plain(e->property[property], plain, sizeof(plain)) == OK &&
            strcmp(plain, name) == 0)
            return e;
    }
    return NULL;
}

/* 409, and where the one is that exists already: a bridge that was restarted goes on with it. */
static void
answer_existing(struct core *c, struct request *ask, const struct sta_entity *e)
{
    struct refusal why;
    refuse(&why, 409, REASON_UNSPECIFIED, "This device has a %s of this name already: %s(%llu).",
           sta_type_info(e->type)->entity, sta_type_info(e->type)->set, (unsigned long long)e->id);
    ask_refuse(ask, &why);
    sta_self_link(bytes_text(c->base_url), e->type, e->id, &ask->location);
    ask_send(c, ask);
}

/* Things, and streams below a Thing of its own, are found again by name. */
static bool
name_is_taken(struct core *c, const struct peer *peer, struct request *ask,
              const struct sta_path *path, struct refusal *why, enum err *out)
{
    const struct sta_step *steps = path->steps;
    enum sta_type type = sta_path_type(path);
    char name[STA_VALUE_TEXT_MAX / 64] = "";
    uint32_t own;
    bool below = path->steps_count == 2 && steps[0].type == STA_THING && steps[0].has_id;
    bool named = (type == STA_THING && path->steps_count == 1) || (sta_is_stream(type) && below);
    cJSON *tree = named ? cJSON_ParseWithLength((const char *)ask->body.p, ask->body.len) : NULL;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(tree, "name");
    *out = OK;
    if (cJSON_IsString(given) &&
        bytes_copy_text(bytes_text(given->valuestring), name, sizeof(name)) != OK)
        *out = refuse(why, 400, REASON_PAYLOAD_INVALID, "A name has at most %zu bytes.",
                      sizeof(name) - 1);
    if (*out != OK)
        return false;
    const struct sta_entity *same = find_named(c, peer, type, below ? steps[0].id : 0, name, &own);
    if (same) {
        answer_existing(c, ask, same);
        return true;
    }
    if (own >= THINGS_PER_DEVICE_MAX)
        *out = refuse(why, 413, REASON_QUOTA, "A device has at most %d of them.",
                      THINGS_PER_DEVICE_MAX);
    return false;
}

/* ---- a request ----------------------------------------------------------------------------------
 */

static enum err
check_rate(struct core *c, struct refusal *why)
{
    if (bucket_take(&c->zone_bucket, c->start->messages_per_s, clock_mono_ms(&c->clock)))
        return OK;
    refuse(why, 429, REASON_QUOTA, "More than %u messages a second come to this zone.",
           c->start->messages_per_s);
    refusal_rule(why, c->start->zone_line, "zone", c->start->zone);
    return ERR_LIMIT;
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
    if (e == OK && path->steps_count == 0)
        e = refuse(&why, 405, REASON_TOPIC_INVALID,
                   "Nothing is made, changed or deleted here; name a set or an entity.");
    if (e == OK)
        e = verb_of(ask, &change.verb, &why);
    if (e == OK && !recorded)
        e = check_rate(c, &why);
    if (e == OK && ask->body.len > STA_BODY_BYTES_MAX)
        e = refuse(&why, 413, REASON_QUOTA, "A body has at most %d bytes.", STA_BODY_BYTES_MAX);
    if (e == OK && sta_path_type(path) == STA_TASK && change.verb != STA_DELETE)
        e = refuse(&why, 405, REASON_NOT_AUTHORISED,
                   "What becomes of a Task is written by the service; ask for another one.");
    if (e == OK && change.verb == STA_CREATE && rights_names_once(peer) &&
        name_is_taken(c, peer, ask, path, &why, &e))
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
    out->kept = plan.observations_count > 0;
    if (out->kept) {
        out->stream = plan.observations[0].stream;
        out->n = plan.observations[0].n;
    }
    return OK;
}
