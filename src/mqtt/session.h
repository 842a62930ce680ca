/*
 * session.h -- one MQTT connection at the server, as a pure table of state x packet.
 *
 * The core holds the session: subscriptions, what waits, packet identifiers of deliveries. This is
 * the connection: packets, the order of acknowledgements, aliases, and what the client may not do.
 * mqtt_session_take() reads one packet, writes what must be answered at once into `out`, and says
 * in an event what the owner has to do; what only the core can answer comes back later through
 * mqtt_session_opened() and mqtt_session_answer(). There is no I/O and no clock in here.
 *
 * S1  No event but OPEN and CLOSE before the core has opened the session; nothing after CLOSE or
 *     DISCONNECT. Between CONNECT and the core's word nothing more is read (MQTT-3.1.4-6).
 * S2  A PUBACK, PUBREC, PUBCOMP, SUBACK or UNSUBACK is written only after each of its refs was
 *     answered, and in the order in which the packets came (MQTT-4.6.0-2 to -4).
 * S3  A refused PUBLISH is never acknowledged as accepted: v5 carries the reason, 3.1.1 closes.
 * S4  At most MQTT_WINDOW publishes are open: v5 clients that exceed it are closed with 0x93; a
 *     3.1.1 client cannot be told, so its next packet waits (ERR_AGAIN) until one is answered.
 * S5  The client id is free text without '+', '#', '/' and control characters; whose session it
 *     names depends on the certificate too, so nobody can take over another's.
 * S6  Nothing larger than the client said it takes is written (MQTT-3.1.2-24).
 *
 * A user name is read and ignored; a password may be a caller's token and goes to the core.
 */
#ifndef MQTT_SESSION_H
#define MQTT_SESSION_H

#include "base/base.h"
#include "base/buf.h"
#include "mqtt/alias.h"
#include "mqtt/packet.h"
#include "mqtt/topic.h"

enum {
    MQTT_WINDOW = 64,             /* publishes with QoS 1 and 2 in flight towards us */
    MQTT_OPEN_MAX = 128,          /* refs in flight: publishes, releases, filters; a power of two */
    MQTT_KEEP_ALIVE_S_MAX = 1200, /* also what 0 ("off") means: a silent client goes at last */
    MQTT_CLIENT_ID_MAX = 256,
    MQTT_PASSWORD_MAX = 1024,
    MQTT_PROPERTIES_MAX = 8192, /* bytes of one message's */
};

enum mqtt_state { MQTT_EXPECT_CONNECT = 1, MQTT_OPENING, MQTT_UP, MQTT_CLOSED, MQTT_STATE_COUNT };

enum mqtt_event_kind {
    MQTT_EVENT_NONE,
    MQTT_EVENT_OPEN,        /* packet.connect: the core says mqtt_session_opened() */
    MQTT_EVENT_PUBLISH,     /* packet.publish without alias; ref 0 when no answer is wanted */
    MQTT_EVENT_RELEASE,     /* PUBREL: packet.ack */
    MQTT_EVENT_ACK,         /* PUBACK, PUBREC or PUBCOMP of a delivery: packet.ack */
    MQTT_EVENT_SUBSCRIBE,   /* packet.filters; filter i has ref + i */
    MQTT_EVENT_UNSUBSCRIBE, /* the same */
    MQTT_EVENT_DISCONNECT,  /* the client says goodbye: packet.ack; write out, then close */
    MQTT_EVENT_CLOSE        /* write out, then close; `reason` says why */
};

struct mqtt_event {
    enum mqtt_event_kind kind;
    uint32_t ref; /* never 0 where an answer is wanted; of filter i: mqtt_ref_add(ref, i) */
    uint8_t reason;
    bool has_expiry; /* DISCONNECT: a new session expiry */
    uint32_t expiry_s;
    struct mqtt_packet packet; /* borrows from the input and the session, until the next take */
};

struct mqtt_open {
    uint16_t packet_id;
    uint8_t type;  /* PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE; 0: the ref 0, never used */
    uint8_t count; /* of refs that share one answer; in the first of them */
    uint8_t qos;   /* of PUBLISH */
    uint8_t reason;
    bool answered;
};

struct mqtt_session {
    enum mqtt_state state;
    uint8_t version;
    bool problem_texts;    /* the client wants reason strings */
    bool nameless;         /* CONNECT had no client id */
    bool keep_alive_told;  /* ours replaces what CONNECT asked for */
    const char *why;       /* the sentence of a refusal; NULL: none */
    uint32_t keep_alive_s; /* in force */
    uint32_t keep_alive_max_s;
    uint64_t heard_ms; /* monotonic time of the last whole packet */
    uint32_t expiry_s; /* of the session, as CONNECT asked for it */
    uint32_t client_packet_max;
    uint16_t client_receive_maximum;

    uint32_t head, next; /* refs in flight: head up to, not including, next */
    uint16_t window;     /* publishes that are open (S4) */
    uint16_t releases;   /* of them, QoS 2 ones that wait for PUBREL; their packet ids: */
    uint16_t release[MQTT_WINDOW];
    struct mqtt_open open[MQTT_OPEN_MAX];

    struct mqtt_aliases from_client, to_client;
    struct buf stripped; /* properties without their alias, when it stood between others */
    struct buf refusal;  /* the first sentence that one of the oldest packet's filters got */
    uint64_t too_large;  /* deliveries that the client said it cannot take */
};

/* keep_alive_max_s: what v5 clients are told when they ask for more; 1 to MQTT_KEEP_ALIVE_S_MAX. */
void mqtt_session_init(struct mqtt_session *s, uint32_t keep_alive_max_s, uint64_t now_ms);
void mqtt_session_fini(struct mqtt_session *s);

/*
 * Take at most one packet off `in`; out_used says how many bytes it had. ERR_AGAIN: none is
 * complete, the core has not opened the session yet, or the window is full: come back with more
 * bytes or after an answer. ERR_CLOSED: after CLOSE. A client's fault is no error of ours: it is
 * written to `out` and becomes a CLOSE event.
 */
enum err mqtt_session_take(struct mqtt_session *s, struct bytes in, uint64_t now_ms,
                           struct buf *out, size_t *out_used, struct mqtt_event *event) MUST_USE;

/* What the core says to CONNECT. */
struct mqtt_opened {
    uint8_t reason;
    bool session_present;
    struct bytes client_id; /* given by the core; empty: the client's own */
    uint32_t expiry_s;
    struct bytes why;
};

/* Writes CONNACK. ERR_CLOSED: refused, close. ERR_WRONG_STATE: nobody asked. */
enum err mqtt_session_opened(struct mqtt_session *s, const struct mqtt_opened *m, uint64_t now_ms,
                             struct buf *out) MUST_USE;

/* The type of the packet that waits for an answer to this ref; 0: none does. */
uint8_t mqtt_session_waits(const struct mqtt_session *s, uint32_t ref);

/*
 * The core's answer to a ref. `why` is sent to v5 clients that want it. ERR_NOT_FOUND: no such ref
 * is open. ERR_CLOSED: the connection must be closed now (a refused publish in 3.1.1).
 */
enum err mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason, struct bytes why,
                             struct buf *out) MUST_USE;

/*
 * A message for the client, with the packet id that the core gave it; properties are left out in
 * 3.1.1, the topic perhaps for an alias in v5. ERR_WRONG_STATE: it is not up. ERR_LIMIT: larger
 * than the client takes; nothing was written, and it counts as delivered (MQTT-3.1.2-25).
 */
enum err mqtt_session_deliver(struct mqtt_session *s, const struct mqtt_publish *m,
                              struct buf *out) MUST_USE;
/* PUBREL. */
enum err mqtt_session_release(struct mqtt_session *s, uint16_t packet_id, struct buf *out) MUST_USE;

/*
 * Say goodbye and be closed: DISCONNECT in v5, a refusing CONNACK when the core has not opened the
 * session yet, nothing before CONNECT.
 */
void mqtt_session_close(struct mqtt_session *s, uint8_t reason, struct buf *out);

/* When an unheard client is closed; UINT64_MAX before UP (the owner has a limit of its own). */
uint64_t mqtt_session_deadline_ms(const struct mqtt_session *s);

/* Refs skip 0. */
uint32_t mqtt_ref_add(uint32_t ref, uint32_t n);

#endif
