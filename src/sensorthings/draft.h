/*
 * draft.h -- inside this folder: entities while they are planned (create.h).
 *
 * A plan works on drafts: new entities, and copies of those that change. Nothing of the graph is
 * touched; memory is the arena's; whoever gets NULL or ERR_LIMIT has an error set.
 */
#ifndef SENSORTHINGS_DRAFT_H
#define SENSORTHINGS_DRAFT_H

#include "sensorthings/create.h"

/* An entity while it is planned: new, or a copy of one that changes. */
struct sta_draft {
    enum sta_type type;
    uint64_t id;
    bool fresh;
    bool moved;  /* a Thing whose Locations this plan sets */
    bool gone;   /* deleted by this plan */
    bool quiet;  /* changed only by what the service keeps by itself: features of Observations */
    bool manual; /* a HistoricalLocation that the maker wrote */
    struct bytes owner, class_name;
    struct bytes property[STA_PROPERTIES_MAX];
    struct sta_ids links[STA_RELATIONS_MAX]; /* the stored ones; memory of the arena */
};

/* The entity that stands around the one being read, when there is one. */
struct sta_parent {
    enum sta_type type;
    uint64_t id;
    int relation; /* from the parent to the child */
};

struct sta_planner {
    struct sta_graph *g;
    const struct sta_maker *maker;
    struct arena *arena;
    struct sta_error *error;
    struct sta_draft *drafts[STA_PLAN_ITEMS_MAX];
    uint32_t drafts_count;
    struct sta_plan_observation *observations;
    uint32_t observations_count;
    struct sta_plan_correction *corrections;
    uint32_t corrections_count;
    uint64_t observations_gone;
    bool links_only; /* a change: what stands in it links to what exists */
    uint64_t next_id[STA_TYPE_COUNT];
};

/* 413: more than fits into one request. */
enum err sta_draft_full(struct sta_planner *p) MUST_USE;
/* NULL when this plan has none. */
struct sta_draft *sta_draft_find(struct sta_planner *p, enum sta_type type, uint64_t id);
struct sta_draft *sta_draft_new(struct sta_planner *p, enum sta_type type, uint64_t id, bool fresh);
/* The draft of an entity that exists, made from the graph's when there is none yet. */
struct sta_draft *sta_draft_of(struct sta_planner *p, enum sta_type type, uint64_t id);
/* Add to a stored list of links, once. */
enum err sta_draft_link(struct sta_planner *p, struct sta_draft *d, int relation,
                        uint64_t id) MUST_USE;
/* Link two entities on whichever side keeps it, with what follows from a Thing's new place. */
enum err sta_draft_link_both(struct sta_planner *p, enum sta_type type, uint64_t id, int relation,
                             uint64_t to_id) MUST_USE;
/* True if it is there for the maker: in this plan, or in the graph and visible. */
bool sta_draft_exists(struct sta_planner *p, enum sta_type type, uint64_t id);
/* Datastream or MultiDatastream, in this plan or the graph; STA_NONE: there is no such stream. */
enum sta_type sta_draft_stream_type(struct sta_planner *p, uint64_t id);
/* The id for a new entity; both kinds of stream share theirs. */
uint64_t sta_draft_next_id(struct sta_planner *p, enum sta_type type);
/* The feature of a Thing's observations: made once from its Location and reused. */
enum err sta_draft_thing_feature(struct sta_planner *p, uint64_t thing_id, uint64_t *out) MUST_USE;
/* The Datastream remembers which features its observations are of. */
enum err sta_draft_remember(struct sta_planner *p, uint64_t stream, uint64_t feature) MUST_USE;
/* The Thing of a Datastream; 0: none (a plan that is not whole). */
uint64_t sta_draft_thing(struct sta_planner *p, uint64_t stream);

/* The multiObservationDataTypes of this MultiDatastream. */
struct bytes sta_draft_types(struct sta_planner *p, uint64_t stream);
/* The stream forgets a feature that none of its Observations is of any more. */
enum err sta_draft_forget(struct sta_planner *p, uint64_t stream, uint64_t feature) MUST_USE;

/* ---- build.c: JSON that was checked becomes drafts ---------------------------------------- */

/* A new entity with what stands inside it; an Observation gets the id 0. */
enum err sta_build(struct sta_planner *p, enum sta_type type, struct bytes json,
                   const struct sta_parent *parent, uint32_t depth, uint64_t *out_id) MUST_USE;
enum err sta_read_members(struct sta_planner *p, struct sta_draft *d, struct bytes json,
                          uint32_t depth) MUST_USE;
enum err sta_check_mandatory(struct sta_planner *p, const struct sta_draft *d) MUST_USE;

/* ---- change.c: what exists is changed or deleted ------------------------------------------ */

enum err sta_change_entity(struct sta_planner *p, const struct sta_change *change,
                           enum sta_type type, uint64_t id) MUST_USE;
enum err sta_change_observation(struct sta_planner *p, const struct sta_change *change,
                                uint64_t id) MUST_USE;
enum err sta_delete_entity(struct sta_planner *p, enum sta_type type, uint64_t id) MUST_USE;
enum err sta_delete_observation(struct sta_planner *p, uint64_t id) MUST_USE;

#endif
