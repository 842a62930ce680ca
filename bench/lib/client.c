#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void
die(const char *what)
{
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

uint64_t
now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

const char *
second_text(int64_t second)
{
    static char text[SECOND_TEXT + 1];
    static int64_t of = -1;
    if (second == of)
        return text;
    time_t t = second;
    struct tm tm;
    gmtime_r(&t, &tm);
    of = second;
    if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) != SECOND_TEXT)
        die("the year has four digits");
    return text;
}

SSL_CTX *
client_context(const char *folder)
{
    static char last[512];
    static SSL_CTX *ctx;
    char path[600];
    if (ctx && strcmp(last, folder) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    snprintf(last, sizeof(last), "%s", folder);
    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1); /* one read(2) a record, not two */
    snprintf(path, sizeof(path), "%s/ca.pem", folder);
    if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1)
        die(path);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    snprintf(path, sizeof(path), "%s/cert.pem", folder);
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        die(path);
    snprintf(path, sizeof(path), "%s/key.pem", folder);
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
        die(path);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

void
link_open(struct link *l, int port, SSL_CTX *ctx, const char *protocol)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int one = 1;
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    l->ssl = NULL;
    if (!ctx)
        return;
    unsigned char alpn[32];
    size_t len = strlen(protocol);
    alpn[0] = (unsigned char)len;
    memcpy(alpn + 1, protocol, len);
    l->ssl = SSL_new(ctx);
    SSL_set_fd(l->ssl, l->fd);
    SSL_set_alpn_protos(l->ssl, alpn, (unsigned)len + 1);
    if (SSL_connect(l->ssl) != 1)
        die("TLS handshake");
}

void
link_nonblocking(struct link *l)
{
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

static size_t
tls_result(struct link *l, int n, const char *what)
{
    if (n > 0)
        return (size_t)n;
    int error = SSL_get_error(l->ssl, n);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        die(what);
    return 0;
}

size_t
link_write(struct link *l, const void *p, size_t len)
{
    if (l->ssl)
        return tls_result(l, SSL_write(l->ssl, p, (int)len), "write");
    ssize_t n = send(l->fd, p, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        die("write");
    return n < 0 ? 0 : (size_t)n;
}

bool
link_has_more(struct link *l)
{
    return l->ssl && SSL_has_pending(l->ssl);
}

size_t
link_read(struct link *l, void *p, size_t size)
{
    if (l->ssl)
        return tls_result(l, SSL_read(l->ssl, p, (int)size), "read");
    ssize_t n = recv(l->fd, p, size, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        die(n == 0 ? "the server closed the connection" : "read");
    return n < 0 ? 0 : (size_t)n;
}

/* ---- figures ---- */

enum { FINE = 65536, STEP_BITS = 6, COARSE = 48 << STEP_BITS };
static uint64_t fine[FINE], coarse[COARSE], count;

/* Values of 2^16 and more: the exponent and the next six bits. */
static unsigned
coarse_slot(uint64_t us)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(us);
    unsigned slot = (top - 16) << STEP_BITS | (unsigned)(us >> (top - STEP_BITS) & 63);
    return slot < COARSE ? slot : COARSE - 1;
}

void
latency_add(uint64_t us)
{
    count++;
    if (us < FINE)
        fine[us]++;
    else
        coarse[coarse_slot(us)]++;
}

uint64_t
latency_count(void)
{
    return count;
}

uint64_t
latency_at(double share)
{
    uint64_t rank = (uint64_t)((double)count * share), seen = 0;
    for (uint64_t us = 0; us < FINE; us++)
        if ((seen += fine[us]) > rank)
            return us;
    for (unsigned slot = 0; slot < COARSE; slot++)
        if ((seen += coarse[slot]) > rank)
            return (64ULL + (slot & 63)) << ((slot >> STEP_BITS) + 16 - STEP_BITS);
    return 0;
}

uint64_t
servers_cpu_us(const char *pids)
{
    uint64_t ticks = 0;
    for (const char *p = pids; p && *p;) {
        char path[64], line[1024], *end;
        long pid = strtol(p, &end, 10);
        unsigned long long user = 0, system = 0;
        snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        FILE *f = fopen(path, "r");
        if (f && fgets(line, sizeof(line), f)) {
            const char *after = strrchr(line, ')');
            if (after && sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                                &user, &system) == 2)
                ticks += user + system;
        }
        if (f)
            fclose(f);
        p = *end ? end + 1 : end;
    }
    return ticks * 1000000U / (uint64_t)sysconf(_SC_CLK_TCK);
}
