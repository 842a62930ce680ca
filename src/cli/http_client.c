#include "cli/http_client.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct place {
    char host[128], port[8], prefix[200];
};

static enum err
parse_url(const char *url, struct place *out)
{
    struct bytes rest = bytes_text(url);
    if (!bytes_start(rest, "http://"))
        return bytes_start(rest, "https://") ? ERR_UNSUPPORTED : ERR_MALFORMED;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || strchr("?#@", rest.p[i]))
            return ERR_MALFORMED;
    rest = bytes_skip(rest, strlen("http://"));
    struct bytes authority = bytes_of(rest.p, bytes_find(rest, '/'));
    struct bytes prefix = bytes_skip(rest, authority.len), host = authority;
    struct bytes port = bytes_text("80");
    if (prefix.len && prefix.p[prefix.len - 1] == '/')
        prefix.len--;
    if (authority.len && authority.p[0] == '[') { /* [::1]:8700 */
        size_t end = bytes_find(authority, ']');
        if (end == authority.len)
            return ERR_MALFORMED;
        host = bytes_of(authority.p + 1, end - 1);
        authority = bytes_skip(authority, end + 1);
        if (authority.len && authority.p[0] != ':')
            return ERR_MALFORMED;
    } else {
        host.len = bytes_find(authority, ':');
        authority = bytes_skip(authority, host.len);
    }
    if (authority.len)
        port = bytes_skip(authority, 1);
    if (host.len == 0 || port.len == 0 ||
        bytes_copy_text(host, out->host, sizeof(out->host)) != OK ||
        bytes_copy_text(port, out->port, sizeof(out->port)) != OK ||
        bytes_copy_text(prefix, out->prefix, sizeof(out->prefix)) != OK)
        return ERR_MALFORMED;
    return OK;
}

/* Wait for the socket, at most until the deadline. */
static bool
ready(int fd, short events, uint64_t deadline_ms)
{
    struct clock_source clock = clock_system();
    uint64_t now = clock_mono_ms(&clock);
    struct pollfd p = {.fd = fd, .events = events};
    return now < deadline_ms && poll(&p, 1, (int)(deadline_ms - now)) == 1;
}

static int
connect_to(const struct addrinfo *a, uint64_t deadline_ms)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed = 0;
    socklen_t len = sizeof(failed);
    if (fd < 0)
        return -1;
    bool good = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ||
                (errno == EINPROGRESS && ready(fd, POLLOUT, deadline_ms) &&
                 getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && failed == 0);
    if (!good)
        close(fd);
    return good ? fd : -1;
}

static int
open_place(const struct place *p, uint64_t deadline_ms)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int fd = -1;
    if (getaddrinfo(p->host, p->port, &hints, &list) != 0)
        return -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_to(a, deadline_ms);
    freeaddrinfo(list);
    return fd;
}

static bool
write_all(int fd, struct bytes what, uint64_t deadline_ms)
{
    while (what.len) {
        ssize_t n = send(fd, what.p, what.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0)
            what = bytes_skip(what, (size_t)n);
        else if (!ready(fd, POLLOUT, deadline_ms))
            return false;
    }
    return true;
}

/* Until a whole answer stands in `raw`. */
static enum err
read_answer(int fd, struct buf *raw, uint64_t deadline_ms, struct http_answer *out)
{
    enum err e = ERR_AGAIN;
    while (e == ERR_AGAIN) {
        uint8_t chunk[2048];
        if (!ready(fd, POLLIN, deadline_ms))
            return ERR_CLOSED;
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return ERR_CLOSED;
        buf_put(raw, bytes_of(chunk, (size_t)n));
        e = buf_error(raw) == OK ? http_answer_parse(buf_bytes(raw), out) : ERR_MALFORMED;
    }
    return e == OK ? OK : ERR_MALFORMED;
}

static void
put_request(struct buf *b, const struct place *p, const char *tail, const struct bytes *body)
{
    bool six = strchr(p->host, ':') != NULL;
    buf_format(b, "%s %s%s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\n",
               body ? "POST" : "GET", p->prefix, tail, six ? "[" : "", p->host, six ? "]" : "",
               p->port);
    if (body)
        buf_format(b, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n",
                   body->len);
    buf_text(b, "\r\n");
    if (body)
        buf_put(b, *body);
}

enum err
http_client_ask(const char *url, const char *tail, const struct bytes *body, struct buf *raw,
                struct http_answer *out)
{
    struct clock_source clock = clock_system();
    uint64_t deadline_ms = clock_mono_ms(&clock) + HTTP_CLIENT_PATIENCE_MS;
    struct place place;
    struct buf request;
    buf_reset(raw);
    enum err e = parse_url(url, &place);
    if (e != OK)
        return e;
    int fd = open_place(&place, deadline_ms);
    if (fd < 0)
        return ERR_CLOSED;
    buf_init(&request, 64 * 1024);
    put_request(&request, &place, tail, body);
    e = buf_error(&request);
    if (e == OK && !write_all(fd, buf_bytes(&request), deadline_ms))
        e = ERR_CLOSED;
    if (e == OK)
        e = read_answer(fd, raw, deadline_ms, out);
    buf_fini(&request);
    close(fd);
    return e;
}
