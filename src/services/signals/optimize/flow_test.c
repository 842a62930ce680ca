#include "services/signals/optimize/flow.h"
#include "base/test.h"

/*
 * `greens` greens of ten vehicles, the first after `start` s, the others apart by what `headway` is
 * along a queue.
 */
static void
play(struct flow *f, int greens, double start, double headway)
{
    double now = 0;
    for (int g = 0; g < greens; g++) {
        for (int i = 0; i < 20; i++)
            flow_second(f, false, 0, 10, now += 1);
        double began = now;
        uint32_t left = 10;
        while (left > 0) {
            double next = began + start + flow_time(headway, 10 - left);
            now += 1;
            uint32_t crossed = 0;
            while (left > 0 && next <= now) {
                crossed++;
                left--;
                next = began + start + flow_time(headway, 10 - left);
            }
            flow_second(f, true, crossed, left, now);
        }
        for (int i = 0; i < 10; i++)
            flow_second(f, true, i % 3 == 0, 0, now += 1); /* who comes later follows nobody */
    }
}

static bool
is_near(double a, double b, double off)
{
    return a - b < off && b - a < off;
}

TEST(a_lane_is_learned_from_its_greens)
{
    struct flow f;
    flow_init(&f);
    CHECK(f.headway_s == FLOW_HEADWAY_S && f.start_s == FLOW_START_S);
    play(&f, 60, 0.2, 2.4);
    CHECK(f.start_s == FLOW_START_S); /* not less, but the tenth leaves when he left: */
    CHECK(is_near(f.start_s + flow_time(f.headway_s, 9), 0.2 + flow_time(2.4, 9), 0.6));
    play(&f, 60, 2.6, 1.7);
    CHECK(is_near(f.headway_s, 1.7, 0.1) && is_near(f.start_s, 2.6, 0.6));
}

TEST(headways_fall_to_that_of_a_flow)
{
    double all = 0;
    for (uint32_t n = 0; n < 2 * FLOW_STARTS; n++) {
        CHECK(is_near(flow_time(2, n), all, 1e-9));
        CHECK(flow_headway(2, n + 1) <= flow_headway(2, n));
        all += flow_headway(2, n);
    }
    CHECK(is_near(flow_time(2, FLOW_STARTS), 2 * FLOW_STARTS, 0.05)); /* the mean of the first */
    CHECK(flow_headway(2, FLOW_STARTS) == flow_headway(2, FLOW_STARTS - 1));
}

TEST(what_cannot_be_is_not_learned)
{
    struct flow f;
    flow_init(&f);
    play(&f, 200, 3, 9); /* held up: no queue follows so */
    CHECK(f.headway_s == FLOW_HEADWAY_S);
    play(&f, 200, 30, 4);
    CHECK(f.headway_s <= FLOW_HEADWAY_MOST_S && f.start_s <= FLOW_START_MOST_S);
    play(&f, 200, 0.1, 0.2);
    CHECK(f.headway_s >= FLOW_HEADWAY_LEAST_S && f.start_s >= FLOW_START_LEAST_S);
}

TEST(a_green_without_a_queue_says_nothing)
{
    struct flow f;
    flow_init(&f);
    for (int i = 0; i < 1000; i++)
        flow_second(&f, i % 40 < 20, (uint32_t)(i % 40 < 20 && i % 3 == 0), (uint32_t)(i % 2), i);
    CHECK(f.headway_s == FLOW_HEADWAY_S && f.start_s == FLOW_START_S);
}
