#include "services/signals/optimize/favour.h"
#include "base/test.h"

static struct signals_model model = {.phases_count = 2,
                                     .links_count = 3,
                                     .lanes_count = 2,
                                     .exits_count = 1,
                                     .link_lane = {0, 0, 1}};

static struct search_problem *
problem(void)
{
    static struct search_problem p;
    p = (struct search_problem){.model = &model, .scenarios = 2};
    p.lanes[1] = (struct search_lane){.count = 2, .eta_s = {0, 12}, .weight = {1, 1}};
    for (uint32_t c = 0; c < 2; c++)
        p.lanes[1].link[c][0] = p.lanes[1].link[c][1] = 2;
    return &p;
}

TEST(who_called_weighs_more)
{
    struct favour f = {0};
    struct favour_call call = {.lane = 1, .weight = 9, .eta_s = 110, .until_s = 120};
    CHECK_OK(favour_hear(&f, &call, 100));
    struct search_problem *p = problem();
    favour_fill(&f, p, 100);
    CHECK(p->lanes[1].count == 2 && p->lanes[1].weight[0] == 1 && p->lanes[1].weight[1] == 10);
    p = problem();
    favour_fill(&f, p, 120); /* forgotten */
    CHECK(p->lanes[1].weight[1] == 1);
}

TEST(who_called_and_was_not_expected_is_expected)
{
    struct favour f = {0};
    struct favour_call call = {.lane = 1, .weight = 900, .eta_s = 106, .until_s = 120};
    CHECK_OK(favour_hear(&f, &call, 100));
    struct search_problem *p = problem();
    favour_fill(&f, p, 100);
    const struct search_lane *l = &p->lanes[1];
    CHECK(l->count == 3 && l->eta_s[1] == 6 && l->weight[1] == FAVOUR_WEIGHT_MAX);
    CHECK(l->link[0][1] == 2 && l->link[1][2] == 2 && l->eta_s[2] == 12);
}

TEST(a_lane_has_one_call_and_an_intersection_only_so_many)
{
    struct favour f = {0};
    struct favour_call call = {.weight = 5, .eta_s = 106, .until_s = 120};
    for (uint32_t i = 0; i < 3 * FAVOUR_CALLS_MAX; i++)
        CHECK_OK(favour_hear(&f, &call, 100));
    CHECK(f.count == 1);
    for (call.lane = 1; call.lane < FAVOUR_CALLS_MAX; call.lane++)
        CHECK_OK(favour_hear(&f, &call, 100));
    CHECK(favour_hear(&f, &call, 100) == ERR_LIMIT);
    CHECK_OK(favour_hear(&f, &call, 121)); /* the others ended */
    CHECK(f.count == 1);
}
