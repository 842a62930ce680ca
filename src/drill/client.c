#include "drill/client.h"

#include "base/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 8000, QOS1_PUBLISH = 0x32, SUBSCRIBE = 0x82, REASON_STRING = 0x1f };

struct client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    struct buf in; /* read, and not taken yet */
    uint32_t wait_ms;
};

void
client_identity_in(const char *directory, struct client_identity *out)
{
    out->wait_ms = 0;
    snprintf(out->key, sizeof(out->key), "%s/key.pem", directory);
    snprintf(out->certificate, sizeof(out->certificate), "%s/cert.pem", directory);
    snprintf(out->issuer, sizeof(out->issuer), "%s/ca.pem", directory);
}

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
connect_loopback(uint16_t port, uint32_t wait_ms)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
                    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool
set_up(struct client *c, const struct client_identity *who)
{
    c->context = SSL_CTX_new(TLS_client_method());
    if (!c->context || SSL_CTX_set_min_proto_version(c->context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_load_verify_locations(c->context, who->issuer, NULL) != 1)
        return false;
    SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    if (who->certificate[0] &&
        (SSL_CTX_use_certificate_file(c->context, who->certificate, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_use_PrivateKey_file(c->context, who->key, SSL_FILETYPE_PEM) != 1))
        return false;
    c->ssl = SSL_new(c->context);
    return c->ssl && SSL_set_fd(c->ssl, c->fd) == 1;
}

enum err
client_open(const struct client_identity *who, uint16_t port, struct client **out,
            char out_why[static CLIENT_WHY_SIZE])
{
    struct client *c = calloc(1, sizeof(*c));
    ASSERT(c);
    buf_init(&c->in, CLIENT_ANSWER_MAX);
    c->wait_ms = who->wait_ms ? who->wait_ms : WAIT_MS;
    enum err e = OK;
    c->fd = connect_loopback(port, c->wait_ms);
    if (c->fd < 0) {
        snprintf(out_why, CLIENT_WHY_SIZE, "no connection to port %u: %s", port, strerror(errno));
        e = ERR_IO;
    } else if (!set_up(c, who) || SSL_connect(c->ssl) != 1) {
        unsigned long code = ERR_peek_error();
        snprintf(out_why, CLIENT_WHY_SIZE, "no TLS session: %s",
                 code ? ERR_reason_error_string(code) : "closed");
        e = ERR_CRYPTO;
    }
    ERR_clear_error();
    if (e != OK)
        client_close(c);
    else
        *out = c;
    return e;
}

void
client_close(struct client *c)
{
    if (!c)
        return;
    if (c->ssl)
        SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    if (c->fd >= 0)
        close(c->fd);
    buf_fini(&c->in);
    ERR_clear_error();
    free(c);
}

enum err
client_write(struct client *c, struct bytes what)
{
    size_t done = 0;
    while (done < what.len) {
        size_t n = 0;
        if (SSL_write_ex(c->ssl, what.p + done, what.len - done, &n) != 1) {
            ERR_clear_error();
            return ERR_CLOSED;
        }
        done += n;
    }
    return OK;
}

/* More bytes into c->in. */
static enum err
read_more(struct client *c, uint32_t wait_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    size_t n = 0;
    if (SSL_pending(c->ssl) == 0 && poll(&p, 1, (int)wait_ms) == 0)
        return ERR_AGAIN;
    uint8_t *room = buf_room(&c->in, 16384);
    if (!room)
        return ERR_LIMIT;
    if (SSL_read_ex(c->ssl, room, 16384, &n) != 1) {
        ERR_clear_error();
        return ERR_CLOSED;
    }
    buf_filled(&c->in, n);
    return OK;
}

/* ---- MQTT 5 ---------------------------------------------------------------------------------- */

static void
put_u16(struct buf *b, size_t v)
{
    buf_byte(b, (uint8_t)(v >> 8));
    buf_byte(b, (uint8_t)v);
}

static void
put_text(struct buf *b, const char *text)
{
    put_u16(b, strlen(text));
    buf_text(b, text);
}

static void
put_packet(struct buf *b, uint8_t first, const struct buf *body)
{
    size_t left = body->len;
    buf_byte(b, first);
    do {
        uint8_t digit = left & 0x7f;
        left >>= 7;
        buf_byte(b, left ? digit | 0x80 : digit);
    } while (left);
    buf_put(b, buf_bytes(body));
}

void
client_put_connect(struct buf *b, const char *id)
{
    static const uint8_t head[] = {0, 4, 'M', 'Q', 'T', 'T', 5, 0x02, 0, 60, 0};
    struct buf body;
    buf_init(&body, 4096);
    buf_put(&body, bytes_of(head, sizeof(head)));
    put_text(&body, id);
    put_packet(b, 0x10, &body);
    buf_fini(&body);
}

void
client_put_publish(struct buf *b, const char *topic, uint16_t id, struct bytes payload)
{
    struct buf body;
    buf_init(&body, CLIENT_ANSWER_MAX);
    put_text(&body, topic);
    if (id)
        put_u16(&body, id);
    buf_byte(&body, 0);
    buf_put(&body, payload);
    put_packet(b, id ? QOS1_PUBLISH : CLIENT_PUBLISH, &body);
    buf_fini(&body);
}

void
client_put_subscribe(struct buf *b, const char *filter, uint16_t id)
{
    struct buf body;
    buf_init(&body, 4096);
    put_u16(&body, id);
    buf_byte(&body, 0);
    put_text(&body, filter);
    buf_byte(&body, 1);
    put_packet(b, SUBSCRIBE, &body);
    buf_fini(&body);
}

/* A whole packet at the front of c->in? Its head's and its body's length. */
static bool
whole_packet(const struct client *c, size_t *head, size_t *body)
{
    size_t length = 0;
    for (size_t i = 1; i < c->in.len && i < 5; i++) {
        length |= (size_t)(c->in.p[i] & 0x7f) << 7 * (i - 1);
        if (c->in.p[i] & 0x80)
            continue;
        *head = i + 1;
        *body = length;
        return c->in.len >= i + 1 + length;
    }
    return false;
}

/* The reason string, when it is the first property; the gate sends no other there. */
static void
take_why(struct bytes properties, struct client_answer *out)
{
    if (properties.len < 4 || properties.p[1] != REASON_STRING)
        return;
    size_t n = (size_t)properties.p[2] << 8 | properties.p[3];
    if (n <= properties.len - 4 && n < sizeof(out->why)) {
        memcpy(out->why, properties.p + 4, n);
        out->why[n] = '\0';
    }
}

static void
take_packet(uint8_t kind, struct bytes body, struct client_answer *out)
{
    *out = (struct client_answer){.kind = kind};
    if ((kind == CLIENT_PUBACK || kind == CLIENT_SUBACK) && body.len >= 2) {
        out->id = (uint16_t)(body.p[0] << 8 | body.p[1]);
        body = bytes_skip(body, 2);
    }
    if (kind == CLIENT_SUBACK && body.len >= 2) {
        out->reason = body.p[body.len - 1];
        take_why(body, out);
    } else if (kind == CLIENT_CONNACK && body.len >= 2) {
        out->reason = body.p[1];
        take_why(bytes_skip(body, 2), out);
    } else if ((kind == CLIENT_PUBACK || kind == CLIENT_DISCONNECT) && body.len >= 1) {
        out->reason = body.p[0];
        take_why(bytes_skip(body, 1), out);
    }
}

enum err
client_next(struct client *c, uint32_t wait_ms, struct client_answer *out)
{
    uint64_t end_ms = now_ms() + wait_ms;
    size_t head, body;
    while (!whole_packet(c, &head, &body)) {
        uint64_t now = now_ms();
        enum err e = now < end_ms ? read_more(c, (uint32_t)(end_ms - now)) : ERR_AGAIN;
        if (e != OK)
            return e;
    }
    take_packet(c->in.p[0] & 0xf0, bytes_of(c->in.p + head, body), out);
    buf_drop(&c->in, head + body);
    return OK;
}

enum err
client_exchange(struct client *c, struct bytes what, uint8_t kind, struct client_answer *out)
{
    enum err e = client_write(c, what);
    *out = (struct client_answer){0};
    while (e == OK) {
        e = client_next(c, c->wait_ms, out);
        if (e == OK && (out->kind == kind || out->kind == CLIENT_DISCONNECT))
            break;
    }
    return e;
}

/* ---- HTTP 1.1 -------------------------------------------------------------------------------- */

/* Where the body begins and how long it is said to be; false: the head is not whole. */
static bool
read_head(const struct client *c, size_t *at, size_t *length)
{
    const char *end = c->in.len ? memmem(c->in.p, c->in.len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return false;
    *at = (size_t)(end + 4 - (const char *)c->in.p);
    *length = 0;
    static const char name[] = "\r\ncontent-length: ";
    for (const char *p = (const char *)c->in.p; p < end; p++)
        if (strncasecmp(p, name, sizeof(name) - 1) == 0)
            *length = strtoul(p + sizeof(name) - 1, NULL, 10);
    return true;
}

enum err
client_ask(struct client *c, const struct client_request *r, int *out_status, struct buf *out)
{
    struct buf b;
    size_t at = 0, length = 0;
    buf_init(&b, 2 * 1024 * 1024);
    buf_format(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n", r->method,
               r->target);
    if (r->token)
        buf_format(&b, "Authorization: Bearer %s\r\n", r->token);
    if (r->body)
        buf_format(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                   strlen(r->body));
    buf_text(&b, "\r\n");
    if (r->body)
        buf_text(&b, r->body);
    enum err e = buf_error(&b);
    if (e == OK)
        e = client_write(c, buf_bytes(&b));
    buf_fini(&b);
    /* A refusal may come, and the connection close, before all of a long body was taken. */
    if (e == ERR_CLOSED)
        e = OK;
    while (e == OK && !(read_head(c, &at, &length) && c->in.len >= at + length))
        e = read_more(c, c->wait_ms);
    if (e == OK && c->in.len > 12) {
        *out_status = (c->in.p[9] - '0') * 100 + (c->in.p[10] - '0') * 10 + (c->in.p[11] - '0');
        buf_put(out, bytes_of(c->in.p + at, length));
    }
    return e;
}
