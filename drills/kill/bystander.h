/*
 * bystander.h -- somebody who has nothing to do with the city writes to the same disk beside it.
 *
 * What he waits for is the machine's doing: a disk that stands still for a second, a host that does
 * not run its guest. So a rise that he sees as well is no zone's fault. What he waits for a
 * processor is taken off, because a process that loops could be why.
 *
 * A thread of the drill: PERIOD_MS apart it writes a page and waits until the disk has it. Moments
 * that pass while it waits count too, as they do for a device that publishes at a rate.
 */
#ifndef DRILLS_KILL_BYSTANDER_H
#define DRILLS_KILL_BYSTANDER_H

#include "base/base.h"

enum {
    BYSTANDER_PERIOD_MS = 20,
    BYSTANDER_SAMPLES_MAX = 1 << 20, /* five hours */
};

struct sample {
    uint64_t sent_ms; /* monotonic: when it was due */
    double latency_ms;
};

/* Writes to an unlinked file in `dir`. Once a process. */
enum err bystander_begin(const char *dir) MUST_USE;

/* Until now, in order of time; borrowed until the process ends. The thread has ended. */
struct sample *bystander_end(size_t *count);

#endif
