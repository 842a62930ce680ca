/*
 * envelope.h -- what a service's commands may do, as a pure state machine over what was granted.
 *
 * Each folder src/services/NAME with commands has envelope.c, which defines `envelope_this`; the
 * build links it into bulkhead-warden-NAME. The warden itself checks that the command is known, the
 * lease's length, the rate per device and the approvals; the envelope checks the rest, knowing
 * only the charter's values and the leases that it granted itself: nothing that a core says about
 * the world can widen it.
 *
 * check() changes nothing; granted() is called when it said OK, with the same lease, and never
 * fails. `people` is how many different people approved exactly these bytes, whatever the charter
 * asks (grant/approvals.h): their tokens are signed by the judge, so a core cannot invent them.
 * restarted() is called once after init() when a predecessor may have granted leases that still
 * stand: the warden itself waits VERDICT_QUIET_MAX_MS at most, an envelope whose leases last longer
 * refuses what it can no longer count. Time is monotonic milliseconds. Integers only.
 */
#ifndef PROGRAMS_WARDEN_ENVELOPE_H
#define PROGRAMS_WARDEN_ENVELOPE_H

#include "base/base.h"
#include "grant/lease.h"
#include "programs/start.h"

enum { ENVELOPE_WHY_SIZE = 300, ENVELOPE_RULE_SIZE = 160, ENVELOPE_DEVICES_MAX = 1024 };

struct envelope_verdict {
    char rule[ENVELOPE_RULE_SIZE];  /* "charter line 41: envelope minimum-green" */
    char reason[ENVELOPE_WHY_SIZE]; /* "green has stood for 3.2 s of at least 5 s" */
};

struct envelope {
    const char *service;
    size_t size; /* of the state, zeroed by the warden */
    /* Values of the charter. ERR_MALFORMED with a sentence in `why` when one is missing or absurd.
     */
    enum err (*init)(void *state, const struct start *start, char *why);
    /* OK, or ERR_DENIED with *out filled. `lease` has its command, parameters and expiry. */
    enum err (*check)(const void *state, const struct lease *lease, uint32_t people,
                      uint64_t now_ms, uint64_t lease_ms, struct envelope_verdict *out);
    void (*granted)(void *state, const struct lease *lease, uint64_t now_ms, uint64_t lease_ms);
    void (*restarted)(void *state, uint64_t now_ms); /* may be NULL */
};

extern const struct envelope envelope_this;

#endif
