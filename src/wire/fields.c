#include "wire/fields.h"

#include "base/text.h"

static struct bytes
take(struct reader *r, size_t n)
{
    if (r->bad || r->rest.len < n) {
        r->bad = true;
        return (struct bytes){0};
    }
    struct bytes got = bytes_of(r->rest.p, n);
    r->rest = bytes_skip(r->rest, n);
    return got;
}

int64_t
reader_signed(struct reader *r, int64_t min, int64_t max)
{
    int64_t v = (int64_t)reader_unsigned(r, 8, UINT64_MAX);
    if (!r->bad && (v < min || v > max))
        r->bad = true;
    return r->bad ? 0 : v;
}

struct bytes
reader_blob(struct reader *r, size_t max)
{
    size_t len = (size_t)reader_unsigned(r, 4, max);
    return take(r, r->bad ? 0 : len);
}

struct bytes
reader_text(struct reader *r, size_t max)
{
    struct bytes text = reader_blob(r, max);
    if (!text_is_utf8(text))
        r->bad = true;
    return r->bad ? (struct bytes){0} : text;
}

enum err
reader_finish(const struct reader *r)
{
    return r->bad || r->rest.len ? ERR_MALFORMED : OK;
}

void
field_blob(struct buf *b, struct bytes v)
{
    ASSERT(v.len <= UINT32_MAX);
    field_unsigned(b, 4, v.len);
    buf_put(b, v);
}
