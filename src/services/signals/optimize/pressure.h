/*
 * pressure.h -- max pressure: show the phase that moves most from where many stand to where few do.
 *
 * Varaiya 2013, "Max pressure control of a network of signalized intersections". Needs what stands
 * at the stop lines and nothing else: a yardstick. Ties stay, then go on in cyclic order.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_PRESSURE_H
#define SERVICES_SIGNALS_OPTIMIZE_PRESSURE_H

#include "services/signals/model.h"

/* `standing` by lane, `ahead` by exit: vehicles that stand. The phase to show. */
uint32_t pressure_choose(const struct signals_model *m, const double *standing, const double *ahead,
                         uint32_t current);

#endif
