/* forecast_test.c -- R1 and R2 of forecast.h, with a junction whose plan keeps changing its mind.
 */
#include "services/signals/optimize/forecast.h"

#include "base/test.h"

/* Three phases, four links; links 0 and 1 are one group, link 3 is never served. */
static void
model_of(struct signals_model *m)
{
    memset(m, 0, sizeof(*m));
    m->phases_count = 3;
    m->links_count = 5;
    m->lanes_count = 3;
    m->yellow_s = 3;
    m->all_red_s = 1;
    for (uint32_t k = 0; k < 2; k++)
        m->lights[0][k] = LIGHT_GREEN;
    m->lights[1][2] = LIGHT_GREEN;
    m->lights[2][4] = LIGHT_YIELDS;
    m->lights[1][4] = LIGHT_GREEN;
}

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % below;
}

/* A street: its phases last `base` seconds and a random while more; the plan says how long it means
 * them to last, and in `whims` of 100 seconds it means something else. */
struct street {
    struct signals_model model;
    struct forecast forecast;
    int32_t phase;
    uint32_t age, now, ends;
    uint32_t base, spread, whims;
    bool clearing;
    uint64_t tally[FORECAST_TENTHS][3]; /* said, happened, permille; judged outside of forecast.c */
    struct {
        uint32_t at;
        uint16_t permille;
        uint8_t group, in_s;
    } open[4096];
    uint32_t open_count;
};

static void
judge_outside(struct street *s, uint32_t group)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->open_count; i++) {
        if (s->open[i].group != group) {
            s->open[kept++] = s->open[i];
            continue;
        }
        uint32_t after = s->now - s->open[i].at, said = s->open[i].in_s;
        uint32_t t = s->open[i].permille / 100u;
        s->tally[t][0]++;
        s->tally[t][1] += after + 2 >= said && after <= said + 2;
        s->tally[t][2] += s->open[i].permille;
    }
    s->open_count = kept;
}

static void
pass_second(struct street *s)
{
    s->now++;
    s->age++;
    if (!s->clearing && s->age >= s->ends) {
        s->clearing = true;
        s->age = 0;
    } else if (s->clearing && s->age >= 4) {
        s->clearing = false;
        s->age = 0;
        s->phase = (s->phase + 1) % 3;
        s->ends = s->base + (s->spread ? draw(s->spread) : 0);
    }
}

static void
view_of(struct street *s, struct control_view *v)
{
    uint32_t left = s->clearing ? 4 - s->age : s->ends - s->age + 4;
    memset(v, 0, sizeof(*v));
    if (draw(100) < s->whims)
        left += draw(15);
    v->decided_ms = s->now * 1000ULL;
    v->wish = s->clearing ? (s->phase + 1) % 3 : s->phase;
    v->steps_count = 2;
    v->steps[0].phase = (uint8_t)((s->phase + 1) % 3);
    v->steps[0].starts_s = (uint16_t)left;
    v->steps[1].phase = (uint8_t)((s->phase + 2) % 3);
    v->steps[1].starts_s = (uint16_t)(left + s->base + s->spread / 2 + 4);
}

static void
run(struct street *s, struct forecast_seen *zone, uint32_t seconds, bool tally)
{
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    struct control_view v;
    for (uint32_t i = 0; i < seconds; i++) {
        pass_second(s);
        view_of(s, &v);
        int32_t phase = s->clearing ? -1 : s->phase;
        bool starts = phase >= 0 && s->age == 0;
        for (uint32_t g = 0; starts && g < s->forecast.groups_count; g++)
            if (s->forecast.served[g] >> phase & 1)
                judge_outside(s, g);
        forecast_step(&s->forecast, zone, &s->model, &v, phase, s->age, s->now, said);
        for (uint32_t g = 0; tally && g < s->forecast.groups_count; g++) {
            if (!said[g].known || s->open_count == ARRAY_COUNT(s->open))
                continue;
            s->open[s->open_count].at = s->now;
            s->open[s->open_count].permille = said[g].permille;
            s->open[s->open_count].group = (uint8_t)g;
            s->open[s->open_count++].in_s = said[g].in_s;
        }
    }
}

static struct street *
street_new(uint32_t base, uint32_t spread, uint32_t whims)
{
    struct street *s = calloc(1, sizeof(*s));
    CHECK(s);
    model_of(&s->model);
    forecast_init(&s->forecast, &s->model);
    s->base = base;
    s->spread = spread;
    s->whims = whims;
    s->ends = base;
    s->now = 1000;
    return s;
}

TEST(links_with_the_same_lights_are_one_group_and_dark_ones_none)
{
    struct street *s = street_new(10, 0, 0);
    const struct forecast *f = &s->forecast;
    CHECK(f->groups_count == 3);
    CHECK(f->group_of_link[0] == 0 && f->group_of_link[1] == 0 && f->group_of_link[2] == 1);
    CHECK(f->group_of_link[3] == FORECAST_GROUPS_MAX && f->group_of_link[4] == 2);
    CHECK(f->served[0] == 1 && f->served[1] == 2 && f->served[2] == 6);
    free(s);
}

/* A fixed plan is known to the second, and then said so. */
TEST(a_fixed_plan_is_forecast_with_certainty)
{
    static struct forecast_seen zone;
    struct street *s = street_new(12, 0, 0);
    forecast_seen_init(&zone);
    run(s, &zone, 2000, false);
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    struct control_view v;
    pass_second(s);
    view_of(s, &v);
    v.steps_count = 0; /* nor is a plan needed for it: reds last as long as ever */
    v.wish = NO_WISH;
    while (s->clearing || s->phase != 1)
        pass_second(s);
    forecast_step(&s->forecast, &zone, &s->model, &v, 1, s->age, s->now, said);
    CHECK(said[1].green && !said[1].known && said[0].known);
    run(s, &zone, 4000, true);
    CHECK(s->tally[9][0] > 1000 && s->tally[9][1] * 100 > s->tally[9][0] * 97);
    free(s);
}

/* R1, measured from outside: whatever the plan is worth, what is said holds. */
TEST(what_is_said_happens_as_often_as_was_said)
{
    static struct forecast_seen zone;
    static const struct {
        uint32_t spread, whims;
    } rows[] = {{0, 30}, {6, 20}, {12, 0}, {12, 60}, {30, 20}};
    forecast_seen_init(&zone);
    uint64_t all[FORECAST_TENTHS][3] = {{0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        seed = 17 + i;
        struct street *s = street_new(8, rows[i].spread, rows[i].whims);
        run(s, &zone, 1800, false);
        run(s, &zone, 20000, true);
        for (uint32_t t = 0; t < FORECAST_TENTHS; t++) {
            for (int k = 0; k < 3; k++)
                all[t][k] += s->tally[t][k];
        }
        free(s);
    }
    for (uint32_t t = 0; t < FORECAST_TENTHS; t++) {
        if (all[t][0] < 1000)
            continue;
        double happened = 100.0 * (double)all[t][1] / (double)all[t][0];
        double said = 0.1 * (double)all[t][2] / (double)all[t][0];
        CHECK(happened > said - 4 && happened < said + 4);
    }
    CHECK(all[7][0] + all[8][0] > 2000); /* it does say something */
}

TEST(the_same_calls_say_the_same)
{
    static struct forecast_seen zone[2];
    struct street *s[2];
    for (int i = 0; i < 2; i++) {
        seed = 5;
        forecast_seen_init(&zone[i]);
        s[i] = street_new(8, 10, 30);
        run(s[i], &zone[i], 3000, true);
    }
    CHECK(memcmp(&s[0]->forecast, &s[1]->forecast, sizeof(s[0]->forecast)) == 0);
    CHECK(memcmp(&zone[0], &zone[1], sizeof(zone[0])) == 0);
    CHECK(memcmp(s[0]->tally, s[1]->tally, sizeof(s[0]->tally)) == 0);
    free(s[0]);
    free(s[1]);
}

/* R2 */
TEST(what_is_yellow_or_unknown_is_not_forecast)
{
    static struct forecast_seen zone;
    struct street *s = street_new(8, 0, 0);
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    struct control_view v = {.wish = 1, .second_best = NO_WISH};
    forecast_seen_init(&zone);
    forecast_step(&s->forecast, &zone, &s->model, &v, -1, 0, 10, said); /* nothing was seen yet */
    CHECK(!said[0].known && !said[1].known && !said[2].known);
    forecast_step(&s->forecast, &zone, &s->model, &v, 1, 0, 11, said);
    CHECK(said[0].known && said[1].green && said[2].green);
    forecast_step(&s->forecast, &zone, &s->model, &v, -1, 0, 12, said); /* 1 and 2 are yellow */
    CHECK(said[0].known && !said[1].known && !said[2].known && !said[1].green);
    forecast_step(&s->forecast, &zone, &s->model, &v, 2, 0, 16, said); /* 2 was not red at all */
    CHECK(said[0].known && said[1].known && said[2].green && !said[2].known);
    forecast_step(&s->forecast, &zone, &s->model, &v, -1, 0, 30, said); /* a gap */
    CHECK(!said[0].known && !said[1].known && !said[2].known);
    free(s);
}

TEST(quantiles_are_in_order_and_never_in_the_past)
{
    static struct forecast_seen zone;
    seed = 3;
    struct street *s = street_new(6, 40, 50);
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    struct control_view v;
    forecast_seen_init(&zone);
    for (int i = 0; i < 5000; i++) {
        pass_second(s);
        view_of(s, &v);
        forecast_step(&s->forecast, &zone, &s->model, &v, s->clearing ? -1 : s->phase, s->age,
                      s->now, said);
        for (uint32_t g = 0; g < s->forecast.groups_count; g++) {
            if (!said[g].known)
                continue;
            CHECK(said[g].in_s >= 1 && said[g].q20_s >= 1 && said[g].permille >= 10 &&
                  said[g].permille <= 990);
            CHECK(said[g].q20_s <= said[g].q50_s && said[g].q50_s <= said[g].q80_s);
        }
    }
    free(s);
}
