/*
 * Lines of approvals: bytes of the input, and tokens that the judge signed for people of whom the
 * input says caller, role and key. As many count as differ in all three.
 */
#include "base/fuzz.h"
#include "grant/approvals.h"

#include <sodium.h>

enum { LINES_MAX = 24 };

static uint8_t judge_public[32], judge_secret[64];

static bool
may(void *ctx, const struct token *t)
{
    (void)ctx;
    return strcmp(t->caller, "nobody") != 0;
}

/* Who it is stands in two bytes: caller, role and key, four of each. */
static void
put_signed(struct buf *lines, const struct approvals *a, uint8_t who, uint8_t how)
{
    static const char *const callers[] = {"mayor", "clerk", "auditor", "nobody"};
    static const char *const roles[] = {"operator", "clerk", "auditor", "guest"};
    struct token t = {.zone = "bikes",
                      .purpose = APPROVALS_PURPOSE,
                      .approval = how & 1,
                      .key_digest = {who >> 4 & 3},
                      .expiry_us = a->now_us + (how & 2 ? 0 : 1000000)};
    snprintf(t.caller, sizeof(t.caller), "%s", callers[who & 3]);
    snprintf(t.role, sizeof(t.role), "%s", roles[who >> 2 & 3]);
    memcpy(t.approves, a->digest, sizeof(t.approves));
    t.approves[0] ^= how & 4;
    enum err e = token_sign(&t, judge_secret, lines);
    ASSERT(e == OK);
    buf_byte(lines, '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {1};
    struct bytes in = bytes_of(data, size);
    struct approvals a = {.zone = "bikes",
                          .judge_public = judge_public,
                          .digest = {9},
                          .now_us = 1800000000000000,
                          .may = may};
    struct buf lines;
    bool callers[4] = {false};
    uint32_t good = 0, different = 0;
    crypto_sign_seed_keypair(judge_public, judge_secret, seed);
    buf_init(&lines, 256 * 1024);
    for (int i = 0; in.len && i < LINES_MAX; i++) {
        uint8_t who = fuzz_byte(&in), how = fuzz_byte(&in);
        if (how & 8) {
            buf_put(&lines, fuzz_part(&in));
            continue;
        }
        put_signed(&lines, &a, who, how);
        if ((how & 7) == 1 && (who & 3) != 3) {
            good++;
            different += !callers[who & 3];
            callers[who & 3] = true;
        }
    }
    uint8_t *exact = fuzz_exact(buf_bytes(&lines));
    uint32_t count = approvals_count(&a, bytes_of(exact, lines.len));
    ASSERT(count <= good && count <= different && count <= APPROVALS_MAX);
    free(exact);
    buf_fini(&lines);
    return 0;
}
