/*
 * storm.h -- one intersection under random, late, doubled, reordered and hostile events, with the
 * monitor and the checker watching each second.
 */
#ifndef TESTS_SIGNALS_ENVELOPE_STORM_H
#define TESTS_SIGNALS_ENVELOPE_STORM_H

#include "field/lights/machine.h"
#include "field/lights/monitor.h"
#include "tests/signals/envelope/checker.h"
#include "tests/signals/envelope/shapes.h"

struct storm_config {
    const struct intersection *x; /* what is true */
    /* Tests of the test: a machine that believes something else, and a hand between it and the
     * lamps. */
    const struct intersection *believed;
    void (*distort)(const struct intersection *x, const char *before, char *shown);
    uint64_t wishes; /* to send, one or more a second */
    uint64_t seed;
};

struct storm_result {
    uint64_t seconds, wishes, refused_wishes, events, refused_events;
    uint64_t seconds_in[MACHINE_STATES_COUNT];
    uint64_t changes, forced, grants, trips;
    struct checker checker;
};

void storm_run(const struct storm_config *config, struct storm_result *out);

#endif
