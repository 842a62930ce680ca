#include "field/homes/home.h"

#include <math.h>

enum { MINUTES_HOUR = 60, MINUTES_DAY = 1440 };

static const double capacity_kwh = 6.4, power_kw = 5;
static const double floor_soc = 0.1;          /* the device never empties its battery further */
static const double export_price = 0.03;      /* per kWh */
static const double one_way_efficiency = 0.9; /* to price what is missing at the end */

enum tariff
tariff_at(uint64_t minute_of_year)
{
    uint64_t hour = minute_of_year % MINUTES_DAY / MINUTES_HOUR;
    uint64_t weekday = minute_of_year / MINUTES_DAY % 7;
    if (hour < 7 || hour >= 23)
        return TARIFF_OFF_PEAK;
    return hour >= 16 && hour < 21 && weekday < 5 ? TARIFF_PEAK : TARIFF_SHOULDER;
}

const char *
tariff_name(enum tariff t)
{
    static const char *const names[] = {"off-peak", "shoulder", "peak"};
    return names[t];
}

double
tariff_price(enum tariff t)
{
    static const double prices[] = {0.10, 0.17, 0.32};
    return prices[t];
}

void
home_init(struct home *h, struct random_source random)
{
    *h = (struct home){.random = random, .setpoint_w = 0};
    h->base_kw = 0.15 + 0.25 * random_unit(&random);
    h->morning_kw = 0.4 + 0.8 * random_unit(&random);
    h->evening_kw = 0.8 + 1.6 * random_unit(&random);
    h->heat_kw_per_c = 0.02 + 0.05 * random_unit(&random);
    h->roof_kw = 3 + 3 * random_unit(&random);
    h->shift_h = 1.2 * random_bell(&random);
    battery_init(&h->battery, capacity_kwh, power_kw);
    h->battery.stored_kwh = h->first_stored_kwh = capacity_kwh / 2;
}

enum err
home_command(struct home *h, int64_t power_w, int64_t until_us)
{
    if (power_w > (int64_t)(power_kw * 1000) || power_w < -(int64_t)(power_kw * 1000))
        return ERR_LIMIT;
    h->setpoint_w = power_w;
    h->lease_until_us = until_us;
    return OK;
}

static double
bump(double hour, double middle, double width)
{
    double x = (hour - middle) / width;
    return exp(-x * x);
}

static double
draw_load(struct home *h, const struct weather *w, uint64_t minute)
{
    double hour = (double)(minute % MINUTES_DAY) / MINUTES_HOUR - h->shift_h;
    bool weekend = minute / MINUTES_DAY % 7 >= 5;
    double load = h->base_kw + h->morning_kw * bump(hour, weekend ? 9.5 : 7.2, 1.4) +
                  h->evening_kw * bump(hour, 18.8, 2.3) + (weekend ? 0.3 * bump(hour, 13, 3) : 0);
    double air_c = weather_air_c(w, minute);
    load += h->heat_kw_per_c * (fmax(0, 15 - air_c) + 1.3 * fmax(0, air_c - 24));
    h->noise = 0.8 * h->noise + 0.1 * random_bell(&h->random);
    return fmax(0.05, load * (1 + h->noise));
}

static double
money(double net_kw, double hours, double price)
{
    return net_kw * hours * (net_kw > 0 ? price : export_price);
}

void
home_step(struct home *h, const struct weather *w, uint64_t minute_of_year, double minutes,
          int64_t wall_us)
{
    ASSERT(minutes > 0);
    double hours = minutes / MINUTES_HOUR;
    h->load_kw = draw_load(h, w, minute_of_year);
    h->sun_kw = h->roof_kw * weather_sun(w, minute_of_year);
    if (wall_us >= h->lease_until_us) {
        h->setpoint_w = 0;
        h->lease_until_us = 0;
    }
    double asked = (double)h->setpoint_w / 1000;
    /* The device's own floor: no more than what lies above it. */
    double above_kwh = h->battery.stored_kwh - floor_soc * h->battery.capacity_kwh;
    asked = fmax(asked, -fmax(0, above_kwh) * one_way_efficiency / hours);
    h->battery_kw = battery_step(&h->battery, asked, hours) / hours;
    double price = tariff_price(tariff_at(minute_of_year));
    double idle_kw = h->load_kw - h->sun_kw;
    h->cost_idle += money(idle_kw, hours, price);
    h->cost += money(idle_kw + h->battery_kw, hours, price);
}

double
home_net_kw(const struct home *h)
{
    return h->load_kw - h->sun_kw + h->battery_kw;
}

double
home_cost(const struct home *h)
{
    double missing_kwh = h->first_stored_kwh - h->battery.stored_kwh;
    double price = tariff_price(TARIFF_OFF_PEAK);
    /* What is missing must be bought with losses; what is left over is worth what it will save
     * at least: its cheapest price, with losses the other way. */
    return h->cost + (missing_kwh > 0 ? missing_kwh / one_way_efficiency * price
                                      : missing_kwh * one_way_efficiency * price);
}
