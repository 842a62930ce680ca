/*
 * places.h -- plans in the order of their ranks, the best (lowest) first.
 *
 * Equal ranks are ordered by where a plan lies, so that the order does not depend on how the plans
 * came. Shell's sort with gaps of 5/11 (Gonnet & Baeza-Yates 1991): a few hundred at most, nearly
 * in order, and nothing is allocated.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_PLACES_H
#define SERVICES_SIGNALS_OPTIMIZE_PLACES_H

#include "base/base.h"

struct place {
    double rank;
    uint16_t at;
};

void places_sort(struct place *places, uint32_t count);

#endif
