#include "services/signals/controller.h"

enum {
    GREEN_SHARE = 2, /* a link that yields discharges about half as many */
    YIELDS_SHARE = 1,
};

bool
controller_serves(const struct signals_model *model, uint32_t phase, uint32_t lane)
{
    ASSERT(phase < model->phases_count && lane < model->lanes_count);
    for (uint32_t k = 0; k < model->links_count; k++) {
        if (model->link_lane[k] == lane && model->lights[phase][k] != LIGHT_RED)
            return true;
    }
    return false;
}

/*
 * The turn of a vehicle is not known: a lane's demand is shared evenly by its links. So a phase
 * gets the share of the lane whose links it serves, and pays for the exits of those links.
 */
int64_t
controller_pressure(const struct signals_model *model, const struct signals_counts *counts,
                    uint32_t phase)
{
    ASSERT(phase < model->phases_count && model->links_count <= SIGNALS_LINKS_MAX);
    int64_t links[SIGNALS_LANES_MAX] = {0};
    for (uint32_t k = 0; k < model->links_count; k++)
        links[model->link_lane[k]]++;
    int64_t sum = 0;
    for (uint32_t k = 0; k < model->links_count; k++) {
        enum link_light light = model->lights[phase][k];
        if (light == LIGHT_RED)
            continue;
        uint32_t lane = model->link_lane[k];
        int64_t share = light == LIGHT_GREEN ? GREEN_SHARE : YIELDS_SHARE;
        int64_t coming = counts->near[lane] - counts->standing[lane];
        int64_t demand = counts->standing[lane] * WEIGHT_STANDING + coming * WEIGHT_COMING;
        int64_t ahead = counts->exit_standing[model->link_exit[k]] * WEIGHT_STANDING;
        /* SIGNALS_LINKS_MAX / links: the evenly shared part, still in integers. */
        if (demand > 0)
            sum += share * (demand - ahead) * SIGNALS_LINKS_MAX / links[lane];
    }
    return sum;
}

/* The most patient lane beyond its patience, or -1. */
static int32_t
overdue_lane(const struct controller_input *in)
{
    int32_t worst = -1;
    uint64_t longest = in->patience_ms;
    for (uint32_t l = 0; l < in->model->lanes_count; l++) {
        if (in->counts->standing[l] > 0 && in->unserved_ms[l] > longest) {
            longest = in->unserved_ms[l];
            worst = (int32_t)l;
        }
    }
    return worst;
}

/* The phase of greatest pressure; `lane` >= 0: among those that serve it. -1: none. */
static int32_t
best_phase(const struct controller_input *in, int32_t lane)
{
    const struct signals_model *m = in->model;
    uint32_t from = in->current >= 0 ? (uint32_t)in->current : 0;
    int32_t best = -1;
    int64_t most = 0;
    for (uint32_t i = 0; i < m->phases_count; i++) {
        uint32_t p = (from + i) % m->phases_count; /* ties: stay, then in cyclic order */
        if ((int32_t)p == in->barred || (lane >= 0 && !controller_serves(m, p, (uint32_t)lane)))
            continue;
        int64_t pressure = controller_pressure(m, in->counts, p);
        if (best < 0 || pressure > most) {
            best = (int32_t)p;
            most = pressure;
        }
    }
    return best;
}

int32_t
controller_wish(const struct controller_input *in)
{
    ASSERT(in->current < (int32_t)in->model->phases_count);
    uint32_t near = 0;
    for (uint32_t l = 0; l < in->model->lanes_count; l++)
        near += in->counts->near[l];
    if (near == 0 || in->model->phases_count < 2)
        return NO_WISH;
    int32_t lane = overdue_lane(in);
    int32_t wish = lane >= 0 ? best_phase(in, lane) : -1;
    return wish >= 0 ? wish : best_phase(in, -1);
}
