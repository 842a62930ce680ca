/*
 * plan.h -- of machine.c: the stored plan, which row of it stands, when that ends and which is next
 * (machine.h M10).
 */
#ifndef FIELD_LIGHTS_PLAN_H
#define FIELD_LIGHTS_PLAN_H

#include "field/lights/machine.h"

/* A second goes by: who came, and who has no green. */
void plan_second(struct machine *m);
/* The plan of this second of the day. */
void plan_of_day(struct machine *m, uint32_t day_s);

/* The phase that the plan wants now; the one that stands, unless its row is over. */
uint8_t plan_phase(struct machine *m);
/* Where it starts. */
uint8_t plan_first(const struct machine *m);
/* It goes on from the next of its rows that shows this phase. */
void plan_shown(struct machine *m, uint8_t phase);

/* Nobody came to the lane for so long that its loops may be dead. */
bool plan_is_quiet(const struct machine *m, uint32_t lane);

/* All rows as they are stored, without the changes. */
uint32_t plan_length_s(const struct machine *m);

#endif
