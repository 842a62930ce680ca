/*
 * trust.h -- how far claims about one intersection are believed.
 *
 * A claim is a vehicle that somebody says is on its way: a loop up the street, a neighbour, a
 * camera. What crosses the stop line is counted by another device, so every claim has an end that
 * its source does not decide: confirmed (the next loop, or the stop line, saw somebody who fits)
 * or refuted (it was due, and the free stop loop showed nobody). A source's trust is the weight of
 * its claims; cameras have one for each lane, since their claims have no ends of their own.
 *
 * T1  Trust lies in [TRUST_LEAST, 1], whatever is heard.
 * T2  A source gets no more than one claim in TRUST_CLAIM_EVERY_S, after TRUST_BURST at once.
 * T3  Nothing is held against a lane that cannot discharge: a green counts only if its stop loop
 *     ran free (nobody stood where many were claimed), or if it held its first vehicle under a
 *     protected green with room ahead.
 * T4  A source weighs the share of its claims that is confirmed. Loops miss vehicles that change
 *     lanes, and that is no lie: but of those it claims no more come.
 *
 * Source of the method: specs/signals.md 5.4; Chen et al. 2018 (NDSS) for the attack. Pure.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_TRUST_H
#define SERVICES_SIGNALS_OPTIMIZE_TRUST_H

#include "services/signals/model.h"

enum {
    TRUST_SOURCES_MAX = SIGNALS_LOOPS_MAX + SIGNALS_FEEDERS_MAX, /* more: the stop loops */
    TRUST_BURST = 4,
    TRUST_LOOK_S = 10, /* a long green is looked at so often */
};
#define TRUST_LEAST 0.05
#define TRUST_CLAIM_EVERY_S 1.5

struct trust_source {
    double confirmed; /* share of its claims, smoothed */
    double tokens, claimed_s;
    uint32_t claims, refuted, refused; /* for people; they wrap */
};

struct trust_lane {
    double tau;
    double from_s; /* the look began */
    uint32_t claims, departed;
    bool green, proven;
};

struct trust {
    bool off; /* everything is believed */
    struct trust_source sources[TRUST_SOURCES_MAX];
    struct trust_lane lanes[SIGNALS_LANES_MAX];
};

/* One second of a lane, as its stop loop has it. */
struct trust_second {
    bool green;
    bool free_way;     /* protected, with room ahead: who stands at the line can go */
    bool on;           /* somebody stands at the line at the end of it */
    double free_s;     /* for how long nobody did */
    double idle_s;     /* since the last departure or the start of green */
    uint32_t departed; /* in it */
    uint32_t claims;   /* vehicles that are said to stand there */
};

void trust_init(struct trust *t, bool off, double now_s);

/* A new claim. False: too many, forget it. */
bool trust_claim(struct trust *t, uint32_t source, double now_s);
void trust_confirm(struct trust *t, uint32_t source);
void trust_refute(struct trust *t, uint32_t source);
void trust_hear_lane(struct trust *t, uint32_t lane, const struct trust_second *s, double now_s);

/* Weight of a claim; 1 for stop loops. */
double trust_source(const struct trust *t, uint32_t source);
double trust_lane(const struct trust *t, uint32_t lane);

#endif
