#include "services/signals/optimize/blind.h"

#include <math.h>

#define LEARN_S 1800.0    /* the past that a rate is learned from */
#define NOW_S 300.0       /* and the present that scales it */
#define PRIOR_S 300.0     /* others count as much as so many seconds of the lane's own */
#define CARRIES_S 1.5     /* a lane cannot count more than one in so many seconds */
#define NOISY 20.0        /* counts above that, in a row */
#define AT_RED 8.0        /* counts at red, */
#define LAWFUL 0.25       /* above so many for each at green, */
#define SIDEWAYS_S 10.0   /* and one in so many seconds: who changes lanes on the loop crosses it */
#define CHANCE_LEAST 0.02 /* of being dead: less is nothing */
#define RATE_UNKNOWN 0.02
#define RATE_LEAST 0.0005
#define DOUBT_LEAST 0.01
#define OWED_LEAST (-2.0)
#define SCALE_LEAST 0.5
#define SCALE_MOST 2.0
/* Too low a rate makes a queue that nobody sees, too high a one a moment of green: never less. */
#define RATIO_LEAST 1.0
#define UNLIKE 0.05      /* what a lane with other turns says of one, */
#define ALIKE 0.4        /* and at most one that shares some of them */
#define LEVEL_PRIOR 20.0 /* vehicles on a street, before it is busier than others */
#define AWAY 0.02        /* what lanes of other streets say of how many come now */
/* How sure it is that a silent lane is dead. Engineering choices, measured (README). */
#define DEAD_BEFORE 0.1   /* of the lanes that never counted so many are dead, */
#define UNUSED_BEFORE 0.1 /* as many nobody ever drives on: no silence tells which */
#define DIES 0.003        /* and of the others, in any silence, */
#define DIE_TOGETHER 0.25 /* above that as many as of the rest, times this: a cable, a device */
#define JUDGED 0.9        /* from then on it is taken for blind */
#define UNSURE 2.0        /* vehicles that the rate of lanes like it is worth */
#define PAUSE_FROM 2.0    /* vehicles that should have come: a silence beyond is a pause, */
#define PAUSE_PRIOR 2.0   /* longer by so many, in the mean; 1: they come one by one */
#define PAUSES_PRIOR 10.0 /* until so many were seen */
#define PAUSE_MOST 20.0

const char *
blind_words(enum blind_why why)
{
    static const char *const words[BLIND_WHYS_COUNT] = {"sees",
                                                        "says it is dead",
                                                        "is silent",
                                                        "is stuck",
                                                        "counts more than can pass",
                                                        "counts at red",
                                                        "is of a device that lies"};
    ASSERT(why < BLIND_WHYS_COUNT);
    return words[why];
}

void
blind_init(struct blind *b, const struct signals_model *m, const uint64_t *siblings, bool off,
           double now_s)
{
    *b = (struct blind){.off = off, .lanes_count = m->lanes_count, .heard_s = now_s};
    for (uint32_t l = 0; l < m->lanes_count; l++)
        b->lanes[l] = (struct blind_lane){.wanted = m->lane_kind[l] == LANE_VEHICLES,
                                          .quiet_s = now_s,
                                          .sign_s = now_s,
                                          .siblings = siblings[l]};
    for (uint32_t k = 0; k < m->links_count; k++)
        b->lanes[m->link_lane[k]].turns |= (uint8_t)(1U << m->link_turn[k]);
}

bool
blind_is(const struct blind *b, uint32_t lane)
{
    ASSERT(lane < b->lanes_count);
    return b->lanes[lane].why != BLIND_NOT;
}

bool
blind_lies(const struct blind *b, uint32_t lane)
{
    ASSERT(lane < b->lanes_count);
    return b->lanes[lane].why >= BLIND_STUCK;
}

bool
blind_sees(const struct blind *b, uint32_t lane, double now_s)
{
    ASSERT(lane < b->lanes_count);
    const struct blind_lane *l = &b->lanes[lane];
    return l->why == BLIND_NOT && l->chance <= CHANCE_LEAST && now_s - l->quiet_s <= BLIND_SEES_S;
}

uint32_t
blind_count(const struct blind *b)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < b->lanes_count; l++)
        n += b->lanes[l].why != BLIND_NOT;
    return n;
}

/* ---- rates ------------------------------------------------------------------------------------
 */

static double
own_rate(const struct blind_lane *l)
{
    return l->seconds > 0 ? l->count / l->seconds : 0;
}

static double
limited(double x, double least, double most)
{
    return x < least ? least : x < most ? x : most;
}

/* How far a lane's rate can be believed to be one. */
static double
sees(const struct blind_lane *l)
{
    return l->wanted && l->why == BLIND_NOT ? 1 - l->chance : 0;
}

static double
usually(uint8_t turns)
{
    double sum = 0;
    for (uint8_t t = 0; t <= TURN_ROUND; t++)
        sum += turns >> t & 1 ? signals_usual_turns(t) : 0;
    return sum > 0 ? sum : signals_usual_turns(TURN_UNKNOWN);
}

/* How much one lane says of another: lanes with the same turns are used alike. */
static double
alike(const struct blind_lane *a, const struct blind_lane *b)
{
    double one = 0, both = 0;
    if (a->turns == b->turns)
        return 1;
    for (uint32_t t = 0; t <= TURN_ROUND; t++) {
        one += (a->turns | b->turns) >> t & 1;
        both += (a->turns & b->turns) >> t & 1;
    }
    return UNLIKE + (one > 0 ? ALIKE * both / one : 0);
}

/* The mean of the lanes that see, the more alike the more; < 0: nobody sees. */
static double
by_turn(const struct blind *b, uint32_t lane)
{
    double sum = 0, all = 0;
    for (uint32_t o = 0; o < b->lanes_count; o++) {
        const struct blind_lane *s = &b->lanes[o];
        double weight = o == lane ? 0 : sees(s) * alike(&b->lanes[lane], s);
        double more = usually(b->lanes[lane].turns) / usually(s->turns);
        sum += weight * own_rate(s) * (more > RATIO_LEAST ? more : RATIO_LEAST);
        all += weight;
    }
    return all > 0 ? sum / all : -1;
}

/* What the street's lanes that see count, in what lanes with their turns count elsewhere. */
static double
level(const struct blind *b, uint32_t lane)
{
    double own = LEVEL_PRIOR, usual = LEVEL_PRIOR;
    for (uint32_t o = 0; o < b->lanes_count; o++) {
        const struct blind_lane *s = &b->lanes[o];
        double weight = b->lanes[lane].siblings >> o & 1 ? sees(s) : 0;
        if (weight <= 0)
            continue;
        own += weight * s->count;
        usual += weight * s->seconds * b->lanes[o].turn_rate;
    }
    return own / usual;
}

/* Vehicles a second that one would expect without the lane's own past. */
static double
usual_rate(const struct blind *b, uint32_t lane)
{
    double rate = b->lanes[lane].turn_rate;
    return rate < 0 ? RATE_UNKNOWN : limited(rate * level(b, lane), RATE_LEAST, BLIND_RATE_MOST);
}

/* Of the other lanes that see, its street's before all: what they count a second, in this one, in
 * the last minutes, and usually. */
struct rest {
    double second, now, usual;
};

static struct rest
rest_of(const struct blind *b, uint32_t lane)
{
    struct rest r = {0};
    double all = 0;
    for (uint32_t o = 0; o < b->lanes_count; o++) {
        const struct blind_lane *s = &b->lanes[o];
        double weight = o == lane ? 0 : sees(s) * (b->lanes[lane].siblings >> o & 1 ? 1 : AWAY);
        r.second += weight * s->second_rate;
        r.now += weight * s->now_rate;
        r.usual += weight * own_rate(s);
        all += weight;
    }
    if (all > 0)
        r = (struct rest){r.second / all, r.now / all, r.usual / all};
    return r;
}

double
blind_rate(const struct blind *b, uint32_t lane)
{
    ASSERT(lane < b->lanes_count);
    const struct blind_lane *l = &b->lanes[lane];
    double prior = usual_rate(b, lane);
    if (l->past_seconds <= 0)
        return prior;
    double now = rest_of(b, lane).now;
    double scale = l->scale_from > 0 ? now / l->scale_from : 1;
    double own = l->past_count * limited(scale, SCALE_LEAST, SCALE_MOST);
    return limited((own + PRIOR_S * prior) / (l->past_seconds + PRIOR_S), 0, BLIND_RATE_MOST);
}

void
blind_seen(struct blind *b, uint32_t lane)
{
    struct blind_lane *l = &b->lanes[lane];
    if (l->why != BLIND_NOT && l->owed > OWED_LEAST)
        l->owed -= 1;
}

uint32_t
blind_came(struct blind *b, uint32_t lane, double seconds)
{
    struct blind_lane *l = &b->lanes[lane];
    ASSERT(l->why != BLIND_NOT);
    uint32_t n = 0;
    l->owed += blind_rate(b, lane) * seconds;
    for (; l->owed >= 1 && n < SIGNALS_CROSSED_MAX; n++)
        l->owed -= 1;
    return n;
}

double
blind_doubt(const struct blind *b, uint32_t lane)
{
    ASSERT(b->lanes[lane].why != BLIND_NOT);
    double owed = b->lanes[lane].owed;
    return owed > DOUBT_LEAST ? owed : DOUBT_LEAST;
}

double
blind_chance(const struct blind *b, uint32_t lane)
{
    return b->lanes[lane].why == BLIND_NOT ? b->lanes[lane].chance : 1;
}

double
blind_waiting(const struct blind *b, uint32_t lane)
{
    return b->lanes[lane].owed;
}

void
blind_served(struct blind *b, uint32_t lane, double vehicles)
{
    struct blind_lane *l = &b->lanes[lane];
    if (l->owed > 0)
        l->owed = l->owed > vehicles ? l->owed - vehicles : 0;
}

/* ---- who is dead ------------------------------------------------------------------------------
 */

/* By the clock and by what the rest counts: the less of both, since either may be a crowd. */
static double
expected(const struct blind_lane *l)
{
    return l->expected_rest < l->expected_clock ? l->expected_rest : l->expected_clock;
}

/*
 * How likely one that counted has died, silent or not, since so many of the rest did and nobody
 * said so: a device that knows its dead loops knows all of them.
 */
static double
dies(const struct blind *b, const struct blind_lane *l)
{
    double dead = 0, all = 0;
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        const struct blind_lane *o = &b->lanes[i];
        if (o == l || !o->wanted)
            continue;
        bool counted = o->past_seconds > 0; /* else it may be unused */
        all += 1;
        if (o->why != BLIND_SAID)
            dead += o->why != BLIND_NOT ? 1 : counted ? o->chance : 0;
    }
    return all > 0 ? DIES + DIE_TOGETHER * dead / all : DIES;
}

/*
 * How likely it is dead, given so many who should have been seen since it was heard last. A dead
 * lane is silent for sure, and so is one that nobody uses (a bus's, a closed street's), if it never
 * counted. One that counts is silent by chance: the less likely the more should
 * have come, as far as this intersection's vehicles come one by one (they come in crowds, and how
 * long the pauses are is learned) and the lane's rate is known.
 */
static double
chance_of(const struct blind *b, const struct blind_lane *l, bool all_found)
{
    bool known = l->past_seconds > 0;
    if (!known && all_found)
        return 0;
    double pause = (b->pauses + PAUSES_PRIOR * PAUSE_PRIOR) / (b->pauses_count + PAUSES_PRIOR);
    double e = expected(l);
    double times = e < PAUSE_FROM ? e : PAUSE_FROM + (e - PAUSE_FROM) / (pause > 1 ? pause : 1);
    double shape = UNSURE + (known ? l->past_count : 0);
    double lives = exp(-shape * log1p(times / shape));
    double dead = known ? dies(b, l) : DEAD_BEFORE;
    double unused = known ? 0 : UNUSED_BEFORE;
    return dead / (dead + unused + (1 - dead - unused) * lives);
}

/* It is alive: how long was the pause? */
static void
heard(struct blind *b, struct blind_lane *l)
{
    double e = expected(l);
    if (e > PAUSE_FROM && l->past_seconds > 0) {
        b->pauses += limited(e - PAUSE_FROM, 0, PAUSE_MOST);
        b->pauses_count += 1;
    }
    l->expected_rest = l->expected_clock = 0;
    if (l->why == BLIND_NOT)
        l->owed = 0;
}

/* Vehicles that should have come since the last second. */
static void
expect(struct blind *b, uint32_t lane, double seconds)
{
    struct blind_lane *l = &b->lanes[lane];
    struct rest rest = rest_of(b, lane);
    double rate = usual_rate(b, lane);
    if (l->past_seconds > 0)
        rate = (l->past_count + UNSURE) / (l->past_seconds + UNSURE / rate);
    double came = rate * seconds;
    l->expected_clock += came;
    l->expected_rest += rest.usual > 0 ? came * rest.second / rest.usual : 0;
    if (l->why == BLIND_NOT) /* else blind_came() makes them */
        l->owed += came;
}

static enum blind_why
judge(struct blind *b, uint32_t lane, const struct signals_reading *r, bool all_found, bool liars,
      double now_s)
{
    struct blind_lane *l = &b->lanes[lane];
    l->chance = 0;
    if (r->dead[lane])
        return BLIND_SAID;
    if (b->off)
        return BLIND_NOT;
    if (l->excess >= NOISY)
        return BLIND_NOISY;
    if (l->lies)
        return BLIND_AT_RED;
    if (liars)
        return BLIND_DEVICE;
    if (l->stuck_s >= BLIND_STUCK_S || l->greens >= BLIND_GREENS)
        return BLIND_STUCK;
    l->chance = now_s - l->quiet_s < BLIND_SILENT_S ? 0 : chance_of(b, l, all_found);
    if (l->chance >= JUDGED)
        return BLIND_SILENT;
    bool lasting = l->why != BLIND_NOT && l->why != BLIND_SILENT;
    return lasting && now_s - l->sign_s < BLIND_GOOD_S ? l->why : BLIND_NOT;
}

static void
watch(struct blind_lane *l, uint32_t count, bool on, const struct blind_light *light, double now_s,
      double seconds)
{
    double yields = (double)BLIND_STUCK_S / BLIND_STUCK_YIELD_S;
    l->excess += (double)count - seconds / CARRIES_S;
    l->excess = limited(l->excess, 0, 2 * NOISY);
    l->red_s = light->green ? 0 : l->red_s + (light->red ? seconds : 0);
    bool long_red = light->red && l->red_s > BLIND_RED_S, lawless = long_red && count > 0;
    if (long_red)
        l->at_red += (double)count - seconds / SIDEWAYS_S;
    else if (light->green)
        l->at_red -= LAWFUL * (double)count;
    l->at_red = limited(l->at_red, 0, 2 * AT_RED);
    if (count > 0 || !on || light->full)
        l->greens = 0;
    else if (l->green && !light->green)
        l->greens++;
    l->green = light->green;
    if (count > 0 || !on)
        l->stuck_s = 0;
    else if (light->green)
        l->stuck_s += light->free_way ? seconds : seconds * yields;
    if (count > 0 || on != l->on)
        l->quiet_s = now_s;
    l->on = on;
    if (lawless && (l->lies || l->at_red >= AT_RED)) {
        l->lies = true;
        l->lied_s = now_s;
    } else if (l->lies && now_s - l->lied_s >= BLIND_GOOD_S) {
        l->lies = false;
        l->at_red = 0;
    }
    if (l->excess >= NOISY || l->greens >= BLIND_GREENS || l->stuck_s >= BLIND_STUCK_S)
        l->sign_s = now_s;
}

static void
learn(struct blind_lane *l, uint32_t count, double seconds)
{
    double keep = 1 - limited(seconds / LEARN_S, 0, 1);
    l->count = l->count * keep + (double)count;
    l->seconds = l->seconds * keep + seconds;
    if (count > 0) {
        l->past_count = l->count;
        l->past_seconds = l->seconds;
    }
}

/* One loop may be broken, or two may be mixed up; of a device it is all or none. */
static bool
device_lies(const struct blind *b)
{
    uint32_t lanes = 0, liars = 0;
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        lanes += b->lanes[i].wanted;
        liars += b->lanes[i].lies;
    }
    return liars >= BLIND_LIARS && liars * BLIND_LIARS_OF >= lanes;
}

void
blind_hear(struct blind *b, const struct signals_reading *r, const struct blind_light *lights,
           double now_s)
{
    double seconds = now_s - b->heard_s > 1 ? now_s - b->heard_s : 1;
    b->heard_s = now_s;
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        struct blind_lane *l = &b->lanes[i];
        if (!l->wanted)
            continue;
        watch(l, r->stop[i], r->stop_on[i], &lights[i], now_s, seconds);
        l->second_rate = (double)r->stop[i] / seconds;
        l->now_rate += limited(seconds / NOW_S, 0, 1) * (l->second_rate - l->now_rate);
    }
    for (uint32_t i = 0; i < b->lanes_count; i++)
        b->lanes[i].turn_rate = by_turn(b, i);
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        struct blind_lane *l = &b->lanes[i];
        if (l->quiet_s >= now_s || l->on)
            heard(b, l);
        else if (l->wanted && !lights[i].held && l->why <= BLIND_SILENT)
            expect(b, i, seconds);
    }
    bool liars = device_lies(b);
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        struct blind_lane *l = &b->lanes[i];
        if (!l->wanted)
            continue;
        enum blind_why why = judge(b, i, r, lights[i].all_found, liars, now_s);
        if (why != BLIND_NOT && l->why == BLIND_NOT) {
            l->since_s = now_s;
            l->scale_from = rest_of(b, i).usual;
        }
        if (why == BLIND_NOT && l->why != BLIND_NOT)
            l->owed = 0;
        if (why == BLIND_SAID)
            l->sign_s = now_s;
        l->why = why;
        if (why == BLIND_NOT)
            learn(l, r->stop[i], seconds);
    }
}
