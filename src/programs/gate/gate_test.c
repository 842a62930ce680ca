/* gate_test.c -- clients, gate and a scripted core in one process: no socket but the channel. */
#include "base/test.h"
#include "programs/gate/gate.h"
#include "programs/gate/throwaway.h"

#include <openssl/pem.h>

static struct throwaway zone_issuer, people_issuer, foreign_issuer, server, device, other, caller,
    foreign, crossed;

struct world {
    struct gate gate;
    struct channel core;
    struct clock_fake clock;
    struct buf log; /* what the core was sent, one line a frame */
    struct publish last_publish;
    uint64_t peer; /* of the last frame */
    uint32_t ref;
};

struct client {
    struct world *w;
    SSL_CTX *context;
    struct tls_stream s;
    struct connection *c;
    uint64_t peer;
    struct buf got; /* plain bytes from the gate */
    bool closed, refused;
};

static struct bytes
pem_of(X509 *x, EVP_PKEY *key, struct buf *b)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int good = x ? PEM_write_bio_X509(bio, x)
                 : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    CHECK(good);
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    buf_init(b, 65536);
    buf_put(b, bytes_of(p, (size_t)n));
    BIO_free(bio);
    return buf_bytes(b);
}

static void
make_certificates(void)
{
    if (server.key)
        return;
#define ISSUE(by, to, says, use)                                                                   \
    CHECK_OK(throwaway_issue(&(by), &(struct throwaway_wish){.names = says, .usage = use}, &(to)))
    CHECK_OK(throwaway_issuer("bikes", &zone_issuer));
    CHECK_OK(throwaway_issuer("people", &people_issuer));
    CHECK_OK(throwaway_issuer("signals", &foreign_issuer));
    ISSUE(zone_issuer, server, "URI:urn:bulkhead:bikes:gate,DNS:localhost", "serverAuth");
    ISSUE(zone_issuer, device, "URI:urn:bulkhead:bikes:device:dock-7", "clientAuth");
    ISSUE(zone_issuer, other, "URI:urn:bulkhead:bikes:device:dock-8", "clientAuth");
    ISSUE(people_issuer, caller, "URI:urn:bulkhead:city:caller:auditor", "clientAuth");
    ISSUE(foreign_issuer, foreign, "URI:urn:bulkhead:bikes:device:dock-7", "clientAuth");
    ISSUE(people_issuer, crossed, "URI:urn:bulkhead:bikes:device:dock-7", "clientAuth");
}

static void
world_init(struct world *w, uint32_t max)
{
    make_certificates();
    memset(w, 0, sizeof(*w));
    struct buf b[4];
    const char *why = "";
    CHECK_OK(tls_init(&w->gate.tls, pem_of(NULL, server.key, &b[0]),
                      pem_of(server.certificate, NULL, &b[1]),
                      pem_of(zone_issuer.certificate, NULL, &b[2]),
                      pem_of(people_issuer.certificate, NULL, &b[3]), &why));
    for (int i = 0; i < 4; i++)
        buf_fini(&b[i]);
    int fds[2];
    CHECK_OK(channel_pair(fds));
    w->clock.mono_ms = 1000000;
    CHECK_OK(gate_init(&w->gate, "bikes", max, fds[0], clock_fake_source(&w->clock), 77));
    channel_init(&w->core, fds[1]);
    buf_init(&w->log, 1 << 20);
}

static void
world_fini(struct world *w)
{
    CHECK(w->gate.count == 0 || w->gate.strangers <= w->gate.count);
    gate_fini(&w->gate);
    CHECK(w->gate.count == 0 && w->gate.strangers == 0 && w->gate.out_total == 0);
    tls_fini(&w->gate.tls);
    channel_fini(&w->core);
    buf_fini(&w->log);
}

static void
core_sees_session(struct world *w, uint16_t id, struct bytes body)
{
    if (id == session_open_id) {
        struct session_open m;
        CHECK_OK(session_open_decode(body, &m));
        buf_format(&w->log, "session %u '%.*s' clean=%u expiry=%u will=%x\n", m.version,
                   BYTES_PRINTF(m.client_id), m.clean_start, m.session_expiry_s, m.will_flags);
    } else if (id == session_close_id) {
        struct session_close m;
        CHECK_OK(session_close_decode(body, &m));
        buf_format(&w->log, "goodbye %u\n", m.reason);
    } else if (id == session_publish_id) {
        struct session_publish m;
        CHECK_OK(session_publish_decode(body, &m));
        buf_format(&w->log, "session publish %u %x %.*s %zu\n", m.packet_id, m.flags,
                   BYTES_PRINTF(m.topic), m.properties.len);
        w->ref = m.ref;
    } else if (id == session_release_id) {
        struct session_release m;
        CHECK_OK(session_release_decode(body, &m));
        buf_format(&w->log, "release %u\n", m.packet_id);
        w->ref = m.ref;
    } else if (id == session_subscribe_id) {
        struct session_subscribe m;
        CHECK_OK(session_subscribe_decode(body, &m));
        buf_format(&w->log, "subscribe %.*s %x id=%u\n", BYTES_PRINTF(m.filter), m.options,
                   m.identifier);
        w->ref = m.ref;
    } else {
        struct session_ack m;
        CHECK_OK(session_ack_decode(body, &m));
        buf_format(&w->log, "ack %u type=%u %x\n", m.packet_id, m.type, m.reason);
    }
}

static enum err
core_sees(void *ctx, uint16_t id, struct bytes body)
{
    struct world *w = ctx;
    if (id == peer_open_id) {
        struct peer_open m;
        CHECK_OK(peer_open_decode(body, &m));
        buf_format(&w->log, "open %u %.*s %zu %u\n", m.kind, BYTES_PRINTF(m.name), m.key_digest.len,
                   m.protocol);
        w->peer = m.peer;
    } else if (id == peer_close_id) {
        struct peer_close m;
        CHECK_OK(peer_close_decode(body, &m));
        buf_text(&w->log, "close\n");
    } else if (id == publish_id) {
        struct publish m;
        CHECK_OK(publish_decode(body, &m));
        buf_format(&w->log, "publish %d %.*s\n", m.ref != 0, BYTES_PRINTF(m.topic));
        w->peer = m.peer;
        w->ref = m.ref;
    } else if (id >= session_open_id && id <= session_ack_id) {
        core_sees_session(w, id, body);
    } else if (id == unsubscribe_id) {
        struct unsubscribe m;
        CHECK_OK(unsubscribe_decode(body, &m));
        buf_format(&w->log, "unsubscribe %.*s\n", BYTES_PRINTF(m.filter));
        w->ref = m.ref;
    } else if (id == ask_id) {
        struct ask m;
        CHECK_OK(ask_decode(body, &m));
        buf_format(&w->log, "ask %.*s %.*s token=%.*s type=%.*s body=%u\n", BYTES_PRINTF(m.method),
                   BYTES_PRINTF(m.target), BYTES_PRINTF(m.token), BYTES_PRINTF(m.content_type),
                   m.body_length);
        w->peer = m.peer;
        w->ref = m.ref;
    } else if (id == ask_body_id) {
        struct ask_body m;
        CHECK_OK(ask_body_decode(body, &m));
        buf_format(&w->log, "part %zu\n", m.part.len);
    } else {
        return ERR_MALFORMED;
    }
    return OK;
}

/* What the core was sent since the last call. */
static const char *
core_log(struct world *w)
{
    buf_reset(&w->log);
    do {
        gate_round(&w->gate);
        enum err e;
        while ((e = channel_receive(&w->core, core_sees, w)) == OK)
            ;
        CHECK(e == ERR_AGAIN);
    } while (channel_waiting(&w->gate.core));
    return buf_string(&w->log);
}

#define CORE_SAYS(w, name, ...)                                                                    \
    ({                                                                                             \
        struct name m_ = {__VA_ARGS__};                                                            \
        struct buf b_;                                                                             \
        buf_init(&b_, CHANNEL_FRAME_MAX);                                                          \
        name##_encode(&m_, &b_);                                                                   \
        enum err e_ = gate_core_frame(&(w)->gate, name##_id, buf_bytes(&b_));                      \
        buf_fini(&b_);                                                                             \
        gate_round(&(w)->gate);                                                                    \
        e_;                                                                                        \
    })

static void
client_init(struct client *x, struct world *w, enum tls_protocol protocol,
            const struct throwaway *who)
{
    *x = (struct client){.w = w};
    x->context = SSL_CTX_new(TLS_client_method());
    CHECK(x->context);
    if (who)
        CHECK(SSL_CTX_use_certificate(x->context, who->certificate) &&
              SSL_CTX_use_PrivateKey(x->context, who->key));
    CHECK_OK(tls_open(&x->s, x->context, true));
    x->c = gate_adopt(&w->gate, -1, protocol);
    CHECK(x->c);
    x->peer = x->c->peer;
    buf_init(&x->got, 1 << 24);
}

static void
client_fini(struct client *x)
{
    tls_close(&x->s);
    SSL_CTX_free(x->context);
    buf_fini(&x->got);
}

static bool
is_there(const struct client *x)
{
    return x->c->state != CONNECTION_FREE && x->c->peer == x->peer;
}

/* Everything that the client wrote goes to the gate. */
static bool
carry_up(struct client *x)
{
    if (x->s.out.len == 0 || !is_there(x))
        return false;
    struct bytes bytes = test_exact(buf_bytes(&x->s.out));
    buf_reset(&x->s.out);
    connection_take(&x->w->gate, x->c, bytes);
    test_exact_free(bytes);
    gate_round(&x->w->gate);
    return true;
}

static bool
carry_down(struct client *x)
{
    bool moved = false;
    uint8_t plain[4096];
    while (is_there(x) && connection_encrypt(x->c)) {
        struct bytes bytes = test_exact(buf_bytes(&x->c->tls.out));
        buf_reset(&x->c->tls.out);
        tls_give(&x->s, bytes);
        moved = true;
        enum err e = SSL_is_init_finished(x->s.ssl) ? OK : tls_handshake(&x->s);
        while (e == OK) {
            size_t n;
            e = tls_read(&x->s, plain, sizeof(plain), &n);
            if (e == OK)
                buf_put(&x->got, bytes_of(plain, n));
        }
        x->closed |= e == ERR_CLOSED;
        x->refused |= e == ERR_CRYPTO;
        x->s.in = (struct bytes){NULL, 0};
        test_exact_free(bytes);
    }
    return moved;
}

static void
pump(struct client *x)
{
    if (!SSL_is_init_finished(x->s.ssl) && !x->refused)
        x->refused |= tls_handshake(&x->s) == ERR_CRYPTO;
    for (int i = 0; i < 100; i++) {
        bool up = carry_up(x), down = carry_down(x);
        if (!up && !down)
            break;
    }
    gate_round(&x->w->gate);
}

static void
say(struct client *x, struct bytes text)
{
    pump(x);
    buf_reset(&x->got);
    while (text.len) {
        size_t n = text.len < TLS_RECORD_MAX ? text.len : TLS_RECORD_MAX;
        CHECK_OK(tls_write(&x->s, bytes_of(text.p, n)));
        text = bytes_skip(text, n);
        pump(x);
    }
}
#define SAY(x, literal) say(x, bytes_of(literal, sizeof(literal) - 1))
#define GOT(x, literal) bytes_equal(buf_bytes(&(x)->got), bytes_of(literal, sizeof(literal) - 1))
#define CORE_LOG(w, text) (strcmp(core_log(w), text) == 0)

/* The core's word to CONNECT. */
static void
open_session(struct client *x, const char *given)
{
    CHECK_OK(CORE_SAYS(x->w, session_opened, .peer = x->peer, .client_id = bytes_text(given)));
    pump(x);
}

/* CONNECT of 3.1.1 or 5 without a client id, until it is up. */
static void
come_up(struct client *x, uint8_t version)
{
    if (version == MQTT_V5)
        SAY(x, "\x10\x0d\0\4MQTT\5\2\0\x0a\0\0\0");
    else
        SAY(x, "\x10\x0c\0\4MQTT\4\2\0\x0a\0\0");
    CHECK(x->got.len == 0);
    core_log(x->w);
    open_session(x, "given");
    CHECK(x->got.len >= 4 && x->got.p[0] == 0x20 && x->got.p[3] == 0);
    buf_reset(&x->got);
}

static const char connect311[] = "\x10\x0c\0\4MQTT\4\2\0\x0a\0\0";

TEST(a_publish_is_acknowledged_after_the_core_has_answered)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    SAY(&x, "\x10\x0c\0\4MQTT\4\2\0\x0a\0\0\xc0\0");
    CHECK(x.got.len == 0);
    CHECK(CORE_LOG(&w, "open 1 dock-7 32 1\nsession 4 '' clean=1 expiry=0 will=0\n"));
    CHECK(w.peer == x.peer && w.gate.strangers == 0);
    /* who asked for a name must get one, and only then */
    CHECK(CORE_SAYS(&w, session_opened, .peer = x.peer) == ERR_MALFORMED);
    CHECK(CORE_SAYS(&w, session_opened, .peer = x.peer, .reason = 1) == ERR_MALFORMED);
    open_session(&x, "dock-7-1");
    CHECK(GOT(&x, "\x20\2\0\0\xd0\0"));
    CHECK(CORE_SAYS(&w, session_opened, .peer = x.peer, .client_id = bytes_text("a")) ==
          ERR_MALFORMED);
    SAY(&x, "\x32\6\0\1a\0\5x\x30\4\0\1bx");
    CHECK(x.got.len == 0);
    CHECK(CORE_LOG(&w, "publish 1 a\npublish 0 b\n"));
    /* found by drills/messages: the answer to a filter is none to a publish */
    CHECK(CORE_SAYS(&w, subscribed, .peer = x.peer, .ref = 1, .reason = 0) == ERR_MALFORMED);
    pump(&x);
    CHECK(x.got.len == 0);
    CHECK_OK(CORE_SAYS(&w, published, .peer = x.peer, .ref = 1, .reason = 0));
    pump(&x);
    CHECK(GOT(&x, "\x40\2\0\5"));
    SAY(&x, "\x82\6\0\6\0\1t\1");
    CHECK(CORE_LOG(&w, "subscribe t 1 id=0\n"));
    CHECK_OK(CORE_SAYS(&w, subscribed, .peer = x.peer, .ref = w.ref, .reason = 1));
    CHECK_OK(CORE_SAYS(&w, session_deliver, .peer = x.peer, .topic = bytes_text("t"),
                       .payload = bytes_text("v")));
    pump(&x);
    CHECK(GOT(&x, "\x90\3\0\6\1\x30\4\0\1tv"));
    SAY(&x, "\xe0\0");
    CHECK(x.closed && CORE_LOG(&w, "goodbye 0\nclose\n"));
    client_fini(&x);
    world_fini(&w);
}

TEST(what_a_session_needs_reaches_the_core_and_comes_back)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    SAY(&x,
        "\x10\x2d\0\4MQTT\5\x36\0\x0a\x08\x11\0\0\0\x3c\x22\0\2\0\3one" /* will: QoS 2, retained, */
        "\x0c\x01\1\x18\0\0\0\7\x02\0\0\0\5\0\1w\0\3bye");              /* later */
    CHECK(w.gate.scratch.len == 7); /* the will's properties without its delay */
    CHECK(x.got.len == 0);
    const char *log = core_log(&w);
    CHECK(strstr(log, "session 5 'one' clean=1 expiry=60 will=d\n"));
    open_session(&x, "");
    CHECK(x.got.p[0] == 0x20 && x.got.p[3] == 0);
    SAY(&x, "\x35\x0c\0\1a\0\x09\5\x23\0\1\x01\1x"); /* QoS 2, retained, alias, format */
    CHECK(CORE_LOG(&w, "session publish 9 6 a 2\n"));
    CHECK_OK(CORE_SAYS(&w, published, .peer = x.peer, .ref = w.ref));
    SAY(&x, "\x62\2\0\x09");
    CHECK(CORE_LOG(&w, "release 9\n"));
    CHECK_OK(CORE_SAYS(&w, published, .peer = x.peer, .ref = w.ref));
    pump(&x);
    CHECK(GOT(&x, "\x70\2\0\x09"));
    SAY(&x, "\x32\x09\0\0\0\1\3\x23\0\1x"); /* only an alias: the short way */
    CHECK(CORE_LOG(&w, "publish 1 a\n"));
    SAY(&x, "\x82\x0b\0\7\2\x0b\5\0\3a/+\x2e");
    CHECK(CORE_LOG(&w, "subscribe a/+ 2e id=5\n"));
    CHECK_OK(CORE_SAYS(&w, session_deliver, .peer = x.peer, .packet_id = 3, .flags = 2 | 4 | 8,
                       .topic = bytes_text("a/b"), .properties = bytes_text("\x0b\5"),
                       .payload = bytes_text("v")));
    CHECK_OK(CORE_SAYS(&w, session_deliver_release, .peer = x.peer, .packet_id = 4));
    pump(&x);
    CHECK(GOT(&x, "\x3d\x0e\0\3a/b\0\3\5\x23\0\1\x0b\5v\x62\2\0\4"));
    SAY(&x, "\x50\2\0\3\x70\3\0\4\x92");
    CHECK(CORE_LOG(&w, "ack 3 type=5 0\nack 4 type=7 92\n"));
    SAY(&x, "\xe0\1\4");
    CHECK(x.closed && CORE_LOG(&w, "goodbye 4\nclose\n"));
    client_fini(&x);
    world_fini(&w);
}

/* Which session a client id names, and so whose connection ends, is the core's decision. */
TEST(a_second_session_of_a_device_ends_the_first)
{
    struct world w;
    struct client a, b;
    world_init(&w, 16);
    client_init(&a, &w, TLS_MQTT, &device);
    client_init(&b, &w, TLS_MQTT, &device);
    come_up(&a, MQTT_V5);
    come_up(&b, MQTT_V311);
    CHECK(a.c->state == CONNECTION_OPEN && b.c->state == CONNECTION_OPEN);
    CHECK_OK(CORE_SAYS(&w, peer_drop, .peer = a.peer, .reason = MQTT_TAKEN_OVER));
    pump(&a);
    CHECK(GOT(&a, "\xe0\1\x8e") && a.closed && CORE_LOG(&w, "close\n"));
    CHECK(b.c->state == CONNECTION_OPEN);
    CHECK_OK(CORE_SAYS(&w, published, .peer = a.peer, .ref = 1)); /* late, for the first: ignored */
    client_fini(&a);
    client_fini(&b);
    world_fini(&w);
}

TEST(a_core_that_delivers_nonsense_is_broken)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    come_up(&x, MQTT_V5);
#define DELIVER(...)                                                                               \
    CORE_SAYS(&w, session_deliver, .peer = x.peer, .topic = bytes_text("t"), __VA_ARGS__)
    CHECK(DELIVER(.flags = 3, .packet_id = 1) == ERR_MALFORMED);
    CHECK(DELIVER(.flags = 1) == ERR_MALFORMED);
    CHECK(DELIVER(.packet_id = 1) == ERR_MALFORMED);
    CHECK(DELIVER(.properties = bytes_of("\x23\0\1", 3)) == ERR_MALFORMED); /* an alias */
    CHECK(DELIVER(.properties = bytes_of("\x01", 1)) == ERR_MALFORMED);
    CHECK(CORE_SAYS(&w, session_deliver, .peer = x.peer) == ERR_MALFORMED); /* no topic */
    CHECK(CORE_SAYS(&w, session_deliver_release, .peer = x.peer) == ERR_MALFORMED);
    CHECK_OK(CORE_SAYS(&w, session_deliver, .peer = x.peer + 1, .topic = bytes_text("t")));
    pump(&x);
    CHECK(x.got.len == 0);
    client_fini(&x);
    client_init(&x, &w, TLS_MQTT, &device);
    SAY(&x, "\x10\x12\0\4MQTT\5\2\0\x0a\5\x27\0\0\0\x1e\0\0");
    core_log(&w);
    open_session(&x, "a");
    buf_reset(&x.got);
    CHECK_OK(
        DELIVER(.flags = 1, .packet_id = 7, .payload = bytes_text("more than this client takes")));
    CHECK_OK(
        DELIVER(.flags = 2, .packet_id = 8, .payload = bytes_text("more than this client takes")));
    CHECK_OK(DELIVER(.payload = bytes_text("more than this client takes")));
    CHECK(CORE_LOG(&w, "ack 7 type=4 95\nack 8 type=5 95\n")); /* MQTT-3.1.2-25 */
    pump(&x);
    CHECK(x.got.len == 0 && !x.closed);
    client_fini(&x);
    world_fini(&w);
}

TEST(who_has_no_right_certificate_reaches_nothing)
{
    static const struct throwaway *const bad[] = {NULL, &foreign, &crossed, &server};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct world w;
        struct client x;
        world_init(&w, 16);
        client_init(&x, &w, TLS_MQTT, bad[i]);
        pump(&x);
        if (SSL_is_init_finished(x.s.ssl)) {
            CHECK_OK(tls_write(&x.s, bytes_of(connect311, sizeof(connect311) - 1)));
            pump(&x);
        }
        CHECK(x.got.len == 0 && (x.refused || x.closed));
        CHECK(CORE_LOG(&w, "") && w.gate.refused > 0);
        client_fini(&x);
        world_fini(&w);
    }
}

static bool
got_text(struct client *x, const char *text)
{
    return strstr(buf_string(&x->got), text) != NULL;
}

TEST(a_question_is_passed_on_and_its_answer_comes_back)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_HTTP, NULL);
    SAY(&x, "GET /v1.1/Things?$top=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer tok\r\n\r\n"
            "HEAD /second HTTP/1.1\r\nHost: h\r\nAccept: text/html, */*\r\n\r\n");
    CHECK(CORE_LOG(&w, "open 0  0 0\nask GET /v1.1/Things?$top=1 token=tok type= body=0\n"));
    CHECK_OK(CORE_SAYS(&w, answer, .peer = x.peer, .ref = w.ref, .status = 200,
                       .content_type = bytes_text("application/json"), .body_length = 5));
    CHECK_OK(CORE_SAYS(&w, answer_body, .peer = x.peer, .ref = w.ref, .part = bytes_text("[1,")));
    CHECK(CORE_LOG(&w, "")); /* one at a time */
    CHECK_OK(CORE_SAYS(&w, answer_body, .peer = x.peer, .ref = w.ref, .part = bytes_text("2]")));
    pump(&x);
    CHECK(got_text(&x, "HTTP/1.1 200 OK\r\n") && got_text(&x, "Content-Length: 5\r\n"));
    CHECK(got_text(&x, "\r\n\r\n[1,2]"));
    CHECK(CORE_LOG(&w, "ask HEAD /second token= type=text/html body=0\n"));
    buf_reset(&x.got);
    CHECK_OK(CORE_SAYS(&w, answer, .peer = x.peer, .ref = w.ref, .status = 405, .body_length = 2));
    CHECK_OK(CORE_SAYS(&w, answer_body, .peer = x.peer, .ref = w.ref, .part = bytes_text("no")));
    pump(&x);
    CHECK(got_text(&x, "HTTP/1.1 405 ") && !got_text(&x, "\r\n\r\nno"));
    CHECK(CORE_SAYS(&w, answer, .peer = x.peer, .ref = w.ref, .status = 200) == ERR_MALFORMED);
    CHECK(CORE_SAYS(&w, published, .peer = x.peer, .ref = w.ref) == ERR_MALFORMED);
    CHECK(CORE_SAYS(&w, ask, .peer = x.peer) == ERR_MALFORMED); /* the wrong direction */
    client_fini(&x);
    world_fini(&w);
}

#define WEB_HEAD(path, protocol, origin)                                                           \
    "GET " path " HTTP/1.1\r\nHost: gate:8444\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"    \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                 \
    "Sec-WebSocket-Protocol: " protocol "\r\n" origin "\r\n"

/* The client's frames are masked with zeros: they can be read below. */
TEST(mqtt_is_spoken_in_frames_of_a_websocket)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_HTTP, &device);
    SAY(&x, WEB_HEAD("/mqtt", "mqttv3.1, mqtt", "Origin: https://gate:8444\r\n"));
    CHECK(got_text(&x, "HTTP/1.1 101 "));
    CHECK(got_text(&x, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    CHECK(CORE_LOG(&w, ""));
    SAY(&x, "\x02\x84\0\0\0\0\x10\x0c\0\4\x89\x82\0\0\0\0hi"); /* half a CONNECT, a ping */
    CHECK(GOT(&x, "\x8a\2hi"));
    SAY(&x, "\x80\x8a\0\0\0\0MQTT\4\2\0\x0a\0\0");
    CHECK(CORE_LOG(&w, "open 1 dock-7 32 1\nsession 4 '' clean=1 expiry=0 will=0\n"));
    open_session(&x, "given");
    CHECK(GOT(&x, "\x82\4\x20\2\0\0"));
    SAY(&x, "\x82\x8a\0\0\0\0\x32\6\0\1a\0\5x\xc0\0"); /* two packets in one message */
    CHECK(GOT(&x, "\x82\2\xd0\0") && CORE_LOG(&w, "publish 1 a\n"));
    CHECK_OK(CORE_SAYS(&w, published, .peer = x.peer, .ref = w.ref));
    static uint8_t payload[40000];
    CHECK_OK(CORE_SAYS(&w, session_deliver, .peer = x.peer, .topic = bytes_text("t"),
                       .payload = bytes_of(payload, sizeof(payload))));
    buf_reset(&x.got);
    pump(&x); /* a message for each packet, in frames that fit a record */
    CHECK(x.got.len == 2 + 4 + 7 + sizeof(payload) + 3 * 4);
    CHECK(memcmp(x.got.p, "\x82\4\x40\2\0\5\x02\x7e\x3d\xfc\x30", 11) == 0);
    CHECK(memcmp(x.got.p + 6 + 4 + 0x3dfc, "\0\x7e\x3d\xfc", 4) == 0);
    CHECK(memcmp(x.got.p + 6 + 8 + 2 * 0x3dfc, "\x80\x7e", 2) == 0);
    SAY(&x, "\x82\x82\0\0\0\0\xe0\0");
    CHECK(GOT(&x, "\x88\2\3\xe8") && x.closed && CORE_LOG(&w, "goodbye 0\nclose\n"));
    client_fini(&x);

    client_init(&x, &w, TLS_HTTP, &device); /* text is not what MQTT travels in */
    SAY(&x, WEB_HEAD("/mqtt", "mqtt", ""));
    SAY(&x, "\x81\x81\0\0\0\0x");
    CHECK(GOT(&x, "\x88\2\3\xeb") && x.closed && CORE_LOG(&w, ""));
    client_fini(&x);
    client_init(&x, &w, TLS_HTTP, &device); /* the client leaves without DISCONNECT */
    SAY(&x, WEB_HEAD("/mqtt", "mqtt", ""));
    SAY(&x, "\x82\x8e\0\0\0\0\x10\x0c\0\4MQTT\4\2\0\x0a\0\0");
    core_log(&w);
    open_session(&x, "given");
    SAY(&x, "\x88\x80\0\0\0\0");
    CHECK(GOT(&x, "\x88\2\3\xe8") && x.closed && CORE_LOG(&w, "close\n"));
    client_fini(&x);
    world_fini(&w);
}

TEST(a_websocket_has_its_place_and_its_certificate)
{
    static const struct {
        const char *head, *status;
        const struct throwaway *who;
    } rows[] = {
        {WEB_HEAD("/mqtt", "mqtt", ""), "HTTP/1.1 403 ", NULL},
        {WEB_HEAD("/mqtt", "mqtt", "Origin: https://evil\r\n"), "HTTP/1.1 403 ", &device},
        {WEB_HEAD("/mqtt", "mqtt", "Origin: http://gate:8444\r\n"), "HTTP/1.1 403 ", &device},
        {WEB_HEAD("/mqtt", "mqtt", "Origin: null\r\n"), "HTTP/1.1 403 ", &caller},
        {WEB_HEAD("/mqtt", "soap", ""), "HTTP/1.1 400 ", &device},
        {WEB_HEAD("/mqtt", "mqtt", "") "x", "HTTP/1.1 400 ", &device},
        {"GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 426 ", &device},
        {"GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 8\r\n\r\n",
         "HTTP/1.1 426 ", &device},
        {"GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"
         "Sec-WebSocket-Key: short\r\n\r\n",
         "HTTP/1.1 400 ", &device},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct world w;
        struct client x;
        world_init(&w, 16);
        client_init(&x, &w, TLS_HTTP, rows[i].who);
        say(&x, bytes_text(rows[i].head));
        CHECK(got_text(&x, rows[i].status) && x.closed && CORE_LOG(&w, ""));
        client_fini(&x);
        world_fini(&w);
    }
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_HTTP, &device); /* elsewhere an offer to upgrade is not taken up */
    SAY(&x, WEB_HEAD("/v1.1", "mqtt", ""));
    CHECK(CORE_LOG(&w, "open 1 dock-7 32 0\nask GET /v1.1 token= type= body=0\n"));
    client_fini(&x);
    world_fini(&w);
}

TEST(bodies_travel_in_parts_and_strangers_get_less)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_text(&b, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                 "Content-Length: 130000\r\n\r\n");
    size_t head = b.len;
    for (int i = 0; i < 130000; i++)
        buf_byte(&b, 'x');
    client_init(&x, &w, TLS_HTTP, &caller);
    say(&x, buf_bytes(&b));
    CHECK(CORE_LOG(&w, "open 2 auditor 32 0\n"
                       "ask POST /x token= type=application/json body=130000\n"
                       "part 60000\npart 60000\npart 10000\n"));
    client_fini(&x);
    client_init(&x, &w, TLS_HTTP, NULL);
    say(&x, bytes_of(b.p, head));
    CHECK(got_text(&x, "HTTP/1.1 413 ") && x.closed && CORE_LOG(&w, ""));
    client_fini(&x);
    client_init(&x, &w, TLS_HTTP, NULL);
    SAY(&x, "GET / HTTP/1.1\nHost: h\n\n");
    CHECK(got_text(&x, "HTTP/1.1 400 ") && x.closed && CORE_LOG(&w, ""));
    client_fini(&x);
    client_init(&x, &w, TLS_HTTP, NULL);
    SAY(&x, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    CHECK(GOT(&x, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_fini(&x);
    buf_fini(&b);
    world_fini(&w);
}

TEST(strangers_hold_a_quarter_and_the_oldest_idle_one_goes)
{
    struct world w;
    struct client x[3];
    world_init(&w, 8);
    for (int i = 0; i < 2; i++) {
        client_init(&x[i], &w, TLS_HTTP, NULL);
        w.clock.mono_ms += 10;
        pump(&x[i]);
    }
    CHECK(w.gate.strangers == 2);
    SAY(&x[0], "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); /* the older one waits for an answer */
    client_init(&x[2], &w, TLS_HTTP, NULL);
    CHECK(is_there(&x[0]) && !is_there(&x[1]) && w.gate.strangers == 2);
    pump(&x[2]);
    SAY(&x[2], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(!gate_adopt(&w.gate, -1, TLS_HTTP)); /* both are busy */
    struct client d;
    CHECK_OK(CORE_SAYS(&w, peer_drop, .peer = x[0].peer));
    client_init(&d, &w, TLS_MQTT, &device); /* one that is leaving makes room */
    pump(&d);
    CHECK(w.gate.strangers == 1 && w.gate.count == 2);
    for (int i = 0; i < 3; i++)
        client_fini(&x[i]);
    client_fini(&d);
    world_fini(&w);
}

TEST(every_wait_has_an_end)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_HTTP, NULL); /* never says hello */
    w.clock.mono_ms += CONNECTION_HANDSHAKE_MS - 1;
    gate_tick(&w.gate);
    CHECK(is_there(&x));
    w.clock.mono_ms += 1;
    gate_tick(&w.gate);
    CHECK(!is_there(&x));
    client_fini(&x);

    client_init(&x, &w, TLS_HTTP, NULL); /* trickles one request */
    for (int i = 0; i < 20 && !x.closed; i++) {
        SAY(&x, "G");
        w.clock.mono_ms += 1000;
        gate_tick(&w.gate);
        pump(&x);
    }
    CHECK(x.closed && got_text(&x, "HTTP/1.1 408 "));
    client_fini(&x);

    client_init(&x, &w, TLS_HTTP, &device); /* the core does not answer */
    SAY(&x, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    w.clock.mono_ms += CONNECTION_ANSWER_MS;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(x.closed && got_text(&x, "HTTP/1.1 504 "));
    CHECK_OK(CORE_SAYS(&w, answer, .peer = x.peer, .ref = 1, .status = 200)); /* too late */
    w.clock.mono_ms += CONNECTION_CLOSING_MS;
    gate_tick(&w.gate);
    CHECK(!is_there(&x));
    client_fini(&x);

    client_init(&x, &w, TLS_MQTT, &device); /* no CONNECT */
    pump(&x);
    w.clock.mono_ms += CONNECTION_FIRST_MS;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(x.closed);
    client_fini(&x);

    client_init(&x, &w, TLS_MQTT, &device); /* the core does not open the session */
    SAY(&x, "\x10\x0c\0\4MQTT\4\2\0\x0a\0\0");
    w.clock.mono_ms += CONNECTION_FIRST_MS;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(!x.closed);
    w.clock.mono_ms += CONNECTION_ANSWER_MS - CONNECTION_FIRST_MS;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(x.closed && GOT(&x, "\x20\2\0\3"));
    core_log(&w);
    client_fini(&x);

    client_init(&x, &w, TLS_MQTT, &device); /* keep-alive 10 s, and half more */
    come_up(&x, MQTT_V5);
    w.clock.mono_ms += 10000;
    SAY(&x, "\xc0\0");
    CHECK(GOT(&x, "\xd0\0"));
    w.clock.mono_ms += 14999;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(!x.closed);
    buf_reset(&x.got);
    w.clock.mono_ms += 1;
    gate_tick(&w.gate);
    pump(&x);
    CHECK(x.closed && GOT(&x, "\xe0\1\x8d"));
    client_fini(&x);
    world_fini(&w);
}

TEST(when_the_core_is_slow_the_network_waits)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    come_up(&x, MQTT_V311);
    static uint8_t big[50004] = {0x30, 0xd0, 0x86, 3, 0, 1, 'a'}; /* QoS 0, 50,000 bytes */
    int sent = 0;
    while (connection_wants_input(&w.gate, x.c) && sent < 1000) {
        say(&x, bytes_of(big, sizeof(big)));
        sent++;
    }
    CHECK(sent > 20 && sent < 500);
    CHECK(channel_waiting(&w.gate.core) < GATE_CORE_WAITING_MAX + 2 * CHANNEL_PACKET_MAX);
    uint64_t before = w.gate.publishes;
    say(&x, bytes_of("\x30\3\0\1z", 5));
    CHECK(w.gate.publishes == before && x.c->in.len > 0);
    const char *log = core_log(&w);
    CHECK(strstr(log, "publish 0 a\n"));
    log = core_log(&w);
    CHECK(w.gate.publishes == (uint64_t)sent + 1 && x.c->in.len == 0);
    client_fini(&x);
    world_fini(&w);
}

/* Held back and let go on within one round: nobody else would ever wake it. */
TEST(who_waited_for_the_core_goes_on_when_it_takes_more_at_once)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    come_up(&x, MQTT_V311);
    static uint8_t big[50004] = {0x30, 0xd0, 0x86, 3, 0, 1, 'a'}; /* QoS 0, 50,000 bytes */
    while (channel_waiting(&w.gate.core) + sizeof(big) < GATE_CORE_WAITING_MAX)
        say(&x, bytes_of(big, sizeof(big)));
    CHECK(connection_wants_input(&w.gate, x.c));
    while (channel_receive(&w.core, core_sees, &w) == OK)
        ; /* what the kernel held: there is room now */
    uint64_t before = w.gate.publishes;
    for (int i = 0; i < 2; i++) {
        for (struct bytes b = bytes_of(big, sizeof(big)); b.len > 0;) {
            size_t n = b.len < TLS_RECORD_MAX ? b.len : TLS_RECORD_MAX;
            CHECK_OK(tls_write(&x.s, bytes_of(b.p, n)));
            b = bytes_skip(b, n);
            connection_take(&w.gate, x.c, buf_bytes(&x.s.out));
            buf_reset(&x.s.out);
        }
    }
    CHECK(w.gate.publishes == before + 1 && x.c->in.len == sizeof(big));
    CHECK(!connection_wants_input(&w.gate, x.c));
    CHECK(gate_round(&w.gate) == 0); /* once more, at once */
    CHECK(connection_wants_input(&w.gate, x.c));
    gate_round(&w.gate);
    CHECK(w.gate.publishes == before + 2 && x.c->in.len == 0);
    client_fini(&x);
    world_fini(&w);
}

TEST(a_new_core_means_that_everyone_comes_again)
{
    struct world w;
    struct client x, y;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    client_init(&y, &w, TLS_HTTP, &caller);
    come_up(&x, MQTT_V5);
    SAY(&y, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    core_log(&w);
    buf_reset(&x.got);
    uint8_t none;
    CHECK_OK(gate_core_frame(&w.gate, core_started_id, bytes_of(&none, 0)));
    pump(&x);
    pump(&y);
    CHECK(x.closed && y.closed && GOT(&x, "\xe0\1\x89"));
    CHECK(CORE_LOG(&w, "close\nclose\n")); /* if it knows them, it is for a moment only */
    CHECK(gate_core_frame(&w.gate, 0x7777, bytes_of(&none, 0)) == ERR_MALFORMED);
    client_fini(&x);
    client_fini(&y);
    world_fini(&w);
}

TEST(a_client_that_does_not_read_is_let_go)
{
    struct world w;
    struct client x;
    world_init(&w, 16);
    client_init(&x, &w, TLS_MQTT, &device);
    come_up(&x, MQTT_V311);
    static uint8_t payload[50000];
    for (int i = 0; i < 100 && x.c->state == CONNECTION_OPEN; i++)
        CHECK_OK(CORE_SAYS(&w, session_deliver, .peer = x.peer, .topic = bytes_text("t"),
                           .payload = bytes_of(payload, sizeof(payload))));
    CHECK(x.c->state == CONNECTION_CLOSING);
    CHECK(connection_waiting(x.c) < CONNECTION_MQTT_OUT_MAX + 2 * sizeof(payload));
    client_fini(&x);
    world_fini(&w);
}
