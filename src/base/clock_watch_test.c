#include "base/clock_watch.h"

#include "base/random.h"
#include "base/test.h"

static const int64_t NOW_US = 1800000000000000;
enum { LOOK_MS = 100, HOUR_MS = 3600000 };

/* Looks for `ms` with a wall clock that gains `ppm`; counts what was told. */
static uint32_t
run(struct clock_watch *w, uint64_t *mono_ms, int64_t *wall_us, uint64_t ms, int64_t ppm,
    enum clock_event *out_last)
{
    uint32_t told = 0;
    for (uint64_t at = 0; at < ms; at += LOOK_MS) {
        *mono_ms += LOOK_MS;
        *wall_us += LOOK_MS * 1000 + LOOK_MS * ppm / 1000;
        enum clock_event e = clock_watch_look(w, *mono_ms, *wall_us);
        told += e != CLOCK_STEADY;
        if (e != CLOCK_STEADY && out_last)
            *out_last = e;
    }
    return told;
}

TEST(a_clock_that_runs_or_is_slewed_is_believed)
{
    for (int64_t ppm = -500; ppm <= 500; ppm += 250) {
        struct clock_watch w;
        uint64_t mono = 5000;
        int64_t wall = NOW_US;
        CHECK(clock_watch_start(&w, mono, wall, INT64_MIN) == CLOCK_STEADY);
        CHECK(run(&w, &mono, &wall, 4 * HOUR_MS, ppm, NULL) == 0);
        CHECK(!clock_watch_doubt(&w, mono));
    }
}

TEST(a_step_either_way_is_told_once_and_doubted_for_a_minute)
{
    static const int64_t hours[] = {-30, -5, -1, 1, 5, 30};
    for (size_t i = 0; i < ARRAY_COUNT(hours); i++) {
        struct clock_watch w;
        enum clock_event last = CLOCK_STEADY;
        uint64_t mono = 5000;
        int64_t wall = NOW_US;
        clock_watch_start(&w, mono, wall, INT64_MIN);
        CHECK(run(&w, &mono, &wall, 10000, 0, NULL) == 0);
        wall += hours[i] * HOUR_MS * 1000;
        CHECK(run(&w, &mono, &wall, 1000, 0, &last) == 1 && last == CLOCK_STEPPED);
        CHECK(w.step_us == hours[i] * HOUR_MS * 1000);
        CHECK(clock_watch_doubt(&w, mono));
        CHECK(run(&w, &mono, &wall, CLOCK_DOUBT_MS - 2000, 0, NULL) == 0);
        CHECK(clock_watch_doubt(&w, mono));
        CHECK(run(&w, &mono, &wall, 2000, 0, NULL) == 0 && !clock_watch_doubt(&w, mono));
    }
}

TEST(the_smallest_step_that_counts_is_one_second)
{
    for (int64_t step_ms = -1500; step_ms <= 1500; step_ms += 50) {
        struct clock_watch w;
        uint64_t mono = 5000;
        int64_t wall = NOW_US;
        clock_watch_start(&w, mono, wall, INT64_MIN);
        wall += step_ms * 1000;
        if (step_ms == -LOOK_MS)
            continue; /* for one look it seems to stand */
        CHECK(run(&w, &mono, &wall, 500, 0, NULL) == (step_ms > 1000 || step_ms < -1000));
    }
}

TEST(many_small_steps_are_a_step)
{
    struct clock_watch w;
    uint64_t mono = 5000;
    int64_t wall = NOW_US;
    clock_watch_start(&w, mono, wall, INT64_MIN);
    CHECK(run(&w, &mono, &wall, 2 * CLOCK_SPAN_MS, 40000, NULL) >= 1); /* 4 % fast */
}

TEST(a_frozen_clock_is_told_once_and_doubted_until_it_runs)
{
    struct clock_watch w;
    uint64_t mono = 5000;
    int64_t wall = NOW_US;
    uint32_t told = 0;
    clock_watch_start(&w, mono, wall, INT64_MIN);
    CHECK(run(&w, &mono, &wall, 5000, 0, NULL) == 0);
    for (uint64_t at = 0; at < 10 * CLOCK_DOUBT_MS; at += LOOK_MS) {
        mono += LOOK_MS;
        enum clock_event e = clock_watch_look(&w, mono, wall);
        told += e != CLOCK_STEADY;
        CHECK(e == CLOCK_STEADY || e == CLOCK_FROZEN);
        CHECK(clock_watch_doubt(&w, mono) == (at + LOOK_MS >= CLOCK_FROZEN_MS));
    }
    CHECK(told == 1);
    CHECK(run(&w, &mono, &wall, CLOCK_DOUBT_MS - 1000, 0, NULL) == 0);
    CHECK(clock_watch_doubt(&w, mono));
    CHECK(run(&w, &mono, &wall, 2000, 0, NULL) == 0 && !clock_watch_doubt(&w, mono));
}

TEST(a_clock_behind_what_was_known_was_rolled_back)
{
    struct clock_watch w;
    CHECK(clock_watch_start(&w, 9, NOW_US, NOW_US + 900000) == CLOCK_STEADY);
    CHECK(!clock_watch_doubt(&w, 9));
    CHECK(clock_watch_start(&w, 9, NOW_US, NOW_US + 3600000000) == CLOCK_ROLLED_BACK);
    CHECK(w.step_us == -3600000000 && clock_watch_doubt(&w, 9));
    CHECK(!clock_watch_doubt(&w, 9 + CLOCK_DOUBT_MS));
}

TEST(what_has_expired_stays_expired_when_the_clock_goes_back)
{
    struct clock_watch w;
    clock_watch_start(&w, 9, NOW_US, INT64_MIN);
    CHECK(clock_watch_latest_us(&w, NOW_US + 5) == NOW_US + 5);
    CHECK(clock_watch_latest_us(&w, NOW_US - 3600000000) == NOW_US + 5);
    clock_watch_look(&w, 109, NOW_US + 90);
    CHECK(clock_watch_latest_us(&w, NOW_US) == NOW_US + 90);
    clock_watch_start(&w, 9, NOW_US, NOW_US + 7000000);
    CHECK(clock_watch_latest_us(&w, NOW_US) == NOW_US + 7000000);
}

/* Any walk of both clocks: what latest_us says never goes back. */
TEST(the_latest_time_is_monotonic)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct clock_watch w;
    uint64_t mono = 0;
    int64_t last = INT64_MIN;
    clock_watch_start(&w, mono, NOW_US, INT64_MIN);
    for (int i = 0; i < 100000; i++) {
        mono += random_below(&r, 1000);
        int64_t wall = NOW_US + (int64_t)random_below(&r, 1u << 31) * 1000;
        clock_watch_look(&w, mono, wall);
        int64_t now = clock_watch_latest_us(&w, wall);
        CHECK(now >= last && now >= wall);
        last = now;
    }
}
