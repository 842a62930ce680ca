/*
 * quantity.h -- numbers with units, as charters write them: 24h, 1.5kW, 20%, 256MiB, 2/s.
 *
 * Every reader takes the whole word and keeps exactly what stands there, or fails with
 * ERR_MALFORMED (ERR_LIMIT when too large); every put writes what the reader reads back.
 */
#ifndef CHARTER_QUANTITY_H
#define CHARTER_QUANTITY_H

#include "base/buf.h"
#include "charter/vocabulary.h"

/* ms, s, min, h, d, in milliseconds; not negative. */
enum err quantity_duration_ms(struct bytes s, uint64_t max_ms, uint64_t *out) MUST_USE;
/* KiB, MiB, GiB, TiB, in bytes. */
enum err quantity_bytes(struct bytes s, uint64_t *out) MUST_USE;
/* A whole number and "/s", "/min" or "/h", per hour. */
enum err quantity_rate_per_hour(struct bytes s, uint64_t max, uint64_t *out) MUST_USE;
/* Any unit of an envelope: durations (UNIT_MS), W kW MW (UNIT_W), % (UNIT_CENTI_PERCENT),
 * C (UNIT_CENTI_C), none (UNIT_COUNT). */
enum err quantity_read(struct bytes s, enum word_unit *out_unit, int64_t *out) MUST_USE;

void quantity_put_duration(struct buf *b, uint64_t ms);
void quantity_put_bytes(struct buf *b, uint64_t bytes); /* a multiple of 1024 */
void quantity_put_rate(struct buf *b, uint64_t per_hour);
void quantity_put(struct buf *b, enum word_unit unit, int64_t value);

#endif
