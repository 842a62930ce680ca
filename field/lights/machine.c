#include "field/lights/machine.h"
#include "field/lights/choice.h"
#include "field/lights/doubt.h"
#include "field/lights/plan.h"
#include "field/lights/requests.h"

enum { FLASH_MIN_S = 2 }; /* so that what begins between two seconds is seen in one */

typedef enum err (*event_fn)(struct machine *m, const struct lights_event *e);

struct want {
    enum machine_goal goal;
    uint8_t phase; /* LIGHTS_NO_PHASE: of no importance, or none */
};

void
machine_init(struct machine *m, const struct intersection *x)
{
    ASSERT(x->checked);
    *m = (struct machine){.x = x, .target = LIGHTS_NO_PHASE};
    memset(m->shown, 'o', x->links_count);
}

const char *
machine_word(enum machine_state state)
{
#define STATE_WORD(name, word) [MACHINE_##name] = word,
    static const char *const words[] = {MACHINE_STATES(STATE_WORD)};
    ASSERT(state < MACHINE_STATES_COUNT);
    return words[state];
}

static bool
changing(const struct machine *m)
{
    return m->state >= MACHINE_CLEARANCE && m->state <= MACHINE_BOX_HOLD;
}

bool
machine_regular(const struct machine *m)
{
    bool green = m->state == MACHINE_GREEN || m->state == MACHINE_WALK;
    return m->goal == GOAL_PHASE && (green || changing(m));
}

bool
machine_preempting(const struct machine *m)
{
    return m->goal == GOAL_PREEMPT;
}

/* --- what is shown --- */

static void
show(struct machine *m, const char *letters)
{
    const struct intersection *x = m->x;
    struct link_set goes = {0};
    for (uint32_t i = 0; i < x->links_count; i++) {
        m->shown[i] = letters[i];
        if (letter_strength(letters[i]) > 0)
            link_add(&goes, i);
    }
    m->green_lanes = m->whole_lanes = 0;
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        uint64_t some = 0, missing = 0;
        for (uint32_t w = 0; w < LIGHTS_WORDS; w++) {
            some |= x->lane_links[l].word[w] & goes.word[w];
            missing |= x->whole[l].word[w] & ~goes.word[w];
        }
        m->green_lanes |= (uint64_t)(some != 0) << l;
        m->whole_lanes |= (uint64_t)(some != 0 && missing == 0) << l;
    }
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (x->lane_walk[l] && m->green_lanes >> l & 1)
            m->walkers &= ~(UINT64_C(1) << l);
    }
}

static void
show_all(struct machine *m, char letter)
{
    char letters[LIGHTS_LINKS_MAX];
    memset(letters, letter, sizeof(letters));
    show(m, letters);
}

static void
to_state(struct machine *m, enum machine_state state)
{
    m->state = state;
    m->elapsed_s = 0;
}

static bool
walks_now(const struct machine *m)
{
    const struct link_set *walks = &m->x->walks[m->phase];
    for (uint32_t i = 0; i < m->x->links_count && link_any(walks); i++) {
        if (link_in(walks, i) && m->shown[i] == 'G')
            return true;
    }
    return false;
}

uint32_t
machine_hold_s(const struct machine *m)
{
    if (m->state == MACHINE_CLEARANCE)
        return m->change.clearance_s > m->elapsed_s ? m->change.clearance_s - m->elapsed_s : 0;
    if (m->state != MACHINE_WALK)
        return 0;
    uint32_t walk_s = m->x->walk_s[m->phase];
    uint32_t rest_s = walk_s > m->walk_age_s ? walk_s - m->walk_age_s : 0;
    return rest_s + intersection_change(m->x, m->shown, LIGHTS_NO_PHASE).clearance_s;
}

/* Does a walk of a phase that begins, or stands, have to be shown? One that is shown stays. */
static bool
walk_is_due(const struct machine *m, uint32_t link, uint64_t calls)
{
    const struct intersection *x = m->x;
    if (m->shown[link] == 'G' || !link_in(&x->pushed, link) || x->walks_only[m->phase])
        return true;
    for (uint32_t l = 0; l < x->lanes_count; l++) {
        if (calls >> l & 1 && link_in(&x->lane_links[l], link))
            return true;
    }
    return false;
}

/* The phase with those of its walks that are due. */
static void
show_due(struct machine *m)
{
    char letters[LIGHTS_LINKS_MAX];
    const struct intersection *x = m->x;
    uint64_t calls = choice_calls(m);
    for (uint32_t i = 0; i < x->links_count; i++) {
        bool walk = link_in(&x->walks[m->phase], i);
        letters[i] = walk && !walk_is_due(m, i, calls) ? 'r' : x->phases[m->phase][i];
        if (walk && letters[i] == 'G' && m->shown[i] != 'G')
            m->walk_age_s = 0;
    }
    show(m, letters);
}

/* The state of a phase that is shown for this goal. Its age goes on. */
static void
stand(struct machine *m, enum machine_goal goal)
{
    ASSERT(goal != GOAL_RED && goal != GOAL_FLASH);
    if (goal == GOAL_PHASE && m->goal != GOAL_PHASE)
        m->returning = true;
    m->goal = goal;
    m->target = LIGHTS_NO_PHASE;
    if (goal == GOAL_PHASE)
        m->state = walks_now(m) ? MACHINE_WALK : MACHINE_GREEN;
    else
        m->state = goal == GOAL_MANUAL ? MACHINE_MANUAL : MACHINE_PREEMPT;
}

static void
show_phase(struct machine *m, uint8_t phase, enum machine_goal goal)
{
    ASSERT(phase < m->x->phases_count);
    m->phase = phase;
    m->used = false;
    show_due(m);
    plan_shown(m, phase);
    m->elapsed_s = 0;
    stand(m, goal);
}

/* --- what is wanted --- */

static const struct machine_preempt *
active_preempt(const struct machine *m)
{
    const struct machine_preempt *first = NULL;
    for (uint32_t i = 0; i < LIGHTS_PREEMPTS_MAX; i++) {
        const struct machine_preempt *p = &m->preempts[i];
        if (p->stands && (!first || p->order < first->order))
            first = p;
    }
    return first;
}

static struct want
wanted(const struct machine *m)
{
    const struct machine_preempt *p = active_preempt(m);
    if (p)
        return (struct want){GOAL_PREEMPT, p->phase};
    if (m->now_us < m->flash_until_us)
        return (struct want){GOAL_FLASH, LIGHTS_NO_PHASE};
    if (m->now_us < m->red_until_us)
        return (struct want){GOAL_RED, LIGHTS_NO_PHASE};
    if (m->now_us < m->manual_until_us)
        return (struct want){GOAL_MANUAL, m->manual_phase};
    return (struct want){GOAL_PHASE, LIGHTS_NO_PHASE};
}

bool
machine_ordered(const struct machine *m)
{
    return m->now_us < m->flash_until_us || m->now_us < m->red_until_us ||
           m->now_us < m->manual_until_us;
}

/* --- a change --- */

/* Is somebody inside whom this link would meet, and who does not go on in the phase to come? */
static bool
is_blocked(const struct machine *m, uint32_t link)
{
    const struct intersection *x = m->x;
    const char *next = x->phases[m->target];
    for (uint32_t k = 0; k < x->links_count; k++) {
        if (link_in(&m->inside, k) && letter_strength(next[k]) < 2 &&
            (link_in(&x->crosses[k], link) || link_in(&x->blocks[k], link)))
            return true;
    }
    return false;
}

/* Of a change in which all are red: the greens to come in whose way somebody inside is. */
static struct link_set
find_blocked(const struct machine *m)
{
    struct link_set blocked = {0};
    for (uint32_t i = 0; m->target != LIGHTS_NO_PHASE && i < m->x->links_count; i++) {
        if (letter_strength(m->x->phases[m->target][i]) > 1 && is_blocked(m, i))
            link_add(&blocked, i);
    }
    return blocked;
}

static bool
meet(const struct link_set *a, const struct link_set *b)
{
    uint64_t both = 0;
    for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
        both |= a->word[w] & b->word[w];
    return both != 0;
}

/*
 * Of the phase to come, who waits with those whose way is not clear: walks, who would give way to
 * one who waits, and with one link of a lane all others, for its drivers see one light.
 */
static struct link_set
find_waiting(const struct machine *m, const struct link_set *blocked)
{
    const struct intersection *x = m->x;
    const char *next = x->phases[m->target];
    struct link_set waiting = *blocked, before;
    for (uint32_t w = 0; w < LIGHTS_WORDS; w++)
        waiting.word[w] |= x->walks[m->target].word[w];
    do {
        before = waiting;
        for (uint32_t i = 0; i < x->links_count; i++) {
            if (next[i] == 'g' && meet(&x->yields[i], &waiting))
                link_add(&waiting, i);
        }
        for (uint32_t l = 0; l < x->lanes_count; l++) {
            for (uint32_t w = 0; w < LIGHTS_WORDS && meet(&x->lane_links[l], &waiting); w++)
                waiting.word[w] |= x->lane_links[l].word[w] & x->goes[m->target].word[w];
        }
    } while (memcmp(&before, &waiting, sizeof(before)) != 0);
    return waiting;
}

/* M2: who has a clear way need not wait until all have one. */
static void
show_unblocked(struct machine *m, const struct link_set *blocked)
{
    const char *phase = m->x->phases[m->target];
    struct link_set waiting = find_waiting(m, blocked);
    char next[LIGHTS_LINKS_MAX];
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        bool begins = letter_strength(phase[i]) > 1 && !link_in(&waiting, i);
        next[i] = begins ? phase[i] : m->shown[i];
    }
    show(m, next);
}

static bool
all_red(const struct machine *m)
{
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        if (letter_strength(m->shown[i]) > 1)
            return false;
    }
    return true;
}

static void
arrive(struct machine *m)
{
    if (m->goal == GOAL_FLASH || m->goal == GOAL_RED) {
        show_all(m, m->goal == GOAL_FLASH ? 'o' : 'r');
        to_state(m, m->goal == GOAL_FLASH ? MACHINE_FLASH : MACHINE_RED);
        return;
    }
    show_phase(m, m->target, m->goal);
}

static void
enter_box(struct machine *m)
{
    struct link_set blocked = find_blocked(m);
    if (m->x->box_wait_s == 0 || !all_red(m) || !link_any(&blocked)) {
        arrive(m);
        return;
    }
    show_unblocked(m, &blocked);
    to_state(m, MACHINE_BOX_HOLD);
}

static void
enter_red(struct machine *m)
{
    char next[LIGHTS_LINKS_MAX];
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        bool turns = m->target != LIGHTS_NO_PHASE && m->x->phases[m->target][i] == 's';
        next[i] = m->shown[i] != 'y' ? m->shown[i] : turns ? 's' : 'r';
    }
    show(m, next);
    to_state(m, MACHINE_ALL_RED);
    if (m->change.all_red_s == 0)
        enter_box(m);
}

static void
enter_yellow(struct machine *m)
{
    char from[LIGHTS_LINKS_MAX + 1], next[LIGHTS_LINKS_MAX + 1];
    for (uint32_t i = 0; i < m->x->links_count; i++)
        from[i] = m->shown[i] == 'y' ? 'r' : m->shown[i]; /* a walk that has cleared */
    intersection_between(m->x, from, m->target, STAGE_YELLOW, next);
    show(m, next);
    to_state(m, MACHINE_YELLOW);
    if (m->change.yellow_s == 0)
        enter_red(m);
}

static void
begin_change(struct machine *m, struct want to)
{
    char next[LIGHTS_LINKS_MAX + 1];
    m->goal = to.goal;
    m->target = to.phase;
    m->change = intersection_change(m->x, m->shown, to.phase);
    if (m->change.clearance_s == 0) {
        enter_yellow(m);
        return;
    }
    intersection_between(m->x, m->shown, to.phase, STAGE_CLEARANCE, next);
    show(m, next);
    to_state(m, MACHINE_CLEARANCE);
}

/* May the change that is under way end elsewhere? Not if a green would be lost without a yellow. */
static bool
may_turn(const struct machine *m, uint8_t target)
{
    for (uint32_t i = 0; i < m->x->links_count; i++) {
        char goal = target == LIGHTS_NO_PHASE ? 'r' : m->x->phases[target][i];
        bool matters = m->state != MACHINE_CLEARANCE || m->x->links[i].walk;
        if (matters && letter_strength(m->shown[i]) > 1 && letter_strength(goal) < 2)
            return false;
    }
    return true;
}

static void
turn_to(struct machine *m, uint8_t target)
{
    const struct intersection *x = m->x;
    char next[LIGHTS_LINKS_MAX];
    m->target = target;
    if (m->change.all_red_s == 0)
        m->change.all_red_s =
            1; /* who loses his green now may be green in the new target: red between */
    if (m->state == MACHINE_CLEARANCE) {
        struct lights_change c = intersection_change(x, x->phases[m->phase], target);
        m->change.yellow_s = c.yellow_s;
        if (c.all_red_s > m->change.all_red_s)
            m->change.all_red_s = c.all_red_s;
        return;
    }
    for (uint32_t i = 0; i < x->links_count; i++) {
        char goal = target == LIGHTS_NO_PHASE ? 'r' : x->phases[target][i];
        bool weaker = letter_strength(goal) < letter_strength(m->shown[i]);
        next[i] = weaker ? goal : m->shown[i];
    }
    show(m, next);
}

/* Something more urgent, or the end of it, during a change. */
static void
reconsider(struct machine *m)
{
    struct want to = wanted(m);
    if (to.goal == m->goal && (to.goal == GOAL_PHASE || to.phase == m->target))
        return;
    if (to.goal == GOAL_PHASE) { /* what it was for is over: it ends where it was going */
        if (m->target == LIGHTS_NO_PHASE)
            turn_to(m, choice_return(m));
        m->goal = GOAL_PHASE;
        m->returning = true;
    } else if (may_turn(m, to.phase)) {
        turn_to(m, to.phase);
        m->goal = to.goal;
    }
}

/* --- a second of each state --- */

/* GREEN, WALK, PREEMPT, MANUAL: a phase stands. */
static enum err
tick_phase(struct machine *m, const struct lights_event *e)
{
    (void)e;
    const struct intersection *x = m->x;
    struct want to = wanted(m);
    uint32_t least_s = to.goal == GOAL_PREEMPT ? x->early_s[m->phase] : x->plain_s[m->phase];
    bool may_end =
        m->elapsed_s >= least_s && !(walks_now(m) && m->walk_age_s < x->walk_s[m->phase]);
    if (to.goal == GOAL_PHASE && m->goal != GOAL_PHASE)
        stand(m, GOAL_PHASE);
    if (to.goal == GOAL_PHASE)
        to.phase = may_end ? choice_next(m) : m->phase;
    if (to.phase != m->phase && may_end)
        begin_change(m, to);
    else if (to.phase == m->phase) {
        if (to.goal != GOAL_PREEMPT && link_any(&x->walks[m->phase]) && choice_walk(m))
            show_due(m);
        stand(m, to.goal);
    }
    return OK;
}

static enum err
tick_clearance(struct machine *m, const struct lights_event *e)
{
    (void)e;
    reconsider(m);
    if (m->elapsed_s >= m->change.clearance_s)
        enter_yellow(m);
    return OK;
}

static enum err
tick_yellow(struct machine *m, const struct lights_event *e)
{
    (void)e;
    reconsider(m);
    if (m->elapsed_s >= m->change.yellow_s)
        enter_red(m);
    return OK;
}

static enum err
tick_all_red(struct machine *m, const struct lights_event *e)
{
    (void)e;
    reconsider(m);
    if (m->elapsed_s >= m->change.all_red_s)
        enter_box(m);
    return OK;
}

static enum err
tick_box_hold(struct machine *m, const struct lights_event *e)
{
    (void)e;
    reconsider(m);
    struct link_set blocked = find_blocked(m);
    if (!link_any(&blocked) || m->elapsed_s >= m->x->box_wait_s)
        arrive(m);
    else
        show_unblocked(m, &blocked);
    return OK;
}

static void
begin_leave_flash(struct machine *m, struct want to)
{
    m->goal = to.goal;
    m->target = to.goal == GOAL_PHASE ? choice_start(m) : to.phase;
    show_all(m, 'r');
    to_state(m, MACHINE_LEAVE_FLASH);
}

static enum err
tick_flash(struct machine *m, const struct lights_event *e)
{
    (void)e;
    struct want to = wanted(m);
    if (to.goal != GOAL_FLASH && m->elapsed_s >= FLASH_MIN_S)
        begin_leave_flash(m, to);
    return OK;
}

static enum err
tick_leave_flash(struct machine *m, const struct lights_event *e)
{
    (void)e;
    reconsider(m);
    struct link_set blocked = find_blocked(m);
    bool waited = m->elapsed_s >= LIGHTS_LEAVE_FLASH_S + (uint32_t)m->x->box_wait_s;
    if (m->elapsed_s >= LIGHTS_LEAVE_FLASH_S && (waited || !link_any(&blocked)))
        arrive(m);
    return OK;
}

static enum err
tick_red(struct machine *m, const struct lights_event *e)
{
    (void)e;
    struct want to = wanted(m);
    if (to.goal == GOAL_RED)
        return OK;
    m->returning = to.goal == GOAL_PHASE;
    m->goal = to.goal;
    m->target = to.goal == GOAL_PHASE ? choice_return(m) : to.phase;
    enter_box(m);
    return OK;
}

static enum err
tick_fault(struct machine *m, const struct lights_event *e)
{
    (void)m, (void)e;
    return OK;
}

/* What goes by whatever the state is. */
static void
pass_second(struct machine *m, const struct lights_event *e)
{
    m->elapsed_s++;
    m->walk_age_s++;
    m->inside = e->inside;
    bool obeying = m->wished && e->now_us < m->wish_until_us;
    if (m->obeying && !obeying)
        m->fallbacks++;
    m->obeying = obeying;
    for (uint32_t i = 0; i < LIGHTS_PREEMPTS_MAX; i++) {
        struct machine_preempt *p = &m->preempts[i];
        bool held = p->stands && m->state == MACHINE_PREEMPT && m->phase == p->phase;
        p->held_s += held || p->timed_out;
        if (p->stands && e->now_us >= p->until_us)
            *p = (struct machine_preempt){0};
        else if (held && p->held_s >= m->x->preempt_longest_s)
            *p = (struct machine_preempt){.timed_out = true, .source = p->source};
        else if (p->timed_out && p->held_s >= m->x->preempt_cool_s)
            *p = (struct machine_preempt){0};
    }
    plan_of_day(m, e->day_s);
    choice_second(m);
    plan_second(m);
    doubt_second(m);
}

/* --- the other events --- */

static enum err
take_over(struct machine *m, const struct lights_event *e)
{
    if (e->phase >= m->x->phases_count)
        return ERR_DENIED;
    memcpy(m->shown, m->x->phases[e->phase], m->x->links_count); /* its walks too */
    show_phase(m, (uint8_t)e->phase, GOAL_PHASE);
    m->walk_age_s = 0;
    return OK;
}

/* Flashing, which nobody has ordered: the next seconds leave it. */
static enum err
start(struct machine *m, const struct lights_event *e)
{
    (void)e;
    m->goal = GOAL_FLASH;
    show_all(m, 'o');
    to_state(m, MACHINE_FLASH);
    return OK;
}

/* Flashing at once, and all that was asked for is forgotten. */
static enum err
fault(struct machine *m, const struct lights_event *e)
{
    (void)e;
    m->trips++;
    m->wished = m->obeying = m->returning = false;
    m->flash_until_us = m->red_until_us = m->manual_until_us = INT64_MIN;
    memset(m->preempts, 0, sizeof(m->preempts));
    memset(m->buses, 0, sizeof(m->buses));
    m->goal = GOAL_FLASH;
    m->target = LIGHTS_NO_PHASE;
    show_all(m, 'o');
    to_state(m, MACHINE_FAULT);
    return OK;
}

#define HEARD                                                                                      \
    [LIGHTS_SENSORS] = request_sensors, [LIGHTS_VEHICLE_CALL] = request_vehicle_call,              \
    [LIGHTS_PEDESTRIAN_CALL] = request_pedestrian_call
#define WISHES [LIGHTS_WISH] = request_wish, [LIGHTS_EXPIRY] = request_expiry
#define BUSES [LIGHTS_BUS_CALL] = request_bus_call, [LIGHTS_BUS_OUT] = request_bus_out
#define ORDERS                                                                                     \
    [LIGHTS_PREEMPT_CALL] = request_preempt_call, [LIGHTS_PREEMPT_OUT] = request_preempt_out,      \
    [LIGHTS_FLASH_ON] = request_flash_on, [LIGHTS_FLASH_OFF] = request_flash_off,                  \
    [LIGHTS_RED_ON] = request_red_on, [LIGHTS_RED_OFF] = request_red_off,                          \
    [LIGHTS_MANUAL_ON] = request_manual_on, [LIGHTS_MANUAL_OFF] = request_manual_off,              \
    [LIGHTS_WATCHDOG] = fault, [LIGHTS_TRIP] = fault

static const event_fn table[MACHINE_STATES_COUNT][LIGHTS_KINDS_COUNT] = {
    [MACHINE_OFF] = {HEARD, WISHES, [LIGHTS_TAKE_OVER] = take_over, [LIGHTS_START] = start},
    [MACHINE_GREEN] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_phase},
    [MACHINE_WALK] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_phase},
    [MACHINE_CLEARANCE] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_clearance},
    [MACHINE_YELLOW] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_yellow},
    [MACHINE_ALL_RED] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_all_red},
    [MACHINE_BOX_HOLD] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_box_hold},
    [MACHINE_PREEMPT] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_phase},
    [MACHINE_MANUAL] = {HEARD, WISHES, BUSES, ORDERS, [LIGHTS_TICK] = tick_phase},
    [MACHINE_RED] = {HEARD, WISHES, ORDERS, [LIGHTS_TICK] = tick_red},
    [MACHINE_FLASH] = {HEARD, WISHES, ORDERS, [LIGHTS_TICK] = tick_flash},
    [MACHINE_LEAVE_FLASH] = {HEARD, WISHES, ORDERS, [LIGHTS_TICK] = tick_leave_flash},
    [MACHINE_FAULT] = {HEARD, [LIGHTS_TICK] = tick_fault, [LIGHTS_RESET] = start},
};

enum err
machine_event(struct machine *m, const struct lights_event *e)
{
    ASSERT(m->x && m->state < MACHINE_STATES_COUNT && e->kind < LIGHTS_KINDS_COUNT);
    event_fn handle = table[m->state][e->kind];
    enum err result = ERR_WRONG_STATE;
    if (handle)
        m->now_us = e->now_us;
    if (handle && e->kind == LIGHTS_TICK)
        pass_second(m, e);
    if (handle)
        result = handle(m, e);
    if (result != OK)
        m->refused++;
    ASSERT(m->target == LIGHTS_NO_PHASE || m->target < m->x->phases_count);
    return result;
}
