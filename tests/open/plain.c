/*
 * plain.c -- what makes a production gate an open one, at link time and nowhere else: in place of
 * tls.c and identity.c it passes bytes on as they are, and takes everybody for the device "open".
 *
 * Outside conformance suites and other servers' load generators speak plain TCP and know no
 * certificates. No production program links this object; tests/binaries/run looks for its mark.
 */
#include "programs/gate/gate.h"
#include "tests/open/open.h"

const char open_mark[] = OPEN_MARK; /* found by whoever searches a binary for it */

/* ---- in place of identity.c ---- */

enum err
identity_prove(const SSL *session, const struct identity_issuers *issuers, bool needed,
               struct identity *out, const char **out_why)
{
    (void)session, (void)issuers, (void)needed;
    *out = (struct identity){.kind = PEER_DEVICE, .name = OPEN_NAME};
    *out_why = NULL;
    return OK;
}

/* The outside suites expect that a server has a say, and that it is a minute. */
enum { OPEN_KEEP_ALIVE_S = 60 };
void __real_mqtt_session_init(struct mqtt_session *s, uint32_t keep_alive_max_s, uint64_t now_ms);
void __wrap_mqtt_session_init(struct mqtt_session *s, uint32_t keep_alive_max_s, uint64_t now_ms);
void
__wrap_mqtt_session_init(struct mqtt_session *s, uint32_t keep_alive_max_s, uint64_t now_ms)
{
    (void)keep_alive_max_s;
    __real_mqtt_session_init(s, OPEN_KEEP_ALIVE_S, now_ms);
}

/* Without close_notify a client learns that it was refused by the end of the connection only. */
enum { OPEN_CLOSING_MS = 100 };
void __real_connection_end(struct gate *g, struct connection *c);
void __wrap_connection_end(struct gate *g, struct connection *c);
void
__wrap_connection_end(struct gate *g, struct connection *c)
{
    __real_connection_end(g, c);
    if (c->protocol == TLS_MQTT)
        c->deadline_ms = clock_mono_ms(&g->clock) + OPEN_CLOSING_MS;
}

/* They also know one refusal of SUBSCRIBE only, that of 3.1.1, whatever the reason is. */
enum err __real_mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason,
                                    struct bytes why, struct buf *out);
enum err __wrap_mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason,
                                    struct bytes why, struct buf *out);
enum err
__wrap_mqtt_session_answer(struct mqtt_session *s, uint32_t ref, uint8_t reason, struct bytes why,
                           struct buf *out)
{
    if (reason == MQTT_NOT_AUTHORIZED && mqtt_session_waits(s, ref) == MQTT_SUBSCRIBE)
        reason = MQTT_UNSPECIFIED;
    return __real_mqtt_session_answer(s, ref, reason, why, out);
}

/* ---- in place of tls.c: streams that change nothing ---- */

enum err
tls_memory(void)
{
    return OK;
}

enum err
tls_warm_up(void)
{
    return OK;
}

enum err
tls_init(struct tls *t, struct bytes key, struct bytes certificate, struct bytes device,
         struct bytes people, const char **out_why)
{
    (void)key, (void)certificate, (void)device, (void)people;
    *t = (struct tls){{NULL, NULL}, NULL, NULL};
    *out_why = NULL;
    return OK;
}

void
tls_fini(struct tls *t)
{
    *t = (struct tls){{NULL, NULL}, NULL, NULL};
}

enum err
tls_open(struct tls_stream *s, SSL_CTX *context, bool client)
{
    (void)context, (void)client;
    *s = (struct tls_stream){.ssl = NULL};
    buf_init(&s->out, TLS_OUT_MAX);
    return OK;
}

void
tls_close(struct tls_stream *s)
{
    buf_fini(&s->out);
}

void
tls_give(struct tls_stream *s, struct bytes from_network)
{
    ASSERT(s->in.len == 0);
    s->in = from_network;
}

enum err
tls_handshake(struct tls_stream *s)
{
    (void)s;
    return OK; /* its first byte is already one of the protocol */
}

enum err
tls_read(struct tls_stream *s, uint8_t *to, size_t size, size_t *out_len)
{
    if (s->in.len == 0)
        return ERR_AGAIN;
    size_t n = size < s->in.len ? size : s->in.len;
    memcpy(to, s->in.p, n);
    s->in = bytes_skip(s->in, n);
    *out_len = n;
    return OK;
}

bool
tls_drained(const struct tls_stream *s)
{
    return s->in.len == 0;
}

void
tls_memory_settle(void)
{
}

enum err
tls_write(struct tls_stream *s, struct bytes plain)
{
    ASSERT(plain.len > 0 && plain.len <= TLS_RECORD_MAX);
    buf_put(&s->out, plain);
    return buf_error(&s->out) == OK ? OK : ERR_CRYPTO;
}

void
tls_say_goodbye(struct tls_stream *s)
{
    (void)s;
}

const char *
tls_error(void)
{
    return "none: this gate speaks plain TCP";
}
