/*
 * create.h -- POST, PATCH, PUT and DELETE as plans: decided here, made durable by the core, applied
 * here.
 *
 *   1  sta_plan_change() validates everything and says which records must change   (pure)
 *   2  the core authorises: plan.items (type, owner, class), plan.observations, plan.corrections
 *   3  the core stores: store_add_stream() for each new stream, store_put_entity() for each item
 *      (without a record: deleted), store_append() for each observation (writing n back),
 *      store_correct() or store_withdraw() for each correction, store_commit(), and
 *      store_erase_stream() for each stream that was deleted
 *   4  sta_plan_apply() puts the same into the graph; it cannot fail
 *   5  the core answers; 201 with Location: sta_answer_entity() of (plan.type, plan.id)
 *
 * All or nothing: a plan that is not applied has changed nothing but the next free ids. Apply or
 * drop one plan before making the next (a plan made before another was applied is stale, and
 * applying it is a programmer's error). Several changes that belong together are one plan:
 * sta_planner_new(), sta_planner_add() for each, sta_planner_finish().
 */
#ifndef SENSORTHINGS_CREATE_H
#define SENSORTHINGS_CREATE_H

#include "base/arena.h"
#include "base/base.h"
#include "sensorthings/model.h"
#include "sensorthings/observation.h"
#include "sensorthings/path.h"

enum {
    STA_PLAN_ITEMS_MAX = 2048,
    STA_PLAN_CORRECTIONS_MAX = 4096, /* Observations changed or taken back by one request */
    STA_PLAN_EXAMINED_MAX = 200000,  /* Observations looked at to find them */
    STA_PLAN_SEARCH_MAX = 10000,     /* of them, for another one of the same feature */
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
    bool gone;              /* deleted; no record */
    bool quiet;             /* only what the service keeps by itself changed: no right is needed */
    const char *class_name; /* data class, "" when none */
    struct sta_ids links[STA_RELATIONS_MAX]; /* the stored relations, for the rights of the core */
    struct bytes record;                     /* for store_put_entity(); len 0: delete */
};

struct sta_plan_observation {
    uint32_t stream; /* may be one of the plan's own Datastreams */
    struct observation value;
    uint64_t n; /* the core writes what store_append() said */
};
#define STA_NOT_KEPT UINT64_MAX

/* An Observation that says something else from now on, or is taken back. */
struct sta_plan_correction {
    uint32_t stream;
    uint64_t n;
    bool withdrawn;
    struct observation value;
};

struct sta_plan {
    enum sta_type type; /* what was asked for, for Location and the answer */
    uint64_t id;        /* for an Observation 0: it is plan.observations[0] */
    struct sta_plan_item *items;
    uint32_t items_count;
    struct sta_plan_observation *observations;
    uint32_t observations_count;
    struct sta_plan_correction *corrections;
    uint32_t corrections_count;
    uint32_t entities_gone;     /* deleted, with what belonged to them */
    uint64_t observations_gone; /* withdrawn, or in streams that were deleted */
    uint64_t generation;
};

struct sta_maker {
    struct bytes owner; /* device or caller, becomes the owner of what is made */
    int64_t now_us;
    const struct sta_rights
        *rights; /* links to what the maker may not see fail like missing ones */
    const struct sta_source *source; /* for changes of Observations and what depends on them */
    bool names_owner; /* properties.device names the device that owns what is written */
};

enum sta_verb {
    STA_CREATE,     /* POST to a set */
    STA_MERGE,      /* PATCH: members of the top level */
    STA_REPLACE,    /* PUT */
    STA_JSON_PATCH, /* PATCH with application/json-patch+json (RFC 6902) */
    STA_DELETE,
};

struct sta_change {
    enum sta_verb verb;
    struct sta_path path;
    struct bytes body;
};

struct sta_planner;
/* Memory of the arena; NULL with *error set when it is full. */
struct sta_planner *sta_planner_new(struct sta_graph *g, const struct sta_maker *maker,
                                    struct arena *arena, struct sta_error *error) MUST_USE;
/*
 * One more change, on top of those before. *out_id is 0 for an Observation that is made. 400 names
 * the property or relation that is missing, unknown or wrong; 404 what is not there; 403 what a
 * deletion would carry and the maker may not; 409 a JSON Patch that does not fit; 413 limits.
 * After an error the planner is of no use any more.
 */
enum err sta_planner_add(struct sta_planner *p, const struct sta_change *change,
                         enum sta_type *out_type, uint64_t *out_id) MUST_USE;
/* How many Observations it makes so far; the last of them is what was asked for last. */
uint32_t sta_planner_observations(const struct sta_planner *p);
enum err sta_planner_finish(struct sta_planner *p, struct sta_plan *out) MUST_USE;

/* One change as a plan. */
enum err sta_plan_change(struct sta_graph *g, const struct sta_change *change,
                         const struct sta_maker *maker, struct arena *arena, struct sta_plan *out,
                         struct sta_error *error) MUST_USE;

/* The same: POST `body` to `path` (a set, maybe through relations, which link by themselves). */
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

/* The result of a MultiDatastream's Observation is a list, item by item of these
 * multiObservationDataTypes (null fits each); else 400. */
enum err sta_multi_result(struct bytes types, const struct observation *o,
                          struct sta_error *error) MUST_USE;

/* Put the plan into the graph. */
void sta_plan_apply(struct sta_graph *g, const struct sta_plan *plan);

#endif
