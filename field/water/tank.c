#include "field/water/tank.h"

#include <math.h>

static double
unit(const struct random_source *r)
{
    return (double)(random_u64(r) >> 11) / 9007199254740992.0;
}

void
tank_init(struct tank *t, struct random_source random)
{
    *t = (struct tank){.random = random, .brim_m = 6, .start_m = 2, .stop_m = 5};
    t->area_m2 = 60 + 120 * unit(&random);
    t->draw_l_s = 8 + 8 * unit(&random);
    t->pump_l_s = t->draw_l_s * (1.9 + 0.4 * unit(&random)); /* more than the busiest hour takes */
    t->level_m = t->start_m + (t->stop_m - t->start_m) * unit(&random);
}

/* How much of the average a town draws at this hour: little at night, two peaks. */
static double
habit(double hour)
{
    double morning = (hour - 7.5) / 1.8, evening = (hour - 19) / 2.5;
    return 0.45 + 1.1 * exp(-morning * morning) + 0.9 * exp(-evening * evening);
}

void
tank_step(struct tank *t, uint32_t minute_of_day, double minutes)
{
    ASSERT(minutes > 0 && minute_of_day < 1440);
    t->noise = 0.9 * t->noise + 0.1 * (unit(&t->random) - 0.5);
    t->flow_l_s = t->draw_l_s * habit(minute_of_day / 60.0) * (1 + t->noise);
    if (t->level_m <= t->start_m)
        t->pump = true;
    else if (t->level_m >= t->stop_m)
        t->pump = false;
    double in_l = (t->pump ? t->pump_l_s : 0) * minutes * 60;
    double out_l = t->flow_l_s * minutes * 60;
    double level = t->level_m + (in_l - out_l) / 1000 / t->area_m2;
    t->level_m = fmax(0, fmin(t->brim_m, level));
}
