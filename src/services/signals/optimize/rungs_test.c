/* rungs_test.c -- lies and silence as the whole control sees them: what it believes and on which
 * rung it stands. */
#include "services/signals/optimize/control.h"
#include "base/test.h"

enum { LANES = 4, EXIT_NAME = 77 };

static struct signals_model model;
static struct signals_reading reading;
static struct control *c;
static uint64_t now_ms;

/* Two streets of two lanes that cross, a loop 139 m (10 s) before each lane. */
static void
begin(const struct control_options *options, uint32_t junctions)
{
    model = (struct signals_model){.phases_count = 2,
                                   .links_count = LANES,
                                   .lanes_count = LANES,
                                   .exits_count = 1,
                                   .loops_count = LANES,
                                   .yellow_s = 3,
                                   .minimum_s = {7, 7}};
    for (uint32_t l = 0; l < LANES; l++) {
        model.link_lane[l] = (uint8_t)l;
        model.lights[l / 2][l] = LIGHT_GREEN;
        model.lane_m[l] = 200;
        model.lane_kmh[l] = 50;
        model.loops[l] = (struct signals_source){
            .distance_m = 139, .lanes_count = 2, .lanes = {(uint8_t)l, (uint8_t)(l ^ 1)}};
    }
    model.exit_m[0] = 200;
    model.exit_name[0] = EXIT_NAME;
    memset(&reading, 0, sizeof(reading));
    now_ms = 1000;
    c = control_new(2, options);
    CHECK(c);
    for (uint32_t i = 0; i < junctions; i++) {
        uint32_t index;
        struct signals_model m = model;
        if (i == 1) { /* it stands where the first one's exit leads */
            m.exit_name[0] = EXIT_NAME + 1;
            m.feeders_count = 1;
            m.feeders[0] = (struct signals_source){
                .exit = EXIT_NAME, .distance_m = 200, .lanes_count = 1, .lanes = {0}};
        }
        CHECK_OK(control_add(c, &m, &index));
        CHECK(index == i);
    }
}

static int32_t
second(void)
{
    now_ms += 1000;
    reading.age_s++;
    control_hear(c, 0, &reading, now_ms);
    return control_wish(c, 0, now_ms);
}

static const struct control_options plain = {.method = CONTROL_PLAN, .loops_only = true};

TEST(the_rung_follows_the_dead_lanes)
{
    static const enum control_rung rungs[LANES + 1] = {RUNG_PLAN, RUNG_VIRTUAL, RUNG_VIRTUAL,
                                                       RUNG_RATES, RUNG_LOCAL};
    for (uint32_t dead = 0; dead <= LANES; dead++) {
        begin(&plain, 1);
        CHECK(control_view(c, 0)->rung == RUNG_LOCAL);
        reading.stop_on[0] = true;
        for (uint32_t l = 0; l < dead; l++)
            reading.dead[LANES - 1 - l] = true;
        reading.age_s = 19; /* a second at which it decides */
        int32_t wish = second();
        CHECK(control_view(c, 0)->rung == rungs[dead]);
        CHECK((control_view(c, 0)->decided_ms == now_ms) == (rungs[dead] != RUNG_LOCAL));
        CHECK((wish == NO_WISH) == (rungs[dead] == RUNG_LOCAL));
        CHECK((strstr(control_view(c, 0)->rung_why, "lanes dead") != NULL) == (dead > 0));
        for (uint32_t l = 0; l < LANES; l++)
            CHECK((control_view(c, 0)->trust_percent[l] == 0) == reading.dead[l]);
        control_free(c);
    }
}

TEST(silence_leads_to_no_wish_and_a_short_one_is_forgiven)
{
    begin(&plain, 1);
    reading.stop_on[0] = true;
    CHECK(second() != NO_WISH);
    CHECK(control_wish(c, 0, now_ms + CONTROL_STALE_MS) != NO_WISH);
    CHECK(control_wish(c, 0, now_ms + CONTROL_STALE_MS + 1) == NO_WISH);
    CHECK(control_view(c, 0)->rung == RUNG_LOCAL);
    now_ms += 8000;
    CHECK(second() != NO_WISH && control_view(c, 0)->rung == RUNG_PLAN);
    control_free(c);
}

TEST(a_silent_neighbour_is_missed)
{
    begin(&plain, 2);
    reading.stop_on[0] = true;
    second();
    control_hear(c, 1, &reading, now_ms);
    control_wish(c, 1, now_ms);
    CHECK(control_view(c, 1)->rung == RUNG_PLAN);
    now_ms += CONTROL_STALE_MS + 1000;
    reading.age_s += 4;
    control_hear(c, 1, &reading, now_ms);
    CHECK(control_wish(c, 1, now_ms) != NO_WISH);
    CHECK(control_view(c, 1)->rung == RUNG_VIRTUAL);
    CHECK(strcmp(control_view(c, 1)->rung_why, "1 of 1 neighbours silent") == 0);
    control_free(c);
}

TEST(what_is_sent_again_is_not_counted_again)
{
    begin(&plain, 1);
    second();
    reading.advance[0] = 1;
    second();
    for (uint32_t i = 0; i < 10; i++)
        control_hear(c, 0, &reading, now_ms + i); /* the same second */
    struct signals_reading old = reading;
    old.age_s = 0;
    now_ms += 1000;
    CHECK(!control_hear(c, 0, &old, now_ms)); /* a green that is younger than it was */
    old.phase = 1;
    old.age_s = 30;
    CHECK(!control_hear(c, 0, &old, now_ms)); /* and one that cannot have stood so long */
    memset(reading.advance, 0, sizeof(reading.advance));
    second();
    CHECK(control_view(c, 0)->near[0] + control_view(c, 0)->near[1] == 1);
    control_free(c);
}

/* A lying loop on lane 2, an honest one on lane 0; lane 0's phase is wished unless lane 2 lies
 * well.
 */
static uint32_t
waited_beside_a_liar(const struct control_options *options)
{
    uint32_t waited = 0, waiting = 0;
    int32_t next = 0;
    begin(options, 1);
    reading.phase = 0;
    for (uint32_t t = 0; t < 1200; t++) {
        memset(reading.stop, 0, sizeof(reading.stop));
        reading.advance[2] = t % 2 == 0;
        reading.advance[0] = t % 8 == 0;
        waiting += t >= 10 && t % 8 == 2; /* ten seconds after the loop */
        reading.stop[0] = reading.phase == 0 && waiting > 0 && t % 2 == 0;
        waiting -= reading.stop[0];
        reading.stop_on[0] = waiting > 0;
        reading.advance_on[1] = t * t % 11 < 5; /* else seconds would be alike, and old ones */
        reading.advance_on[3] = t * t % 13 < 6;
        int32_t wish = second();
        if (reading.phase >= 0 ? wish >= 0 && wish != reading.phase : reading.age_s == 2) {
            next = reading.phase >= 0 ? wish : next;
            reading.phase = reading.phase >= 0 ? -1 : next; /* 3 s of yellow */
            reading.age_s = UINT32_MAX;                     /* 0, when it is heard */
        }
        waited += t >= 200 ? waiting : 0;
    }
    CHECK(options->trusting || control_view(c, 0)->trust_percent[2] <= 10);
    CHECK(control_view(c, 0)->trust_percent[0] == 100);
    control_free(c);
    return waited;
}

TEST(a_lying_loop_delays_others_only_where_it_is_believed)
{
    struct control_options trusting = plain;
    trusting.trusting = true;
    uint32_t believed = waited_beside_a_liar(&trusting);
    uint32_t defended = waited_beside_a_liar(&plain);
    CHECK(defended * 2 < believed);
}

/* One who stands at the first one's green will come to the second one's red. */
TEST(what_a_neighbour_intends_is_planned_with_while_it_speaks)
{
    for (int deaf = 0; deaf < 2; deaf++) {
        struct control_options options = plain;
        options.deaf = deaf == 1;
        begin(&options, 2);
        struct signals_reading other = {.phase = 1, .age_s = 20};
        bool turns[2] = {false, false}; /* to its street: while told; long after */
        reading.phase = 1;
        reading.age_s = 20;
        reading.stop_on[2] = true;
        for (int t = 0; t < 12; t++) {
            now_ms += 1000;
            reading.age_s++, other.age_s++;
            if (t < 2)
                control_hear(c, 0, &reading, now_ms);
            control_hear(c, 1, &other, now_ms);
            if (t < 2)
                (void)control_wish(c, 0, now_ms);
            (void)control_wish(c, 1, now_ms);
            const struct control_view *v = control_view(c, 1);
            if (v->decided_ms == now_ms && (t < 2 || t >= 6))
                turns[t >= 6] |= v->steps_count > 0;
        }
        CHECK(turns[0] == (deaf == 0));
        CHECK(!turns[1]);
        control_free(c);
    }
}
