/*
 * witness.h -- what a witness decides (c2sp.org/tlog-witness v1.0.0). Pure but for keep().
 *
 * W1  A log only grows: what is cosigned continues what was cosigned before it, or nothing is said.
 * W2  keep() made the new state durable before the cosignature leaves; when it fails, nothing
 * leaves and the witness ends, because a disk that lied once is not asked again. W3  A submission
 * is checked and kept in one call of one thread: no other comes in between, so a later one is
 * always held against the state that an earlier one left.
 */
#ifndef WITNESS_WITNESS_H
#define WITNESS_WITNESS_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/cosignature.h"
#include "ledger/tree.h"

enum {
    WITNESS_LOGS_MAX = 64,
    WITNESS_FILE_SIZE = 65, /* 64 hexadecimal digits and an end: SHA-256 of the origin */
    WITNESS_NOTE_MAX = 4096,
};

/* A log that is witnessed, and the newest checkpoint that was cosigned. */
struct witness_log {
    char origin[NOTE_KEY_NAME_MAX + 1]; /* also the name of its key */
    uint8_t key[32];
    char file[WITNESS_FILE_SIZE];
    uint64_t size; /* 0 and the empty tree's root when nothing was cosigned yet */
    struct tree_hash root;
    struct buf note; /* checkpoint, the log's signature, ours; empty when there is none */
};

struct witness {
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    const uint8_t *secret; /* 64 bytes, the caller's */
    struct witness_log logs[WITNESS_LOGS_MAX];
    size_t logs_count;
    /* Make this note the content of `file`, durably. */
    enum err (*keep)(void *ctx, const char *file, struct bytes note);
    void *ctx;
    bool failed; /* W2: end now */
};

/* A log by its verifier key. ERR_MALFORMED; ERR_LIMIT; ERR_EXISTS: this origin is there already. */
enum err witness_add_log(struct witness *w, struct bytes verifier_key) MUST_USE;

/*
 * Take up what was kept before. ERR_CRYPTO unless log and witness signed it: then somebody wrote
 * here, or a key was exchanged, and the witness must not start.
 */
enum err witness_restore(struct witness *w, struct witness_log *log, struct bytes note) MUST_USE;
void witness_fini(struct witness *w);

struct witness_answer {
    uint16_t status;
    const char *content_type;
    struct buf body;
    const char *event; /* what is worth a line in the log, or NULL; static */
    const char *origin;
};
void witness_answer_init(struct witness_answer *a);
void witness_answer_fini(struct witness_answer *a);

/*
 * POST /add-checkpoint. 200 with our cosignature; 400 malformed, or the old size is beyond the new;
 * 403 not signed by the log; 404 unknown origin; 409 with the size that we hold; 422 the tree did
 * not grow out of the one that we hold; 500 it could not be kept.
 */
void witness_add_checkpoint(struct witness *w, struct bytes body, uint64_t now_s,
                            struct witness_answer *out);
/* GET /<hex SHA-256 of the origin>/checkpoint. 200 or 404. */
void witness_get_checkpoint(const struct witness *w, struct bytes target,
                            struct witness_answer *out);

#endif
