#include "sensorthings/geometry.h"

#include <math.h>

#include "base/random.h"
#include "base/test.h"
#include "base/text.h"

static struct arena arena;

static void
fresh(void)
{
    if (!arena.p)
        arena_init(&arena, 8 * 1024 * 1024);
    arena_reset(&arena);
}

static enum err
wkt(const char *text, struct sta_geometry *out)
{
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = sta_geometry_wkt(exact, &arena, out);
    test_exact_free(exact);
    return e;
}

static const char *
relate(const char *a, const char *b)
{
    static char text[10];
    struct sta_geometry ga, gb;
    struct sta_relation9 r;
    uint64_t work = 1000000;
    fresh();
    CHECK_OK(wkt(a, &ga));
    CHECK_OK(wkt(b, &gb));
    CHECK_OK(sta_geometry_relate(&ga, &gb, &arena, &work, &r));
    for (int i = 0; i < 9; i++)
        text[i] = r.m[i / 3][i % 3] < 0 ? 'F' : (char)('0' + r.m[i / 3][i % 3]);
    return text;
}

#define SQUARE "POLYGON ((0 0,4 0,4 4,0 4,0 0))"
#define RING "POLYGON ((0 0,9 0,9 9,0 9,0 0),(3 3,6 3,6 6,3 6,3 3))"

TEST(the_nine_intersections)
{
    static const char *const known[][3] = {
        {"POINT (1 1)", "POINT (1 1)", "0FFFFFFF2"},
        {"POINT (1 1)", "POINT (1 2)", "FF0FFF0F2"},
        {"POINT (1 1)", SQUARE, "0FFFFF212"},
        {"POINT (0 1)", SQUARE, "F0FFFF212"},
        {"POINT (4.5 4.5)", RING, "FF0FFF212"},
        {"MULTIPOINT ((1 1),(8 8))", SQUARE, "0F0FFF212"},
        {"LINESTRING (0 0,2 2)", "LINESTRING (0 2,2 0)", "0F1FF0102"},
        {"LINESTRING (0 0,2 0)", "LINESTRING (1 0,3 0)", "1010F0102"},
        {"LINESTRING (0 0,2 0)", "LINESTRING (2 0,3 1)", "FF1F00102"},
        {"LINESTRING (0 0,2 0,2 2,0 0)", "POINT (0 0)", "0F1FFFFF2"},
        {"LINESTRING (1 1,2 2)", SQUARE, "1FF0FF212"},
        {"LINESTRING (-1 1,5 1)", SQUARE, "101FF0212"},
        {"LINESTRING (0 0,4 0)", SQUARE, "F1FF0F212"},
        {"LINESTRING (-1 -1,0 0)", SQUARE, "FF1F00212"},
        {"LINESTRING (4 4,5 5)", RING, "FF1FF0212"},
        {SQUARE, SQUARE, "2FFF1FFF2"},
        {SQUARE, "POLYGON ((4 0,4 4,0 4,0 0,4 0))", "2FFF1FFF2"},
        {SQUARE, "POLYGON ((1 1,2 1,2 2,1 1))", "212FF1FF2"},
        {SQUARE, "POLYGON ((2 2,6 2,6 6,2 6,2 2))", "212101212"},
        {SQUARE, "POLYGON ((4 0,8 0,8 4,4 4,4 0))", "FF2F11212"},
        {SQUARE, "POLYGON ((4 4,8 4,8 8,4 4))", "FF2F01212"},
        {SQUARE, "POLYGON ((5 5,8 5,8 8,5 5))", "FF2FF1212"},
        {RING, "POLYGON ((3 3,6 3,6 6,3 6,3 3))", "FF2F112F2"},
        {RING, "POLYGON ((4 4,5 4,5 5,4 4))", "FF2FF1212"},
        {"MULTIPOLYGON (((0 0,1 0,1 1,0 0)),((4 4,5 4,5 5,4 4)))", "POINT (4.75 4.5)", "0F2FF1FF2"},
        {"MULTILINESTRING ((0 0,1 0),(1 0,2 0))", "POINT (1 0)", "0F1FF0FF2"},
        /* it ends on itself: the crossing is border */
        {"LINESTRING (1 2,0 1,2 3)", "LINESTRING (1 3,1 1)", "FF10F0102"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        const char *is = relate(known[i][0], known[i][1]);
        if (strcmp(is, known[i][2]) != 0)
            printf("%s %s: %s, not %s\n", known[i][0], known[i][1], is, known[i][2]);
        CHECK(strcmp(is, known[i][2]) == 0);
    }
}

TEST(signs_are_exact)
{
    /* A point one step beside a line that passes at 1e-17 of it. */
    struct sta_point a = {0.5, 0.5}, b = {12, 12}, on = {24, 24};
    struct sta_point over = {24, nextafter(24, 25)}, under = {24, nextafter(24, 23)};
    CHECK(sta_side(a, b, on) == 0 && sta_side(a, b, over) == 1 && sta_side(a, b, under) == -1);
    CHECK(sta_side(b, a, over) == -1 && sta_side(over, a, b) == 1 && sta_side(a, over, b) == -1);
    struct sta_point c = {0.1, 0.1}, d = {0.3, 0.3}, e = {0.7, 0.7};
    CHECK(sta_side(c, d, e) == 0);
}

/* A star around the middle: valid whatever the radii. */
static struct bytes
star(struct random_source *r, struct buf *out, double x, double y)
{
    buf_reset(out);
    buf_text(out, "POLYGON ((");
    for (int i = 0; i <= 12; i++) {
        double radius = i == 12 ? 1 : 1 + (double)random_below(r, 4), angle = i * M_PI / 6;
        if (i == 0)
            radius = 1;
        buf_format(out, "%s%.17g %.17g", i ? "," : "", x + radius * cos(angle),
                   y + radius * sin(angle));
    }
    buf_text(out, "))");
    return buf_bytes(out);
}

TEST(turned_around_the_matrix_is_transposed)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf text;
    buf_init(&text, 8192);
    for (int i = 0; i < 300; i++) {
        struct sta_geometry a, b;
        struct sta_relation9 ab, ba, aa;
        uint64_t work = 10000000;
        fresh();
        CHECK_OK(sta_geometry_wkt(star(&r, &text, 0, 0), &arena, &a));
        CHECK_OK(sta_geometry_wkt(star(&r, &text, (double)random_below(&r, 8), 1), &arena, &b));
        CHECK_OK(sta_geometry_relate(&a, &b, &arena, &work, &ab));
        CHECK_OK(sta_geometry_relate(&b, &a, &arena, &work, &ba));
        CHECK_OK(sta_geometry_relate(&a, &a, &arena, &work, &aa));
        for (int k = 0; k < 9; k++)
            CHECK(ab.m[k / 3][k % 3] == ba.m[k % 3][k / 3]);
        CHECK(sta_relation_equals(&aa));
        /* Areas that meet inside have borders or one in the other. */
        CHECK(sta_relation_disjoint(&ab) || sta_relation_touches(&ab) ||
              sta_relation_overlaps(&ab, 2, 2) || sta_relation_within(&ab) ||
              sta_relation_contains(&ab));
    }
    buf_fini(&text);
}

TEST(distances_are_geodesic)
{
    /* C. Karney, J. Geodesy 2013 and the examples of his GeographicLib. */
    static const double known[][5] = {
        {-73.8, 40.6, -0.5, 51.6, 5551759.400},
        {174.81, -41.32, -5.50, 40.96, 19959679.267},
        {0, 0, 179.5, 0.5, 19936288.579},
        {0, 0, 179.7, 0.5, 19944127.421},
        {0, 0, 180, 0, 20003931.4586},
        {0, 0, 179, 0, 19926188.852},
        {0, -90, 0, 90, 20003931.4586},
        {0, 0, 0, 1, 110574.3886},
        {0, 0, 1, 0, 111319.4908},
        {0, 50, 180, -50, 20003931.4586},
        {179.5, 0, -179.5, 0, 111319.4908},
        {7, 47, 7, 47, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        struct sta_point a = {known[i][0], known[i][1]}, b = {known[i][2], known[i][3]};
        CHECK(fabs(sta_geodesic_m(a, b) - known[i][4]) < 1e-3);
        CHECK(fabs(sta_geodesic_m(b, a) - known[i][4]) < 1e-3);
    }
}

static double
distance(const char *a, const char *b)
{
    struct sta_geometry ga, gb;
    uint64_t work = 10000000;
    double metres = -1;
    fresh();
    CHECK_OK(wkt(a, &ga));
    CHECK_OK(wkt(b, &gb));
    CHECK_OK(sta_geometry_distance(&ga, &gb, &arena, &work, &metres));
    return metres;
}

TEST(distances_to_lines_and_areas_are_the_least)
{
    CHECK(fabs(distance("POINT (0.5 1)", "LINESTRING (0 0,1 0)") - 110574.389) < 0.01);
    CHECK(fabs(distance("POINT (5 2)", "POLYGON ((0 0,4 0,4 4,0 4,0 0))") -
               distance("POINT (5 2)", "POINT (4 2)")) < 10); /* parallels are no geodesics */
    CHECK(distance("POINT (1 1)", SQUARE) == 0 && distance("POINT (4 1)", SQUARE) == 0);
    CHECK(distance("LINESTRING (-1 1,5 1)", SQUARE) == 0);
    CHECK(distance("POINT (4.5 4.5)", RING) > 160000); /* in the hole */
    CHECK(fabs(distance("LINESTRING (5 -9,5 9)", SQUARE) - distance("POINT (5 4)", "POINT (4 4)")) <
          200);
    struct sta_geometry g;
    double metres;
    CHECK_OK(wkt("MULTILINESTRING ((0 0,1 0),(0 0,0 1))", &g));
    CHECK_OK(sta_geometry_length(&g, &metres));
    CHECK(fabs(metres - 111319.4908 - 110574.3886) < 1e-3);
    CHECK_OK(wkt(SQUARE, &g));
    CHECK(sta_geometry_length(&g, &metres) == ERR_UNSUPPORTED);
}

TEST(what_is_no_geometry_is_refused)
{
    static const char *const bad[] = {
        "",
        "POINT",
        "POINT ()",
        "POINT (1)",
        "POINT (1 91)",
        "POINT (361 1)",
        "POINT (1 1",
        "POINT (1 1) x",
        "POINT (1 1 1 1)",
        "POINT (a b)",
        "POINT EMPTY",
        "CIRCLE (1 1)",
        "LINESTRING (1 1)",
        "LINESTRING (1 1,1 1)",
        "POLYGON ((0 0,1 1))",
        "POLYGON ((0 0,1 1,0 0))",
        "POLYGON (0 0,1 1,1 0,0 0)",
        "MULTIPOLYGON ((0 0,1 1,1 0,0 0))",
        "GEOMETRYCOLLECTION (POINT (1 1))",
    };
    static const char *const good[] = {
        "point(1 1)",
        "SRID=4326;POINT Z (1 2 3)",
        "  LineString ( 0 0 , 1 1 )  ",
        "POLYGON ((0 0,1 1,1 0))",
        "MULTIPOINT (1 1,2 2)",
    };
    static const char *const bad_json[] = {
        "{}",
        "[]",
        "{\"type\":\"Point\"}",
        "{\"type\":\"Point\",\"coordinates\":[]}",
        "{\"type\":\"Point\",\"coordinates\":[1]}",
        "{\"type\":\"Point\",\"coordinates\":[\"1\",2]}",
        "{\"type\":\"Point\",\"coordinates\":[[1,2]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[1,2],[2,3],[3,4]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[],[],[]]}",
        "{\"type\":\"LineString\",\"coordinates\":{\"a\":1}}",
        "{\"type\":\"Feature\",\"geometry\":null}",
    };
    struct sta_geometry g, h;
    fresh();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(wkt(bad[i], &g) == ERR_MALFORMED);
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        CHECK_OK(wkt(good[i], &g));
    for (size_t i = 0; i < ARRAY_COUNT(bad_json); i++)
        CHECK(sta_geometry_json(bytes_text(bad_json[i]), &arena, &g) == ERR_MALFORMED);
    CHECK_OK(sta_geometry_json(
        bytes_text("{\"type\":\"Feature\",\"geometry\":{\"coordinates\":[[[[0,0],[0,1],[1,1]]]],"
                   "\"type\":\"MultiPolygon\"}}"),
        &arena, &g));
    CHECK_OK(wkt("POLYGON ((0 0,1 1,0 1,0 0))", &h));
    CHECK(g.points_count == 4 && g.dimension == 2 && h.points_count == 4);
    uint64_t work = 1000;
    struct sta_relation9 r;
    CHECK_OK(sta_geometry_relate(&g, &h, &arena, &work, &r));
    CHECK(sta_relation_equals(&r));
    work = 10;
    CHECK(sta_geometry_relate(&g, &h, &arena, &work, &r) == ERR_LIMIT && work == 0);
}
