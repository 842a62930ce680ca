/*
 * priority.h -- the phase that serves the most vehicles per second, anticipated arrivals included.
 *
 * Laemmer & Helbing 2008, "Self-control of traffic lights and vehicle flows in urban road
 * networks", as specs/signals.md 3.11 has it. Needs no search; the yardstick of the planner.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_PRIORITY_H
#define SERVICES_SIGNALS_OPTIMIZE_PRIORITY_H

#include "services/signals/optimize/search.h"

/* The first scenario of the problem. `unserved_s` by lane; the phase to show. */
uint32_t priority_choose(const struct search_problem *p, const double *unserved_s);

#endif
