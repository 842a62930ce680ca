/*
 * valve.h -- what passes a conduit, as a pure state machine.
 *
 * A message passes when the charter's line carries its kind, its values make sense, it tells of a
 * group of at least `group_min`, and the rate has credit left. What passes is encoded anew from its
 * values: bytes of one core never reach another.
 *
 * Two breached cores can still speak through what passes, so as little as possible does:
 *
 *   area     a cell of the city's grid (privacy/coarsen.h), one of the first VALVE_AREAS_MAX that
 *            were seen, none further than VALVE_REACH cells from the first
 *   count    the next lower step of ten to a decade (10 12 16 20 25 31 40 50 63 80 100 120 ...)
 *   window   is not the sender's: always the last whole minute
 *   moment   a message waits for the next tick of the valve's own clock, at most VALVE_TICK_MS
 *
 * bound.h says how many bits that leaves.
 */
#ifndef PROGRAMS_CONDUIT_VALVE_H
#define PROGRAMS_CONDUIT_VALVE_H

#include "base/base.h"
#include "privacy/coarsen.h"
#include "programs/messages.h"
#include "programs/start.h"

enum {
    VALVE_AREAS_MAX = 64,
    VALVE_REACH = 32,
    VALVE_TICK_MS = 1000,
    VALVE_TICKS_LEAST = 16, /* in the time of one message: a faster rate has shorter ticks */
    VALVE_WINDOW_S = 60,
};

enum valve_verdict {
    VALVE_PASS,
    VALVE_KIND,
    VALVE_RATE,
    VALVE_GROUP,
    VALVE_CUT, /* one of its ends is an island */
    VALVE_VERDICTS
};

struct valve {
    struct start_conduit rules;
    uint64_t credit_mms; /* messages times ms of an hour, as integers */
    uint64_t since_ms;
    bool cut;          /* set by the owner: nothing passes */
    uint64_t start_ms; /* ticks are counted from here */
    struct area areas[VALVE_AREAS_MAX];
    uint32_t areas_count;
    bool waiting; /* a message for the next tick */
    uint64_t due_ms;
    struct area area;
    uint32_t count;
    char name[COARSEN_AREA_SIZE];
};

/* A rate's whole credit at the start is one message. */
void valve_init(struct valve *v, const struct start_conduit *rules, uint64_t now_ms);

/*
 * Judge one frame from the source. VALVE_PASS: it waits inside for its tick.
 * ERR_MALFORMED: the bytes are no message at all.
 */
enum err valve_judge(struct valve *v, uint16_t id, struct bytes body, uint64_t now_ms,
                     int64_t now_us, enum valve_verdict *out_verdict) MUST_USE;

/*
 * True when a message waited for a tick that has come: *out_count is what may be sent on; its text
 * is the valve's, good until the next call. *out_wait_ms: ask again then; UINT32_MAX: nothing
 * waits.
 */
bool valve_release(struct valve *v, uint64_t now_ms, int64_t now_us, struct zone_count *out_count,
                   uint32_t *out_wait_ms) MUST_USE;

/* The step of the scale that a count is told as, never below the least group. */
uint32_t valve_step(uint32_t count, uint32_t group_min);
/* The length of a tick at this rate. */
uint32_t valve_tick_ms(uint32_t rate_per_hour);

#endif
