#include "field/lights/plan.h"
#include "base/test.h"
#include "tests/signals/envelope/checker.h"
#include "tests/signals/envelope/shapes.h"

enum { SECOND_US = 1000000, ROW_S = 20, NOON_S = 12 * 3600 };

/* One machine without a wish, watched by the checker. */
struct bed {
    struct intersection x;
    struct machine m;
    struct checker checker;
    int64_t now_us;
    uint64_t calls, coming;
    bool silent;
};

static void
send_event(struct bed *b, struct lights_event e)
{
    e.now_us = b->now_us;
    CHECK_OK(machine_event(&b->m, &e));
}

static void
begin(struct bed *b)
{
    machine_init(&b->m, &b->x);
    send_event(b, (struct lights_event){.kind = LIGHTS_TAKE_OVER});
    checker_init(&b->checker, &b->x, b->m.shown);
}

static void
lay(struct bed *b, enum shape shape)
{
    *b = (struct bed){0};
    shape_make(shape, NULL, &b->x);
    begin(b);
}

/* Three links that all cross, a phase and a lane each; the last may be a walk, with a button. */
static void
lay_three(struct bed *b, bool walk, bool button)
{
    char why[LIGHTS_WHY_SIZE];
    uint32_t lane;
    *b = (struct bed){0};
    struct intersection *x = &b->x;
    intersection_init(x, 3);
    intersection_cross(x, 0, 1);
    intersection_cross(x, 0, 2);
    intersection_cross(x, 1, 2);
    if (walk)
        intersection_walk(x, 2, 80);
    CHECK_OK(intersection_add_plan(x, 0));
    static const char *const phases[] = {"Grr", "rGr", "rrG"};
    for (uint32_t p = 0; p < 3; p++) {
        CHECK_OK(intersection_add_phase(x, bytes_text(phases[p])));
        CHECK_OK(intersection_add_row(x, p, ROW_S));
        if (p == 2 && walk && !button)
            break;
        CHECK_OK(intersection_add_lane(x, &lane));
        link_add(&x->lane_links[lane], p);
        x->lane_walk[lane] = p == 2 && walk;
    }
    CHECK_OK(intersection_check(x, why));
    begin(b);
}

static void
tick(struct bed *b)
{
    b->now_us += SECOND_US;
    if (!b->silent)
        send_event(b, (struct lights_event){
                          .kind = LIGHTS_SENSORS, .lanes = b->calls, .coming = b->coming});
    send_event(b, (struct lights_event){.kind = LIGHTS_TICK, .day_s = NOON_S});
    checker_second(&b->checker, &(struct checker_second){.shown = b->m.shown,
                                                         .calls = b->calls,
                                                         .heard = !b->silent,
                                                         .regular = machine_regular(&b->m)});
    CHECK(checker_violations(&b->checker) == 0);
}

/* How long the phase that is shown stands; then how long until the next one is. */
static uint32_t
stands_s(struct bed *b)
{
    uint32_t seconds = 0;
    uint8_t phase = b->m.phase;
    for (; b->m.state == MACHINE_GREEN || b->m.state == MACHINE_WALK; seconds++)
        tick(b);
    while (b->m.phase == phase || b->m.state < MACHINE_GREEN || b->m.state > MACHINE_WALK)
        tick(b);
    return seconds;
}

TEST(a_row_ends_when_nobody_comes_and_somebody_else_calls)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    CHECK(stands_s(&b) == 30 && stands_s(&b) == 25); /* nobody calls: as it is stored */
    b.calls = 4;
    CHECK(stands_s(&b) == 5); /* its minimum */
    CHECK(b.m.phase == 1);
    b.calls = 1;
    b.coming = 4; /* and 1 waits: the row is its most */
    CHECK(stands_s(&b) == 25);
    b.calls = 4;
    b.coming = 1 | 4;
    for (int i = 0; i < 11; i++)
        tick(&b);
    b.coming = 0;
    tick(&b);
    CHECK(b.m.state == MACHINE_YELLOW && b.m.phase == 0);
}

TEST(a_longer_passage_waits_for_longer_gaps)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.x.passage_s = 4;
    b.calls = 4;
    for (int i = 0; i < 26; i++) {
        b.coming = i % 4 == 0;
        tick(&b);
        CHECK(b.m.state == MACHINE_GREEN);
    }
    b.coming = 0;
    tick(&b);
    tick(&b);
    tick(&b);
    CHECK(b.m.state == MACHINE_YELLOW);
}

TEST(rows_that_nobody_calls_for_are_left_out)
{
    static struct bed b;
    lay_three(&b, false, false);
    b.calls = 4;
    stands_s(&b);
    CHECK(b.m.phase == 2); /* not 1 */
    b.calls = 0;
    b.coming = 2; /* he does not stand yet */
    CHECK(stands_s(&b) == 5 && b.m.phase == 1);
    b.coming = 0;
    CHECK(stands_s(&b) == ROW_S && b.m.phase == 2); /* nobody: the next one */
    b.calls = 1 | 2;
    CHECK(stands_s(&b) == 5 && b.m.phase == 0);
    CHECK(stands_s(&b) == 5 && b.m.phase == 1);
}

TEST(a_loop_that_died_costs_a_wait_and_no_more)
{
    static struct bed b;
    lay_three(&b, false, false);
    uint32_t since_s[3] = {0}, most_s = 0;
    for (int t = 0; t < 2000; t++) {
        b.calls = 1 | 2; /* 4 never says anything */
        tick(&b);
        for (uint32_t i = 0; i < 3; i++)
            since_s[i] = b.m.shown[i] == 'G' ? 0 : since_s[i] + 1;
        most_s = since_s[2] > most_s ? since_s[2] : most_s;
    }
    CHECK(most_s >= b.x.asked_s[2] && most_s < b.x.asked_s[2] + 30u);
}

/* And nobody says that he wants to go straight on, while the turns beside have an arrow. */
TEST(a_dead_lane_with_an_arrow_goes_straight_on_too)
{
    static struct bed b;
    lay(&b, SHAPE_ARROW);
    uint32_t since_s = 0, most_s = 0, greens = 0;
    b.calls = 2 | 4;
    for (int t = 0; t < 2000; t++) {
        tick(&b);
        greens += since_s > 0 && b.m.shown[0] == 'G';
        since_s = b.m.shown[0] == 'G' ? 0 : since_s + 1;
        most_s = since_s > most_s ? since_s : most_s;
    }
    /* the other two rows, as they are stored: its loops were quiet for long */
    CHECK(most_s >= b.x.asked_s[0] && most_s < b.x.asked_s[0] + 2 * (ROW_S + 4u) && greens > 10);
}

TEST(loops_that_are_quiet_for_long_end_no_green)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.x.quiet_s = 100;
    b.calls = 1 | 4;
    b.coming = 4;
    CHECK(stands_s(&b) == 5);
    while (b.m.gap_s[0] < 100)
        tick(&b);
    while (b.m.phase != 0)
        stands_s(&b);
    CHECK(stands_s(&b) == 30); /* nobody was seen there: as it is stored */
    b.coming = 1 | 2 | 4;
    stands_s(&b);
    tick(&b);
    b.coming = 4;
    CHECK(stands_s(&b) == 4); /* they are alive */
}

TEST(who_keeps_his_green_does_not_hold_a_row)
{
    static struct bed b;
    lay(&b, SHAPE_PERMISSIVE_LEFTS);
    b.calls = b.coming =
        1 << 4; /* on a left lane, where he must yield: the next row protects him */
    CHECK(stands_s(&b) == 7 && b.m.phase == 1);
    b.calls = 1 << 1;
    CHECK(stands_s(&b) == 6 && b.m.phase == 2); /* its row is over: he comes, and would lose it */
    b.calls = b.coming = 1 << 0;
    CHECK(stands_s(&b) == 7 && b.m.phase == 0); /* nobody stands where he must yield */
}

TEST(silence_is_no_gap_and_a_recall_is_the_plan_as_stored)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.x.passage_s = 8;
    b.calls = 4; /* nobody comes */
    for (int i = 0; i < 4; i++)
        tick(&b);
    b.silent = true;
    for (int i = 0; i < 8; i++)
        tick(&b);
    CHECK(b.m.state == MACHINE_GREEN && b.m.elapsed_s == 12);
    CHECK(stands_s(&b) == 30 - 12 && stands_s(&b) == 25 && stands_s(&b) == 30);
    lay_three(&b, true, true);
    b.calls = 1; /* of somebody who was served long ago */
    tick(&b);
    b.silent = true;
    CHECK(stands_s(&b) == ROW_S - 1 && b.m.phase == 1);
    CHECK(stands_s(&b) == ROW_S && b.m.phase == 2);
    CHECK(stands_s(&b) == ROW_S && b.m.phase == 0);
}

TEST(a_walk_is_left_out_only_if_people_can_call_for_it)
{
    static struct bed b;
    lay_three(&b, true, false);
    b.calls = 1 | 2;
    stands_s(&b);
    stands_s(&b);
    CHECK(b.m.phase == 2 && stands_s(&b) == LIGHTS_WALK_MIN_S);
    lay_three(&b, true, true);
    b.calls = 1 | 2;
    for (int i = 0; i < 4; i++)
        stands_s(&b);
    CHECK(b.m.phase == 0);
    send_event(&b, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = 2});
    checker_press(&b.checker, 2);
    stands_s(&b);
    stands_s(&b);
    CHECK(b.m.phase == 2 && b.m.state == MACHINE_WALK);
}

TEST(a_wish_is_not_asked_who_comes)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    send_event(&b, (struct lights_event){
                       .kind = LIGHTS_WISH, .sequence = 1, .until_us = 60 * (int64_t)SECOND_US});
    b.calls = 4;
    for (int i = 0; i < 59; i++)
        tick(&b);
    CHECK(b.m.state == MACHINE_GREEN && b.m.phase == 0);
    tick(&b);
    CHECK(b.m.state == MACHINE_YELLOW); /* its end is the row's */
}

/* Whoever calls and comes: no row gets more than is stored, and who waits is served in time. */
TEST(no_row_gets_more_than_is_stored)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    static struct bed b;
    for (enum shape shape = SHAPE_TWO_PHASES; shape < SHAPE_RANDOM; shape++) {
        lay(&b, shape);
        uint64_t all = (UINT64_C(1) << b.x.lanes_count) - 1;
        for (int t = 0; t < 20000; t++) {
            uint64_t walks = 0;
            for (uint32_t l = 0; l < b.x.lanes_count; l++)
                walks |= (uint64_t)b.x.lane_walk[l] << l;
            b.calls ^= random_below(&r, 4) ? 0 : UINT64_C(1) << random_below(&r, b.x.lanes_count);
            b.calls &= all & ~walks;
            b.coming = random_below(&r, 3) ? all : b.calls;
            tick(&b);
            bool stands = b.m.state == MACHINE_GREEN || b.m.state == MACHINE_WALK;
            const struct lights_row *row = &b.x.plans[b.m.plan].rows[b.m.row];
            if (stands && row->phase == b.m.phase)
                CHECK(b.m.elapsed_s <= row->seconds + (uint32_t)b.x.minimum_s[row->phase]);
        }
    }
}
