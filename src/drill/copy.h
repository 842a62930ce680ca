/*
 * copy.h -- a private copy of a city: the same charter with ports that the kernel chooses, keys of
 * its own and a state directory under /tmp. Nothing of a running city is touched or read.
 *
 * copy_make() writes keys and lists the processes; the caller may then change the plan (users,
 * walls) before copy_open() opens every socket, file and pair.
 */
#ifndef DRILL_COPY_H
#define DRILL_COPY_H

#include "charter/charter.h"
#include "programs/supervisor/plan.h"

struct copy {
    struct charter charter; /* large: give it a heap object */
    struct plan plan;
    char state[256];
};

/* ERR_IO with a sentence on standard error; copy_close() takes away what was made. */
enum err copy_make(struct copy *c, const struct charter *original, const char *libexec) MUST_USE;
enum err copy_open(struct copy *c) MUST_USE;
void copy_close(struct copy *c);

#endif
