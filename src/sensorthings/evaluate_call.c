/* evaluate_call.c -- the functions of the expression language. */
#include "sensorthings/evaluate.h"

#include "sensorthings/filter_words.h"
#include "sensorthings/times.h"

#define DAY_US 86400000000LL

/* Letters of ASCII only: case of others depends on the language. */
static struct sta_value
change_case(struct bytes s, bool up, struct sta_scope *scope)
{
    uint8_t *to = arena_take(scope->scratch, s.len);
    if (!to) {
        scope->trouble = STA_TROUBLE_TEXTS;
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
        scope->trouble = STA_TROUBLE_TEXTS;
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
    ASSERT(s.p || s.len == 0);
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

/* ---- geometries ---- */

/* What the value draws; false: nothing, or what is no geometry of longitude and latitude. */
static bool
geometry_of(const struct sta_value *v, struct sta_scope *scope, struct sta_geometry *out)
{
    enum err e = ERR_MALFORMED;
    if (v->kind == STA_GEOMETRY) {
        *out = *v->geometry;
        return true;
    }
    if (v->kind == STA_JSON)
        e = sta_geometry_json(v->text, scope->scratch, out);
    else if (v->kind == STA_TEXT)
        e = sta_geometry_wkt(v->text, scope->scratch, out);
    if (e == ERR_LIMIT)
        scope->trouble = STA_TROUBLE_POINTS;
    return e == OK;
}

static bool
relation_holds(enum sta_call call, const struct sta_relation9 *r, int a, int b,
               struct bytes pattern)
{
    char text[10];
    switch ((int)call) {
    case STA_CALL_ST_EQUALS:
        return sta_relation_equals(r);
    case STA_CALL_ST_DISJOINT:
        return sta_relation_disjoint(r);
    case STA_CALL_ST_TOUCHES:
        return sta_relation_touches(r);
    case STA_CALL_ST_WITHIN:
        return sta_relation_within(r);
    case STA_CALL_ST_CONTAINS:
        return sta_relation_contains(r);
    case STA_CALL_ST_OVERLAPS:
        return sta_relation_overlaps(r, a, b);
    case STA_CALL_ST_CROSSES:
        return sta_relation_crosses(r, a, b);
    case STA_CALL_ST_RELATE:
        return bytes_copy_text(pattern, text, sizeof(text)) == OK && sta_relation_matches(r, text);
    default:
        return !sta_relation_disjoint(r); /* geo.intersects, st_intersects */
    }
}

static struct sta_value
call_geometry(enum sta_call call, const struct sta_value *v, struct sta_scope *scope)
{
    struct sta_geometry a, b = {0};
    struct sta_relation9 r;
    struct sta_value out = null_value();
    double metres;
    size_t mark = scope->scratch->used;
    uint64_t left =
        *scope->examined < scope->examined_max ? scope->examined_max - *scope->examined : 0;
    uint64_t all = left * STA_WORK_OF_ROW, work = all;
    enum err e = ERR_UNSUPPORTED;
    if (geometry_of(&v[0], scope, &a) &&
        (call == STA_CALL_GEO_LENGTH || geometry_of(&v[1], scope, &b))) {
        if (call == STA_CALL_GEO_LENGTH) {
            e = sta_geometry_length(&a, &metres);
        } else if (call == STA_CALL_GEO_DISTANCE) {
            e = sta_geometry_distance(&a, &b, scope->scratch, &work, &metres);
        } else {
            e = sta_geometry_relate(&a, &b, scope->scratch, &work, &r);
            if (e == OK)
                out = bool_value(relation_holds(call, &r, a.dimension, b.dimension, v[2].text));
        }
        if (e == OK && call <= STA_CALL_GEO_LENGTH)
            out = number_value(metres);
        if (e == ERR_LIMIT)
            scope->trouble = STA_TROUBLE_POINTS;
    }
    *scope->examined += (all - work) / STA_WORK_OF_ROW;
    scope->scratch->used = mark;
    return out;
}

struct sta_value
sta_call_value(const struct sta_expr *e, struct sta_scope *scope, const struct sta_row *row)
{
    struct sta_value a[3] = {0};
    enum sta_call call = (enum sta_call)e->function;
    for (uint32_t i = 0; i < e->args_count; i++) {
        enum sta_kind wanted = sta_argument_kind(call, i);
        sta_filter_value(e->args[i], scope, row, &a[i]);
        if (wanted == STA_TIME)
            a[i] = sta_value_as_time(a[i]);
        if (a[i].kind != wanted && wanted != STA_GEOMETRY)
            return null_value();
    }
    if (call <= STA_CALL_CONCAT)
        return call_text(call, a, e->args_count, scope);
    if (call < STA_CALL_ROUND)
        return call_time(call, a, scope);
    if (call >= STA_CALL_GEO_DISTANCE)
        return call_geometry(call, a, scope);
    return number_value(call == STA_CALL_ROUND   ? round(a[0].number)
                        : call == STA_CALL_FLOOR ? floor(a[0].number)
                                                 : ceil(a[0].number));
}
