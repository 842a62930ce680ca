/*
 * http_fuzz.c -- any bytes as requests: whole, byte by byte, and in uneven pieces they must give
 * the same requests and the same failure; and a head that was read is the head that was sent.
 * The first byte picks the limits.
 */
#include "http/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A transcript of everything that came out. */
static void
run(struct bytes in, struct http_limits limits, size_t piece, struct buf *out)
{
    struct http_reader r;
    http_reader_init(&r, limits);
    size_t round = 0;
    while (in.len) {
        size_t n = piece == 0 ? in.len : piece == 1 ? 1 : 1 + (round * 7) % 13;
        if (n > in.len)
            n = in.len;
        size_t used = 0;
        round++;
        enum err e = http_reader_feed(&r, bytes_of(in.p, n), &used);
        if (e != OK && e != ERR_AGAIN) {
            ASSERT(r.status >= 400);
            buf_format(out, "failed %u %d", r.status, e);
            break;
        }
        ASSERT(e == OK || used == n);
        in = bytes_skip(in, used);
        if (e == ERR_AGAIN)
            continue;
        const struct http_head *h = &r.request;
        ASSERT(h->host.len && h->target.p[0] == '/' && h->method.len);
        ASSERT(r.body.len <= limits.body_max && r.head.len <= limits.head_max);
        ASSERT(h->chunked || r.body.len == h->content_length);
        buf_put(out, buf_bytes(&r.head));
        buf_put(out, h->method);
        buf_put(out, h->target);
        buf_put(out, h->token);
        buf_put(out, h->content_type);
        buf_put(out, buf_bytes(&r.body));
        buf_format(out, "%d%d", h->keep_alive, h->expect_continue);
        http_reader_next(&r);
    }
    buf_format(out, "state %d left %llu", r.state, (unsigned long long)r.left);
    http_reader_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536)
        return 0;
    struct http_limits limits = {data[0] & 1 ? 128 : HTTP_STRANGER_HEAD_MAX,
                                 data[0] & 2 ? 16 : HTTP_STRANGER_BODY_MAX};
    struct bytes in = bytes_of(data + 1, size - 1);
    struct buf whole, bytewise, pieces;
    buf_init(&whole, 1 << 20);
    buf_init(&bytewise, 1 << 20);
    buf_init(&pieces, 1 << 20);
    run(in, limits, 0, &whole);
    run(in, limits, 1, &bytewise);
    run(in, limits, 2, &pieces);
    ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&bytewise)));
    ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_fini(&whole);
    buf_fini(&bytewise);
    buf_fini(&pieces);
    return 0;
}
