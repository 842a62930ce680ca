/*
 * spill.h -- whose queue reaches back over the start of its own lane, and so stands in the way of
 * others.
 *
 * A loop that stays covered lies under a standing queue, until it is free for so long that the
 * queue's end has passed it. If it lies before the lane's start, in a street that leads there, the
 * queue stands in a junction upstream, and holds up vehicles that do not even want to come here: a
 * second of its delay costs more than that of those who are seen. A long entry that is full costs
 * its own delay only. So short inner links go first where streets are saturated (Gregoire et al.
 * 2014, "Capacity-aware back-pressure": what counts is how full a link is, not how many stand
 * there; Daganzo 2007 on why a network must not fill).
 *
 * Pure; no random numbers.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_SPILL_H
#define SERVICES_SIGNALS_OPTIMIZE_SPILL_H

#include "services/signals/reading.h"

enum {
    SPILL_STANDS_S = 2,    /* who drives on covers a loop for less, unless another one follows */
    SPILL_COVERED_S = 6,   /* nobody who drives covers a loop for so long */
    SPILL_FREE_S = 4,      /* two headways: nobody follows any more */
    SPILL_CYCLE_S = 60,    /* a queue that did not end in a usual cycle will not by itself */
    SPILL_BEHIND = 8,      /* on each such lane: what stands on 60 m */
    SPILL_RATE_S = 300,    /* time constant of how many come, while that can be counted */
    SPILL_HIDDEN_MAX = 40, /* behind a loop: 300 m; more take too much from others (measured) */
};

#define SPILL_WEIGHT 2.0 /* of a vehicle in a queue that spills over: another one waits for it */
#define SPILL_NEAR 0.5   /* of a lane: its queue will soon be over its start */

struct spill {
    uint8_t covered_s[SIGNALS_LOOPS_MAX], free_s[SIGNALS_LOOPS_MAX];
    bool stands[SIGNALS_LOOPS_MAX];       /* a queue over it, */
    uint16_t stands_s[SIGNALS_LOOPS_MAX]; /* for so long; */
    /* Vehicles that come in a second, learned for so long, as far as no queue hides them; and those
     * who came since it does, less those who passed. < 0: none hides anybody. */
    double rate[SIGNALS_LOOPS_MAX], hidden[SIGNALS_LOOPS_MAX];
    uint16_t rated_s[SIGNALS_LOOPS_MAX];
    uint8_t idle_s[SIGNALS_LOOPS_MAX]; /* nobody passed or lay on it */
};

void spill_init(struct spill *s);

/* One second of loops. */
void spill_hear(struct spill *s, const struct signals_model *m, const struct signals_reading *r);

/* Somebody stands on this loop, for now. */
bool spill_covered(const struct spill *s, uint32_t loop);

/* Vehicles that want to get to this lane stand before its start. */
bool spill_over(const struct spill *s, const struct signals_model *m, uint32_t lane);

/*
 * What a second of somebody weighs on a lane where so many wait and so many fit: 1, more from
 * SPILL_NEAR of it on, and SPILL_WEIGHT when it is full. Whoever comes then finds no room, before
 * any loop can say so.
 */
double spill_weight(uint32_t waiting, uint32_t holds);

/*
 * Vehicles behind the farthest loop of this lane, over which its queue reaches: nobody can count
 * who joins its end, so as many are thought to come as did before, and those who pass the loop are
 * taken off (an input-output model: Sharma, Bullock and Bonneson 2007). 0 as soon as the end of the
 * queue has passed the loop, and where a neighbour feeds the lane: they stand before his lights.
 * Who comes to a lane that gets too little for an hour waits for an hour, so the longer such a
 * queue lasts the more it weighs, and it gets what others can spare.
 */
double spill_hidden(const struct spill *s, const struct signals_model *m, uint32_t lane);

/*
 * Vehicles that wait where nobody counts them: those, and SPILL_BEHIND on each lane whose farthest
 * loop lies under a queue that did not end for a whole cycle. All of them wait a second more for
 * each second in which nobody is let go, so a change costs that much more: the longer the queues,
 * the longer the greens (Webster 1958, and Gazis 1964 on why it is lost time that counts when all
 * approaches are full).
 */
double spill_behind(const struct spill *s, const struct signals_model *m);

#endif
