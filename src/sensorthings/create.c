#include "sensorthings/create.h"

#include "base/text.h"
#include "sensorthings/draft.h"
#include "sensorthings/json.h"
#include "sensorthings/record.h"
#include "sensorthings/times.h"

/* A Thing that is somewhere new has been there from now on (18-088 8.2.3). */
static enum err
write_history(struct sta_planner *p)
{
    for (uint32_t i = 0, n = p->drafts_count; i < n; i++) {
        struct sta_draft *thing = p->drafts[i];
        if (!thing->moved || thing->gone)
            continue;
        struct sta_draft *h = sta_draft_new(p, STA_HISTORICAL_LOCATION,
                                            sta_draft_next_id(p, STA_HISTORICAL_LOCATION), true);
        struct buf time;
        buf_init(&time, 64);
        sta_time_put(&time, p->maker->now_us, p->maker->now_us);
        if (h)
            h->property[0] = arena_dup(p->arena, buf_bytes(&time));
        buf_fini(&time);
        if (!h || !h->property[0].p)
            return sta_draft_full(p);
        h->owner = thing->owner;
        h->class_name = thing->class_name;
        enum err e = sta_draft_link(p, h, HISTORICAL_LOCATION_THING, thing->id);
        for (uint32_t k = 0; e == OK && k < thing->links[THING_LOCATIONS].count; k++)
            e = sta_draft_link(p, h, HISTORICAL_LOCATION_LOCATIONS,
                               thing->links[THING_LOCATIONS].p[k]);
        if (e != OK)
            return e;
    }
    return OK;
}

/* The time of a HistoricalLocation as it stands in a record of ours. */
static int64_t
time_of(struct bytes property)
{
    int64_t start = INT64_MIN, end;
    if (property.len > 2 &&
        sta_time_parse(bytes_of(property.p + 1, property.len - 2), &start, &end) != OK)
        return INT64_MIN;
    return start;
}

/* One that the maker wrote and that is newer than all others says where the Thing is now. */
static enum err
follow_history(struct sta_planner *p)
{
    for (uint32_t i = 0, n = p->drafts_count; i < n; i++) {
        const struct sta_draft *h = p->drafts[i];
        if (!h->manual || h->gone || h->links[HISTORICAL_LOCATION_THING].count == 0)
            continue;
        uint64_t thing_id = h->links[HISTORICAL_LOCATION_THING].p[0];
        const struct sta_entity *e = sta_graph_get(p->g, STA_THING, thing_id);
        const struct sta_ids *all = e ? &e->links[THING_HISTORICAL_LOCATIONS] : NULL;
        bool newest = true;
        for (uint32_t k = 0; all && k < all->count; k++) {
            const struct sta_entity *other =
                sta_graph_get(p->g, STA_HISTORICAL_LOCATION, all->p[k]);
            newest = newest &&
                     (other->id == h->id || time_of(other->property[0]) < time_of(h->property[0]));
        }
        struct sta_draft *thing = newest ? sta_draft_of(p, STA_THING, thing_id) : NULL;
        if (newest && !thing)
            return sta_draft_full(p);
        if (!thing || thing->moved || thing->gone)
            continue;
        thing->links[THING_LOCATIONS].count = 0;
        thing->links[THING_FEATURE].count = 0;
        for (uint32_t k = 0; k < h->links[HISTORICAL_LOCATION_LOCATIONS].count; k++) {
            enum err err = sta_draft_link(p, thing, THING_LOCATIONS,
                                          h->links[HISTORICAL_LOCATION_LOCATIONS].p[k]);
            if (err != OK)
                return err;
        }
    }
    return OK;
}

/* One draft as an item of the plan. */
static enum err
put_item(struct sta_planner *p, const struct sta_draft *d, struct buf *record,
         struct sta_plan_item *item)
{
    struct bytes class_name = arena_dup(p->arena, d->class_name);
    *item = (struct sta_plan_item){
        .type = d->type, .id = d->id, .fresh = d->fresh, .quiet = d->quiet, .gone = d->gone};
    item->class_name = (const char *)class_name.p;
    memcpy(item->links, d->links, sizeof(item->links));
    if (!class_name.p)
        return sta_draft_full(p);
    if (d->gone)
        return OK;
    enum err e = sta_check_mandatory(p, d);
    if (e != OK)
        return e;
    buf_reset(record);
    sta_record_write(record, d->type, d->owner, d->class_name, d->property, d->links);
    if (buf_error(record) != OK)
        return sta_fail(p->error, 413, 0, "an entity has at most %d bytes", STORE_ENTITY_BYTES_MAX);
    item->record = arena_dup(p->arena, buf_bytes(record));
    return item->record.p ? OK : sta_draft_full(p);
}

/* Drafts become records, and the limits of graph and store are checked. */
static enum err
finish(struct sta_planner *p, struct sta_plan *plan)
{
    struct buf record;
    uint64_t bytes = 0;
    uint32_t fresh = 0;
    enum err e = follow_history(p);
    if (e == OK)
        e = write_history(p);
    plan->items = e == OK ? arena_take(p->arena, p->drafts_count * sizeof(*plan->items) + 1) : NULL;
    if (e == OK && !plan->items)
        e = sta_draft_full(p);
    buf_init(&record, STORE_ENTITY_BYTES_MAX);
    for (uint32_t i = 0; e == OK && i < p->drafts_count; i++) {
        const struct sta_draft *d = p->drafts[i];
        if (d->gone && d->fresh)
            continue; /* came and went within the plan */
        struct sta_plan_item *item = &plan->items[plan->items_count++];
        e = put_item(p, d, &record, item);
        fresh += d->fresh;
        bytes += item->record.len + STA_RELATIONS_MAX * 16 * sizeof(uint64_t);
        plan->entities_gone += d->gone;
    }
    buf_fini(&record);
    if (e == OK && (fresh || bytes) && plan->entities_gone == 0 &&
        !sta_graph_fits(p->g, fresh, bytes))
        e = sta_fail(p->error, 413, 0, "this zone has no room for more entities");
    plan->observations = p->observations;
    plan->observations_count = p->observations_count;
    plan->corrections = p->corrections;
    plan->corrections_count = p->corrections_count;
    plan->observations_gone = p->observations_gone;
    plan->generation = p->g->generation;
    return e;
}

struct sta_planner *
sta_planner_new(struct sta_graph *g, const struct sta_maker *maker, struct arena *arena,
                struct sta_error *error)
{
    ASSERT(maker->rights && maker->owner.len < STA_OWNER_SIZE);
    struct sta_planner *p = arena_take(arena, sizeof(*p));
    if (p)
        p->observations =
            arena_take(arena, STA_PLAN_OBSERVATIONS_MAX * sizeof(struct sta_plan_observation));
    if (!p || !p->observations) {
        (void)sta_fail(error, 413, 0, "the request is too large");
        return NULL;
    }
    p->g = g;
    p->maker = maker;
    p->arena = arena;
    p->error = error;
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        p->next_id[t] = sta_graph_next_id(g, t);
    return p;
}

/* ---- where a change goes ----------------------------------------------------------------------
 */

static bool
ids_have(const struct sta_ids *ids, uint64_t id)
{
    for (uint32_t i = 0; ids && i < ids->count; i++)
        if (ids->p[i] == id)
            return true;
    return false;
}

/* The stored links of what is there, as this plan has them. */
static const struct sta_ids *
links_of(struct sta_planner *p, enum sta_type type, uint64_t id, int relation)
{
    const struct sta_draft *d = sta_draft_find(p, type, id);
    const struct sta_entity *e = d ? NULL : sta_graph_get(p->g, type, id);
    return d ? &d->links[relation] : e ? &e->links[relation] : NULL;
}

/* One step of a path from an entity to another; *step_id is set when the path leaves it open. */
static bool
step_holds(struct sta_planner *p, enum sta_type from, uint64_t id, const struct sta_step *step,
           uint64_t *step_id)
{
    const struct sta_relation *r = &sta_type_info(from)->relations[step->relation];
    *step_id = step->id;
    if (!r->stored)
        return step->has_id && ids_have(links_of(p, step->type, step->id, r->inverse), id);
    const struct sta_ids *ids = links_of(p, from, id, step->relation);
    if (step->has_id)
        return ids_have(ids, step->id);
    if (!ids || ids->count == 0)
        return false;
    *step_id = ids->p[0];
    return true;
}

static enum err
nowhere(struct sta_planner *p, enum sta_type type)
{
    return sta_fail(p->error, 404, 0, "the path leads to no %s", sta_type_info(type)->entity);
}

/* An Observation by its id, maybe through its stream. */
static enum err
walk_to_observation(struct sta_planner *p, const struct sta_path *path, uint32_t steps,
                    const struct sta_parent *at)
{
    uint32_t stream;
    uint64_t n;
    const struct sta_step *last = &path->steps[steps - 1];
    if (!last->has_id || !sta_observation_of_id(last->id, &stream, &n) ||
        (at->type && (!sta_is_stream(at->type) || at->id != stream)))
        return nowhere(p, STA_OBSERVATION);
    return OK;
}

/* Follow so many steps of the path; every step must hold, and be visible. */
static enum err
walk(struct sta_planner *p, const struct sta_path *path, uint32_t steps, struct sta_parent *out)
{
    struct sta_parent at = {0};
    for (uint32_t i = 0; i < steps; i++) {
        const struct sta_step *step = &path->steps[i];
        uint64_t id = step->id;
        if (step->type == STA_OBSERVATION) {
            enum err e = i + 1 == steps ? walk_to_observation(p, path, steps, &at)
                                        : nowhere(p, STA_OBSERVATION);
            if (e != OK)
                return e;
        } else if (!(i == 0 ? step->has_id : step_holds(p, at.type, at.id, step, &id)) ||
                   !sta_draft_exists(p, step->type, id)) {
            return nowhere(p, step->type);
        }
        at = (struct sta_parent){step->type, id, 0};
    }
    *out = at;
    return OK;
}

static enum err
add_new(struct sta_planner *p, const struct sta_change *change, struct bytes body,
        enum sta_type *out_type, uint64_t *out_id)
{
    const struct sta_path *path = &change->path;
    struct sta_parent parent = {0};
    if (path->kind != STA_PATH_SET || path->ref)
        return sta_fail(p->error, 405, 0, "entities are made by POST to a set");
    if (path->steps_count > 1) {
        enum err e = walk(p, path, path->steps_count - 1, &parent);
        if (e != OK)
            return e;
        parent.relation = path->steps[path->steps_count - 1].relation;
    }
    *out_type = sta_path_type(path);
    p->links_only = false;
    return sta_build(p, *out_type, body, parent.type ? &parent : NULL, 1, out_id);
}

/* The body without the space around it; it is JSON. */
static enum err
check_body(struct sta_planner *p, struct bytes body, struct bytes *out)
{
    size_t bad = 0;
    if (body.len > STA_BODY_BYTES_MAX)
        return sta_fail(p->error, 413, 0, "a body has at most %d bytes", STA_BODY_BYTES_MAX);
    if (!sta_json_check(body, &bad))
        return sta_fail(p->error, 400, bad, "the body is not JSON from byte %zu on", bad);
    size_t start = sta_json_space(body, 0), end = body.len;
    while (end > start && sta_json_space(body, end - 1) == body.len)
        end--;
    *out = bytes_of(body.p + start, end - start);
    return OK;
}

enum err
sta_planner_add(struct sta_planner *p, const struct sta_change *change, enum sta_type *out_type,
                uint64_t *out_id)
{
    struct sta_change inner = *change;
    struct sta_parent at;
    enum err e = change->verb == STA_DELETE ? OK : check_body(p, change->body, &inner.body);
    if (e != OK)
        return e;
    if (change->verb == STA_CREATE)
        return add_new(p, change, inner.body, out_type, out_id);
    if (change->path.ref)
        return sta_fail(p->error, 501, 0,
                        "links are not changed through $ref here; PATCH the entity with "
                        "{\"Thing\":{\"@iot.id\":1}}");
    if (change->path.kind != STA_PATH_ENTITY)
        return sta_fail(p->error, 405, 0, "one entity is changed or deleted at a time, by its id");
    e = walk(p, &change->path, change->path.steps_count, &at);
    if (e != OK)
        return e;
    *out_type = at.type;
    *out_id = at.id;
    if (change->verb == STA_DELETE)
        return at.type == STA_OBSERVATION ? sta_delete_observation(p, at.id)
                                          : sta_delete_entity(p, at.type, at.id);
    p->links_only = true;
    return at.type == STA_OBSERVATION ? sta_change_observation(p, &inner, at.id)
                                      : sta_change_entity(p, &inner, at.type, at.id);
}

uint32_t
sta_planner_observations(const struct sta_planner *p)
{
    return p->observations_count;
}

enum err
sta_planner_finish(struct sta_planner *p, struct sta_plan *out)
{
    struct sta_plan plan = {0};
    enum err e = finish(p, &plan);
    if (e == OK)
        *out = plan;
    return e;
}

enum err
sta_plan_change(struct sta_graph *g, const struct sta_change *change, const struct sta_maker *maker,
                struct arena *arena, struct sta_plan *out, struct sta_error *error)
{
    enum sta_type type = STA_NONE;
    uint64_t id = 0;
    struct sta_planner *p = sta_planner_new(g, maker, arena, error);
    if (!p)
        return ERR_LIMIT;
    enum err e = sta_planner_add(p, change, &type, &id);
    if (e == OK)
        e = sta_planner_finish(p, out);
    if (e == OK) {
        out->type = type;
        out->id = id;
    }
    return e;
}

enum err
sta_plan_create(struct sta_graph *g, const struct sta_path *path, struct bytes body,
                const struct sta_maker *maker, struct arena *arena, struct sta_plan *out,
                struct sta_error *error)
{
    const struct sta_change change = {STA_CREATE, *path, body};
    return sta_plan_change(g, &change, maker, arena, out, error);
}

enum err
sta_plan_feature(struct sta_graph *g, const struct sta_observation *o,
                 const struct sta_maker *maker, struct arena *arena, uint64_t *out_feature,
                 struct sta_plan *out, struct sta_error *error)
{
    const struct sta_entity *stream = o->stream ? sta_graph_stream(g, o->stream) : NULL;
    if (!stream || !maker->rights->may_see(maker->rights->ctx, stream->type, stream))
        return sta_fail(error, 404, 0, "there is no Datastream with id %u", o->stream);
    const struct sta_entity *thing =
        sta_graph_get(g, STA_THING, stream->links[DATASTREAM_THING].p[0]);
    const struct sta_ids *known = &stream->links[DATASTREAM_FEATURES];
    uint64_t feature = o->value.feature_id;
    if (!o->feature_given)
        feature = thing->links[THING_FEATURE].count ? thing->links[THING_FEATURE].p[0] : 0;
    for (uint32_t i = 0; feature && i < known->count; i++) {
        if (known->p[i] != feature)
            continue;
        *out_feature = feature;
        return OK;
    }
    struct sta_planner *p = sta_planner_new(g, maker, arena, error);
    if (!p)
        return ERR_LIMIT;
    if (feature && !sta_draft_exists(p, STA_FEATURE_OF_INTEREST, feature))
        return sta_fail(error, 400, 0, "there is no FeatureOfInterest with id %llu",
                        (unsigned long long)feature);
    enum err e = feature ? OK : sta_draft_thing_feature(p, thing->id, &feature);
    if (e == OK)
        e = sta_draft_remember(p, stream->id, feature);
    struct sta_plan plan = {.type = STA_FEATURE_OF_INTEREST, .id = feature};
    if (e == OK)
        e = finish(p, &plan);
    if (e != OK)
        return e;
    *out = plan;
    return ERR_AGAIN;
}

void
sta_plan_apply(struct sta_graph *g, const struct sta_plan *plan)
{
    ASSERT(plan->generation == g->generation); /* else made on a graph that is no more */
    for (uint32_t i = 0; i < plan->items_count; i++)
        if (!plan->items[i].gone)
            (void)sta_entity_put(g, plan->items[i].type, plan->items[i].id, plan->items[i].record);
    for (uint32_t i = 0; i < plan->items_count; i++)
        if (plan->items[i].gone)
            sta_entity_drop(g, plan->items[i].type, plan->items[i].id);
    for (uint32_t i = 0; i < plan->items_count; i++) {
        if (plan->items[i].gone)
            continue;
        enum err e = sta_entity_link(g, sta_graph_get(g, plan->items[i].type, plan->items[i].id));
        ASSERT(e == OK); /* the plan linked to what exists */
    }
    g->generation++;
}
