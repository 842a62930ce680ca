/*
 * Bytes as a shape and then as events, five bytes each: whatever comes in whatever order, no rule
 * that the checker and the monitor know is broken, and a refused event changes nothing that is
 * shown.
 */
#include "base/fuzz.h"
#include "field/lights/machine.h"
#include "field/lights/monitor.h"
#include "tests/signals/envelope/checker.h"
#include "tests/signals/envelope/shapes.h"

enum { EVENT_SIZE = 5, SECOND_US = 1000000, SECONDS_MAX = 2000 };

struct bed {
    struct intersection x;
    struct machine m;
    struct monitor o;
    struct checker checker;
    int64_t now_us;
    uint64_t calls;
    uint32_t seconds;
};

static void
pass(struct bed *b, struct lights_event e, uint32_t seconds)
{
    for (uint32_t i = 0; i < seconds && b->seconds < SECONDS_MAX; i++) {
        b->now_us += SECOND_US;
        b->seconds++;
        e.now_us = b->now_us;
        ASSERT(machine_event(&b->m, &e) == OK);
        /* whether an order or a pre-emption stands is not followed here: the least greens hold */
        checker_second(&b->checker, &(struct checker_second){.shown = b->m.shown,
                                                             .calls = b->calls,
                                                             .heard = true,
                                                             .preempted = true,
                                                             .ordered = true,
                                                             .regular = machine_regular(&b->m)});
        ASSERT(monitor_observe(&b->o, b->m.shown, true));
    }
}

static void
apply(struct bed *b, const uint8_t *p)
{
    char before[LIGHTS_LINKS_MAX + 1];
    struct lights_event e = {.kind = (enum lights_kind)(p[0] % LIGHTS_KINDS_COUNT),
                             .phase = p[1] % 16,
                             .lane = p[1] % 70,
                             .source = p[1] >> 4,
                             .inside = {{p[1] * (p[3] & 1U), 0}},
                             .day_s = (uint32_t)p[2] * 338,
                             .lanes = (uint64_t)p[1] | (uint64_t)p[4] << 8,
                             .coming = (uint64_t)p[2] | (uint64_t)p[3] << 8,
                             .sequence = (uint64_t)p[2] << 8 | p[3],
                             .now_us = b->now_us,
                             .until_us = b->now_us + ((int64_t)p[4] - 20) * SECOND_US};
    if (e.kind == LIGHTS_TICK && b->m.state != MACHINE_OFF) {
        pass(b, e, p[4]);
        return;
    }
    memcpy(before, b->m.shown, sizeof(before));
    enum err result = machine_event(&b->m, &e);
    ASSERT(result == OK || memcmp(before, b->m.shown, sizeof(before)) == 0);
    if (result == OK && e.kind == LIGHTS_PEDESTRIAN_CALL)
        checker_press(&b->checker, e.lane);
    if (result == OK && e.kind == LIGHTS_VEHICLE_CALL)
        b->calls |= UINT64_C(1) << e.lane;
    if (result == OK && e.kind == LIGHTS_SENSORS)
        b->calls = b->m.vehicles;
    if (result == OK && (e.kind == LIGHTS_TAKE_OVER || e.kind == LIGHTS_START) && b->seconds == 0) {
        checker_init(&b->checker, &b->x, b->m.shown);
        ASSERT(monitor_observe(&b->o, b->m.shown, true));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bed b;
    if (size < 2)
        return 0;
    struct random_seeded seeded = {data[1]};
    struct random_source r = random_seeded_source(&seeded);
    b = (struct bed){0};
    shape_make((enum shape)(data[0] % SHAPES_COUNT), &r, &b.x);
    b.x.silence_s = 60000; /* the checker hears the sensors each second */
    machine_init(&b.m, &b.x);
    monitor_init(&b.o, &b.x);
    checker_init(&b.checker, &b.x, b.m.shown);
    for (size_t at = 2; at + EVENT_SIZE <= size; at += EVENT_SIZE)
        apply(&b, data + at);
    if (checker_violations(&b.checker))
        fprintf(stderr, "%s\n", b.checker.first);
    ASSERT(checker_violations(&b.checker) == 0);
    return 0;
}
