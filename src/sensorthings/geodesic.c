/*
 * geodesic.c -- metres on the WGS 84 ellipsoid.
 *
 * T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid", Survey Review 1975,
 * for nearly all pairs. Its iteration fails between nearly opposite points; there the azimuth is
 * searched as in C. Karney, "Algorithms for geodesics", J. Geodesy 2013, section 4: with the more
 * polar point first and in the south, the longitude that is reached grows with the azimuth, so
 * bisection finds it. The integrals (equations 7 and 8 there) are taken by Gauss and Legendre.
 */
#include "sensorthings/geometry.h"

#include <math.h>

#define A_M 6378137.0
#define FLATTENING (1 / 298.257223563)
#define B_M (A_M * (1 - FLATTENING))
#define RADIAN (M_PI / 180)

/* Half of the points of the rule of order 16, and their weights. */
static const double rule[8][2] = {
    {0.0950125098376374402, 0.1894506104550684963}, {0.2816035507792589132, 0.1826034150449235889},
    {0.4580167776572273863, 0.1691565193950025382}, {0.6178762444026437484, 0.1495959888165767321},
    {0.7554044083550030339, 0.1246289712555338720}, {0.8656312023878317439, 0.0951585116824927848},
    {0.9445750230732325761, 0.0622535239386478929}, {0.9894009349916499326, 0.0271524594117540949}};

/* Both integrals from s1 to s2: of distance, and of longitude. */
static void
integrals(double k2, double s1, double s2, double *out_distance, double *out_longitude)
{
    double middle = (s1 + s2) / 2, half = (s2 - s1) / 2, distance = 0, longitude = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rule); i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double s = sin(middle + sign * half * rule[i][0]), w = sqrt(1 + k2 * s * s);
            distance += rule[i][1] * w;
            longitude += rule[i][1] * (2 - FLATTENING) / (1 + (1 - FLATTENING) * w);
        }
    *out_distance = half * distance;
    *out_longitude = half * longitude;
}

/* Where a geodesic that leaves at this azimuth is at the other latitude: longitude and metres. */
static double
reach(double azimuth, double sin1, double cos1, double sin2, double cos2, double *out_m)
{
    double sin_a = sin(azimuth), cos_a = cos(azimuth);
    double sin0 = sin_a * cos1, cos0 = hypot(cos_a, sin_a * sin1);
    double over = cos_a * cos_a * cos1 * cos1 + (cos2 * cos2 - cos1 * cos1);
    double cos_a2 = sqrt(over > 0 ? over : 0) / cos2;
    double s1 = atan2(sin1, cos_a * cos1), s2 = atan2(sin2, cos_a2 * cos2);
    double w1 = atan2(sin0 * sin(s1), cos(s1)), w2 = atan2(sin0 * sin(s2), cos(s2));
    double e2 = FLATTENING * (2 - FLATTENING), k2 = e2 / (1 - e2) * cos0 * cos0;
    double distance, longitude;
    integrals(k2, s1, s2, &distance, &longitude);
    *out_m = B_M * distance;
    return w2 - w1 - FLATTENING * sin0 * longitude;
}

static double
search(double beta1, double beta2, double longitude)
{
    if (fabs(beta1) < fabs(beta2)) {
        double t = beta1;
        beta1 = beta2;
        beta2 = t;
    }
    if (beta1 > 0) {
        beta1 = -beta1;
        beta2 = -beta2;
    }
    bool equator = beta1 > -1e-12; /* some micrometres */
    if (equator && longitude <= M_PI * (1 - FLATTENING))
        return A_M * longitude; /* along it; only farther on another way is shorter */
    double low = 0, high = M_PI, metres = 0;
    double sin1 = equator ? -1e-300 : sin(beta1), cos1 = cos(beta1);
    for (int i = 0; i < 100 && high - low > 0; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (reach(middle, sin1, cos1, sin(beta2), cos(beta2), &metres) < longitude)
            low = middle;
        else
            high = middle;
    }
    return metres;
}

double
sta_geodesic_m(struct sta_point a, struct sta_point b)
{
    double l = remainder(b.x - a.x, 360) * RADIAN, lambda = l, sigma = 0, sin_sigma = 0;
    double beta1 = atan((1 - FLATTENING) * tan(a.y * RADIAN));
    double beta2 = atan((1 - FLATTENING) * tan(b.y * RADIAN));
    double s1 = sin(beta1), c1 = cos(beta1), s2 = sin(beta2), c2 = cos(beta2);
    double cos_sigma = 1, cos2_alpha = 1, middle = 0; /* of twice the middle's distance */
    int rounds = 0;
    for (; rounds < 20; rounds++) {
        double sl = sin(lambda), cl = cos(lambda), before = lambda;
        sin_sigma = hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
        if (sin_sigma == 0 && cl > 0)
            return 0;
        cos_sigma = s1 * s2 + c1 * c2 * cl;
        sigma = atan2(sin_sigma, cos_sigma);
        double sin_alpha = sin_sigma == 0 ? 0 : c1 * c2 * sl / sin_sigma;
        cos2_alpha = 1 - sin_alpha * sin_alpha;
        middle = cos2_alpha > 1e-15 ? cos_sigma - 2 * s1 * s2 / cos2_alpha : 0;
        double c = FLATTENING / 16 * cos2_alpha * (4 + FLATTENING * (4 - 3 * cos2_alpha));
        lambda =
            l + (1 - c) * FLATTENING * sin_alpha *
                    (sigma + c * sin_sigma * (middle + c * cos_sigma * (2 * middle * middle - 1)));
        if (fabs(lambda) > M_PI)
            rounds = 20; /* beyond the opposite point */
        if (fabs(lambda - before) < 1e-13)
            break;
    }
    if (rounds >= 20 || sigma > 3.1)
        return search(beta1, beta2, fabs(l));
    double u2 = cos2_alpha * (A_M * A_M - B_M * B_M) / (B_M * B_M);
    double big_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    double big_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    double m2 = middle * middle;
    double delta =
        big_b * sin_sigma *
        (middle + big_b / 4 *
                      (cos_sigma * (2 * m2 - 1) -
                       big_b / 6 * middle * (4 * sin_sigma * sin_sigma - 3) * (4 * m2 - 3)));
    return B_M * big_a * (sigma - delta);
}

enum err
sta_geometry_length(const struct sta_geometry *g, double *out_m)
{
    double sum = 0;
    if (g->dimension != 1)
        return ERR_UNSUPPORTED;
    for (uint32_t p = 0; p < g->parts_count; p++)
        for (uint32_t i = 1; i < g->parts[p].count; i++)
            sum += sta_geodesic_m(g->points[g->parts[p].first + i - 1],
                                  g->points[g->parts[p].first + i]);
    *out_m = sum;
    return OK;
}

static struct sta_point
between(struct sta_point a, struct sta_point b, double t)
{
    return (struct sta_point){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
}

/* The least distance from a point to a straight edge: golden sections. */
static double
to_edge(struct sta_point p, struct sta_point a, struct sta_point b)
{
    const double golden = 0.6180339887498949;
    double low = 0, high = 1, x1 = 1 - golden, x2 = golden;
    double d1 = sta_geodesic_m(p, between(a, b, x1)), d2 = sta_geodesic_m(p, between(a, b, x2));
    for (int i = 0; i < 60; i++) {
        if (d1 < d2) {
            high = x2;
            x2 = x1;
            d2 = d1;
            x1 = high - golden * (high - low);
            d1 = sta_geodesic_m(p, between(a, b, x1));
        } else {
            low = x1;
            x1 = x2;
            d1 = d2;
            x2 = low + golden * (high - low);
            d2 = sta_geodesic_m(p, between(a, b, x2));
        }
    }
    return d1 < d2 ? d1 : d2;
}

/* A golden search looks so many times; a geodesic takes about a microsecond, 64 looks at edges
 * less. */
enum { GEODESIC_WORK = 64, SEARCH_WORK = 62 * GEODESIC_WORK };

static bool
spend(uint64_t *work, uint64_t n)
{
    if (*work < n) {
        *work = 0;
        return false;
    }
    *work -= n;
    return true;
}

/* Points of a to edges of b, below *best. An edge that starts farther away than its own length and
 * the best together cannot be nearer: no edge is longer than the way along parallel and meridian.
 */
static bool
nearer(const struct sta_geometry *a, const struct sta_geometry *b, uint64_t *work, double *best)
{
    for (uint32_t i = 0; i < a->points_count; i++)
        for (uint32_t p = 0; p < b->parts_count; p++)
            for (uint32_t k = 0; k < b->parts[p].count; k++) {
                const struct sta_point *q = &b->points[b->parts[p].first + k];
                if (!spend(work, GEODESIC_WORK))
                    return false;
                double start = sta_geodesic_m(a->points[i], *q);
                *best = start < *best ? start : *best;
                if (k + 1 == b->parts[p].count)
                    continue;
                double longest = (fabs(q[1].x - q[0].x) + fabs(q[1].y - q[0].y)) * 111700;
                if (start - longest >= *best)
                    continue;
                if (!spend(work, SEARCH_WORK))
                    return false;
                double d = to_edge(a->points[i], q[0], q[1]);
                *best = d < *best ? d : *best;
            }
    return true;
}

enum err
sta_geometry_distance(const struct sta_geometry *a, const struct sta_geometry *b,
                      struct arena *arena, uint64_t *work, double *out_m)
{
    double best = INFINITY;
    if (a->dimension || b->dimension) {
        struct sta_relation9 r;
        enum err e = sta_geometry_relate(a, b, arena, work, &r);
        if (e != OK)
            return e;
        if (!sta_relation_disjoint(&r)) {
            *out_m = 0;
            return OK;
        }
    }
    bool enough = nearer(a, b, work, &best);
    if (enough && a->dimension)
        enough = nearer(b, a, work, &best);
    if (!enough)
        return ERR_LIMIT;
    *out_m = best;
    return OK;
}
