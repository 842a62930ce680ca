#include "store/embedded/codec.h"

#include "base/random.h"
#include "base/test.h"

#include <math.h>

static void
round_trip(const double *v, size_t count, size_t most)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    numbers_put(&b, v, count);
    CHECK_OK(buf_error(&b));
    CHECK(b.len <= most);
    double got[CODEC_COUNT_MAX];
    struct bytes exact = test_exact(buf_bytes(&b));
    struct bytes r = exact;
    CHECK_OK(numbers_get(&r, got, count));
    CHECK(r.len == 0 && memcmp(got, v, count * sizeof v[0]) == 0);
    test_exact_free(exact);
    for (size_t cut = 0; cut < b.len; cut += 1 + b.len / 40) {
        exact = test_exact(bytes_of(b.p, cut));
        r = exact;
        CHECK(numbers_get(&r, got, count) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    buf_fini(&b);
}

TEST(numbers_come_back_bit_for_bit)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    double v[CODEC_COUNT_MAX];
    for (size_t round = 0; round < 200; round++) {
        size_t count = 1 + random_below(&r, CODEC_COUNT_MAX);
        uint64_t digits = random_below(&r, 17);
        bool wild = round % 3 == 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = random_u64(&r);
            if (wild || random_below(&r, 30) == 0) {
                memcpy(&v[i], &bits, 8);
                if (!isfinite(v[i]))
                    v[i] = -0.0;
            } else {
                v[i] = (double)((int64_t)bits >> 44) / pow(10, (double)digits);
            }
        }
        round_trip(v, count, count * 20 + 32);
    }
}

TEST(decimal_numbers_are_small)
{
    double v[1024];
    for (size_t i = 0; i < 1024; i++)
        v[i] = (double)(2150 + (int)(i % 7)) / 100;
    round_trip(v, 1024, 1100);
    const double edges[] = {
        0.0, -0.0, 0x1p-1074, 9007199254740991.0, 9007199254740993.0, -1e308, 1e-300, 0.1,
        0.3, 1e15, 1e16};
    for (size_t i = 0; i < ARRAY_COUNT(edges); i++)
        round_trip(&edges[i], 1, 32);
    round_trip(edges, ARRAY_COUNT(edges), 200);
}

TEST(not_a_number_is_refused)
{
    double nan_value = NAN;
    struct buf b;
    buf_init(&b, 100);
    buf_byte(&b, 2);
    uint8_t raw[8];
    memcpy(raw, &nan_value, 8);
    buf_put(&b, bytes_of(raw, 8));
    struct bytes r = buf_bytes(&b);
    double got;
    CHECK(numbers_get(&r, &got, 1) == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(series_of_any_integers)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    int64_t v[300];
    int64_t got[300];
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < 300; i++)
            v[i] = round % 2 ? (int64_t)random_u64(&r) : 1700000000000000 + (int64_t)i * 60000000;
        struct buf b;
        buf_init(&b, 8192);
        series_put(&b, v, 300);
        struct bytes left = buf_bytes(&b);
        CHECK(round % 2 || b.len < 320);
        CHECK_OK(series_get(&left, got, 300));
        CHECK(left.len == 0 && memcmp(v, got, sizeof v) == 0);
        buf_fini(&b);
    }
}

TEST(varints_have_one_form)
{
    const uint8_t longer[] = {0x81, 0x00};
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    const uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    uint64_t v = 7;
    struct bytes r = bytes_of(longer, sizeof longer);
    CHECK(varint_get(&r, &v) == ERR_MALFORMED && v == 7);
    r = bytes_of(huge, sizeof huge);
    CHECK(varint_get(&r, &v) == ERR_MALFORMED);
    r = bytes_of(most, sizeof most);
    CHECK(varint_get(&r, &v) == OK && v == UINT64_MAX && r.len == 0);
    CHECK(varint_get(&r, &v) == ERR_MALFORMED);
}
