#include "field/sumo/xml.h"

#include "base/text.h"

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct bytes
skip_space(struct bytes b)
{
    while (b.len > 0 && is_space(b.p[0]))
        b = bytes_skip(b, 1);
    return b;
}

/* The offset of the '>' that ends a tag: not one in a value. */
static size_t
tag_end(struct bytes b)
{
    uint8_t quote = 0;
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.p[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return i;
    }
    return b.len;
}

static struct bytes
skip_comment(struct bytes b)
{
    const void *end = memmem(b.p, b.len, "-->", 3);
    return end ? bytes_skip(b, (size_t)((const uint8_t *)end - b.p) + 3) : bytes_skip(b, b.len);
}

bool
xml_next(struct bytes *rest, struct xml_tag *out)
{
    for (;;) {
        struct bytes b = bytes_skip(*rest, bytes_find(*rest, '<'));
        if (bytes_start(b, "<!--")) {
            *rest = skip_comment(b);
            continue;
        }
        size_t end = tag_end(b);
        if (end == b.len) {
            *rest = bytes_skip(b, b.len);
            return false;
        }
        *rest = bytes_skip(b, end + 1);
        struct bytes inner = bytes_of(b.p + 1, end - 1);
        if (inner.len == 0 || inner.p[0] == '/' || inner.p[0] == '?' || inner.p[0] == '!')
            continue;
        size_t n = 0;
        while (n < inner.len && !is_space(inner.p[n]) && inner.p[n] != '/')
            n++;
        out->name = bytes_of(inner.p, n);
        out->attributes = bytes_skip(inner, n);
        return true;
    }
}

struct bytes
xml_attribute(struct xml_tag tag, const char *name)
{
    struct bytes b = skip_space(tag.attributes);
    while (b.len > 0) {
        size_t equals = bytes_find(b, '=');
        if (equals == b.len)
            break;
        struct bytes key = bytes_of(b.p, equals);
        while (key.len > 0 && is_space(key.p[key.len - 1]))
            key.len--;
        b = skip_space(bytes_skip(b, equals + 1));
        if (b.len == 0 || (b.p[0] != '"' && b.p[0] != '\''))
            break;
        uint8_t quote = b.p[0];
        b = bytes_skip(b, 1);
        size_t end = bytes_find(b, quote);
        if (end == b.len)
            break;
        if (bytes_are(key, name))
            return bytes_of(b.p, end);
        b = skip_space(bytes_skip(b, end + 1));
    }
    return (struct bytes){0};
}

enum err
xml_double(struct xml_tag tag, const char *name, double *out)
{
    struct bytes value = xml_attribute(tag, name);
    return value.p ? text_double(value, out) : ERR_MALFORMED;
}

enum err
xml_u32(struct xml_tag tag, const char *name, uint32_t *out)
{
    uint64_t v;
    struct bytes value = xml_attribute(tag, name);
    enum err e = value.p ? text_u64(value, UINT32_MAX, &v) : ERR_MALFORMED;
    if (e == OK)
        *out = (uint32_t)v;
    return e;
}

struct bytes
xml_word(struct bytes *list)
{
    struct bytes b = *list;
    while (b.len > 0 && (is_space(b.p[0]) || b.p[0] == ','))
        b = bytes_skip(b, 1);
    size_t n = 0;
    while (n < b.len && !is_space(b.p[n]) && b.p[n] != ',')
        n++;
    *list = bytes_skip(b, n);
    return n > 0 ? bytes_of(b.p, n) : (struct bytes){0};
}
