#include "services/signals/optimize/queues.h"

#define QUEUE_RATE_S 180.0 /* time constant of the arrival rate */
#define PACE_STEP 0.1      /* of what an unhindered vehicle shows */
#define PACE_LEAST 0.9
#define PACE_MOST 2.0
#define PACE_GAP_S 3.0   /* nobody crossed the line for so long before it */
#define LATE_SHARE 0.2   /* of its travel time a vehicle may take longer, and */
#define FREE_LOOP_S 1.0  /* nobody is at the line before that */
#define NEAR_M 60        /* before the line: who is here changes lanes no more */
#define SEEN_THERE_S 4.0 /* who was seen on another lane is less likely here */
#define SLOW_S 2.0       /* before he is late, he may stand in the queue beside */
#define FOLLOW_S 2.2     /* from one in a queue to the next */
#define BESIDE_S 3.0     /* on his own lane one is sooner expected than from the next one */
#define GONE_S 12.0      /* who is so much later is elsewhere */
#define LATE_S 0.5   /* a vehicle this late that the free stop loop does not show is elsewhere */
#define MATCH_S 15.0 /* two loops saw the same one if the times fit so well */
#define SOON_S 6.0   /* who departs was expected within this */
#define REACH_DECAY 0.99 /* per departure */
#define TURN_DECAY 0.98
#define RED_FITS 0.02   /* of one who departs: his light was red, */
#define YIELDS_FITS 0.5 /* he had to find a gap, */
#define PROOF_FITS 0.5  /* and each second that he stood before a green */
#define PROOF_RULED_OUT 3.0
#define PROOF_GREEN_S 2.0
#define STUCK_AFTER_S 10.0
#define STUCK_FOR_S 40.0
#define PATIENCE_S 120.0
#define IMPATIENT_WEIGHT 10.0
#define WALK_WEIGHT 3.0
#define RATE_LEAST 0.002
#define PERMISSIVE_SHARE 1.37 /* a turner on a gap takes so much longer: 2.6 s for 1.9 s */
#define WALK_HEADWAY_S 1.0
#define ACCELERATION_M_S2 2.6
#define GOLDEN 0.6180339887
#define DISBELIEVED 0.1     /* claims below are not planned with at all */
#define FOUND_LEAST 10      /* claims of a source, */
#define FOUND_SHARE 0.9     /* of which so many were found: nobody is missing */
#define MISSING_LEAST 2.0   /* vehicles that may be late instead */
#define BLIND_HEADWAY_S 2.0 /* a queue that nobody sees leaves so, */
#define BLIND_YIELDS_S 1.5  /* and who yields needs so much more */
/* Who is on a lane to the line stays there until the counts say otherwise; before it one may
 * change. */
#define OWN_LANE 30.0
#define OWN_STREET 3.0

static double
speed(const struct signals_model *m, uint32_t lane)
{
    return (double)m->lane_kmh[lane] / 3.6;
}

static const struct signals_source *
source_of(const struct signals_model *m, uint32_t source)
{
    return source < m->loops_count ? &m->loops[source] : &m->feeders[source - m->loops_count];
}

static void
holds(struct queue_lane *l, uint32_t distance_m)
{
    double n = (double)distance_m / QUEUE_VEHICLE_M + 1;
    uint32_t most = n < QUEUE_VEHICLES_MAX ? (uint32_t)n : QUEUE_VEHICLES_MAX;
    l->holds = most > l->holds ? most : l->holds;
}

void
queues_believe(struct queues *q)
{
    q->trust.off = q->blind.off = true;
}

/* Of some ten vehicles, where nothing is known yet: most go straight on. */
static const double turn_priors[] = {
    [TURN_UNKNOWN] = 2, [TURN_STRAIGHT] = 6, [TURN_RIGHT] = 2, [TURN_LEFT] = 2, [TURN_ROUND] = 0.1};

/* Before anything is known: for how many vehicles the lane goes on that a loop lies on. */
static double
own_share(const struct signals_model *m, const struct signals_source *loop)
{
    return loop->distance_m <= m->lane_m[loop->lanes[0]] ? OWN_LANE : OWN_STREET;
}

void
queues_init(struct queues *q, const struct signals_model *m, double now_s)
{
    uint64_t siblings[SIGNALS_LANES_MAX];
    *q = (struct queues){.model = m, .phase = -1, .heard_s = now_s};
    for (uint32_t i = 0; i < m->loops_count + m->feeders_count; i++) {
        const struct signals_source *s = source_of(m, i);
        uint64_t mask = 0;
        q->pace[i] = 1;
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
        q->turn[k] = turn_priors[m->link_turn[k]];
    q->green_phase = -1;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        struct queue_lane *lane = &q->lanes[l];
        lane->served_s = lane->free_since_s = lane->busy_since_s = now_s;
        lane->departed_s = now_s - PATIENCE_S;
        flow_init(&lane->flow);
        siblings[l] = lane->siblings;
        holds(lane, m->lane_m[l]);
    }
    trust_init(&q->trust, false, now_s);
    blind_init(&q->blind, m, siblings, false, now_s);
    spill_init(&q->spill);
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static void
insert(struct queue_lane *l, struct queue_vehicle v)
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

static struct queue_vehicle
pull(struct queue_lane *l, uint32_t at)
{
    struct queue_vehicle v = l->v[at];
    l->count--;
    memmove(&l->v[at], &l->v[at + 1], (l->count - at) * sizeof(l->v[0]));
    return v;
}

/* Shares become a sequence: whose share is owed most is next. */
static uint32_t
draw(const double *share, double *credit, uint32_t count)
{
    double sum = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += share[i];
    for (uint32_t i = 0; i < count; i++) {
        credit[i] += sum > 0 ? share[i] / sum : 0;
        if (credit[i] > credit[best])
            best = i;
    }
    credit[best] -= 1;
    return best;
}

/* The second loop of a lane, on whose lane one stays. */
static bool
is_near(const struct queues *q, uint32_t source)
{
    const struct signals_model *m = q->model;
    if (source >= m->loops_count || m->loops[source].distance_m > NEAR_M)
        return false;
    uint32_t lane = m->loops[source].lanes[0];
    for (uint32_t j = 0; j < m->loops_count; j++) {
        if (m->loops[j].lanes[0] == lane && m->loops[j].distance_m > m->loops[source].distance_m &&
            m->loops[j].distance_m <= m->lane_m[lane])
            return true;
    }
    return false;
}

static void
learn_reach(struct queues *q, uint32_t source, uint32_t lane)
{
    if (source >= q->model->loops_count + q->model->feeders_count)
        return;
    const struct signals_source *s = source_of(q->model, source);
    trust_confirm(&q->trust, source);
    if (is_near(q, source))
        return;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        if (blind_is(&q->blind, s->lanes[i]) && s->lanes[i] != lane)
            continue; /* nobody can be seen to take it */
        q->reach[source][i] = q->reach[source][i] * REACH_DECAY + (s->lanes[i] == lane ? 1 : 0);
    }
}

/* Who is missing for good, more than came unannounced, has taken a sibling that nobody sees. */
static bool
went_blind(struct queues *q, uint32_t lane, struct queue_vehicle v)
{
    struct queue_lane *l = &q->lanes[lane];
    l->missing += 1;
    for (uint32_t s = 0; s < q->model->lanes_count && l->missing > MISSING_LEAST; s++) {
        if (!(l->siblings >> s & 1) || !blind_is(&q->blind, s) ||
            q->lanes[s].count >= q->lanes[s].holds)
            continue;
        l->missing -= 1;
        insert(&q->lanes[s], v);
        blind_seen(&q->blind, s);
        learn_reach(q, v.source, s);
        return true;
    }
    return false;
}

static void
came_unannounced(struct queue_lane *l)
{
    l->missing = l->missing > -MISSING_LEAST ? l->missing - 1 : l->missing;
}

/* From a source to the line of one of its lanes, if nothing hinders. */
static double
travel(const struct queues *q, uint32_t source, uint32_t lane)
{
    double m = (double)source_of(q->model, source)->distance_m;
    return m / speed(q->model, lane) * q->pace[source];
}

/* How long one took who found a green and nobody before him. */
static void
learn_pace(struct queues *q, const struct queue_vehicle *v, uint32_t lane, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (v->source >= q->model->loops_count + q->model->feeders_count || v->from_m == 0)
        return;
    double free_way = (double)v->from_m / speed(q->model, lane);
    bool unhindered = l->green && now_s - l->departed_s >= PACE_GAP_S && !l->on &&
                      now_s - l->green_since_s >= free_way * PACE_MOST;
    if (!unhindered)
        return;
    double pace = (now_s - 0.5 - v->seen_s) / free_way;
    pace = pace < PACE_LEAST ? PACE_LEAST : pace > PACE_MOST ? PACE_MOST : pace;
    q->pace[v->source] += PACE_STEP * (pace - q->pace[v->source]);
}

/* ---- a loop before the line ------------------------------------------------------------------ */

static void
enter(struct queues *q, uint32_t source, double at_s)
{
    const struct signals_source *s = source_of(q->model, source);
    if (!trust_claim(&q->trust, source, at_s))
        return;
    uint32_t lane = is_near(q, source)
                        ? s->lanes[0]
                        : s->lanes[draw(q->reach[source], q->credit[source], s->lanes_count)];
    if (q->lanes[lane].count >= q->lanes[lane].holds)
        return;
    blind_seen(&q->blind, lane);
    double eta = at_s + travel(q, source, lane);
    struct queue_vehicle v = {.eta_s = eta,
                              .due_s = eta,
                              .seen_s = at_s,
                              .from_m = s->distance_m,
                              .source = (uint8_t)source,
                              .link = -1};
    insert(&q->lanes[lane], v);
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
        double rest = travel(q, loop, s->lanes[i]) + (i > 0 ? BESIDE_S : 0);
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
    struct queue_vehicle v = pull(found, at);
    if (is_near(q, loop))
        learn_reach(q, v.source, s->lanes[0]);
    else
        trust_confirm(&q->trust, v.source);
    enter(q, loop, at_s);
    return true;
}

static void
pass_loop(struct queues *q, uint32_t loop, double at_s)
{
    if (blind_lies(&q->blind, q->model->loops[loop].lanes[0]))
        return;
    if (confirm(q, loop, at_s))
        return;
    came_unannounced(&q->lanes[q->model->loops[loop].lanes[0]]);
    enter(q, loop, at_s);
}

void
queues_coming(struct queues *q, uint32_t feeder, double now_s)
{
    enter(q, q->model->loops_count + feeder, now_s);
}

/* ---- the stop line ----------------------------------------------------------------------------
 */

static enum link_light
shown(const struct queues *q, uint32_t link)
{
    return q->phase < 0 ? LIGHT_RED : (enum link_light)q->model->lights[q->phase][link];
}

/*
 * How well it fits what was seen that the one who departs now takes this link: the light that he
 * had, and for how long he stood before a light that would have let him go. In yellow the light
 * before it counts.
 */
static double
likelihood(const struct queues *q, uint32_t link)
{
    double fits = 1;
    if (q->green_phase >= 0) {
        uint8_t light = q->model->lights[q->green_phase][link];
        if (light == LIGHT_RED)
            fits = RED_FITS;
        else if (light == LIGHT_YIELDS && q->model->yields_count[link] > 0)
            fits = YIELDS_FITS;
    }
    for (double proof = q->proof[link]; proof >= 1; proof -= 1)
        fits *= PROOF_FITS;
    return fits;
}

/*
 * The link that one who departs now has taken: loops do not tell, so all are possible, each as far
 * as its share and what was seen say; each departure counts once, shared by its links in that
 * proportion (expectation maximisation, one step a vehicle).
 */
static uint32_t
guess_link(struct queues *q, uint32_t lane, int8_t known)
{
    const struct signals_model *m = q->model;
    uint32_t links[SIGNALS_LINKS_MAX], n = 0;
    double share[SIGNALS_LINKS_MAX], credit[SIGNALS_LINKS_MAX], sum = 0;
    for (uint32_t k = 0; k < m->links_count; k++) {
        if (m->link_lane[k] != lane)
            continue;
        share[n] = known < 0 ? q->turn[k] * likelihood(q, k) : k == (uint32_t)known;
        sum += share[n];
        credit[n] = q->turn_credit[k];
        links[n++] = k;
    }
    ASSERT(n > 0);
    uint32_t taken = links[draw(share, credit, n)];
    for (uint32_t i = 0; i < n; i++) {
        q->turn_credit[links[i]] = credit[i];
        if (sum > 0)
            q->turn[links[i]] = q->turn[links[i]] * TURN_DECAY + share[i] / sum;
    }
    return taken;
}

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

static void
depart(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    int8_t link = -1;
    if (l->count > 0 && l->v[0].eta_s <= now_s + SOON_S) {
        struct queue_vehicle v = pull(l, 0);
        learn_reach(q, v.source, lane);
        learn_pace(q, &v, lane, now_s);
        link = v.link;
    } else {
        struct stray stray = find_stray(q, lane, now_s);
        if (stray.lane)
            learn_reach(q, pull(stray.lane, stray.at).source, lane);
    }
    q->departed[guess_link(q, lane, link)]++;
    l->departed_s = l->served_s = now_s;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane)
            q->proof[k] = 0;
    }
}

/* Q1: somebody stands at the line. */
static void
present(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    if (l->count > 0 && l->v[0].eta_s <= now_s + SOON_S) {
        if (l->v[0].eta_s > now_s)
            l->v[0].eta_s = now_s;
        return;
    }
    struct queue_vehicle v = {.source = QUEUE_SOURCES_MAX, .link = -1};
    struct stray stray = find_stray(q, lane, now_s);
    if (stray.lane) {
        v = pull(stray.lane, stray.at);
        learn_reach(q, v.source, lane);
    }
    v.eta_s = v.due_s = now_s;
    v.from_m = 0;
    insert(l, v);
}

/* For how long nobody was on the stop loop or crossed the line: the loop is read once a second. */
static double
free_for(const struct queue_lane *l, double now_s)
{
    return now_s - (l->free_since_s > l->departed_s ? l->free_since_s : l->departed_s);
}

/*
 * The queue reaches its last loop: somebody stands on it, or so many were seen to pass it and wait
 * that the next one cannot (a loop may lie in the gap between two).
 */
static bool
is_full(const struct queue_lane *l)
{
    uint32_t passed = 0;
    for (uint32_t i = 0; i < l->count; i++)
        passed += l->v[i].from_m <= l->inner_m;
    double fit = (double)l->inner_m / QUEUE_VEHICLE_M - 1;
    return l->covered || (l->on && passed > 0 && (double)passed >= fit);
}

/*
 * Who stands behind others is not late before they are gone: at the line one follows the other, and
 * so he does over a loop under which the queue stands.
 */
static void
follow(struct queues *q, uint32_t lane, bool departed, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    double rest = (double)l->inner_m / speed(q->model, lane);
    uint32_t behind = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        struct queue_vehicle *v = &l->v[i];
        bool outside = l->inner_m > 0 && v->from_m > l->inner_m;
        double due = 0;
        if (outside && is_full(l))
            due = now_s + rest + FOLLOW_S * (double)++behind;
        else if (!outside && (l->on || departed))
            due = now_s + FOLLOW_S * (double)(i + (l->on ? 0 : 1));
        if (v->eta_s < due && v->due_s < due)
            v->due_s = due;
    }
}

/* By how much one is later than he may be for whatever slows people down; <= 0: in time. */
static double
lateness(const struct queue_vehicle *v, double now_s)
{
    double allowed = v->seen_s < v->eta_s ? LATE_SHARE * (v->eta_s - v->seen_s) : 0;
    return now_s - v->due_s - LATE_S - allowed;
}

/* In his own green he would be here at once; else he may only be slow. */
static bool
is_gone(const struct queue_lane *l, bool served, double now_s)
{
    const struct queue_vehicle *v = &l->v[0];
    double allowed = v->seen_s < v->eta_s ? LATE_SHARE * (v->eta_s - v->seen_s) : 0;
    if (served && (l->inner_m == 0 || v->from_m <= l->inner_m))
        return now_s > v->eta_s + 1 + allowed;
    return lateness(v, now_s) > GONE_S;
}

/* Q2: who should stand here does not. He is on another lane, or nowhere. */
static void
absent(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    double free_s = free_for(l, now_s);
    if (l->held || free_s < QUEUE_EMPTY_S)
        return;
    bool served = l->green && now_s - l->green_since_s >= QUEUE_EMPTY_S;
    while (l->count > 0 && is_gone(l, served, now_s)) {
        struct queue_vehicle v = pull(l, 0);
        uint32_t to = lane;
        for (uint32_t s = 0; s < q->model->lanes_count && to == lane; s++) {
            const struct queue_lane *o = &q->lanes[s];
            if ((l->siblings >> s & 1) && o->on && !o->green)
                to = s;
        }
        if (to != lane && v.from_m > 0) {
            v.from_m = 0; /* moved once only */
            insert(&q->lanes[to], v);
        } else {
            trust_refute(&q->trust, v.source);
        }
    }
}

/* Among this lane and its neighbours, one whose queue reaches to where they are seen last. */
static int32_t
full_lane(const struct queues *q, uint32_t lane)
{
    if (is_full(&q->lanes[lane]))
        return (int32_t)lane;
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        if ((q->lanes[lane].siblings >> l & 1) && is_full(&q->lanes[l]))
            return (int32_t)l;
    }
    return -1;
}

/*
 * Who was due at a nearer loop and did not come over it: he stands before it, or went elsewhere. On
 * a lane whose loops are dead, a neighbour's word has to do.
 */
static void
drop_unconfirmed(struct queues *q, double now_s)
{
    const struct signals_model *m = q->model;
    for (uint32_t lane = 0; lane < m->lanes_count; lane++) {
        struct queue_lane *l = &q->lanes[lane];
        bool blind = blind_is(&q->blind, lane);
        if (l->inner_m == 0)
            continue;
        double rest = (double)l->inner_m / speed(m, lane);
        int32_t full = full_lane(q, lane);
        for (uint32_t i = 0; i < l->count;) {
            const struct queue_vehicle *v = &l->v[i];
            double late = v->from_m > l->inner_m ? lateness(v, now_s + rest) : -GONE_S;
            bool word = blind && v->source >= m->loops_count;
            if (word || full == (int32_t)lane || late <= (full >= 0 ? -SLOW_S : 0)) {
                i++;
                continue;
            }
            struct queue_vehicle gone = pull(l, i);
            if (full >= 0)
                insert(&q->lanes[full], gone);
            else if (!went_blind(q, lane, gone))
                trust_refute(&q->trust, gone.source);
        }
    }
}

/* A lane of which every link has right of way: only there a queue leaves as fast as it can. */
static bool
is_protected(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && shown(q, k) != LIGHT_GREEN &&
            (shown(q, k) == LIGHT_RED || q->model->yields_count[k] > 0))
            return false;
    }
    return true;
}

static bool
is_green(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && shown(q, k) != LIGHT_RED)
            return true;
    }
    return false;
}

static void
watch_head(struct queues *q, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    if (!l->on || !l->green || now_s - l->green_since_s < PROOF_GREEN_S)
        return;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane)
            continue;
        bool free_way = shown(q, k) == LIGHT_GREEN || q->model->yields_count[k] == 0;
        if (shown(q, k) != LIGHT_RED)
            q->proof[k] += free_way ? 1.0 : 0.25;
    }
    double since = l->green_since_s > l->departed_s ? l->green_since_s : l->departed_s;
    since = since > l->busy_since_s ? since : l->busy_since_s;
    if (q->phase >= 0 && now_s - since > STUCK_AFTER_S)
        l->stuck_until_s[q->phase] = now_s + STUCK_FOR_S;
}

static void
hear_lane(struct queues *q, const struct signals_reading *r, uint32_t lane, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    bool green = is_green(q, lane);
    if (green && !l->green)
        l->green_since_s = now_s - 1;
    l->green = green;
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
    bool walking = is_green(q, lane);
    if (r->stop_on[lane] && !walking && l->count == 0)
        insert(l, (struct queue_vehicle){
                      .eta_s = now_s, .due_s = now_s, .source = QUEUE_SOURCES_MAX, .link = -1});
    if (walking || !r->stop_on[lane])
        l->count = 0;
    if (walking || l->count == 0)
        l->served_s = now_s;
}

/* Who stands at the line could go: it has right of way, and there is room behind it. */
static bool
has_free_way(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane)
            continue;
        bool yields = shown(q, k) == LIGHT_YIELDS && q->model->yields_count[k] > 0;
        if (shown(q, k) == LIGHT_RED || yields || (q->full_exits >> q->model->link_exit[k] & 1))
            return false;
    }
    return true;
}

/*
 * Who was said to come to the lanes here, by its own loop up the street or by a neighbour, was seen
 * on one of them: nobody is missing.
 */
static bool
all_found(const struct queues *q, uint32_t lane)
{
    for (uint32_t i = 0; i < q->model->loops_count + q->model->feeders_count; i++) {
        const struct signals_source *s = source_of(q->model, i);
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

static bool
has_full_exit(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && (q->full_exits >> q->model->link_exit[k] & 1))
            return true;
    }
    return false;
}

static void
find_blind(struct queues *q, const struct signals_reading *r, double now_s)
{
    struct blind_light lights[SIGNALS_LANES_MAX];
    for (uint32_t l = 0; l < q->model->lanes_count; l++)
        lights[l] = (struct blind_light){.red = q->phase >= 0 && !is_green(q, l),
                                         .green = is_green(q, l),
                                         .free_way = has_free_way(q, l),
                                         .full = has_full_exit(q, l),
                                         .all_found = all_found(q, l)};
    blind_hear(&q->blind, r, lights, now_s);
}

/* Of those who may go now, how many must yield, by the turns that were learned. */
static double
yielding_share(const struct queues *q, uint32_t lane)
{
    double yields = 0, all = 0;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane || shown(q, k) == LIGHT_RED)
            continue;
        all += q->turn[k];
        if (shown(q, k) == LIGHT_YIELDS && q->model->yields_count[k] > 0)
            yields += q->turn[k];
    }
    return all > 0 ? yields / all : 0;
}

/* Q4: who came unseen, and who left. */
static void
imagine(struct queues *q, uint32_t lane, double seconds, double now_s)
{
    struct queue_lane *l = &q->lanes[lane];
    for (uint32_t n = blind_came(&q->blind, lane, seconds); n > 0; n--) {
        if (l->count < l->holds)
            insert(l, (struct queue_vehicle){
                          .eta_s = now_s, .due_s = now_s, .source = QUEUE_SOURCES_MAX, .link = -1});
    }
    if (!l->green || now_s < l->green_since_s + l->flow.start_s)
        return;
    double every = BLIND_HEADWAY_S + BLIND_YIELDS_S * yielding_share(q, lane);
    if (l->count > 0 && l->v[0].eta_s <= now_s && now_s - l->departed_s >= every) {
        q->departed[guess_link(q, lane,
                               pull(l, 0).link)]++; /* nobody saw it: no claim is confirmed */
        l->departed_s = l->served_s = now_s;
    } else if (l->count == 0) {
        blind_served(&q->blind, lane);
        l->served_s = now_s;
    }
}

static void
judge(struct queues *q, const struct signals_reading *r, uint32_t lane, bool cars, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    double since = l->green_since_s > l->departed_s ? l->green_since_s : l->departed_s;
    /* A loop's claims end by themselves; only cameras' are judged by who is not there. */
    double free_s = cars ? now_s - l->free_since_s : 0;
    struct trust_second s = {.green = l->green,
                             .free_way = has_free_way(q, lane),
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

/* With cameras: the lists are what is seen. specs/signals.md 3.5. */
static double
eta_of(const struct signals_car *car, double limit)
{
    double d = (double)car->distance_dm / 10, v = (double)car->speed_cm_s / 100;
    double a = ACCELERATION_M_S2;
    if (v >= limit)
        return d / v;
    double ta = (limit - v) / a, da = v * ta + a * ta * ta / 2;
    if (da >= d) {
        double root = v * v + 2 * a * d, x = root > 1 ? root : 1;
        for (int i = 0; i < 20; i++) /* Newton: no libm, the same bits everywhere */
            x = (x + root / x) / 2;
        return (x - v) / a;
    }
    return ta + (d - da) / limit;
}

static void
hear_cars(struct queues *q, const struct signals_reading *r, double now_s)
{
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        if (q->model->lane_kind[l] == LANE_VEHICLES)
            q->lanes[l].count = 0; /* cameras need no loop */
    }
    for (uint32_t i = 0; i < r->cars_count; i++) {
        const struct signals_car *car = &r->cars[i];
        bool stands = car->speed_cm_s < 10;
        double eta = stands ? now_s : now_s + eta_of(car, speed(q->model, car->lane));
        /* In order of distance, as they stand. */
        struct queue_vehicle v = {
            eta, eta, now_s, (uint16_t)(car->distance_dm / 10), QUEUE_SOURCES_MAX, car->link};
        struct queue_lane *l = &q->lanes[car->lane];
        if (l->count >= l->holds)
            continue;
        uint32_t at = l->count++;
        while (at > 0 && l->v[at - 1].from_m > v.from_m) {
            l->v[at] = l->v[at - 1];
            at--;
        }
        l->v[at] = v;
    }
    for (uint32_t l = 0; l < q->model->lanes_count; l++) {
        struct queue_lane *lane = &q->lanes[l];
        for (uint32_t i = 1; i < lane->count; i++) {
            if (lane->v[i].eta_s < lane->v[i - 1].eta_s)
                lane->v[i].eta_s = lane->v[i - 1].eta_s;
        }
    }
}

/* Where queues reach over loops. */
static void
hear_covered(struct queues *q, const struct signals_reading *r)
{
    const struct signals_model *m = q->model;
    for (uint32_t l = 0; l < m->lanes_count; l++)
        q->lanes[l].held = false;
    for (uint32_t j = 0; j < m->loops_count; j++) {
        const struct signals_source *s = &m->loops[j];
        struct queue_lane *own = &q->lanes[s->lanes[0]];
        q->covered[j] = r->advance_on[j] && (q->covered[j] || r->advance[j] == 0);
        if (s->distance_m == own->inner_m)
            own->covered = q->covered[j];
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            if (s->distance_m > m->lane_m[s->lanes[k]])
                q->lanes[s->lanes[k]].held |= q->covered[j];
        }
    }
}

void
queues_hear(struct queues *q, const struct signals_reading *r, bool loops_only, double now_s)
{
    const struct signals_model *m = q->model;
    double seconds = now_s > q->heard_s + 1 ? now_s - q->heard_s : 1;
    bool cars = r->has_cars && !loops_only;
    q->sees = cars;
    memset(q->departed, 0, sizeof(q->departed));
    q->phase = r->phase;
    q->green_phase = r->phase >= 0 ? r->phase : q->green_phase;
    hear_rates(q, r, seconds);
    find_blind(q, r, now_s);
    spill_hear(&q->spill, m, r);
    for (uint32_t l = 0; l < m->lanes_count; l++)
        hear_lane(q, r, l, now_s);
    hear_covered(q, r);
    for (uint32_t j = 0; j < m->loops_count && !cars; j++) {
        for (uint32_t n = 0; n < r->advance[j]; n++)
            pass_loop(q, j, now_s - 0.5);
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (m->lane_kind[l] == LANE_WALK) {
            hear_walk(q, r, l, now_s);
            continue;
        }
        if (blind_is(&q->blind, l)) {
            if (!cars)
                imagine(q, l, seconds, now_s);
            continue;
        }
        for (uint32_t n = 0; n < r->stop[l]; n++)
            depart(q, l, now_s);
        if (!cars && r->stop_on[l] && r->stop[l] == 0)
            present(q, l, now_s);
        watch_head(q, l, now_s);
        flow_second(&q->lanes[l].flow, is_protected(q, l), r->stop[l], queues_standing(q, l, now_s),
                    now_s);
    }
    for (uint32_t l = 0; l < m->lanes_count && !cars; l++)
        follow(q, l, r->stop[l] > 0, now_s);
    for (uint32_t l = 0; l < m->lanes_count && !cars; l++) {
        if (m->lane_kind[l] == LANE_VEHICLES && !r->stop_on[l] && !blind_is(&q->blind, l))
            absent(q, l, now_s);
    }
    if (cars)
        hear_cars(q, r, now_s);
    else
        drop_unconfirmed(q, now_s);
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (m->lane_kind[l] == LANE_VEHICLES && !blind_is(&q->blind, l))
            judge(q, r, l, cars, now_s);
    }
    q->heard_s = now_s;
}

/* Etas as they can be, in order. */
static double
eta_now(const struct queues *q, uint32_t lane, uint32_t at, double before_s, double now_s)
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
        eta = eta_now(q, lane, n, eta, now_s);
        if (eta > now_s)
            break;
    }
    return n;
}

static double
believed(const struct queues *q, uint32_t lane, uint32_t at)
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
        sum += believed(q, lane, i);
    return n == 0 && blind_is(&q->blind, lane) ? sum + blind_doubt(&q->blind, lane) : sum;
}

double
queues_trust(const struct queues *q, uint32_t lane)
{
    double least = 1;
    bool loops = false;
    for (uint32_t i = 0; i < q->model->loops_count + q->model->feeders_count; i++) {
        const struct signals_source *s = source_of(q->model, i);
        if (s->lanes[0] != lane || (loops && i >= q->model->loops_count))
            continue;
        loops = true;
        double t = trust_source(&q->trust, i);
        least = t < least ? t : least;
    }
    return least * trust_lane(&q->trust, lane);
}

/* ---- what the search sees -------------------------------------------------------------------- */

struct lane_turns {
    uint32_t count;
    uint8_t links[SIGNALS_LINKS_MAX];
    double share[SIGNALS_LINKS_MAX], sum;
};

static void
turns_of(const struct queues *q, uint32_t lane, bool head, struct lane_turns *t)
{
    t->count = 0;
    t->sum = 0;
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] != lane)
            continue;
        bool out = head && q->proof[k] >= PROOF_RULED_OUT;
        t->share[t->count] = out ? 0 : q->turn[k];
        t->sum += t->share[t->count];
        t->links[t->count++] = (uint8_t)k;
    }
    if (t->sum <= 0 && head)
        turns_of(q, lane, false, t);
}

static uint8_t
link_of(const struct lane_turns *t, uint32_t scenario, uint32_t scenarios, uint32_t n)
{
    double x = 0.5 / (double)scenarios + (double)scenario / (double)scenarios + (double)n * GOLDEN;
    x -= (double)(uint64_t)x;
    double sum = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        sum += t->share[i] / t->sum;
        if (sum > x)
            return t->links[i];
    }
    return t->links[t->count - 1];
}

static void
put(struct search_lane *l, double eta, double weight)
{
    if (l->count == SEARCH_VEHICLES_MAX)
        return;
    l->eta_s[l->count] = eta > 0 ? eta : 0;
    l->weight[l->count++] = weight;
}

/* Where nobody stands at the line, the later one is, the less likely he is there at all. */
static double
likely(const struct queues *q, uint32_t lane, uint32_t at, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (q->sees || l->on || l->held || blind_is(&q->blind, lane))
        return 1;
    double late = lateness(&l->v[at], now_s);
    return late <= 0 ? 1 : late >= GONE_S ? 0.1 : 1 - 0.9 * late / GONE_S;
}

static void
fill_lane(const struct queues *q, struct search_problem *p, uint32_t lane, double now_s)
{
    const struct queue_lane *from = &q->lanes[lane];
    struct search_lane *to = &p->lanes[lane];
    bool walk = q->model->lane_kind[lane] == LANE_WALK;
    bool waits = queues_standing(q, lane, now_s) > 0;
    double eta = now_s;
    double extra = waits && now_s - from->served_s > PATIENCE_S ? IMPATIENT_WEIGHT : 0;
    double spills = spill_over(&q->spill, q->model, lane) ? SPILL_WEIGHT : 1;
    to->count = 0;
    if (blind_is(&q->blind, lane) && !waits)
        put(to, 0, blind_doubt(&q->blind, lane));
    for (uint32_t i = 0; i < from->count; i++) {
        eta = eta_now(q, lane, i, eta, now_s);
        bool stands = eta <= now_s;
        double weight = (walk ? WALK_WEIGHT : 1) + (stands ? extra : 0);
        double share = believed(q, lane, i);
        if (share > DISBELIEVED) /* else it would still stand in the way of who yields */
            put(to, eta - now_s, weight * spills * share * likely(q, lane, i, now_s));
    }
    /* Beyond what is known, arrivals go on as they used to. */
    double beyond = (double)q->model->lane_m[lane] / speed(q->model, lane);
    for (uint32_t j = 0; j < q->model->loops_count; j++) {
        double far = (double)q->model->loops[j].distance_m / speed(q->model, lane);
        if (q->model->loops[j].lanes[0] == lane && far > beyond)
            beyond = far;
    }
    double last = to->count > 0 ? to->eta_s[to->count - 1] : 0;
    double gap = from->per_s > RATE_LEAST ? 1 / from->per_s : 0;
    for (double t = (last > beyond ? last : beyond) + gap; gap > 0 && t < SEARCH_HORIZON_S;
         t += gap)
        put(to, t, 1);
    to->headway_s = walk ? WALK_HEADWAY_S : from->flow.headway_s;
    to->permissive_s = walk ? WALK_HEADWAY_S : from->flow.headway_s * PERMISSIVE_SHARE;
    to->start_s = walk ? 0 : from->flow.start_s;
    to->free_s = from->departed_s + to->headway_s - now_s;
    double start = from->green_since_s + to->start_s - now_s;
    if (from->green && start > to->free_s)
        to->free_s = start;
}

/* Links that always have the same light are one to a plan. */
static bool
differ(const struct signals_model *m, const struct lane_turns *t)
{
    for (uint32_t i = 1; i < t->count; i++) {
        uint32_t a = t->links[0], b = t->links[i];
        for (uint32_t p = 0; p < m->phases_count; p++) {
            if (m->lights[p][a] != m->lights[p][b])
                return true;
        }
    }
    return false;
}

static bool
fill_links(const struct queues *q, struct search_problem *p, uint32_t lane)
{
    struct search_lane *to = &p->lanes[lane];
    struct lane_turns head, rest;
    turns_of(q, lane, true, &head);
    turns_of(q, lane, false, &rest);
    for (uint32_t c = 0; c < p->scenarios; c++) {
        for (uint32_t i = 0; i < to->count; i++) {
            int8_t known = i < q->lanes[lane].count ? q->lanes[lane].v[i].link : -1;
            to->link[c][i] =
                known >= 0 ? (uint8_t)known : link_of(i == 0 ? &head : &rest, c, p->scenarios, i);
        }
    }
    return differ(q->model, &rest);
}

void
queues_fill(const struct queues *q, struct search_problem *p, double now_s)
{
    const struct signals_model *m = q->model;
    bool mixed = false;
    p->scenarios = SEARCH_SCENARIOS_MAX;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        fill_lane(q, p, l, now_s);
        bool several = fill_links(q, p, l);
        for (uint32_t i = 0; several && i < p->lanes[l].count; i++)
            mixed = mixed || i >= q->lanes[l].count || q->lanes[l].v[i].link < 0;
        for (uint32_t ph = 0; ph < m->phases_count; ph++)
            p->stuck[ph][l] = q->lanes[l].stuck_until_s[ph] > now_s;
    }
    if (!mixed)
        p->scenarios = 1;
}
