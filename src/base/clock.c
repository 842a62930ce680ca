#include "base/clock.h"

#include <time.h>

static uint64_t
system_mono_ms(void *ctx)
{
    (void)ctx;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int64_t
system_wall_us(void *ctx)
{
    (void)ctx;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct clock_source
clock_system(void)
{
    return (struct clock_source){system_mono_ms, system_wall_us, NULL};
}

static uint64_t
fake_mono_ms(void *ctx)
{
    return ((struct clock_fake *)ctx)->mono_ms;
}

static int64_t
fake_wall_us(void *ctx)
{
    return ((struct clock_fake *)ctx)->wall_us;
}

struct clock_source
clock_fake_source(struct clock_fake *fake)
{
    return (struct clock_source){fake_mono_ms, fake_wall_us, fake};
}

bool
clock_both(const struct clock_source *c, uint64_t *out_mono_ms, int64_t *out_wall_us)
{
    enum { TRIES = 3, APART_MS = 50 };
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = clock_mono_ms(c);
        int64_t wall_us = clock_wall_us(c);
        if (clock_mono_ms(c) - before > APART_MS)
            continue;
        *out_mono_ms = before;
        *out_wall_us = wall_us;
        return true;
    }
    return false;
}
