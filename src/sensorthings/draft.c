#include "sensorthings/draft.h"

enum err
sta_draft_full(struct sta_planner *p)
{
    return sta_fail(p->error, 413, 0, "this request would make more than fits into one");
}

struct sta_draft *
sta_draft_find(struct sta_planner *p, enum sta_type type, uint64_t id)
{
    for (uint32_t i = 0; i < p->drafts_count; i++)
        if (p->drafts[i]->type == type && p->drafts[i]->id == id)
            return p->drafts[i];
    return NULL;
}

struct sta_draft *
sta_draft_new(struct sta_planner *p, enum sta_type type, uint64_t id, bool fresh)
{
    struct sta_draft *d =
        p->drafts_count < STA_PLAN_ITEMS_MAX ? arena_take(p->arena, sizeof(*d)) : NULL;
    if (!d)
        return NULL;
    *d = (struct sta_draft){.type = type, .id = id, .fresh = fresh, .owner = p->maker->owner};
    p->drafts[p->drafts_count++] = d;
    return d;
}

/* The draft of an entity, made from the graph's when this plan has none yet. NULL: does not fit. */
struct sta_draft *
sta_draft_of(struct sta_planner *p, enum sta_type type, uint64_t id)
{
    struct sta_draft *d = sta_draft_find(p, type, id);
    if (d) {
        d->quiet = false;
        return d;
    }
    const struct sta_entity *e = sta_graph_get(p->g, type, id);
    ASSERT(e);
    d = sta_draft_new(p, type, id, false);
    if (!d)
        return NULL;
    d->owner = bytes_text(e->owner);
    d->class_name = bytes_text(e->class_name);
    memcpy(d->property, e->property, sizeof(d->property));
    for (uint32_t r = 0; r < sta_type_info(type)->relations_count; r++) {
        if (!sta_type_info(type)->relations[r].stored || e->links[r].count == 0)
            continue;
        struct bytes copy =
            arena_dup(p->arena, bytes_of(e->links[r].p, e->links[r].count * sizeof(uint64_t)));
        if (!copy.p)
            return NULL;
        d->links[r] =
            (struct sta_ids){(uint64_t *)(uintptr_t)copy.p, e->links[r].count, e->links[r].count};
    }
    return d;
}

enum err
sta_draft_link(struct sta_planner *p, struct sta_draft *d, int relation, uint64_t id)
{
    struct sta_ids *ids = &d->links[relation];
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] == id)
            return OK;
    if (ids->count == ids->capacity) {
        uint32_t capacity = ids->capacity ? ids->capacity * 2 : 4;
        uint64_t *grown = arena_take(p->arena, capacity * sizeof(*grown));
        if (!grown)
            return sta_draft_full(p);
        if (ids->count)
            memcpy(grown, ids->p, ids->count * sizeof(*grown));
        ids->p = grown;
        ids->capacity = capacity;
    }
    ids->p[ids->count++] = id;
    return OK;
}

/* True if the id is there for the maker: in this plan, or in the graph and visible. */
bool
sta_draft_exists(struct sta_planner *p, enum sta_type type, uint64_t id)
{
    const struct sta_draft *d = sta_draft_find(p, type, id);
    const struct sta_entity *e = d && d->fresh ? NULL : sta_graph_get(p->g, type, id);
    if (d && (d->fresh || d->gone))
        return !d->gone;
    return e && p->maker->rights->may_see(p->maker->rights->ctx, type, e);
}

enum sta_type
sta_draft_stream_type(struct sta_planner *p, uint64_t id)
{
    for (int kind = 0; kind < 2; kind++) {
        enum sta_type type = kind == 0 ? STA_DATASTREAM : STA_MULTI_DATASTREAM;
        if (sta_draft_find(p, type, id) || sta_graph_get(p->g, type, id))
            return type;
    }
    return STA_NONE;
}

uint64_t
sta_draft_next_id(struct sta_planner *p, enum sta_type type)
{
    return p->next_id[type == STA_MULTI_DATASTREAM ? STA_DATASTREAM : type]++;
}

/* Link from -> to on whichever side keeps it. */
enum err
sta_draft_link_both(struct sta_planner *p, enum sta_type type, uint64_t id, int relation,
                    uint64_t to_id)
{
    const struct sta_relation *r = &sta_type_info(type)->relations[relation];
    int side = r->stored ? relation : r->inverse;
    struct sta_draft *d = r->stored ? sta_draft_of(p, type, id) : sta_draft_of(p, r->to, to_id);
    uint64_t target = r->stored ? to_id : id;
    if (!d)
        return sta_draft_full(p);
    const struct sta_relation *kept = &sta_type_info(d->type)->relations[side];
    ASSERT(kept->stored);
    if (d->type == STA_THING && side == THING_LOCATIONS && !d->moved) {
        /* The Thing is somewhere else now: the new Locations replace the old, and a feature made
         * of the old ones serves no longer (18-088 8.2.3). */
        d->moved = true;
        d->links[THING_LOCATIONS].count = 0;
        d->links[THING_FEATURE].count = 0;
    }
    if (!kept->many && d->links[side].count && d->links[side].p[0] != target) {
        if (d->fresh)
            return sta_fail(p->error, 400, 0, "%s has one %s, and two are given",
                            sta_type_info(d->type)->entity, kept->name);
        d->links[side].count = 0;
    }
    return sta_draft_link(p, d, side, target);
}

/* The same, for what the service keeps by itself. */
static struct sta_draft *
quiet_draft_of(struct sta_planner *p, enum sta_type type, uint64_t id)
{
    struct sta_draft *d = sta_draft_find(p, type, id);
    if (d)
        return d;
    d = sta_draft_of(p, type, id);
    if (d)
        d->quiet = true;
    return d;
}

/* ---- features ------------------------------------------------------------------------------ */

static const struct sta_draft *
location_for_feature(struct sta_planner *p, const struct sta_draft *thing)
{
    const struct sta_ids *ids = &thing->links[THING_LOCATIONS];
    for (uint32_t i = 0; i < ids->count; i++) {
        const struct sta_draft *l = sta_draft_find(p, STA_LOCATION, ids->p[i]);
        if (l)
            return l;
    }
    return NULL;
}

/* The feature of a Thing's observations: made once from its Location and reused. */
enum err
sta_draft_thing_feature(struct sta_planner *p, uint64_t thing_id, uint64_t *out)
{
    const struct sta_entity *e = sta_graph_get(p->g, STA_THING, thing_id);
    struct sta_draft *thing = sta_draft_find(p, STA_THING, thing_id);
    if (!e && !thing)
        return sta_fail(p->error, 400, 0, "a Datastream needs a link 'Thing'");
    const struct sta_ids *kept = thing ? thing->links : e->links;
    if (kept[THING_FEATURE].count) {
        *out = kept[THING_FEATURE].p[0];
        return OK;
    }
    if (kept[THING_LOCATIONS].count == 0)
        return sta_fail(p->error, 400, 0,
                        "the Observation names no FeatureOfInterest, and its Thing has no "
                        "Location to make one of");
    if (!thing && !(thing = quiet_draft_of(p, STA_THING, thing_id)))
        return sta_draft_full(p);
    const struct sta_draft *draft = location_for_feature(p, thing);
    const struct sta_entity *location =
        draft ? NULL : sta_graph_get(p->g, STA_LOCATION, thing->links[THING_LOCATIONS].p[0]);
    const struct bytes *from = draft ? draft->property : location->property;
    struct sta_draft *feature = sta_draft_new(p, STA_FEATURE_OF_INTEREST,
                                              sta_draft_next_id(p, STA_FEATURE_OF_INTEREST), true);
    if (!feature)
        return sta_draft_full(p);
    for (uint32_t i = 0; i < 4; i++) /* name, description, encodingType, location as feature */
        feature->property[i] = from[i];
    feature->class_name = draft ? draft->class_name : bytes_text(location->class_name);
    feature->owner = thing->owner;
    feature->quiet = true;
    *out = feature->id;
    return sta_draft_link(p, thing, THING_FEATURE, feature->id);
}

/* The stored links of a stream, as this plan has them. */
static const struct sta_ids *
stream_links(struct sta_planner *p, uint64_t stream, int relation)
{
    enum sta_type type = sta_draft_stream_type(p, stream);
    ASSERT(type != STA_NONE);
    const struct sta_draft *d = sta_draft_find(p, type, stream);
    return d ? &d->links[relation] : &sta_graph_get(p->g, type, stream)->links[relation];
}

enum err
sta_draft_remember(struct sta_planner *p, uint64_t stream, uint64_t feature)
{
    const struct sta_ids *ids = stream_links(p, stream, DATASTREAM_FEATURES);
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] == feature)
            return OK;
    if (ids->count >= STA_FEATURES_MAX)
        return sta_fail(p->error, 400, 0, "a Datastream has at most %d FeaturesOfInterest",
                        STA_FEATURES_MAX);
    struct sta_draft *d = quiet_draft_of(p, sta_draft_stream_type(p, stream), stream);
    return d ? sta_draft_link(p, d, DATASTREAM_FEATURES, feature) : sta_draft_full(p);
}

uint64_t
sta_draft_thing(struct sta_planner *p, uint64_t stream)
{
    const struct sta_ids *ids = stream_links(p, stream, DATASTREAM_THING);
    return ids->count ? ids->p[0] : 0;
}

struct bytes
sta_draft_types(struct sta_planner *p, uint64_t stream)
{
    const struct sta_draft *d = sta_draft_find(p, STA_MULTI_DATASTREAM, stream);
    const struct sta_entity *e = sta_graph_get(p->g, STA_MULTI_DATASTREAM, stream);
    ASSERT(d || e);
    return d ? d->property[MULTI_TYPES] : e->property[MULTI_TYPES];
}

enum err
sta_draft_forget(struct sta_planner *p, uint64_t stream, uint64_t feature)
{
    struct sta_draft *d = quiet_draft_of(p, sta_draft_stream_type(p, stream), stream);
    if (!d)
        return sta_draft_full(p);
    struct sta_ids *ids = &d->links[DATASTREAM_FEATURES];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] != feature)
            ids->p[kept++] = ids->p[i];
    ids->count = kept;
    return OK;
}
