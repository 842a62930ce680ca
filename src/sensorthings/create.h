/*
 * create.h -- POST, PATCH and DELETE as plans: decided here, made durable by the core, applied
 * here.
 *
 *   1  sta_plan_create() validates everything and says which records must change   (pure)
 *   2  the core authorises: plan.items (type, owner, class), plan.observations
 *   3  the core stores: store_add_stream() for each new Datastream, store_put_entity() for each
 *      item, store_append() for each observation (writing n back), and store_commit()
 *   4  sta_plan_apply() puts the same into the graph; it cannot fail
 *   5  the core answers 201 with Location: sta_answer_entity() of (plan.type, plan.id)
 *
 * All or nothing: a plan that is not applied has changed nothing but the next free ids. Apply or
 * drop one plan before making the next (a plan made before another was applied is stale, and
 * applying it is a programmer's error).
 */
#ifndef SENSORTHINGS_CREATE_H
#define SENSORTHINGS_CREATE_H

#include "base/arena.h"
#include "base/base.h"
#include "sensorthings/model.h"
#include "sensorthings/observation.h"
#include "sensorthings/path.h"

enum {
    STA_PLAN_ITEMS_MAX = 512,
    STA_PLAN_OBSERVATIONS_MAX = 1024,
    STA_PLAN_DEPTH_MAX = 8, /* entities within entities */
    STA_BODY_BYTES_MAX = 256 * 1024,
};

/* As JSON text. */
#define STA_COMPLEX_OBSERVATION                                                                    \
    "\"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation\""

struct sta_plan_item {
    enum sta_type type;
    uint64_t id;
    bool fresh;             /* made by this plan; else the record replaces an older one */
    const char *class_name; /* data class, "" when none */
    struct sta_ids links[STA_RELATIONS_MAX]; /* the stored relations, for the rights of the core */
    struct bytes record;                     /* for store_put_entity(); len 0: delete */
};

struct sta_plan_observation {
    uint32_t stream; /* may be one of the plan's own Datastreams */
    struct observation value;
    uint64_t n; /* the core writes what store_append() said */
};

struct sta_plan {
    enum sta_type type; /* what was asked for, for Location and the answer */
    uint64_t id;        /* for an Observation 0: it is plan.observations[0] */
    struct sta_plan_item *items;
    uint32_t items_count;
    struct sta_plan_observation *observations;
    uint32_t observations_count;
    uint64_t generation;
};

struct sta_maker {
    struct bytes owner; /* device or caller, becomes the owner of what is made */
    int64_t now_us;
    const struct sta_rights
        *rights; /* links to what the maker may not see fail like missing ones */
};

/*
 * POST `body` to `path` (a set, maybe through relations, which link by themselves). Everything
 * lives in the arena. 400 names the property or relation that is missing, unknown or wrong;
 * 404 the parent that is not there; 409 and 413 limits.
 */
enum err sta_plan_create(struct sta_graph *g, const struct sta_path *path, struct bytes body,
                         const struct sta_maker *maker, struct arena *arena, struct sta_plan *out,
                         struct sta_error *error) MUST_USE;

/*
 * For an Observation that came by the fast scanner or a dataArray: its feature.
 * Returns OK with *out_feature set when it is known already (the usual case: nothing to store), or
 * ERR_AGAIN with a plan (items only) to store and apply first, after which asking again says OK.
 * 400: no Location to make a feature of, an unknown feature; 404: no such Datastream.
 */
enum err sta_plan_feature(struct sta_graph *g, const struct sta_observation *o,
                          const struct sta_maker *maker, struct arena *arena, uint64_t *out_feature,
                          struct sta_plan *out, struct sta_error *error) MUST_USE;

/* The result of a MultiDatastream's Observation is a list of so many items; else 400. */
enum err sta_multi_result(uint32_t wanted, const struct observation *o,
                          struct sta_error *error) MUST_USE;

/* Put the plan into the graph. */
void sta_plan_apply(struct sta_graph *g, const struct sta_plan *plan);

#endif
