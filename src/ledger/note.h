/*
 * note.h -- C2SP signed notes (c2sp.org/signed-note v1.0.0), Ed25519.
 *
 * A note is text that ends in a newline, an empty line, and signature lines
 * "— <key name> <base64(key id || signature)>\n". The same format carries checkpoints and leases.
 */
#ifndef LEDGER_NOTE_H
#define LEDGER_NOTE_H

#include "base/base.h"
#include "base/buf.h"

enum { NOTE_KEY_NAME_MAX = 128, NOTE_SIGNATURES_MAX = 16, NOTE_BYTES_MAX = 64 * 1024 };

/* First 4 bytes of SHA-256(name 0x0A 0x01 public key), as a big-endian number. */
uint32_t note_key_id(const char *name, const uint8_t public_key[static 32]);

/* "<name>+<8 hex>+<base64(0x01 || key)>", the verifier key that outside tools take. */
void note_put_verifier_key(struct buf *b, const char *name, const uint8_t public_key[static 32]);
/* Back again; ERR_MALFORMED unless name, id and key agree. */
enum err note_parse_verifier_key(struct bytes text, char out_name[static NOTE_KEY_NAME_MAX + 1],
                                 uint8_t out_key[static 32]) MUST_USE;

/*
 * Sign. `text` must end with a newline, hold no control character but newlines and be UTF-8
 * (ERR_MALFORMED). Appends text, empty line, one signature line.
 */
enum err note_sign(struct bytes text, const char *name, const uint8_t secret[static 64],
                   struct buf *out) MUST_USE;

/*
 * Check that the note is well formed and carries a good signature of this key; unknown keys are
 * ignored, a bad signature under the known key's name and id is ERR_CRYPTO, none is ERR_CRYPTO.
 * *out_text is the signed text, borrowed from `note`.
 */
enum err note_open(struct bytes note, const char *name, const uint8_t public_key[static 32],
                   struct bytes *out_text) MUST_USE;

#endif
