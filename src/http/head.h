/*
 * head.h -- one HTTP/1.1 request head (RFC 9112 section 2 to 3), read strictly.
 *
 * The head is borrowed and nothing is copied. Where RFC 9112 lets a server be lenient, this one is
 * not: every input that two parsers might read in two ways is refused with a status.
 * Deviations, on purpose: only the origin form of a target ("/..."), no HTTP/1.0, no field value
 * outside visible ASCII, no empty line before the request line, no content in GET and HEAD.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/base.h"

enum {
    HTTP_HEADERS_MAX = 64,
    HTTP_METHOD_MAX = 16,
    HTTP_TARGET_MAX = 8192, /* the head's own limit is usually the smaller one */
    HTTP_CONTENT_TYPE_MAX = 128,
    HTTP_TOKEN_MAX = 1024,
};

struct http_head {
    struct bytes method; /* a token, as sent; "GET" */
    struct bytes target; /* starts with '/', visible ASCII, no '#', percent signs are whole */
    struct bytes host;
    struct bytes content_type; /* empty when there is none */
    struct bytes token;        /* of "Authorization: Bearer TOKEN"; empty when there is none */
    /* What a WebSocket begins with (RFC 6455 4.1); as sent, empty when there is none. */
    struct bytes upgrade, origin;
    struct bytes websocket_key, websocket_version, websocket_protocol;
    bool connection_upgrade; /* "upgrade" stands in Connection */
    bool wants_html;         /* Accept names text/html: a person's browser asks */
    bool keep_alive;
    bool expect_continue;
    bool chunked;
    bool has_length;
    uint64_t content_length; /* 0 without has_length */
};

/*
 * Look for the end of a head at the start of `in`. *scanned is 0 at first and is kept by the caller
 * between calls with more bytes. OK: *out_len bytes, through the empty line. ERR_AGAIN: not there
 * yet. ERR_MALFORMED: a byte or a line end that no head may hold.
 */
enum err http_head_find(struct bytes in, size_t *scanned, size_t *out_len) MUST_USE;

/*
 * Read a whole head. On failure *out_status is the status to answer with (400, 414, 417, 431, 501,
 * 505) and *out is untouched.
 */
enum err http_head_parse(struct bytes head, struct http_head *out, uint16_t *out_status) MUST_USE;

/* Without regard to the case of ASCII letters; `b` is lower case. */
bool http_same_word(struct bytes a, const char *b);

/* Without the blanks and tabs around it: RFC 9110 5.5, a field's value. */
struct bytes http_trim(struct bytes s);

#endif
