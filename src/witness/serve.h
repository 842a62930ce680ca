/*
 * serve.h -- a witness's HTTP/1.1: strict, bounded, one answer after the other.
 */
#ifndef WITNESS_SERVE_H
#define WITNESS_SERVE_H

#include "runtime/loop.h"
#include "witness/witness.h"

enum {
    SERVE_CONNECTIONS_MAX = 32,
    SERVE_PATIENCE_MS = 10000,   /* for one whole request, and for taking its answer */
    SERVE_REQUESTS_PER_S = 1000, /* beyond it everybody waits for the next second */
};

struct server;
/* `listen_fd` accepts without waiting. Takes all memory that it will ever use but bodies. */
enum err server_new(struct witness *w, struct loop *loop, int listen_fd,
                    struct server **out) MUST_USE;
void server_free(struct server *s);

#endif
