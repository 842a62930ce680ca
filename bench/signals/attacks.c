#include "bench/signals/attacks.h"

enum {
    PAST_S = 32,         /* readings that a replaying attacker has kept */
    REPLAY_EVERY_S = 3,  /* one in so many seconds is an old one, */
    REPLAY_AGE_S = 10,   /* so old */
    STREAM_S = 2,        /* a phantom crosses a lying loop so often: as many as a lane carries */
    LIAR_S = 18,         /* one is under way: the way from its loop, and until it is missed */
    SKEW_S = 5,          /* a clock is wrong by so much */
    LATE_MS = 2000,      /* and a reading so late */
    DIES_LATER_S = 900,  /* loops that worked until then */
    FORGED_EVERY_S = 60, /* a forged call holds its phase so often, */
    FORGED_S = 20,       /* so long */
    LOOP_NONE = -1,
};

/* What an attack remembers of one junction. */
struct seen {
    uint32_t crossed[SIGNALS_LANES_MAX]; /* before it began */
    struct signals_reading past[PAST_S];
};
static struct seen all[CONTROL_JUNCTIONS_MAX];

static struct seen *
seen_of(const struct drill_at *at)
{
    ASSERT(at->junction < CONTROL_JUNCTIONS_MAX);
    if (at->second <= 1)
        memset(&all[at->junction], 0, sizeof(all[0]));
    return &all[at->junction];
}

/* The same number for the same seed, junction and thing. */
static uint64_t
chance(const struct drill_at *at, uint32_t thing)
{
    uint64_t x = at->seed * 0x9e3779b97f4a7c15U + at->junction * 0xbf58476d1ce4e5b9U + thing;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static int32_t
loop_of(const struct signals_model *m, uint32_t lane)
{
    for (uint32_t i = 0; i < m->loops_count; i++) {
        if (m->loops[i].lanes[0] == lane)
            return (int32_t)i;
    }
    return LOOP_NONE;
}

/* Counts until the attack begins; then the lane with a loop up the street where fewest drove. */
static uint32_t
least_used(const struct drill_at *at, const struct signals_reading *r)
{
    struct seen *s = seen_of(at);
    const struct signals_model *m = at->model;
    uint32_t least = 0, fewest = UINT32_MAX;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (at->second < ATTACK_FROM_S && r)
            s->crossed[l] += r->stop[l];
        bool fits = m->lane_kind[l] == LANE_VEHICLES && loop_of(m, l) != LOOP_NONE;
        if (fits && s->crossed[l] < fewest) {
            fewest = s->crossed[l];
            least = l;
        }
    }
    return least;
}

static void
put_cars(struct signals_reading *r, uint32_t lane, uint32_t count, uint32_t from_dm,
         uint32_t apart_dm, uint32_t speed_cm_s)
{
    for (uint32_t i = 0; r->has_cars && i < count && r->cars_count < SIGNALS_CARS_MAX; i++)
        r->cars[r->cars_count++] = (struct signals_car){
            (uint8_t)lane, -1, (uint16_t)(from_dm + i * apart_dm), (uint16_t)speed_cm_s};
}

/* ---- lies -------------------------------------------------------------------------------------
 */

static void
cross(const struct drill_at *at, struct signals_reading *r, uint32_t lane)
{
    int32_t loop = loop_of(at->model, lane);
    if (loop != LOOP_NONE && r->advance[loop] < SIGNALS_CROSSED_MAX)
        r->advance[loop]++;
}

static bool
phantoms(const struct drill_at *at, struct signals_reading *r)
{
    uint32_t lane = least_used(at, r);
    if (at->second < ATTACK_FROM_S)
        return true;
    if (at->second % STREAM_S == 0)
        cross(at, r, lane);
    put_cars(r, lane, ATTACK_PHANTOMS, 20, 75, 0);
    return true;
}

/* The same, and its stop loop says that somebody stands there, for ever. */
static bool
phantoms_held(const struct drill_at *at, struct signals_reading *r)
{
    phantoms(at, r);
    if (at->second >= ATTACK_FROM_S)
        r->stop_on[least_used(at, r)] = true;
    return true;
}

static bool
liar(const struct drill_at *at, struct signals_reading *r)
{
    uint32_t lane = least_used(at, r);
    if (at->second < ATTACK_FROM_S)
        return true;
    if (at->second % LIAR_S == 0)
        cross(at, r, lane);
    put_cars(r, lane, 1, 1000, 0, 200);
    return true;
}

/* One junction of the network is in other hands: by seed, the same all the time. */
static bool
is_breached(const struct drill_at *at)
{
    return at->junction == at->seed % at->junctions_count;
}

/* It lets everybody go, all the time, as it says. */
static bool
breached_floods(const struct drill_at *at, struct signals_reading *r)
{
    for (uint32_t l = 0; l < at->model->lanes_count && is_breached(at); l++)
        r->stop[l] =
            at->second >= ATTACK_FROM_S ? (uint8_t)((at->second + l) % STREAM_S == 0) : r->stop[l];
    return true;
}

static bool
breached_opposite(const struct drill_at *at, struct signals_reading *r)
{
    const struct signals_model *m = at->model;
    bool green[SIGNALS_LANES_MAX] = {false};
    if (!is_breached(at) || at->second < ATTACK_FROM_S)
        return true;
    for (uint32_t k = 0; k < m->links_count && r->phase >= 0; k++) {
        if (m->lights[r->phase][k] != LIGHT_RED)
            green[m->link_lane[k]] = true;
    }
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        r->stop[l] = !green[l] && (at->second + l) % STREAM_S == 0;
        r->stop_on[l] = !r->stop_on[l];
    }
    return true;
}

/* ---- silence ----------------------------------------------------------------------------------
 */

static void
kill_lane(const struct drill_at *at, struct signals_reading *r, uint32_t lane)
{
    r->stop[lane] = 0;
    r->stop_on[lane] = false;
    for (uint32_t i = 0; i < at->model->loops_count; i++) {
        if (at->model->loops[i].lanes[0] == lane) {
            r->advance[i] = 0;
            r->advance_on[i] = false;
        }
    }
}

/* Exactly that share of the lanes, rounded to whole lanes. */
static bool
is_chosen(const struct drill_at *at, uint32_t lane, uint32_t percent)
{
    const struct signals_model *m = at->model;
    uint32_t before = 0, lanes = 0;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        if (m->lane_kind[l] != LANE_VEHICLES)
            continue;
        lanes++;
        before += chance(at, l) < chance(at, lane);
    }
    return before < (lanes * percent + 50) / 100;
}

static void
kill_some(const struct drill_at *at, struct signals_reading *r, uint32_t percent, bool said)
{
    for (uint32_t l = 0; l < at->model->lanes_count; l++) {
        if (at->model->lane_kind[l] != LANE_VEHICLES || !is_chosen(at, l, percent))
            continue;
        kill_lane(at, r, l);
        r->dead[l] = said;
    }
}

static bool
dead(const struct drill_at *at, struct signals_reading *r)
{
    kill_some(at, r, ATTACK_DEAD_PERCENT, true);
    return true;
}

static bool
dead_unsaid(const struct drill_at *at, struct signals_reading *r)
{
    kill_some(at, r, ATTACK_DEAD_PERCENT, false);
    return true;
}

static bool
dead_later(const struct drill_at *at, struct signals_reading *r)
{
    if (at->second >= DIES_LATER_S)
        kill_some(at, r, ATTACK_DEAD_PERCENT, false);
    return true;
}

static bool
dead_most(const struct drill_at *at, struct signals_reading *r)
{
    kill_some(at, r, 2 * ATTACK_DEAD_PERCENT, true);
    return true;
}

static void
deaf(struct control_options *options)
{
    options->deaf = true;
}

static bool
silent(const struct drill_at *at, struct signals_reading *r)
{
    (void)r;
    return at->second < ATTACK_FROM_S || !is_breached(at);
}

/* ---- old and wrong times ----------------------------------------------------------------------
 */

static bool
replay(const struct drill_at *at, struct signals_reading *r)
{
    struct seen *s = seen_of(at);
    s->past[at->second % PAST_S] = *r;
    if (at->second >= ATTACK_FROM_S && at->second % REPLAY_EVERY_S == 0)
        *r = s->past[(at->second - REPLAY_AGE_S) % PAST_S];
    return true;
}

static bool
skew(const struct drill_at *at, struct signals_reading *r)
{
    bool ahead = at->junction % 2 == 0;
    if (at->second >= ATTACK_FROM_S)
        r->age_s = ahead ? r->age_s + SKEW_S : r->age_s > SKEW_S ? r->age_s - SKEW_S : 0;
    return true;
}

static uint64_t
late(const struct drill_at *at, uint64_t now_ms)
{
    return at->second >= ATTACK_FROM_S && at->junction % 3 == 0 ? now_ms - LATE_MS : now_ms;
}

/* ---- at the executor --------------------------------------------------------------------------
 */

static bool
killed(const struct drill_at *at, int32_t *phase)
{
    (void)phase;
    return at->second < ATTACK_KILLED_S;
}

/* A forged call that everybody believed: the phase of the least used lane, again and again. */
static bool
forged_reading(const struct drill_at *at, struct signals_reading *r)
{
    least_used(at, r);
    return true;
}

static bool
forged(const struct drill_at *at, int32_t *phase)
{
    const struct signals_model *m = at->model;
    if (at->second < ATTACK_FROM_S || at->second % FORGED_EVERY_S >= FORGED_S)
        return true;
    uint32_t lane = least_used(at, NULL);
    for (uint32_t p = 0; p < m->phases_count; p++) {
        for (uint32_t k = 0; k < m->links_count; k++) {
            if (m->link_lane[k] == lane && m->lights[p][k] == LIGHT_GREEN) {
                *phase = (int32_t)p;
                return true;
            }
        }
    }
    return true;
}

/* ---- a core in other hands ---------------------------------------------------------------------
 */

/* What was heard last of each junction. */
static bool
overheard(const struct drill_at *at, struct signals_reading *r)
{
    seen_of(at)->past[0] = *r;
    return true;
}

static uint32_t
waiting_at(const struct drill_at *at, uint32_t phase)
{
    const struct signals_model *m = at->model;
    const struct signals_reading *r = &seen_of(at)->past[0];
    uint32_t sum = 0;
    for (uint32_t k = 0; k < m->links_count; k++)
        sum += m->lights[phase][k] != LIGHT_RED && r->stop_on[m->link_lane[k]];
    return sum;
}

/* Each junction keeps the green that it has. */
static bool
core_stays(const struct drill_at *at, int32_t *phase)
{
    int32_t now = seen_of(at)->past[0].phase;
    if (at->second < ATTACK_FROM_S)
        return true;
    if (now >= 0)
        *phase = now;
    return now >= 0;
}

/* The phase at whose lines fewest wait. */
static bool
core_empty(const struct drill_at *at, int32_t *phase)
{
    if (at->second < ATTACK_FROM_S)
        return true;
    *phase = 0;
    for (uint32_t p = 1; p < at->model->phases_count; p++) {
        if (waiting_at(at, p) < waiting_at(at, (uint32_t)*phase))
            *phase = (int32_t)p;
    }
    return true;
}

/* Another phase whenever that may be. */
static bool
core_churns(const struct drill_at *at, int32_t *phase)
{
    if (at->second < ATTACK_FROM_S)
        return true;
    int32_t now = seen_of(at)->past[0].phase;
    if (now >= 0)
        *phase = (now + 1) % (int32_t)at->model->phases_count;
    return now >= 0;
}

static void
trusting(struct control_options *options)
{
    options->trusting = true;
}

static const struct drill attacks[] = {
    {.name = "none", .summary = "nothing happens"},
    {.name = "trusting", .summary = "no attack, and no defence", .options = trusting},
    {.name = "phantoms",
     .summary = "ten phantoms on the least used lane of every junction",
     .reading = phantoms},
    {.name = "phantoms-trusting",
     .summary = "the same without the defence",
     .reading = phantoms,
     .options = trusting},
    {.name = "phantoms-held",
     .summary = "phantoms, and the stop loop says that they stand there",
     .reading = phantoms_held},
    {.name = "liar", .summary = "one late, slow vehicle at every junction", .reading = liar},
    {.name = "breached-floods",
     .summary = "a neighbour announces all it can, all the time",
     .reading = breached_floods},
    {.name = "breached-opposite",
     .summary = "a neighbour says the opposite of what it sees",
     .reading = breached_opposite},
    {.name = "dead", .summary = "30 % of the lanes are dead, and say so", .reading = dead},
    {.name = "dead-unsaid",
     .summary = "30 % of the lanes are dead from the start, and nobody says so",
     .reading = dead_unsaid},
    {.name = "dead-later",
     .summary = "30 % of the lanes die after a quarter of an hour, and nobody says so",
     .reading = dead_later},
    {.name = "dead-most",
     .summary = "60 % of the lanes are dead, and say so",
     .reading = dead_most},
    {.name = "deaf", .summary = "no announcement of a neighbour arrives", .options = deaf},
    {.name = "silent", .summary = "one junction is not heard any more", .reading = silent},
    {.name = "replay", .summary = "every third reading is ten seconds old", .reading = replay},
    {.name = "skew",
     .summary = "ages are wrong by 5 s, a third of the readings 2 s late",
     .reading = skew,
     .heard_ms = late},
    {.name = "preempt",
     .summary = "what believing forged calls would cost: 20 s of each minute",
     .reading = forged_reading,
     .wish = forged},
    {.name = "core-stays",
     .summary = "a core in other hands wishes that every green stays",
     .reading = overheard,
     .wish = core_stays},
    {.name = "core-empty",
     .summary = "one that wishes everywhere the phase for which fewest wait",
     .reading = overheard,
     .wish = core_empty},
    {.name = "core-churns",
     .summary = "one that wishes another phase as often as it may",
     .reading = overheard,
     .wish = core_churns},
    {.name = "planner-dead", .summary = "from second 1800 on nobody wishes", .wish = killed},
};

const struct drill *
attacks_list(uint32_t *out_count)
{
    *out_count = ARRAY_COUNT(attacks);
    return attacks;
}
