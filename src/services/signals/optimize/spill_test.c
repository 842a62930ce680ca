#include "services/signals/optimize/spill.h"
#include "base/test.h"

/* Lane 0 is 40 m long, with a loop at its start and one 110 m up the street; lane 1 is 300 m long,
 * with a loop 200 m before its line. */
static struct signals_model
streets(void)
{
    struct signals_model m = {.lanes_count = 2, .lane_m = {40, 300}, .loops_count = 3};
    m.loops[0] = (struct signals_source){.distance_m = 39, .lanes_count = 1, .lanes = {0}};
    m.loops[1] = (struct signals_source){.distance_m = 110, .lanes_count = 1, .lanes = {0}};
    m.loops[2] = (struct signals_source){.distance_m = 200, .lanes_count = 1, .lanes = {1}};
    return m;
}

static void
hear(struct spill *s, const struct signals_model *m, uint32_t seconds, const char *on)
{
    static struct signals_reading r;
    for (uint32_t j = 0; j < m->loops_count; j++)
        r.advance_on[j] = on[j] == '1';
    for (uint32_t i = 0; i < seconds; i++)
        spill_hear(s, m, &r);
}

TEST(a_queue_before_the_lane_spills_over)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, SPILL_COVERED_S - 1, "111");
    CHECK(!spill_over(&s, &m, 0));
    hear(&s, &m, 1, "111");
    CHECK(spill_over(&s, &m, 0));
}

TEST(a_long_lane_that_is_full_is_in_nobodys_way)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, 100, "101");
    CHECK(s.stands[2] && !spill_over(&s, &m, 1) && !spill_over(&s, &m, 0));
}

TEST(the_fuller_a_lane_the_more_a_second_on_it_weighs)
{
    CHECK(spill_weight(0, 8) == 1 && spill_weight(4, 8) == 1);
    CHECK(spill_weight(6, 8) > 1.49 && spill_weight(6, 8) < 1.51);
    CHECK(spill_weight(8, 8) == SPILL_WEIGHT && spill_weight(20, 8) == SPILL_WEIGHT);
    CHECK(spill_weight(3, 0) == 1); /* how many fit is not known */
}

TEST(traffic_that_flows_is_no_queue)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    for (int i = 0; i < 100; i++)
        hear(&s, &m, 1, i % 2 ? "010" : "000");
    CHECK(!spill_over(&s, &m, 0));
}

TEST(a_queue_ends_when_nobody_follows)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, 300, "010");
    for (int i = 0; i < 20; i++) { /* it drives off, headway after headway */
        hear(&s, &m, SPILL_FREE_S - 1, "000");
        CHECK(spill_over(&s, &m, 0));
        hear(&s, &m, 1, "010");
    }
    hear(&s, &m, SPILL_FREE_S, "000");
    CHECK(!spill_over(&s, &m, 0));
}

TEST(only_a_queue_that_outlasts_a_cycle_hides_others)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, SPILL_COVERED_S, "101");
    CHECK(spill_behind(&s, &m) == 0);
    hear(&s, &m, SPILL_CYCLE_S - 2, "101"); /* of lane 0, the farther loop is free */
    CHECK(spill_behind(&s, &m) == 0);
    hear(&s, &m, 1, "101");
    CHECK(spill_behind(&s, &m) == SPILL_BEHIND);
    hear(&s, &m, SPILL_COVERED_S + SPILL_CYCLE_S, "111");
    CHECK(spill_behind(&s, &m) == 2 * SPILL_BEHIND);
    hear(&s, &m, SPILL_FREE_S, "110"); /* the end of one has passed */
    CHECK(spill_behind(&s, &m) == SPILL_BEHIND);
}

/* One vehicle over each loop in every `each`-th second, for so long; none covers it. */
static void
flow(struct spill *s, const struct signals_model *m, uint32_t seconds, uint32_t each)
{
    static struct signals_reading r;
    for (uint32_t i = 0; i < seconds; i++) {
        for (uint32_t j = 0; j < m->loops_count; j++)
            r.advance[j] = i % each == 0;
        spill_hear(s, m, &r);
    }
}

static bool
about(double value, double expected)
{
    return value > expected - 1 && value < expected + 1;
}

TEST(as_many_come_behind_a_queue_as_came_before)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    flow(&s, &m, 100, 5);
    CHECK(spill_hidden(&s, &m, 1) == 0);
    hear(&s, &m, SPILL_COVERED_S - 1, "001"); /* it may be somebody who drives slowly */
    CHECK(spill_hidden(&s, &m, 1) == 0);
    hear(&s, &m, 60, "001");
    CHECK(about(spill_hidden(&s, &m, 1), 12) && spill_hidden(&s, &m, 0) == 0);
    CHECK(about(spill_behind(&s, &m), SPILL_BEHIND + 12));
    flow(&s, &m, 20, 2); /* it flows: ten pass, four come */
    CHECK(about(spill_hidden(&s, &m, 1), 6));
    hear(&s, &m, 3600, "001");
    CHECK(spill_hidden(&s, &m, 1) == SPILL_HIDDEN_MAX);
}

TEST(nobody_is_behind_a_queue_that_has_ended)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    flow(&s, &m, 100, 5);
    hear(&s, &m, 100, "001");
    flow(&s, &m, 40, SPILL_FREE_S);
    CHECK(spill_hidden(&s, &m, 1) > 0); /* they still follow each other */
    hear(&s, &m, SPILL_FREE_S, "000");
    CHECK(spill_hidden(&s, &m, 1) == 0);
}

TEST(who_waits_at_a_neighbours_lights_is_not_behind_a_queue_here)
{
    struct signals_model m = streets();
    struct spill s;
    m.feeders_count = 1;
    m.feeders[0] = (struct signals_source){.distance_m = 280, .lanes_count = 1, .lanes = {1}};
    spill_init(&s);
    flow(&s, &m, 100, 5);
    hear(&s, &m, 100, "111");
    CHECK(spill_hidden(&s, &m, 1) == 0 && spill_hidden(&s, &m, 0) > 10);
}

TEST(a_loop_is_covered_by_who_stands_and_not_by_who_drives_over_it)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, 1, "100");
    CHECK(!spill_covered(&s, 0));
    hear(&s, &m, SPILL_STANDS_S - 1, "100");
    CHECK(spill_covered(&s, 0) && !spill_covered(&s, 1));
    hear(&s, &m, 1, "000");
    CHECK(!spill_covered(&s, 0));
}
