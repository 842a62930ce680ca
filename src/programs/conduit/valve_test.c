#include "programs/conduit/valve.h"
#include "base/test.h"

static const int64_t now_us = 1763999940LL * 1000000;

static struct start_conduit
rules(void)
{
    return (struct start_conduit){
        .name = "bike-counts", .carries = "zone-count", .group_min = 10, .rate_per_hour = 60};
}

static enum valve_verdict
judge(struct valve *v, struct zone_count m, uint64_t now_ms)
{
    struct buf b;
    struct zone_count out;
    enum valve_verdict verdict = VALVE_VERDICTS;
    buf_init(&b, 1024);
    zone_count_encode(&m, &b);
    CHECK_OK(valve_judge(v, zone_count_id, buf_bytes(&b), now_ms, now_us, &out, &verdict));
    if (verdict == VALVE_PASS)
        CHECK(out.count == m.count && out.window_start_s == m.window_start_s);
    buf_fini(&b);
    return verdict;
}

static struct zone_count
plain(uint32_t count)
{
    return (struct zone_count){bytes_text("old-town"), count, now_us / 1000000 - 120, 60};
}

TEST(only_the_declared_kind_passes)
{
    struct start_conduit r = rules();
    struct valve v;
    struct zone_count out;
    enum valve_verdict verdict;
    valve_init(&v, &r, 0);
    CHECK_OK(valve_judge(&v, wish_id, bytes_text("x"), 0, now_us, &out, &verdict));
    CHECK(verdict == VALVE_KIND);
    CHECK(valve_judge(&v, zone_count_id, bytes_text("x"), 0, now_us, &out, &verdict) ==
          ERR_MALFORMED);
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
    struct zone_count m = plain(20);
    m.area = bytes_text("Old Town");
    CHECK(judge(&v, m, 0) == VALVE_KIND);
    m = plain(20);
    m.window_start_s += 1;
    CHECK(judge(&v, m, 0) == VALVE_KIND);
    m = plain(20);
    m.window_s = 61;
    CHECK(judge(&v, m, 0) == VALVE_KIND);
    m = plain(20);
    m.window_start_s += 86400;
    CHECK(judge(&v, m, 0) == VALVE_KIND);
    CHECK(judge(&v, plain(20), 0) == VALVE_PASS);
}
