#include "sensorthings/patch.h"

#include "base/buf.h"
#include "base/text.h"
#include "sensorthings/json.h"

/* The text that is patched: what one operation writes is what the next one reads. */
struct patcher {
    struct arena *arena;
    struct sta_error *error;
    struct bytes text;
    struct buf next;
    uint64_t work;
};

/* A pointer (RFC 6901) as its tokens, '~1' and '~0' undone. */
struct pointer {
    struct bytes token[STA_POINTER_DEPTH_MAX];
    uint32_t count;
};

/* ---- values --------------------------------------------------------------------------------- */

/* A member's name as it means, not as it is written. */
static bool
key_is(struct bytes key, struct bytes name, struct arena *arena)
{
    if (bytes_find(key, '\\') == key.len)
        return bytes_equal(key, name);
    struct bytes plain;
    return sta_json_text(bytes_of(key.p - 1, key.len + 2), arena, &plain) == OK &&
           bytes_equal(plain, name);
}

static struct bytes
member_named(struct bytes object, struct bytes name, struct arena *arena)
{
    struct sta_json_walk w = {object, 0};
    struct bytes key, value;
    while (sta_json_next_member(&w, &key, &value))
        if (key_is(key, name, arena))
            return value;
    return (struct bytes){0};
}

static bool
same_objects(struct bytes a, struct bytes b, struct arena *arena)
{
    struct sta_json_walk w = {a, 0}, other = {b, 0};
    struct bytes key, value, plain;
    uint32_t count = 0;
    while (sta_json_next_member(&w, &key, &value)) {
        count++;
        if (sta_json_text(bytes_of(key.p - 1, key.len + 2), arena, &plain) != OK)
            return false;
        struct bytes there = member_named(b, plain, arena);
        if (there.len == 0 || !sta_json_same(value, there, arena))
            return false;
    }
    while (sta_json_next_member(&other, &key, &value))
        count--;
    return count == 0;
}

static bool
same_lists(struct bytes a, struct bytes b, struct arena *arena)
{
    struct sta_json_walk w = {a, 0}, other = {b, 0};
    struct bytes left, right;
    for (;;) {
        bool more = sta_json_next_item(&w, &left), there = sta_json_next_item(&other, &right);
        if (!more || !there)
            return more == there;
        if (!sta_json_same(left, right, arena))
            return false;
    }
}

/* The depth is bounded by what sta_json_check() let through. */
bool
sta_json_same(struct bytes a, struct bytes b, struct arena *arena)
{
    struct bytes left, right;
    double x, y;
    if (sta_json_kind(a) != sta_json_kind(b))
        return false;
    switch (sta_json_kind(a)) {
    case STA_JSON_NULL:
    case STA_JSON_BOOL:
        return bytes_equal(a, b);
    case STA_JSON_NUMBER:
        return bytes_equal(a, b) ||
               (text_double(a, &x) == OK && text_double(b, &y) == OK && !(x < y) && !(y < x));
    case STA_JSON_TEXT:
        return sta_json_text(a, arena, &left) == OK && sta_json_text(b, arena, &right) == OK &&
               bytes_equal(left, right);
    case STA_JSON_OBJECT:
        return same_objects(a, b, arena);
    case STA_JSON_ARRAY:
        return same_lists(a, b, arena);
    }
    return false;
}

static void
put_member(struct buf *out, struct bytes quoted, struct bytes value)
{
    if (out->len && out->p[out->len - 1] != '{')
        buf_byte(out, ',');
    buf_put(out, quoted);
    buf_byte(out, ':');
    buf_put(out, value);
}

enum err
sta_json_merge(struct bytes object, struct bytes with, struct arena *arena, struct bytes *out)
{
    struct buf merged;
    struct bytes key, value;
    struct sta_json_walk w = {object, 0};
    ASSERT(sta_json_kind(object) == STA_JSON_OBJECT && sta_json_kind(with) == STA_JSON_OBJECT);
    buf_init(&merged, STA_PATCH_BYTES_MAX);
    buf_byte(&merged, '{');
    while (sta_json_next_member(&w, &key, &value)) {
        struct bytes instead = sta_json_member(with, key);
        put_member(&merged, bytes_of(key.p - 1, key.len + 2), instead.len ? instead : value);
    }
    w = (struct sta_json_walk){with, 0};
    while (sta_json_next_member(&w, &key, &value))
        if (sta_json_member(object, key).len == 0)
            put_member(&merged, bytes_of(key.p - 1, key.len + 2), value);
    buf_byte(&merged, '}');
    struct bytes copy = {0};
    if (buf_error(&merged) == OK)
        copy = arena_dup(arena, buf_bytes(&merged));
    buf_fini(&merged);
    if (!copy.p)
        return ERR_LIMIT;
    *out = copy;
    return OK;
}

/* ---- pointers -------------------------------------------------------------------------------- */

static enum err
read_token(struct patcher *p, struct bytes raw, struct bytes *out)
{
    uint8_t *to = arena_take(p->arena, raw.len + 1);
    size_t len = 0;
    if (!to)
        return sta_fail(p->error, 413, 0, "the patch is too large");
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.p[i];
        if (c == '~') {
            i++;
            if (i == raw.len || (raw.p[i] != '0' && raw.p[i] != '1'))
                return sta_fail(p->error, 400, 0, "'~' in a pointer is followed by 0 or 1");
            c = raw.p[i] == '0' ? '~' : '/';
        }
        to[len++] = c;
    }
    *out = bytes_of(to, len);
    return OK;
}

/* The member `name` of an operation, as a pointer. */
static enum err
read_pointer(struct patcher *p, struct bytes operation, const char *name, struct pointer *out)
{
    struct bytes value = sta_json_member(operation, bytes_text(name)), text;
    *out = (struct pointer){0};
    if (value.len == 0 || sta_json_text(value, p->arena, &text) != OK)
        return sta_fail(p->error, 400, 0, "an operation of this kind needs '%s', a JSON pointer",
                        name);
    if (text.len && text.p[0] != '/')
        return sta_fail(p->error, 400, 0, "a JSON pointer begins with '/'");
    while (text.len) {
        text = bytes_skip(text, 1);
        size_t end = bytes_find(text, '/');
        if (out->count == STA_POINTER_DEPTH_MAX)
            return sta_fail(p->error, 400, 0, "a JSON pointer has at most %d parts",
                            STA_POINTER_DEPTH_MAX);
        enum err e = read_token(p, bytes_of(text.p, end), &out->token[out->count++]);
        if (e != OK)
            return e;
        text = bytes_skip(text, end);
    }
    return OK;
}

static struct bytes
item_at(struct bytes list, uint64_t index)
{
    struct sta_json_walk w = {list, 0};
    struct bytes item;
    for (uint64_t i = 0; sta_json_next_item(&w, &item); i++)
        if (i == index)
            return item;
    return (struct bytes){0};
}

/* What the first `count` parts lead to; len 0: nothing. */
static struct bytes
lookup(const struct patcher *p, const struct pointer *where, uint32_t count)
{
    struct bytes at = p->text;
    for (uint32_t i = 0; at.len && i < count; i++) {
        uint64_t index;
        if (sta_json_kind(at) == STA_JSON_OBJECT)
            at = member_named(at, where->token[i], p->arena);
        else if (sta_json_kind(at) == STA_JSON_ARRAY &&
                 text_u64(where->token[i], UINT32_MAX, &index) == OK)
            at = item_at(at, index);
        else
            at = (struct bytes){0};
    }
    return at;
}

/* ---- one change -------------------------------------------------------------------------------
 */

static void
rewrite_object(struct patcher *p, struct bytes object, struct bytes name, struct bytes value)
{
    struct sta_json_walk w = {object, 0};
    struct bytes key, old;
    bool found = false;
    buf_byte(&p->next, '{');
    while (sta_json_next_member(&w, &key, &old)) {
        bool here = key_is(key, name, p->arena);
        found = found || here;
        if (!here || value.len)
            put_member(&p->next, bytes_of(key.p - 1, key.len + 2), here ? value : old);
    }
    if (!found && value.len) {
        if (p->next.len && p->next.p[p->next.len - 1] != '{')
            buf_byte(&p->next, ',');
        text_put_json(&p->next, name);
        buf_byte(&p->next, ':');
        buf_put(&p->next, value);
    }
    buf_byte(&p->next, '}');
}

static void
put_item(struct patcher *p, size_t start, struct bytes value)
{
    if (p->next.len > start)
        buf_byte(&p->next, ',');
    buf_put(&p->next, value);
}

/* Insert before `index`, or take out what stands there. */
static void
rewrite_list(struct patcher *p, struct bytes list, uint64_t index, struct bytes value)
{
    struct sta_json_walk w = {list, 0};
    struct bytes item;
    buf_byte(&p->next, '[');
    size_t start = p->next.len;
    uint64_t at = 0;
    for (; sta_json_next_item(&w, &item); at++) {
        if (at == index && value.len)
            put_item(p, start, value);
        if (at != index || value.len)
            put_item(p, start, item);
    }
    if (index >= at && value.len)
        put_item(p, start, value);
    buf_byte(&p->next, ']');
}

/* `next` is the text from now on. */
static enum err
take_next(struct patcher *p)
{
    size_t bad;
    p->work += p->next.len;
    if (buf_error(&p->next) != OK || p->work > STA_PATCH_WORK_MAX)
        return sta_fail(p->error, 413, 0, "the patch writes more than fits");
    struct bytes copy = arena_dup(p->arena, buf_bytes(&p->next));
    if (!copy.p)
        return sta_fail(p->error, 413, 0, "the patch is too large");
    if (!sta_json_check(copy, &bad)) /* deeper, or more members, than one text may have */
        return sta_fail(p->error, 413, 0, "the patched entity is nested too deep or too large");
    p->text = copy;
    return OK;
}

/* Put `value` where the pointer leads (in a list: before what stands there); without: take away. */
static enum err
change_at(struct patcher *p, const struct pointer *where, struct bytes value)
{
    buf_reset(&p->next);
    if (where->count == 0) {
        if (value.len == 0)
            return sta_fail(p->error, 409, 0, "the whole document is not removed by a patch");
        buf_put(&p->next, value);
        return take_next(p);
    }
    struct bytes around = lookup(p, where, where->count - 1);
    struct bytes last = where->token[where->count - 1];
    uint64_t index = UINT64_MAX;
    if (around.len == 0)
        return sta_fail(p->error, 409, 0, "the pointer leads to nothing");
    bool list = sta_json_kind(around) == STA_JSON_ARRAY;
    if (!list && sta_json_kind(around) != STA_JSON_OBJECT)
        return sta_fail(p->error, 409, 0, "the pointer leads into a value that has no parts");
    if (list && !(bytes_are(last, "-") && value.len)) {
        if (text_u64(last, UINT32_MAX, &index) != OK ||
            (item_at(around, index).len == 0 &&
             (value.len == 0 || (index && item_at(around, index - 1).len == 0))))
            return sta_fail(p->error, 409, 0, "the list has no such place");
    }
    size_t before = (size_t)(around.p - p->text.p);
    buf_put(&p->next, bytes_of(p->text.p, before));
    if (list)
        rewrite_list(p, around, index, value);
    else
        rewrite_object(p, around, last, value);
    buf_put(&p->next, bytes_skip(p->text, before + around.len));
    return take_next(p);
}

/* ---- operations -------------------------------------------------------------------------------
 */

enum operation { ADD, REMOVE, REPLACE, MOVE, COPY, TEST, OPERATIONS };

static enum err
read_operation(struct patcher *p, struct bytes operation, enum operation *out)
{
    static const char *const names[OPERATIONS] = {"add",  "remove", "replace",
                                                  "move", "copy",   "test"};
    struct bytes name;
    if (sta_json_kind(operation) != STA_JSON_OBJECT ||
        sta_json_member(operation, bytes_text("op")).len == 0 ||
        sta_json_text(sta_json_member(operation, bytes_text("op")), p->arena, &name) != OK)
        return sta_fail(p->error, 400, 0, "a JSON Patch is a list of {op, path, ...}");
    for (int i = 0; i < OPERATIONS; i++) {
        if (!bytes_are(name, names[i]))
            continue;
        *out = (enum operation)i;
        return OK;
    }
    return sta_fail(p->error, 400, 0,
                    "an operation is add, remove, replace, move, copy or test, not '%.*s'",
                    (int)(name.len < 40 ? name.len : 40), (const char *)name.p);
}

/* True if one pointer leads into what the other names. */
static bool
is_inside(const struct pointer *inner, const struct pointer *outer)
{
    if (inner->count < outer->count)
        return false;
    for (uint32_t i = 0; i < outer->count; i++)
        if (!bytes_equal(inner->token[i], outer->token[i]))
            return false;
    return inner->count > outer->count;
}

/* move, copy: the value is taken from elsewhere in the text. */
static enum err
carry(struct patcher *p, struct bytes operation, const struct pointer *to, bool move)
{
    struct pointer from;
    enum err e = read_pointer(p, operation, "from", &from);
    if (e != OK)
        return e;
    struct bytes value = lookup(p, &from, from.count);
    if (value.len == 0)
        return sta_fail(p->error, 409, 0, "'from' leads to nothing");
    if (move && is_inside(to, &from))
        return sta_fail(p->error, 409, 0, "a value is not moved into itself");
    if (move && from.count) { /* `value` lies in the old text, which the arena keeps */
        e = change_at(p, &from, (struct bytes){0});
        if (e != OK)
            return e;
    }
    return change_at(p, to, value);
}

static enum err
apply(struct patcher *p, struct bytes operation)
{
    enum operation kind = OPERATIONS;
    struct pointer where;
    enum err e = read_operation(p, operation, &kind);
    if (e == OK)
        e = read_pointer(p, operation, "path", &where);
    if (e != OK)
        return e;
    struct bytes value = sta_json_member(operation, bytes_text("value"));
    if ((kind == ADD || kind == REPLACE || kind == TEST) && value.len == 0)
        return sta_fail(p->error, 400, 0, "this operation needs 'value'");
    if (kind == MOVE || kind == COPY)
        return carry(p, operation, &where, kind == MOVE);
    if (kind == ADD)
        return change_at(p, &where, value);
    struct bytes there = lookup(p, &where, where.count);
    if (there.len == 0)
        return sta_fail(p->error, 409, 0, "the pointer leads to nothing");
    if (kind == TEST)
        return sta_json_same(there, value, p->arena)
                   ? OK
                   : sta_fail(p->error, 409, 0, "a test of the patch does not hold");
    if (kind == REMOVE || where.count == 0)
        return change_at(p, &where, kind == REMOVE ? (struct bytes){0} : value);
    struct bytes around = lookup(p, &where, where.count - 1);
    if (sta_json_kind(around) == STA_JSON_ARRAY) { /* adding in a list would insert */
        e = change_at(p, &where, (struct bytes){0});
        if (e != OK)
            return e;
    }
    return change_at(p, &where, value);
}

enum err
sta_json_patch(struct bytes document, struct bytes patch, struct arena *arena, struct bytes *out,
               struct sta_error *error)
{
    struct patcher p = {.arena = arena, .error = error, .text = document};
    struct sta_json_walk w = {patch, 0};
    struct bytes operation;
    uint32_t steps = 0;
    enum err e = OK;
    if (sta_json_kind(patch) != STA_JSON_ARRAY)
        return sta_fail(error, 400, 0, "a JSON Patch is a list of {op, path, ...}");
    buf_init(&p.next, STA_PATCH_BYTES_MAX);
    while (e == OK && sta_json_next_item(&w, &operation)) {
        if (++steps > STA_PATCH_STEPS_MAX)
            e = sta_fail(error, 413, 0, "a JSON Patch has at most %d operations",
                         STA_PATCH_STEPS_MAX);
        else
            e = apply(&p, operation);
    }
    buf_fini(&p.next);
    if (e == OK)
        *out = p.text;
    return e;
}
