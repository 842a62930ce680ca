#include "services/signals/optimize/queues.h"
#include "base/test.h"

/* Lane 0 goes straight on (link 0) and turns left (1) before those of lane 1 (2); lane 2 crosses
 * both (3). Phase 2, for whoever turns, is there if `own` is. */
static struct signals_model
street(bool own)
{
    struct signals_model m = {.phases_count = own ? 3 : 2,
                              .links_count = 4,
                              .lanes_count = 3,
                              .exits_count = 1,
                              .link_lane = {0, 0, 1, 2}};
    m.lights[0][0] = m.lights[0][2] = m.lights[1][3] = m.lights[2][1] = LIGHT_GREEN;
    m.lights[0][1] = LIGHT_YIELDS;
    m.yields_count[1] = 1;
    m.yields[1][0] = 2;
    for (uint32_t l = 0; l < 3; l++) {
        m.lane_m[l] = 100;
        m.lane_kmh[l] = 50;
    }
    return m;
}

static struct signals_model model;
static struct queues q;
static double now;

/* So many seconds in which the head of lane 0 stands there, and others cross the line of lane 1 in
 * every second one if they `come`. */
static void
stand(int32_t phase, uint32_t seconds, bool come)
{
    for (uint32_t n = 0; n < seconds; n++) {
        struct signals_reading r = {.phase = phase};
        r.stop_on[0] = true;
        r.stop[1] = come && n % 2 == 0;
        now += 1;
        queues_hear(&q, &r, true, now);
    }
}

static void
begin(const struct signals_model *m)
{
    model = *m;
    now = 1000;
    queues_init(&q, &model, now);
    stand(1, 5, false);
}

static bool
is_stuck(void)
{
    static struct search_problem p;
    p.model = &model;
    queues_fill(&q, NULL, &p, now);
    return p.stuck[0][0];
}

TEST(who_gives_way_is_stuck_until_the_light_changes)
{
    struct signals_model m = street(false);
    begin(&m);
    stand(0, 4, true);
    CHECK(!is_stuck());
    stand(0, 1, true);
    CHECK(is_stuck());
    stand(0, 30, true);
    CHECK(is_stuck());
    stand(1, 2, false);
    CHECK(!is_stuck());
}

TEST(who_does_not_leave_although_nobody_comes_is_stuck_for_longer)
{
    struct signals_model m = street(false);
    begin(&m);
    stand(0, 10, false);
    CHECK(!is_stuck());
    stand(0, 1, false);
    CHECK(is_stuck());
    stand(1, 39, false);
    CHECK(is_stuck());
    stand(1, 1, false);
    CHECK(!is_stuck());
}

TEST(a_phase_of_his_own_is_worth_waiting_for)
{
    struct signals_model m = street(true);
    begin(&m);
    stand(0, 10, true);
    CHECK(!is_stuck());
    stand(0, 1, true);
    CHECK(is_stuck());
    stand(1, 30, false);
    CHECK(is_stuck());
}

/* Whoever has red keeps nobody. */
TEST(who_could_go_is_not_kept)
{
    struct signals_model m = street(false);
    m.lights[0][2] = LIGHT_RED;
    begin(&m);
    stand(0, 10, true);
    CHECK(!is_stuck());
}
