/*
 * ledger_client.h -- one process's side of its channel to the ledger: records and their answers.
 *
 * Decide, log, act: the caller's `done` runs when the entry is durable (OK) or will never be
 * (ERR_IO: refused, or silent for LEDGER_PATIENCE_MS); only after OK may the effect leave.
 */
#ifndef PROGRAMS_LEDGER_CLIENT_H
#define PROGRAMS_LEDGER_CLIENT_H

#include "base/clock.h"
#include "base/random.h"
#include "programs/mistrust.h"
#include "runtime/loop.h"
#include "wire/channel.h"

enum { LEDGER_PENDING_MAX = 1024, LEDGER_PATIENCE_MS = 5000 };

typedef void ledger_done_fn(void *ctx, uint64_t tag, enum err result);

struct ledger_pending {
    uint64_t ref; /* 0: free */
    uint64_t tag;
    uint64_t since_ms;
    ledger_done_fn *done;
    void *ctx;
};

struct ledger_client {
    struct channel channel;
    struct watch watch;
    struct loop *loop;
    struct clock_source clock;
    uint64_t next_ref;
    struct ledger_pending pending[LEDGER_PENDING_MAX];
    size_t pending_count;
    struct mistrust mistrust; /* deaf: the ledger sent nonsense, nothing is accepted for a while */
};

void ledger_client_init(struct ledger_client *l, int fd, struct clock_source clock,
                        struct random_source random);
/* After the sandbox: watches the channel, and the patience. */
enum err ledger_client_serve(struct ledger_client *l, struct loop *loop) MUST_USE;

/* ERR_LIMIT when too many are pending, ERR_CLOSED when the ledger is gone: `done` is not called. */
enum err ledger_client_record(struct ledger_client *l, struct bytes entry, ledger_done_fn *done,
                              void *ctx, uint64_t tag) MUST_USE;

/* At the end of a loop round. */
void ledger_client_flush(struct ledger_client *l);

#endif
