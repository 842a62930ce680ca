/*
 * link.h -- a channel to another process of ours, with its watch.
 *
 * A link that breaks or talks nonsense is dropped: its pair outlives the process at the other end,
 * so an end of file means that the supervisor itself is gone or the peer is hostile. After a pause
 * (programs/mistrust.h) it is taken up again, empty, with whoever is at the other end then.
 */
#ifndef PROGRAMS_CORE_LINK_H
#define PROGRAMS_CORE_LINK_H

#include "base/base.h"
#include "base/clock.h"
#include "programs/mistrust.h"
#include "runtime/loop.h"
#include "wire/channel.h"

enum {
    LINK_PACKETS_PER_ROUND = 64,
    LINK_HIGH_BYTES = 2 * 1024 * 1024, /* above: no more reading from the one who asks */
};

struct link {
    struct channel channel;
    struct watch watch;
    struct loop *loop; /* NULL in tests that drive the core by hand */
    const char *name;  /* for the log */
    bool up;
    struct mistrust mistrust;
    struct clock_source clock;
};

void link_init(struct link *l, const char *name, int fd, struct clock_source clock);
/* From now on `fn` is called with `ctx` when something can be read or written. */
enum err link_watch(struct link *l, struct loop *loop, loop_fn *fn, void *ctx) MUST_USE;
/* Write what goes, and ask the loop for the rest. `read` says whether to go on reading. */
void link_flush(struct link *l, bool read);
/* Read what is there, at most LINK_PACKETS_PER_ROUND packets. True if anything was read. */
bool link_read(struct link *l, channel_frame_fn *each, void *ctx);
void link_drop(struct link *l, enum err why);
/* For a timer. True: it was dropped, its pause is over, and it is up again from now on. */
bool link_take_up(struct link *l);

#endif
