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

TEST(a_lane_that_is_full_most_of_the_time_hides_a_crowd)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, SPILL_COVERED_S - 1 + SPILL_OFTEN_S - 1, "001");
    CHECK(!spill_crowded(&s, &m, 1) && spill_behind(&s, &m) == SPILL_BEHIND);
    hear(&s, &m, 1, "001");
    CHECK(spill_crowded(&s, &m, 1) && !spill_crowded(&s, &m, 0));
    CHECK(spill_behind(&s, &m) == SPILL_BEHIND + SPILL_CROWD);
}

TEST(a_crowd_does_not_go_with_one_gap_and_goes_when_queues_end)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    hear(&s, &m, 2 * SPILL_OFTEN_MOST_S, "001");
    hear(&s, &m, SPILL_FREE_S, "000");
    CHECK(spill_crowded(&s, &m, 1));
    CHECK(spill_behind(&s, &m) == SPILL_BEHIND + SPILL_CROWD);
    hear(&s, &m, SPILL_OFTEN_MOST_S - SPILL_OFTEN_S, "000");
    CHECK(!spill_crowded(&s, &m, 1) && spill_behind(&s, &m) == 0);
}

TEST(a_queue_that_ends_each_cycle_hides_no_crowd)
{
    struct signals_model m = streets();
    struct spill s;
    spill_init(&s);
    for (int i = 0; i < 40; i++) {
        hear(&s, &m, 60, "001");
        hear(&s, &m, 60, "000");
    }
    CHECK(!spill_crowded(&s, &m, 1));
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
