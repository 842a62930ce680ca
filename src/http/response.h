/*
 * response.h -- what the gate sends back over HTTP/1.1.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/base.h"
#include "base/buf.h"

struct http_response {
    uint16_t status;           /* 100 to 599 */
    struct bytes content_type; /* empty: none */
    struct bytes location;     /* empty: none */
    uint64_t body_length;
    bool keep_alive;
    int64_t now_us; /* wall clock, for Date (RFC 9110 6.6.1) */
};

/*
 * The head of a response, with Content-Length (left out for 1xx and 204). ERR_MALFORMED: a value
 * holds what no field may hold, or an unknown status; nothing was written. Overflow of `b` is
 * sticky.
 */
enum err http_put_head(struct buf *b, const struct http_response *r) MUST_USE;

/* A whole answer of the gate itself: JSON with a code and a sentence. */
void http_put_error(struct buf *b, uint16_t status, const char *sentence, bool head_only,
                    bool keep_alive, int64_t now_us);

void http_put_continue(struct buf *b);

/* 101: a WebSocket from here on (RFC 6455 4.2.2). */
void http_put_switch(struct buf *b, struct bytes accept, const char *protocol, int64_t now_us);

/* The reason phrase; NULL for a status that we never send. */
const char *http_reason(uint16_t status);

#endif
