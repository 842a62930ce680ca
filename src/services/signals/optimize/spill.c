#include "services/signals/optimize/spill.h"

void
spill_init(struct spill *s)
{
    *s = (struct spill){0};
    for (uint32_t j = 0; j < SIGNALS_LOOPS_MAX; j++)
        s->hidden[j] = -1;
}

static uint8_t
one_more(uint8_t n)
{
    return n < UINT8_MAX ? (uint8_t)(n + 1) : n;
}

/* While the queue reaches over the loop: who comes, as often as before, less who passes. */
static void
hear_hidden(struct spill *s, uint32_t j, uint32_t passed)
{
    if (s->hidden[j] < 0 && !s->stands[j]) {
        if (s->rated_s[j] < SPILL_RATE_S)
            s->rated_s[j]++;
        s->rate[j] += ((double)passed - s->rate[j]) / (double)s->rated_s[j];
        return;
    }
    double n = (s->hidden[j] < 0 ? 0 : s->hidden[j]) + s->rate[j] - (double)passed;
    s->hidden[j] = n < 0 ? 0 : n > SPILL_HIDDEN_MAX ? SPILL_HIDDEN_MAX : n;
    if (!s->stands[j] && s->idle_s[j] >= SPILL_FREE_S)
        s->hidden[j] = -1;
}

void
spill_hear(struct spill *s, const struct signals_model *m, const struct signals_reading *r)
{
    for (uint32_t j = 0; j < m->loops_count; j++) {
        s->covered_s[j] = r->advance_on[j] ? one_more(s->covered_s[j]) : 0;
        s->free_s[j] = r->advance_on[j] ? 0 : one_more(s->free_s[j]);
        if (s->covered_s[j] >= SPILL_COVERED_S)
            s->stands[j] = true;
        else if (s->free_s[j] >= SPILL_FREE_S)
            s->stands[j] = false;
        s->idle_s[j] = r->advance_on[j] || r->advance[j] > 0 ? 0 : one_more(s->idle_s[j]);
        hear_hidden(s, j, r->advance[j]);
        uint16_t *since = &s->stands_s[j];
        *since = !s->stands[j] ? 0 : *since < UINT16_MAX ? (uint16_t)(*since + 1) : *since;
    }
}

bool
spill_covered(const struct spill *s, uint32_t loop)
{
    return s->covered_s[loop] >= SPILL_STANDS_S;
}

bool
spill_over(const struct spill *s, const struct signals_model *m, uint32_t lane)
{
    for (uint32_t j = 0; j < m->loops_count; j++) {
        const struct signals_source *loop = &m->loops[j];
        if (s->stands[j] && loop->lanes[0] == lane && loop->distance_m > m->lane_m[lane])
            return true;
    }
    return false;
}

double
spill_weight(uint32_t waiting, uint32_t holds)
{
    if (holds == 0)
        return 1;
    double full = (double)waiting / (double)holds;
    if (full <= SPILL_NEAR)
        return 1;
    double near = (full - SPILL_NEAR) / (1 - SPILL_NEAR);
    return 1 + (SPILL_WEIGHT - 1) * (near < 1 ? near : 1);
}

static bool
is_fed(const struct signals_model *m, uint32_t lane)
{
    for (uint32_t i = 0; i < m->feeders_count; i++) {
        if (signals_leads_to(&m->feeders[i], lane))
            return true;
    }
    return false;
}

double
spill_hidden(const struct spill *s, const struct signals_model *m, uint32_t lane)
{
    int32_t far = signals_next_loop(m, lane, UINT32_MAX);
    return far >= 0 && !is_fed(m, lane) && s->hidden[far] > 0 ? s->hidden[far] : 0;
}

double
spill_behind(const struct spill *s, const struct signals_model *m)
{
    double n = 0;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        int32_t far = signals_next_loop(m, l, UINT32_MAX);
        if (far >= 0 && s->stands_s[far] >= SPILL_CYCLE_S)
            n += SPILL_BEHIND;
        n += spill_hidden(s, m, l);
    }
    return n;
}
