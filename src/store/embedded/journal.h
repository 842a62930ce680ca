/*
 * journal.h -- batches in a ring of pre-written segment files, each under a random key of its own.
 *
 * A segment's file is written full of zeros once and never grows, shrinks or moves. Using it
 * again means a new header (a new key, so what lay there is gone) and new batches from the
 * front; where they end is known by sequence number and authentication, never by length.
 *
 * J1  Segments have sequence numbers without gaps; a live one is never written over.
 * J2  A header is durable before the first batch behind it.
 * J3  A header says which batch comes first behind it and the frontier of the tree before it,
 *     so a segment cut short is noticed when there is a next one.
 * J4  At most the last batch can be torn: a whole batch behind a broken one is tampering.
 */
#ifndef STORE_EMBEDDED_JOURNAL_H
#define STORE_EMBEDDED_JOURNAL_H

#include "store/embedded/keys.h"
#include "store/embedded/tree.h"
#include "store/store.h"

enum {
    JOURNAL_SEGMENTS_MAX = 8,
    JOURNAL_ALIGN = 512,
    JOURNAL_FIRST = 4096,   /* the first batch's offset */
    JOURNAL_HEAD_SIZE = 24, /* magic, number, plain length */
    JOURNAL_PLAIN_MAX = STORE_BATCH_BYTES_MAX,
    JOURNAL_FRAME_MAX = JOURNAL_PLAIN_MAX + 1024,
    JOURNAL_PLAIN_AT = JOURNAL_HEAD_SIZE + SEAL_NONCE_SIZE, /* where a batch's plain bytes go */
};

struct segment {
    int fd;
    uint64_t sequence; /* 0: free */
    int64_t opened_us;
    bool clean; /* free, and its header is zeros */
};

struct journal {
    const char *zone;
    struct disk disk;
    struct random_source random;
    struct clock_source clock;
    struct keys *keys;
    uint32_t segment_count;
    uint64_t segment_bytes;
    struct segment segment[JOURNAL_SEGMENTS_MAX];
    uint64_t low;    /* the oldest live segment */
    uint64_t active; /* the one that is written; low .. active are live. 0: none yet */
    uint64_t offset; /* of the next batch in it */
    uint64_t next_batch;
    uint8_t *frame; /* JOURNAL_FRAME_MAX bytes; the batch is built at JOURNAL_PLAIN_AT */
};

/* Open the files (create: make and fill them first). Every fd was -1 before. ERR_IO. */
enum err journal_open(struct journal *j, int directory_fd, bool create) MUST_USE;
void journal_close(struct journal *j);

/* Called for every whole batch in order; plain bytes are borrowed. */
typedef enum err journal_batch_fn(void *ctx, uint64_t segment, struct bytes plain);

/*
 * Read all live segments from j->low on, and be ready to append. *tree goes in and out: it must
 * be what the batches made of it at each header. ERR_CRYPTO: bytes were changed; errors of each.
 */
enum err journal_replay(struct journal *j, struct tree *tree, journal_batch_fn *each,
                        void *ctx) MUST_USE;

/* True if a batch of so many plain bytes fits into the active segment. */
bool journal_fits(const struct journal *j, size_t plain);
uint32_t journal_free_count(const struct journal *j);
/* Start the next segment. ERR_LIMIT when none is free. */
enum err journal_advance(struct journal *j, const struct tree *tree) MUST_USE;
/* Seal, write and sync the batch that lies in the frame. It must fit. */
enum err journal_append(struct journal *j, size_t plain) MUST_USE;
/* Free the oldest segment: its key is overwritten. The caller has made j->low + 1 durable. */
enum err journal_recycle(struct journal *j) MUST_USE;
struct segment *journal_segment(struct journal *j, uint64_t sequence);

#endif
