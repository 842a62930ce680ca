#include "field/lights/monitor.h"
#include "base/test.h"
#include "tests/signals/envelope/shapes.h"

static struct intersection x;

/* Each row is shown for some seconds; the fault of the last one. */
struct row {
    const char *shown;
    uint32_t seconds;
};

static enum monitor_fault
watch(enum shape shape, const struct row *rows, size_t count, bool preempted)
{
    struct monitor o;
    shape_make(shape, NULL, &x);
    monitor_init(&o, &x);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t s = 0; s < rows[i].seconds; s++) {
            bool well = monitor_observe(&o, rows[i].shown, preempted);
            bool last = i + 1 == count && s + 1 == rows[i].seconds;
            CHECK(well || last);
        }
    }
    return o.tripped ? o.fault : MONITOR_NONE;
}
#define WATCH(shape, preempted, ...)                                                               \
    watch(shape, (const struct row[]){__VA_ARGS__},                                                \
          sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), preempted)

TEST(what_is_right_passes)
{
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"yyrr", 3}, {"rrrr", 1}, {"rrGG", 5},
                {"rryy", 3}, {"rrrr", 1}, {"oooo", 9}, {"rrrr", 6}, {"GGrr", 1}) == MONITOR_NONE);
    CHECK(WATCH(SHAPE_CROSSINGS, false, {"GrGrr", 7}, {"Gryrr", 8}, {"yrrrr", 3}, {"rrrrr", 1},
                {"rGrGg", 1}) == MONITOR_NONE);
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, false, {"GgrrGgrrG", 9}, {"yyrryyrry", 4}, {"rrrrrrrrs", 2},
                {"rrGgrrGgs", 1}) == MONITOR_NONE);
}

TEST(every_fault_trips)
{
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"GGGr", 1}) == MONITOR_CONFLICT);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"yyGG", 1}) == MONITOR_CONFLICT);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"rrrr", 1}) == MONITOR_SHORT_YELLOW);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"yyrr", 2}, {"rrrr", 1}) ==
          MONITOR_SHORT_YELLOW);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"yyrr", 3}, {"GGrr", 1}) ==
          MONITOR_SHORT_YELLOW);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 4}, {"yyrr", 1}) == MONITOR_SHORT_GREEN);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"GGrr", 5}, {"yyrr", 3}, {"rrGG", 1}) ==
          MONITOR_SHORT_RED);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"rrrr", 5}, {"yyrr", 1}) == MONITOR_LETTER);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"rrro", 1}) == MONITOR_LETTER);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"rru\1", 1}) == MONITOR_LETTER);
    CHECK(WATCH(SHAPE_TWO_PHASES, false, {"oooo", 3}, {"rrrr", 5}, {"GGrr", 1}) ==
          MONITOR_AFTER_FLASH);
    CHECK(WATCH(SHAPE_CROSSINGS, false, {"GrGrr", 6}, {"Gryrr", 1}) == MONITOR_SHORT_WALK);
    CHECK(WATCH(SHAPE_CROSSINGS, false, {"GrGrr", 7}, {"Grrrr", 1}) == MONITOR_SHORT_CLEARANCE);
    CHECK(WATCH(SHAPE_CROSSINGS, false, {"GrGrr", 7}, {"Gryrr", 7}, {"yrrrr", 1}) ==
          MONITOR_SHORT_CLEARANCE);
    CHECK(WATCH(SHAPE_CROSSINGS, false, {"rGrGG", 1}) == MONITOR_CONFLICT);
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, false, {"GgrrGgrrG", 9}, {"ygrrGyrrG", 1}) ==
          MONITOR_NONE); /* 5 gives way to 0; 1 and 4 go on */
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, false, {"GgrrGgrrG", 9}, {"GyrrGgrrG", 1}) ==
          MONITOR_YELLOW_TRAP);
}

TEST(a_pre_emption_may_end_a_green_after_five_seconds_and_nothing_else)
{
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, true, {"GgrrGgrrG", 5}, {"yyrryyrry", 1}) == MONITOR_NONE);
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, false, {"GgrrGgrrG", 5}, {"yyrryyrry", 1}) ==
          MONITOR_SHORT_GREEN);
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, true, {"GgrrGgrrG", 4}, {"yyrryyrry", 1}) ==
          MONITOR_SHORT_GREEN);
    CHECK(WATCH(SHAPE_PERMISSIVE_LEFTS, true, {"GgrrGgrrG", 9}, {"yyrryyrry", 2},
                {"rrrrrrrrs", 1}) == MONITOR_SHORT_YELLOW);
    CHECK(WATCH(SHAPE_CROSSINGS, true, {"GrGrr", 6}, {"Gryrr", 1}) == MONITOR_SHORT_WALK);
}

TEST(the_third_trip_of_a_day_is_reset_by_hand)
{
    struct monitor o;
    char why[MONITOR_WHY_SIZE];
    shape_make(SHAPE_TWO_PHASES, NULL, &x);
    monitor_init(&o, &x);
    CHECK(monitor_reset(&o, true) == ERR_WRONG_STATE);
    for (int i = 0; i < 2; i++) {
        CHECK(!monitor_observe(&o, "GGGG", false));
        CHECK(!monitor_observe(&o, "oooo", false)); /* latched */
        CHECK_OK(monitor_reset(&o, false));
    }
    monitor_why(&o, why);
    CHECK(strcmp(why, "a green came too early after flashing: links 0 and 0") == 0);
    monitor_silence(&o);
    CHECK(o.fault == MONITOR_SILENCE && monitor_reset(&o, false) == ERR_DENIED);
    CHECK_OK(monitor_reset(&o, true));
    monitor_silence(&o);
    CHECK(monitor_reset(&o, false) == ERR_DENIED && o.trips == 4);
    for (int i = 0; i < MONITOR_WINDOW_S; i++)
        (void)monitor_observe(&o, "oooo", false);
    CHECK_OK(monitor_reset(&o, false)); /* they are more than a day ago */
}
