#include "base/test.h"
#include "base/text.h"
#include "grant/lease.h"
#include "ledger/note.h"

#include <sodium.h>

static const char SIGNER[] = "signals.rivermouth.example/warden";
static const char TEXT[] = "bulkhead lease v1\n"
                           "zone signals\n"
                           "device junction-a0\n"
                           "command phase-request\n"
                           "hold-s -5\n"
                           "phase 3\n"
                           "not-before 2026-11-24T18:00:00.000Z\n"
                           "expiry 2026-11-24T18:00:10.000Z\n"
                           "sequence 17\n";

static uint8_t public_key[32], secret[64];

static int64_t
at(const char *time)
{
    int64_t us = 0;
    CHECK_OK(text_time(bytes_text(time), &us));
    return us;
}

static struct lease
example(void)
{
    uint8_t seed[32] = {1};
    CHECK(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    struct lease l = {.zone = "signals",
                      .device = "junction-a0",
                      .command = "phase-request",
                      .not_before_us = at("2026-11-24T18:00:00Z"),
                      .expiry_us = at("2026-11-24T18:00:10Z"),
                      .sequence = 17};
    CHECK_OK(lease_parse_parameters(bytes_text("phase 3\nhold-s -5\n"), &l));
    return l;
}

static struct lease_reader
reader(void)
{
    struct lease_reader r = {
        .zone = "signals", .device = "junction-a0", .signer = SIGNER, .last_sequence = 16};
    memcpy(r.public_key, public_key, 32);
    return r;
}

static enum err
open_at(const struct lease_reader *r, struct bytes note, const char *time)
{
    struct lease l;
    struct bytes exact = test_exact(note);
    enum err e = lease_open(r, exact, at(time), &l);
    test_exact_free(exact);
    return e;
}

TEST(a_lease_has_one_text)
{
    struct lease l = example(), back;
    struct buf b;
    buf_init(&b, LEASE_BYTES_MAX);
    CHECK_OK(lease_put_text(&l, &b));
    CHECK(bytes_are(buf_bytes(&b), TEXT));
    CHECK_OK(lease_parse_text(buf_bytes(&b), &back));
    int64_t v = 0;
    CHECK_OK(lease_parameter(&back, "hold-s", &v));
    CHECK(v == -5 && back.sequence == 17 && back.expiry_us == l.expiry_us);
    CHECK(lease_parameter(&back, "other", &v) == ERR_NOT_FOUND);
    for (size_t n = 0; n < b.len; n++) {
        struct bytes exact = test_exact(bytes_of(b.p, n));
        CHECK(lease_parse_text(exact, &back) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    buf_text(&b, "x");
    CHECK(lease_parse_text(buf_bytes(&b), &back) == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(texts_that_are_no_lease)
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"lease v1", "lease v2"},
        {"zone signals", "zone Signals"},
        {"zone signals", "zone  signals"},
        {"hold-s -5\nphase 3\n", "phase 3\nhold-s -5\n"},
        {"hold-s -5", "phase 5"},
        {"hold-s -5", "hold-s -05"},
        {"hold-s -5", "hold-s -0"},
        {"hold-s -5", "hold-s 9223372036854775808"},
        {"hold-s -5", "expiry 5"},
        {"hold-s -5", "sequence 5"},
        {"18:00:00.000Z", "18:00:00Z"},
        {"18:00:00.000Z", "18:00:10.000Z"},
        {"18:00:10.000Z", "20:00:10.000+02:00"},
        {"sequence 17", "sequence 0"},
        {"sequence 17", "sequence 017"},
        {"sequence 17", "sequence 18446744073709551616"},
        {"expiry 2026", "expire 2026"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        struct buf b;
        buf_init(&b, LEASE_BYTES_MAX);
        const char *found = strstr(TEXT, changes[i].from);
        CHECK(found);
        buf_put(&b, bytes_of(TEXT, (size_t)(found - TEXT)));
        buf_text(&b, changes[i].to);
        buf_text(&b, found + strlen(changes[i].from));
        struct lease l;
        CHECK(lease_parse_text(buf_bytes(&b), &l) == ERR_MALFORMED);
        buf_fini(&b);
    }
}

TEST(parameters_are_bounded_sorted_and_told_once)
{
    struct lease l = example();
    CHECK_OK(lease_parse_parameters(bytes_text("c 1\na 2\nb 3\n"), &l));
    CHECK(l.parameters_count == 3 && strcmp(l.parameters[0].name, "a") == 0 &&
          strcmp(l.parameters[2].name, "c") == 0 && l.parameters[2].value == 1);
    CHECK(lease_parse_parameters(bytes_text("a 1\na 1\n"), &l) == ERR_MALFORMED);
    CHECK(lease_parse_parameters(bytes_text("a\n"), &l) == ERR_MALFORMED);
    CHECK(lease_parse_parameters(bytes_text("a 1"), &l) == ERR_MALFORMED);
    CHECK(lease_parse_parameters(bytes_text("a 1.5\n"), &l) == ERR_MALFORMED);
    CHECK(lease_parse_parameters(bytes_text("sequence 1\n"), &l) == ERR_MALFORMED);
    CHECK(lease_parse_parameters(bytes_text("a 1\nb 1\nc 1\nd 1\ne 1\nf 1\ng 1\nh 1\ni 1\n"), &l) ==
          ERR_LIMIT);
    CHECK(l.parameters_count == 3);
    CHECK_OK(lease_parse_parameters(bytes_text(""), &l));
    CHECK(l.parameters_count == 0);
}

TEST(only_the_right_lease_opens)
{
    struct lease l = example(), got;
    struct buf note;
    buf_init(&note, LEASE_BYTES_MAX);
    CHECK_OK(lease_sign(&l, SIGNER, secret, &note));
    struct lease_reader r = reader();
    CHECK_OK(lease_open(&r, buf_bytes(&note), at("2026-11-24T18:00:05Z"), &got));
    CHECK(got.sequence == 17 && strcmp(got.device, "junction-a0") == 0);
    CHECK_OK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:00Z"));
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T17:59:59.999999Z") == ERR_EXPIRED);
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:10Z") == ERR_EXPIRED);
    r.last_sequence = 17;
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_WRONG_STATE);
    r = reader();
    r.device = "junction-a1";
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_DENIED);
    r = reader();
    r.zone = "energy";
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_DENIED);
    r = reader();
    r.public_key[0] ^= 1;
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_CRYPTO);
    r = reader();
    r.signer = "energy.rivermouth.example/warden";
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_CRYPTO);
    r = reader();
    for (size_t i = 0; i < note.len; i++) {
        note.p[i] ^= 4;
        CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") != OK);
        note.p[i] ^= 4;
    }
    buf_fini(&note);
}

TEST(a_signed_note_that_is_no_lease_is_malformed)
{
    example();
    struct buf note;
    buf_init(&note, LEASE_BYTES_MAX);
    CHECK_OK(note_sign(bytes_text("rivermouth.example/city\n0\nroot\n"), SIGNER, secret, &note));
    struct lease_reader r = reader();
    CHECK(open_at(&r, buf_bytes(&note), "2026-11-24T18:00:05Z") == ERR_MALFORMED);
    buf_fini(&note);
}

TEST(the_largest_lease_fits)
{
    struct lease l = example();
    char longest[LEASE_NAME_SIZE];
    memset(longest, 'z', sizeof(longest) - 1);
    longest[LEASE_NAME_SIZE - 1] = 0;
    memcpy(l.zone, longest, sizeof(longest));
    memcpy(l.device, longest, sizeof(longest));
    memcpy(l.command, longest, sizeof(longest));
    l.parameters_count = LEASE_PARAMETERS_MAX;
    for (uint32_t i = 0; i < LEASE_PARAMETERS_MAX; i++) {
        memcpy(l.parameters[i].name, longest, sizeof(longest));
        l.parameters[i].name[0] = (char)('a' + i);
        l.parameters[i].value = INT64_MIN;
    }
    l.sequence = UINT64_MAX;
    l.not_before_us++;
    char signer[NOTE_KEY_NAME_MAX + 1];
    memset(signer, 'w', NOTE_KEY_NAME_MAX);
    signer[NOTE_KEY_NAME_MAX] = 0;
    struct buf note;
    buf_init(&note, LEASE_BYTES_MAX);
    CHECK_OK(lease_sign(&l, signer, secret, &note));
    buf_fini(&note);
}
