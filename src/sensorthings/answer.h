/*
 * answer.h -- GET: a request run against the graph and the store's observations, as JSON.
 *
 * Rights are asked for every row, whatever leads to it: path step, expand, filter, order, count,
 * next link. A row without right does not exist here. Budgets bound rows examined, bytes written
 * and nesting; what is exceeded is 413 with a sentence.
 */
#ifndef SENSORTHINGS_ANSWER_H
#define SENSORTHINGS_ANSWER_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/model.h"
#include "sensorthings/path.h"
#include "sensorthings/query.h"
#include "sensorthings/rollups.h"

enum {
    STA_CLASSES_MAX = 16,
    STA_EXAMINED_DEFAULT = 200000,     /* rows; about 0.1 s */
    STA_ARENA_BYTES = 8 * 1024 * 1024, /* enough for every query within the limits */
    STA_ARENA_LEAST = 1280 * 1024,     /* for one entity or Observation, without expansion */
};

struct sta_view {
    const struct sta_graph *graph;
    const struct sta_source *source;
    const struct sta_rights *rights;
    struct bytes base_url; /* "https://city.example:8444/v1.1": configured, never from a request */
    struct bytes mqtt_url; /* for the service root; empty: MQTT is not offered */
    int64_t now_us;
    uint64_t examined_max;
    struct arena *arena; /* of the call; the request lives here too */
};

struct sta_request {
    struct sta_path path;
    struct sta_query query;
    struct sta_rollups rollups; /* of STA_PATH_ROLLUPS */
};

/* What was read, for the ledger and the answer's head. */
struct sta_report {
    int status;               /* 200, or 204 for a $value that is not there */
    const char *content_type; /* "application/json" or "text/plain;charset=utf-8" */
    uint64_t rows;            /* in the answer, expanded ones too */
    uint64_t examined;
    const char *classes[STA_CLASSES_MAX]; /* data classes of the rows; borrowed from the graph */
    uint32_t classes_count;
    bool classes_cut; /* there were more: treat as "any class of the zone" */
};

/* Parse a whole request target: "/v1.1/Things?$top=1". */
enum err sta_request_parse(struct bytes target, struct arena *arena, struct sta_request *out,
                           struct sta_error *error) MUST_USE;

/*
 * Run it. On success the body is in *out and *report is filled. On failure *error says what to
 * answer (400, 404, 413, 501; 503 when the store fails) and *out is as before.
 */
enum err sta_answer(const struct sta_view *view, const struct sta_request *request, struct buf *out,
                    struct sta_report *report, struct sta_error *error) MUST_USE;

/* What stands at "/": what this is, where to go, how to get a token. HTML for a browser. */
void sta_welcome(const struct sta_view *view, bool html, struct buf *out);

/* One entity in full, as GET Set(id) answers: the body of a 201. ERR_NOT_FOUND without right. */
enum err sta_answer_entity(const struct sta_view *view, enum sta_type type, uint64_t id,
                           struct buf *out) MUST_USE;

/* "BASE/Things(1)": the Location header of a 201. */
void sta_self_link(struct bytes base_url, enum sta_type type, uint64_t id, struct buf *out);

/* {"code":404,"type":"error","message":"..."} for any refusal; `line` is the charter's line that
 * refused, 0 for none. */
void sta_error_render(const struct sta_error *error, uint32_t charter_line, struct buf *out);

/* What a subscriber receives when the entity (or Observation) changed: as GET would answer it,
 * with the topic's $select; the bare property for a property topic. ERR_NOT_FOUND without right to
 * it or to what the topic leads through. */
enum err sta_answer_change(const struct sta_view *view, const struct sta_topic *topic,
                           enum sta_type type, uint64_t id, struct buf *out) MUST_USE;

#endif
