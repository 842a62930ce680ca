#include "services/signals/optimize/queues.h"
#include "services/signals/optimize/queues_inside.h"

#define SLOW_PRIOR 1.2     /* nearly all need no more than this, in the time at the speed limit */
#define QUEUE_RATE_S 180.0 /* time constant of the arrival rate */
#define FREE_LOOP_S 1.0    /* nobody is at the line before that */
/* Who is on a lane to the line stays there until the counts say otherwise; before it one may
 * change. */
#define OWN_LANE 30.0
#define OWN_STREET 3.0

double
queue_speed(const struct signals_model *m, uint32_t lane)
{
    return (double)m->lane_kmh[lane] / 3.6;
}

const struct signals_source *
queue_source(const struct signals_model *m, uint32_t source)
{
    return source < m->loops_count ? &m->loops[source] : &m->feeders[source - m->loops_count];
}

bool
queue_is_own(const struct signals_model *m, const struct signals_source *loop)
{
    return loop->distance_m <= m->lane_m[loop->lanes[0]];
}

void
queue_insert(struct queue_lane *l, struct queue_vehicle v)
{
    if (l->count == QUEUE_VEHICLES_MAX)
        return;
    uint32_t at = l->count++;
    while (at > 0 && l->v[at - 1].eta_s > v.eta_s) {
        l->v[at] = l->v[at - 1];
        at--;
    }
    l->v[at] = v;
}

struct queue_vehicle
queue_pull(struct queue_lane *l, uint32_t at)
{
    struct queue_vehicle v = l->v[at];
    l->count--;
    memmove(&l->v[at], &l->v[at + 1], (l->count - at) * sizeof(l->v[0]));
    return v;
}

struct queue_vehicle
queue_found(double now_s)
{
    return (struct queue_vehicle){
        .eta_s = now_s, .due_s = now_s, .seen_s = now_s, .source = QUEUE_SOURCES_MAX, .link = -1};
}

uint32_t
queue_fit(uint32_t distance_m)
{
    double n = (double)distance_m / QUEUE_VEHICLE_M + 1;
    return n < QUEUE_VEHICLES_MAX ? (uint32_t)n : QUEUE_VEHICLES_MAX;
}

static void
holds(struct queue_lane *l, uint32_t distance_m)
{
    uint32_t most = queue_fit(distance_m);
    l->holds = most > l->holds ? most : l->holds;
}

void
queues_believe(struct queues *q)
{
    q->trust.off = q->blind.off = true;
}

/* Before anything is known: for how many vehicles the lane goes on that a loop lies on. */
static double
own_share(const struct signals_model *m, const struct signals_source *loop)
{
    return queue_is_own(m, loop) ? OWN_LANE : OWN_STREET;
}

void
queues_init(struct queues *q, const struct signals_model *m, double now_s)
{
    uint64_t siblings[SIGNALS_LANES_MAX];
    *q = (struct queues){.model = m, .phase = -1, .heard_s = now_s};
    for (uint32_t i = 0; i < m->loops_count + m->feeders_count; i++) {
        const struct signals_source *s = queue_source(m, i);
        uint64_t mask = 0;
        q->pace[i] = 1;
        q->slow[i] = SLOW_PRIOR;
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            q->reach[i][k] = k == 0 && i < m->loops_count ? own_share(m, s) : 1.0;
            mask |= 1ULL << s->lanes[k];
        }
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            struct queue_lane *lane = &q->lanes[s->lanes[k]];
            lane->siblings |= mask & ~(1ULL << s->lanes[k]);
            holds(lane, s->distance_m);
        }
    }
    for (uint32_t j = 0; j < m->loops_count; j++) {
        struct queue_lane *lane = &q->lanes[m->loops[j].lanes[0]];
        if (lane->inner_m == 0 || m->loops[j].distance_m < lane->inner_m)
            lane->inner_m = m->loops[j].distance_m;
    }
    for (uint32_t k = 0; k < m->links_count; k++)
        q->turn[k] = signals_usual_turns(m->link_turn[k]);
    q->green_phase = -1;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        struct queue_lane *lane = &q->lanes[l];
        lane->served_s = lane->free_since_s = lane->busy_since_s = now_s;
        lane->departed_s = now_s - QUEUE_PATIENCE_S;
        flow_init(&lane->flow);
        siblings[l] = lane->siblings;
        holds(lane, m->lane_m[l]);
    }
    trust_init(&q->trust, false, now_s);
    blind_init(&q->blind, m, siblings, false, now_s);
    spill_init(&q->spill);
}

static void
hear_lane(struct queues *q, const struct signals_reading *r, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    bool green = lights_green(q, lane);
    if (green && !l->green)
        l->green_since_s = now_s - 1;
    l->green = green;
    l->left = green ? l->left + r->stop[lane] : 0;
    if ((r->stop_on[lane] && r->stop[lane] == 0 && !blind_is(&q->blind, lane)) != l->on) {
        l->on = !l->on;
        *(l->on ? &l->busy_since_s : &l->free_since_s) = now_s;
    }
    if (!l->on && l->count == 0)
        l->served_s = now_s;
}

static void
hear_walk(struct queues *q, const struct signals_reading *r, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    bool walking = lights_green(q, lane) && !q->leaves;
    if (r->stop_on[lane] && !walking && l->count == 0)
        queue_insert(l, queue_found(now_s));
    if (walking || !r->stop_on[lane])
        l->count = 0;
    if (walking || l->count == 0)
        l->served_s = now_s;
}

uint32_t
queue_by(const struct queues *q, uint32_t lane, double by_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    uint32_t n = 0;
    while (n < l->count && l->v[n].eta_s <= by_s)
        n++;
    return n;
}

static void
judge(struct queues *q, const struct signals_reading *r, uint32_t lane, bool cars, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    double since = l->green_since_s > l->departed_s ? l->green_since_s : l->departed_s;
    /* A loop's claims end by themselves; only cameras' are judged by who is not there. */
    double free_s = cars ? now_s - l->free_since_s : 0;
    struct trust_second s = {.green = l->green,
                             .free_way = lights_free_way(q, lane),
                             .on = l->on,
                             .free_s = free_s,
                             .idle_s = now_s - since,
                             .departed = r->stop[lane],
                             .claims = queues_standing(q, lane, now_s)};
    trust_hear_lane(&q->trust, lane, &s, now_s);
}

static void
hear_rates(struct queues *q, const struct signals_reading *r, double seconds)
{
    const struct signals_model *m = q->model;
    uint32_t came[SIGNALS_LANES_MAX] = {0};
    double keep = seconds < QUEUE_RATE_S ? seconds / QUEUE_RATE_S : 1;
    for (uint32_t l = 0; l < m->lanes_count; l++)
        came[l] = r->stop[l];
    for (uint32_t l = 0; l < m->lanes_count; l++)
        q->lanes[l].per_s += keep * ((double)came[l] / seconds - q->lanes[l].per_s);
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (blind_is(&q->blind, l))
            q->lanes[l].per_s = blind_rate(&q->blind, l);
    }
}

/* Where queues reach over loops. */
static void
find_covered(struct queues *q)
{
    const struct signals_model *m = q->model;
    for (uint32_t l = 0; l < m->lanes_count; l++)
        q->lanes[l].held = false;
    for (uint32_t j = 0; j < m->loops_count; j++) {
        const struct signals_source *s = &m->loops[j];
        struct queue_lane *own = &q->lanes[s->lanes[0]];
        bool covered = spill_covered(&q->spill, j);
        if (s->distance_m == own->inner_m) {
            own->covered = covered;
            own->stands = queue_is_own(m, s) && q->spill.stands[j];
        }
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            if (s->distance_m > m->lane_m[s->lanes[k]])
                q->lanes[s->lanes[k]].held |= covered;
        }
    }
}

void
queues_hear(struct queues *q, const struct signals_reading *r, bool loops_only, double now_s)
{
    const struct signals_model *m = q->model;
    double seconds = now_s > q->heard_s + 1 ? now_s - q->heard_s : 1;
    bool cars = r->has_cars && !loops_only;
    lost_hear(q, now_s);
    q->sees = cars;
    memset(q->departed, 0, sizeof(q->departed));
    q->phase = r->phase;
    q->leaves = r->leaves;
    q->green_phase = r->phase >= 0 ? r->phase : q->green_phase;
    hear_rates(q, r, seconds);
    unseen_find(q, r, now_s);
    spill_hear(&q->spill, m, r);
    if (!cars)
        lost_depart(q, r, now_s);
    for (uint32_t l = 0; l < m->lanes_count; l++)
        hear_lane(q, r, l, now_s);
    find_covered(q);
    for (uint32_t j = 0; j < m->loops_count && !cars; j++) {
        for (uint32_t n = 0; n < r->advance[j]; n++)
            approach_pass(q, j, now_s - 0.5);
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (m->lane_kind[l] == LANE_WALK) {
            hear_walk(q, r, l, now_s);
            continue;
        }
        if (blind_is(&q->blind, l)) {
            if (!cars)
                unseen_imagine(q, l, seconds, now_s);
            continue;
        }
        unseen_doubt(q, l, seconds, now_s);
        for (uint32_t n = 0; n < r->stop[l]; n++)
            line_depart(q, l, now_s);
        if (!cars && r->stop_on[l] && r->stop[l] == 0)
            line_present(q, l, now_s);
        line_watch(q, l, now_s);
        stuck_watch(q, l, now_s);
        flow_second(&q->lanes[l].flow, lights_protected(q, l), r->stop[l], queue_by(q, l, now_s),
                    now_s);
    }
    for (uint32_t l = 0; l < m->lanes_count && !cars; l++)
        late_follow(q, l, r->stop[l] > 0, now_s);
    for (uint32_t l = 0; l < m->lanes_count && !cars; l++) {
        if (m->lane_kind[l] == LANE_VEHICLES && !r->stop_on[l] && !blind_is(&q->blind, l))
            line_absent(q, l, now_s);
    }
    if (cars)
        cameras_hear(q, r, now_s);
    else
        late_drop(q, now_s);
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (m->lane_kind[l] == LANE_VEHICLES && !blind_is(&q->blind, l))
            judge(q, r, l, cars, now_s);
    }
    q->heard_s = now_s;
}

/* Etas as they can be, in order. */
double
queue_eta(const struct queues *q, uint32_t lane, uint32_t at, double before_s, double now_s)
{
    const struct queue_vehicle *v = &q->lanes[lane].v[at];
    double eta = v->eta_s, least = q->sees || q->lanes[lane].on ? now_s : now_s + FREE_LOOP_S;
    least = least > before_s ? least : before_s;
    return eta > least ? eta : least;
}

uint32_t
queues_standing(const struct queues *q, uint32_t lane, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    uint32_t n = 0;
    double eta = now_s;
    for (; n < l->count; n++) {
        eta = queue_eta(q, lane, n, eta, now_s);
        if (eta > now_s)
            break;
    }
    return n;
}

double
queue_believed(const struct queues *q, uint32_t lane, uint32_t at)
{
    const struct queue_lane *l = &q->lanes[lane];
    bool real = at == 0 && l->on;
    return real ? 1 : trust_source(&q->trust, l->v[at].source) * trust_lane(&q->trust, lane);
}

double
queues_standing_weight(const struct queues *q, uint32_t lane, double now_s)
{
    double sum = 0;
    uint32_t n = queues_standing(q, lane, now_s);
    for (uint32_t i = 0; i < n; i++)
        sum += queue_believed(q, lane, i);
    return n == 0 && blind_is(&q->blind, lane) ? sum + blind_doubt(&q->blind, lane) : sum;
}

double
queues_trust(const struct queues *q, uint32_t lane)
{
    double least = 1;
    bool loops = false;
    for (uint32_t i = 0; i < q->model->loops_count + q->model->feeders_count; i++) {
        const struct signals_source *s = queue_source(q->model, i);
        if (s->lanes[0] != lane || (loops && i >= q->model->loops_count))
            continue;
        loops = true;
        double t = trust_source(&q->trust, i);
        least = t < least ? t : least;
    }
    return least * trust_lane(&q->trust, lane);
}
