#include "programs/ledger/ledger.h"

#include "programs/messages.h"
#include "base/text.h"
#include "runtime/log.h"

#include <sodium.h>

/* ---- logs ------------------------------------------------------------------------------ */

/* One line when it begins and one when it ends, however often it is tried. */
static void
set_trouble(struct ledger_log *log, const char *step, enum err e)
{
    if (e == log->trouble)
        return;
    if (e == OK)
        log_event("log_works_again", "log=%s", log->name);
    else
        log_event("log_unusable", "log=%s step=%s error=\"%s\"", log->name, step, err_text(e));
    log->trouble = e;
}

/* The first log that cannot be used, for the status. */
static void
tell_condition(const struct ledger *l)
{
    char what[161] = "";
    for (size_t i = 0; what[0] == '\0' && i < l->logs_count; i++)
        if (l->logs[i].trouble != OK)
            snprintf(what, sizeof(what), "log %s takes no entries: %s", l->logs[i].name,
                     err_text(l->logs[i].trouble));
    program_condition(what);
}

/* Opens, or tries again, a log that is not usable. Its files are open already. */
static void
log_revive(struct ledger *l, struct ledger_log *log)
{
    uint64_t now = clock_mono_ms(&l->clock);
    if (now < log->retry_ms)
        return;
    if (log->open)
        log_close(&log->log);
    enum err e = log_open(&log->log, &log->config);
    log->open = e == OK;
    log->retry_ms = now + LEDGER_REOPEN_MS;
    log->checked = 0;
    if (e != OK)
        set_trouble(log, "open", e); /* over only when an entry was durable */
}

/* Some entries, round and round: an edit under the tree is found, however old the entry. */
static void
log_check_some(struct ledger_log *log)
{
    uint64_t size = log_size(&log->log);
    if (log->checked >= size)
        log->checked = 0;
    enum err e = log_check(&log->log, log->checked, log->checked + LEDGER_CHECK_PER_S);
    log->checked += LEDGER_CHECK_PER_S;
    if (e != ERR_CRYPTO)
        return; /* what cannot be read now is looked at again in the next round */
    set_trouble(log, "check", e);
    log_close(&log->log);
    log->open = false;
    log->retry_ms = UINT64_MAX; /* fail closed: not before a person looked, and started it anew */
}

static void
answer_failed(struct ledger_channel *to, uint64_t ref, const char *why)
{
    struct record_failed m = {ref, bytes_text(why)};
    if (CHANNEL_SEND(&to->channel, record_failed, &m) != OK)
        log_event("answer_dropped", "log=%s", to->log->name);
}

/* One commit for all that the round gathered; then, and only then, the answers. */
static void
log_finish(struct ledger_log *log)
{
    if (log->waiting_count == 0)
        return;
    enum err e = log->open ? log_commit(&log->log) : ERR_IO;
    set_trouble(log, "commit", log->open ? e : log->trouble);
    for (size_t i = 0; i < log->waiting_count; i++) {
        const struct ledger_waiting *w = &log->waiting[i];
        struct recorded m = {w->ref, w->index};
        if (e != OK)
            answer_failed(w->from, w->ref, "the log could not be written");
        else if (CHANNEL_SEND(&w->from->channel, recorded, &m) != OK)
            log_event("answer_dropped", "log=%s", log->name);
    }
    log->waiting_count = 0;
}

static void
log_sign_if_due(struct ledger *l, struct ledger_log *log)
{
    uint64_t before = clock_mono_ms(&l->clock);
    if (!log->open || before < log->sign_ms)
        return;
    enum err e = log_sign(&log->log, log->secret, l->extension);
    if (e != OK)
        set_trouble(log, "sign", e);
    uint64_t took = clock_mono_ms(&l->clock) - before;
    /* A slow disk shall carry records first: signing gets a tenth of the time. */
    log->sign_ms = before + (10 * took > LEDGER_SIGN_MS ? 10 * took : LEDGER_SIGN_MS);
}

/* ---- records --------------------------------------------------------------------------- */

static enum err
on_record(struct ledger_channel *c, struct bytes body)
{
    struct record m;
    struct ledger_log *log = c->log;
    uint64_t index = 0;
    enum err e = record_decode(body, &m);
    if (e != OK)
        return e;
    c->records_left -= c->records_left > 0;
    c->bytes_left -= m.entry.len < c->bytes_left ? (uint32_t)m.entry.len : c->bytes_left;
    e = log->open ? log_append(&log->log, m.entry, &index) : ERR_IO;
    if (e == ERR_LIMIT) {
        log_finish(log);
        e = log_append(&log->log, m.entry, &index);
    }
    if (e != OK) {
        log_finish(log); /* answers come in the order of the records */
        answer_failed(c, m.ref,
                      e == ERR_MALFORMED ? "an entry has 1 to 16384 bytes"
                                         : "the log is not usable");
        return OK;
    }
    ASSERT(log->waiting_count < LOG_BATCH_ENTRIES_MAX);
    log->waiting[log->waiting_count++] = (struct ledger_waiting){c, m.ref, index};
    c->ledger->recorded_bytes += m.entry.len;
    return OK;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    return id == record_id ? on_record(ctx, body) : ERR_MALFORMED;
}

static void
watch_channel(struct ledger_channel *c)
{
    if (!c->watch.active)
        return;
    unsigned events = c->paused ? 0 : LOOP_READ;
    if (channel_waiting(&c->channel))
        events |= LOOP_WRITE;
    loop_change(c->ledger->loop, &c->watch, events);
}

static void
drop_channel(struct ledger_channel *c, enum err e)
{
    log_event("channel_dropped", "log=%s error=\"%s\"", c->log->name, err_text(e));
    if (e == ERR_MALFORMED)
        program_complain(c->log->name);
    mistrust_nonsense(&c->mistrust, clock_mono_ms(&c->ledger->clock));
    loop_unwatch(c->ledger->loop, &c->watch);
}

/* A successor of the one that talked nonsense may be there by now. */
static void
take_up_channel(struct ledger_channel *c)
{
    if (!mistrust_take_up(&c->mistrust, &c->channel, clock_mono_ms(&c->ledger->clock)))
        return;
    enum err e = loop_watch(c->ledger->loop, &c->watch, LOOP_READ);
    if (e != OK)
        drop_channel(c, e);
    else
        log_event("channel_heard_again", "log=%s pause_ms=%u", c->log->name, c->mistrust.pause_ms);
}

static void
on_channel(void *ctx, int fd, unsigned events)
{
    struct ledger_channel *c = ctx;
    (void)fd;
    enum err e = OK;
    if (events & (LOOP_READ | LOOP_HANGUP)) {
        for (int i = 0; e == OK && i < LEDGER_PACKETS_PER_ROUND; i++) {
            if (c->records_left == 0 || c->bytes_left == 0) {
                c->paused = true; /* the others' records first; see on_budget() */
                break;
            }
            e = channel_receive(&c->channel, on_frame, c);
        }
    }
    if (e != OK && e != ERR_AGAIN)
        drop_channel(c, e);
}

static void
give_budget(struct ledger_channel *c)
{
    c->records_left = LEDGER_RECORDS_PER_S * LEDGER_BUDGET_MS / 1000;
    c->bytes_left = LEDGER_BYTES_PER_S / 1000 * LEDGER_BUDGET_MS;
    c->paused = false;
}

/* ---- the loop -------------------------------------------------------------------------- */

static void
on_budget(void *ctx)
{
    struct ledger *l = ctx;
    for (size_t i = 0; i < l->channels_count; i++) {
        give_budget(&l->channels[i]);
        take_up_channel(&l->channels[i]);
        watch_channel(&l->channels[i]);
    }
}

static void
on_second(void *ctx)
{
    struct ledger *l = ctx;
    for (size_t i = 0; i < l->logs_count; i++)
        if (!l->logs[i].open || l->logs[i].log.failed != OK)
            log_revive(l, &l->logs[i]);
        else
            log_check_some(&l->logs[i]);
    tell_condition(l);
}

static void
on_sign(void *ctx)
{
    struct ledger *l = ctx;
    for (size_t i = 0; i < l->logs_count; i++) {
        log_finish(&l->logs[i]);
        log_sign_if_due(l, &l->logs[i]);
    }
}

static void
flush_channels(struct ledger *l)
{
    for (size_t i = 0; i < l->channels_count; i++) {
        struct ledger_channel *c = &l->channels[i];
        enum err e = channel_flush(&c->channel);
        if (e != OK && e != ERR_AGAIN && c->watch.active)
            drop_channel(c, e);
        watch_channel(c);
    }
}

static uint32_t
on_idle(void *ctx)
{
    struct ledger *l = ctx;
    for (size_t i = 0; i < l->logs_count; i++)
        log_finish(&l->logs[i]);
    flush_channels(l);
    return UINT32_MAX;
}

/* ---- life ------------------------------------------------------------------------------ */

/* One log of the files called `name`; its key is that of "<origin>/<name>". */
static enum err
add_log(struct ledger *l, const struct start *start, const char *name)
{
    struct ledger_log *log = &l->logs[l->logs_count];
    if (l->logs_count == LEDGER_LOGS_MAX)
        return ERR_LIMIT;
    int n = snprintf(log->origin, sizeof(log->origin), "%s/%s", start->origin, name);
    enum err e = bytes_copy_text(bytes_text(name), log->name, sizeof(log->name));
    const struct start_key *key = start_key(start, KEY_LEDGER_SECRET, log->origin);
    if (e != OK || n < 0 || (size_t)n >= sizeof(log->origin) || !key || key->len != 64)
        return ERR_NOT_FOUND;
    log->config = (struct log_config){
        .disk = disk_system(),
        .entries_fd = start_fd(start, FD_LOG_ENTRIES, name),
        .offsets_fd = start_fd(start, FD_LOG_OFFSETS, name),
        .hashes_fd = start_fd(start, FD_LOG_HASHES, name),
        .checkpoint_fd = start_fd(start, FD_LOG_CHECKPOINT, name),
        .origin = log->origin,
    };
    if (log->config.entries_fd < 0 || log->config.offsets_fd < 0 || log->config.hashes_fd < 0 ||
        log->config.checkpoint_fd < 0)
        return ERR_NOT_FOUND;
    log->secret = sodium_malloc(64);
    if (!log->secret)
        return ERR_LIMIT;
    memcpy(log->secret, key->key, 64);
    sodium_mprotect_readonly(log->secret);
    crypto_sign_ed25519_sk_to_pk(log->config.public_key, log->secret);
    l->logs_count++;
    log_revive(l, log);
    return OK;
}

static enum err
add_channel(struct ledger *l, const struct start_fd *fd)
{
    struct ledger_channel *c = &l->channels[l->channels_count];
    if (l->channels_count == LEDGER_CHANNELS_MAX)
        return ERR_LIMIT;
    c->ledger = l;
    for (size_t i = 0; i < l->logs_count; i++)
        if (strcmp(l->logs[i].name, fd->name) == 0)
            c->log = &l->logs[i];
    if (!c->log)
        return ERR_NOT_FOUND;
    channel_init(&c->channel, fd->fd);
    give_budget(c);
    l->channels_count++;
    return OK;
}

enum err
ledger_open(struct ledger *l, struct start *start)
{
    struct buf extension;
    l->clock = clock_system();
    l->logs = calloc(LEDGER_LOGS_MAX, sizeof(l->logs[0]));
    if (!l->logs)
        return ERR_LIMIT;
    buf_init(&l->answer, LOG_BUNDLE_BYTES_MAX);
    buf_init(&extension, CHECKPOINT_EXTENSION_MAX);
    buf_text(&extension, "charter ");
    text_put_hex(&extension, bytes_of(start->charter_digest, sizeof(start->charter_digest)));
    buf_byte(&extension, '\n');
    enum err e = bytes_copy_text(buf_bytes(&extension), l->extension, sizeof(l->extension));
    buf_fini(&extension);
    for (size_t i = 0; e == OK && i < start->fds_count; i++)
        if (start->fds[i].role == FD_LOG_ENTRIES)
            e = add_log(l, start, start->fds[i].name);
    for (size_t i = 0; e == OK && i < start->fds_count; i++)
        if (start->fds[i].role == FD_LEDGER)
            e = add_channel(l, &start->fds[i]);
    l->listener.fd = start_fd(start, FD_LISTEN_LEDGER, NULL);
    return e;
}

enum err
ledger_serve(struct ledger *l, struct loop *loop)
{
    enum err e = OK;
    l->loop = loop;
    for (size_t i = 0; e == OK && i < l->channels_count; i++) {
        struct ledger_channel *c = &l->channels[i];
        c->watch = (struct watch){.fd = c->channel.fd, .fn = on_channel, .ctx = c};
        e = loop_watch(loop, &c->watch, LOOP_READ);
    }
    loop_every(loop, LEDGER_SIGN_MS, on_sign, l);
    loop_every(loop, LEDGER_BUDGET_MS, on_budget, l);
    loop_every(loop, 1000, on_second, l);
    loop_idle(loop, on_idle, l);
    if (e == OK && l->listener.fd >= 0)
        e = ledger_guests_serve(l, l->listener.fd);
    return e;
}

void
ledger_stop(struct ledger *l)
{
    for (size_t i = 0; i < l->logs_count; i++) {
        log_finish(&l->logs[i]);
        l->logs[i].sign_ms = 0;
        log_sign_if_due(l, &l->logs[i]);
    }
    flush_channels(l);
}

void
ledger_counters(const struct ledger *l, uint64_t out[static PROGRAM_COUNTERS])
{
    for (size_t i = 0; i < l->logs_count; i++) {
        out[0] += l->logs[i].open ? log_size(&l->logs[i].log) : 0;
        out[1] += l->logs[i].open;
    }
    out[2] = l->recorded_bytes;
}
