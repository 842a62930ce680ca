#include "base/test.h"
#include "http/reader.h"
#include "http/response.h"

static const struct http_limits usual = {HTTP_HEAD_MAX, HTTP_BODY_MAX};

/* Feed the text in two pieces cut at `cut`; the number of bytes taken, or the status as failure. */
static enum err
feed_cut(struct http_reader *r, struct bytes in, size_t cut, size_t *used)
{
    struct bytes first = test_exact(bytes_of(in.p, cut));
    struct bytes second = test_exact(bytes_skip(in, cut));
    size_t a = 0, b = 0;
    enum err e = http_reader_feed(r, first, &a);
    if (e == ERR_AGAIN)
        e = http_reader_feed(r, second, &b);
    *used = a + b;
    test_exact_free(first);
    test_exact_free(second);
    return e;
}

/* The status that the text is refused with (0: it is a whole request), the same for every cut. */
static unsigned
status_of_bytes(struct bytes in, struct http_limits limits)
{
    unsigned first = 1;
    for (size_t cut = 0; cut <= in.len; cut++) {
        struct http_reader r;
        http_reader_init(&r, limits);
        size_t used = 0;
        enum err e = feed_cut(&r, in, cut, &used);
        unsigned status = e == OK ? 0 : e == ERR_AGAIN ? 999 : r.status;
        if (first == 1)
            first = status;
        CHECK(status == first);
        if (status == 0)
            CHECK(used == in.len);
        http_reader_fini(&r);
    }
    return first;
}
#define STATUS(literal) status_of_bytes(bytes_of(literal, sizeof(literal) - 1), usual)

TEST(good_requests_are_taken)
{
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == 0);
    CHECK(STATUS("GET /v1.1/Things?$filter=name%20eq%20'a' HTTP/1.1\r\nhost:h:8444\r\n\r\n") == 0);
    CHECK(STATUS("POST /x HTTP/1.1\r\nHost: [::1]:1\r\nContent-Length: 2\r\n\r\nab") == 0);
    CHECK(STATUS("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n") == 0);
    CHECK(STATUS("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
                 "2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n") == 0);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nX: \t a b \t\r\nE:\r\n\r\n") == 0);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\n") == 999);
}

/* The classics of request smuggling, one line each. */
TEST(ambiguous_requests_are_refused)
{
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"
    CHECK(STATUS(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: +5\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: 5, 5\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: 0x5\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: -1\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length:\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: 05\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length: 18446744073709551621\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Content-Length : 5\r\n\r\n01234") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n") == 400);
    CHECK(STATUS(POST "X: a\r\n b\r\nContent-Length: 0\r\n\r\n") == 400); /* folded */
    CHECK(STATUS(POST " X: a\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\nHost: h\n\n") == 400); /* bare LF */
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\n\r\n") == 400); /* no Host */
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n000000001\r\na\r\n0\r\n\r\n") == 400);
    CHECK(STATUS(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.9\r\nHost: h\r\n\r\n") == 505);
    CHECK(STATUS("GET / HTTP/1.0\r\nHost: h\r\n\r\n") == 505);
    CHECK(STATUS("GET / HTTP/11\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET / http/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET  / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1 \r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET /\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("G(T / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET /%0 HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nNoColon\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n") == 417);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eDp5\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a b\r\n\r\n") == 400);
    CHECK(STATUS("ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: h\r\n\r\n") == 501);
}

TEST(limits_hold_and_are_smaller_for_strangers)
{
    struct http_limits small = {64, 4};
    struct buf b;
    buf_init(&b, 65536);
    buf_text(&b, "GET / HTTP/1.1\r\nHost: ");
    while (b.len < 60)
        buf_byte(&b, 'h');
    buf_text(&b, "\r\n\r\n"); /* 64 bytes */
    CHECK(status_of_bytes(buf_bytes(&b), small) == 0);
    buf_reset(&b);
    buf_text(&b, "GET / HTTP/1.1\r\nHost: ");
    while (b.len < 61)
        buf_byte(&b, 'h');
    buf_text(&b, "\r\n\r\n");
    CHECK(status_of_bytes(buf_bytes(&b), small) == 431);
    struct http_limits little = {HTTP_HEAD_MAX, 4};
    struct bytes five = bytes_text(POST "Content-Length: 5\r\n\r\n");
    CHECK(status_of_bytes(five, little) == 413); /* known before the content comes */
    struct bytes chunks = bytes_text(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n");
    CHECK(status_of_bytes(chunks, little) == 413);
    for (int extra = 0; extra < 2; extra++) {
        buf_reset(&b);
        buf_text(&b, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (int i = 0; i < HTTP_HEADERS_MAX - 1 + extra; i++)
            buf_text(&b, "X: y\r\n");
        buf_text(&b, "\r\n");
        CHECK(status_of_bytes(buf_bytes(&b), usual) == (extra ? 431u : 0u));
    }
    buf_fini(&b);
}

TEST(pipelined_requests_come_one_at_a_time)
{
    static const char two[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
                              "GET /b HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n"
                              "Accept: image/png , Text/HTML;q=0.9\r\nAccept: */*\r\n"
                              "Authorization: bEARER tok.en-1\r\n\r\nrest";
    struct bytes in = bytes_text(two);
    struct http_reader r;
    http_reader_init(&r, usual);
    size_t used = 0;
    CHECK(!http_reader_started(&r));
    CHECK_OK(http_reader_feed(&r, in, &used));
    CHECK(http_reader_started(&r) && bytes_are(r.request.target, "/a") && r.request.keep_alive);
    CHECK(bytes_are(buf_bytes(&r.body), "ab") && !r.request.wants_html);
    in = bytes_skip(in, used);
    http_reader_next(&r);
    CHECK_OK(http_reader_feed(&r, in, &used));
    CHECK(bytes_are(r.request.target, "/b") && !r.request.keep_alive && r.body.len == 0);
    CHECK(bytes_are(r.request.token, "tok.en-1") && r.request.wants_html);
    CHECK(in.len - used == 4);
    http_reader_fini(&r);
}

TEST(a_client_that_waits_is_told_to_go_on)
{
    struct bytes head = bytes_text(POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    struct http_reader r;
    http_reader_init(&r, usual);
    size_t used = 0;
    CHECK(http_reader_feed(&r, head, &used) == ERR_AGAIN);
    CHECK(r.continue_due);
    r.continue_due = false;
    CHECK_OK(http_reader_feed(&r, bytes_text("x"), &used));
    CHECK(!r.continue_due);
    http_reader_fini(&r);
}

TEST(what_a_websocket_begins_with_is_read)
{
    static const char text[] = "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                               "Connection: keep-alive, Upgrade\r\nOrigin: https://h\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                               "sec-websocket-version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    struct http_reader r;
    size_t used;
    http_reader_init(&r, usual);
    CHECK_OK(http_reader_feed(&r, bytes_text(text), &used));
    const struct http_head *h = &r.request;
    CHECK(h->connection_upgrade && h->keep_alive && bytes_are(h->upgrade, "websocket"));
    CHECK(bytes_are(h->origin, "https://h") && bytes_are(h->websocket_version, "13"));
    CHECK(bytes_are(h->websocket_key, "dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK(bytes_are(h->websocket_protocol, "mqtt"));
    http_reader_fini(&r);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nOrigin: a\r\norigin: b\r\n\r\n") == 400);
    CHECK(STATUS("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n") == 400);
    struct buf b;
    buf_init(&b, 1000);
    http_put_switch(&b, bytes_text("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "mqtt", 0);
    CHECK(bytes_are(buf_bytes(&b), "HTTP/1.1 101 Switching Protocols\r\n"
                                   "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                   "Sec-WebSocket-Protocol: mqtt\r\n\r\n"));
    buf_reset(&b);
    http_put_error(&b, 426, "x", false, false, 0);
    CHECK(strstr(buf_string(&b), "Upgrade: websocket\r\nConnection: Upgrade\r\n"));
    CHECK(strstr(buf_string(&b), "Sec-WebSocket-Version: 13\r\n"));
    buf_fini(&b);
}

TEST(responses_are_written_and_never_split)
{
    struct buf b;
    buf_init(&b, 4096);
    struct http_response r = {.status = 201,
                              .content_type = bytes_text("application/json"),
                              .location = bytes_text("/v1.1/Things(1)"),
                              .body_length = 2,
                              .keep_alive = true,
                              .now_us = 1709210096789000};
    CHECK_OK(http_put_head(&b, &r));
    CHECK(bytes_are(buf_bytes(&b), "HTTP/1.1 201 Created\r\nDate: Thu, 29 Feb 2024 12:34:56 GMT\r\n"
                                   "Content-Type: application/json\r\n"
                                   "Location: /v1.1/Things(1)\r\nContent-Length: 2\r\n"
                                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                   "\r\n"));
    buf_reset(&b);
    r.location = bytes_text("/a\r\nSet-Cookie: x");
    CHECK(http_put_head(&b, &r) == ERR_MALFORMED && b.len == 0);
    r.location = bytes_text("");
    r.status = 299;
    CHECK(http_put_head(&b, &r) == ERR_MALFORMED && b.len == 0);
    http_put_error(&b, 405, "no such \"method\"", true, false, 0);
    const char *text = buf_string(&b);
    CHECK(strstr(text, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    CHECK(strstr(text, "Allow: ") && strstr(text, "Connection: close\r\n"));
    CHECK(bytes_equal(bytes_of(text + b.len - 4, 4), bytes_text("\r\n\r\n")));
    buf_reset(&b);
    http_put_error(&b, 401, "x", false, true, 0);
    CHECK(strstr(buf_string(&b), "WWW-Authenticate: Bearer\r\n"));
    CHECK(strstr(buf_string(&b), "Content-Length: 42\r\n"));
    CHECK(strstr(buf_string(&b), "{\"code\":401,\"type\":\"error\",\"message\":\"x\"}\n"));
    buf_fini(&b);
}
