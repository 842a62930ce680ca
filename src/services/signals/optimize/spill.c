#include "services/signals/optimize/spill.h"

void
spill_init(struct spill *s)
{
    *s = (struct spill){0};
}

static uint8_t
one_more(uint8_t n)
{
    return n < UINT8_MAX ? (uint8_t)(n + 1) : n;
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
spill_behind(const struct spill *s, const struct signals_model *m)
{
    int16_t far[SIGNALS_LANES_MAX];
    uint32_t n = 0;
    memset(far, -1, sizeof(far));
    for (uint32_t j = 0; j < m->loops_count; j++) {
        int16_t *f = &far[m->loops[j].lanes[0]];
        if (*f < 0 || m->loops[j].distance_m > m->loops[*f].distance_m)
            *f = (int16_t)j;
    }
    for (uint32_t l = 0; l < m->lanes_count; l++)
        n += far[l] >= 0 && s->stands_s[far[l]] >= SPILL_CYCLE_S;
    return (double)n * SPILL_BEHIND;
}
