#include "services/signals/optimize/trust.h"

#define STEP 0.0625    /* of the smoothed share, for one claim: the last 16 count */
#define START_S 3.0    /* specs/signals.md 5.4: a queue of c vehicles has lost this */
#define HEADWAY_S 2.5  /* and then leaves so, with some slack: it needs 1.9 */
#define FEW 2.0        /* of one vehicle it cannot be said whether it was there */
#define EMPTY_S 3.0    /* the stop loop free for so long in green: nobody stands there */
#define BLOCKED_S 10.0 /* a head that does not go in so much green is no queue that moves */

void
trust_init(struct trust *t, bool off, double now_s)
{
    *t = (struct trust){.off = off};
    for (uint32_t i = 0; i < TRUST_SOURCES_MAX; i++)
        t->sources[i] =
            (struct trust_source){.confirmed = 1, .tokens = TRUST_BURST, .claimed_s = now_s};
    for (uint32_t l = 0; l < SIGNALS_LANES_MAX; l++)
        t->lanes[l] = (struct trust_lane){.tau = 1, .from_s = now_s};
}

/* ---- sources ----------------------------------------------------------------------------------
 */

bool
trust_claim(struct trust *t, uint32_t source, double now_s)
{
    if (source >= TRUST_SOURCES_MAX || t->off)
        return true;
    struct trust_source *s = &t->sources[source];
    if (now_s > s->claimed_s) {
        s->tokens += (now_s - s->claimed_s) / TRUST_CLAIM_EVERY_S;
        s->tokens = s->tokens < TRUST_BURST ? s->tokens : TRUST_BURST;
        s->claimed_s = now_s;
    }
    if (s->tokens < 1) {
        s->refused++;
        return false;
    }
    s->tokens -= 1;
    s->claims++;
    return true;
}

void
trust_confirm(struct trust *t, uint32_t source)
{
    if (source < TRUST_SOURCES_MAX)
        t->sources[source].confirmed += STEP * (1 - t->sources[source].confirmed);
}

void
trust_refute(struct trust *t, uint32_t source)
{
    if (source >= TRUST_SOURCES_MAX)
        return;
    t->sources[source].confirmed -= STEP * t->sources[source].confirmed;
    t->sources[source].refuted++;
}

static double
bounded(double x)
{
    return x < TRUST_LEAST ? TRUST_LEAST : x < 1 ? x : 1;
}

double
trust_source(const struct trust *t, uint32_t source)
{
    if (source >= TRUST_SOURCES_MAX || t->off)
        return 1;
    return bounded(t->sources[source].confirmed);
}

/* ---- lanes ------------------------------------------------------------------------------------
 */

/* What a green of so many seconds should have let go, against what it did. */
static void
judge(struct trust_lane *l, double now_s)
{
    double expected = (now_s - l->from_s - START_S) / HEADWAY_S;
    if (expected > (double)l->claims)
        expected = (double)l->claims;
    if (expected < 1)
        return;
    double r = (double)l->departed / expected;
    if (r >= 1)
        l->tau = bounded(0.5 * l->tau + 0.5);
    else if (l->proven && expected >= FEW)
        l->tau = bounded(0.5 * l->tau + 0.5 * r);
}

static void
look(struct trust_lane *l, const struct trust_second *s, double now_s)
{
    l->from_s = now_s;
    l->claims = s->claims;
    l->departed = 0;
    l->proven = false;
}

void
trust_hear_lane(struct trust *t, uint32_t lane, const struct trust_second *s, double now_s)
{
    ASSERT(lane < SIGNALS_LANES_MAX);
    struct trust_lane *l = &t->lanes[lane];
    if (s->green && !l->green) {
        look(l, s, now_s - 1); /* it began within this second */
    } else if (!s->green && l->green) {
        judge(l, now_s - 1);
    } else if (s->green && now_s - l->from_s >= TRUST_LOOK_S) {
        judge(l, now_s);
        look(l, s, now_s);
    }
    l->green = s->green;
    if (!s->green)
        return;
    l->departed += s->departed;
    bool nobody = !s->on && s->free_s >= EMPTY_S;
    bool blocked = s->on && s->free_way && s->idle_s >= BLOCKED_S;
    l->proven = l->proven || nobody || blocked;
}

double
trust_lane(const struct trust *t, uint32_t lane)
{
    ASSERT(lane < SIGNALS_LANES_MAX);
    return t->off ? 1 : t->lanes[lane].tau;
}
