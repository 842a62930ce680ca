/*
 * intents.h -- what an intersection is about to send to its neighbours, second by second.
 *
 * A plan says when each phase begins, and so when those who stand or come will cross the line, and
 * through which exit. Neighbours plan with that in place of the rate at which vehicles used to
 * come, and decide in turn: each answers the others' last intentions, once in two seconds (Xie et
 * al. 2012, schedule-driven coordination). Guesses of who turns where count by their share. An
 * intention that is older than INTENTS_STALE_S says nothing any more. Pure.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_INTENTS_H
#define SERVICES_SIGNALS_OPTIMIZE_INTENTS_H

#include "services/signals/optimize/search.h"

/* A change and the minimum green after it: nothing is decided for so long. */
#define INTENTS_STALE_S 14.0

struct intents {
    bool made;
    double made_s;
    /* Vehicles that will cross the line on their way to that exit, in each second from then on. */
    float count[SIGNALS_EXITS_MAX][SEARCH_HORIZON_S];
};

/* The intentions that a feeder hears; `of` is NULL: none. */
struct intents_source {
    const struct intents *of;
    uint8_t exit;
};

/* What the best plan of this problem will send, known at `now_s`. */
void intents_make(struct intents *t, const struct search_problem *p, const struct search_result *r,
                  double now_s);

#endif
