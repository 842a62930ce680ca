/*
 * lines.h -- the lanes of a problem made ready for many plans: whom each phase lets go, and when.
 *
 * What is here is the same for all plans, so it is worked out once: for each vehicle the phases
 * that let it go, how many follow it who may go too, and sums over all before it. Lanes where
 * nobody is are left out: a lane is meant by its place among the others (`slot`). A phase is a bit.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_LINES_H
#define SERVICES_SIGNALS_OPTIMIZE_LINES_H

#include "services/signals/optimize/search.h"

#define LINES_STORE_S 2.0 /* who comes within this counts as waiting for the cost-to-go */
#define LINES_SOON_S                                                                               \
    4.0 /* after the clearance: a head that comes then makes a phase worth a look */

/* One of a lane in one scenario. Together, since who looks at one needs most of it. */
struct lines_vehicle {
    double weight, weight_eta; /* of all before it, */
    uint32_t go, yield;        /* phases that let it go; in which it gives way */
    uint8_t count;             /* how many before it are there */
    uint8_t next; /* the first one from it on that is there: states are only ever there, so that
                     plans that differ in nobody who is there are the same */
    uint8_t run[SIGNALS_PHASES_MAX]; /* how many follow each other from it on who may go then */
};

struct lines {
    const struct search_problem *p;
    uint32_t count;
    uint8_t lane[SIGNALS_LANES_MAX];
    uint64_t walks;                    /* slots of people on foot: bits */
    int8_t slot_of[SIGNALS_LANES_MAX]; /* -1: nobody is there */
    double headway_s[SIGNALS_LANES_MAX];
    /* With the stuck and the lingering ones red: by phase, and by link for whole rows of phases. */
    uint8_t light[SIGNALS_PHASES_MAX][SIGNALS_LINKS_MAX];
    uint8_t goes[SIGNALS_LINKS_MAX][SIGNALS_PHASES_MAX]; /* 0xff or 0 */
    uint32_t go_of[SIGNALS_LINKS_MAX], yield_of[SIGNALS_LINKS_MAX];
    bool only_gaps[SIGNALS_LINKS_MAX]; /* no phase has right of way for it, stuck or not */
    /* By scenario, slot and vehicle; one more than there are. */
    struct lines_vehicle at[SEARCH_SCENARIOS_MAX][SIGNALS_LANES_MAX][SEARCH_VEHICLES_MAX + 1];
    /* By second and slot, vehicles that are at the line before the next second, in
     * LINES_STORE_S, and soon enough after a change; 0 beyond `count`. */
    uint8_t come[SEARCH_HORIZON_S + 1][SIGNALS_LANES_MAX];
    uint8_t wait[SEARCH_HORIZON_S + 1][SIGNALS_LANES_MAX];
    uint8_t soon[SEARCH_HORIZON_S + 1][SIGNALS_LANES_MAX];
};

/* The problem is borrowed. */
void lines_prepare(struct lines *l, const struct search_problem *p);

/*
 * Of which vehicle is the first on each lane: the sum of lines_hash(slot, index). The multiplier is
 * 2^64 by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
 */
static inline uint64_t
lines_hash(uint32_t slot, uint64_t index)
{
    uint64_t odd = 0x9e3779b97f4a7c15 * (2 * (uint64_t)slot + 1);
    return index * ((odd ^ odd >> 29) | 1);
}

static inline double
lines_weight(const struct lines *l, uint32_t scenario, uint32_t slot, uint32_t from, uint32_t to)
{
    const struct lines_vehicle *v = l->at[scenario][slot];
    return v[to].weight - v[from].weight;
}

#endif
