#include "base/random.h"
#include "base/test.h"
#include "field/ntcip/control.h"
#include "field/ntcip/sample.h"

static struct cabinet cabinet;
static struct control k;

static struct ntcip_status
shown(uint8_t greens, uint8_t yellows)
{
    return (struct ntcip_status){.known = true,
                                 .greens = greens,
                                 .yellows = yellows,
                                 .reds = (uint8_t) ~(greens | yellows),
                                 .control = 2,
                                 .flash = FLASH_STATUS_NOT};
}

static void
begin(void)
{
    cabinet = sample_cabinet();
    control_init(&k, &cabinet);
}

static struct control_orders
step(const struct ntcip_status *s, int stage)
{
    struct control_orders o = control_step(&k, s, stage, true);
    control_sent(&k, &o, true);
    return o;
}

static bool
nothing(const struct control_orders *o)
{
    return (o->omit | o->hold | o->force_off | o->call) == 0;
}

TEST(a_lease_calls_omits_and_forces_off_after_minimum_green)
{
    begin();
    struct ntcip_status s = shown(0x22, 0); /* 2 and 6 */
    for (int i = 0; i < 5; i++) {
        struct control_orders o = step(&s, 1); /* 4 and 8 */
        CHECK(o.write && o.call == 0x88 && o.omit == 0x77 && o.force_off == 0 && o.hold == 0);
        CHECK(o.why == WHY_WAITS);
    }
    struct control_orders o = step(&s, 1);
    CHECK(o.force_off == 0x22 && o.why == WHY_FOLLOWS);
    s = shown(0, 0x22);
    o = step(&s, 1);
    CHECK(o.force_off == 0 && o.call == 0x88);
    s = shown(0x88, 0);
    k.looked = false; /* the second of red in between is not what this is about */
    o = step(&s, 1);
    CHECK(o.hold == 0x88 && o.omit == 0x77 && o.force_off == 0);
    CHECK(control_stage(&k, &s) == 1);
}

TEST(one_ring_may_go_while_the_other_stays)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    struct control_orders o = {.write = false};
    for (int i = 0; i <= 5; i++)
        o = step(&s, 3); /* 2 and 5 */
    CHECK(o.hold == 0x02 && o.force_off == 0x20 && o.call == 0x12);
}

TEST(people_on_foot_are_not_cut_off)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    s.walks = 0x02;
    struct control_orders o = {.write = false};
    for (int i = 0; i < 20; i++)
        o = step(&s, 1);
    CHECK(o.force_off == 0x20 && o.why == WHY_WAITS);
    s.walks = 0;
    s.ped_clears = 0x02;
    o = step(&s, 1);
    CHECK(o.force_off == 0x20);
    s.ped_clears = 0;
    o = step(&s, 1);
    CHECK(o.force_off == 0x22 && o.why == WHY_FOLLOWS);
}

TEST(without_a_lease_zeros_are_written_until_they_arrive_and_then_nothing)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    struct control_orders o = step(&s, -1);
    CHECK(!o.write && o.why == WHY_LOCAL); /* never commanded: not a word */
    o = step(&s, 0);
    CHECK(o.write && !nothing(&o));
    o = control_step(&k, &s, -1, true);
    CHECK(o.write && nothing(&o));
    control_sent(&k, &o, false);
    o = step(&s, -1);
    CHECK(o.write && nothing(&o));
    o = step(&s, -1);
    CHECK(!o.write);
}

TEST(who_does_not_answer_is_not_written_to)
{
    begin();
    struct ntcip_status s = shown(0x22, 0), unknown = {.known = false};
    step(&s, 0);
    struct control_orders o = step(&unknown, 0);
    CHECK(!o.write && o.why == WHY_UNKNOWN && control_stage(&k, &unknown) == -1);
    o = step(&s, -1);
    CHECK(o.write && nothing(&o)); /* it may still hold what was written before */
}

TEST(flash_alarm_preemption_and_hands_stop_the_commands)
{
    static const struct {
        struct ntcip_status with;
        enum control_why why;
    } cases[] = {
        {{.flash = 6}, WHY_FLASHES},
        {{.flash = 1}, WHY_FLASHES},
        {{.flash = 2, .short_alarm = SHORT_ALARM_FLASH}, WHY_FLASHES},
        {{.flash = 2, .alarm_1 = ALARM_1_MMU_FLASH}, WHY_FLASHES},
        {{.flash = 2, .short_alarm = SHORT_ALARM_CRITICAL}, WHY_ALARM},
        {{.flash = 2, .short_alarm = SHORT_ALARM_PREEMPT}, WHY_PREEMPTED},
        {{.flash = 2, .control = CONTROL_STATUS_MANUAL}, WHY_MANUAL},
        {{.flash = 2, .short_alarm = SHORT_ALARM_LOCAL_OVERRIDE}, WHY_MANUAL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        begin();
        struct ntcip_status s = shown(0x22, 0);
        CHECK(step(&s, 0).why == WHY_FOLLOWS);
        s.flash = cases[i].with.flash;
        s.short_alarm = cases[i].with.short_alarm;
        s.alarm_1 = cases[i].with.alarm_1;
        s.control = cases[i].with.control;
        struct control_orders o = step(&s, 0);
        CHECK(o.why == cases[i].why && o.write && nothing(&o));
        CHECK(!step(&s, 0).write);
        s = shown(0x22, 0);
        CHECK(step(&s, 0).why == WHY_FOLLOWS); /* and go on when it is over */
    }
}

TEST(weak_timing_stops_the_commands)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    struct control_orders o = control_step(&k, &s, 0, false);
    CHECK(o.why == WHY_TIMING && !o.write && nothing(&o));
}

TEST(a_conflict_stops_the_commands_and_twice_in_a_row_for_good)
{
    begin();
    struct ntcip_status good = shown(0x22, 0), bad = shown(0x0a, 0), mixed = shown(0x08, 0x02);
    CHECK(step(&good, 0).why == WHY_FOLLOWS);
    CHECK(step(&bad, 0).why == WHY_CONFLICT); /* one look may be torn */
    CHECK(step(&good, 0).why == WHY_FOLLOWS);
    CHECK(step(&bad, 0).why == WHY_CONFLICT);
    CHECK(step(&mixed, 0).why == WHY_CONFLICT);
    for (int i = 0; i < 100; i++)
        CHECK(step(&good, 0).why == WHY_CONFLICT);
    struct ntcip_status unknown = {.known = false};
    CHECK(step(&unknown, 0).why == WHY_CONFLICT);
}

TEST(a_green_that_ends_without_yellow_stops_the_commands_for_good)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    step(&s, 0);
    s = shown(0x02, 0x20);
    CHECK(step(&s, 0).why == WHY_FOLLOWS);
    s = shown(0, 0);
    CHECK(step(&s, 0).why == WHY_NO_YELLOW);
    s = shown(0x22, 0);
    CHECK(step(&s, 0).why == WHY_NO_YELLOW);
    begin();
    s = shown(0x22, 0);
    step(&s, 0);
    control_missed(&k); /* the yellow may have been in between */
    s = shown(0, 0);
    CHECK(step(&s, 0).why == WHY_FOLLOWS);
}

TEST(a_phase_with_two_colours_or_none_is_not_trusted)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    s.reds |= 0x02;
    CHECK(step(&s, 0).why == WHY_COLOURS);
    begin();
    s = shown(0x22, 0);
    s.reds &= 0x7f;
    CHECK(step(&s, 0).why == WHY_COLOURS);
}

/* K4, K5 over a long lease that never wants phase 4. */
TEST(nobody_who_calls_waits_longer_than_the_maximum_red)
{
    begin();
    struct ntcip_status s = shown(0x22, 0);
    s.veh_calls = 0x08;
    for (uint32_t i = 0; i + 1 < cabinet.maximum_red_s; i++) {
        struct control_orders o = step(&s, 0);
        CHECK(o.why == WHY_FOLLOWS);
        CHECK(o.hold == (i < cabinet.maximum_green_s ? 0x22 : 0)); /* K5 */
    }
    struct control_orders o = step(&s, 0);
    CHECK(o.why == WHY_STARVED && o.write && nothing(&o));
    s = shown(0, 0x22);
    s.veh_calls = 0x08;
    CHECK(step(&s, 0).why == WHY_STARVED);
    s = shown(0x88, 0);
    k.looked = false;
    CHECK(step(&s, 0).why == WHY_WAITS); /* served: the lease again */
}

/* Any look and any wish: what goes out keeps the rules, and everything is on the white list. */
TEST(random_looks_and_wishes_never_break_a_rule)
{
    struct random_seeded seeded = {.state = test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    begin();
    for (uint32_t i = 0; i < 300000; i++) {
        uint64_t v = random_u64(&r);
        if (v % 64 == 0)
            begin();
        uint8_t stages[] = {0x22, 0x88, 0x11, 0x12};
        struct ntcip_status s = shown(stages[v >> 8 & 3], 0);
        if ((v >> 10 & 7) == 0)
            s = shown((uint8_t)(v >> 16), (uint8_t)(v >> 24));
        s.known = (v >> 13 & 15) != 0;
        s.walks = (v >> 32 & 3) == 0 ? s.greens : 0;
        s.veh_calls = (uint8_t)(v >> 40);
        s.short_alarm = (v >> 50 & 31) == 0 ? (uint8_t)(v >> 56) : 0;
        int stage = (int)(v >> 60 & 7) - 1;
        stage = stage >= 4 ? -1 : stage;
        bool good = (v >> 48 & 3) != 0;
        struct control_orders o = control_step(&k, &s, stage, good);
        if (!nothing(&o)) {
            CHECK(s.known && good && stage >= 0 && o.write && k.fault == WHY_LOCAL);
            CHECK((o.force_off & (s.walks | s.ped_clears | (0xff ^ s.greens))) == 0);
            CHECK((o.hold | s.greens) == s.greens && o.call == cabinet.stage[stage]);
            CHECK((o.omit | cabinet.stage[stage]) == 0xff && (o.omit & cabinet.stage[stage]) == 0);
            for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
                CHECK(!(o.force_off & PHASE_BIT(p)) || k.green_s[p] >= cabinet.minimum_green_s);
        }
        control_sent(&k, &o, (v >> 46 & 1) != 0);
    }
}
