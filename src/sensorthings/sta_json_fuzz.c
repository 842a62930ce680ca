/*
 * Any bytes as JSON. What is accepted is walked to its end, member by member, and every string of
 * it read; written again without white space it is accepted too, and is the same to the walker.
 */
#include "base/buf.h"
#include "base/fuzz.h"
#include "base/text.h"
#include "sensorthings/json.h"

static struct arena arena;

static void write_value(struct bytes value, struct buf *out);

static void
write_object(struct bytes value, struct buf *out)
{
    struct sta_json_walk w = {value, 0};
    struct bytes key, member;
    bool first = true;
    buf_byte(out, '{');
    for (; sta_json_next_member(&w, &key, &member); first = false) {
        if (!first)
            buf_byte(out, ',');
        buf_byte(out, '"');
        buf_put(out, key);
        buf_text(out, "\":");
        write_value(member, out);
        if (bytes_find(key, '\\') == key.len) {
            struct bytes found = sta_json_member(value, key);
            ASSERT(found.p == member.p && found.len == member.len); /* no key stands twice */
        }
    }
    buf_byte(out, '}');
}

static void
write_array(struct bytes value, struct buf *out)
{
    struct sta_json_walk w = {value, 0};
    struct bytes item;
    bool first = true;
    buf_byte(out, '[');
    for (; sta_json_next_item(&w, &item); first = false) {
        if (!first)
            buf_byte(out, ',');
        write_value(item, out);
    }
    buf_byte(out, ']');
}

static void
check_text(struct bytes value)
{
    struct bytes text;
    arena_reset(&arena);
    enum err e = sta_json_text(value, &arena, &text);
    ASSERT(e == OK && text.len + 2 <= value.len && text_is_utf8(text));
}

static void
check_number(struct bytes value)
{
    double exact = 0, usual = 0;
    enum err e = text_double(value, &exact);
    ASSERT(e == OK);
    if (sta_json_decimal(value, &usual))
        ASSERT(memcmp(&exact, &usual, sizeof(exact)) == 0);
}

static void
write_value(struct bytes value, struct buf *out)
{
    switch (sta_json_kind(value)) {
    case STA_JSON_OBJECT:
        write_object(value, out);
        return;
    case STA_JSON_ARRAY:
        write_array(value, out);
        return;
    case STA_JSON_TEXT:
        check_text(value);
        break;
    case STA_JSON_NUMBER:
        check_number(value);
        break;
    case STA_JSON_NULL:
    case STA_JSON_BOOL:
        break;
    }
    struct bytes text;
    ASSERT(sta_json_member(value, bytes_text("a")).len == 0);
    if (sta_json_kind(value) != STA_JSON_TEXT)
        ASSERT(sta_json_text(value, &arena, &text) == ERR_MALFORMED);
    buf_put(out, value);
}

/* Without the white space around it. */
static struct bytes
trim(struct bytes text)
{
    text = bytes_skip(text, sta_json_space(text, 0));
    while (text.len && strchr(" \t\r\n", text.p[text.len - 1]))
        text.len--;
    return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    size_t bad = SIZE_MAX;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    if (!sta_json_check(in, &bad)) {
        ASSERT(bad <= size);
        return 0;
    }
    struct buf first, second;
    buf_init(&first, size);
    buf_init(&second, size);
    write_value(trim(in), &first);
    ASSERT(sta_json_check(buf_bytes(&first), &bad));
    write_value(buf_bytes(&first), &second);
    ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    ASSERT(text_is_utf8(buf_bytes(&first)));
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
