/*
 * measure.h -- the matrix of charter/matrix.h, measured: every compartment of a running copy of the
 * city is breached in turn, and what arrived is judged by who received it.
 *
 * Marks that only we know stand in every compartment: a Thing in every core's store, what each
 * process says to its peers, counts on every conduit. A mark that the attempt reports was read.
 * What the attempt chose (a nonce) is looked for in stores, logs, leases, counters and answers.
 * Honest clients ask before it is over: who waits in vain, or lost a process, was disturbed.
 */
#ifndef DRILL_MEASURE_H
#define DRILL_MEASURE_H

#include "charter/matrix.h"
#include "programs/start.h"

/* A mistake that the plan could make; see range_misplan(). */
struct measure_mistake {
    const char *to, *of;
    enum start_fd_role role;
};

struct measure_config {
    const struct charter *charter;
    const char *libexec, *drill_libexec;
    const char *payload; /* libexec/drill/matrix.so */
    bool progress;       /* on standard error */
    bool verbose;        /* and what the processes say */
    const char *only;    /* one compartment's row, the others stay empty; NULL: all */
    const struct measure_mistake *mistake; /* for tests; NULL: none */
};

/* ERR_IO with a sentence on standard error when it cannot be measured here. */
enum err measure_matrix(const struct measure_config *config, struct matrix *out) MUST_USE;

#endif
