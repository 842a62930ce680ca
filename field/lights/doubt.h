/*
 * doubt.h -- of machine.c: what wishes cost the street, and when none is followed for a while
 * (machine.h M11).
 *
 * The account, in tenths of a second: while a wish is followed and somebody waits, a second of
 * green for which nobody comes costs one (to a lane all of which goes, where a phase lets all of it
 * go: before an arrow for some of a lane the others stand), or half of one if a lane of it has been
 * quiet for so long that its loops may be dead (plan.h); a second of yellow or all-red half of one,
 * and a request that had to be forced DOUBT_FORCED_DS. A fifth of each second is paid back. The
 * minimum of a green that somebody used, what a walk needs to be cleared, a full junction and
 * silent sensors cost nothing.
 *
 * Honest planners stay below 60 s where the street is not full (nine cities, with short and long
 * changes). One that plans with lanes that died unsaid comes near: with 30 % of all it exceeds 100
 * s nine times in an hour on sixteen junctions, which costs the street 2 %, and 200 s twice. Wishes
 * for phases that nobody uses reach that in five minutes.
 */
#ifndef FIELD_LIGHTS_DOUBT_H
#define FIELD_LIGHTS_DOUBT_H

#include "field/lights/machine.h"

enum {
    DOUBT_IDLE_DS = 10,
    DOUBT_DEAD_DS = 5,
    DOUBT_CHANGE_DS = 5,
    DOUBT_FORCED_DS = 100,
    DOUBT_PAID_DS = 2,
    DOUBT_BOUND_DS = 2000,
    DOUBT_S = 900, /* no wish is followed, the first time */
    DOUBT_MOST_S = 4 * 3600,
    DOUBT_CALM_S = 3600,
};

void doubt_second(struct machine *m);
/* Somebody is served against what was wished. */
void doubt_forced(struct machine *m);

#endif
