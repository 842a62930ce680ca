#include "services/signals/optimize/search.h"
#include "base/test.h"

/* Two roads that cross, one lane each, one phase each. */
static struct signals_model
crossing(void)
{
    struct signals_model m = {
        .phases_count = 2, .links_count = 2, .lanes_count = 2, .exits_count = 2};
    m.link_lane[1] = m.link_exit[1] = 1;
    m.lights[0][0] = m.lights[1][1] = LIGHT_GREEN;
    m.minimum_s[0] = m.minimum_s[1] = 7;
    return m;
}

static struct search_problem *
problem_for(const struct signals_model *m)
{
    static struct search_problem p;
    p = (struct search_problem){
        .model = m, .scenarios = 1, .age_s = 10, .clearance_s = 3, .yellow_s = 3};
    for (uint32_t l = 0; l < m->lanes_count; l++)
        p.lanes[l] = (struct search_lane){.headway_s = 1.9, .permissive_s = 2.6, .start_s = 2};
    for (uint32_t k = 0; k < m->links_count; k++)
        p.link_weight[k] = 1;
    for (uint32_t x = 0; x < m->exits_count; x++)
        p.exit_room[x] = SEARCH_UNLIMITED;
    return &p;
}

static void
come(struct search_problem *p, uint32_t lane, uint32_t link, double eta_s)
{
    struct search_lane *l = &p->lanes[lane];
    l->eta_s[l->count] = eta_s;
    l->weight[l->count] = 1;
    for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++)
        l->link[c][l->count] = (uint8_t)link;
    l->count++;
}

static struct search_result
run(const struct search_problem *p)
{
    struct search *s = search_new();
    struct search_result r = {0}, again = {0};
    CHECK(s);
    search_run(s, p, &r);
    search_run(s, p, &again);
    CHECK(memcmp(&r, &again, sizeof(r)) == 0); /* the scratch leaves no trace */
    search_free(s);
    return r;
}

TEST(changes_for_who_waits)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    struct search_result r = run(p);
    CHECK(r.phase == 1);
    CHECK(r.steps_count == 1);
    CHECK(r.steps[0].starts_s == 3);
    /* 5 s of change and start, then 1.9 s x 1.35, 2.45, 3.45, 4.35. */
    CHECK(r.cost > 46.9 && r.cost < 47.1);
}

/* Three come 1.7 s apart: at a green that flows they wait for nobody, but behind a queue that has
 * just started they do. */
TEST(headways_fall_until_a_queue_flows)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 3; i++)
        come(p, 0, 0, 0.1 + 1.7 * i);
    CHECK(run(p).cost == 0);
    p->lanes[0].eta_s[0] = 0;
    p->lanes[0].free_s = 0;
    double starts = run(p).cost; /* at 0, 1.35 x 1.9, 2.45 x 1.9 s, for 0, 1.8, 3.5 */
    CHECK(starts > 1.9 && starts < 2.0);
    p->lanes[0].gone = FLOW_STARTS;
    CHECK(run(p).cost == 0);
}

TEST(stays_for_a_platoon_that_is_nearly_here)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 8; i++)
        come(p, 0, 0, 1 + 2 * i);
    come(p, 1, 1, 0);
    CHECK(run(p).phase == 0);
}

/* A phase ends after its own minimum, and an empty one is not worth the minimum that it needs. */
TEST(each_phase_has_its_own_minimum_green)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    m.minimum_s[1] = 20;
    CHECK(run(p).steps[0].starts_s == 3);
    m.minimum_s[0] = 14; /* its age is 10 */
    CHECK(run(p).steps[0].starts_s == 4 + 3);

    m = crossing();
    p = problem_for(&m);
    come(p, 1, 1, 0);
    for (int i = 0; i < 6; i++)
        come(p, 0, 0, 16 + 2 * i);
    CHECK(run(p).phase == 1);
    m.minimum_s[1] = 20;
    CHECK(run(p).phase == 0);
}

/* Who drives has green until the walk is cleared; and who walks holds a phase that one looks ahead
 * to. */
TEST(a_walk_is_cleared_while_the_vehicles_of_its_phase_go_on)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    for (int i = 0; i < 6; i++)
        come(p, 0, 0, 1 + 2 * i);
    CHECK(run(p).phase == 0); /* they come first, */
    p->hold_s = 12;
    m.clears_s[0] = 12;
    struct search_result r = run(p);
    CHECK(r.phase == 1 && r.steps[0].starts_s == 12 + 3); /* and do so all the same */
    /* Each of the five waits for the change and the others before him; the six wait for nobody. */
    CHECK(r.cost > 106.9 && r.cost < 107.1);

    m = crossing();
    m.lane_kind[1] = LANE_WALK;
    m.walks[1] = 2;
    p = problem_for(&m);
    come(p, 1, 1, 0);
    for (int i = 0; i < 6; i++)
        come(p, 0, 0, 16 + 2 * i);
    CHECK(run(p).phase == 1); /* there and back before they are here */
    m.clears_s[1] = 12;
    CHECK(run(p).phase == 0);
}

TEST(who_turns_lets_those_on_foot_go_first)
{
    struct signals_model m = crossing();
    m.lights[0][0] = LIGHT_YIELDS;
    m.lights[0][1] = LIGHT_GREEN;
    m.lights[1][1] = LIGHT_RED;
    m.yields_count[0] = 1;
    m.yields[0][0] = 1;
    m.lane_kind[1] = LANE_WALK;
    m.walks[0] = 2;
    m.clears_s[0] = 12;
    struct search_problem *p = problem_for(&m);
    come(p, 0, 0, 0);
    CHECK(run(p).cost == 0);
    p->hold_s = 12 + 5; /* the walk is two seconds old */
    CHECK(run(p).cost == 5);
}

TEST(who_takes_another_lane_in_a_scenario_is_nobody_there)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    double alone = run(p).cost;
    come(p, 0, 0, 0);
    struct search_lane *guests = &p->lanes[1];
    guests->elsewhere[guests->count] = 1; /* the only scenario: he stands behind the five */
    come(p, 1, 1, 0);
    p->lanes[0].elsewhere[0] = 1;
    CHECK(run(p).cost == alone);
    guests->elsewhere[5] = 0;
    CHECK(run(p).cost > alone);
}

TEST(ties_stay)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    struct search_result r = run(p);
    CHECK(r.phase == 0);
    CHECK(r.cost == 0);
    CHECK(r.phase_cost[1] < 0);
}

TEST(a_full_exit_draws_nobody)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 4; i++)
        come(p, 0, 0, 20 + 2 * i);
    for (int i = 0; i < 6; i++)
        come(p, 1, 1, 0);
    CHECK(run(p).phase == 1);
    p->exit_room[1] = 0;
    CHECK(run(p).phase == 0);
}

TEST(one_who_yields_waits_for_a_gap)
{
    struct signals_model m = crossing();
    /* Lane 1 turns left across lane 0 in phase 0, and has phase 1 for itself. */
    m.lights[0][1] = LIGHT_YIELDS;
    m.yields_count[1] = 1;
    m.yields[1][0] = 0;
    struct search_problem *p = problem_for(&m);
    come(p, 1, 1, 0);
    double alone = run(p).phase_cost[0];
    CHECK(alone < 0.1);
    for (int i = 0; i < 8; i++)
        come(p, 0, 0, 2 * i);
    CHECK(run(p).phase_cost[0] > 5);
}

/* Each of two oncoming lanes has one who turns left before one who goes straight on: whoever is
 * behind who waits for a gap does not come, unless a phase lets that one go without a gap. */
TEST(who_stands_behind_one_who_gives_way_does_not_come)
{
    enum { LEFT, STRAIGHT, ONCOMING_LEFT, ONCOMING, OWN = 1 };
    struct signals_model m = {
        .phases_count = 2, .links_count = 4, .lanes_count = 2, .exits_count = 1};
    for (uint32_t k = 0; k < m.links_count; k++) {
        m.link_lane[k] = (uint8_t)(k / 2);
        m.lights[0][k] = k % 2 == 0 ? LIGHT_YIELDS : LIGHT_GREEN;
    }
    m.yields_count[LEFT] = m.yields_count[ONCOMING_LEFT] = 1;
    m.yields[LEFT][0] = ONCOMING;
    m.yields[ONCOMING_LEFT][0] = STRAIGHT;
    m.minimum_s[0] = m.minimum_s[OWN] = 7;
    m.lights[OWN][ONCOMING_LEFT] = LIGHT_YIELDS;
    struct search_problem *p = problem_for(&m);
    for (uint32_t k = 0; k < m.links_count; k++)
        come(p, m.link_lane[k], k, 0);
    double both = run(p).phase_cost[0]; /* 0, 2.6; 2.0, 4.6 s */
    CHECK(both > 9.1 && both < 9.3);
    m.lights[OWN][ONCOMING_LEFT] = LIGHT_GREEN; /* he may be served first there */
    CHECK(run(p).phase_cost[0] > both + 1);
}

/* Lane 0 has green in both phases; the change stops it, though, and it must start again. */
TEST(a_change_may_stop_who_has_green_before_and_after_it)
{
    struct signals_model m = crossing();
    m.lights[1][0] = LIGHT_GREEN;
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    come(p, 0, 0, 2);
    CHECK(run(p).phase == 1);
    double kept = run(p).cost;
    m.stops[0][0] = 1U << 1;
    double stopped = run(p).cost; /* from 2 s until change and start are over at 5 s, and a stop */
    CHECK(stopped - kept > 3.9 && stopped - kept < 4.1);
}

TEST(a_stuck_lane_is_no_reason_to_change)
{
    struct signals_model m = crossing();
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 5; i++)
        come(p, 1, 1, 0);
    p->stuck[1][1] = true;
    CHECK(run(p).phase == 0);
}

/* Far more plans than are kept, and the best is among those that begin last: it changes when the
 * platoon has gone. */
TEST(who_waits_longest_to_change_is_kept_among_many)
{
    enum { ROADS = 6 };
    struct signals_model m = {
        .phases_count = ROADS, .links_count = ROADS, .lanes_count = ROADS, .exits_count = ROADS};
    for (uint32_t l = 0; l < ROADS; l++) {
        m.link_lane[l] = m.link_exit[l] = (uint8_t)l;
        m.lights[l][l] = LIGHT_GREEN;
        m.minimum_s[l] = 5;
    }
    struct search_problem *p = problem_for(&m);
    for (int i = 0; i < 11; i++)
        come(p, 0, 0, 2 * i);
    for (uint32_t l = 1; l < ROADS; l++)
        come(p, l, l, 0);
    struct search_result r = run(p);
    CHECK(r.phase == 0 && r.steps_count >= 1);
    CHECK(r.steps[0].starts_s == 20 + 3); /* the last one goes in the yellow */
}

/* The largest intersection with every lane full: no plan may run out of room or time. */
TEST(the_largest_problem)
{
    static struct signals_model m;
    m = (struct signals_model){.phases_count = SIGNALS_PHASES_MAX,
                               .links_count = SIGNALS_LINKS_MAX,
                               .lanes_count = SIGNALS_LANES_MAX,
                               .exits_count = 1};
    for (uint32_t k = 0; k < SIGNALS_LINKS_MAX; k++) {
        m.link_lane[k] = (uint8_t)(k % SIGNALS_LANES_MAX);
        m.lights[k % SIGNALS_PHASES_MAX][k] = LIGHT_GREEN;
    }
    struct search_problem *p = problem_for(&m);
    p->scenarios = SEARCH_SCENARIOS_MAX;
    for (uint32_t l = 0; l < SIGNALS_LANES_MAX; l++) {
        for (uint32_t i = 0; i < SEARCH_VEHICLES_MAX; i++)
            come(p, l, l + (i % 2) * SIGNALS_LANES_MAX, (double)i / 4);
    }
    struct search_result r = run(p);
    CHECK(r.phase < SIGNALS_PHASES_MAX && r.cost > 0);
}
