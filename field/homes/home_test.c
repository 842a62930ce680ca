#include "field/homes/home.h"

#include <math.h>

#include "base/test.h"
#include "field/homes/district.h"

TEST(a_battery_keeps_its_limits_whatever_is_asked)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct battery b;
    battery_init(&b, 6.4, 5);
    for (int i = 0; i < 200000; i++) {
        double asked = 40 * random_unit(&r) - 20, hours = 0.01 + random_unit(&r);
        double before = b.stored_kwh, g = battery_step(&b, asked, hours);
        CHECK(b.stored_kwh >= 0 && fabs(g) <= 5 * hours + 1e-9);
        CHECK(b.stored_kwh <= 6.4 && b.capacity_kwh > 0 && b.capacity_kwh <= 6.4);
        /* Energy is lost, never made. */
        CHECK(g >= 0 ? b.stored_kwh - before <= g + 1e-12 : before - b.stored_kwh >= -g - 1e-12);
        CHECK(battery_soc(&b) <= 1);
    }
}

/* specs/energy.md 2.1, by hand for one hour: half power, empty battery. */
TEST(one_hour_of_a_battery_is_what_the_formula_says)
{
    struct battery b;
    battery_init(&b, 6.4, 5);
    double eta = sqrt(0.865); /* between (0.3, 0.83) and (0.7, 0.90) at 0.5 */
    double g = battery_step(&b, 2.5, 1);
    CHECK(fabs(g - 2.5) < 1e-12 && fabs(b.stored_kwh - 2.5 * eta) < 1e-12);
    CHECK(fabs(b.capacity_kwh - (6.4 - 1e-5 * 6.4 * 2.5 / 12.8)) < 1e-12);
    CHECK(district_greedy(0, 20, 6.4) == 1 && fabs(district_greedy(3.2, 0, 6.4) + 0.5) < 1e-12);
}

TEST(a_lease_ends_and_the_battery_stands_by)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct weather w = {.random = r};
    struct home h;
    home_init(&h, r);
    CHECK(home_command(&h, 5001, 10) == ERR_LIMIT && home_command(&h, -5001, 10) == ERR_LIMIT);
    CHECK(home_command(&h, INT64_MIN, 10) == ERR_LIMIT && h.setpoint_w == 0);
    CHECK_OK(home_command(&h, 2000, 1000));
    weather_step(&w, 600);
    home_step(&h, &w, 600, 5, 999);
    CHECK(fabs(h.battery_kw - 2) < 1e-9);
    home_step(&h, &w, 605, 5, 1000);
    CHECK(h.battery_kw == 0 && h.setpoint_w == 0);
    CHECK_OK(home_command(&h, -5000, INT64_MAX));
    for (uint64_t m = 610; m < 1440; m += 5) {
        home_step(&h, &w, m, 5, 2000);
        CHECK(battery_soc(&h.battery) > 0.09); /* the device's own floor */
    }
    CHECK(battery_soc(&h.battery) < 0.12);
}

TEST(emptying_the_battery_is_no_saving)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct weather w = {.random = r};
    struct home h;
    home_init(&h, r);
    CHECK_OK(home_command(&h, -1000, INT64_MAX));
    for (uint64_t m = 0; m < 120; m += 5) { /* two cheap hours at night */
        weather_step(&w, m);
        home_step(&h, &w, m, 5, 1);
    }
    CHECK(h.cost < h.cost_idle && home_cost(&h) > h.cost_idle);
}

TEST(a_year_has_sun_in_summer_and_need_in_winter)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct weather w = {.random = r};
    struct home h;
    home_init(&h, r);
    double sun[12] = {0}, load[12] = {0};
    for (uint64_t m = 0; m < 365 * 1440; m += 15) {
        weather_step(&w, m);
        home_step(&h, &w, m, 15, 1);
        size_t month = m / 1440 * 12 / 365;
        sun[month] += h.sun_kw;
        load[month] += h.load_kw;
        CHECK(h.sun_kw >= 0 && h.load_kw > 0 && h.load_kw < 30 && h.sun_kw <= h.roof_kw);
    }
    CHECK(sun[5] > 2 * sun[11] && load[0] > 1.2 * load[5]);
    CHECK(h.cost_idle > 0);
}
