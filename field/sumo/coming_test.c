#include "field/sumo/coming.h"
#include "base/test.h"

enum { A0 = 1, A1 = 2, B0 = 4 };

/*
 * Lane a_0 with loops 30 and 120 m before its line; a_1 is so short that its own one lies at 8 m,
 * and u_0 before both of them has a loop at 150 m; lane b_0, of which the speed is not known, has
 * one at 25 m.
 */
static struct site
approaches(void)
{
    struct site s = {.id = "A"};
    static const char *const lanes[] = {"a_0", "a_1", "b_0"};
    for (uint32_t i = 0; i < ARRAY_COUNT(lanes); i++)
        CHECK_OK(site_add_link(&s, i, bytes_text(lanes[i]), bytes_text("x_0")));
    CHECK_OK(site_add_crossing(&s, 3, bytes_text(":A_c0_0")));
    s.lane_m_s[0] = s.lane_m_s[1] = 10;
    s.loops_count = 5;
    s.loops[0] = (struct site_loop){.lane = "a_0", .distance_m = 120, .reach = {2, {0, 1}}};
    s.loops[1] = (struct site_loop){.lane = "a_0", .distance_m = 30, .reach = {2, {0, 1}}};
    s.loops[2] = (struct site_loop){.lane = "u_0", .distance_m = 150, .reach = {2, {1, 0}}};
    s.loops[3] = (struct site_loop){.lane = "b_0", .distance_m = 25, .reach = {1, {2}}};
    s.loops[4] = (struct site_loop){.lane = "a_1", .distance_m = 8, .reach = {2, {1, 0}}};
    return s;
}

/* Seconds for which somebody comes after loop k counted, and for whom. */
static uint32_t
lasts_s(struct coming *c, const struct site *s, uint32_t loop, uint64_t *lanes)
{
    static struct loops_counts counts;
    uint32_t seconds = 0;
    *lanes = 0;
    memset(&counts, 0, sizeof(counts));
    counts.advance[loop] = 1;
    for (uint64_t now = coming_second(c, s, &counts); now; now = coming_second(c, s, &counts)) {
        *lanes |= now;
        seconds++;
        counts.advance[loop] = 0;
    }
    return seconds;
}

TEST(somebody_comes_for_as_long_as_the_way_from_the_nearest_loop_takes)
{
    struct site s = approaches();
    struct coming c;
    uint64_t lanes;
    coming_init(&c, &s);
    CHECK(lasts_s(&c, &s, 1, &lanes) == 3 + COMING_SLACK_S + 1);
    CHECK(lanes == (A0 | A1)); /* a_1 has none of use: whoever leads there speaks for it */
    CHECK(lasts_s(&c, &s, 2, &lanes) == 15 + COMING_SLACK_S + 1 && lanes == A1);
    CHECK(lasts_s(&c, &s, 0, &lanes) == 12 + COMING_SLACK_S + 1 && lanes == A1);
    CHECK(lasts_s(&c, &s, 3, &lanes) == 1 + COMING_SLACK_S + 1 && lanes == B0);
    CHECK(lasts_s(&c, &s, 4, &lanes) == 0 + COMING_SLACK_S + 1 && lanes == A1);
}

TEST(who_lies_on_a_loop_comes_and_people_on_foot_do_not)
{
    struct site s = approaches();
    struct coming c;
    static struct loops_counts counts;
    coming_init(&c, &s);
    CHECK(coming_second(&c, &s, &counts) == 0); /* nobody has been anywhere yet */
    counts.stop_on[0] = counts.stop_on[3] = true;
    CHECK(coming_second(&c, &s, &counts) == A0);
    counts.stop_on[0] = false;
    counts.stop[2] = 1;
    CHECK(coming_second(&c, &s, &counts) == B0);
    counts.stop[2] = 0;
    counts.advance_on[3] = true;
    for (int i = 0; i < 100; i++)
        CHECK(coming_second(&c, &s, &counts) == B0);
    counts.advance_on[3] = false;
    for (int i = 0; i < 70000; i++)
        CHECK(coming_second(&c, &s, &counts) == (i < 2 ? B0 : 0));
}
