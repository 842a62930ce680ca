#include "programs/conduit/valve.h"

#include "base/text.h"

enum { HOUR_MS = 3600000 };

void
valve_init(struct valve *v, const struct start_conduit *rules, uint64_t now_ms)
{
    *v = (struct valve){.rules = *rules, .credit_mms = HOUR_MS, .since_ms = now_ms};
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
    if (v->credit_mms < HOUR_MS)
        return false;
    v->credit_mms -= HOUR_MS;
    return true;
}

/* The window ended, it is no older than a day, and it starts on a whole minute: no hidden bits. */
static bool
window_is_plain(const struct zone_count *m, int64_t now_us)
{
    int64_t end_s = m->window_start_s + (int64_t)m->window_s;
    int64_t now_s = now_us / 1000000;
    return m->window_s >= 60 && m->window_s % 60 == 0 && m->window_start_s % 60 == 0 &&
           end_s <= now_s + 60 && end_s >= now_s - 86400;
}

enum err
valve_judge(struct valve *v, uint16_t id, struct bytes body, uint64_t now_ms, int64_t now_us,
            struct zone_count *out_count, enum valve_verdict *out_verdict)
{
    struct zone_count m;
    if (id != zone_count_id || !start_list_has(v->rules.carries, bytes_text("zone-count"))) {
        *out_verdict = VALVE_KIND;
        return OK;
    }
    enum err e = zone_count_decode(body, &m);
    if (e != OK)
        return e;
    if (!text_is_name(m.area) || !window_is_plain(&m, now_us)) {
        *out_verdict = VALVE_KIND;
        return OK;
    }
    if (m.count < v->rules.group_min) {
        *out_verdict = VALVE_GROUP;
        return OK;
    }
    if (!take_rate(v, now_ms)) {
        *out_verdict = VALVE_RATE;
        return OK;
    }
    *out_count = m;
    *out_verdict = VALVE_PASS;
    return OK;
}
