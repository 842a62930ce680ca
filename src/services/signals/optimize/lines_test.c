#include "services/signals/optimize/lines.h"
#include "base/test.h"

/* Lane 0 is empty. Lane 1 has link 0, and link 1 that yields to it in phase 1 and is red in 0. */
static struct lines *
lines(void)
{
    static struct signals_model m;
    static struct search_problem p;
    static struct lines l;
    m = (struct signals_model){
        .phases_count = 2, .links_count = 2, .lanes_count = 2, .exits_count = 1};
    m.link_lane[0] = m.link_lane[1] = 1;
    m.lights[0][0] = m.lights[1][0] = LIGHT_GREEN;
    m.lights[1][1] = LIGHT_YIELDS;
    m.yields_count[1] = 1;
    p = (struct search_problem){.model = &m, .scenarios = 1, .clearance_s = 3};
    p.link_weight[0] = 1;
    p.link_weight[1] = 0.5;
    p.lanes[1] = (struct search_lane){.count = 4,
                                      .eta_s = {0, 2, 3, 40},
                                      .weight = {1, 1, 2, 1},
                                      .link = {{0, 1, 0, 0}},
                                      .headway_s = 1.9};
    memset(&l, 0xff, sizeof(l));
    lines_prepare(&l, &p);
    return &l;
}

TEST(an_empty_lane_has_no_slot)
{
    const struct lines *l = lines();
    CHECK(l->count == 1 && l->lane[0] == 1);
    CHECK(l->slot_of[0] == -1 && l->slot_of[1] == 0);
}

TEST(who_is_let_go_and_who_follows)
{
    const struct lines *l = lines();
    CHECK(l->at[0][0][0].go == 3 && l->at[0][0][1].go == 2 && l->at[0][0][4].go == 0);
    CHECK(l->at[0][0][0].yield == 0 && l->at[0][0][1].yield == 2);
    CHECK(l->at[0][0][0].run[0] == 1 && l->at[0][0][1].run[0] == 0 && l->at[0][0][2].run[0] == 2);
    CHECK(l->at[0][0][0].run[1] == 4 && l->at[0][0][4].run[1] == 0);
}

TEST(a_stuck_lane_is_let_go_by_nobody)
{
    struct lines *l = lines();
    static struct search_problem p;
    p = *l->p;
    p.stuck[1][1] = true;
    lines_prepare(l, &p);
    CHECK(l->at[0][0][0].go == 1 && l->at[0][0][1].go == 0);
    CHECK(l->light[1][0] == LIGHT_RED && l->at[0][0][0].run[1] == 0);
}

TEST(who_only_lingers_is_not_counted_on)
{
    struct lines *l = lines();
    static struct signals_model m;
    static struct search_problem p;
    m = *l->p->model;
    p = *l->p;
    p.model = &m;
    m.lingers[1] = 1U << 1; /* link 1 in phase 1 */
    lines_prepare(l, &p);
    CHECK(l->light[1][1] == LIGHT_RED && l->light[1][0] == LIGHT_GREEN);
    CHECK(l->at[0][0][1].go == 0 && l->at[0][0][0].run[1] == 1);
}

TEST(sums_and_times)
{
    const struct lines *l = lines();
    CHECK(lines_weight(l, 0, 0, 0, 4) > 4.49 && lines_weight(l, 0, 0, 0, 4) < 4.51);
    CHECK(l->at[0][0][3].weight_eta > 6.99 && l->at[0][0][3].weight_eta < 7.01);
    CHECK(l->come[0][0] == 1 && l->come[2][0] == 2 && l->come[30][0] == 3);
    CHECK(l->wait[0][0] == 2 && l->wait[1][0] == 3);
    CHECK(l->soon[0][0] == 3);
    CHECK(l->wait[0][1] == 0); /* beyond `count` */
}

TEST(the_hash_of_a_step_is_added)
{
    CHECK(lines_hash(3, 5) + lines_hash(3, 2) == lines_hash(3, 7));
    for (uint32_t a = 0; a < SIGNALS_LANES_MAX; a++) {
        for (uint32_t b = 0; b < a; b++)
            CHECK(lines_hash(a, 1) != lines_hash(b, 1));
    }
}
