#include "services/signals/optimize/control.h"
#include "services/signals/optimize/favour.h"
#include "services/signals/optimize/ladder.h"
#include "services/signals/optimize/news.h"
#include "services/signals/optimize/pressure.h"
#include "services/signals/optimize/priority.h"
#include "services/signals/optimize/queues.h"
#include "services/signals/optimize/spread.h"

enum {
    DECIDE_EVERY_S = 2, /* of a green's age, from the minimum on (specs/signals-better.md 1.1) */
    EMPTY_FOR_S = 60,   /* nobody for so long: the intersection may do what it likes */
    MINIMUM_GREEN_DEFAULT_S = 7,
    YELLOW_DEFAULT_S = 3,
    DOWNSTREAM_MAX = 4,
};
#define START_AGAIN_S 2.0     /* lost when a queue starts */
#define EXIT_QUEUE_WEIGHT 0.7 /* specs/signals-better.md 1.3 */
#define EXIT_LEAST_M 15.0
#define EXIT_FULL 0.5
#define EXIT_SHORT_M 25.0

/* Where an exit leads: a feeder of another intersection. */
struct downstream {
    uint16_t junction;
    uint8_t feeder;
};

struct junction {
    struct signals_model model;
    struct queues queues;
    bool heard;
    uint64_t heard_ms;
    int32_t phase;
    uint32_t age_s, hold_s;
    bool leaves;
    int32_t wish;
    double busy_s; /* when somebody was here last */
    uint32_t downstream_count[SIGNALS_EXITS_MAX];
    struct downstream downstream[SIGNALS_EXITS_MAX][DOWNSTREAM_MAX];
    int16_t upstream[SIGNALS_FEEDERS_MAX]; /* whose exit a feeder is; -1: of nobody here */
    uint8_t upstream_exit[SIGNALS_FEEDERS_MAX];
    struct intents intents;
    struct news news;
    struct ladder ladder;
    struct favour favour;
    struct control_view view;
};

struct control {
    struct control_options options;
    uint32_t count, max;
    bool begun;
    uint64_t begin_ms; /* of our time: no result may depend on how long the machine has run */
    struct search *search;
    struct search_problem problem;
    struct junction junctions[];
};

struct control *
control_new(uint32_t junctions_max, const struct control_options *options)
{
    struct control *c = calloc(1, sizeof(*c) + junctions_max * sizeof(c->junctions[0]));
    if (!c)
        return NULL;
    c->options = *options;
    c->max = junctions_max;
    c->search = search_new();
    if (!c->search) {
        free(c);
        return NULL;
    }
    return c;
}

void
control_free(struct control *c)
{
    if (!c)
        return;
    search_free(c->search);
    free(c);
}

static double
seconds(struct control *c, uint64_t now_ms)
{
    if (!c->begun)
        c->begin_ms = now_ms;
    c->begun = true;
    return (double)(int64_t)(now_ms - c->begin_ms) / 1000;
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static void
link_exits(struct control *c, uint32_t from)
{
    struct junction *j = &c->junctions[from];
    memset(j->downstream_count, 0, sizeof(j->downstream_count));
    for (uint32_t o = 0; o < c->count; o++) {
        const struct signals_model *m = &c->junctions[o].model;
        for (uint32_t f = 0; f < m->feeders_count; f++) {
            for (uint32_t x = 0; x < j->model.exits_count; x++) {
                uint32_t *n = &j->downstream_count[x];
                if (m->feeders[f].exit != j->model.exit_name[x] || *n == DOWNSTREAM_MAX)
                    continue;
                j->downstream[x][(*n)++] = (struct downstream){(uint16_t)o, (uint8_t)f};
                c->junctions[o].upstream[f] = (int16_t)from;
                c->junctions[o].upstream_exit[f] = (uint8_t)x;
            }
        }
    }
}

static void
link_all(struct control *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        memset(c->junctions[i].upstream, -1, sizeof(c->junctions[i].upstream));
    for (uint32_t i = 0; i < c->count; i++)
        link_exits(c, i);
}

/* Who crossed our stop line is on his way to the next one. */
static void
announce(struct control *c, uint32_t index, double now_s)
{
    const struct junction *j = &c->junctions[index];
    for (uint32_t k = 0; k < j->model.links_count; k++) {
        uint32_t x = j->model.link_exit[k];
        for (uint32_t n = 0; n < j->queues.departed[k] && j->downstream_count[x] > 0; n++) {
            const struct downstream *d = &j->downstream[x][0];
            queues_coming(&c->junctions[d->junction].queues, d->feeder, now_s + QUEUE_CROSS_S);
        }
    }
}

/* Vehicles that stand on the exit, as the neighbour knows it. */
static double
standing_on_exit(const struct control *c, const struct junction *j, uint32_t x, double now_s)
{
    double most = 0;
    for (uint32_t i = 0; i < j->downstream_count[x]; i++) {
        const struct junction *o = &c->junctions[j->downstream[x][i].junction];
        const struct signals_source *f = &o->model.feeders[j->downstream[x][i].feeder];
        double sum = 0;
        for (uint32_t k = 0; k < f->lanes_count; k++)
            sum += queues_standing_weight(&o->queues, f->lanes[k], now_s);
        double beyond = ((double)f->distance_m - (double)j->model.exit_m[x]) / QUEUE_VEHICLE_M;
        double on = sum / (double)f->lanes_count - (beyond > 0 ? beyond : 0);
        most = on > most ? on : most;
    }
    return most;
}

/* How many stand on an exit, and the share of it that they fill. */
struct exit_look {
    double on, full;
};

static struct exit_look
look_at_exit(const struct control *c, const struct junction *j, uint32_t x, double now_s)
{
    double on = standing_on_exit(c, j, x, now_s), length = (double)j->model.exit_m[x];
    double full = on * QUEUE_VEHICLE_M / (length > EXIT_LEAST_M ? length : EXIT_LEAST_M);
    return (struct exit_look){on, full};
}

/* ---- in -------------------------------------------------------------------------------------- */

static void
set_model(struct junction *j, const struct signals_model *model)
{
    *j = (struct junction){.model = *model, .phase = -1, .wish = NO_WISH};
    if (j->model.yellow_s == 0) {
        j->model.yellow_s = YELLOW_DEFAULT_S;
        memset(j->model.minimum_s, MINIMUM_GREEN_DEFAULT_S, sizeof(j->model.minimum_s));
    }
    queues_init(&j->queues, &j->model, 0);
    j->view.wish = j->view.second_best = NO_WISH;
    ladder_init(&j->ladder);
    j->view.rung_why = j->ladder.why;
    j->view.rung = j->ladder.rung;
}

enum err
control_add(struct control *c, const struct signals_model *model, uint32_t *out_index)
{
    if (c->count == c->max)
        return ERR_LIMIT;
    *out_index = c->count++;
    set_model(&c->junctions[*out_index], model);
    link_all(c);
    return OK;
}

void
control_change(struct control *c, uint32_t index, const struct signals_model *model)
{
    ASSERT(index < c->count);
    set_model(&c->junctions[index], model);
    link_all(c);
}

/* Who stands before a full exit cannot go, and is no liar. */
static void
find_full(const struct control *c, struct junction *j, double now_s)
{
    j->queues.full_exits = 0;
    for (uint32_t x = 0; x < j->model.exits_count; x++) {
        if (look_at_exit(c, j, x, now_s).full > EXIT_FULL)
            j->queues.full_exits |= 1ULL << x;
    }
}

bool
control_hear(struct control *c, uint32_t index, const struct signals_reading *reading,
             uint64_t now_ms)
{
    ASSERT(index < c->count);
    struct junction *j = &c->junctions[index];
    double now_s = seconds(c, now_ms);
    bool news = !news_repeats(&j->news, &j->model, reading) &&
                news_hear(&j->news, &j->model, reading->phase, reading->age_s, now_ms);
    if (!news)
        return false;
    if (!j->heard)
        queues_init(&j->queues, &j->model, now_s);
    if (c->options.trusting)
        queues_believe(&j->queues);
    find_full(c, j, now_s);
    queues_hear(&j->queues, reading, c->options.loops_only, now_s);
    j->heard = true;
    j->heard_ms = now_ms;
    j->phase = reading->phase;
    j->hold_s = reading->hold_s;
    j->leaves = reading->leaves;
    if (!c->options.deaf)
        announce(c, index, now_s);
    for (uint32_t l = 0; l < j->model.lanes_count; l++) {
        if (j->queues.lanes[l].count > 0)
            j->busy_s = now_s;
    }
    return true;
}

enum err
control_hear_call(struct control *c, uint32_t index, const struct control_call *call,
                  uint64_t now_ms)
{
    ASSERT(index < c->count);
    struct junction *j = &c->junctions[index];
    if (call->lane >= j->model.lanes_count)
        return ERR_MALFORMED;
    struct favour_call favour = {.lane = call->lane,
                                 .weight = (double)call->weight,
                                 .eta_s = seconds(c, call->eta_ms),
                                 .until_s = seconds(c, call->until_ms)};
    j->busy_s = seconds(c, now_ms);
    return favour_hear(&j->favour, &favour, j->busy_s);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void
fill_exits(const struct control *c, const struct junction *j, struct search_problem *p,
           double now_s)
{
    const struct signals_model *m = &j->model;
    double weight[SIGNALS_EXITS_MAX];
    for (uint32_t x = 0; x < m->exits_count; x++) {
        struct exit_look look = look_at_exit(c, j, x, now_s);
        double length = (double)m->exit_m[x];
        weight[x] = 1 - EXIT_QUEUE_WEIGHT * (look.full < 1 ? look.full : 1);
        p->exit_room[x] = SEARCH_UNLIMITED;
        if (length > EXIT_SHORT_M && look.full > EXIT_FULL) {
            double room = length / QUEUE_VEHICLE_M - look.on;
            p->exit_room[x] = room > 0 ? room : 0;
        }
    }
    for (uint32_t k = 0; k < m->links_count; k++)
        p->link_weight[k] = weight[m->link_exit[k]];
}

/* What the neighbours intend: who is silent intends nothing that one could plan with. */
static void
find_intents(const struct control *c, const struct junction *j, double now_s,
             struct intents_source *out)
{
    for (uint32_t f = 0; f < j->model.feeders_count; f++) {
        out[f] = (struct intents_source){NULL, 0};
        if (j->upstream[f] < 0 || c->options.deaf)
            continue;
        const struct junction *o = &c->junctions[j->upstream[f]];
        double heard_s = (double)(int64_t)(o->heard_ms - c->begin_ms) / 1000;
        if (o->heard && now_s - heard_s <= (double)CONTROL_STALE_MS / 1000)
            out[f] = (struct intents_source){&o->intents, j->upstream_exit[f]};
    }
}

static void
fill(struct control *c, const struct junction *j, double now_s)
{
    struct intents_source sources[SIGNALS_FEEDERS_MAX];
    struct search_problem *p = &c->problem;
    p->model = &j->model;
    p->phase = (uint32_t)j->phase;
    p->age_s = j->age_s;
    p->hold_s = j->hold_s;
    p->yellow_s = j->model.yellow_s;
    p->clearance_s = (uint32_t)j->model.yellow_s + j->model.all_red_s;
    p->change_cost =
        spill_behind(&j->queues.spill, &j->model) * ((double)p->clearance_s + START_AGAIN_S);
    find_intents(c, j, now_s, sources);
    queues_fill(&j->queues, sources, p, now_s);
    favour_fill(&j->favour, p, now_s);
    fill_exits(c, j, p, now_s);
}

static uint32_t
choose_pressure(const struct control *c, const struct junction *j, double now_s)
{
    double standing[SIGNALS_LANES_MAX] = {0}, ahead[SIGNALS_EXITS_MAX] = {0};
    for (uint32_t l = 0; l < j->model.lanes_count; l++)
        standing[l] = queues_standing_weight(&j->queues, l, now_s);
    for (uint32_t x = 0; x < j->model.exits_count; x++)
        ahead[x] = standing_on_exit(c, j, x, now_s);
    return pressure_choose(&j->model, standing, ahead, (uint32_t)j->phase);
}

static uint32_t
choose_priority(struct control *c, const struct junction *j, double now_s)
{
    double unserved[SIGNALS_LANES_MAX];
    fill(c, j, now_s);
    for (uint32_t l = 0; l < j->model.lanes_count; l++)
        unserved[l] = now_s - j->queues.lanes[l].served_s;
    return priority_choose(&c->problem, unserved);
}

static void
view_plan(struct junction *j, const struct search_result *r)
{
    struct control_view *v = &j->view;
    double second = -1;
    v->second_best = NO_WISH;
    for (uint32_t p = 0; p < SIGNALS_PHASES_MAX; p++) {
        double cost = r->phase_cost[p];
        v->phase_cost_ds[p] = cost < 0 ? -1 : cost > 1e8 ? 1000000000 : (int32_t)(cost * 10);
        if (p != r->phase && cost >= 0 && (second < 0 || cost < second)) {
            second = cost;
            v->second_best = (int32_t)p;
        }
    }
    v->cost_ds = v->phase_cost_ds[r->phase];
    v->second_cost_ds = v->second_best >= 0 ? v->phase_cost_ds[v->second_best] : -1;
    v->steps_count = r->steps_count;
    for (uint32_t i = 0; i < r->steps_count; i++)
        v->steps[i] = (struct control_step){r->steps[i].phase, r->steps[i].starts_s};
}

static uint32_t
choose_plan(struct control *c, struct junction *j, uint64_t now_ms)
{
    struct search_result r;
    double now_s = seconds(c, now_ms);
    fill(c, j, now_s);
    spread_times(&c->problem, now_s);
    search_run(c->search, &c->problem, &r);
    intents_make(&j->intents, &c->problem, &r, now_s);
    view_plan(j, &r);
    j->view.decided_ms = now_ms;
    return r.phase;
}

static void
view_lanes(struct junction *j, double now_s)
{
    for (uint32_t l = 0; l < j->model.lanes_count; l++) {
        j->view.queue[l] = (uint16_t)queues_standing(&j->queues, l, now_s);
        j->view.near[l] = (uint16_t)j->queues.lanes[l].count;
        double trust = blind_is(&j->queues.blind, l) ? 0 : queues_trust(&j->queues, l);
        j->view.trust_percent[l] = (uint8_t)(trust * 100 + 0.5);
    }
}

/* What works of an intersection and of those before it. */
static struct ladder_sight
look(const struct control *c, uint32_t index, uint64_t now_ms)
{
    const struct junction *j = &c->junctions[index];
    const struct blind *b = &j->queues.blind;
    struct ladder_sight s = {.heard = j->heard, .heard_ms = j->heard_ms};
    for (uint32_t l = 0; l < j->model.lanes_count && j->heard; l++) {
        s.lanes += j->model.lane_kind[l] == LANE_VEHICLES;
        if (blind_is(b, l) && s.blind++ == 0) {
            s.blind_lane = l;
            s.blind_why = blind_words(b->lanes[l].why);
            s.blind_ms = (uint64_t)(b->lanes[l].since_s * 1000);
        }
    }
    for (uint32_t f = 0; f < j->model.feeders_count; f++) {
        int32_t from = j->upstream[f];
        if (from < 0)
            continue;
        s.feeders++;
        const struct junction *o = &c->junctions[from];
        s.silent += o->heard && now_ms > o->heard_ms + CONTROL_STALE_MS;
    }
    return s;
}

static bool
is_time(enum control_method method, const struct junction *j)
{
    uint32_t minimum_s = j->model.minimum_s[j->phase];
    if (j->age_s < minimum_s)
        return false;
    return method != CONTROL_PLAN || (j->age_s - minimum_s) % DECIDE_EVERY_S == 0;
}

int32_t
control_wish(struct control *c, uint32_t index, uint64_t now_ms)
{
    ASSERT(index < c->count);
    struct junction *j = &c->junctions[index];
    double now_s = seconds(c, now_ms);
    if (j->heard)
        j->age_s = news_age(&j->news, now_ms) + 1; /* when the wish takes effect */
    struct ladder_sight sight = look(c, index, now_ms);
    enum control_method method = c->options.method;
    j->view.rung = ladder_step(&j->ladder, &sight, now_ms);
    if (j->view.rung == RUNG_LOCAL || now_ms - j->heard_ms > CONTROL_STALE_MS ||
        j->model.phases_count < 2 || now_s - j->busy_s > EMPTY_FOR_S) {
        j->wish = NO_WISH;
    } else if (j->phase >= 0 && !j->leaves) {
        view_lanes(j, now_s);
        if (!is_time(method, j))
            j->wish = j->phase;
        else if (method == CONTROL_PLAN)
            j->wish = (int32_t)choose_plan(c, j, now_ms);
        else if (method == CONTROL_PRIORITY)
            j->wish = (int32_t)choose_priority(c, j, now_s);
        else
            j->wish = (int32_t)choose_pressure(c, j, now_s);
    }
    j->view.wish = j->wish;
    return j->wish;
}

const struct control_view *
control_view(const struct control *c, uint32_t index)
{
    ASSERT(index < c->count);
    return &c->junctions[index].view;
}
