/*
 * ledger.h -- the ledger process: records in, durable, answered; tiles out.
 *
 * One loop round: records of all channels are appended to their logs' batches; at its end each
 * log with a batch is committed and its records are answered in order. Checkpoints are signed every
 * LEDGER_SIGN_MS while a log grows, less often when the disk is slow (at most a tenth of the time).
 */
#ifndef PROGRAMS_LEDGER_LEDGER_H
#define PROGRAMS_LEDGER_LEDGER_H

#include "base/clock.h"
#include "ledger/log.h"
#include "programs/mistrust.h"
#include "programs/program.h"
#include "wire/channel.h"

enum {
    LEDGER_LOGS_MAX = 33,
    LEDGER_CHANNELS_MAX = 160,
    LEDGER_GUESTS_MAX = 16,
    LEDGER_SIGN_MS = 100,
    LEDGER_CHECK_PER_S = 128, /* entries of each log, round and round */
    LEDGER_REOPEN_MS = 2000,  /* how soon a log that failed is tried again */
    LEDGER_GUEST_IDLE_MS = 30000,
    LEDGER_PACKETS_PER_ROUND = 16,
    LEDGER_RECORDS_PER_S = 12000, /* of one channel: questions; beyond its share it waits */
    LEDGER_BYTES_PER_S = 4 * 1024 * 1024,
    LEDGER_BUDGET_MS = 100, /* shares are given out in pieces, so that a flood is no burst */
};

struct ledger_channel;

/* A record that waits for its commit. */
struct ledger_waiting {
    struct ledger_channel *from;
    uint64_t ref, index;
};

struct ledger_log {
    char name[START_NAME_SIZE];
    char origin[NOTE_KEY_NAME_MAX + 1];
    struct log_config config;
    uint8_t *secret; /* 64 bytes, in guarded memory */
    struct log log;
    bool open;
    enum err trouble; /* why its last commit, signature or opening failed; OK: it did not */
    uint64_t checked; /* entries that were compared with the tree; see on_second() */
    uint64_t retry_ms, sign_ms; /* not before */
    struct ledger_waiting waiting[LOG_BATCH_ENTRIES_MAX];
    size_t waiting_count;
};

struct ledger_channel {
    struct ledger *ledger;
    struct ledger_log *log;
    struct channel channel;
    struct watch watch;
    uint32_t records_left, bytes_left; /* of this second */
    bool paused;
    struct mistrust mistrust;
};

struct ledger_guest {
    struct ledger *ledger;
    struct channel channel;
    struct watch watch;
    uint64_t last_ms;
    bool used;
};

struct ledger {
    struct clock_source clock;
    struct loop *loop;
    char extension[CHECKPOINT_EXTENSION_MAX + 1];
    struct ledger_log *logs;
    size_t logs_count;
    struct ledger_channel channels[LEDGER_CHANNELS_MAX];
    size_t channels_count;
    struct ledger_guest guests[LEDGER_GUESTS_MAX];
    struct watch listener;
    struct buf answer;
    uint64_t recorded_bytes;
};

enum err ledger_open(struct ledger *l, struct start *start) MUST_USE;
enum err ledger_serve(struct ledger *l, struct loop *loop) MUST_USE;
/* Commit, answer and sign what is there. */
void ledger_stop(struct ledger *l);
void ledger_counters(const struct ledger *l, uint64_t out[static PROGRAM_COUNTERS]);

/* guests.c: those who ask for tiles. */
enum err ledger_guests_serve(struct ledger *l, int listen_fd) MUST_USE;

#endif
