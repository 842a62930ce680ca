/*
 * model.h -- the entities of OGC SensorThings 1.1 (18-088 section 8) in memory.
 *
 * Everything but Observations lives in a struct sta_graph: entities with their properties as JSON
 * text and their links as lists of ids, both directions. Observations stay in the store and come
 * in through struct sta_source. A Datastream is a store stream: its id is the stream's number, and
 * Observation ids are stream * 2^32 + n + 1, so every id is below 2^53 and exact in JSON.
 *
 * A MultiDatastream is a store stream too: both kinds take their ids from one space, and have their
 * relations at the same indexes (the 2.0 draft knows one kind, with many ObservedProperties). Which
 * of the two an Observation belongs to is what its stream is: sta_graph_stream().
 *
 * Links are lists everywhere, and a stream keeps the features that its observations are of.
 *
 * M1  A link in one direction is there in the other.
 * M2  What sta_entity_load() reads is what the record says; a record is JSON that we wrote.
 * M3  Counts and bytes stay within the limits given to sta_graph_init().
 */
#ifndef SENSORTHINGS_MODEL_H
#define SENSORTHINGS_MODEL_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "store/store.h"

/* The numbers are the types of store_put_entity(); they are on disk and never change. */
enum sta_type {
    STA_NONE = 0,
    STA_THING = 1,
    STA_LOCATION = 2,
    STA_HISTORICAL_LOCATION = 3,
    STA_DATASTREAM = 4,
    STA_SENSOR = 5,
    STA_OBSERVED_PROPERTY = 6,
    STA_OBSERVATION = 7,
    STA_FEATURE_OF_INTEREST = 8,
    STA_MULTI_DATASTREAM = 9,
    STA_ACTUATOR = 10, /* Tasking Core 1.0, 17-079r1 */
    STA_TASKING_CAPABILITY = 11,
    STA_TASK = 12,
    STA_TYPE_COUNT = 13
};

enum {
    STA_NAME_SIZE = STORE_NAME_SIZE,
    STA_OWNER_SIZE = STA_NAME_SIZE + 1, /* a device's name, or '@' and a caller's */
    STA_PROPERTIES_MAX = 9,             /* of one type */
    STA_RELATIONS_MAX = 6,              /* of one type */
    STA_COMPONENTS_OF_RESULT_MAX = 64,  /* ObservedProperties of one MultiDatastream */
    STA_STREAM_MAX = STORE_STREAMS_MAX - 1,
    STA_FEATURES_MAX = 1000, /* different features that one Datastream's observations are of */
    STA_ID_MAX_BITS = 53,
};

/* An answer other than success: an HTTP status and a sentence for a person. position is the
 * offset in the text that was parsed (URL option or JSON body), when that helps. */
struct sta_error {
    int status;
    uint32_t position;
    char text[300];
};

/* Fill *error and return the enum err that goes with the status (400, 413, 501 ...). */
enum err sta_fail(struct sta_error *error, int status, size_t position, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* What a property may hold when it is written. */
enum sta_shape {
    STA_SHAPE_TEXT,   /* a JSON string */
    STA_SHAPE_OBJECT, /* a JSON object */
    STA_SHAPE_LIST,   /* a JSON array */
    STA_SHAPE_ANY,    /* any JSON value but null */
    STA_SHAPE_TIME,   /* a JSON string with an instant or an interval */
};

struct sta_property {
    const char *name;
    enum sta_shape shape;
    bool mandatory;
    bool server; /* maintained here; a client may not write it */
};

struct sta_relation {
    const char *name; /* "Datastreams", "Thing" */
    enum sta_type to;
    bool many;
    bool stored;     /* kept in this side's record; else derived from the other side */
    bool mandatory;  /* a new entity must have it */
    bool shown;      /* part of the 1.1 interface */
    uint8_t inverse; /* index in the relations of `to` */
};

struct sta_type_info {
    const char *set;    /* "Things" */
    const char *entity; /* "Thing" */
    uint32_t properties_count;
    struct sta_property properties[STA_PROPERTIES_MAX];
    uint32_t relations_count;
    struct sta_relation relations[STA_RELATIONS_MAX];
};

/* The description of a type; type in 1 .. STA_TYPE_COUNT-1. */
const struct sta_type_info *sta_type_info(enum sta_type type);
/* A set of Tasking Core: not there in a zone without commands. */
static inline bool
sta_is_tasking(enum sta_type type)
{
    return type >= STA_ACTUATOR && type <= STA_TASK;
}
/* STA_NONE when the name is no entity set. */
enum sta_type sta_type_of_set(struct bytes name);
/* Index of a property or relation of the type, -1 when it has none of that name. */
int sta_property_index(enum sta_type type, struct bytes name);
int sta_relation_index(enum sta_type type, struct bytes name);

/* Relations by number, for code; a test holds the table in model.c against them. */
enum {
    THING_LOCATIONS,
    THING_HISTORICAL_LOCATIONS,
    THING_DATASTREAMS,
    THING_FEATURE,
    THING_MULTI_DATASTREAMS,
    THING_TASKING_CAPABILITIES
};
enum { LOCATION_THINGS, LOCATION_HISTORICAL_LOCATIONS };
enum { HISTORICAL_LOCATION_THING, HISTORICAL_LOCATION_LOCATIONS };
/* The same of a MultiDatastream. */
enum {
    DATASTREAM_THING,
    DATASTREAM_SENSOR,
    DATASTREAM_PROPERTIES,
    DATASTREAM_OBSERVATIONS,
    DATASTREAM_FEATURES
};
enum { SENSOR_DATASTREAMS, SENSOR_MULTI_DATASTREAMS };
enum { PROPERTY_DATASTREAMS, PROPERTY_MULTI_DATASTREAMS };
enum { OBSERVATION_DATASTREAM, OBSERVATION_FEATURE, OBSERVATION_MULTI_DATASTREAM };
enum { FEATURE_OBSERVATIONS, FEATURE_DATASTREAMS, FEATURE_THINGS, FEATURE_MULTI_DATASTREAMS };
enum { ACTUATOR_CAPABILITIES };
enum { CAPABILITY_THING, CAPABILITY_ACTUATOR, CAPABILITY_TASKS };
enum { TASK_CAPABILITY };

/* Properties by number, likewise. */
enum {
    DATASTREAM_OBSERVATION_TYPE = 2,
    DATASTREAM_OBSERVED_AREA = 4,
    DATASTREAM_OWN_PROPERTIES = 7,
    MULTI_TYPES = 3,
    MULTI_UNITS = 4,
    CAPABILITY_PARAMETERS = 2,
    CAPABILITY_PROPERTIES = 3,
    TASK_PARAMETERS = 0,
    TASK_CREATION_TIME = 1,
    TASK_PROPERTIES = 2
};

/* Ids in ascending order (but for stored lists, which keep the order they were given). */
struct sta_ids {
    uint64_t *p;
    uint32_t count;
    uint32_t capacity;
};

struct sta_entity {
    enum sta_type type;
    uint64_t id;
    char owner[STA_OWNER_SIZE];                /* the device, or @caller, whose it is */
    char class_name[STA_NAME_SIZE];            /* data class, from properties."class"; or "" */
    struct bytes record;                       /* owned; the properties point into it */
    struct bytes property[STA_PROPERTIES_MAX]; /* JSON text; len 0: absent */
    struct sta_ids links[STA_RELATIONS_MAX];
};

/* index.h */
struct sta_index {
    struct sta_index_node *nodes; /* [0] is nobody */
    uint32_t *buckets;            /* a power of two */
    uint32_t nodes_count, nodes_capacity, buckets_count, used, free;
    struct arena space;
};

struct sta_graph {
    struct sta_index index;
    struct {
        struct sta_entity **p; /* ascending id */
        uint32_t count;
        uint32_t capacity;
        uint64_t next_id;
    } set[STA_TYPE_COUNT];
    uint32_t entities; /* of all types */
    uint32_t entities_max;
    uint64_t bytes; /* of all records and links */
    uint64_t bytes_max;
    uint64_t generation; /* grows with every applied plan (create.h) */
    bool tasking;        /* the zone has commands: the sets of Tasking Core are shown */
};

void sta_graph_init(struct sta_graph *g, uint32_t entities_max, uint64_t bytes_max);
void sta_graph_fini(struct sta_graph *g);

/*
 * At start: give every record of store_each_entity() to sta_graph_load(), in any order of types,
 * then call sta_graph_link() once. ERR_MALFORMED: not a record of ours; ERR_NOT_FOUND: a link to
 * an entity that is not there; ERR_LIMIT. A store that does not load must not be served.
 */
enum err sta_graph_load(struct sta_graph *g, uint8_t type, uint64_t id,
                        struct bytes record) MUST_USE;
enum err sta_graph_link(struct sta_graph *g) MUST_USE;

/* Both kinds of stream. */
static inline bool
sta_is_stream(enum sta_type type)
{
    return type == STA_DATASTREAM || type == STA_MULTI_DATASTREAM;
}

/* NULL when there is none. Never for Observations. Valid until the next change of the graph. */
struct sta_entity *sta_graph_get(const struct sta_graph *g, enum sta_type type, uint64_t id);

/* The Datastream or MultiDatastream of that id; NULL when there is none. */
struct sta_entity *sta_graph_stream(const struct sta_graph *g, uint64_t id);
/* The id that the next entity of the type gets. */
uint64_t sta_graph_next_id(const struct sta_graph *g, enum sta_type type);

/* Ids below `next` are not given to new entities of the type. */
void sta_graph_skip_ids(struct sta_graph *g, enum sta_type type, uint64_t next);

static inline uint64_t
sta_observation_id(uint32_t stream, uint64_t n)
{
    ASSERT(stream >= 1 && stream <= STA_STREAM_MAX && n < UINT32_MAX);
    return ((uint64_t)stream << 32) + n + 1;
}
/* False when the id cannot be an Observation's. */
bool sta_observation_of_id(uint64_t id, uint32_t *out_stream, uint64_t *out_n);

/* ---- Observations come from the store through these; they mean what store.h says ---------- */

struct sta_source {
    enum err (*get)(void *ctx, uint32_t stream, uint64_t n, struct observation *out);
    enum err (*range)(void *ctx, uint32_t stream, const struct store_range *range,
                      store_observation_fn *each, void *each_ctx);
    enum err (*span)(void *ctx, uint32_t stream, struct store_span *out);
    enum err (*rollups)(void *ctx, uint32_t stream, enum store_step step, int64_t from_us,
                        int64_t to_us, store_rollup_fn *each, void *each_ctx);
    void *ctx;
};

/*
 * Who may see what. Asked for every row, whatever path leads to it. For an Observation `e` is its
 * Datastream and type is STA_OBSERVATION, so that a policy may show a Datastream's description and
 * not its values. A row that may not be seen looks as if it did not exist.
 */
struct sta_rights {
    bool (*may_see)(void *ctx, enum sta_type type, const struct sta_entity *e);
    void *ctx;
};

#endif
