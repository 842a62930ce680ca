#include "field/sumo/executor.h"
#include "base/random.h"
#include "base/test.h"

static const struct executor_times times = {3, 1, 5, 120};

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
    CHECK_OK(site_usable(&s));
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

TEST(without_a_lease_the_plan_runs)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(!executor_take_over(&x, bytes_text("yygrrrs")));
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    uint32_t second[4] = {0};
    for (int t = 0; t < 4 * 90; t++) {
        executor_step(&x, &times, waiting, 0, t);
        if (x.mode == EXECUTOR_GREEN)
            second[x.phase]++;
    }
    CHECK(second[0] >= 3 * 31 && second[2] >= 3 * 31 && second[1] >= 18 && x.fallbacks == 0);
}

TEST(a_lease_is_followed_and_its_end_is_a_fallback)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK(executor_lease(&x, 4, 100) == ERR_DENIED && executor_lease(&x, -1, 100) == ERR_DENIED);
    CHECK_OK(executor_lease(&x, 2, 100));
    for (int t = 1; t <= 4; t++)
        CHECK(!executor_step(&x, &times, waiting, 0, t)); /* X3 */
    static const char *const shown[] = {"yyyrrrr", "yyyrrrr", "yyyrrrr", "rrrrrrr", "rrrGGgr"};
    for (int t = 0; t < 5; t++) {
        executor_step(&x, &times, waiting, 0, 5 + t);
        CHECK(strcmp(x.shown, shown[t]) == 0);
    }
    for (int t = 10; t < 100; t++)
        CHECK(!executor_step(&x, &times, waiting, 0, t)); /* longer than the plan would */
    CHECK(x.fallbacks == 0);
    CHECK(executor_step(&x, &times, waiting, 0, 100) && x.fallbacks == 1); /* X4 */
    CHECK(x.mode == EXECUTOR_YELLOW && x.target == 3);
}

TEST(silence_ends_a_lease_but_no_flashing)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 0, INT64_MAX));
    for (int t = 1; t <= 60; t++)
        CHECK(!executor_step(&x, &times, waiting, 0, t)); /* longer than the plan would */
    executor_silence(&x);
    CHECK(executor_step(&x, &times, waiting, 0, 61) && x.fallbacks == 1);
    CHECK(x.mode == EXECUTOR_YELLOW && x.target == 1);
    executor_lease_flash(&x, 100);
    executor_silence(&x);
    for (int t = 62; t < 100; t++)
        executor_step(&x, &times, waiting, 0, t);
    CHECK(x.mode == EXECUTOR_FLASH);
}

TEST(who_waits_is_served_whatever_is_leased)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0, 0, 3, 0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 0, INT64_MAX));
    int served = 0;
    for (int t = 0; t < 1000; t++) {
        executor_step(&x, &times, waiting, 0, t);
        served += x.mode == EXECUTOR_GREEN && site_serves(&s, x.phase, 2);
        CHECK(x.red_s[2] <= times.maximum_red_s + 1);
    }
    CHECK(served >= 7 * 5 && x.forced >= 7);
}

TEST(nobody_gets_green_into_a_full_junction_but_not_for_ever)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    CHECK_OK(executor_lease(&x, 2, INT64_MAX));
    int red_s = 0;
    for (int t = 0; t < 40; t++) {
        executor_step(&x, &times, waiting, 1, t);
        red_s += x.mode == EXECUTOR_ALL_RED;
    }
    CHECK(red_s == 1 + EXECUTOR_BOX_WAIT_S && x.phase == 2);
}

TEST(flashing_comes_and_goes_through_red)
{
    struct site s = cross();
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("GGgrrrs")));
    executor_lease_flash(&x, 30);
    char seen[80] = "";
    size_t n = 0;
    for (int t = 0; t < 60; t++) {
        if (executor_step(&x, &times, waiting, 0, t) && n < sizeof(seen) - 2)
            seen[n++] = x.mode == EXECUTOR_GREEN ? x.shown[0] : x.shown[1];
        if (x.mode == EXECUTOR_FLASH)
            CHECK(strcmp(x.shown, "ooooooo") == 0);
    }
    CHECK(bytes_start(bytes_text(seen), "yrorG"));
}

/* Random leases, late, doubled, impossible; random queues: X1, X2, X3, X5 never break. */
TEST(random_leases_break_no_rule)
{
    struct site s = cross();
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct executor x;
    uint16_t waiting[SITE_LANES_MAX] = {0};
    executor_init(&x, &s);
    CHECK(executor_take_over(&x, bytes_text("rrrGGgr")));
    char last[SITE_LETTERS_MAX + 1] = "rrrGGgr";
    uint32_t since_green_lost[7], green_for[7] = {0}, red_wait[4] = {0};
    for (int i = 0; i < 7; i++)
        since_green_lost[i] = 1000;
    for (int64_t t = 0; t < 400000; t++) {
        if (random_below(&r, 7) == 0 && executor_lease(&x, (int64_t)random_below(&r, 7) - 1,
                                                       t + (int64_t)random_below(&r, 40) - 5) != OK)
            CHECK(x.leased >= -1 && x.leased < 4);
        for (size_t l = 0; l < 4; l++)
            waiting[l] = random_below(&r, 40) ? (uint16_t)(l != 1) : 0;
        executor_step(&x, &times, waiting, (uint32_t)random_below(&r, 2), t);
        CHECK(site_may_show(&s, bytes_text(x.shown))); /* X1 */
        for (size_t i = 0; i < 7; i++) {
            bool was = last[i] == 'G' || last[i] == 'g',
                 is = x.shown[i] == 'G' || x.shown[i] == 'g';
            if (was && !is) {
                CHECK(x.shown[i] == 'y' && green_for[i] >= times.minimum_green_s); /* X2, X3 */
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
            /* several lanes may be due at once: each change before it costs a minimum green */
            CHECK(red_wait[l] <= times.maximum_red_s + 3 * (5 + 4 + 8)); /* X5 */
        }
        memcpy(last, x.shown, sizeof(last));
    }
    CHECK(x.fallbacks > 100);
}
