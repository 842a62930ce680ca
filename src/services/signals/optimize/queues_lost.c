#include "services/signals/optimize/queues_inside.h"

enum { KEPT_S = 64 };
#define EARLY_S 1.0 /* one may be so much earlier than he is expected */
#define FIRST_S 1.0 /* the first of a green takes so much longer than who follows, */
#define SURE_S 0.6  /* and after so much more he has surely left */

void
lost_hear(struct queues *q, double now_s)
{
    double since_s = now_s - q->heard_s + 0.5;
    uint32_t passed = since_s < 1 ? 1 : since_s < KEPT_S ? (uint32_t)since_s : KEPT_S - 1;
    q->unheard = q->unheard << passed | ((UINT64_C(1) << passed) - 2);
}

bool
lost_since(const struct queues *q, double from_s, double now_s)
{
    double back_s = now_s - from_s;
    if (back_s < 0)
        return false;
    uint64_t all = back_s < KEPT_S - 1 ? (UINT64_C(2) << (uint32_t)back_s) - 1 : UINT64_MAX;
    return (q->unheard & all) != 0;
}

bool
lost_passed(const struct queues *q, uint32_t lane, const struct queue_vehicle *v, uint32_t at_m,
            double now_s)
{
    double due_s = v->due_s - (double)at_m / queue_speed(q->model, lane);
    return lost_since(q, due_s - EARLY_S - v->slack_s, now_s);
}

/* He stood at the line, and is there no more; or should be gone by now, as queues leave. */
static bool
left(const struct queues *q, const struct signals_reading *r, uint32_t lane, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (!l->on || r->stop[lane] > 0)
        return false;
    if (!r->stop_on[lane])
        return l->green || lights_green(q, lane);
    double first_s = l->green_since_s + FIRST_S;
    double before_s = l->departed_s > first_s ? l->departed_s : first_s;
    return l->green && lights_free_way(q, lane) && now_s >= before_s + l->flow.headway_s + SURE_S;
}

void
lost_depart(struct queues *q, const struct signals_reading *r, double now_s)
{
    if (!lost_since(q, now_s - 1, now_s))
        return;
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        bool counts = q->model->lane_kind[l] == LANE_VEHICLES && !blind_is(&q->blind, l);
        if (counts && left(q, r, l, now_s))
            line_depart(q, l, now_s - 1);
    }
}
