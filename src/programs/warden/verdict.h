/*
 * verdict.h -- the warden's decision over one wish, as a pure function over its own state.
 *
 * In this order, the first that fails is the reason: the wish is well formed; the device's name;
 * the command is in the charter; nothing is granted right after a restart (leases of the
 * predecessor may still be in force); approvals of enough different people in different roles
 * over these exact bytes; the rate per device; the service's envelope.
 */
#ifndef PROGRAMS_WARDEN_VERDICT_H
#define PROGRAMS_WARDEN_VERDICT_H

#include "base/clock.h"
#include "grant/lease.h"
#include "programs/messages.h"
#include "programs/start.h"
#include "programs/warden/envelope.h"

enum { VERDICT_QUIET_MAX_MS = 15000 };

struct verdict_rate {
    char device[START_NAME_SIZE];
    size_t command;
    uint64_t credit_mms; /* credit in 1/1000 of a lease, times ms of an hour: see verdict.c */
    uint64_t since_ms;
};

struct verdict_state {
    const struct start *start;
    const struct envelope *envelope;
    void *envelope_state;
    uint8_t judge_public[32];
    uint64_t quiet_until_ms;
    struct verdict_rate rates[ENVELOPE_DEVICES_MAX];
    size_t rates_count;
};

/* Takes the charter's values. `first_start`: no predecessor granted anything. */
enum err verdict_init(struct verdict_state *v, const struct start *start,
                      const struct envelope *envelope, const uint8_t judge_public[static 32],
                      bool first_start, uint64_t now_ms, char *why) MUST_USE;

/*
 * Decide. OK: *out_lease is filled but for its sequence, the state counts it as granted already (so
 * that two wishes in flight cannot both pass); ERR_DENIED: *out_verdict says why and by which rule.
 */
enum err verdict_decide(struct verdict_state *v, const struct wish *wish, uint64_t now_ms,
                        int64_t now_us, struct lease *out_lease,
                        struct envelope_verdict *out_verdict) MUST_USE;

#endif
