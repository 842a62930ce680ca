/*
 * coming.h -- for which lanes somebody comes, by what the loops of one intersection counted. Pure.
 *
 * It is what field/lights ends a green by when nobody guides it (machine.h M10), so it must not
 * need more than a cabinet has. Somebody comes while the stop loop counts or is covered, and for as
 * long as the way from the lane's nearest loop up the street takes him who drives at the speed that
 * is allowed, and COMING_SLACK_S more. Nearer than COMING_NEAR_M a loop says little more than the
 * one at the line: a lane that has no other, because it is short, is told of by all loops that lead
 * to it. A queue that stands behind it would else be cut off at each gap in it, at ingolstadt1 for
 * good: 145 s where 34 s are the plan's.
 */
#ifndef FIELD_SUMO_COMING_H
#define FIELD_SUMO_COMING_H

#include "field/sumo/loops.h"

enum { COMING_SLACK_S = 1, COMING_NEAR_M = 20 };

struct coming {
    uint64_t lanes[SITE_LOOPS_MAX];   /* of the site, that a loop speaks for */
    uint16_t way_s[SITE_LOOPS_MAX];   /* from there to the line */
    uint16_t since_s[SITE_LOOPS_MAX]; /* somebody was there */
};

void coming_init(struct coming *c, const struct site *s);

/* A second's counts: the site's lanes for which somebody comes. */
uint64_t coming_second(struct coming *c, const struct site *s, const struct loops_counts *counts);

#endif
