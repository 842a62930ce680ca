/* conduits.c -- counts that leave for another zone, and those that came from one. */
#include "programs/core/core.h"

#include "runtime/log.h"

void
conduits_open(struct core *c)
{
    for (size_t i = 0; i < c->start->conduits_count && c->conduits_count < CONDUITS_MAX; i++) {
        const struct start_conduit *row = &c->start->conduits[i];
        int fd = start_fd(c->start, FD_CONDUIT, row->name);
        if (fd < 0)
            continue;
        struct conduit_link *l = &c->conduits[c->conduits_count++];
        l->row = row;
        l->core = c;
        l->incoming = strcmp(row->to, c->start->zone) == 0;
        link_init(&l->link, row->name, fd, c->clock);
    }
}

static enum err
conduit_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct conduit_link *l = ctx;
    struct zone_count m;
    /* A conduit has one direction; what comes against it is a broken or hostile peer. */
    if (!l->incoming || id != zone_count_id || zone_count_decode(body, &m) != OK)
        return ERR_MALFORMED;
    if (core_clock_doubt(l->core))
        return OK; /* the next one says more */
    if (l->core->service->counted)
        l->core->service->counted(l->core->self, l->row->name, &m);
    return OK;
}

static void
on_conduit(void *ctx, int fd, unsigned events)
{
    struct conduit_link *l = ctx;
    (void)fd, (void)events;
    link_read(&l->link, conduit_frame, l);
}

enum err
conduits_watch(struct core *c)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < c->conduits_count; i++)
        e = link_watch(&c->conduits[i].link, c->loop, on_conduit, &c->conduits[i]);
    return e;
}

void
conduits_read(struct core *c)
{
    for (uint32_t i = 0; i < c->conduits_count; i++)
        on_conduit(&c->conduits[i], -1, 0);
}

void
conduits_take_up(struct core *c)
{
    for (uint32_t i = 0; i < c->conduits_count; i++)
        link_take_up(&c->conduits[i].link);
}

void
conduits_flush(struct core *c)
{
    for (uint32_t i = 0; i < c->conduits_count; i++)
        link_flush(&c->conduits[i].link, true);
}

enum err
conduits_count(void *ctx, const struct zone_count *count)
{
    struct core *c = ctx;
    if (core_clock_doubt(c))
        return ERR_AGAIN;
    enum err e = ERR_NOT_FOUND;
    for (uint32_t i = 0; i < c->conduits_count; i++) {
        struct conduit_link *l = &c->conduits[i];
        if (l->incoming || !start_list_has(l->row->carries, bytes_text("zone-count")))
            continue;
        if (!l->link.up || channel_waiting(&l->link.channel) > LINK_HIGH_BYTES)
            continue; /* nobody reads: the count is dropped, the next one says more */
        enum err sent = CHANNEL_SEND(&l->link.channel, zone_count, count);
        e = sent == OK || e == OK ? OK : sent;
    }
    return e;
}
