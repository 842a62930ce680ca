#include "services/signals/optimize/queues_inside.h"

#define ACCELERATION_M_S2 2.6

/* In how many seconds he is at the line, if he speeds up to the limit. specs/signals.md 3.5. */
static double
eta_of(const struct signals_car *car, double limit)
{
    double d = (double)car->distance_dm / 10, v = (double)car->speed_cm_s / 100;
    double a = ACCELERATION_M_S2;
    if (v >= limit)
        return d / v;
    double ta = (limit - v) / a, da = v * ta + a * ta * ta / 2;
    if (da >= d) {
        double root = v * v + 2 * a * d, x = root > 1 ? root : 1;
        for (int i = 0; i < 20; i++) /* Newton: no libm, the same bits everywhere */
            x = (x + root / x) / 2;
        return (x - v) / a;
    }
    return ta + (d - da) / limit;
}

void
cameras_hear(struct queues *q, const struct signals_reading *r, double now_s)
{
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        if (q->model->lane_kind[l] == LANE_VEHICLES)
            q->lanes[l].count = 0; /* cameras need no loop */
    }
    for (uint32_t i = 0; i < r->cars_count; i++) {
        const struct signals_car *car = &r->cars[i];
        bool stands = car->speed_cm_s < 10;
        double eta = stands ? now_s : now_s + eta_of(car, queue_speed(q->model, car->lane));
        /* In order of distance, as they stand. */
        struct queue_vehicle v = {.eta_s = eta,
                                  .due_s = eta,
                                  .seen_s = now_s,
                                  .from_m = (uint16_t)(car->distance_dm / 10),
                                  .source = QUEUE_SOURCES_MAX,
                                  .link = car->link};
        struct queue_lane *l = &q->lanes[car->lane];
        if (l->count >= l->holds)
            continue;
        uint32_t at = l->count++;
        while (at > 0 && l->v[at - 1].from_m > v.from_m) {
            l->v[at] = l->v[at - 1];
            at--;
        }
        l->v[at] = v;
    }
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        struct queue_lane *lane = &q->lanes[l];
        for (uint32_t i = 1; i < lane->count; i++) {
            if (lane->v[i].eta_s < lane->v[i - 1].eta_s)
                lane->v[i].eta_s = lane->v[i - 1].eta_s;
        }
    }
}
