#include "base/test.h"
#include "field/sumo/pace.h"

static const struct field_options options = {.program = "pace_test"};

/* Seconds of the machine that so many steps took. */
static double
go(struct pace *p, struct field *f, uint32_t steps)
{
    uint64_t before_us = answers_machine_us();
    for (uint32_t i = 0; i < steps; i++)
        CHECK(pace_wait(p, f));
    pace_end(p);
    return (double)(answers_machine_us() - before_us) / 1e6;
}

TEST(free_running_is_not_faster_than_was_asked_for)
{
    struct field_calls calls = {0};
    struct pace p;
    struct field *f = field_new(&options, &calls);
    CHECK(f);
    CHECK_OK(pace_begin(&p, f, 100, false));
    double took_s = go(&p, f, 20);
    CHECK(took_s >= 0.2 && p.steps == 20 && p.expired == 0);
    CHECK(pace_measured(&p) <= 100 && pace_measured(&p) >= 20 / took_s - 1);
    CHECK_OK(pace_begin(&p, f, 0, false));
    CHECK(go(&p, f, 20) < took_s && pace_measured(&p) > 100);
    field_free(f);
}

TEST(in_lock_step_a_second_lasts_until_the_city_has_been_quiet)
{
    struct field_calls calls = {0};
    struct pace p;
    struct field *f = field_new(&options, &calls);
    CHECK(f);
    CHECK_OK(pace_begin(&p, f, 0, true));
    CHECK(go(&p, f, 5) >= 5 * ANSWERS_QUIET_MS / 1000.0 && p.expired == 0);
    field_free(f);
}

TEST(who_is_to_end_waits_for_nothing)
{
    struct field_calls calls = {0};
    struct pace p;
    struct field *f = field_new(&options, &calls);
    CHECK(f);
    CHECK_OK(pace_begin(&p, f, 1, true));
    field_stop(f);
    uint64_t before_us = answers_machine_us();
    CHECK(!pace_wait(&p, f) && answers_machine_us() - before_us < 500000);
    field_free(f);
}
