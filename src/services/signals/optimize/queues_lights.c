#include "services/signals/optimize/queues_inside.h"

enum link_light
lights_shown(const struct queues *q, uint32_t link)
{
    return q->phase < 0 ? LIGHT_RED : (enum link_light)q->model->lights[q->phase][link];
}

bool
lights_gives_way(const struct queues *q, uint32_t link)
{
    return signals_gives_way(q->model, link, lights_shown(q, link));
}

bool
lights_protected(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane &&
            (lights_shown(q, k) == LIGHT_RED || lights_gives_way(q, k)))
            return false;
    }
    return true;
}

bool
lights_green(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && lights_shown(q, k) != LIGHT_RED)
            return true;
    }
    return false;
}

bool
lights_free_way(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane)
            continue;
        if (lights_shown(q, k) == LIGHT_RED || lights_gives_way(q, k) ||
            (q->full_exits >> q->model->link_exit[k] & 1))
            return false;
    }
    return true;
}

bool
lights_full_exit(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && (q->full_exits >> q->model->link_exit[k] & 1))
            return true;
    }
    return false;
}

double
lights_yielding(const struct queues *q, uint32_t lane)
{
    double yields = 0, all = 0;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane || lights_shown(q, k) == LIGHT_RED)
            continue;
        all += q->turn[k];
        if (lights_gives_way(q, k))
            yields += q->turn[k];
    }
    return all > 0 ? yields / all : 0;
}
