/* entities.c -- what a device may make: Things with their Datastreams, under its own name. */
#include "programs/core/core.h"

#include "runtime/log.h"

#include <cjson/cJSON.h>

/* The class of every new Datastream must be one that the charter gives to this zone. */
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
               "A Datastream states its data class in properties.class, one of: %s.", known);
    refusal_rule(why, start->zone_line, "zone", start->zone);
    return ERR_DENIED;
}

static enum err
check_plan(const struct core *c, const struct peer *peer, const struct sta_plan *plan,
           struct refusal *why)
{
    for (uint32_t i = 0; i < plan->items_count; i++) {
        const struct sta_plan_item *item = &plan->items[i];
        if (sta_is_stream(item->type) && item->fresh) {
            enum err e = check_class(c, item, why);
            if (e != OK)
                return e;
        }
        if (item->fresh)
            continue;
        const struct sta_entity *old = sta_graph_get(&c->graph, item->type, item->id);
        if (!old || strcmp(old->owner, peer->name) != 0)
            return refuse(why, 404, REASON_NOT_AUTHORISED, "The %s to link to is not there.",
                          sta_type_info(item->type)->entity);
    }
    for (uint32_t i = 0; i < plan->observations_count; i++)
        if (plan->observations[i].stream)
            return refuse(why, 400, REASON_PAYLOAD_INVALID,
                          "Observations come by themselves, not inside a new Datastream.");
    return OK;
}

/* Put everything of the plan into the store's batch. */
static enum err
put_plan(struct core *c, const struct sta_plan *plan)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < plan->items_count; i++) {
        const struct sta_plan_item *item = &plan->items[i];
        if (sta_is_stream(item->type) && item->fresh) {
            const struct start_class *row = start_class(c->start, bytes_text(item->class_name));
            ASSERT(row);
            struct store_stream meta = {.keep_s = row->keep_s, .personal = row->personal};
            memcpy(meta.class_name, row->name, sizeof(meta.class_name));
            memcpy(meta.site, c->start->site, sizeof(meta.site));
            e = store_add_stream(c->store, (uint32_t)item->id, &meta);
        }
        if (e == OK)
            e = store_put_entity(c->store, (uint8_t)item->type, item->id, item->record);
    }
    return e;
}

enum err
entities_store(struct core *c, const struct sta_plan *plan, struct refusal *why)
{
    round_commit(c); /* so that a failure below takes nothing else with it */
    enum err e = c->store_failed ? ERR_IO : put_plan(c, plan);
    if (e != OK) {
        store_abandon(c->store);
        return e == ERR_LIMIT ? refuse(why, 507, REASON_QUOTA, "The store of this zone is full.")
                              : refuse(why, 503, REASON_IMPLEMENTATION, "The store failed.");
    }
    if (!round_commit(c))
        return refuse(why, 503, REASON_IMPLEMENTATION, "The store failed; nothing was kept.");
    sta_plan_apply(&c->graph, plan);
    for (int pass = 0; pass < 3; pass++) {
        static const enum sta_type order[] = {STA_THING, STA_DATASTREAM, STA_MULTI_DATASTREAM};
        enum sta_type type = order[pass];
        for (uint32_t i = 0; i < plan->items_count; i++) {
            const struct sta_plan_item *item = &plan->items[i];
            if (item->type != type || item->record.len == 0)
                continue;
            if (sta_is_stream(type))
                streams_learn(c, sta_graph_get(&c->graph, type, item->id));
            if (item->fresh)
                streams_tell(c, type, item->id);
        }
    }
    return OK;
}

/* The device's own entity of this type and name (below this Thing, for Datastreams). */
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
        if (type == STA_DATASTREAM &&
            (e->links[DATASTREAM_THING].count == 0 || e->links[DATASTREAM_THING].p[0] != thing))
            continue;
        char plain[STA_VALUE_TEXT_MAX / 64];
        if (json_plain(e->property[property], plain, sizeof(plain)) == OK &&
            strcmp(plain, name) == 0)
            return e;
    }
    return NULL;
}

/* Only "Things" and "Things(n)/Datastreams" of one's own. */
static enum err
check_place(const struct core *c, const struct peer *peer, const struct sta_path *path,
            uint64_t *out_thing, struct refusal *why)
{
    const struct sta_step *steps = path->steps;
    *out_thing = 0;
    if (path->kind == STA_PATH_SET && !path->ref && path->steps_count == 1 &&
        steps[0].type == STA_THING)
        return OK;
    if (path->kind == STA_PATH_SET && !path->ref && path->steps_count == 2 &&
        steps[0].type == STA_THING && steps[0].has_id && steps[1].type == STA_DATASTREAM) {
        const struct sta_entity *thing = sta_graph_get(&c->graph, STA_THING, steps[0].id);
        if (!thing || strcmp(thing->owner, peer->name) != 0)
            return refuse(why, 404, REASON_NOT_AUTHORISED, "There is no such Thing.");
        *out_thing = steps[0].id;
        return OK;
    }
    return refuse(why, 403, REASON_NOT_AUTHORISED,
                  "A device may post Things, Datastreams of its own Things, and Observations.");
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

/* The name in the body; the plan checks everything else. */
static enum err
name_of_body(struct bytes body, char *to, size_t size, struct refusal *why)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)body.p, body.len);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(tree, "name");
    if (!cJSON_IsString(name) || !name->valuestring[0])
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "The body is a JSON object with a name.");
    if (bytes_copy_text(bytes_text(name->valuestring), to, size) != OK)
        return refuse(why, 400, REASON_PAYLOAD_INVALID, "A name has at most %zu bytes.", size - 1);
    return OK;
}

static void
create(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path,
       struct refusal *why)
{
    struct view_rights view = {.core = c, .device = peer, .own_observations = true};
    struct sta_rights rights = rights_of(&view);
    struct sta_maker maker = {
        .owner = bytes_text(peer->name), .now_us = clock_wall_us(&c->clock), .rights = &rights};
    struct sta_plan plan;
    struct sta_error error = {0};
    arena_reset(&c->call);
    enum err e =
        sta_plan_create(&c->graph, path, buf_bytes(&ask->body), &maker, &c->call, &plan, &error);
    if (e != OK)
        e = refuse(why, error.status, REASON_PAYLOAD_INVALID, "%s", error.text);
    if (e == OK)
        e = check_plan(c, peer, &plan, why);
    if (e == OK)
        e = entities_store(c, &plan, why);
    if (e != OK) {
        ask_refuse_now(c, ask, why);
        return;
    }
    struct sta_source source = source_of(c);
    struct sta_view answer_view;
    view_of(c, &rights, &source, &answer_view);
    ask->status = 201;
    ask->content_type = "application/json";
    buf_init(&ask->out, STA_BODY_BYTES_MAX * 2);
    e = sta_answer_entity(&answer_view, plan.type, plan.id, &ask->out);
    if (e != OK || buf_error(&ask->out) != OK) {
        buf_fini(&ask->out);
        buf_init(&ask->out, 16);
        ask->content_type = "";
    }
    sta_self_link(bytes_text(c->base_url), plan.type, plan.id, &ask->location);
    log_event("created", "device=%s type=%s id=%llu", peer->name, sta_type_info(plan.type)->entity,
              (unsigned long long)plan.id);
    ask_send(c, ask);
}

void
entities_post(struct core *c, struct peer *peer, struct request *ask, const struct sta_path *path)
{
    struct refusal why = {0};
    uint64_t thing = 0;
    char name[STA_VALUE_TEXT_MAX / 64];
    arena_reset(&c->call);
    enum err e = check_place(c, peer, path, &thing, &why);
    if (e == OK && ask->body.len > STA_BODY_BYTES_MAX)
        e = refuse(&why, 413, REASON_QUOTA, "A body has at most %d bytes.", STA_BODY_BYTES_MAX);
    if (e == OK)
        e = name_of_body(buf_bytes(&ask->body), name, sizeof(name), &why);
    if (e != OK) {
        c->count.refused++;
        ask_refuse_now(c, ask, &why);
        return;
    }
    uint32_t own;
    const struct sta_entity *same = find_named(c, peer, sta_path_type(path), thing, name, &own);
    if (same) {
        answer_existing(c, ask, same);
        return;
    }
    if (own >= THINGS_PER_DEVICE_MAX) {
        refuse(&why, 413, REASON_QUOTA, "A device has at most %d of them.", THINGS_PER_DEVICE_MAX);
        ask_refuse_now(c, ask, &why);
        return;
    }
    create(c, peer, ask, path, &why);
}
