#include "field/lights/intersection.h"
#include "base/test.h"
#include "tests/signals/envelope/shapes.h"

static struct intersection
good(void)
{
    struct intersection x;
    shape_make(SHAPE_PERMISSIVE_LEFTS, NULL, &x);
    return x;
}

static void
refused(struct intersection *x, const char *sentence)
{
    char why[LIGHTS_WHY_SIZE] = "";
    CHECK(intersection_check(x, why) == ERR_DENIED && !x->checked);
    if (strcmp(why, sentence) != 0)
        fprintf(stderr, "%s\n", why);
    CHECK(strcmp(why, sentence) == 0);
}

TEST(a_phase_that_does_not_fit_is_refused_by_name)
{
    struct intersection x = good();
    x.phases[0][1] = 'G'; /* a turn that should yield */
    refused(&x, "phase 0 (GGrrGgrrG): links 1 and 4 cross and neither yields");
    x = good();
    x.yields[1] = (struct link_set){0};
    refused(&x, "phase 0 (GgrrGgrrG): links 1 and 4 cross and neither yields");
    x = good();
    x.phases[2][8] = 'G'; /* no longer a turn on red */
    refused(&x, "phase 2 (rrGgrrGgG): links 2 and 8 cross and neither yields");
    x = good();
    memset(x.phases[3], 'r', x.links_count);
    refused(&x, "phase 3 (rrrrrrrrr): nobody has green");
    x = good();
    x.plans[1].rows[1].phase = 4;
    refused(&x, "plan 1 row 1: there is no phase 4");
    x = good();
    x.plans_count = 0;
    refused(&x, "4 phases and 0 plans: two phases and a plan are needed");
}

TEST(times_that_are_not_safe_are_refused)
{
    struct intersection x = good();
    x.links[2].yellow_s = 2;
    refused(&x, "link 2: a yellow of 2 s is not within 3 to 6");
    x = good();
    x.links[2].all_red_s = 7;
    refused(&x, "link 2: an all-red of 7 s is more than 6");
    x = good();
    x.links[1].minimum_green_s = 3;
    refused(&x, "link 1: a minimum green of 3 s is not within 4 to 60");
    x = good();
    x.maximum_red_s = 30;
    refused(&x, "a longest red of 30 s and of 90 s on foot: not within 60 to 600");
    shape_make(SHAPE_CROSSINGS, NULL, &x);
    x.links[2].walk_s = 5;
    refused(&x, "link 2: a walk of 5 s with a clearance of 8 s: at least 7 and 4");
    shape_make(SHAPE_CROSSINGS, NULL, &x);
    x.phases[0][2] = 'g';
    refused(&x, "phase 0 (Grgrr): link 2 is a walk and shows g");
}

TEST(a_lane_that_no_phase_serves_is_refused)
{
    struct intersection x = good();
    uint32_t lane;
    x.phases[1][1] = 'r';
    x.phases[0][1] = 'r';
    refused(&x, "lane 4: no phase serves it"); /* lanes 4 to 7 have links 1, 3, 5, 7 */
    x = good();
    x.lanes_count = LIGHTS_LANES_MAX;
    CHECK(intersection_add_lane(&x, &lane) == ERR_LIMIT);
    CHECK(intersection_add_phase(&x, bytes_text("GG")) == ERR_MALFORMED);
    CHECK(intersection_add_phase(&x, bytes_text("Gyrrrrrrr")) == ERR_MALFORMED);
}

/* Two phases, 3 s of yellow, 1 s of red, 12 s for a full junction, 5 s of green: 21 s each; three
 * of them. */
TEST(the_longest_red_that_is_promised_is_a_round_at_least)
{
    struct intersection x;
    char why[LIGHTS_WHY_SIZE];
    shape_make(SHAPE_TWO_PHASES, NULL, &x);
    CHECK(x.cover_count == 2 && x.round_s == 63 && x.limit_s[0] == 120);
    for (uint32_t i = 0; i < 4; i++)
        x.links[i].minimum_green_s = 40;
    CHECK_OK(intersection_check(&x, why));
    CHECK(x.round_s == 168 && x.limit_s[3] == 168);
    x.strict = true;
    refused(&x, "link 0: a round may take 168 s, and its longest red is 120 s");
    x.strict = false;
    x.links[0].minimum_green_s = 60;
    x.links[2].minimum_green_s = 60;
    CHECK_OK(intersection_check(&x, why));
    CHECK(x.round_s == 228);
}

/* Its second phase serves two lanes, its third one the other; but who goes straight on needs the
 * first. */
TEST(a_round_lets_every_link_go)
{
    struct intersection x;
    shape_make(SHAPE_ARROW, NULL, &x);
    CHECK(x.cover_count == 3 && x.round_s == 84);
    CHECK(x.serving[0] == 0 && x.serving[2] == 1 && x.serving[3] == 2);
    CHECK(x.best[0] == 0 && x.best[1] == 1 && x.best[2] == 2);
    CHECK(x.serves[1] == (1 | 2) && x.link_lanes[1] == 1);
}

TEST(what_stands_between_two_phases_is_checked_and_right)
{
    struct intersection x = good();
    char shown[LIGHTS_LINKS_MAX + 1];
    intersection_between(&x, x.phases[0], 1, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "ygrrygrry") == 0);
    intersection_between(&x, x.phases[0], 2, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "yyrryyrry") == 0); /* from green to a turn on red: yellow too */
    intersection_between(&x, x.phases[0], 2, STAGE_RED, shown);
    CHECK(strcmp(shown, "rrrrrrrrs") == 0);
    intersection_between(&x, x.phases[0], LIGHTS_NO_PHASE, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "yyrryyrry") == 0);
    struct lights_change c = intersection_change(&x, x.phases[1], 0);
    CHECK(!c.all_stop); /* link 5 keeps its green, though it yields now */
    shape_make(SHAPE_CROSSINGS, NULL, &x);
    intersection_between(&x, x.phases[0], 1, STAGE_CLEARANCE, shown);
    CHECK(strcmp(shown, "Gryrr") == 0);
    intersection_between(&x, x.phases[0], 1, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "yrrrr") == 0);
    c = intersection_change(&x, x.phases[0], 1);
    /* 7.5 m at 1.07 m/s are 8 s; the buffer of 3 s is yellow to the vehicles */
    CHECK(c.clearance_s == 8 && c.yellow_s == 3 && c.all_red_s == 1 && c.all_stop);
    c = intersection_change(&x, x.phases[0], 3);
    CHECK(c.clearance_s == 8 && c.yellow_s == 0 && c.all_red_s == 3 && !c.all_stop);
}

/* Of both lefts only the one whose oncoming traffic stops may be left alone. */
TEST(who_gives_way_does_not_see_yellow_while_those_he_gives_way_to_go_on)
{
    struct intersection x = good();
    char shown[LIGHTS_LINKS_MAX + 1], why[LIGHTS_WHY_SIZE];
    for (uint32_t i = 0; i < x.links_count; i++)
        x.links[i].all_red_s = 0;
    CHECK_OK(intersection_add_phase(&x, bytes_text("GGrrrrrrG")));
    CHECK_OK(intersection_check(&x, why));
    intersection_between(&x, x.phases[0], 4, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "ygrryyrrG") == 0); /* 5 gives way to 0, 1 to 4 */
    intersection_between(&x, x.phases[0], 4, STAGE_RED, shown);
    CHECK(strcmp(shown, "rgrrrrrrG") == 0);
    struct lights_change c = intersection_change(&x, x.phases[0], 4);
    CHECK(c.yellow_s == 4 && c.all_red_s == 1 && !c.all_stop); /* 0 is green again */
    intersection_between(&x, x.phases[4], 0, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "GgrrrrrrG") == 0);
}

/* 0 gives way to 1 and 1 to 2: all of them stop with 0. */
TEST(who_is_stopped_stops_whom_he_gives_way_to)
{
    struct intersection x;
    char shown[LIGHTS_LINKS_MAX + 1];
    intersection_init(&x, 4);
    for (uint32_t i = 0; i < 2; i++) {
        intersection_cross(&x, i, i + 1);
        intersection_yield(&x, i, i + 1);
    }
    CHECK_OK(intersection_add_phase(&x, bytes_text("ggGG")));
    CHECK_OK(intersection_add_phase(&x, bytes_text("rgGG")));
    intersection_between(&x, x.phases[0], 1, STAGE_YELLOW, shown);
    CHECK(strcmp(shown, "yyyG") == 0);
    intersection_between(&x, x.phases[0], 1, STAGE_RED, shown);
    CHECK(strcmp(shown, "rrrG") == 0);
}

TEST(a_day_has_its_plans)
{
    struct intersection x = good();
    CHECK(intersection_plan_of(&x, 0) == 1 && intersection_plan_of(&x, 6 * 3600) == 0);
    CHECK(intersection_plan_of(&x, 20 * 3600 - 1) == 0 && intersection_plan_of(&x, 86399) == 1);
}
