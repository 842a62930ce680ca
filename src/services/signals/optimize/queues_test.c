#include "services/signals/optimize/queues.h"
#include "base/test.h"

/* Two lanes side by side, 0 and 1, and one that crosses, 2; a loop 140 m before each (10 s), and
 * the exit of a neighbour 280 m before the first two. 50 km/h and a bit: 14 m/s. */
static struct signals_model
street(void)
{
    struct signals_model m = {.phases_count = 2,
                              .links_count = 4,
                              .lanes_count = 3,
                              .exits_count = 1,
                              .loops_count = 3,
                              .feeders_count = 1};
    m.link_lane[1] = 1, m.link_lane[2] = 2, m.link_lane[3] = 0; /* lane 0 has two links: 0 and 3 */
    m.lights[0][0] = m.lights[0][1] = m.lights[1][2] = m.lights[1][3] = LIGHT_GREEN;
    for (uint32_t l = 0; l < 3; l++) {
        m.lane_m[l] = 280;
        m.lane_kmh[l] = 50;
        m.loops[l] =
            (struct signals_source){.distance_m = 139, .lanes_count = 1, .lanes = {(uint8_t)l}};
    }
    m.loops[0].lanes_count = m.loops[1].lanes_count = 2;
    m.loops[0].lanes[1] = 1, m.loops[1].lanes[1] = 0;
    m.feeders[0] =
        (struct signals_source){.exit = 7, .distance_m = 278, .lanes_count = 2, .lanes = {0, 1}};
    return m;
}

static struct signals_model model;
static struct queues q;
static double now;

static void
begin(void)
{
    model = street();
    now = 100;
    queues_init(&q, &model, now);
}

/* One second in which the loops of `advance` were crossed, and the stop lines of `stop`. */
static void
second(int32_t phase, const char *advance, const char *stop, const char *on)
{
    struct signals_reading r = {.phase = phase};
    for (uint32_t j = 0; j < model.loops_count; j++)
        r.advance[j] = (uint8_t)(advance[j] - '0');
    for (uint32_t l = 0; l < 3; l++) {
        r.stop[l] = (uint8_t)(stop[l] - '0');
        r.stop_on[l] = on[l] == '1';
    }
    now += 1;
    queues_hear(&q, &r, true, now);
}

static uint32_t
near(uint32_t lane)
{
    return q.lanes[lane].count;
}

TEST(who_passes_a_loop_comes_stands_and_leaves)
{
    begin();
    second(1, "100", "000", "000");
    CHECK(near(0) == 1 && near(1) == 0 && queues_standing(&q, 0, now) == 0);
    double eta = q.lanes[0].v[0].eta_s - now;
    CHECK(eta > 9 && eta < 10);
    for (int i = 0; i < 9; i++)
        second(1, "000", "000", "000");
    second(1, "000", "000", "100");
    CHECK(near(0) == 1 && queues_standing(&q, 0, now) == 1);
    second(0, "000", "000", "100");
    second(0, "000", "100", "000");
    CHECK(near(0) == 0 && q.lanes[0].departed_s == now);
}

TEST(a_free_stop_loop_ends_a_queue_that_is_not_there)
{
    begin();
    second(1, "300", "000", "000");
    for (int i = 0; i < 10; i++)
        second(1, "000", "000", "000");
    for (int i = 0; i < 9; i++)
        second(0, "000", "000", "000");
    CHECK(near(0) + near(1) == 0);
}

TEST(who_chose_the_other_lane_is_found_there_and_the_share_is_learned)
{
    begin();
    for (int n = 0; n < 60; n++) {
        second(1, "100", "000", "000");
        for (int i = 0; i < 10; i++)
            second(1, "000", "000", "000");
        second(1, "000", "000", "010"); /* always lane 1 */
        second(0, "000", "010", "000");
        CHECK(near(0) + near(1) == 0);
    }
    second(1, "100", "000", "000");
    CHECK(near(1) == 1 && near(0) == 0);
}

TEST(who_stands_unannounced_is_counted)
{
    begin();
    second(1, "000", "000", "001");
    CHECK(queues_standing(&q, 2, now) == 1);
    second(1, "000", "001", "000");
    CHECK(near(2) == 0);
}

TEST(who_stood_unannounced_and_is_gone_is_forgotten_however_late_it_is)
{
    begin();
    now = 3000;
    second(0, "000", "000", "001");
    CHECK(near(2) == 1);
    for (int i = 0; i < 8; i++)
        second(1, "000", "000", "000"); /* his green, and nobody on the loop */
    CHECK(near(2) == 0);
}

TEST(who_crosses_still_lies_on_the_loop_and_is_nobody_else)
{
    begin();
    second(1, "110", "000", "000");
    for (int i = 0; i < 10; i++)
        second(1, "000", "000", "000");
    second(0, "000", "000", "100");
    CHECK(near(0) == 1 && near(1) == 1);
    second(0, "000", "100", "100"); /* his tail */
    CHECK(near(0) == 0 && near(1) == 1);
    second(0, "000", "000", "100"); /* a second one, whom nobody announced */
    CHECK(near(0) + near(1) >= 1 && queues_standing(&q, 0, now) == 1);
}

/* One crosses the line of lane 2, and its loop is occupied for so many seconds more. */
static void
stand_inside(bool gives_way, int seconds)
{
    begin();
    model.lights[1][2] = gives_way ? LIGHT_YIELDS : LIGHT_GREEN;
    model.yields_count[2] = 1;
    model.yields[2][0] = 3;
    second(1, "000", "000", "001");
    second(1, "000", "001", "001");
    for (int i = 0; i < seconds; i++)
        second(1, "000", "000", "001");
}

TEST(who_gives_way_in_the_junction_with_his_tail_on_the_loop_is_nobody_else)
{
    for (int seconds = 1; seconds < 9; seconds++) {
        stand_inside(false, seconds);
        CHECK(near(2) == 1);
        stand_inside(true, seconds);
        CHECK(near(2) == 0);
    }
    second(1, "000", "000", "000");
    second(1, "000", "000", "001"); /* the next one */
    CHECK(near(2) == 1);
    stand_inside(true, 1);
    second(0, "000", "000", "001"); /* he would be gone */
    CHECK(near(2) == 1);
}

/* Lane 0 has a link that goes freely, 0, and one that gives way, 3. */
TEST(whose_tail_is_on_the_loop_of_a_shared_lane_is_who_left_last)
{
    for (uint32_t turns = 0; turns < 2; turns++) {
        begin();
        model.lights[0][3] = LIGHT_YIELDS;
        model.yields_count[3] = 1;
        model.yields[3][0] = 1;
        q.turn[0] = turns ? 0 : 1;
        q.turn[3] = turns ? 1 : 0;
        second(0, "000", "000", "100");
        second(0, "000", "100", "100");
        second(0, "000", "000", "100");
        CHECK(near(0) == (turns ? 0 : 1));
    }
}

/* Lane 2 has a second loop, 40 m before the line. */
static void
begin_with_near_loop(void)
{
    begin();
    model.loops[3] = (struct signals_source){.distance_m = 40, .lanes_count = 1, .lanes = {2}};
    model.loops_count = 4;
    queues_init(&q, &model, now);
}

/* One drives over the outer loop of lane 2 and `seconds` later over the near one, then on at a
 * green; whether he was expected all the way. */
static bool
drive_slowly(uint32_t seconds)
{
    bool expected = true;
    second(1, "0010", "000", "000");
    for (uint32_t i = 1; i < seconds; i++) {
        second(1, "0000", "000", "000");
        expected = expected && near(2) == 1;
    }
    second(1, "0001", "000", "000");
    for (uint32_t i = 0; i < 2; i++)
        second(1, "0000", "000", "000");
    second(1, "0000", "001", "000");
    second(1, "0000", "000", "000");
    return expected;
}

TEST(how_long_it_takes_from_loop_to_loop_is_learned_even_of_those_who_were_given_up)
{
    begin_with_near_loop();
    CHECK(!drive_slowly(16)); /* 99 m at 50 km/h are 7 s */
    CHECK(near(2) == 0);
    for (uint32_t n = 0; n < 30; n++)
        drive_slowly(16);
    CHECK(drive_slowly(16));
    second(1, "0010", "000", "000");
    double eta = q.lanes[2].v[0].eta_s - now;
    CHECK(eta > 16 && eta < 21); /* and 40 m more */
    CHECK(trust_source(&q.trust, 2) > 0.9);
}

TEST(who_turns_off_before_the_near_loop_is_given_up)
{
    begin_with_near_loop();
    for (uint32_t n = 0; n < 20; n++)
        drive_slowly(8);
    second(1, "0010", "000", "000");
    for (uint32_t i = 0; i < 14; i++)
        second(1, "0000", "000", "000");
    CHECK(near(2) == 0);
    CHECK(q.trust.sources[2].refuted >= 1);
}

TEST(who_was_announced_is_not_counted_twice)
{
    begin();
    queues_coming(&q, 0, now);
    CHECK(near(0) + near(1) == 1);
    for (int i = 0; i < 9; i++)
        second(1, "000", "000", "000");
    second(1, "100", "000", "000");
    CHECK(near(0) + near(1) == 1);
    /* One who was announced and never came is forgotten. */
    queues_coming(&q, 0, now);
    for (int i = 0; i < 40; i++)
        second(1, "000", "000", "000");
    CHECK(near(0) + near(1) == 0);
}

TEST(who_may_be_on_two_lanes_is_on_one_of_them_in_each_scenario)
{
    static struct search_problem p;
    begin();
    uint32_t left = 0, all = 0;
    for (int n = 0; n < 8; n++) {
        queues_coming(&q, 0, now);
        second(1, "000", "000", "000");
        second(1, "000", "000", "000");
    }
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    CHECK(p.scenarios == SEARCH_SCENARIOS_MAX);
    for (uint32_t c = 0; c < p.scenarios; c++) {
        uint32_t there = 0;
        for (uint32_t l = 0; l < 2; l++) {
            for (uint32_t i = 0; i < p.lanes[l].count; i++)
                there += search_is_there(&p.lanes[l], c, i);
        }
        CHECK(there == near(0) + near(1));
        for (uint32_t i = 0; i < p.lanes[0].count; i++)
            left += search_is_there(&p.lanes[0], c, i);
        all += there;
    }
    CHECK(left * 3 > all && left * 3 < all * 2); /* half of all, as the neighbour's shares say */
    for (uint32_t i = 1; i < p.lanes[0].count; i++)
        CHECK(p.lanes[0].eta_s[i] >= p.lanes[0].eta_s[i - 1]);
}

TEST(cameras_say_all)
{
    begin();
    struct signals_reading r = {.phase = 1, .has_cars = true, .cars_count = 3};
    r.cars[0] = (struct signals_car){0, 3, 1000, 1300};
    r.cars[1] = (struct signals_car){0, 0, 10, 0};
    r.cars[2] = (struct signals_car){2, -1, 500, 1300};
    queues_hear(&q, &r, false, now + 1);
    CHECK(near(0) == 2 && near(2) == 1 && queues_standing(&q, 0, now + 1) == 1);
    CHECK(q.lanes[0].v[0].link == 0 && q.lanes[0].v[1].link == 3);
    double eta = q.lanes[0].v[1].eta_s - (now + 1);
    CHECK(eta > 7 && eta < 8);
    queues_hear(&q, &r, true, now + 2); /* not asked for: loops alone */
    CHECK(near(2) <= 1);
}

TEST(a_problem_has_turns_by_what_was_learned)
{
    static struct search_problem p;
    begin();
    for (int i = 0; i < 50; i++)
        second(1, "000", "100", "100"); /* in phase 1 only link 3 is green for lane 0 */
    second(0, "400", "000", "000");
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    CHECK(p.scenarios == SEARCH_SCENARIOS_MAX && p.lanes[0].count >= 4);
    uint32_t link3 = 0, all = 0;
    for (uint32_t c = 0; c < p.scenarios; c++) {
        for (uint32_t i = 0; i < p.lanes[0].count; i++, all++)
            link3 += p.lanes[0].link[c][i] == 3;
    }
    CHECK(link3 * 10 > all * 8);
    for (uint32_t i = 1; i < p.lanes[0].count; i++)
        CHECK(p.lanes[0].eta_s[i] >= p.lanes[0].eta_s[i - 1]);
}

TEST(who_drives_is_planned_for_a_second_later_and_who_stands_for_now)
{
    static struct search_problem p;
    begin();
    second(0, "100", "000", "001");
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    double due = q.lanes[0].v[0].eta_s - now;
    CHECK(p.lanes[0].count >= 1 && due > 9);
    CHECK(p.lanes[0].eta_s[0] > due + 0.9 && p.lanes[0].eta_s[0] < due + 1.1);
    CHECK(p.lanes[2].count >= 1 && p.lanes[2].eta_s[0] <= 0);
}

TEST(who_is_behind_the_farthest_loop_is_planned_with_and_all_before_it_as_a_queue)
{
    static struct search_problem p;
    begin();
    second(0, "001", "000", "000");
    p = (struct search_problem){.model = &model};
    q.spill.hidden[2] = q.spill.hidden[0] = 12.5; /* a neighbour feeds lane 0 */
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].count == 2 && p.lanes[0].count == 0);
    CHECK(p.lanes[2].eta_s[0] <= 0 && p.lanes[2].eta_s[1] <= 0);
    CHECK(p.lanes[2].weight[0] < 2 && p.lanes[2].weight[1] > 12);
    for (int i = 0; i < 100; i++)
        trust_refute(&q.trust, 2);
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].count == 0); /* the loop is not believed */
    q.spill.hidden[2] = 0.5;
    trust_init(&q.trust, false, now);
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].count == 1 && p.lanes[2].eta_s[0] > 5);
}

TEST(who_waits_weighs_more_when_his_lane_is_nearly_full)
{
    static struct search_problem p;
    begin();
    second(0, "000", "000", "001");
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].count == 1 && p.lanes[2].weight[0] == 1);
    q.lanes[2].holds = 1;
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].count == 1 && p.lanes[2].weight[0] == SPILL_WEIGHT);
}

/* The neighbour lets four go in five seconds: they need two to cross and twenty to come here. */
TEST(a_neighbours_intentions_stand_for_who_used_to_come)
{
    static struct search_problem p;
    static struct intents intents;
    struct intents_source sources[1] = {{&intents, 3}};
    begin();
    for (int i = 0; i < 50; i++)
        second(1, "000", "100", "100");
    second(0, "000", "000", "000");
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    uint32_t known = 0, usual = p.lanes[0].count;
    while (known < usual && p.lanes[0].eta_s[known] < 20)
        known++;
    CHECK(usual > known); /* as they used to come */

    intents = (struct intents){.made = true, .made_s = now - 2};
    intents.count[3][1] = 7; /* is over */
    intents.count[3][7] = 4;
    queues_fill(&q, sources, &p, now);
    CHECK(p.lanes[0].count == known + 1 && p.lanes[1].count == 1);
    CHECK(p.lanes[0].eta_s[known] > 27 && p.lanes[0].eta_s[known] < 28);
    double both = p.lanes[0].weight[known] + p.lanes[1].weight[0];
    CHECK(both > 3.99 && both < 4.01);
    CHECK(p.lanes[0].link[0][known] == 0 || p.lanes[0].link[0][known] == 3);

    intents.made_s = now - INTENTS_STALE_S - 1;
    queues_fill(&q, sources, &p, now);
    CHECK(p.lanes[0].count == usual);
    sources[0].of = NULL;
    queues_fill(&q, sources, &p, now);
    CHECK(p.lanes[0].count == usual);
}

/* Lanes 0 and 1 begin `lane_m` before their lines; nobody changes from one to the other, and lane 0
 * also has a loop 39 m before its line. */
static void
begin_with_both_loops(uint16_t lane_m)
{
    begin();
    model.loops[model.loops_count++] =
        (struct signals_source){.distance_m = 39, .lanes_count = 1, .lanes = {0}};
    model.lane_m[0] = model.lane_m[1] = lane_m;
    model.feeders[0].lanes_count = model.loops[0].lanes_count = model.loops[1].lanes_count = 1;
    queues_init(&q, &model, now);
}

/* A neighbour's word for lane 0, which also has a loop 39 m before its line; the loop at 139 m does
 * not see whom he let go, and the `lost`-th second is not heard (0: all are). True: he is still
 * expected after so many seconds. */
static bool
expected_after(uint32_t seconds, bool covered, uint32_t lost)
{
    struct signals_reading r = {.phase = 1};
    begin_with_both_loops(280);
    queues_coming(&q, 0, now);
    CHECK(near(0) == 1);
    r.advance_on[0] = covered;
    for (uint32_t i = 1; i <= seconds; i++) {
        now += 1;
        if (i != lost)
            queues_hear(&q, &r, true, now);
    }
    return near(0) > 0;
}

TEST(who_missed_the_first_loop_of_his_lane_is_not_waited_for_at_the_next)
{
    CHECK(expected_after(11, false, 0)); /* ten to the loop, and some are slow */
    CHECK(!expected_after(16, false, 0));
    CHECK(expected_after(16, true, 0)); /* he may stand in the queue over it */
}

TEST(who_was_due_at_a_loop_in_a_second_that_was_not_heard_came_over_it)
{
    CHECK(expected_after(16, false, 10));  /* Q7 */
    CHECK(!expected_after(16, false, 3));  /* before he can have been there */
    CHECK(!expected_after(30, false, 10)); /* the next loop did not see him */
    CHECK(q.trust.sources[4].refuted == 1);
}

/* Lanes 0 and 1 are 9 m long, with a loop over 8 m on each, and one may come to both from the loops
 * up the street. */
static void
begin_with_short_lanes(void)
{
    begin();
    model.lane_m[0] = model.lane_m[1] = 9;
    for (uint32_t l = 0; l < 2; l++)
        model.loops[model.loops_count++] = (struct signals_source){
            .distance_m = 8, .lanes_count = 2, .lanes = {(uint8_t)l, (uint8_t)(1 - l)}};
    queues_init(&q, &model, now);
}

TEST(who_comes_over_the_last_metres_of_a_lane_stays_on_it)
{
    begin_with_short_lanes();
    for (int n = 0; n < 60; n++) { /* most are found on the other one */
        second(1, "00010", "000", "000");
        second(0, "00000", "010", "000");
    }
    second(1, "00010", "000", "000");
    CHECK(near(0) == 1 && near(1) == 0);
}

/* The link of the first one on lane 0, who stands at the line under its green for some seconds;
 * lane 1, where somebody stands too if `beside`, has red until then. */
static uint32_t
link_wanted(int seconds, bool beside)
{
    static struct search_problem p;
    begin();
    model.lights[0][1] = LIGHT_RED; /* lane 1 goes with 2 */
    model.lights[1][1] = LIGHT_GREEN;
    model.link_lane[3] = 1;
    queues_init(&q, &model, now);
    second(1, "210", "000", "000");
    for (int i = 0; i < 9; i++)
        second(1, "000", "000", "000");
    for (int i = 0; i < seconds; i++)
        second(0, "000", "000", beside ? "110" : "100");
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[0].count >= 1);
    return p.lanes[0].link[0][0];
}

/* The same now. */
static uint32_t
link_now(void)
{
    static struct search_problem p;
    p = (struct search_problem){.model = &model};
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[0].count >= 1);
    return p.lanes[0].link[0][0];
}

TEST(who_stands_at_a_green_that_he_does_not_want_waits_for_a_lane_beside)
{
    CHECK(link_wanted(6, true) == 0);
    CHECK(link_wanted(12, false) == 0);
    CHECK(link_wanted(12, true) != 0);
    q.full_exits = 1; /* or he cannot go, */
    CHECK(link_now() == 0);
    q.full_exits = 0;
    q.trust.lanes[0].tau = 0.5; /* or is not there, */
    CHECK(link_now() == 0);
    q.trust.lanes[0].tau = 1;
    CHECK(link_now() != 0);
    second(1, "000", "000", "110");
    second(0, "000", "000", "110"); /* or he could have changed by now, */
    CHECK(link_now() == 0);
    CHECK(link_wanted(12, true) != 0);
    second(0, "000", "100", "010"); /* or he leaves after all */
    second(0, "000", "000", "110");
    CHECK(link_now() == 0);
}

/* Two stand on lane 2 when its green begins; so many seconds later one is not heard. */
static void
green_until(uint32_t seconds, bool departs)
{
    begin();
    second(0, "002", "000", "000");
    for (uint32_t i = 0; i < 12; i++)
        second(0, "000", "000", i < 9 ? "000" : "001");
    CHECK(near(2) == 2);
    for (uint32_t i = 1; i <= seconds; i++)
        second(1, "000", departs && i == seconds ? "001" : "000", "001");
    now += 1;
}

TEST(who_stood_at_a_green_and_is_gone_left_in_the_second_that_was_not_heard)
{
    green_until(1, false);
    second(1, "000", "000", "000");
    CHECK(near(2) == 1 && q.departed[2] == 1); /* Q7 */
    green_until(1, false);
    second(1, "000", "001", "001");
    CHECK(near(2) == 1 && q.departed[2] == 1); /* he left now */
    green_until(0, false);
    second(0, "000", "000", "000");
    CHECK(near(2) == 2); /* at red */
}

TEST(who_should_have_left_since_did)
{
    green_until(1, false);
    second(1, "000", "000", "001");
    CHECK(near(2) == 2); /* he starts */
    green_until(3, false);
    second(1, "000", "000", "001");
    CHECK(near(2) == 1 && q.departed[2] == 1); /* Q7 */
    green_until(4, true);
    CHECK(near(2) == 1);
    second(1, "000", "000", "001");
    CHECK(near(2) == 1 && q.departed[2] == 0); /* the one before him left a moment ago */
    second(1, "000", "000", "001");
    CHECK(near(2) == 1); /* all is heard again */
}

/* Both loops at 139 m lie before the lanes begin; lane 0 has one 39 m before its line, too. Of
 * those whom the neighbour let go until now, the outer loops saw `saw` first; then one is let go
 * whom they do not see. True: he is expected after so many seconds. */
static bool
expected_on_this_way(uint32_t saw, uint32_t of, uint32_t seconds)
{
    struct signals_reading r = {.phase = 0};
    begin_with_both_loops(100);
    for (uint32_t n = 0; n < of; n++) {
        queues_coming(&q, 0, now);
        for (uint32_t i = 0; i < 24; i++) {
            now += 1;
            r.advance[0] = i == 9 && n < saw;
            r.advance[3] = i == 16;
            r.stop[0] = i == 19;
            queues_hear(&q, &r, true, now);
        }
    }
    CHECK(near(0) == 0);
    queues_coming(&q, 0, now);
    r.advance[0] = r.advance[3] = r.stop[0] = 0;
    for (uint32_t i = 0; i < seconds; i++) {
        now += 1;
        queues_hear(&q, &r, true, now);
    }
    return near(0) > 0;
}

TEST(who_missed_a_loop_that_all_others_came_over_is_not_on_this_way)
{
    CHECK(expected_on_this_way(60, 60, 10)); /* ten seconds to the loop, and some are slow */
    CHECK(!expected_on_this_way(60, 60, 14));
    CHECK(expected_on_this_way(0, 60, 14)); /* who comes does not come that way */
    CHECK(expected_on_this_way(50, 60, 14));
    CHECK(expected_on_this_way(5, 5, 14)); /* not known yet */
    CHECK(!expected_on_this_way(0, 60, 24));
}

TEST(a_lane_that_may_be_dead_is_planned_with_in_some_guesses)
{
    static struct search_problem p;
    begin();
    p = (struct search_problem){.model = &model};
    for (int i = 0; i < 1800; i++) /* one in a minute on each lane, then none on lane 2 */
        second(1, "000", i % 60 ? "000" : "111", "000");
    for (int i = 0; i < 360; i++)
        second(0, "000", i % 60 ? "000" : "110", "000");
    queues_fill(&q, NULL, &p, now);
    double chance = blind_chance(&q.blind, 2);
    CHECK(chance > 0.02 && chance < 0.25 && near(2) == 0);
    CHECK(p.scenarios == SEARCH_SCENARIOS_MAX && p.lanes[2].count >= 5);
    for (uint32_t c = 0, there = 0; c < p.scenarios; c++) {
        there += search_is_there(&p.lanes[2], c, 0);
        CHECK(c + 1 < p.scenarios || there == 1);
    }
    CHECK(p.lanes[2].eta_s[0] <= 0);
    CHECK(p.lanes[2].weight[0] > 3.9 * chance && p.lanes[2].weight[0] < 4.1 * chance);
    for (int i = 0; i < 30; i++) /* whoever stood there has gone */
        second(1, "000", "000", "000");
    queues_fill(&q, NULL, &p, now);
    CHECK(blind_waiting(&q.blind, 2) < 1);
    second(1, "000", "001", "000");
    CHECK(blind_chance(&q.blind, 2) == 0);
}

TEST(who_calls_while_the_walk_is_cleared_waits_for_the_next)
{
    static struct signals_reading r;
    begin();
    model.lane_kind[2] = LANE_WALK;
    r = (struct signals_reading){.phase = 1};
    r.stop_on[2] = true;
    now += 1;
    queues_hear(&q, &r, true, now);
    CHECK(near(2) == 0); /* he goes */
    r.leaves = true;
    now += 1;
    queues_hear(&q, &r, true, now);
    CHECK(near(2) == 1);
}

/* In the second in which somebody crosses the line his loop is free, and the others still queue. */
TEST(how_fast_a_queue_leaves_is_learned_with_loops)
{
    begin();
    for (uint32_t n = 0; n < 12; n++)
        second(0, n % 2 ? "000" : "001", "000", "000");
    for (uint32_t n = 0; n < 12; n++)
        second(0, "000", "000", "001");
    CHECK(near(2) == 6 && q.lanes[2].flow.headway_s == FLOW_HEADWAY_S);
    for (uint32_t n = 0; n < 20; n++)
        second(1, "000", n % 3 == 1 && n < 18 ? "001" : "000",
               n % 3 == 1 || n > 16 ? "000" : "001");
    CHECK(q.lanes[2].flow.headway_s > FLOW_HEADWAY_S + 0.05);
}

/* The plan goes on where the queue is: the headway behind the third, and three are gone. */
TEST(how_many_of_a_queue_have_left_is_known_until_its_light_changes)
{
    static struct search_problem p;
    begin();
    for (uint32_t n = 0; n < 3; n++) {
        second(1, "000", "000", "001");
        second(1, "000", "001", "000");
    }
    queues_fill(&q, NULL, &p, now);
    double free_s = p.lanes[2].free_s - flow_headway(p.lanes[2].headway_s, 2);
    CHECK(p.lanes[2].gone == 3 && free_s > -1e-9 && free_s < 1e-9);
    for (uint32_t n = 0; n < FLOW_STARTS; n++)
        second(1, "000", "001", "000");
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].gone == FLOW_STARTS);
    second(0, "000", "000", "001");
    queues_fill(&q, NULL, &p, now);
    CHECK(p.lanes[2].gone == 0);
}

/* Lane 2's stop loop is dead, and its other one was covered for so many seconds of red. */
static uint32_t
behind_a_dead_loop(uint32_t seconds, uint16_t lane_m)
{
    struct signals_reading r = {.phase = 0};
    begin();
    model.lane_m[2] = lane_m;
    r.dead[2] = true;
    r.advance_on[2] = true;
    for (uint32_t i = 0; i < seconds; i++) {
        now += 1;
        queues_hear(&q, &r, true, now);
    }
    CHECK(blind_is(&q.blind, 2));
    return near(2);
}

TEST(a_queue_over_a_loop_tells_who_waits_before_a_dead_one)
{
    CHECK(behind_a_dead_loop(SPILL_COVERED_S - 1, 280) < 2);
    CHECK(behind_a_dead_loop(SPILL_COVERED_S + 1, 280) == 1 + 139 * 10 / 75);
    CHECK(behind_a_dead_loop(SPILL_COVERED_S + 1, 100) < 2); /* the loop lies before the lane */
}
