/*
 * cosignature.h -- what a witness says about a checkpoint (c2sp.org/tlog-cosignature v1.0.1). Pure.
 *
 *   cosignature/v1
 *   time 1679315147
 *   <the checkpoint's whole text>
 *
 * is signed with Ed25519; the signature line of the note holds the key id, the time (8 bytes) and
 * the signature. It says: at that time this was the largest tree that the witness had seen of this
 * log, and it grew out of all that it had seen before.
 */
#ifndef LEDGER_COSIGNATURE_H
#define LEDGER_COSIGNATURE_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/note.h"

enum { COSIGNATURE_LINE_MAX = 512 };
#define COSIGNATURE_TIME_MAX ((UINT64_C(1) << 63) - 1)

/* Who may have signed: the name and key of a verifier key of type 0x04. */
struct cosigner {
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
};
enum err cosigner_parse(struct bytes verifier_key, struct cosigner *out) MUST_USE;
void cosigner_put(struct buf *b, const struct cosigner *c);
uint32_t cosigner_key_id(const struct cosigner *c);

/* Appends one signature line. ERR_MALFORMED: no checkpoint text, or no time. */
enum err cosignature_put(struct buf *b, struct bytes checkpoint_text, const char *name,
                         const uint8_t secret[static 64], uint64_t time_s) MUST_USE;

/*
 * The cosignature that this key gave to a note's text. When it stands there more than once every
 * one must hold, and the latest time counts. ERR_NOT_FOUND: none; ERR_CRYPTO: one that is not good.
 */
enum err cosignature_check(const struct note *note, const struct cosigner *c,
                           uint64_t *out_time_s) MUST_USE;

#endif
