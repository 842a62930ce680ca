/*
 * batch.h -- what one commit writes, as records in plain bytes. Pure.
 *
 * One way only to write each record, so what batch_next() accepts re-encodes to itself.
 * docs/format.md has the bytes.
 */
#ifndef STORE_EMBEDDED_BATCH_H
#define STORE_EMBEDDED_BATCH_H

#include "store/embedded/keys.h"
#include "store/store.h"

enum record_tag {
    RECORD_ENTITY = 1,
    RECORD_STREAM,
    RECORD_OBSERVATION,
    RECORD_LEAVES,
    RECORD_HEAD,
    RECORD_CORRECTION,
    RECORD_WITHDRAWAL
};
enum { BATCH_LEAF_SIZE = 32, BATCH_HEAD_MAX = 48 };

/* The writer's place; `max` bytes at p are the caller's. */
struct batch {
    uint8_t *p;
    size_t len, max;
    int64_t last_us; /* times are written as the step from the observation before */
};

struct record {
    enum record_tag tag;
    union {
        struct {
            uint8_t type;
            uint64_t id;
            struct bytes record;
        } entity;
        struct {
            uint32_t id;
            struct store_stream meta;
            struct bytes wrapped; /* WRAPPED_SIZE bytes */
        } stream;
        struct {
            uint32_t stream;
            uint64_t n;
            struct observation o; /* of a withdrawal: nothing */
            int64_t at_us;        /* of a correction: when it was made */
        } observation;            /* a correction and a withdrawal, too */
        struct bytes leaves;      /* a multiple of BATCH_LEAF_SIZE */
        struct {
            uint64_t size;
            struct bytes root; /* 32 bytes */
        } head;
    };
};

void batch_init(struct batch *b, uint8_t *p, size_t max);
/* ERR_LIMIT: no room; nothing was written. */
enum err batch_put(struct batch *b, const struct record *r) MUST_USE;

struct batch_reader {
    struct bytes left;
    int64_t last_us;
};
/* The next record; bytes point into the batch. ERR_MALFORMED; at the end ERR_NOT_FOUND. */
enum err batch_next(struct batch_reader *reader, struct record *out) MUST_USE;

#endif
