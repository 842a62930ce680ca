/*
 * bound.h -- how many bits two breached cores can pass through a conduit, at the very most.
 *
 * The channel has no noise: what one core sends, the other reads. A message is one of `values`
 * (areas times steps of the count), and goes at a tick of the valve's clock, at least `ticks` after
 * the one before. So a sequence of messages is a word whose letters are (value, gap), a gap lasting
 * `ticks` or more, and the capacity is Shannon's for letters of different length (1948, theorem 1):
 *
 *   bits a tick = -log2(x), where values * (x^ticks + x^(ticks+1) + ...) = 1
 *
 * What it does not cover: that both cores run on one machine and feel each other's load.
 */
#ifndef PROGRAMS_CONDUIT_BOUND_H
#define PROGRAMS_CONDUIT_BOUND_H

#include "base/base.h"
#include "programs/start.h"

struct bound {
    uint32_t areas, counts; /* their product: values of one message */
    uint32_t tick_ms, ticks;
    double bits_a_message; /* the moment included, in the time of one message of the rate */
    double bits_a_second;
    /* Once in the life of a conduit's process: which areas are the known ones. */
    double bits_once;
};

/* Of one conduit that carries zone-count. */
void bound_of(const struct start_conduit *rules, struct bound *out);

/* -log2(x) of the equation above. */
double bound_bits_a_tick(double values, uint32_t ticks);

#endif
