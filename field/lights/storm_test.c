/* The short form of tests/signals/envelope/run, and what shows that its eyes are open. */
#include "tests/signals/envelope/storm.h"
#include "base/test.h"

enum { WISHES = 20000, RANDOM_SHAPES = 8, BROKEN_WISHES = 60000 };

static void
make(enum shape shape, uint64_t seed, struct intersection *out)
{
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    shape_make(shape, &r, out);
}

static void
quiet(enum shape shape, uint64_t seed, uint64_t *seconds_in)
{
    static struct intersection x;
    static struct storm_result out;
    make(shape, seed, &x);
    storm_run(&(struct storm_config){.x = &x, .wishes = WISHES, .seed = seed}, &out);
    if (checker_violations(&out.checker))
        fprintf(stderr, "%s, seed %llu: %s\n", shape_name(shape), (unsigned long long)seed,
                out.checker.first);
    CHECK(checker_violations(&out.checker) == 0);
    for (int s = 0; s < MACHINE_STATES_COUNT; s++)
        seconds_in[s] += out.seconds_in[s];
}

TEST(no_storm_breaks_a_rule)
{
    uint64_t seconds_in[MACHINE_STATES_COUNT] = {0};
    for (enum shape shape = 0; shape < SHAPE_RANDOM; shape++)
        quiet(shape, test_seed(), seconds_in);
    for (uint64_t i = 0; i < RANDOM_SHAPES; i++)
        quiet(SHAPE_RANDOM, test_seed() + i, seconds_in);
    for (int s = MACHINE_OFF + 1; s < MACHINE_STATES_COUNT; s++)
        CHECK(seconds_in[s] > 100);
}

/* --- machines that are broken on purpose --- */

static void
short_yellow(struct intersection *x)
{
    for (uint32_t i = 0; i < x->links_count; i++)
        x->links[i].yellow_s = x->links[i].walk ? 0 : (uint8_t)(x->links[i].yellow_s - 1);
}

static void
no_all_red(struct intersection *x)
{
    for (uint32_t i = 0; i < x->links_count; i++)
        x->links[i].all_red_s = 0;
    x->box_wait_s = 0;
}

static void
short_green(struct intersection *x)
{
    for (uint32_t p = 0; p < x->phases_count; p++)
        x->plain_s[p]--;
}

static void
hasty_preempt(struct intersection *x)
{
    for (uint32_t p = 0; p < x->phases_count; p++)
        x->early_s[p] = (uint16_t)(x->preempt_minimum_s - 1);
}

static void
short_walk(struct intersection *x)
{
    for (uint32_t p = 0; p < x->phases_count; p++)
        x->walk_s[p] = 6;
}

static void
short_clearance(struct intersection *x)
{
    for (uint32_t i = 0; i < x->links_count; i++)
        x->links[i].clearance_s = (uint8_t)(x->links[i].clearance_s - x->links[i].walk);
}

static void
late_request(struct intersection *x)
{
    for (uint32_t i = 0; i < x->links_count; i++)
        x->asked_s[i] = ++x->limit_s[i];
}

/* Two lanes that are due together are thought to take no time. */
static void
one_at_a_time(struct intersection *x)
{
    for (uint32_t p = 0; p < x->phases_count; p++)
        x->minimum_s[p] = x->links[0].minimum_green_s;
    for (uint32_t p = 0; p < x->phases_count; p++)
        x->into_s[p] = 4;
}

/* A lane of which a part goes is thought to have what it calls for. */
static void
part_of_a_lane(struct intersection *x)
{
    x->link_lanes[0] = 0;
}

static void
no_recall(struct intersection *x)
{
    x->silence_s = 10000;
}

static void
crossing_greens(struct intersection *x)
{
    memset(x->phases[0], 'G', 3);
}

static void
protected_turn(struct intersection *x)
{
    for (uint32_t i = 0; i < x->links_count; i++)
        x->phases[0][i] = x->phases[0][i] == 'g' ? 'G' : x->phases[0][i];
}

/* Who gives way is as it is checked, but what is stopped with him is not known. */
static void
yellow_trap(struct intersection *x)
{
    memset(x->yields, 0, sizeof(x->yields));
}

/* --- and hands between a good machine and the lamps --- */

static void
skip_yellow(const struct intersection *x, const char *before, char *shown)
{
    (void)before;
    for (uint32_t i = 0; i < x->links_count; i++)
        shown[i] = shown[i] == 'y' && !x->links[i].walk ? 'r' : shown[i];
}

static void
skip_clearance(const struct intersection *x, const char *before, char *shown)
{
    (void)before;
    for (uint32_t i = 0; i < x->links_count; i++)
        shown[i] = shown[i] == 'y' && x->links[i].walk ? 'r' : shown[i];
}

static void
flash_until_green(const struct intersection *x, const char *before, char *shown)
{
    if (before[0] == 'o' && memchr(shown, 'G', x->links_count) == NULL)
        memset(shown, 'o', x->links_count);
}

static void
stuck_lamp(const struct intersection *x, const char *before, char *shown)
{
    (void)x, (void)before;
    if (shown[0] == 'r')
        shown[0] = 'G';
}

static void
dead_lamp(const struct intersection *x, const char *before, char *shown)
{
    (void)x, (void)before;
    if (shown[0] == 'y')
        shown[0] = 'o';
}

static const struct {
    const char *name;
    enum shape shape;
    void (*believe)(struct intersection *x);
    void (*distort)(const struct intersection *x, const char *before, char *shown);
    enum violation seen;
    bool by_monitor;
} broken[] = {
    {"yellow a second short", SHAPE_TWO_PHASES, short_yellow, NULL, VIOLATION_YELLOW, true},
    {"no all-red", SHAPE_TWO_PHASES, no_all_red, NULL, VIOLATION_ALL_RED, true},
    {"green a second short", SHAPE_TWO_PHASES, short_green, NULL, VIOLATION_GREEN, true},
    {"pre-emption a second early", SHAPE_PERMISSIVE_LEFTS, hasty_preempt, NULL, VIOLATION_GREEN,
     true},
    {"walk a second short", SHAPE_CROSSINGS, short_walk, NULL, VIOLATION_WALK, true},
    {"clearance a second short", SHAPE_CROSSINGS, short_clearance, NULL, VIOLATION_CLEARANCE, true},
    {"request a second late", SHAPE_TWO_PHASES, late_request, NULL, VIOLATION_RED, false},
    {"one lane at a time", SHAPE_RINGS_WALKS, one_at_a_time, NULL, VIOLATION_RED, false},
    {"a part of a lane", SHAPE_ARROW, part_of_a_lane, NULL, VIOLATION_RED, false},
    {"no recall", SHAPE_RINGS, no_recall, NULL, VIOLATION_RED, false},
    {"a phase of crossing greens", SHAPE_TWO_PHASES, crossing_greens, NULL, VIOLATION_CONFLICT,
     true},
    {"a turn that yields shown as protected", SHAPE_PERMISSIVE_LEFTS, protected_turn, NULL,
     VIOLATION_CONFLICT, true},
    {"oncoming traffic not stopped", SHAPE_RINGS, yellow_trap, NULL, VIOLATION_TRAP, true},
    {"yellow skipped", SHAPE_RINGS, NULL, skip_yellow, VIOLATION_YELLOW, true},
    {"clearance skipped", SHAPE_CROSSINGS, NULL, skip_clearance, VIOLATION_CLEARANCE, true},
    {"no red after flashing", SHAPE_TWO_PHASES, NULL, flash_until_green, VIOLATION_FLASH, true},
    {"a green lamp that stays", SHAPE_RINGS, NULL, stuck_lamp, VIOLATION_CONFLICT, true},
    {"one link flashes alone", SHAPE_RINGS, NULL, dead_lamp, VIOLATION_LETTER, true},
};

TEST(every_broken_machine_is_seen)
{
    static struct intersection x, believed;
    static struct storm_result out;
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        make(broken[i].shape, 1, &x);
        believed = x;
        if (broken[i].believe)
            broken[i].believe(&believed);
        storm_run(&(struct storm_config){.x = &x,
                                         .believed = &believed,
                                         .distort = broken[i].distort,
                                         .wishes = BROKEN_WISHES,
                                         .seed = test_seed()},
                  &out);
        uint64_t seen = out.checker.violations[broken[i].seen];
        uint64_t trips = out.checker.violations[VIOLATION_MONITOR];
        if (seen == 0 || (broken[i].by_monitor && trips == 0))
            fprintf(stderr, "%s: seen %llu times, by the monitor %llu times\n", broken[i].name,
                    (unsigned long long)seen, (unsigned long long)trips);
        CHECK(seen > 0);
        CHECK(!broken[i].by_monitor || trips > 0);
    }
}

/* --- a machine whose memory is spoilt, behind a monitor --- */

static void
spoil(const struct random_source *r, const struct intersection *x, struct machine *m)
{
    switch (random_below(r, 6)) {
    case 0:
        m->shown[random_below(r, x->links_count)] = "Ggsryo"[random_below(r, 6)];
        break;
    case 1:
        m->elapsed_s = (uint32_t)random_below(r, 200);
        break;
    case 2:
        m->phase = (uint8_t)random_below(r, x->phases_count);
        break;
    case 3:
        m->state = (enum machine_state)(MACHINE_GREEN + random_below(r, MACHINE_BOX_HOLD));
        m->goal = GOAL_PHASE;
        m->target = (uint8_t)random_below(r, x->phases_count);
        break;
    case 4:
        m->change = (struct lights_change){0};
        break;
    default:
        m->target = (uint8_t)random_below(r, x->phases_count);
    }
}

/* What leaves is what the monitor passes, or flashing. Seconds until it trips. */
static uint32_t
watched_life(const struct random_source *r, const struct intersection *x, struct checker *c)
{
    struct machine m;
    struct monitor o;
    char flash[LIGHTS_LINKS_MAX];
    bool well = true;
    memset(flash, 'o', sizeof(flash));
    machine_init(&m, x);
    monitor_init(&o, x);
    struct lights_event e = {.kind = LIGHTS_TAKE_OVER};
    CHECK_OK(machine_event(&m, &e));
    checker_init(c, x, m.shown);
    well = monitor_observe(&o, m.shown, false);
    for (uint32_t t = 1; t < 2000 && well; t++) {
        if (random_below(r, 7) == 0) {
            e = (struct lights_event){.kind = LIGHTS_WISH,
                                      .phase = (uint32_t)random_below(r, x->phases_count),
                                      .sequence = t,
                                      .now_us = t,
                                      .until_us = t + 30};
            CHECK_OK(machine_event(&m, &e));
        }
        if (random_below(r, 50) == 0)
            spoil(r, x, &m);
        e = (struct lights_event){.kind = LIGHTS_TICK, .now_us = t};
        CHECK_OK(machine_event(&m, &e));
        well = monitor_observe(&o, m.shown, false);
        checker_second(c, &(struct checker_second){.shown = well ? m.shown : flash});
    }
    return (uint32_t)c->now;
}

TEST(nothing_wrong_gets_past_the_monitor_from_a_spoilt_machine)
{
    static const enum violation grave[] = {
        VIOLATION_CONFLICT, VIOLATION_YELLOW,    VIOLATION_TRAP,    VIOLATION_GREEN,
        VIOLATION_WALK,     VIOLATION_CLEARANCE, VIOLATION_ALL_RED, VIOLATION_FLASH};
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    static struct intersection x;
    static struct checker c;
    uint32_t trips = 0;
    for (uint32_t life = 0; life < 3000; life++) {
        shape_make((enum shape)(life % SHAPES_COUNT), &r, &x);
        trips += watched_life(&r, &x, &c) < 1999;
        for (size_t v = 0; v < ARRAY_COUNT(grave); v++) {
            if (c.violations[grave[v]])
                fprintf(stderr, "life %u: %s\n", (unsigned)life, c.first);
            CHECK(c.violations[grave[v]] == 0);
        }
    }
    CHECK(trips > 2000);
}
