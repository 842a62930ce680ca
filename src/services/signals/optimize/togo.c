#include "services/signals/optimize/togo.h"

#define START_S 2.0
#define PERMISSIVE_S 3.8
#define NOBODY 1e-9

_Static_assert(TOGO_SETS_MAX < TOGO_PLACES, "a free place ends each search");

static double
lost_s(const struct lines *l)
{
    return (double)l->p->clearance_s + START_S;
}

static double
minimum_of(const struct lines *l, uint32_t phase)
{
    return (double)l->p->model->minimum_s[phase];
}

/* What a phase stands at least when it comes: longer if somebody on foot goes then. */
static double
least_of(const struct togo *g, const struct togo_set *set, uint32_t phase)
{
    const struct lines *l = g->lines;
    bool walk = (set->service[phase].slots & l->walks) != 0;
    return minimum_of(l, phase) + (walk ? (double)l->p->model->clears_s[phase] : 0);
}

static double
headway_of(const struct lines *l, uint32_t c, uint32_t slot, uint32_t phase, uint32_t i)
{
    bool yields = l->at[c][slot][i].yield >> phase & 1;
    return yields ? PERMISSIVE_S : l->headway_s[slot];
}

/* How many of a lane's waiting ones a phase serves. */
static uint32_t
served(const struct togo *g, uint32_t c, uint32_t slot, uint32_t i, uint32_t phase)
{
    uint32_t most = g->lines->wait[g->t][slot] - i, run = g->lines->at[c][slot][i].run[phase];
    return run < most ? run : most;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static void
look_at_lane(const struct togo *g, struct togo_set *set, uint32_t slot)
{
    const struct lines *l = g->lines;
    uint32_t i = set->index[slot], most = l->wait[g->t][slot] - i;
    const struct lines_vehicle *v = &l->at[set->scenario][slot][i];
    double weight = v[most].weight - v->weight;
    set->lost += weight * (double)g->t - (v[most].weight_eta - v->weight_eta);
    set->weight += weight;
    set->slots |= 1ULL << slot;
    set->phases |= v->go;
    for (uint32_t rest = v->go; rest != 0; rest &= rest - 1) {
        uint32_t ph = (uint32_t)__builtin_ctz(rest), n = v->run[ph] < most ? v->run[ph] : most;
        struct togo_service *s = &set->service[ph];
        double headway_s = v->yield >> ph & 1 ? PERMISSIVE_S : l->headway_s[slot];
        double green_s = (double)(v[n].count - v->count) * headway_s;
        s->weight += v[n].weight - v->weight;
        s->green_s = green_s > s->green_s ? green_s : s->green_s;
        s->slots |= 1ULL << slot;
    }
}

/* Which phase comes next, after one that served all it could. */
static void
choose_next(const struct togo *g, struct togo_set *set)
{
    double best = 0, start_s = lost_s(g->lines);
    for (uint32_t rest = set->phases; rest != 0; rest &= rest - 1) {
        uint32_t ph = (uint32_t)__builtin_ctz(rest);
        const struct togo_service *s = &set->service[ph];
        double least = least_of(g, set, ph);
        double green_s = s->green_s < least ? least : s->green_s;
        double rate = s->weight / (start_s + green_s + 0.1);
        if (rate > best) {
            best = rate;
            set->next = (int32_t)ph;
            set->next_green_s = green_s;
        }
    }
}

static void
look(const struct togo *g, struct togo_set *set)
{
    set->slots = 0;
    set->phases = 0;
    set->weight = set->lost = 0;
    set->next = -1;
    memset(set->service, 0, g->lines->p->model->phases_count * sizeof(set->service[0]));
    for (uint32_t slot = 0; slot < g->lines->count; slot++) {
        if (set->index[slot] < g->lines->wait[g->t][slot])
            look_at_lane(g, set, slot);
    }
    choose_next(g, set);
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

/* Who is left when the phase has served whom it can; and what each lane has of that. */
static void
find_then(struct togo *g, struct togo_set *set, uint32_t phase)
{
    const struct lines *l = g->lines;
    struct togo_service *s = &set->service[phase];
    uint32_t c = set->scenario;
    uint64_t hash = set->hash;
    uint8_t index[SIGNALS_LANES_MAX];
    memcpy(index, set->index, l->count);
    s->share = (uint16_t)g->shares_count;
    for (uint64_t rest = s->slots; rest != 0; rest &= rest - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(rest), i = index[slot];
        uint32_t n = served(g, c, slot, i, phase);
        const struct lines_vehicle *v = &l->at[c][slot][i];
        double weight = v[n].weight - v->weight, count = (double)(v[n].count - v->count);
        g->shares[g->shares_count++] =
            (struct togo_share){weight, 0.5 * weight * count * headway_of(l, c, slot, phase, i)};
        index[slot] = v[n].next;
        hash += lines_hash(slot, index[slot] - i);
    }
    s->then = (uint16_t)(1 + find(g, c, index, hash));
}

/* ---- costs ----------------------------------------------------------------------------------- */

/* The phase serves whom it can, from `from_s` on. */
static double
serve(struct togo *g, struct togo_set *set, uint32_t phase, double from_s)
{
    const struct togo_service *s = &set->service[phase];
    double cost = 0;
    if (s->then == 0)
        find_then(g, set, phase);
    const struct togo_share *share = &g->shares[s->share];
    for (uint64_t rest = s->slots; rest != 0; rest &= rest - 1, share++)
        cost += share->weight * from_s + share->own;
    return cost;
}

/* `cost`, and that of whoever no stage served. */
static double
leave(const struct togo *g, const struct togo_set *set, double rest_s, double cost)
{
    const struct lines *l = g->lines;
    for (uint64_t rest = set->slots; rest != 0; rest &= rest - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(rest);
        double left = lines_weight(l, set->scenario, slot, set->index[slot], l->wait[g->t][slot]);
        if (left > 0)
            cost += left * rest_s + 0.5 * left * left * l->headway_s[slot];
    }
    return cost;
}

struct choice {
    int32_t phase; /* -1: none serves anybody */
    double start_s, green_s;
};

/* The first stage, as the light is now. */
static struct choice
choose_first(const struct togo *g, const struct togo_set *set, const struct togo_light *light)
{
    struct choice best = {.phase = -1};
    double change_s = lost_s(g->lines), shown_s = 0; /* until another one begins; until this one */
    double best_rate = 0;
    if (light->left_s > 0) {
        shown_s = (double)light->left_s + START_S;
        change_s = (double)light->left_s + (least_of(g, set, light->phase) + change_s);
    } else {
        change_s += (double)light->rest_s;
    }
    for (uint32_t rest = set->phases; rest != 0; rest &= rest - 1) {
        uint32_t ph = (uint32_t)__builtin_ctz(rest);
        bool shown = ph == light->phase;
        double start_s = shown ? shown_s : change_s, green_s = set->service[ph].green_s;
        double least = least_of(g, set, ph);
        if (!shown && green_s < least)
            green_s = least;
        double rate = set->service[ph].weight / (start_s + green_s + 0.1);
        if (rate > best_rate) {
            best_rate = rate;
            best = (struct choice){(int32_t)ph, start_s, green_s};
        }
    }
    return best;
}

void
togo_begin(struct togo *g, const struct lines *l, uint32_t t)
{
    g->lines = l;
    g->t = t;
    g->sets_count = g->shares_count = 0;
    memset(g->place, 0, sizeof(g->place));
}

/* All stages; the first one as the light is now. */
static double
stages_cost(struct togo *g, struct togo_set *set, const struct togo_light *light)
{
    double weight = set->weight, cost = set->lost, tau = 0;
    uint32_t phase = light->phase;
    struct choice stage = choose_first(g, set, light);
    for (uint32_t n = 0; n < TOGO_STAGES && weight > NOBODY && stage.phase >= 0; n++) {
        phase = (uint32_t)stage.phase;
        cost += serve(g, set, phase, tau + stage.start_s);
        weight -= set->service[phase].weight;
        tau += stage.start_s + stage.green_s;
        set = &g->sets[set->service[phase].then - 1];
        stage = (struct choice){set->next, lost_s(g->lines), set->next_green_s};
    }
    double rest_s = tau + (double)g->lines->p->clearance_s + START_S;
    rest_s += 0.5 * minimum_of(g->lines, phase);
    return leave(g, set, rest_s, cost);
}

double
togo_cost(struct togo *g, uint32_t scenario, const uint8_t *index, uint64_t hash,
          const struct togo_light *light)
{
    if (g->sets_count + TOGO_STAGES + 1 > TOGO_SETS_MAX ||
        g->shares_count + TOGO_STAGES * SIGNALS_LANES_MAX > TOGO_SHARES_MAX)
        togo_begin(g, g->lines, g->t);
    struct togo_set *set = &g->sets[find(g, scenario, index, hash)];
    struct togo_service *s = &set->service[light->phase];
    int32_t start = light->left_s > 0 ? light->left_s : -1 - light->rest_s;
    if (s->start != start) {
        s->start = start;
        s->cost = stages_cost(g, set, light);
    }
    return s->cost;
}
