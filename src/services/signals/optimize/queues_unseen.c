#include "services/signals/optimize/queues_inside.h"

#define FOUND_LEAST 10      /* claims of a source, */
#define FOUND_SHARE 0.9     /* of which so many were found: nobody is missing */
#define MISSING_LEAST 2.0   /* vehicles that may be late instead */
#define BLIND_HEADWAY_S 2.0 /* a queue that nobody sees leaves so, */
#define BLIND_YIELDS_S 1.5  /* and who yields needs so much more */

bool
unseen_took(struct queues *q, uint32_t lane, struct queue_vehicle v)
{
    struct queue_lane *l = &q->lanes[lane];
    l->missing += 1;
    for (uint32_t s = 0; s < q->model->lanes_count && l->missing > MISSING_LEAST; s++) {
        if (!(l->siblings >> s & 1) || !blind_is(&q->blind, s) ||
            q->lanes[s].count >= q->lanes[s].holds)
            continue;
        l->missing -= 1;
        queue_insert(&q->lanes[s], v);
        blind_seen(&q->blind, s);
        shares_learn_lane(q, v.source, s);
        return true;
    }
    return false;
}

void
unseen_fewer(struct queue_lane *l)
{
    l->missing = l->missing > -MISSING_LEAST ? l->missing - 1 : l->missing;
}

/*
 * Who was said to come to the lanes here, by its own loop up the street or by a neighbour, was seen
 * on one of them: nobody is missing.
 */
static bool
all_found(const struct queues *q, uint32_t lane)
{
    for (uint32_t i = 0; i < q->model->loops_count + q->model->feeders_count; i++) {
        const struct signals_source *s = queue_source(q->model, i);
        const struct trust_source *t = &q->trust.sources[i];
        if (t->claims < FOUND_LEAST || t->confirmed < FOUND_SHARE)
            continue;
        uint32_t reach = i < q->model->loops_count ? 1 : s->lanes_count;
        for (uint32_t k = 0; k < reach; k++) {
            if (s->lanes[k] == lane)
                return true;
        }
    }
    return false;
}

/* A queue on a lane of its street reaches back to where one would change to this one. */
static bool
held(const struct queues *q, uint32_t lane)
{
    uint64_t street = q->lanes[lane].siblings | 1ULL << lane;
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        if ((street >> l & 1) && (q->lanes[l].held || late_is_full(&q->lanes[l])))
            return true;
    }
    return false;
}

void
unseen_find(struct queues *q, const struct signals_reading *r, double now_s)
{
    struct blind_light lights[SIGNALS_LANES_MAX];
    for (uint32_t l = 0; l < q->model->lanes_count; l++)
        lights[l] = (struct blind_light){.red = q->phase >= 0 && !lights_green(q, l),
                                         .green = lights_green(q, l),
                                         .free_way = lights_free_way(q, l),
                                         .full = lights_full_exit(q, l),
                                         .held = held(q, l),
                                         .all_found = all_found(q, l)};
    blind_hear(&q->blind, r, lights, now_s);
}

void
unseen_imagine(struct queues *q, uint32_t lane, double seconds, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    for (uint32_t n = blind_came(&q->blind, lane, seconds); n > 0; n--) {
        if (l->count < l->holds)
            queue_insert(l, queue_found(now_s));
    }
    while (l->stands && l->count < queue_fit(l->inner_m) && l->count < l->holds)
        queue_insert(l, queue_found(now_s));
    if (!l->green || now_s < l->green_since_s + l->flow.start_s)
        return;
    double every = BLIND_HEADWAY_S + BLIND_YIELDS_S * lights_yielding(q, lane);
    if (l->count > 0 && l->v[0].eta_s <= now_s && now_s - l->departed_s >= every) {
        q->departed[shares_guess_link(
            q, lane, queue_pull(l, 0).link)]++; /* nobody saw it: no claim is confirmed */
        l->departed_s = l->served_s = now_s;
    } else if (l->count == 0) {
        blind_served(&q->blind, lane, QUEUE_VEHICLES_MAX);
        l->served_s = now_s;
    }
}

void
unseen_doubt(struct queues *q, uint32_t lane, double seconds, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (l->green && now_s >= l->green_since_s + l->flow.start_s)
        blind_served(&q->blind, lane, seconds / BLIND_HEADWAY_S);
}
