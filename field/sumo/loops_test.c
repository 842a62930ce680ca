#include "field/sumo/loops.h"
#include "base/test.h"

/* Lanes a_0, a_1 of 100 m; loops at 20 m of a_0 and at 10 m of u_0, which leads to a; a crossing.
 */
static struct site
crossroad(void)
{
    struct site s = {.id = "A"};
    CHECK_OK(site_add_link(&s, 0, bytes_text("a_0"), bytes_text("x_0")));
    CHECK_OK(site_add_link(&s, 1, bytes_text("a_1"), bytes_text("x_0")));
    CHECK_OK(bytes_copy_text(bytes_text(":A_0_0"), s.across[0], SITE_ID_SIZE));
    CHECK_OK(bytes_copy_text(bytes_text(":A_0_1"), s.across[1], SITE_ID_SIZE));
    CHECK_OK(site_add_crossing(&s, 2, bytes_text(":A_c0_0")));
    s.lane_length_m[0] = s.lane_length_m[1] = 100;
    s.loops_count = 2;
    s.loops[0] = (struct site_loop){.lane = "a_0", .position_m = 20, .distance_m = 80};
    s.loops[1] = (struct site_loop){.lane = "u_0", .position_m = 10, .distance_m = 150};
    return s;
}

static void
move(struct loops *l, struct loops_track *t, const char *lane, double position_m)
{
    loops_begin(l);
    loops_moved(l, t, bytes_text(lane), position_m);
}

TEST(a_vehicle_is_counted_once_at_each_loop)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct loops_track t = {.length_m = 4};
    uint32_t stop = 0, near = 0, far = 0;
    static const struct step {
        const char *lane;
        double at_m;
        int stop, near, far; /* what this second adds */
    } way[] = {{"u_0", 5, 0, 0, 0},  {"u_0", 9.9, 0, 0, 0},  {"u_0", 15, 0, 0, 1},
               {"u_0", 60, 0, 0, 0}, {":N_0_0", 2, 0, 0, 0}, {"a_0", 12, 0, 0, 0},
               {"a_0", 20, 0, 1, 0}, {"a_0", 93, 0, 0, 0},   {"a_0", 99, 0, 0, 0},
               {"a_0", 99, 0, 0, 0}, {":A_0_0", 3, 1, 0, 0}, {":A_5_0", 1, 0, 0, 0},
               {"x_0", 4, 0, 0, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(way); i++) {
        move(l, &t, way[i].lane, way[i].at_m);
        CHECK(c->stop[0] == way[i].stop && c->advance[0] == way[i].near &&
              c->advance[1] == way[i].far && c->stop[1] == 0);
        stop += c->stop[0];
        near += c->advance[0];
        far += c->advance[1];
    }
    CHECK(stop == 1 && near == 1 && far == 1);
    loops_free(l);
}

TEST(bodies_lie_on_loops)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct loops_track t = {.length_m = 4};
    move(l, &t, "a_0", 19.9);
    CHECK(!c->advance_on[0] && !c->stop_on[0]);
    move(l, &t, "a_0", 20);
    CHECK(c->advance_on[0]);
    move(l, &t, "a_0", 25.9); /* its end is at 21.9, the loop's at 22 */
    CHECK(c->advance_on[0]);
    move(l, &t, "a_0", 26);
    CHECK(!c->advance_on[0]);
    move(l, &t, "a_0", 93.9);
    CHECK(!c->stop_on[0]);
    move(l, &t, "a_0", 94);
    CHECK(c->stop_on[0]);
    move(l, &t, ":A_0_0", 3.9); /* its end is still before the line */
    CHECK(c->stop_on[0] && c->stop[0] == 1);
    move(l, &t, ":A_0_0", 4.1);
    CHECK(!c->stop_on[0] && c->stop[0] == 0);
    loops_free(l);
}

TEST(who_changes_lanes_has_not_crossed)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct loops_track t = {0};
    move(l, &t, "a_1", 18);
    move(l, &t, "a_0", 24); /* over the loop on the lane that he comes to */
    CHECK(c->advance[0] == 1 && c->stop[0] == 0 && c->stop[1] == 0);
    move(l, &t, "a_1", 30);
    CHECK(c->advance[0] == 0 && c->stop[0] == 0);
    move(l, &t, "a_1", 97);
    move(l, &t, ":A_0_0", 1); /* changed in the last second: he crosses where he goes in */
    CHECK(c->stop[0] == 1 && c->stop[1] == 0);
    loops_free(l);
}

TEST(who_jumps_over_a_junction_or_a_short_lane_is_counted)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct loops_track t = {0}, u = {0}, v = {0}, x = {0};
    move(l, &t, "a_1", 98);
    move(l, &t, "x_0", 2);
    CHECK(c->stop[1] == 1);
    move(l, &u, "z_0", 98);
    move(l, &u, ":A_0_1", 2); /* over all of a_1 */
    CHECK(c->stop[1] == 1 && c->advance[0] == 0);
    move(l, &x, "z_0", 98);
    move(l, &x, ":A_0_0", 2); /* over all of a_0, and the loop on it */
    CHECK(c->stop[0] == 1 && c->advance[0] == 1);
    move(l, &v, "u_0", 8);
    move(l, &v, ":N_0_0", 3);
    CHECK(c->advance[1] == 1);
    loops_free(l);
}

TEST(who_begins_on_a_loop_is_counted_and_behind_it_not)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct loops_track on = {.length_m = 4}, behind = {.length_m = 4}, in = {.length_m = 4};
    move(l, &on, "a_0", 24);
    CHECK(c->advance[0] == 1);
    move(l, &behind, "a_0", 40);
    CHECK(c->advance[0] == 0);
    move(l, &in, ":A_0_0", 1);
    CHECK(c->stop[0] == 0);
    loops_free(l);
}

TEST(many_in_one_second_are_capped)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    loops_begin(l);
    for (int i = 0; i < 20; i++) {
        struct loops_track t = {0};
        loops_moved(l, &t, bytes_text("a_0"), 98);
        loops_moved(l, &t, bytes_text(":A_0_0"), 1);
    }
    CHECK(loops_counts(l, 0)->stop[0] == LOOPS_CROSSED_MAX);
    loops_free(l);
}

TEST(people_wait_at_their_crossing)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    loops_begin(l);
    loops_waits(l, bytes_text(":A_c1"));
    loops_waits(l, bytes_text("a"));
    CHECK(!loops_counts(l, 0)->stop_on[2]);
    loops_waits(l, bytes_text(":A_c0"));
    CHECK(loops_counts(l, 0)->stop_on[2] && !loops_counts(l, 0)->stop_on[0]);
    loops_free(l);
}

TEST(cameras_see_the_link_and_no_identity)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    struct buf b;
    loops_begin(l);
    loops_camera(l, bytes_text("A"), bytes_text("a_1"), 1, 50.04, 13.9);
    loops_camera(l, bytes_text("B"), bytes_text("a_1"), 1, 50, 13.9);  /* another signal */
    loops_camera(l, bytes_text("A"), bytes_text("a_1"), 7, 50, 13.9);  /* no such letter */
    loops_camera(l, bytes_text("A"), bytes_text("a_1"), 1, 201, 13.9); /* too far */
    loops_camera(l, bytes_text("A"), bytes_text(":A_c0_0"), 2, 5, 1);  /* nobody drives there */
    CHECK(c->cars_count == 1 && c->cars[0].lane == 1 && c->cars[0].link == 1);
    buf_init(&b, 4096);
    struct site_lights lights = {.phase = -1, .age_s = 3};
    loops_put_reading(l, 0, &lights, true, &b);
    CHECK(bytes_are(buf_bytes(&b), "\"phase\":-1,\"age\":3,\"stop\":[0,0,0],\"stop_on\":\"000\","
                                   "\"advance\":[0,0],\"advance_on\":\"00\","
                                   "\"cars\":[[1,500,1390,1]]"));
    lights = (struct site_lights){.phase = 1, .age_s = 9, .hold_s = 4, .leaves = true};
    buf_reset(&b);
    loops_put_reading(l, 0, &lights, false, &b);
    CHECK(bytes_start(buf_bytes(&b), "\"phase\":1,\"age\":9,\"hold\":4,\"leaves\":true,\"stop\""));
    buf_fini(&b);
    loops_free(l);
}

TEST(cameras_see_who_ends_his_trip_before_the_line)
{
    struct site s = crossroad();
    struct loops *l = loops_new(&s, 1);
    const struct loops_counts *c = loops_counts(l, 0);
    loops_begin(l);
    loops_camera_ends(l, bytes_text("a_0"), 60, 13.9);
    loops_camera_ends(l, bytes_text("a_1"), 99, 0);
    loops_camera_ends(l, bytes_text("u_0"), 30.3, 10);
    loops_camera_ends(l, bytes_text("b_0"), 60, 13.9);    /* leads nowhere */
    loops_camera_ends(l, bytes_text(":A_0_0"), 1, 13.9);  /* behind the line */
    loops_camera_ends(l, bytes_text(":A_c0_0"), 1, 13.9); /* nobody drives there */
    CHECK(c->cars_count == 3);
    static const struct loops_car expected[] = {
        {0, -1, 400, 1390}, {1, -1, 10, 0}, {0, -1, 1297, 1000}};
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        const struct loops_car *car = &c->cars[i], *e = &expected[i];
        CHECK(car->lane == e->lane && car->link == -1 && car->distance_dm == e->distance_dm &&
              car->speed_cm_s == e->speed_cm_s);
    }
    s.loops[1].distance_m = 300;
    loops_begin(l);
    loops_camera_ends(l, bytes_text("u_0"), 30, 13.9); /* too far */
    CHECK(c->cars_count == 0);
    loops_free(l);
}
