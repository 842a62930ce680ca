#include "field/lights/plan.h"
#include "field/lights/choice.h"

static const struct lights_plan *
plan_of(const struct machine *m)
{
    return &m->x->plans[m->plan];
}

/* One of its links goes better in this phase than it does now. */
static bool
gains(const struct machine *m, uint32_t lane, uint8_t phase)
{
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        if (link_in(&m->x->lane_links[lane], i) &&
            letter_strength(m->x->phases[phase][i]) > letter_strength(m->shown[i]))
            return true;
    }
    return false;
}

/* One of its links has green and would lose it to this phase. */
static bool
loses(const struct machine *m, uint32_t lane, uint8_t phase)
{
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        if (link_in(&m->x->lane_links[lane], i) && letter_strength(m->shown[i]) > 1 &&
            letter_strength(m->x->phases[phase][i]) < 2)
            return true;
    }
    return false;
}

/* One of its links goes in this phase, and did not for the longest red that was asked for. */
static bool
was_red_long(const struct machine *m, uint32_t lane, uint8_t phase)
{
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        if (link_in(&m->x->lane_links[lane], i) && link_in(&m->x->lets[phase], i) &&
            m->red_s[i] >= m->x->asked_s[i])
            return true;
    }
    return false;
}

static bool
calls_for(const struct machine *m, uint32_t lane, uint8_t phase)
{
    const struct intersection *x = m->x;
    uint64_t bit = UINT64_C(1) << lane;
    if (!(x->serves[phase] & bit))
        return false;
    bool goes = m->green_lanes & bit; /* some of it, if only by stopping first: and yet he stands */
    if (goes ? (m->vehicles & bit) && gains(m, lane, phase)
             : (m->vehicles | m->walkers | m->coming) & bit)
        return true;
    bool shown = !x->lane_walk[lane] || x->walks_only[phase]; /* even if nobody calls */
    return shown && was_red_long(m, lane, phase);
}

/* Somebody wants this phase; or it has a walk, and nobody who waits for it can say so. */
static bool
is_called(const struct machine *m, uint8_t phase)
{
    const struct intersection *x = m->x;
    if (phase == m->phase)
        return false;
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (link_in(&x->walks[phase], i) && !link_in(&x->pushed, i))
            return true;
    }
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (calls_for(m, l, phase))
            return true;
    }
    return false;
}

bool
plan_is_quiet(const struct machine *m, uint32_t lane)
{
    return m->gap_s[lane] >= m->x->quiet_s;
}

static bool
may_come(const struct machine *m, uint32_t lane)
{
    return m->gap_s[lane] < m->x->passage_s || plan_is_quiet(m, lane);
}

/* Nobody comes any more for whom this phase would end a green. */
static bool
gapped_out(const struct machine *m, uint8_t phase)
{
    const struct intersection *x = m->x;
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (!x->lane_walk[l] && may_come(m, l) && loses(m, l, phase))
            return false;
    }
    return true;
}

/* The next row that somebody calls for; without any the next one. */
static uint32_t
next_row(const struct machine *m, bool *out_called)
{
    const struct lights_plan *p = plan_of(m);
    *out_called = false;
    for (uint32_t i = 1; i <= p->rows_count && !choice_recalls(m); i++) {
        uint32_t row = (m->row + i) % p->rows_count;
        *out_called = is_called(m, p->rows[row].phase);
        if (*out_called)
            return row;
    }
    return (m->row + 1u) % p->rows_count;
}

uint8_t
plan_phase(struct machine *m)
{
    const struct lights_plan *p = plan_of(m);
    bool called, over = m->row_s >= p->rows[m->row].seconds;
    uint32_t next = next_row(m, &called);
    uint8_t phase = p->rows[next].phase;
    if (!over && !(called && gapped_out(m, phase)))
        return m->phase;
    if (phase == m->phase) { /* two rows of the plan with the same phase */
        m->row = (uint8_t)next;
        m->row_s = 0;
    }
    return phase;
}

uint8_t
plan_first(const struct machine *m)
{
    return plan_of(m)->rows[0].phase;
}

void
plan_shown(struct machine *m, uint8_t phase)
{
    const struct lights_plan *p = plan_of(m);
    m->row_s = 0;
    for (uint32_t i = 0; i < p->rows_count; i++) {
        uint32_t row = (m->row + i) % p->rows_count;
        if (p->rows[row].phase == phase) {
            m->row = (uint8_t)row;
            return;
        }
    }
}

void
plan_of_day(struct machine *m, uint32_t day_s)
{
    uint32_t plan = m->x->plans_count > 1 ? intersection_plan_of(m->x, day_s) : 0;
    if (plan == m->plan)
        return;
    uint32_t stood_s = m->row_s;
    m->plan = (uint8_t)plan;
    m->row = 0;
    plan_shown(m, m->phase);
    m->row_s = stood_s;
}

uint32_t
plan_length_s(const struct machine *m)
{
    uint32_t sum = 0;
    for (uint32_t r = 0; r < plan_of(m)->rows_count; r++)
        sum += plan_of(m)->rows[r].seconds;
    return sum;
}

void
plan_second(struct machine *m)
{
    bool heard = m->silent_s <= 1; /* whom nobody counted may have come */
    m->row_s++;
    for (uint32_t l = 0; l < m->x->lanes_count; l++)
        m->gap_s[l] = !heard || m->coming >> l & 1 ? 0 : m->gap_s[l] + 1;
    for (uint32_t i = 0; i < m->x->links_count; i++)
        m->red_s[i] = letter_strength(m->shown[i]) > 0 ? 0 : m->red_s[i] + 1;
}
