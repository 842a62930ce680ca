#include "services/signals/optimize/blind.h"

#define LEARN_S 1800.0  /* the past that a rate is learned from */
#define NOW_S 300.0     /* and the present that scales it */
#define PRIOR_S 300.0   /* siblings count as much as so many seconds of the lane's own */
#define EXPECTED 6.0    /* silent though so many were expected: one chance in 400 */
#define CARRIES_S 1.5   /* a lane cannot count more than one in so many seconds */
#define NOISY 20.0      /* counts above that, in a row */
#define AT_RED 8.0      /* counts at red, */
#define LAWFUL 0.25     /* above so many for each at green, */
#define SIDEWAYS_S 10.0 /* and one in so many seconds: who changes lanes on the loop crosses it */
#define RATE_UNKNOWN 0.02
#define DOUBT_LEAST 0.01
#define OWED_LEAST (-1.0)
#define HALF_UNUSED 0.5 /* a lane that never counted, and that nobody says is dead */
#define SCALE_LEAST 0.5
#define SCALE_MOST 2.0

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

/* The mean of the lanes that see: siblings, or when there is none, all; < 0: nobody sees. */
static double
others(const struct blind *b, uint32_t lane, bool now)
{
    for (uint32_t round = 0; round < 2; round++) {
        double sum = 0;
        uint32_t n = 0;
        for (uint32_t o = 0; o < b->lanes_count; o++) {
            const struct blind_lane *s = &b->lanes[o];
            bool sibling = b->lanes[lane].siblings >> o & 1;
            if (o == lane || !s->wanted || s->why != BLIND_NOT || (round == 0 && !sibling))
                continue;
            sum += now ? s->now_rate : own_rate(s);
            n++;
        }
        if (n > 0)
            return sum / (double)n;
    }
    return -1;
}

static double
limited(double x, double least, double most)
{
    return x < least ? least : x < most ? x : most;
}

double
blind_rate(const struct blind *b, uint32_t lane)
{
    ASSERT(lane < b->lanes_count);
    const struct blind_lane *l = &b->lanes[lane];
    double now = others(b, lane, true);
    double usual = others(b, lane, false);
    double prior = usual < 0 ? RATE_UNKNOWN : usual;
    if (l->past_seconds <= 0) {
        double rate = l->why == BLIND_SILENT ? prior * HALF_UNUSED : prior;
        return limited(rate, 0, BLIND_RATE_MOST);
    }
    double scale = now >= 0 && l->scale_from > 0 ? now / l->scale_from : 1;
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

void
blind_served(struct blind *b, uint32_t lane)
{
    if (b->lanes[lane].owed > 0)
        b->lanes[lane].owed = 0;
}

/* ---- who is dead ------------------------------------------------------------------------------
 */

/* Counted ever by a sibling, in the mean; by all lanes, when there is none. */
static double
others_total(const struct blind *b, uint32_t lane)
{
    for (uint32_t round = 0; round < 2; round++) {
        double sum = 0;
        uint32_t n = 0;
        for (uint32_t o = 0; o < b->lanes_count; o++) {
            bool sibling = b->lanes[lane].siblings >> o & 1;
            if (o == lane || !b->lanes[o].wanted || (round == 0 && !sibling))
                continue;
            sum += b->lanes[o].total;
            n++;
        }
        if (n > 0)
            return sum / (double)n;
    }
    return 0;
}

static bool
is_silent(const struct blind *b, uint32_t lane, bool all_found, double now_s)
{
    const struct blind_lane *l = &b->lanes[lane];
    double quiet = now_s - l->quiet_s;
    if (quiet < BLIND_SILENT_S)
        return false;
    if (others_total(b, lane) - l->others_total < BLIND_SIBLINGS)
        return false;
    if (l->past_seconds <= 0)
        return !all_found;
    return l->past_count / l->past_seconds * quiet >= EXPECTED;
}

static enum blind_why
judge(struct blind *b, uint32_t lane, const struct signals_reading *r, bool all_found, bool liars,
      double now_s)
{
    struct blind_lane *l = &b->lanes[lane];
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
    if (is_silent(b, lane, all_found, now_s))
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
        l->total += (double)r->stop[i];
        if (l->quiet_s >= now_s)
            l->others_total = others_total(b, i);
        double share = limited(seconds / NOW_S, 0, 1);
        l->now_rate += share * ((double)r->stop[i] / seconds - l->now_rate);
    }
    bool liars = device_lies(b);
    for (uint32_t i = 0; i < b->lanes_count; i++) {
        struct blind_lane *l = &b->lanes[i];
        if (!l->wanted)
            continue;
        enum blind_why why = judge(b, i, r, lights[i].all_found, liars, now_s);
        if (why != BLIND_NOT && l->why == BLIND_NOT) {
            l->since_s = now_s;
            l->owed = 0;
            l->scale_from = others(b, i, false);
        }
        if (why == BLIND_SAID)
            l->sign_s = now_s;
        l->why = why;
        if (why == BLIND_NOT)
            learn(l, r->stop[i], seconds);
    }
}
