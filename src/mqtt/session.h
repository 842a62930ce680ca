/*
 * session.h -- one MQTT connection at the server, as a pure table of state x packet.
 *
 * mqtt_session_take() reads one packet, writes what must be answered at once into `out`, and says
 * in an event what the owner has to do; what only the core can answer comes back later through
 * mqtt_session_answer(). There is no I/O and no clock in here.
 *
 * S1  No event but UP and CLOSE precedes UP; nothing but CLOSE follows CLOSE.
 * S2  A PUBACK, SUBACK or UNSUBACK is written only after each of its refs was answered, and in the
 *     order in which the packets came (MQTT-4.6.0-2).
 * S3  A refused PUBLISH is never acknowledged as accepted: v5 carries the reason, 3.1.1 closes.
 * S4  At most MQTT_WINDOW publishes are open: v5 clients that exceed it are closed with 0x93; a
 *     3.1.1 client cannot be told, so its next packet waits (ERR_AGAIN).
 * S5  The client id is the certificate's name or empty: nobody can take over another's session.
 *
 * User name and password are parsed and ignored: identity comes from the certificate alone.
 * A client that asks to keep its session (clean start 0, expiry > 0) is told that none is kept.
 */
#ifndef MQTT_SESSION_H
#define MQTT_SESSION_H

#include "base/base.h"
#include "base/buf.h"
#include "mqtt/packet.h"

enum {
    MQTT_WINDOW = 64,         /* publishes with QoS 1 in flight towards us */
    MQTT_OPEN_MAX = 128,      /* refs in flight: publishes and filters; a power of two */
    MQTT_DELIVERIES_MAX = 32, /* deliveries with QoS 1 in flight towards the client */
    MQTT_DELIVERY_BYTES_MAX = 128 * 1024, /* that wait for this window */
    MQTT_KEEP_ALIVE_S_MAX = 1200, /* also what 0 ("off") means: a silent client goes at last */
    MQTT_NAME_SIZE = 49,
};

enum mqtt_state { MQTT_EXPECT_CONNECT = 1, MQTT_UP, MQTT_CLOSED, MQTT_STATE_COUNT };

enum mqtt_event_kind {
    MQTT_EVENT_NONE,
    MQTT_EVENT_UP,          /* CONNECT was accepted, CONNACK is written */
    MQTT_EVENT_PUBLISH,     /* packet.publish; ref 0 when no answer is wanted */
    MQTT_EVENT_SUBSCRIBE,   /* packet.filters; filter i has ref + i */
    MQTT_EVENT_UNSUBSCRIBE, /* the same */
    MQTT_EVENT_CLOSE        /* write out, then close; `reason` says why */
};

struct mqtt_event {
    enum mqtt_event_kind kind;
    uint32_t ref; /* never 0 where an answer is wanted; of filter i: mqtt_ref_add(ref, i) */
    uint8_t reason;
    struct mqtt_packet packet; /* borrows from the input */
};

struct mqtt_open {
    uint16_t packet_id;
    uint8_t type;  /* MQTT_PUBLISH, MQTT_SUBSCRIBE, MQTT_UNSUBSCRIBE; 0: the ref 0, never used */
    uint8_t count; /* of refs that share one answer; in the first of them */
    uint8_t reason;
    bool answered;
};

struct mqtt_session {
    enum mqtt_state state;
    uint8_t version;
    bool problem_texts; /* the client wants reason strings */
    char name[MQTT_NAME_SIZE];
    uint32_t keep_alive_ms; /* with the half more that the standard adds */
    uint64_t heard_ms;      /* monotonic time of the last whole packet */
    uint32_t client_packet_max;
    uint16_t client_window;

    uint32_t head, next; /* refs in flight: head up to, not including, next */
    uint16_t publishes;  /* of them */
    struct mqtt_open open[MQTT_OPEN_MAX];

    uint16_t last_packet_id;
    uint16_t delivering; /* packet ids in flight */
    uint16_t delivery[MQTT_DELIVERIES_MAX];
    struct buf waiting; /* whole PUBLISH packets that wait for the window */
    uint64_t dropped;   /* deliveries that the client said it cannot take */
};

/* `name` is the device's name from its certificate: 1 to 48 bytes. */
void mqtt_session_init(struct mqtt_session *s, struct bytes name, uint64_t now_ms);
void mqtt_session_fini(struct mqtt_session *s);

/*
 * Take at most one packet off `in`; out_used says how many bytes it had. ERR_AGAIN: none is
 * complete, or the window is full: come back with more bytes or after an answer. ERR_CLOSED: after
 * CLOSE. A client's fault is no error of ours: it is written to `out` and becomes a CLOSE event.
 */
enum err mqtt_session_take(struct mqtt_session *s, struct bytes in, uint64_t now_ms,
                           struct buf *out, size_t *out_used, struct mqtt_event *event) MUST_USE;

/* The type of the packet that waits for an answer to this ref; 0: none does. */
uint8_t mqtt_session_waits(const struct mqtt_session *s, uint32_t ref);

/*
 * The core's answer to a ref. `why` is sent to v5 clients that want it. ERR_NOT_FOUND: no such ref
 * is open. ERR_CLOSED: the connection must be closed now (a refused publish in 3.1.1).
 */
enum err mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason, struct bytes why,
                             struct buf *out) MUST_USE;

/*
 * A message for the client. Waits for the client's window inside the session. ERR_LIMIT: too much
 * waits, the client is too slow, close it. ERR_WRONG_STATE: it has not connected yet.
 * What is larger than the client takes is dropped and counted (MQTT-3.1.2-25).
 */
enum err mqtt_session_deliver(struct mqtt_session *s, struct bytes topic, struct bytes payload,
                              uint8_t qos, struct buf *out) MUST_USE;

/* Say goodbye (DISCONNECT in v5, a refusing CONNACK before UP is not written) and be closed. */
void mqtt_session_close(struct mqtt_session *s, uint8_t reason, struct buf *out);

/* When an unheard client is closed; UINT64_MAX before UP (the owner has a limit of its own). */
uint64_t mqtt_session_deadline_ms(const struct mqtt_session *s);

/* Refs skip 0. */
uint32_t mqtt_ref_add(uint32_t ref, uint32_t n);

#endif
