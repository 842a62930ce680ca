/*
 * times.h -- inside this folder: ISO 8601 instants and intervals, and the writers that are hot.
 */
#ifndef SENSORTHINGS_TIMES_H
#define SENSORTHINGS_TIMES_H

#include "base/base.h"
#include "base/buf.h"

/* "a" or "a/b" with a <= b, each with zone. An instant has start == end. ERR_MALFORMED. */
enum err sta_time_parse(struct bytes text, int64_t *out_start_us, int64_t *out_end_us) MUST_USE;

/* The instant or interval in quotes, in UTC. */
void sta_time_put(struct buf *out, int64_t start_us, int64_t end_us);

/* A year outside 0000 .. 9999 cannot be written; such instants never enter (text_time). */
#define STA_TIME_MIN_US (-62167219200000000LL)
#define STA_TIME_MAX_US (253402300799999999LL)

/* A civil date, and back. */
struct sta_civil {
    int64_t year;
    int month, day, hour, minute, second, micro;
};
struct sta_civil sta_civil_of(int64_t us);

/* A finite number as JSON: as text_put_double(), faster for up to six decimals. */
void sta_number_put(struct buf *out, double v);

#endif
