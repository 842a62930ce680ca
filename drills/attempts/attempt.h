/*
 * attempt.h -- small helps for attempts. Everything is a raw system call: libc is not to be trusted
 * to make the call that is meant.
 */
#ifndef DRILLS_ATTEMPTS_ATTEMPT_H
#define DRILLS_ATTEMPTS_ATTEMPT_H

#include "drills/payload.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REFUSED = 0, ESCAPED = 1, NOT_APPLICABLE = 2 };

typedef const char *const targets_t[];

/* The value of a key, or "" (then the attempt is not applicable). */
static inline const char *
target(const char *const targets[], const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; targets[i]; i++)
        if (strncmp(targets[i], key, len) == 0 && targets[i][len] == '=')
            return targets[i] + len + 1;
    return "";
}

static inline long
target_number(const char *const targets[], const char *key)
{
    return strtol(target(targets, key), NULL, 0);
}

/* "the call gave us something": a descriptor, an id, a success. */
#define OBTAINED(call) ((long)(call) >= 0 ? ESCAPED : REFUSED)

#define ATTEMPT(id, function, what) int function(const char *const targets[]);
#include "drills/attempts/attempts.def"
#undef ATTEMPT

#endif
