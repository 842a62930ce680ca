/* control_test.c -- when the whole control decides. */
#include "services/signals/optimize/control.h"
#include "base/test.h"

/* Two streets that cross, a lane each; who waits on the second is seen at once. */
static struct signals_model
crossing(void)
{
    struct signals_model m = {.phases_count = 2, .links_count = 2, .lanes_count = 2};
    m.exits_count = 1;
    for (uint32_t l = 0; l < 2; l++) {
        m.link_lane[l] = (uint8_t)l;
        m.lights[l][l] = LIGHT_GREEN;
        m.lane_m[l] = 200;
        m.lane_kmh[l] = 50;
    }
    m.exit_m[0] = 200;
    m.exit_name[0] = 7;
    return m;
}

/* The green's age when the change is first wished: a reading's age and the second that follows.
 * Each third reading may get lost. */
static uint32_t
changes_at(const struct signals_model *m, enum control_method method, bool loses)
{
    struct control_options options = {.method = method};
    struct control *c = control_new(1, &options);
    struct signals_reading r = {.phase = 0};
    uint32_t index;
    CHECK(c);
    CHECK_OK(control_add(c, m, &index));
    r.stop_on[1] = true;
    for (r.age_s = 0; r.age_s < 60; r.age_s++) {
        uint64_t now_ms = 1000 + r.age_s * 1000;
        if (!loses || r.age_s % 3 > 0 || r.age_s == 0)
            control_hear(c, 0, &r, now_ms);
        if (control_wish(c, 0, now_ms) == 1)
            break;
    }
    control_free(c);
    return r.age_s + 1;
}

TEST(the_minimum_green_is_that_of_the_phase_that_stands)
{
    for (int n = 0; n < 2 * CONTROL_METHODS_COUNT; n++) {
        int method = n / 2;
        bool loses = n % 2;
        struct signals_model m = crossing();
        CHECK(changes_at(&m, (enum control_method)method, loses) == 7); /* nothing said */
        m.yellow_s = 3;
        m.minimum_s[0] = 12;
        m.minimum_s[1] = 5;
        CHECK(changes_at(&m, (enum control_method)method, loses) == 12);
    }
}

/* A change that is under way cannot be taken back: what was wished last stands. */
TEST(while_a_phase_is_left_nothing_else_is_wished)
{
    struct control_options options = {.method = CONTROL_PLAN};
    struct control *c = control_new(1, &options);
    struct signals_model m = crossing();
    struct signals_reading r = {.phase = 0, .age_s = 20, .hold_s = 12};
    uint32_t index;
    CHECK(c);
    m.yellow_s = 3;
    m.minimum_s[0] = m.minimum_s[1] = 7;
    m.clears_s[0] = 12;
    CHECK_OK(control_add(c, &m, &index));
    r.stop_on[1] = true;
    uint64_t now_ms = 1000;
    control_hear(c, 0, &r, now_ms);
    CHECK(control_wish(c, 0, now_ms) == 1);
    const struct control_view *v = control_view(c, 0);
    CHECK(v->steps_count > 0 && v->steps[0].phase == 1 && v->steps[0].starts_s == 12 + 3);
    r.leaves = true;
    r.stop_on[1] = false; /* he has gone */
    for (uint32_t n = 0; n < 11; n++) {
        now_ms += 1000;
        r.age_s++;
        r.hold_s--;
        control_hear(c, 0, &r, now_ms);
        CHECK(control_wish(c, 0, now_ms) == 1);
    }
    control_free(c);
}
