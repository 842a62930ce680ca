#include "programs/conduit/valve.h"
#include "base/random.h"
#include "base/test.h"

static const int64_t now_us = 1763999940LL * 1000000;

static struct start_conduit
rules(void)
{
    return (struct start_conduit){
        .name = "bike-counts", .carries = "zone-count", .group_min = 10, .rate_per_hour = 60};
}

/* The verdict; a message that passes has gone when the next one comes. */
static enum valve_verdict
judge(struct valve *v, struct zone_count m, uint64_t now_ms)
{
    struct buf b;
    struct zone_count out;
    uint32_t wait_ms;
    enum valve_verdict verdict = VALVE_VERDICTS;
    buf_init(&b, 1024);
    zone_count_encode(&m, &b);
    CHECK_OK(valve_judge(v, zone_count_id, buf_bytes(&b), now_ms, now_us, &verdict));
    if (verdict == VALVE_PASS) {
        CHECK(!valve_release(v, now_ms, now_us, &out, &wait_ms));
        CHECK(wait_ms > 0 && wait_ms <= VALVE_TICK_MS);
        CHECK(valve_release(v, now_ms + wait_ms, now_us, &out, &wait_ms));
        CHECK(out.count == valve_step(m.count, v->rules.group_min));
        CHECK(bytes_equal(out.area, m.area));
        CHECK(!valve_release(v, now_ms + 5000, now_us, &out, &wait_ms) && wait_ms == UINT32_MAX);
    }
    buf_fini(&b);
    return verdict;
}

static struct zone_count
plain(uint32_t count)
{
    return (struct zone_count){bytes_text("cell-15021-10342"), count, now_us / 1000000 - 120, 60};
}

TEST(only_the_declared_kind_passes)
{
    struct start_conduit r = rules();
    struct valve v;
    enum valve_verdict verdict;
    valve_init(&v, &r, 0);
    CHECK_OK(valve_judge(&v, wish_id, bytes_text("x"), 0, now_us, &verdict));
    CHECK(verdict == VALVE_KIND);
    CHECK(valve_judge(&v, zone_count_id, bytes_text("x"), 0, now_us, &verdict) == ERR_MALFORMED);
    memcpy(r.carries, "other", 6);
    valve_init(&v, &r, 0);
    CHECK(judge(&v, plain(50), 0) == VALVE_KIND);
}

TEST(a_group_below_the_least_is_refused)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    for (uint32_t count = 0; count < 10; count++)
        CHECK(judge(&v, plain(count), 0) == VALVE_GROUP);
    CHECK(judge(&v, plain(10), 0) == VALVE_PASS);
}

TEST(nothing_passes_to_or_from_an_island)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    v.cut = true;
    for (int i = 0; i < 3; i++)
        CHECK(judge(&v, plain(20), 0) == VALVE_CUT);
    v.cut = false;
    CHECK(judge(&v, plain(20), 0) == VALVE_PASS);
}

TEST(what_waits_when_a_zone_is_cut_off_never_crosses)
{
    struct start_conduit r = rules();
    struct valve v;
    struct zone_count out;
    uint32_t wait_ms;
    valve_init(&v, &r, 0);
    CHECK(judge(&v, plain(20), 0) == VALVE_PASS);
    v.waiting = true; /* whatever the judge above released */
    v.due_ms = 1000;
    v.cut = true;
    CHECK(!valve_release(&v, 2000, now_us, &out, &wait_ms));
    v.cut = false;
    CHECK(!valve_release(&v, 3000, now_us, &out, &wait_ms));
}

TEST(silence_is_not_saved_up)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    for (uint64_t ms = 7200000; ms < 5 * 7200000; ms += 7200000) {
        CHECK(judge(&v, plain(20), ms) == VALVE_PASS);
        CHECK(judge(&v, plain(20), ms) == VALVE_RATE);
        CHECK(judge(&v, plain(20), ms + 59999) == VALVE_RATE);
    }
}

TEST(the_rate_holds_over_any_hour)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    uint32_t passed = 0;
    for (uint64_t ms = 0; ms < 3600000; ms += 100)
        passed += judge(&v, plain(20), ms) == VALVE_PASS;
    CHECK(passed == 60 || passed == 61);
}

TEST(values_that_could_hide_bits_are_refused)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    static const char *const names[] = {"Old Town", "old-town", "cell-015021-10342",
                                        "cell-15021-10342-x"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct zone_count m = plain(20);
        m.area = bytes_text(names[i]);
        CHECK(judge(&v, m, 0) == VALVE_KIND);
    }
    static const int64_t moved_s[] = {1, -60, -3600, 86400};
    for (size_t i = 0; i < ARRAY_COUNT(moved_s); i++) {
        struct zone_count m = plain(20);
        m.window_start_s = now_us / 1000000 - 180 + moved_s[i];
        CHECK(judge(&v, m, 0) == (moved_s[i] == -60 ? VALVE_PASS : VALVE_KIND));
        valve_init(&v, &r, 0);
    }
    static const uint32_t windows_s[] = {0, 30, 61, 120, 86400};
    for (size_t i = 0; i < ARRAY_COUNT(windows_s); i++) {
        struct zone_count m = plain(20);
        m.window_s = windows_s[i];
        CHECK(judge(&v, m, 0) == VALVE_KIND);
    }
    CHECK(judge(&v, plain(20), 0) == VALVE_PASS);
}

TEST(only_so_many_areas_and_only_near_the_first)
{
    struct start_conduit r = rules();
    struct valve v;
    uint64_t ms = 0;
    uint32_t passed = 0;
    char name[COARSEN_AREA_SIZE];
    struct zone_count m = plain(20);
    valve_init(&v, &r, 0);
    CHECK(judge(&v, m, ms += 60000) == VALVE_PASS);
    static const struct area far[] = {{15021 + 33, 10342}, {15021, 10342 - 33}, {0, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(far); i++) {
        coarsen_area_name(far[i], name);
        m.area = bytes_text(name);
        CHECK(judge(&v, m, ms += 60000) == VALVE_KIND);
    }
    for (uint16_t i = 0; i < 100; i++) {
        coarsen_area_name((struct area){(uint16_t)(15000 + i % 50), 10340}, name);
        m.area = bytes_text(name);
        passed += judge(&v, m, ms += 60000) == VALVE_PASS;
        coarsen_area_name((struct area){(uint16_t)(15000 + i % 50), 10341}, name);
        m.area = bytes_text(name);
        passed += judge(&v, m, ms += 60000) == VALVE_PASS;
    }
    CHECK(v.areas_count == VALVE_AREAS_MAX);
    CHECK(passed == 2 * (VALVE_AREAS_MAX - 1)); /* those that were learnt, in both rounds */
    CHECK(judge(&v, plain(20), ms + 60000) == VALVE_PASS);
}

/* A refused message teaches nothing: else a rate of none would still fill the list. */
TEST(what_is_refused_makes_no_area_known)
{
    struct start_conduit r = rules();
    struct valve v;
    valve_init(&v, &r, 0);
    CHECK(judge(&v, plain(3), 0) == VALVE_GROUP);
    CHECK(v.areas_count == 0);
    CHECK(judge(&v, plain(20), 0) == VALVE_PASS);
    struct zone_count m = plain(20);
    m.area = bytes_text("cell-15022-10342");
    CHECK(judge(&v, m, 10) == VALVE_RATE);
    CHECK(v.areas_count == 1);
}

/* Whatever the sender's window and moment, the receiver sees a tick and the minute of that tick. */
TEST(window_and_moment_are_the_valves_own)
{
    struct start_conduit r = rules();
    struct random_seeded seeded = {test_seed()};
    struct random_source random = random_seeded_source(&seeded);
    for (int i = 0; i < 1000; i++) {
        struct valve v;
        struct zone_count out, m = plain(20 + (uint32_t)random_below(&random, 5));
        struct buf b;
        uint32_t wait_ms;
        enum valve_verdict verdict;
        uint64_t start_ms = random_below(&random, 100000), at_ms = random_below(&random, 50000);
        m.window_start_s -= (int64_t)random_below(&random, 2) * 60;
        buf_init(&b, 1024);
        zone_count_encode(&m, &b);
        valve_init(&v, &r, start_ms);
        CHECK_OK(valve_judge(&v, zone_count_id, buf_bytes(&b), start_ms + at_ms, now_us, &verdict));
        CHECK(verdict == VALVE_PASS);
        CHECK(!valve_release(&v, start_ms + at_ms, now_us, &out, &wait_ms));
        CHECK((at_ms + wait_ms) % VALVE_TICK_MS == 0);
        CHECK(valve_release(&v, start_ms + at_ms + wait_ms, now_us, &out, &wait_ms));
        CHECK(out.count == 20 && out.window_s == 60);
        CHECK(out.window_start_s == now_us / 1000000 / 60 * 60 - 60);
        buf_fini(&b);
    }
}
