#include "services/energy/forecast.h"

#include <math.h>

/* Constants of specs/energy.md 4, for load. */
static const double alpha = 0.1, rho = 0.8, error_max_w = 3000;

static void
close_hour(struct forecast *f)
{
    uint32_t h = f->hour;
    double x = f->sum_w / f->readings;
    double error = x - f->mean_w[h];
    f->last_error_w = f->days[h] ? error : 0;
    f->days[h]++;
    double weight = fmax(alpha, 1.0 / f->days[h]);
    if (f->days[h] > 1) /* the first value is taken whole: there is nothing to protect */
        error = fmax(-error_max_w, fmin(error_max_w, error));
    f->mean_w[h] += weight * error;
    f->sum_w = 0;
    f->readings = 0;
}

void
forecast_add(struct forecast *f, uint32_t hour, double watt)
{
    ASSERT(hour < FORECAST_HOURS && isfinite(watt));
    if (f->readings > 0 && hour != f->hour)
        close_hour(f);
    f->hour = hour;
    f->sum_w += watt;
    f->readings++;
}

double
forecast_ahead(const struct forecast *f, uint32_t k)
{
    ASSERT(k < FORECAST_HOURS);
    uint32_t h = (f->hour + k) % FORECAST_HOURS;
    if (f->days[h] == 0)
        return k == 0 && f->readings ? f->sum_w / f->readings : 0;
    return f->mean_w[h] + f->last_error_w * pow(rho, k + 1.0);
}
