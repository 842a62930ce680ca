#include "services/signals/optimize/queues_inside.h"

#define SEEN_THERE_S 4.0 /* who was seen on another lane is less likely here */
#define SOON_S 6.0       /* who departs was expected within this */
#define PROOF_GREEN_S 2.0
#define TAIL_S 1.5 /* whose tail it is, his loop is occupied again this soon after he crossed */

/* One on the list of another lane. */
struct stray {
    struct queue_lane *lane; /* NULL: none */
    uint32_t at;
};

/*
 * Somebody is on this lane whom its list does not have: most likely one who was expected on the
 * lane beside it and was not seen there by its last loop yet.
 */
static struct stray
find_stray(struct queues *q, uint32_t lane, double now_s)
{
    struct stray found = {0};
    double first = now_s + SOON_S;
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        struct queue_lane *s = &q->lanes[l];
        if (!(q->lanes[lane].siblings >> l & 1))
            continue;
        for (uint32_t i = 0; i < s->count && s->v[i].eta_s < first; i++) {
            bool seen_there = s->v[i].from_m <= s->inner_m || (i == 0 && s->on);
            double eta = s->v[i].eta_s + (seen_there ? SEEN_THERE_S : 0);
            if (eta >= first)
                continue;
            first = eta;
            found = (struct stray){s, i};
        }
    }
    return found;
}

void
line_depart(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    int8_t link = -1;
    if (l->count > 0 && l->v[0].eta_s <= now_s + SOON_S) {
        struct queue_vehicle v = queue_pull(l, 0);
        shares_learn_lane(q, v.source, lane);
        pace_learn_departed(q, &v, lane, now_s);
        link = v.link;
    } else {
        struct stray stray = find_stray(q, lane, now_s);
        if (stray.lane)
            shares_learn_lane(q, queue_pull(stray.lane, stray.at).source, lane);
    }
    l->left_by = (uint8_t)shares_guess_link(q, lane, link);
    q->departed[l->left_by]++;
    l->departed_s = l->served_s = now_s;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane)
            q->proof[k] = 0;
    }
}

/*
 * Who left last gives way, and the loop was not free since: he waits for a gap in the junction, his
 * tail on it (Q6).
 */
static bool
is_tail(const struct queues *q, uint32_t lane)
{
    const struct queue_lane *l = &q->lanes[lane];
    return l->busy_since_s - l->departed_s <= TAIL_S && lights_gives_way(q, l->left_by);
}

void
line_present(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    if (l->count > 0 && l->v[0].eta_s <= now_s + SOON_S) {
        if (l->v[0].eta_s > now_s)
            l->v[0].eta_s = now_s;
        return;
    }
    if (is_tail(q, lane))
        return;
    struct queue_vehicle v = queue_found(now_s);
    struct stray stray = find_stray(q, lane, now_s);
    if (stray.lane) {
        v = queue_pull(stray.lane, stray.at);
        shares_learn_lane(q, v.source, lane);
    }
    v.eta_s = v.due_s = now_s;
    v.from_m = 0;
    queue_insert(l, v);
}

/* For how long nobody was on the stop loop or crossed the line: the loop is read once a second. */
static double
free_for(const struct queue_lane *l, double now_s)
{
    return now_s - (l->free_since_s > l->departed_s ? l->free_since_s : l->departed_s);
}

/* In his own green he would be here at once; else he may only be slow. */
static bool
is_gone(const struct queue_lane *l, bool served, double now_s)
{
    const struct queue_vehicle *v = &l->v[0];
    if (served && (l->inner_m == 0 || v->from_m <= l->inner_m))
        return now_s > v->eta_s + 1 + v->slack_s;
    return late_by(v, now_s) > LATE_GONE_S;
}

void
line_absent(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    double free_s = free_for(l, now_s);
    if (l->held || free_s < QUEUE_EMPTY_S)
        return;
    bool served = l->green && now_s - l->green_since_s >= QUEUE_EMPTY_S;
    while (l->count > 0 && is_gone(l, served, now_s)) {
        struct queue_vehicle v = queue_pull(l, 0);
        uint32_t to = lane;
        for (uint32_t s = 0; s < q->model->lanes_count && to == lane; s++) {
            const struct queue_lane *o = &q->lanes[s];
            if ((l->siblings >> s & 1) && o->on && !o->green)
                to = s;
        }
        if (to != lane && v.from_m > 0) {
            v.from_m = 0; /* moved once only */
            queue_insert(&q->lanes[to], v);
        } else {
            trust_refute(&q->trust, v.source);
        }
    }
}

void
line_watch(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    if (!l->on || !l->green || now_s - l->green_since_s < PROOF_GREEN_S)
        return;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && lights_shown(q, k) != LIGHT_RED)
            q->proof[k] += lights_gives_way(q, k) ? 0.25 : 1.0;
    }
}
