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
};

/* What a key signs; part of its id, so that one key's two uses are two keys. */
enum note_type {
    NOTE_TYPE_ED25519 = 0x01,     /* a note's text */
    NOTE_TYPE_COSIGNATURE = 0x04, /* a checkpoint and a time: cosignature.h */
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

/* First 4 bytes of SHA-256(name 0x0A type public key), as a big-endian number. */
uint32_t note_typed_key_id(enum note_type type, const char *name,
                           const uint8_t public_key[static 32]);
/* "<name>+<8 hex>+<base64(type || key)>", the verifier key that outside tools take. */
void note_put_typed_key(struct buf *b, enum note_type type, const char *name,
                        const uint8_t public_key[static 32]);
/* Back again; ERR_MALFORMED unless name, id and key agree and the type is this one. */
enum err note_parse_typed_key(struct bytes text, enum note_type type,
                              char out_name[static NOTE_KEY_NAME_MAX + 1],
                              uint8_t out_key[static 32]) MUST_USE;

/* The same for NOTE_TYPE_ED25519: keys of logs, judges, wardens. */
uint32_t note_key_id(const char *name, const uint8_t public_key[static 32]);
void note_put_verifier_key(struct buf *b, const char *name, const uint8_t public_key[static 32]);
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

/* One signature line "— <name> <base64(key id || signature)>\n". */
void note_put_signature(struct buf *b, const char *name, uint32_t key_id, struct bytes signature);
/* One such line, alone, without its newline; borrowed. */
enum err note_parse_signature(struct bytes line, struct note_signature *out) MUST_USE;
/*
 * The signature without the key id, when the line is of this name and id. ERR_NOT_FOUND: of another
 * key; ERR_LIMIT: longer than `size`.
 */
enum err note_signature_of(const struct note_signature *s, const char *name, uint32_t key_id,
                           uint8_t *out, size_t size, size_t *out_len) MUST_USE;

#endif
