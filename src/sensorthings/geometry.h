/*
 * geometry.h -- points, lines and areas in longitude and latitude: read from WKT and GeoJSON, how
 * far apart, and how they lie to each other.
 *
 * Distances and lengths are metres on the WGS 84 ellipsoid. Topology (the OGC relations, 06-103r4
 * 6.1.15) is planar in longitude and latitude, as those functions are defined and as RFC 7946
 * draws a line between two positions; nothing wraps at 180 degrees.
 *
 * Signs of areas are exact, so touching is told from crossing. Work is counted: each look at a
 * pair of edges takes one of *work, and at 0 the answer is ERR_LIMIT. Self-crossing areas give
 * some answer, as in every library.
 */
#ifndef SENSORTHINGS_GEOMETRY_H
#define SENSORTHINGS_GEOMETRY_H

#include "base/arena.h"
#include "base/base.h"

enum {
    STA_POINTS_MAX = 12000, /* of one geometry: more than fit into an entity */
    STA_PARTS_MAX = 4096,
};

struct sta_point {
    double x, y; /* degrees: longitude, latitude */
};

/* One point, one line, or one ring of an area; the area is on the left of its rings. */
struct sta_part {
    uint32_t first, count; /* of points; a ring's last is its first again */
    bool hole;
};

struct sta_geometry {
    int dimension; /* 0 points, 1 lines, 2 areas */
    struct sta_point *points;
    struct sta_part *parts;
    uint32_t points_count, parts_count;
    struct sta_point low, high; /* the box around it */
};

/* "POINT (8.5 47.4)", LINESTRING, POLYGON, MULTI*, with an optional "SRID=4326;" in front.
 * ERR_MALFORMED: not one of these, empty, or not on the globe; ERR_LIMIT: too many points. */
enum err sta_geometry_wkt(struct bytes text, struct arena *arena,
                          struct sta_geometry *out) MUST_USE;
/* A GeoJSON geometry or Feature, of checked JSON. */
enum err sta_geometry_json(struct bytes json, struct arena *arena,
                           struct sta_geometry *out) MUST_USE;

/* ---- metres ---- */

/* Between two points: Vincenty's iteration, and where that does not converge (nearly opposite
 * points) a search for the azimuth with the integrals themselves. Below 0.1 mm of error. */
double sta_geodesic_m(struct sta_point a, struct sta_point b);
/* The least distance; 0 when they have a point in common. */
enum err sta_geometry_distance(const struct sta_geometry *a, const struct sta_geometry *b,
                               struct arena *arena, uint64_t *work, double *out_m) MUST_USE;
/* Of all lines together; ERR_UNSUPPORTED for points and areas. */
enum err sta_geometry_length(const struct sta_geometry *g, double *out_m) MUST_USE;

/* ---- topology ---- */

/* The dimensionally extended nine-intersection matrix: interior, boundary and exterior of a by
 * those of b; -1 for an empty intersection, else its dimension. */
struct sta_relation9 {
    int8_t m[3][3];
};
enum err sta_geometry_relate(const struct sta_geometry *a, const struct sta_geometry *b,
                             struct arena *arena, uint64_t *work,
                             struct sta_relation9 *out) MUST_USE;
/* Nine of "TF*012", row by row. */
bool sta_relation_is_pattern(struct bytes pattern);
bool sta_relation_matches(const struct sta_relation9 *r, const char *pattern);

bool sta_relation_equals(const struct sta_relation9 *r);
bool sta_relation_disjoint(const struct sta_relation9 *r);
bool sta_relation_touches(const struct sta_relation9 *r);
bool sta_relation_within(const struct sta_relation9 *r);
bool sta_relation_contains(const struct sta_relation9 *r);
bool sta_relation_overlaps(const struct sta_relation9 *r, int a_dimension, int b_dimension);
bool sta_relation_crosses(const struct sta_relation9 *r, int a_dimension, int b_dimension);

/* Inside this folder: on which side of a to b the point c lies, exactly: 1 left, -1 right, 0 on. */
int sta_side(struct sta_point a, struct sta_point b, struct sta_point c);

#endif
