/*
 * clock_watch.h -- is the wall clock to be believed? Pure; the caller brings both clocks.
 *
 * The monotonic clock cannot be set. The wall clock must run with it: a difference of more than
 * CLOCK_STEP_US that arises within CLOCK_SPAN_MS is a step (somebody set it, or the machine slept);
 * a wall clock that stands still while the other runs is frozen; one that is behind what was
 * written down before a restart was rolled back. NTP slews by at most 0.5 ms a second and is never
 * seen here.
 *
 * From then on the clock is in doubt until it has run steadily for CLOCK_DOUBT_MS. While it is, the
 * one who asks must not act on it across zones: see the callers.
 */
#ifndef BASE_CLOCK_WATCH_H
#define BASE_CLOCK_WATCH_H

#include "base/base.h"

enum {
    CLOCK_STEP_US = 1000000,
    CLOCK_SPAN_MS = 60000, /* so fast a drift counts as a step: 1 s in a minute */
    CLOCK_FROZEN_MS = 1500,
    CLOCK_DOUBT_MS = 60000,
};

enum clock_event { CLOCK_STEADY, CLOCK_STEPPED, CLOCK_FROZEN, CLOCK_ROLLED_BACK };
/* "step", "freeze", "roll-back". */
const char *clock_event_text(enum clock_event event);

struct clock_watch {
    bool started, frozen;
    uint64_t mono_ms, moved_ms; /* of the reference; when the wall clock last moved */
    int64_t wall_us, last_us;   /* of the reference; of the last look */
    int64_t highest_us;         /* no earlier time is believed any more */
    uint64_t doubt_until_ms;    /* 0: none */
    int64_t step_us;            /* of the last event: how far the wall clock went wrong */
};

/* `known_us`: a wall time that was already passed before this start; INT64_MIN: none is known. */
enum clock_event clock_watch_start(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us,
                                   int64_t known_us);

/*
 * Look at both clocks, read one right after the other; several times a second. Not CLOCK_STEADY
 * once for each thing that happened; w->step_us says how far.
 */
enum clock_event clock_watch_look(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us);

/* True while the wall clock is in doubt. */
bool clock_watch_doubt(const struct clock_watch *w, uint64_t mono_ms);

/*
 * The time by which something expires: never before a time that was seen, so that what has expired
 * stays so when the clock is set back.
 */
int64_t clock_watch_latest_us(struct clock_watch *w, int64_t wall_us);

#endif
