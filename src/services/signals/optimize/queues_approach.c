#include "services/signals/optimize/queues_inside.h"

#define PACE_STEP 0.1 /* of what an unhindered vehicle shows */
#define PACE_LEAST 0.9
#define PACE_MOST 2.0
#define PACE_GAP_S 3.0 /* nobody crossed the line for so long before it */
#define BESIDE_S 3.0   /* on his own lane one is sooner expected than from the next one */
#define MATCH_S 15.0   /* two loops saw the same one if the times fit so well */

double
approach_travel(const struct queues *q, uint32_t source, uint32_t lane)
{
    double m = (double)queue_source(q->model, source)->distance_m;
    return m / queue_speed(q->model, lane) * q->pace[source];
}

void
approach_learn_pace(struct queues *q, const struct queue_vehicle *v, uint32_t lane, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (v->source >= q->model->loops_count + q->model->feeders_count || v->from_m == 0)
        return;
    double free_way = (double)v->from_m / queue_speed(q->model, lane);
    bool unhindered = l->green && now_s - l->departed_s >= PACE_GAP_S && !l->on &&
                      now_s - l->green_since_s >= free_way * PACE_MOST;
    if (!unhindered)
        return;
    double pace = (now_s - 0.5 - v->seen_s) / free_way;
    pace = pace < PACE_LEAST ? PACE_LEAST : pace > PACE_MOST ? PACE_MOST : pace;
    q->pace[v->source] += PACE_STEP * (pace - q->pace[v->source]);
}

static void
enter(struct queues *q, uint32_t source, double at_s)
{
    const struct signals_source *s = queue_source(q->model, source);
    if (!trust_claim(&q->trust, source, at_s))
        return;
    uint32_t lane =
        shares_settled(q, source)
            ? s->lanes[0]
            : s->lanes[shares_draw(q->reach[source], q->credit[source], s->lanes_count)];
    if (q->lanes[lane].count >= q->lanes[lane].holds)
        return;
    blind_seen(&q->blind, lane);
    double eta = at_s + approach_travel(q, source, lane);
    struct queue_vehicle v = {.eta_s = eta,
                              .due_s = eta,
                              .seen_s = at_s,
                              .from_m = s->distance_m,
                              .source = (uint8_t)source,
                              .link = -1};
    queue_insert(&q->lanes[lane], v);
}

/* The one that was announced or seen farther out, if there is one that fits: the first in line. */
static bool
confirm(struct queues *q, uint32_t loop, double at_s)
{
    const struct signals_source *s = &q->model->loops[loop];
    struct queue_lane *found = NULL;
    uint32_t at = 0;
    double first = at_s + MATCH_S;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        struct queue_lane *l = &q->lanes[s->lanes[i]];
        double rest = approach_travel(q, loop, s->lanes[i]) + (i > 0 ? BESIDE_S : 0);
        for (uint32_t k = 0; k < l->count; k++) {
            double due = l->v[k].due_s - rest + (i > 0 ? 2 * BESIDE_S : 0);
            if (l->v[k].from_m <= s->distance_m || due >= first)
                continue;
            found = l;
            at = k;
            first = due;
        }
    }
    if (!found)
        return false;
    struct queue_vehicle v = queue_pull(found, at);
    if (shares_settled(q, loop))
        shares_learn_lane(q, v.source, s->lanes[0]);
    else
        trust_confirm(&q->trust, v.source);
    enter(q, loop, at_s);
    return true;
}

void
approach_pass(struct queues *q, uint32_t loop, double at_s)
{
    if (blind_lies(&q->blind, q->model->loops[loop].lanes[0]))
        return;
    if (confirm(q, loop, at_s))
        return;
    unseen_fewer(&q->lanes[q->model->loops[loop].lanes[0]]);
    enter(q, loop, at_s);
}

void
queues_coming(struct queues *q, uint32_t feeder, double now_s)
{
    enter(q, q->model->loops_count + feeder, now_s);
}
