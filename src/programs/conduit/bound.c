#include "programs/conduit/bound.h"

#include "programs/conduit/valve.h"

#include <math.h>

enum { HOUR_MS = 3600000, COUNT_MAX = 1000000, BISECTIONS = 100, GRID = 65536 };

double
bound_bits_a_tick(double values, uint32_t ticks)
{
    ASSERT(values >= 1 && ticks >= 1);
    double low = 0, high = log2(values + 1); /* one letter a tick, or none */
    for (int i = 0; i < BISECTIONS; i++) {
        double bits = (low + high) / 2;
        double x = exp2(-bits);
        if (values * pow(x, ticks) > 1 - x)
            low = bits;
        else
            high = bits;
    }
    return high;
}

/* How many steps there are from the least group up. */
static uint32_t
count_steps(uint32_t group_min)
{
    uint32_t steps = 0, last = UINT32_MAX;
    for (uint32_t count = group_min; count <= COUNT_MAX; count++) {
        uint32_t step = valve_step(count, group_min);
        steps += step != last;
        last = step;
    }
    return steps;
}

void
bound_of(const struct start_conduit *rules, struct bound *out)
{
    uint32_t rate = rules->rate_per_hour ? rules->rate_per_hour : 1;
    double box = (2 * VALVE_REACH + 1) * (2 * VALVE_REACH + 1);
    struct bound b = {.areas = VALVE_AREAS_MAX,
                      .counts = count_steps(rules->group_min),
                      .tick_ms = valve_tick_ms(rate)};
    double slot_ms = (double)HOUR_MS / rate;
    b.ticks = (uint32_t)(slot_ms / b.tick_ms); /* down: the bound must not be too small */
    if (b.ticks == 0)
        b.ticks = 1;
    double bits = bound_bits_a_tick((double)b.areas * b.counts, b.ticks);
    b.bits_a_second = bits * 1000 / b.tick_ms;
    b.bits_a_message = b.bits_a_second * slot_ms / 1000;
    b.bits_once = 2 * log2(GRID) + (VALVE_AREAS_MAX - 1) * log2(box);
    *out = b;
}
