#include "services/signals/optimize/queues_inside.h"

#define NEAR_M 60        /* before the line: who is here changes lanes no more, */
#define LAST_M 15        /* and here not even where his lane began a moment ago */
#define GUESS_LEAST 0.1  /* of all: whom so few do is not thought of */
#define REACH_DECAY 0.99 /* per departure */
#define TURN_DECAY 0.98
#define RED_FITS 0.02   /* of one who departs: his light was red, */
#define YIELDS_FITS 0.5 /* he had to find a gap, */
#define PROOF_FITS 0.5  /* and each second that he stood before a green */

uint32_t
shares_draw(const double *share, double *credit, uint32_t count)
{
    double sum = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += share[i];
    for (uint32_t i = 0; i < count; i++) {
        credit[i] += sum > 0 ? share[i] / sum : 0;
        if (credit[i] > credit[best])
            best = i;
    }
    credit[best] -= 1;
    return best;
}

bool
shares_settled(const struct queues *q, uint32_t source)
{
    const struct signals_model *m = q->model;
    if (source >= m->loops_count || m->loops[source].distance_m > NEAR_M)
        return false;
    uint32_t lane = m->loops[source].lanes[0];
    if (m->loops[source].distance_m <= LAST_M && queue_is_own(m, &m->loops[source]))
        return true;
    int32_t first = signals_next_loop(m, lane, m->lane_m[lane] + 1U);
    return first >= 0 && m->loops[first].distance_m > m->loops[source].distance_m;
}

/* The shares of lanes that he may have taken, with those that are too small left out. */
static double
likely_lanes(const struct queues *q, uint32_t source, uint32_t lane, double *share)
{
    const struct signals_source *s = queue_source(q->model, source);
    double all = 0, kept = 0;
    bool found = false;
    for (uint32_t k = 0; k < s->lanes_count; k++)
        all += q->reach[source][k];
    for (uint32_t k = 0; k < s->lanes_count; k++) {
        bool own = s->lanes[k] == lane;
        share[k] = q->reach[source][k];
        if (!own && (share[k] < GUESS_LEAST * all || blind_is(&q->blind, s->lanes[k])))
            share[k] = 0;
        found = found || own;
        kept += share[k];
    }
    return found ? kept : 0;
}

bool
shares_guess_lanes(const struct queues *q, uint32_t lane, uint32_t at,
                   uint8_t out_scenarios[static SIGNALS_REACH_MAX])
{
    const struct queue_lane *l = &q->lanes[lane];
    const struct queue_vehicle *v = &l->v[at];
    double share[SIGNALS_REACH_MAX];
    bool seen_here = v->from_m <= l->inner_m || (at == 0 && l->on);
    if (q->sees || seen_here || v->source >= q->model->loops_count + q->model->feeders_count ||
        shares_settled(q, v->source))
        return false;
    double sum = likely_lanes(q, v->source, lane, share);
    if (sum <= 0)
        return false;
    /* Who he is: when and where he was seen. */
    uint32_t who = (uint32_t)(v->seen_s * 2) + 7 * (uint32_t)v->source;
    double where = (double)who * GOLDEN;
    where -= (double)(uint64_t)where;
    memset(out_scenarios, 0, SIGNALS_REACH_MAX);
    for (uint32_t c = 0; c < SEARCH_SCENARIOS_MAX; c++) {
        double x = ((c + who / 2) % SEARCH_SCENARIOS_MAX + where) / SEARCH_SCENARIOS_MAX * sum;
        uint32_t k = 0, last = queue_source(q->model, v->source)->lanes_count - 1U;
        for (; k < last && share[k] <= x; k++)
            x -= share[k];
        out_scenarios[k] |= (uint8_t)(1U << c);
    }
    return true;
}

void
shares_learn_lane(struct queues *q, uint32_t source, uint32_t lane)
{
    if (source >= q->model->loops_count + q->model->feeders_count)
        return;
    const struct signals_source *s = queue_source(q->model, source);
    trust_confirm(&q->trust, source);
    if (shares_settled(q, source))
        return;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        if (blind_is(&q->blind, s->lanes[i]) && s->lanes[i] != lane)
            continue; /* nobody can be seen to take it */
        q->reach[source][i] = q->reach[source][i] * REACH_DECAY + (s->lanes[i] == lane ? 1 : 0);
    }
}

/*
 * How well it fits what was seen that the one who departs now takes this link: the light that he
 * had, and for how long he stood before a light that would have let him go. In yellow the light
 * before it counts.
 */
static double
likelihood(const struct queues *q, uint32_t link)
{
    double fits = 1;
    if (q->green_phase >= 0) {
        uint8_t light = q->model->lights[q->green_phase][link];
        if (light == LIGHT_RED)
            fits = RED_FITS;
        else if (signals_gives_way(q->model, link, light))
            fits = YIELDS_FITS;
    }
    for (double proof = q->proof[link]; proof >= 1; proof -= 1)
        fits *= PROOF_FITS;
    return fits;
}

uint32_t
shares_guess_link(struct queues *q, uint32_t lane, int8_t known)
{
    const struct signals_model *m = q->model;
    uint32_t links[SIGNALS_LINKS_MAX], n = 0;
    double share[SIGNALS_LINKS_MAX], credit[SIGNALS_LINKS_MAX], sum = 0;
    for (uint32_t k = 0; k < m->links_count; k++) {
        if (m->link_lane[k] != lane)
            continue;
        share[n] = known < 0 ? q->turn[k] * likelihood(q, k) : k == (uint32_t)known;
        sum += share[n];
        credit[n] = q->turn_credit[k];
        links[n++] = k;
    }
    ASSERT(n > 0);
    uint32_t taken = links[shares_draw(share, credit, n)];
    for (uint32_t i = 0; i < n; i++) {
        q->turn_credit[links[i]] = credit[i];
        if (sum > 0)
            q->turn[links[i]] = q->turn[links[i]] * TURN_DECAY + share[i] / sum;
    }
    return taken;
}
