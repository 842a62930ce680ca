#include "field/homes/weather.h"

#include <math.h>

enum { MINUTES_DAY = 1440, DAYS = 365 };
static const double two_pi = 6.28318530717958647692;

double
random_unit(const struct random_source *r)
{
    return (double)(random_u64(r) >> 11) / 9007199254740992.0;
}

double
random_bell(const struct random_source *r)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(r);
    return sum;
}

/* -1 at midwinter (around day 355), +1 at midsummer. */
static double
season(uint32_t day)
{
    return -cos(two_pi * (day + 10) / DAYS);
}

/* Weather stays: the next day is like this one more often than not. */
static enum day_kind
next_kind(enum day_kind kind, const struct random_source *r)
{
    static const double stay[] = {0.65, 0.45, 0.55};
    double u = random_unit(r);
    if (u < stay[kind])
        return kind;
    if (kind == DAY_MIXED)
        return u < stay[kind] + (1 - stay[kind]) / 2 ? DAY_CLEAR : DAY_GREY;
    return DAY_MIXED;
}

void
weather_step(struct weather *w, uint64_t minute_of_year)
{
    uint32_t day = (uint32_t)(minute_of_year / MINUTES_DAY % DAYS);
    if (!w->drawn || day != w->day) {
        w->kind = w->drawn ? next_kind(w->kind, &w->random) : DAY_MIXED;
        w->day = day;
        w->drawn = true;
        w->warmth_c = 8 + 14 * season(day) + 3 * random_bell(&w->random);
    }
    static const double usual[] = {0.03, 0.40, 0.82}, waver[] = {0.02, 0.12, 0.05};
    w->cloud += 0.15 * (usual[w->kind] - w->cloud) + waver[w->kind] * random_bell(&w->random);
    w->cloud = fmax(0, fmin(1, w->cloud));
}

double
weather_sun(const struct weather *w, uint64_t minute_of_year)
{
    double hour = (double)(minute_of_year % MINUTES_DAY) / 60;
    double daylight_h = 12 + 3.6 * season(w->day); /* about 45 degrees north */
    double from_noon = fabs(hour - 12.5) / (daylight_h / 2);
    if (from_noon >= 1)
        return 0;
    double height = cos(from_noon * two_pi / 4) * (0.72 + 0.20 * season(w->day));
    return height * (1 - 0.85 * w->cloud);
}

double
weather_air_c(const struct weather *w, uint64_t minute_of_year)
{
    double hour = (double)(minute_of_year % MINUTES_DAY) / 60;
    return w->warmth_c - 4 * cos(two_pi * (hour - 3) / 24) - 2 * w->cloud;
}
