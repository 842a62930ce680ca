/*
 * log.h -- one append-only log over four files that the caller opened.
 *
 *   entries      every entry behind its length (16 bits, big-endian): all bundles, end to end
 *   offsets      per entry, 8 bytes big-endian: where it ends in `entries`
 *   hashes       the complete nodes of the tree in the order of tree.h, 32 bytes each
 *   checkpoint   two slots of LOG_SLOT_SIZE bytes, written in turn, so that a torn write leaves the
 * older: "BHCKPT1\n", generation (8 bytes), length (4), signed note, SHA-256 of all that
 *
 * What a crash leaves behind:
 *   L1  log_commit() returned OK: the entries and their hashes are durable (two fdatasyncs).
 *   L2  An entry counts when its bytes and every hash that it completed are in the files and agree.
 *       Recovery starts at the newest whole checkpoint and counts on until one does not; so a torn
 * batch may leave its first entries, whole, at the place where they would have been. L3  Hashes
 * behind the last entry that counts are overwritten with zeros, so that nothing stale can count
 * later. No file is ever made shorter. L4  Before a checkpoint is written everything under it is
 * durable, the offsets too. Files that hold less than the newest checkpoint says, or something
 * else, are ERR_CRYPTO: fail closed. L5  After a failed write or sync nothing is appended or signed
 * until the log is opened anew. What recovery then counts it writes again: after a failed sync the
 * bytes may stand in the kernel's memory only, and another sync would not write them. L6  The last
 * LOG_LOOKED_AT entries are compared with the tree at every start; all of them by log_check().
 *
 * A log opened `read_only` (by a tool, while the ledger runs) writes nothing and ends at the newest
 * checkpoint: what lies below never changes.
 */
#ifndef LEDGER_LOG_H
#define LEDGER_LOG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/disk.h"
#include "ledger/checkpoint.h"
#include "ledger/tiles.h"
#include "ledger/tree.h"

enum {
    LOG_ENTRY_BYTES_MAX = 16384,
    LOG_BATCH_ENTRIES_MAX = 1024,
    LOG_BATCH_BYTES_MAX = 1024 * 1024,
    LOG_BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + LOG_ENTRY_BYTES_MAX),
    LOG_SLOT_SIZE = 4096,
    LOG_LOOKED_AT = 4096, /* entries that every start reads: some 10 ms */
};

struct log_config {
    struct disk disk;
    int entries_fd, offsets_fd, hashes_fd, checkpoint_fd;
    const char *origin;     /* also the key's name; borrowed while the log is open */
    uint8_t public_key[32]; /* checkpoints are verified with it */
    bool read_only;
};

struct log {
    struct log_config config;
    struct tree_edge edge;    /* of what is durable */
    uint64_t entries_end;     /* bytes of `entries` that count */
    struct tree_edge pending; /* with the batch */
    struct buf batch_entries, batch_offsets, batch_hashes;
    struct checkpoint signed_checkpoint; /* the newest; origin empty: none yet */
    struct buf note;
    uint64_t generation; /* of the newest slot; 0: none */
    enum err failed;     /* why nothing is appended or signed any more; OK: nothing is wrong */
};

/* Recover. ERR_IO; ERR_CRYPTO (L4, another key, another origin). */
enum err log_open(struct log *l, const struct log_config *config) MUST_USE;
/* Frees memory; the descriptors stay the caller's. */
void log_close(struct log *l);

/*
 * Into the batch; *out_index is where it will stand. ERR_LIMIT: the batch is full, commit first;
 * ERR_MALFORMED: empty or longer than LOG_ENTRY_BYTES_MAX; ERR_IO: failed before (L5).
 */
enum err log_append(struct log *l, struct bytes entry, uint64_t *out_index) MUST_USE;
/* Make the batch durable; nothing to do is OK. On ERR_IO none of the batch may be acknowledged. */
enum err log_commit(struct log *l) MUST_USE;
static inline bool
log_dirty(const struct log *l)
{
    return l->pending.size != l->edge.size;
}

/*
 * Sign what is durable now and keep the checkpoint. Does nothing when size and extension lines
 * are those of the newest one. The caller says how often.
 */
enum err log_sign(struct log *l, const uint8_t secret[static 64], const char *extension) MUST_USE;
/* The newest signed note; empty before the first. */
static inline struct bytes
log_note(const struct log *l)
{
    return buf_bytes(&l->note);
}

/*
 * Entries [from, to) are those of which the tree has the hashes; the right edge of the tree was
 * compared with the checkpoint when the log was opened. ERR_CRYPTO: somebody wrote in the files.
 */
enum err log_check(const struct log *l, uint64_t from, uint64_t to) MUST_USE;

/* Durable entries. */
static inline uint64_t
log_size(const struct log *l)
{
    return l->edge.size;
}
void log_root(const struct log *l, struct tree_hash *out);

/* Append entry `index`, without its length. ERR_NOT_FOUND, ERR_IO; ERR_CRYPTO: no entry is there.
 */
enum err log_put_entry(const struct log *l, uint64_t index, struct buf *out) MUST_USE;
/* The bytes of a tile or bundle. ERR_NOT_FOUND when the log is not that large. */
enum err log_put_tile(const struct log *l, const struct tile *t, struct buf *out) MUST_USE;
/* The stored nodes, for proofs. Good while the log is open. */
struct tree_reader log_reader(const struct log *l);

#endif
