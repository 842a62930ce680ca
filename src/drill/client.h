/*
 * client.h -- somebody outside: a device or a person with a certificate, over TLS 1.3.
 *
 * As plain as a client can be and free to misbehave: it sends the bytes that it is told to. One
 * connection, blocking, every wait bounded. For attacks on a city on loopback only.
 */
#ifndef DRILL_CLIENT_H
#define DRILL_CLIENT_H

#include "base/base.h"
#include "base/buf.h"

enum { CLIENT_PATH_SIZE = 600, CLIENT_WHY_SIZE = 320, CLIENT_ANSWER_MAX = 4 * 1024 * 1024 };

struct client_identity {
    char key[CLIENT_PATH_SIZE], certificate[CLIENT_PATH_SIZE]; /* empty: a stranger */
    char issuer[CLIENT_PATH_SIZE];                             /* of the server's certificate */
    uint32_t wait_ms; /* of each wait for an answer; 0: some seconds */
};
/* DIRECTORY/{key,cert,ca}.pem */
void client_identity_in(const char *directory, struct client_identity *out);

struct client;

/* ERR_CRYPTO: no handshake; ERR_IO. A sentence in out_why. */
enum err client_open(const struct client_identity *who, uint16_t port, struct client **out,
                     char out_why[static CLIENT_WHY_SIZE]) MUST_USE;
void client_close(struct client *c); /* NULL is fine */

enum err client_write(struct client *c, struct bytes what) MUST_USE;

/* ---- MQTT 5 ---------------------------------------------------------------------------------- */

struct client_answer {
    uint8_t kind;   /* the packet's first byte, without flags */
    uint16_t id;    /* PUBACK, SUBACK */
    uint8_t reason; /* of the first, where there are several */
    char why[CLIENT_WHY_SIZE];
};
enum {
    CLIENT_CONNACK = 0x20,
    CLIENT_PUBLISH = 0x30,
    CLIENT_PUBACK = 0x40,
    CLIENT_SUBACK = 0x90,
    CLIENT_DISCONNECT = 0xe0,
};

void client_put_connect(struct buf *b, const char *id);
/* QoS 1; with id 0 QoS 0: nobody answers. */
void client_put_publish(struct buf *b, const char *topic, uint16_t id, struct bytes payload);
void client_put_subscribe(struct buf *b, const char *filter, uint16_t id);

/* The next packet. ERR_AGAIN: none within wait_ms; ERR_CLOSED; ERR_MALFORMED. */
enum err client_next(struct client *c, uint32_t wait_ms, struct client_answer *out) MUST_USE;
/* Send, and wait for the packet of this kind; a DISCONNECT ends the wait too. */
enum err client_exchange(struct client *c, struct bytes what, uint8_t kind,
                         struct client_answer *out) MUST_USE;

/* ---- HTTP 1.1 -------------------------------------------------------------------------------- */

struct client_request {
    const char *method, *target;
    const char *token; /* NULL: none */
    const char *body;  /* NULL: none; else JSON */
};
/* *out is the body, made by the caller. ERR_CLOSED: no answer. */
enum err client_ask(struct client *c, const struct client_request *r, int *out_status,
                    struct buf *out) MUST_USE;

#endif
