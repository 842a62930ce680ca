#include "services/signals/optimize/queues_inside.h"

#define STUCK_AFTER_S 10.0
#define STUCK_FOR_S 40.0
#define KEPT_AFTER_S 4.0 /* two headways: who could go would have followed by then */
#define KEPT_FOR_S 2.0   /* said again each second */

/* Somebody left lately to whom one of this lane gives way. */
static bool
is_kept(const struct queues *q, uint32_t lane, double now_s)
{
    const struct signals_model *m = q->model;
    for (uint32_t k = 0; k < m->links_count; k++) {
        if (m->link_lane[k] != lane || !lights_gives_way(q, k))
            continue;
        for (uint32_t y = 0; y < m->yields_count[k]; y++) {
            uint32_t foe = m->yields[k][y];
            if (lights_shown(q, foe) == LIGHT_GREEN &&
                now_s - q->lanes[m->link_lane[foe]].departed_s < STUCK_AFTER_S)
                return true;
        }
    }
    return false;
}

/* A phase has right of way for all of this lane who give way now. */
static bool
is_protected_once(const struct queues *q, uint32_t lane)
{
    const struct signals_model *m = q->model;
    for (uint32_t ph = 0; ph < m->phases_count; ph++) {
        bool all = true;
        for (uint32_t k = 0; k < m->links_count; k++) {
            if (m->link_lane[k] == lane && lights_gives_way(q, k) &&
                m->lights[ph][k] != LIGHT_GREEN)
                all = false;
        }
        if (all)
            return true;
    }
    return false;
}

/* For how long from now on a lane serves nobody that has stood at its green for so long. */
static double
stuck_for(const struct queues *q, uint32_t lane, double stood_s, double now_s)
{
    bool kept = is_kept(q, lane, now_s) && !is_protected_once(q, lane);
    return kept ? KEPT_FOR_S : stood_s > STUCK_AFTER_S ? STUCK_FOR_S : 0;
}

void
stuck_watch(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    double since_s = l->green_since_s > l->departed_s ? l->green_since_s : l->departed_s;
    since_s = since_s > l->busy_since_s ? since_s : l->busy_since_s;
    double stood_s = now_s - since_s;
    if (q->phase < 0 || !l->on || !l->green || stood_s <= KEPT_AFTER_S)
        return;
    double until_s = now_s + stuck_for(q, lane, stood_s, now_s);
    if (until_s > l->stuck_until_s[q->phase])
        l->stuck_until_s[q->phase] = until_s;
}
