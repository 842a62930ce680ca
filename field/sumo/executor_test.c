#include "field/sumo/executor.h"
#include "base/random.h"
#include "base/test.h"

static const struct executor_times times = {3, 1, 5, 120};
static const struct site_links everywhere = {{UINT64_MAX, UINT64_MAX}};

static struct site
cross(void)
{
    static const struct {
        const char *state;
        double seconds;
    } rows[] = {{"GGgrrrs", 31}, {"yygrrrs", 3}, {"rrGrrrs", 6}, {"rryrrrr", 3},
                {"rrrGGgr", 31}, {"rrryygr", 3}, {"rrrrrGr", 6}, {"rrrrryr", 3}};
    struct site s = {.id = "A0_x"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_OK(site_add_state(&s, bytes_text(rows[i].state), rows[i].seconds));
    static const char *const lanes[] = {"n0", "n0", "n1", "w0", "w0", "w1", "n0"};
    for (uint32_t i = 0; i < ARRAY_COUNT(lanes); i++)
        CHECK_OK(site_add_link(&s, i, bytes_text(lanes[i]), bytes_text(i & 1 ? "x" : "y")));
    const char *why;
    CHECK_OK(site_usable(&s, &why));
    CHECK_OK(site_name(&s));
    return s;
}

TEST(phases_and_plan_come_from_the_programme)
{
    struct site s = cross();
    CHECK(s.phases_count == 4 && s.plan_count == 4 && s.lanes_count == 4 && s.exits_count == 2);
    CHECK(strcmp(s.device, "junction-a0-x") == 0);
    CHECK(s.plan[1].phase == 1 && s.plan[1].seconds == 6);
    CHECK(site_serves(&s, 0, 1) && !site_serves(&s, 2, 1));
    struct buf b;
    buf_init(&b, 4096);
    site_put_properties(&s, NULL, &b);
    CHECK(bytes_start(buf_bytes(&b), "{\"phases\":[\"GGgrrrs\",\"rrGrrrs\""));
    buf_fini(&b);
    CHECK(site_add_state(&s, bytes_text("Gr"), 9) == ERR_MALFORMED);
}

TEST(a_green_that_is_cut_into_short_states_is_one_phase)
{
    struct site s = {.id = "A0"};
    static const char *const states[] = {"Gr", "Gr", "Gr", "yr", "rG", "ry"};
    for (size_t i = 0; i < ARRAY_COUNT(states); i++)
        CHECK_OK(site_add_state(&s, bytes_text(states[i]), 3));
    CHECK(s.phases_count == 1 && s.plan_count == 1);
    CHECK(strcmp(s.phases[0], "Gr") == 0 && s.plan[0].seconds == 9);
}

TEST(a_light_that_only_flashes_is_a_rule_for_its_drivers)
{
    struct site s = {.id = "A0"};
    static const struct {
        const char *state;
        double seconds;
    } rows[] = {{"rroO", 9}, {"GroO", 20}, {"yroO", 3}, {"rGrr", 20}, {"rgoG", 8}, {"oooo", 30}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_OK(site_add_state(&s, bytes_text(rows[i].state), rows[i].seconds));
    CHECK(s.phases_count == 3 && s.plan_count == 3); /* alone it makes no green */
    CHECK(strcmp(s.phases[0], "GrgG") == 0 && strcmp(s.phases[1], "rGrr") == 0);
    CHECK(strcmp(s.phases[2], "rggG") == 0);
    CHECK(site_phase_of(&s, bytes_text("GroO")) == 0 && site_phase_of(&s, bytes_text("GrgG")) == 0);
    CHECK(site_phase_of(&s, bytes_text("rgoO")) == 2 && site_phase_of(&s, bytes_text("rroO")) < 0);
    CHECK(site_phase_of(&s, bytes_text("oooo")) < 0 && site_phase_of(&s, bytes_text("Groo")) < 0);
    CHECK(site_may_show(&s, bytes_text("oooo")) && !site_may_show(&s, bytes_text("GroO")));
}

TEST(who_is_left_alone_is_told_why)
{
    struct site s = {.id = "A0"};
    struct site_left left = {0};
    const char *why, *before;
    CHECK_OK(site_add_state(&s, bytes_text("Gr"), 20));
    CHECK(site_usable(&s, &why) == ERR_UNSUPPORTED && strstr(why, "fewer than two states"));
    CHECK_OK(site_add_state(&s, bytes_text("rG"), 20));
    CHECK(site_usable(&s, &why) == ERR_UNSUPPORTED && strstr(why, "nobody go"));
    CHECK_OK(site_add_link(&s, 1, bytes_text("a_0"), bytes_text("b_0")));
    before = why;
    CHECK_OK(site_usable(&s, &why));
    CHECK(why == before);
    CHECK_OK(site_add_link(&s, 2, bytes_text("a_0"), bytes_text("b_0")));
    CHECK(site_usable(&s, &why) == ERR_UNSUPPORTED && strstr(why, "a letter"));
    for (int i = 0; i < 2 * SITE_LEFT_MAX; i++)
        site_leave(&left, s.id, why);
    CHECK(left.count == 2 * SITE_LEFT_MAX && strcmp(left.first[SITE_LEFT_MAX - 1].why, why) == 0);
    CHECK(strcmp(left.first[0].id, "A0") == 0);
    left.count = 0;
    site_leave(&left, "a\033[2J\xc3\xb6", why);
    CHECK(strcmp(left.first[0].id, "a?[2J??") == 0);
}

TEST(the_monitor_knows_what_the_network_never_shows)
{
    struct site s = cross();
    static const char *const good[] = {"GGgrrrs", "yygrrrr", "rrrrrrr", "rrgrrrs", "ooooooo"};
    static const char *const bad[] = {"GGGrrrs", "GrrGrrr", "yrryrrr", "rrrGGgs",
                                      "oGooooo", "GGgrrr",  "uGgrrrs", "rrryyry"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        CHECK(site_may_show(&s, bytes_text(good[i])));
    for (size_t i = 0; i + 1 < ARRAY_COUNT(bad); i++)
        CHECK(!site_may_show(&s, bytes_text(bad[i])));
}

/* n0 straight and left, s0 straight and left, two crossings; who crosses whom as a network tells
 * it. */
static struct site
corner(const char *with)
{
    static const char *const lanes[] = {"n0", "n0", "s0", "s0"};
    static const uint8_t crossing[][2] = {{0, 3}, {1, 2}, {1, 4}, {3, 4},
                                          {0, 5}, {1, 5}, {2, 5}, {3, 5}};
    struct site s = {.id = "corner", .has_street = true, .has_conflicts = true};
    CHECK_OK(site_add_state(&s, bytes_text(with), 20));
    CHECK_OK(site_add_state(&s, bytes_text("rrrrrG"), 20));
    for (uint32_t i = 0; i < 4; i++)
        CHECK_OK(site_add_link(&s, i, bytes_text(lanes[i]), bytes_text("out")));
    CHECK_OK(site_add_crossing(&s, 4, bytes_text(":c4_0")));
    CHECK_OK(site_add_crossing(&s, 5, bytes_text(":c5_0")));
    s.lane_length_m[3] = 11.4;
    for (size_t i = 0; i < ARRAY_COUNT(crossing); i++) {
        site_put(&s.conflicts[crossing[i][0]], crossing[i][1]);
        site_put(&s.conflicts[crossing[i][1]], crossing[i][0]);
    }
    site_put(&s.gives_way[1], 2);
    site_put(&s.gives_way[1], 4);
    site_put(&s.gives_way[3], 0);
    site_put(&s.gives_way[3], 4);
    return s;
}

TEST(the_network_says_who_crosses_whom)
{
    struct site s = corner("GgGgGr");
    struct executor x;
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(x.by_matrix && link_in(&x.intersection.crosses[0], 3) &&
          link_in(&x.intersection.yields[3], 0));
    s = corner("GGGgGr");
    CHECK_OK(
        executor_init(&x, &s, &times)); /* as the network ships it, and what does not fit is said */
    CHECK(!x.by_matrix &&
          strcmp(x.why, "phase 0 (GGGgGr): links 1 and 2 cross and neither yields") == 0);
    s.has_conflicts = false;
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(!x.by_matrix && strcmp(x.why, "the network does not say who crosses whom") == 0);
    CHECK(link_in(&x.intersection.crosses[0], 5) && !link_in(&x.intersection.crosses[1], 2));
    struct executor_times hasty = times;
    hasty.minimum_green_s = 3;
    CHECK(executor_init(&x, &s, &hasty) == ERR_DENIED && x.why[0] != 0);
    CHECK(!executor_take_over(&x, bytes_text(s.phases[0])));
}

#define CLEARS "\"pedestrian_clears\":[10,11]}}"

TEST(it_says_which_minimum_greens_it_keeps_where_they_are_not_the_same)
{
    static const struct {
        uint32_t minimum_green_s;
        const char *said;
    } rows[] = {
        {5, ",\"minimum_green\":5,\"minimum_greens\":[7,7]," CLEARS}, /* both with a walk */
        {7, ",\"minimum_green\":7," CLEARS},
        {9, ",\"minimum_green\":9,\"minimum_greens\":[9,7]," CLEARS}, /* the second only a walk */
    };
    struct site s = corner("GgGgGr");
    struct executor x;
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct executor_times t = times;
        t.minimum_green_s = rows[i].minimum_green_s;
        buf_reset(&b);
        CHECK_OK(executor_init(&x, &s, &t));
        executor_put_properties(&x, &t, &b);
        CHECK(strstr(buf_string(&b), rows[i].said));
    }
    buf_fini(&b);
}

TEST(people_on_foot_have_their_walk_and_their_clearance)
{
    struct site s = corner("GgGgGr");
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GgGgGr")));
    CHECK_OK(executor_lease(&x, 1, INT64_MAX));
    int seconds[4] = {0};
    uint32_t stood_s = 0, left_s = 0;
    for (int t = 0; t < 60 && x.phase == 0; t++) {
        struct site_lights says = executor_lights(&x);
        if (x.shown[0] == 'G') { /* it stands, for its vehicles, until its walk is cleared */
            CHECK(says.phase == 0 && says.age_s == stood_s++);
            left_s += says.leaves;
            CHECK(says.hold_s == (stood_s <= 7 ? 18 - stood_s : 18 - stood_s));
        } else {
            CHECK(says.phase == -1 && says.hold_s == 0 && !says.leaves);
        }
        seconds[0] += x.shown[4] == 'G';
        seconds[1] += x.shown[4] == 'r' && x.shown[0] == 'G';
        seconds[2] += x.shown[0] == 'y';
        seconds[3] += x.shown[0] == 'r';
        executor_step(&x, waiting, NULL, NULL, t);
    }
    /* 10 m, for the way of crossing 4 is not known */
    CHECK(seconds[0] == 7 && seconds[1] == 10 && seconds[2] == 3 && seconds[3] == 1);
    CHECK(left_s == 10);
    CHECK(!x.monitor.tripped);
}

TEST(without_a_lease_the_plan_runs)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(!executor_take_over(&x, bytes_text("yygrrrs")));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    uint32_t second[4] = {0};
    for (int t = 0; t < 4 * 90; t++) {
        executor_step(&x, waiting, NULL, NULL, t);
        if (x.mode == EXECUTOR_GREEN)
            second[x.phase]++;
    }
    CHECK(second[0] >= 3 * 31 && second[2] >= 3 * 31 && second[1] >= 18 && x.fallbacks == 0);
}

TEST(without_a_lease_a_row_ends_when_the_loops_count_nobody)
{
    struct site s = cross();
    struct executor x;
    static struct loops_counts counts;
    uint16_t waiting[SITE_LANES_MAX] = {0, 0, 1, 0}; /* w0 */
    s.loops_count = 1;
    s.loops[0] = (struct site_loop){.lane = "n0", .distance_m = 40, .reach = {1, {0}}};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    counts.advance[0] = 1;
    for (int t = 0; t < 12; t++)
        CHECK(!executor_step(&x, waiting, &counts, NULL, t));
    counts.advance[0] = 0;
    for (int t = 12; t < 15; t++) /* at 13.9 m/s he is there in 2.9 s */
        CHECK(!executor_step(&x, waiting, &counts, NULL, t));
    CHECK(executor_step(&x, waiting, &counts, NULL, 15));
    CHECK(x.machine.state == MACHINE_YELLOW && x.machine.target == 2); /* nobody is on n1 */
}

TEST(a_lease_is_followed_and_its_end_is_a_fallback)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK(executor_lease(&x, 4, 100) == ERR_DENIED && executor_lease(&x, -1, 100) == ERR_DENIED);
    CHECK_OK(executor_lease(&x, 2, 100));
    for (int t = 1; t <= 4; t++)
        CHECK(!executor_step(&x, waiting, NULL, NULL, t)); /* the minimum green */
    static const char *const shown[] = {"yyyrrrr", "yyyrrrr", "yyyrrrr", "rrrrrrr", "rrrGGgr"};
    for (int t = 0; t < 5; t++) {
        executor_step(&x, waiting, NULL, NULL, 5 + t);
        CHECK(strcmp(x.shown, shown[t]) == 0);
    }
    for (int t = 10; t < 100; t++)
        CHECK(!executor_step(&x, waiting, NULL, NULL, t)); /* longer than the plan would */
    CHECK(x.fallbacks == 0);
    CHECK(executor_step(&x, waiting, NULL, NULL, 100) && x.fallbacks == 1);
    CHECK(x.machine.state == MACHINE_YELLOW && x.machine.target == 3);
}

TEST(silence_ends_a_lease_but_no_flashing)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 0, INT64_MAX));
    for (int t = 1; t <= 60; t++)
        CHECK(!executor_step(&x, waiting, NULL, NULL, t)); /* longer than the plan would */
    executor_silence(&x);
    CHECK(executor_step(&x, waiting, NULL, NULL, 61) && x.fallbacks == 1);
    CHECK(x.machine.state == MACHINE_YELLOW && x.machine.target == 1);
    executor_lease_flash(&x, 100);
    executor_silence(&x);
    for (int t = 62; t < 100; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    CHECK(x.machine.state == MACHINE_FLASH);
}

TEST(who_waits_is_served_whatever_is_leased)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0, 0, 3, 0};
    static const struct loops_counts counts = {.stop_on = {true}}; /* the green is used */
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 0, INT64_MAX));
    int served = 0;
    for (int t = 0; t < 1000; t++) {
        executor_step(&x, waiting, &counts, NULL, t);
        served += x.mode == EXECUTOR_GREEN && site_serves(&s, x.phase, 2);
        for (uint32_t k = 0; k < x.intersection.links_count; k++)
            CHECK(x.machine.wait_s[k] <= times.maximum_red_s);
    }
    CHECK(served >= 7 * 5 && x.forced >= 7);
}

TEST(leases_that_make_people_wait_for_nobody_are_doubted)
{
    struct site s = cross();
    struct executor x;
    static const struct loops_counts counts;
    uint16_t waiting[SITE_LANES_MAX] = {0, 0, 3, 0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 0, INT64_MAX));
    int t = 0;
    for (; t < 400 && x.doubts == 0; t++)
        executor_step(&x, waiting, &counts, NULL, t);
    CHECK(t > 200 && t < 280 && x.fallbacks == 0);
    CHECK(executor_lease(&x, 0, INT64_MAX) == ERR_DENIED);
    for (int end = t + 100; t < end; t++)
        executor_step(&x, waiting, &counts, NULL, t);
    CHECK(x.fallbacks == 1 && x.doubts == 1 &&
          strcmp(executor_word(&x), "plan: leases are doubted") == 0);
}

TEST(nobody_gets_green_into_a_full_junction_but_not_for_ever)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 2, INT64_MAX));
    int red_s = 0;
    for (int t = 0; t < 40; t++) {
        executor_step(&x, waiting, NULL, &everywhere, t);
        red_s += x.machine.state == MACHINE_ALL_RED || x.machine.state == MACHINE_BOX_HOLD;
    }
    CHECK(red_s == 1 + x.intersection.box_wait_s && x.phase == 2);
}

/*
 * Link 0 crosses 1, to whom 2 gives way; 3 turns off beside them from `lane`, 5 gives way to him
 * and to 6, who comes from the lane of 1 but goes with 0; 4 is on foot.
 */
static struct site
side_street(const char *lane)
{
    struct site s = {.id = "side", .has_street = true, .has_conflicts = true};
    CHECK_OK(site_add_state(&s, bytes_text("GrrrrrG"), 20));
    CHECK_OK(site_add_state(&s, bytes_text("rGgGGgr"), 20));
    const char *const lanes[] = {"s0", "e0", "e1", lane, NULL, "e3", "e0"};
    for (uint32_t i = 0; i < ARRAY_COUNT(lanes); i++) {
        if (lanes[i])
            CHECK_OK(site_add_link(&s, i, bytes_text(lanes[i]), bytes_text("out")));
        else
            CHECK_OK(site_add_crossing(&s, i, bytes_text(":c4_0")));
    }
    static const uint8_t crossing[][2] = {{0, 1}, {2, 1}, {5, 3}, {5, 6}};
    for (size_t i = 0; i < ARRAY_COUNT(crossing); i++) {
        site_put(&s.conflicts[crossing[i][0]], crossing[i][1]);
        site_put(&s.conflicts[crossing[i][1]], crossing[i][0]);
        if (i > 0)
            site_put(&s.gives_way[crossing[i][0]], crossing[i][1]);
    }
    return s;
}

/* From link 0 to all others, with somebody inside on these links for 6 s: what is shown then. */
static const char *
shown_with(const struct site *s, uint32_t inside)
{
    static struct executor x;
    static char during[SITE_LETTERS_MAX + 1];
    const struct site_links links = {{inside}};
    uint16_t waiting[SITE_LANES_MAX] = {0};
    for (uint32_t l = 0; l < s->lanes_count; l++)
        waiting[l] = s->lane_walks[l];
    CHECK_OK(executor_init(&x, s, &times));
    CHECK(x.by_matrix && executor_take_over(&x, bytes_text("GrrrrrG")));
    CHECK_OK(executor_lease(&x, 1, INT64_MAX));
    int t = 0;
    for (; t < 40 && x.machine.state != MACHINE_BOX_HOLD && x.phase != 1; t++)
        executor_step(&x, waiting, NULL, &links, t);
    for (int end = t + 5; t < end; t++)
        executor_step(&x, waiting, NULL, &links, t);
    memcpy(during, x.shown, sizeof(during));
    executor_step(&x, waiting, NULL, NULL, t);
    CHECK(strcmp(x.shown, "rGgGGgr") == 0 && !x.monitor.tripped);
    return during;
}

TEST(who_meets_nobody_inside_need_not_wait_for_those_who_do)
{
    struct site s = side_street("e2");
    CHECK(strcmp(shown_with(&s, 0), "rGgGGgr") == 0);
    CHECK(strcmp(shown_with(&s, 1 << 1), "rGgGGgr") == 0); /* he goes on */
    /* nor who walks, nor 2, who gives way to 1 */
    CHECK(strcmp(shown_with(&s, 1), "rrrGrgr") == 0);
    site_put(&s.gives_way_inside[2], 3); /* but 3 is not kept out by him who goes on */
    CHECK(strcmp(shown_with(&s, 1 | 1 << 2), "rrrGrgr") == 0);
    site_put(&s.gives_way_inside[0], 3);
    CHECK(strcmp(shown_with(&s, 1), "rrrrrrr") == 0);
}

TEST(the_links_of_a_lane_begin_together)
{
    struct site s = side_street("e0");
    CHECK(strcmp(shown_with(&s, 1), "rrrrrrr") == 0); /* and 5, who gives way to 3 */
    s = side_street("e1");
    CHECK(strcmp(shown_with(&s, 1), "rrrrrrr") == 0);
}

TEST(flashing_comes_and_goes_through_red)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    executor_lease_flash(&x, 30);
    char seen[80] = "";
    size_t n = 0;
    for (int t = 0; t < 60; t++) {
        if (executor_step(&x, waiting, NULL, &everywhere, t) && n < sizeof(seen) - 2)
            seen[n++] = x.mode == EXECUTOR_GREEN ? x.shown[0] : x.shown[1];
        if (x.machine.state == MACHINE_FLASH)
            CHECK(strcmp(x.shown, "ooooooo") == 0);
    }
    CHECK(bytes_start(bytes_text(seen), "yrorG"));
}

/* Random leases, late, doubled, impossible; random queues: no rule of field/lights breaks. */
TEST(random_leases_break_no_rule)
{
    struct site s = cross();
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("rrrGGgr")));
    char last[SITE_LETTERS_MAX + 1] = "rrrGGgr";
    uint32_t since_green_lost[7], green_for[7] = {0}, red_wait[4] = {0};
    for (int i = 0; i < 7; i++)
        since_green_lost[i] = 1000;
    for (int64_t t = 0; t < 400000; t++) {
        if (random_below(&r, 7) == 0 && executor_lease(&x, (int64_t)random_below(&r, 7) - 1,
                                                       t + (int64_t)random_below(&r, 40) - 5) != OK)
            CHECK(x.machine.wish_phase < 4);
        for (size_t l = 0; l < 4; l++)
            waiting[l] = random_below(&r, 40) ? (uint16_t)(l != 1) : 0;
        executor_step(&x, waiting, NULL, random_below(&r, 2) ? &everywhere : NULL, t);
        CHECK(site_may_show(&s, bytes_text(x.shown)));
        for (size_t i = 0; i < 7; i++) {
            bool was = last[i] == 'G' || last[i] == 'g',
                 is = x.shown[i] == 'G' || x.shown[i] == 'g';
            if (was && !is) {
                CHECK(x.shown[i] == 'y' && green_for[i] >= times.minimum_green_s);
                since_green_lost[i] = 0;
            }
            if (!was && is) {
                for (size_t k = 0; k < 7; k++) { /* whoever lost green had yellow and all-red */
                    if (x.shown[k] == 'r')
                        CHECK(since_green_lost[k] >= times.yellow_s + times.all_red_s);
                }
                CHECK(last[i] == 'r' || last[i] == 's');
            }
            since_green_lost[i]++;
            green_for[i] = is ? green_for[i] + 1 : 0;
        }
        for (size_t l = 0; l < 4; l++) {
            bool green = x.mode == EXECUTOR_GREEN && site_serves(&s, x.phase, (uint32_t)l);
            red_wait[l] = green || waiting[l] == 0 ? 0 : red_wait[l] + 1;
            CHECK(red_wait[l] <= times.maximum_red_s); /* though all may be due at once */
        }
        memcpy(last, x.shown, sizeof(last));
    }
    CHECK(x.fallbacks > 100);
}

TEST(commands_of_higher_rank_act_end_and_keep_their_order)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_preempt(&x, 2, 10) == ERR_WRONG_STATE); /* not ours yet */
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK(executor_preempt(&x, 4, 10) == ERR_DENIED && executor_preempt(&x, -1, 10) == ERR_DENIED);
    CHECK(executor_preempt(&x, 2, 0) == ERR_EXPIRED);
    int64_t t = 1;
    for (; t < 40; t++) { /* renewed each second */
        CHECK_OK(executor_preempt(&x, 2, t + 3));
        executor_step(&x, waiting, NULL, NULL, t);
    }
    CHECK(x.machine.state == MACHINE_PREEMPT && x.phase == 2);
    for (; t < 43; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    CHECK(x.machine.state != MACHINE_PREEMPT); /* it stopped calling */
    CHECK_OK(executor_manual(&x, 3, 80));
    CHECK(executor_preempt(&x, 2, 100) == ERR_DENIED); /* by order of people */
    for (; t < 79; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    CHECK(x.machine.state == MACHINE_MANUAL && x.phase == 3);
    CHECK_OK(executor_all_red(&x, 100));
    for (; t < 99; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    CHECK(x.machine.state == MACHINE_RED && strcmp(x.shown, "rrrrrrr") == 0);
    for (; t < 103; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    CHECK(x.mode == EXECUTOR_GREEN && !x.monitor.tripped);
}

TEST(what_the_monitor_trips_on_flashes_and_stays_so)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    CHECK_OK(executor_init(&x, &s, &times));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    for (int t = 1; t < 4; t++)
        executor_step(&x, waiting, NULL, NULL, t);
    x.machine.elapsed_s = 100; /* a machine that lost count of its green */
    CHECK_OK(executor_lease(&x, 2, INT64_MAX));
    CHECK(executor_step(&x, waiting, NULL, NULL, 5));
    CHECK(x.monitor.fault == MONITOR_SHORT_GREEN && strcmp(x.shown, "ooooooo") == 0);
    CHECK(x.mode == EXECUTOR_BETWEEN && strcmp(executor_word(&x), "fault") == 0);
    for (int t = 6; t < 99; t++)
        CHECK(!executor_step(&x, waiting, NULL, NULL, t));
    CHECK(executor_lease(&x, 2, INT64_MAX) == ERR_WRONG_STATE);
}
