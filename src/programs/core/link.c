#include "programs/core/link.h"

#include "programs/program.h"
#include "runtime/log.h"

void
link_init(struct link *l, const char *name, int fd, struct clock_source clock)
{
    *l = (struct link){.name = name, .up = fd >= 0, .clock = clock};
    channel_init(&l->channel, fd);
}

enum err
link_watch(struct link *l, struct loop *loop, loop_fn *fn, void *ctx)
{
    if (!l->up)
        return OK;
    l->loop = loop;
    l->watch.fd = l->channel.fd;
    l->watch.fn = fn;
    l->watch.ctx = ctx;
    return loop_watch(loop, &l->watch, LOOP_READ);
}

void
link_drop(struct link *l, enum err why)
{
    if (!l->up)
        return;
    log_event("link_dropped", "link=%s error=\"%s\"", l->name, err_text(why));
    if (why == ERR_MALFORMED)
        program_complain(l->name);
    l->up = false;
    mistrust_nonsense(&l->mistrust, clock_mono_ms(&l->clock));
    if (l->loop)
        loop_unwatch(l->loop, &l->watch);
}

bool
link_take_up(struct link *l)
{
    if (!mistrust_take_up(&l->mistrust, &l->channel, clock_mono_ms(&l->clock)))
        return false;
    ASSERT(!l->up);
    l->up = true;
    if (l->loop && loop_watch(l->loop, &l->watch, LOOP_READ) != OK) {
        link_drop(l, ERR_IO); /* after the next pause, perhaps */
        return false;
    }
    log_event("link_heard_again", "link=%s pause_ms=%u", l->name, l->mistrust.pause_ms);
    return true;
}

void
link_flush(struct link *l, bool read)
{
    if (!l->up)
        return;
    enum err e = channel_flush(&l->channel);
    if (e != OK && e != ERR_AGAIN) {
        link_drop(l, e);
        return;
    }
    if (l->loop)
        loop_change(l->loop, &l->watch,
                    (read ? LOOP_READ : 0u) | (e == ERR_AGAIN ? LOOP_WRITE : 0u));
}

bool
link_read(struct link *l, channel_frame_fn *each, void *ctx)
{
    bool any = false;
    for (int i = 0; l->up && i < LINK_PACKETS_PER_ROUND; i++) {
        enum err e = channel_receive(&l->channel, each, ctx);
        if (e == ERR_AGAIN)
            break;
        if (e != OK)
            link_drop(l, e);
        else
            any = true;
    }
    return any;
}
