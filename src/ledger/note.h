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

enum {
    NOTE_KEY_NAME_MAX = 128,
    NOTE_SIGNATURES_MAX = 16,        /* the specification's minimum to accept */
    NOTE_SIGNATURE_BYTES_MAX = 4096, /* of one signature of any type, with its key id */
    NOTE_BYTES_MAX = 64 * 1024,
    NOTE_TYPE_ED25519 = 0x01,
};

/* A note taken apart, nothing verified. All bytes are borrowed from the note. */
struct note_signature {
    struct bytes name;   /* of the key */
    struct bytes base64; /* canonical base64 of the key id and at least one byte of signature */
};
struct note {
    struct bytes text; /* what is signed, with its last newline */
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    uint32_t signatures_count; /* at least 1 */
};

/*
 * The form alone: UTF-8, no control character but newlines, text, empty line, signature lines with
 * legal names. ERR_MALFORMED; ERR_LIMIT beyond the numbers above. note_put() gives the same bytes.
 */
enum err note_parse(struct bytes note, struct note *out) MUST_USE;
void note_put(struct buf *b, const struct note *note);

/* A key name: not empty, UTF-8, no spaces of any script, no '+', at most NOTE_KEY_NAME_MAX bytes.
 */
bool note_is_key_name(struct bytes name);

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
