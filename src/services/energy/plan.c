#include "services/energy/plan.h"

#include <math.h>

static const double one_way_efficiency = 0.92;

double
plan_need_wh(const struct plan_home *home, uint32_t *out_cheap_hours)
{
    const struct forecast *f = home->forecast;
    uint32_t cheap = 0;
    while (cheap < FORECAST_HOURS && home->bands[(f->hour + cheap) % FORECAST_HOURS] == BAND_CHEAP)
        cheap++;
    *out_cheap_hours = cheap;
    /* The deepest point of the way down, until the next cheap hour: sun on the way fills again. */
    double level = 0, need = 0;
    for (uint32_t k = cheap; k < FORECAST_HOURS; k++) {
        if (home->bands[(f->hour + k) % FORECAST_HOURS] == BAND_CHEAP)
            break;
        level += forecast_ahead(f, k);
        need = fmax(need, level);
    }
    return need;
}

static double
cheap_hour_w(const struct plan_home *home)
{
    uint32_t hours;
    double need_wh = plan_need_wh(home, &hours) / one_way_efficiency;
    double missing_wh = fmin(need_wh, home->capacity_wh) - home->soc * home->capacity_wh;
    if (missing_wh <= 0)
        return 0; /* keep it: every later hour is dearer */
    return missing_wh / one_way_efficiency / (hours ? hours : 1);
}

/* Limits combine by minimum; outside the corridor only inward moves (specs/energy.md 6.1, 6.2). */
static int64_t
guard(double wish_w, const struct plan_home *home, const struct plan_limits *limits)
{
    double high = (double)limits->charge_max_w, low = -(double)limits->discharge_max_w;
    if (home->soc >= 1)
        high = 0;
    if (home->soc * 10000 <= (double)limits->reserve_centi_percent)
        low = 0;
    double w = fmin(fmax(wish_w, low), high);
    return (int64_t)(trunc(w / PLAN_ROUND_W)) * PLAN_ROUND_W;
}

int64_t
plan_setpoint_w(const struct plan_home *home, const struct plan_limits *limits)
{
    ASSERT(isfinite(home->house_w) && home->soc >= 0 && home->soc <= 1 && home->capacity_wh > 0);
    ASSERT(limits->charge_max_w >= 0 && limits->discharge_max_w >= 0);
    double w = -home->house_w; /* own sun into the battery, own load out of it */
    if (home->band == BAND_CHEAP && w <= 0)
        w = cheap_hour_w(home);
    return guard(w, home, limits);
}
