#include "base/clock_watch.h"

const char *
clock_event_text(enum clock_event event)
{
    static const char *const texts[] = {"steady", "step", "freeze", "roll-back"};
    return (unsigned)event < ARRAY_COUNT(texts) ? texts[event] : "?";
}

/* Everything is measured from here on. */
static void
refer_to(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us)
{
    w->mono_ms = mono_ms;
    w->wall_us = wall_us;
}

static enum clock_event
doubt(struct clock_watch *w, uint64_t mono_ms, int64_t step_us, enum clock_event event)
{
    w->doubt_until_ms = mono_ms + CLOCK_DOUBT_MS;
    w->step_us = step_us;
    return event;
}

enum clock_event
clock_watch_start(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us, int64_t known_us)
{
    *w = (struct clock_watch){.started = true,
                              .moved_ms = mono_ms,
                              .last_us = wall_us,
                              .highest_us = known_us > wall_us ? known_us : wall_us};
    refer_to(w, mono_ms, wall_us);
    if (known_us == INT64_MIN || wall_us >= known_us - CLOCK_STEP_US)
        return CLOCK_STEADY;
    return doubt(w, mono_ms, wall_us - known_us, CLOCK_ROLLED_BACK);
}

/* It stands while the other runs: told once, and in doubt for as long. */
static bool
look_frozen(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us, enum clock_event *out)
{
    *out = CLOCK_STEADY;
    if (wall_us != w->last_us) {
        w->moved_ms = mono_ms;
        w->frozen = false;
        return false;
    }
    if (mono_ms - w->moved_ms < CLOCK_FROZEN_MS)
        return true; /* not yet a freeze, and no step either */
    bool first = !w->frozen;
    enum clock_event event =
        doubt(w, mono_ms, -(int64_t)(mono_ms - w->moved_ms) * 1000, CLOCK_FROZEN);
    w->frozen = true;
    refer_to(w, mono_ms, wall_us);
    *out = first ? event : CLOCK_STEADY;
    return true;
}

enum clock_event
clock_watch_look(struct clock_watch *w, uint64_t mono_ms, int64_t wall_us)
{
    ASSERT(w->started && mono_ms >= w->mono_ms);
    enum clock_event event;
    bool stands = look_frozen(w, mono_ms, wall_us, &event);
    w->last_us = wall_us;
    if (wall_us > w->highest_us)
        w->highest_us = wall_us;
    if (stands)
        return event;
    int64_t elapsed_us = (int64_t)(mono_ms - w->mono_ms) * 1000;
    int64_t drift_us = wall_us - w->wall_us - elapsed_us;
    if (drift_us > CLOCK_STEP_US || drift_us < -CLOCK_STEP_US) {
        refer_to(w, mono_ms, wall_us);
        return doubt(w, mono_ms, drift_us, CLOCK_STEPPED);
    }
    if (mono_ms - w->mono_ms >= CLOCK_SPAN_MS)
        refer_to(w, mono_ms, wall_us);
    return CLOCK_STEADY;
}

bool
clock_watch_doubt(const struct clock_watch *w, uint64_t mono_ms)
{
    return mono_ms < w->doubt_until_ms;
}

int64_t
clock_watch_latest_us(struct clock_watch *w, int64_t wall_us)
{
    if (wall_us > w->highest_us)
        w->highest_us = wall_us;
    return w->highest_us;
}
