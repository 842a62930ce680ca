/*
 * gate.h -- the pool of connections between the network and the core.
 *
 * The gate decides nothing about rights. It says who a TLS session proved to be (peer_open), hands
 * on publishes, filters and questions, and writes back what the core answers.
 *
 * G1  Nothing of a connection reaches the core before its handshake and identity are complete.
 * G2  At most connections_max clients, of which at most a quarter without identity; when full, the
 *     idle stranger that was silent longest goes.
 * G3  Every state of a connection has a deadline (connection.h).
 * G4  Above GATE_CORE_WAITING_MAX bytes towards the core nothing is read from the network.
 * G5  A peer number is never reused, and begins at random, so that answers to a gate that died
 *     cannot reach a client of this one.
 */
#ifndef PROGRAMS_GATE_GATE_H
#define PROGRAMS_GATE_GATE_H

#include "base/clock.h"
#include "programs/gate/connection.h"
#include "programs/gate/identity.h"
#include "programs/gate/tls.h"
#include "programs/program.h"
#include "wire/channel.h"

enum {
    GATE_CONNECTIONS_MAX = 16384,
    GATE_CORE_WAITING_MAX = 1024 * 1024,   /* bytes towards the core; then sockets wait */
    GATE_OUT_TOTAL_MAX = 64 * 1024 * 1024, /* bytes towards all clients; then the asker goes */
    GATE_ACCEPTS_PER_ROUND = 32,
    GATE_LISTENERS_MAX = 8,
    GATE_NOTES_PER_S = 10, /* log lines about strangers: a flood must not fill the log */
};

struct gate_listener {
    struct watch watch;
    struct gate *gate;
    enum tls_protocol protocol;
};

struct gate {
    struct tls tls;
    char zone[START_NAME_SIZE];
    struct clock_source clock;
    struct channel core;
    struct watch core_watch;
    struct loop *loop; /* NULL in tests: no sockets then */
    struct gate_listener listeners[GATE_LISTENERS_MAX];
    size_t listeners_count;

    struct connection *pool;
    uint32_t max, count, strangers;
    uint32_t touched;    /* so many of the pool were ever used: nobody looks behind them */
    uint32_t free_head;  /* index + 1, of those that were; 0: none */
    uint32_t dirty_head; /* index + 1; connections with work at the end of the round */
    uint64_t serial;
    uint64_t out_total;
    struct buf scratch; /* of one call */
    bool paused;        /* G4 */
    bool stopping;

    uint64_t note_second, notes;
    uint64_t publishes, requests, refused;
};

/* Allocates everything. `core_fd` is taken. ERR_LIMIT. */
enum err gate_init(struct gate *g, const char *zone, uint32_t connections_max, int core_fd,
                   struct clock_source clock, uint64_t first_serial) MUST_USE;
void gate_fini(struct gate *g);

/* After the sandbox: greet the core, watch the listeners. */
enum err gate_serve(struct gate *g, struct loop *loop) MUST_USE;
void gate_stop(struct gate *g);

/* A new client on an accepted socket (-1 in tests). NULL: refused (G2); the caller closes fd. */
struct connection *gate_adopt(struct gate *g, int fd, enum tls_protocol protocol);

/* One frame from the core. ERR_MALFORMED when it is broken or hostile. */
enum err gate_core_frame(void *gate, uint16_t id, struct bytes body) MUST_USE;

/* The end of a round: run and flush what changed, then the channel. The loop's idle function. */
uint32_t gate_round(void *gate);

/* Deadlines. */
void gate_tick(void *gate);

/* True while connections may send to the core (G4). */
bool gate_open_for_input(const struct gate *g);

/* One log line, at most GATE_NOTES_PER_S a second. */
void gate_note(struct gate *g, const char *event, const char *what);

/* Put on the list of gate_round(). */
void gate_mark(struct gate *g, struct connection *c);

/* Back to the pool: socket, memory, the core's knowledge of it. */
void gate_drop(struct gate *g, struct connection *c);

#endif
