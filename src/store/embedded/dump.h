/*
 * dump.h -- a store as parts: rows of its container in a form of their own, and its leaves.
 *
 * A dump is taken of a snapshot, whose journal is empty. The rows that hold keys are apart, in
 * parts that say until when any of their keys is needed; whoever throws those away has destroyed
 * what they open, wherever the other parts lie. Parts of rows that did not change are the same
 * bytes again. What each byte means is in docs/format.md, Backup.
 */
#ifndef STORE_EMBEDDED_DUMP_H
#define STORE_EMBEDDED_DUMP_H

#include "base/buf.h"
#include "store/store.h"

enum {
    DUMP_PART_MAX = 16 * 1024 * 1024, /* no part is longer */
    DUMP_PART_AIM = 1024 * 1024,      /* where a part that is not the last of its rows ends */
    DUMP_PART_ROWS = 256,             /* numbers that belong together */
    DUMP_LEAVES_PIECE = 1024 * 1024,  /* of the file of leaves */
    DUMP_CUT_SIZE = 24 + 48 * 32, /* of the piece that says where they begin: no multiple of 32 */
};

/* The part's bytes are borrowed for the call. Another answer than OK ends the dump. */
typedef enum err dump_part_fn(void *ctx, struct bytes part);
/* The container without its keys: the first part makes the tables. */
enum err dump_rows(struct store *s, dump_part_fn *each, void *ctx) MUST_USE;
/* The keys, by the time (seconds since 1970) from which no part needs them; 0: always needed. */
typedef enum err dump_keys_fn(void *ctx, int64_t until_s, struct bytes part);
enum err dump_keys(struct store *s, int64_t now_s, dump_keys_fn *each, void *ctx) MUST_USE;
/*
 * The leaves that are kept, in pieces that end where a multiple of DUMP_LEAVES_PIECE bytes of all
 * leaves does; after a cut a piece that says where that was comes first. ERR_AGAIN: they do not
 * give the tree's head, for they were written over while they were read.
 */
enum err dump_leaves(struct store *s, dump_part_fn *each, void *ctx) MUST_USE;

/*
 * The tree of decisions at a size, from the leaves; sizes must not go down. ERR_NOT_FOUND: the
 * store holds fewer decisions; ERR_EXPIRED: those leaves are kept no more.
 */
struct dump_tree;
struct dump_tree *dump_tree_new(struct store *s); /* NULL: no memory */
void dump_tree_free(struct dump_tree *t);
enum err dump_tree_at(struct dump_tree *t, uint64_t size, uint8_t out_root[static 32]) MUST_USE;

/* Everything opened and decoded: each chunk and its statistics, each entity, each leaf. */
struct dump_verdict {
    uint64_t streams, observations, entities, decisions;
    char why[200]; /* what does not hold; empty: all does */
};
/* `progress` may be NULL; told after each stream. */
typedef void dump_progress_fn(void *ctx, const struct dump_verdict *so_far);
enum err dump_verify(struct store *s, dump_progress_fn *progress, void *ctx,
                     struct dump_verdict *out) MUST_USE;

/* What the first piece of leaves says, if it is such a piece. */
struct tree;
bool dump_cut_read(struct bytes piece, struct tree *out_tree, uint64_t *out_ring);

/* ---- the way back --------------------------------------------------------------------- */

struct undump;

/* Into an empty directory, which is no store until undump_finish(). */
enum err undump_open(const struct store_config *config, struct undump **out) MUST_USE;
/* Parts in any order but the tables first; of leaves in their order. ERR_MALFORMED: no part. */
enum err undump_part(struct undump *u, struct bytes part) MUST_USE;
enum err undump_leaves(struct undump *u, struct bytes piece) MUST_USE;
/*
 * Rows whose keys did not come are taken out, streams without any get a new one, and the journal
 * begins with the tree of the leaves. Then store_open() opens it.
 */
enum err undump_finish(struct undump *u) MUST_USE;
/* Also in the middle. */
void undump_close(struct undump *u);

#endif
