/*
 * answer.h -- one HTTP/1.1 response as a client of small answers reads it, strictly.
 *
 * Only answers with a Content-Length (or the statuses that have no content): no chunks, no "until
 * the connection ends", because then nobody could tell a whole answer from a cut one.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "base/base.h"

struct http_answer {
    uint16_t status;           /* 200 to 599; interim answers (1xx) were skipped */
    struct bytes content_type; /* empty when there is none; borrowed */
    struct bytes body;         /* borrowed */
};

/*
 * Look at what has come. OK: a whole answer, and nothing behind it. ERR_AGAIN: not whole yet.
 * ERR_MALFORMED; ERR_UNSUPPORTED: chunks, or no length.
 */
enum err http_answer_parse(struct bytes in, struct http_answer *out) MUST_USE;

#endif
