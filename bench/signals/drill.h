/*
 * drill.h -- what may stand between the street and the planner in a measurement.
 *
 * A drill changes what is heard, said or alive, second by second, and sees what it needs for that.
 * Every function may be NULL. drills.c holds the table; `direct --drill NAME` runs one.
 */
#ifndef BENCH_SIGNALS_DRILL_H
#define BENCH_SIGNALS_DRILL_H

#include "services/signals/optimize/control.h"

/* Where and when a drill is asked. */
struct drill_at {
    uint32_t junction, junctions_count;
    const struct signals_model *model;
    uint64_t second; /* since the begin of the measurement */
    uint64_t seed;
};

struct drill {
    const char *name, *summary;
    /* Before the planner is made: announcements off, trust off. */
    void (*options)(struct control_options *options);
    /* A reading on its way to the planner; it may be changed. False: it gets lost. */
    bool (*reading)(const struct drill_at *at, struct signals_reading *reading);
    /* When the reading claims to be from: the planner's clock. Drills of skew and replay. */
    uint64_t (*heard_ms)(const struct drill_at *at, uint64_t now_ms);
    /* A wish on its way to the executor. False: it gets lost. */
    bool (*wish)(const struct drill_at *at, int32_t *phase);
};

/* NULL: no such drill. "none" is one. */
const struct drill *drill_find(const char *name);
const struct drill *drill_list(uint32_t *out_count);

#endif
