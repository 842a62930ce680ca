#include "programs/ledger_client.h"

#include "programs/messages.h"
#include "programs/program.h"
#include "runtime/log.h"

enum { CHECK_EVERY_MS = 500 };

void
ledger_client_init(struct ledger_client *l, int fd, struct clock_source clock,
                   struct random_source random)
{
    *l = (struct ledger_client){.clock = clock};
    channel_init(&l->channel, fd);
    l->next_ref = random_u64(&random) >> 1 | 1; /* unlike any predecessor's, never 0 */
}

/* The row is free before `done` runs, so that `done` may record again. */
static void
settle(struct ledger_client *l, uint64_t ref, enum err result)
{
    for (size_t i = 0; i < LEDGER_PENDING_MAX; i++) {
        if (l->pending[i].ref != ref)
            continue;
        struct ledger_pending row = l->pending[i];
        l->pending[i].ref = 0;
        l->pending_count--;
        row.done(row.ctx, row.tag, result);
        return;
    }
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct ledger_client *l = ctx;
    struct recorded done;
    struct record_failed failed;
    if (id == recorded_id && recorded_decode(body, &done) == OK && done.ref)
        settle(l, done.ref, OK);
    else if (id == record_failed_id && record_failed_decode(body, &failed) == OK && failed.ref)
        settle(l, failed.ref, ERR_IO);
    else
        return ERR_MALFORMED;
    return OK;
}

static void
drop(struct ledger_client *l, enum err why)
{
    log_event("ledger_dropped", "error=\"%s\"", err_text(why));
    mistrust_nonsense(&l->mistrust, clock_mono_ms(&l->clock));
    if (l->watch.active)
        loop_unwatch(l->loop, &l->watch);
}

/* The pause is over; what was recorded before it is not answered and fails in its time. */
static void
take_up(struct ledger_client *l)
{
    if (!mistrust_take_up(&l->mistrust, &l->channel, clock_mono_ms(&l->clock)))
        return;
    enum err e = loop_watch(l->loop, &l->watch, LOOP_READ);
    if (e != OK)
        drop(l, e);
    else
        log_event("ledger_heard_again", "pause_ms=%u", l->mistrust.pause_ms);
}

static void
on_ledger(void *ctx, int fd, unsigned events)
{
    struct ledger_client *l = ctx;
    (void)fd;
    enum err e = OK;
    while (e == OK && (events & LOOP_READ))
        e = channel_receive(&l->channel, on_frame, l);
    if (e != OK && e != ERR_AGAIN) {
        if (e == ERR_MALFORMED)
            program_complain("ledger");
        drop(l, e);
        return;
    }
    if (events & LOOP_WRITE)
        ledger_client_flush(l);
}

static void
on_check(void *ctx)
{
    struct ledger_client *l = ctx;
    uint64_t now = clock_mono_ms(&l->clock);
    take_up(l);
    for (size_t i = 0; l->pending_count && i < LEDGER_PENDING_MAX; i++)
        if (l->pending[i].ref && now - l->pending[i].since_ms > LEDGER_PATIENCE_MS)
            settle(l, l->pending[i].ref, ERR_IO);
}

enum err
ledger_client_serve(struct ledger_client *l, struct loop *loop)
{
    l->loop = loop;
    l->watch = (struct watch){.fd = l->channel.fd, .fn = on_ledger, .ctx = l};
    loop_every(loop, CHECK_EVERY_MS, on_check, l);
    return loop_watch(loop, &l->watch, LOOP_READ);
}

enum err
ledger_client_record(struct ledger_client *l, struct bytes entry, ledger_done_fn *done, void *ctx,
                     uint64_t tag)
{
    size_t i = 0;
    if (l->mistrust.deaf)
        return ERR_CLOSED;
    while (i < LEDGER_PENDING_MAX && l->pending[i].ref)
        i++;
    if (i == LEDGER_PENDING_MAX)
        return ERR_LIMIT;
    struct record m = {l->next_ref, entry};
    enum err e = CHANNEL_SEND(&l->channel, record, &m);
    if (e != OK)
        return e;
    l->pending[i] = (struct ledger_pending){l->next_ref, tag, clock_mono_ms(&l->clock), done, ctx};
    l->pending_count++;
    l->next_ref++;
    return OK;
}

void
ledger_client_flush(struct ledger_client *l)
{
    if (l->mistrust.deaf)
        return;
    enum err e = channel_flush(&l->channel);
    if (l->watch.active)
        loop_change(l->loop, &l->watch, LOOP_READ | (e == ERR_AGAIN ? LOOP_WRITE : 0));
    if (e != OK && e != ERR_AGAIN)
        drop(l, e);
}
