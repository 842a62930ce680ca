/*
 * bundle.h -- the body of POST $batch (18-088 section 11): many requests in one.
 *
 * Two forms: multipart/mixed as in OData 4, where each part is an HTTP request and a nested
 * multipart/mixed is a change set, and JSON ({"requests":[{id, method, url, atomicityGroup, body,
 * headers}]}). Pure: what is read points into the body or the arena. A body that is broken as a
 * whole is 400; a request inside it that cannot be read has a status of its own, and the others go
 * on. Lines end in CRLF. Nothing nests deeper than a change set.
 */
#ifndef SENSORTHINGS_BUNDLE_H
#define SENSORTHINGS_BUNDLE_H

#include "base/arena.h"
#include "base/base.h"
#include "sensorthings/model.h"

enum {
    STA_BUNDLE_PARTS_MAX = 1000,
    STA_BUNDLE_FIELDS_MAX = 32,   /* header lines of one part */
    STA_BUNDLE_BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
    STA_BUNDLE_ID_MAX = 64,       /* bytes of a Content-ID */
    STA_BUNDLE_TARGET_MAX = 2048,
    STA_BUNDLE_ARENA_BYTES = 512 * 1024, /* enough for every bundle */
};

struct sta_bundle_part {
    struct bytes method, target; /* as written: a path, a URL, or "$ID/..." */
    struct bytes content_type;
    struct bytes body;
    struct bytes id;        /* Content-ID, or the id of the JSON form; may be empty */
    uint16_t set;           /* number of its change set, from 1; 0: alone */
    struct sta_error error; /* status 0: it can be run */
};

struct sta_bundle {
    bool json;
    struct sta_bundle_part *parts;
    uint32_t count;
    uint16_t sets;
};

/* 400, 413 (too large for the arena), 415 (neither form). */
enum err sta_bundle_read(struct bytes content_type, struct bytes body, struct arena *arena,
                         struct sta_bundle *out, struct sta_error *error) MUST_USE;

/*
 * References to entities that were made before: a target "$ID/..." begins with `path` instead, and
 * {"@iot.id": "$ID"} in a body gets the number. Those that name another id stay. ERR_LIMIT.
 */
enum err sta_bundle_refer(struct sta_bundle_part *part, struct bytes id, struct bytes path,
                          uint64_t entity, struct arena *arena) MUST_USE;
/* The target as a path of this service ("/v1.1/..."): of a URL what is behind the host, of a
 * relative one below the root. ERR_LIMIT. */
enum err sta_bundle_target(struct sta_bundle_part *part, struct arena *arena) MUST_USE;

#endif
