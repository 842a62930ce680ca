#include "sensorthings/bundle.h"

#include "base/text.h"
#include "sensorthings/json.h"

struct reader {
    struct arena *arena;
    struct sta_error *error;
    struct sta_bundle *out;
};

static struct sta_bundle_part *
part_new(struct reader *r)
{
    if (r->out->count == STA_BUNDLE_PARTS_MAX) {
        (void)sta_fail(r->error, 400, 0, "a batch has at most %d requests", STA_BUNDLE_PARTS_MAX);
        return NULL;
    }
    return &r->out->parts[r->out->count++];
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes
trim(struct bytes s)
{
    while (s.len && is_space(s.p[0]))
        s = bytes_skip(s, 1);
    while (s.len && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* ASCII without case. */
static bool
same_word(struct bytes a, const char *b)
{
    size_t n = strlen(b);
    if (a.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(a.p[i]) != lower((uint8_t)b[i]))
            return false;
    return true;
}

/* "multipart/mixed" of "multipart/mixed; boundary=x" */
static bool
media_is(struct bytes content_type, const char *type)
{
    size_t end = bytes_find(content_type, ';');
    return same_word(trim(bytes_of(content_type.p, end)), type);
}

/* ---- multipart ------------------------------------------------------------------------------ */

static bool
is_boundary_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("'()+_,-./:=?", c)) || c == ' ';
}

/* The parameter boundary; len 0: none, or not one that may be. */
static struct bytes
boundary_of(struct bytes content_type)
{
    struct bytes rest = bytes_skip(content_type, bytes_find(content_type, ';'));
    while (rest.len) {
        rest = bytes_skip(rest, 1);
        size_t end = bytes_find(rest, ';');
        struct bytes one = trim(bytes_of(rest.p, end));
        size_t equals = bytes_find(one, '=');
        rest = bytes_skip(rest, end);
        if (equals == one.len || !same_word(trim(bytes_of(one.p, equals)), "boundary"))
            continue;
        struct bytes value = trim(bytes_skip(one, equals + 1));
        if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
            value = bytes_of(value.p + 1, value.len - 2);
        bool good =
            value.len && value.len <= STA_BUNDLE_BOUNDARY_MAX && value.p[value.len - 1] != ' ';
        for (size_t i = 0; good && i < value.len; i++)
            good = is_boundary_char(value.p[i]);
        return good ? value : (struct bytes){0};
    }
    return (struct bytes){0};
}

/* A line up to its CRLF; false: there is none. */
static bool
take_line(struct bytes *rest, struct bytes *out)
{
    size_t at = 0;
    for (;;) {
        size_t end = at + bytes_find(bytes_skip(*rest, at), '\r');
        if (end + 1 >= rest->len)
            return false;
        if (rest->p[end + 1] == '\n') {
            *out = bytes_of(rest->p, end);
            *rest = bytes_skip(*rest, end + 2);
            return true;
        }
        at = end + 1;
    }
}

/* A delimiter at the start of a line: 1, the closing one: 2; 0: another line. */
static int
delimiter(struct bytes line, struct bytes boundary)
{
    if (line.len < boundary.len + 2 || line.p[0] != '-' || line.p[1] != '-' ||
        memcmp(line.p + 2, boundary.p, boundary.len) != 0)
        return 0;
    struct bytes rest = bytes_skip(line, boundary.len + 2);
    bool last = bytes_start(rest, "--");
    if (last)
        rest = bytes_skip(rest, 2);
    return trim(rest).len ? 0 : last ? 2 : 1;
}

/* What stands before the next delimiter. `rest` goes behind it. */
static enum err
take_part(struct reader *r, struct bytes *rest, struct bytes boundary, struct bytes *out,
          bool *out_last)
{
    struct bytes start = *rest, line;
    for (;;) {
        const uint8_t *here = rest->p;
        bool whole = take_line(rest, &line);
        if (!whole) { /* the very last line may lack its CRLF */
            line = *rest;
            *rest = bytes_skip(*rest, rest->len);
        }
        int kind = delimiter(line, boundary);
        if (kind == 2 || (kind == 1 && whole)) {
            size_t len = (size_t)(here - start.p);
            *out = bytes_of(start.p, len >= 2 ? len - 2 : 0); /* the CRLF is the delimiter's */
            *out_last = kind == 2;
            return OK;
        }
        if (!whole)
            return sta_fail(r->error, 400, 0,
                            "the batch does not end with its boundary, or a line not with CRLF");
    }
}

/* Header fields up to the empty line. */
struct fields {
    struct bytes content_type, id, length;
};

static enum err
take_fields(struct reader *r, struct bytes *rest, struct fields *out)
{
    struct bytes line;
    *out = (struct fields){0};
    for (int i = 0; i <= STA_BUNDLE_FIELDS_MAX; i++) {
        if (!take_line(rest, &line))
            return sta_fail(r->error, 400, 0,
                            "the head of a part ends with an empty line, and lines with CRLF");
        if (line.len == 0)
            return OK;
        size_t colon = bytes_find(line, ':');
        if (colon == 0 || colon == line.len)
            return sta_fail(r->error, 400, 0, "a line of a part's head is 'name: value'");
        struct bytes name = bytes_of(line.p, colon), value = trim(bytes_skip(line, colon + 1));
        if (same_word(name, "Content-Type"))
            out->content_type = value;
        else if (same_word(name, "Content-ID"))
            out->id = value;
        else if (same_word(name, "Content-Length"))
            out->length = value;
    }
    return sta_fail(r->error, 400, 0, "a part has at most %d lines in its head",
                    STA_BUNDLE_FIELDS_MAX);
}

/* One HTTP request. What is wrong with it is its own affair. */
static enum err
read_request(struct reader *r, struct bytes text, const struct fields *fields, uint16_t set)
{
    struct sta_bundle_part *part = part_new(r);
    struct reader own = {r->arena, NULL, r->out};
    struct fields head;
    struct bytes line;
    uint64_t length;
    if (!part)
        return ERR_MALFORMED;
    *part = (struct sta_bundle_part){.set = set, .id = fields->id};
    own.error = &part->error;
    if (!take_line(&text, &line)) {
        (void)sta_fail(&part->error, 400, 0, "a request begins with METHOD URL HTTP/1.1 and CRLF");
        return OK;
    }
    size_t method = bytes_find(line, ' ');
    struct bytes target = trim(bytes_skip(line, method));
    size_t end = bytes_find(target, ' ');
    if (method == 0 || end == 0 || end == target.len ||
        !bytes_start(trim(bytes_skip(target, end)), "HTTP/1.")) {
        (void)sta_fail(&part->error, 400, 0, "a request begins with METHOD URL HTTP/1.1");
        return OK;
    }
    part->method = bytes_of(line.p, method);
    part->target = bytes_of(target.p, end);
    if (take_fields(&own, &text, &head) != OK)
        return OK;
    part->content_type = head.content_type;
    part->body = text;
    if (head.id.len)
        part->id = head.id;
    if (head.length.len && text_u64(head.length, text.len, &length) == OK)
        part->body.len = (size_t)length;
    else if (head.length.len)
        (void)sta_fail(&part->error, 400, 0, "the Content-Length is not that of the part");
    return OK;
}

static enum err
read_multipart(struct reader *r, struct bytes body, struct bytes boundary, uint16_t set)
{
    struct bytes part, type;
    struct fields fields;
    bool last = false;
    enum err e = take_part(r, &body, boundary, &part, &last); /* the preamble: not read */
    while (e == OK && !last) {
        e = take_part(r, &body, boundary, &part, &last);
        if (e == OK)
            e = take_fields(r, &part, &fields);
        if (e != OK)
            return e;
        type = fields.content_type;
        if (media_is(type, "application/http")) {
            e = read_request(r, part, &fields, set);
        } else if (!set && media_is(type, "multipart/mixed")) {
            struct bytes inner = boundary_of(type);
            if (inner.len == 0 || bytes_equal(inner, boundary))
                return sta_fail(r->error, 400, 0, "a change set needs a boundary of its own");
            e = r->out->sets < STA_BUNDLE_PARTS_MAX
                    ? read_multipart(r, part, inner, ++r->out->sets)
                    : sta_fail(r->error, 400, 0, "a batch has too many change sets");
        } else {
            return sta_fail(r->error, 400, 0,
                            set ? "a change set holds parts of application/http, and no other set"
                                : "a part is application/http, or multipart/mixed as a change set");
        }
    }
    return e;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static enum err
text_member(struct reader *r, struct bytes object, const char *name, struct bytes *out)
{
    struct bytes value = sta_json_member(object, bytes_text(name));
    *out = (struct bytes){0};
    if (value.len == 0)
        return OK;
    if (sta_json_text(value, r->arena, out) != OK)
        return sta_fail(r->error, 400, 0, "'%s' of a request is text", name);
    return OK;
}

/* atomicityGroup: neighbours of the same name are one change set. */
static enum err
take_group(struct reader *r, struct bytes name, struct bytes groups[static STA_BUNDLE_PARTS_MAX],
           uint16_t *out_set)
{
    *out_set = 0;
    if (name.len == 0)
        return OK;
    uint16_t count = r->out->sets;
    if (count && r->out->count && r->out->parts[r->out->count - 1].set == count &&
        bytes_equal(groups[count - 1], name)) {
        *out_set = count;
        return OK;
    }
    for (uint16_t i = 0; i < count; i++)
        if (bytes_equal(groups[i], name))
            return sta_fail(r->error, 400, 0, "the requests of an atomicityGroup are neighbours");
    groups[count] = name;
    *out_set = ++r->out->sets;
    return OK;
}

static enum err
read_json_request(struct reader *r, struct bytes one, struct bytes *groups)
{
    struct sta_bundle_part part = {0};
    struct bytes group;
    if (sta_json_kind(one) != STA_JSON_OBJECT)
        return sta_fail(r->error, 400, 0, "a request is {id, method, url, body}");
    enum err e = text_member(r, one, "id", &part.id);
    if (e == OK)
        e = text_member(r, one, "method", &part.method);
    if (e == OK)
        e = text_member(r, one, "url", &part.target);
    if (e == OK)
        e = text_member(r, one, "atomicityGroup", &group);
    if (e == OK && (part.id.len == 0 || part.method.len == 0 || part.target.len == 0))
        e = sta_fail(r->error, 400, 0, "a request needs 'id', 'method' and 'url'");
    struct bytes headers = sta_json_member(one, bytes_text("headers")), key, value;
    struct sta_json_walk w = {headers, 0};
    if (e == OK && headers.len && sta_json_kind(headers) != STA_JSON_OBJECT)
        e = sta_fail(r->error, 400, 0, "'headers' of a request is an object");
    while (e == OK && headers.len && sta_json_next_member(&w, &key, &value))
        if (same_word(key, "content-type") &&
            sta_json_text(value, r->arena, &part.content_type) != OK)
            e = sta_fail(r->error, 400, 0, "a header of a request is text");
    if (e == OK)
        e = take_group(r, group, groups, &part.set);
    struct sta_bundle_part *kept = e == OK ? part_new(r) : NULL;
    if (!kept)
        return ERR_MALFORMED;
    part.body = sta_json_member(one, bytes_text("body"));
    *kept = part;
    return OK;
}

static enum err
read_json(struct reader *r, struct bytes body)
{
    size_t bad = 0;
    struct bytes one;
    if (!sta_json_check(body, &bad))
        return sta_fail(r->error, 400, bad, "the batch is not JSON from byte %zu on", bad);
    struct bytes object = bytes_skip(body, sta_json_space(body, 0));
    struct bytes list = sta_json_kind(object) == STA_JSON_OBJECT
                            ? sta_json_member(object, bytes_text("requests"))
                            : (struct bytes){0};
    struct bytes *groups = arena_take(r->arena, STA_BUNDLE_PARTS_MAX * sizeof(*groups));
    if (!groups)
        return sta_fail(r->error, 413, 0, "the batch is too large");
    if (list.len == 0 || sta_json_kind(list) != STA_JSON_ARRAY)
        return sta_fail(r->error, 400, 0, "a batch is {\"requests\": [{id, method, url, body}]}");
    struct sta_json_walk w = {list, 0};
    while (sta_json_next_item(&w, &one)) {
        enum err e = read_json_request(r, one, groups);
        if (e != OK)
            return e;
    }
    return OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* What both forms ask of a request. */
static enum err
check_parts(struct reader *r)
{
    for (uint32_t i = 0; i < r->out->count; i++) {
        struct sta_bundle_part *part = &r->out->parts[i];
        if (part->id.len > STA_BUNDLE_ID_MAX)
            return sta_fail(r->error, 400, 0, "an id of a request has at most %d bytes",
                            STA_BUNDLE_ID_MAX);
        for (size_t k = 0; k < part->id.len; k++)
            if (part->id.p[k] <= ' ' || part->id.p[k] >= 0x7f || part->id.p[k] == '"')
                return sta_fail(r->error, 400, 0, "an id of a request is plain ASCII");
        for (uint32_t k = 0; part->id.len && k < i; k++)
            if (bytes_equal(r->out->parts[k].id, part->id) &&
                (r->out->json || r->out->parts[k].set == part->set))
                return sta_fail(r->error, 400, 0, "two requests have the id '%.*s'",
                                (int)part->id.len, (const char *)part->id.p);
        if (part->error.status == 0 &&
            (part->method.len > 16 || part->target.len > STA_BUNDLE_TARGET_MAX))
            (void)sta_fail(&part->error, 414, 0, "a method or URL of that length is not there");
    }
    return OK;
}

enum err
sta_bundle_read(struct bytes content_type, struct bytes body, struct arena *arena,
                struct sta_bundle *out, struct sta_error *error)
{
    struct sta_bundle bundle = {0};
    struct reader r = {arena, error, &bundle};
    struct bytes boundary = boundary_of(content_type);
    enum err e;
    bundle.parts = arena_take(arena, STA_BUNDLE_PARTS_MAX * sizeof(*bundle.parts));
    if (!bundle.parts)
        return sta_fail(error, 413, 0, "the batch is too large");
    bundle.json = media_is(content_type, "application/json");
    if (bundle.json)
        e = read_json(&r, body);
    else if (!media_is(content_type, "multipart/mixed"))
        e = sta_fail(error, 415, 0, "a batch is multipart/mixed or application/json");
    else if (boundary.len == 0)
        e = sta_fail(error, 400, 0, "multipart/mixed names its boundary: at most %d characters",
                     STA_BUNDLE_BOUNDARY_MAX);
    else
        e = read_multipart(&r, body, boundary, 0);
    if (e == OK)
        e = check_parts(&r);
    if (e == OK)
        *out = bundle;
    return e;
}

/* ---- references -------------------------------------------------------------------------------
 */

/* The end of "$ID" at the start of `s`, when it stands there; else 0. */
static size_t
names(struct bytes s, struct bytes id)
{
    if (s.len < id.len + 1 || s.p[0] != '$' || memcmp(s.p + 1, id.p, id.len) != 0)
        return 0;
    return id.len + 1;
}

/* How often {"@iot.id": "$ID"} stands in the body; with `to`, written again with the number. */
static size_t
replace_ids(struct bytes body, struct bytes id, struct bytes number, struct buf *to)
{
    static const char key[] = "\"@iot.id\"";
    size_t count = 0, copied = 0;
    for (size_t at = 0; at + sizeof(key) - 1 < body.len; at++) {
        if (memcmp(body.p + at, key, sizeof(key) - 1) != 0)
            continue;
        size_t value = sta_json_space(body, at + sizeof(key) - 1);
        if (value >= body.len || body.p[value] != ':')
            continue;
        value = sta_json_space(body, value + 1);
        if (value >= body.len || body.p[value] != '"')
            continue;
        size_t end = names(bytes_skip(body, value + 1), id);
        if (end == 0 || value + 1 + end >= body.len || body.p[value + 1 + end] != '"')
            continue;
        count++;
        if (!to)
            continue;
        buf_put(to, bytes_of(body.p + copied, value - copied));
        buf_put(to, number);
        copied = value + end + 2;
    }
    if (to)
        buf_put(to, bytes_skip(body, copied));
    return count;
}

enum err
sta_bundle_refer(struct sta_bundle_part *part, struct bytes id, struct bytes path, uint64_t entity,
                 struct arena *arena)
{
    struct bytes target = part->target;
    struct buf text;
    char number[24];
    if (id.len == 0)
        return OK;
    if (target.len && target.p[0] == '/') /* "/$1/Datastreams" is meant like "$1/Datastreams" */
        target = bytes_skip(target, 1);
    size_t end = names(target, id);
    if (end && (end == target.len || target.p[end] == '/' || target.p[end] == '?')) {
        buf_init(&text, STA_BUNDLE_TARGET_MAX * 2);
        buf_put(&text, path);
        buf_put(&text, bytes_skip(target, end));
        struct bytes copy = arena_dup(arena, buf_bytes(&text));
        buf_fini(&text);
        if (!copy.p)
            return ERR_LIMIT;
        part->target = copy;
    }
    int n = snprintf(number, sizeof(number), "%llu", (unsigned long long)entity);
    if (replace_ids(part->body, id, bytes_of(number, (size_t)n), NULL) == 0)
        return OK;
    buf_init(&text, part->body.len * 2 + 64);
    (void)replace_ids(part->body, id, bytes_of(number, (size_t)n), &text);
    struct bytes copy =
        buf_error(&text) == OK ? arena_dup(arena, buf_bytes(&text)) : (struct bytes){0};
    buf_fini(&text);
    if (!copy.p)
        return ERR_LIMIT;
    part->body = copy;
    return OK;
}

enum err
sta_bundle_target(struct sta_bundle_part *part, struct arena *arena)
{
    static const char root[] = "/v1.1/";
    struct bytes t = part->target;
    if (bytes_start(t, "http://") || bytes_start(t, "https://")) {
        t = bytes_skip(t, bytes_find(t, '/') + 2);
        t = bytes_skip(t, bytes_find(t, '/'));
    } else if (t.len == 0 || t.p[0] != '/') {
        uint8_t *p = arena_take(arena, t.len + sizeof(root));
        if (!p)
            return ERR_LIMIT;
        memcpy(p, root, sizeof(root) - 1);
        if (t.len)
            memcpy(p + sizeof(root) - 1, t.p, t.len);
        t = bytes_of(p, t.len + sizeof(root) - 1);
    }
    part->target = t;
    return OK;
}
