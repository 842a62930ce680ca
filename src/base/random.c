#include "base/random.h"

#include <sys/random.h>

static void
system_fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    uint8_t *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        ASSERT(got > 0);
        at += got;
        n -= (size_t)got;
    }
}

struct random_source
random_system(void)
{
    return (struct random_source){system_fill, NULL};
}

static void
seeded_fill(void *ctx, void *p, size_t n)
{
    struct random_seeded *s = ctx;
    uint8_t *at = p;
    while (n) {
        uint64_t z = (s->state += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        z ^= z >> 31;
        size_t take = n < sizeof(z) ? n : sizeof(z);
        memcpy(at, &z, take);
        at += take;
        n -= take;
    }
}

struct random_source
random_seeded_source(struct random_seeded *seeded)
{
    return (struct random_source){seeded_fill, seeded};
}

uint64_t
random_u64(const struct random_source *r)
{
    uint64_t v;
    random_fill(r, &v, sizeof(v));
    return v;
}

uint64_t
random_below(const struct random_source *r, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t reject = (0 - bound) % bound; /* 2^64 mod bound */
    for (;;) {
        uint64_t v = random_u64(r);
        if (v >= reject)
            return v % bound;
    }
}
