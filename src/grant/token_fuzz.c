/*
 * Any bytes as a token's text and as a token on its way. What parses is written again as it was;
 * signed by the judge it opens for its zone, key and time and for nothing else; unsigned, never.
 */
#include "base/fuzz.h"
#include "grant/token.h"

#include <sodium.h>

static uint8_t judge_public[32], judge_secret[64];

static void
check_signed(const struct token *t)
{
    static const uint8_t other[32] = {0xee};
    struct buf whole;
    struct token back;
    buf_init(&whole, TOKEN_BYTES_MAX);
    enum err e = token_sign(t, judge_secret, &whole);
    ASSERT(e == OK);
    struct bytes text = buf_bytes(&whole);
    int64_t before_us = t->expiry_us - 1000000;
    e = token_open(text, judge_public, t->zone, t->key_digest, before_us, &back);
    ASSERT(e == (t->approval ? ERR_DENIED : OK));
    ASSERT(e != OK || (strcmp(back.caller, t->caller) == 0 && back.expiry_us == t->expiry_us));
    e = token_open_approval(text, judge_public, t->zone, t->approves, before_us, &back);
    ASSERT(e == (t->approval ? OK : ERR_DENIED));
    ASSERT(token_open(text, judge_public, t->zone, t->key_digest, t->expiry_us, &back) != OK);
    ASSERT(token_open(text, judge_public, t->zone, t->key_digest, t->expiry_us - 901000000,
                      &back) == ERR_DENIED);
    ASSERT(token_open(text, judge_public, "nowhere-else", t->key_digest, before_us, &back) != OK);
    ASSERT(token_open(text, other, t->zone, t->key_digest, before_us, &back) == ERR_CRYPTO);
    whole.p[whole.len / 2] ^= 1;
    ASSERT(token_open(text, judge_public, t->zone, t->key_digest, before_us, &back) != OK);
    buf_fini(&whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {1}, none[32] = {0};
    struct bytes input = bytes_of(data, size);
    struct token token;
    struct buf again;
    buf_init(&again, TOKEN_BYTES_MAX);
    crypto_sign_seed_keypair(judge_public, judge_secret, seed);
    if (token_parse_text(input, &token) == OK) {
        enum err e = token_put_text(&token, &again);
        ASSERT(e == OK && bytes_equal(buf_bytes(&again), input));
        check_signed(&token);
    }
    /* The corpus holds tokens of this key, for the zone "bikes" and a key of zeros. */
    if (token_open(input, judge_public, "bikes", none, 1800000000000000, &token) == OK) {
        enum err e = token_sign(&token, judge_secret, &again);
        ASSERT(e == OK);
    }
    ASSERT(token_open(input, none, "bikes", none, 0, &token) != OK); /* nobody signed it */
    buf_fini(&again);
    return 0;
}
