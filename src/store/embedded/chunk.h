/*
 * chunk.h -- up to 1024 observations of one stream, in order of n, as few bytes. Pure.
 *
 * chunk_encode/chunk_decode turn observations into plain bytes and back; chunk_zip/chunk_unzip
 * are zstd level 3 around them. What comes back is what went in, bit for bit.
 */
#ifndef STORE_EMBEDDED_CHUNK_H
#define STORE_EMBEDDED_CHUNK_H

#include "base/buf.h"
#include "store/store.h"

enum {
    CHUNK_GAP = 0, /* the kind of an ordinal that holds no observation: it was withdrawn */
    CHUNK_POINTS_MAX = 1024,
    CHUNK_TEXT_MAX = 256 * 1024, /* texts and extras of one chunk */
    CHUNK_PLAIN_MAX = 512 * 1024,
};

static inline bool
observation_gap(const struct observation *o)
{
    return (int)o->kind == CHUNK_GAP;
}

/* ERR_LIMIT when out's maximum is too small; count 1 .. CHUNK_POINTS_MAX, not all of them gaps.
 * Appends to out. */
enum err chunk_encode(const struct observation *o, size_t count, struct buf *out) MUST_USE;

/* Texts of the result point into `plain`. out has room for CHUNK_POINTS_MAX. ERR_MALFORMED. */
enum err chunk_decode(struct bytes plain, struct observation *out, size_t *out_count) MUST_USE;

/* Contexts of the compressor, kept because making one costs more than using it. */
struct zipper;
struct zipper *zipper_new(void);
void zipper_free(struct zipper *z);
enum err chunk_zip(struct zipper *z, struct bytes plain, struct buf *out) MUST_USE;
/* ERR_MALFORMED when not one whole frame of at most CHUNK_PLAIN_MAX bytes. */
enum err chunk_unzip(struct zipper *z, struct bytes zipped, struct buf *out) MUST_USE;

/* Same message: same times and content; result time and feature may be the receiver's addition. */
bool observation_same(const struct observation *a, const struct observation *b);
/* Nothing wrong with it: a kind, a finite number (0 or 1 for a bool), texts within limits. */
bool observation_valid(const struct observation *o);

#endif
