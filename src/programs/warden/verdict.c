#include "programs/warden/verdict.h"

#include "base/text.h"
#include "grant/approvals.h"
#include "programs/wish.h"

enum { HOUR_MS = 3600000, BURST = 2 };

enum err
verdict_init(struct verdict_state *v, const struct start *start, const struct envelope *envelope,
             const uint8_t judge_public[static 32], bool first_start, uint64_t now_ms, char *why)
{
    uint64_t quiet_ms = 0;
    *v = (struct verdict_state){.start = start, .envelope = envelope};
    memcpy(v->judge_public, judge_public, sizeof(v->judge_public));
    for (size_t i = 0; i < start->commands_count; i++)
        if (start->commands[i].lease_ms > quiet_ms)
            quiet_ms = start->commands[i].lease_ms;
    if (quiet_ms > VERDICT_QUIET_MAX_MS)
        quiet_ms = VERDICT_QUIET_MAX_MS;
    v->quiet_until_ms = first_start ? 0 : now_ms + quiet_ms;
    v->envelope_state = calloc(1, envelope->size);
    ASSERT(v->envelope_state);
    enum err e = envelope->init(v->envelope_state, start, why);
    if (e == OK && !first_start && envelope->restarted)
        envelope->restarted(v->envelope_state, now_ms);
    return e;
}

static enum err
deny(struct envelope_verdict *out, uint32_t line, const char *rule, const char *reason)
{
    if (line)
        snprintf(out->rule, sizeof(out->rule), "charter line %u: %s", line, rule);
    else
        snprintf(out->rule, sizeof(out->rule), "%s", rule);
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
    return ERR_DENIED;
}

/* The approver is still in the charter, with the purpose that commands have. */
static bool
may_approve(void *ctx, const struct token *t)
{
    const struct verdict_state *v = ctx;
    const struct start_caller *caller = start_caller(v->start, bytes_text(t->caller));
    return caller && strcmp(caller->role, t->role) == 0 &&
           strcmp(t->purpose, APPROVALS_PURPOSE) == 0 &&
           start_list_has(caller->purposes, bytes_text(APPROVALS_PURPOSE));
}

static uint32_t
count_approvals(struct verdict_state *v, const struct wish *wish, int64_t now_us)
{
    struct approvals a = {.zone = v->start->zone,
                          .judge_public = v->judge_public,
                          .now_us = now_us,
                          .may = may_approve,
                          .ctx = v};
    wish_digest(v->start->zone, wish, a.digest);
    return approvals_count(&a, wish->approvals);
}

/* What a row has at now_ms: BURST leases and no more. */
static uint64_t
credit_at(const struct verdict_state *v, const struct verdict_rate *row, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - row->since_ms;
    if (elapsed_ms > HOUR_MS)
        elapsed_ms = HOUR_MS;
    uint64_t credit = row->credit_mms + elapsed_ms * v->start->commands[row->command].rate_per_hour;
    return credit < (uint64_t)BURST * HOUR_MS ? credit : (uint64_t)BURST * HOUR_MS;
}

/*
 * The bucket of a device and command, or NULL when all are in use. One that is full says no more
 * than a new one would, so it is given away when there is no other: names that a core invents
 * keep nobody out for longer than it goes on inventing.
 */
static struct verdict_rate *
rate_row(struct verdict_state *v, struct bytes device, size_t command, uint64_t now_ms)
{
    struct verdict_rate *row = NULL;
    for (size_t i = 0; i < v->rates_count; i++)
        if (v->rates[i].command == command && bytes_are(device, v->rates[i].device))
            return &v->rates[i];
    if (v->rates_count < ARRAY_COUNT(v->rates))
        row = &v->rates[v->rates_count++];
    for (size_t i = 0; !row && i < v->rates_count; i++)
        if (credit_at(v, &v->rates[i], now_ms) == (uint64_t)BURST * HOUR_MS)
            row = &v->rates[i];
    if (!row)
        return NULL;
    *row = (struct verdict_rate){
        .command = command, .credit_mms = (uint64_t)BURST * HOUR_MS, .since_ms = now_ms};
    enum err e = bytes_copy_text(device, row->device, sizeof(row->device));
    ASSERT(e == OK);
    return row;
}

/*
 * A bucket per device and command: rate_per_hour leases an hour, at most BURST at once. Credit is
 * counted in leases times HOUR_MS, so that everything stays an integer.
 */
static bool
take_rate(struct verdict_state *v, struct bytes device, size_t command, uint64_t now_ms, bool spend)
{
    if (v->start->commands[command].rate_per_hour == 0)
        return true;
    struct verdict_rate *row = rate_row(v, device, command, now_ms);
    if (!row)
        return false;
    row->credit_mms = credit_at(v, row, now_ms);
    row->since_ms = now_ms;
    if (row->credit_mms < HOUR_MS)
        return false;
    if (spend)
        row->credit_mms -= HOUR_MS;
    return true;
}

enum err
verdict_decide(struct verdict_state *v, const struct wish *wish, uint64_t now_ms, int64_t now_us,
               struct lease *out_lease, struct envelope_verdict *out_verdict)
{
    const struct start *start = v->start;
    struct lease lease;
    memset(&lease, 0, sizeof(lease));
    memset(out_verdict, 0, sizeof(*out_verdict));
    if (!text_is_name(wish->device))
        return deny(out_verdict, 0, "devices have names", "the device's name is not one");
    const struct start_command *command = start_command(start, wish->command);
    if (!command)
        return deny(out_verdict, start->zone_line, "zone commands",
                    "the charter names no such command in this zone");
    if (lease_parse_parameters(wish->parameters, &lease) != OK)
        return deny(out_verdict, command->line, command->name, "the parameters do not parse");
    if (now_ms < v->quiet_until_ms)
        return deny(out_verdict, command->line, command->name,
                    "the warden has just started: earlier leases may still be in force");
    uint32_t people = count_approvals(v, wish, now_us);
    if (people < command->people) {
        char reason[120];
        if (command->people == 1)
            snprintf(reason, sizeof(reason), "needs a person's approval of these exact bytes");
        else
            snprintf(
                reason, sizeof(reason),
                "needs approvals of %u different people in different roles over these exact bytes",
                command->people);
        return deny(out_verdict, command->line, command->name, reason);
    }
    size_t index = (size_t)(command - start->commands);
    if (!take_rate(v, wish->device, index, now_ms, false))
        return deny(out_verdict, command->line, command->name, "too many leases for this device");
    memcpy(lease.zone, start->zone, sizeof(lease.zone));
    enum err e = bytes_copy_text(wish->device, lease.device, sizeof(lease.device));
    if (e == OK)
        e = bytes_copy_text(wish->command, lease.command, sizeof(lease.command));
    ASSERT(e == OK);
    lease.not_before_us = now_us;
    lease.expiry_us = now_us + (int64_t)command->lease_ms * 1000;
    e = v->envelope->check(v->envelope_state, &lease, people, now_ms, command->lease_ms,
                           out_verdict);
    if (e != OK)
        return ERR_DENIED;
    take_rate(v, wish->device, index, now_ms, true);
    v->envelope->granted(v->envelope_state, &lease, now_ms, command->lease_ms);
    *out_lease = lease;
    return OK;
}
