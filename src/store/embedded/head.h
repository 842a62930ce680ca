/*
 * head.h -- what is known of a chunk's numbers without its points: their sum and, where that is
 * worth the bytes, their rollup by minute, hour or day. Pure.
 *
 * One step is kept: the finest with HEAD_WORTH numbers a bucket at least. Coarser steps are made of
 * it; for finer ones, and where even days are not worth it, the points are as few as the buckets.
 */
#ifndef STORE_EMBEDDED_HEAD_H
#define STORE_EMBEDDED_HEAD_H

#include "base/buf.h"
#include "store/embedded/chunk.h"

enum {
    HEAD_WORTH = 16,
    HEAD_BUCKETS_MAX = CHUNK_POINTS_MAX / HEAD_WORTH,
    HEAD_PLAIN_MAX = 64 + HEAD_BUCKETS_MAX * 100,
};

struct bucket {
    int64_t start_us; /* a multiple of the step */
    uint64_t count;   /* 0: nothing here */
    double min, max, sum, first, last;
    int64_t first_us, last_us; /* of `first` and `last` ... */
    uint64_t first_n, last_n;  /* ... and what decides between equal times */
};

struct head {
    struct store_aggregate all;
    enum store_step step; /* 0: no buckets */
    size_t count;
    struct bucket bucket[HEAD_BUCKETS_MAX]; /* in order of start; n is not kept */
};

int64_t step_us(enum store_step step);
/* The multiple of the step at or before t; false: there is none in 64 bits. */
bool step_start(enum store_step step, int64_t t, int64_t *out);

void bucket_add(struct bucket *b, const struct observation *o, uint64_t n);
void bucket_merge(struct bucket *b, const struct bucket *other);

/* The numbers among the observations. */
void head_make(const struct observation *o, size_t count, struct head *out);
/* Appends to out. ERR_LIMIT. */
enum err head_encode(const struct head *h, struct buf *out) MUST_USE;
/* Heads of format 1 are sums only. ERR_MALFORMED. */
enum err head_decode(struct bytes plain, struct head *out) MUST_USE;

void aggregate_add(struct store_aggregate *a, const struct observation *o);
void aggregate_merge(struct store_aggregate *a, const struct store_aggregate *other);

#endif
