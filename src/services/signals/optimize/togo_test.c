#include "services/signals/optimize/togo.h"
#include "base/test.h"

/* What queues of two and of four take to go, with headways of 2 s. */
#define TWO_S (2 * (1.35 + 1.10))
#define FOUR_S (2 * (1.35 + 1.10 + 1.00 + 0.90))

/* Two roads that cross, one lane and one phase each; two wait on the first, four on the other. */
static struct lines *
crossing(void)
{
    static struct signals_model m;
    static struct search_problem p;
    static struct lines l;
    m = (struct signals_model){
        .phases_count = 2, .links_count = 2, .lanes_count = 2, .exits_count = 2};
    m.link_lane[1] = m.link_exit[1] = 1;
    m.lights[0][0] = m.lights[1][1] = LIGHT_GREEN;
    m.minimum_s[0] = m.minimum_s[1] = 5;
    p = (struct search_problem){.model = &m, .scenarios = 1, .clearance_s = 4};
    for (uint32_t i = 0; i < 2; i++) {
        p.link_weight[i] = 1;
        p.lanes[i] = (struct search_lane){.count = i == 0 ? 2 : 4, .headway_s = 2};
        for (uint32_t v = 0; v < p.lanes[i].count; v++) {
            p.lanes[i].weight[v] = 1;
            p.lanes[i].link[0][v] = (uint8_t)i;
        }
    }
    lines_prepare(&l, &p);
    return &l;
}

static double
ask(const struct lines *l, uint32_t t, const uint8_t *first, struct togo_light light, bool least)
{
    static struct togo g;
    uint64_t hash = 0;
    uint8_t index[SIGNALS_LANES_MAX] = {0};
    memcpy(index, first, l->count);
    for (uint32_t j = 0; j < l->count; j++)
        hash += lines_hash(j, index[j]);
    togo_begin(&g, l, t);
    return togo_cost(&g, 0, index, &hash, &light, least);
}

static double
cost_at(const struct lines *l, uint32_t t, const uint8_t *first, struct togo_light light)
{
    return ask(l, t, first, light, false);
}

static bool
is_near(double a, double b)
{
    return a > b - 1e-9 && a < b + 1e-9;
}

TEST(nobody_waits_nothing_is_to_pay)
{
    const struct lines *l = crossing();
    CHECK(is_near(cost_at(l, 3, (uint8_t[]){2, 4}, (struct togo_light){0}), 0));
}

TEST(queues_are_served_one_after_the_other)
{
    const struct lines *l = crossing();
    struct togo_light light = {.phase = 0};
    /* Both go at once, and each waits half of that. The others wait for it, then 5 s for the
     * change, and half of their own time. */
    double both = TWO_S + 4 * (TWO_S + 5) + 2 * FOUR_S;
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){0, 0}, light), both));
    /* Six have waited ten seconds. */
    CHECK(is_near(cost_at(l, 10, (uint8_t[]){0, 0}, light), 60 + both));
    /* A green that is young has its minimum first; one that begins needs the minimum at least. */
    light = (struct togo_light){.phase = 1, .rest_s = 4};
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){0, 4}, light), 2 * (5 + 4) + TWO_S));
    /* Between two phases the new one comes first. */
    light = (struct togo_light){.phase = 1, .left_s = 3};
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){0, 0}, light),
                  4 * 4 + 2 * FOUR_S + 2 * (4 + FOUR_S + 5) + TWO_S));
}

/* Of the four who go then it is known when they can go, not how long that takes. */
TEST(what_it_is_at_least_is_known_from_the_first_stage)
{
    double least = ask(crossing(), 0, (uint8_t[]){0, 0}, (struct togo_light){.phase = 0}, true);
    double two = TWO_S + 4 * (TWO_S + 5);
    CHECK(least <= two && least > two - 1e-3);
}

TEST(a_phase_in_which_somebody_walks_is_left_when_the_walk_is_cleared)
{
    struct lines *l = crossing();
    static struct signals_model m;
    static struct search_problem p;
    m = *l->p->model;
    p = *l->p;
    p.model = &m;
    m.lane_kind[0] = LANE_WALK;
    m.clears_s[0] = 12;
    lines_prepare(l, &p);
    /* The four go first; then the two, who hold their phase; and who turns it off waits for that.
     */
    struct togo_light light = {.phase = 1};
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){0, 0}, light), 2 * FOUR_S + 2 * (FOUR_S + 5) + TWO_S));
    /* Before them comes the phase of the two: in 3 s, for 5 s of minimum and 12 s of clearing. Who
     * looks ahead goes on to the four at once, but they wait for that. */
    light = (struct togo_light){.phase = 0, .left_s = 3};
    double slow = cost_at(l, 0, (uint8_t[]){2, 0}, light);
    CHECK(is_near(slow, 4 * (3 + 5 + 5) + 2 * FOUR_S)); /* nobody walks any more */
    light = (struct togo_light){.phase = 0, .rest_s = 9};
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){2, 0}, light), 4 * (9 + 5) + 2 * FOUR_S));
    light = (struct togo_light){.phase = 0, .left_s = 3};
    p.lanes[1].count = 6; /* so many that they are worth more than the two, */
    for (uint32_t v = 4; v < 6; v++) {
        p.lanes[1].weight[v] = 4;
        p.lanes[1].link[0][v] = 1;
    }
    lines_prepare(l, &p);
    /* and the two are there still: 3 s, 17 s, and a change. */
    CHECK(cost_at(l, 0, (uint8_t[]){0, 0}, light) > 12 * (3 + 17 + 5));
}

TEST(who_is_served_by_no_phase_waits_for_the_rest)
{
    struct lines *l = crossing();
    static struct search_problem p;
    p = *l->p;
    p.stuck[1][1] = true;
    lines_prepare(l, &p);
    struct togo_light light = {.phase = 0};
    /* Until the two are gone, and 5 + 5 / 2; and half the square of their weight, each for a
     * headway. */
    CHECK(is_near(cost_at(l, 0, (uint8_t[]){0, 0}, light), TWO_S + 4 * (TWO_S + 7.5) + 16));
}

static uint32_t
next(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223; /* Numerical Recipes, 7.1 */
    return (*random >> 8) % below;
}

static void
any_problem(struct search_problem *p, struct signals_model *m, uint32_t *random)
{
    *m = (struct signals_model){
        .phases_count = 8, .links_count = 40, .lanes_count = 20, .exits_count = 1};
    *p = (struct search_problem){.model = m, .scenarios = SEARCH_SCENARIOS_MAX, .clearance_s = 4};
    for (uint32_t k = 0; k < m->links_count; k++) {
        m->link_lane[k] = (uint8_t)(k / 2);
        p->link_weight[k] = 1;
        m->yields_count[k] = (uint8_t)next(random, 2);
        for (uint32_t ph = 0; ph < m->phases_count; ph++)
            m->lights[ph][k] = (uint8_t)(next(random, 3) > 0 ? LIGHT_RED : 1 + next(random, 2));
    }
    for (uint32_t ph = 0; ph < m->phases_count; ph++)
        m->minimum_s[ph] = (uint8_t)(5 + next(random, 5));
    for (uint32_t i = 0; i < m->lanes_count; i++) {
        struct search_lane *l = &p->lanes[i];
        *l = (struct search_lane){.count = next(random, 12), .headway_s = 1.9};
        for (uint32_t v = 0; v < l->count; v++) {
            l->eta_s[v] = (double)(v * next(random, 3));
            l->eta_s[v] = v > 0 && l->eta_s[v] < l->eta_s[v - 1] ? l->eta_s[v - 1] : l->eta_s[v];
            l->weight[v] = 1 + 0.1 * (double)next(random, 10);
            for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++)
                l->link[c][v] = (uint8_t)(i * 2 + next(random, 2));
        }
    }
}

/* Streets: of each, whom every lane still has, from few beginnings so that many sets come again. */
struct street {
    uint8_t index[SEARCH_SCENARIOS_MAX * SIGNALS_LANES_MAX];
    uint64_t hash[SEARCH_SCENARIOS_MAX];
};

static void
any_street(struct street *s, const struct lines *l, uint32_t t, uint32_t *random)
{
    for (uint32_t c = 0; c < l->p->scenarios; c++) {
        s->hash[c] = 0;
        for (uint32_t j = 0; j < l->count; j++) {
            uint8_t *index = &s->index[c * l->count + j];
            *index = (uint8_t)(next(random, 12) == 0 ? l->wait[t][j] : 0);
            s->hash[c] += lines_hash(j, *index);
        }
    }
}

/* What is kept of sets that came before changes no cost, not even when the room for them ends. */
TEST(what_is_kept_changes_nothing)
{
    static struct signals_model m;
    static struct search_problem p;
    static struct lines l;
    static struct togo kept, fresh;
    static struct street streets[SEARCH_BEAM];
    uint32_t random = (uint32_t)test_seed(), t = 20, forgot = 0;
    for (uint32_t round = 0; round < 3; round++) {
        any_problem(&p, &m, &random);
        lines_prepare(&l, &p);
        togo_begin(&kept, &l, t);
        for (uint32_t i = 0; i < SEARCH_BEAM; i++)
            any_street(&streets[i], &l, t, &random);
        for (uint32_t n = 0; n < 2000; n++) {
            uint32_t state = next(&random, SEARCH_BEAM), before = kept.sets_count;
            const struct street *s = &streets[state];
            struct togo_light light = {.phase = next(&random, m.phases_count),
                                       .left_s = (int32_t)next(&random, 3),
                                       .rest_s = (int32_t)next(&random, 12)};
            togo_begin(&fresh, &l, t);
            double least = togo_cost(&kept, state, s->index, s->hash, &light, true);
            double a = togo_cost(&kept, state, s->index, s->hash, &light, false);
            double b = togo_cost(&fresh, 0, s->index, s->hash, &light, false);
            forgot += kept.sets_count < before;
            CHECK(memcmp(&a, &b, sizeof(a)) == 0);
            CHECK(least <= a);
        }
    }
    CHECK(forgot > 0);
}
