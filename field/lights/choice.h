/*
 * choice.h -- of machine.c: which phase a green that may end makes room for, and who must be next.
 */
#ifndef FIELD_LIGHTS_CHOICE_H
#define FIELD_LIGHTS_CHOICE_H

#include "field/lights/machine.h"

/* A second of calls goes by: who waits, and how long (M5, M6, M7). */
void choice_second(struct machine *m);

/* In regular operation, when the green that stands may end. It may be the same phase. */
uint8_t choice_next(struct machine *m);

/* Would a walk that begins now leave everybody in time? */
bool choice_walk(const struct machine *m);
/* No word from the sensors for so long that every lane counts as calling (M6). */
bool choice_recalls(const struct machine *m);
/* Lanes that call; all of them in a recall. */
uint64_t choice_calls(const struct machine *m);

/* From a state without a phase: the wish, or where the stored plan starts. */
uint8_t choice_start(const struct machine *m);
/* Likewise, but who waited longest is first. */
uint8_t choice_return(const struct machine *m);

#endif
