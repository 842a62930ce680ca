#include "http/reader.h"

void
http_reader_init(struct http_reader *r, struct http_limits limits)
{
    ASSERT(limits.head_max <= HTTP_HEAD_MAX && limits.body_max <= HTTP_BODY_MAX);
    *r = (struct http_reader){.limits = limits, .state = HTTP_IN_HEAD};
    buf_init(&r->head, limits.head_max);
    buf_init(&r->body, limits.body_max);
}

void
http_reader_fini(struct http_reader *r)
{
    buf_fini(&r->head);
    buf_fini(&r->body);
}

void
http_reader_next(struct http_reader *r)
{
    struct http_limits limits = r->limits;
    http_reader_fini(r);
    http_reader_init(r, limits);
}

bool
http_reader_started(const struct http_reader *r)
{
    return r->state != HTTP_IN_HEAD || r->head.len > 0;
}

static enum err
fail(struct http_reader *r, enum err e, uint16_t status)
{
    r->state = HTTP_FAILED;
    r->status = status;
    return e;
}

static enum err
begin_body(struct http_reader *r)
{
    const struct http_head *h = &r->request;
    if (h->content_length > r->limits.body_max)
        return fail(r, ERR_LIMIT, 413);
    r->left = h->content_length;
    r->state = h->chunked ? HTTP_IN_CHUNK_SIZE : r->left ? HTTP_IN_BODY : HTTP_DONE;
    r->continue_due = h->expect_continue && r->state != HTTP_DONE;
    return OK;
}

static enum err
feed_head(struct http_reader *r, struct bytes in, size_t *used)
{
    size_t before = r->head.len;
    size_t n = r->limits.head_max - before;
    if (n > in.len)
        n = in.len;
    buf_put(&r->head, bytes_of(in.p, n));
    if (buf_error(&r->head) != OK)
        return fail(r, ERR_LIMIT, 431);
    size_t len = 0;
    enum err e = http_head_find(buf_bytes(&r->head), &r->scanned, &len);
    if (e == ERR_AGAIN && r->head.len == r->limits.head_max)
        return fail(r, ERR_LIMIT, 431);
    if (e != OK && e != ERR_AGAIN)
        return fail(r, e, 400);
    *used = e == OK ? len - before : n;
    if (e != OK)
        return OK;
    r->head.len = len; /* what came behind it belongs to the body */
    e = http_head_parse(buf_bytes(&r->head), &r->request, &r->status);
    return e == OK ? begin_body(r) : fail(r, e, r->status);
}

/* The content of a body or of a chunk. */
static enum err
feed_content(struct http_reader *r, struct bytes in, size_t *used)
{
    size_t n = r->left < in.len ? (size_t)r->left : in.len;
    buf_put(&r->body, bytes_of(in.p, n));
    if (buf_error(&r->body) != OK)
        return fail(r, ERR_LIMIT, 413);
    r->left -= n;
    *used = n;
    if (r->left == 0)
        r->state = r->state == HTTP_IN_BODY ? HTTP_DONE : HTTP_IN_CHUNK_END;
    return OK;
}

/* One byte of a CRLF that must stand here; true when it is whole. */
static enum err
feed_crlf(struct http_reader *r, uint8_t c, bool *whole)
{
    if (c != (r->crlf == 0 ? '\r' : '\n'))
        return fail(r, ERR_MALFORMED, 400);
    *whole = ++r->crlf == 2;
    if (*whole)
        r->crlf = 0;
    return OK;
}

static int
hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 9112 7.1, without extensions: 1 to 8 hexadecimal digits and CRLF. */
static enum err
feed_chunk_size(struct http_reader *r, uint8_t c)
{
    int v = r->crlf ? -1 : hex_value(c);
    if (v >= 0) {
        if (++r->digits > 8)
            return fail(r, ERR_MALFORMED, 400);
        r->left = r->left << 4 | (unsigned)v;
        return OK;
    }
    bool whole = false;
    if (r->digits == 0)
        return fail(r, ERR_MALFORMED, 400);
    enum err e = feed_crlf(r, c, &whole);
    if (e != OK || !whole)
        return e;
    r->digits = 0;
    if (r->left > r->limits.body_max - r->body.len)
        return fail(r, ERR_LIMIT, 413);
    r->state = r->left ? HTTP_IN_CHUNK : HTTP_IN_LAST_LINE;
    return OK;
}

static enum err
feed_line_end(struct http_reader *r, uint8_t c)
{
    bool whole = false;
    enum err e = feed_crlf(r, c, &whole);
    if (e == OK && whole)
        r->state = r->state == HTTP_IN_CHUNK_END ? HTTP_IN_CHUNK_SIZE : HTTP_DONE;
    return e;
}

static enum err
feed_some(struct http_reader *r, struct bytes in, size_t *used)
{
    *used = 1;
    switch (r->state) {
    case HTTP_IN_HEAD:
        return feed_head(r, in, used);
    case HTTP_IN_BODY:
    case HTTP_IN_CHUNK:
        return feed_content(r, in, used);
    case HTTP_IN_CHUNK_SIZE:
        return feed_chunk_size(r, in.p[0]);
    case HTTP_IN_CHUNK_END:
    case HTTP_IN_LAST_LINE:
        return feed_line_end(r, in.p[0]);
    case HTTP_DONE:
    case HTTP_FAILED:
    default:
        return ERR_WRONG_STATE;
    }
}

enum err
http_reader_feed(struct http_reader *r, struct bytes in, size_t *out_used)
{
    ASSERT(r->state != HTTP_FAILED);
    size_t total = 0;
    while (r->state != HTTP_DONE && in.len) {
        size_t used = 0;
        enum err e = feed_some(r, in, &used);
        if (e != OK)
            return e;
        total += used;
        in = bytes_skip(in, used);
    }
    *out_used = total;
    return r->state == HTTP_DONE ? OK : ERR_AGAIN;
}
