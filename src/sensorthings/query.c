#include "sensorthings/query.h"

#include "base/text.h"
#include "sensorthings/path.h"

enum option {
    TOP,
    SKIP,
    COUNT,
    ORDERBY,
    SELECT,
    EXPAND,
    FILTER,
    RESULT_FORMAT,
    SKIPTOKEN,
    OPTION_COUNT
};
static const char *const option_names[OPTION_COUNT] = {"$top",     "$skip",         "$count",
                                                       "$orderby", "$select",       "$expand",
                                                       "$filter",  "$resultFormat", "$skiptoken"};

/* What OData has and SensorThings took over from it, or clients bring along; not here. */
static const char *const known_elsewhere[] = {"$format",        "$search",    "$apply",
                                              "$compute",       "$levels",    "$index",
                                              "$schemaversion", "$deltatoken"};

struct parser {
    struct arena *arena;
    struct sta_error *error;
};

static enum err parse_option(struct parser *p, struct bytes name, struct bytes value,
                             struct sta_query *q, uint32_t *seen, uint32_t depth);

static int
hex_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

enum err
sta_percent_decode(struct bytes text, bool plus, struct arena *arena, struct bytes *out)
{
    uint8_t *to = arena_take(arena, text.len + 1);
    size_t len = 0;
    if (!to)
        return ERR_LIMIT;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '+' && plus)
            c = ' ';
        if (c == '%') {
            int high = i + 2 < text.len ? hex_of(text.p[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_of(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_MALFORMED;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        to[len++] = c;
    }
    if (!text_is_utf8(bytes_of(to, len)))
        return ERR_MALFORMED;
    *out = bytes_of(to, len);
    return OK;
}

void
sta_percent_encode(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~!$'()*,:@/;=", c));
        if (plain)
            buf_byte(out, c);
        else
            buf_format(out, "%%%02X", c);
    }
}

/* Split off what stands before the first separator outside quotes and parentheses. */
static struct bytes
take_until(struct bytes *rest, char separator)
{
    size_t at = 0;
    uint32_t open = 0;
    bool quoted = false;
    for (; at < rest->len; at++) {
        uint8_t c = rest->p[at];
        if (c == '\'')
            quoted = !quoted;
        if (quoted)
            continue;
        if (c == '(')
            open++;
        if (c == ')' && open)
            open--;
        if (c == (uint8_t)separator && open == 0)
            break;
    }
    struct bytes part = bytes_of(rest->p, at);
    *rest = bytes_skip(*rest, at < rest->len ? at + 1 : at);
    return part;
}

static struct bytes
trimmed(struct bytes s)
{
    while (s.len && s.p[0] == ' ')
        s = bytes_skip(s, 1);
    while (s.len && s.p[s.len - 1] == ' ')
        s.len--;
    return s;
}

static enum err
parse_number(struct parser *p, const char *name, struct bytes value, uint64_t max, uint64_t *out)
{
    enum err e = text_u64(value, UINT64_MAX, out);
    if (e != OK)
        return sta_fail(p->error, 400, 0, "%s is a number from 0 on", name);
    if (*out > max)
        return sta_fail(p->error, 400, 0, "%s is at most %llu here; follow @iot.nextLink", name,
                        (unsigned long long)max);
    return OK;
}

/* The option in front of what was wrong in its expression. */
static enum err
named(struct parser *p, const char *option, enum err e)
{
    char text[sizeof(p->error->text)];
    if (e == OK)
        return OK;
    memcpy(text, p->error->text, sizeof(text));
    snprintf(p->error->text, sizeof(p->error->text), "%s, %.*s", option, (int)sizeof(text) - 20,
             text);
    return e;
}

static enum err
parse_select(struct parser *p, struct bytes value, struct sta_query *q)
{
    char names[STA_NAMES_SIZE];
    q->has_select = true;
    for (bool more = true; more;) {
        more = bytes_find(value, ',') < value.len;
        struct bytes name = trimmed(take_until(&value, ','));
        int property = sta_property_index(q->type, name);
        int relation = sta_relation_index(q->type, name);
        if (property >= 0)
            q->select |= 1u << property;
        else if (relation >= 0)
            q->select_relations |= 1u << relation;
        else if (bytes_are(name, "id") || bytes_are(name, "@iot.id"))
            q->select_id = true;
        else
            return sta_fail(p->error, 400, 0, "$select: %s has no '%.*s'; it has id, %s",
                            sta_type_info(q->type)->entity, (int)(name.len < 40 ? name.len : 40),
                            (const char *)name.p, sta_names_of(q->type, names));
    }
    return OK;
}

static enum err
parse_orderby(struct parser *p, struct bytes value, struct sta_query *q)
{
    for (bool more = true; more;) {
        size_t before = value.len;
        struct bytes part = take_until(&value, ',');
        more = part.len < before;
        part = trimmed(part);
        struct bytes path = trimmed(take_until(&part, ' '));
        struct bytes direction = trimmed(part);
        if (q->order_count == STA_ORDER_KEYS_MAX)
            return sta_fail(p->error, 400, 0, "$orderby has at most %d keys", STA_ORDER_KEYS_MAX);
        struct sta_order_key *key = &q->order[q->order_count];
        if (direction.len && !bytes_are(direction, "asc") && !bytes_are(direction, "desc"))
            return sta_fail(p->error, 400, 0, "$orderby: expected asc or desc, found '%.*s'",
                            (int)(direction.len < 40 ? direction.len : 40),
                            (const char *)direction.p);
        key->descending = bytes_are(direction, "desc");
        enum err e = named(p, "$orderby",
                           sta_filter_parse_path(path, q->type, p->arena, &key->expr, p->error));
        if (e != OK)
            return e;
        if (key->expr->kind == STA_JSON)
            return sta_fail(
                p->error, 400, 0,
                "$orderby: a JSON object has no order; name a member, as in properties/owner");
        q->order_count++;
    }
    return OK;
}

static struct sta_query *
query_new(struct parser *p, enum sta_type type)
{
    struct sta_query *q = arena_take(p->arena, sizeof(*q));
    if (q)
        q->type = type;
    return q;
}

/* The expansion of a relation: the one that is there, or a new one at the end of the list. */
static enum err
expand_of(struct parser *p, struct sta_query *q, int relation, struct sta_expand **out)
{
    struct sta_expand **at = &q->expand;
    uint32_t count = 0;
    for (; *at; at = &(*at)->next, count++) {
        if ((*at)->relation == relation) {
            *out = *at;
            return OK;
        }
    }
    struct sta_expand *x = arena_take(p->arena, sizeof(*x));
    if (!x || count == STA_EXPAND_MAX)
        return sta_fail(p->error, 400, 0, "$expand has at most %d parts", STA_EXPAND_MAX);
    x->relation = (uint8_t)relation;
    x->query = query_new(p, sta_type_info(q->type)->relations[relation].to);
    if (!x->query)
        return sta_fail(p->error, 413, 0, "the query is too long");
    *at = x;
    *out = x;
    return OK;
}

/* Observations have an order of their own when none is asked for. */
static enum err
default_order(struct parser *p, struct sta_query *q)
{
    if (q->type != STA_OBSERVATION || q->order_count)
        return OK;
    q->order_implicit = true;
    q->order_count = 1;
    return sta_filter_parse_path(bytes_text("phenomenonTime"), q->type, p->arena, &q->order[0].expr,
                                 p->error);
}

static enum err
parse_expand_options(struct parser *p, struct bytes options, struct sta_query *q, uint32_t depth)
{
    uint32_t seen = 0;
    while (options.len) {
        struct bytes part = trimmed(take_until(&options, ';'));
        size_t equals = bytes_find(part, '=');
        if (equals == part.len)
            return sta_fail(p->error, 400, 0, "$expand: expected option=value in parentheses");
        struct bytes name = bytes_of(part.p, equals);
        if (bytes_are(name, "$skiptoken") || bytes_are(name, "$resultFormat"))
            return sta_fail(p->error, 400, 0, "$expand takes no %.*s", BYTES_PRINTF(name));
        enum err e = parse_option(p, name, bytes_skip(part, equals + 1), q, &seen, depth);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
parse_expand_item(struct parser *p, struct bytes item, struct sta_query *q, uint32_t depth)
{
    if (depth >= STA_EXPAND_DEPTH_MAX)
        return sta_fail(p->error, 400, 0, "$expand goes at most %d steps deep",
                        STA_EXPAND_DEPTH_MAX);
    size_t end = 0;
    while (end < item.len && item.p[end] != '/' && item.p[end] != '(')
        end++;
    struct bytes name = bytes_of(item.p, end), rest = bytes_skip(item, end);
    char names[STA_NAMES_SIZE];
    int relation = sta_relation_index(q->type, name);
    struct sta_expand *x = NULL;
    if (relation < 0)
        return sta_fail(p->error, 400, 0, "$expand: %s has no relation '%.*s'; it has %s",
                        sta_type_info(q->type)->entity, (int)(name.len < 40 ? name.len : 40),
                        (const char *)name.p, sta_names_of(q->type, names));
    enum err e = expand_of(p, q, relation, &x);
    if (e != OK || rest.len == 0)
        return e;
    if (rest.p[0] == '/')
        return parse_expand_item(p, bytes_skip(rest, 1), x->query, depth + 1);
    if (rest.p[rest.len - 1] != ')')
        return sta_fail(p->error, 400, 0, "$expand: expected ')' at the end of the options");
    return parse_expand_options(p, bytes_of(rest.p + 1, rest.len - 2), x->query, depth + 1);
}

static enum err
parse_expand(struct parser *p, struct bytes value, struct sta_query *q, uint32_t depth)
{
    if (value.len == 0)
        return sta_fail(p->error, 400, 0, "$expand names relations, with commas between");
    enum err e = OK;
    for (bool more = true; e == OK && more;) {
        size_t before = value.len;
        struct bytes item = take_until(&value, ',');
        more = item.len < before; /* a comma was taken: something must follow it */
        e = parse_expand_item(p, trimmed(item), q, depth);
    }
    return e;
}

/* ---- the cursor: per key a kind and its bytes, then the id, all in hex ---- */

static void
put_u64(struct buf *out, uint64_t v)
{
    buf_format(out, "%016llx", (unsigned long long)v);
}

void
sta_cursor_print(const struct sta_value *keys, uint32_t count, uint64_t id, struct buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits;
        buf_format(out, "%02x", (unsigned)keys[i].kind);
        if (keys[i].kind == STA_TEXT) {
            struct bytes t = keys[i].text;
            t.len = t.len < STA_ORDER_TEXT_MAX ? t.len : STA_ORDER_TEXT_MAX;
            buf_format(out, "%02x", (unsigned)t.len);
            text_put_hex(out, t);
            continue;
        }
        memcpy(&bits, &keys[i].number, sizeof(bits));
        put_u64(out, keys[i].kind <= STA_NUMBER ? bits : (uint64_t)keys[i].time_us);
    }
    put_u64(out, id);
}

static bool
take_hex(struct bytes *s, size_t bytes, uint8_t *out)
{
    if (s->len < bytes * 2 || text_hex(bytes_of(s->p, bytes * 2), out, bytes) != OK)
        return false;
    *s = bytes_skip(*s, bytes * 2);
    return true;
}

static bool
take_u64(struct bytes *s, uint64_t *out)
{
    uint8_t b[8];
    if (!take_hex(s, 8, b))
        return false;
    *out = 0;
    for (int i = 0; i < 8; i++)
        *out = *out << 8 | b[i];
    return true;
}

static bool
take_key(struct parser *p, struct bytes *s, struct sta_value *out)
{
    uint8_t kind, len;
    uint64_t bits;
    if (!take_hex(s, 1, &kind) || kind >= STA_UNKNOWN_KIND)
        return false;
    *out = (struct sta_value){.kind = (enum sta_kind)kind};
    if (kind == STA_TEXT) {
        if (!take_hex(s, 1, &len) || len > STA_ORDER_TEXT_MAX)
            return false;
        uint8_t *text = arena_take(p->arena, len);
        out->text = bytes_of(text, len);
        return text && take_hex(s, len, text);
    }
    if (!take_u64(s, &bits))
        return false;
    if (kind <= STA_NUMBER)
        memcpy(&out->number, &bits, sizeof(bits));
    else
        out->time_us = out->end_us = (int64_t)bits;
    return out->number - out->number == 0; /* finite */
}

static enum err
parse_cursor(struct parser *p, struct bytes text, struct sta_query *q)
{
    bool good = text.len <= STA_CURSOR_BYTES_MAX;
    for (uint32_t i = 0; good && i < q->order_count; i++)
        good = take_key(p, &text, &q->cursor[i]);
    if (!good || !take_u64(&text, &q->cursor_id) || text.len)
        return sta_fail(
            p->error, 400, 0,
            "$skiptoken is not one of ours, or not of this query; take @iot.nextLink as it is");
    q->has_cursor = true;
    return OK;
}

/* ---- options ---- */

static enum err
parse_flag(struct parser *p, struct bytes value, bool *out)
{
    if (!bytes_are(value, "true") && !bytes_are(value, "false"))
        return sta_fail(p->error, 400, 0, "$count is true or false");
    *out = value.p[0] == 't';
    return OK;
}

static enum err
parse_option(struct parser *p, struct bytes name, struct bytes value, struct sta_query *q,
             uint32_t *seen, uint32_t depth)
{
    uint32_t o = 0;
    while (o < OPTION_COUNT && !bytes_are(name, option_names[o]))
        o++;
    for (size_t i = 0; o == OPTION_COUNT && i < ARRAY_COUNT(known_elsewhere); i++)
        if (bytes_are(name, known_elsewhere[i]))
            return sta_fail(p->error, 501, 0, "the query option %s is not supported here",
                            known_elsewhere[i]);
    if (o == OPTION_COUNT)
        return sta_fail(p->error, 400, 0,
                        "there is no query option '%.*s'; there are $filter, $count, $orderby, "
                        "$skip, $top, $select, $expand and $resultFormat",
                        (int)(name.len < 40 ? name.len : 40), (const char *)name.p);
    if (*seen & 1u << o)
        return sta_fail(p->error, 400, 0, "%s is given twice", option_names[o]);
    *seen |= 1u << o;
    switch ((enum option)o) {
    case TOP:
        q->has_top = true;
        return parse_number(p, "$top", value, UINT64_MAX, &q->top);
    case SKIP:
        q->has_skip = true;
        return parse_number(p, "$skip", value, STA_SKIP_MAX, &q->skip);
    case COUNT:
        return parse_flag(p, value, &q->count);
    case ORDERBY:
        return parse_orderby(p, value, q);
    case SELECT:
        return parse_select(p, value, q);
    case EXPAND:
        return parse_expand(p, value, q, depth);
    case FILTER:
        return named(p, "$filter",
                     sta_filter_parse(value, q->type, p->arena, &q->filter, p->error));
    case RESULT_FORMAT:
        if (!bytes_are(value, "dataArray"))
            return sta_fail(p->error, 400, 0, "$resultFormat is dataArray");
        if (q->type != STA_OBSERVATION)
            return sta_fail(p->error, 400, 0, "$resultFormat=dataArray is for Observations");
        q->data_array = true;
        break;
    case SKIPTOKEN:
    case OPTION_COUNT:
        break;
    }
    return OK; /* the cursor is read when the order is known */
}

const char *
sta_option_name(uint32_t index)
{
    return index < SKIPTOKEN ? option_names[index] : NULL;
}

static enum err
order_all(struct parser *p, struct sta_query *q)
{
    enum err e = default_order(p, q);
    for (struct sta_expand *x = q->expand; e == OK && x; x = x->next)
        e = order_all(p, x->query); /* as deep as STA_EXPAND_DEPTH_MAX */
    return e;
}

enum err
sta_query_parse(struct bytes text, enum sta_type type, struct arena *arena, struct sta_query *out,
                struct sta_error *error)
{
    struct parser p = {arena, error};
    struct sta_query q = {.type = type};
    struct bytes cursor = {0};
    uint32_t seen = 0;
    if (text.len > STA_QUERY_BYTES_MAX)
        return sta_fail(error, 414, 0, "a query has at most %d bytes", STA_QUERY_BYTES_MAX);
    while (text.len) {
        size_t end = bytes_find(text, '&');
        struct bytes part = bytes_of(text.p, end), name, value;
        text = bytes_skip(text, end < text.len ? end + 1 : end);
        size_t equals = bytes_find(part, '=');
        if (part.len == 0 || equals == part.len)
            return sta_fail(error, 400, 0, "expected option=value between '&'");
        if (sta_percent_decode(bytes_of(part.p, equals), true, arena, &name) != OK ||
            sta_percent_decode(bytes_skip(part, equals + 1), true, arena, &value) != OK)
            return sta_fail(error, 400, 0,
                            "a query is percent-encoded UTF-8 without NUL: %%XX for a byte, %%25 "
                            "for a percent sign");
        enum err e = parse_option(&p, name, value, &q, &seen, 0);
        if (e != OK)
            return e;
        if (bytes_are(name, "$skiptoken"))
            cursor = value;
    }
    if (q.data_array && q.expand)
        return sta_fail(error, 400, 0,
                        "$resultFormat=dataArray takes no $expand; $select=FeatureOfInterest gives "
                        "the feature's id");
    enum err e = order_all(&p, &q);
    if (e == OK && seen & 1u << SKIPTOKEN)
        e = parse_cursor(&p, cursor, &q);
    if (e == OK)
        *out = q;
    return e;
}
