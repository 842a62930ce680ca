/*
 * operator.h -- an operator's public feed over HTTP/1.1, on loopback.
 */
#ifndef FIELD_OPERATOR_H
#define FIELD_OPERATOR_H

#include "base/base.h"

struct operator_config {
    uint16_t port;
    uint64_t seconds; /* 0: until SIGTERM or SIGINT */
    uint64_t seed;
    uint32_t vehicles, stations;
};

/* Serve until the end. The exit status of the program: 0, or 3 with a sentence. */
int operator_run(const struct operator_config *config);

#endif
