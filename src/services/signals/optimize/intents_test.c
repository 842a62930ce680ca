#include "services/signals/optimize/intents.h"
#include "base/test.h"

static struct signals_model m;
static struct search_problem p;
static struct intents intents;

/* Two roads that cross, a lane, a phase and an exit each: three wait on both. */
static void
begin(void)
{
    m = (struct signals_model){
        .phases_count = 2, .links_count = 2, .lanes_count = 2, .exits_count = 2};
    m.link_lane[1] = m.link_exit[1] = 1;
    m.lights[0][0] = m.lights[1][1] = LIGHT_GREEN;
    p = (struct search_problem){.model = &m, .scenarios = 1, .clearance_s = 3};
    for (uint32_t l = 0; l < 2; l++) {
        p.lanes[l] = (struct search_lane){
            .count = 3, .headway_s = 2, .permissive_s = 3, .start_s = 2, .free_s = -9};
        for (uint32_t i = 0; i < 3; i++) {
            p.lanes[l].weight[i] = 1;
            p.lanes[l].link[0][i] = p.lanes[l].link[1][i] = (uint8_t)l;
        }
    }
}

static bool
sends(uint32_t exit, uint32_t second, double count)
{
    double is = (double)intents.count[exit][second];
    return is > count - 1e-6 && is < count + 1e-6;
}

static double
all(uint32_t exit)
{
    double sum = 0;
    for (uint32_t t = 0; t < SEARCH_HORIZON_S; t++)
        sum += (double)intents.count[exit][t];
    return sum;
}

TEST(a_green_that_stays_sends_its_queue)
{
    struct search_result r = {.steps_count = 0};
    begin();
    intents_make(&intents, &p, &r, 50);
    CHECK(intents.made && intents.made_s > 49.9 && intents.made_s < 50.1);
    CHECK(sends(0, 0, 1) && sends(0, 2, 1) && sends(0, 4, 1) && all(0) < 3.1);
    CHECK(all(1) < 0.1);
}

TEST(a_step_ends_one_street_and_starts_the_other)
{
    struct search_result r = {.steps_count = 1, .steps = {{1, 6}}};
    begin();
    intents_make(&intents, &p, &r, 50);
    /* Until 6 - 3 s, and half the yellow; the others need two seconds to start. */
    CHECK(sends(0, 0, 1) && sends(0, 2, 1) && sends(0, 4, 1));
    CHECK(sends(1, 8, 1) && sends(1, 10, 1) && sends(1, 12, 1));
    r.steps[0].starts_s = 5;
    intents_make(&intents, &p, &r, 50);
    CHECK(sends(0, 2, 1) && sends(0, 4, 0) && all(0) < 2.1);
}

TEST(who_comes_later_or_yields_crosses_later)
{
    struct search_result r = {.steps_count = 0};
    begin();
    p.lanes[0].eta_s[2] = 20.5;
    intents_make(&intents, &p, &r, 0);
    CHECK(sends(0, 20, 1) && sends(0, 4, 0));
    m.lights[0][0] = LIGHT_YIELDS;
    m.yields_count[0] = 1;
    intents_make(&intents, &p, &r, 0);
    CHECK(sends(0, 3, 1) && sends(0, 2, 0));
}

TEST(guesses_and_claims_count_by_their_share)
{
    struct search_result r = {.steps_count = 0};
    begin();
    p.scenarios = 2;
    m.links_count = 3; /* a second link of lane 0, to the other exit */
    m.link_exit[2] = 1;
    m.lights[0][2] = LIGHT_GREEN;
    p.lanes[0].link[1][0] = 2;
    p.lanes[0].weight[1] = 0.5;
    p.lanes[0].weight[2] = 11; /* impatient, and one all the same */
    intents_make(&intents, &p, &r, 0);
    CHECK(sends(0, 0, 0.5) && sends(1, 0, 0.5) && sends(0, 2, 0.5) && sends(0, 4, 1));
}

TEST(a_stuck_lane_sends_nobody)
{
    struct search_result r = {.steps_count = 0};
    begin();
    p.stuck[0][0] = true;
    intents_make(&intents, &p, &r, 0);
    CHECK(all(0) < 0.1);
}
