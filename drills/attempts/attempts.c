/* attempts.c -- the table, as a payload exports it. */
#include "drills/attempts/attempt.h"

#define ATTEMPT(id, function, what) {id, what, function},
const struct drill_attempt drill_attempts[] = {
#include "drills/attempts/attempts.def"
    {NULL, NULL, NULL}};
