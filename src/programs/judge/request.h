/*
 * request.h -- one request for a token: is the asker who they say, and may they? No I/O.
 *
 * The asker proves possession of the key in their certificate by a signature (ECDSA P-256 with
 * SHA-256, or Ed25519) over
 *
 *   bulkhead token request v1\n <32 bytes of the judge's nonce> ZONE \n PURPOSE \n APPROVES \n
 *
 * (no blanks between), APPROVES being 64 hex digits or "-". The certificate comes from the people's
 * issuer, is valid now, names the caller as CN and has one URI: urn:bulkhead:city:caller:NAME.
 */
#ifndef PROGRAMS_JUDGE_REQUEST_H
#define PROGRAMS_JUDGE_REQUEST_H

#include "base/base.h"
#include "base/buf.h"
#include "grant/token.h"
#include "programs/messages.h"
#include "programs/start.h"

enum { REQUEST_NONCE_SIZE = 32, REQUEST_SIGNED_MAX = 512, REQUEST_WHY_SIZE = 301 };

struct request_issuer; /* the people's issuer, and what OpenSSL needs to check against it */

/* ERR_MALFORMED unless the PEM holds one certificate. Warms OpenSSL up: call before the sandbox. */
enum err request_issuer_new(struct bytes pem, struct request_issuer **out) MUST_USE;
void request_issuer_free(struct request_issuer *issuer);

/* What the proof signs. `approves` is empty or 32 bytes. */
void request_put_signed(struct buf *b, struct bytes nonce, struct bytes zone, struct bytes purpose,
                        struct bytes approves);

/*
 * Is it they? ERR_CRYPTO with a sentence in out_why otherwise; else *out_key_digest is the SHA-256
 * of the certificate's SubjectPublicKeyInfo.
 */
enum err request_prove(const struct request_issuer *issuer, const struct token_ask *ask,
                       struct bytes nonce, int64_t now_us, uint8_t out_key_digest[static 32],
                       char out_why[static REQUEST_WHY_SIZE]) MUST_USE;

/*
 * May they? Fills caller, role, zone, purpose, approval and expiry of *out (not key and serial).
 * ERR_DENIED with a sentence that names the charter's line.
 */
enum err request_allow(const struct start *start, const struct token_ask *ask, int64_t now_us,
                       struct token *out, char out_why[static REQUEST_WHY_SIZE]) MUST_USE;

#endif
