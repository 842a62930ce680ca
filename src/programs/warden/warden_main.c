/*
 * bulkhead-warden-SERVICE -- stands between a core and its devices' commands.
 *
 * wish -> verdict -> ledger (durable) -> lease or refusal. It alone holds the key that signs
 * leases.
 */
#include "base/buf.h"
#include "base/text.h"
#include "programs/clock_guard.h"
#include "programs/ledger_client.h"
#include "programs/limits.h"
#include "programs/mistrust.h"
#include "programs/program.h"
#include "programs/warden/sequence.h"
#include "programs/warden/verdict.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

#include <sodium.h>

enum { WISHES_PENDING_MAX = 256, WISHES_PER_S = 500, LOOK_MS = 500 };

/* A decided wish that waits for its ledger entry. */
struct waiting {
    bool used;
    bool granted;
    uint64_t ref;
    struct lease lease;
    char device[START_NAME_SIZE], command[START_NAME_SIZE];
    struct envelope_verdict verdict;
};

struct warden {
    struct start *start;
    struct clock_source clock;
    struct random_source random;
    struct loop *loop;
    struct channel core;
    struct watch core_watch;
    struct mistrust mistrust; /* of the core */
    struct ledger_client ledger;
    struct clock_guard guard;
    enum err number_error; /* of the last reservation */
    struct verdict_state verdict;
    struct sequence sequence;
    char signer[129];
    uint8_t *secret; /* 64 bytes, guarded */
    struct waiting waiting[WISHES_PENDING_MAX];
    uint64_t second; /* of the wish budget */
    uint32_t wishes; /* in that second */
    bool raised;     /* the number went above what a device said, at: */
    uint64_t raise_ms;
    uint64_t unheard; /* wishes above the budget, not yet told to the ledger */
    uint64_t granted, refused;
};

static const struct sandbox_rule rules[] = {
#include "programs/warden/warden.seccomp.def"
};
static const struct sandbox_profile profile = {"warden", rules, ARRAY_COUNT(rules)};

static enum err
warden_open(void *self, struct start *start)
{
    struct warden *w = self;
    char why[ENVELOPE_WHY_SIZE] = "";
    struct disk disk = disk_system();
    const struct start_key *key = start_key(start, KEY_WARDEN_SECRET, NULL);
    const struct start_key *judge = start_key(start, KEY_JUDGE_PUBLIC, NULL);
    int core_fd = start_fd(start, FD_CORE, NULL), ledger_fd = start_fd(start, FD_LEDGER, NULL);
    int state_fd = start_fd(start, FD_WARDEN_STATE, NULL);
    if (!key || key->len != 64 || !judge || judge->len != 32 || core_fd < 0 || ledger_fd < 0 ||
        state_fd < 0)
        return ERR_NOT_FOUND;
    w->start = start;
    w->clock = clock_system();
    w->random = random_system();
    w->secret = sodium_malloc(64);
    if (!w->secret)
        return ERR_LIMIT;
    memcpy(w->secret, key->key, 64);
    sodium_mprotect_readonly(w->secret);
    memcpy(w->signer, key->name, sizeof(w->signer));
    enum err e = sequence_open(&w->sequence, &disk, state_fd);
    if (e == OK)
        e = verdict_init(&w->verdict, start, &envelope_this, judge->key, w->sequence.first_start,
                         clock_mono_ms(&w->clock), why);
    if (e != OK) {
        char what[128];
        snprintf(what, sizeof(what), "it cannot start: %s", err_text(e));
        program_condition(what);
        log_event("open_failed", "error=\"%s\" why=\"%s\"", err_text(e), why);
    }
    channel_init(&w->core, core_fd);
    ledger_client_init(&w->ledger, ledger_fd, w->clock, w->random);
    clock_guard_init(&w->guard, w->clock, "warden", start->zone);
    return e;
}

static void
send_refusal(struct warden *w, const struct waiting *row)
{
    struct lease_refused m = {row->ref, bytes_text(row->device), bytes_text(row->command),
                              bytes_text(row->verdict.rule), bytes_text(row->verdict.reason)};
    w->refused++;
    if (CHANNEL_SEND(&w->core, lease_refused, &m) != OK)
        log_event("core_is_full", "dropped=refusal");
}

static void
send_lease(struct warden *w, struct waiting *row)
{
    struct buf note;
    buf_init(&note, LEASE_BYTES_MAX);
    enum err e = lease_sign(&row->lease, w->signer, w->secret, &note);
    struct lease_granted m = {row->ref, bytes_text(row->device), bytes_text(row->command),
                              buf_bytes(&note)};
    if (e != OK || CHANNEL_SEND(&w->core, lease_granted, &m) != OK)
        log_event("lease_lost", "error=\"%s\"", err_text(e));
    else
        w->granted++;
    buf_fini(&note);
}

/* The entry is durable, or will never be: then even a granted wish is refused. */
static void
on_recorded(void *ctx, uint64_t tag, enum err result)
{
    struct warden *w = ctx;
    struct waiting *row = &w->waiting[tag];
    ASSERT(tag < WISHES_PENDING_MAX && row->used);
    if (result != OK && row->granted) {
        row->granted = false;
        snprintf(row->verdict.rule, sizeof(row->verdict.rule), "no entry, no lease");
        snprintf(row->verdict.reason, sizeof(row->verdict.reason), "the ledger does not answer");
    }
    if (row->granted)
        send_lease(w, row);
    else
        send_refusal(w, row);
    row->used = false;
}

static void
put_entry(struct buf *b, const struct warden *w, const struct wish *wish, const struct waiting *row)
{
    buf_format(b,
               "{\"event\":\"%s\",\"zone\":\"%s\",\"device\":", row->granted ? "lease" : "refusal",
               w->start->zone);
    text_put_json(b, wish->device);
    buf_text(b, ",\"command\":");
    text_put_json(b, wish->command);
    buf_text(b, ",\"parameters\":");
    text_put_json(b, wish->parameters);
    buf_text(b, ",\"asked_by\":");
    text_put_json(b, wish->asked_by);
    if (row->granted) {
        buf_format(b, ",\"sequence\":%llu,\"expiry\":\"", (unsigned long long)row->lease.sequence);
        text_put_time(b, row->lease.expiry_us);
        buf_byte(b, '"');
    } else {
        buf_text(b, ",\"rule\":");
        text_put_json(b, bytes_text(row->verdict.rule));
        buf_text(b, ",\"reason\":");
        text_put_json(b, bytes_text(row->verdict.reason));
    }
    buf_text(b, ",\"time\":\"");
    text_put_time(b, clock_wall_us(&w->clock));
    buf_text(b, "\"}");
}

static enum err
decide(struct warden *w, const struct wish *wish, struct waiting *row)
{
    uint64_t now_ms = clock_mono_ms(&w->clock);
    memset(row, 0, sizeof(*row));
    row->ref = wish->ref;
    enum err e = bytes_copy_text(wish->device, row->device, sizeof(row->device));
    if (e == OK)
        e = bytes_copy_text(wish->command, row->command, sizeof(row->command));
    if (e != OK)
        return e;
    clock_guard_look(&w->guard, &w->ledger); /* not how it was at the last tick */
    if (clock_guard_doubt(&w->guard)) {      /* a lease's times would be wrong */
        snprintf(row->verdict.rule, sizeof(row->verdict.rule), "leases have times");
        snprintf(row->verdict.reason, sizeof(row->verdict.reason),
                 "the clock was set or stood still: no lease until it has run steadily");
        return OK;
    }
    row->granted = verdict_decide(&w->verdict, wish, now_ms, clock_wall_us(&w->clock), &row->lease,
                                  &row->verdict) == OK;
    enum err kept = row->granted ? sequence_take(&w->sequence, &row->lease.sequence) : OK;
    if (row->granted)
        w->number_error = kept;
    if (kept != OK) {
        row->granted = false;
        snprintf(row->verdict.rule, sizeof(row->verdict.rule), "leases are numbered");
        snprintf(row->verdict.reason, sizeof(row->verdict.reason), "no number could be kept");
    }
    return OK;
}

/* A core that wishes without end is breached: it is answered, but the ledger hears only the count.
 */
static bool
above_budget(struct warden *w)
{
    uint64_t second = clock_mono_ms(&w->clock) / 1000;
    if (second != w->second) {
        w->second = second;
        w->wishes = 0;
    }
    return ++w->wishes > WISHES_PER_S;
}

static enum err
on_wish(struct warden *w, struct bytes body)
{
    struct wish wish;
    struct waiting *row = NULL;
    enum err e = wish_decode(body, &wish);
    if (e != OK)
        return e;
    for (size_t i = 0; !row && i < WISHES_PENDING_MAX; i++)
        if (!w->waiting[i].used)
            row = &w->waiting[i];
    if (above_budget(w) || !row) {
        struct lease_refused m = {wish.ref, wish.device, wish.command,
                                  bytes_text("wishes have a budget"),
                                  bytes_text("too many wishes at once")};
        w->unheard++;
        w->refused++;
        e = CHANNEL_SEND(&w->core, lease_refused, &m);
        return e == ERR_LIMIT ? OK : e; /* it does not read its answers: its loss */
    }
    e = decide(w, &wish, row);
    if (e != OK)
        return e;
    struct buf entry;
    buf_init(&entry, 8192);
    put_entry(&entry, w, &wish, row);
    row->used = true;
    e = buf_error(&entry);
    if (e == OK)
        e = ledger_client_record(&w->ledger, buf_bytes(&entry), on_recorded, w,
                                 (uint64_t)(row - w->waiting));
    buf_fini(&entry);
    if (e != OK)
        on_recorded(w, (uint64_t)(row - w->waiting), ERR_IO);
    return OK;
}

static void
nobody_waits(void *ctx, uint64_t tag, enum err result)
{
    (void)ctx, (void)tag, (void)result;
}

/* Decided, logged, done: the entry is durable. */
static void
on_behind_recorded(void *ctx, uint64_t tag, enum err result)
{
    struct warden *w = ctx;
    enum err e = result == OK ? sequence_raise(&w->sequence, tag) : result;
    log_event("sequence_behind", "seen=%llu next=%llu%s%s", (unsigned long long)tag,
              (unsigned long long)w->sequence.next,
              e == OK ? "" : " error=", e == OK ? "" : err_text(e));
}

/* A device took a number that we have not given yet: our file is older than that. */
static enum err
on_seen(struct warden *w, struct bytes body)
{
    struct sequence_seen m;
    enum err e = sequence_seen_decode(body, &m);
    uint64_t now_ms = clock_mono_ms(&w->clock);
    if (e == OK && !text_is_name(m.device))
        e = ERR_MALFORMED;
    if (e != OK || m.sequence < w->sequence.next)
        return e; /* a replay that somebody tried */
    if (w->raised && now_ms - w->raise_ms < SEQUENCE_JUMP_MS)
        return OK; /* it says so again */
    w->raised = true;
    w->raise_ms = now_ms;
    bool taken = m.sequence - w->sequence.next < SEQUENCE_JUMP_MAX;
    char entry[512];
    int n = snprintf(entry, sizeof(entry),
                     "{\"event\":\"sequence-behind\",\"zone\":\"%s\",\"device\":\"%.*s\","
                     "\"seen\":%llu,\"next\":%llu,\"taken\":%s}",
                     w->start->zone, BYTES_PRINTF(m.device), (unsigned long long)m.sequence,
                     (unsigned long long)w->sequence.next, taken ? "true" : "false");
    ASSERT(n > 0 && (size_t)n < sizeof(entry));
    e = ledger_client_record(&w->ledger, bytes_of(entry, (size_t)n),
                             taken ? on_behind_recorded : nobody_waits, w, m.sequence);
    if (e != OK)
        log_event("sequence_behind", "error=\"%s\"", err_text(e)); /* not now: it says so again */
    return OK;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    if (id == sequence_seen_id)
        return on_seen(ctx, body);
    return id == wish_id ? on_wish(ctx, body) : ERR_MALFORMED;
}

static void
drop_core(struct warden *w, enum err why)
{
    log_event("core_malformed", "error=\"%s\"", err_text(why)); /* it is not heard for a while */
    if (why == ERR_MALFORMED)
        program_complain("core");
    mistrust_nonsense(&w->mistrust, clock_mono_ms(&w->clock));
    loop_unwatch(w->loop, &w->core_watch);
}

static void
take_up_core(struct warden *w)
{
    if (!mistrust_take_up(&w->mistrust, &w->core, clock_mono_ms(&w->clock)))
        return;
    enum err e = loop_watch(w->loop, &w->core_watch, LOOP_READ);
    if (e != OK)
        drop_core(w, e);
    else
        log_event("core_heard_again", "pause_ms=%u", w->mistrust.pause_ms);
}

static void
on_core(void *ctx, int fd, unsigned events)
{
    struct warden *w = ctx;
    (void)fd, (void)events;
    enum err e = channel_receive(&w->core, on_frame, w);
    if (e != OK && e != ERR_AGAIN)
        drop_core(w, e);
}

static void
tell_unheard(void *ctx)
{
    struct warden *w = ctx;
    char entry[256];
    if (w->unheard == 0)
        return;
    int n = snprintf(entry, sizeof(entry),
                     "{\"event\":\"refusals\",\"zone\":\"%s\",\"count\":%llu,\"reason\":\"wish "
                     "budget\"}",
                     w->start->zone, (unsigned long long)w->unheard);
    if (n > 0 &&
        ledger_client_record(&w->ledger, bytes_of(entry, (size_t)n), nobody_waits, w, 0) == OK)
        w->unheard = 0;
}

static void
on_look(void *ctx)
{
    struct warden *w = ctx;
    char what[128] = "";
    take_up_core(w);
    clock_guard_look(&w->guard, &w->ledger);
    if (clock_guard_doubt(&w->guard))
        snprintf(what, sizeof(what), "the clock is in doubt: no leases");
    else if (w->number_error != OK)
        snprintf(what, sizeof(what), "no lease number can be kept: %s", err_text(w->number_error));
    program_condition(what);
}

static uint32_t
on_idle(void *ctx)
{
    struct warden *w = ctx;
    ledger_client_flush(&w->ledger);
    enum err e = channel_flush(&w->core);
    if (w->core_watch.active)
        loop_change(w->loop, &w->core_watch, LOOP_READ | (e == ERR_AGAIN ? LOOP_WRITE : 0));
    return UINT32_MAX;
}

static enum err
warden_serve(void *self, struct loop *loop)
{
    struct warden *w = self;
    w->loop = loop;
    w->core_watch = (struct watch){.fd = w->core.fd, .fn = on_core, .ctx = w};
    loop_idle(loop, on_idle, w);
    loop_every(loop, 1000, tell_unheard, w);
    loop_every(loop, LOOK_MS, on_look, w);
    enum err e = ledger_client_serve(&w->ledger, loop);
    return e == OK ? loop_watch(loop, &w->core_watch, LOOP_READ) : e;
}

static void
warden_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    const struct warden *w = self;
    out[0] = w->granted;
    out[1] = w->refused;
}

int
main(void)
{
    static struct warden warden;
    static const struct program program = {.kind = "warden",
                                           .profile = &profile,
                                           .open = warden_open,
                                           .serve = warden_serve,
                                           .counters = warden_counters,
                                           .limits = {.file_bytes = LIMITS_STATE_BYTES}};
    return program_run(&program, &warden);
}
