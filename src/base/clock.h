/*
 * clock.h -- time comes in through this door, so that a test can own it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

struct clock_source {
    uint64_t (*mono_ms)(void *ctx); /* never goes back; for time-outs, rates, leases */
    int64_t (*wall_us)(void *ctx);  /* microseconds since 1970 UTC; for records */
    void *ctx;
};

/* The system's clocks. */
struct clock_source clock_system(void);

/* A clock that stands where the test put it; set the fields at will. */
struct clock_fake {
    uint64_t mono_ms;
    int64_t wall_us;
};
struct clock_source clock_fake_source(struct clock_fake *fake);

static inline uint64_t
clock_mono_ms(const struct clock_source *c)
{
    return c->mono_ms(c->ctx);
}
static inline int64_t
clock_wall_us(const struct clock_source *c)
{
    return c->wall_us(c->ctx);
}

/*
 * Both at the same moment, for clock_watch.h. False when the process was interrupted between the
 * two each time: look again later.
 */
bool clock_both(const struct clock_source *c, uint64_t *out_mono_ms, int64_t *out_wall_us) MUST_USE;

#endif
