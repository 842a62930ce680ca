/*
 * bulkhead-judge -- who is this caller, and may they?
 *
 * challenge -> token_ask -> proof and charter -> ledger (durable) -> token, or a refusal.
 */
#include "base/text.h"
#include "programs/limits.h"
#include "programs/judge/request.h"
#include "programs/clock_guard.h"
#include "programs/ledger_client.h"
#include "programs/program.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ASKERS_MAX = 32,
    ASKER_PATIENCE_MS = 10000,
    PROOFS_PER_S = 100, /* beyond it askers wait for the next second */
};

enum asker_state { ASKER_FREE, ASKER_ASKED, ASKER_WAITS, ASKER_ANSWERED };

struct asker {
    struct judge *judge;
    struct channel channel;
    struct watch watch;
    enum asker_state state;
    uint32_t turn; /* counts the askers of this place: a late entry finds its own or nobody */
    uint64_t since_ms;
    uint8_t nonce[REQUEST_NONCE_SIZE];
    struct token token;
};

struct judge {
    struct start *start;
    struct clock_source clock;
    struct random_source random;
    struct loop *loop;
    struct request_issuer *issuer;
    struct ledger_client ledger;
    struct clock_guard guard;
    struct watch listener;
    uint8_t *secret; /* 64 bytes, guarded */
    struct asker askers[ASKERS_MAX];
    uint32_t proofs_left; /* of this second */
    uint64_t granted, refused;
};

static const struct sandbox_rule rules[] = {
#include "programs/judge/judge.seccomp.def"
};
static const struct sandbox_profile profile = {"judge", rules, ARRAY_COUNT(rules)};

static void
dismiss(struct asker *a)
{
    struct judge *j = a->judge;
    loop_unwatch(j->loop, &a->watch);
    close(a->channel.fd);
    channel_fini(&a->channel);
    a->state = ASKER_FREE;
    a->turn++;
    loop_change(j->loop, &j->listener, LOOP_READ); /* there is room again */
}

/* What is queued goes out; after the answer the asker is done. */
static void
push(struct asker *a)
{
    enum err e = channel_flush(&a->channel);
    if (e == ERR_AGAIN)
        loop_change(a->judge->loop, &a->watch, LOOP_READ | LOOP_WRITE);
    else if (e != OK || a->state == ASKER_ANSWERED)
        dismiss(a);
}

static void
refuse(struct asker *a, const char *why)
{
    struct token_refused m = {bytes_text(why)};
    a->judge->refused++;
    a->state = ASKER_ANSWERED;
    if (CHANNEL_SEND(&a->channel, token_refused, &m) != OK)
        log_event("answer_dropped", "what=refusal");
}

static void
grant(struct asker *a)
{
    struct judge *j = a->judge;
    struct buf token;
    buf_init(&token, TOKEN_BYTES_MAX);
    enum err e = token_sign(&a->token, j->secret, &token);
    if (e != OK) {
        refuse(a, "the token could not be signed");
    } else {
        struct token_granted m = {buf_bytes(&token)};
        a->state = ASKER_ANSWERED;
        j->granted++;
        if (CHANNEL_SEND(&a->channel, token_granted, &m) != OK)
            log_event("answer_dropped", "what=token");
    }
    buf_fini(&token);
}

/* tag: place and turn of the asker. */
static void
on_recorded(void *ctx, uint64_t tag, enum err result)
{
    struct judge *j = ctx;
    struct asker *a = &j->askers[tag % ASKERS_MAX];
    if (a->turn != (uint32_t)(tag / ASKERS_MAX) || a->state != ASKER_WAITS)
        return; /* gone meanwhile: the token never left */
    if (result == OK)
        grant(a);
    else
        refuse(a, "no entry, no token: the ledger does not answer");
    push(a);
}

static void
put_entry(struct buf *b, const struct token *t, const char *refusal, int64_t now_us)
{
    buf_format(b,
               "{\"event\":\"%s\",\"caller\":\"%s\",\"role\":\"%s\",\"zone\":\"%s\","
               "\"purpose\":\"%s\"",
               refusal       ? "token-refused"
               : t->approval ? "approval"
                             : "token",
               t->caller, t->role, t->zone, t->purpose);
    if (refusal) {
        buf_text(b, ",\"reason\":");
        text_put_json(b, bytes_text(refusal));
    } else {
        buf_text(b, ",\"serial\":\"");
        text_put_hex(b, bytes_of(t->serial, sizeof(t->serial)));
        if (t->approval) {
            buf_text(b, "\",\"approves\":\"");
            text_put_hex(b, bytes_of(t->approves, sizeof(t->approves)));
        }
        buf_text(b, "\",\"expiry\":\"");
        text_put_time(b, t->expiry_us);
        buf_byte(b, '"');
    }
    buf_text(b, ",\"time\":\"");
    text_put_time(b, now_us);
    buf_text(b, "\"}");
}

static void
nobody_waits(void *ctx, uint64_t tag, enum err result)
{
    (void)ctx, (void)tag, (void)result;
}

/* A proven caller who asked for what the charter does not give them: that is on the record too. */
static void
record_refusal(struct judge *j, const struct token_ask *ask, const char *why)
{
    struct token t;
    struct buf entry;
    memset(&t, 0, sizeof(t));
    if (!text_is_name(ask->zone) || !text_is_name(ask->purpose) ||
        bytes_copy_text(ask->caller, t.caller, sizeof(t.caller)) != OK ||
        bytes_copy_text(ask->zone, t.zone, sizeof(t.zone)) != OK ||
        bytes_copy_text(ask->purpose, t.purpose, sizeof(t.purpose)) != OK)
        return;
    buf_init(&entry, 4096);
    put_entry(&entry, &t, why, clock_wall_us(&j->clock));
    if (buf_error(&entry) != OK ||
        ledger_client_record(&j->ledger, buf_bytes(&entry), nobody_waits, j, 0) != OK)
        log_event("refusal_unrecorded", "zone=%s", t.zone);
    buf_fini(&entry);
}

static void
record_grant(struct asker *a)
{
    struct judge *j = a->judge;
    struct buf entry;
    buf_init(&entry, 4096);
    put_entry(&entry, &a->token, NULL, clock_wall_us(&j->clock));
    uint64_t tag = (uint64_t)a->turn * ASKERS_MAX + (uint64_t)(a - j->askers);
    a->state = ASKER_WAITS;
    if (buf_error(&entry) != OK ||
        ledger_client_record(&j->ledger, buf_bytes(&entry), on_recorded, j, tag) != OK)
        refuse(a, "no entry, no token: the ledger does not answer");
    buf_fini(&entry);
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct asker *a = ctx;
    struct judge *j = a->judge;
    struct token_ask ask;
    char why[REQUEST_WHY_SIZE] = "";
    uint8_t key_digest[32];
    if (a->state != ASKER_ASKED || id != token_ask_id || token_ask_decode(body, &ask) != OK)
        return ERR_MALFORMED;
    int64_t now_us = clock_wall_us(&j->clock);
    j->proofs_left -= j->proofs_left > 0;
    clock_guard_look(&j->guard, &j->ledger); /* not how it was a second ago */
    if (clock_guard_doubt(&j->guard)) {
        refuse(a,
               "the clock was set or stood still: no token until it has run steadily for a minute");
        return OK;
    }
    enum err e = request_prove(j->issuer, &ask, bytes_of(a->nonce, sizeof(a->nonce)), now_us,
                               key_digest, why);
    if (e == OK) {
        e = request_allow(j->start, &ask, now_us, &a->token, why);
        if (e != OK)
            record_refusal(j, &ask, why);
    }
    if (e != OK) {
        refuse(a, why);
        return OK;
    }
    memcpy(a->token.key_digest, key_digest, sizeof(key_digest));
    random_fill(&j->random, a->token.serial, sizeof(a->token.serial));
    record_grant(a);
    return OK;
}

static void
on_asker(void *ctx, int fd, unsigned events)
{
    struct asker *a = ctx;
    (void)fd;
    enum err e = OK;
    if (a->judge->proofs_left == 0 && !(events & LOOP_HANGUP)) {
        loop_change(a->judge->loop, &a->watch, 0); /* on_second() wakes it */
        return;
    }
    if (events & (LOOP_READ | LOOP_HANGUP))
        e = channel_receive(&a->channel, on_frame, a);
    if (e != OK && e != ERR_AGAIN)
        dismiss(a);
    else
        push(a);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
    struct judge *j = ctx;
    (void)events;
    struct asker *a = NULL;
    for (size_t i = 0; !a && i < ASKERS_MAX; i++)
        if (j->askers[i].state == ASKER_FREE)
            a = &j->askers[i];
    if (!a) {
        loop_change(j->loop, &j->listener, 0);
        return;
    }
    int asker_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (asker_fd < 0)
        return;
    a->judge = j;
    a->state = ASKER_ASKED;
    a->since_ms = clock_mono_ms(&j->clock);
    random_fill(&j->random, a->nonce, sizeof(a->nonce));
    channel_init(&a->channel, asker_fd);
    a->watch = (struct watch){.fd = asker_fd, .fn = on_asker, .ctx = a};
    struct challenge m = {bytes_of(a->nonce, sizeof(a->nonce))};
    if (loop_watch(j->loop, &a->watch, LOOP_READ) != OK ||
        CHANNEL_SEND(&a->channel, challenge, &m) != OK)
        dismiss(a);
    else
        push(a);
}

static void
on_second(void *ctx)
{
    struct judge *j = ctx;
    uint64_t now = clock_mono_ms(&j->clock);
    j->proofs_left = PROOFS_PER_S;
    clock_guard_look(&j->guard, &j->ledger);
    program_condition(clock_guard_doubt(&j->guard) ? "the clock is in doubt: no tokens" : "");
    for (size_t i = 0; i < ASKERS_MAX; i++) {
        struct asker *a = &j->askers[i];
        if (a->state == ASKER_FREE)
            continue;
        if (now - a->since_ms > ASKER_PATIENCE_MS)
            dismiss(a);
        else
            loop_change(j->loop, &a->watch,
                        LOOP_READ | (channel_waiting(&a->channel) ? LOOP_WRITE : 0));
    }
}

static uint32_t
on_idle(void *ctx)
{
    struct judge *j = ctx;
    ledger_client_flush(&j->ledger);
    return UINT32_MAX;
}

static enum err
judge_open(void *self, struct start *start)
{
    struct judge *j = self;
    const struct start_key *key = start_key(start, KEY_JUDGE_SECRET, NULL);
    int listen_fd = start_fd(start, FD_LISTEN_JUDGE, NULL);
    int ledger_fd = start_fd(start, FD_LEDGER, NULL);
    if (!key || key->len != 64 || listen_fd < 0 || ledger_fd < 0)
        return ERR_NOT_FOUND;
    j->start = start;
    j->clock = clock_system();
    j->random = random_system();
    j->proofs_left = PROOFS_PER_S;
    j->secret = sodium_malloc(64);
    if (!j->secret)
        return ERR_LIMIT;
    memcpy(j->secret, key->key, 64);
    sodium_mprotect_readonly(j->secret);
    ledger_client_init(&j->ledger, ledger_fd, j->clock, j->random);
    clock_guard_init(&j->guard, j->clock, "judge", start->zone);
    j->listener = (struct watch){.fd = listen_fd, .fn = on_listener, .ctx = j};
    return request_issuer_new(start_text(start, TEXT_PEOPLE_ISSUER_PEM), &j->issuer);
}

static enum err
judge_serve(void *self, struct loop *loop)
{
    struct judge *j = self;
    j->loop = loop;
    loop_idle(loop, on_idle, j);
    loop_every(loop, 1000, on_second, j);
    enum err e = ledger_client_serve(&j->ledger, loop);
    return e == OK ? loop_watch(loop, &j->listener, LOOP_READ) : e;
}

static void
judge_counters(void *self, uint64_t out[static PROGRAM_COUNTERS])
{
    const struct judge *j = self;
    out[0] = j->granted;
    out[1] = j->refused;
}

int
main(void)
{
    static struct judge judge;
    static const struct program program = {.kind = "judge",
                                           .profile = &profile,
                                           .open = judge_open,
                                           .serve = judge_serve,
                                           .counters = judge_counters,
                                           .limits = {.file_bytes = LIMITS_STATE_BYTES}};
    return program_run(&program, &judge);
}
