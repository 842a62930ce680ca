#include "programs/gate/connection.h"

#include "programs/gate/gate.h"

size_t
connection_waiting(const struct connection *c)
{
    return c->out.len - c->out_at;
}

/* Empty buffers give their memory back: thousands of idle clients hold next to nothing. */
static void
release(struct buf *b)
{
    if (b->len == 0 && b->capacity > CONNECTION_KEPT)
        buf_fini(b);
}

enum err
connection_open_peer(struct gate *g, struct connection *c)
{
    if (c->peer_opened)
        return OK;
    bool known = c->identity.kind != PEER_STRANGER;
    struct peer_open m = {
        .peer = c->peer,
        .kind = (uint8_t)c->identity.kind,
        .name = bytes_text(c->identity.name),
        .key_digest = bytes_of(c->identity.key_digest, known ? 32 : 0),
        .protocol = c->protocol == TLS_MQTT,
    };
    enum err e = CHANNEL_SEND(&g->core, peer_open, &m);
    c->peer_opened = e == OK;
    return e;
}

void
connection_end(struct gate *g, struct connection *c)
{
    if (c->state == CONNECTION_CLOSING)
        return;
    c->state = CONNECTION_CLOSING;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_CLOSING_MS;
    buf_reset(&c->in);
    release(&c->in);
    gate_mark(g, c);
    if (!c->peer_opened)
        return;
    c->peer_opened = false;
    struct peer_close m = {c->peer};
    if (CHANNEL_SEND(&g->core, peer_close, &m) != OK)
        gate_note(g, "core_full", "a peer_close was lost");
}

/* The handshake is done: who is it? Nothing of the protocol was read until now. */
static void
establish(struct gate *g, struct connection *c)
{
    struct identity_issuers issuers = {g->tls.device_issuer, g->tls.people_issuer, g->zone};
    const char *why = "no certificate";
    bool needed = c->protocol == TLS_MQTT;
    enum err e = identity_prove(c->tls.ssl, &issuers, needed, &c->identity, &why);
    (void)tls_error(); /* what a certificate left in OpenSSL's queue */
    if (e != OK) {
        g->refused++;
        gate_note(g, "certificate_refused", why);
        connection_end(g, c);
        return;
    }
    if (c->identity.kind != PEER_STRANGER) {
        ASSERT(g->strangers > 0);
        g->strangers--;
    }
    c->state = CONNECTION_OPEN;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_FIRST_MS;
    if (c->protocol == TLS_MQTT)
        mqtt_peer_begin(g, c);
    else
        http_peer_begin(g, c);
}

static size_t
run_protocol(struct gate *g, struct connection *c, struct bytes in)
{
    if (!gate_open_for_input(g))
        return 0;
    return c->protocol == TLS_MQTT ? mqtt_peer_run(g, c, in) : http_peer_run(g, c, in);
}

void
connection_run(struct gate *g, struct connection *c)
{
    if (c->state != CONNECTION_OPEN || c->in.len == 0)
        return;
    size_t used = run_protocol(g, c, buf_bytes(&c->in));
    if (c->state != CONNECTION_OPEN)
        return; /* the input is gone */
    buf_drop(&c->in, used);
    release(&c->in);
}

/* The common case copies nothing: whole packets are taken from where they were decrypted. */
static void
take_plain(struct gate *g, struct connection *c, struct bytes plain)
{
    if (c->web) {
        web_peer_take(g, c, plain);
        return;
    }
    if (c->in.len == 0) {
        size_t used = run_protocol(g, c, plain);
        plain = bytes_skip(plain, used);
    }
    if (c->state != CONNECTION_OPEN || plain.len == 0)
        return;
    buf_put(&c->in, plain);
    if (buf_error(&c->in) != OK) {
        connection_end(g, c);
        return;
    }
    if (c->in.len > plain.len)
        connection_run(g, c);
}

void
connection_take(struct gate *g, struct connection *c, struct bytes from_network)
{
    static uint8_t plain[TLS_RECORD_MAX]; /* one thread; nothing in it outlives the call */
    c->heard_ms = clock_mono_ms(&g->clock);
    gate_mark(g, c);
    if (c->state == CONNECTION_CLOSING)
        return;
    tls_give(&c->tls, from_network);
    enum err e = OK;
    if (c->state == CONNECTION_HANDSHAKE) {
        e = tls_handshake(&c->tls);
        if (e == ERR_AGAIN)
            return;
        if (e == OK)
            establish(g, c);
        else
            gate_note(g, "handshake_refused", tls_error());
        g->refused += e != OK;
    }
    while (e == OK && c->state == CONNECTION_OPEN) {
        size_t n = 0;
        e = tls_read(&c->tls, plain, sizeof(plain), &n);
        if (e == OK)
            take_plain(g, c, bytes_of(plain, n));
        if (e == OK && tls_drained(&c->tls))
            break;
    }
    c->tls.in = (struct bytes){NULL, 0}; /* what comes after the end is not read */
    if (e != OK && e != ERR_AGAIN)
        connection_end(g, c);
}

bool
connection_encrypt(struct connection *c)
{
    if (c->tls.out.len > 0)
        return true;
    if (c->web)
        web_peer_encrypt(c);
    size_t n = c->web ? 0 : connection_waiting(c);
    if (n > TLS_RECORD_MAX)
        n = TLS_RECORD_MAX;
    if (n > 0 && tls_write(&c->tls, bytes_of(c->out.p + c->out_at, n)) == OK) {
        c->out_at += n;
    } else if (n > 0) {
        (void)tls_error();
        c->out_at = c->out.len; /* the stream is broken: nothing more can leave */
    }
    if (c->out_at == c->out.len) {
        buf_reset(&c->out);
        c->out_at = 0;
        release(&c->out);
    }
    if (c->tls.out.len == 0 && c->state == CONNECTION_CLOSING && !c->goodbye_said) {
        c->goodbye_said = true;
        tls_say_goodbye(&c->tls);
    }
    return c->tls.out.len > 0;
}

bool
connection_wants_input(const struct gate *g, const struct connection *c)
{
    if (c->state != CONNECTION_OPEN)
        return true; /* a handshake, or bytes to throw away until the client has read ours */
    if (!gate_open_for_input(g))
        return false;
    size_t most = c->protocol == TLS_MQTT ? (size_t)MQTT_PACKET_MAX : (size_t)HTTP_HEAD_MAX;
    return c->in.len < most;
}

void
connection_expire(struct gate *g, struct connection *c)
{
    switch (c->state) {
    case CONNECTION_OPEN:
        if (c->protocol == TLS_MQTT)
            mqtt_peer_expire(g, c);
        else
            http_peer_expire(g, c);
        return;
    case CONNECTION_HANDSHAKE:
    case CONNECTION_CLOSING:
        gate_drop(g, c);
        return;
    case CONNECTION_FREE:
    default:
        assert_failed("a free connection has no deadline", __FILE__, __LINE__);
    }
}
