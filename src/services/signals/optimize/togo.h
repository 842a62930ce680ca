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
    TOGO_SETS_MAX = 512,    /* kept; then all are forgotten, */
    TOGO_SHARES_MAX = 4096, /* and so of these */
    TOGO_PLACES = 1024,     /* of the table that finds sets; a power of two */
};

/* A lane's part of what a phase serves: weight x (start + what its own queue takes). */
struct togo_share {
    double weight, own;
};

/* What one phase would serve of those who wait. */
struct togo_service {
    double weight, green_s;
    uint64_t slots; /* lanes, a bit each */
    uint16_t then;  /* 1 + the set that is left; 0: not known yet, */
    uint16_t share; /* nor where its lanes' shares are */
    int32_t start;  /* of the plan in this phase whose costs are known: togo_light's, in one; */
    double cost;    /* 0: of none */
};

/* Who waits: of each lane the first vehicle that is still there. */
struct togo_set {
    uint8_t index[SIGNALS_LANES_MAX];
    uint64_t hash;
    uint32_t scenario;
    uint32_t phases;     /* that serve anybody */
    uint64_t slots;      /* where somebody waits */
    double weight, lost; /* of a second of all; by all until now */
    int32_t next;        /* the best phase after another one; -1: none */
    double next_green_s;
    struct togo_service service[SIGNALS_PHASES_MAX];
};

struct togo {
    const struct lines *lines;
    uint32_t t, sets_count, shares_count;
    uint16_t place[TOGO_PLACES]; /* 1 + set */
    struct togo_set sets[TOGO_SETS_MAX];
    struct togo_share shares[TOGO_SHARES_MAX];
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

/* `index` by slot: the first vehicle that is still there; and its lines_hash(). */
double togo_cost(struct togo *g, uint32_t scenario, const uint8_t *index, uint64_t hash,
                 const struct togo_light *light);

#endif
