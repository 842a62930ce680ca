#include "programs/conduit/bound.h"

#include <math.h>

#include "base/test.h"
#include "programs/conduit/valve.h"

static bool
near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

TEST(the_bound_is_exact_where_it_can_be_said_by_hand)
{
    /* A letter or nothing, each tick: log2(values + 1). */
    CHECK(near(bound_bits_a_tick(1, 1), 1));
    CHECK(near(bound_bits_a_tick(7, 1), 3));
    /* One value, at least two ticks apart: the golden ratio. */
    CHECK(near(bound_bits_a_tick(1, 2), log2((1 + sqrt(5)) / 2)));
}

/* Words of n ticks, counted: w(n) = w(n-1) + values * w(n-ticks); w of less than 0 is 1. */
TEST(the_bound_is_what_counting_words_gives)
{
    enum { TICKS = 16, LENGTH = 600 };
    static double log_words[LENGTH + 1];
    double values = 64 * 51;
    for (int n = 0; n <= LENGTH; n++) {
        double same = n ? log_words[n - 1] : 0;
        double more = log2(values) + (n >= TICKS ? log_words[n - TICKS] : 0);
        log_words[n] = n ? more + log2(1 + exp2(same - more)) : 0;
    }
    double measured = (log_words[LENGTH] - log_words[LENGTH / 2]) / (LENGTH / 2.0);
    double bits = bound_bits_a_tick(values, TICKS);
    CHECK(fabs(measured - bits) < 0.01 * bits);
}

TEST(the_rate_of_the_charter_bounds_the_bits)
{
    struct start_conduit rules = {.carries = "zone-count", .group_min = 10, .rate_per_hour = 60};
    struct bound minute, second;
    bound_of(&rules, &minute);
    CHECK(minute.areas == 64 && minute.counts == 51 && minute.ticks == 60);
    CHECK(minute.tick_ms == 1000 && minute.bits_a_message > 14 && minute.bits_a_message < 15);
    rules.rate_per_hour = 3600;
    bound_of(&rules, &second);
    CHECK(second.tick_ms == 62 && second.ticks == 16);
    CHECK(second.bits_a_second > 50 * minute.bits_a_second);
    CHECK(second.bits_a_second < 60 * minute.bits_a_second);
    CHECK(minute.bits_once < 800);
}

/* No two counts that differ for the receiver are more than the steps that the bound counts. */
TEST(the_steps_are_those_that_the_valve_makes)
{
    static const uint32_t groups[] = {1, 7, 10, 11, 25, 1000};
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) {
        uint32_t before = 0;
        for (uint32_t count = groups[g]; count <= 20000; count++) {
            uint32_t step = valve_step(count, groups[g]);
            CHECK(step >= groups[g] && step <= count && step >= before);
            CHECK(step < 10 || step * 5 > count * 3 || step == groups[g]);
            before = step;
        }
    }
    CHECK(valve_step(99, 10) == 80 && valve_step(100, 10) == 100 && valve_step(129, 10) == 120);
    CHECK(valve_step(1000000, 10) == 1000000 && valve_step(999999, 10) == 800000);
}
