/*
 * peers.h -- who is connected to the gate, as the gate says, and what each may still send.
 *
 * A peer is a connection, a device a name: several connections of one device share its rate, so
 * that opening more of them gains nothing. Fixed pools; full means ERR_LIMIT.
 */
#ifndef PROGRAMS_CORE_PEERS_H
#define PROGRAMS_CORE_PEERS_H

#include "base/base.h"
#include "programs/messages.h"
#include "programs/start.h"

enum {
    PEERS_MAX = 16384,
    PEER_BUCKETS = 8192,
    DEVICES_MAX = 16384,
    DEVICE_BUCKETS = 8192,
    PEER_ASKS_MAX = 16,
    DEVICE_SHARE = 4,  /* one device may use a quarter of its zone's rate */
    BURST_SECONDS = 2, /* what may come at once after silence */
};

/* A token bucket in thousandths of a message. */
struct bucket {
    uint64_t milli;
    uint64_t filled_ms;
};
/* rate_per_s 0: no limit. False: over the rate, nothing was taken. */
bool bucket_take(struct bucket *b, uint32_t rate_per_s, uint64_t now_ms);

struct device {
    char name[START_NAME_SIZE]; /* "" when free */
    uint32_t peers;
    struct bucket bucket;
    uint64_t quota_leaf_ms; /* when going over the rate was last written down */
    int32_t next;           /* in the chain of its name; -1 ends */
};

struct peer {
    uint64_t id;
    bool used;
    enum peer_kind kind;
    uint8_t protocol;
    char name[START_NAME_SIZE];
    bool has_key;
    uint8_t key_digest[32];
    uint32_t asks;    /* outstanding */
    uint32_t session; /* of MQTT, in the broker; 0: none is open */
    char role[START_NAME_SIZE], purpose[START_NAME_SIZE]; /* of a caller's token in CONNECT */
    int64_t token_until_us;
    struct device *device; /* of a PEER_DEVICE */
    int32_t next;          /* in the hash chain, or in the free list; -1 ends */
};

struct peers {
    struct peer peer[PEERS_MAX];
    struct device device[DEVICES_MAX];
    int32_t bucket[PEER_BUCKETS];
    int32_t device_bucket[DEVICE_BUCKETS];
    int32_t free;     /* of those that were used; -1: none */
    uint32_t touched; /* peers that were ever used: memory behind them is not there yet */
    uint32_t devices_touched;
    uint32_t count;
    uint64_t last_id; /* the highest ever opened */
};

void peers_init(struct peers *p);
/* NULL when there is none. */
struct peer *peers_get(struct peers *p, uint64_t id);
/* ERR_MALFORMED: a name that cannot be, or a key that is missing; ERR_LIMIT; ERR_EXISTS. */
enum err peers_add(struct peers *p, const struct peer_open *m, struct peer **out) MUST_USE;
void peers_drop(struct peers *p, struct peer *peer);

#endif
