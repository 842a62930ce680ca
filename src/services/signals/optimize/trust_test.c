#include "services/signals/optimize/trust.h"
#include "base/test.h"

static struct trust t;

TEST(a_source_that_is_always_refuted_sinks_to_the_least_and_rises_again)
{
    trust_init(&t, false, 0);
    CHECK(trust_source(&t, 3) == 1);
    for (uint32_t i = 0; i < 100; i++)
        trust_refute(&t, 3);
    CHECK(trust_source(&t, 3) == TRUST_LEAST); /* T1 */
    CHECK(trust_source(&t, 2) == 1);
    uint32_t needed = 0;
    while (trust_source(&t, 3) < 0.7 && needed < 100) {
        trust_confirm(&t, 3);
        needed++;
    }
    CHECK(needed > 10 && needed < 25);
}

TEST(claims_that_loops_lose_among_lanes_cost_an_honest_source_no_more_than_they_are)
{
    trust_init(&t, false, 0);
    double sum = 0;
    for (uint32_t i = 0; i < 1200; i++) { /* one of six changed lanes */
        if (i % 6 == 5)
            trust_refute(&t, 0);
        else
            trust_confirm(&t, 0);
        CHECK(trust_source(&t, 0) > 0.75); /* T4 */
        sum += i >= 600 ? trust_source(&t, 0) : 0;
    }
    CHECK(sum / 600 > 0.82 && sum / 600 < 0.85);
}

TEST(phantoms_among_vehicles_weigh_as_much_as_there_are_vehicles)
{
    trust_init(&t, false, 0);
    double sum = 0;
    for (uint32_t i = 0; i < 4000; i++) { /* four of five are phantoms */
        if (i % 5 == 0)
            trust_confirm(&t, 0);
        else
            trust_refute(&t, 0);
        sum += i >= 400 ? trust_source(&t, 0) : 0;
    }
    CHECK(sum / 3600 > 0.18 && sum / 3600 < 0.22); /* T4 */
}

TEST(no_more_than_one_claim_in_a_while)
{
    for (uint32_t burst = 1; burst <= 9; burst++) {
        uint32_t taken = 0;
        trust_init(&t, false, 0);
        for (uint32_t s = 1; s <= 300; s++) {
            for (uint32_t n = 0; n < burst; n++)
                taken += trust_claim(&t, 7, (double)s);
        }
        CHECK(taken <= 300 / TRUST_CLAIM_EVERY_S + TRUST_BURST); /* T2 */
        CHECK(taken >= 199);
    }
    trust_init(&t, false, 0);
    uint32_t taken = 0;
    for (uint32_t s = 1; s <= 300; s++) /* what a street can bring is never refused */
        taken += s % 3 != 0 ? trust_claim(&t, 7, (double)s) : 0;
    CHECK(taken == 200);
    CHECK(trust_claim(&t, TRUST_SOURCES_MAX, 300)); /* stop loops are no claims */
}

/* A green of `green_s` with these claims, of which some leave, the rest is not there or does not
 * go. */
static double
green(uint32_t claims, uint32_t leave, bool on, bool free_way, uint32_t green_s, double *now_s)
{
    uint32_t gone = 0, idle = 0;
    for (uint32_t i = 0; i < green_s + 4; i++) {
        bool is_green = i < green_s;
        uint32_t departed = is_green && gone < leave && i >= 2 && i % 2 == 0;
        gone += departed;
        idle = departed ? 0 : idle + 1;
        struct trust_second s = {.green = is_green,
                                 .free_way = free_way,
                                 .on = on || gone < leave,
                                 .free_s = on || gone < leave ? 0 : (double)idle,
                                 .idle_s = (double)idle,
                                 .departed = departed,
                                 .claims = claims - gone};
        *now_s += 1;
        trust_hear_lane(&t, 0, &s, *now_s);
        CHECK(trust_lane(&t, 0) >= TRUST_LEAST && trust_lane(&t, 0) <= 1);
    }
    return trust_lane(&t, 0);
}

TEST(vehicles_that_do_not_leave_though_nobody_stands_there_are_phantoms)
{
    double now = 0;
    trust_init(&t, false, now);
    double once = green(10, 0, false, true, 10, &now);
    CHECK(once <= 0.51);
    for (uint32_t i = 0; i < 6; i++)
        green(10, 0, false, true, 10, &now);
    CHECK(trust_lane(&t, 0) == TRUST_LEAST);
    CHECK(green(4, 4, false, true, 20, &now) > 0.5); /* one honest green, and it is half believed */
}

TEST(one_long_green_is_enough_to_find_them)
{
    double now = 0;
    trust_init(&t, false, now);
    CHECK(green(10, 0, false, true, 60, &now) < 0.1);
}

TEST(a_lane_that_cannot_discharge_is_no_liar)
{
    double now = 0;
    trust_init(&t, false, now);
    for (uint32_t i = 0; i < 10; i++)
        CHECK(green(8, 0, true, false, 30, &now) == 1); /* T3: somebody stands, and must yield */
    for (uint32_t i = 0; i < 10; i++)
        CHECK(green(8, 1, true, false, 30, &now) == 1);
    CHECK(green(8, 0, true, true, 30, &now) < 1); /* nothing hinders the head, and it stays */
}

TEST(a_short_green_proves_nothing)
{
    double now = 0;
    trust_init(&t, false, now);
    for (uint32_t i = 0; i < 20; i++)
        CHECK(green(10, 0, false, true, 5, &now) == 1);
}

TEST(switched_off_it_believes_everything)
{
    double now = 0;
    trust_init(&t, true, now);
    for (uint32_t i = 0; i < 100; i++) {
        trust_refute(&t, 0);
        CHECK(trust_claim(&t, 0, 0));
    }
    CHECK(green(10, 0, false, true, 60, &now) == 1);
    CHECK(trust_source(&t, 0) == 1);
}
