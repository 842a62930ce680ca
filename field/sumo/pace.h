/*
 * pace.h -- when the street's next second comes: free-running at so many seconds a second of the
 * machine, or in lock-step with the city: not before what was said in this one is answered
 * (answers.h), or will not be: that second is counted as expired, and its leases act when they
 * come.
 */
#ifndef FIELD_SUMO_PACE_H
#define FIELD_SUMO_PACE_H

#include "field/sumo/answers.h"

enum { PACE_CONNECT_MS = 60000 };

struct pace {
    bool lock_step;
    uint64_t period_us; /* 0: as fast as it goes */
    uint64_t due_us;
    struct answers answers;
    uint64_t begun_us, last_us;
    uint64_t steps, expired;
};

/*
 * In lock-step it waits until all devices are connected: ERR_AGAIN when they are not within
 * PACE_CONNECT_MS; ERR_CLOSED when the field is to end.
 */
enum err pace_begin(struct pace *p, struct field *f, uint64_t steps_per_second,
                    bool lock_step) MUST_USE;

/* After each second of the street. False when the field is to end. */
bool pace_wait(struct pace *p, struct field *f);
void pace_end(struct pace *p);

/* Seconds of the street in a second of the machine so far. */
double pace_measured(const struct pace *p);

#endif
