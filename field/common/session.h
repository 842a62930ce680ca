/*
 * session.h -- one MQTT 5 session over TLS 1.3 with a client certificate, for one device.
 *
 * libmosquitto without its thread: the owner polls. The library keeps unacknowledged messages and
 * sends them again after a reconnect.
 */
#ifndef FIELD_SESSION_H
#define FIELD_SESSION_H

#include <poll.h>

#include "base/base.h"
#include "field/common/fetch.h"
#include "field/common/options.h"

enum { SESSION_WHY_SIZE = 301, SESSION_TOPIC_SIZE = 64 };

struct mosquitto;

struct session {
    struct mosquitto *client; /* NULL: the program works without a city */
    const struct field_address *at;
    char lease_topic[SESSION_TOPIC_SIZE]; /* empty: takes no leases */
    void (*on_lease)(void *ctx, struct bytes note);
    void *ctx;
    bool connected; /* CONNACK with success, and not lost since */
    uint64_t connects;
    uint64_t published, acknowledged, refused;
    char why[SESSION_WHY_SIZE]; /* the last refusal's sentence since it connected */
    /* Of each acknowledgement, when somebody wants to know; see session_time(). */
    void (*on_settled)(void *ctx, uint64_t sent_us, uint64_t latency_us, bool accepted);
    uint64_t *sent_us; /* by packet identifier; NULL: nobody wants to know */
};

/* ERR_IO with a sentence on standard error. The session must not move afterwards. */
enum err session_init(struct session *s, const char *device, const struct fetch_identity *identity,
                      const struct field_address *at, void (*on_lease)(void *, struct bytes),
                      void *ctx) MUST_USE;
void session_fini(struct session *s);

/*
 * From now on tell of each message when it was handed over (monotonic) and how long its
 * acknowledgement took, a reconnect in between included.
 */
void session_time(struct session *s, void (*on_settled)(void *, uint64_t, uint64_t, bool));

/* True while there is a socket, connected or connecting. */
bool session_open(const struct session *s);
void session_connect(struct session *s);
/* Sends DISCONNECT. */
void session_close(struct session *s);

/* What to poll for (fd -1: nothing), and what to do with the answer. */
struct pollfd session_poll(const struct session *s);
void session_step(struct session *s, short revents);

/* ERR_IO when the library takes no more. */
enum err session_publish(struct session *s, const char *topic, struct bytes payload) MUST_USE;
uint64_t session_outstanding(const struct session *s);

#endif
