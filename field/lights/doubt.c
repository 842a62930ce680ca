#include "field/lights/doubt.h"
#include "field/lights/choice.h"
#include "field/lights/plan.h"

/* On a lane of which nothing goes. */
static bool
somebody_waits(const struct machine *m)
{
    uint64_t stopped = choice_calls(m) & ~m->green_lanes;
    for (uint32_t l = 0; l < m->x->lanes_count; l++) {
        if (stopped >> l & 1)
            return true;
    }
    return false;
}

/* Of the greens that stand. Who walks is not seen: for as long as a walk must be shown. Who comes
 * to a lane of which only some go may be one who stands behind another. */
static bool
somebody_goes(const struct machine *m)
{
    if (m->state == MACHINE_WALK && m->walk_age_s <= m->x->walk_s[m->phase])
        return true;
    return m->coming & m->whole_lanes; /* vehicles only */
}

/* One that has green was quiet for so long that its loops may be dead. */
static bool
may_be_dead(const struct machine *m)
{
    for (uint32_t l = 0; l < m->x->lanes_count; l++) {
        if (m->green_lanes >> l & 1 && !m->x->lane_walk[l] && plan_is_quiet(m, l))
            return true;
    }
    return false;
}

/* It was begun for somebody, and how long it stands at least is not the wish's word. */
static bool
stands_as_it_must(const struct machine *m)
{
    return m->used && m->elapsed_s <= m->x->plain_s[m->phase];
}

/* A wish is followed, and the sensors say what it does. */
static bool
counts(const struct machine *m)
{
    return m->obeying && m->silent_s <= 1 && machine_regular(m);
}

static uint32_t
cost_ds(const struct machine *m)
{
    if (!counts(m) || !somebody_waits(m))
        return 0;
    if (m->state == MACHINE_GREEN || m->state == MACHINE_WALK) {
        uint32_t idle_ds = may_be_dead(m) ? DOUBT_DEAD_DS : DOUBT_IDLE_DS;
        return somebody_goes(m) || stands_as_it_must(m) ? 0 : idle_ds;
    }
    return m->state == MACHINE_YELLOW || m->state == MACHINE_ALL_RED ? DOUBT_CHANGE_DS : 0;
}

void
doubt_second(struct machine *m)
{
    m->used = m->used || somebody_goes(m);
    uint32_t account_ds = m->account_ds + cost_ds(m);
    m->account_ds = account_ds > DOUBT_PAID_DS ? account_ds - DOUBT_PAID_DS : 0;
    m->doubt_s -= m->doubt_s > 0;
    m->calm_s = m->calm_s < DOUBT_CALM_S ? m->calm_s + m->obeying : DOUBT_CALM_S;
    if (m->account_ds < DOUBT_BOUND_DS)
        return;
    bool again = m->doubt_next_s > 0 && m->calm_s < DOUBT_CALM_S;
    m->doubt_s = again ? m->doubt_next_s : DOUBT_S;
    m->doubt_next_s = m->doubt_s * 2 < DOUBT_MOST_S ? m->doubt_s * 2 : DOUBT_MOST_S;
    m->account_ds = m->calm_s = 0;
    m->doubts++;
    m->wished = false;
}

void
doubt_forced(struct machine *m)
{
    m->forced++;
    m->account_ds += counts(m) ? DOUBT_FORCED_DS : 0;
}
