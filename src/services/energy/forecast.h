/*
 * forecast.h -- one meter's usual day (specs/energy.md 4), O(1) for each reading.
 *
 * The mean of each hour of the day, weighted towards the recent; the last error fades over the
 * hours ahead. Readings in W, of load minus sun.
 */
#ifndef SERVICES_ENERGY_FORECAST_H
#define SERVICES_ENERGY_FORECAST_H

#include "base/base.h"

enum { FORECAST_HOURS = 24 };

struct forecast {
    double mean_w[FORECAST_HOURS];
    uint32_t days[FORECAST_HOURS]; /* hours that the mean was made of */
    double sum_w;                  /* of the hour that runs */
    uint32_t readings, hour;
    double last_error_w;
};

/* One reading in hour 0..23. A new hour closes the one that ran. */
void forecast_add(struct forecast *f, uint32_t hour, double watt);
/* Expected W in k hours from the hour that runs (k 0..23), 0 for an hour never seen. */
double forecast_ahead(const struct forecast *f, uint32_t k);

#endif
