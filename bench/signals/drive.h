/*
 * drive.h -- street, executors and planner in one process, through the same texts as in a city.
 */
#ifndef BENCH_SIGNALS_DRIVE_H
#define BENCH_SIGNALS_DRIVE_H

#include "bench/signals/drill.h"
#include "bench/signals/said.h"
#include "field/sumo/executor.h"
#include "field/sumo/world.h"

enum { DRIVE_LEASE_S = 10, DRIVE_DECISION_MAX_US = 50000 };

struct drive_config {
    struct world_config world;
    struct executor_times times;
    enum control_method method;
    bool loops_only, forecast;
    const struct drill *drill;
    double end_s;
    uint64_t seed;
    FILE *counts; /* where to write what each loop counted in all; or NULL */
};

struct drive_result {
    uint64_t steps, stuck, changes, forced, doubts, monitor_trips;
    uint32_t junctions;
    struct site_left left;
    double wall_s;
    uint32_t decision_95_us; /* of one control_wish() */
    struct said_table said;  /* with config.forecast */
};

/* A whole measurement. False: `why` (WORLD_WHY_SIZE) says why. */
bool drive(const struct drive_config *config, struct drive_result *out, char *why);

#endif
