/*
 * http_client.h -- one small question over HTTP/1.1 to an outside body, and its answer. Plain: what
 * is asked and answered here is signed, and not secret.
 */
#ifndef CLI_HTTP_CLIENT_H
#define CLI_HTTP_CLIENT_H

#include "base/buf.h"
#include "http/answer.h"

enum { HTTP_CLIENT_ANSWER_MAX = 32 * 1024, HTTP_CLIENT_PATIENCE_MS = 5000 };

/*
 * `url` is http://HOST:PORT or http://HOST, with or without a path before `tail`. With a body it is
 * a POST. The answer borrows from `raw`, which the caller made for HTTP_CLIENT_ANSWER_MAX.
 * ERR_MALFORMED: no such address, or no such answer; ERR_UNSUPPORTED: another scheme; ERR_CLOSED:
 * nobody is there, or they do not answer in time.
 */
enum err http_client_ask(const char *url, const char *tail, const struct bytes *body,
                         struct buf *raw, struct http_answer *out) MUST_USE;

#endif
