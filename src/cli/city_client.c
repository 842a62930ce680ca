#include "cli/city_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/tool.h"
#include "grant/token.h"
#include "programs/judge/token_client.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TOKEN_SECONDS = 900,
    TOKEN_RENEW_MS = 600 * 1000,
    PATIENCE_S = 30,
    TRIES = 20,
    PAUSE_MS = 500,
    REQUEST_MAX = 2 * 1024 * 1024,
};

struct city_client {
    struct city_client_config config;
    char host[200], port[8];
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    struct token_client *asker;
    struct buf token, request, raw;
    uint64_t token_ms;
    const char *why; /* the last question failed */
};

static bool
parse_url(struct city_client *c)
{
    struct bytes rest = bytes_text(c->config.url);
    if (!bytes_start(rest, "https://"))
        return false;
    rest = bytes_skip(rest, strlen("https://"));
    if (rest.len && rest.p[rest.len - 1] == '/')
        rest.len--;
    size_t colon = rest.len;
    while (colon > 0 && rest.p[colon - 1] != ':')
        colon--;
    struct bytes host = bytes_of(rest.p, colon ? colon - 1 : rest.len);
    struct bytes port = colon ? bytes_skip(rest, colon) : bytes_text("443");
    uint64_t number;
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
        host = bytes_of(host.p + 1, host.len - 2);
    return host.len && text_u64(port, 65535, &number) == OK &&
           bytes_copy_text(host, c->host, sizeof(c->host)) == OK &&
           bytes_copy_text(port, c->port, sizeof(c->port)) == OK;
}

static bool
load_credentials(struct city_client *c)
{
    char key[TOOL_PATH_SIZE], certificate[TOOL_PATH_SIZE], issuer[TOOL_PATH_SIZE];
    snprintf(key, sizeof(key), "%s/key.pem", c->config.credentials);
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", c->config.credentials);
    snprintf(issuer, sizeof(issuer), "%s/ca.pem", c->config.credentials);
    c->context = SSL_CTX_new(TLS_client_method());
    bool good = c->context && SSL_CTX_set_min_proto_version(c->context, TLS1_3_VERSION) == 1 &&
                SSL_CTX_use_certificate_chain_file(c->context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey_file(c->context, key, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_load_verify_locations(c->context, issuer, NULL) == 1;
    if (good)
        SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    else
        fprintf(stderr, "bulkhead: %s holds no key.pem, cert.pem and ca.pem that belong together\n",
                c->config.credentials);
    return good;
}

struct city_client *
city_client_new(const struct city_client_config *config)
{
    struct city_client *c = calloc(1, sizeof(*c));
    char why[TOKEN_CLIENT_WHY_SIZE];
    ASSERT(c);
    c->config = *config;
    c->fd = -1;
    buf_init(&c->token, TOKEN_BYTES_MAX + 1);
    buf_init(&c->request, REQUEST_MAX);
    buf_init(&c->raw, CITY_CLIENT_ANSWER_MAX);
    bool good = parse_url(c);
    if (!good)
        fprintf(stderr, "bulkhead: '%s' is no https://HOST:PORT\n", config->url);
    good = good && load_credentials(c);
    if (good && config->caller &&
        token_client_new(config->state, config->caller, &c->asker, why) != OK) {
        fprintf(stderr, "bulkhead: %s\n", why);
        good = false;
    }
    if (good)
        return c;
    city_client_free(c);
    return NULL;
}

static void
hang_up(struct city_client *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    ERR_clear_error();
}

void
city_client_free(struct city_client *c)
{
    if (!c)
        return;
    hang_up(c);
    SSL_CTX_free(c->context);
    token_client_free(c->asker);
    buf_fini(&c->token);
    buf_fini(&c->request);
    buf_fini(&c->raw);
    free(c);
}

static bool
get_token(struct city_client *c)
{
    struct clock_source clock = clock_system();
    char why[TOKEN_CLIENT_WHY_SIZE] = "";
    struct token_wish w = {
        .zone = c->config.zone, .purpose = c->config.purpose, .seconds = TOKEN_SECONDS};
    uint64_t now = clock_mono_ms(&clock);
    if (!c->asker || (c->token.len && now - c->token_ms < TOKEN_RENEW_MS))
        return true;
    int fd = tool_connect(c->config.state, "judge.sock");
    if (fd < 0)
        return false;
    buf_reset(&c->token);
    enum err e = token_client_ask(c->asker, fd, &w, &c->token, why);
    close(fd);
    c->token_ms = now;
    if (e != OK)
        fprintf(stderr, "bulkhead: no token: %s\n", why);
    return e == OK;
}

static bool
dial(struct city_client *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (c->ssl)
        return true;
    c->why = "nobody is there";
    if (getaddrinfo(c->host, c->port, &hints, &list) != 0)
        return false;
    for (const struct addrinfo *a = list; a && c->fd < 0; a = a->ai_next) {
        c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd >= 0 &&
            (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
             connect(c->fd, a->ai_addr, a->ai_addrlen) != 0)) {
            close(c->fd);
            c->fd = -1;
        }
    }
    freeaddrinfo(list);
    if (c->fd < 0)
        return false;
    c->ssl = SSL_new(c->context);
    X509_VERIFY_PARAM *verify = c->ssl ? SSL_get0_param(c->ssl) : NULL;
    if (verify && X509_VERIFY_PARAM_set1_ip_asc(verify, c->host) != 1)
        X509_VERIFY_PARAM_set1_host(verify, c->host, 0);
    c->why = "it is not a gate of this city, or does not take this certificate";
    if (c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_connect(c->ssl) == 1)
        return true;
    hang_up(c);
    return false;
}

static bool
send_request(struct city_client *c, const char *target, const struct bytes *body)
{
    struct buf *b = &c->request;
    buf_reset(b);
    buf_format(b, "%s %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: application/json\r\n",
               body ? "POST" : "GET", target, c->host, c->port);
    if (c->token.len)
        buf_format(b, "Authorization: Bearer %s\r\n", buf_string(&c->token));
    if (body)
        buf_format(b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body->len);
    buf_text(b, "\r\n");
    if (body)
        buf_put(b, *body);
    c->why = "the connection broke";
    return buf_error(b) == OK && SSL_write(c->ssl, b->p, (int)b->len) == (int)b->len;
}

static bool
read_answer(struct city_client *c, struct http_answer *out)
{
    enum err e = ERR_AGAIN;
    size_t want = 16 * 1024;
    buf_reset(&c->raw);
    while (e == ERR_AGAIN) {
        uint8_t *room = buf_room(&c->raw, want);
        int n = room ? SSL_read(c->ssl, room, (int)want) : -1;
        if (n <= 0)
            return false;
        buf_filled(&c->raw, (size_t)n);
        e = http_answer_parse(buf_bytes(&c->raw), out);
    }
    c->why = "it does not speak as a gate does";
    return e == OK;
}

/* Of "Location: URL", which stands in the head of an answer to a POST. */
static void
find_location(const struct city_client *c, const struct http_answer *a, char *to)
{
    static const char name[] = "\r\nlocation: ";
    size_t head = (size_t)(a->body.p ? a->body.p - c->raw.p : (ptrdiff_t)c->raw.len);
    to[0] = '\0';
    for (size_t i = 0; i + strlen(name) < head; i++) {
        if (strncasecmp((const char *)c->raw.p + i, name, strlen(name)) != 0)
            continue;
        struct bytes value = bytes_of(c->raw.p + i + strlen(name), head - i - strlen(name));
        value.len = bytes_find(value, '\r');
        if (bytes_copy_text(value, to, CITY_CLIENT_LOCATION_SIZE) != OK)
            to[0] = '\0';
        return;
    }
}

bool
city_client_ask(struct city_client *c, const char *target, const struct bytes *body, bool again,
                struct city_answer *out)
{
    for (int i = 0; i < TRIES; i++) {
        if (i)
            usleep(PAUSE_MS * 1000);
        if (!get_token(c))
            return false;
        bool good = dial(c) && send_request(c, target, body) && read_answer(c, &out->http);
        if (!good) {
            bool sent = c->ssl != NULL;
            hang_up(c);
            if (sent && !again)
                break;
            continue;
        }
        find_location(c, &out->http, out->location);
        if (out->http.status != 503 && out->http.status != 429)
            return true;
        c->why = "it is too busy, or its ledger does not answer";
    }
    fprintf(stderr, "bulkhead: %s cannot be asked: %s\n", c->config.url, c->why);
    return false;
}
