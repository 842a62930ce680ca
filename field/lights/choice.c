#include "field/lights/choice.h"
#include "field/lights/doubt.h"
#include "field/lights/plan.h"

enum { CYCLE_MIN_S = 60 };

/* Phases that must have green, each with the time that its most urgent link has left. */
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
left_s(const struct machine *m, uint32_t link)
{
    return m->x->limit_s[link] > m->due_s[link] ? m->x->limit_s[link] - m->due_s[link] : 0;
}

/* Who waits and is not among `let`. */
static void
make_queue(const struct machine *m, const struct link_set *let, struct queue *q)
{
    uint32_t least[LIGHTS_PHASES_MAX];
    const struct intersection *x = m->x;
    memset(least, 0xff, sizeof(least));
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (m->due_s[i] == 0 || link_in(let, i))
            continue;
        uint32_t left = left_s(m, i);
        uint8_t phase = x->serving[i];
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
        make_queue(m, &(struct link_set){0}, &q);
        return all_in_time(x, &q, 1);
    }
    uint32_t change = x->change_s[m->phase][phase];
    for (uint32_t i = 0; i < x->links_count; i++) {
        if (m->due_s[i] > 0 && link_in(&x->lets[phase], i) && change > left_s(m, i))
            return false;
    }
    make_queue(m, &x->lets[phase], &q);
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
    make_queue(m, &x->lets[m->phase], &q);
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
    uint8_t phase = serves ? m->phase : m->x->best[b->lane];
    if (!may_choose(m, phase))
        return base;
    if (!b->granted)
        grant(m, b);
    b->used_s = serves ? b->used_s + 1 : m->x->bus_extension_s;
    return phase;
}

/* The link that was waited for longest, of those that do not go now; -1: none. */
static int32_t
longest(const struct machine *m)
{
    int32_t worst = -1;
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        if (m->wait_s[i] > 0 && (worst < 0 || m->wait_s[i] > m->wait_s[worst]))
            worst = (int32_t)i;
    }
    return worst;
}

/*
 * The link that is waited for longer than was asked for, or will be when the change is over, though
 * within the limit that is promised; -1: none.
 */
static int32_t
late(const struct machine *m)
{
    const struct intersection *x = m->x;
    int32_t worst = -1;
    int64_t worst_s = 0;
    for (uint32_t i = 0; i < x->links_count; i++) {
        int64_t late_s = (int64_t)m->due_s[i] + x->into_s[x->serving[i]] - x->asked_s[i];
        if (m->due_s[i] == 0 || x->asked_s[i] == x->limit_s[i] || late_s < worst_s)
            continue;
        worst = (int32_t)i;
        worst_s = late_s;
    }
    return worst;
}

uint8_t
choice_next(struct machine *m)
{
    struct queue q;
    int32_t link = m->returning ? longest(m) : -1;
    m->returning = false;
    if (link >= 0)
        return m->x->serving[link];
    uint8_t phase = m->obeying ? m->wish_phase : plan_phase(m);
    link = late(m);
    if (link >= 0 && !link_in(&m->x->lets[phase], (uint32_t)link) &&
        may_choose(m, m->x->serving[link])) {
        doubt_forced(m);
        return m->x->serving[link];
    }
    phase = with_bus(m, phase);
    if (may_choose(m, phase))
        return phase;
    make_queue(m, &(struct link_set){0}, &q);
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
    int32_t link = longest(m);
    return link >= 0 ? m->x->serving[link] : choice_start(m);
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
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        bool goes = letter_strength(m->shown[i]) > 0;
        if (flashing || goes || !(m->x->link_lanes[i] & calls)) {
            m->wait_s[i] = m->due_s[i] = 0;
            continue;
        }
        m->wait_s[i]++;
        m->due_s[i] = regular ? m->due_s[i] + 1 : 0;
    }
    bus_second(m);
}
