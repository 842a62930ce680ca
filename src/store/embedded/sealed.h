/*
 * sealed.h -- the container: sealed chunks, stream keys, entities and the journal's position, in
 * one SQLite file of the zone. What it is given is sealed already; it holds no key.
 *
 * ERR_CRYPTO: the file is damaged; ERR_LIMIT: it is as large as it may be; ERR_IO: all else.
 */
#ifndef STORE_EMBEDDED_SEALED_H
#define STORE_EMBEDDED_SEALED_H

#include "base/buf.h"
#include "store/embedded/keys.h"

/* The file says its format; a file of an earlier one is brought to this when it is opened. */
enum { SEALED_FORMAT = 2, ZONE_KEYS_SIZE = 2 * KEY_SIZE + SEAL_OVERHEAD };

struct sealed;

struct sealed_meta {
    uint32_t segment_count;
    uint64_t segment_bytes;
    uint64_t low;        /* the oldest segment that is not wholly sealed */
    uint64_t shred_upto; /* segments up to here hold points of a destroyed stream */
    uint8_t zone_keys[ZONE_KEYS_SIZE];
};

struct sealed_stream {
    uint32_t id; /* first what each append looks at: one line of the cache */
    bool erased;
    bool has_key;
    uint64_t sealed_n;
    uint64_t epoch; /* of the key that seals now */
    struct store_stream meta;
    int64_t key_from_us; /* that key was made then */
    uint64_t keys_destroyed;
    uint64_t keys_older; /* keys of earlier epochs that still have chunks */
    uint8_t wrapped[WRAPPED_SIZE];
};

struct chunk_row {
    int64_t id;
    uint32_t stream;
    uint64_t n0, n; /* its ordinals */
    uint64_t gaps;  /* so many of them hold nothing */
    int64_t t0, t1; /* least and greatest phenomenon time */
    int64_t r0, r1; /* of result times */
    uint64_t epoch;
    uint64_t bytes; /* of head and body, once it is there */
};

struct sealed_totals {
    uint64_t count, bytes;  /* count: of observations */
    int64_t t0, t1, r0, r1; /* valid when count > 0 */
};

/* Only between vfs_allow() and vfs_deny(). max_bytes bounds the file. */
enum err sealed_open(uint64_t max_bytes, struct sealed **out) MUST_USE;
void sealed_close(struct sealed *s);
struct sqlite3 *sealed_handle(struct sealed *s); /* for dump.c, which knows no table by heart */
uint64_t sealed_bytes(struct sealed *s);

enum err sealed_begin(struct sealed *s) MUST_USE;
enum err sealed_commit(struct sealed *s) MUST_USE; /* durable when OK */
void sealed_rollback(struct sealed *s);
/* A step of moving pages from the write-ahead file into the main one, if there are many. */
enum err sealed_backfill(struct sealed *s, bool *out_done) MUST_USE;
/* Move the write-ahead file into the main file and empty it: old pages are gone then. */
enum err sealed_checkpoint(struct sealed *s) MUST_USE;
/* While held, no commit moves pages, unless the write-ahead file is very large (docs/format.md). */
void sealed_hold(struct sealed *s, bool hold);

/* ERR_NOT_FOUND: a new file; ERR_UNSUPPORTED: a newer format. */
enum err sealed_get_meta(struct sealed *s, struct sealed_meta *out) MUST_USE;
enum err sealed_put_meta(struct sealed *s, const struct sealed_meta *meta) MUST_USE;

/* The frontier at the last cut of the leaves, and the length of their ring. ERR_NOT_FOUND: never.
 */
enum err sealed_get_cut(struct sealed *s, struct tree *out, uint64_t *out_ring) MUST_USE;
enum err sealed_put_cut(struct sealed *s, const struct tree *tree, uint64_t ring) MUST_USE;

enum err sealed_put_entity(struct sealed *s, uint8_t type, uint64_t id,
                           struct bytes record) MUST_USE;
typedef enum err sealed_entity_fn(void *ctx, uint8_t type, uint64_t id, struct bytes record);
enum err sealed_each_entity(struct sealed *s, sealed_entity_fn *each, void *ctx) MUST_USE;

enum err sealed_put_stream(struct sealed *s, const struct sealed_stream *st) MUST_USE;
/* The wrapped key of an epoch. ERR_NOT_FOUND: destroyed. */
enum err sealed_get_key(struct sealed *s, uint32_t stream, uint64_t epoch,
                        uint8_t out_wrapped[static WRAPPED_SIZE]) MUST_USE;
/* Delete the keys of epochs before this one that have no chunks, or with `all` every one. */
enum err sealed_drop_keys(struct sealed *s, uint32_t stream, uint64_t epoch, bool all,
                          uint32_t *out_dropped) MUST_USE;
typedef enum err sealed_stream_fn(void *ctx, const struct sealed_stream *st);
enum err sealed_each_stream(struct sealed *s, sealed_stream_fn *each, void *ctx) MUST_USE;

enum err sealed_put_chunk(struct sealed *s, const struct chunk_row *row, struct bytes head,
                          struct bytes body) MUST_USE;
enum err sealed_delete_chunk(struct sealed *s, int64_t id) MUST_USE;
/* Either buffer may be NULL; contents are appended. */
enum err sealed_get_chunk(struct sealed *s, int64_t id, struct buf *head,
                          struct buf *body) MUST_USE;
/* The chunk with the greatest n0 <= n. ERR_NOT_FOUND. */
enum err sealed_find_chunk(struct sealed *s, uint32_t stream, uint64_t n,
                           struct chunk_row *out) MUST_USE;

/* At most `most` chunks, the one with the greatest n0 first. */
enum err sealed_last_chunks(struct sealed *s, uint32_t stream, uint32_t most, struct chunk_row *out,
                            uint32_t *out_count) MUST_USE;

/*
 * Chunks with t0 < to_us and t1 >= from_us: by t0 upwards, or by t1 downwards, until `each`
 * answers false. `each` may read chunks.
 */
typedef bool sealed_chunk_fn(void *ctx, const struct chunk_row *row);
enum err sealed_each_chunk(struct sealed *s, uint32_t stream, int64_t from_us, int64_t to_us,
                           bool descending, sealed_chunk_fn *each, void *ctx) MUST_USE;

/* t0 of the first chunk that begins at or after this time. ERR_NOT_FOUND. */
enum err sealed_next_start(struct sealed *s, uint32_t stream, int64_t from_us,
                           int64_t *out_us) MUST_USE;

/* What an observation said before a correction. */
struct version_row {
    uint32_t stream;
    uint64_t n, seq; /* seq: of the correction; later ones are greater */
    int64_t t;       /* phenomenon time of what is kept here */
    uint64_t epoch;
};
/* One that is there already stays as it is. */
enum err sealed_put_version(struct sealed *s, const struct version_row *row,
                            struct bytes body) MUST_USE;
typedef enum err sealed_version_fn(void *ctx, const struct version_row *row, struct bytes body);
/* In order of seq, until one answers an error, which is the result. */
enum err sealed_each_version(struct sealed *s, uint32_t stream, uint64_t n, sealed_version_fn *each,
                             void *ctx) MUST_USE;
/* t of the one that expires first. ERR_NOT_FOUND. */
enum err sealed_first_version(struct sealed *s, uint32_t stream, int64_t *out_us) MUST_USE;
enum err sealed_drop_versions(struct sealed *s, uint32_t stream, uint64_t n) MUST_USE;

/* Delete at most `most` chunks that end before the cutoff, and as many versions. */
enum err sealed_expire(struct sealed *s, uint32_t stream, int64_t cutoff_us, uint32_t most,
                       uint32_t *out_deleted) MUST_USE;
enum err sealed_stream_totals(struct sealed *s, uint32_t stream,
                              struct sealed_totals *out) MUST_USE;

#endif
