#include "sensorthings/filter.h"

#include "sensorthings/filter_words.h"
#include "sensorthings/literal.h"
#include "sensorthings/times.h"

#define T STA_TEXT
#define N STA_NUMBER
#define W STA_TIME
#define B STA_BOOL
#define G STA_GEOMETRY
const struct sta_function sta_functions[STA_CALL_COUNT] = {
    [STA_CALL_SUBSTRINGOF] = {"substringof", 2, 2, T, T, B},
    [STA_CALL_STARTSWITH] = {"startswith", 2, 2, T, T, B},
    [STA_CALL_ENDSWITH] = {"endswith", 2, 2, T, T, B},
    [STA_CALL_LENGTH] = {"length", 1, 1, T, T, N},
    [STA_CALL_INDEXOF] = {"indexof", 2, 2, T, T, N},
    [STA_CALL_SUBSTRING] = {"substring", 2, 3, T, N, T},
    [STA_CALL_TOLOWER] = {"tolower", 1, 1, T, T, T},
    [STA_CALL_TOUPPER] = {"toupper", 1, 1, T, T, T},
    [STA_CALL_TRIM] = {"trim", 1, 1, T, T, T},
    [STA_CALL_CONCAT] = {"concat", 2, 2, T, T, T},
    [STA_CALL_YEAR] = {"year", 1, 1, W, W, N},
    [STA_CALL_MONTH] = {"month", 1, 1, W, W, N},
    [STA_CALL_DAY] = {"day", 1, 1, W, W, N},
    [STA_CALL_HOUR] = {"hour", 1, 1, W, W, N},
    [STA_CALL_MINUTE] = {"minute", 1, 1, W, W, N},
    [STA_CALL_SECOND] = {"second", 1, 1, W, W, N},
    [STA_CALL_FRACTIONALSECONDS] = {"fractionalseconds", 1, 1, W, W, N},
    [STA_CALL_DATE] = {"date", 1, 1, W, W, STA_DATE},
    [STA_CALL_TIME] = {"time", 1, 1, W, W, STA_CLOCK},
    [STA_CALL_TOTALOFFSETMINUTES] = {"totaloffsetminutes", 1, 1, W, W, N},
    [STA_CALL_NOW] = {"now", 0, 0, W, W, W},
    [STA_CALL_MINDATETIME] = {"mindatetime", 0, 0, W, W, W},
    [STA_CALL_MAXDATETIME] = {"maxdatetime", 0, 0, W, W, W},
    [STA_CALL_ROUND] = {"round", 1, 1, N, N, N},
    [STA_CALL_FLOOR] = {"floor", 1, 1, N, N, N},
    [STA_CALL_CEILING] = {"ceiling", 1, 1, N, N, N},
    [STA_CALL_GEO_DISTANCE] = {"geo.distance", 2, 2, G, G, N},
    [STA_CALL_GEO_LENGTH] = {"geo.length", 1, 1, G, G, N},
    [STA_CALL_GEO_INTERSECTS] = {"geo.intersects", 2, 2, G, G, B},
    [STA_CALL_ST_EQUALS] = {"st_equals", 2, 2, G, G, B},
    [STA_CALL_ST_DISJOINT] = {"st_disjoint", 2, 2, G, G, B},
    [STA_CALL_ST_TOUCHES] = {"st_touches", 2, 2, G, G, B},
    [STA_CALL_ST_WITHIN] = {"st_within", 2, 2, G, G, B},
    [STA_CALL_ST_OVERLAPS] = {"st_overlaps", 2, 2, G, G, B},
    [STA_CALL_ST_CROSSES] = {"st_crosses", 2, 2, G, G, B},
    [STA_CALL_ST_INTERSECTS] = {"st_intersects", 2, 2, G, G, B},
    [STA_CALL_ST_CONTAINS] = {"st_contains", 2, 2, G, G, B},
    [STA_CALL_ST_RELATE] = {"st_relate", 3, 3, G, G, B},
};
#undef T
#undef N
#undef W
#undef B
#undef G

/* Binary operators by name, with how tightly they bind (18-088 table 11). */
const struct sta_operator sta_operators[STA_OP_CALL] = {
    [STA_OP_OR] = {"or", 1},   [STA_OP_AND] = {"and", 2}, [STA_OP_EQ] = {"eq", 3},
    [STA_OP_NE] = {"ne", 3},   [STA_OP_GT] = {"gt", 4},   [STA_OP_GE] = {"ge", 4},
    [STA_OP_LT] = {"lt", 4},   [STA_OP_LE] = {"le", 4},   [STA_OP_ADD] = {"add", 5},
    [STA_OP_SUB] = {"sub", 5}, [STA_OP_MUL] = {"mul", 6}, [STA_OP_DIV] = {"div", 6},
    [STA_OP_MOD] = {"mod", 6},
};

static const char *
kind_name(enum sta_kind kind)
{
    static const char *const names[] = {
        "null",   "true or false", "a number",      "text",        "a time",   "a duration",
        "a date", "a time of day", "a JSON object", "a geography", "something"};
    return names[kind];
}

static enum err parse_level(struct sta_filter_parser *p, int level, struct sta_expr **out);

enum err
sta_filter_expected(struct sta_filter_parser *p, size_t at, const char *what)
{
    struct bytes rest = bytes_skip(p->s, at);
    if (rest.len == 0)
        return sta_fail(p->error, 400, at, "at %zu: expected %s, and the expression ends", at,
                        what);
    return sta_fail(p->error, 400, at, "at %zu: expected %s, found '%.*s'", at, what,
                    (int)(rest.len < 20 ? rest.len : 20), (const char *)rest.p);
}

static void
space(struct sta_filter_parser *p)
{
    while (p->at < p->s.len && (p->s.p[p->at] == ' ' || p->s.p[p->at] == '\t'))
        p->at++;
}

static bool
name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || c == '.' || c == ':' || c == '-' || c == '$' || c >= 0x80;
}

struct bytes
sta_filter_peek(const struct sta_filter_parser *p)
{
    size_t end = p->at;
    while (end < p->s.len && name_byte(p->s.p[end]))
        end++;
    return bytes_of(p->s.p + p->at, end - p->at);
}

enum err
sta_filter_node(struct sta_filter_parser *p, enum sta_op op, size_t at, struct sta_expr **out)
{
    struct sta_expr *e =
        ++p->nodes <= STA_FILTER_NODES_MAX ? arena_take(p->arena, sizeof(struct sta_expr)) : NULL;
    if (!e)
        return sta_fail(p->error, 400, at,
                        "the expression has more than %d parts; ask in several requests",
                        STA_FILTER_NODES_MAX);
    e->op = op;
    e->position = (uint32_t)at;
    e->kind = STA_UNKNOWN_KIND;
    *out = e;
    return OK;
}

/* ---- types that are known beforehand ---- */

static bool
fits(enum sta_kind is, enum sta_kind wanted)
{
    return is == wanted || is == STA_UNKNOWN_KIND || is == STA_NULL ||
           (wanted == STA_GEOMETRY && is == STA_JSON);
}

/* Where a time is wanted and text was written, a time in quotes is meant. */
static void
text_as_time(const struct sta_expr *e, enum sta_kind other)
{
    struct sta_value v;
    if (other != STA_TIME || e->op != STA_OP_LITERAL || e->kind != STA_TEXT ||
        sta_literal_read(e->literal.text, &v) != e->literal.text.len || v.kind != STA_TIME)
        return;
    struct sta_expr *mine = (struct sta_expr *)(uintptr_t)e; /* the parser made it */
    mine->literal = v;
    mine->kind = STA_TIME;
}

static bool
check_time_arithmetic(struct sta_expr *e, enum sta_kind a, enum sta_kind b)
{
    if (a == STA_TIME && b == STA_DURATION && (e->op == STA_OP_ADD || e->op == STA_OP_SUB))
        e->kind = STA_TIME;
    else if (a == STA_TIME && b == STA_TIME && e->op == STA_OP_SUB)
        e->kind = STA_DURATION;
    else if (a == STA_DURATION && b == STA_DURATION && (e->op == STA_OP_ADD || e->op == STA_OP_SUB))
        e->kind = STA_DURATION;
    else if (a == STA_UNKNOWN_KIND || b == STA_UNKNOWN_KIND || a == STA_NULL || b == STA_NULL)
        e->kind = STA_UNKNOWN_KIND;
    else
        return false;
    return true;
}

static enum err
check_binary(struct sta_filter_parser *p, struct sta_expr *e)
{
    text_as_time(e->args[0], e->args[1]->kind);
    text_as_time(e->args[1], e->args[0]->kind);
    enum sta_kind a = e->args[0]->kind, b = e->args[1]->kind;
    const char *name = sta_operators[e->op].name;
    e->kind = STA_BOOL;
    if (e->op == STA_OP_AND || e->op == STA_OP_OR) {
        for (int i = 0; i < 2; i++)
            if (!fits(e->args[i]->kind, STA_BOOL))
                return sta_fail(p->error, 400, e->args[i]->position,
                                "at %u: '%s' takes true or false, not %s", e->args[i]->position,
                                name, kind_name(e->args[i]->kind));
        return OK;
    }
    if (e->op >= STA_OP_EQ && e->op <= STA_OP_LE) {
        if (a >= STA_JSON && a != STA_UNKNOWN_KIND)
            b = a; /* geographies and objects compare with nothing */
        if (b == STA_JSON || b == STA_GEOMETRY || (!fits(a, b) && !fits(b, a)))
            return sta_fail(p->error, 400, e->position,
                            "at %u: '%s' cannot compare %s and %s; texts stand in single quotes",
                            e->position, name, kind_name(a), kind_name(b));
        return OK;
    }
    e->kind = STA_NUMBER;
    if (fits(a, STA_NUMBER) && fits(b, STA_NUMBER) && (a == STA_NUMBER || b == STA_NUMBER))
        return OK;
    if (!check_time_arithmetic(e, a, b))
        return sta_fail(p->error, 400, e->position, "at %u: '%s' cannot work on %s and %s",
                        e->position, name, kind_name(a), kind_name(b));
    return OK;
}

/* ---- the parts ---- */

static enum err
parse_quoted(struct sta_filter_parser *p, struct bytes *out)
{
    size_t start = p->at + 1, doubled = 0, at = start;
    for (; at < p->s.len; at++) {
        if (p->s.p[at] != '\'')
            continue;
        if (at + 1 < p->s.len && p->s.p[at + 1] == '\'') {
            doubled++;
            at++;
            continue;
        }
        break;
    }
    if (at >= p->s.len)
        return sta_fail(p->error, 400, p->at, "at %zu: a text starts here and has no closing quote",
                        p->at);
    *out = bytes_of(p->s.p + start, at - start);
    p->at = at + 1;
    if (doubled == 0)
        return OK;
    uint8_t *to = arena_take(p->arena, out->len);
    if (!to)
        return sta_fail(p->error, 413, start,
                        "the expression is too long; ask in several requests");
    size_t len = 0;
    for (size_t i = 0; i < out->len; i++) {
        to[len++] = out->p[i];
        if (out->p[i] == '\'')
            i++;
    }
    *out = bytes_of(to, len);
    return OK;
}

enum sta_kind
sta_argument_kind(enum sta_call call, uint32_t i)
{
    if (call == STA_CALL_ST_RELATE && i == 2)
        return STA_TEXT;
    return i == 0 ? sta_functions[call].takes : sta_functions[call].takes_more;
}

static enum err
check_argument(struct sta_filter_parser *p, const struct sta_function *f, uint32_t i,
               const struct sta_expr *arg)
{
    enum sta_kind wanted = sta_argument_kind((enum sta_call)(f - sta_functions), i);
    text_as_time(arg, wanted);
    if (wanted == STA_TEXT && f == &sta_functions[STA_CALL_ST_RELATE] &&
        (arg->op != STA_OP_LITERAL || !sta_relation_is_pattern(arg->literal.text)))
        return sta_fail(p->error, 400, arg->position,
                        "at %u: st_relate takes a pattern of nine of T F * 0 1 2, such as "
                        "'T*F**F***'",
                        arg->position);
    if (fits(arg->kind, wanted))
        return OK;
    return sta_fail(p->error, 400, arg->position, "at %u: %s takes %s as argument %u, not %s",
                    arg->position, f->name, kind_name(wanted), i + 1, kind_name(arg->kind));
}

static enum err
parse_call(struct sta_filter_parser *p, struct bytes name, struct sta_expr **out)
{
    size_t at = p->at;
    uint32_t f = 0;
    while (f < STA_CALL_COUNT && !bytes_are(name, sta_functions[f].name))
        f++;
    if (f == STA_CALL_COUNT)
        return sta_filter_expected(p, at,
                                   "a function, such as substringof, year, round or geo.distance");
    enum err e = sta_filter_node(p, STA_OP_CALL, at, out);
    if (e != OK)
        return e;
    (*out)->function = (uint8_t)f;
    (*out)->kind = sta_functions[f].gives;
    p->at += name.len + 1;
    for (uint32_t i = 0; i < sta_functions[f].args_max; i++) {
        struct sta_expr *arg = NULL;
        space(p);
        if (i >= sta_functions[f].args_min && p->at < p->s.len && p->s.p[p->at] == ')')
            break;
        if (i > 0) {
            if (p->at == p->s.len || p->s.p[p->at] != ',')
                return sta_filter_expected(p, p->at, "','");
            p->at++;
        }
        e = parse_level(p, 1, &arg);
        if (e == OK)
            e = check_argument(p, &sta_functions[f], i, arg);
        if (e != OK)
            return e;
        (*out)->args[(*out)->args_count++] = arg;
    }
    space(p);
    if (p->at == p->s.len || p->s.p[p->at] != ')')
        return sta_filter_expected(p, p->at, "')'");
    p->at++;
    return OK;
}

/* The quoted part of geography'...'. */
static enum err
parse_geography(struct sta_filter_parser *p, struct sta_value *out)
{
    size_t at = p->at;
    struct sta_geometry *g = arena_take(p->arena, sizeof(*g));
    enum err e = parse_quoted(p, &out->text);
    if (e != OK)
        return e;
    e = g ? sta_geometry_wkt(out->text, p->arena, g) : ERR_LIMIT;
    if (e == ERR_LIMIT)
        return sta_fail(p->error, 413, at, "at %zu: the geography has too many points", at);
    if (e != OK)
        return sta_filter_expected(
            p, at, "WKT: POINT, LINESTRING, POLYGON or MULTI... of longitude and latitude");
    out->kind = STA_GEOMETRY;
    out->geometry = g;
    return OK;
}

static enum err
parse_word(struct sta_filter_parser *p, struct sta_expr **out)
{
    struct bytes name = sta_filter_peek(p);
    size_t at = p->at, after = p->at + name.len;
    uint8_t next = after < p->s.len ? p->s.p[after] : 0;
    struct sta_value v = {.kind = STA_UNKNOWN_KIND};
    if (next == '(')
        return parse_call(p, name, out);
    if (bytes_are(name, "true") || bytes_are(name, "false"))
        v = (struct sta_value){.kind = STA_BOOL, .number = name.p[0] == 't'};
    else if (bytes_are(name, "null"))
        v.kind = STA_NULL;
    else if (bytes_are(name, "geography") && next == '\'') {
        p->at = after;
        enum err e = parse_geography(p, &v);
        if (e != OK)
            return e;
        after = p->at;
    } else if (bytes_are(name, "duration") && next == '\'') {
        struct bytes text;
        p->at = after;
        enum err e = parse_quoted(p, &text);
        if (e != OK)
            return e;
        if (sta_duration_parse(text, &v.time_us) != OK)
            return sta_filter_expected(p, after,
                                       "an ISO 8601 duration of days, hours, minutes, seconds");
        v.kind = STA_DURATION;
        after = p->at;
    }
    if (v.kind == STA_UNKNOWN_KIND)
        return sta_filter_read_path(p, out);
    p->at = after;
    enum err e = sta_filter_node(p, STA_OP_LITERAL, at, out);
    if (e != OK)
        return e;
    ASSERT(*out);
    (*out)->literal = v;
    (*out)->kind = v.kind;
    return OK;
}

static enum err
parse_literal(struct sta_filter_parser *p, struct sta_expr **out)
{
    struct sta_value v = {.kind = STA_TEXT};
    size_t at = p->at;
    enum err e = OK;
    if (p->s.p[at] == '\'')
        e = parse_quoted(p, &v.text);
    else {
        size_t n = sta_literal_read(bytes_skip(p->s, at), &v);
        if (n == 0 || (at + n < p->s.len && name_byte(p->s.p[at + n])))
            return sta_filter_expected(p, at, "a number, or a time with zone");
        p->at += n;
    }
    if (e == OK)
        e = sta_filter_node(p, STA_OP_LITERAL, at, out);
    if (e != OK)
        return e;
    ASSERT(*out);
    (*out)->literal = v;
    (*out)->kind = v.kind;
    return OK;
}

static enum err
parse_unary(struct sta_filter_parser *p, enum sta_op op, size_t skip, struct sta_expr **out)
{
    struct sta_expr *arg = NULL;
    enum err e = sta_filter_node(p, op, p->at, out);
    if (e != OK)
        return e;
    p->at += skip;
    e = parse_level(p, LEVEL_UNARY, &arg);
    if (e != OK)
        return e;
    ASSERT(*out && arg);
    enum sta_kind wanted = op == STA_OP_NOT ? STA_BOOL : STA_NUMBER;
    if (!fits(arg->kind, wanted) && !(op == STA_OP_NEGATE && arg->kind == STA_DURATION))
        return sta_fail(p->error, 400, arg->position, "at %u: expected %s, found %s%s",
                        arg->position, kind_name(wanted), kind_name(arg->kind),
                        op == STA_OP_NOT ? "; 'not' binds tightly: use parentheses" : "");
    (*out)->kind = op == STA_OP_NOT ? STA_BOOL : arg->kind;
    (*out)->args[0] = arg;
    (*out)->args_count = 1;
    return OK;
}

static enum err
parse_primary(struct sta_filter_parser *p, struct sta_expr **out)
{
    space(p);
    if (p->at == p->s.len)
        return sta_filter_expected(p, p->at, "a property, a literal or '('");
    uint8_t c = p->s.p[p->at];
    uint8_t next = p->at + 1 < p->s.len ? p->s.p[p->at + 1] : 0;
    if (c == '(') {
        p->at++;
        enum err e = parse_level(p, 1, out);
        if (e != OK)
            return e;
        space(p);
        if (p->at == p->s.len || p->s.p[p->at] != ')')
            return sta_filter_expected(p, p->at, "')'");
        p->at++;
        return OK;
    }
    if (bytes_are(sta_filter_peek(p), "not"))
        return parse_unary(p, STA_OP_NOT, 3, out);
    if (c == '-' && !(next >= '0' && next <= '9'))
        return parse_unary(p, STA_OP_NEGATE, 1, out);
    if (c == '\'' || c == '-' || (c >= '0' && c <= '9'))
        return parse_literal(p, out);
    return parse_word(p, out);
}

/* The binary operator at hand, if it is of this level. */
static enum sta_op
operator_here(struct sta_filter_parser *p, int level)
{
    space(p);
    struct bytes name = sta_filter_peek(p);
    for (enum sta_op op = STA_OP_OR; op < STA_OP_NEGATE; op++)
        if (sta_operators[op].level == level && bytes_are(name, sta_operators[op].name))
            return op;
    return STA_OP_LITERAL;
}

static enum err
parse_level(struct sta_filter_parser *p, int level, struct sta_expr **out)
{
    if (level >= LEVEL_UNARY || level == 1)
        if (++p->depth > STA_FILTER_DEPTH_MAX)
            return sta_fail(p->error, 400, p->at,
                            "the expression is nested more than %d deep; leave out parentheses",
                            STA_FILTER_DEPTH_MAX);
    enum err e = level >= LEVEL_UNARY ? parse_primary(p, out) : parse_level(p, level + 1, out);
    while (e == OK && level < LEVEL_UNARY) {
        enum sta_op op = operator_here(p, level);
        if (op == STA_OP_LITERAL)
            break;
        struct sta_expr *left = *out, *right = NULL, *both = NULL;
        size_t at = p->at;
        p->at += strlen(sta_operators[op].name);
        e = parse_level(p, level + 1, &right);
        if (e == OK)
            e = sta_filter_node(p, op, at, &both);
        if (e != OK)
            return e;
        both->args[0] = left;
        both->args[1] = right;
        both->args_count = 2;
        e = check_binary(p, both);
        *out = both;
    }
    if (level >= LEVEL_UNARY || level == 1)
        p->depth--;
    return e;
}

static enum err
choose_members(struct sta_filter_parser *p, const struct sta_expr *e, const struct sta_expr **out)
{
    struct sta_expr *any = NULL;
    struct sta_filter_sets *sets = arena_take(p->arena, sizeof(*sets));
    enum err err = sta_filter_node(p, STA_OP_ANY, e->position, &any);
    if (err != OK)
        return err;
    if (!sets)
        return sta_fail(p->error, 413, 0, "the expression is too long; ask in several requests");
    *sets = p->sets;
    any->kind = STA_BOOL;
    any->sets = sets;
    any->args[0] = e;
    any->args_count = 1;
    *out = any;
    return OK;
}

enum err
sta_filter_parse(struct bytes text, enum sta_type type, struct arena *arena,
                 const struct sta_expr **out, struct sta_error *error)
{
    struct sta_filter_parser p = {.s = text, .type = type, .arena = arena, .error = error};
    struct sta_expr *e = NULL;
    enum err err = parse_level(&p, 1, &e);
    if (err != OK)
        return err;
    space(&p);
    if (p.at != text.len)
        return sta_filter_expected(&p, p.at, "an operator or the end");
    if (!fits(e->kind, STA_BOOL))
        return sta_fail(error, 400, e->position, "a filter is true or false; this is %s",
                        kind_name(e->kind));
    *out = e;
    return p.sets.count ? choose_members(&p, e, out) : OK;
}

enum err
sta_filter_parse_path(struct bytes text, enum sta_type type, struct arena *arena,
                      const struct sta_expr **out, struct sta_error *error)
{
    struct sta_filter_parser p = {
        .s = text, .type = type, .arena = arena, .error = error, .to_one = true};
    struct sta_expr *e = NULL;
    bool function = bytes_find(text, '(') < text.len;
    enum err err = function ? parse_word(&p, &e) : sta_filter_read_path(&p, &e);
    if (err != OK)
        return err;
    if (p.at != text.len)
        return sta_filter_expected(&p, p.at, "the end of the path");
    *out = e;
    return OK;
}
