#include "services/signals/optimize/search.h"

enum {
    POOL = 2048, /* nodes; beam x phases, and some */
    TIGHT_MAX = 16,
    STAGES = 4, /* of the cost-to-go */
    LANES_MANY = 12,
    GAP_LOOK = 3,    /* vehicles of a lane with right of way that a gap looks at */
    ARRIVE_SOON = 4, /* s after the clearance: a head that comes then makes a phase worth a look */
};
#define GAP_S 4.5         /* a turner does not go before somebody who comes within this */
#define YELLOW_GO_S 1.5   /* of yellow that is still used */
#define YELLOW_TURN_S 2.0 /* by a turner who waits in the junction */
#define STOP_COST 1.0     /* for a vehicle that has to stop */
#define STOP_AFTER_S 2.0
#define TOGO_PERMISSIVE_S 3.8
#define STORE_S 2.0 /* who comes within this counts as waiting for the cost-to-go */

struct node {
    double cost, rank;
    uint8_t phase, from, first;
    uint8_t steps_count;
    struct search_step steps[SEARCH_STEPS_MAX];
    int32_t elapsed_s, left_s, next_branch_s; /* left_s > 0: between two phases */
    uint16_t at;                              /* its place in the pool */
};

/* What a node knows of one scenario: for each lane in use the first vehicle that is still there,
 * and when the next may go; for each tight exit, how many it still takes. */
enum { SLOTS = SEARCH_SCENARIOS_MAX * SIGNALS_LANES_MAX };

struct search {
    const struct search_problem *p;
    uint32_t lanes_count;
    uint8_t lanes[SIGNALS_LANES_MAX];    /* those with somebody */
    int8_t lane_slot[SIGNALS_LANES_MAX]; /* -1: nobody */
    int8_t tight_of[SIGNALS_EXITS_MAX];
    uint32_t tight_count;
    /* lane, vehicle: sums of weight and of weight x eta before it, per scenario */
    double weight_sum[SEARCH_SCENARIOS_MAX][SIGNALS_LANES_MAX][SEARCH_VEHICLES_MAX + 1];
    double eta_sum[SEARCH_SCENARIOS_MAX][SIGNALS_LANES_MAX][SEARCH_VEHICLES_MAX + 1];
    /* how many follow each other from here on who may go in that phase */
    uint8_t run[SEARCH_SCENARIOS_MAX][SIGNALS_LANES_MAX][SIGNALS_PHASES_MAX]
               [SEARCH_VEHICLES_MAX + 1];
    bool permissive[SEARCH_SCENARIOS_MAX][SIGNALS_LANES_MAX][SIGNALS_PHASES_MAX]
                   [SEARCH_VEHICLES_MAX + 1];
    uint8_t due[SIGNALS_LANES_MAX][SEARCH_HORIZON_S + 1]; /* eta <= t + STORE_S */
    uint8_t light[SIGNALS_PHASES_MAX][SIGNALS_LINKS_MAX]; /* with the stuck ones red */
    uint32_t count;
    uint16_t order[POOL];
    uint16_t spare[POOL];
    uint32_t spare_count;
    struct node nodes[POOL];
    uint8_t index[POOL][SLOTS];
    double free_s[POOL][SLOTS];
    double room[POOL][SEARCH_SCENARIOS_MAX * TIGHT_MAX];
};

static uint8_t *
indices(struct search *s, const struct node *n, uint32_t scenario)
{
    return &s->index[n->at][scenario * s->lanes_count];
}

static double *
free_times(struct search *s, const struct node *n, uint32_t scenario)
{
    return &s->free_s[n->at][scenario * s->lanes_count];
}

struct search *
search_new(void)
{
    return calloc(1, sizeof(struct search));
}

void
search_free(struct search *s)
{
    free(s);
}

/* ---- what is the same for all plans --------------------------------------------------------- */

static double
weight_of(const struct search_problem *p, const struct search_lane *l, uint32_t scenario,
          uint32_t i)
{
    return l->weight[i] * p->link_weight[l->link[scenario][i]];
}

static void
prepare_lane(struct search *s, uint32_t lane)
{
    const struct search_problem *p = s->p;
    const struct search_lane *l = &p->lanes[lane];
    for (uint32_t c = 0; c < p->scenarios; c++) {
        for (uint32_t i = 0; i < l->count; i++) {
            double w = weight_of(p, l, c, i);
            s->weight_sum[c][lane][i + 1] = s->weight_sum[c][lane][i] + w;
            s->eta_sum[c][lane][i + 1] = s->eta_sum[c][lane][i] + w * l->eta_s[i];
        }
        for (uint32_t ph = 0; ph < p->model->phases_count; ph++) {
            s->run[c][lane][ph][l->count] = 0;
            s->permissive[c][lane][ph][l->count] = false;
            for (uint32_t i = l->count; i-- > 0;) {
                uint32_t k = l->link[c][i];
                uint8_t light = s->light[ph][k];
                bool go = light != LIGHT_RED;
                s->run[c][lane][ph][i] = go ? (uint8_t)(s->run[c][lane][ph][i + 1] + 1) : 0;
                s->permissive[c][lane][ph][i] =
                    go && light == LIGHT_YIELDS && p->model->yields_count[k] > 0;
            }
        }
    }
    uint8_t due = 0;
    for (uint32_t t = 0; t <= SEARCH_HORIZON_S; t++) {
        while (due < l->count && l->eta_s[due] <= (double)t + STORE_S)
            due++;
        s->due[lane][t] = due;
    }
}

static void
prepare(struct search *s, const struct search_problem *p)
{
    const struct signals_model *m = p->model;
    s->p = p;
    s->lanes_count = 0;
    s->tight_count = 0;
    for (uint32_t ph = 0; ph < m->phases_count; ph++) {
        for (uint32_t k = 0; k < m->links_count; k++)
            s->light[ph][k] = p->stuck[ph][m->link_lane[k]] ? LIGHT_RED : m->lights[ph][k];
    }
    for (uint32_t x = 0; x < m->exits_count; x++) {
        bool tight = p->exit_room[x] < SEARCH_UNLIMITED && s->tight_count < TIGHT_MAX;
        s->tight_of[x] = tight ? (int8_t)s->tight_count++ : -1;
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        s->lane_slot[l] = -1;
        if (p->lanes[l].count == 0)
            continue;
        s->lane_slot[l] = (int8_t)s->lanes_count;
        s->lanes[s->lanes_count++] = (uint8_t)l;
        prepare_lane(s, l);
    }
    s->spare_count = 0;
    for (uint32_t i = POOL; i-- > 0;)
        s->spare[s->spare_count++] = (uint16_t)i;
    s->count = 0;
}

/* ---- one second of one plan ----------------------------------------------------------------- */

/* Somebody with right of way comes too soon. */
static bool
gap_missing(struct search *s, const struct node *n, uint32_t c, uint32_t link, double t)
{
    const struct signals_model *m = s->p->model;
    for (uint32_t y = 0; y < m->yields_count[link]; y++) {
        uint32_t foe = m->yields[link][y];
        if (s->light[n->phase][foe] != LIGHT_GREEN)
            continue;
        uint32_t lane = m->link_lane[foe];
        if (s->lane_slot[lane] < 0)
            continue;
        const struct search_lane *l = &s->p->lanes[lane];
        uint32_t from = indices(s, n, c)[s->lane_slot[lane]];
        for (uint32_t i = from; i < l->count && i < from + GAP_LOOK; i++) {
            if (l->eta_s[i] > t + GAP_S)
                break;
            if (l->link[c][i] == foe)
                return true;
        }
    }
    return false;
}

/* What a link shows during the change of the node, `t` into the horizon; *until: it may be used. */
static enum link_light
changing_light(const struct search *s, const struct node *n, uint32_t link, double t, double *until)
{
    enum link_light from = s->light[n->from][link], to = s->light[n->phase][link];
    if (from != LIGHT_RED && to != LIGHT_RED)
        return from < to ? from : to;
    if (from == LIGHT_RED)
        return LIGHT_RED;
    double began = t - ((double)s->p->clearance_s - (double)n->left_s);
    *until = began + (from == LIGHT_YIELDS ? YELLOW_TURN_S : YELLOW_GO_S);
    return from;
}

static void
advance_lane(struct search *s, const struct node *n, uint32_t c, uint32_t slot, double t,
             double *cost)
{
    const struct search_problem *p = s->p;
    const struct search_lane *l = &p->lanes[s->lanes[slot]];
    uint32_t i = indices(s, n, c)[slot];
    double free_s = free_times(s, n, c)[slot];
    while (i < l->count && l->eta_s[i] < t + 1) {
        uint32_t k = l->link[c][i];
        double until = t + 1;
        enum link_light light =
            n->left_s > 0 ? changing_light(s, n, k, t, &until) : s->light[n->phase][k];
        if (light == LIGHT_RED)
            break;
        double at = l->eta_s[i] > free_s ? l->eta_s[i] : free_s;
        at = at > t ? at : t;
        if (at >= t + 1 || at >= until)
            break;
        bool yields = light == LIGHT_YIELDS && p->model->yields_count[k] > 0;
        if (yields && n->left_s == 0 && gap_missing(s, n, c, k, t))
            break;
        int8_t tight = s->tight_of[p->model->link_exit[k]];
        if (tight >= 0) {
            double *room = &s->room[n->at][(size_t)c * TIGHT_MAX + (size_t)tight];
            if (*room < 1)
                break;
            *room -= 1;
        }
        double w = weight_of(p, l, c, i), waited = at - l->eta_s[i];
        *cost += w * waited;
        if (waited > STOP_AFTER_S && l->eta_s[i] > 0)
            *cost += STOP_COST * w;
        free_s = at + (light == LIGHT_YIELDS ? l->permissive_s : l->headway_s);
        i++;
    }
    indices(s, n, c)[slot] = (uint8_t)i;
    free_times(s, n, c)[slot] = free_s;
}

/* Queues that get green now need a moment to start. */
static void
begin_green(struct search *s, struct node *n, double t)
{
    const struct search_problem *p = s->p;
    n->elapsed_s = 0;
    for (uint32_t c = 0; c < p->scenarios; c++) {
        for (uint32_t j = 0; j < s->lanes_count; j++) {
            uint32_t lane = s->lanes[j];
            const struct search_lane *l = &p->lanes[lane];
            uint32_t i = indices(s, n, c)[j];
            if (i >= l->count || l->eta_s[i] > t)
                continue;
            uint32_t k = l->link[c][i];
            if (s->light[n->phase][k] == LIGHT_RED || s->light[n->from][k] != LIGHT_RED)
                continue;
            double *free_s = &free_times(s, n, c)[j];
            if (*free_s < t + l->start_s)
                *free_s = t + l->start_s;
        }
    }
}

static void
advance(struct search *s, struct node *n, uint32_t t)
{
    double cost = 0;
    for (uint32_t c = 0; c < s->p->scenarios; c++) {
        for (uint32_t j = 0; j < s->lanes_count; j++)
            advance_lane(s, n, c, j, (double)t, &cost);
    }
    n->cost += cost / (double)s->p->scenarios;
    if (n->left_s > 0) {
        if (--n->left_s == 0)
            begin_green(s, n, (double)t + 1);
    } else {
        n->elapsed_s++;
    }
}

/* ---- what is left to pay --------------------------------------------------------------------- */

/* Lanes on which somebody waits, and of whom: index .. last of the lane. */
struct waiting {
    uint32_t count;
    double weight;
    uint8_t lane[SIGNALS_LANES_MAX], index[SIGNALS_LANES_MAX], last[SIGNALS_LANES_MAX];
};
struct stage {
    double weight, green_s;
    uint8_t served[SIGNALS_LANES_MAX]; /* by place in `waiting` */
};

static double
headway_of(const struct search *s, uint32_t c, uint32_t lane, uint32_t phase, uint32_t i)
{
    return s->permissive[c][lane][phase][i] ? TOGO_PERMISSIVE_S : s->p->lanes[lane].headway_s;
}

static double
weight_between(const struct search *s, uint32_t c, uint32_t lane, uint32_t from, uint32_t to)
{
    return s->weight_sum[c][lane][to] - s->weight_sum[c][lane][from];
}

/* How many of the waiting ones each lane would serve in the phase, and for how long. */
static void
stage_of(const struct search *s, uint32_t c, uint32_t phase, const struct waiting *w,
         struct stage *out)
{
    out->weight = 0;
    out->green_s = 0;
    for (uint32_t j = 0; j < w->count; j++) {
        uint32_t lane = w->lane[j], i = w->index[j];
        uint32_t most = (uint32_t)w->last[j] - i;
        uint32_t m = s->run[c][lane][phase][i];
        m = m < most ? m : most;
        out->served[j] = (uint8_t)m;
        if (m == 0)
            continue;
        out->weight += weight_between(s, c, lane, i, i + m);
        double green = (double)m * headway_of(s, c, lane, phase, i);
        out->green_s = green > out->green_s ? green : out->green_s;
    }
}

static double
start_of(const struct search *s, const struct node *n, uint32_t phase, uint32_t now, uint32_t stage)
{
    const struct search_problem *p = s->p;
    double lost = (double)p->clearance_s + 2.0, least = (double)p->model->minimum_s[n->phase];
    if (stage > 0)
        return phase == now ? 0 : lost;
    if (n->left_s > 0)
        return (double)n->left_s + (phase == now ? 2.0 : least + lost);
    if (phase == now)
        return 0;
    double rest = least - (double)n->elapsed_s;
    return lost + (rest > 0 ? rest : 0);
}

/* Who waits at t, and what they have lost until then. */
static double
find_waiting(struct search *s, const struct node *n, uint32_t c, uint32_t t, struct waiting *out)
{
    const uint8_t *index = indices(s, n, c);
    double cost = 0;
    out->count = 0;
    out->weight = 0;
    for (uint32_t j = 0; j < s->lanes_count; j++) {
        uint32_t lane = s->lanes[j];
        if (s->due[lane][t] <= index[j])
            continue;
        out->lane[out->count] = (uint8_t)lane;
        out->index[out->count] = index[j];
        out->last[out->count++] = s->due[lane][t];
        double w = weight_between(s, c, lane, index[j], s->due[lane][t]);
        cost +=
            w * (double)t - (s->eta_sum[c][lane][s->due[lane][t]] - s->eta_sum[c][lane][index[j]]);
        out->weight += w;
    }
    return cost;
}

/* Serve the stage, which begins `from_s` after t. */
static double
serve(const struct search *s, uint32_t c, uint32_t phase, const struct stage *stage, double from_s,
      struct waiting *w)
{
    double cost = 0;
    for (uint32_t j = 0; j < w->count; j++) {
        uint32_t m = stage->served[j], lane = w->lane[j], i = w->index[j];
        if (m == 0)
            continue;
        double weight = weight_between(s, c, lane, i, i + m);
        cost += weight * from_s + 0.5 * weight * (double)m * headway_of(s, c, lane, phase, i);
        w->index[j] = (uint8_t)(i + m);
    }
    w->weight -= stage->weight;
    return cost;
}

/* specs/signals-better.md 1.2: conflicting queues are served one after the other, best rate first.
 */
static double
togo(struct search *s, const struct node *n, uint32_t c, uint32_t t)
{
    const struct search_problem *p = s->p;
    struct waiting w;
    struct stage stages[2], *it = &stages[0], *best = &stages[1];
    double cost = find_waiting(s, n, c, t, &w), tau = 0;
    uint32_t now = n->phase;
    for (uint32_t stage = 0; stage < STAGES && w.weight > 1e-9; stage++) {
        double best_rate = 0, best_start = 0;
        uint32_t phase = now;
        for (uint32_t ph = 0; ph < p->model->phases_count; ph++) {
            stage_of(s, c, ph, &w, it);
            if (it->weight <= 0)
                continue;
            double start = start_of(s, n, ph, now, stage);
            if (ph != now && it->green_s < (double)p->model->minimum_s[ph])
                it->green_s = (double)p->model->minimum_s[ph];
            double rate = it->weight / (start + it->green_s + 0.1);
            if (rate > best_rate) {
                struct stage *other = best;
                best = it;
                it = other;
                best_rate = rate;
                best_start = start;
                phase = ph;
            }
        }
        if (best_rate <= 0)
            break;
        cost += serve(s, c, phase, best, tau + best_start, &w);
        tau += best_start + best->green_s;
        now = phase;
    }
    double rest_s = tau + (double)p->clearance_s + 2.0 + 0.5 * (double)p->model->minimum_s[now];
    for (uint32_t j = 0; j < w.count; j++) {
        double left = weight_between(s, c, w.lane[j], w.index[j], w.last[j]);
        if (left > 0)
            cost += left * rest_s + 0.5 * left * left * p->lanes[w.lane[j]].headway_s;
    }
    return cost;
}

/*
 * Cost so far and cost-to-go, over every `step`th of the scenarios: where lanes are many, half of
 * them are enough to see what is hopeless.
 */
static double
rank(struct search *s, const struct node *n, uint32_t t, uint32_t step)
{
    double cost = 0;
    uint32_t count = 0;
    for (uint32_t c = 0; c < s->p->scenarios; c += step, count++)
        cost += togo(s, n, c, t);
    return n->cost + cost / (double)count;
}

/* ---- the beam -------------------------------------------------------------------------------- */

static struct node *
take(struct search *s)
{
    if (s->spare_count == 0 || s->count == POOL)
        return NULL;
    uint16_t at = s->spare[--s->spare_count];
    s->order[s->count++] = at;
    s->nodes[at].at = at;
    return &s->nodes[at];
}

static bool
is_useful(struct search *s, const struct node *n, uint32_t phase, uint32_t t)
{
    const struct search_problem *p = s->p;
    double soon = (double)t + (double)p->clearance_s + ARRIVE_SOON;
    for (uint32_t j = 0; j < s->lanes_count; j++) {
        uint32_t lane = s->lanes[j];
        const struct search_lane *l = &p->lanes[lane];
        for (uint32_t c = 0; c < p->scenarios; c++) {
            uint32_t i = indices(s, n, c)[j];
            if (i < l->count && l->eta_s[i] <= soon && s->light[phase][l->link[c][i]] != LIGHT_RED)
                return true;
        }
    }
    return false;
}

static void
begin_change(struct search *s, struct node *n, uint32_t phase, uint32_t t)
{
    const struct search_problem *p = s->p;
    n->from = n->phase;
    n->phase = (uint8_t)phase;
    n->left_s = (int32_t)p->clearance_s;
    n->next_branch_s = (int32_t)(t + p->clearance_s + p->model->minimum_s[phase]);
    n->cost += p->change_cost;
    if (t == 0)
        n->first = (uint8_t)phase;
    if (n->steps_count < SEARCH_STEPS_MAX)
        n->steps[n->steps_count++] =
            (struct search_step){(uint8_t)phase, (uint16_t)(t + p->clearance_s)};
    if (n->left_s == 0)
        begin_green(s, n, (double)t);
}

static void
copy(struct search *s, const struct node *from, struct node *to)
{
    uint32_t slots = s->p->scenarios * s->lanes_count;
    uint16_t at = to->at;
    *to = *from;
    to->at = at;
    memcpy(s->index[at], s->index[from->at], slots * sizeof(s->index[0][0]));
    memcpy(s->free_s[at], s->free_s[from->at], slots * sizeof(s->free_s[0][0]));
    if (s->tight_count > 0)
        memcpy(s->room[at], s->room[from->at], sizeof(s->room[0]));
}

/* The children of a node at second t; it stays itself, or is dropped when it must change. */
static bool
branch(struct search *s, struct node *n, uint32_t t)
{
    const struct search_problem *p = s->p;
    bool changed = false;
    if (n->left_s > 0 || n->elapsed_s < (int32_t)p->model->minimum_s[n->phase] ||
        (int32_t)t < n->next_branch_s)
        return true;
    for (uint32_t d = 1; d < p->model->phases_count; d++) {
        uint32_t phase = (n->phase + d) % p->model->phases_count;
        if (!is_useful(s, n, phase, t))
            continue;
        struct node *child = take(s);
        if (!child)
            break;
        copy(s, n, child);
        begin_change(s, child, phase, t);
        changed = true;
    }
    n->next_branch_s = (int32_t)t + SEARCH_BRANCH_S;
    return !changed || n->elapsed_s < SEARCH_GREEN_MAX_S;
}

static void
drop(struct search *s, uint32_t at)
{
    s->spare[s->spare_count++] = s->order[at];
    s->order[at] = s->order[--s->count];
}

static void
sort(struct search *s)
{
    for (uint32_t gap = s->count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < s->count; i++) {
            uint16_t x = s->order[i];
            uint32_t k = i;
            while (k >= gap) {
                const struct node *a = &s->nodes[s->order[k - gap]], *b = &s->nodes[x];
                if (a->rank < b->rank || (a->rank == b->rank && s->order[k - gap] < x))
                    break;
                s->order[k] = s->order[k - gap];
                k -= gap;
            }
            s->order[k] = x;
        }
    }
}

/* Keep the best, but not too many of one phase: the ways must stay different. */
static void
prune(struct search *s, uint32_t t)
{
    uint32_t kept = 0, of_phase[SIGNALS_PHASES_MAX] = {0};
    uint32_t share = SEARCH_BEAM / (s->p->model->phases_count < 4 ? 2U : 3U) + 1;
    if (s->count <= SEARCH_BEAM)
        return;
    uint32_t step = s->lanes_count > LANES_MANY ? 2 : 1;
    for (uint32_t i = 0; i < s->count; i++)
        s->nodes[s->order[i]].rank = rank(s, &s->nodes[s->order[i]], t, step);
    sort(s);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct node *n = &s->nodes[s->order[i]];
        if (kept < SEARCH_BEAM && of_phase[n->phase] < share) {
            of_phase[n->phase]++;
            s->order[kept++] = s->order[i];
        } else {
            s->spare[s->spare_count++] = s->order[i];
        }
    }
    s->count = kept;
}

static void
begin(struct search *s)
{
    const struct search_problem *p = s->p;
    struct node *root = take(s);
    ASSERT(root);
    *root = (struct node){.phase = (uint8_t)p->phase,
                          .from = (uint8_t)p->phase,
                          .first = (uint8_t)p->phase,
                          .elapsed_s = (int32_t)p->age_s,
                          .at = root->at};
    for (uint32_t c = 0; c < p->scenarios; c++) {
        for (uint32_t j = 0; j < s->lanes_count; j++) {
            indices(s, root, c)[j] = 0;
            free_times(s, root, c)[j] = p->lanes[s->lanes[j]].free_s;
        }
        for (uint32_t x = 0; x < p->model->exits_count; x++) {
            if (s->tight_of[x] >= 0)
                s->room[root->at][(size_t)c * TIGHT_MAX + (size_t)s->tight_of[x]] = p->exit_room[x];
        }
    }
}

static void
decide(struct search *s, struct search_result *out)
{
    const struct search_problem *p = s->p;
    const struct node *best = NULL;
    for (uint32_t ph = 0; ph < SIGNALS_PHASES_MAX; ph++)
        out->phase_cost[ph] = -1;
    for (uint32_t i = 0; i < s->count; i++) {
        struct node *n = &s->nodes[s->order[i]];
        n->rank = rank(s, n, SEARCH_HORIZON_S, 1);
        double *cost = &out->phase_cost[n->first];
        if (*cost < 0 || n->rank < *cost)
            *cost = n->rank;
        uint32_t phases = p->model->phases_count;
        uint32_t mine = (n->first + phases - p->phase) % phases;
        uint32_t theirs = best ? (best->first + phases - p->phase) % phases : phases;
        if (!best || n->rank < best->rank || (n->rank == best->rank && mine < theirs))
            best = n;
    }
    ASSERT(best);
    out->phase = best->first;
    out->cost = best->rank;
    out->steps_count = best->steps_count;
    memcpy(out->steps, best->steps, sizeof(out->steps));
}

void
search_run(struct search *s, const struct search_problem *problem, struct search_result *out)
{
    ASSERT(problem->scenarios >= 1 && problem->scenarios <= SEARCH_SCENARIOS_MAX);
    ASSERT(problem->phase < problem->model->phases_count);
    prepare(s, problem);
    begin(s);
    for (uint32_t t = 0; t < SEARCH_HORIZON_S; t++) {
        for (uint32_t i = s->count; i-- > 0;) {
            if (!branch(s, &s->nodes[s->order[i]], t))
                drop(s, i);
        }
        prune(s, t);
        for (uint32_t i = 0; i < s->count; i++)
            advance(s, &s->nodes[s->order[i]], t);
    }
    decide(s, out);
}
