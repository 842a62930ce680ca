/*
 * path.h -- resource paths (18-088 section 9.2) and the MQTT topics made of them.
 *
 * Pure syntax: a path that parses names things that may not exist. Whether each step really holds
 * is found where rows are read (answer.h).
 *
 *   path     = "/v1.1" [ "/" ] | "/v1.1/" first { "/" step } [ tail ]
 *   first    = Set | Set "(" id ")"
 *   step     = Relation | Relation "(" id ")"
 *   tail     = "/$ref" | "/" Property { "/" member } [ "/$value" ]
 *
 * Ids are decimal, 0 .. 2^63-1; text ids in quotes parse and name nothing (404), so do larger and
 * negative numbers; empty or unclosed ids and names with control bytes are 400.
 */
#ifndef SENSORTHINGS_PATH_H
#define SENSORTHINGS_PATH_H

#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/model.h"

enum {
    STA_STEPS_MAX = 16,
    STA_MEMBERS_MAX = 8,
    STA_PATH_BYTES_MAX = 1024, /* after percent-decoding */
    STA_TOPIC_SELECT_MAX = 16,
};

enum sta_path_kind {
    STA_PATH_ROOT,                /* the service root */
    STA_PATH_SET,                 /* many entities */
    STA_PATH_ENTITY,              /* one entity, by id or by a relation to one */
    STA_PATH_PROPERTY,            /* {"name": value} */
    STA_PATH_VALUE,               /* the bare value */
    STA_PATH_CREATE_OBSERVATIONS, /* POST of a dataArray */
    STA_PATH_API,                 /* the OpenAPI document */
    STA_PATH_ROLLUPS,             /* an extension: numbers by minute, hour or day */
};

struct sta_step {
    enum sta_type type; /* of what the step leads to */
    uint8_t relation;   /* index in the relations of the step before; unused in the first */
    bool many;          /* a set, not narrowed by an id */
    bool has_id;
    uint64_t id;
};

struct sta_path {
    enum sta_path_kind kind;
    bool ref; /* ends in /$ref */
    struct sta_step steps[STA_STEPS_MAX];
    uint32_t steps_count;
    uint8_t property; /* PROPERTY, VALUE: index in the properties of the last step's type */
    bool property_is_id;
    char members[STA_MEMBERS_MAX][STA_NAME_SIZE]; /* into a JSON property */
    uint32_t members_count;
};

/*
 * Parse the path of a request target ("/v1.1/Things(1)/name"), percent-encoded, without '?'.
 * Fails with 400 (syntax), 404 (no such set, relation or property; an id that cannot be).
 */
enum err sta_path_parse(struct bytes target, struct sta_path *out,
                        struct sta_error *error) MUST_USE;

/* The canonical text of a path, as parsed: parse(print(p)) == p. */
void sta_path_print(const struct sta_path *path, struct buf *out);

/* For sentences: "name, description, ..., Datastreams", all that the type has. Returns out. */
enum { STA_NAMES_SIZE = 200 };
const char *sta_names_of(enum sta_type type, char out[static STA_NAMES_SIZE]);

/* The type of the last step. */
static inline enum sta_type
sta_path_type(const struct sta_path *path)
{
    return path->steps_count ? path->steps[path->steps_count - 1].type : STA_NONE;
}

/*
 * A topic: "v1.1/Datastreams(1)/Observations", no slash in front, nothing percent-encoded, with
 * "?$select=a,b" behind a set when somebody subscribes. '+', '#', NUL and control bytes are
 * refused: wildcards have no meaning in 1.1 (14.3). What is canonical is decided here once; use
 * the parsed form for rights and delivery.
 */
struct sta_topic {
    struct sta_path path;
    uint32_t select; /* bit set over the properties of the last type; 0: everything */
};
/* For a subscription. 400 and 404 as above. */
enum err sta_topic_parse(struct bytes topic, struct sta_topic *out,
                         struct sta_error *error) MUST_USE;
/*
 * For a publish: "v1.1/Observations", "v1.1/Datastreams(n)/Observations", the same of a
 * MultiDatastream, or "v1.1/FeaturesOfInterest(n)/Observations"; anything else is 404.
 */
enum err sta_topic_parse_publish(struct bytes topic, struct sta_path *out,
                                 struct sta_error *error) MUST_USE;

/*
 * True if a change of this entity (an Observation as its id and feature) touches what the topic
 * names, with every step holding in the graph. Rights are the caller's to check.
 */
bool sta_topic_touched(const struct sta_graph *g, const struct sta_topic *topic, enum sta_type type,
                       uint64_t id, uint64_t feature_id);

#endif
