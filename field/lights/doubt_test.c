#include "field/lights/doubt.h"
#include "base/test.h"
#include "tests/signals/envelope/shapes.h"

enum { SECOND_US = 1000000, NONE = 0, NORTH = 1, WEST = 4 };

/* Two phases: NORTH and another lane, WEST and another one. Phase 0 stands, and is wished. */
struct bed {
    struct intersection x;
    struct machine m;
    int64_t now_us;
    uint64_t sequence, calls, coming;
    bool silent;
};

static enum err
send_event(struct bed *b, struct lights_event e)
{
    e.now_us = b->now_us;
    return machine_event(&b->m, &e);
}

static enum err
wish(struct bed *b, uint32_t phase)
{
    return send_event(b, (struct lights_event){.kind = LIGHTS_WISH,
                                               .phase = phase,
                                               .sequence = ++b->sequence,
                                               .until_us = INT64_MAX});
}

static void
begin(struct bed *b)
{
    machine_init(&b->m, &b->x);
    CHECK_OK(send_event(b, (struct lights_event){.kind = LIGHTS_TAKE_OVER}));
    CHECK_OK(wish(b, 0));
}

static void
lay(struct bed *b, enum shape shape)
{
    *b = (struct bed){0};
    shape_make(shape, NULL, &b->x);
    begin(b);
}

static void
tick(struct bed *b)
{
    b->now_us += SECOND_US;
    if (!b->silent)
        CHECK_OK(send_event(
            b,
            (struct lights_event){.kind = LIGHTS_SENSORS, .lanes = b->calls, .coming = b->coming}));
    CHECK_OK(send_event(b, (struct lights_event){.kind = LIGHTS_TICK}));
}

static void
ticks(struct bed *b, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds; i++)
        tick(b);
}

TEST(who_waits_for_nobody_is_counted_and_a_fifth_is_paid_back)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    ticks(&b, 50);
    CHECK(b.m.account_ds == 0); /* nobody waits */
    b.calls = WEST;
    ticks(&b, 10);
    CHECK(b.m.account_ds == 10 * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
    b.coming = NORTH;
    ticks(&b, 10);
    CHECK(b.m.account_ds == 10 * (DOUBT_IDLE_DS - 2 * DOUBT_PAID_DS));
    b.coming = WEST; /* that is no use to him */
    tick(&b);
    CHECK(b.m.account_ds == 10 * (DOUBT_IDLE_DS - 2 * DOUBT_PAID_DS) + 8);
    b.coming = NONE;
    b.silent = true;
    ticks(&b, 100);
    CHECK(b.m.account_ds == 0);
}

TEST(who_comes_to_a_lane_of_which_only_some_go_is_not_served_by_that)
{
    static struct bed b;
    char why[LIGHTS_WHY_SIZE];
    lay(&b, SHAPE_TWO_PHASES);
    link_add(&b.x.lane_links[0], 1); /* two turns from one lane, and a phase for the first */
    CHECK_OK(intersection_add_phase(&b.x, bytes_text("Grrr")));
    CHECK_OK(intersection_check(&b.x, why));
    begin(&b);
    b.calls = WEST;
    b.coming = NORTH;
    ticks(&b, 20);
    CHECK(b.m.phase == 0 && b.m.account_ds == 0);
    CHECK_OK(wish(&b, 2));
    ticks(&b, 10);
    CHECK(b.m.phase == 2 && b.m.state == MACHINE_GREEN);
    uint32_t before = b.m.account_ds;
    ticks(&b, 10);
    CHECK(b.m.account_ds == before + 10 * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
}

TEST(above_its_bound_no_wish_is_followed_for_a_while)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.calls = WEST;
    uint32_t seconds = 0;
    for (; b.m.doubts == 0 && seconds < 1000; seconds++)
        tick(&b);
    CHECK(seconds > 200 && seconds <= 250 && b.m.fallbacks == 0);
    CHECK(wish(&b, 0) == ERR_DENIED);
    for (uint32_t i = 1; i < DOUBT_S; i++) {
        tick(&b);
        CHECK(!b.m.obeying && b.m.account_ds == 0);
    }
    CHECK(b.m.phase == 1 && wish(&b, 0) == ERR_DENIED && b.m.fallbacks == 1);
    tick(&b);
    CHECK_OK(wish(&b, 0)); /* that it had a number before is no matter: it was refused */
    ticks(&b, 30);
    CHECK(b.m.obeying && b.m.phase == 0 && b.m.doubts == 1);
}

/* Seconds until the next doubt, and how long it lasts. */
static uint32_t
doubt_again(struct bed *b)
{
    uint64_t before = b->m.doubts;
    CHECK_OK(wish(b, 0));
    while (b->m.doubts == before)
        tick(b);
    uint32_t lasts_s = b->m.doubt_s;
    ticks(b, lasts_s);
    return lasts_s;
}

TEST(who_is_doubted_again_is_doubted_for_longer_until_an_hour_went_well)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.calls = WEST;
    for (uint32_t lasts_s = DOUBT_S; lasts_s < DOUBT_MOST_S; lasts_s *= 2)
        CHECK(doubt_again(&b) == lasts_s);
    CHECK(doubt_again(&b) == DOUBT_MOST_S && doubt_again(&b) == DOUBT_MOST_S);
    b.calls = NONE;
    CHECK_OK(wish(&b, 0));
    ticks(&b, DOUBT_CALM_S);
    b.calls = WEST;
    CHECK(doubt_again(&b) == DOUBT_S);
}

TEST(a_green_for_loops_that_may_be_dead_counts_half)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.x.quiet_s = 100;
    ticks(&b, 99);
    b.calls = WEST;
    b.coming = WEST;
    tick(&b);
    CHECK(b.m.account_ds == DOUBT_DEAD_DS - DOUBT_PAID_DS);
    ticks(&b, 9);
    CHECK(b.m.account_ds == 10 * (DOUBT_DEAD_DS - DOUBT_PAID_DS));
}

TEST(the_minimum_of_a_green_costs_nothing_if_somebody_used_it)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    uint32_t least_s = b.x.plain_s[0];
    b.calls = WEST;
    ticks(&b, least_s);
    CHECK(least_s > 2 && b.m.account_ds == least_s * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
    lay(&b, SHAPE_TWO_PHASES);
    b.calls = WEST;
    b.coming = NORTH;
    tick(&b);
    b.coming = NONE;
    ticks(&b, least_s - 1);
    CHECK(b.m.account_ds == 0);
    ticks(&b, 5);
    CHECK(b.m.account_ds == 5 * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
    CHECK_OK(wish(&b, 1));
    while (b.m.phase == 0 || b.m.state != MACHINE_GREEN)
        tick(&b);
    uint32_t before = b.m.account_ds;
    b.calls = NORTH; /* and nobody uses the next one */
    ticks(&b, 3);
    CHECK(b.m.account_ds == before + 3 * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
}

TEST(changes_that_people_wait_for_count_half)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    ticks(&b, 10);
    b.calls = b.coming = WEST | NORTH;
    CHECK_OK(wish(&b, 1));
    ticks(&b, 1 + 3); /* yellow begins and is over */
    CHECK(b.m.state == MACHINE_ALL_RED);
    CHECK(b.m.account_ds == 3 * (DOUBT_CHANGE_DS - DOUBT_PAID_DS));
}

TEST(a_forced_request_counts_when_a_wish_was_in_its_way)
{
    static struct bed b;
    lay(&b, SHAPE_TWO_PHASES);
    b.calls = WEST;
    b.coming = NORTH;
    while (b.m.forced == 0)
        tick(&b);
    CHECK(b.m.account_ds >= DOUBT_FORCED_DS - DOUBT_PAID_DS && b.m.doubts == 0);
    lay(&b, SHAPE_TWO_PHASES);
    b.silent = true;
    ticks(&b, 1000);
    CHECK(b.m.forced > 0 && b.m.account_ds == 0 && b.m.doubts == 0);
}

TEST(a_walk_that_must_be_shown_is_used)
{
    static struct bed b;
    lay(&b, SHAPE_CROSSINGS); /* phase 0 has a walk */
    CHECK(b.m.state == MACHINE_WALK);
    b.calls = 2;
    ticks(&b, LIGHTS_WALK_MIN_S);
    CHECK(b.m.account_ds == 0);
    ticks(&b, 5);
    CHECK(b.m.account_ds == 5 * (DOUBT_IDLE_DS - DOUBT_PAID_DS));
}
