/*
 * spread.h -- when somebody comes is a guess, as where he turns is: in half of a problem's guesses
 * he is a little earlier than expected, in the other half a little later.
 *
 * A plan that is right to the second for one list of arrivals loses when they are others; of plans
 * that are measured on several lists the best one is right for all of them (sample average
 * approximation: Kleywegt et al. 2002). Without random numbers: which guesses have him
 * early follows from his time and lane, the same every second as long as that time stands.
 *
 * Pure. A problem with thrift stays as it is: two guesses are too few.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_SPREAD_H
#define SERVICES_SIGNALS_OPTIMIZE_SPREAD_H

#include "services/signals/optimize/search.h"

#define SPREAD_SHARE 0.3 /* of the time he still needs to the line, */
#define SPREAD_MOST_S 1.5
#define SPREAD_LEAST_S 0.2 /* less makes no plan another one */
#define SPREAD_FAR_S 20.0  /* later: no decision of now depends on it */

/* Every lane's list, in order; the number of guesses becomes SEARCH_SCENARIOS_MAX if some drive. */
void spread_times(struct search_problem *p, double now_s);

#endif
