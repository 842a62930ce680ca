#include "field/bikes/operator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "field/bikes/feed_write.h"

enum {
    VISITORS_MAX = 32,
    REQUEST_MAX = 4096,
    ANSWER_MAX = 4 * 1024 * 1024,
    VISIT_MS = 3000, /* from accept to the last byte */
    STEP_MS = 200,
    BASE_SIZE = 64,
    FILE_SIZE = 64,
};

struct visitor {
    int fd; /* -1: free */
    uint64_t until_ms;
    size_t asked;
    char request[REQUEST_MAX + 1];
    struct buf answer;
    size_t sent;
};

struct host {
    struct fleet fleet;
    struct random_seeded seeded;
    struct clock_source clock;
    char base[BASE_SIZE];
    int listener;
    struct visitor visitors[VISITORS_MAX];
};

static volatile sig_atomic_t signal_came;

static void
on_signal(int number)
{
    (void)number;
    signal_came = 1;
}

static int
listen_on(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, VISITORS_MAX) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
visitor_end(struct visitor *v)
{
    close(v->fd);
    v->fd = -1;
    buf_reset(&v->answer);
}

static void
put_answer(struct visitor *v, const char *status, struct bytes body)
{
    buf_reset(&v->answer);
    buf_format(&v->answer,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n\r\n",
               status, body.len);
    buf_put(&v->answer, body);
    v->sent = 0;
}

/* "GET /gbfs/3.0/NAME.json HTTP/1.x" and "GET /gbfs.json HTTP/1.x"; nothing else is there. */
static void
answer(struct host *o, struct visitor *v)
{
    char name[FILE_SIZE];
    struct buf body;
    buf_init(&body, ANSWER_MAX / 2);
    const char *path = v->request + 4;
    if (strncmp(v->request, "GET ", 4) != 0) {
        put_answer(v, "405 Method Not Allowed", bytes_text("{}\n"));
    } else {
        if (sscanf(path, "/gbfs/3.0/%63[a-z_].json HTTP/1.", name) != 1 &&
            sscanf(path, "/%63[a-z_].json HTTP/1.", name) != 1)
            name[0] = '\0';
        enum err e = feed_write(name, &o->fleet, o->base, clock_wall_us(&o->clock), &body);
        put_answer(v, e == OK ? "200 OK" : "404 Not Found",
                   e == OK ? buf_bytes(&body) : bytes_text("{}\n"));
    }
    buf_fini(&body);
    if (buf_error(&v->answer) != OK)
        visitor_end(v);
}

static void
visitor_read(struct host *o, struct visitor *v)
{
    ssize_t n = read(v->fd, v->request + v->asked, REQUEST_MAX - v->asked);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        visitor_end(v);
        return;
    }
    v->asked += (size_t)n;
    v->request[v->asked] = '\0';
    if (strstr(v->request, "\r\n\r\n"))
        answer(o, v);
    else if (v->asked == REQUEST_MAX)
        visitor_end(v);
}

static void
visitor_write(struct visitor *v)
{
    ssize_t n = send(v->fd, v->answer.p + v->sent, v->answer.len - v->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || (v->sent += (size_t)n) == v->answer.len)
        visitor_end(v);
}

static void
welcome(struct host *o, uint64_t now_ms)
{
    int fd = accept4(o->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (size_t i = 0; i < VISITORS_MAX; i++) {
        struct visitor *v = &o->visitors[i];
        if (v->fd >= 0)
            continue;
        v->fd = fd;
        v->until_ms = now_ms + VISIT_MS;
        v->asked = v->sent = 0;
        return;
    }
    close(fd);
}

static void
turn(struct host *o)
{
    struct pollfd p[VISITORS_MAX + 1];
    for (size_t i = 0; i < VISITORS_MAX; i++) {
        const struct visitor *v = &o->visitors[i];
        p[i] = (struct pollfd){.fd = v->fd, .events = v->answer.len ? POLLOUT : POLLIN};
    }
    p[VISITORS_MAX] = (struct pollfd){.fd = o->listener, .events = POLLIN};
    int n = poll(p, VISITORS_MAX + 1, STEP_MS);
    uint64_t now_ms = clock_mono_ms(&o->clock);
    for (size_t i = 0; i < VISITORS_MAX; i++) {
        struct visitor *v = &o->visitors[i];
        if (v->fd < 0)
            continue;
        if (n > 0 && p[i].revents && v->answer.len)
            visitor_write(v);
        else if (n > 0 && p[i].revents)
            visitor_read(o, v);
        if (v->fd >= 0 && now_ms >= v->until_ms)
            visitor_end(v);
    }
    if (n > 0 && p[VISITORS_MAX].revents)
        welcome(o, now_ms);
}

int
operator_run(const struct operator_config *config)
{
    struct host *o = calloc(1, sizeof(*o));
    ASSERT(o);
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    o->listener = listen_on(config->port);
    if (o->listener < 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
        sigaction(SIGINT, &action, NULL) != 0) {
        fprintf(stderr, "bikes: cannot listen on 127.0.0.1:%u: %s\n", config->port,
                strerror(errno));
        free(o);
        return 3;
    }
    for (size_t i = 0; i < VISITORS_MAX; i++) {
        o->visitors[i].fd = -1;
        buf_init(&o->visitors[i].answer, ANSWER_MAX);
    }
    o->clock = clock_system();
    o->seeded.state = config->seed;
    snprintf(o->base, sizeof(o->base), "http://127.0.0.1:%u/gbfs/3.0/", config->port);
    fleet_init(&o->fleet, random_seeded_source(&o->seeded), config->vehicles, config->stations);
    uint64_t start_ms = clock_mono_ms(&o->clock), now_ms = 0;
    while (!signal_came && (config->seconds == 0 || now_ms < config->seconds * 1000)) {
        turn(o);
        now_ms = clock_mono_ms(&o->clock) - start_ms;
        fleet_step(&o->fleet, now_ms);
    }
    printf("vehicles=%u stations=%u trips=%llu\n", config->vehicles, config->stations,
           (unsigned long long)o->fleet.trips);
    for (size_t i = 0; i < VISITORS_MAX; i++) {
        if (o->visitors[i].fd >= 0)
            close(o->visitors[i].fd);
        buf_fini(&o->visitors[i].answer);
    }
    close(o->listener);
    free(o);
    return 0;
}
