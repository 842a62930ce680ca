#include "field/lights/requests.h"

enum err
request_wish(struct machine *m, const struct lights_event *e)
{
    if (e->phase >= m->x->phases_count || m->doubt_s > 0)
        return ERR_DENIED;
    if (e->until_us <= e->now_us)
        return ERR_EXPIRED;
    if (m->numbered && e->sequence <= m->last_sequence)
        return ERR_EXISTS;
    m->numbered = m->wished = true;
    m->last_sequence = e->sequence;
    m->wish_phase = (uint8_t)e->phase;
    m->wish_until_us = e->until_us;
    return OK;
}

enum err
request_expiry(struct machine *m, const struct lights_event *e)
{
    (void)e;
    if (!m->wished)
        return ERR_DENIED;
    m->wished = false;
    return OK;
}

static uint64_t
walk_lanes(const struct intersection *x)
{
    uint64_t walks = 0;
    for (uint32_t l = 0; l < x->lanes_count; l++)
        walks |= (uint64_t)x->lane_walk[l] << l;
    return walks;
}

enum err
request_sensors(struct machine *m, const struct lights_event *e)
{
    uint64_t walks = walk_lanes(m->x);
    m->vehicles = e->lanes & ~walks;
    m->coming = e->coming & ~walks;
    m->walkers |= e->lanes & walks & ~m->green_lanes;
    m->silent_s = 0;
    return OK;
}

static enum err
call(struct machine *m, const struct lights_event *e, bool walk)
{
    if (e->lane >= m->x->lanes_count || m->x->lane_walk[e->lane] != walk)
        return ERR_DENIED;
    uint64_t lane = UINT64_C(1) << e->lane;
    if (walk)
        m->walkers |= lane & ~m->green_lanes;
    else
        m->vehicles |= lane;
    return OK;
}

enum err
request_vehicle_call(struct machine *m, const struct lights_event *e)
{
    return call(m, e, false);
}

enum err
request_pedestrian_call(struct machine *m, const struct lights_event *e)
{
    return call(m, e, true);
}

enum err
request_bus_call(struct machine *m, const struct lights_event *e)
{
    if (e->lane >= m->x->lanes_count)
        return ERR_DENIED;
    struct machine_bus *b = &m->buses[m->x->lane_approach[e->lane]];
    if (b->calls)
        return ERR_EXISTS;
    b->calls = true;
    b->granted = false;
    b->lane = (uint8_t)e->lane;
    b->called_s = b->used_s = 0;
    return OK;
}

enum err
request_bus_out(struct machine *m, const struct lights_event *e)
{
    if (e->lane >= m->x->lanes_count || !m->buses[m->x->lane_approach[e->lane]].calls)
        return ERR_DENIED;
    m->buses[m->x->lane_approach[e->lane]].calls = false;
    return OK;
}

/* The place of this source; else a free one; else the one that is barred longest. */
static struct machine_preempt *
preempt_place(struct machine *m, uint32_t source)
{
    struct machine_preempt *place = NULL;
    for (uint32_t i = 0; i < LIGHTS_PREEMPTS_MAX; i++) {
        struct machine_preempt *p = &m->preempts[i];
        if ((p->stands || p->timed_out) && p->source == source)
            return p;
        bool barred = p->timed_out && (!place || (place->timed_out && place->held_s < p->held_s));
        if ((!p->stands && !p->timed_out) || barred)
            place = p;
    }
    return place;
}

enum err
request_preempt_call(struct machine *m, const struct lights_event *e)
{
    struct machine_preempt *p = preempt_place(m, e->source);
    if (e->phase >= m->x->phases_count)
        return ERR_DENIED;
    if (!p)
        return ERR_LIMIT;
    int64_t until_us = e->until_us == 0 ? INT64_MAX : e->until_us;
    bool same = p->source == e->source && (p->stands || p->timed_out);
    if (until_us <= e->now_us)
        return ERR_EXPIRED;
    if (same && (p->timed_out || p->phase != e->phase))
        return ERR_DENIED;
    if (!same)
        *p = (struct machine_preempt){.stands = true,
                                      .phase = (uint8_t)e->phase,
                                      .source = e->source,
                                      .order = ++m->preempt_order};
    p->until_us = until_us;
    return OK;
}

enum err
request_preempt_out(struct machine *m, const struct lights_event *e)
{
    struct machine_preempt *p = preempt_place(m, e->source);
    if (!p || !p->stands || p->source != e->source)
        return ERR_DENIED;
    *p = (struct machine_preempt){0};
    return OK;
}

static enum err
order(int64_t *until_us, const struct lights_event *e)
{
    if (e->until_us <= e->now_us)
        return ERR_EXPIRED;
    *until_us = e->until_us;
    return OK;
}

static enum err
end_order(int64_t *until_us, const struct lights_event *e)
{
    if (*until_us <= e->now_us)
        return ERR_DENIED;
    *until_us = INT64_MIN;
    return OK;
}

enum err
request_flash_on(struct machine *m, const struct lights_event *e)
{
    return order(&m->flash_until_us, e);
}

enum err
request_flash_off(struct machine *m, const struct lights_event *e)
{
    return end_order(&m->flash_until_us, e);
}

enum err
request_red_on(struct machine *m, const struct lights_event *e)
{
    return order(&m->red_until_us, e);
}

enum err
request_red_off(struct machine *m, const struct lights_event *e)
{
    return end_order(&m->red_until_us, e);
}

enum err
request_manual_on(struct machine *m, const struct lights_event *e)
{
    if (e->phase >= m->x->phases_count)
        return ERR_DENIED;
    enum err result = order(&m->manual_until_us, e);
    if (result == OK)
        m->manual_phase = (uint8_t)e->phase;
    return result;
}

enum err
request_manual_off(struct machine *m, const struct lights_event *e)
{
    return end_order(&m->manual_until_us, e);
}
