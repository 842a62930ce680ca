/*
 * token.h -- what a caller may do in one zone for one purpose for some minutes, signed by the
 * judge.
 *
 * On the wire: "bh1." base64url(text) "." base64url(signature), at most TOKEN_BYTES_MAX; the text
 * is
 *
 *   bulkhead token v1
 *   caller auditor
 *   role auditor
 *   zone bikes
 *   purpose compliance
 *   key <64 hex: SHA-256 of the caller's DER SubjectPublicKeyInfo>
 *   approves <64 hex>            only in an approval: SHA-256 of the exact bytes approved
 *   expiry 2026-11-24T18:15:00.000Z
 *   serial <32 hex, random>
 *
 * and the Ed25519 signature is over "bulkhead token v1\n" followed by the text.
 * The core verifies tokens itself, with the judge's public key: zone, expiry, and that the TLS
 * session's client key is the one that the token names. A stolen token is useless without it.
 */
#ifndef GRANT_TOKEN_H
#define GRANT_TOKEN_H

#include "base/base.h"
#include "base/buf.h"

enum {
    TOKEN_BYTES_MAX = 1024,
    TOKEN_NAME_SIZE = 49,
    TOKEN_LIFE_S_MAX = 900,
};

struct token {
    char caller[TOKEN_NAME_SIZE];
    char role[TOKEN_NAME_SIZE];
    char zone[TOKEN_NAME_SIZE];
    char purpose[TOKEN_NAME_SIZE];
    uint8_t key_digest[32];
    bool approval;
    uint8_t approves[32];
    int64_t expiry_us;
    uint8_t serial[16];
};

/*
 * The text that is signed, and back: what token_parse_text() accepts, token_put_text() writes again
 * to the byte. ERR_MALFORMED when a name is none; token_put_text() appends nothing then.
 */
enum err token_put_text(const struct token *t, struct buf *out) MUST_USE;
enum err token_parse_text(struct bytes text, struct token *out) MUST_USE;

/* The whole token as it travels in an HTTP header. ERR_MALFORMED as above. */
enum err token_sign(const struct token *t, const uint8_t secret[static 64],
                    struct buf *out) MUST_USE;

/*
 * For a request. ERR_MALFORMED; ERR_CRYPTO (signature); ERR_DENIED (another zone or key, an
 * approval, or a life longer than TOKEN_LIFE_S_MAX, which no judge gives); ERR_EXPIRED.
 */
enum err token_open(struct bytes text, const uint8_t judge_public[static 32], const char *zone,
                    const uint8_t key_digest[static 32], int64_t now_us,
                    struct token *out) MUST_USE;

/*
 * The two halves of it, for a server that hears the same token again and again: whether the judge
 * signed these bytes (that stays so), and whether they are good here and now (that does not).
 */
enum err token_open_signed(struct bytes text, const uint8_t judge_public[static 32],
                           struct token *out) MUST_USE;
enum err token_check(const struct token *t, const char *zone, const uint8_t key_digest[static 32],
                     int64_t now_us) MUST_USE;

/*
 * For an approval, which travels with what it approves and not with its owner's key: as above, but
 * ERR_DENIED unless it approves the bytes with this SHA-256. Who may approve, and that two
 * approvals come from two people, is for the caller to check.
 */
enum err token_open_approval(struct bytes text, const uint8_t judge_public[static 32],
                             const char *zone, const uint8_t approved[static 32], int64_t now_us,
                             struct token *out) MUST_USE;

#endif
