#include "store/embedded/chunk.h"

#include "base/test.h"

#include <math.h>

static const char letters[] = "{\"a\":\"abcdefghijklmnopqrstuvwxyz0123456789\"}";

static struct observation
some(const struct random_source *r, size_t i, uint64_t shape)
{
    struct observation o = {.time_us = 1700000000000000 + (int64_t)i * 1000000,
                            .kind = RESULT_NUMBER,
                            .number = (double)random_below(r, 1000) / 10};
    if (shape & 1)
        o.time_us += (int64_t)random_below(r, 5000000) - 2500000;
    o.time_end_us = shape & 2 ? o.time_us + 60000000 : o.time_us;
    o.result_time_us = shape & 4 ? o.time_us + (int64_t)random_below(r, 9000) : o.time_us;
    o.feature_id = shape & 8 ? 1 + random_below(r, 3) : 0;
    if (shape & 16)
        o.extra = bytes_of(letters, random_below(r, sizeof letters));
    if (shape & 32)
        o.kind = (enum result_kind)(1 + random_below(r, 4));
    if (o.kind == RESULT_BOOL)
        o.number = (double)random_below(r, 2);
    if (o.kind >= RESULT_TEXT) {
        o.number = 0;
        o.text = bytes_of(letters, random_below(r, sizeof letters));
    }
    return o;
}

static bool
equal(const struct observation *a, const struct observation *b)
{
    return observation_same(a, b) && a->result_time_us == b->result_time_us &&
           a->feature_id == b->feature_id;
}

TEST(chunks_of_every_shape_come_back)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    static struct observation in[CHUNK_POINTS_MAX];
    static struct observation out[CHUNK_POINTS_MAX];
    struct zipper *z = zipper_new();
    CHECK(z);
    struct buf plain, zipped, again;
    buf_init(&plain, CHUNK_PLAIN_MAX);
    buf_init(&zipped, CHUNK_PLAIN_MAX);
    buf_init(&again, CHUNK_PLAIN_MAX);
    for (uint64_t shape = 0; shape < 128; shape++) {
        size_t count = shape % 5 ? 1 + random_below(&r, 100) : CHUNK_POINTS_MAX;
        for (size_t i = 0; i < count; i++)
            in[i] = some(&r, i, shape);
        buf_reset(&plain);
        buf_reset(&zipped);
        buf_reset(&again);
        CHECK_OK(chunk_encode(in, count, &plain));
        CHECK_OK(chunk_zip(z, buf_bytes(&plain), &zipped));
        CHECK_OK(chunk_unzip(z, buf_bytes(&zipped), &again));
        CHECK(bytes_equal(buf_bytes(&plain), buf_bytes(&again)));
        struct bytes exact = test_exact(buf_bytes(&plain));
        size_t got = 0;
        CHECK_OK(chunk_decode(exact, out, &got));
        CHECK(got == count);
        for (size_t i = 0; i < count; i++)
            CHECK(equal(&in[i], &out[i]));
        test_exact_free(exact);
        for (size_t cut = 0; cut < plain.len; cut += 1 + plain.len / 30) {
            exact = test_exact(bytes_of(plain.p, cut));
            CHECK(chunk_decode(exact, out, &got) == ERR_MALFORMED);
            test_exact_free(exact);
        }
        buf_byte(&plain, 0);
        CHECK(chunk_decode(buf_bytes(&plain), out, &got) == ERR_MALFORMED);
    }
    CHECK(chunk_unzip(z, bytes_text("not a frame"), &again) == ERR_MALFORMED);
    buf_fini(&plain);
    buf_fini(&zipped);
    buf_fini(&again);
    zipper_free(z);
}

TEST(what_is_wrong_is_refused)
{
    struct observation o = {.kind = RESULT_NUMBER, .number = NAN};
    CHECK(!observation_valid(&o));
    o.number = INFINITY;
    CHECK(!observation_valid(&o));
    o.number = 1;
    CHECK(observation_valid(&o));
    o.text = bytes_text("x");
    CHECK(!observation_valid(&o));
    o = (struct observation){.kind = RESULT_BOOL, .number = 0.5};
    CHECK(!observation_valid(&o));
    o = (struct observation){.kind = (enum result_kind)9};
    CHECK(!observation_valid(&o));
}
