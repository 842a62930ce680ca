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
#include "store/embedded/head.h"
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
    SEAL_STEP_MS = 4,         /* of one step of upkeep, before it is made durable */
    SEAL_STEP_UNITS = 2048,   /* at most; a chunk is eight */
    SMALL_CHUNKS = 8,
    LEAVES_STEP = 32 * 1024,  /* synced before they are too many for one step */
    LEAVES_PIECE = 32 * 1024, /* a ring of leaves is so many times a number, for dump.c */
    LEAVES_RING_MIN = 4 * LEAVES_PIECE,
    LEAVES_RING_MAX = 4 * 1024 * 1024,
    EXPIRE_STREAMS = 256, /* looked at in one step */
    EXPIRE_CHUNKS = 64,   /* deleted in one step */
    EXPIRE_TURN = 8,      /* a busy zone looks for them each so many steps */
    CACHE_CHUNKS = 12,
    EDITS_MAX = 64 * 1024, /* in memory: corrections and withdrawals of what is sealed, versions */
    BATCH_EDITS_MAX = 4096,
    ROLLUP_BUCKETS = 2048, /* made at a time */
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

/* What a sealed observation is now, until its chunk is written anew. */
struct patch {
    uint64_t n;
    uint64_t segment; /* of the batch that said so */
    struct point now; /* a gap: withdrawn */
    bool folded;      /* into a chunk, in the open transaction */
};

/* What an observation said before a correction, until that is in the container. */
struct version {
    uint64_t n, seq;
    uint64_t segment;
    int64_t at_us;
    struct point was;
    bool written; /* in the open transaction */
};

/* Of one stream; most have none. */
struct edits {
    struct patch *patch; /* in order of n */
    uint32_t patch_count, patch_capacity;
    struct version *version; /* in order of seq */
    uint32_t version_count, version_capacity;
};

/* Of the batch that is being built. */
struct pending_edit {
    uint32_t stream_index;
    uint64_t n;
    int64_t at_us;
    struct point now; /* a gap: withdrawn */
};

struct stream {
    struct point *tail; /* what each append looks at comes first: a few lines of the cache */
    uint32_t tail_count, tail_capacity;
    uint32_t pending;  /* at the end of the tail, not committed */
    uint32_t sealing;  /* at its front, sealed in the open transaction */
    int64_t newest_us; /* no observation, pending or not, is later */
    bool stored;       /* the row is in the container */
    bool committed;    /* false: added in the batch that is being built */
    bool queued;       /* in the queue of full tails */
    bool sweep;        /* erased, and chunks are still to be deleted */
    bool changed;      /* in the open transaction */
    bool span_stale;   /* the first or last of the span was taken back */
    struct store_span span;
    struct sealed_stream row; /* sealed_n is the n of tail[0] */
    uint64_t sealed_count;    /* in chunks */
    bool small_known;         /* the two below are right */
    uint8_t small_count;      /* chunks at the stream's end that are not full */
    uint32_t small_points;    /* in them */
    struct edits *edits;      /* NULL: none */
    int64_t version_us;       /* time of the version that expires first; INT64_MAX: none */
};

/* The id stands here too: looking for a stream touches no other. */
struct stream_slot {
    uint32_t id, index_1; /* index + 1; 0: free */
};

struct hot_entity {
    uint8_t type;
    uint64_t id;
    uint8_t *record; /* owned */
    size_t len;
};

struct decoded {
    int64_t id; /* of the chunk's row; 0: nothing here */
    uint32_t stream;
    uint64_t n0;
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

    struct tree tree;         /* of committed decisions */
    struct tree cut, cutting; /* of those whose leaves are kept no more; on its way there */
    uint64_t ring;            /* leaves that the file holds; 0: it was never cut */
    struct batch batch;
    uint8_t *leaves; /* of the batch; room for a whole batch of them */
    size_t leaf_count;

    struct stream *stream;
    uint32_t stream_count;
    uint32_t streams_pending;
    struct stream_slot *hash; /* by id */
    uint64_t *oldest;         /* by stream index: segment of its first committed tail point, or 0 */
    uint32_t *touched;        /* streams with pending observations */
    uint32_t touched_count;
    uint32_t *queue; /* ring of streams with a full tail */
    uint32_t queue_head, queue_count;
    uint32_t streams_unstored; /* committed, but not in the container ... */
    uint32_t unstored_from;    /* ... none before this one */
    uint64_t tail_points, tail_bytes;

    struct hot_entity *hot; /* in order of arrival; the last hot_pending are not committed */
    size_t hot_count, hot_capacity, hot_pending;

    struct edits *edits_place; /* by stream index: where its edits are, if it has any */
    struct pending_edit *edit; /* BATCH_EDITS_MAX; of the batch */
    uint32_t edit_count;
    uint64_t edits_held; /* patches and versions in memory */

    struct decoded cache[CACHE_CHUNKS];
    uint64_t cache_clock;
    struct observation *scratch; /* CHUNK_POINTS_MAX */
    struct key_time *window;     /* WINDOW_KEYS, for range */
    struct bucket *bucket;       /* ROLLUP_BUCKETS */
    struct head chunk_head;      /* the last one that was read or written */
    struct buf plain, zipped, body, head;
    uint32_t *changed; /* streams sealed in the open transaction */
    uint32_t changed_count;
    uint32_t seal_cursor, expire_cursor;
    uint64_t step_until_ms; /* of the open transaction */
    uint32_t step_units, storing_to, steps;
    size_t hot_sealing;
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
enum err point_new(struct store *s, const struct observation *o, struct point *out) MUST_USE;
void point_fini(struct store *s, struct point *p); /* what is left is a gap */
static inline bool
point_gap(const struct point *p)
{
    return p->kind == CHUNK_GAP;
}
enum err tail_push(struct store *s, struct stream *st, const struct observation *o) MUST_USE;
void tail_pop(struct store *s, struct stream *st, uint32_t count);
void tail_shift(struct store *s, struct stream *st, uint32_t count);
/* The last `count` points become committed, in this segment. */
void tail_commit(struct store *s, struct stream *st, uint32_t count, uint64_t segment);
void span_add(struct store_span *span, const struct observation *o);
enum err edits_room(struct edits *edits) MUST_USE; /* for one more of each */
/* After a change of the tail or the edits: the oldest segment that the stream still needs. */
void stream_oldest(struct store *s, struct stream *st);
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
enum err store_room(const struct store *s) MUST_USE; /* for new data */

/* sealing.c: from tails into the container. */
bool step_over(const struct store *s); /* the open transaction has done enough */
enum err seal_step(struct store *s, uint64_t target, bool *out_more) MUST_USE;
enum err seal_recycle(struct store *s, bool *out_done) MUST_USE;
enum err seal_leaves(struct store *s) MUST_USE; /* make their file durable */
/* The store is dead after any error of the container but that it, or the disk, is full. */
void container_failed(struct store *s, enum err e);
/* Segments up to this one are to be sealed; 0: none. *out_leave: the active one to its end. */
uint64_t seal_target(struct store *s, bool *out_leave);
/* The chunk without what is before the cutoff. A transaction of its own. */
enum err seal_trim(struct store *s, struct stream *st, const struct chunk_row *row,
                   int64_t cutoff_us) MUST_USE;
enum err seal_entities_now(struct store *s) MUST_USE;
enum err seal_edits_now(struct store *s) MUST_USE;

/* leaves.c */
uint64_t leaves_ring(const struct store *s);                 /* the length it has, or will have */
uint64_t leaves_bytes(const struct store *s, uint64_t size); /* on disk, of so many decisions */
uint64_t leaves_end(const struct store *s);                  /* so long is the file at least */
enum err leaves_write(struct store *s, uint64_t n, struct bytes leaves) MUST_USE;
enum err leaves_read(struct store *s, uint64_t n, size_t count, uint8_t *to) MUST_USE;
enum err leaves_cut_step(struct store *s, bool *out_more) MUST_USE;
enum err leaves_room(struct store *s, uint64_t size) MUST_USE; /* now, for a tree of this size */

/* edits.c: corrections and withdrawals. */
enum { EDIT_SEQ_BITS = 16 };
/* Later edits have greater numbers, and an edit has the same one when it is replayed. */
static inline uint64_t
edit_seq(uint64_t batch, uint32_t index)
{
    return batch << EDIT_SEQ_BITS | index;
}
enum err edits_commit(struct store *s, uint64_t batch) MUST_USE; /* those of the batch */
void edits_abandon(struct store *s);
/* Takes edit->now. Nothing happens when the observation is there no more. */
enum err edit_apply(struct store *s, const struct pending_edit *edit, uint64_t seq,
                    uint64_t segment) MUST_USE;
const struct patch *patch_find(const struct stream *st, uint64_t n); /* NULL */
/* The patches of n0 .. n0 + n - 1 that are in no chunk yet: their first index and how many. */
uint32_t patches_of(const struct stream *st, uint64_t n0, uint64_t n, uint32_t *out_first);
/* After the transaction: what was written leaves the memory, or with !ok stays there. */
void edits_settle(struct store *s, struct stream *st, bool ok);
void edits_drop(struct store *s, struct stream *st);
uint64_t edits_oldest(const struct stream *st); /* segment; 0: none */
/* Versions of n0 .. n0 + n - 1 into the container, under the key of this epoch. */
enum err versions_write(struct store *s, struct stream *st, uint64_t n0, uint64_t n,
                        uint64_t epoch) MUST_USE;
enum err span_recount(struct store *s, struct stream *st) MUST_USE;

/* fold.c: chunks written anew with what was corrected and without what was withdrawn. */
/* The chunk as it is now, to scratch + at; its versions are written. */
enum err fold_load(struct store *s, struct stream *st, const struct chunk_row *row,
                   size_t at) MUST_USE;
/* All patches of the stream, or as many as a step takes. */
enum err fold_stream(struct store *s, struct stream *st) MUST_USE;
/* `count` observations of scratch, as of n0; nothing is written for gaps only. */
enum err fold_trim(struct store *s, struct stream *st, const struct chunk_row *row,
                   int64_t cutoff_us) MUST_USE;
enum err chunk_write(struct store *s, const struct stream *st, uint64_t n0, size_t from,
                     size_t count, uint64_t epoch) MUST_USE;

/* query.c */
enum err chunk_load(struct store *s, const struct stream *st, const struct chunk_row *row,
                    struct decoded **out) MUST_USE;
void cache_forget(struct store *s, int64_t id); /* 0: all */
enum err chunk_key(struct store *s, const struct stream *st, uint64_t epoch,
                   const uint8_t **out) MUST_USE;
/* The sums and buckets of a chunk, to s->chunk_head. */
enum err chunk_head_load(struct store *s, const struct stream *st,
                         const struct chunk_row *row) MUST_USE;
/* What n says now, pending points too. ERR_NOT_FOUND. Bytes are borrowed. */
enum err observation_now(struct store *s, const struct stream *st, uint64_t n,
                         struct observation *out) MUST_USE;
/* The stream, if it may be read. */
enum err stream_readable(struct store *s, uint32_t id, struct stream **out) MUST_USE;
int64_t stream_not_before(const struct store *s, const struct stream *st);
/* The ordinal of the same message, if the stream has it. ERR_NOT_FOUND. */
enum err find_same(struct store *s, struct stream *st, const struct observation *o,
                   uint64_t *out_n) MUST_USE;
struct seal_name chunk_name(const struct store *s, enum seal_use use, const struct chunk_row *row);

#endif
