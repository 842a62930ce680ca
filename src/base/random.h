/*
 * random.h -- random bytes come in through this door, so that a test can seed it.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/base.h"

struct random_source {
    void (*fill)(void *ctx, void *p, size_t n);
    void *ctx;
};

/* getrandom(2); ends the process if the kernel refuses. */
struct random_source random_system(void);

/* A seeded generator (splitmix64): for tests and generators of demo data, never for keys. */
struct random_seeded {
    uint64_t state;
};
struct random_source random_seeded_source(struct random_seeded *seeded);

static inline void
random_fill(const struct random_source *r, void *p, size_t n)
{
    r->fill(r->ctx, p, n);
}
uint64_t random_u64(const struct random_source *r);
/* Uniform in 0 .. bound-1, without modulo bias; bound > 0. */
uint64_t random_below(const struct random_source *r, uint64_t bound);

#endif
