#include "field/lights/choice.h"
#include "field/lights/doubt.h"
#include "field/lights/plan.h"

enum { CYCLE_MIN_S = 60 };

/* Phases that must have green, each with the time that its most urgent lane has left. */
struct due {
    uint8_t phase;
    uint32_t left_s;
};
struct queue {
    uint32_t count;
    struct due
        due[LIGHTS_PHASES_MAX]; /* in the order in which all can be served in time, if any can */
};

/*
 * A job for each phase of the cover: after its change it must have begun before left_s, and holds
 * the junction for its minimum green; so it must end before left_s + minimum. The earliest such end
 * first is an order in which all are in time, if there is any (Jackson 1955).
 */
static void
put_due(struct queue *q, const struct intersection *x, uint8_t phase, uint32_t left_s)
{
    uint32_t i = q->count++;
    while (i > 0 && q->due[i - 1].left_s + x->minimum_s[q->due[i - 1].phase] >
                        left_s + x->minimum_s[phase]) {
        q->due[i] = q->due[i - 1];
        i--;
    }
    q->due[i] = (struct due){phase, left_s};
}

static uint32_t
left_s(const struct machine *m, uint32_t lane)
{
    return m->x->limit_s[lane] > m->due_s[lane] ? m->x->limit_s[lane] - m->due_s[lane] : 0;
}

/* Who waits and is not among `served`. */
static void
make_queue(const struct machine *m, uint64_t served, struct queue *q)
{
    uint32_t least[LIGHTS_PHASES_MAX];
    const struct intersection *x = m->x;
    memset(least, 0xff, sizeof(least));
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (m->due_s[l] == 0 || served >> l & 1)
            continue;
        uint32_t left = left_s(m, l);
        uint8_t phase = x->serving[l];
        least[phase] = left < least[phase] ? left : least[phase];
    }
    q->count = 0;
    for (uint32_t i = 0; i < x->cover_count; i++) {
        if (least[x->cover[i]] != UINT32_MAX)
            put_due(q, x, x->cover[i], least[x->cover[i]]);
    }
}

/* If the junction is free again after `busy_s`, is everybody of the queue served in time? */
static bool
all_in_time(const struct intersection *x, const struct queue *q, uint32_t busy_s)
{
    for (uint32_t i = 0; i < q->count; i++) {
        uint8_t phase = q->due[i].phase;
        if (busy_s + x->into_s[phase] > q->due[i].left_s)
            return false;
        busy_s += (uint32_t)x->into_s[phase] + x->minimum_s[phase];
    }
    return true;
}

static bool
may_choose(const struct machine *m, uint8_t phase)
{
    struct queue q;
    const struct intersection *x = m->x;
    if (phase == m->phase) {
        make_queue(m, 0, &q);
        return all_in_time(x, &q, 1);
    }
    uint32_t change = x->change_s[m->phase][phase];
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (m->due_s[l] > 0 && x->serves[phase] >> l & 1 && change > left_s(m, l))
            return false;
    }
    make_queue(m, x->serves[phase], &q);
    return all_in_time(x, &q, change + x->minimum_s[phase]);
}

bool
choice_walk(const struct machine *m)
{
    struct queue q;
    const struct intersection *x = m->x;
    uint32_t busy_s = x->walk_s[m->phase];
    if (m->elapsed_s + busy_s < x->plain_s[m->phase])
        busy_s = x->plain_s[m->phase] - m->elapsed_s;
    make_queue(m, x->serves[m->phase], &q);
    return all_in_time(x, &q, busy_s);
}

bool
choice_recalls(const struct machine *m)
{
    return m->silent_s > m->x->silence_s;
}

uint64_t
choice_calls(const struct machine *m)
{
    return choice_recalls(m) ? UINT64_MAX : m->vehicles | m->walkers;
}

/* The bus that may ask for something now and called first, or NULL. */
static struct machine_bus *
first_bus(struct machine *m)
{
    struct machine_bus *first = NULL;
    for (uint32_t a = 0; a < m->x->lanes_count; a++) {
        struct machine_bus *b = &m->buses[a];
        bool may = b->calls && (b->granted ? b->used_s < m->x->bus_extension_s : b->cooled_s == 0);
        if (may && (!first || b->called_s > first->called_s))
            first = b;
    }
    return first;
}

static void
grant(struct machine *m, struct machine_bus *b)
{
    uint32_t cycle_s = plan_length_s(m);
    b->granted = true;
    b->cooled_s = cycle_s > CYCLE_MIN_S ? cycle_s : CYCLE_MIN_S;
    m->grants++;
}

static uint8_t
with_bus(struct machine *m, uint8_t base)
{
    struct machine_bus *b = first_bus(m);
    if (!b)
        return base;
    bool serves = m->x->serves[m->phase] >> b->lane & 1;
    if (serves && base == m->phase)
        return base;
    if (!serves && (b->granted || m->x->serves[base] >> b->lane & 1))
        return base;
    uint8_t phase = serves ? m->phase : m->x->serving[b->lane];
    if (!may_choose(m, phase))
        return base;
    if (!b->granted)
        grant(m, b);
    b->used_s = serves ? b->used_s + 1 : m->x->bus_extension_s;
    return phase;
}

/* Who waited longest, of those that are not served now; -1: nobody. */
static int32_t
longest(const struct machine *m)
{
    int32_t worst = -1;
    for (uint32_t l = 0; l < m->x->lanes_count; l++) {
        if (m->wait_s[l] > 0 && (worst < 0 || m->wait_s[l] > m->wait_s[worst]))
            worst = (int32_t)l;
    }
    return worst;
}

/*
 * Who waits for longer than was asked for, or will when the change is over, though within the limit
 * that is promised; -1: nobody.
 */
static int32_t
late(const struct machine *m)
{
    const struct intersection *x = m->x;
    int32_t worst = -1;
    int64_t worst_s = 0;
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        int64_t late_s = (int64_t)m->due_s[l] + x->into_s[x->serving[l]] - x->asked_s[l];
        if (m->due_s[l] == 0 || x->asked_s[l] == x->limit_s[l] || late_s < worst_s)
            continue;
        worst = (int32_t)l;
        worst_s = late_s;
    }
    return worst;
}

uint8_t
choice_next(struct machine *m)
{
    struct queue q;
    int32_t lane = m->returning ? longest(m) : -1;
    m->returning = false;
    if (lane >= 0)
        return m->x->serving[lane];
    uint8_t phase = m->obeying ? m->wish_phase : plan_phase(m);
    lane = late(m);
    if (lane >= 0 && !(m->x->serves[phase] >> lane & 1) && may_choose(m, m->x->serving[lane])) {
        doubt_forced(m);
        return m->x->serving[lane];
    }
    phase = with_bus(m, phase);
    if (may_choose(m, phase))
        return phase;
    make_queue(m, 0, &q);
    ASSERT(q.count > 0);
    doubt_forced(m);
    return q.due[0].phase;
}

uint8_t
choice_start(const struct machine *m)
{
    return m->obeying ? m->wish_phase : plan_first(m);
}

uint8_t
choice_return(const struct machine *m)
{
    int32_t lane = longest(m);
    return lane >= 0 ? m->x->serving[lane] : choice_start(m);
}

static void
bus_second(struct machine *m)
{
    for (uint32_t a = 0; a < m->x->lanes_count; a++) {
        struct machine_bus *b = &m->buses[a];
        b->cooled_s -= b->cooled_s > 0;
        if (b->calls && ++b->called_s >= m->x->bus_longest_s)
            b->calls = false;
    }
}

void
choice_second(struct machine *m)
{
    m->silent_s++;
    bool flashing = m->state == MACHINE_FLASH || m->state == MACHINE_FAULT;
    bool regular = machine_regular(m);
    uint64_t calls = choice_calls(m);
    for (uint32_t l = 0; l < m->x->lanes_count; l++) {
        if (flashing || m->green_lanes >> l & 1 || !(calls >> l & 1)) {
            m->wait_s[l] = m->due_s[l] = 0;
            continue;
        }
        m->wait_s[l]++;
        m->due_s[l] = regular ? m->due_s[l] + 1 : 0;
    }
    bus_second(m);
}
