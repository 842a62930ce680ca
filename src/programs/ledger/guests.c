/* guests.c -- those who ask the ledger's socket for checkpoints, tiles and bundles. */
#include "programs/ledger/ledger.h"

#include "programs/messages.h"
#include "runtime/log.h"

#include <sys/socket.h>
#include <unistd.h>

enum { PART_BYTES_MAX = 60000 };

static void
close_guest(struct ledger_guest *g)
{
    struct ledger *l = g->ledger;
    loop_unwatch(l->loop, &g->watch);
    close(g->channel.fd);
    channel_fini(&g->channel);
    g->used = false;
    loop_change(l->loop, &l->listener, LOOP_READ); /* there is room again */
}

/* The status, and on 200 the bytes in l->answer. */
static uint16_t
find_answer(struct ledger *l, const struct tile_ask *m)
{
    struct ledger_log *log = NULL;
    struct tile t;
    buf_reset(&l->answer);
    for (size_t i = 0; i < l->logs_count; i++)
        if (bytes_are(m->log, l->logs[i].name))
            log = &l->logs[i];
    if (!log || !log->open)
        return 404;
    if (bytes_are(m->path, "checkpoint")) {
        buf_put(&l->answer, log_note(&log->log));
        return l->answer.len ? 200 : 404;
    }
    if (tile_parse_path(m->path, &t) != OK)
        return 400;
    return log_put_tile(&log->log, &t, &l->answer) == OK ? 200 : 404;
}

static enum err
send_parts(struct ledger_guest *g, uint16_t status, struct bytes all)
{
    enum err e = OK;
    size_t at = 0;
    do {
        size_t n = all.len - at < PART_BYTES_MAX ? all.len - at : PART_BYTES_MAX;
        struct tile_part m = {status, (uint32_t)all.len, (uint32_t)at, bytes_of(all.p + at, n)};
        e = CHANNEL_SEND(&g->channel, tile_part, &m);
        at += n;
    } while (e == OK && at < all.len);
    return e;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct ledger_guest *g = ctx;
    struct tile_ask m;
    if (id != tile_ask_id || tile_ask_decode(body, &m) != OK)
        return ERR_MALFORMED;
    uint16_t status = find_answer(g->ledger, &m);
    return send_parts(g, status, status == 200 ? buf_bytes(&g->ledger->answer) : bytes_of("", 0));
}

/* One question at a time: nothing is read while an answer waits. */
static void
on_guest(void *ctx, int fd, unsigned events)
{
    struct ledger_guest *g = ctx;
    (void)fd;
    enum err e = OK;
    g->last_ms = clock_mono_ms(&g->ledger->clock);
    if (channel_waiting(&g->channel) == 0 && (events & (LOOP_READ | LOOP_HANGUP)))
        e = channel_receive(&g->channel, on_frame, g);
    if (e == OK || e == ERR_AGAIN)
        e = channel_flush(&g->channel);
    if (e != OK && e != ERR_AGAIN) {
        close_guest(g);
        return;
    }
    loop_change(g->ledger->loop, &g->watch, channel_waiting(&g->channel) ? LOOP_WRITE : LOOP_READ);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
    struct ledger *l = ctx;
    (void)events;
    struct ledger_guest *g = NULL;
    for (size_t i = 0; !g && i < LEDGER_GUESTS_MAX; i++)
        if (!l->guests[i].used)
            g = &l->guests[i];
    if (!g) {
        loop_change(l->loop, &l->listener, 0);
        return;
    }
    int guest_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (guest_fd < 0)
        return;
    *g = (struct ledger_guest){.ledger = l, .used = true, .last_ms = clock_mono_ms(&l->clock)};
    channel_init(&g->channel, guest_fd);
    g->watch = (struct watch){.fd = guest_fd, .fn = on_guest, .ctx = g};
    if (loop_watch(l->loop, &g->watch, LOOP_READ) != OK)
        close_guest(g);
}

static void
on_idle_guests(void *ctx)
{
    struct ledger *l = ctx;
    uint64_t now = clock_mono_ms(&l->clock);
    for (size_t i = 0; i < LEDGER_GUESTS_MAX; i++)
        if (l->guests[i].used && now - l->guests[i].last_ms > LEDGER_GUEST_IDLE_MS)
            close_guest(&l->guests[i]);
}

enum err
ledger_guests_serve(struct ledger *l, int listen_fd)
{
    l->listener = (struct watch){.fd = listen_fd, .fn = on_listener, .ctx = l};
    loop_every(l->loop, 1000, on_idle_guests, l);
    return loop_watch(l->loop, &l->listener, LOOP_READ);
}
