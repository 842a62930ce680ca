#include "services/signals/optimize/queues_inside.h"

#define STEP 0.1 /* smaller ones learn too late, larger ones gain nothing */
#define LEAST 0.9
#define MOST 4.0 /* one who starts from a stop needs three times as long as at the limit */
#define HALF 0.5
#define NEARLY_ALL 0.9
#define GAP_S 3.0      /* nobody crossed the line for so long before him, */
#define GREEN_WAYS 2.0 /* and it was green for so many times his way */
#define READ_S 0.5     /* a loop is read once a second */

/* From there to the next place at the speed limit. */
static double
free_way(const struct queues *q, uint32_t from_m, uint32_t lane)
{
    int32_t next = signals_next_loop(q->model, lane, from_m);
    double to_m = next < 0 ? 0 : (double)q->model->loops[next].distance_m;
    return ((double)from_m - to_m) / queue_speed(q->model, lane);
}

double
pace_travel(const struct queues *q, uint32_t source, uint32_t lane)
{
    double sum = 0;
    for (int32_t at = (int32_t)source; at >= 0;) {
        uint32_t from_m = queue_source(q->model, (uint32_t)at)->distance_m;
        sum += free_way(q, from_m, lane) * q->pace[at];
        at = signals_next_loop(q->model, lane, from_m);
    }
    return sum;
}

/* A quantile of what is seen: so many samples lie below it. */
static void
track(double *quantile, double sample, double share)
{
    double x = *quantile + STEP * (sample > *quantile ? share : share - 1);
    *quantile = x < LEAST ? LEAST : x > MOST ? MOST : x;
}

static void
learn(struct queues *q, uint32_t source, double took_s, double free_s)
{
    track(&q->pace[source], took_s / free_s, HALF);
    track(&q->slow[source], took_s / free_s, NEARLY_ALL);
}

/* From there to a loop on this way, at the speed limit. */
static double
free_way_to(const struct queues *q, uint32_t from_m, uint32_t loop)
{
    const struct signals_source *s = &q->model->loops[loop];
    return ((double)from_m - (double)s->distance_m) / queue_speed(q->model, s->lanes[0]);
}

bool
pace_fits(const struct queues *q, uint32_t from_m, uint32_t loop, double took_s)
{
    double free_s = free_way_to(q, from_m, loop);
    return free_s > 0 && took_s <= free_s * MOST + READ_S;
}

void
pace_learn(struct queues *q, uint32_t source, uint32_t from_m, uint32_t loop, double took_s)
{
    double free_s = free_way_to(q, from_m, loop);
    if (free_s > 0)
        learn(q, source, took_s, free_s);
}

double
pace_slack(const struct queues *q, uint32_t source, uint32_t lane)
{
    double slack = q->slow[source] - q->pace[source];
    return slack > 0 ? slack * free_way(q, queue_source(q->model, source)->distance_m, lane) : 0;
}

void
pace_learn_departed(struct queues *q, const struct queue_vehicle *v, uint32_t lane, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (v->source >= q->model->loops_count + q->model->feeders_count || v->from_m == 0 ||
        signals_next_loop(q->model, lane, v->from_m) >= 0)
        return;
    double free_s = free_way(q, v->from_m, lane);
    bool unhindered = l->green && now_s - l->departed_s >= GAP_S && !l->on &&
                      now_s - l->green_since_s >= free_s * GREEN_WAYS;
    if (unhindered)
        learn(q, v->source, now_s - READ_S - v->seen_s, free_s);
}
