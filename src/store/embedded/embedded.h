/*
 * embedded.h -- the inside of a store: what its files share.
 *
 * E1  An observation lies in the journal's live segments, or in a chunk, or in both; it counts
 *     once, because a stream's sealed_n is written in the same transaction as the chunk.
 * E2  A stream's tail holds its observations from sealed_n on, in order of n: first the
 *     committed ones, then `pending` ones of the batch.
 * E3  The oldest segment is freed when no tail, no new entity and no new stream is in it and the
 *     container and the leaves are durable.
 */
#ifndef STORE_EMBEDDED_EMBEDDED_H
#define STORE_EMBEDDED_EMBEDDED_H

#include "store/embedded/batch.h"
#include "store/embedded/chunk.h"
#include "store/embedded/journal.h"
#include "store/embedded/keys.h"
#include "store/embedded/sealed.h"
#include "store/embedded/tree.h"
#include "store/store.h"

enum {
    TAIL_POINTS_MAX = 1024 * 1024, /* unsealed observations in memory */
    TAIL_BYTES_MAX =
        64 * 1024 * 1024, /* of their texts, and of entities not yet in the container */
    HASH_SIZE = 4 * STORE_STREAMS_MAX,
    SEAL_AGE_S = 15 * 60,
    KEY_SPANS = 8,            /* a key seals for an eighth of the time that data are kept ... */
    KEY_SPAN_MIN_S = 60 * 60, /* ... but an hour at least */
    CHECKPOINT_S = 60,        /* after keys were destroyed, old pages go at most this often */
    SEAL_STEP_CHUNKS = 256,   /* in one step of upkeep */
    SEAL_STEP_MS = 8,
    LEAVES_STEP = 32 * 1024, /* synced before they are too many for one step */
    EXPIRE_STREAMS = 256,    /* looked at in one step */
    EXPIRE_CHUNKS = 64,      /* deleted in one step */
    CACHE_CHUNKS = 4,
    SEGMENT_BYTES_MAX = 16 * 1024 * 1024,
    SEGMENT_BYTES_MIN = 2 * 1024 * 1024,
};

/* What few observations have. */
struct more {
    int64_t time_end_us;
    uint32_t text_len, extra_len;
    uint8_t bytes[];
};

struct point {
    int64_t time_us, result_us;
    double number;
    uint64_t feature_id;
    struct more *more; /* owned; NULL for an instant without text and extra */
    uint32_t segment;  /* low bits of its segment's sequence number */
    uint8_t kind;
};

struct stream {
    struct sealed_stream row; /* sealed_n is the n of tail[0] */
    bool stored;              /* the row is in the container */
    bool committed;           /* false: added in the batch that is being built */
    bool queued;              /* in the queue of full tails */
    bool sweep;               /* erased, and chunks are still to be deleted */
    struct point *tail;
    uint32_t tail_count, tail_capacity;
    uint32_t pending;      /* at the end of the tail, not committed */
    uint32_t sealing;      /* at its front, sealed in the open transaction */
    int64_t newest_us;     /* no observation, pending or not, is later */
    uint64_t sealed_count; /* in chunks */
    struct store_span span;
};

struct hot_entity {
    uint8_t type;
    uint64_t id;
    uint8_t *record; /* owned */
    size_t len;
};

struct decoded {
    int64_t id;    /* of the chunk's row; 0: nothing here */
    uint64_t used; /* for least recently used */
    size_t count;
    struct observation *o; /* CHUNK_POINTS_MAX */
    struct buf plain;      /* their texts point into it */
};

struct key_time {
    int64_t time_us;
    uint64_t n;
    int64_t chunk; /* 0: in the tail */
    uint64_t n0;
};

struct store {
    struct store_config config;
    enum err dead; /* why nothing more is promised until the store is opened anew; OK: alive */
    struct keys *keys;
    struct sealed *sealed;
    struct sealed_meta meta;
    struct journal journal;
    struct zipper *zipper;
    int leaves_fd;
    uint64_t leaves_synced; /* so many leaves are durable in their file */

    struct tree tree; /* of committed decisions */
    struct batch batch;
    uint8_t *leaves; /* of the batch; room for a whole batch of them */
    size_t leaf_count;

    struct stream *stream;
    uint32_t stream_count;
    uint32_t streams_pending;
    uint32_t *hash;    /* stream index + 1, by id */
    uint64_t *oldest;  /* by stream index: segment of its first committed tail point, or 0 */
    uint32_t *touched; /* streams with pending observations */
    uint32_t touched_count;
    uint32_t *queue; /* ring of streams with a full tail */
    uint32_t queue_head, queue_count;
    uint32_t streams_unstored; /* committed, but not in the container */
    uint64_t tail_points, tail_bytes;

    struct hot_entity *hot; /* in order of arrival; the last hot_pending are not committed */
    size_t hot_count, hot_capacity, hot_pending;

    struct decoded cache[CACHE_CHUNKS];
    uint64_t cache_clock;
    struct observation *scratch; /* CHUNK_POINTS_MAX */
    struct key_time *window;     /* WINDOW_KEYS, for range */
    struct buf plain, zipped, body, head;
    uint32_t *changed; /* streams sealed in the open transaction */
    uint32_t changed_count;
    uint32_t seal_cursor, expire_cursor;
    bool keys_dropped; /* and old pages of the container may still hold them */
    int64_t checkpoint_us;
    uint64_t hold_until_ms; /* the container's main file stands still until then; 0: it need not */
    uint64_t disk_used;     /* container, as of the last upkeep */
};

enum { WINDOW_KEYS = 4 * CHUNK_POINTS_MAX };

/* streams.c: the table and the tails. */
struct stream *streams_find(const struct store *s, uint32_t id);              /* NULL */
struct stream *streams_add(struct store *s, const struct sealed_stream *row); /* NULL: no room */
void streams_drop_last(struct store *s, uint32_t count);
uint32_t stream_index(const struct store *s, const struct stream *st);
struct observation point_observation(const struct point *p);
enum err tail_push(struct store *s, struct stream *st, const struct observation *o) MUST_USE;
void tail_pop(struct store *s, struct stream *st, uint32_t count);
void tail_shift(struct store *s, struct stream *st, uint32_t count);
/* The last `count` points become committed, in this segment. */
void tail_commit(struct store *s, struct stream *st, uint32_t count, uint64_t segment);
void span_add(struct store_span *span, const struct observation *o);
static inline uint32_t
tail_committed(const struct stream *st)
{
    return st->tail_count - st->pending;
}
static inline uint64_t
stream_next_n(const struct stream *st)
{
    return st->row.sealed_n + st->tail_count;
}
/* A new random key for what is sealed from now on; memory first, with the next chunk durable. */
void stream_new_key(struct store *s, struct stream *st);
struct seal_name stream_key_name(const struct store *s, const struct sealed_stream *row);

/* store.c */
enum err hot_push(struct store *s, uint8_t type, uint64_t id, struct bytes record) MUST_USE;
void batch_restart(struct store *s);

/* sealing.c: from tails into the container. */
enum err seal_hot(struct store *s) MUST_USE; /* new streams and entities, in an open transaction */
enum err seal_step(struct store *s, uint64_t target, bool *out_more) MUST_USE;
enum err seal_recycle(struct store *s, bool *out_done) MUST_USE;
enum err seal_leaves(struct store *s) MUST_USE; /* make their file durable */
/* The store is dead after any error of the container but that it, or the disk, is full. */
void container_failed(struct store *s, enum err e);
/* Segments up to this one are to be sealed; 0: none. *out_leave: the active one to its end. */
uint64_t seal_target(struct store *s, bool *out_leave);
enum err seal_entities_now(struct store *s) MUST_USE;

/* query.c */
enum err chunk_load(struct store *s, const struct stream *st, const struct chunk_row *row,
                    struct decoded **out) MUST_USE;
void cache_forget(struct store *s, int64_t id); /* 0: all */
/* The ordinal of the same message, if the stream has it. ERR_NOT_FOUND. */
enum err find_same(struct store *s, struct stream *st, const struct observation *o,
                   uint64_t *out_n) MUST_USE;
struct seal_name chunk_name(const struct store *s, enum seal_use use, const struct chunk_row *row);

/* Statistics of a chunk, sealed in its row. */
enum { CHUNK_HEAD_SIZE = 32 };
void chunk_head_put(uint8_t out[static CHUNK_HEAD_SIZE], const struct store_aggregate *a);
void aggregate_add(struct store_aggregate *a, const struct observation *o);

#endif
