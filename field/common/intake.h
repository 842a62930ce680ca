/*
 * intake.h -- whether a device acts on a lease: what lease_open() checks, and what only time and
 * memory can tell.
 *
 * I1  A number is taken once, over restarts of the device and restores of the warden: it is durable
 *     (seen.h) before the device acts.
 * I2  While the wall clock is in doubt (base/clock_watch.h) no lease is taken: the local plan runs.
 * I3  The wall clock decides at the edge only. What was taken ends by the steady clock, so that
 *     setting the wall clock neither stretches a lease nor cuts it short.
 */
#ifndef FIELD_INTAKE_H
#define FIELD_INTAKE_H

#include "base/clock_watch.h"
#include "field/common/fetch.h"
#include "grant/lease.h"

enum { INTAKE_REPORT_MS = 10000 };

struct intake {
    struct lease_reader reader;
    char folder[FETCH_PATH_SIZE]; /* of the device's files */
    bool reported;
    uint64_t reported_ms;
};

/* Both clocks, read together, and the steady time: wall clock of the program's start, and on. */
struct intake_time {
    uint64_t mono_ms;
    int64_t wall_us, steady_us;
    bool doubt;
};

/* What was taken before, from the disk. ERR_MALFORMED, ERR_IO. */
enum err intake_open(struct intake *in, const char *folder) MUST_USE;

/*
 * The errors of lease_open(); ERR_AGAIN: the clock is in doubt; ERR_IO: the number could not be
 * kept. On OK out->expiry_us is in steady time.
 */
enum err intake_take(struct intake *in, struct bytes note, const struct intake_time *now,
                     struct lease *out) MUST_USE;

/* After ERR_WRONG_STATE: is it time to tell the city the highest number that was taken? */
bool intake_report_due(struct intake *in, uint64_t mono_ms);

#endif
