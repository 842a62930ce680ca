/*
 * web_peer.c -- MQTT over WebSocket: GET /mqtt on the https listener becomes an MQTT connection.
 *
 * The certificate of the TLS session is what counts, as everywhere. A browser that holds one would
 * present it for any page that it shows; so a request that names an origin other than this very
 * host is refused, and since the gate serves no pages, no page can name it truthfully. Programs
 * that are not browsers send no Origin, or the host's own.
 */
#include "programs/gate/gate.h"

#include "base/text.h"
#include "http/response.h"

#include <openssl/evp.h>

enum { SHA1_SIZE = 20, CONTROL_ROOM = 512 /* for a pong and a close */ };

enum err
web_peer_accept(struct bytes key, struct buf *out)
{
    char proof[WEBSOCKET_PROOF_LEN];
    uint8_t digest[SHA1_SIZE];
    size_t len = sizeof(digest);
    enum err e = websocket_proof(key, proof);
    if (e != OK)
        return e;
    if (!EVP_Q_digest(NULL, "SHA1", NULL, proof, sizeof(proof), digest, &len) ||
        len != sizeof(digest))
        return ERR_CRYPTO;
    text_put_base64(out, bytes_of(digest, sizeof(digest)));
    return buf_error(out);
}

bool
web_peer_wanted(const struct connection *c)
{
    return bytes_are(c->http.reader.request.target, "/mqtt");
}

static struct bytes
without_default_port(struct bytes host)
{
    static const char port[] = ":443";
    size_t n = sizeof(port) - 1;
    if (host.len > n && bytes_are(bytes_skip(host, host.len - n), port))
        host.len -= n;
    return host;
}

static bool
origin_is_own(const struct http_head *r)
{
    static const char scheme[] = "https://";
    if (!bytes_start(r->origin, scheme))
        return false;
    struct bytes origin = without_default_port(bytes_skip(r->origin, sizeof(scheme) - 1));
    struct bytes host = without_default_port(r->host);
    return bytes_equal(origin, host);
}

/* NULL: it may become a WebSocket. */
static const char *
refusal(const struct connection *c, bool more_came, uint16_t *out_status)
{
    const struct http_head *r = &c->http.reader.request;
    *out_status = 426;
    if (!http_same_word(r->upgrade, "websocket") || !r->connection_upgrade)
        return "this is where MQTT is spoken, over WebSocket: ask for an upgrade";
    if (!bytes_are(r->websocket_version, "13"))
        return "only version 13 of WebSocket is spoken here";
    *out_status = 400;
    if (!bytes_are(r->method, "GET") || c->http.reader.body.len)
        return "a WebSocket begins with a GET without content";
    if (!websocket_list_has(r->websocket_protocol, "mqtt"))
        return "the subprotocol of this WebSocket is mqtt, and must be asked for";
    if (c->peer_opened || more_came)
        return "a WebSocket begins with the only request of its connection";
    *out_status = 403;
    if (c->identity.kind == PEER_STRANGER)
        return "MQTT needs a certificate of this zone's devices or of the city's callers";
    if (r->origin.len && !origin_is_own(r))
        return "a page of another origin may not use a certificate that is in the browser";
    return NULL;
}

const char *
web_peer_upgrade(struct gate *g, struct connection *c, bool more_came, uint16_t *out_status)
{
    const char *why = refusal(c, more_came, out_status);
    if (why)
        return why;
    struct buf accept;
    buf_init(&accept, 64);
    enum err e = web_peer_accept(c->http.reader.request.websocket_key, &accept);
    *out_status = e == OK ? 101 : 400;
    if (e == OK)
        http_put_switch(&c->out, buf_bytes(&accept), "mqtt", clock_wall_us(&g->clock));
    buf_fini(&accept);
    if (e != OK)
        return "Sec-WebSocket-Key must be 16 bytes in base64";
    ASSERT(c->out.len <= TLS_RECORD_MAX && c->out_at == 0 && c->tls.out.len == 0);
    e = tls_write(&c->tls, buf_bytes(&c->out)); /* what follows is in frames */
    buf_reset(&c->out);
    if (e != OK)
        connection_end(g, c);
    http_reader_fini(&c->http.reader);
    c->http = (struct http_peer){.phase = HTTP_READING};
    websocket_init(&c->websocket);
    c->web = true;
    c->protocol = TLS_MQTT;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_FIRST_MS;
    mqtt_peer_begin(g, c);
    return NULL;
}

void
web_peer_take(struct gate *g, struct connection *c, struct bytes plain)
{
    enum err e = websocket_feed(&c->websocket, plain, &c->in);
    if (c->in.len)
        connection_run(g, c);
    gate_mark(g, c);
    if (e == OK)
        return;
    g->refused += e != ERR_CLOSED;
    connection_end(g, c);
}

/* The size of the packet at the start of `out`: nothing but whole ones is ever put there. */
static size_t
packet_size(struct bytes out)
{
    size_t length = 0, at = 1;
    unsigned shift = 0;
    do {
        ASSERT(at < out.len && shift < 28);
        length |= (size_t)(out.p[at] & 0x7F) << shift;
        shift += 7;
    } while (out.p[at++] & 0x80);
    ASSERT(at + length <= out.len);
    return at + length;
}

/*
 * A message for each packet, in one frame if that fits a record, and as many of them as do. One
 * message for many would be as right (MQTT-6.0.0-2), but there are clients that lose packets then.
 */
static void
put_packets(struct connection *c, struct buf *b)
{
    size_t room = TLS_RECORD_MAX - CONTROL_ROOM;
    while (connection_waiting(c)) {
        struct bytes out = bytes_of(c->out.p + c->out_at, connection_waiting(c));
        bool first = c->packet_left == 0;
        size_t left = first ? packet_size(out) : c->packet_left;
        size_t n = left < room - WEBSOCKET_OUT_HEAD_MAX ? left : room - WEBSOCKET_OUT_HEAD_MAX;
        if (b->len + n + WEBSOCKET_OUT_HEAD_MAX > TLS_RECORD_MAX)
            return;
        c->packet_left = left - n;
        websocket_put_data(&c->websocket, bytes_of(out.p, n), first, c->packet_left == 0, b);
        c->out_at += n;
    }
}

void
web_peer_encrypt(struct connection *c)
{
    struct buf *b = &c->gate->scratch;
    buf_reset(b);
    websocket_put_control(&c->websocket, b);
    ASSERT(b->len <= CONTROL_ROOM);
    if (!c->websocket.close_said)
        put_packets(c, b);
    else
        c->out_at = c->out.len; /* the client closed, or broke the rules: W3 */
    if (c->out_at == c->out.len && c->state == CONNECTION_CLOSING && b->len < TLS_RECORD_MAX / 2)
        websocket_put_close(&c->websocket, WEBSOCKET_NORMAL, b);
    ASSERT(buf_error(b) == OK && b->len <= TLS_RECORD_MAX);
    if (b->len && tls_write(&c->tls, buf_bytes(b)) != OK) {
        (void)tls_error();
        c->out_at = c->out.len; /* the stream is broken: nothing more can leave */
    }
}
