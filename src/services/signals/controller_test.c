#include "services/signals/controller.h"
#include "base/random.h"
#include "base/test.h"

/* Two lanes north-south (0, 1) and two east-west (2, 3), one link each; phases 0 and 1. */
static const char cross[] =
    "{\"name\":\"x\",\"properties\":{\"phases\":[\"GGrr\",\"rrGg\"],"
    "\"links\":[{\"lane\":\"a\",\"exit\":\"p\"},{\"lane\":\"b\",\"exit\":\"q\"},"
    "{\"lane\":\"c\",\"exit\":\"p\"},{\"lane\":\"d\",\"exit\":\"q\"}],"
    "\"lanes\":[\"a\",\"b\",\"c\",\"d\"],\"exits\":[\"p\",\"q\"],"
    "\"plan\":[{\"phase\":0,\"seconds\":42}]}}";

static const uint64_t patient[SIGNALS_LANES_MAX];

static struct signals_model
model(void)
{
    struct signals_model m;
    CHECK_OK(signals_model_read(bytes_text(cross), &m));
    return m;
}

static struct signals_counts
counts(const struct signals_model *m, const char *json)
{
    struct signals_counts c;
    CHECK_OK(signals_counts_read(bytes_text(json), m, &c));
    return c;
}

static int32_t
wish(const struct signals_model *m, const struct signals_counts *c, int32_t current, int32_t barred)
{
    struct controller_input in = {m, c, current, barred, patient, 60000};
    return controller_wish(&in);
}

TEST(the_model_is_read_and_a_broken_one_is_refused)
{
    struct signals_model m = model();
    CHECK(m.phases_count == 2 && m.links_count == 4 && m.lanes_count == 4 && m.exits_count == 2);
    CHECK(m.lights[1][2] == LIGHT_GREEN && m.lights[1][3] == LIGHT_YIELDS &&
          m.lights[1][0] == LIGHT_RED && m.link_exit[3] == 1);
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
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(signals_model_read(bytes_text(bad[i]), &m) != OK);
    for (size_t cut = 0; cut + 1 < sizeof(cross); cut++) {
        struct bytes exact = test_exact(bytes_of(cross, cut));
        CHECK(signals_model_read(exact, &m) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}

TEST(counts_are_integers_in_range_for_each_lane_or_refused)
{
    struct signals_model m = model();
    struct signals_counts c =
        counts(&m, "{\"phase\":1,\"age\":7,\"q\":[1,2,3,4],\"n\":[5,6,7,8],\"o\":[9,10]}");
    CHECK(c.phase == 1 && c.age_s == 7 && c.standing[3] == 4 && c.near[0] == 5 &&
          c.exit_standing[1] == 10);
    static const char *const bad[] = {
        "{\"phase\":2,\"age\":7,\"q\":[1,2,3,4],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1.5,\"age\":7,\"q\":[1,2,3,4],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":-1,\"q\":[1,2,3,4],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[1,2,3],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[1,2,3,4,5],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[9,2,3,4],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[1,2,3,4],\"n\":[5,6,7,1e99],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[1,2,3,null],\"n\":[5,6,7,8],\"o\":[9,10]}",
        "{\"phase\":1,\"age\":7,\"q\":[1,2,3,4],\"n\":[5,6,7,8]}",
        "7",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(signals_counts_read(bytes_text(bad[i]), &m, &c) == ERR_MALFORMED);
}

TEST(the_longer_queue_gets_the_green)
{
    struct signals_model m = model();
    struct signals_counts c =
        counts(&m, "{\"phase\":0,\"age\":9,\"q\":[1,0,9,0],\"n\":[1,0,9,0],\"o\":[0,0]}");
    CHECK(wish(&m, &c, 0, NO_WISH) == 1);
    c = counts(&m, "{\"phase\":1,\"age\":9,\"q\":[9,9,1,0],\"n\":[9,9,1,0],\"o\":[0,0]}");
    CHECK(wish(&m, &c, 1, NO_WISH) == 0);
}

TEST(a_tie_stays_and_an_empty_street_wishes_nothing)
{
    struct signals_model m = model();
    struct signals_counts c =
        counts(&m, "{\"phase\":1,\"age\":9,\"q\":[3,0,3,0],\"n\":[3,0,3,0],\"o\":[0,0]}");
    CHECK(wish(&m, &c, 0, NO_WISH) == 0 && wish(&m, &c, 1, NO_WISH) == 1);
    c = counts(&m, "{\"phase\":1,\"age\":9,\"q\":[0,0,0,0],\"n\":[0,0,0,0],\"o\":[5,5]}");
    CHECK(wish(&m, &c, 0, NO_WISH) == NO_WISH);
}

TEST(a_full_exit_takes_the_pressure_off)
{
    struct signals_model m = model();
    struct signals_counts c =
        counts(&m, "{\"phase\":1,\"age\":9,\"q\":[8,0,0,5],\"n\":[8,0,0,5],\"o\":[9,0]}");
    CHECK(controller_pressure(&m, &c, 0) < 0);
    CHECK(wish(&m, &c, 0, NO_WISH) == 1);
}

TEST(who_waited_too_long_comes_first)
{
    struct signals_model m = model();
    struct signals_counts c =
        counts(&m, "{\"phase\":0,\"age\":9,\"q\":[9,9,1,0],\"n\":[9,9,1,0],\"o\":[0,0]}");
    uint64_t unserved[SIGNALS_LANES_MAX] = {0, 0, 60001, 0};
    struct controller_input in = {&m, &c, 0, NO_WISH, unserved, 60000};
    CHECK(controller_wish(&in) == 1);
    unserved[2] = 60000;
    CHECK(controller_wish(&in) == 0);
}

TEST(a_barred_phase_is_never_wished_and_the_wish_exists)
{
    struct signals_model m = model();
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    for (int i = 0; i < 20000; i++) {
        struct signals_counts c = {.phase = 0};
        uint64_t unserved[SIGNALS_LANES_MAX] = {0};
        for (uint32_t l = 0; l < m.lanes_count; l++) {
            c.standing[l] = (uint16_t)random_below(&r, 20);
            c.near[l] = (uint16_t)(c.standing[l] + random_below(&r, 20));
            unserved[l] = random_below(&r, 130000);
        }
        int32_t current = (int32_t)random_below(&r, 3) - 1;
        int32_t barred = (int32_t)random_below(&r, 3) - 1;
        struct controller_input in = {&m, &c, current, barred, unserved, 60000};
        int32_t got = controller_wish(&in);
        CHECK(got == NO_WISH || (got >= 0 && got < (int32_t)m.phases_count && got != barred));
        CHECK(controller_wish(&in) == got);
    }
}
