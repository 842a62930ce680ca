#include "services/signals/optimize/togo.h"

#define PERMISSIVE_S 3.8
#define NOBODY 1e-9
#define ROUNDING 1e-6 /* far more than the rounding of a cost */

_Static_assert(TOGO_SETS_MAX < TOGO_PLACES, "a free place ends each search");

/* What a phase stands at least when it comes: longer if somebody on foot goes then. */
static double
least_of(const struct togo *g, const struct togo_set *set, uint32_t phase)
{
    return g->least_s[phase] + (set->walks >> phase & 1 ? g->clears_s[phase] : 0);
}

static double
stands_of(const struct togo *g, const struct togo_set *set, uint32_t phase)
{
    double least = least_of(g, set, phase), green_s = set->service[phase].green_s;
    return green_s < least ? least : green_s;
}

/* What a phase serves in a second, if it begins in start_s. */
static double
rate_of(double weight, double start_s, double green_s)
{
    return weight / (start_s + green_s + 0.1);
}

/* ---- sets ------------------------------------------------------------------------------------ */

static void
look_at_lane(const struct togo *g, struct togo_set *set, uint32_t slot)
{
    const struct lines *l = g->lines;
    uint32_t i = set->index[slot], most = l->wait[g->t][slot] - i;
    const struct lines_vehicle *v = &l->at[set->scenario][slot][i];
    double weight = v[most].weight - v->weight, headway_s = l->headway_s[slot];
    set->weight += weight;
    set->lost += weight * (double)g->t - (v[most].weight_eta - v->weight_eta);
    set->phases |= v->go;
    set->walks |= l->walks >> slot & 1 ? v->go : 0;
    for (uint32_t rest = v->go; rest != 0; rest &= rest - 1) {
        uint32_t ph = (uint32_t)__builtin_ctz(rest), n = v->run[ph] < most ? v->run[ph] : most;
        struct togo_service *s = &set->service[ph];
        double served = v[n].weight - v->weight;
        uint32_t count = (uint32_t)(v[n].count - v->count);
        double green_s =
            v->yield >> ph & 1 ? (double)count * PERMISSIVE_S : flow_time(headway_s, count);
        s->weight += served;
        s->own += 0.5 * served * green_s;
        s->green_s = green_s > s->green_s ? green_s : s->green_s;
    }
}

static struct togo_next
choose_next(const struct togo *g, const struct togo_set *set, double start_s)
{
    struct togo_next best = {.phase = -1, .start_s = start_s};
    for (uint32_t rest = set->phases; rest != 0; rest &= rest - 1) {
        uint32_t ph = (uint32_t)__builtin_ctz(rest);
        double rate = rate_of(set->service[ph].weight, start_s, stands_of(g, set, ph));
        if (rate > best.rate) {
            best.rate = rate;
            best.phase = (int32_t)ph;
        }
    }
    return best;
}

/* Where somebody waits. */
static uint64_t
find_slots(const struct togo *g, const uint8_t *index)
{
    const uint8_t *wait = g->lines->wait[g->t];
    uint64_t slots = 0;
    for (uint32_t slot = 0; slot < g->lines->count; slot++)
        slots |= (uint64_t)(index[slot] < wait[slot]) << slot;
    return slots;
}

static void
look(struct togo *g, struct togo_set *set)
{
    set->slots = find_slots(g, set->index);
    set->phases = set->walks = 0;
    set->weight = set->lost = 0;
    set->has_then = set->has_costs = 0;
    memset(set->service, 0, g->lines->p->model->phases_count * sizeof(set->service[0]));
    for (uint64_t rest = set->slots; rest != 0; rest &= rest - 1)
        look_at_lane(g, set, (uint32_t)__builtin_ctzll(rest));
    set->next = set->other = choose_next(g, set, g->lost_s);
}

static uint32_t
find(struct togo *g, uint32_t scenario, const uint8_t *index, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) + scenario;
    for (;; at++) {
        uint16_t *place = &g->place[at % TOGO_PLACES];
        struct togo_set *set = *place == 0 ? &g->sets[g->sets_count] : &g->sets[*place - 1];
        if (*place == 0) {
            memcpy(set->index, index, g->lines->count);
            set->hash = hash;
            set->scenario = scenario;
            look(g, set);
            *place = (uint16_t)++g->sets_count;
            return g->sets_count - 1;
        }
        if (set->hash == hash && set->scenario == scenario &&
            memcmp(set->index, index, g->lines->count) == 0)
            return *place - 1U;
    }
}

/* Who is left when the phase has served whom it can. */
static struct togo_set *
find_then(struct togo *g, struct togo_set *set, uint32_t phase)
{
    const struct lines *l = g->lines;
    struct togo_then *then = &set->then[phase];
    uint64_t hash = set->hash;
    uint8_t index[SIGNALS_LANES_MAX];
    if (set->has_then >> phase & 1)
        return &g->sets[then->set];
    memcpy(index, set->index, l->count);
    for (uint64_t rest = set->slots; rest != 0; rest &= rest - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(rest), i = index[slot];
        const struct lines_vehicle *v = &l->at[set->scenario][slot][i];
        uint32_t most = l->wait[g->t][slot] - i, n = v->run[phase] < most ? v->run[phase] : most;
        index[slot] = v[n].next;
        hash += lines_hash(slot, index[slot] - i);
    }
    then->set = (uint16_t)find(g, set->scenario, index, hash);
    set->has_then |= 1U << phase;
    return &g->sets[then->set];
}

/* ---- costs ----------------------------------------------------------------------------------- */

/* What whoever no stage serves costs, from `from_s` on. */
static struct togo_rest
leave(const struct togo *g, const struct togo_set *set, double from_s)
{
    const struct lines *l = g->lines;
    struct togo_rest r = {0};
    for (uint64_t rest = set->slots; rest != 0; rest &= rest - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(rest);
        double left = lines_weight(l, set->scenario, slot, set->index[slot], l->wait[g->t][slot]);
        if (left <= 0)
            continue;
        r.cost += left * from_s + 0.5 * left * left * l->headway_s[slot];
        r.weight += left;
    }
    return r;
}

/* All stages from this set on, after `phase` and so many others. */
static struct togo_rest
go_on(struct togo *g, struct togo_set *set, uint32_t phase, uint32_t stages)
{
    double tau = 0;
    struct togo_rest all = {0};
    for (; stages < TOGO_STAGES && set->weight > NOBODY && set->next.phase >= 0; stages++) {
        phase = (uint32_t)set->next.phase;
        const struct togo_service *s = &set->service[phase];
        double from_s = tau + g->lost_s;
        all.cost += s->weight * from_s + s->own;
        all.weight += s->weight;
        tau = from_s + stands_of(g, set, phase);
        set = find_then(g, set, phase);
    }
    struct togo_rest left = leave(g, set, tau + g->lost_s + 0.5 * g->least_s[phase]);
    return (struct togo_rest){all.cost + left.cost, all.weight + left.weight};
}

struct choice {
    int32_t phase; /* -1: none serves anybody */
    double start_s, green_s;
};

/* The first stage, as the light is now. */
static struct choice
choose_first(const struct togo *g, struct togo_set *set, const struct togo_light *light)
{
    const struct togo_service *s = &set->service[light->phase];
    double change_s = g->lost_s, shown_s = 0; /* until another one begins; until this one */
    if (light->left_s > 0) {
        shown_s = (double)light->left_s + FLOW_START_S;
        change_s = (double)light->left_s + (least_of(g, set, light->phase) + change_s);
    } else {
        change_s += (double)light->rest_s;
    }
    struct choice shown = {(int32_t)light->phase, shown_s, s->green_s};
    double rate = rate_of(s->weight, shown_s, s->green_s);
    if (rate > 0 && rate >= set->next.rate) /* none begins sooner than that */
        return shown;
    if (set->other.start_s != change_s)
        set->other = choose_next(g, set, change_s);
    if (rate > 0 && rate >= set->other.rate)
        return shown;
    int32_t other = set->other.phase;
    return (struct choice){other, change_s, other >= 0 ? stands_of(g, set, (uint32_t)other) : 0};
}

void
togo_begin(struct togo *g, const struct lines *l, uint32_t t)
{
    g->lines = l;
    g->t = t;
    g->sets_count = 0;
    g->lost_s = (double)l->p->clearance_s + FLOW_START_S;
    for (uint32_t ph = 0; ph < l->p->model->phases_count; ph++) {
        g->least_s[ph] = (double)l->p->model->minimum_s[ph];
        g->clears_s[ph] = (double)l->p->model->clears_s[ph];
    }
    memset(g->place, 0, sizeof(g->place));
    memset(g->of_state, 0, sizeof(g->of_state));
}

static double
cost_of(struct togo *g, struct togo_set *set, const struct togo_light *light, bool least)
{
    struct choice first = choose_first(g, set, light);
    if (first.phase < 0 || set->weight <= NOBODY)
        return set->lost + go_on(g, set, light->phase, TOGO_STAGES).cost;
    uint32_t phase = (uint32_t)first.phase;
    const struct togo_service *s = &set->service[phase];
    struct togo_then *then = &set->then[phase];
    double cost = set->lost + (s->weight * first.start_s + s->own);
    double then_s = first.start_s + first.green_s;
    if (least) /* all others could go with the second stage */
        return cost + (set->weight - s->weight) * (then_s + g->lost_s) - ROUNDING;
    if (!(set->has_costs >> phase & 1)) {
        then->rest = go_on(g, find_then(g, set, phase), phase, 1);
        set->has_costs |= 1U << phase;
    }
    return cost + (then->rest.cost + then->rest.weight * then_s);
}

/* There may be no more room for what one more plan needs. */
static void
make_room(struct togo *g)
{
    if (g->sets_count + g->lines->p->scenarios * (TOGO_STAGES + 1) > TOGO_SETS_MAX)
        togo_begin(g, g->lines, g->t);
}

double
togo_cost(struct togo *g, uint32_t state, const uint8_t *index, const uint64_t *hash,
          const struct togo_light *light, bool least)
{
    uint16_t *sets = g->of_state[state];
    double cost = 0;
    make_room(g);
    for (uint32_t c = 0; c < g->lines->p->scenarios; c++) {
        if (sets[c] == 0)
            sets[c] = (uint16_t)(1 + find(g, c, index + c * g->lines->count, hash[c]));
        cost += cost_of(g, &g->sets[sets[c] - 1], light, least);
    }
    return cost;
}
