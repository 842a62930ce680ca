/*
 * valve.h -- what passes a conduit, as a pure state machine.
 *
 * A message passes when the charter's line carries its kind, its values make sense, it tells of a
 * group of at least `group_min`, and the rate has credit left. What passes is encoded anew from its
 * values: bytes of one core never reach another.
 */
#ifndef PROGRAMS_CONDUIT_VALVE_H
#define PROGRAMS_CONDUIT_VALVE_H

#include "base/base.h"
#include "programs/messages.h"
#include "programs/start.h"

enum valve_verdict { VALVE_PASS, VALVE_KIND, VALVE_RATE, VALVE_GROUP, VALVE_VERDICTS };

struct valve {
    struct start_conduit rules;
    uint64_t credit_mms; /* messages times ms of an hour, as integers */
    uint64_t since_ms;
};

/* A rate's whole credit at the start is one message. */
void valve_init(struct valve *v, const struct start_conduit *rules, uint64_t now_ms);

/*
 * Judge one frame from the source. On VALVE_PASS *out_count is what may be sent on; its text
 * borrows from `body`. ERR_MALFORMED: the bytes are no message at all.
 */
enum err valve_judge(struct valve *v, uint16_t id, struct bytes body, uint64_t now_ms,
                     int64_t now_us, struct zone_count *out_count,
                     enum valve_verdict *out_verdict) MUST_USE;

#endif
