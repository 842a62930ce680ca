/*
 * observation.h -- one Observation as JSON: the hot path, both ways.
 *
 * The scanner is schema-directed and strict (RFC 8259, valid UTF-8, bounded depth, no key twice),
 * and allocates nothing: the arena is touched only for text with escapes and for the rarely used
 * members that become `extra`. The writer is its inverse.
 */
#ifndef SENSORTHINGS_OBSERVATION_H
#define SENSORTHINGS_OBSERVATION_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/json.h"
#include "sensorthings/model.h"

enum {
    STA_ROWS_MAX = 100000, /* of one dataArray request */
    STA_COMPONENTS_MAX = 8,
    STA_OBSERVATION_MEMBERS = 9,           /* that a client may give */
    STA_OBSERVATION_BYTES_MAX = 32 * 1024, /* of one Observation as JSON */
};

/* Bits of what a JSON Observation may hold, in the order of the type's properties; and the id. */
enum {
    STA_OBS_PHENOMENON_TIME = 1 << 0,
    STA_OBS_RESULT = 1 << 1,
    STA_OBS_RESULT_TIME = 1 << 2,
    STA_OBS_RESULT_QUALITY = 1 << 3,
    STA_OBS_VALID_TIME = 1 << 4,
    STA_OBS_PARAMETERS = 1 << 5,
    STA_OBS_ID = 1 << 6,
    STA_OBS_LINKS = 1 << 7, /* selfLink and navigation links */
    STA_OBS_ALL = 0xff,
    STA_OBS_OF_MULTI = 1 << 8, /* its stream is a MultiDatastream */
};

/* What to add to the bits for an Observation of this stream. */
static inline uint32_t
sta_of_multi(const struct sta_entity *stream)
{
    return stream->type == STA_MULTI_DATASTREAM ? STA_OBS_OF_MULTI : 0;
}

struct sta_observation {
    uint32_t stream;    /* from the link to its stream; 0: none was given */
    bool multi;         /* that link names a MultiDatastream */
    bool feature_given; /* value.feature_id is from a link */
    bool deep; /* its stream or its FeatureOfInterest stands inline: use sta_plan_create() */
    struct observation value; /* pointers into the JSON or the arena */
};

/*
 * Read one. A missing phenomenonTime becomes now_us; a missing or null resultTime is kept as the
 * end of phenomenonTime, which costs the store nothing; one that is given and is the same stands in
 * `extra` as well (sta_has_result_time()).
 * Links may name any id: check the stream and the feature against the graph.
 */
enum err sta_observation_scan(struct bytes json, int64_t now_us, struct arena *scratch,
                              struct sta_observation *out, struct sta_error *error) MUST_USE;

/* Whether resultTime was given; else it is null. */
bool sta_has_result_time(const struct observation *o);

/* Write one. `what` is a bit set of STA_OBS_*; base_url as in answer.h. */
void sta_observation_render(struct buf *out, struct bytes base_url, uint32_t stream, uint64_t n,
                            const struct observation *o, uint32_t what);

/* The same without braces, and the result alone. */
void sta_observation_members(struct buf *out, struct bytes base_url, uint32_t stream, uint64_t n,
                             const struct observation *o, uint32_t what);
void sta_result_put(struct buf *out, const struct observation *o);
/* The value of one property, a single bit of STA_OBS_*; false when it has none. */
bool sta_observation_value(struct buf *out, const struct observation *o, uint32_t which);

/* {"@iot.id": N} in checked JSON. ERR_NOT_FOUND: an object without it; ERR_MALFORMED: not so. */
enum err sta_link_read(struct bytes value, uint64_t *out_id) MUST_USE;

/* ---- POST CreateObservations: many rows, each failing alone -------------------------------- */

struct sta_rows {
    uint64_t count; /* rows, and groups: so many answers at most */
    struct sta_json_walk groups;
    struct sta_json_walk array; /* the dataArray at hand */
    bool in_group;
    enum err group_error; /* the group is unusable: all its rows fail, for this reason */
    struct sta_error group_why;
    uint32_t stream;
    bool multi; /* the stream is a MultiDatastream */
    uint8_t components[STA_COMPONENTS_MAX];
    uint32_t components_count;
};

/* The whole body is checked as JSON here, so that a later row cannot be half a request. 400, 413.
 */
enum err sta_rows_begin(struct bytes body, struct sta_rows *out, struct sta_error *error) MUST_USE;
/*
 * The next row. False at the end. *out_row is OK with *out filled, or an error (then *error says
 * why, and the row is answered as "error"). In a broken group (its Datastream or components) every
 * row fails; a group without a dataArray counts as one failing row.
 */
bool sta_rows_next(struct sta_rows *rows, int64_t now_us, struct arena *scratch,
                   struct sta_observation *out, enum err *out_row, struct sta_error *error);
/* The 201 answer: one entry per row in order, an Observation id, or 0 for "error". */
void sta_rows_answer(struct buf *out, struct bytes base_url, const uint64_t *ids, size_t count);

#endif
