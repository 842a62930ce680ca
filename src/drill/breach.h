/*
 * breach.h -- one drill program in the place of a compartment: started like the supervisor starts
 * its production twin, with that compartment's rows and descriptors, and an attempt in it.
 */
#ifndef DRILL_BREACH_H
#define DRILL_BREACH_H

#include "programs/supervisor/plan.h"
#include "programs/supervisor/spawn.h"

struct breach {
    const char *program; /* of libexec/drill */
    const char *payload; /* path of the object */
    const char *attempt; /* id */
    const char *targets; /* "key=value\n" lines */
    uint64_t walls;      /* bit set of enum sandbox_wall; 0: all */
};

/* ERR_IO or ERR_UNSUPPORTED: no process was started. `*out_fed`: what plan_feed() said; a process
 * that dies early takes only part of its rows, and its log says why. */
enum err breach_start(struct plan *plan, size_t process, const struct breach *b,
                      struct spawned *out, enum err *out_fed) MUST_USE;

#endif
