#include "services/signals/optimize/priority.h"

#define TOGETHER_S 1.5 /* a gap longer than this ends a platoon */
#define PERMISSIVE_S 3.8
#define CHANGE_S 2.0
#define UNSERVED_S 90.0

struct service {
    double vehicles, green_s;
};

static void
serve_lane(const struct search_problem *p, uint32_t phase, uint32_t lane, double from_s,
           struct service *out)
{
    const struct search_lane *l = &p->lanes[lane];
    double t = from_s;
    for (uint32_t i = 0; i < l->count; i++) {
        if (!search_is_there(l, 0, i))
            continue;
        uint32_t k = l->link[0][i];
        uint8_t light = p->model->lights[phase][k];
        if (light == LIGHT_RED || p->stuck[phase][lane] || l->eta_s[i] > t + TOGETHER_S)
            break;
        bool yields = signals_gives_way(p->model, k, light);
        t = (t > l->eta_s[i] ? t : l->eta_s[i]) + (yields ? PERMISSIVE_S : l->headway_s);
        out->vehicles += l->weight[i];
    }
    if (t > out->green_s)
        out->green_s = t;
}

static double
priority_of(const struct search_problem *p, uint32_t phase)
{
    double change = (double)p->hold_s + (double)p->clearance_s;
    bool shown = phase == p->phase;
    struct service s = {0};
    for (uint32_t l = 0; l < p->model->lanes_count; l++)
        serve_lane(p, phase, l, shown ? 0 : change + CHANGE_S, &s);
    if (s.vehicles <= 0)
        return 0;
    if (shown)
        return s.vehicles / s.green_s;
    double least = change + 0.5 * (double)p->model->minimum_s[phase];
    return s.vehicles / ((s.green_s > least ? s.green_s : least) + CHANGE_S);
}

static bool
serves(const struct search_problem *p, uint32_t phase, uint32_t lane)
{
    for (uint32_t k = 0; k < p->model->links_count; k++) {
        if (p->model->link_lane[k] == lane && p->model->lights[phase][k] != LIGHT_RED)
            return true;
    }
    return false;
}

uint32_t
priority_choose(const struct search_problem *p, const double *unserved_s)
{
    int32_t lane = -1;
    for (uint32_t l = 0; l < p->model->lanes_count; l++) {
        bool waits = p->lanes[l].count > 0 && p->lanes[l].eta_s[0] <= 0;
        double longest = lane >= 0 ? unserved_s[lane] : UNSERVED_S;
        if (waits && unserved_s[l] > longest && !serves(p, p->phase, l))
            lane = (int32_t)l;
    }
    uint32_t best = p->phase;
    double most = lane >= 0 ? -1 : priority_of(p, p->phase);
    for (uint32_t d = 1; d < p->model->phases_count; d++) {
        uint32_t phase = (p->phase + d) % p->model->phases_count;
        if (lane >= 0 && !serves(p, phase, (uint32_t)lane))
            continue;
        double priority = priority_of(p, phase);
        if (priority > most) {
            most = priority;
            best = phase;
        }
    }
    return best;
}
