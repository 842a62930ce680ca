/*
 * plan.h -- one battery's next set-point by rules (specs/energy.md 7, step b).
 *
 *   sun to spare            charge with it
 *   an expensive or normal hour   cover the home's own load
 *   a cheap hour            fill slowly to what the expensive hours ahead are expected to need,
 *                           and keep what is there
 *
 * Pure. The guard of specs/energy.md 6 (1, 2) is applied last, whatever the rules said.
 */
#ifndef SERVICES_ENERGY_PLAN_H
#define SERVICES_ENERGY_PLAN_H

#include "base/base.h"
#include "services/energy/forecast.h"

enum tariff_band { BAND_UNKNOWN, BAND_CHEAP, BAND_NORMAL, BAND_EXPENSIVE };
enum { PLAN_ROUND_W = 10 };

struct plan_limits {
    int64_t charge_max_w, discharge_max_w; /* of one battery, both >= 0 */
    int64_t reserve_centi_percent;
};

struct plan_home {
    double house_w; /* load minus sun, without the battery; positive: buys */
    double soc;     /* 0..1 */
    double capacity_wh;
    enum tariff_band band;
    enum tariff_band bands[FORECAST_HOURS]; /* by hour of the day, as far as seen */
    const struct forecast *forecast;
};

/* W, a multiple of PLAN_ROUND_W inside the limits; positive: charge. */
int64_t plan_setpoint_w(const struct plan_home *home, const struct plan_limits *limits);

/* Wh at the meter that the hours after the cheap ones are expected to take from the battery. */
double plan_need_wh(const struct plan_home *home, uint32_t *out_cheap_hours);

#endif
