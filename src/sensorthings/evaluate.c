#include "sensorthings/filter.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/json.h"
#include "sensorthings/literal.h"
#include "sensorthings/times.h"

#define DAY_US 86400000000LL
#define SPAN_MAX_US 1000000000000000000LL /* beyond every time that can be written */

static struct sta_value
null_value(void)
{
    return (struct sta_value){.kind = STA_NULL};
}
static struct sta_value
bool_value(bool v)
{
    return (struct sta_value){.kind = STA_BOOL, .number = v};
}
static struct sta_value
number_value(double v)
{
    return isfinite(v) ? (struct sta_value){.kind = STA_NUMBER, .number = v} : null_value();
}
static struct sta_value
text_value(struct bytes text)
{
    return (struct sta_value){.kind = STA_TEXT, .text = text};
}
static struct sta_value
time_value(int64_t start_us, int64_t end_us)
{
    return (struct sta_value){.kind = STA_TIME, .time_us = start_us, .end_us = end_us};
}

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
        scope->exhausted = true;
        return null_value();
    case STA_JSON_OBJECT:
    case STA_JSON_ARRAY:
        break;
    }
    return (struct sta_value){.kind = STA_JSON, .text = json};
}

static struct sta_value
members_value(struct bytes json, const struct sta_expr_path *path, struct sta_scope *scope)
{
    for (uint32_t i = 0; i < path->members_count; i++)
        json = sta_json_member(json, path->members[i]);
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
        return path->members_count ? null_value()
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
    struct sta_value v = json_value(json, scope);
    int64_t start, end;
    if (v.kind != STA_TEXT || sta_time_parse(v.text, &start, &end) != OK)
        return null_value();
    return time_value(start, end);
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
entity_value(const struct sta_expr_path *path, struct sta_scope *scope, const struct sta_entity *e)
{
    const struct sta_property *property = &sta_type_info(e->type)->properties[path->property];
    int64_t start, end;
    if (property->server) /* a Datastream's phenomenonTime and resultTime */
        return sta_stream_times(scope, e, strcmp(property->name, "resultTime") == 0, &start, &end)
                   ? time_value(start, end)
                   : null_value();
    if (property->shape != STA_SHAPE_TIME)
        return members_value(e->property[path->property], path, scope);
    struct sta_value v = json_value(e->property[path->property], scope);
    if (v.kind != STA_TEXT || sta_time_parse(v.text, &start, &end) != OK)
        return null_value();
    return time_value(start, end);
}

static struct sta_value
path_value(const struct sta_expr_path *path, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_row at = *row;
    for (uint32_t i = 0; i < path->relations_count; i++) {
        uint8_t relation = path->relations[i];
        enum sta_type to = sta_type_info(at.type)->relations[relation].to;
        const struct sta_entity *e;
        if (at.type == STA_OBSERVATION) {
            const struct observation *o = at.observation;
            ASSERT(o);
            if (sta_is_stream(to))
                e = at.entity->type == to ? at.entity : NULL;
            else
                e = sta_graph_get(scope->graph, to, o->feature_id);
        } else
            e = at.entity->links[relation].count
                    ? sta_graph_get(scope->graph, to, at.entity->links[relation].p[0])
                    : NULL;
        if (!e || !scope->rights->may_see(scope->rights->ctx, to, e))
            return null_value(); /* hidden looks like missing */
        at = (struct sta_row){.type = to, .entity = e};
    }
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
compare(enum sta_op op, const struct sta_value *a, const struct sta_value *b)
{
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

/* ---- functions ---- */

/* Letters of ASCII only: case of others depends on the language. */
static struct sta_value
change_case(struct bytes s, bool up, struct sta_scope *scope)
{
    uint8_t *to = arena_take(scope->scratch, s.len);
    if (!to) {
        scope->exhausted = true;
        return null_value();
    }
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        bool letter = up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
        to[i] = letter ? (uint8_t)(c ^ 0x20) : c;
    }
    return text_value(bytes_of(to, s.len));
}

static struct sta_value
concatenate(struct bytes a, struct bytes b, struct sta_scope *scope)
{
    uint8_t *to =
        a.len + b.len <= STA_VALUE_TEXT_MAX ? arena_take(scope->scratch, a.len + b.len) : NULL;
    if (!to) {
        scope->exhausted = true;
        return null_value();
    }
    if (a.len)
        memcpy(to, a.p, a.len);
    if (b.len)
        memcpy(to + a.len, b.p, b.len);
    return text_value(bytes_of(to, a.len + b.len));
}

/* Characters, not bytes: those that are no UTF-8 continuation. */
static size_t
characters(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The offset of the n-th character, or the length. */
static size_t
offset_of(struct bytes s, double n)
{
    size_t i = 0;
    for (; i < s.len; i++)
        if ((s.p[i] & 0xc0) != 0x80 && n-- < 1)
            break;
    return i;
}

static ptrdiff_t
find(struct bytes hay, struct bytes needle)
{
    if (needle.len == 0)
        return 0;
    const uint8_t *at = hay.len ? memmem(hay.p, hay.len, needle.p, needle.len) : NULL;
    return at ? at - hay.p : -1;
}

static struct sta_value
trim(struct bytes s)
{
    while (s.len && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
        s = bytes_skip(s, 1);
    while (s.len && (s.p[s.len - 1] == ' ' || (s.p[s.len - 1] >= '\t' && s.p[s.len - 1] <= '\r')))
        s.len--;
    return text_value(s);
}

static struct sta_value
call_text(enum sta_call call, const struct sta_value *a, uint32_t count, struct sta_scope *scope)
{
    struct bytes s = a[0].text, t = a[1].text;
    switch ((int)call) {
    case STA_CALL_SUBSTRINGOF: /* the needle comes first (18-088 table 12) */
        return bool_value(find(t, s) >= 0);
    case STA_CALL_STARTSWITH:
        return bool_value(s.len >= t.len && find(bytes_of(s.p, t.len), t) == 0);
    case STA_CALL_ENDSWITH:
        return bool_value(s.len >= t.len && bytes_equal(bytes_skip(s, s.len - t.len), t));
    case STA_CALL_LENGTH:
        return number_value((double)characters(s));
    case STA_CALL_INDEXOF: {
        ptrdiff_t at = find(s, t);
        return number_value(at < 0 ? -1 : (double)characters(bytes_of(s.p, (size_t)at)));
    }
    case STA_CALL_SUBSTRING: {
        s = bytes_skip(s, offset_of(s, a[1].number));
        if (count == 3)
            s.len = offset_of(s, a[2].number);
        return text_value(s);
    }
    case STA_CALL_TOLOWER:
        return change_case(s, false, scope);
    case STA_CALL_TOUPPER:
        return change_case(s, true, scope);
    case STA_CALL_TRIM:
        return trim(s);
    default:
        return concatenate(s, t, scope);
    }
}

static struct sta_value
call_time(enum sta_call call, const struct sta_value *a, const struct sta_scope *scope)
{
    if (call == STA_CALL_NOW)
        return time_value(scope->now_us, scope->now_us);
    if (call == STA_CALL_MINDATETIME)
        return time_value(STA_TIME_MIN_US, STA_TIME_MIN_US);
    if (call == STA_CALL_MAXDATETIME)
        return time_value(STA_TIME_MAX_US, STA_TIME_MAX_US);
    struct sta_civil c = sta_civil_of(a->time_us);
    int64_t in_day = ((a->time_us % DAY_US) + DAY_US) % DAY_US;
    switch ((int)call) {
    case STA_CALL_YEAR:
        return number_value((double)c.year);
    case STA_CALL_MONTH:
        return number_value(c.month);
    case STA_CALL_DAY:
        return number_value(c.day);
    case STA_CALL_HOUR:
        return number_value(c.hour);
    case STA_CALL_MINUTE:
        return number_value(c.minute);
    case STA_CALL_SECOND:
        return number_value(c.second);
    case STA_CALL_FRACTIONALSECONDS:
        return number_value((double)c.micro / 1e6);
    case STA_CALL_DATE:
        return (struct sta_value){.kind = STA_DATE, .time_us = a->time_us - in_day};
    case STA_CALL_TIME:
        return (struct sta_value){.kind = STA_CLOCK, .time_us = in_day};
    default:
        return number_value(a->offset_minutes); /* times are kept in UTC: 0 for what is stored */
    }
}

static struct sta_value
call_value(const struct sta_expr *e, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_value a[3] = {0};
    enum sta_call call = (enum sta_call)e->function;
    for (uint32_t i = 0; i < e->args_count; i++) {
        sta_filter_value(e->args[i], scope, row, &a[i]);
        bool number = call >= STA_CALL_ROUND || (call == STA_CALL_SUBSTRING && i > 0);
        enum sta_kind wanted = number ? STA_NUMBER : call <= STA_CALL_CONCAT ? STA_TEXT : STA_TIME;
        if (a[i].kind != wanted)
            return null_value();
    }
    if (call <= STA_CALL_CONCAT)
        return call_text(call, a, e->args_count, scope);
    if (call < STA_CALL_ROUND)
        return call_time(call, a, scope);
    return number_value(call == STA_CALL_ROUND   ? round(a[0].number)
                        : call == STA_CALL_FLOOR ? floor(a[0].number)
                                                 : ceil(a[0].number));
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
        *out = call_value(e, scope, row);
        return;
    case STA_OP_OR:
    case STA_OP_AND:
    case STA_OP_NOT:
        *out = logic(e, scope, row);
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

void
sta_filter_time_bounds(const struct sta_expr *e, int64_t *from_us, int64_t *to_us)
{
    if (e->op == STA_OP_AND) {
        sta_filter_time_bounds(e->args[0], from_us, to_us);
        sta_filter_time_bounds(e->args[1], from_us, to_us);
        return;
    }
    if (e->op < STA_OP_EQ || e->op > STA_OP_LE || e->op == STA_OP_NE)
        return;
    bool mirrored = e->args[0]->op == STA_OP_LITERAL;
    const struct sta_expr *path = e->args[mirrored], *literal = e->args[!mirrored];
    if (path->op != STA_OP_PATH || literal->op != STA_OP_LITERAL || literal->kind != STA_TIME ||
        path->path->type != STA_OBSERVATION || path->path->relations_count ||
        path->path->property != 0 || path->path->members_count)
        return;
    int64_t start = literal->literal.time_us;
    bool lower = e->op == STA_OP_GT || e->op == STA_OP_GE;
    bool upper = e->op == STA_OP_LT || e->op == STA_OP_LE;
    bool from = mirrored ? upper : lower, to = mirrored ? lower : upper;
    /* A row's interval begins at or after the literal's start, or at or before it: wide enough
     * for every operator, and the filter itself still decides. */
    if ((from || e->op == STA_OP_EQ) && *from_us < start)
        *from_us = start;
    if ((to || e->op == STA_OP_EQ) && *to_us > start + 1)
        *to_us = start + 1;
}
