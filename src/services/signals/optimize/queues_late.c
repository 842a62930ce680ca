#include "services/signals/optimize/queues_inside.h"

#define SLOW_S 2.0      /* before he is late, he may stand in the queue beside */
#define FOLLOW_S 2.2    /* from one in a queue to the next */
#define GRACE_S 1.0     /* at the first loop of a lane, for who changes to it there */
#define MEETS 0.8       /* of all who come: enough to take a loop's silence for an absence */
#define MEETS_STEP 0.05 /* of that share, for one who came */
#define LATE_S 0.5      /* a vehicle this late that the free stop loop does not show is elsewhere */

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

/* The farthest of the loops before the line that one may come over who was seen at `from_m`. */
static uint32_t
next_m(const struct signals_model *m, uint32_t lane, uint32_t from_m)
{
    uint32_t next = 0;
    for (uint32_t j = 0; j < m->loops_count; j++) {
        uint32_t at_m = m->loops[j].distance_m;
        if (at_m < from_m && at_m > next && signals_leads_to(&m->loops[j], lane))
            next = at_m;
    }
    return next;
}

/* Does each loop on all lanes of that place show who comes there? */
static bool
shows(const struct queues *q, uint32_t lane, uint32_t at_m, double now_s)
{
    for (uint32_t j = 0; j < q->model->loops_count; j++) {
        const struct signals_source *s = &q->model->loops[j];
        if (s->distance_m == at_m && signals_leads_to(s, lane) &&
            (spill_covered(&q->spill, j) || !blind_sees(&q->blind, s->lanes[0], now_s)))
            return false;
    }
    return true;
}

/* The streets between are not known, so which loops his source's vehicles come over is learned. */
void
late_learn(struct queues *q, uint32_t source, uint32_t lane, uint32_t from_m, uint32_t loop)
{
    if (source >= QUEUE_SOURCES_MAX)
        return;
    bool first = q->model->loops[loop].distance_m >= next_m(q->model, lane, from_m);
    q->met[source] += MEETS_STEP * ((first ? 1 : 0) - q->met[source]);
}

/* By how much somebody is late at the next loop, if nearly all come over it, before his lane. */
static double
late_at_next(const struct queues *q, uint32_t lane, const struct queue_vehicle *v, double now_s)
{
    if (v->source >= QUEUE_SOURCES_MAX || q->met[v->source] < MEETS)
        return -LATE_GONE_S;
    uint32_t at_m = next_m(q->model, lane, v->from_m);
    if (at_m <= q->lanes[lane].inner_m || !shows(q, lane, at_m, now_s))
        return -LATE_GONE_S;
    return late_by(v, now_s + (double)at_m / queue_speed(q->model, lane)) - GRACE_S;
}

static double
larger(double a, double b)
{
    return a > b ? a : b;
}

/*
 * By how much he is late where he is latest; if he is, *at_m is the nearest loop before the line
 * that he should have come over by now.
 */
static double
latest(const struct queues *q, uint32_t lane, int32_t first, const struct queue_vehicle *v,
       double now_s, uint32_t *at_m)
{
    uint32_t inner_m = q->lanes[lane].inner_m;
    double rest = (double)inner_m / queue_speed(q->model, lane);
    double at_inner = v->from_m > inner_m ? late_by(v, now_s + rest) : -LATE_GONE_S;
    double at_first = late_at_first(q, lane, first, v, now_s);
    double late = larger(larger(at_inner, at_first), late_at_next(q, lane, v, now_s));
    if (at_inner > 0)
        *at_m = inner_m;
    else if (at_first > 0)
        *at_m = q->model->loops[first].distance_m;
    else if (late > 0)
        *at_m = next_m(q->model, lane, v->from_m);
    return late;
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
        int32_t full = full_lane(q, lane);
        int32_t first = signals_next_loop(m, lane, m->lane_m[lane] + 1U); /* of its own */
        for (uint32_t i = 0; i < l->count;) {
            const struct queue_vehicle *v = &l->v[i];
            uint32_t at_m = l->inner_m;
            double late = latest(q, lane, first, v, now_s, &at_m);
            bool word = blind && v->source >= m->loops_count;
            if (word || full == (int32_t)lane || late <= (full >= 0 ? -SLOW_S : 0)) {
                i++;
                continue;
            }
            if (full < 0 && lost_passed(q, lane, v, at_m, now_s)) {
                l->v[i].from_m = (uint16_t)at_m;
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
