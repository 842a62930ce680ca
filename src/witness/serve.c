#include "witness/serve.h"

#include "base/clock.h"
#include "http/reader.h"
#include "http/response.h"
#include "ledger/submission.h"
#include "runtime/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8192, READ_SIZE = 4096 };

struct connection {
    struct server *server;
    struct watch watch;
    struct http_reader reader;
    struct buf in;  /* read, and not part of a request yet */
    struct buf out; /* not written yet */
    uint64_t since_ms;
    bool used;
    bool last; /* close when `out` is gone */
};

struct server {
    struct witness *witness;
    struct loop *loop;
    struct clock_source clock;
    struct watch listener;
    struct connection connections[SERVE_CONNECTIONS_MAX];
    uint32_t requests_left; /* of this second */
};

static void
close_connection(struct connection *c)
{
    struct server *s = c->server;
    loop_unwatch(s->loop, &c->watch);
    close(c->watch.fd);
    http_reader_fini(&c->reader);
    buf_fini(&c->in);
    buf_fini(&c->out);
    c->used = false;
    loop_change(s->loop, &s->listener, LOOP_READ); /* there is room again */
}

static void
put_answer(struct connection *c, const struct witness_answer *a, bool keep_alive)
{
    struct http_response r = {.status = a->status,
                              .content_type = bytes_text(a->content_type),
                              .body_length = a->body.len,
                              .keep_alive = keep_alive,
                              .now_us = clock_wall_us(&c->server->clock)};
    enum err e = http_put_head(&c->out, &r);
    ASSERT(e == OK); /* every status and type here is ours */
    buf_put(&c->out, buf_bytes(&a->body));
    c->last = !keep_alive;
}

static void
put_refusal(struct connection *c, uint16_t status)
{
    struct witness_answer a;
    witness_answer_init(&a);
    a.status = status;
    buf_format(&a.body, "%s\n", http_reason(status));
    put_answer(c, &a, false);
    witness_answer_fini(&a);
}

static void
answer(struct connection *c)
{
    struct server *s = c->server;
    const struct http_head *request = &c->reader.request;
    struct witness_answer a;
    bool post = bytes_are(request->target, "/add-checkpoint");
    if (s->witness->failed || !bytes_are(request->method, post ? "POST" : "GET")) {
        put_refusal(c, s->witness->failed ? 503 : 405);
        return;
    }
    witness_answer_init(&a);
    if (post)
        witness_add_checkpoint(s->witness, buf_bytes(&c->reader.body),
                               (uint64_t)clock_wall_us(&s->clock) / 1000000, &a);
    else
        witness_get_checkpoint(s->witness, request->target, &a);
    if (a.event)
        log_event(a.event, "origin=%s", a.origin);
    put_answer(c, &a, request->keep_alive && !s->witness->failed);
    witness_answer_fini(&a);
    if (s->witness->failed)
        loop_stop(s->loop); /* after this round, in which the answer still goes out */
}

/* True when something was put into `out`: the answer to the next whole request, or a refusal. */
static bool
take_request(struct connection *c)
{
    size_t used = 0;
    if (c->in.len == 0 || c->server->requests_left == 0)
        return false;
    enum err e = http_reader_feed(&c->reader, buf_bytes(&c->in), &used);
    if (e != OK && e != ERR_AGAIN) {
        put_refusal(c, c->reader.status);
        return true;
    }
    buf_drop(&c->in, used);
    if (e == OK) {
        c->server->requests_left--;
        answer(c);
        http_reader_next(&c->reader);
        c->since_ms = clock_mono_ms(&c->server->clock);
        return true;
    }
    bool ask_on = c->reader.continue_due;
    c->reader.continue_due = false;
    if (ask_on)
        http_put_continue(&c->out);
    return ask_on;
}

/* False when the connection is over. */
static bool
write_some(struct connection *c)
{
    while (c->out.len) {
        ssize_t n = write(c->watch.fd, c->out.p, c->out.len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
        buf_drop(&c->out, (size_t)n);
    }
    return !c->last;
}

static bool
has_room(const struct connection *c)
{
    return c->in.max - c->in.len >= READ_SIZE;
}

static bool
read_some(struct connection *c)
{
    if (!has_room(c))
        return true; /* the request before it is not answered yet */
    uint8_t *room = buf_room(&c->in, READ_SIZE);
    if (!room)
        return false;
    ssize_t n = read(c->watch.fd, room, READ_SIZE);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    buf_filled(&c->in, (size_t)n);
    return n > 0;
}

/* One answer after the other: the next request waits until the answer before it is gone. */
static void
proceed(struct connection *c)
{
    bool open = write_some(c);
    while (open && c->out.len == 0 && take_request(c))
        open = write_some(c);
    if (!open || buf_error(&c->out) != OK) {
        close_connection(c);
        return;
    }
    loop_change(c->server->loop, &c->watch,
                (c->out.len ? LOOP_WRITE : 0) | (has_room(c) ? LOOP_READ : 0));
}

static void
on_connection(void *ctx, int fd, unsigned events)
{
    struct connection *c = ctx;
    (void)fd;
    if ((events & LOOP_HANGUP) || ((events & LOOP_READ) && !read_some(c)))
        close_connection(c);
    else
        proceed(c);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
    struct server *s = ctx;
    struct connection *c = NULL;
    (void)events;
    for (size_t i = 0; !c && i < SERVE_CONNECTIONS_MAX; i++)
        if (!s->connections[i].used)
            c = &s->connections[i];
    if (!c) {
        loop_change(s->loop, &s->listener, 0);
        return;
    }
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    *c = (struct connection){.server = s, .used = true, .since_ms = clock_mono_ms(&s->clock)};
    struct http_limits limits = {HTTP_STRANGER_HEAD_MAX, SUBMISSION_BYTES_MAX};
    http_reader_init(&c->reader, limits);
    buf_init(&c->in, 2 * READ_SIZE);
    buf_init(&c->out, ANSWER_MAX);
    c->watch = (struct watch){.fd = client, .fn = on_connection, .ctx = c};
    if (loop_watch(s->loop, &c->watch, LOOP_READ) != OK)
        close_connection(c);
}

static void
on_second(void *ctx)
{
    struct server *s = ctx;
    uint64_t now = clock_mono_ms(&s->clock);
    bool waited = s->requests_left == 0;
    s->requests_left = SERVE_REQUESTS_PER_S;
    for (size_t i = 0; i < SERVE_CONNECTIONS_MAX; i++) {
        struct connection *c = &s->connections[i];
        if (c->used && now - c->since_ms > SERVE_PATIENCE_MS)
            close_connection(c);
        else if (c->used && waited)
            proceed(c);
    }
}

enum err
server_new(struct witness *w, struct loop *loop, int listen_fd, struct server **out)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return ERR_LIMIT;
    s->witness = w;
    s->loop = loop;
    s->clock = clock_system();
    s->requests_left = SERVE_REQUESTS_PER_S;
    s->listener = (struct watch){.fd = listen_fd, .fn = on_listener, .ctx = s};
    enum err e = loop_watch(loop, &s->listener, LOOP_READ);
    if (e != OK) {
        free(s);
        return e;
    }
    loop_every(loop, 1000, on_second, s);
    *out = s;
    return OK;
}

void
server_free(struct server *s)
{
    for (size_t i = 0; i < SERVE_CONNECTIONS_MAX; i++)
        if (s->connections[i].used)
            close_connection(&s->connections[i]);
    loop_unwatch(s->loop, &s->listener);
    free(s);
}
