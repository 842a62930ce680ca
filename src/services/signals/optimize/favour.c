#include "services/signals/optimize/favour.h"

enum err
favour_hear(struct favour *f, const struct favour_call *call, double now_s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->calls[i].until_s > now_s && f->calls[i].lane != call->lane)
            f->calls[kept++] = f->calls[i];
    }
    f->count = kept;
    if (kept == FAVOUR_CALLS_MAX)
        return ERR_LIMIT;
    f->calls[f->count] = *call;
    if (call->weight > FAVOUR_WEIGHT_MAX)
        f->calls[f->count].weight = FAVOUR_WEIGHT_MAX;
    f->count++;
    return OK;
}

/* The vehicle that is expected nearest to that time, if it is near enough; else count. */
static uint32_t
nearest(const struct search_lane *l, double eta_s)
{
    uint32_t best = l->count;
    double least = FAVOUR_MATCH_S;
    for (uint32_t i = 0; i < l->count; i++) {
        double off = l->eta_s[i] > eta_s ? l->eta_s[i] - eta_s : eta_s - l->eta_s[i];
        if (off < least) {
            least = off;
            best = i;
        }
    }
    return best;
}

/* One more vehicle, where its time puts it; it goes where the one behind or before it goes. */
static uint32_t
insert(struct search_problem *p, uint32_t lane, double eta_s)
{
    struct search_lane *l = &p->lanes[lane];
    if (l->count == SEARCH_VEHICLES_MAX)
        return l->count - 1;
    uint32_t at = search_make_room(p, lane, eta_s);
    l->weight[at] = 0;
    l->elsewhere[at] = 0;
    uint32_t link = 0;
    while (link + 1 < p->model->links_count && p->model->link_lane[link] != lane)
        link++;
    for (uint32_t c = 0; c < p->scenarios; c++)
        l->link[c][at] = (uint8_t)link;
    return at;
}

void
favour_fill(const struct favour *f, struct search_problem *p, double now_s)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const struct favour_call *call = &f->calls[i];
        if (call->until_s <= now_s || call->lane >= p->model->lanes_count)
            continue;
        double eta = call->eta_s > now_s ? call->eta_s - now_s : 0;
        struct search_lane *l = &p->lanes[call->lane];
        uint32_t at = nearest(l, eta);
        if (at == l->count)
            at = insert(p, call->lane, eta);
        l->weight[at] += call->weight;
    }
}
