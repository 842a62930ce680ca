#include "services/signals/optimize/queues_inside.h"

#define SLOW_S 2.0   /* before he is late, he may stand in the queue beside */
#define FOLLOW_S 2.2 /* from one in a queue to the next */
#define GRACE_S 1.0  /* at the first loop of a lane, for who changes to it there */
#define LATE_S 0.5   /* a vehicle this late that the free stop loop does not show is elsewhere */

bool
late_is_full(const struct queue_lane *l)
{
    uint32_t passed = 0;
    for (uint32_t i = 0; i < l->count; i++)
        passed += l->v[i].from_m <= l->inner_m;
    double fit = (double)l->inner_m / QUEUE_VEHICLE_M - 1;
    return l->covered || (l->on && passed > 0 && (double)passed >= fit);
}

void
late_follow(struct queues *q, uint32_t lane, bool departed, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    double rest = (double)l->inner_m / queue_speed(q->model, lane);
    uint32_t behind = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        struct queue_vehicle *v = &l->v[i];
        bool outside = l->inner_m > 0 && v->from_m > l->inner_m;
        double due = 0;
        if (outside && late_is_full(l))
            due = now_s + rest + FOLLOW_S * (double)++behind;
        else if (!outside && (l->on || departed))
            due = now_s + FOLLOW_S * (double)(i + (l->on ? 0 : 1));
        if (v->eta_s < due && v->due_s < due)
            v->due_s = due;
    }
}

double
late_by(const struct queue_vehicle *v, double now_s)
{
    return now_s - v->due_s - LATE_S - v->slack_s;
}

/* Among this lane and its neighbours, one whose queue reaches to where they are seen last. */
static int32_t
full_lane(const struct queues *q, uint32_t lane)
{
    if (late_is_full(&q->lanes[lane]))
        return (int32_t)lane;
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        if ((q->lanes[lane].siblings >> l & 1) && late_is_full(&q->lanes[l]))
            return (int32_t)l;
    }
    return -1;
}

/* The farthest loop that lies on the lane itself; -1: none. */
static int32_t
first_loop(const struct signals_model *m, uint32_t lane)
{
    int32_t first = -1;
    for (uint32_t j = 0; j < m->loops_count; j++) {
        const struct signals_source *s = &m->loops[j];
        if (s->lanes[0] == lane && s->distance_m <= m->lane_m[lane] &&
            (first < 0 || s->distance_m > m->loops[first].distance_m))
            first = (int32_t)j;
    }
    return first;
}

/*
 * By how much somebody is late at the first loop of his lane, if no queue hides who comes there and
 * the lane's loops are surely not dead.
 */
static double
late_at_first(const struct queues *q, uint32_t lane, int32_t first, const struct queue_vehicle *v,
              double now_s)
{
    if (first < 0 || !blind_sees(&q->blind, lane, now_s))
        return -LATE_GONE_S;
    uint32_t at_m = q->model->loops[first].distance_m;
    if (at_m <= q->lanes[lane].inner_m || v->from_m <= at_m ||
        spill_covered(&q->spill, (uint32_t)first))
        return -LATE_GONE_S;
    return late_by(v, now_s + (double)at_m / queue_speed(q->model, lane)) - GRACE_S;
}

void
late_drop(struct queues *q, double now_s)
{
    const struct signals_model *m = q->model;
    for (uint32_t lane = 0; lane < m->lanes_count; lane++) {
        struct queue_lane *l = &q->lanes[lane];
        bool blind = blind_is(&q->blind, lane);
        if (l->inner_m == 0)
            continue;
        double rest = (double)l->inner_m / queue_speed(m, lane);
        int32_t full = full_lane(q, lane), first = first_loop(m, lane);
        for (uint32_t i = 0; i < l->count;) {
            const struct queue_vehicle *v = &l->v[i];
            double late = v->from_m > l->inner_m ? late_by(v, now_s + rest) : -LATE_GONE_S;
            double before = late_at_first(q, lane, first, v, now_s);
            late = before > late ? before : late;
            bool word = blind && v->source >= m->loops_count;
            if (word || full == (int32_t)lane || late <= (full >= 0 ? -SLOW_S : 0)) {
                i++;
                continue;
            }
            struct queue_vehicle gone = queue_pull(l, i);
            if (full >= 0) {
                queue_insert(&q->lanes[full], gone);
                continue;
            }
            if (unseen_took(q, lane, gone))
                continue;
            trust_refute(&q->trust, gone.source);
            l->gone[l->gone_count++ % QUEUE_GONE_MAX] =
                (struct queue_gone){gone.seen_s, gone.from_m, gone.source};
        }
    }
}
