/*
 * connection.h -- one client: TLS stream, identity, protocol, deadline.
 *
 *   HANDSHAKE  5 s                          -> OPEN or CLOSING
 *   OPEN       what the protocol says       -> CLOSING
 *   CLOSING    2 s: the last bytes leave; what still comes is thrown away -> FREE
 *
 * Bytes that are not a whole packet or request wait in `in`, answers in `out`; both take memory
 * only while they hold something. Encrypted bytes wait in the stream.
 */
#ifndef PROGRAMS_GATE_CONNECTION_H
#define PROGRAMS_GATE_CONNECTION_H

#include "http/reader.h"
#include "http/websocket.h"
#include "mqtt/session.h"
#include "programs/gate/identity.h"
#include "programs/gate/tls.h"
#include "runtime/loop.h"

enum {
    CONNECTION_HANDSHAKE_MS = 5000,
    CONNECTION_FIRST_MS = 5000,          /* to the first request or CONNECT */
    CONNECTION_STRANGER_IDLE_MS = 15000, /* between requests, and for a whole request */
    CONNECTION_HOLDER_IDLE_MS = 120000,
    CONNECTION_REQUEST_MS = 30000, /* a certificate holder's whole request */
    CONNECTION_ANSWER_MS = 30000,  /* the core's time for an answer */
    CONNECTION_CLOSING_MS = 2000,
    CONNECTION_STALL_MS = 30000,              /* without a byte written while some wait */
    CONNECTION_READ_MAX = 4 * TLS_RECORD_MAX, /* one read(2) */
    CONNECTION_IN_MAX = MQTT_PACKET_MAX + CONNECTION_READ_MAX,
    CONNECTION_KEPT = 1024, /* of an empty buffer: acknowledgements fit, a handshake's flight not */
    CONNECTION_OUT_MAX = 18 * 1024 * 1024,
    CONNECTION_MQTT_OUT_MAX = 1024 * 1024, /* deliveries to a client that does not read */
};

struct gate;

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_HANDSHAKE,
    CONNECTION_OPEN,
    CONNECTION_CLOSING
};

enum http_phase { HTTP_READING, HTTP_ASKED, HTTP_ANSWERING };

struct http_peer {
    struct http_reader reader;
    enum http_phase phase;
    uint32_t ref;
    uint64_t left; /* of the answer's body */
    bool first;    /* no request was complete yet */
    bool timed;    /* the deadline of the current request is set */
    bool head_only, keep_alive;
};

struct connection {
    enum connection_state state;
    enum tls_protocol protocol;
    uint32_t index; /* in the gate's pool */
    struct gate *gate;
    uint64_t peer; /* the core's name for it */
    bool peer_opened;
    bool goodbye_said;
    struct watch watch; /* watch.fd is -1 in tests */
    struct tls_stream tls;
    struct identity identity;
    struct buf in;
    struct buf out;
    size_t out_at; /* of out, already encrypted */
    size_t out_counted;
    uint64_t deadline_ms;
    uint64_t heard_ms;
    uint64_t stalled_ms; /* since when bytes wait unwritten; 0: none do */
    uint32_t next;       /* in the list of free connections */
    uint32_t dirty_next;
    bool dirty;
    struct mqtt_session mqtt;
    struct http_peer http;
    bool web; /* MQTT inside WebSocket frames */
    struct websocket websocket;
    size_t packet_left; /* of the packet that was begun as a message */
};

/* Bytes from the network: handshake, decrypt, run the protocol. */
void connection_take(struct gate *g, struct connection *c, struct bytes from_network);

/* Run the protocol over what waits in `in`: after an answer, or when the core takes more. */
void connection_run(struct gate *g, struct connection *c);

/* Encrypt some of `out` when the stream's buffer is empty; false when nothing is left to write. */
bool connection_encrypt(struct connection *c);

/* No more input; leave when `out` is written. */
void connection_end(struct gate *g, struct connection *c);

void connection_expire(struct gate *g, struct connection *c);

/* Bytes that wait for the client, not counting encrypted ones. */
size_t connection_waiting(const struct connection *c);

/* True while more bytes may be read from its socket. */
bool connection_wants_input(const struct gate *g, const struct connection *c);

/* Tell the core of this peer, once. */
enum err connection_open_peer(struct gate *g, struct connection *c) MUST_USE;

/* ---- the two protocols ---- */

void mqtt_peer_begin(struct gate *g, struct connection *c);
/* Both take what they can from `in` and say how much. */
size_t mqtt_peer_run(struct gate *g, struct connection *c, struct bytes in);
void mqtt_peer_answer(struct gate *g, struct connection *c, uint32_t ref, uint8_t reason,
                      struct bytes why);
void mqtt_peer_opened(struct gate *g, struct connection *c, const struct session_opened *m);
void mqtt_peer_deliver(struct gate *g, struct connection *c, const struct mqtt_publish *m);
void mqtt_peer_release(struct gate *g, struct connection *c, uint16_t packet_id);
void mqtt_peer_close(struct gate *g, struct connection *c, uint8_t reason);
void mqtt_peer_expire(struct gate *g, struct connection *c);

/* The request is for the place where HTTP ends. */
bool web_peer_wanted(const struct connection *c);
/* NULL: it is an MQTT connection now; else why not. */
const char *web_peer_upgrade(struct gate *g, struct connection *c, bool more_came,
                             uint16_t *out_status) MUST_USE;
void web_peer_take(struct gate *g, struct connection *c, struct bytes plain);
/* Some of `out` in a frame, and what else is due, as one record. */
void web_peer_encrypt(struct connection *c);
/* The answer to a key (RFC 6455 4.2.2); also a first use of what it needs of OpenSSL. */
enum err web_peer_accept(struct bytes key, struct buf *out) MUST_USE;

void http_peer_begin(struct gate *g, struct connection *c);
size_t http_peer_run(struct gate *g, struct connection *c, struct bytes in);
/* ERR_MALFORMED: the core broke the order of its own messages. */
enum err http_peer_answer(struct gate *g, struct connection *c, const struct answer *m) MUST_USE;
enum err http_peer_part(struct gate *g, struct connection *c, const struct answer_body *m) MUST_USE;
void http_peer_expire(struct gate *g, struct connection *c);
/* True between requests. */
bool http_peer_idle(const struct connection *c);

#endif
