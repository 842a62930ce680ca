#include "programs/conduit/valve.h"

#include "base/text.h"

enum { HOUR_MS = 3600000, MINUTE_US = 60000000 };

uint32_t
valve_tick_ms(uint32_t rate_per_hour)
{
    uint32_t slot_ms = rate_per_hour ? HOUR_MS / rate_per_hour : HOUR_MS;
    uint32_t tick_ms = slot_ms / VALVE_TICKS_LEAST;
    return tick_ms == 0 ? 1 : tick_ms < VALVE_TICK_MS ? tick_ms : VALVE_TICK_MS;
}

void
valve_init(struct valve *v, const struct start_conduit *rules, uint64_t now_ms)
{
    *v = (struct valve){
        .rules = *rules, .credit_mms = HOUR_MS, .since_ms = now_ms, .start_ms = now_ms};
}

static bool
take_rate(struct valve *v, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - v->since_ms;
    uint64_t burst = HOUR_MS; /* one message: silence is not saved up */
    v->since_ms = now_ms;
    if (elapsed_ms > HOUR_MS)
        elapsed_ms = HOUR_MS;
    v->credit_mms += elapsed_ms * v->rules.rate_per_hour;
    if (v->credit_mms > burst)
        v->credit_mms = burst;
    if (v->credit_mms < HOUR_MS || v->waiting)
        return false;
    v->credit_mms -= HOUR_MS;
    return true;
}

/* A whole minute that ended now or a moment ago: the only one that is told. */
static bool
window_is_plain(const struct zone_count *m, int64_t now_us)
{
    int64_t end_s = m->window_start_s + (int64_t)m->window_s;
    int64_t now_s = now_us / 1000000;
    return m->window_s == VALVE_WINDOW_S && m->window_start_s % VALVE_WINDOW_S == 0 &&
           end_s <= now_s + VALVE_WINDOW_S && end_s >= now_s - 3 * VALVE_WINDOW_S;
}

/* Known, or there is room for one more near the first. */
static bool
area_is_plain(struct valve *v, struct area a)
{
    for (uint32_t i = 0; i < v->areas_count; i++)
        if (v->areas[i].row == a.row && v->areas[i].column == a.column)
            return true;
    if (v->areas_count == VALVE_AREAS_MAX)
        return false;
    return v->areas_count == 0 || (abs(a.row - v->areas[0].row) <= VALVE_REACH &&
                                   abs(a.column - v->areas[0].column) <= VALVE_REACH);
}

static void
learn_area(struct valve *v, struct area a)
{
    for (uint32_t i = 0; i < v->areas_count; i++)
        if (v->areas[i].row == a.row && v->areas[i].column == a.column)
            return;
    ASSERT(v->areas_count < VALVE_AREAS_MAX);
    v->areas[v->areas_count++] = a;
}

uint32_t
valve_step(uint32_t count, uint32_t group_min)
{
    static const uint32_t steps[] = {10, 12, 16, 20, 25, 31, 40, 50, 63, 80}; /* ISO 3, R10 */
    uint32_t power = 1, step = count;
    while (count / power >= 100)
        power *= 10;
    for (size_t i = 0; count >= 10 && i < ARRAY_COUNT(steps); i++)
        if (steps[i] * power <= count)
            step = steps[i] * power;
    return step < group_min ? group_min : step;
}

enum err
valve_judge(struct valve *v, uint16_t id, struct bytes body, uint64_t now_ms, int64_t now_us,
            enum valve_verdict *out_verdict)
{
    struct zone_count m;
    struct area area;
    *out_verdict = VALVE_CUT;
    if (v->cut)
        return OK;
    *out_verdict = VALVE_KIND;
    if (id != zone_count_id || !start_list_has(v->rules.carries, bytes_text("zone-count")))
        return OK;
    enum err e = zone_count_decode(body, &m);
    if (e != OK)
        return e;
    if (coarsen_area_read(m.area, &area) != OK || !area_is_plain(v, area) ||
        !window_is_plain(&m, now_us))
        return OK;
    *out_verdict = VALVE_GROUP;
    if (m.count < v->rules.group_min)
        return OK;
    *out_verdict = VALVE_RATE;
    if (!take_rate(v, now_ms))
        return OK;
    uint32_t tick_ms = valve_tick_ms(v->rules.rate_per_hour);
    learn_area(v, area);
    v->waiting = true;
    v->due_ms = v->start_ms + ((now_ms - v->start_ms) / tick_ms + 1) * tick_ms;
    v->area = area;
    v->count = valve_step(m.count, v->rules.group_min);
    *out_verdict = VALVE_PASS;
    return OK;
}

bool
valve_release(struct valve *v, uint64_t now_ms, int64_t now_us, struct zone_count *out_count,
              uint32_t *out_wait_ms)
{
    *out_wait_ms = UINT32_MAX;
    if (v->cut)
        v->waiting = false; /* it was accepted before the cut, and does not cross after it */
    if (!v->waiting)
        return false;
    if (now_ms < v->due_ms) {
        *out_wait_ms = (uint32_t)(v->due_ms - now_ms);
        return false;
    }
    v->waiting = false;
    coarsen_area_name(v->area, v->name);
    int64_t minute_us = now_us - now_us % MINUTE_US;
    *out_count = (struct zone_count){.area = bytes_text(v->name),
                                     .count = v->count,
                                     .window_start_s = minute_us / 1000000 - VALVE_WINDOW_S,
                                     .window_s = VALVE_WINDOW_S};
    return true;
}
