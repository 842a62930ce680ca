#include "services/signals/model.h"
#include "services/signals/reading.h"
#include "base/test.h"

/* Two lanes north-south (0, 1) and two east-west (2, 3), one link each; phases 0 and 1. */
#define CROSS                                                                                      \
    "{\"name\":\"x\",\"properties\":{\"phases\":[\"GGrr\",\"rrGg\"],"                              \
    "\"links\":[{\"lane\":\"a\",\"exit\":\"p\"},{\"lane\":\"b\",\"exit\":\"q\"},"                  \
    "{\"lane\":\"c\",\"exit\":\"p\"},{\"lane\":\"d\",\"exit\":\"q\"}],"                            \
    "\"lanes\":[\"a\",\"b\",\"c\",\"d\"],\"exits\":[\"p\",\"q\"],"                                 \
    "\"plan\":[{\"phase\":0,\"seconds\":42}]"
static const char cross[] = CROSS "}}";
static const char street[] = CROSS
    ",\"lane_m\":[80,90,300,5],\"lane_kmh\":[50,50,30,30],\"exit_m\":[100,20],\"kinds\":\"vvvw\","
    "\"turns\":\"sr-t\","
    "\"yields\":[[],[],[],[0,2]],\"advance\":[{\"m\":75,\"lanes\":[0,1]},{\"m\":200,\"lanes\":[2]}]"
    ","
    "\"feeders\":[{\"exit\":\"z\",\"m\":340,\"lanes\":[2]}],"
    "\"times\":{\"yellow\":3,\"all_red\":1,\"minimum_green\":5}}}";

static struct signals_model
model(const char *text)
{
    struct signals_model m;
    CHECK_OK(signals_model_read(bytes_text(text), &m));
    return m;
}

TEST(the_model_is_read_and_a_broken_one_is_refused)
{
    struct signals_model m = model(cross);
    CHECK(m.phases_count == 2 && m.links_count == 4 && m.lanes_count == 4 && m.exits_count == 2);
    CHECK(m.lights[1][2] == LIGHT_GREEN && m.lights[1][3] == LIGHT_YIELDS &&
          m.lights[1][0] == LIGHT_RED && m.link_exit[3] == 1);
    CHECK(m.lane_m[0] == 200 && m.exit_kmh[1] == 50 && m.loops_count == 0 && m.yellow_s == 0);
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"properties\":{\"phases\":[\"G\"],\"links\":[{\"lane\":\"a\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\",\"a\"],\"exits\":[\"p\"]}}",
        "{\"properties\":{\"phases\":[\"GG\"],\"links\":[{\"lane\":\"a\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\"],\"exits\":[\"p\"]}}",
        "{\"properties\":{\"phases\":[\"G\"],\"links\":[{\"lane\":\"b\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\"],\"exits\":[\"p\"]}}",
        "{\"properties\":{\"phases\":[],\"links\":[{\"lane\":\"a\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\"],\"exits\":[\"p\"]}}",
        "{\"properties\":{\"phases\":[1],\"links\":[{\"lane\":\"a\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\"],\"exits\":[\"p\"]}}",
        CROSS ",\"lane_m\":[1,2,3]}}",
        CROSS ",\"lane_m\":[1,2,3,0]}}",
        CROSS ",\"kinds\":\"vvvx\"}}",
        CROSS ",\"turns\":\"srl\"}}",
        CROSS ",\"turns\":\"srlx\"}}",
        CROSS ",\"yields\":[[],[],[]]}}",
        CROSS ",\"yields\":[[],[],[],[4]]}}",
        CROSS ",\"yields\":[[],[],[],[1,1]]}}",
        CROSS ",\"advance\":[{\"m\":75,\"lanes\":[]}]}}",
        CROSS ",\"advance\":[{\"m\":0,\"lanes\":[1]}]}}",
        CROSS ",\"advance\":[{\"m\":5,\"lanes\":[1],\"exit\":\"z\"}]}}",
        CROSS ",\"feeders\":[{\"m\":5,\"lanes\":[1]}]}}",
        CROSS ",\"times\":{\"yellow\":3,\"all_red\":1}}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(signals_model_read(bytes_text(bad[i]), &m) != OK);
    for (size_t cut = 0; cut + 1 < sizeof(cross); cut++) {
        struct bytes exact = test_exact(bytes_of(cross, cut));
        CHECK(signals_model_read(exact, &m) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}

TEST(what_it_says_of_the_street_is_read)
{
    struct signals_model m = model(street);
    CHECK(m.lane_m[2] == 300 && m.lane_kmh[3] == 30 && m.exit_m[1] == 20 && m.exit_kmh[0] == 50);
    CHECK(m.lane_kind[3] == LANE_WALK && m.lane_kind[0] == LANE_VEHICLES);
    CHECK(m.link_turn[0] == TURN_STRAIGHT && m.link_turn[2] == TURN_UNKNOWN &&
          m.link_turn[3] == TURN_ROUND);
    CHECK(m.yields_count[3] == 2 && m.yields[3][1] == 2 && m.yields_count[0] == 0);
    CHECK(m.loops_count == 2 && m.loops[0].distance_m == 75 && m.loops[0].lanes_count == 2);
    CHECK(m.feeders_count == 1 && m.feeders[0].exit == signals_name_hash(bytes_text("z")));
    CHECK(m.exit_name[0] == signals_name_hash(bytes_text("p")) && m.exit_name[0] != m.exit_name[1]);
    CHECK(m.yellow_s == 3 && m.all_red_s == 1 && m.minimum_s[0] == 5 && m.minimum_s[1] == 5);
}

/* c turns across a: if it loses green while a goes on, a is stopped; b, whom nobody gives way to,
 * and who walks are not. */
TEST(a_change_stops_whom_one_gives_way_to_who_loses_his_green)
{
    static const char trap[] =
        "{\"properties\":{\"phases\":[\"GGgG\",\"GGrG\",\"rGGr\"],"
        "\"links\":[{\"lane\":\"a\",\"exit\":\"p\"},{\"lane\":\"b\",\"exit\":\"p\"},"
        "{\"lane\":\"c\",\"exit\":\"p\"},{\"lane\":\"w\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\",\"b\",\"c\",\"w\"],\"exits\":[\"p\"],\"kinds\":\"vvvw\","
        "\"yields\":[[],[],[0,3],[]],\"plan\":[{\"phase\":0,\"seconds\":42}]}}";
    struct signals_model m = model(trap);
    CHECK(m.stops[0][0] == 1U << 1); /* to phase 1: c has red there, and a green */
    CHECK(m.stops[0][1] == 0 && m.stops[0][2] == 0 && m.stops[0][3] == 0);
    for (uint32_t k = 0; k < m.links_count; k++)
        CHECK(m.stops[1][k] == 0 && m.stops[2][k] == 0);
}

/* a straight on, c and d turn before it, c from the lane of b, d from one beside b. */
TEST(who_may_go_on_giving_way_beside_others_on_red_is_known)
{
    static const char text[] =
        "{\"properties\":{\"phases\":[\"GGgg\",\"Grgg\",\"Grgr\",\"rrGG\",\"rggg\"],"
        "\"links\":[{\"lane\":\"a\",\"exit\":\"p\"},{\"lane\":\"b\",\"exit\":\"p\"},"
        "{\"lane\":\"b\",\"exit\":\"p\"},{\"lane\":\"d\",\"exit\":\"p\"}],"
        "\"lanes\":[\"a\",\"b\",\"d\"],\"exits\":[\"p\"],%s"
        "\"yields\":[[],[],[0],[0]],\"plan\":[{\"phase\":0,\"seconds\":42}]}}";
    char all[1024];
    snprintf(all, sizeof(all), text, "\"advance\":[{\"m\":40,\"lanes\":[1,2]}],");
    struct signals_model m = model(all);
    CHECK(m.lingers[0] == 0 && m.lingers[1] == 0);
    CHECK(m.lingers[2] == 0x6 && m.lingers[3] == 0x2);
    snprintf(all, sizeof(all), text, ""); /* nobody knows that d lies beside b */
    m = model(all);
    CHECK(m.lingers[2] == 0x6 && m.lingers[3] == 0);
}

#define TIMES CROSS ",\"times\":{\"yellow\":3,\"all_red\":1,\"minimum_green\":5,\"minimum_greens\":"

TEST(each_phase_may_have_a_minimum_green_of_its_own)
{
    struct signals_model m = model(TIMES "[60,1]}}}");
    CHECK(m.minimum_s[0] == 60 && m.minimum_s[1] == 1);
    static const char *const bad[] = {"[]",     "[7]",     "[7,7,7]", "[7,0]",
                                      "[61,7]", "[7,7.5]", "7",       "[7,\"7\"]"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s}}}", TIMES, bad[i]);
        CHECK(signals_model_read(bytes_text(text), &m) == ERR_MALFORMED);
    }
}

TEST(what_clears_a_walk_is_read_and_who_walks_in_which_phase)
{
    struct signals_model m =
        model(TIMES "[7,7],\"pedestrian_clears\":[12,0]},\"kinds\":\"vvvw\"}}");
    CHECK(m.clears_s[0] == 12 && m.clears_s[1] == 0);
    CHECK(m.walks[0] == 0 && m.walks[1] == 8);
    m = model(TIMES "[7,7]}}}");
    CHECK(m.clears_s[0] == 0 && m.walks[1] == 0);
    static const char *const bad[] = {"[12]", "[61,0]", "[-1,0]", "12"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s[7,7],\"pedestrian_clears\":%s}}}", TIMES, bad[i]);
        CHECK(signals_model_read(bytes_text(text), &m) == ERR_MALFORMED);
    }
}

#define READING "{\"phase\":1,\"age\":7,\"stop\":[1,0,9,0],\"stop_on\":\"0110\","

TEST(a_reading_has_a_number_for_each_loop_or_is_refused)
{
    struct signals_model m = model(street);
    struct signals_reading r, held;
    CHECK_OK(signals_reading_read(
        bytes_text(READING "\"advance\":[2,0],\"advance_on\":\"01\",\"dead\":\"0001\"}"), &m, &r));
    CHECK(r.phase == 1 && r.age_s == 7 && r.stop[2] == 9 && r.stop_on[1] && !r.stop_on[0] &&
          r.advance[0] == 2 && r.advance_on[1] && r.dead[3] && !r.has_cars);
    CHECK_OK(signals_reading_read(bytes_text(READING "\"advance\":[2,0],\"advance_on\":\"01\","
                                                     "\"cars\":[[0,150,1300,0],[3,20,0,-1]]}"),
                                  &m, &r));
    CHECK(r.hold_s == 0 && !r.leaves);
    CHECK_OK(signals_reading_read(bytes_text(READING "\"advance\":[2,0],\"advance_on\":\"01\","
                                                     "\"hold\":19,\"leaves\":true}"),
                                  &m, &held));
    CHECK(held.hold_s == 19 && held.leaves);
    CHECK(r.has_cars && r.cars_count == 2 && r.cars[0].distance_dm == 150 && r.cars[1].link == -1);
    static const char *const bad[] = {
        "7",
        READING "\"advance\":[2],\"advance_on\":\"01\"}",
        READING "\"advance\":[2,0],\"advance_on\":\"0\"}",
        READING "\"advance\":[2,0],\"advance_on\":\"02\"}",
        READING "\"advance\":[2,10],\"advance_on\":\"01\"}",
        READING "\"advance\":[2,-1],\"advance_on\":\"01\"}",
        READING "\"advance\":[2,0.5],\"advance_on\":\"01\"}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"dead\":\"1\"}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"plates\":[\"x\"]}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"advance_on\":\"01\"}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"cars\":[[4,150,1300,0]]}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"cars\":[[0,150,1300,1]]}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"cars\":[[0,150,1300]]}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"cars\":{}}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"hold\":-1}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"hold\":256}",
        READING "\"advance\":[2,0],\"advance_on\":\"01\",\"leaves\":false}",
        "{\"phase\":-1,\"age\":7,\"stop\":[1,0,9,0],\"stop_on\":\"0110\","
        "\"advance\":[2,0],\"advance_on\":\"01\",\"hold\":3}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(signals_reading_read(bytes_text(bad[i]), &m, &r) == ERR_MALFORMED);
}

TEST(cars_are_taken_out)
{
    struct arena a;
    struct bytes out;
    arena_init(&a, 1024);
    CHECK_OK(
        signals_reading_without_cars(bytes_text("{\"cars\":[[1,2,3,4]],\"phase\":1}"), &a, &out));
    CHECK(bytes_are(out, "{\"phase\":1}"));
    CHECK(signals_reading_without_cars(bytes_text("{\"cars\":["), &a, &out) == ERR_MALFORMED);
    arena_fini(&a);
}

TEST(loops_follow_each_other_to_the_line)
{
    struct signals_model m = {.loops_count = 4};
    m.loops[0] = (struct signals_source){.distance_m = 40, .lanes_count = 1, .lanes = {1}};
    m.loops[1] = (struct signals_source){.distance_m = 200, .lanes_count = 2, .lanes = {1, 0}};
    m.loops[2] = (struct signals_source){.distance_m = 120, .lanes_count = 1, .lanes = {1}};
    m.loops[3] = (struct signals_source){.distance_m = 300, .lanes_count = 2, .lanes = {0, 1}};
    CHECK(signals_next_loop(&m, 1, UINT32_MAX) == 1 && signals_next_loop(&m, 1, 201) == 1);
    CHECK(signals_next_loop(&m, 1, 200) == 2 && signals_next_loop(&m, 1, 120) == 0);
    CHECK(signals_next_loop(&m, 1, 40) == -1 && signals_next_loop(&m, 2, UINT32_MAX) == -1);
}
