/*
 * thing.h -- what a device says it is: one SensorThings Thing with its Datastreams, as JSON, and
 * the ids that the city gave them.
 */
#ifndef FIELD_THING_H
#define FIELD_THING_H

#include "base/base.h"
#include "base/buf.h"

enum {
    FIELD_STREAMS_MAX = 32,
    FIELD_THING_BYTES_MAX = 64 * 1024,
    FIELD_ANSWER_BYTES_MAX = 1024 * 1024
};

/* OGC 18-088 table 12: what the results are. */
enum field_result { FIELD_MEASUREMENT, FIELD_COUNT, FIELD_TRUTH, FIELD_JSON };

struct field_stream {
    const char *name, *description;
    const char *class_name; /* data class of the charter */
    enum field_result result;
    const char *unit_name, *unit_symbol; /* NULL: no unit */
};

/* 17-079r1: what people may ask the device for; the charter decides. */
struct field_capability {
    const char *name, *description;
    const char *command; /* of the charter */
    const char *fields;  /* of its DataRecord: JSON objects with commas between */
};

struct field_thing {
    const char *device; /* also the Thing's name */
    const char *description;
    const char *properties; /* a JSON object; NULL: none. Borrowed for field_add() and set-up */
    double longitude, latitude;
    const struct field_stream *streams; /* stays the caller's, for the life of the program */
    uint32_t streams_count;
    const struct field_capability *capabilities; /* the same; NULL: none */
    uint32_t capabilities_count;
    bool commands; /* subscribes to leases; needs warden.vkey */
};

/* The body of POST /v1.1/Things. */
void thing_put_json(struct buf *b, const struct field_thing *thing);

/* The id in "https://.../v1.1/Things(17)". ERR_MALFORMED. */
enum err thing_id_of_location(const char *location, uint64_t *out) MUST_USE;

/*
 * The ids in the answer to GET /v1.1/Things(n)/Datastreams, in the order of the thing's streams.
 * ERR_MALFORMED: not such an answer; ERR_NOT_FOUND: a stream is missing.
 */
enum err thing_read_streams(struct bytes json, const struct field_thing *thing,
                            uint64_t out_ids[static FIELD_STREAMS_MAX]) MUST_USE;

#endif
