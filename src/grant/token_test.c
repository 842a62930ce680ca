#include "base/test.h"
#include "base/text.h"
#include "grant/token.h"

#include <sodium.h>

static uint8_t public_key[32], secret[64];

static int64_t
at(const char *time)
{
    int64_t us = 0;
    CHECK_OK(text_time(bytes_text(time), &us));
    return us;
}

static struct token
example(void)
{
    uint8_t seed[32] = {2};
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    struct token t = {.caller = "auditor",
                      .role = "auditor",
                      .zone = "bikes",
                      .purpose = "compliance",
                      .expiry_us = at("2026-11-24T18:15:00Z")};
    memset(t.key_digest, 0xab, 32);
    memset(t.serial, 0xfe, 16);
    return t;
}

static enum err
open_at(struct bytes text, const char *zone, const uint8_t key[static 32], const char *time)
{
    struct token t;
    struct bytes exact = test_exact(text);
    enum err e = token_open(exact, public_key, zone, key, at(time), &t);
    test_exact_free(exact);
    return e;
}

TEST(a_token_has_one_text)
{
    struct token t = example(), back;
    struct buf b;
    buf_init(&b, 4096);
    CHECK_OK(token_put_text(&t, &b));
    CHECK(bytes_are(buf_bytes(&b),
                    "bulkhead token v1\ncaller auditor\nrole auditor\nzone bikes\n"
                    "purpose compliance\n"
                    "key abababababababababababababababababababababababababababababababab\n"
                    "expiry 2026-11-24T18:15:00.000Z\n"
                    "serial fefefefefefefefefefefefefefefefe\n"));
    for (size_t n = 0; n < b.len; n++) {
        struct bytes exact = test_exact(bytes_of(b.p, n));
        CHECK(token_parse_text(exact, &back) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    CHECK_OK(token_parse_text(buf_bytes(&b), &back));
    CHECK(memcmp(back.serial, t.serial, 16) == 0 && strcmp(back.zone, t.zone) == 0);
    for (size_t i = 0; i < b.len; i++) { /* upper-case hex is no token */
        uint8_t was = b.p[i];
        if (was < 'a' || was > 'f')
            continue;
        b.p[i] = (uint8_t)(was - 'a' + 'A');
        CHECK(token_parse_text(buf_bytes(&b), &back) == ERR_MALFORMED);
        b.p[i] = was;
    }
    buf_text(&b, "x");
    CHECK(token_parse_text(buf_bytes(&b), &back) == ERR_MALFORMED);
    buf_fini(&b);
    snprintf(t.zone, sizeof(t.zone), "Bikes");
    buf_init(&b, 4096);
    CHECK(token_put_text(&t, &b) == ERR_MALFORMED && b.len == 0);
    buf_fini(&b);
}

TEST(a_token_opens_for_its_zone_key_and_time_only)
{
    struct token t = example(), got;
    struct buf b;
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(&t, secret, &b));
    CHECK_OK(token_open(buf_bytes(&b), public_key, "bikes", t.key_digest,
                        at("2026-11-24T18:05:00Z"), &got));
    CHECK(memcmp(got.serial, t.serial, 16) == 0 && strcmp(got.role, t.role) == 0);
    uint8_t other[32] = {0};
    CHECK(open_at(buf_bytes(&b), "signals", t.key_digest, "2026-11-24T18:05:00Z") == ERR_DENIED);
    CHECK(open_at(buf_bytes(&b), "bikes", other, "2026-11-24T18:05:00Z") == ERR_DENIED);
    CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T18:15:00Z") == ERR_EXPIRED);
    CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T17:59:00Z") == ERR_DENIED);
    for (size_t i = 0; i < b.len; i++) {
        b.p[i] ^= 1;
        CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T18:05:00Z") != OK);
        b.p[i] ^= 1;
        CHECK(open_at(bytes_of(b.p, i), "bikes", t.key_digest, "2026-11-24T18:05:00Z") ==
              ERR_MALFORMED);
    }
    public_key[0] ^= 1;
    CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T18:05:00Z") == ERR_CRYPTO);
    buf_text(&b, "=");
    CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T18:05:00Z") == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(an_approval_approves_its_bytes_and_reads_nothing)
{
    struct token t = example(), got;
    t.approval = true;
    memset(t.approves, 0x11, 32);
    struct buf b;
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(&t, secret, &b));
    int64_t now_us = at("2026-11-24T18:05:00Z");
    uint8_t other[32] = {0};
    CHECK(open_at(buf_bytes(&b), "bikes", t.key_digest, "2026-11-24T18:05:00Z") == ERR_DENIED);
    CHECK_OK(token_open_approval(buf_bytes(&b), public_key, "bikes", t.approves, now_us, &got));
    CHECK(memcmp(got.serial, t.serial, 16) == 0 && strcmp(got.role, t.role) == 0);
    CHECK(token_open_approval(buf_bytes(&b), public_key, "bikes", other, now_us, &got) ==
          ERR_DENIED);
    CHECK(token_open_approval(buf_bytes(&b), public_key, "water", t.approves, now_us, &got) ==
          ERR_DENIED);
    CHECK(token_open_approval(buf_bytes(&b), public_key, "bikes", t.approves, t.expiry_us, &got) ==
          ERR_EXPIRED);
    buf_reset(&b);
    t = example();
    CHECK_OK(token_sign(&t, secret, &b));
    CHECK(token_open_approval(buf_bytes(&b), public_key, "bikes", t.approves, now_us, &got) ==
          ERR_DENIED);
    buf_fini(&b);
}

TEST(the_largest_token_fits)
{
    struct token t = example();
    memset(t.caller, 'z', TOKEN_NAME_SIZE - 1);
    memset(t.role, 'z', TOKEN_NAME_SIZE - 1);
    memset(t.zone, 'z', TOKEN_NAME_SIZE - 1);
    memset(t.purpose, 'z', TOKEN_NAME_SIZE - 1);
    t.approval = true;
    t.expiry_us++;
    struct buf b;
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(&t, secret, &b));
    buf_fini(&b);
}
