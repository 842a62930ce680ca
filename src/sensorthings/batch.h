/*
 * batch.h -- inside this folder: observations of one stream, read in pieces.
 *
 * A store does not bear one range inside another, so whoever must read the store for each
 * observation takes them in copies, a batch at a time.
 */
#ifndef SENSORTHINGS_BATCH_H
#define SENSORTHINGS_BATCH_H

#include "base/arena.h"
#include "sensorthings/model.h"

enum {
    STA_BATCH_ROWS = 128,
    STA_BATCH_BYTES = 4 * STORE_TEXT_MAX, /* of texts, after which a batch ends */
};

struct sta_batch {
    struct store_range range; /* what is left; the caller sets bounds and direction at first */
    bool ended;
    uint32_t count;
    struct sta_batch_row {
        uint64_t n;
        struct observation o;
    } * rows; /* in the arena */
    struct arena *arena;
    size_t bytes;
    bool full; /* the arena */
};

/* The next rows; count 0 only at the end. ERR_LIMIT: the arena is full; else the store's error. */
enum err sta_batch_next(struct sta_batch *b, const struct sta_source *source, uint32_t stream,
                        struct arena *arena) MUST_USE;

#endif
