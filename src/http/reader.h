/*
 * reader.h -- bytes of a connection, split in any way, become one request after the other.
 *
 * H1  The same bytes give the same result however they are split.
 * H2  Memory grows with what has come, never with what was announced.
 * H3  After a failure the connection is answered with `status` and closed: nothing is skipped.
 */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include "base/base.h"
#include "base/buf.h"
#include "http/head.h"

enum {
    HTTP_HEAD_MAX = 8192,
    HTTP_STRANGER_HEAD_MAX = 4096,
    HTTP_BODY_MAX = 1048576,
    HTTP_STRANGER_BODY_MAX = 16384,
};

struct http_limits {
    size_t head_max, body_max; /* bytes; at most HTTP_HEAD_MAX, HTTP_BODY_MAX */
};

enum http_state {
    HTTP_IN_HEAD = 1,
    HTTP_IN_BODY,
    HTTP_IN_CHUNK_SIZE,
    HTTP_IN_CHUNK,
    HTTP_IN_CHUNK_END,
    HTTP_IN_LAST_LINE,
    HTTP_DONE,
    HTTP_FAILED
};

struct http_reader {
    struct http_limits limits;
    enum http_state state;
    struct buf head, body;
    struct http_head request; /* borrows from head; valid once the head is read */
    size_t scanned;
    uint64_t left;        /* of the body or the chunk */
    uint8_t digits, crlf; /* of a chunk size; bytes of the line end that have come */
    bool continue_due;    /* the client waits for "100 Continue"; the caller clears it */
    uint16_t status;      /* what to answer when feeding failed */
};

void http_reader_init(struct http_reader *r, struct http_limits limits);
void http_reader_fini(struct http_reader *r);

/*
 * Feed bytes; *out_used of them were taken. OK: the request is whole (request, body); bytes behind
 * it were not taken. ERR_AGAIN: all were taken, more are needed. Otherwise `status` says what to
 * answer (400, 413, 414, 417, 431, 501, 505), and *out_used has no meaning.
 */
enum err http_reader_feed(struct http_reader *r, struct bytes in, size_t *out_used) MUST_USE;

/* After the answer: begin the next request, and give large memory back. */
void http_reader_next(struct http_reader *r);

/* True if a part of a request has come. */
bool http_reader_started(const struct http_reader *r);

#endif
