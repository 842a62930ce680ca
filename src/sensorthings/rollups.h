/*
 * rollups.h -- GET /v1.1/Rollups?datastream=ID&step=minute|hour|day&from=TIME&to=TIME: the numbers
 * of one Datastream by minute, hour or day. An extension beside the standard's sets.
 *
 * The answer holds columns of equal length, one entry for each step in which there is a number:
 * start, count, min, max, sum, first, last. It may be read by who may read the Datastream's
 * Observations; `from` and `to` may be left out.
 */
#ifndef SENSORTHINGS_ROLLUPS_H
#define SENSORTHINGS_ROLLUPS_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "sensorthings/model.h"

enum { STA_ROLLUPS_MAX = 20000 }; /* steps in one answer: 13 days of minutes, 2 years of hours */

struct sta_rollups {
    uint64_t datastream;
    enum store_step step;
    int64_t from_us, to_us;
};

/* What stands behind '?'. 400 with what was expected. */
enum err sta_rollups_parse(struct bytes options, struct arena *arena, struct sta_rollups *out,
                           struct sta_error *error) MUST_USE;

/* Inside this folder. */
struct sta_run;
enum err sta_rollups_put(struct sta_run *run, const struct sta_rollups *q,
                         struct buf *out) MUST_USE;

#endif
