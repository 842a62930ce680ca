#include "grant/approvals.h"
#include "base/test.h"

#include <sodium.h>

static uint8_t public_key[32], secret[64];
static const uint8_t digest[32] = {7};

static void
put(struct buf *b, const char *caller, const char *role, uint8_t key, uint8_t approved)
{
    uint8_t seed[32] = {2};
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    struct token t = {
        .zone = "bikes", .purpose = APPROVALS_PURPOSE, .approval = true, .expiry_us = 1000000};
    CHECK_OK(bytes_copy_text(bytes_text(caller), t.caller, sizeof(t.caller)));
    CHECK_OK(bytes_copy_text(bytes_text(role), t.role, sizeof(t.role)));
    t.key_digest[0] = key;
    t.approves[0] = approved;
    CHECK_OK(token_sign(&t, secret, b));
    buf_byte(b, '\n');
}

static bool
everybody(void *ctx, const struct token *t)
{
    return strcmp(t->caller, ctx) != 0;
}

static uint32_t
count(struct buf *b, int64_t now_us)
{
    static char nobody[] = "barred";
    struct approvals a = {.zone = "bikes",
                          .judge_public = public_key,
                          .now_us = now_us,
                          .may = everybody,
                          .ctx = nobody};
    memcpy(a.digest, digest, sizeof(digest));
    struct bytes exact = test_exact(buf_bytes(b));
    uint32_t n = approvals_count(&a, exact);
    test_exact_free(exact);
    buf_reset(b);
    return n;
}

TEST(people_count_when_name_role_and_key_all_differ)
{
    struct buf b;
    buf_init(&b, 65536);
    put(&b, "ann", "clerk", 1, 7);
    CHECK(count(&b, 0) == 1);
    put(&b, "ann", "clerk", 1, 7);
    put(&b, "bob", "engineer", 2, 7);
    CHECK(count(&b, 0) == 2);
    put(&b, "ann", "clerk", 1, 7);
    put(&b, "ann", "engineer", 2, 7); /* one name */
    put(&b, "bob", "clerk", 2, 7);    /* one role */
    put(&b, "bob", "engineer", 1, 7); /* one key */
    CHECK(count(&b, 0) == 1);
    buf_fini(&b);
}

TEST(what_is_no_approval_of_these_bytes_does_not_count)
{
    struct buf b;
    buf_init(&b, 65536);
    put(&b, "ann", "clerk", 1, 8);
    CHECK(count(&b, 0) == 0);
    put(&b, "barred", "clerk", 1, 7);
    CHECK(count(&b, 0) == 0);
    put(&b, "ann", "clerk", 1, 7);
    CHECK(count(&b, 1000001) == 0); /* expired */
    buf_text(&b, "\n\nbh1.nonsense.nonsense\n");
    put(&b, "ann", "clerk", 1, 7);
    CHECK(count(&b, 0) == 1);
    for (uint8_t i = 0; i < 20; i++) {
        char name[8], role[8];
        snprintf(name, sizeof(name), "p%u", i);
        snprintf(role, sizeof(role), "r%u", i);
        put(&b, name, role, i, 7);
    }
    CHECK(count(&b, 0) == APPROVALS_MAX);
    buf_fini(&b);
}
