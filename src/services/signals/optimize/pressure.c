#include "services/signals/optimize/pressure.h"

/* A lane that the phase serves counts once, less the mean of what stands where it goes. */
static double
pressure_of(const struct signals_model *m, const double *standing, const double *ahead,
            uint32_t phase)
{
    double in[SIGNALS_LANES_MAX] = {0};
    uint32_t links[SIGNALS_LANES_MAX] = {0};
    double sum = 0;
    for (uint32_t k = 0; k < m->links_count; k++) {
        if (m->lights[phase][k] == LIGHT_RED)
            continue;
        links[m->link_lane[k]]++;
        in[m->link_lane[k]] += ahead[m->link_exit[k]];
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (links[l] > 0)
            sum += standing[l] - in[l] / (double)links[l];
    }
    return sum;
}

uint32_t
pressure_choose(const struct signals_model *m, const double *standing, const double *ahead,
                uint32_t current)
{
    ASSERT(current < m->phases_count);
    uint32_t best = current;
    double most = pressure_of(m, standing, ahead, current);
    for (uint32_t d = 1; d < m->phases_count; d++) {
        uint32_t p = (current + d) % m->phases_count;
        double pressure = pressure_of(m, standing, ahead, p);
        if (pressure > most) {
            most = pressure;
            best = p;
        }
    }
    return best;
}
