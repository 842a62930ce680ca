/*
 * home.h -- one home: load, sun, battery, and what it costs with the plan and without. Pure.
 *
 * Two homes are counted side by side: this one, and the same one whose battery never moves.
 */
#ifndef FIELD_HOME_H
#define FIELD_HOME_H

#include "base/base.h"
#include "base/random.h"
#include "field/homes/battery.h"
#include "field/homes/weather.h"

enum tariff { TARIFF_OFF_PEAK, TARIFF_SHOULDER, TARIFF_PEAK };

/* The tariff's register of this minute, its name ("off-peak"), its price per kWh. */
enum tariff tariff_at(uint64_t minute_of_year);
const char *tariff_name(enum tariff t);
double tariff_price(enum tariff t);

struct home {
    struct random_source random;
    double base_kw, morning_kw, evening_kw, heat_kw_per_c; /* habits, drawn once */
    double roof_kw;
    double shift_h; /* this home rises earlier or later */
    double noise;
    struct battery battery;
    double first_stored_kwh;
    /* of the last step */
    double load_kw, sun_kw, battery_kw;
    double cost, cost_idle; /* so far */
    /* the lease that stands */
    int64_t setpoint_w;
    int64_t lease_until_us; /* wall clock; 0: none */
};

void home_init(struct home *h, struct random_source random);

/*
 * The device's own check of a set-point: ERR_LIMIT outside its rated power. Otherwise it stands
 * until `until_us`.
 */
enum err home_command(struct home *h, int64_t power_w, int64_t until_us) MUST_USE;

/* One step of `minutes` that ends now. Without a lease that is valid at wall_us: standby. */
void home_step(struct home *h, const struct weather *w, uint64_t minute_of_year, double minutes,
               int64_t wall_us);

/* kW at the connection in the last step, the battery included. */
double home_net_kw(const struct home *h);

/*
 * What the plan has cost, with the difference between the first and the present state of the
 * battery paid at the cheapest price: a battery emptied for the comparison is no saving.
 */
double home_cost(const struct home *h);

#endif
