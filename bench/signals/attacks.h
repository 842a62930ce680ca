/*
 * attacks.h -- lies, silence and failures between the street and the planner, as drills.
 *
 * Each attack changes what the planner hears (or what the executor is told) and nothing else, and
 * is the same each time for the same seed. What they cost is measured against the same street
 * without them: drills/signals/run.
 */
#ifndef BENCH_SIGNALS_ATTACKS_H
#define BENCH_SIGNALS_ATTACKS_H

#include "bench/signals/drill.h"

enum {
    ATTACK_FROM_S = 300,      /* of those that begin later */
    ATTACK_PHANTOMS = 10,     /* vehicles that stand where nobody does */
    ATTACK_DEAD_PERCENT = 30, /* of the lanes, by seed */
    ATTACK_KILLED_S = 1800,
};

const struct drill *attacks_list(uint32_t *out_count);

#endif
