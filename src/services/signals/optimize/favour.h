/*
 * favour.h -- vehicles that called and are served before others: buses that are late, mostly.
 *
 * A call makes the vehicle of its lane that is expected at about the same time weigh more; where
 * none is expected, one more is. It changes what a plan costs and nothing else: no light, no
 * minimum. Weights: specs/signals.md 3.10. A call of a lane replaces the one before it. Pure.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_FAVOUR_H
#define SERVICES_SIGNALS_OPTIMIZE_FAVOUR_H

#include "services/signals/optimize/search.h"

enum { FAVOUR_CALLS_MAX = 8, FAVOUR_WEIGHT_MAX = 50 };
#define FAVOUR_MATCH_S 6.0

struct favour_call {
    uint8_t lane;
    double weight, eta_s, until_s; /* of the clock that the calls share */
};

struct favour {
    uint32_t count;
    struct favour_call calls[FAVOUR_CALLS_MAX];
};

/* ERR_LIMIT: too many stand. */
enum err favour_hear(struct favour *f, const struct favour_call *call, double now_s) MUST_USE;

/* Add what stands at `now_s` to the lanes of the problem. */
void favour_fill(const struct favour *f, struct search_problem *p, double now_s);

#endif
