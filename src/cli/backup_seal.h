/*
 * backup_seal.h -- bytes that only the holder of a backup key can open.
 *
 *   "BHSEAL1\n", count u8, for each recipient 8 bytes that name the public key and a libsodium
 *   sealed box (X25519, XSalsa20-Poly1305, 80 bytes) of the content key, then
 *   XChaCha20-Poly1305(content key): nonce 24, ciphertext, tag 16; associated data: what comes
 *   before, and the name that the bytes go by.
 *
 * A new content key each time; whoever makes a backup keeps nothing that opens it. Who sealed is
 * not in here: a backup's head is signed.
 */
#ifndef CLI_BACKUP_SEAL_H
#define CLI_BACKUP_SEAL_H

#include "base/buf.h"

enum { BACKUP_RECIPIENTS_MAX = 8, BACKUP_SEAL_MAX = 9 + BACKUP_RECIPIENTS_MAX * 88 + 40 };

struct backup_recipients {
    uint8_t key[BACKUP_RECIPIENTS_MAX][32]; /* X25519 public keys */
    size_t count;
};
struct backup_secret {
    uint8_t secret_key[32], public_key[32];
};

/* Key files: one line, "bulkhead-backup-public-1 BASE64" or "bulkhead-backup-secret-1 BASE64". */
void backup_key_new(struct backup_secret *out);
void backup_key_put_public(struct buf *b, const struct backup_secret *s);
void backup_key_put_secret(struct buf *b, const struct backup_secret *s);
enum err backup_key_parse_public(struct bytes file, uint8_t out[static 32]) MUST_USE;
enum err backup_key_parse_secret(struct bytes file, struct backup_secret *out) MUST_USE;

/* Appends to `out`. The name is at most 200 bytes. */
enum err backup_seal(const struct backup_recipients *to, const char *name, struct bytes plain,
                     struct buf *out) MUST_USE;
/* ERR_MALFORMED: no such bytes; ERR_NOT_FOUND: not for this key; ERR_CRYPTO: changed. */
enum err backup_unseal(const struct backup_secret *with, const char *name, struct bytes sealed,
                       struct buf *out) MUST_USE;

#endif
