#include "sensorthings/evaluate.h"

#include "base/text.h"
#include "sensorthings/area.h"
#include "sensorthings/json.h"
#include "sensorthings/literal.h"
#include "sensorthings/observation.h"
#include "sensorthings/times.h"

#define SPAN_MAX_US 1000000000000000000LL /* beyond every time that can be written */

/* ---- paths ---- */

static struct sta_value
json_value(struct bytes json, struct sta_scope *scope)
{
    struct sta_value v = null_value();
    if (json.len == 0)
        return v;
    switch (sta_json_kind(json)) {
    case STA_JSON_NULL:
        return v;
    case STA_JSON_BOOL:
        return bool_value(json.p[0] == 't');
    case STA_JSON_NUMBER:
        return text_double(json, &v.number) == OK ? number_value(v.number) : v;
    case STA_JSON_TEXT:
        v.kind = STA_TEXT;
        if (sta_json_text(json, scope->scratch, &v.text) == OK)
            return v;
        scope->trouble = STA_TROUBLE_TEXTS;
        return null_value();
    case STA_JSON_OBJECT:
    case STA_JSON_ARRAY:
        break;
    }
    return (struct sta_value){.kind = STA_JSON, .text = json};
}

struct sta_value
sta_value_as_time(struct sta_value v)
{
    int64_t start, end;
    return v.kind == STA_TEXT && sta_time_parse(v.text, &start, &end) == OK ? time_value(start, end)
                                                                            : v;
}

static struct sta_value
time_or_null(struct sta_value v)
{
    v = sta_value_as_time(v);
    return v.kind == STA_TIME ? v : null_value();
}

static struct sta_value
members_value(struct bytes json, const struct sta_expr_path *path, struct sta_scope *scope)
{
    for (uint32_t i = 0; i < path->members_count; i++)
        json = sta_json_step(json, path->members[i]);
    return json_value(json, scope);
}

static struct sta_value
observation_value(const struct sta_expr_path *path, struct sta_scope *scope,
                  const struct observation *o)
{
    ASSERT(o);
    const char *name = sta_type_info(STA_OBSERVATION)->properties[path->property].name;
    if (strcmp(name, "phenomenonTime") == 0)
        return path->members_count ? null_value() : time_value(o->time_us, o->time_end_us);
    if (strcmp(name, "resultTime") == 0)
        return path->members_count || !sta_has_result_time(o)
                   ? null_value()
                   : time_value(o->result_time_us, o->result_time_us);
    if (strcmp(name, "result") == 0) {
        if (o->kind == RESULT_JSON)
            return members_value(o->text, path, scope);
        if (path->members_count)
            return null_value();
        return o->kind == RESULT_TEXT   ? text_value(o->text)
               : o->kind == RESULT_BOOL ? bool_value(o->number != 0)
                                        : number_value(o->number);
    }
    struct bytes json = sta_json_member(o->extra, bytes_text(name));
    if (strcmp(name, "validTime") != 0)
        return members_value(json, path, scope);
    return time_or_null(json_value(json, scope));
}

bool
sta_stream_times(const struct sta_scope *scope, const struct sta_entity *e, bool result,
                 int64_t *out_start, int64_t *out_end)
{
    struct store_span span;
    if (!scope->rights->may_see(scope->rights->ctx, STA_OBSERVATION, e) ||
        scope->source->span(scope->source->ctx, (uint32_t)e->id, &span) != OK || span.count == 0)
        return false;
    *out_start = result ? span.first_result_us : span.first_us;
    *out_end = result ? span.last_result_us : span.last_us;
    return true;
}

static struct sta_value
area_value(const struct sta_expr_path *path, struct sta_scope *scope, const struct sta_entity *e)
{
    enum { AREA_BYTES_MAX = 512 };
    struct buf json;
    struct bytes kept = {0};
    buf_init(&json, AREA_BYTES_MAX);
    if (sta_observed_area(scope->graph, scope->rights, e, scope->scratch, &json) &&
        buf_error(&json) == OK)
        kept = arena_dup(scope->scratch, buf_bytes(&json));
    if (json.len && !kept.p)
        scope->trouble = STA_TROUBLE_TEXTS;
    buf_fini(&json);
    return kept.p ? members_value(kept, path, scope) : null_value();
}

static struct sta_value
entity_value(const struct sta_expr_path *path, struct sta_scope *scope, const struct sta_entity *e)
{
    const struct sta_property *property = &sta_type_info(e->type)->properties[path->property];
    int64_t start, end;
    if (property->server && sta_is_stream(e->type)) /* phenomenonTime and resultTime */
        return sta_stream_times(scope, e, strcmp(property->name, "resultTime") == 0, &start, &end)
                   ? time_value(start, end)
                   : null_value();
    if (sta_is_stream(e->type) && e->property[path->property].len == 0 &&
        strcmp(property->name, "observedArea") == 0)
        return area_value(path, scope, e);
    if (property->shape != STA_SHAPE_TIME)
        return members_value(e->property[path->property], path, scope);
    return time_or_null(json_value(e->property[path->property], scope));
}

const struct sta_entity *
sta_related(const struct sta_scope *scope, const struct sta_row *row, uint32_t relation)
{
    enum sta_type to = sta_type_info(row->type)->relations[relation].to;
    const struct sta_entity *e = NULL;
    if (row->type == STA_OBSERVATION && sta_is_stream(to))
        e = row->entity->type == to ? row->entity : NULL;
    else if (row->type == STA_OBSERVATION)
        e = sta_graph_get(scope->graph, to, row->observation->feature_id);
    else if (row->entity->links[relation].count)
        e = sta_graph_get(scope->graph, to, row->entity->links[relation].p[0]);
    return e && scope->rights->may_see(scope->rights->ctx, to, e) ? e : NULL;
}

static struct sta_value
path_value(const struct sta_expr_path *path, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_row at = path->set ? scope->member[path->set - 1] : *row;
    for (uint32_t i = path->from; at.entity && i < path->relations_count; i++) {
        const struct sta_entity *e = sta_related(scope, &at, path->relations[i]);
        at = (struct sta_row){.type = sta_type_info(at.type)->relations[path->relations[i]].to,
                              .entity = e};
    }
    if (!at.entity)
        return null_value(); /* hidden looks like missing */
    if (path->property < 0)
        return number_value((double)(at.type == STA_OBSERVATION
                                         ? sta_observation_id((uint32_t)at.entity->id, at.n)
                                         : at.entity->id));
    return at.type == STA_OBSERVATION ? observation_value(path, scope, at.observation)
                                      : entity_value(path, scope, at.entity);
}

/* ---- comparing ---- */

static int
text_compare(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* One interval lies wholly before the other; instants are intervals without length. */
static bool
time_before(const struct sta_value *a, const struct sta_value *b)
{
    return a->end_us <= b->time_us && (a->time_us < b->time_us || a->end_us < b->end_us);
}

static struct sta_value
compare_times(enum sta_op op, const struct sta_value *a, const struct sta_value *b)
{
    bool equal = a->time_us == b->time_us && a->end_us == b->end_us;
    if (op == STA_OP_EQ || op == STA_OP_NE)
        return bool_value(equal == (op == STA_OP_EQ));
    if (op == STA_OP_LT)
        return bool_value(time_before(a, b));
    if (op == STA_OP_GT)
        return bool_value(time_before(b, a));
    if (op == STA_OP_LE)
        return bool_value(a->time_us <= b->time_us && a->end_us <= b->end_us);
    return bool_value(a->time_us >= b->time_us && a->end_us >= b->end_us);
}

static struct sta_value
compare(enum sta_op op, struct sta_value *a, struct sta_value *b)
{
    if (a->kind == STA_TIME) /* members of JSON hold times as text */
        *b = sta_value_as_time(*b);
    else if (b->kind == STA_TIME)
        *a = sta_value_as_time(*a);
    bool equality = op == STA_OP_EQ || op == STA_OP_NE;
    if (a->kind == STA_NULL || b->kind == STA_NULL)
        return equality ? bool_value((a->kind == b->kind) == (op == STA_OP_EQ)) : null_value();
    if (a->kind != b->kind || a->kind == STA_JSON)
        return null_value();
    if (a->kind == STA_TIME)
        return compare_times(op, a, b);
    int c;
    if (a->kind == STA_TEXT)
        c = text_compare(a->text, b->text);
    else if (a->kind == STA_NUMBER || a->kind == STA_BOOL)
        c = (a->number > b->number) - (a->number < b->number);
    else
        c = (a->time_us > b->time_us) - (a->time_us < b->time_us);
    switch ((int)op) {
    case STA_OP_EQ:
        return bool_value(c == 0);
    case STA_OP_NE:
        return bool_value(c != 0);
    case STA_OP_GT:
        return bool_value(c > 0);
    case STA_OP_GE:
        return bool_value(c >= 0);
    case STA_OP_LT:
        return bool_value(c < 0);
    default:
        return bool_value(c <= 0);
    }
}

int
sta_value_order(const struct sta_value *a, const struct sta_value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case STA_BOOL:
    case STA_NUMBER:
        return (a->number > b->number) - (a->number < b->number);
    case STA_TEXT: {
        struct bytes x = a->text, y = b->text;
        x.len = x.len < STA_ORDER_TEXT_MAX ? x.len : STA_ORDER_TEXT_MAX;
        y.len = y.len < STA_ORDER_TEXT_MAX ? y.len : STA_ORDER_TEXT_MAX;
        return text_compare(x, y);
    }
    case STA_TIME:
    case STA_DURATION:
    case STA_DATE:
    case STA_CLOCK:
        return (a->time_us > b->time_us) - (a->time_us < b->time_us);
    case STA_NULL:
    case STA_JSON:
    case STA_GEOMETRY:
    case STA_UNKNOWN_KIND:
        break;
    }
    return 0;
}

/* ---- arithmetic ---- */

static struct sta_value
shift_time(const struct sta_value *a, int64_t by_us)
{
    struct sta_value v = *a;
    if (__builtin_add_overflow(a->time_us, by_us, &v.time_us) ||
        __builtin_add_overflow(a->end_us, by_us, &v.end_us) || llabs(v.time_us) > SPAN_MAX_US ||
        llabs(v.end_us) > SPAN_MAX_US)
        return null_value();
    return v;
}

static struct sta_value
arithmetic(enum sta_op op, const struct sta_value *a, const struct sta_value *b)
{
    bool minus = op == STA_OP_SUB;
    if (op == STA_OP_ADD || minus) {
        struct sta_value d = {.kind = STA_DURATION};
        int64_t by_us = minus ? -b->time_us : b->time_us;
        if (b->kind == STA_DURATION && (a->kind == STA_TIME || a->kind == STA_DURATION))
            return shift_time(a, by_us);
        if (minus && a->kind == STA_TIME && b->kind == STA_TIME &&
            !__builtin_sub_overflow(a->time_us, b->time_us, &d.time_us))
            return d;
    }
    if (a->kind != STA_NUMBER || b->kind != STA_NUMBER)
        return null_value();
    double x = a->number, y = b->number;
    switch ((int)op) {
    case STA_OP_ADD:
        return number_value(x + y);
    case STA_OP_SUB:
        return number_value(x - y);
    case STA_OP_MUL:
        return number_value(x * y);
    case STA_OP_DIV:
        return y == 0 ? null_value() : number_value(x / y);
    default:
        return y == 0 ? null_value() : number_value(fmod(x, y));
    }
}

/* and, or, not over true, false and unknown (null). */
static struct sta_value
logic(const struct sta_expr *e, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_value a, b;
    sta_filter_value(e->args[0], scope, row, &a);
    if (e->op == STA_OP_NOT)
        return a.kind == STA_BOOL ? bool_value(a.number == 0) : null_value();
    bool decides = e->op == STA_OP_OR; /* true decides an or, false an and */
    if (a.kind == STA_BOOL && (a.number != 0) == decides)
        return a;
    sta_filter_value(e->args[1], scope, row, &b);
    if (b.kind == STA_BOOL && (b.number != 0) == decides)
        return b;
    return a.kind == STA_BOOL && b.kind == STA_BOOL ? bool_value(!decides) : null_value();
}

void
sta_filter_value(const struct sta_expr *e, struct sta_scope *scope, const struct sta_row *row,
                 struct sta_value *out)
{
    struct sta_value a, b;
    switch (e->op) {
    case STA_OP_LITERAL:
        *out = e->literal;
        return;
    case STA_OP_PATH:
        *out = path_value(e->path, scope, row);
        return;
    case STA_OP_CALL:
        *out = sta_call_value(e, scope, row);
        return;
    case STA_OP_OR:
    case STA_OP_AND:
    case STA_OP_NOT:
        *out = logic(e, scope, row);
        return;
    case STA_OP_ANY:
        *out = bool_value(sta_filter_any(e, scope, row));
        return;
    case STA_OP_NEGATE:
        sta_filter_value(e->args[0], scope, row, &a);
        if (a.kind == STA_DURATION)
            a.time_us = -a.time_us;
        else if (a.kind == STA_NUMBER)
            a.number = -a.number;
        else
            a = null_value();
        *out = a;
        return;
    case STA_OP_EQ:
    case STA_OP_NE:
    case STA_OP_GT:
    case STA_OP_GE:
    case STA_OP_LT:
    case STA_OP_LE:
    case STA_OP_ADD:
    case STA_OP_SUB:
    case STA_OP_MUL:
    case STA_OP_DIV:
    case STA_OP_MOD:
        break;
    }
    sta_filter_value(e->args[0], scope, row, &a);
    sta_filter_value(e->args[1], scope, row, &b);
    *out = e->op <= STA_OP_LE ? compare(e->op, &a, &b) : arithmetic(e->op, &a, &b);
}

bool
sta_filter_holds(const struct sta_expr *expr, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_value v;
    sta_filter_value(expr, scope, row, &v);
    return v.kind == STA_BOOL && v.number != 0;
}
