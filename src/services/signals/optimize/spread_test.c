#include "services/signals/optimize/spread.h"
#include "base/test.h"

static struct search_problem problem;

/* Two lanes; nobody is on them. */
static const struct signals_model *
street(void)
{
    static struct signals_model m = {.lanes_count = 2};
    problem = (struct search_problem){.model = &m, .scenarios = SEARCH_SCENARIOS_MAX};
    return &m;
}

static void
put(uint32_t lane, double eta_s, uint8_t link, uint8_t elsewhere)
{
    struct search_lane *l = &problem.lanes[lane];
    uint32_t at = search_make_room(&problem, lane, eta_s);
    l->weight[at] = 1;
    l->elsewhere[at] = elsewhere;
    for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++)
        l->link[c][at] = link;
}

/* The sum of the times of who is there in one guess, and how many they are. */
static double
times(uint32_t lane, uint32_t guess, uint32_t *count)
{
    const struct search_lane *l = &problem.lanes[lane];
    double sum = 0;
    *count = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        if (!search_is_there(l, guess, i))
            continue;
        sum += l->eta_s[i];
        ++*count;
    }
    return sum;
}

TEST(who_drives_is_early_in_two_guesses_and_late_in_two)
{
    for (uint32_t t = 0; t < 12; t++) {
        street();
        put(0, 10, 3, 0);
        spread_times(&problem, t);
        uint32_t early = 0, late = 0;
        for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++) {
            uint32_t count;
            double at = times(0, c, &count);
            CHECK(count == 1);
            early += at == 10 - SPREAD_MOST_S;
            late += at == 10 + SPREAD_MOST_S;
        }
        CHECK(early == 2 && late == 2);
        CHECK(problem.lanes[0].link[0][0] == 3 && problem.lanes[0].link[3][1] == 3);
        CHECK(problem.lanes[0].weight[1] == 1);
    }
}

TEST(the_guesses_stay_while_he_comes_nearer)
{
    street();
    put(0, 12, 0, 0);
    spread_times(&problem, 100);
    uint8_t first = problem.lanes[0].elsewhere[0];
    street();
    put(0, 9, 0, 0);
    spread_times(&problem, 103);
    CHECK(problem.lanes[0].elsewhere[0] == first);
}

TEST(who_stands_or_is_far_away_is_where_he_is)
{
    street();
    put(0, 0, 0, 0);
    put(0, SPREAD_FAR_S + 1, 0, 0);
    put(1, 8, 0, 0);
    spread_times(&problem, 0);
    CHECK(problem.lanes[0].count == 2);
    CHECK(problem.lanes[0].eta_s[0] == 0 && problem.lanes[0].eta_s[1] == SPREAD_FAR_S + 1);
    CHECK(problem.lanes[1].count == 2);
}

TEST(the_nearer_the_surer)
{
    street();
    put(0, 2, 0, 0);
    spread_times(&problem, 0);
    CHECK(problem.lanes[0].count == 2);
    CHECK(problem.lanes[0].eta_s[0] == 2 - 2 * SPREAD_SHARE);
    CHECK(problem.lanes[0].eta_s[1] == 2 + 2 * SPREAD_SHARE);
}

TEST(who_may_be_elsewhere_is_only_where_he_was)
{
    for (uint32_t t = 0; t < 12; t++) {
        street();
        put(0, 10, 0, 0x6); /* here in guesses 0 and 3 */
        spread_times(&problem, t);
        uint32_t here = 0, count;
        for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++) {
            times(0, c, &count);
            here += count;
            CHECK(count == (c == 0 || c == 3));
        }
        CHECK(here == 2);
        for (uint32_t i = 0; i < problem.lanes[0].count; i++)
            CHECK((problem.lanes[0].elsewhere[i] & 0xf) != 0xf);
    }
}

TEST(the_order_of_times_is_kept)
{
    street();
    for (uint32_t i = 0; i < 20; i++)
        put(0, 1.5 + 0.7 * i, (uint8_t)i, 0);
    spread_times(&problem, 5);
    const struct search_lane *l = &problem.lanes[0];
    for (uint32_t i = 1; i < l->count; i++)
        CHECK(l->eta_s[i - 1] <= l->eta_s[i]);
}

TEST(one_guess_becomes_four_when_somebody_drives)
{
    street();
    problem.scenarios = 1;
    put(0, 0, 2, 0);
    spread_times(&problem, 0);
    CHECK(problem.scenarios == 1);
    put(1, 9, 7, 0);
    for (uint32_t c = 1; c < SEARCH_SCENARIOS_MAX; c++)
        problem.lanes[0].link[c][0] = problem.lanes[1].link[c][0] = 99; /* never filled */
    spread_times(&problem, 0);
    CHECK(problem.scenarios == SEARCH_SCENARIOS_MAX);
    for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++)
        CHECK(problem.lanes[0].link[c][0] == 2 && problem.lanes[1].link[c][1] == 7);
}

TEST(with_thrift_and_without_room_nothing_changes)
{
    street();
    problem.thrift = true;
    problem.scenarios = SEARCH_SCENARIOS_MAX / SEARCH_THRIFT;
    put(0, 9, 0, 0);
    spread_times(&problem, 0);
    CHECK(problem.lanes[0].count == 1 && problem.scenarios < SEARCH_SCENARIOS_MAX);
    street();
    for (uint32_t i = 0; i <= SEARCH_VEHICLES_MAX / 2; i++)
        put(0, 9, 0, 0);
    spread_times(&problem, 0);
    CHECK(problem.lanes[0].count == SEARCH_VEHICLES_MAX / 2 + 1);
}
