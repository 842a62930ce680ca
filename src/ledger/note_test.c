#include "base/random.h"
#include "base/test.h"
#include "base/text.h"
#include "ledger/note.h"

#include <sodium.h>

static const char NAME[] = "city.example/access-log";

static void
make_key(uint8_t public_key[static 32], uint8_t secret[static 64])
{
    uint8_t seed[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
}

static void
make_note(struct buf *b, const char *text)
{
    uint8_t public_key[32], secret[64];
    make_key(public_key, secret);
    CHECK_OK(note_sign(bytes_text(text), NAME, secret, b));
}

/* Opens an exactly sized copy, so that the sanitizer sees a read one past the end. */
static enum err
open_exact(struct bytes note, const char *name, const uint8_t key[static 32], size_t *out_len)
{
    struct bytes exact = test_exact(note), text = {NULL, 0};
    enum err e = note_open(exact, name, key, &text);
    if (e == OK)
        *out_len = text.len;
    test_exact_free(exact);
    return e;
}

TEST(verifier_keys_of_the_specifications)
{
    static const char *const keys[] = {
        "city.example/access-log+5a1c3bb9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        char name[NOTE_KEY_NAME_MAX + 1];
        uint8_t key[32];
        CHECK_OK(note_parse_verifier_key(bytes_text(keys[i]), name, key));
        struct buf b;
        buf_init(&b, 512);
        note_put_verifier_key(&b, name, key);
        CHECK(bytes_are(buf_bytes(&b), keys[i]));
        buf_fini(&b);
    }
    uint8_t public_key[32], secret[64], key[32];
    char name[NOTE_KEY_NAME_MAX + 1];
    make_key(public_key, secret);
    CHECK_OK(note_parse_verifier_key(bytes_text(keys[0]), name, key));
    CHECK(strcmp(name, NAME) == 0 && memcmp(key, public_key, 32) == 0);
}

TEST(verifier_keys_that_are_none)
{
    static const char *const keys[] = {
        "",
        "a",
        "+5a1c3bb9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "city.example/access-log+5a1c3bb8+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "city.example/access-lof+5a1c3bb9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "city.example/access-log+5a1c3bb9-AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "city.example/access-log+5a1c3bb9+",
        "city.example/access-log+5a1c3bb9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG",
        /* type 0x05, and the id of type 0x01 */
        "example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        char name[NOTE_KEY_NAME_MAX + 1];
        uint8_t key[32];
        struct bytes exact = test_exact(bytes_text(keys[i]));
        CHECK(note_parse_verifier_key(exact, name, key) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}

TEST(the_specifications_own_verifier_key)
{
    static const char spec[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    CHECK_OK(note_parse_verifier_key(bytes_text(spec), name, key));
    CHECK(note_key_id(name, key) == 0x530d903a);
}

TEST(a_note_of_another_implementation_opens)
{
    /* Signed by the Go library's own example key; from its public documentation. */
    static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    static const char note[] =
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\xe2\x80\x94 PeterNeumann "
        "x08go/ZJkuBS9UG/"
        "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    CHECK_OK(note_parse_verifier_key(bytes_text(vkey), name, key));
    size_t len = 0;
    CHECK_OK(open_exact(bytes_text(note), name, key, &len));
    CHECK(len == (size_t)(strstr(note, "\n\n") + 1 - note));
}

TEST(what_is_signed_opens_and_every_change_is_seen)
{
    uint8_t public_key[32], secret[64];
    make_key(public_key, secret);
    struct buf b;
    buf_init(&b, NOTE_BYTES_MAX);
    make_note(&b, "one\n\nthree\n");
    size_t len = 0;
    CHECK_OK(open_exact(buf_bytes(&b), NAME, public_key, &len));
    CHECK(len == strlen("one\n\nthree\n"));
    for (size_t i = 0; i < b.len; i++) {
        b.p[i] ^= 1;
        CHECK(open_exact(buf_bytes(&b), NAME, public_key, &len) != OK);
        b.p[i] ^= 1;
        CHECK(open_exact(bytes_of(b.p, i), NAME, public_key, &len) != OK);
    }
    CHECK(open_exact(buf_bytes(&b), "city.example/other", public_key, &len) == ERR_CRYPTO);
    buf_fini(&b);
}

TEST(unknown_keys_are_ignored_and_a_known_one_that_fails_is_not)
{
    uint8_t public_key[32], secret[64], other_public[32], other_secret[64], seed[32] = {9};
    make_key(public_key, secret);
    CHECK(crypto_sign_seed_keypair(other_public, other_secret, seed) == 0);
    struct buf a, b, both;
    buf_init(&a, 4096);
    buf_init(&b, 4096);
    buf_init(&both, 4096);
    CHECK_OK(note_sign(bytes_text("text\n"), "witness.example", other_secret, &a));
    CHECK_OK(note_sign(bytes_text("text\n"), NAME, secret, &b));
    buf_put(&both, buf_bytes(&a));
    buf_put(&both, bytes_skip(buf_bytes(&b), strlen("text\n\n")));
    size_t len = 0;
    CHECK_OK(open_exact(buf_bytes(&both), NAME, public_key, &len));
    CHECK_OK(open_exact(buf_bytes(&both), "witness.example", other_public, &len));
    CHECK(open_exact(buf_bytes(&a), NAME, public_key, &len) == ERR_CRYPTO);

    /* A good line and then a bad one of the same key: refused. */
    struct buf bad;
    buf_init(&bad, 4096);
    buf_reset(&both);
    CHECK_OK(note_sign(bytes_text("other\n"), NAME, secret, &bad));
    buf_put(&both, buf_bytes(&b));
    buf_put(&both, bytes_skip(buf_bytes(&bad), strlen("other\n\n")));
    CHECK(open_exact(buf_bytes(&both), NAME, public_key, &len) == ERR_CRYPTO);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&both);
    buf_fini(&bad);
}

TEST(sixteen_signatures_are_read_and_no_more)
{
    uint8_t public_key[32], secret[64];
    make_key(public_key, secret);
    struct buf b, one;
    buf_init(&b, NOTE_BYTES_MAX);
    buf_init(&one, 4096);
    make_note(&one, "text\n");
    buf_text(&b, "text\n\n");
    for (int i = 0; i < NOTE_SIGNATURES_MAX - 1; i++)
        buf_format(&b, "\xe2\x80\x94 witness-%d AAAAAAE=\n", i);
    buf_put(&b, bytes_skip(buf_bytes(&one), strlen("text\n\n")));
    size_t len = 0;
    CHECK_OK(open_exact(buf_bytes(&b), NAME, public_key, &len));
    buf_text(&b, "\xe2\x80\x94 witness-z AAAAAAE=\n");
    CHECK(open_exact(buf_bytes(&b), NAME, public_key, &len) == ERR_LIMIT);
    buf_fini(&b);
    buf_fini(&one);
}

TEST(forms_that_are_no_note)
{
    static const char *const notes[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n- name AAAAAAE=\n",
        "text\n\n\xe2\x80\x94 name AAAAAAE=",
        "text\n\n\xe2\x80\x94 na+me AAAAAAE=\n",
        "text\n\n\xe2\x80\x94 na\xc2\xa0me AAAAAAE=\n",
        "text\n\n\xe2\x80\x94  AAAAAAE=\n",
        "text\n\n\xe2\x80\x94 name AAAAAA==\n", /* a key id and no signature */
        "text\n\n\xe2\x80\x94 name AAAAAAF=\n", /* bits left over */
        "text\n\n\xe2\x80\x94 name\n",
        "te\rxt\n\n\xe2\x80\x94 name AAAAAAE=\n",
        "te\xffxt\n\n\xe2\x80\x94 name AAAAAAE=\n",
        "text\n\n\xe2\x80\x94 name AAAAAAE=\nx\n",
    };
    struct note n;
    for (size_t i = 0; i < ARRAY_COUNT(notes); i++) {
        struct bytes exact = test_exact(bytes_text(notes[i]));
        CHECK(note_parse(exact, &n) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    CHECK_OK(note_parse(bytes_text("text\n\n\xe2\x80\x94 name AAAAAAE=\n"), &n));
    uint8_t public_key[32], secret[64];
    make_key(public_key, secret);
    struct buf b;
    buf_init(&b, 4096);
    CHECK(note_sign(bytes_text("no newline"), NAME, secret, &b) == ERR_MALFORMED);
    CHECK(note_sign(bytes_text("tab\there\n"), NAME, secret, &b) == ERR_MALFORMED);
    CHECK(note_sign(bytes_text(""), NAME, secret, &b) == ERR_MALFORMED);
    CHECK(b.len == 0);
    buf_fini(&b);
}
