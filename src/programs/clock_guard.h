/*
 * clock_guard.h -- a process that judges times watches the clock, and puts what it finds on record.
 *
 * Used by judge and warden, whose records go through ledger_client.h; the core does the same with
 * its own channel (core/record.c). While clock_guard_doubt() no token and no lease is given.
 */
#ifndef PROGRAMS_CLOCK_GUARD_H
#define PROGRAMS_CLOCK_GUARD_H

#include "base/buf.h"
#include "base/clock_watch.h"
#include "programs/ledger_client.h"

struct clock_guard {
    struct clock_source clock;
    struct clock_watch watch;
    const char *process, *zone;
    enum clock_event untold; /* not durable yet; CLOCK_STEADY: none */
    bool asked;              /* its record is on its way */
};

void clock_guard_init(struct clock_guard *g, struct clock_source clock, const char *process,
                      const char *zone);
/* Look, and record; a few times a second. */
void clock_guard_look(struct clock_guard *g, struct ledger_client *ledger);
bool clock_guard_doubt(const struct clock_guard *g);

/* {"event":"clock",...}: what happened to the clock, and by how much. */
void clock_put_entry(struct buf *b, const char *process, const char *zone, enum clock_event event,
                     int64_t step_us, int64_t now_us);

#endif
