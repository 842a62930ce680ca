#include "field/sumo/traffic.h"
#include "base/test.h"
#include "field/sumo/tripinfo.h"

static bool
near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

static struct site
two_lanes(void)
{
    struct site s = {0};
    CHECK_OK(site_add_state(&s, bytes_text("Gr"), 30));
    CHECK_OK(site_add_state(&s, bytes_text("rG"), 30));
    CHECK_OK(site_add_link(&s, 0, bytes_text("a"), bytes_text("b")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("b"), bytes_text("a"))); /* a lane and an exit */
    CHECK_OK(site_add_box(&s, bytes_text(":A_0_3_0")));
    s.lane_length_m[0] = s.lane_length_m[1] = 500;
    return s;
}

TEST(vehicles_are_counted_where_they_stand)
{
    struct site s = two_lanes();
    struct traffic *t = traffic_new(&s, 1);
    CHECK(t);
    traffic_begin(t, 1);
    CHECK_OK(traffic_moved(t, bytes_text("v1"), bytes_text("a"), 490, 0, 0));
    CHECK_OK(traffic_moved(t, bytes_text("v2"), bytes_text("a"), 301, 9, 0));
    CHECK_OK(traffic_moved(t, bytes_text("v3"), bytes_text("a"), 299, 0, 0)); /* too far */
    CHECK_OK(traffic_moved(t, bytes_text("v4"), bytes_text("b"), 20, 0, 0));
    CHECK_OK(traffic_moved(t, bytes_text("v5"), bytes_text("elsewhere"), 20, 0, 0));
    CHECK_OK(traffic_moved(t, bytes_text("v6"), bytes_text(":A_0_12_1"), 2, 0, 0));
    CHECK_OK(traffic_moved(t, bytes_text("v7"), bytes_text(":B_0_12_1"), 2, 0, 0));
    const struct site_counts *c = traffic_counts(t, 0);
    CHECK(site_has(&c->inside, 0) && site_has(&c->inside, 1)); /* whose way nobody knows */
    CHECK(c->near[0] == 2 && c->standing[0] == 1 && c->near[1] == 0);
    CHECK(c->exit_standing[0] == 1 && c->exit_standing[1] == 0); /* b is exit 0, a is exit 1 */
    traffic_begin(t, 2);
    CHECK(c->near[0] == 0 && c->exit_standing[0] == 0);
    traffic_free(t);
}

enum { NOBODY, STRAIGHT = 1, LEFT = 2, ROUND = 4, ANY = 7 };

/*
 * Link 0 goes straight on, link 1 turns left, link 2 turns round and has a stop line inside. Who
 * came over `first`, if anybody, and is on `lane` now: the links on whose ways he stays.
 */
static uint32_t
stays_on(const char *first, const char *lane, double speed_m_s)
{
    struct site s = two_lanes();
    static const char turns[] = "slt";
    static const char *const across[] = {":A_0_3_0", ":A_0_7_0", ":A_0_8_0"};
    for (uint32_t k = 0; k < 3; k++) {
        if (k >= s.links_count)
            CHECK_OK(site_add_link(&s, k, bytes_text("a"), bytes_text("b")));
        s.links[k].turn = turns[k];
        CHECK_OK(bytes_copy_text(bytes_text(across[k]), s.across[k], sizeof(s.across[k])));
    }
    site_put(&s.inner_line, 2);
    CHECK_OK(site_add_box(&s, bytes_text(":B_0_1_0")));
    struct traffic *t = traffic_new(&s, 1);
    CHECK(t);
    traffic_begin(t, 1);
    if (first)
        CHECK_OK(traffic_moved(t, bytes_text("v"), bytes_text(first), 2, 9, 0));
    traffic_begin(t, 2);
    CHECK_OK(traffic_moved(t, bytes_text("v"), bytes_text(lane), 2, speed_m_s, 0));
    uint32_t links = 0;
    for (uint32_t k = 0; k < 3; k++)
        links |= (uint32_t)site_has(&traffic_counts(t, 0)->inside, k) << k;
    traffic_free(t);
    return links;
}

TEST(who_will_not_be_out_of_the_junction_is_waited_for)
{
    CHECK(stays_on(NULL, ":A_0_3_0", TRAFFIC_STARTS_M_S - 0.1) == STRAIGHT);
    CHECK(stays_on(NULL, ":A_0_3_0", TRAFFIC_STARTS_M_S) == NOBODY);
    CHECK(stays_on(NULL, ":A_0_7_0", TRAFFIC_STUCK_M_S - 0.1) == LEFT);
    CHECK(stays_on(NULL, ":A_0_7_0", TRAFFIC_STARTS_M_S - 0.1) == NOBODY);
    CHECK(stays_on(NULL, ":A_0_9_0", TRAFFIC_STUCK_M_S - 0.1) == ANY);
    CHECK(stays_on(NULL, ":A_0_9_0", TRAFFIC_STARTS_M_S - 0.1) == NOBODY);
}

TEST(who_is_behind_the_stop_line_inside_has_his_gap)
{
    CHECK(stays_on(NULL, ":A_0_8_0", TRAFFIC_STUCK_M_S - 0.1) == ROUND);
    CHECK(stays_on(NULL, ":A_0_8_0", TRAFFIC_STARTS_M_S - 0.1) == NOBODY);
    CHECK(stays_on(":A_0_8_0", ":A_0_9_0", 0) == NOBODY);
    CHECK(stays_on(":A_0_7_0", ":A_0_9_0", 0) == LEFT);
    CHECK(stays_on("a", ":A_0_9_0", 0) == ANY);
    CHECK(stays_on(":A_0_8_0", ":B_0_9_0", 0) == ANY); /* of another junction */
}

TEST(delay_counts_everybody_who_should_have_departed)
{
    struct site s = two_lanes();
    struct traffic *t = traffic_new(&s, 1);
    struct traffic_totals sum;
    CHECK(t);
    traffic_totals(t, &sum);
    CHECK(sum.vehicles == 0 && near(sum.delay_s, 0));
    traffic_begin(t, 10);
    CHECK_OK(traffic_pending(t, bytes_text("late")));
    CHECK_OK(traffic_pending(t, bytes_text("never")));
    CHECK_OK(traffic_departed(t, bytes_text("swift")));
    traffic_begin(t, 16);
    CHECK_OK(traffic_pending(t, bytes_text("never"))); /* told again each second */
    CHECK_OK(traffic_departed(t, bytes_text("late")));
    CHECK_OK(traffic_moved(t, bytes_text("late"), bytes_text("a"), 1, 5, 2));
    CHECK_OK(traffic_moved(t, bytes_text("swift"), bytes_text("a"), 9, 5, 4));
    traffic_arrived(t, bytes_text("swift"));
    traffic_arrived(t, bytes_text("swift"));
    traffic_begin(t, 20);
    CHECK_OK(traffic_moved(t, bytes_text("late"), bytes_text("a"), 5, 5, 3));
    traffic_totals(t, &sum);
    CHECK(sum.vehicles == 3 && sum.pending == 1 && sum.running == 1 && sum.arrived == 1);
    CHECK(near(sum.delay_s, (4 + (6 + 3) + 10) / 3.0));
    traffic_free(t);
}

TEST(after_the_mark_only_new_delay_counts)
{
    struct site s = two_lanes();
    struct traffic *t = traffic_new(&s, 1);
    struct traffic_totals sum;
    CHECK(t);
    traffic_begin(t, 10);
    CHECK_OK(traffic_departed(t, bytes_text("gone")));
    CHECK_OK(traffic_pending(t, bytes_text("late")));
    CHECK_OK(traffic_moved(t, bytes_text("here"), bytes_text("a"), 9, 5, 7));
    traffic_arrived(t, bytes_text("gone"));
    traffic_begin(t, 20);
    traffic_mark(t);
    traffic_totals(t, &sum);
    CHECK(sum.vehicles == 2 && sum.arrived == 0 && near(sum.delay_s, 0));
    traffic_begin(t, 24);
    CHECK_OK(traffic_moved(t, bytes_text("here"), bytes_text("a"), 9, 5, 9));
    traffic_arrived(t, bytes_text("here"));
    CHECK_OK(traffic_departed(t, bytes_text("late")));
    traffic_totals(t, &sum);
    CHECK(sum.vehicles == 2 && sum.arrived == 1 && near(sum.delay_s, (2 + 4) / 2.0));
    traffic_free(t);
}

TEST(names_out_of_bounds_are_refused)
{
    struct site s = two_lanes();
    struct traffic *t = traffic_new(&s, 1);
    char name[200];
    CHECK(t);
    memset(name, 'x', sizeof(name));
    CHECK(traffic_departed(t, bytes_of(name, sizeof(name))) == ERR_LIMIT);
    CHECK(traffic_departed(t, (struct bytes){0}) == ERR_LIMIT);
    enum err e = OK;
    uint32_t n = 0;
    for (; e == OK && n <= TRAFFIC_VEHICLES_MAX; n++) {
        int len = snprintf(name, sizeof(name), "v%u", (unsigned)n);
        e = traffic_departed(t, bytes_of(name, (size_t)len));
    }
    CHECK(e == ERR_LIMIT && n == TRAFFIC_VEHICLES_MAX / 2 + 1);
    traffic_free(t);
}

TEST(trips_add_up_and_a_cut_file_is_refused)
{
    static const char xml[] =
        "<tripinfos>\n<tripinfo id=\"1\" depart=\"3.00\" departDelay=\"1.00\" arrival=\"9.00\" "
        "waitingTime=\"2.00\" timeLoss=\"4.00\"/>\n"
        "<tripinfo id=\"2\" depart=\"3.00\" departDelay=\"0.00\" arrival=\"-1.00\" "
        "waitingTime=\"0.00\" timeLoss=\"10.00\"/>\n"
        "<tripinfo id=\"3\" depart=\"-1.00\" departDelay=\"30.00\" arrival=\"-1.00\" "
        "waitingTime=\"-1.00\" timeLoss=\"-1.00\"/>\n</tripinfos>\n";
    struct tripinfo t;
    CHECK_OK(tripinfo_read(bytes_text(xml), NULL, &t));
    CHECK(t.vehicles == 3 && t.unfinished == 1 && t.undeparted == 1);
    CHECK(near(t.delay_s, (5 + 10 + 30) / 3.0) && near(t.waiting_s, 2 / 3.0));
    for (size_t cut = 0; cut < sizeof(xml) - 3; cut++) {
        struct bytes exact = test_exact(bytes_of(xml, cut));
        CHECK(tripinfo_read(exact, NULL, &t) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}
