#include "base/test.h"
#include "base/text.h"
#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/submission.h"

#include <sodium.h>

/* Made with openssl and with python3-cryptography, which agree: seed bytes 00 to 1f. */
static const char KEY[] =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char TEXT[] = "city.example/access-log\n70000\n"
                           "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n";
static const char LINE[] =
    "— witness.example/w1 519lMgAAAABkGFDLjmoNsp+P4AxJ2kW+LTyi+53v4NeFLkfqXAvd"
    "YcsHoBqgFMmfFwPgvxZwitEah51rfaz5OKJ7SWE1n27IIJkdDA==\n";
enum { LINE_TIME_S = 1679315147 };

static void
make_secret(uint8_t secret[static 64])
{
    uint8_t seed[32], public_key[32];
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
}

/* What KEY's owner says of a note with this text and these signature lines. */
static enum err
check(const char *text, const char *lines, uint64_t *out_time_s)
{
    struct cosigner c;
    struct note note;
    struct buf b;
    CHECK_OK(cosigner_parse(bytes_text(KEY), &c));
    buf_init(&b, 4096);
    buf_format(&b, "%s\n%s", text, lines);
    struct bytes exact = test_exact(buf_bytes(&b));
    enum err e = note_parse(exact, &note);
    if (e == OK)
        e = cosignature_check(&note, &c, out_time_s);
    test_exact_free(exact);
    buf_fini(&b);
    return e;
}

TEST(a_cosignature_to_the_byte)
{
    uint8_t secret[64];
    struct buf b;
    buf_init(&b, 1024);
    make_secret(secret);
    CHECK_OK(cosignature_put(&b, bytes_text(TEXT), "witness.example/w1", secret, LINE_TIME_S));
    CHECK(bytes_are(buf_bytes(&b), LINE));
    buf_fini(&b);
}

TEST(a_cosignature_tells_its_time)
{
    uint64_t time_s = 0;
    CHECK_OK(check(TEXT, LINE, &time_s));
    CHECK(time_s == LINE_TIME_S);
}

TEST(of_two_the_later_counts_and_both_must_hold)
{
    uint8_t secret[64];
    uint64_t time_s = 0;
    struct buf b;
    buf_init(&b, 2048);
    make_secret(secret);
    CHECK_OK(cosignature_put(&b, bytes_text(TEXT), "witness.example/w1", secret, LINE_TIME_S + 9));
    buf_text(&b, LINE);
    CHECK_OK(check(TEXT, buf_string(&b), &time_s));
    CHECK(time_s == LINE_TIME_S + 9);
    buf_reset(&b);
    CHECK_OK(cosignature_put(&b,
                             bytes_text("another.log\n1\n"
                                        "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n"),
                             "witness.example/w1", secret, LINE_TIME_S));
    buf_text(&b, LINE);
    CHECK(check(TEXT, buf_string(&b), &time_s) == ERR_CRYPTO);
    buf_fini(&b);
}

TEST(another_text_time_name_or_signature_is_not_cosigned)
{
    uint64_t time_s = 0;
    static const char other[] = "city.example/access-log\n70001\n"
                                "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n";
    CHECK(check(other, LINE, &time_s) == ERR_CRYPTO);
    struct buf line;
    buf_init(&line, 512);
    buf_text(&line, LINE);
    char *base64 = strstr((char *)line.p, "519l");
    base64[14] ^= 1; /* in the time */
    CHECK(check(TEXT, buf_string(&line), &time_s) == ERR_CRYPTO);
    base64[14] ^= 1;
    base64[40] = base64[40] == 'A' ? 'B' : 'A'; /* in the signature */
    CHECK(check(TEXT, buf_string(&line), &time_s) == ERR_CRYPTO);
    buf_reset(&line);
    buf_text(&line, LINE);
    strstr((char *)line.p, "w1")[1] = '2';
    CHECK(check(TEXT, buf_string(&line), &time_s) == ERR_NOT_FOUND);
    buf_fini(&line);
    CHECK(time_s == 0);
}

TEST(a_cosignature_of_another_length_is_none)
{
    static const size_t lengths[] = {1, 8, 64, 71, 73, 100};
    uint8_t blob[100] = {0};
    struct cosigner c;
    CHECK_OK(cosigner_parse(bytes_text(KEY), &c));
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        uint64_t time_s = 0;
        struct buf line;
        buf_init(&line, 512);
        note_put_signature(&line, c.name, cosigner_key_id(&c), bytes_of(blob, lengths[i]));
        CHECK(check(TEXT, buf_string(&line), &time_s) == ERR_CRYPTO);
        buf_fini(&line);
    }
}

TEST(times_beyond_63_bits_are_refused)
{
    uint8_t secret[64];
    struct buf b;
    buf_init(&b, 512);
    make_secret(secret);
    CHECK_OK(cosignature_put(&b, bytes_text(TEXT), "w", secret, COSIGNATURE_TIME_MAX));
    CHECK(cosignature_put(&b, bytes_text(TEXT), "w", secret, COSIGNATURE_TIME_MAX + 1) ==
          ERR_MALFORMED);
    CHECK(cosignature_put(&b, bytes_text("no checkpoint\n"), "w", secret, 1) == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(a_key_that_signs_notes_is_no_cosigner_and_the_other_way_round)
{
    struct cosigner c;
    char name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    struct buf b;
    buf_init(&b, 512);
    CHECK_OK(cosigner_parse(bytes_text(KEY), &c));
    cosigner_put(&b, &c);
    CHECK(bytes_are(buf_bytes(&b), KEY));
    CHECK(note_parse_verifier_key(bytes_text(KEY), name, key) == ERR_MALFORMED);
    buf_reset(&b);
    note_put_verifier_key(&b, c.name, c.key);
    CHECK(cosigner_parse(buf_bytes(&b), &c) == ERR_MALFORMED);
    buf_fini(&b);
}

/* ---- submissions ----------------------------------------------------------------------------- */

#define NOTE                                                                                       \
    "a.example/log\n3\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n\n— a.example/log AAAAAAA=\n"
#define HASH "Gohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4=\n"

TEST(submissions_are_read_and_written_to_the_byte)
{
    static const char *const good[] = {"old 0\n\n" NOTE, "old 2\n" HASH HASH "\n" NOTE,
                                       "old 36028797018963967\n\n" NOTE};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct submission s;
        struct buf again;
        struct bytes exact = test_exact(bytes_text(good[i]));
        buf_init(&again, SUBMISSION_BYTES_MAX);
        CHECK_OK(submission_parse(exact, &s));
        submission_put(&again, &s);
        CHECK(bytes_equal(buf_bytes(&again), exact));
        /* Cut short anywhere it is none, and so it is with one byte more. */
        for (size_t cut = 0; cut < exact.len; cut++)
            CHECK(submission_parse(bytes_of(exact.p, cut), &s) != OK);
        test_exact_free(exact);
        buf_byte(&again, 'x');
        CHECK(submission_parse(buf_bytes(&again), &s) != OK);
        buf_fini(&again);
    }
}

TEST(what_is_no_submission)
{
    static const char *const bad[] = {
        "",
        "\n" NOTE,
        NOTE,
        "old\n\n" NOTE,
        "old \n\n" NOTE,
        "Old 0\n\n" NOTE,
        "old 00\n\n" NOTE,
        "old 01\n\n" NOTE,
        "old -1\n\n" NOTE,
        "old 0 \n\n" NOTE,
        "old  0\n\n" NOTE,
        "old 0\r\n\r\n" NOTE,
        "old 36028797018963968\n\n" NOTE,
        "old 18446744073709551616\n\n" NOTE,
        "old 0\n" NOTE,
        "old 0\n\n\n" NOTE,
        "old 2\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhp4\n\n" NOTE,
        "old 2\nGohnl/Haqu1rlyTzM89PA7iNg1gb5XX05XEOI4iIhg==\n\n" NOTE,
        "old 2\n" HASH " \n" NOTE,
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct submission s;
        struct bytes exact = test_exact(bytes_text(bad[i]));
        enum err e = submission_parse(exact, &s);
        if (i == 15) /* "old 0", empty line, then a note whose text begins with an empty line */
            CHECK(e == OK && s.checkpoint.p[0] == '\n');
        else
            CHECK(e == ERR_MALFORMED || e == ERR_LIMIT);
        test_exact_free(exact);
    }
}

TEST(at_most_63_hashes)
{
    struct submission s;
    struct buf b;
    buf_init(&b, SUBMISSION_BYTES_MAX);
    for (int count = 63; count <= 64; count++) {
        buf_reset(&b);
        buf_text(&b, "old 5\n");
        for (int i = 0; i < count; i++)
            buf_text(&b, HASH);
        buf_text(&b, "\n" NOTE);
        CHECK(submission_parse(buf_bytes(&b), &s) == (count == 63 ? OK : ERR_LIMIT));
    }
    buf_fini(&b);
}
