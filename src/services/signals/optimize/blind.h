/*
 * blind.h -- which lanes have a dead stop loop, and how many vehicles come to them all the same.
 *
 * A loop that died looks like a lane where nobody drives, or like one where somebody always stands.
 * What tells them apart is the rest: sibling lanes, the lights, the lane's own past. While a lane
 * sees, its rate is learned; when it is blind, that rate, scaled by what its siblings count now
 * against what they used to count, makes vehicles that nobody saw. A lane that never saw anything
 * takes what lanes with the same turns count, as far as its street is busier than others.
 *
 * Silence proves little at first, and a lane that is dead has a queue long before it is proven. So
 * each silent lane has a chance that it is dead: by how many should have come, how well that is
 * known, how many of the others died, and how long lanes here are silent that live. A plan counts
 * those who would stand there by that chance; the lane is blind when it is nearly sure.
 *
 * B1  A count, or somebody who comes and goes, makes a lane that was merely silent see again at
 *     once.
 * B2  A rate is never above BLIND_RATE_MOST, whatever siblings count.
 * B3  One lane's counts never make another lane's loop dead by themselves: the silent lane must
 *     have been expected to count too,
 *     by its past, or because vehicles that were said to come are missing.
 *
 * Pure. Source: specs/signals.md 3.9.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_BLIND_H
#define SERVICES_SIGNALS_OPTIMIZE_BLIND_H

#include "services/signals/reading.h"

enum {
    BLIND_SEES_S = 30,         /* a loop that said nothing for so long proves no absence */
    BLIND_SILENT_S = 260,      /* nobody for a cycle or two is nothing yet */
    BLIND_STUCK_S = 60,        /* of green, always occupied, nobody leaves */
    BLIND_STUCK_YIELD_S = 180, /* of a green that yields, or with no room ahead */
    BLIND_GREENS = 4,          /* in a row, with room ahead, in which the head never left: one that
                                * yields leaves at the latest when its green ends */
    BLIND_RED_S = 8,           /* of red, after which nobody crosses */
    BLIND_LIARS = 2,           /* lanes that count at red, */
    BLIND_LIARS_OF = 4,        /* and one of so many: not single loops, but their device lies */
    BLIND_GOOD_S = 120,        /* behaving well for so long: a noisy or stuck loop sees again */
};
#define BLIND_RATE_MOST 0.3 /* vehicles a second and lane */

enum blind_why {
    BLIND_NOT,
    BLIND_SAID,
    BLIND_SILENT,
    BLIND_STUCK,
    BLIND_NOISY,
    BLIND_AT_RED, /* where nobody passes, and on and on */
    BLIND_DEVICE, /* too many of its lanes count at red: whose they all are lies */
    BLIND_WHYS_COUNT
};

struct blind_lane {
    enum blind_why why;
    double since_s;
    bool on, wanted;        /* wanted: a vehicle lane */
    double quiet_s, sign_s; /* since when no count and no change; last that was wrong */
    double stuck_s;         /* of green, occupied, without a count */
    double red_s, at_red;   /* of red; counts in it above what may be */
    bool lies;              /* it was found at red, and counted there last: */
    double lied_s;
    uint32_t greens; /* over, and nobody left */
    bool green;
    double excess; /* counts above what a lane can carry */
    /* Since it was quiet, were it not dead: by the clock, and by what other lanes count. */
    double expected_clock, expected_rest;
    double count, seconds;           /* learned: decaying sums */
    double past_count, past_seconds; /* as they were at the last count */
    double scale_from;               /* siblings' rate when it went blind */
    double now_rate, second_rate;    /* over the last minutes, and in this second */
    double owed; /* vehicles that came and were not made yet; or that came, if it is dead */
    uint64_t siblings;
    uint8_t turns;    /* of its links, a bit each */
    double turn_rate; /* of lanes that turn like it */
    double chance;    /* that it is dead, though it is not said to be blind */
};

struct blind {
    bool off; /* only what the intersection says itself is believed */
    uint32_t lanes_count;
    double heard_s;
    double pauses, pauses_count; /* silences of lanes that live, beyond what is usual */
    struct blind_lane lanes[SIGNALS_LANES_MAX];
};

struct blind_light {
    bool red;             /* surely: a phase stands, and it has none of its links */
    bool green, free_way; /* free_way: protected, with room ahead */
    bool full;            /* no room where some of its links lead */
    bool held;            /* a queue beside it stands in the way of who wants to come to it */
    bool all_found;       /* all who were said to come to this street were seen on its lanes */
};

/* `siblings` by lane: other lanes of the same street. */
void blind_init(struct blind *b, const struct signals_model *m, const uint64_t *siblings, bool off,
                double now_s);

/* One second, with what each lane shows. */
void blind_hear(struct blind *b, const struct signals_reading *r, const struct blind_light *lights,
                double now_s);

bool blind_is(const struct blind *b, uint32_t lane);
/* Its stop loop says what cannot be: its other loops are not heard either. */
bool blind_lies(const struct blind *b, uint32_t lane);
uint32_t blind_count(const struct blind *b);
const char *blind_words(enum blind_why why);

/* Vehicles per second that are thought to come to a blind lane. */
double blind_rate(const struct blind *b, uint32_t lane);
/* Somebody was seen on the way to it: one less to make. */
void blind_seen(struct blind *b, uint32_t lane);
/* Vehicles that came unseen in this second; call once a second for each blind lane. */
uint32_t blind_came(struct blind *b, uint32_t lane, double seconds);
/* What came beyond those, as a share of a vehicle: how likely it is that one more stands there. */
double blind_doubt(const struct blind *b, uint32_t lane);
/* It had green for so many, or nobody is left there. */
void blind_served(struct blind *b, uint32_t lane, double vehicles);

/* Its stop loop counted or changed a moment ago, and nothing speaks for its being dead: whom its
 * loops do not show is not there. */
bool blind_sees(const struct blind *b, uint32_t lane, double now_s);
/* How likely it is dead, also of a lane that is not blind yet, and who came since it had green. */
double blind_chance(const struct blind *b, uint32_t lane);
double blind_waiting(const struct blind *b, uint32_t lane);

#endif
