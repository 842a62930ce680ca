/*
 * answers.h -- when has a city answered what the intersections said in this second?
 *
 * A planner that wishes nothing sends nothing, so the end of an answer can only be seen in general:
 * every reading is acknowledged, which a city does once it is stored and was given to the planner;
 * and then nothing came for ANSWERS_QUIET_MS, the time that a wish takes to become a lease. A city
 * whose clock belongs to the street (tests/signals/fast) says it exactly instead, and has its time
 * moved on from here; that is decided at link time.
 */
#ifndef FIELD_SUMO_ANSWERS_H
#define FIELD_SUMO_ANSWERS_H

#include "field/common/device.h"

enum { ANSWERS_QUIET_MS = 20, ANSWERS_PATIENCE_MS = 100 };

enum answers_state {
    ANSWERS_COME,
    ANSWERS_ALL,
    ANSWERS_NEVER /* not within ANSWERS_PATIENCE_MS, or surely not any more */
};

struct answers {
    uint64_t heard; /* of acknowledgements and leases, when it was looked at last */
    uint64_t since_us, asked_us;
};

/* The machine's monotonic clock, whatever the city's is. */
uint64_t answers_machine_us(void);

/* Every device is connected; the first second may come. */
void answers_begin(struct answers *a, const struct field *f);
/* Readings were published. */
void answers_ask(struct answers *a, const struct field *f);
enum answers_state answers_look(struct answers *a, const struct field *f);
/* The second is over, answered or not. */
void answers_over(struct answers *a);
/* No second will come any more. */
void answers_end(struct answers *a);

#endif
