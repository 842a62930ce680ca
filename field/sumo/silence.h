/*
 * silence.h -- does the city still answer an intersection? Pure.
 *
 * A lease outlives the planner that wished it, by up to its whole length. Shorter leases would make
 * the ledger longer: each is an entry. So the intersection does not wait for the end: each second
 * it says what it counts, the city acknowledges that once it is stored and was given to the
 * planner, and a city that has not done so when the next second begins guides nobody. The
 * intersection then goes on by its own plan, and takes the next lease that comes.
 */
#ifndef FIELD_SUMO_SILENCE_H
#define FIELD_SUMO_SILENCE_H

#include "base/base.h"

enum { SILENCE_US = 900000 }; /* a second, less what its begin may be late */

struct silence {
    bool waits;
    uint64_t said; /* how many messages must be answered */
    int64_t said_us;
};

/* The second was told: so many messages were published in all. */
void silence_said(struct silence *s, uint64_t published, int64_t now_us);

/* Before the next: so many were answered in all. True: the city is silent. */
bool silence_fell(struct silence *s, uint64_t answered, int64_t now_us);

#endif
