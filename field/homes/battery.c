#include "field/homes/battery.h"

#include <math.h>

struct point {
    double x, y;
};
static const struct point power_curve[] = {{0, 1}, {0.8, 1}, {1, 0.2}};
static const struct point efficiency_curve[] = {
    {0, 0.83}, {0.3, 0.83}, {0.7, 0.90}, {0.8, 0.90}, {1, 0.85}};

static double
curve_at(const struct point *points, size_t count, double x)
{
    for (size_t i = 1; i < count; i++)
        if (x <= points[i].x) {
            const struct point *a = &points[i - 1], *b = &points[i];
            return a->y + (b->y - a->y) * (x - a->x) / (b->x - a->x);
        }
    return points[count - 1].y;
}

void
battery_init(struct battery *b, double capacity_kwh, double power_kw)
{
    ASSERT(capacity_kwh > 0 && power_kw > 0);
    *b = (struct battery){
        .capacity_kwh = capacity_kwh, .first_capacity_kwh = capacity_kwh, .power_kw = power_kw};
}

double
battery_step(struct battery *b, double power_kw, double hours)
{
    ASSERT(isfinite(power_kw) && hours > 0);
    double x = b->stored_kwh / b->capacity_kwh;
    /* The capacity fades below a full battery; the original finds full power there (2.4). */
    double share = x > 1 ? 1 : curve_at(power_curve, ARRAY_COUNT(power_curve), x);
    double most = b->power_kw * share;
    double asked = fmax(-most, fmin(most, power_kw));
    double eta =
        sqrt(curve_at(efficiency_curve, ARRAY_COUNT(efficiency_curve), fabs(asked) / b->power_kw));
    double before = b->stored_kwh;
    if (asked >= 0)
        b->stored_kwh = fmin(before + asked * hours * eta, b->capacity_kwh);
    else
        b->stored_kwh = fmax(0, before + asked * hours / eta);
    double change = b->stored_kwh - before;
    double at_meter = change >= 0 ? change / eta : change * eta;
    b->capacity_kwh -= 1e-5 * b->first_capacity_kwh * fabs(at_meter) / (2 * b->capacity_kwh);
    return at_meter;
}

double
battery_soc(const struct battery *b)
{
    double soc = b->stored_kwh / b->capacity_kwh;
    return soc > 1 ? 1 : soc;
}
