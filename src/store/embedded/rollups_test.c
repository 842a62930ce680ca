/*
 * Heads of chunks: what is kept, and that it comes back; and what a year's plot costs.
 */
#include "store/embedded/place.h"

#include "base/test.h"
#include "store/embedded/embedded.h"

#include <math.h>
#include <time.h>

static const int64_t minute_us = 60LL * 1000000;

static struct head head;
static struct head again;
static struct observation points[CHUNK_POINTS_MAX];

static void
fill(size_t count, int64_t from_us, int64_t step, const struct random_source *r)
{
    for (size_t i = 0; i < count; i++) {
        int64_t t = from_us + (int64_t)i * step;
        points[i] = (struct observation){.kind = RESULT_NUMBER,
                                         .number = (double)random_below(r, 1000) / 10,
                                         .time_us = t,
                                         .time_end_us = t,
                                         .result_time_us = t};
    }
}

static void
round_trip(void)
{
    struct buf b;
    buf_init(&b, HEAD_PLAIN_MAX);
    CHECK_OK(head_encode(&head, &b));
    CHECK_OK(head_decode(buf_bytes(&b), &again));
    CHECK(again.step == head.step && again.count == head.count);
    CHECK(memcmp(&again.all, &head.all, sizeof head.all) == 0);
    for (size_t i = 0; i < head.count; i++) {
        struct bucket want = head.bucket[i];
        want.first_n = want.last_n = 0; /* not kept */
        CHECK(memcmp(&want, &again.bucket[i], sizeof want) == 0);
    }
    for (size_t len = 0; len < b.len; len++) {
        struct head cut;
        CHECK(head_decode(bytes_of(b.p, len), &cut) == ERR_MALFORMED || len == 32);
    }
    buf_fini(&b);
}

TEST(the_finest_step_that_is_worth_it_is_kept_and_comes_back)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    static const struct {
        int64_t step_us;
        int step; /* that must be kept */
    } wanted[] = {{1000000, STORE_MINUTE},
                  {minute_us, STORE_HOUR},
                  {15 * minute_us, STORE_DAY},
                  {1440 * minute_us, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        fill(CHUNK_POINTS_MAX, T0 + 17, wanted[i].step_us, &r);
        head_make(points, CHUNK_POINTS_MAX, &head);
        CHECK((int)head.step == wanted[i].step && head.all.count == CHUNK_POINTS_MAX);
        round_trip();
    }
    fill(2, INT64_MIN, 1, &r); /* times without a bucket */
    head_make(points, 2, &head);
    CHECK(head.step == 0 && head.all.count == 2);
    round_trip();
    points[0].number = 1e308;
    points[1].number = 1e308;
    head_make(points, 2, &head);
    CHECK(head.step == 0);
}

TEST(sums_of_decimal_numbers_are_exact)
{
    for (size_t i = 0; i < 1000; i++)
        points[i] = (struct observation){.kind = RESULT_NUMBER, .number = 0.1, .time_us = T0};
    head_make(points, 1000, &head);
    CHECK(head.all.sum == 100 && head.count == 1 && head.bucket[0].sum == 100);
}

struct plot {
    size_t count;
    uint64_t numbers;
    int64_t last_us;
};

static bool
see(void *ctx, const struct store_rollup *r)
{
    struct plot *plot = ctx;
    CHECK(plot->count == 0 || r->start_us > plot->last_us);
    plot->last_us = r->start_us;
    plot->numbers += r->count;
    plot->count++;
    return true;
}

static int64_t
cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum { YEAR = 365 * 24 * 60 };

static void
plot_year(struct store *s, enum store_step step, const char *name, bool raw)
{
    struct plot plot = {0};
    uint64_t decoded = s->cache_clock;
    int64_t from = cpu_us();
    CHECK_OK(store_rollups(s, 1, step, T0, T0 + YEAR * minute_us, see, &plot));
    int64_t took = cpu_us() - from;
    CHECK((s->cache_clock > decoded) == raw); /* points were looked at only where they must be */
    printf("a year by %s: %zu buckets in %lld us of the processor, %llu chunks decoded\n", name,
           plot.count, (long long)took, (unsigned long long)(s->cache_clock - decoded));
    if (!raw)
        CHECK(took < 100 * 1000); /* milliseconds, on any machine and with sanitizers */
}

TEST(a_year_by_the_minute_is_plotted_without_its_points)
{
    struct place p;
    struct store_stream meta = {"meter", "hall", 0, false};
    place_init(&p);
    CHECK_OK(store_add_stream(p.s, 1, &meta));
    for (int64_t i = 0; i < YEAR; i++) {
        int64_t t = T0 + i * minute_us;
        struct observation o = {.kind = RESULT_NUMBER,
                                .number = (double)(i * 7919 % 1009) / 10,
                                .time_us = t,
                                .time_end_us = t,
                                .result_time_us = t};
        uint64_t n;
        bool more;
        CHECK_OK(store_append(p.s, 1, &o, true, &n));
        if (i % 5000 != 4999)
            continue;
        CHECK_OK(store_commit(p.s));
        CHECK_OK(store_maintain(p.s, &more));
    }
    CHECK_OK(store_commit(p.s));
    place_reopen(&p);
    plot_year(p.s, STORE_DAY, "day", false);
    plot_year(p.s, STORE_HOUR, "hour", false);
    plot_year(p.s, STORE_MINUTE, "minute", true); /* a number a minute: the points are the plot */
    struct plot all = {0};
    CHECK_OK(store_rollups(p.s, 1, STORE_HOUR, INT64_MIN, INT64_MAX, see, &all));
    CHECK(all.numbers == YEAR);
    place_fini(&p);
}

TEST(rollups_of_an_expired_class_go_with_it)
{
    struct place p;
    struct store_stream meta = {"meter", "hall", 3 * 86400, false};
    struct plot plot = {0};
    place_init(&p);
    CHECK_OK(store_add_stream(p.s, 1, &meta));
    for (int64_t i = 0; i < 6000; i++) {
        int64_t t = T0 + i * minute_us;
        struct observation o = {.kind = RESULT_NUMBER, .number = 1, .time_us = t};
        uint64_t n;
        CHECK_OK(store_append(p.s, 1, &o, false, &n));
    }
    CHECK_OK(store_commit(p.s));
    p.clock.wall_us = T0 + 6000 * minute_us;
    for (int round = 0; round < 2; round++) {
        bool more = true;
        plot = (struct plot){0};
        CHECK_OK(store_rollups(p.s, 1, STORE_HOUR, INT64_MIN, INT64_MAX, see, &plot));
        CHECK(plot.count == 3 * 24 && plot.numbers <= 3 * 1440 && plot.numbers >= 3 * 1440 - 60);
        while (more)
            CHECK_OK(store_maintain(p.s, &more));
    }
    CHECK_OK(store_erase_stream(p.s, 1));
    CHECK(store_rollups(p.s, 1, STORE_HOUR, 0, INT64_MAX, see, &plot) == ERR_EXPIRED);
    CHECK(store_rollups(p.s, 2, STORE_HOUR, 0, INT64_MAX, see, &plot) == ERR_NOT_FOUND);
    place_fini(&p);
}

TEST(times_far_apart_cost_no_crawl)
{
    struct place p;
    struct store_stream meta = {"meter", "hall", 0, false};
    static const int64_t times[] = {INT64_MIN,     INT64_MIN + 1, -1,       0, 59999999, T0,
                                    INT64_MAX / 2, INT64_MAX - 1, INT64_MAX};
    place_init(&p);
    CHECK_OK(store_add_stream(p.s, 1, &meta));
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct observation o = {.kind = RESULT_NUMBER, .number = 1, .time_us = times[i]};
        uint64_t n;
        CHECK_OK(store_append(p.s, 1, &o, false, &n));
    }
    CHECK_OK(store_commit(p.s));
    for (int round = 0; round < 2; round++) {
        struct plot plot = {0};
        int64_t from = cpu_us();
        CHECK_OK(store_rollups(p.s, 1, STORE_MINUTE, INT64_MIN, INT64_MAX, see, &plot));
        CHECK(cpu_us() - from < 200 * 1000);
        CHECK(plot.count >= 4 && plot.count <= 7 && plot.numbers >= 5);
        p.clock.wall_us += 60 * minute_us;
        bool more = true;
        while (more)
            CHECK_OK(store_maintain(p.s, &more));
    }
    place_fini(&p);
}
