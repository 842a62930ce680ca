#include "services/signals/optimize/queues_inside.h"

bool
intended_find(const struct queues *q, uint32_t lane, const struct intents_source *sources,
              double now_s, struct intended *out)
{
    *out = (struct intended){.until_s = SEARCH_HORIZON_S};
    bool found = false;
    for (uint32_t f = 0; f < q->model->feeders_count; f++) {
        const struct signals_source *s = &q->model->feeders[f];
        const struct intents *of = sources[f].of;
        const double *reach = q->reach[q->model->loops_count + f];
        double all = 0, mine = 0;
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            all += reach[k];
            mine += s->lanes[k] == lane ? reach[k] : 0;
        }
        if (mine <= 0 || !of || !of->made || now_s > of->made_s + INTENTS_STALE_S)
            continue;
        found = true;
        /* Whoever crossed the line already was announced. */
        double travel_s = QUEUE_CROSS_S + pace_travel(q, q->model->loops_count + f, lane);
        for (uint32_t t = 0; t < SEARCH_HORIZON_S; t++) {
            double at = of->made_s + (double)t + 0.5, eta = at + travel_s - now_s;
            if (at >= now_s && eta < SEARCH_HORIZON_S)
                out->count[(uint32_t)eta] += mine / all * (double)of->count[sources[f].exit][t];
        }
        double until = of->made_s + SEARCH_HORIZON_S + travel_s - now_s;
        out->until_s = until < out->until_s ? until : out->until_s;
    }
    return found;
}
