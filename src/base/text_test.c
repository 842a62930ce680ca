#include "base/text.h"
#include "base/random.h"
#include "base/test.h"

static enum err
u64(const char *s, uint64_t max, uint64_t *out)
{
    return text_u64(bytes_text(s), max, out);
}

TEST(u64_takes_digits_only_and_keeps_its_bound)
{
    uint64_t v = 7;
    CHECK(u64("", 9, &v) == ERR_MALFORMED && u64("-1", 9, &v) == ERR_MALFORMED);
    CHECK(u64("01", 9, &v) == ERR_MALFORMED && u64("1 ", 9, &v) == ERR_MALFORMED);
    CHECK(u64("18446744073709551616", UINT64_MAX, &v) == ERR_LIMIT && v == 7);
    CHECK(u64("10", 9, &v) == ERR_LIMIT && v == 7);
    CHECK_OK(u64("18446744073709551615", UINT64_MAX, &v));
    CHECK(v == UINT64_MAX);
}

TEST(i64_reaches_both_ends)
{
    int64_t v;
    CHECK_OK(text_i64(bytes_text("-9223372036854775808"), &v));
    CHECK(v == INT64_MIN);
    CHECK(text_i64(bytes_text("9223372036854775808"), &v) == ERR_LIMIT);
    CHECK(text_i64(bytes_text("-"), &v) == ERR_MALFORMED);
}

TEST(double_is_a_json_number_and_round_trips)
{
    static const char *const bad[] = {"", "-", "01", "1.", ".5", "1e", "nan", "0x1", "1 ", "+1"};
    double v;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(text_double(bytes_text(bad[i]), &v) == ERR_MALFORMED);
    CHECK(text_double(bytes_text("1e999"), &v) == ERR_LIMIT);
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf b;
    buf_init(&b, 64);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&r);
        double d;
        memcpy(&d, &bits, sizeof(d));
        if (!(d - d == 0))
            continue;
        buf_reset(&b);
        text_put_double(&b, d);
        CHECK_OK(text_double(buf_bytes(&b), &v));
        CHECK(v == d);
    }
    buf_fini(&b);
}

TEST(base64_and_hex_round_trip_and_refuse_what_is_not_canonical)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf b;
    buf_init(&b, 512);
    for (size_t len = 0; len < 100; len++) {
        uint8_t raw[100], back[100];
        size_t n = 0;
        random_fill(&r, raw, len);
        buf_reset(&b);
        text_put_base64(&b, bytes_of(raw, len));
        CHECK_OK(text_base64(buf_bytes(&b), back, sizeof(back), &n));
        CHECK(n == len && memcmp(raw, back, len) == 0);
        buf_reset(&b);
        text_put_hex(&b, bytes_of(raw, len));
        CHECK_OK(text_hex(buf_bytes(&b), back, len));
        CHECK(memcmp(raw, back, len) == 0);
    }
    uint8_t out[8];
    size_t n;
    CHECK(text_base64(bytes_text("QQ="), out, 8, &n) == ERR_MALFORMED);
    CHECK(text_base64(bytes_text("QR=="), out, 8, &n) == ERR_MALFORMED);
    CHECK(text_base64(bytes_text("Q==="), out, 8, &n) == ERR_MALFORMED);
    CHECK(text_base64(bytes_text("QQ==QQ=="), out, 8, &n) == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(numbers_are_written_as_printf_writes_them)
{
    struct buf b;
    char want[24];
    buf_init(&b, 64);
    for (uint64_t v = 0, i = 0; i < 400; i++) {
        buf_reset(&b);
        buf_u64_decimal(&b, v);
        snprintf(want, sizeof(want), "%llu", (unsigned long long)v);
        CHECK(bytes_are(buf_bytes(&b), want));
        v = i < 120 ? v + 1 : i % 2 ? v * 10 : v - 1; /* all small ones; then around powers */
        v = i == 398 ? UINT64_MAX : v;
    }
    buf_fini(&b);
}

/* Byte by byte, as RFC 3629 section 4 has it, next to what looks at eight at a time. */
TEST(utf8_is_judged_the_same_wherever_a_byte_stands)
{
    static const struct {
        const char *bytes;
        bool good;
    } rows[] = {
        {"\xc3\xa9", true},  {"\xe2\x82\xac", true},  {"\xf0\x9f\x9a\xb2", true},  {"\x80", false},
        {"\xc0\xaf", false}, {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\xc3", false},
        {"\x7f", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t n = strlen(rows[i].bytes);
        for (size_t before = 0; before < 20; before++) {
            for (size_t after = 0; after < 20; after++) {
                uint8_t text[64];
                memset(text, 'a', sizeof(text));
                memcpy(text + before, rows[i].bytes, n);
                struct bytes s = bytes_of(text, before + n + after);
                CHECK(text_is_utf8(s) == rows[i].good);
                text[before ? before - 1 : before + n] = 0;
                CHECK(!text_is_utf8(s) || (before == 0 && after == 0));
            }
        }
    }
}

TEST(times_round_trip_and_refuse_impossible_dates)
{
    int64_t us;
    CHECK_OK(text_time(bytes_text("1970-01-01T00:00:00Z"), &us));
    CHECK(us == 0);
    CHECK_OK(text_time(bytes_text("2026-03-01T01:30:00.25+02:00"), &us));
    CHECK(us == 1772321400250000);
    static const char *const bad[] = {
        "2026-02-29T00:00:00Z",  "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",  "2026-01-01T00:00:00",  "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z", "2026-1-01T00:00:00Z",  "2026-01-01T00:0:/0Z",
        "2026-01-0:T00:00:00Z",  "2026-01-01T00:00:0",   ""};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(text_time(bytes_text(bad[i]), &us) == ERR_MALFORMED);
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf b;
    buf_init(&b, 64);
    for (int i = 0; i < 5000; i++) {
        int64_t want = (int64_t)random_below(&r, 8000000000000000) - 2000000000000000, got;
        buf_reset(&b);
        text_put_time(&b, want);
        CHECK_OK(text_time(buf_bytes(&b), &got));
        CHECK(got == want);
    }
    buf_fini(&b);
}

TEST(json_text_escapes_what_is_not_printable)
{
    struct buf b;
    buf_init(&b, 64);
    text_put_json(&b, bytes_of("a\"\\\n\xff\xc3\xa9", 7));
    CHECK(bytes_are(buf_bytes(&b), "\"a\\\"\\\\\\u000a\\ufffd\xc3\xa9\""));
    buf_fini(&b);
}

TEST(names_are_small_letters_digits_and_single_dashes)
{
    CHECK(text_is_name(bytes_text("a")) && text_is_name(bytes_text("bike-counts-2")));
    static const char *const bad[] = {"",   "-a",  "a-",  "a--b", "A",
                                      "2a", "a_b", "a/b", "a+",   "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(!text_is_name(bytes_text(bad[i])));
}
