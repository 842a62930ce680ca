#include "services/signals/optimize/queues_inside.h"

#define PROOF_RULED_OUT 3.0
#define PROOF_ASIDE 6.0 /* of all links of the lane: he wants to leave by another lane */
#define IMPATIENT_WEIGHT 10.0
#define WALK_WEIGHT 3.0
#define RATE_LEAST 0.002
#define PERMISSIVE_SHARE 1.37 /* a turner on a gap takes so much longer: 2.6 s for 1.9 s */
#define WALK_HEADWAY_S 1.0
enum { MANY_LANES = 12, MANY_VEHICLES = 40 };
/*
 * Who drives is planned for this much later than he seems to come: a green that ends on him costs
 * far more than one that waits for him. Measured (README): 1.6 s gains no more.
 */
#define MARGIN_S 1.0
#define WAITS_SOON_S 3.0   /* who is that near will stand too, if there is a queue */
#define INTENDED_LEAST 0.5 /* of a vehicle: as likely there as not */
#define TRUSTED 0.9        /* a loop that says too often that somebody stands there is not */
#define DISBELIEVED 0.1    /* claims below are not planned with at all, */
#define DOUBTED 0.02       /* nor who stands on a lane that may be dead */

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

static bool
is_ruled_out(const struct queues *q, uint32_t lane)
{
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        if (q->model->link_lane[k] == lane && q->proof[k] < PROOF_ASIDE)
            return false;
    }
    return true;
}

/* Somebody stands there and keeps him out who stands on this lane; it had no green since he came,
 * or he would be gone. */
static bool
keeps_out(const struct queue_lane *beside, const struct queue_lane *l)
{
    double since_s = l->departed_s > l->busy_since_s ? l->departed_s : l->busy_since_s;
    return beside->on && (beside->green || beside->green_since_s <= since_s);
}

/*
 * Who stands at the line, and all of whose links would have let him go, waits for room on a lane
 * beside: he goes when those before him there do, and until then nobody behind him does. False:
 * that is not so, or the lane is not believed.
 */
static bool
turns_aside(const struct queues *q, uint32_t lane, struct lane_turns *t)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (q->sees || !l->on || lights_full_exit(q, lane) || !is_ruled_out(q, lane) ||
        trust_lane(&q->trust, lane) < TRUSTED)
        return false;
    *t = (struct lane_turns){0};
    for (uint32_t k = 0; k < q->model->links_count; k++) {
        uint32_t beside = q->model->link_lane[k];
        if (!(l->siblings >> beside & 1) || lights_shown(q, k) == LIGHT_GREEN ||
            !keeps_out(&q->lanes[beside], l))
            continue;
        t->share[t->count] = q->turn[k];
        t->sum += q->turn[k];
        t->links[t->count++] = (uint8_t)k;
    }
    return t->sum > 0;
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
put(struct search_lane *l, double eta, double weight, uint8_t elsewhere)
{
    if (l->count == SEARCH_VEHICLES_MAX)
        return;
    l->eta_s[l->count] = eta > 0 ? eta : 0;
    l->elsewhere[l->count] = elsewhere;
    l->weight[l->count++] = weight;
}

/* Where nobody stands at the line, the later one is, the less likely he is there at all. */
static double
likely(const struct queues *q, uint32_t lane, uint32_t at, double now_s)
{
    const struct queue_lane *l = &q->lanes[lane];
    if (q->sees || l->on || l->held || blind_is(&q->blind, lane))
        return 1;
    double late = late_by(&l->v[at], now_s);
    return late <= 0 ? 1 : late >= LATE_GONE_S ? 0.1 : 1 - 0.9 * late / LATE_GONE_S;
}

/* The scenarios in which he takes another lane than this one, of whose list he is. */
static uint8_t
elsewhere_of(const struct queues *q, uint32_t lane, uint32_t at)
{
    uint8_t scenarios[SIGNALS_REACH_MAX];
    if (!shares_guess_lanes(q, lane, at, scenarios))
        return 0;
    uint32_t k = 0;
    while (queue_source(q->model, q->lanes[lane].v[at].source)->lanes[k] != lane)
        k++;
    return (uint8_t)~scenarios[k];
}

/* Who is farther away than the first loop: as neighbours intend, else as vehicles used to come. */
static void
fill_beyond(const struct queues *q, const struct intents_source *sources, struct search_lane *to,
            uint32_t lane, double now_s)
{
    struct intended intended;
    double per_s = q->lanes[lane].per_s, gap = per_s > RATE_LEAST ? 1 / per_s : 0;
    double last = to->count > 0 ? to->eta_s[to->count - 1] : 0;
    int32_t far = signals_next_loop(q->model, lane, UINT32_MAX);
    uint32_t begins_m = q->model->lane_m[lane];
    if (far >= 0 && q->model->loops[far].distance_m > begins_m)
        begins_m = q->model->loops[far].distance_m;
    double beyond = (double)begins_m / queue_speed(q->model, lane);
    if (sources && intended_find(q, lane, sources, now_s, &intended)) {
        /* Parts of vehicles are put together: each in the list takes a headway of its own. */
        double sum = 0;
        for (uint32_t t = 0; t < SEARCH_HORIZON_S; t++) {
            double eta = (double)t + 0.5;
            sum += intended.count[t];
            if (sum < INTENDED_LEAST)
                continue;
            put(to, eta > last ? eta : last, sum, 0);
            sum = 0;
        }
        last = to->count > 0 ? to->eta_s[to->count - 1] : 0;
        beyond = intended.until_s;
    }
    for (double t = (last > beyond ? last : beyond) + gap; gap > 0 && t < SEARCH_HORIZON_S;
         t += gap)
        put(to, t, 1, 0);
}

/* Who stands there if its loops are dead: they are in as many guesses as that is likely. */
static void
fill_doubt(const struct queues *q, struct search_problem *p, uint32_t lane, double weight)
{
    double chance = blind_chance(&q->blind, lane), waiting = blind_waiting(&q->blind, lane);
    double guesses = (double)p->scenarios * chance;
    uint8_t there = 1U << lane % p->scenarios;
    for (uint32_t n = 1; (double)n < guesses; n++)
        there |= (uint8_t)(1U << (lane + n) % p->scenarios);
    double share = guesses / (double)__builtin_popcount(there);
    for (uint32_t n = 0; n < q->lanes[lane].holds && waiting > 0; n++, waiting -= 1) {
        double part = waiting < 1 ? waiting : 1;
        if (chance * part < DOUBTED)
            return;
        put(&p->lanes[lane], 0, weight * share * part, (uint8_t)~there);
    }
}

/* What who is on this lane weighs for those who come after him. */
static double
weight_of(const struct queues *q, uint32_t lane, double now_s)
{
    if (spill_over(&q->spill, q->model, lane))
        return SPILL_WEIGHT;
    if (q->model->lane_kind[lane] == LANE_WALK)
        return 1;
    return spill_weight(queue_by(q, lane, now_s + WAITS_SOON_S), q->lanes[lane].holds);
}

/* Who is behind its farthest loop, as far as that is believed. */
static double
hidden_of(const struct queues *q, uint32_t lane)
{
    double hidden = spill_hidden(&q->spill, q->model, lane);
    int32_t far = signals_next_loop(q->model, lane, UINT32_MAX);
    return hidden > 0 ? hidden * trust_source(&q->trust, (uint32_t)far) : 0;
}

static void
fill_lane(const struct queues *q, const struct intents_source *sources, struct search_problem *p,
          uint32_t lane, double now_s)
{
    const struct queue_lane *from = &q->lanes[lane];
    struct search_lane *to = &p->lanes[lane];
    bool walk = q->model->lane_kind[lane] == LANE_WALK;
    bool waits = queues_standing(q, lane, now_s) > 0;
    double eta = now_s;
    double extra = waits && now_s - from->served_s > QUEUE_PATIENCE_S ? IMPATIENT_WEIGHT : 0;
    double spills = weight_of(q, lane, now_s), hidden = hidden_of(q, lane);
    bool crowded = hidden >= 1; /* from its farthest loop to the line all are in the queue */
    to->count = 0;
    if (blind_is(&q->blind, lane) && !waits)
        put(to, 0, blind_doubt(&q->blind, lane), 0);
    else if (!blind_is(&q->blind, lane) && !q->sees && !walk)
        fill_doubt(q, p, lane, spills);
    for (uint32_t i = 0; i < from->count; i++) {
        eta = queue_eta(q, lane, i, eta, now_s);
        bool stands = eta <= now_s || crowded;
        double weight = (walk ? WALK_WEIGHT : 1) + (stands ? extra : 0);
        double share = queue_believed(q, lane, i);
        if (share > DISBELIEVED) /* else it would still stand in the way of who yields */
            put(to, stands ? 0 : eta - now_s + MARGIN_S,
                weight * spills * share * likely(q, lane, i, now_s),
                stands ? 0 : elsewhere_of(q, lane, i));
    }
    if (crowded)
        put(to, 0, hidden, 0); /* one weighs as much */
    else
        fill_beyond(q, sources, to, lane, now_s);
    to->headway_s = walk ? WALK_HEADWAY_S : from->flow.headway_s;
    to->permissive_s = walk ? WALK_HEADWAY_S : from->flow.headway_s * PERMISSIVE_SHARE;
    to->start_s = walk ? 0 : from->flow.start_s;
    to->gone = (uint8_t)(from->left < FLOW_STARTS ? from->left : FLOW_STARTS);
    uint32_t before = from->left > 0 ? from->left - 1 : 0; /* whoever left last */
    to->free_s = from->departed_s + flow_headway(to->headway_s, before) - now_s;
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
    struct lane_turns head = {0}, rest = {0};
    if (!turns_aside(q, lane, &head))
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

/* In some scenarios he is on this lane too. */
static void
put_guest(const struct queues *q, struct search_problem *p, uint32_t lane, double eta_s,
          double weight, uint8_t elsewhere)
{
    struct search_lane *l = &p->lanes[lane];
    struct lane_turns turns;
    if (l->count == SEARCH_VEHICLES_MAX)
        return;
    uint32_t at = search_make_room(p, lane, eta_s);
    l->weight[at] = weight;
    l->elsewhere[at] = elsewhere;
    turns_of(q, lane, false, &turns);
    for (uint32_t c = 0; c < p->scenarios; c++)
        l->link[c][at] = link_of(&turns, c, p->scenarios, at);
}

/*
 * Which lane somebody takes whom its last loop did not see yet is a guess, another one in each
 * scenario: who drives on this lane may be on others of his source. True: it was so for some.
 */
static bool
fill_guests(const struct queues *q, struct search_problem *p, uint32_t lane, double now_s)
{
    const struct queue_lane *from = &q->lanes[lane];
    double eta = now_s;
    uint8_t scenarios[SIGNALS_REACH_MAX];
    bool some = false;
    for (uint32_t i = 0; i < from->count; i++) {
        double share = queue_believed(q, lane, i);
        eta = queue_eta(q, lane, i, eta, now_s);
        if (eta <= now_s || share <= DISBELIEVED || !shares_guess_lanes(q, lane, i, scenarios))
            continue;
        const struct signals_source *s = queue_source(q->model, from->v[i].source);
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            uint32_t to = s->lanes[k];
            if (to == lane || scenarios[k] == 0)
                continue;
            double spills = spill_over(&q->spill, q->model, to) ? SPILL_WEIGHT : 1;
            put_guest(q, p, to, eta - now_s + MARGIN_S, spills * share, (uint8_t)~scenarios[k]);
            some = true;
        }
    }
    return some;
}

/* More than a decision with all guesses can take into account within 1 ms. */
static bool
is_much(const struct queues *q)
{
    uint32_t vehicles = 0;
    for (uint32_t l = 0; l < q->model->lanes_count; l++)
        vehicles += q->lanes[l].count;
    return q->model->lanes_count > MANY_LANES || vehicles > MANY_VEHICLES;
}

void
queues_fill(const struct queues *q, const struct intents_source *sources, struct search_problem *p,
            double now_s)
{
    const struct signals_model *m = q->model;
    bool mixed = false;
    p->thrift = is_much(q);
    p->scenarios = p->thrift ? SEARCH_SCENARIOS_MAX / SEARCH_THRIFT : SEARCH_SCENARIOS_MAX;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        fill_lane(q, sources, p, l, now_s);
        bool several = fill_links(q, p, l);
        for (uint32_t i = 0; several && i < p->lanes[l].count; i++)
            mixed = mixed || i >= q->lanes[l].count || q->lanes[l].v[i].link < 0;
        for (uint32_t ph = 0; ph < m->phases_count; ph++)
            p->stuck[ph][l] = q->lanes[l].stuck_until_s[ph] > now_s;
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        mixed |= !q->sees && p->lanes[l].count > 0 && blind_chance(&q->blind, l) >= DOUBTED;
        mixed |= fill_guests(q, p, l, now_s);
    }
    if (!mixed)
        p->scenarios = 1;
}
