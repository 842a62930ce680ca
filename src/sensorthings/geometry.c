/* geometry.c -- geometries out of WKT and GeoJSON. */
#include "sensorthings/geometry.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/json.h"

/* A geometry while it is read; the limits are checked at each point. */
struct reading {
    struct sta_geometry g;
    uint32_t points_max, parts_max;
    enum err err;
};

/* `many`: lists of points, or single ones; else there is one part. */
static bool
begin(struct reading *r, struct arena *arena, size_t points, bool many)
{
    uint32_t points_max = points < STA_POINTS_MAX ? (uint32_t)points + 1 : STA_POINTS_MAX;
    uint32_t parts_max = !many ? 1 : points_max < STA_PARTS_MAX ? points_max : STA_PARTS_MAX;
    *r = (struct reading){.points_max = points_max, .parts_max = parts_max};
    /* One more for a ring that was not closed, in each part. */
    r->g.points = arena_take(arena, (points_max + parts_max) * sizeof(struct sta_point));
    r->g.parts = r->g.points ? arena_take(arena, parts_max * sizeof(struct sta_part)) : NULL;
    return r->g.parts != NULL;
}

static bool
fail(struct reading *r, enum err e)
{
    if (r->err == OK)
        r->err = e;
    return false;
}

static bool
begin_part(struct reading *r, bool hole)
{
    if (r->g.parts_count == r->parts_max)
        return fail(r, ERR_LIMIT);
    r->g.parts[r->g.parts_count++] = (struct sta_part){.first = r->g.points_count, .hole = hole};
    return true;
}

static bool
add_point(struct reading *r, double x, double y)
{
    struct sta_part *part = &r->g.parts[r->g.parts_count - 1];
    if (!(fabs(x) <= 360) || !(fabs(y) <= 90))
        return fail(r, ERR_MALFORMED);
    const struct sta_point *last = part->count ? &r->g.points[r->g.points_count - 1] : NULL;
    if (last && last->x == x && last->y == y)
        return true; /* an edge without length says nothing */
    if (r->g.points_count - (r->g.parts_count - 1) >= r->points_max)
        return fail(r, ERR_LIMIT);
    r->g.points[r->g.points_count++] = (struct sta_point){x, y};
    part->count++;
    return true;
}

static void
reverse(struct sta_point *p, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        struct sta_point t = p[i];
        p[i] = p[count - 1 - i];
        p[count - 1 - i] = t;
    }
}

/* Close a ring and turn it so that the area is on its left. */
static bool
end_part(struct reading *r, int dimension)
{
    struct sta_part *part = &r->g.parts[r->g.parts_count - 1];
    struct sta_point *p = r->g.points + part->first;
    if (part->count < (dimension == 0 ? 1u : dimension == 1 ? 2u : 3u))
        return fail(r, ERR_MALFORMED);
    if (dimension < 2)
        return true;
    if (p[0].x != p[part->count - 1].x || p[0].y != p[part->count - 1].y) {
        p[part->count++] = p[0];
        r->g.points_count++;
    }
    if (part->count < 4)
        return fail(r, ERR_MALFORMED);
    double twice = 0;
    for (uint32_t i = 0; i + 1 < part->count; i++)
        twice +=
            (p[i].x - p[0].x) * (p[i + 1].y - p[0].y) - (p[i + 1].x - p[0].x) * (p[i].y - p[0].y);
    if ((twice < 0) != part->hole)
        reverse(p, part->count);
    return true;
}

static enum err
finish(struct reading *r, int dimension, struct sta_geometry *out)
{
    if (r->err != OK)
        return r->err;
    if (r->g.points_count == 0)
        return ERR_MALFORMED;
    r->g.dimension = dimension;
    r->g.low = r->g.high = r->g.points[0];
    for (uint32_t i = 1; i < r->g.points_count; i++) {
        const struct sta_point *p = &r->g.points[i];
        r->g.low.x = fmin(r->g.low.x, p->x);
        r->g.low.y = fmin(r->g.low.y, p->y);
        r->g.high.x = fmax(r->g.high.x, p->x);
        r->g.high.y = fmax(r->g.high.y, p->y);
    }
    *out = r->g;
    return OK;
}

/* The kinds by name; `nesting` is how many lists stand around a position. */
struct kind {
    const char *wkt, *json;
    int dimension, nesting;
};
static const struct kind kinds[] = {
    {"POINT", "Point", 0, 0},
    {"LINESTRING", "LineString", 1, 1},
    {"POLYGON", "Polygon", 2, 2},
    {"MULTIPOINT", "MultiPoint", 0, 1},
    {"MULTILINESTRING", "MultiLineString", 1, 2},
    {"MULTIPOLYGON", "MultiPolygon", 2, 3},
};

/* ---- WKT ---- */

struct wkt {
    struct bytes s;
    size_t at;
    const struct kind *kind;
    struct reading r;
};

static void
space(struct wkt *w)
{
    while (w->at < w->s.len && (w->s.p[w->at] == ' ' || w->s.p[w->at] == '\t'))
        w->at++;
}

static bool
take(struct wkt *w, uint8_t c)
{
    space(w);
    if (w->at == w->s.len || w->s.p[w->at] != c)
        return false;
    w->at++;
    return true;
}

static bool
take_number(struct wkt *w, double *out)
{
    space(w);
    size_t start = w->at;
    while (w->at < w->s.len && w->s.p[w->at] && strchr("0123456789+-.eE", w->s.p[w->at]))
        w->at++;
    struct bytes text = bytes_of(w->s.p + start, w->at - start);
    return sta_json_decimal(text, out) || text_double(text, out) == OK;
}

/* "x y" or "x y z"; a height plays no part. */
static bool
take_position(struct wkt *w)
{
    double x, y, z;
    if (!take_number(w, &x) || !take_number(w, &y))
        return fail(&w->r, ERR_MALFORMED);
    space(w);
    if (w->at < w->s.len && w->s.p[w->at] != ',' && w->s.p[w->at] != ')' && !take_number(w, &z))
        return fail(&w->r, ERR_MALFORMED);
    return add_point(&w->r, x, y);
}

/* One point, line or ring in parentheses. */
static bool
take_part(struct wkt *w, bool hole)
{
    if (!take(w, '('))
        return fail(&w->r, ERR_MALFORMED);
    if (!begin_part(&w->r, hole))
        return false;
    do {
        if (!take_position(w))
            return false;
    } while (w->kind->dimension > 0 && take(w, ','));
    return end_part(&w->r, w->kind->dimension) && (take(w, ')') || fail(&w->r, ERR_MALFORMED));
}

/* Parts in parentheses: those of a multi-line, or the rings of an area. */
static bool
take_parts(struct wkt *w)
{
    bool bare_point = false;
    if (!take(w, '('))
        return fail(&w->r, ERR_MALFORMED);
    for (uint32_t i = 0;; i++) {
        space(w);
        bare_point = w->kind->dimension == 0 && w->at < w->s.len && w->s.p[w->at] != '(';
        bool good = bare_point ? begin_part(&w->r, false) && take_position(w)
                               : take_part(w, w->kind->dimension == 2 && i > 0);
        if (!good)
            return false;
        if (!take(w, ','))
            break;
    }
    return take(w, ')') || fail(&w->r, ERR_MALFORMED);
}

static bool
take_body(struct wkt *w)
{
    bool multi_point = w->kind->dimension == 0 && w->kind->nesting == 1;
    if (w->kind->nesting < 2 && !multi_point)
        return take_part(w, false);
    if (w->kind->nesting < 3)
        return take_parts(w);
    if (!take(w, '('))
        return fail(&w->r, ERR_MALFORMED);
    do {
        if (!take_parts(w))
            return false;
    } while (take(w, ','));
    return take(w, ')') || fail(&w->r, ERR_MALFORMED);
}

static bool
same_word(struct bytes a, const char *upper)
{
    if (a.len != strlen(upper))
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t c = a.p[i];
        if ((c >= 'a' && c <= 'z' ? c - 32 : c) != (uint8_t)upper[i])
            return false;
    }
    return true;
}

enum err
sta_geometry_wkt(struct bytes text, struct arena *arena, struct sta_geometry *out)
{
    struct wkt w = {.s = text};
    if (bytes_start(text, "SRID=4326;"))
        w.at = 10;
    space(&w);
    size_t start = w.at, commas = 0;
    while (w.at < text.len && ((text.p[w.at] | 0x20) >= 'a' && (text.p[w.at] | 0x20) <= 'z'))
        w.at++;
    struct bytes name = bytes_of(text.p + start, w.at - start);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (same_word(name, kinds[i].wkt))
            w.kind = &kinds[i];
    if (!w.kind)
        return ERR_MALFORMED;
    space(&w);
    if (w.at + 1 < text.len && (text.p[w.at] | 0x20) == 'z' && text.p[w.at + 1] != ')')
        w.at++; /* "POINT Z (1 2 3)" */
    for (size_t i = 0; i < text.len; i++)
        commas += text.p[i] == ',';
    bool one = w.kind->nesting == 0 || (w.kind->nesting == 1 && w.kind->dimension == 1);
    if (!begin(&w.r, arena, commas, !one))
        return ERR_LIMIT;
    bool good = take_body(&w);
    space(&w);
    if (good && w.at != text.len)
        return ERR_MALFORMED;
    return finish(&w.r, w.kind->dimension, out);
}

/* ---- GeoJSON ---- */

static bool
json_position(struct reading *r, struct bytes list)
{
    struct bytes item;
    double v[2];
    uint32_t count = 0;
    if (sta_json_kind(list) != STA_JSON_ARRAY)
        return fail(r, ERR_MALFORMED);
    struct sta_json_walk w = {list, 0};
    while (sta_json_next_item(&w, &item)) {
        if (count < 2 && !sta_json_decimal(item, &v[count]) && text_double(item, &v[count]) != OK)
            return fail(r, ERR_MALFORMED);
        count++;
    }
    return count >= 2 ? add_point(r, v[0], v[1]) : fail(r, ERR_MALFORMED);
}

/* A list of positions as one part. */
static bool
json_part(struct reading *r, struct bytes list, int dimension, bool hole)
{
    struct bytes item;
    if (sta_json_kind(list) != STA_JSON_ARRAY)
        return fail(r, ERR_MALFORMED);
    if (!begin_part(r, hole))
        return false;
    struct sta_json_walk w = {list, 0};
    while (sta_json_next_item(&w, &item))
        if (!json_position(r, item))
            return false;
    return end_part(r, dimension);
}

static bool
json_parts(struct reading *r, struct bytes list, const struct kind *kind, int nesting)
{
    struct bytes item;
    if (nesting == 0)
        return begin_part(r, false) && json_position(r, list);
    if (nesting == 1 && kind->dimension > 0)
        return json_part(r, list, kind->dimension, false);
    if (sta_json_kind(list) != STA_JSON_ARRAY)
        return fail(r, ERR_MALFORMED);
    struct sta_json_walk w = {list, 0};
    for (uint32_t i = 0; sta_json_next_item(&w, &item); i++) {
        bool ring = nesting == 2 && kind->dimension == 2;
        if (!(ring ? json_part(r, item, 2, i > 0) : json_parts(r, item, kind, nesting - 1)))
            return false;
    }
    return true;
}

enum err
sta_geometry_json(struct bytes json, struct arena *arena, struct sta_geometry *out)
{
    struct reading r;
    size_t lists = 0;
    struct bytes type = sta_json_member(json, bytes_text("type"));
    if (bytes_are(type, "\"Feature\"")) {
        json = sta_json_member(json, bytes_text("geometry"));
        type = sta_json_member(json, bytes_text("type"));
    }
    struct bytes coordinates = sta_json_member(json, bytes_text("coordinates"));
    if (type.len < 2 || coordinates.len == 0)
        return ERR_MALFORMED;
    type = bytes_of(type.p + 1, type.len - 2);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (!bytes_are(type, kinds[i].json))
            continue;
        for (size_t c = 0; c < coordinates.len; c++)
            lists += coordinates.p[c] == '['; /* one around each position, at least */
        bool one = kinds[i].nesting == 0 || (kinds[i].nesting == 1 && kinds[i].dimension == 1);
        if (!begin(&r, arena, lists, !one))
            return ERR_LIMIT;
        (void)json_parts(&r, coordinates, &kinds[i], kinds[i].nesting);
        return finish(&r, kinds[i].dimension, out);
    }
    return ERR_MALFORMED;
}
