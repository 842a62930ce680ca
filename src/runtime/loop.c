#include "runtime/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_PER_ROUND = 256 };

struct timer {
    uint32_t period_ms;
    uint64_t due_ms;
    loop_timer_fn *fn;
    void *ctx;
};

struct loop {
    int epoll_fd;
    bool running;
    struct timer timers[LOOP_TIMERS_MAX];
    size_t timers_count;
    loop_idle_fn *idle;
    void *idle_ctx;
    struct epoll_event events[EVENTS_PER_ROUND];
    int events_count;
    struct clock_source clock;
};

enum err
loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof(*l));
    ASSERT(l);
    l->clock = clock_system();
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        free(l);
        return ERR_IO;
    }
    *out = l;
    return OK;
}

void
loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->epoll_fd);
    free(l);
}

int
loop_fd(const struct loop *l)
{
    return l->epoll_fd;
}

static uint32_t
epoll_bits(unsigned events)
{
    return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
           (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

enum err
loop_watch(struct loop *l, struct watch *w, unsigned events)
{
    ASSERT(!w->active && w->fn && w->fd >= 0);
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = w};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &event) != 0)
        return ERR_IO;
    w->events = events;
    w->active = true;
    return OK;
}

void
loop_change(struct loop *l, struct watch *w, unsigned events)
{
    ASSERT(w->active);
    if (w->events == events)
        return;
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = w};
    int failed = epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
    ASSERT(!failed);
    w->events = events;
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
    if (!w->active)
        return;
    struct epoll_event event = {0};
    int failed = epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, &event);
    ASSERT(!failed);
    w->active = false;
    for (int i = 0; i < l->events_count; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
}

void
loop_every(struct loop *l, uint32_t period_ms, loop_timer_fn *fn, void *ctx)
{
    ASSERT(l->timers_count < LOOP_TIMERS_MAX && period_ms > 0);
    l->timers[l->timers_count++] =
        (struct timer){period_ms, clock_mono_ms(&l->clock) + period_ms, fn, ctx};
}

void
loop_idle(struct loop *l, loop_idle_fn *fn, void *ctx)
{
    l->idle = fn;
    l->idle_ctx = ctx;
}

/* Milliseconds to the next timer, at most `most`; -1: none and no bound. */
static int
wait_ms(const struct loop *l, uint32_t most)
{
    uint64_t now = clock_mono_ms(&l->clock);
    uint64_t best = most == UINT32_MAX ? UINT64_MAX : most;
    for (size_t i = 0; i < l->timers_count; i++) {
        uint64_t due = l->timers[i].due_ms;
        uint64_t left = due > now ? due - now : 0;
        best = left < best ? left : best;
    }
    return best == UINT64_MAX ? -1 : best > 60000 ? 60000 : (int)best;
}

static void
run_timers(struct loop *l)
{
    uint64_t now = clock_mono_ms(&l->clock);
    for (size_t i = 0; i < l->timers_count; i++) {
        struct timer *t = &l->timers[i];
        if (t->due_ms > now)
            continue;
        t->due_ms += t->period_ms;
        if (t->due_ms <= now) /* we slept: do not catch up in a burst */
            t->due_ms = now + t->period_ms;
        t->fn(t->ctx);
    }
}

static void
run_events(struct loop *l)
{
    for (int i = 0; i < l->events_count; i++) {
        struct watch *w = l->events[i].data.ptr;
        if (!w || !w->active)
            continue;
        uint32_t got = l->events[i].events;
        unsigned events = (got & EPOLLIN ? LOOP_READ : 0) | (got & EPOLLOUT ? LOOP_WRITE : 0) |
                          (got & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0);
        w->fn(w->ctx, w->fd, events);
    }
    l->events_count = 0;
}

enum err
loop_run(struct loop *l)
{
    uint32_t want_ms = 0;
    l->running = true;
    while (l->running) {
        int n = epoll_wait(l->epoll_fd, l->events, EVENTS_PER_ROUND, wait_ms(l, want_ms));
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        l->events_count = n < 0 ? 0 : n;
        run_events(l);
        run_timers(l);
        want_ms = l->idle ? l->idle(l->idle_ctx) : UINT32_MAX;
    }
    return OK;
}

void
loop_stop(struct loop *l)
{
    l->running = false;
}
