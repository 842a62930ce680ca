/*
 * said.h -- what was said of the next green (optimize/forecast.h), judged by what was shown.
 *
 * Judged here and not there: forecast.c corrects itself by its own record, and must not be its own
 * witness.
 */
#ifndef BENCH_SIGNALS_SAID_H
#define BENCH_SIGNALS_SAID_H

#include "services/signals/optimize/forecast.h"

enum { SAID_WARM_UP_S = 600, SAID_ROWS = 11 };

/* By the probability that was said, to the next ten per cent: row 8 is 75 to 85 %. Each second of
 * each group counts once, after the warm-up. */
struct said_table {
    uint64_t said[SAID_ROWS], happened[SAID_ROWS], permille[SAID_ROWS];
    uint64_t open; /* said, and it had not turned green by the end */
};

struct said;
struct said *said_new(uint32_t junctions);
void said_free(struct said *s);

/* After control_wish(), each second: what an executor shows, and its age. */
void said_second(struct said *s, uint32_t junction, const struct signals_model *model,
                 const struct control_view *view, int32_t phase, uint32_t age_s, uint32_t now_s);
void said_end(const struct said *s, struct said_table *out);

#endif
