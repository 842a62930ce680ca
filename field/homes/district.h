/*
 * district.h -- homes in CityLearn's format (Building_N.csv, pricing.csv, schema.json), run for
 * all their hours with idle batteries and with greedy self-consumption.
 */
#ifndef FIELD_DISTRICT_H
#define FIELD_DISTRICT_H

#include "base/base.h"

enum { DISTRICT_HOMES_MAX = 64, DISTRICT_HOURS_MAX = 8784 * 4 };

struct district_result {
    uint32_t homes, hours;
    double cost, cost_idle; /* specs/energy.md 2.2: the price clips the district's sum */
    uint32_t skipped_rows;  /* lines that are no hour; the run stops at the shortest file */
};

/* ERR_NOT_FOUND, ERR_MALFORMED, ERR_LIMIT with a sentence on standard error. */
enum err district_run(const char *directory, struct district_result *out) MUST_USE;

/* The action a (share of the capacity) for what was read in the hour before; for tests. */
double district_greedy(double load_kwh, double sun_kwh, double capacity_kwh);

#endif
