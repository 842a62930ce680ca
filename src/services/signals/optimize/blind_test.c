#include "services/signals/optimize/blind.h"
#include "base/test.h"

enum { LANES = 4 }; /* two of one street, two of another; each its own phase */

static struct signals_model model;
static struct signals_reading reading;
static struct blind_light lights[SIGNALS_LANES_MAX];
static struct blind b;
static double now;

static void
begin(bool off)
{
    static const uint64_t siblings[SIGNALS_LANES_MAX] = {2, 1, 8, 4};
    model = (struct signals_model){.lanes_count = LANES};
    memset(&reading, 0, sizeof(reading));
    memset(lights, 0, sizeof(lights));
    now = 0;
    blind_init(&b, &model, siblings, off, now);
}

/* Seconds in which each lane counts one every so many seconds; 0: none. */
static void
pass(uint32_t seconds, const uint32_t every[LANES])
{
    for (uint32_t i = 0; i < seconds; i++) {
        now += 1;
        for (uint32_t l = 0; l < LANES; l++)
            reading.stop[l] = every[l] > 0 && (uint32_t)now % every[l] == 0;
        blind_hear(&b, &reading, lights, now);
    }
}

static const uint32_t all[LANES] = {10, 10, 10, 10};

TEST(all_lanes_that_count_see)
{
    begin(false);
    pass(4000, all);
    CHECK(blind_count(&b) == 0);
}

TEST(silent_while_its_sibling_counts)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    begin(false);
    pass(1200, all);
    pass(BLIND_SILENT_S - 1, first);
    CHECK(blind_count(&b) == 0 && blind_chance(&b, 0) == 0);
    pass(2, first);
    CHECK(blind_chance(&b, 0) > 0.5); /* so many are missing already, and they stand there */
    CHECK(blind_waiting(&b, 0) > 24 && blind_waiting(&b, 0) < 28);
    pass(60, first);
    CHECK(blind_is(&b, 0) && blind_count(&b) == 1);
    CHECK(b.lanes[0].why == BLIND_SILENT);
    CHECK(blind_rate(&b, 0) > 0.09 && blind_rate(&b, 0) < 0.11); /* as it used to be */
    pass(11, all);
    CHECK(blind_count(&b) == 0); /* B1 */
    CHECK(blind_chance(&b, 0) == 0 && blind_waiting(&b, 0) < 1);
}

TEST(the_longer_it_is_silent_the_likelier_it_is_dead)
{
    static const uint32_t slow[LANES] = {50, 50, 50, 50}, first[LANES] = {0, 50, 50, 50};
    double before = 0;
    begin(false);
    pass(3600, slow);
    for (uint32_t i = 0; i < 1200; i++) {
        pass(1, first);
        CHECK(blind_chance(&b, 0) >= before && blind_chance(&b, 0) <= 1);
        CHECK(i >= 270 || blind_chance(&b, 0) < 0.1); /* five should have come */
        before = blind_chance(&b, 0);
        if (i == 299) { /* six, and they had green */
            CHECK(blind_chance(&b, 0) > 0.02 && !blind_is(&b, 0));
            blind_served(&b, 0, 2);
            CHECK(blind_waiting(&b, 0) > 3 && blind_waiting(&b, 0) < 5);
        }
    }
    CHECK(blind_is(&b, 0));
}

TEST(where_one_loop_died_another_one_is_sooner_thought_dead)
{
    static const uint32_t even[LANES] = {40, 40, 40, 40}, first[LANES] = {0, 40, 40, 40};
    static const uint32_t last[LANES] = {40, 40, 40, 0}, both[LANES] = {0, 40, 40, 0};
    begin(false);
    pass(3600, even);
    pass(BLIND_SILENT_S + 1, first);
    CHECK(blind_chance(&b, 0) > 0.05 && blind_chance(&b, 0) < 0.3);
    begin(false);
    pass(2400, even);
    pass(1200, last);
    pass(BLIND_SILENT_S + 1, both);
    CHECK(blind_is(&b, 3) && blind_chance(&b, 0) > 0.8);
    CHECK(blind_chance(&b, 1) == 0); /* it counts */
    begin(false);                    /* a device that says which are dead says it of all */
    reading.dead[3] = true;
    pass(3600, even);
    pass(BLIND_SILENT_S + 1, first);
    CHECK(blind_chance(&b, 0) < 0.3);
}

/* Seconds in which each lane counts one in two for a while and none for longer, in turn. */
static void
crowds(uint32_t rounds)
{
    static const uint32_t crowd[LANES][LANES] = {
        {2, 20, 20, 20}, {20, 2, 20, 20}, {20, 20, 2, 20}, {20, 20, 20, 2}};
    static const uint32_t none[LANES][LANES] = {
        {0, 20, 20, 20}, {20, 0, 20, 20}, {20, 20, 0, 20}, {20, 20, 20, 0}};
    for (uint32_t i = 0; i < rounds; i++) {
        pass(30, crowd[i % LANES]);
        pass(200, none[i % LANES]);
    }
}

TEST(where_vehicles_come_in_crowds_a_pause_proves_less)
{
    static const uint32_t first[LANES] = {0, 20, 20, 20}, even[LANES] = {20, 20, 20, 20};
    begin(false);
    pass(3600, even);
    pass(300, first);
    double one_by_one = blind_chance(&b, 0);
    begin(false);
    pass(1200, even);
    crowds(40);
    CHECK(blind_count(&b) == 0);
    pass(300, first);
    CHECK(blind_chance(&b, 0) > 0 && blind_chance(&b, 0) < one_by_one);
}

TEST(what_comes_to_a_lane_follows_from_its_turns_and_its_street)
{
    static const uint64_t siblings[SIGNALS_LANES_MAX] = {2, 1, 8, 4};
    static const uint32_t first[LANES] = {0, 100, 20, 100}; /* straight on and left, twice */
    begin(false);
    model.links_count = LANES;
    for (uint8_t k = 0; k < LANES; k++) {
        model.link_lane[k] = k;
        model.link_turn[k] = k % 2 ? TURN_LEFT : TURN_STRAIGHT;
    }
    blind_init(&b, &model, siblings, false, now);
    reading.dead[0] = true;
    pass(3600, first);
    CHECK(blind_rate(&b, 0) > 0.035 && blind_rate(&b, 0) < 0.055); /* one in 20 */
    reading.dead[0] = false, reading.dead[1] = true;
    blind_init(&b, &model, siblings, false, now);
    pass(3600, (const uint32_t[LANES]){40, 0, 20, 100}); /* a street half as busy */
    CHECK(blind_rate(&b, 1) > 0.004 && blind_rate(&b, 1) < 0.008);
    reading.dead[0] = reading.dead[2] = true; /* no lane goes straight on that sees */
    reading.dead[1] = false;
    blind_init(&b, &model, siblings, false, now);
    pass(3600, (const uint32_t[LANES]){0, 100, 0, 100});
    CHECK(blind_rate(&b, 2) > 0.02 && blind_rate(&b, 2) < 0.06); /* it is usually thrice a left */
}

TEST(a_lane_that_is_seldom_used_is_not_dead)
{
    static const uint32_t seldom[LANES] = {240, 10, 10, 10};
    begin(false);
    pass(7200, seldom);
    CHECK(blind_count(&b) == 0);
    static const uint32_t rare[LANES] = {900, 10, 10, 10};
    for (uint32_t i = 0; i < 7200; i++) {
        pass(1, rare);
        CHECK(now < 901 || blind_count(&b) == 0); /* B3, once it counted at all */
    }
}

TEST(nobody_is_dead_at_night)
{
    static const uint32_t none[LANES] = {0};
    begin(false);
    pass(1200, all);
    pass(7200, none);
    CHECK(blind_count(&b) == 0);
}

TEST(a_lane_that_never_saw_anything_takes_its_siblings_mean)
{
    static const uint32_t first[LANES] = {0, 10, 5, 5};
    begin(false);
    reading.dead[0] = true;
    pass(900, first);
    CHECK(b.lanes[0].why == BLIND_SAID);
    CHECK(blind_rate(&b, 0) > 0.08 && blind_rate(&b, 0) < 0.11); /* as its street, not the others */
    reading.dead[1] = true; /* the whole street: the other one has to do */
    pass(2, first);
    CHECK(blind_rate(&b, 0) > 0.18 && blind_rate(&b, 0) < 0.22);
    for (uint32_t l = 0; l < LANES; l++)
        reading.dead[l] = true;
    pass(1, first);
    CHECK(blind_count(&b) == LANES && blind_rate(&b, 0) > 0);
}

TEST(where_a_queue_stands_in_the_way_silence_proves_nothing)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    begin(false);
    pass(1200, all);
    lights[0].held = true;
    pass(1200, first);
    CHECK(blind_count(&b) == 0 && blind_chance(&b, 0) < 0.01);
    lights[0].held = false;
    pass(400, first);
    CHECK(blind_is(&b, 0));
}

/* A bus lane, or one that was never opened: a dead one would look the same. */
TEST(a_lane_that_never_saw_anything_is_as_likely_unused_as_dead)
{
    static const uint32_t first[LANES] = {0, 10, 5, 5};
    begin(false);
    pass(900, first);
    CHECK(blind_count(&b) == 0);
    CHECK(blind_chance(&b, 0) > 0.4 && blind_chance(&b, 0) < 0.51);
    pass(7200, first);
    CHECK(blind_count(&b) == 0 && blind_chance(&b, 0) < 0.51);
}

TEST(an_unused_lane_is_not_dead_when_nobody_is_missing)
{
    static const uint32_t first[LANES] = {0, 10, 5, 5};
    begin(false);
    lights[0].all_found = true;
    pass(3600, first);
    CHECK(blind_count(&b) == 0);
    pass(10, all);
    pass(BLIND_SILENT_S + 2, first); /* one vehicle in an hour proves little about five minutes */
    CHECK(blind_count(&b) == 0);
}

TEST(follows_its_siblings_from_peak_to_night)
{
    static const uint32_t peak[LANES] = {0, 5, 10, 10}, late[LANES] = {0, 30, 10, 10};
    begin(false);
    pass(3600, all);
    reading.dead[0] = true;
    pass(1800, peak);
    double high = blind_rate(&b, 0);
    pass(1800, late);
    double low = blind_rate(&b, 0);
    CHECK(high > 0.17 && high < 0.22);
    CHECK(low > 0.03 && low < 0.06);
}

TEST(stuck_on_through_greens)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    for (uint32_t free_way = 0; free_way < 2; free_way++) {
        begin(false);
        pass(600, all);
        reading.stop_on[0] = true;
        lights[0].green = false;
        pass(200, first); /* red: who stands there, stands */
        CHECK(blind_count(&b) == 0);
        lights[0] = (struct blind_light){.green = true, .free_way = free_way};
        uint32_t needs = free_way ? BLIND_STUCK_S : BLIND_STUCK_YIELD_S;
        pass(needs - 1, first);
        CHECK(b.lanes[0].why != BLIND_STUCK);
        pass(2, first);
        CHECK(b.lanes[0].why == BLIND_STUCK);
        reading.stop_on[0] = false;
        pass(BLIND_GOOD_S - 2, all);
        CHECK(b.lanes[0].why == BLIND_STUCK);
        pass(4, all);
        CHECK(blind_count(&b) == 0);
    }
}

TEST(a_head_that_lets_green_after_green_go_by)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    for (uint32_t kind = 0; kind < 3; kind++) { /* nobody leaves; one at each end; no room ahead */
        begin(false);
        pass(600, all);
        reading.stop_on[0] = true;
        for (uint32_t cycle = 0; cycle < 12; cycle++) {
            lights[0] = (struct blind_light){.green = true, .full = kind == 2};
            pass(8, first);
            lights[0].green = false;
            pass(2, kind == 1 ? (const uint32_t[LANES]){2, 10, 10, 10} : first);
            pass(30, first);
            CHECK((b.lanes[0].why == BLIND_STUCK) == (kind == 0 && cycle + 1 >= BLIND_GREENS));
        }
    }
}

TEST(counts_more_than_can_pass)
{
    static const uint32_t every[LANES] = {1, 10, 10, 10};
    begin(false);
    pass(600, all);
    pass(30, every);
    CHECK(blind_count(&b) == 0); /* a dense platoon */
    pass(120, every);
    CHECK(b.lanes[0].why == BLIND_NOISY);
    CHECK(blind_rate(&b, 0) <= BLIND_RATE_MOST); /* B2 */
    pass(BLIND_GOOD_S + 60, all);
    CHECK(blind_count(&b) == 0);
}

TEST(counts_at_red)
{
    static const uint32_t three[LANES] = {3, 10, 10, 10};
    begin(false);
    for (uint32_t cycle = 0; cycle < 200; cycle++) { /* green and red in turn; it counts in both */
        lights[0] = (struct blind_light){.green = true, .free_way = true};
        pass(20, three);
        lights[0] = (struct blind_light){.red = true};
        pass(40, cycle < 100 ? (const uint32_t[LANES]){0, 10, 10, 10} : three);
        CHECK(cycle >= 100 || blind_count(&b) == 0);
    }
    CHECK(b.lanes[0].why == BLIND_AT_RED);

    begin(false); /* in between, or flashing: nothing is known of red */
    pass(3600, three);
    CHECK(blind_count(&b) == 0);
}

/* A phase of its own, then three others, with 4 s in between, in which nothing is surely red. */
static void
cycle_of_four(const uint32_t green[LANES], const uint32_t red[LANES])
{
    for (uint32_t phase = 0; phase < 4; phase++) {
        lights[0] = (struct blind_light){.green = phase == 0, .red = phase > 0};
        pass(9, phase == 0 ? green : red);
        lights[0] = (struct blind_light){0};
        pass(4, red);
    }
}

TEST(a_flood_of_what_a_lane_can_carry_is_found_at_red_and_stays_found)
{
    static const uint32_t two[LANES] = {2, 10, 10, 10};
    begin(false);
    cycle_of_four(all, (const uint32_t[LANES]){0, 10, 10, 10});
    for (uint32_t cycle = 0; cycle < 2; cycle++)
        cycle_of_four(two, two);
    for (uint32_t cycle = 0; cycle < 50; cycle++) {
        cycle_of_four(two, two);
        CHECK(b.lanes[0].why == BLIND_AT_RED);
    }
    for (uint32_t cycle = 0; cycle < 3; cycle++) /* BLIND_GOOD_S */
        cycle_of_four(two, (const uint32_t[LANES]){0, 10, 10, 10});
    CHECK(blind_count(&b) == 0);
}

TEST(a_device_of_which_two_loops_count_at_red_is_not_believed_at_all)
{
    static const uint32_t both[LANES] = {2, 2, 10, 10};
    begin(false);
    for (uint32_t cycle = 0; cycle < 20; cycle++) {
        lights[0] = lights[1] = (struct blind_light){.green = true};
        pass(10, all);
        lights[0] = lights[1] = (struct blind_light){.red = true};
        pass(40, cycle < 10 ? both : (const uint32_t[LANES]){0, 0, 10, 10});
        CHECK(cycle < 3 || cycle >= 10 || blind_count(&b) == LANES);
    }
    CHECK(blind_count(&b) == 0); /* BLIND_GOOD_S */
}

TEST(one_who_passes_at_red_among_many_at_green_is_no_liar)
{
    begin(false);
    for (uint32_t cycle = 0; cycle < 200; cycle++) {
        lights[0] = (struct blind_light){.green = true};
        pass(20, (const uint32_t[LANES]){4, 10, 10, 10});
        lights[0] = (struct blind_light){.red = true};
        pass(39, (const uint32_t[LANES]){0, 10, 10, 10});
        pass(1, (const uint32_t[LANES]){1, 10, 10, 10});
        CHECK(blind_count(&b) == 0);
    }
}

TEST(a_full_lane_is_not_noisy)
{
    static const uint32_t two[LANES] = {2, 2, 2, 2};
    begin(false);
    pass(3600, two);
    CHECK(blind_count(&b) == 0);
}

TEST(switched_off_it_believes_only_what_is_said)
{
    static const uint32_t first[LANES] = {0, 2, 1, 10};
    begin(true);
    reading.dead[3] = true;
    pass(3600, first);
    CHECK(blind_count(&b) == 1 && b.lanes[3].why == BLIND_SAID);
}

TEST(makes_as_many_as_come)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    begin(false);
    pass(1200, all);
    reading.dead[0] = true;
    uint32_t came = 0;
    for (uint32_t i = 0; i < 3600; i++) {
        pass(1, first);
        came += blind_came(&b, 0, 1);
    }
    CHECK(came > 330 && came < 390);
    for (uint32_t i = 0; i < 3600; i++) { /* half of them are announced by a neighbour */
        pass(1, first);
        if (i % 20 == 0)
            blind_seen(&b, 0);
        came += blind_came(&b, 0, 1);
    }
    CHECK(came > 500 && came < 580);
}

TEST(a_loop_that_said_nothing_for_a_while_proves_nobodys_absence)
{
    static const uint32_t first[LANES] = {0, 10, 10, 10};
    begin(false);
    pass(100, all);
    CHECK(blind_sees(&b, 0, now));
    pass(BLIND_SEES_S, first);
    CHECK(blind_sees(&b, 0, now));
    pass(1, first);
    CHECK(!blind_sees(&b, 0, now) && blind_sees(&b, 1, now));
    pass(9, all);
    CHECK(blind_sees(&b, 0, now));
    reading.dead[0] = true;
    pass(1, all);
    CHECK(!blind_sees(&b, 0, now));
}

TEST(words_for_each_reason)
{
    for (enum blind_why why = 0; why < BLIND_WHYS_COUNT; why++)
        CHECK(blind_words(why)[0] != 0);
}
