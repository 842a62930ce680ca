#include "services/signals/optimize/search.h"
#include "services/signals/optimize/lines.h"
#include "services/signals/optimize/places.h"
#include "services/signals/optimize/togo.h"

enum {
    POOL = 2048, /* nodes; beam x phases, and some */
    TIGHT_MAX = 16,
    GAP_LOOK = 3, /* vehicles of a lane with right of way that a gap looks at */
};
#define GAP_S 4.5         /* a turner does not go before somebody who comes within this */
#define YELLOW_TURN_S 2.0 /* by a turner who waits in the junction */
#define STOP_COST 1.0     /* for a vehicle that has to stop */
#define STOP_AFTER_S 2.0

struct node {
    double cost;
    uint8_t phase, from, first;
    uint8_t steps_count;
    struct search_step steps[SEARCH_STEPS_MAX];
    int32_t elapsed_s, left_s, next_branch_s; /* left_s > 0: between two phases */
    int32_t clears_s, walk_until_s; /* a walk is shown: what clears it, and when that may begin */
    uint16_t at;                    /* its place in the pool */
    uint8_t state;                  /* of the street, as it has it */
    bool is_new;                    /* begun in this second: the state is its parent's */
    uint32_t lit;                   /* phases that must all let a link go */
};

_Static_assert(SEARCH_BEAM <= UINT8_MAX, "a state is a byte");

/* What a node knows of one scenario: for each lane in use the first vehicle that is still there,
 * and when the next may go; for each tight exit, how many it still takes. */
enum { SLOTS = SEARCH_SCENARIOS_MAX * SIGNALS_LANES_MAX };

struct search {
    const struct search_problem *p;
    struct lines lines;
    uint32_t always_walk; /* phases whose walks nobody calls for */
    int8_t tight_of[SIGNALS_EXITS_MAX];
    uint32_t tight_count;
    uint32_t count;
    uint16_t order[POOL];
    uint16_t spare[POOL];
    uint32_t spare_count;
    struct node nodes[POOL];
    struct place places[POOL];
    /* states */
    uint8_t index[SEARCH_BEAM][SLOTS];
    double free_s[SEARCH_BEAM][SLOTS];
    uint8_t gone[SEARCH_BEAM][SLOTS]; /* of the queue since it started; FLOW_STARTS: it flows */
    uint64_t hash[SEARCH_BEAM][SEARCH_SCENARIOS_MAX];  /* of all indices */
    uint64_t shown[SEARCH_BEAM][SEARCH_SCENARIOS_MAX]; /* lanes whose first one is let go */
    double room[SEARCH_BEAM][SEARCH_SCENARIOS_MAX * TIGHT_MAX];
    struct togo togo;
};

static uint8_t *
indices(struct search *s, const struct node *n, uint32_t scenario)
{
    return &s->index[n->state][scenario * s->lines.count];
}

static double *
free_times(struct search *s, const struct node *n, uint32_t scenario)
{
    return &s->free_s[n->state][scenario * s->lines.count];
}

static uint8_t *
gone_of(struct search *s, const struct node *n, uint32_t scenario)
{
    return &s->gone[n->state][scenario * s->lines.count];
}

uint32_t
search_make_room(struct search_problem *p, uint32_t lane, double eta_s)
{
    struct search_lane *l = &p->lanes[lane];
    ASSERT(l->count < SEARCH_VEHICLES_MAX);
    uint32_t at = l->count++;
    for (; at > 0 && l->eta_s[at - 1] > eta_s; at--) {
        l->eta_s[at] = l->eta_s[at - 1];
        l->weight[at] = l->weight[at - 1];
        l->elsewhere[at] = l->elsewhere[at - 1];
        for (uint32_t c = 0; c < p->scenarios; c++)
            l->link[c][at] = l->link[c][at - 1];
    }
    l->eta_s[at] = eta_s;
    return at;
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

static void
find_always_walk(struct search *s)
{
    const struct signals_model *m = s->p->model;
    s->always_walk = 0;
    for (uint32_t ph = 0; ph < m->phases_count; ph++)
        s->always_walk |= (uint32_t)(m->clears_s[ph] > 0 && m->walks[ph] == 0) << ph;
}

static void
prepare(struct search *s, const struct search_problem *p)
{
    s->p = p;
    find_always_walk(s);
    s->tight_count = 0;
    lines_prepare(&s->lines, p);
    for (uint32_t x = 0; x < p->model->exits_count; x++) {
        bool tight = p->exit_room[x] < SEARCH_UNLIMITED && s->tight_count < TIGHT_MAX;
        s->tight_of[x] = tight ? (int8_t)s->tight_count++ : -1;
    }
    s->spare_count = 0;
    for (uint32_t i = POOL; i-- > 0;)
        s->spare[s->spare_count++] = (uint16_t)i;
    s->count = 0;
}

/* ---- one second of one plan ----------------------------------------------------------------- */

/* The green of the last phase that is held while its walk is cleared. */
static bool
is_held(const struct search *s, const struct node *n)
{
    return n->left_s > (int32_t)s->p->clearance_s;
}

static uint32_t
phase_shown(const struct search *s, const struct node *n)
{
    return is_held(s, n) ? n->from : n->phase;
}

/* Somebody of the lane takes this link soon, and nobody stands before him who waits for a gap. */
static bool
comes(struct search *s, const struct node *n, uint32_t c, uint32_t lane, uint32_t link, double t)
{
    uint32_t phase = phase_shown(s, n);
    const struct search_lane *l = &s->p->lanes[lane];
    uint32_t from = indices(s, n, c)[s->lines.slot_of[lane]];
    for (uint32_t i = from; i < l->count && i < from + GAP_LOOK; i++) {
        uint32_t k = l->link[c][i];
        if (l->eta_s[i] > t + GAP_S)
            return false;
        if (!search_is_there(l, c, i))
            continue;
        if (k == link)
            return true;
        if (s->lines.only_gaps[k] && l->eta_s[i] <= t && s->lines.light[phase][k] == LIGHT_YIELDS)
            return false;
    }
    return false;
}

/* Somebody with right of way comes too soon, or people have just been let go before a turner. */
static bool
gap_missing(struct search *s, const struct node *n, uint32_t c, uint32_t link, double t)
{
    const struct signals_model *m = s->p->model;
    uint32_t phase = phase_shown(s, n);
    for (uint32_t y = 0; y < m->yields_count[link]; y++) {
        uint32_t foe = m->yields[link][y];
        if (s->lines.light[phase][foe] != LIGHT_GREEN)
            continue;
        uint32_t lane = m->link_lane[foe];
        if (m->lane_kind[lane] == LANE_WALK) {
            if (n->clears_s > 0 && t < (double)n->walk_until_s)
                return true;
            continue;
        }
        if (s->lines.slot_of[lane] >= 0 && comes(s, n, c, lane, foe, t))
            return true;
    }
    return false;
}

/* A change from one phase to the other leaves this link its green. */
static bool
keeps_green(const struct search *s, const struct node *n, uint32_t link)
{
    return s->lines.light[n->from][link] != LIGHT_RED &&
           s->lines.light[n->phase][link] != LIGHT_RED &&
           !(s->p->model->stops[n->from][link] >> n->phase & 1);
}

/* What a link shows during the change of the node, `t` into the horizon; *until: it may be used. */
static enum link_light
changing_light(const struct search *s, const struct node *n, uint32_t link, double t, double *until)
{
    enum link_light from = s->lines.light[n->from][link], to = s->lines.light[n->phase][link];
    if (keeps_green(s, n, link))
        return from < to ? from : to;
    bool walk = s->p->model->lane_kind[s->p->model->link_lane[link]] == LANE_WALK;
    if (from == LIGHT_RED || walk)
        return LIGHT_RED;
    if (is_held(s, n))
        return from;
    double began = t - ((double)s->p->clearance_s - (double)n->left_s);
    *until = began + (from == LIGHT_YIELDS ? YELLOW_TURN_S : SEARCH_YELLOW_GO_S);
    return from;
}

/* Of a changing light, what was green is used for a part of the yellow; then what stays green. */
static uint32_t
lit(const struct search *s, const struct node *n)
{
    if (n->left_s == 0)
        return 1U << n->phase;
    if (is_held(s, n))
        return 1U << n->from;
    bool yellow = (double)s->p->clearance_s - (double)n->left_s < YELLOW_TURN_S;
    return yellow ? 1U << n->from : 1U << n->from | 1U << n->phase;
}

/* The light of a node is another one: find the lanes that it lets go. */
static void
show(struct search *s, struct node *n)
{
    n->lit = lit(s, n);
    for (uint32_t c = 0; c < s->p->scenarios; c++) {
        const uint8_t *index = indices(s, n, c);
        uint64_t shown = 0;
        for (uint32_t j = 0; j < s->lines.count; j++)
            shown |= (uint64_t)((s->lines.at[c][j][index[j]].go & n->lit) == n->lit) << j;
        s->shown[n->state][c] = shown;
    }
}

/* Somebody on foot goes: from now on a walk is shown. */
static void
begin_walk(const struct search *s, struct node *n, int32_t t)
{
    if (n->clears_s > 0)
        return;
    n->clears_s = s->p->model->clears_s[n->phase];
    n->walk_until_s = t + SEARCH_WALK_S;
}

static void
advance_lane(struct search *s, struct node *n, uint32_t c, uint32_t slot, double t, double *cost)
{
    const struct search_problem *p = s->p;
    const struct search_lane *l = &p->lanes[s->lines.lane[slot]];
    uint32_t first = indices(s, n, c)[slot], i = first;
    double free_s = free_times(s, n, c)[slot];
    uint8_t *gone = &gone_of(s, n, c)[slot];
    while (i < l->count && l->eta_s[i] < t + 1) {
        uint32_t k = l->link[c][i];
        double until = t + 1;
        enum link_light light =
            n->left_s > 0 ? changing_light(s, n, k, t, &until) : s->lines.light[n->phase][k];
        if (light == LIGHT_RED)
            break;
        double at = l->eta_s[i] > free_s ? l->eta_s[i] : free_s;
        at = at > t ? at : t;
        if (at >= t + 1 || at >= until)
            break;
        bool yields = signals_gives_way(p->model, k, light);
        if (yields && (n->left_s == 0 || is_held(s, n)) && gap_missing(s, n, c, k, t))
            break;
        int8_t tight = s->tight_of[p->model->link_exit[k]];
        if (tight >= 0) {
            double *room = &s->room[n->state][(size_t)c * TIGHT_MAX + (size_t)tight];
            if (*room < 1)
                break;
            *room -= 1;
        }
        double w = search_weight(p, l, c, i), waited = at - l->eta_s[i];
        *cost += w * waited;
        if (waited > STOP_AFTER_S && l->eta_s[i] > 0)
            *cost += STOP_COST * w;
        if (waited <= 0 && l->eta_s[i] > 0) /* nobody held him up */
            *gone = FLOW_STARTS;
        free_s = at + (light == LIGHT_YIELDS ? l->permissive_s : flow_headway(l->headway_s, *gone));
        *gone = (uint8_t)(*gone + (*gone < FLOW_STARTS));
        i = s->lines.at[c][slot][i + 1].next;
    }
    if (i == first)
        return;
    if (s->lines.walks >> slot & 1)
        begin_walk(s, n, (int32_t)t);
    indices(s, n, c)[slot] = (uint8_t)i;
    free_times(s, n, c)[slot] = free_s;
    s->hash[n->state][c] += lines_hash(slot, i - first);
    if ((s->lines.at[c][slot][i].go & n->lit) != n->lit)
        s->shown[n->state][c] &= ~(1ULL << slot);
}

/* Queues that get green now need a moment to start. */
static void
begin_green(struct search *s, struct node *n, double t)
{
    const struct search_problem *p = s->p;
    n->elapsed_s = 0;
    if (s->always_walk >> n->phase & 1)
        begin_walk(s, n, (int32_t)t);
    for (uint32_t c = 0; c < p->scenarios; c++) {
        for (uint32_t j = 0; j < s->lines.count; j++) {
            const struct search_lane *l = &p->lanes[s->lines.lane[j]];
            uint32_t i = indices(s, n, c)[j];
            if (!(s->lines.at[c][j][i].go >> n->phase & 1) || l->eta_s[i] > t ||
                keeps_green(s, n, l->link[c][i]))
                continue;
            double *free_s = &free_times(s, n, c)[j];
            if (*free_s < t + l->start_s)
                *free_s = t + l->start_s;
            gone_of(s, n, c)[j] = 0;
        }
    }
}

static void
advance(struct search *s, struct node *n, uint32_t t)
{
    const uint8_t *come = s->lines.come[t];
    double cost = 0;
    for (uint32_t c = 0; c < s->p->scenarios; c++) {
        const uint8_t *index = indices(s, n, c);
        const double *free_s = free_times(s, n, c);
        for (uint64_t rest = s->shown[n->state][c]; rest != 0; rest &= rest - 1) {
            uint32_t slot = (uint32_t)__builtin_ctzll(rest);
            if (index[slot] < come[slot] && free_s[slot] < (double)t + 1)
                advance_lane(s, n, c, slot, (double)t, &cost);
        }
    }
    n->cost += cost / (double)s->p->scenarios;
    if (n->left_s == 0) {
        n->elapsed_s++;
        return;
    }
    if (--n->left_s == 0)
        begin_green(s, n, (double)t + 1);
    if (lit(s, n) != n->lit)
        show(s, n);
}

/* ---- the beam -------------------------------------------------------------------------------- */

/* What a phase that stands must still stand before its yellow. */
static int32_t
rest_s(const struct search *s, const struct node *n, int32_t t)
{
    int32_t rest = (int32_t)s->p->model->minimum_s[n->phase] - n->elapsed_s;
    if (n->clears_s > 0 && rest < n->walk_until_s - t)
        rest = n->walk_until_s - t;
    return (rest > 0 ? rest : 0) + n->clears_s;
}

/* Cost so far and cost-to-go, at second t; or what that is at least. */
static double
rank(struct search *s, const struct node *n, uint32_t t, bool least)
{
    struct togo_light light = {.phase = n->phase, .left_s = n->left_s};
    if (n->left_s == 0)
        light.rest_s = rest_s(s, n, (int32_t)t);
    double cost =
        togo_cost(&s->togo, n->state, s->index[n->state], s->hash[n->state], &light, least);
    return n->cost + cost / (double)s->p->scenarios;
}

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

/* Phases that would let somebody go who is there or comes soon. */
static uint32_t
find_useful(struct search *s, const struct node *n, uint32_t t)
{
    const uint8_t *soon = s->lines.soon[t];
    uint32_t phases = 0;
    for (uint32_t c = 0; c < s->p->scenarios; c++) {
        const uint8_t *index = indices(s, n, c);
        for (uint32_t j = 0; j < s->lines.count; j++) {
            if (index[j] < soon[j])
                phases |= s->lines.at[c][j][index[j]].go;
        }
    }
    return phases;
}

static void
begin_change(struct search *s, struct node *n, uint32_t phase, uint32_t t)
{
    const struct search_problem *p = s->p;
    bool walks_on = (p->model->walks[n->phase] & ~p->model->walks[phase]) == 0 &&
                    !(s->always_walk >> n->phase & 1);
    uint32_t takes_s = p->clearance_s + (walks_on ? 0 : (uint32_t)n->clears_s);
    n->clears_s = walks_on ? n->clears_s : 0;
    n->from = n->phase;
    n->phase = (uint8_t)phase;
    n->left_s = (int32_t)takes_s;
    n->next_branch_s = (int32_t)(t + takes_s + p->model->minimum_s[phase]);
    n->cost += p->change_cost;
    n->is_new = true;
    if (t == 0)
        n->first = (uint8_t)phase;
    if (n->steps_count < SEARCH_STEPS_MAX)
        n->steps[n->steps_count++] = (struct search_step){(uint8_t)phase, (uint16_t)(t + takes_s)};
    if (n->left_s == 0)
        n->elapsed_s = 0;
}

/* The children of a node at second t; it stays itself, or is dropped when it must change. */
static bool
branch(struct search *s, struct node *n, uint32_t t)
{
    const struct search_problem *p = s->p;
    bool changed = false;
    if (n->left_s > 0 || n->elapsed_s < (int32_t)p->model->minimum_s[n->phase] ||
        (int32_t)t < n->next_branch_s || (n->clears_s > 0 && (int32_t)t < n->walk_until_s))
        return true;
    uint32_t useful = find_useful(s, n, t);
    for (uint32_t d = 1; d < p->model->phases_count; d++) {
        uint32_t phase = (n->phase + d) % p->model->phases_count;
        if (!(useful >> phase & 1))
            continue;
        struct node *child = take(s);
        if (!child)
            break;
        uint16_t at = child->at;
        *child = *n;
        child->at = at;
        begin_change(s, child, phase, t);
        changed = true;
    }
    n->next_branch_s = (int32_t)t + SEARCH_BRANCH_S * (p->thrift ? SEARCH_THRIFT : 1);
    return !changed || n->elapsed_s < SEARCH_GREEN_MAX_S;
}

static void
copy_state(struct search *s, uint32_t from, uint32_t to)
{
    uint32_t slots = s->p->scenarios * s->lines.count;
    memcpy(s->index[to], s->index[from], slots * sizeof(s->index[0][0]));
    memcpy(s->free_s[to], s->free_s[from], slots * sizeof(s->free_s[0][0]));
    memcpy(s->gone[to], s->gone[from], slots * sizeof(s->gone[0][0]));
    memcpy(s->hash[to], s->hash[from], sizeof(s->hash[0]));
    memcpy(s->shown[to], s->shown[from], sizeof(s->shown[0]));
    if (s->tight_count > 0)
        memcpy(s->room[to], s->room[from], sizeof(s->room[0]));
}

/* Who was kept gets a state of its own: the first of a family has the old one. */
static void
settle(struct search *s, uint32_t t)
{
    bool taken[SEARCH_BEAM] = {false}, first[SEARCH_BEAM];
    uint32_t spare = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        bool *mine = &taken[s->nodes[s->order[i]].state];
        first[i] = !*mine;
        *mine = true;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct node *n = &s->nodes[s->order[i]];
        if (!first[i]) {
            while (taken[spare])
                spare++;
            taken[spare] = true;
            copy_state(s, n->state, spare);
            n->state = (uint8_t)spare;
        }
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct node *n = &s->nodes[s->order[i]];
        if (!n->is_new)
            continue;
        n->is_new = false;
        show(s, n);
        if (n->left_s == 0)
            begin_green(s, n, (double)t);
    }
}

static void
drop(struct search *s, uint32_t at)
{
    s->spare[s->spare_count++] = s->order[at];
    s->order[at] = s->order[--s->count];
}

/*
 * All that may be kept. Once so many of them are there that they alone would fill the beam, who is
 * worse than all these is not kept; what it costs at least is mostly enough to know that.
 */
static uint32_t
find_places(struct search *s, uint32_t share, uint32_t t)
{
    uint32_t count = 0, enough = 0, of_phase[SIGNALS_PHASES_MAX] = {0};
    double worst = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct node *n = &s->nodes[s->order[i]];
        if (enough == SEARCH_BEAM && rank(s, n, t, true) > worst) {
            s->spare[s->spare_count++] = n->at;
            continue;
        }
        double exact = rank(s, n, t, false);
        s->places[count++] = (struct place){exact, n->at};
        if (enough < SEARCH_BEAM && of_phase[n->phase]++ < share) {
            worst = exact > worst ? exact : worst;
            enough++;
        }
    }
    return count;
}

/* Keep the best, but not too many of one phase: the ways must stay different. */
static void
prune(struct search *s, uint32_t t)
{
    uint32_t kept = 0, of_phase[SIGNALS_PHASES_MAX] = {0};
    uint32_t share = SEARCH_BEAM / (s->p->model->phases_count < 4 ? 2U : 3U) + 1;
    if (s->count <= SEARCH_BEAM)
        return;
    togo_begin(&s->togo, &s->lines, t);
    uint32_t count = find_places(s, share, t);
    places_sort(s->places, count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t at = s->places[i].at;
        uint32_t *of = &of_phase[s->nodes[at].phase];
        if (kept < SEARCH_BEAM && *of < share) {
            ++*of;
            s->order[kept++] = at;
        } else {
            s->spare[s->spare_count++] = at;
        }
    }
    s->count = kept;
}

static void
begin(struct search *s)
{
    const struct search_problem *p = s->p;
    int32_t clears =
        (int32_t)(p->hold_s < p->model->clears_s[p->phase] ? p->hold_s
                                                           : p->model->clears_s[p->phase]);
    struct node *root = take(s);
    ASSERT(root);
    *root = (struct node){.phase = (uint8_t)p->phase,
                          .from = (uint8_t)p->phase,
                          .first = (uint8_t)p->phase,
                          .elapsed_s = (int32_t)p->age_s,
                          .clears_s = clears,
                          .walk_until_s = (int32_t)p->hold_s - clears,
                          .at = root->at};
    for (uint32_t c = 0; c < p->scenarios; c++) {
        s->hash[root->state][c] = 0;
        for (uint32_t j = 0; j < s->lines.count; j++) {
            uint8_t first = s->lines.at[c][j][0].next;
            indices(s, root, c)[j] = first;
            s->hash[root->state][c] += lines_hash(j, first);
            free_times(s, root, c)[j] = p->lanes[s->lines.lane[j]].free_s;
            gone_of(s, root, c)[j] = p->lanes[s->lines.lane[j]].gone;
        }
        for (uint32_t x = 0; x < p->model->exits_count; x++) {
            if (s->tight_of[x] >= 0)
                s->room[root->state][(size_t)c * TIGHT_MAX + (size_t)s->tight_of[x]] =
                    p->exit_room[x];
        }
    }
    show(s, root);
}

static void
decide(struct search *s, struct search_result *out)
{
    const struct search_problem *p = s->p;
    const struct node *best = NULL;
    for (uint32_t ph = 0; ph < SIGNALS_PHASES_MAX; ph++)
        out->phase_cost[ph] = -1;
    togo_begin(&s->togo, &s->lines, SEARCH_HORIZON_S);
    for (uint32_t i = 0; i < s->count; i++) {
        struct node *n = &s->nodes[s->order[i]];
        double cost = rank(s, n, SEARCH_HORIZON_S, false), *first = &out->phase_cost[n->first];
        if (*first < 0 || cost < *first)
            *first = cost;
        uint32_t phases = p->model->phases_count;
        uint32_t mine = (n->first + phases - p->phase) % phases;
        uint32_t theirs = best ? (best->first + phases - p->phase) % phases : phases;
        if (!best || cost < out->cost || (cost == out->cost && mine < theirs)) {
            best = n;
            out->cost = cost;
        }
    }
    ASSERT(best);
    out->phase = best->first;
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
        settle(s, t);
        for (uint32_t i = 0; i < s->count; i++)
            advance(s, &s->nodes[s->order[i]], t);
    }
    decide(s, out);
}
