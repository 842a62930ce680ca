#include "charter/signature.h"
#include "base/text.h"
#include "charter/charter_test_kit.h"

#include <sodium.h>

static struct charter c, other;
static struct charter_findings f;

static const char *const names[] = {"clerk", "cio", "commissioner", "stranger"};
enum { NAMES = 4 };
static uint8_t public_keys[NAMES][32], secrets[NAMES][64];

/* Three signers, two needed; keys from fixed seeds. The trusted file knows the stranger too. */
static struct signer_keys
set_up(void)
{
    static const char text[] =
        "city \"Rivermouth\" { sites hall signers clerk cio commissioner need 2 }";
    static const char changed[] =
        "city \"Rivermouth\" { sites hall signers clerk cio commissioner need 1 }";
    CHECK_OK(charter_parse(bytes_text(text), &c, &f));
    CHECK_OK(charter_parse(bytes_text(changed), &other, &f));
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < NAMES; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        CHECK(crypto_sign_seed_keypair(public_keys[i], secrets[i], seed) == 0);
        buf_format(&b, "%s ", names[i]);
        text_put_base64(&b, bytes_of(public_keys[i], 32));
        buf_byte(&b, '\n');
    }
    struct signer_keys keys;
    CHECK_OK(signer_keys_parse(buf_bytes(&b), &keys));
    CHECK(keys.count == NAMES);
    buf_fini(&b);
    return keys;
}

static void
sign(struct buf *b, const struct charter *what, int as, int with)
{
    uint8_t digest[32];
    charter_digest(what, digest);
    signature_put(b, names[as], digest, secrets[with]);
}

static enum err
verify(const struct buf *b, const struct signer_keys *keys, const char *why)
{
    char said[200] = "";
    struct bytes exact = test_exact(buf_bytes(b));
    enum err e = signature_verify(&c, exact, keys, said, sizeof(said));
    test_exact_free(exact);
    if (why && !strstr(said, why))
        fprintf(stderr, "expected '%s', found '%s'\n", why, said);
    CHECK(!why || strstr(said, why));
    return e;
}

TEST(enough_signers_make_it_hold_and_fewer_do_not)
{
    struct signer_keys keys = set_up();
    struct buf b;
    buf_init(&b, 4096);
    CHECK(verify(&b, &keys, "0 of 2 needed") == ERR_CRYPTO);
    sign(&b, &c, 0, 0);
    CHECK(verify(&b, &keys, "1 of 2 needed") == ERR_CRYPTO);
    sign(&b, &c, 2, 2);
    CHECK_OK(verify(&b, &keys, NULL));
    sign(&b, &c, 1, 1);
    CHECK_OK(verify(&b, &keys, NULL));
    buf_fini(&b);
}

TEST(one_wrong_line_spoils_the_file)
{
    static const struct {
        const char *why;
        int as, with;
        bool changed;
    } rows[] = {
        {"'clerk' has signed already", 0, 0, false},
        {"does not name 'stranger'", 3, 3, false},
        {"the signature of 'commissioner' is false", 2, 0, false},
        {"'commissioner' signed another charter", 2, 2, true},
    };
    struct signer_keys keys = set_up();
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buf_reset(&b);
        sign(&b, &c, 0, 0);
        sign(&b, &c, 1, 1);
        sign(&b, rows[i].changed ? &other : &c, rows[i].as, rows[i].with);
        CHECK(verify(&b, &keys, rows[i].why) == ERR_CRYPTO);
    }
    buf_reset(&b);
    sign(&b, &c, 0, 0);
    sign(&b, &c, 1, 1);
    buf_text(&b, "and more\n");
    CHECK(verify(&b, &keys, "line 3 is not a signature") == ERR_MALFORMED);
    keys.count = 1;
    CHECK(verify(&b, &keys, "no trusted public key of 'cio'") == ERR_CRYPTO);
    buf_fini(&b);
}

TEST(no_flipped_byte_and_no_cut_holds)
{
    struct signer_keys keys = set_up();
    struct buf b;
    buf_init(&b, 4096);
    sign(&b, &c, 0, 0);
    sign(&b, &c, 1, 1);
    CHECK_OK(verify(&b, &keys, NULL));
    for (size_t i = 0; i < b.len; i++) {
        uint8_t before = b.p[i];
        bool digit_case = before >= 'a' && before <= 'f'; /* hex may be written in capitals */
        b.p[i] = before ^ 0x01;
        CHECK(verify(&b, &keys, NULL) != OK);
        b.p[i] = before ^ 0x20;
        CHECK(digit_case || verify(&b, &keys, NULL) != OK);
        b.p[i] = before;
    }
    for (size_t len = b.len; len-- > 0;) {
        struct buf cut = b;
        cut.len = len;
        CHECK(verify(&cut, &keys, NULL) != OK);
    }
    buf_fini(&b);
}

TEST(the_trusted_file_is_read_strictly)
{
    struct signer_keys keys = set_up(), untouched = keys;
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < 5; i++) {
        static const char *const before[] = {"Clerk ", "clerk  ", "clerk", "clerk ", "clerk "};
        static const char *const after[] = {"\n", "\n", "\n", "", " \n"};
        buf_reset(&b);
        buf_text(&b, before[i]);
        text_put_base64(&b, bytes_of(public_keys[0], 32));
        buf_text(&b, after[i]);
        CHECK(signer_keys_parse(buf_bytes(&b), &keys) == ERR_MALFORMED);
    }
    /* The same key under two names is one person who signs twice. */
    buf_reset(&b);
    for (int i = 0; i < 2; i++) {
        buf_format(&b, "%s ", names[i]);
        text_put_base64(&b, bytes_of(public_keys[0], 32));
        buf_byte(&b, '\n');
    }
    CHECK(signer_keys_parse(buf_bytes(&b), &keys) == ERR_MALFORMED);
    CHECK(memcmp(&keys, &untouched, sizeof(keys)) == 0);
    buf_fini(&b);
}
