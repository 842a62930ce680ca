#include "field/lights/machine.h"
#include "base/test.h"
#include "tests/signals/envelope/checker.h"
#include "tests/signals/envelope/shapes.h"

enum { SECOND_US = 1000000, FAR_S = 100000 };

static const struct link_set everywhere = {{UINT64_MAX, UINT64_MAX}};

/* One machine of the shape with crossings, watched by the checker. */
struct bed {
    struct intersection x;
    struct machine m;
    struct checker checker;
    int64_t now_us;
    struct link_set inside;
    uint32_t day_s;
    uint64_t calls, sequence;
    bool preempted, ordered;
};

static void
lay(struct bed *b, enum shape shape)
{
    *b = (struct bed){0};
    shape_make(shape, NULL, &b->x);
    machine_init(&b->m, &b->x);
}

static enum err
send_event(struct bed *b, struct lights_event e)
{
    e.now_us = b->now_us;
    return machine_event(&b->m, &e);
}

static void
tick(struct bed *b)
{
    b->now_us += SECOND_US;
    CHECK_OK(send_event(
        b, (struct lights_event){.kind = LIGHTS_SENSORS, .lanes = b->calls, .coming = b->calls}));
    CHECK_OK(send_event(
        b, (struct lights_event){.kind = LIGHTS_TICK, .inside = b->inside, .day_s = b->day_s}));
    if (b->checker.x)
        checker_second(&b->checker, &(struct checker_second){.shown = b->m.shown,
                                                             .calls = b->calls,
                                                             .heard = true,
                                                             .preempted = b->preempted,
                                                             .ordered = b->ordered,
                                                             .regular = machine_regular(&b->m)});
}

static void
ticks(struct bed *b, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds; i++)
        tick(b);
}

static void
take_over(struct bed *b, uint32_t phase)
{
    CHECK_OK(send_event(b, (struct lights_event){.kind = LIGHTS_TAKE_OVER, .phase = phase}));
    checker_init(&b->checker, &b->x, b->m.shown);
}

static enum err
wish(struct bed *b, uint32_t phase, int64_t seconds)
{
    return send_event(b, (struct lights_event){.kind = LIGHTS_WISH,
                                               .phase = phase,
                                               .sequence = ++b->sequence,
                                               .until_us = b->now_us + seconds * SECOND_US});
}

static enum err
order(struct bed *b, enum lights_kind kind, uint32_t phase, int64_t seconds)
{
    b->ordered = true;
    return send_event(b, (struct lights_event){.kind = kind,
                                               .phase = phase,
                                               .until_us = b->now_us + seconds * SECOND_US});
}

static enum err
preempt(struct bed *b, enum lights_kind kind, uint32_t source, uint32_t phase)
{
    b->preempted = true;
    return send_event(b, (struct lights_event){.kind = kind, .source = source, .phase = phase});
}

static void
until(struct bed *b, enum machine_state state)
{
    for (int i = 0; i < 200 && b->m.state != state; i++)
        tick(b);
    CHECK(b->m.state == state);
}

/* Into a state, by the shortest way. Phase 0 has a walk, phase 3 has none. */
static void
bring(struct bed *b, enum machine_state state)
{
    lay(b, SHAPE_CROSSINGS);
    if (state == MACHINE_OFF)
        return;
    take_over(b, state == MACHINE_GREEN ? 3 : 0);
    if (state == MACHINE_CLEARANCE || state == MACHINE_YELLOW || state == MACHINE_ALL_RED ||
        state == MACHINE_BOX_HOLD)
        CHECK_OK(wish(b, 1, FAR_S));
    if (state == MACHINE_BOX_HOLD)
        b->inside = everywhere;
    if (state == MACHINE_PREEMPT)
        CHECK_OK(preempt(b, LIGHTS_PREEMPT_CALL, 9, 1));
    if (state == MACHINE_MANUAL)
        CHECK_OK(order(b, LIGHTS_MANUAL_ON, 1, FAR_S));
    if (state == MACHINE_RED)
        CHECK_OK(order(b, LIGHTS_RED_ON, 0, FAR_S));
    if (state == MACHINE_FLASH || state == MACHINE_LEAVE_FLASH)
        CHECK_OK(order(b, LIGHTS_FLASH_ON, 0, FAR_S));
    if (state == MACHINE_LEAVE_FLASH) {
        until(b, MACHINE_FLASH);
        tick(b);
        CHECK_OK(order(b, LIGHTS_FLASH_OFF, 0, 0));
    }
    if (state == MACHINE_FAULT)
        CHECK_OK(send_event(b, (struct lights_event){.kind = LIGHTS_TRIP}));
    until(b, state);
    b->inside = (struct link_set){0};
}

/*
 * States x events, each cell what is right: '.' refused by the table, '-' known and denied, for
 * there is nothing to end; else the state after it, by its first letter in the list below.
 */
static const char letters[] = "OGWCYABPMRFLX";
static const char *const cells[MACHINE_STATES_COUNT] = {
    /*               tick, take over, start, wish, expiry, sensors, vehicle, on foot, bus, bus out,
       pre-empt, out, flash on, off, red on, off, manual on, off, watchdog, trip, reset */
    [MACHINE_OFF] = ".WFO-OOO.............",      [MACHINE_GREEN] = "G..G-GGGG-G-G-G-G-XX.",
    [MACHINE_WALK] = "W..W-WWWW-W-W-W-W-XX.",     [MACHINE_CLEARANCE] = "C..CCCCCC-C-C-C-C-XX.",
    [MACHINE_YELLOW] = "Y..YYYYYY-Y-Y-Y-Y-XX.",   [MACHINE_ALL_RED] = "G..AAAAAA-A-A-A-A-XX.",
    [MACHINE_BOX_HOLD] = "G..BBBBBB-B-B-B-B-XX.", [MACHINE_PREEMPT] = "P..P-PPPP-P-P-P-P-XX.",
    [MACHINE_MANUAL] = "M..M-MMMM-M-M-M-MMXX.",   [MACHINE_RED] = "R..R-RRR..R-R-RRR-XX.",
    [MACHINE_FLASH] = "F..F-FFF..F-FFF-F-XX.",    [MACHINE_LEAVE_FLASH] = "L..L-LLL..L-L-L-L-XX.",
    [MACHINE_FAULT] = "X....XXX............F",
};

static void
try_cell(enum machine_state state, enum lights_kind kind)
{
    static struct bed b;
    bring(&b, state);
    if (kind == LIGHTS_TICK)
        b.now_us += SECOND_US;
    struct machine before = b.m;
    enum err e =
        send_event(&b, (struct lights_event){.kind = kind,
                                             .lane = kind == LIGHTS_PEDESTRIAN_CALL ? 2 : 1,
                                             .phase = 0,
                                             .source = 7,
                                             .sequence = 1000,
                                             .until_us = b.now_us + SECOND_US});
    char right = cells[state][kind];
    bool good = right == '.'   ? e == ERR_WRONG_STATE
                : right == '-' ? e == ERR_DENIED
                               : e == OK && letters[b.m.state] == right;
    if (!good)
        fprintf(stderr, "%s, event %d: %c and not %c (%s)\n", machine_word(state), (int)kind,
                letters[b.m.state], right, err_text(e));
    CHECK(good);
    if (e != OK) {
        before.refused++;
        before.now_us = b.m.now_us;
        CHECK(memcmp(&before, &b.m, sizeof(before)) == 0); /* a refused event changes nothing */
    }
}

TEST(every_event_in_every_state_does_what_the_table_says)
{
    for (enum machine_state s = 0; s < MACHINE_STATES_COUNT; s++) {
        CHECK(strlen(cells[s]) == LIGHTS_KINDS_COUNT);
        for (enum lights_kind k = 0; k < LIGHTS_KINDS_COUNT; k++)
            try_cell(s, k);
    }
}

/* From every state, after each order and with every second one given on the way, all goes by the
 * rules. */
TEST(from_every_state_every_order_arrives_and_ends)
{
    static const struct {
        enum lights_kind on, off;
        enum machine_state state;
    } orders[] = {{LIGHTS_FLASH_ON, LIGHTS_FLASH_OFF, MACHINE_FLASH},
                  {LIGHTS_RED_ON, LIGHTS_RED_OFF, MACHINE_RED},
                  {LIGHTS_MANUAL_ON, LIGHTS_MANUAL_OFF, MACHINE_MANUAL},
                  {LIGHTS_PREEMPT_CALL, LIGHTS_PREEMPT_OUT, MACHINE_PREEMPT}};
    static struct bed b;
    for (enum machine_state s = MACHINE_GREEN; s < MACHINE_FAULT; s++) {
        for (size_t o = 0; o < ARRAY_COUNT(orders); o++) {
            for (uint32_t phase = 0; phase < 4; phase++) {
                bring(&b, s);
                bool own = b.m.state == MACHINE_FLASH || b.m.state == MACHINE_RED ||
                           b.m.state == MACHINE_MANUAL || b.m.state == MACHINE_PREEMPT;
                b.preempted = b.ordered = true;
                if (orders[o].on == LIGHTS_PREEMPT_CALL)
                    CHECK_OK(preempt(&b, orders[o].on, 3, phase));
                else
                    CHECK_OK(order(&b, orders[o].on, phase, FAR_S));
                if (!own)
                    until(&b, orders[o].state);
                ticks(&b, 20);
                CHECK_OK(send_event(&b, (struct lights_event){.kind = orders[o].off, .source = 3}));
                ticks(&b, 200);
                CHECK(own || machine_regular(&b.m));
                if (checker_violations(&b.checker))
                    fprintf(stderr, "%s, order %zu: %s\n", machine_word(s), o, b.checker.first);
                CHECK(checker_violations(&b.checker) == 0);
            }
        }
    }
}

/* Every second event after every first one in every state, and then a while: no rule breaks. */
TEST(every_pair_of_events_in_every_state_keeps_the_rules)
{
    static struct bed b, begun;
    for (enum machine_state s = MACHINE_GREEN; s < MACHINE_STATES_COUNT; s++) {
        bring(&begun, s);
        for (uint32_t pair = 0; pair < LIGHTS_KINDS_COUNT * LIGHTS_KINDS_COUNT; pair++) {
            b = begun;
            b.m.x = b.checker.x = &b.x;
            b.preempted = b.ordered = true;
            for (uint32_t i = 0; i < 2; i++) {
                enum lights_kind kind =
                    (enum lights_kind)(i ? pair / LIGHTS_KINDS_COUNT : pair % LIGHTS_KINDS_COUNT);
                struct lights_event e = {.kind = kind,
                                         .phase = i + 1,
                                         .lane = 2 + i,
                                         .source = i,
                                         .sequence = 1000 + i,
                                         .until_us = b.now_us + 40 * SECOND_US};
                enum err result = kind == LIGHTS_TICK ? OK : send_event(&b, e);
                if (result == OK && kind == LIGHTS_PEDESTRIAN_CALL)
                    checker_press(&b.checker, e.lane);
                tick(&b);
            }
            ticks(&b, 70);
            CHECK(checker_violations(&b.checker) == 0);
        }
    }
}

TEST(a_wish_acts_at_the_first_second_after_the_minimum)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 1, FAR_S));
    static const char *const shown[] = {"GGrr", "GGrr", "GGrr", "GGrr", "yyrr",
                                        "yyrr", "yyrr", "rrrr", "rrGG", "rrGG"};
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        tick(&b);
        CHECK(strcmp(b.m.shown, shown[i]) == 0);
    }
}

TEST(an_old_doubled_late_or_impossible_wish_is_no_wish)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    take_over(&b, 0);
    b.sequence = 9;
    CHECK_OK(wish(&b, 1, 10));
    b.sequence = 9;
    CHECK(wish(&b, 0, 10) == ERR_EXISTS);
    b.sequence = 2;
    CHECK(wish(&b, 0, 10) == ERR_EXISTS);
    b.sequence = 20;
    CHECK(wish(&b, 0, 0) == ERR_EXPIRED && wish(&b, 0, -5) == ERR_EXPIRED);
    CHECK(wish(&b, 2, 10) == ERR_DENIED);
    b.sequence = 10;
    CHECK_OK(wish(&b, 1, 10)); /* what was refused did not use up its number */
    CHECK(b.m.refused == 5);
    ticks(&b, 9);
    CHECK(b.m.phase == 1 && b.m.obeying);
    tick(&b);
    CHECK(!b.m.obeying && b.m.fallbacks == 1);
    ticks(&b, 24);
    CHECK(b.m.phase == 1 && b.m.state == MACHINE_YELLOW); /* the plan, from where it stands */
}

TEST(the_plan_of_the_hour_goes_on_from_where_it_stands)
{
    static struct bed b;
    lay(&b, SHAPE_PERMISSIVE_LEFTS);
    b.day_s = 12 * 3600;
    take_over(&b, 1);
    ticks(&b, 100);
    CHECK(b.m.plan == 0);
    CHECK_OK(wish(&b, 1, FAR_S));
    ticks(&b, 60);
    CHECK(b.m.phase == 1 && b.m.state == MACHINE_GREEN);
    b.day_s = 22 * 3600;
    tick(&b);
    CHECK(b.m.plan == 1 && b.m.state == MACHINE_GREEN);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_EXPIRY}));
    uint32_t seen = 0;
    for (int i = 0; i < 120; i++) {
        tick(&b);
        seen |= 1u << b.m.phase;
    }
    b.day_s = 3600; /* after midnight yesterday's goes on */
    tick(&b);
    CHECK(b.m.plan == 1 && (seen & 5) == 5 && !(seen & 8));
}

TEST(two_lanes_that_are_due_at_once_are_both_in_time)
{
    static struct bed b;
    lay(&b, SHAPE_RINGS_WALKS);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 0, FAR_S));
    b.calls = 0xff;
    b.inside = everywhere; /* each change takes as long as it may */
    ticks(&b, 1000);
    CHECK(b.m.forced > 10 && b.checker.longest_share > 80);
    CHECK(checker_violations(&b.checker) == 0);
}

/* Whoever holds the core, and shows a lane its arrow alone for ever. */
TEST(an_arrow_does_not_help_who_goes_straight_on)
{
    static struct bed b;
    lay(&b, SHAPE_ARROW);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 1, FAR_S));
    b.calls = 1 | 2;
    uint32_t greens = 0;
    for (int i = 0; i < 1000; i++) {
        tick(&b);
        greens += b.m.state == MACHINE_GREEN && b.m.phase == 0 && b.m.elapsed_s == 0;
    }
    CHECK(b.m.doubts == 0 && greens >= 7);
    CHECK(b.checker.longest_red_s > 100 && checker_violations(&b.checker) == 0);
}

/* And where a round takes longer than what was asked for, it is kept for him too if it can be. */
TEST(an_arrow_does_not_put_off_what_was_asked_for)
{
    static struct bed b;
    char why[LIGHTS_WHY_SIZE];
    lay(&b, SHAPE_ARROW);
    for (uint32_t i = 0; i < b.x.links_count; i++)
        b.x.links[i].minimum_green_s = 40;
    CHECK_OK(intersection_check(&b.x, why));
    CHECK(b.x.asked_s[0] == 120 && b.x.limit_s[0] > 200);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 1, FAR_S));
    b.calls = 1 | 2;
    ticks(&b, 1000);
    CHECK(b.checker.longest_red_s > 100 && b.checker.longest_red_s <= 120);
}

TEST(a_button_is_remembered_and_served_within_its_limit)
{
    static struct bed b;
    lay(&b, SHAPE_CROSSINGS);
    take_over(&b, 3);
    CHECK_OK(wish(&b, 3, FAR_S));
    ticks(&b, 10);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = 3}));
    CHECK(send_event(&b, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = 0}) ==
          ERR_DENIED);
    checker_press(&b.checker, 3);
    until(&b, MACHINE_WALK);
    CHECK(b.m.shown[3] == 'G' && b.m.walkers == 0);
    until(&b, MACHINE_CLEARANCE);
    CHECK(b.m.shown[3] == 'y');
    /* 12 m at 1.07 m/s */
    CHECK(b.m.change.clearance_s == 12 && b.m.elapsed_s == 0);
    until(&b, MACHINE_GREEN);
    /* 90 s were asked for, 98 s can be promised */
    CHECK(checker_violations(&b.checker) == 0);
    CHECK(b.checker.longest_red_s > 60 && b.checker.longest_red_s <= 90);
}

TEST(a_walk_is_shown_when_somebody_calls)
{
    static struct bed b;
    lay(&b, SHAPE_CROSSINGS);
    take_over(&b, 1);
    CHECK_OK(wish(&b, 0, FAR_S));
    until(&b, MACHINE_GREEN);
    CHECK(b.m.phase == 0 && strcmp(b.m.shown, "Grrrr") == 0);
    ticks(&b, 20);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = 2}));
    checker_press(&b.checker, 2);
    tick(&b);
    CHECK(b.m.state == MACHINE_WALK && strcmp(b.m.shown, "GrGrr") == 0 && b.m.elapsed_s == 21);
    uint32_t clears_s = b.x.links[2].clearance_s;
    CHECK(machine_hold_s(&b.m) == 7 + clears_s);
    CHECK_OK(wish(&b, 1, FAR_S)); /* it has its 7 s and its clearance */
    ticks(&b, 6);
    CHECK(b.m.state == MACHINE_WALK && machine_hold_s(&b.m) == 1 + clears_s);
    tick(&b);
    CHECK(machine_hold_s(&b.m) == clears_s);
    CHECK(b.m.state == MACHINE_CLEARANCE && strcmp(b.m.shown, "Gryrr") == 0);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = 2}));
    until(&b, MACHINE_YELLOW);
    CHECK(machine_hold_s(&b.m) == 0);
    CHECK(checker_violations(&b.checker) == 0 && b.m.walkers == 4);
}

TEST(silence_of_the_sensors_recalls_every_lane)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 0, FAR_S));
    for (int i = 0; i < 300; i++) {
        b.now_us += SECOND_US;
        CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_TICK}));
    }
    CHECK(b.m.forced >= 1);
    uint64_t forced = b.m.forced;
    ticks(&b, 300);
    CHECK(b.m.forced <= forced + 1); /* they say that nobody waits */
}

TEST(a_bus_gets_ten_seconds_or_an_early_green_once_a_cycle)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 1, FAR_S));
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_BUS_CALL, .lane = 0}));
    CHECK(send_event(&b, (struct lights_event){.kind = LIGHTS_BUS_CALL, .lane = 0}) == ERR_EXISTS);
    ticks(&b, 14);
    CHECK(b.m.state == MACHINE_GREEN && b.m.grants == 1);
    tick(&b);
    CHECK(b.m.state == MACHINE_YELLOW); /* 5 s and 10 s */
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_BUS_OUT, .lane = 0}));
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_BUS_CALL, .lane = 0}));
    ticks(&b, 30);
    CHECK(b.m.phase == 1 && b.m.grants == 1); /* its approach had one in this cycle */
    ticks(&b, 30);
    CHECK(b.m.phase == 0 && b.m.grants == 2); /* early: the wish is still the other phase */
    CHECK(checker_violations(&b.checker) == 0);
}

TEST(an_emergency_is_first_holds_and_returns_to_who_waited_longest)
{
    static struct bed b;
    lay(&b, SHAPE_PERMISSIVE_LEFTS);
    take_over(&b, 0);
    CHECK_OK(wish(&b, 0, FAR_S));
    b.calls = 0x06;
    ticks(&b, 4);
    CHECK_OK(preempt(&b, LIGHTS_PREEMPT_CALL, 1, 2));
    CHECK_OK(preempt(&b, LIGHTS_PREEMPT_CALL, 2, 1));
    CHECK_OK(preempt(&b, LIGHTS_PREEMPT_CALL, 1, 2)); /* still there */
    CHECK(preempt(&b, LIGHTS_PREEMPT_CALL, 1, 3) == ERR_DENIED);
    tick(&b);
    CHECK(b.m.state == MACHINE_YELLOW); /* after 5 s, and not 7 */
    until(&b, MACHINE_PREEMPT);
    CHECK(b.m.phase == 2);
    CHECK_OK(order(&b, LIGHTS_FLASH_ON, 0, FAR_S)); /* people wait */
    ticks(&b, 100);
    CHECK(b.m.phase == 2 && b.m.state == MACHINE_PREEMPT);
    ticks(&b, 40);
    CHECK(b.m.phase == 1); /* 120 s: the second one's turn */
    CHECK(preempt(&b, LIGHTS_PREEMPT_CALL, 1, 2) ==
          ERR_DENIED); /* it does not hear the first now */
    CHECK_OK(order(&b, LIGHTS_FLASH_OFF, 0, 0));
    CHECK_OK(preempt(&b, LIGHTS_PREEMPT_OUT, 2, 0));
    CHECK(preempt(&b, LIGHTS_PREEMPT_OUT, 2, 0) == ERR_DENIED);
    until(&b, MACHINE_YELLOW);
    CHECK(b.m.goal == GOAL_PHASE && b.x.serves[b.m.target] >> 2 & 1);
    CHECK(checker_violations(&b.checker) == 0);
}

TEST(a_fault_flashes_at_once_and_is_left_through_six_seconds_of_red)
{
    static struct bed b;
    bring(&b, MACHINE_YELLOW);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_WATCHDOG}));
    CHECK(b.m.state == MACHINE_FAULT && b.m.shown[0] == 'o' && b.m.trips == 1);
    ticks(&b, 50);
    CHECK(b.m.state == MACHINE_FAULT);
    CHECK_OK(send_event(&b, (struct lights_event){.kind = LIGHTS_RESET}));
    until(&b, MACHINE_LEAVE_FLASH);
    ticks(&b, 5);
    CHECK(b.m.state == MACHINE_LEAVE_FLASH);
    tick(&b);
    CHECK(b.m.state == MACHINE_GREEN && b.m.phase == 0); /* the plan's first */
    CHECK(checker_violations(&b.checker) == 0);
}
