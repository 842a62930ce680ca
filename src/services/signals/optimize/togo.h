/*
 * togo.h -- what is left to pay at a second of a plan: conflicting queues are served one after the
 * other, the best rate first (specs/signals-better.md 1.2).
 *
 * What each phase would serve depends on who waits, not on how one got there, and plans differ in
 * when they changed more than in whom they served. So what was worked out of one set of waiting
 * vehicles is kept for the next plan that has it at the same second.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_TOGO_H
#define SERVICES_SIGNALS_OPTIMIZE_TOGO_H

#include "services/signals/optimize/lines.h"

enum {
    TOGO_STAGES = 4,
    TOGO_SETS_MAX = 512, /* kept; then all are forgotten */
    TOGO_PLACES = 1024,  /* of the table that finds sets; a power of two */
};

/* What one phase would serve of those who wait. */
struct togo_service {
    double weight, own; /* own: what its queues take themselves, weighed */
    double green_s;
};

/* The best phase, if none may begin sooner than in start_s. */
struct togo_next {
    int32_t phase; /* -1: none serves anybody */
    double start_s, rate;
};

/* What stages cost if they began at once, and for each second until they do. */
struct togo_rest {
    double cost, weight;
};

/* What is left when one phase has served whom it can: who, and all later stages. */
struct togo_then {
    uint16_t set;
    struct togo_rest rest;
};

/* Who waits: of each lane the first vehicle that is still there. */
struct togo_set {
    uint64_t hash;
    uint32_t scenario;
    uint32_t phases, walks;       /* that serve anybody; somebody on foot: bits */
    uint32_t has_then, has_costs; /* phases of which it is known what is left; what that costs */
    uint64_t slots;               /* where somebody waits */
    double weight, lost;          /* of a second of all; by all until now */
    struct togo_next next, other; /* after another phase; as it was asked for last */
    uint8_t index[SIGNALS_LANES_MAX];
    struct togo_service service[SIGNALS_PHASES_MAX];
    struct togo_then then[SIGNALS_PHASES_MAX];
};

struct togo {
    const struct lines *lines;
    uint32_t t, sets_count;
    double lost_s;                       /* by a change, until a queue moves */
    double least_s[SIGNALS_PHASES_MAX];  /* that a phase stands when it comes, */
    double clears_s[SIGNALS_PHASES_MAX]; /* and so much longer if somebody walks */
    uint16_t place[TOGO_PLACES];         /* 1 + set */
    /* By state of a street and scenario: 1 + the set that it has now; 0: that is not known yet. */
    uint16_t of_state[SEARCH_BEAM][SEARCH_SCENARIOS_MAX];
    struct togo_set sets[TOGO_SETS_MAX];
};

/*
 * The light of a plan; left_s > 0: it will be `phase` after so many seconds. Else rest_s, what it
 * stands at least before its yellow: of its minimum, or of its walk and what clears that.
 */
struct togo_light {
    uint32_t phase;
    int32_t left_s, rest_s;
};

/* From now on costs are of second `t`. */
void togo_begin(struct togo *g, const struct lines *l, uint32_t t);

/*
 * The sum over all scenarios; or what that is at least, for less work. `index` by scenario and
 * slot: the first vehicle that is still there; `hash` by scenario: its lines_hash(). `state` stands
 * for both until the next togo_begin(): plans that share one differ in their light only.
 */
double togo_cost(struct togo *g, uint32_t state, const uint8_t *index, const uint64_t *hash,
                 const struct togo_light *light, bool least);

#endif
