#include "services/signals/optimize/intents.h"

#define EVER_S 1e9

/* The greens of a plan, one after the other. */
struct green {
    uint32_t phase;
    double from_s, until_s;
};
struct greens {
    uint32_t count;
    struct green list[SEARCH_STEPS_MAX + 1];
};

static void
find_greens(const struct search_problem *p, const struct search_result *r, struct greens *out)
{
    struct green now = {.phase = p->phase, .from_s = -EVER_S};
    out->count = 0;
    for (uint32_t i = 0; i < r->steps_count; i++) {
        double from_s = (double)r->steps[i].starts_s;
        now.until_s = from_s - (double)p->clearance_s + SEARCH_YELLOW_GO_S;
        out->list[out->count++] = now;
        now = (struct green){.phase = r->steps[i].phase, .from_s = from_s};
    }
    now.until_s = SEARCH_HORIZON_S;
    out->list[out->count++] = now;
}

static enum link_light
light_in(const struct search_problem *p, const struct greens *g, uint32_t at, uint32_t link)
{
    uint32_t phase = g->list[at].phase;
    bool stuck = p->stuck[phase][p->model->link_lane[link]];
    return stuck ? LIGHT_RED : (enum link_light)p->model->lights[phase][link];
}

/* When who is at the line at `t` may cross it; SEARCH_HORIZON_S: not within the plan. */
static double
crosses(const struct search_problem *p, const struct greens *g, uint32_t link, double t,
        bool *yields)
{
    for (uint32_t i = 0; i < g->count; i++) {
        enum link_light light = light_in(p, g, i, link);
        if (light == LIGHT_RED)
            continue;
        bool starts = i > 0 && light_in(p, g, i - 1, link) == LIGHT_RED;
        double start_s = starts ? p->lanes[p->model->link_lane[link]].start_s : 0;
        double from_s = g->list[i].from_s + start_s;
        double at = t > from_s ? t : from_s;
        *yields = signals_gives_way(p->model, link, light);
        if (at < g->list[i].until_s)
            return at;
    }
    return SEARCH_HORIZON_S;
}

/* The lane as one guess has it: nobody overtakes. */
static void
make_lane(struct intents *t, const struct search_problem *p, const struct greens *g, uint32_t lane,
          uint32_t guess)
{
    const struct search_lane *l = &p->lanes[lane];
    double free_s = l->free_s > 0 ? l->free_s : 0;
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t k = l->link[guess][i];
        bool yields = false;
        if (!search_is_there(l, guess, i))
            continue;
        double at = crosses(p, g, k, l->eta_s[i] > free_s ? l->eta_s[i] : free_s, &yields);
        if (at >= SEARCH_HORIZON_S)
            return;
        double share = l->weight[i] < 1 ? l->weight[i] : 1; /* above 1 he is only dearer */
        t->count[p->model->link_exit[k]][(uint32_t)at] += (float)(share / (double)p->scenarios);
        free_s = at + (yields ? l->permissive_s : l->headway_s);
    }
}

void
intents_make(struct intents *t, const struct search_problem *p, const struct search_result *r,
             double now_s)
{
    struct greens greens;
    find_greens(p, r, &greens);
    *t = (struct intents){.made = true, .made_s = now_s};
    for (uint32_t lane = 0; lane < p->model->lanes_count; lane++) {
        for (uint32_t guess = 0; guess < p->scenarios; guess++)
            make_lane(t, p, &greens, lane, guess);
    }
}
