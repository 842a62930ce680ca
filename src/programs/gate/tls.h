/*
 * tls.h -- TLS 1.3 as bytes in, bytes out: OpenSSL never sees a socket.
 *
 * A stream is given what was read from the network and collects what shall be written to it; so
 * a confined process needs no call but read and write, and a test needs no network.
 * TLS 1.3 only; no tickets, no resumption, no early data. ALPN: a client that names protocols must
 * name ours ("mqtt" or "http/1.1"); one that names none is served.
 */
#ifndef PROGRAMS_GATE_TLS_H
#define PROGRAMS_GATE_TLS_H

#include "base/base.h"
#include "base/buf.h"

#include <openssl/ssl.h>

enum {
    TLS_RECORD_MAX = 16384,           /* plain bytes of one record */
    TLS_OUT_MAX = 4 * TLS_RECORD_MAX, /* encrypted bytes that wait to be written */
    TLS_CERTIFICATES_MAX = 8192,      /* bytes of a client's certificate message */
};

enum tls_protocol { TLS_HTTP, TLS_MQTT };

struct tls {
    SSL_CTX *contexts[2]; /* by enum tls_protocol: MQTT demands a client certificate */
    X509 *device_issuer, *people_issuer;
};

/* First of all, before OpenSSL does anything: see tls_memory.c. ERR_CRYPTO when it is too late. */
enum err tls_memory(void) MUST_USE;
/* The end of a round: nothing of a record stays behind in the buffers that are kept. */
void tls_memory_settle(void);

/* PEM texts. ERR_MALFORMED or ERR_CRYPTO with a static sentence in *out_why. */
enum err tls_init(struct tls *t, struct bytes key, struct bytes certificate, struct bytes device,
                  struct bytes people, const char **out_why) MUST_USE;
void tls_fini(struct tls *t);

struct tls_stream {
    SSL *ssl;
    struct bytes in; /* what was read and not yet taken; borrowed from the caller */
    struct buf out;  /* what must be written, encrypted */
};

/* ERR_LIMIT when there is no memory. `client`: the other side, for the warm-up and tests. */
enum err tls_open(struct tls_stream *s, SSL_CTX *context, bool client) MUST_USE;
void tls_close(struct tls_stream *s);

/*
 * Bytes from the network; borrowed until tls_handshake() or tls_read() says ERR_AGAIN: then all of
 * them were taken.
 */
void tls_give(struct tls_stream *s, struct bytes from_network);

/* OK: established. ERR_AGAIN. ERR_CRYPTO: refused; an alert may stand in `out`. */
enum err tls_handshake(struct tls_stream *s) MUST_USE;

/* OK with 1 to size bytes; ERR_AGAIN; ERR_CLOSED (close_notify); ERR_CRYPTO. */
enum err tls_read(struct tls_stream *s, uint8_t *to, size_t size, size_t *out_len) MUST_USE;

/* All that was given is read: another tls_read() would say ERR_AGAIN, at the price of a record. */
bool tls_drained(const struct tls_stream *s);

/* Encrypts all of it into `out`, at most TLS_RECORD_MAX bytes. ERR_CRYPTO. */
enum err tls_write(struct tls_stream *s, struct bytes plain) MUST_USE;

/* Queue close_notify. */
void tls_say_goodbye(struct tls_stream *s);

/* The last reason that OpenSSL gave, as a static text; clears its queue. */
const char *tls_error(void);

/*
 * Whole handshakes in memory, good and bad, with throwaway certificates: whatever OpenSSL opens,
 * loads or asks for at first use happens now, before the sandbox closes.
 */
enum err tls_warm_up(void) MUST_USE;

#endif
