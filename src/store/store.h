/*
 * store.h -- where a zone's data lies. No engine's words leak through here.
 *
 * One writer, no threads. Calls that change something only build a batch; store_commit() makes
 * the batch durable and readable in one step. After a crash at any byte a batch is there whole
 * or not at all, and what was committed is there.
 *
 * What a store holds:
 *   entities      records by (type, id), small, all in memory of the caller; the store keeps bytes
 *   streams       series of observations, in order of n = 0, 1, 2, ...; each under its own
 *                 random key, so that destroying the key destroys the series
 *   decisions     one leaf per accepted or refused message in a Merkle tree (RFC 6962 hashing)
 *                 whose head the caller anchors in the ledger
 *
 * Engines: store/embedded (STACK sections 4-6: encrypted log of pre-written segments, sealed
 * chunks in SQLite). A distributed engine keeps this header.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/base.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"

enum {
    STORE_STREAMS_MAX = 65536,
    STORE_TYPE_MAX = 63,
    STORE_ENTITY_BYTES_MAX = 64 * 1024,
    STORE_TEXT_MAX = 16 * 1024, /* result text, and extra */
    STORE_BATCH_BYTES_MAX = 1024 * 1024,
    STORE_NAME_SIZE = 49,
};

struct store;

struct store_config {
    char zone[STORE_NAME_SIZE];
    int directory_fd;       /* opened by the supervisor; used only inside store_open() */
    uint8_t master_key[32]; /* wraps stream and segment keys; copied into locked memory */
    uint64_t disk_bytes;    /* the most that the store may take, at least 16 MiB; a quarter, at most
                               128 MiB, is journal. Beyond: ERR_LIMIT for new data */
    struct clock_source clock;
    struct random_source random;
    struct disk disk;
};

/*
 * Open or create, and recover. Everything that the store will ever open is opened here: after
 * the sandbox closes only reads, writes and fdatasync on open descriptors are used.
 * ERR_IO, ERR_NO_SPACE, ERR_READ_ONLY: the disk; ERR_CRYPTO: another key, or bytes were changed;
 * ERR_UNSUPPORTED: a newer format.
 */
enum err store_open(const struct store_config *config, struct store **out) MUST_USE;
void store_close(struct store *s);

/* The latest wall time that the store itself wrote down: it has passed. INT64_MIN: none. */
int64_t store_known_us(const struct store *s);

/* ---- entities ------------------------------------------------------------------------- */

/* Put (or with record.len == 0 delete) an entity, in the next commit. type 1..63: 1 to 15 are the
 * SensorThings types, 32 to 47 what MQTT keeps. */
enum err store_put_entity(struct store *s, uint8_t type, uint64_t id, struct bytes record) MUST_USE;

/* Every entity, in order of (type, id); for the caller to fill its memory at start. */
typedef void store_entity_fn(void *ctx, uint8_t type, uint64_t id, struct bytes record);
enum err store_each_entity(struct store *s, store_entity_fn *each, void *ctx) MUST_USE;

/* ---- streams -------------------------------------------------------------------------- */

struct store_stream {
    char class_name[STORE_NAME_SIZE]; /* data class of the charter */
    char site[STORE_NAME_SIZE];
    uint64_t keep_s; /* observations older than this are destroyed; 0: never */
    bool personal;
};

/* A new stream with a key of its own, in the next commit. ERR_EXISTS, ERR_LIMIT. */
enum err store_add_stream(struct store *s, uint32_t stream,
                          const struct store_stream *meta) MUST_USE;

/*
 * How long observations of a class are kept from now on: the charter in force says it, whatever
 * the streams were made under. For this opening of the store only: say it after each store_open().
 */
void store_keep_class(struct store *s, const char *class_name, uint64_t keep_s);

enum result_kind { RESULT_NUMBER = 1, RESULT_BOOL, RESULT_TEXT, RESULT_JSON };

/* One observation. Pointers are borrowed for the call (append) or for the callback (range). */
struct observation {
    int64_t time_us;        /* phenomenonTime, its start */
    int64_t time_end_us;    /* its end; equal to time_us for an instant */
    int64_t result_time_us; /* resultTime */
    enum result_kind kind;
    double number;       /* RESULT_NUMBER; RESULT_BOOL as 0 or 1 */
    struct bytes text;   /* RESULT_TEXT: UTF-8; RESULT_JSON: JSON text */
    struct bytes extra;  /* JSON object text with resultQuality, validTime, parameters; or empty */
    uint64_t feature_id; /* FeatureOfInterest; 0: none */
};

/*
 * Append, in the next commit; *out_n is its ordinal in the stream. With `once`, an observation
 * of the same stream with the same times, kind, result and extra is the same message (resultTime
 * and feature do not count: the receiver may have added them): ERR_EXISTS, and *out_n is the
 * ordinal that it has already (in the batch too).
 * ERR_NOT_FOUND: no such stream; ERR_EXPIRED: destroyed; ERR_MALFORMED: not finite, a bool that
 * is not 0 or 1, a text beside a number, a text too long; ERR_LIMIT: batch, memory or disk full.
 */
enum err store_append(struct store *s, uint32_t stream, const struct observation *o, bool once,
                      uint64_t *out_n) MUST_USE;

struct store_span {
    uint64_t count;
    int64_t first_us, last_us; /* phenomenon times; valid when count > 0 */
    int64_t first_result_us, last_result_us;
};
/* What a stream holds (committed). ERR_NOT_FOUND for a stream that was never added. */
enum err store_span(struct store *s, uint32_t stream, struct store_span *out) MUST_USE;

/* One observation; its bytes are borrowed until the next call. ERR_NOT_FOUND, ERR_EXPIRED. */
enum err store_get(struct store *s, uint32_t stream, uint64_t n, struct observation *out) MUST_USE;

/*
 * Observations with from_us <= time_us < to_us in order of (time_us, n), descending on wish, until
 * `each` answers false. Starts after the observation (after_us, after_n) when `after` is set:
 * that is how paging continues. ERR_EXPIRED when the stream's key was destroyed. What is older
 * than keep_s is not answered, deleted yet or not. `each` must not change the store.
 */
struct store_range {
    int64_t from_us, to_us;
    bool descending;
    bool after;
    int64_t after_us;
    uint64_t after_n;
};
typedef bool store_observation_fn(void *ctx, uint64_t n, const struct observation *o);
enum err store_range(struct store *s, uint32_t stream, const struct store_range *range,
                     store_observation_fn *each, void *ctx) MUST_USE;

struct store_aggregate {
    uint64_t count; /* of numbers */
    double min, max, sum;
};
enum err store_aggregate(struct store *s, uint32_t stream, int64_t from_us, int64_t to_us,
                         struct store_aggregate *out) MUST_USE;

/*
 * Corrections, in the next commit. The observation answers as `o` from then on (its time may be
 * another one: ranges, spans, rollups and pages follow), under the same ordinal; what it said
 * before is kept as a version until it expires. ERR_NOT_FOUND, ERR_EXPIRED, and as store_append().
 */
enum err store_correct(struct store *s, uint32_t stream, uint64_t n,
                       const struct observation *o) MUST_USE;
/* Taken back, in the next commit: it is answered and counted no more; the next merge of its chunk
 * leaves no byte of it or of its versions. ERR_NOT_FOUND. */
enum err store_withdraw(struct store *s, uint32_t stream, uint64_t n) MUST_USE;
/* What an observation said before, oldest first, with the time of each correction. */
typedef bool store_version_fn(void *ctx, int64_t corrected_us, const struct observation *was);
enum err store_versions(struct store *s, uint32_t stream, uint64_t n, store_version_fn *each,
                        void *ctx) MUST_USE;

/*
 * Rollups of numbers, made at ingest: every minute, hour or day (UTC) that holds a number, in order
 * of time, from_us <= start < to_us; late data, corrections and withdrawals are in them.
 */
enum store_step { STORE_MINUTE = 1, STORE_HOUR, STORE_DAY };
struct store_rollup {
    int64_t start_us;
    uint64_t count;
    double min, max, sum, first, last; /* first and last by (time_us, n) */
};
typedef bool store_rollup_fn(void *ctx, const struct store_rollup *r);
enum err store_rollups(struct store *s, uint32_t stream, enum store_step step, int64_t from_us,
                       int64_t to_us, store_rollup_fn *each, void *ctx) MUST_USE;

/*
 * Commit what is pending, then destroy the stream's key, durably, at once; the stream is empty
 * for good and its number is never used again. Journal segments that still hold its points are
 * sealed without them and their keys overwritten in the next calls of store_maintain().
 */
enum err store_erase_stream(struct store *s, uint32_t stream) MUST_USE;

/* ---- decisions ------------------------------------------------------------------------ */

/*
 * One leaf in the next commit. `record` says what was decided, in words that hold no personal
 * data beyond what the zone holds anyway; the tree holds a keyed commitment to it, not the words.
 */
enum err store_decide(struct store *s, struct bytes record) MUST_USE;

/* Size and root of the tree of all committed decisions. */
void store_head(const struct store *s, uint64_t *out_size, uint8_t out_root[static 32]);
/* The size alone, which costs no hash. */
uint64_t store_head_size(const struct store *s);

/* ---- durability and upkeep ------------------------------------------------------------ */

/* Make the batch durable. On any error nothing of the batch can be read, and the store says the
 * same error to every later change until it is opened anew (fail closed: a disk that lied once is
 * not trusted); then the batch may turn out to be there, whole. */
enum err store_commit(struct store *s) MUST_USE;
/* Forget the batch. */
void store_abandon(struct store *s);
/* True if a commit would have something to write. */
bool store_dirty(const struct store *s);

/*
 * Bounded background work (sealing, recycling, expiry); call when idle and at least every
 * second. Sets *out_more when there is more to do now. ERR_LIMIT and ERR_NO_SPACE: the sealed part
 * is full, and what fits into the journal is taken still; after any other error the store is dead.
 */
enum err store_maintain(struct store *s, bool *out_more) MUST_USE;

/*
 * A copy of the store's files is being made from outside: for so long nothing is moved from the
 * write-ahead part into the main part, so that the main part stands still, unless the write-ahead
 * part grows too large or a key must be gone at once. 0: no longer. Nothing else waits.
 */
void store_hold(struct store *s, uint32_t ms);

/* One line per file or copy, for `bulkhead where`. */
struct store_copy {
    const char *file;       /* relative to the zone's directory */
    const char *class_name; /* "" where classes share a file under keys of their own */
    const char *site;
    uint64_t bytes;
    uint64_t keys_live, keys_destroyed;
    int64_t expires_us; /* the next expiry; 0: none */
};
typedef void store_copy_fn(void *ctx, const struct store_copy *copy);
enum err store_each_copy(struct store *s, store_copy_fn *each, void *ctx) MUST_USE;

#endif
