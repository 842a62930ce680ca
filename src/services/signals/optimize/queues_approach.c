#include "services/signals/optimize/queues_inside.h"

#define BESIDE_S 3.0 /* on his own lane one is sooner expected than from the next one */
#define LONG_AGO_S (-1e9)
#define MATCH_S 15.0 /* two loops saw the same one if the times fit so well */

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
    double eta = at_s + pace_travel(q, source, lane);
    struct queue_vehicle v = {.eta_s = eta,
                              .due_s = eta,
                              .seen_s = at_s,
                              .slack_s = pace_slack(q, source, lane),
                              .from_m = s->distance_m,
                              .source = (uint8_t)source,
                              .link = -1};
    queue_insert(&q->lanes[lane], v);
}

/* Whom `source` claimed came over this loop. */
static void
came_over(struct queues *q, uint32_t source, uint32_t loop)
{
    if (shares_settled(q, loop))
        shares_learn_lane(q, source, q->model->loops[loop].lanes[0]);
    else
        trust_confirm(&q->trust, source);
}

/* Nobody was expected: perhaps it is one who was given up too early. */
static void
came_late(struct queues *q, uint32_t loop, double at_s)
{
    const struct signals_source *s = &q->model->loops[loop];
    struct queue_gone *found = NULL;
    uint32_t lane = 0;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        struct queue_lane *l = &q->lanes[s->lanes[i]];
        for (uint32_t k = 0; k < QUEUE_GONE_MAX && k < l->gone_count; k++) {
            struct queue_gone *g = &l->gone[k];
            if (!pace_fits(q, g->from_m, loop, at_s - g->seen_s) ||
                (found && g->seen_s >= found->seen_s))
                continue;
            found = g;
            lane = s->lanes[i];
        }
    }
    if (!found)
        return;
    late_learn(q, found->source, lane, found->from_m, loop);
    pace_learn(q, found->source, found->from_m, loop, at_s - found->seen_s);
    came_over(q, found->source, loop);
    found->seen_s = LONG_AGO_S;
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
        double rest = pace_travel(q, loop, s->lanes[i]) + (i > 0 ? BESIDE_S : 0);
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
    late_learn(q, v.source, (uint32_t)(found - q->lanes), v.from_m, loop);
    if (!late_is_full(found))
        pace_learn(q, v.source, v.from_m, loop, at_s - v.seen_s);
    came_over(q, v.source, loop);
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
    came_late(q, loop, at_s);
    unseen_fewer(&q->lanes[q->model->loops[loop].lanes[0]]);
    enter(q, loop, at_s);
}

void
queues_coming(struct queues *q, uint32_t feeder, double now_s)
{
    enter(q, q->model->loops_count + feeder, now_s);
}
