/* entities.c -- plans of changes: whether they may be, and how they become durable and true. */
#include "programs/core/core.h"

#include "base/text.h"
#include "runtime/log.h"

/* The class of every new stream must be one that the charter gives to this zone. */
static enum err
check_class(const struct core *c, const struct sta_plan_item *item, struct refusal *why)
{
    const struct start *start = c->start;
    if (start_class(start, bytes_text(item->class_name)))
        return OK;
    char known[200] = "";
    size_t at = 0;
    for (size_t i = 0; i < start->classes_count && at < sizeof(known); i++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "",
                               start->classes[i].name);
    if (item->class_name[0])
        refuse(why, 403, REASON_NOT_AUTHORISED,
               "The charter gives zone %s no data class \"%s\"; it has: %s.", start->zone,
               item->class_name, known);
    else
        refuse(why, 400, REASON_PAYLOAD_INVALID,
               "A %s states its data class in properties.class, one of: %s.",
               sta_type_info(item->type)->entity, known);
    refusal_rule(why, start->zone_line, "zone", start->zone);
    return ERR_DENIED;
}

/* What is new and has a class is of one that the maker may write. */
static enum err
check_fresh(const struct core *c, const struct view_rights *v, const struct sta_plan_item *item,
            struct refusal *why)
{
    if (sta_is_stream(item->type)) {
        enum err e = check_class(c, item, why);
        if (e != OK)
            return e;
    }
    if (!v->writes || !item->class_name[0] || item->quiet)
        return OK;
    if (!start_list_has(v->writes, bytes_text(item->class_name)) ||
        !class_allows(start_class(c->start, bytes_text(item->class_name)), v->purpose)) {
        const struct start_caller *row = start_caller(c->start, bytes_text(v->caller));
        refuse(why, 403, REASON_NOT_AUTHORISED,
               "The charter does not let %s write the data class \"%s\" for this purpose.",
               v->caller, item->class_name);
        refusal_rule(why, row ? row->line : c->start->zone_line, "caller", v->caller);
        return ERR_DENIED;
    }
    return OK;
}

enum err
entities_check(const struct core *c, const struct view_rights *v, const struct sta_plan *plan,
               struct refusal *why)
{
    struct sta_rights rights = rights_of(v);
    for (uint32_t i = 0; i < plan->items_count; i++) {
        const struct sta_plan_item *item = &plan->items[i];
        enum err e = OK;
        if (item->fresh) {
            e = check_fresh(c, v, item, why);
        } else if (!item->quiet) {
            const struct sta_entity *old = sta_graph_get(&c->graph, item->type, item->id);
            if (!old || !rights.may_see(rights.ctx, item->type, old))
                return refuse(why, 404, REASON_NOT_AUTHORISED,
                              "The %s that would change is not there, or not yours to change.",
                              sta_type_info(item->type)->entity);
            if (strcmp(item->class_name, old->class_name) != 0)
                e = check_fresh(c, v, item, why);
        }
        if (e != OK)
            return e;
    }
    return OK;
}

/* ---- storing --------------------------------------------------------------------------------- */

/* Streams that the plan makes are known to ingest before they are there, for their Observations. */
static enum err
learn_fresh(struct core *c, const struct sta_plan *plan)
{
    struct sta_graph alone;
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < plan->items_count; i++) {
        const struct sta_plan_item *item = &plan->items[i];
        if (!sta_is_stream(item->type) || !item->fresh)
            continue;
        sta_graph_init(&alone, 1, 2 * STORE_ENTITY_BYTES_MAX);
        e = sta_graph_load(&alone, (uint8_t)item->type, item->id, item->record);
        if (e == OK)
            streams_learn(c, sta_graph_get(&alone, item->type, item->id));
        sta_graph_fini(&alone);
    }
    return e;
}

static void
forget_streams(struct core *c, const struct sta_plan *plan, bool fresh)
{
    for (uint32_t i = 0; i < plan->items_count; i++) {
        const struct sta_plan_item *item = &plan->items[i];
        if (sta_is_stream(item->type) && (fresh ? item->fresh : item->gone))
            c->streams[item->id] = (struct stream){.hears = c->streams[item->id].hears};
    }
}

/* Ids are never given again, nor after a start: the next one is written down when one goes. */
static enum err
put_next_id(struct core *c, enum sta_type type)
{
    char text[24];
    enum sta_type space = type == STA_MULTI_DATASTREAM ? STA_DATASTREAM : type;
    int n = snprintf(text, sizeof(text), "%llu",
                     (unsigned long long)sta_graph_next_id(&c->graph, space));
    return store_put_entity(c->store, ENTITY_NEXT_ID, space, bytes_of(text, (size_t)n));
}

static enum err
put_item(struct core *c, const struct sta_plan_item *item)
{
    enum err e = OK;
    if (item->gone) {
        e = put_next_id(c, item->type);
        if (e == OK && sta_is_stream(item->type)) /* what a start must do, should this one end */
            e = store_put_entity(c->store, ENTITY_TO_ERASE, item->id, bytes_text("{}"));
    } else if (sta_is_stream(item->type) && item->fresh) {
        const struct start_class *row = start_class(c->start, bytes_text(item->class_name));
        ASSERT(row);
        struct store_stream meta = {.keep_s = row->keep_s, .personal = row->personal};
        memcpy(meta.class_name, row->name, sizeof(meta.class_name));
        memcpy(meta.site, c->start->site, sizeof(meta.site));
        e = store_add_stream(c->store, (uint32_t)item->id, &meta);
    }
    return e == OK ? store_put_entity(c->store, (uint8_t)item->type, item->id, item->record) : e;
}

static enum err
put_observations(struct core *c, struct sta_plan *plan, struct refusal *why)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < plan->observations_count; i++) {
        struct sta_plan_observation *o = &plan->observations[i];
        bool kept;
        e = ingest_check(c, o->stream, &o->value, &kept, why);
        if (e != OK)
            return e;
        o->n = STA_NOT_KEPT;
        if (!kept)
            continue;
        if (!round_fits(c, &o->value))
            return ERR_LIMIT;
        e = store_append(c->store, o->stream, &o->value, false, &o->n);
        if (e == OK)
            round_keep(c, o->stream, o->n, &o->value);
    }
    return e;
}

static enum err
put_corrections(struct core *c, const struct sta_plan *plan, struct refusal *why)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < plan->corrections_count; i++) {
        struct sta_plan_correction *one = &plan->corrections[i];
        bool kept = true;
        if (!one->withdrawn)
            e = ingest_check(c, one->stream, &one->value, &kept, why);
        if (e == OK && !kept)
            e = refuse(why, 403, REASON_NOT_AUTHORISED,
                       "this zone's service does not keep an Observation of that kind");
        if (e == OK)
            e = one->withdrawn ? store_withdraw(c->store, one->stream, one->n)
                               : store_correct(c->store, one->stream, one->n, &one->value);
    }
    return e;
}

/* Put everything of the plan into the store's batch. why->status is set when it knows better. */
static enum err
put_plan(struct core *c, struct sta_plan *plan, struct refusal *why)
{
    enum err e = learn_fresh(c, plan);
    for (uint32_t i = 0; e == OK && i < plan->items_count; i++)
        e = put_item(c, &plan->items[i]);
    if (e == OK)
        e = put_observations(c, plan, why);
    if (e == OK)
        e = put_corrections(c, plan, why);
    return e;
}

void
entities_to_erase(struct core *c, uint32_t stream)
{
    ASSERT(stream < STORE_STREAMS_MAX && !c->streams[stream].used);
    c->to_erase_count += !c->streams[stream].to_erase;
    c->streams[stream].to_erase = true;
}

bool
entities_erase(struct core *c)
{
    if (c->to_erase_count == 0 || c->store_failed || store_dirty(c->store))
        return false;
    for (uint32_t i = 0; !c->streams[c->erase_at].to_erase; i++) {
        ASSERT(i < STORE_STREAMS_MAX); /* they are counted */
        c->erase_at = (c->erase_at + 1) % STORE_STREAMS_MAX;
    }
    enum err e = store_erase_stream(c->store, c->erase_at);
    if (e == OK || e == ERR_NOT_FOUND || e == ERR_EXPIRED)
        e = store_put_entity(c->store, ENTITY_TO_ERASE, c->erase_at, (struct bytes){0});
    if (e == ERR_LIMIT || e == ERR_NO_SPACE) /* upkeep says so; it is tried again */
        return false;
    if (e != OK) {
        core_store_failed(c, e);
        return false;
    }
    c->streams[c->erase_at].to_erase = false;
    return --c->to_erase_count > 0;
}

/* Put the plan into memory, and tell who has to know. */
static void
apply(struct core *c, const struct sta_plan *plan)
{
    forget_streams(c, plan, false);
    sta_plan_apply(&c->graph, plan);
    for (uint32_t i = 0; i < plan->items_count; i++)
        if (plan->items[i].gone && sta_is_stream(plan->items[i].type))
            entities_to_erase(c, (uint32_t)plan->items[i].id);
    for (int pass = 0; pass < 3; pass++) {
        static const enum sta_type order[] = {STA_THING, STA_DATASTREAM, STA_MULTI_DATASTREAM};
        enum sta_type type = order[pass];
        for (uint32_t i = 0; i < plan->items_count; i++) {
            const struct sta_plan_item *item = &plan->items[i];
            if (item->type != type || item->gone)
                continue;
            if (sta_is_stream(type))
                streams_learn(c, sta_graph_get(&c->graph, type, item->id));
            if (item->fresh)
                streams_tell(c, type, item->id);
        }
    }
}

/* Observations of streams that were there were told with the commit (round.c). */
static bool
is_fresh(const struct sta_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->items_count; i++)
        if (sta_is_stream(plan->items[i].type) && plan->items[i].id == stream)
            return plan->items[i].fresh;
    return false;
}

static void
tell_changes(struct core *c, const struct sta_plan *plan)
{
    for (uint32_t i = 0; i < plan->items_count && c->hears_any; i++)
        if (!plan->items[i].gone)
            topics_changed(c, plan->items[i].type, plan->items[i].id);
    for (uint32_t i = 0; i < plan->observations_count && c->hears_any; i++)
        if (is_fresh(plan, plan->observations[i].stream))
            topics_changed(
                c, STA_OBSERVATION,
                sta_observation_id(plan->observations[i].stream, plan->observations[i].n));
    for (uint32_t i = 0; i < plan->corrections_count; i++)
        if (!plan->corrections[i].withdrawn)
            topics_changed(c, STA_OBSERVATION,
                           sta_observation_id(plan->corrections[i].stream, plan->corrections[i].n));
}

static enum err
refuse_store(enum err e, struct refusal *why)
{
    if (why->status) /* an Observation of it was refused, with a reason of its own */
        return ERR_DENIED;
    if (e == ERR_LIMIT)
        return refuse(why, 507, REASON_QUOTA,
                      "The store of this zone is full, or the request is more than it takes at "
                      "once.");
    if (e == ERR_NOT_FOUND || e == ERR_EXPIRED)
        return refuse(why, 404, REASON_NOT_AUTHORISED, "An Observation of it is there no more.");
    return refuse(why, 503, REASON_IMPLEMENTATION, "The store failed; nothing was kept.");
}

enum err
entities_change(struct core *c, struct sta_plan *plan, struct bytes leaf, struct refusal *why)
{
    *why = (struct refusal){0};
    round_commit(c); /* so that a failure below takes nothing else with it */
    enum err e = c->store_failed ? ERR_IO : put_plan(c, plan, why);
    if (e == OK && leaf.len)
        e = store_decide(c->store, leaf);
    if (e != OK) {
        store_abandon(c->store);
        round_forget(c);
        forget_streams(c, plan, true);
        return refuse_store(e, why);
    }
    if (!round_commit(c))
        return refuse(why, 503, REASON_IMPLEMENTATION, "The store failed; nothing was kept.");
    apply(c, plan);
    tell_changes(c, plan);
    return OK;
}

enum err
entities_store(struct core *c, const struct sta_plan *plan, struct refusal *why)
{
    struct sta_plan copy = *plan;
    ASSERT(plan->observations_count == 0);
    return entities_change(c, &copy, (struct bytes){0}, why);
}
