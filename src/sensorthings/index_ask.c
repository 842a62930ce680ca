/*
 * index_ask.c -- from a filter to the keys of the index, and back over the relations to the rows.
 *
 * `and` takes the smaller of what its sides know, `or` needs both. A comparison with eq, and the
 * geographic functions that imply a common point of two boxes, are known; all else is not.
 */
#include "sensorthings/index.h"

#include <math.h>

enum { SHARE = 2 /* more candidates than 1/SHARE of the type: looking at all is as good */ };

struct question {
    const struct sta_graph *g;
    enum sta_type type; /* of the rows */
    struct arena *arena;
};

/* Ids as they come, twice or not. */
struct list {
    const struct question *q;
    struct sta_ids *ids;
    uint32_t max;
    bool full;
};

static bool
add(void *ctx, uint64_t id)
{
    struct list *l = ctx;
    if (l->ids->count == l->max) {
        l->full = true;
        return false;
    }
    if (l->ids->count == l->ids->capacity) {
        uint32_t capacity = l->ids->capacity ? l->ids->capacity * 2 : 64;
        uint64_t *p = arena_take(l->q->arena, capacity * sizeof(*p));
        if (!p) {
            l->full = true;
            return false;
        }
        if (l->ids->count)
            memcpy(p, l->ids->p, l->ids->count * sizeof(*p));
        l->ids->p = p;
        l->ids->capacity = capacity;
    }
    l->ids->p[l->ids->count++] = id;
    return true;
}

static int
by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
sort_unique(struct sta_ids *ids)
{
    uint32_t kept = 0;
    if (ids->count)
        qsort(ids->p, ids->count, sizeof(ids->p[0]), by_id);
    for (uint32_t i = 0; i < ids->count; i++)
        if (kept == 0 || ids->p[kept - 1] != ids->p[i])
            ids->p[kept++] = ids->p[i];
    ids->count = kept;
}

static uint32_t
most_of(const struct question *q, enum sta_type type)
{
    return q->g->set[type].count / SHARE;
}

/* From what has the property back to the rows, over the inverse of each relation of the path. */
static bool
back_to_rows(const struct question *q, const struct sta_expr_path *path, struct sta_ids *ids)
{
    enum sta_type types[STA_FILTER_PATH_MAX + 1] = {q->type};
    for (uint32_t i = 0; i < path->relations_count; i++)
        types[i + 1] = sta_type_info(types[i])->relations[path->relations[i]].to;
    for (uint32_t i = path->relations_count; i-- > 0;) {
        uint8_t inverse = sta_type_info(types[i])->relations[path->relations[i]].inverse;
        struct sta_ids before = {0};
        struct list l = {q, &before, most_of(q, types[i]), false};
        for (uint32_t k = 0; k < ids->count && !l.full; k++) {
            const struct sta_entity *e = sta_graph_get(q->g, types[i + 1], ids->p[k]);
            for (uint32_t m = 0; e && m < e->links[inverse].count && !l.full; m++)
                (void)add(&l, e->links[inverse].p[m]);
        }
        if (l.full)
            return false;
        sort_unique(&before);
        *ids = before;
    }
    return true;
}

/* The path is one that the index can follow: no Observation on the way. */
static bool
is_followed(const struct question *q, const struct sta_expr *e)
{
    enum sta_type type = q->type;
    if (e->op != STA_OP_PATH || e->path->type == STA_OBSERVATION)
        return false;
    for (uint32_t i = 0; i < e->path->relations_count; i++) {
        type = sta_type_info(type)->relations[e->path->relations[i]].to;
        if (type == STA_OBSERVATION)
            return false;
    }
    return type == e->path->type;
}

static bool
known_eq(const struct question *q, const struct sta_expr *path, const struct sta_value *v,
         struct sta_ids *out)
{
    if (!is_followed(q, path) || path->path->members_count > 1)
        return false;
    const struct sta_expr_path *p = path->path;
    struct bytes member = p->members_count ? p->members[0] : (struct bytes){0};
    struct list l = {q, out, most_of(q, p->type), false};
    if (p->property < 0) { /* the id itself */
        if (v->kind != STA_NUMBER || v->number < 1 || v->number >= 9007199254740992.0 ||
            v->number != floor(v->number))
            return false;
        l.max = 1;
        (void)add(&l, (uint64_t)v->number);
    } else if (sta_type_info(p->type)->properties[p->property].shape == STA_SHAPE_TIME ||
               p->property == sta_index_geometry(p->type)) {
        return false;
    } else if (v->kind == STA_TEXT && v->text.len <= STA_INDEX_TEXT_MAX) {
        sta_index_each(q->g, sta_index_text_key(p->type, p->property, member, v->text), add, &l);
    } else if (v->kind == STA_NUMBER) {
        sta_index_each(q->g, sta_index_number_key(p->type, p->property, member, v->number), add,
                       &l);
    } else {
        return false;
    }
    sort_unique(out);
    return !l.full && back_to_rows(q, p, out);
}

/* ---- geometry ---- */

/* All whose cells lie in the box, and the large ones. */
static bool
known_box(const struct question *q, const struct sta_expr *path, struct sta_point low,
          struct sta_point high, struct sta_ids *out)
{
    if (!is_followed(q, path) || path->path->members_count ||
        path->path->property != sta_index_geometry(path->path->type) || low.x < -180 ||
        high.x > 180 || low.y < -90 || high.y > 90)
        return false;
    enum sta_type type = path->path->type;
    int property = path->path->property;
    int32_t x0 = sta_index_cell(low.x), x1 = sta_index_cell(high.x);
    int32_t y0 = sta_index_cell(low.y), y1 = sta_index_cell(high.y);
    struct list l = {q, out, most_of(q, type), false};
    if ((int64_t)(x1 - x0 + 1) * (y1 - y0 + 1) > STA_INDEX_LOOKED_AT)
        return false;
    sta_index_each(q->g, sta_index_large_key(type, property), add, &l);
    for (int32_t x = x0; x <= x1 && !l.full; x++)
        for (int32_t y = y0; y <= y1 && !l.full; y++)
            sta_index_each(q->g, sta_index_cell_key(type, property, x, y), add, &l);
    sort_unique(out);
    return !l.full && back_to_rows(q, path->path, out);
}

/* The functions that hold only where two geometries have a point in common. */
static bool
means_common_point(uint8_t function)
{
    return function == STA_CALL_GEO_INTERSECTS || function == STA_CALL_ST_EQUALS ||
           (function >= STA_CALL_ST_TOUCHES && function <= STA_CALL_ST_CONTAINS);
}

/* A path and a literal geometry, in either order. */
static bool
path_and_geometry(const struct sta_expr *call, const struct sta_expr **out_path,
                  const struct sta_geometry **out_geometry)
{
    for (int i = 0; i < 2; i++) {
        const struct sta_expr *path = call->args[i], *other = call->args[1 - i];
        if (path->op == STA_OP_PATH && other->op == STA_OP_LITERAL && other->literal.geometry) {
            *out_path = path;
            *out_geometry = other->literal.geometry;
            return true;
        }
    }
    return false;
}

/* geo.distance(path, geometry) lt metres: the box, wider by as much on each side. A degree of
 * latitude is at least 110.5 km, one of longitude at least 110.5 km times the cosine. */
static bool
known_near(const struct question *q, const struct sta_expr *call, const struct sta_value *most,
           struct sta_ids *out)
{
    const struct sta_expr *path;
    const struct sta_geometry *g;
    if (call->op != STA_OP_CALL || call->function != STA_CALL_GEO_DISTANCE ||
        most->kind != STA_NUMBER || most->number < 0 || most->number > 1e6 ||
        !path_and_geometry(call, &path, &g))
        return false;
    double up = most->number / 110500.0;
    double furthest = fmax(fabs(g->low.y - up), fabs(g->high.y + up));
    if (furthest > 85)
        return false;
    double aside = up / cos(furthest * (3.14159265358979323846 / 180.0));
    return known_box(q, path, (struct sta_point){g->low.x - aside, g->low.y - up},
                     (struct sta_point){g->high.x + aside, g->high.y + up}, out);
}

/* ---- logic ---- */

static bool known(const struct question *q, const struct sta_expr *e, struct sta_ids *out);

static bool
known_comparison(const struct question *q, const struct sta_expr *e, struct sta_ids *out)
{
    const struct sta_expr *a = e->args[0], *b = e->args[1];
    if (e->op == STA_OP_EQ && b->op == STA_OP_LITERAL && a->op == STA_OP_PATH)
        return known_eq(q, a, &b->literal, out);
    if (e->op == STA_OP_EQ && a->op == STA_OP_LITERAL && b->op == STA_OP_PATH)
        return known_eq(q, b, &a->literal, out);
    if ((e->op == STA_OP_LT || e->op == STA_OP_LE) && b->op == STA_OP_LITERAL)
        return known_near(q, a, &b->literal, out);
    if ((e->op == STA_OP_GT || e->op == STA_OP_GE) && a->op == STA_OP_LITERAL)
        return known_near(q, b, &a->literal, out);
    return false;
}

static bool
known_logic(const struct question *q, const struct sta_expr *e, struct sta_ids *out)
{
    struct sta_ids a = {0}, b = {0};
    bool has_a = known(q, e->args[0], &a), has_b = known(q, e->args[1], &b);
    if (e->op == STA_OP_AND) {
        *out = !has_b || (has_a && a.count <= b.count) ? a : b;
        return has_a || has_b;
    }
    if (!has_a || !has_b)
        return false;
    struct list l = {q, &a, most_of(q, q->type), false};
    for (uint32_t i = 0; i < b.count && !l.full; i++)
        (void)add(&l, b.p[i]);
    sort_unique(&a);
    *out = a;
    return !l.full;
}

static bool
known(const struct question *q, const struct sta_expr *e, struct sta_ids *out)
{
    const struct sta_expr *path;
    const struct sta_geometry *g;
    if (e->op == STA_OP_ANY)
        return known(q, e->args[0], out);
    if (e->op == STA_OP_AND || e->op == STA_OP_OR)
        return known_logic(q, e, out);
    if (e->op == STA_OP_CALL && means_common_point(e->function) && path_and_geometry(e, &path, &g))
        return known_box(q, path, g->low, g->high, out);
    return e->op >= STA_OP_EQ && e->op <= STA_OP_LE && known_comparison(q, e, out);
}

bool
sta_index_candidates(const struct sta_graph *g, enum sta_type type, const struct sta_expr *filter,
                     struct arena *arena, struct sta_ids *out)
{
    struct question q = {.g = g, .type = type, .arena = arena};
    *out = (struct sta_ids){0};
    return type != STA_OBSERVATION && g->set[type].count >= STA_INDEX_WORTH_IT &&
           known(&q, filter, out);
}
