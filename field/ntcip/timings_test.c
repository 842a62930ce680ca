#include "base/test.h"
#include "field/ntcip/sample.h"

TEST(a_controller_as_strong_as_the_envelope_is_commanded)
{
    struct cabinet c = sample_cabinet();
    struct timings t = sample_timings(&c);
    struct timing_finding f;
    CHECK_OK(timings_check(&c, &t, &f));
    t.backup_s.number = 1;
    CHECK_OK(timings_check(&c, &t, &f));
}

/* Each figure of each phase, one weaker or not told: found, with phase, figure and rule. */
TEST(each_weaker_figure_is_found)
{
    static const int32_t weaker[TIMINGS_COUNT] = {
        [TIMING_MINIMUM_GREEN] = -1, [TIMING_MAXIMUM_1] = 1, [TIMING_YELLOW] = -1,
        [TIMING_RED_CLEAR] = -1,     [TIMING_WALK] = -1,     [TIMING_PED_CLEAR] = -1,
        [TIMING_RING] = 1,
    };
    struct cabinet c = sample_cabinet();
    struct timing_finding f;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        for (enum ntcip_timing i = 0; i < TIMINGS_COUNT; i++) {
            bool walks = (i == TIMING_WALK || i == TIMING_PED_CLEAR) && p != 2;
            struct timings t = sample_timings(&c), same = t;
            int32_t was = t.phase[p][i].number;
            t.phase[p][i].number += weaker[i];
            CHECK((timings_check(&c, &t, &f) == ERR_DENIED) != walks);
            CHECK(timings_equal(&c, &t, &same) == walks);
            if (walks)
                continue;
            CHECK(f.phase == p && f.timing == i && f.wants == was && f.has == was + weaker[i]);
            CHECK(f.rule > RULE_NOT_TOLD && f.rule < RULE_BACKUP_TIME);
            t.phase[p][i].there = false;
            CHECK(timings_check(&c, &t, &f) == ERR_DENIED && f.rule == RULE_NOT_TOLD);
            t.phase[p][i] = (struct ntcip_value){true, 256};
            CHECK(timings_check(&c, &t, &f) == ERR_DENIED && f.rule == RULE_NOT_TOLD);
        }
}

TEST(the_backup_timer_must_run_and_be_short)
{
    struct cabinet c = sample_cabinet();
    struct timings t = sample_timings(&c);
    struct timing_finding f;
    static const struct ntcip_value bad[] = {{true, 0}, {true, 6}, {true, 65535}, {false, 5}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        t.backup_s = bad[i];
        CHECK(timings_check(&c, &t, &f) == ERR_DENIED && f.phase == 0);
        CHECK(f.rule == (bad[i].there ? RULE_BACKUP_TIME : RULE_NOT_TOLD));
    }
}
