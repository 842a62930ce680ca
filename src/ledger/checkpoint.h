/*
 * checkpoint.h -- C2SP tlog-checkpoint (v1.0.0) and tlog-proof texts. Pure.
 *
 *   rivermouth.example/city                             origin
 *   70000                                               size
 *   Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=        root
 *   charter <64 hex>                                    extension lines: ours says which charter
 * was in force
 *
 * A proof is one file that proves one entry offline:
 *
 *   c2sp.org/tlog-proof@v1
 *   index 17
 *   <base64 hash> ...                                   from the leaf to the root
 *
 *   <the signed checkpoint>
 */
#ifndef LEDGER_CHECKPOINT_H
#define LEDGER_CHECKPOINT_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/note.h"
#include "ledger/tree.h"

enum {
    CHECKPOINT_ORIGIN_MAX = NOTE_KEY_NAME_MAX,
    CHECKPOINT_EXTENSION_MAX = 256,
    CHECKPOINT_TEXT_MAX = 1024,
    CHECKPOINT_NOTE_MAX = 2048, /* as we sign it: one signature */
    CHECKPOINT_PROOF_MAX = 8192,
};

struct checkpoint {
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    uint64_t size;
    struct tree_hash root;
    char extension[CHECKPOINT_EXTENSION_MAX + 1]; /* whole lines, or empty */
};

/* Text and back: what is parsed is written again to the byte. ERR_MALFORMED, ERR_LIMIT. */
enum err checkpoint_put_text(struct buf *b, const struct checkpoint *c) MUST_USE;
enum err checkpoint_parse_text(struct bytes text, struct checkpoint *out) MUST_USE;

/*
 * Verify the note under the key whose name is the log's origin, and parse it. ERR_MALFORMED;
 * ERR_CRYPTO: not signed by this key; ERR_DENIED: another origin.
 */
enum err checkpoint_open(struct bytes note, const char *origin, const uint8_t public_key[static 32],
                         struct checkpoint *out) MUST_USE;

/* Takes a line without its newline off the front; ERR_MALFORMED when no newline is left. */
enum err checkpoint_take_line(struct bytes *rest, struct bytes *out) MUST_USE;
/* Hashes of a proof, a line each, and the empty line behind them. ERR_MALFORMED, ERR_LIMIT. */
enum err checkpoint_take_hashes(struct bytes *rest, struct tree_proof *out) MUST_USE;
void checkpoint_put_hashes(struct buf *b, const struct tree_proof *proof);

struct proof {
    uint64_t index;
    struct tree_proof path;
    struct bytes checkpoint; /* the signed note, borrowed */
};
void proof_put(struct buf *b, const struct proof *p);
/* Without an `extra` line: we write none and nothing of ours needs one (ERR_UNSUPPORTED). */
enum err proof_parse(struct bytes text, struct proof *out) MUST_USE;
/* The whole offline check: signature, origin, and that this entry is at proof.index. */
enum err proof_verify(const struct proof *p, struct bytes entry, const char *origin,
                      const uint8_t public_key[static 32]) MUST_USE;

#endif
