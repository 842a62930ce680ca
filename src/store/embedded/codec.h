/*
 * codec.h -- small integers, series of times and series of numbers as few bytes. Pure.
 *
 * Integers are little-endian base-128 varints, shortest form only. Readers fail with
 * ERR_MALFORMED and never read past the end. Numbers come back bit for bit; they are finite.
 */
#ifndef STORE_EMBEDDED_CODEC_H
#define STORE_EMBEDDED_CODEC_H

#include "base/base.h"
#include "base/buf.h"

enum { VARINT_MAX = 10, CODEC_COUNT_MAX = 1024 };

/* Writes at most VARINT_MAX bytes and returns how many. */
static inline size_t
varint_put(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}
static inline uint64_t
zigzag(uint64_t two_complement)
{
    return (two_complement << 1) ^ (0 - (two_complement >> 63));
}
static inline uint64_t
unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0 - (v & 1));
}

/* Takes from the front of *r. */
enum err varint_get(struct bytes *r, uint64_t *out) MUST_USE;
enum err byte_get(struct bytes *r, uint8_t *out) MUST_USE;
enum err bytes_get(struct bytes *r, size_t len, struct bytes *out) MUST_USE;

void varint_buf(struct buf *b, uint64_t v);

/* Any series of 64-bit integers, small when the steps are alike: delta of delta, zigzag, varint. */
void series_put(struct buf *b, const int64_t *v, size_t count);
enum err series_get(struct bytes *r, int64_t *v, size_t count) MUST_USE;

/*
 * Finite numbers. Tried first: q / 10^k with |q| < 2^53, k <= 15, deltas of q as zigzag varints,
 * and up to one in eight exceptions as they are; else each xored with the one before, and the
 * bytes of equal weight side by side. count <= CODEC_COUNT_MAX.
 */
void numbers_put(struct buf *b, const double *v, size_t count);
enum err numbers_get(struct bytes *r, double *v, size_t count) MUST_USE;
/* True if every number is q / scale exactly, with one power of ten for all. */
bool numbers_decimal(const double *v, size_t count, int64_t *out_q, double *out_scale);

#endif
