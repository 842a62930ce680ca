/*
 * tank.h -- one tank, filled by a pump between two floats, drawn from by a town. Pure.
 */
#ifndef FIELD_TANK_H
#define FIELD_TANK_H

#include "base/base.h"
#include "base/random.h"

struct tank {
    struct random_source random;
    double area_m2, brim_m, start_m, stop_m; /* the pump starts below and stops above */
    double pump_l_s, draw_l_s;               /* of the pump; of the town on average */
    double noise;
    /* now */
    double level_m;
    double flow_l_s; /* into the town */
    bool pump;
};

void tank_init(struct tank *t, struct random_source random);
/* One step of `minutes` that ends at this minute of the day. */
void tank_step(struct tank *t, uint32_t minute_of_day, double minutes);

#endif
