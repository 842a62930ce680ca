/*
 * broker.h -- the sessions of a zone: subscriptions, what waits for each client, what is in flight,
 * retained messages and wills. Pure: the owner gives the time, carries out what the ports say, and
 * decides every right.
 *
 * A session belongs to (kind, name, client id): the name is the certificate's, so nobody takes over
 * another's. It lives while its client is connected, and `expiry_s` longer. What must survive (of a
 * session with an expiry above 0: its subscriptions, its queue of QoS 1 and 2, the packet ids of
 * QoS 2 that came in; every will; every retained message) goes through ports.keep into the batch
 * of the store that is being built.
 *
 * B1  Nothing is sent before broker_pump(), which the owner calls after its commit: what a client
 *     hears is durable, and so is what it acknowledged with PUBREC before PUBREL goes out.
 * B2  A message is in a session's queue at most once for each publish, with the highest QoS and all
 *     identifiers of the subscriptions that match (MQTT-3.3.4-2, -3), unless it comes from a group.
 * B3  A queue is sent in order; after a new connection from its oldest unacknowledged entry on,
 *     DUP set, under the packet ids that it had (MQTT-4.4.0-1, 4.6).
 * B4  At most min(receive maximum, BROKER_FLIGHT_MAX) of QoS 1 and 2 are unacknowledged
 *     (MQTT-3.3.4-9).
 * B5  ports.may_hear is asked when a message enters a queue and again when it leaves.
 * B6  Every table is bounded. A full queue of a session loses its oldest message that is not in
 *     flight; a full budget refuses the new one. Both are counted.
 * B7  A will is given out once, when the connection ends without DISCONNECT 0, after its delay or
 *     with the end of the session, whichever is first; a new connection before that forgets it
 *     (MQTT-3.1.3-9).
 *
 * Records of a queue that are not needed any more are deleted later, in a batch that is written
 * anyway (broker_tidy): after a crash such a message of QoS 1 is sent once more, never one of
 * QoS 2.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/base.h"
#include "broker/budget.h"
#include "broker/flight.h"
#include "broker/message.h"
#include "broker/trie.h"

enum {
    BROKER_SESSIONS_MAX = 16384,
    BROKER_NAME_SESSIONS_MAX = 2048, /* of one device or caller, connected or not */
    BROKER_NAME_KEPT_MAX = 256,      /* of them with an expiry above 0 */
    BROKER_SUBSCRIPTIONS_MAX = 131072,
    BROKER_SESSION_SUBSCRIPTIONS_MAX = 4096,
    BROKER_GROUPS_MAX = 4096,
    BROKER_RETAINED_MAX = 65536,
    BROKER_RETAINED_BYTES_MAX = 16 * 1024 * 1024,
    BROKER_QUEUE_MAX = 1000, /* entries of one session */
    BROKER_QUEUE_BYTES_MAX = 4 * 1024 * 1024,
    BROKER_FLIGHT_MAX = 64,
    BROKER_INBOX_MAX = 1024,             /* 3.1.1 clients know no receive maximum */
    BROKER_IDENTIFIERS_MAX = 32,         /* in one delivery */
    BROKER_BYTES_MAX = 48 * 1024 * 1024, /* of everything together, without the tables */
    BROKER_PENDING_MAX = 4096,           /* deletions that wait for a batch */
    BROKER_CLIENT_ID_MAX = 256,
    BROKER_NAME_SIZE = 49,
    BROKER_BUCKETS = 16384,
    BROKER_CLASSES_MAX = 32, /* of retained messages: each tree of the charter counts its own */
};

enum broker_kind { BROKER_PLAIN = 1, BROKER_LEASES, BROKER_STA };

/* Options of a subscription, as in SUBSCRIBE (3.8.3.1). */
enum {
    BROKER_QOS = 3,
    BROKER_NO_LOCAL = 4,
    BROKER_RETAIN_AS_PUBLISHED = 8,
    BROKER_RETAIN_HANDLING = 0x30,
};

struct broker_entry {
    struct broker_message *message; /* NULL: released, only its packet id is left */
    struct broker_entry *next, *previous;
    uint64_t number; /* of its record; 0: none */
    size_t size;
    enum flight_state state;
    uint16_t packet_id; /* 0: QoS 0 */
    uint8_t qos;
    bool retain, again, refers; /* DUP; its record points to the message's */
    uint8_t ids_count;
    uint32_t ids[];
};

struct broker_subscription {
    uint32_t session;                /* 0: free */
    uint32_t node;                   /* in the tree; 0: of kind STA */
    uint32_t next, previous;         /* at the node, or in the group; `next` in the free list */
    uint32_t next_own, previous_own; /* of the session */
    uint32_t group;                  /* 0: not shared */
    uint32_t identifier;             /* 0: none */
    uint8_t kind, options;
    uint64_t number;
    uint8_t *filter; /* as it was sent */
    uint32_t filter_len;
};

struct broker_group {       /* $share/NAME/FILTER */
    uint32_t node, next;    /* of the node's groups, or free */
    uint32_t members, turn; /* the next one to be asked; 0: the first */
};

struct broker_session {
    bool used, kept; /* kept: its record is in the store */
    uint8_t kind, version;
    char name[BROKER_NAME_SIZE];
    uint8_t *client_id;
    uint32_t client_id_len;
    uint64_t number;
    uint64_t peer;     /* 0: not connected */
    uint32_t expiry_s; /* UINT32_MAX: never */
    int64_t left_us;   /* when the connection ended */
    uint16_t window;   /* receive maximum and ours */
    uint16_t in_flight;
    uint16_t last_packet_id;
    uint32_t packet_max;
    uint32_t subscriptions, subscriptions_count;
    struct broker_entry *first, *last, *unsent; /* the queue */
    uint32_t queue_count, zeros;                /* entries; of them QoS 0 */
    size_t queue_bytes;
    uint16_t *inbox; /* [BROKER_INBOX_MAX], or NULL */
    uint32_t inbox_count;
    struct broker_message *will;
    uint64_t will_number;
    uint32_t will_delay_s;
    uint32_t next;         /* in the hash chain, or in the free list */
    uint32_t next_of_name; /* in the chain of its name's bucket */
    bool dirty;            /* in the list of those to pump */
    uint32_t dirty_next;
    uint32_t releasing; /* entries whose PUBREL is due */
    uint64_t stamp;     /* of the publish whose hit this is */
    uint32_t hit;
};

struct broker_retained {
    struct broker_message *message; /* NULL: free */
    uint64_t number;
    uint32_t next;
    uint8_t class_index;
};

struct broker_delivery {
    uint16_t packet_id;
    uint8_t flags; /* qos | retain << 2 | dup << 3 */
    const struct broker_message *message;
    const uint32_t *ids;
    uint32_t ids_count;
};

struct broker_ports {
    void *ctx;
    bool (*may_hear)(void *ctx, const struct broker_session *s, const struct broker_message *m);
    /* False: not now; the rest of this queue waits for the next pump. */
    bool (*deliver)(void *ctx, const struct broker_session *s, const struct broker_delivery *d);
    bool (*release)(void *ctx, const struct broker_session *s, uint16_t packet_id);
    void (*drop)(void *ctx, uint64_t peer, uint8_t reason);
    /* There is room for so many bytes of records in the store and in its batch. */
    bool (*room)(void *ctx, size_t bytes);
    void (*keep)(void *ctx, uint8_t type, uint64_t id, struct bytes record);
    /* The class of retained messages that a topic belongs to; -1: none may be kept any more. */
    int (*class_of)(void *ctx, struct bytes topic);
    /* A subscription of kind STA came or went. */
    void (*indexed)(void *ctx, uint32_t subscription, bool there);
};

struct broker_will {
    struct broker_will *next;
    uint8_t kind;
    char name[BROKER_NAME_SIZE];
    uint64_t number; /* of its record */
    struct broker_message *message;
};

struct broker_counters {
    uint64_t queued, delivered, acknowledged, lost_full, lost_expired, lost_rights, lost_size,
        refused_full, wills, sessions_ended;
};

struct broker_hit {
    uint32_t session;
    uint8_t qos, ids_count;
    bool retain;
    uint32_t ids[BROKER_IDENTIFIERS_MAX];
};

struct broker {
    struct broker_ports ports;
    struct budget budget;
    struct trie tree;
    struct broker_session *session; /* [BROKER_SESSIONS_MAX]; 0 is nobody */
    struct broker_subscription *subscription;
    struct broker_group *group;
    struct broker_retained *retained;
    uint32_t *session_bucket, *name_bucket, *retained_bucket;
    struct broker_hit *hit;
    uint32_t session_high, session_free, subscription_high, subscription_free, group_high,
        group_free, retained_high, retained_free;
    uint32_t sessions_count, subscriptions_count, retained_count;
    uint32_t sessions_max, subscriptions_max, groups_max, retained_max, hits_max;
    uint32_t retained_in[BROKER_CLASSES_MAX];
    size_t retained_bytes;
    uint32_t retained_at; /* where expiry looks next */
    uint32_t dirty;       /* head of the list of sessions to pump; 0: none */
    uint64_t next_number, stamp, seed;
    int64_t due_us;            /* no session or will is due before; INT64_MAX: none */
    struct broker_will *wills; /* due */
    struct {
        uint8_t type;
        uint64_t id;
    } pending[BROKER_PENDING_MAX];
    uint32_t pending_count;
    struct broker_counters count;
    /* while one publish is routed */
    uint32_t hits;
    enum broker_kind routing;
    uint32_t from;
    const struct broker_message *routed;
    /* while records are loaded */
    bool loading;
    struct broker_message **loaded; /* of kept_message, in order of their numbers */
    uint32_t loaded_count, loaded_max;
    uint32_t orphans; /* records that belonged to nothing */
};

/* Everything that it will ever hold is taken at once; the pages come as they are touched.
 * `divisor`: of all maxima of the zone, where its memory is small; a power of two, at most 16. */
void broker_init(struct broker *b, const struct broker_ports *ports, uint64_t seed,
                 uint32_t divisor);
void broker_fini(struct broker *b);

/* ---- sessions.c ------------------------------------------------------------------------------ */

struct broker_connect {
    uint64_t peer;
    uint8_t kind, version;
    struct bytes name, client_id; /* both not empty */
    bool clean_start;
    uint32_t expiry_s;
    uint16_t receive_maximum;
    uint32_t packet_max; /* 0: as large as ours */
    bool has_will;
    struct broker_message_parts will;
    uint32_t will_delay_s;
};
/* ERR_LIMIT: too many sessions, or no memory: nothing has changed, but that an older connection of
 * the same session was dropped. *out_present: the client finds its session again. */
enum err broker_open(struct broker *b, const struct broker_connect *m, int64_t now_us,
                     uint32_t *out_session, bool *out_present) MUST_USE;
/* The connection ended. `forget_will`: by DISCONNECT 0. `expiry_s` UINT64_MAX: as before. */
void broker_close(struct broker *b, uint32_t session, bool forget_will, uint64_t expiry_s,
                  int64_t now_us);
/* The next will that is due, for the owner to publish under the rights of its name;
 * broker_will_done() after. Ends sessions whose time is over. NULL: none. */
struct broker_will *broker_next_will(struct broker *b, int64_t now_us);
void broker_will_done(struct broker *b, struct broker_will *will);
/* It is still due. */
void broker_will_later(struct broker *b, struct broker_will *will);
uint32_t broker_find(const struct broker *b, uint8_t kind, struct bytes name,
                     struct bytes client_id);

/* QoS 2 that comes in: *out_known is true when this packet id waits for its release already.
 * ERR_LIMIT. */
enum err broker_inbox_add(struct broker *b, uint32_t session, uint16_t packet_id,
                          bool *out_known) MUST_USE;
/* False: it was not there. */
bool broker_inbox_release(struct broker *b, uint32_t session, uint16_t packet_id);

/* ---- subscriptions.c ------------------------------------------------------------------------- */

/* Add, or replace the options of the same filter (*out_new false). The filter is checked and may be
 * shared. ERR_LIMIT; ERR_MALFORMED: no local on a shared one. */
enum err broker_subscribe(struct broker *b, uint32_t session, enum broker_kind kind,
                          struct bytes filter, uint8_t options, uint32_t identifier,
                          uint32_t *out_subscription, bool *out_new) MUST_USE;
/* ERR_NOT_FOUND. */
enum err broker_unsubscribe(struct broker *b, uint32_t session, struct bytes filter) MUST_USE;
void broker_unsubscribe_all(struct broker *b, uint32_t session);

/* ---- route.c --------------------------------------------------------------------------------- */

/* To everybody who subscribed to its topic. `from` is the publisher's session or 0. ERR_LIMIT: the
 * store has no room for it; nothing was queued. */
enum err broker_publish(struct broker *b, enum broker_kind kind, struct broker_message *m,
                        uint32_t from, int64_t now_us) MUST_USE;
/* To one subscription (a change that a SensorThings topic names). */
void broker_offer(struct broker *b, uint32_t subscription, struct broker_message *m, bool retained,
                  int64_t now_us);

/* ---- retained.c ------------------------------------------------------------------------------ */

/* Keep it as the newest of its topic, or with an empty payload keep none. `most`: of this class.
 * ERR_LIMIT. */
enum err broker_retain(struct broker *b, const struct broker_message *m, uint8_t class_index,
                       uint32_t most, int64_t now_us) MUST_USE;
/* What a new subscription hears at once. */
void broker_offer_retained(struct broker *b, uint32_t subscription, int64_t now_us);
void broker_retained_expire(struct broker *b, int64_t now_us);

/* ---- queue.c --------------------------------------------------------------------------------- */

/* Send what may be sent: after a commit, and when the channel to the gate has emptied. */
void broker_pump(struct broker *b, int64_t now_us);
bool broker_pump_waits(const struct broker *b);
/* PUBACK 4, PUBREC 5, PUBCOMP 7 of the client. ERR_WRONG_STATE: nothing waits for it; nothing
 * changed. */
enum err broker_ack(struct broker *b, uint32_t session, uint8_t type, uint16_t packet_id,
                    uint8_t reason) MUST_USE;
/* Put the deletions that wait into the batch. */
void broker_tidy(struct broker *b);

/* ---- load.c ---------------------------------------------------------------------------------- */

/* One record of the store, in order of (type, id). ERR_MALFORMED: it is none of ours. What there is
 * no room for is dropped, and counted in `orphans`. */
enum err broker_load(struct broker *b, uint8_t type, uint64_t id, struct bytes record,
                     int64_t now_us) MUST_USE;
/* After the last one: drops what belongs to nothing, and gives the seat of the next number. */
void broker_loaded(struct broker *b, int64_t now_us);

#endif
