/*
 * relate.c -- the nine intersections of two geometries.
 *
 * Every edge of one is cut where edges of the other cross it, end on it or lie along it. A piece
 * between two cuts lies wholly inside, along or outside the other; of an area, so do the faces on
 * both its sides. Every face of the drawing has an edge, so nothing is missed. All signs are exact;
 * only where a crossing lies is rounded, and nothing is decided by it but the order of cuts.
 */
#include "sensorthings/geometry.h"

#include <math.h>

enum { INSIDE, BORDER, OUTSIDE };
#define TINY 1e-12 /* of an edge: two cuts at one place */

/* ---- exact signs: Shewchuk, "Adaptive precision floating-point arithmetic", 1997 ---- */

struct sum { /* growing parts that do not overlap */
    double part[16];
    int count;
};

static void
add(struct sum *s, double v)
{
    int kept = 0;
    for (int i = 0; i < s->count; i++) {
        double big = s->part[i] + v, virtual = big - s->part[i];
        double rest = (s->part[i] - (big - virtual)) + (v - virtual);
        v = big;
        if (rest != 0)
            s->part[kept++] = rest;
    }
    if (v != 0)
        s->part[kept++] = v;
    ASSERT(kept <= 16);
    s->count = kept;
}

static void
add_product(struct sum *s, double a, double b)
{
    double big = a * b;
    add(s, fma(a, b, -big));
    add(s, big);
}

/* a - b as two numbers. */
static void
difference(double a, double b, double out[static 2])
{
    double big = a - b, virtual = a - big;
    out[0] = big;
    out[1] = (a - (big + virtual)) + (virtual - b);
}

static int
side_exactly(struct sta_point a, struct sta_point b, struct sta_point c)
{
    double acx[2], bcy[2], acy[2], bcx[2];
    struct sum s = {0};
    difference(a.x, c.x, acx);
    difference(b.y, c.y, bcy);
    difference(a.y, c.y, acy);
    difference(b.x, c.x, bcx);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            add_product(&s, acx[i], bcy[k]);
            add_product(&s, -acy[i], bcx[k]);
        }
    double most = s.count ? s.part[s.count - 1] : 0;
    return (most > 0) - (most < 0);
}

/* Twice the signed area, rounded. */
static double
area(struct sta_point a, struct sta_point b, struct sta_point c)
{
    return (a.x - c.x) * (b.y - c.y) - (a.y - c.y) * (b.x - c.x);
}

int
sta_side(struct sta_point a, struct sta_point b, struct sta_point c)
{
    double left = (a.x - c.x) * (b.y - c.y), right = (a.y - c.y) * (b.x - c.x);
    double det = left - right, bound = 3.3306690738754716e-16 * (fabs(left) + fabs(right));
    if (fabs(det) > bound)
        return det > 0 ? 1 : -1;
    return side_exactly(a, b, c);
}

/* ---- where a point lies ---- */

static bool
same(struct sta_point a, struct sta_point b)
{
    return a.x == b.x && a.y == b.y;
}

static bool
in_box(struct sta_point p, struct sta_point a, struct sta_point b)
{
    return p.x >= fmin(a.x, b.x) && p.x <= fmax(a.x, b.x) && p.y >= fmin(a.y, b.y) &&
           p.y <= fmax(a.y, b.y);
}

static bool
on_edge(struct sta_point p, struct sta_point a, struct sta_point b)
{
    return in_box(p, a, b) && sta_side(a, b, p) == 0;
}

/* How many lines end there. */
static uint32_t
ends_at(const struct sta_geometry *g, struct sta_point p)
{
    uint32_t ends = 0;
    for (uint32_t i = 0; i < g->parts_count; i++) {
        const struct sta_point *q = g->points + g->parts[i].first;
        ends += same(q[0], p);
        ends += same(q[g->parts[i].count - 1], p);
    }
    return ends;
}

/* An end of an odd number of lines is border (the mod-2 rule); other points of lines are inside. */
static int
locate_in_lines(const struct sta_geometry *g, struct sta_point p)
{
    bool on = false;
    for (uint32_t i = 0; !on && i < g->parts_count; i++) {
        const struct sta_point *q = g->points + g->parts[i].first;
        for (uint32_t k = 0; !on && k + 1 < g->parts[i].count; k++)
            on = on_edge(p, q[k], q[k + 1]);
    }
    return ends_at(g, p) % 2 ? BORDER : on ? INSIDE : OUTSIDE;
}

static int
locate_in_areas(const struct sta_geometry *g, struct sta_point p)
{
    bool inside = false;
    for (uint32_t i = 0; i < g->parts_count; i++) {
        const struct sta_point *q = g->points + g->parts[i].first;
        for (uint32_t k = 0; k + 1 < g->parts[i].count; k++) {
            struct sta_point a = q[k], b = q[k + 1];
            if (on_edge(p, a, b))
                return BORDER;
            if ((a.y > p.y) != (b.y > p.y) && (b.y > a.y) == (sta_side(a, b, p) > 0))
                inside = !inside;
        }
    }
    return inside ? INSIDE : OUTSIDE;
}

static int
locate(const struct sta_geometry *g, struct sta_point p)
{
    if (!in_box(p, g->low, g->high))
        return OUTSIDE;
    if (g->dimension == 2)
        return locate_in_areas(g, p);
    if (g->dimension == 1)
        return locate_in_lines(g, p);
    for (uint32_t i = 0; i < g->points_count; i++)
        if (same(g->points[i], p))
            return INSIDE;
    return OUTSIDE;
}

/* ---- cutting edges ---- */

struct cover { /* of an edge by an edge along it */
    double from, to;
    bool with; /* in the same direction */
};

struct job {
    const struct sta_geometry *a, *b; /* the edges of a are cut */
    bool swapped;                     /* a is the second geometry of the question */
    struct sta_relation9 *r;
    uint64_t *work;
    double *cuts; /* two for each edge of b, and both ends */
    struct cover *covers;
    uint32_t cuts_count, covers_count;
};

static void
raise_to(struct job *j, int of_a, int of_b, int dimension)
{
    int8_t *m = j->swapped ? &j->r->m[of_b][of_a] : &j->r->m[of_a][of_b];
    if (*m < dimension)
        *m = (int8_t)dimension;
}

static bool
spend(struct job *j, uint64_t n)
{
    if (*j->work < n) {
        *j->work = 0;
        return false;
    }
    *j->work -= n;
    return true;
}

/* How far along the edge its point lies. */
static double
along(struct sta_point p, struct sta_point a, struct sta_point b)
{
    return fabs(b.x - a.x) >= fabs(b.y - a.y) ? (p.x - a.x) / (b.x - a.x)
                                              : (p.y - a.y) / (b.y - a.y);
}

static int
own_place(const struct sta_geometry *g)
{
    return g->dimension == 2 ? BORDER : INSIDE;
}

/* True if a line of g ends where these two edges cross: it touches itself there, and the point is
 * border, not inside. */
static bool
ends_here(const struct sta_geometry *g, struct sta_point a, struct sta_point b, struct sta_point c,
          struct sta_point d)
{
    for (uint32_t i = 0; g->dimension == 1 && i < g->parts_count; i++) {
        const struct sta_point *q = g->points + g->parts[i].first,
                               *last = q + g->parts[i].count - 1;
        if ((on_edge(*q, a, b) && on_edge(*q, c, d)) ||
            (on_edge(*last, a, b) && on_edge(*last, c, d)))
            return true;
    }
    return false;
}

static void
cut(struct job *j, struct sta_point a, struct sta_point b, struct sta_point c, struct sta_point d)
{
    if (fmax(c.x, d.x) < fmin(a.x, b.x) || fmin(c.x, d.x) > fmax(a.x, b.x) ||
        fmax(c.y, d.y) < fmin(a.y, b.y) || fmin(c.y, d.y) > fmax(a.y, b.y))
        return;
    int c_side = sta_side(a, b, c), d_side = sta_side(a, b, d);
    if (c_side * d_side > 0)
        return;
    if (c_side == 0 && d_side == 0) {
        double from = along(c, a, b), to = along(d, a, b);
        bool with = from < to;
        double low = fmax(with ? from : to, 0), high = fmin(with ? to : from, 1);
        if (high < low)
            return;
        j->cuts[j->cuts_count++] = low;
        j->cuts[j->cuts_count++] = high;
        if (high > low)
            j->covers[j->covers_count++] = (struct cover){low, high, with};
        return;
    }
    if (c_side == 0 || d_side == 0) {
        struct sta_point p = c_side == 0 ? c : d;
        if (in_box(p, a, b))
            j->cuts[j->cuts_count++] = along(p, a, b);
        return;
    }
    int a_side = sta_side(c, d, a), b_side = sta_side(c, d, b);
    if (a_side * b_side > 0)
        return;
    if (a_side == 0 || b_side == 0) { /* a point that is located itself, but the piece ends */
        j->cuts[j->cuts_count++] = a_side == 0 ? 0 : 1;
        return;
    }
    double from = fabs(area(c, d, a)), to = fabs(area(c, d, b));
    j->cuts[j->cuts_count++] = from + to > 0 ? from / (from + to) : 0.5;
    if (!ends_here(j->a, a, b, c, d) && !ends_here(j->b, a, b, c, d))
        raise_to(j, own_place(j->a), own_place(j->b), 0);
}

static void
sift(double *v, uint32_t at, uint32_t count)
{
    double k = v[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && v[child + 1] > v[child])
            child++;
        if (v[child] <= k)
            break;
        v[at] = v[child];
    }
    v[at] = k;
}

/* Heapsort: qsort() may make system calls, which a confined process dies of. */
static void
sort(double *v, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(v, i, count);
    for (uint32_t left = count; left-- > 1;) {
        double k = v[0];
        v[0] = v[left];
        v[left] = k;
        sift(v, 0, left);
    }
}

/* A piece of an edge lies at `place` of b; of an area, what is on its sides lies there too. */
static void
piece(struct job *j, int place, const struct cover *cover)
{
    raise_to(j, own_place(j->a), place, 1);
    if (j->a->dimension < 2)
        return;
    if (j->b->dimension < 2) {
        raise_to(j, INSIDE, OUTSIDE, 2);
    } else if (cover) {
        raise_to(j, INSIDE, cover->with ? INSIDE : OUTSIDE, 2);
        raise_to(j, OUTSIDE, cover->with ? OUTSIDE : INSIDE, 2);
    } else {
        raise_to(j, INSIDE, place, 2);
        raise_to(j, OUTSIDE, place, 2);
    }
}

/* The pieces of one edge. *carried is where the piece before it lay, -1 when that is not known to
 * hold here too. */
static bool
pieces(struct job *j, struct sta_point a, struct sta_point b, int *carried)
{
    sort(j->cuts, j->cuts_count);
    if (j->cuts_count && j->cuts[0] < TINY)
        *carried = -1;
    for (uint32_t i = 0; i <= j->cuts_count; i++) {
        double from = i ? j->cuts[i - 1] : 0, to = i < j->cuts_count ? j->cuts[i] : 1;
        double middle = from + (to - from) / 2;
        const struct cover *cover = NULL;
        if (i > 0)
            *carried = -1;
        if (to - from < TINY)
            continue;
        for (uint32_t k = 0; !cover && k < j->covers_count; k++)
            if (j->covers[k].from < middle && middle < j->covers[k].to)
                cover = &j->covers[k];
        if (!spend(j, 1 + j->covers_count))
            return false;
        int place = cover ? own_place(j->b) : *carried;
        if (place < 0) {
            struct sta_point p = {a.x + middle * (b.x - a.x), a.y + middle * (b.y - a.y)};
            if (!spend(j, j->b->points_count))
                return false;
            place = j->b->dimension == 0 ? OUTSIDE : locate(j->b, p);
            if (j->b->dimension == 1 || place == BORDER)
                place = OUTSIDE; /* no piece lies along b without being covered */
        }
        *carried = cover ? -1 : place;
        piece(j, place, cover);
    }
    if (j->cuts_count && j->cuts[j->cuts_count - 1] > 1 - TINY)
        *carried = -1;
    return true;
}

static bool
cut_edge(struct job *j, struct sta_point a, struct sta_point b, int *carried)
{
    j->cuts_count = j->covers_count = 0;
    for (uint32_t p = 0; p < j->b->parts_count; p++) {
        const struct sta_part *part = &j->b->parts[p];
        const struct sta_point *q = j->b->points + part->first;
        if (!spend(j, part->count + (j->a->dimension == 1 ? j->a->parts_count : 0)))
            return false;
        for (uint32_t i = 0; i + 1 < part->count; i++)
            cut(j, a, b, q[i], q[i + 1]);
    }
    return pieces(j, a, b, carried);
}

/* All points and edges of a. */
static bool
go_along(struct job *j)
{
    for (uint32_t i = 0; i < j->a->points_count; i++) {
        struct sta_point p = j->a->points[i];
        if (!spend(j, j->b->points_count + (j->a->dimension == 1 ? j->a->parts_count : 0)))
            return false;
        int own = j->a->dimension == 1 && ends_at(j->a, p) % 2 ? BORDER : own_place(j->a);
        int place = locate(j->b, p);
        raise_to(j, own, place, 0);
        if (j->a->dimension && (place == OUTSIDE || (place == INSIDE && j->b->dimension == 2)))
            piece(j, place, NULL); /* however short: the edge begins there */
    }
    for (uint32_t p = 0; j->a->dimension && p < j->a->parts_count; p++) {
        const struct sta_point *q = j->a->points + j->a->parts[p].first;
        int carried = -1;
        for (uint32_t i = 0; i + 1 < j->a->parts[p].count; i++)
            if (!cut_edge(j, q[i], q[i + 1], &carried))
                return false;
    }
    return true;
}

/* Lines have a border where an odd number of them ends. */
static bool
has_border(const struct sta_geometry *g)
{
    for (uint32_t i = 0; g->dimension == 1 && i < g->parts_count; i++) {
        const struct sta_point *q = g->points + g->parts[i].first;
        if (locate_in_lines(g, q[0]) == BORDER ||
            locate_in_lines(g, q[g->parts[i].count - 1]) == BORDER)
            return true;
    }
    return g->dimension == 2;
}

static void
apart(struct job *j)
{
    raise_to(j, INSIDE, OUTSIDE, j->a->dimension);
    if (has_border(j->a))
        raise_to(j, BORDER, OUTSIDE, j->a->dimension - 1);
}

enum err
sta_geometry_relate(const struct sta_geometry *a, const struct sta_geometry *b, struct arena *arena,
                    uint64_t *work, struct sta_relation9 *out)
{
    struct sta_relation9 r;
    uint32_t most = a->points_count > b->points_count ? a->points_count : b->points_count;
    bool boxes_meet = a->low.x <= b->high.x && b->low.x <= a->high.x && a->low.y <= b->high.y &&
                      b->low.y <= a->high.y;
    memset(&r, -1, sizeof(r));
    r.m[OUTSIDE][OUTSIDE] = 2;
    struct job j = {.a = a, .b = b, .r = &r, .work = work};
    struct job back = {.a = b, .b = a, .swapped = true, .r = &r, .work = work};
    if (!spend(&j, (uint64_t)a->points_count + b->points_count))
        return ERR_LIMIT;
    if (!boxes_meet && (a->dimension != 1 || a->parts_count == 1) &&
        (b->dimension != 1 || b->parts_count == 1)) {
        apart(&j); /* nearly every pair of a search */
        apart(&back);
        *out = r;
        return OK;
    }
    size_t mark = arena->used;
    j.cuts = arena_take(arena, (2 * (size_t)most + 2) * sizeof(double));
    j.covers = arena_take(arena, ((size_t)most + 1) * sizeof(struct cover));
    back.cuts = j.cuts;
    back.covers = j.covers;
    bool done = j.cuts && j.covers && go_along(&j) && go_along(&back);
    arena->used = mark;
    if (!done)
        return ERR_LIMIT;
    *out = r;
    return OK;
}

/* ---- the named relations ---- */

bool
sta_relation_is_pattern(struct bytes pattern)
{
    if (pattern.len != 9)
        return false;
    for (size_t i = 0; i < 9; i++)
        if (!pattern.p[i] || !strchr("TF*012", pattern.p[i]))
            return false;
    return true;
}

bool
sta_relation_matches(const struct sta_relation9 *r, const char *pattern)
{
    for (int i = 0; i < 9; i++) {
        int is = r->m[i / 3][i % 3];
        char c = pattern[i];
        if ((c == 'T' && is < 0) || (c == 'F' && is >= 0) ||
            (c >= '0' && c <= '2' && is != c - '0'))
            return false;
    }
    return true;
}

bool
sta_relation_equals(const struct sta_relation9 *r)
{
    return sta_relation_matches(r, "T*F**FFF*");
}

bool
sta_relation_disjoint(const struct sta_relation9 *r)
{
    return sta_relation_matches(r, "FF*FF****");
}

bool
sta_relation_touches(const struct sta_relation9 *r)
{
    return sta_relation_matches(r, "FT*******") || sta_relation_matches(r, "F**T*****") ||
           sta_relation_matches(r, "F***T****");
}

bool
sta_relation_within(const struct sta_relation9 *r)
{
    return sta_relation_matches(r, "T*F**F***");
}

bool
sta_relation_contains(const struct sta_relation9 *r)
{
    return sta_relation_matches(r, "T*****FF*");
}

bool
sta_relation_overlaps(const struct sta_relation9 *r, int a, int b)
{
    return a == b && sta_relation_matches(r, a == 1 ? "1*T***T**" : "T*T***T**");
}

bool
sta_relation_crosses(const struct sta_relation9 *r, int a, int b)
{
    if (a == b)
        return a == 1 && sta_relation_matches(r, "0********");
    return sta_relation_matches(r, a < b ? "T*T******" : "T*****T**");
}
