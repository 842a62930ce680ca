#include "field/water/tank.h"

#include "base/test.h"

TEST(a_tank_neither_overflows_nor_runs_dry)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    for (int k = 0; k < 20; k++) {
        struct tank t;
        tank_init(&t, r);
        uint32_t starts = 0;
        for (uint32_t m = 0; m < 30 * 1440; m++) {
            bool before = t.pump;
            double level = t.level_m;
            tank_step(&t, m % 1440, 1);
            CHECK(t.level_m > 1 && t.level_m < t.brim_m && t.flow_l_s > 0);
            if (!before && t.pump) {
                CHECK(level <= t.start_m);
                starts++;
            }
            if (before && !t.pump)
                CHECK(level >= t.stop_m);
        }
        CHECK(starts > 20 && starts < 400);
    }
}
