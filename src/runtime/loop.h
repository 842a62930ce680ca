/*
 * loop.h -- the event loop: epoll, level-triggered, and a few timers. No threads.
 *
 * One round: wait, call back for every ready descriptor, call the due timers, then call the
 * idle function (where programs commit and flush what the round gathered).
 */
#ifndef RUNTIME_LOOP_H
#define RUNTIME_LOOP_H

#include "base/base.h"

enum { LOOP_TIMERS_MAX = 16 };

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct loop;
typedef void loop_fn(void *ctx, int fd, unsigned events);
typedef void loop_timer_fn(void *ctx);

/* What is watched: owned by the caller, at a fixed address while it is watched. */
struct watch {
    int fd;
    unsigned events;
    loop_fn *fn;
    void *ctx;
    bool active;
};

/* Takes all memory it will ever use. ERR_IO when the kernel gives no epoll. */
enum err loop_new(struct loop **out) MUST_USE;
void loop_free(struct loop *l);
/* The epoll descriptor, for the list of what a process may hold. */
int loop_fd(const struct loop *l);

/* Set w->fd, fn, ctx first. */
enum err loop_watch(struct loop *l, struct watch *w, unsigned events) MUST_USE;
/* Change what is waited for; 0 keeps only hang-ups and errors. */
void loop_change(struct loop *l, struct watch *w, unsigned events);
/* Safe inside a callback, for any watch: no further event of this round reaches it. */
void loop_unwatch(struct loop *l, struct watch *w);

/* Every period_ms, first in period_ms. ASSERTs that there is room. */
void loop_every(struct loop *l, uint32_t period_ms, loop_timer_fn *fn, void *ctx);

/*
 * At the end of each round. `want_ms` that it returns bounds the next wait: 0 means "I have more
 * to do now", UINT32_MAX "wake me for events only".
 */
typedef uint32_t loop_idle_fn(void *ctx);
void loop_idle(struct loop *l, loop_idle_fn *fn, void *ctx);

/* Until loop_stop(). ERR_IO when epoll fails. */
enum err loop_run(struct loop *l) MUST_USE;
void loop_stop(struct loop *l);

#endif
