/*
 * signature.h -- M of N city keys over a charter's digest.
 *
 * The signatures stand in a file beside the charter (CHARTER.sig), one line a signer:
 *
 *   bulkhead-charter-signature v1 <signer> <64 hex of the digest> <base64 Ed25519 signature>
 *
 * What is signed: "bulkhead charter v1\n" followed by the 32 bytes of charter_digest().
 * Who may sign: the signers that the charter names; their public keys are the trusted file
 * (STATE/signers.pub): "<signer> <base64 of 32 bytes>" a line.
 * Ed25519: RFC 8032, libsodium.
 */
#ifndef CHARTER_SIGNATURE_H
#define CHARTER_SIGNATURE_H

#include "base/base.h"
#include "base/buf.h"
#include "charter/charter.h"

struct signer_key {
    char name[CHARTER_NAME_SIZE];
    uint8_t public_key[32];
};
struct signer_keys {
    struct signer_key list[CHARTER_SIGNERS_MAX];
    uint32_t count;
};

/* Reads the trusted file; ERR_MALFORMED on any line that is not exactly as above, and on a name or
 * a key that stands there twice. */
enum err signer_keys_parse(struct bytes text, struct signer_keys *out) MUST_USE;

/* Append one signature line. `secret` is libsodium's 64-byte Ed25519 secret key. */
void signature_put(struct buf *b, const char *signer, const uint8_t digest[static 32],
                   const uint8_t secret[static 64]);

/* True for a signature line (without its newline) over this digest, good or false; its signer. */
bool signature_line_is_for(struct bytes line, const uint8_t digest[static 32],
                           struct bytes *out_signer);

/*
 * OK when at least c->need different signers of c, with keys in `keys`, signed exactly this
 * charter. A line that does not parse, a signer that the charter does not name, a signature that
 * fails, or a signer twice: ERR_CRYPTO or ERR_MALFORMED, whatever else is right.
 * `out_why` (at least 200 bytes) gets a sentence on failure.
 */
enum err signature_verify(const struct charter *c, struct bytes signatures,
                          const struct signer_keys *keys, char *out_why, size_t why_size) MUST_USE;

#endif
