#include "services/signals/optimize/lines.h"

static void
prepare_links(struct lines *l)
{
    const struct search_problem *p = l->p;
    const struct signals_model *m = p->model;
    for (uint32_t k = 0; k < m->links_count; k++) {
        l->go_of[k] = l->yield_of[k] = 0;
        l->only_gaps[k] = m->yields_count[k] > 0;
        for (uint32_t ph = 0; ph < m->phases_count; ph++) {
            bool counts = !p->stuck[ph][m->link_lane[k]] && !(m->lingers[k] >> ph & 1);
            uint8_t light = counts ? m->lights[ph][k] : LIGHT_RED;
            bool go = light != LIGHT_RED;
            l->light[ph][k] = light;
            l->goes[k][ph] = go ? UINT8_MAX : 0;
            l->go_of[k] |= (uint32_t)go << ph;
            if (signals_gives_way(m, k, light))
                l->yield_of[k] |= 1U << ph;
            l->only_gaps[k] = l->only_gaps[k] && m->lights[ph][k] != LIGHT_GREEN;
        }
    }
}

static void
prepare_guess(struct lines *l, uint32_t c, uint32_t slot)
{
    const struct search_problem *p = l->p;
    const struct search_lane *lane = &p->lanes[l->lane[slot]];
    struct lines_vehicle *v = l->at[c][slot], *end = &v[lane->count];
    uint32_t all = (uint32_t)((1ULL << p->model->phases_count) - 1);
    uint8_t everybody[SIGNALS_PHASES_MAX];
    memset(everybody, UINT8_MAX, sizeof(everybody));
    v->weight = v->weight_eta = 0;
    v->count = 0;
    for (uint32_t i = 0; i < lane->count; i++) {
        double w = search_weight(p, lane, c, i);
        v[i + 1].weight = v[i].weight + w;
        v[i + 1].count = (uint8_t)(v[i].count + search_is_there(lane, c, i));
        v[i + 1].weight_eta = v[i].weight_eta + w * lane->eta_s[i];
    }
    end->go = end->yield = 0;
    end->next = (uint8_t)lane->count;
    memset(end->run, 0, sizeof(end->run));
    for (uint32_t i = lane->count; i-- > 0;) {
        uint32_t k = lane->link[c][i];
        bool there = search_is_there(lane, c, i); /* else he stands in nobody's way */
        const uint8_t *goes = there ? l->goes[k] : everybody;
        v[i].next = there ? (uint8_t)i : v[i + 1].next;
        v[i].go = there ? l->go_of[k] : all;
        v[i].yield = there ? l->yield_of[k] : 0;
        for (uint32_t ph = 0; ph < SIGNALS_PHASES_MAX; ph++)
            v[i].run[ph] = (uint8_t)((v[i + 1].run[ph] + 1) & goes[ph]);
    }
}

static void
prepare_times(struct lines *l, uint32_t slot)
{
    const struct search_lane *lane = &l->p->lanes[l->lane[slot]];
    double soon_s = (double)(l->p->hold_s + l->p->clearance_s) + LINES_SOON_S;
    uint8_t come = 0, wait = 0, soon = 0;
    for (uint32_t t = 0; t <= SEARCH_HORIZON_S; t++) {
        double now_s = (double)t;
        while (come < lane->count && lane->eta_s[come] < now_s + 1)
            come++;
        while (wait < lane->count && lane->eta_s[wait] <= now_s + LINES_STORE_S)
            wait++;
        while (soon < lane->count && lane->eta_s[soon] <= now_s + soon_s)
            soon++;
        l->come[t][slot] = come;
        l->wait[t][slot] = wait;
        l->soon[t][slot] = soon;
    }
}

void
lines_prepare(struct lines *l, const struct search_problem *p)
{
    l->p = p;
    l->count = 0;
    l->walks = 0;
    memset(l->come, 0, sizeof(l->come));
    memset(l->wait, 0, sizeof(l->wait));
    memset(l->soon, 0, sizeof(l->soon));
    prepare_links(l);
    for (uint32_t i = 0; i < p->model->lanes_count; i++) {
        l->slot_of[i] = -1;
        if (p->lanes[i].count == 0)
            continue;
        l->slot_of[i] = (int8_t)l->count;
        l->lane[l->count] = (uint8_t)i;
        l->walks |= (uint64_t)(p->model->lane_kind[i] == LANE_WALK) << l->count;
        l->headway_s[l->count] = p->lanes[i].headway_s;
        for (uint32_t c = 0; c < p->scenarios; c++)
            prepare_guess(l, c, l->count);
        prepare_times(l, l->count++);
    }
}
