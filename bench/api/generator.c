/*
 * generator.c -- one load generator for every HTTP server: keep-alive connections, one request in
 * flight on each, over mutual TLS 1.3 or plain TCP.
 *
 *   generator --port P --connections N --seconds S
 *             [--credentials DIR]  key.pem, cert.pem, ca.pem for all connections; "%d" in it is the
 *                                  connection's number from 1; without it plain TCP
 *             --get TARGET | --post TARGET [--rows R]
 *             [--targets FILE]     connection I uses line I of it instead of TARGET
 *             [--token FILE]       sent as a bearer token
 *             [--pids A,B]         processes of the server, for their processor time
 *             [--things FILE]      make a Thing, a Datastream and one Observation on each, write
 *                                  the Observations' topics to FILE, and end
 *             [--class NAME]       the data class of these Datastreams
 *             [--idle]             connect, say "connected" and wait for S seconds
 *
 * A POST is one Observation of about 100 bytes, or with --rows a dataArray of R of them; times rise
 * within a connection. Prints one line: answers a second, latency percentiles in microseconds,
 * refusals (any status but 200 and 201), bytes of the last answer, processor time of server and
 * generator for each answer.
 */
#include "../lib/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16000, TARGET_MAX = 512, ROW_MAX = 80, HEAD_MAX = 4096, IN_MAX = 1 << 21 };

struct connection {
    struct link link;
    int number;
    char target[TARGET_MAX];
    char *request;
    size_t request_len, sent, body_at;
    char *in; /* made when the first answer comes */
    size_t in_len;
    int64_t last_us;
    uint64_t sequence, begun_ns;
};

static struct options {
    int port, connections, rows;
    double seconds;
    const char *credentials, *get, *post, *targets, *token, *pids, *things, *class_name;
    bool idle;
} o = {.connections = 16, .seconds = 3, .class_name = "water-level"};

static char token_line[2048];
static uint64_t answered, refused, last_bytes, measure_from_ns;
static int epoll;

static int64_t
wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* "2026-01-01T00:00:00.000000Z" at p; times of a connection differ. */
static void
put_time(struct connection *c, char *p, int64_t now_us)
{
    if (now_us <= c->last_us)
        now_us = c->last_us + 1;
    c->last_us = now_us;
    memcpy(p, second_text(now_us / 1000000), SECOND_TEXT);
    unsigned digits = (unsigned)(now_us % 1000000);
    p[SECOND_TEXT] = '.';
    for (int i = SECOND_TEXT + 6; i > SECOND_TEXT; i--, digits /= 10)
        p[i] = (char)('0' + digits % 10);
    p[SECOND_TEXT + 7] = 'Z';
}

static size_t
put_body(struct connection *c, char *p)
{
    int64_t now = wall_us();
    if (o.rows == 0) {
        size_t n =
            (size_t)sprintf(p,
                            "{\"phenomenonTime\":\"2026-01-01T00:00:00.000000Z\",\"resultTime\":"
                            "\"%sZ\",\"result\":%u.25}",
                            second_text(now / 1000000), 100 + (unsigned)(c->sequence++ % 900));
        put_time(c, p + 19, now);
        return n;
    }
    const char *number = strchr(c->target, '(');
    size_t n =
        (size_t)sprintf(p,
                        "[{\"Datastream\":{\"@iot.id\":%ld},\"components\":[\"phenomenonTime\","
                        "\"result\"],\"dataArray@iot.count\":%d,\"dataArray\":[",
                        number ? strtol(number + 1, NULL, 10) : 1L, o.rows);
    for (int i = 0; i < o.rows; i++) {
        char *row = p + n;
        n += (size_t)sprintf(row, "%s[\"2026-01-01T00:00:00.000000Z\",%u.25]", i ? "," : "",
                             100 + (unsigned)(c->sequence++ % 900));
        put_time(c, row + 2 + (i > 0), now);
    }
    return n + (size_t)sprintf(p + n, "]}]");
}

static void
make_request(struct connection *c)
{
    if (o.get) {
        if (c->request_len == 0)
            c->request_len =
                (size_t)sprintf(c->request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n",
                                c->target, o.port, token_line);
        return;
    }
    static char *body;
    if (!body)
        body = malloc(HEAD_MAX + (size_t)(o.rows + 1) * ROW_MAX);
    size_t len = put_body(c, body);
    int head =
        sprintf(c->request,
                "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n",
                o.rows ? o.post : c->target, o.port, token_line, len);
    memcpy(c->request + head, body, len);
    c->request_len = (size_t)head + len;
}

static void
write_request(struct connection *c)
{
    while (c->sent < c->request_len) {
        size_t n = link_write(&c->link, c->request + c->sent, c->request_len - c->sent);
        if (n == 0)
            break;
        c->sent += n;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->sent < c->request_len) {
        event.events |= EPOLLOUT;
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->link.fd, &event);
    } else if (o.rows) {
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->link.fd, &event);
    }
}

static void
begin(struct connection *c)
{
    make_request(c);
    c->sent = 0;
    c->begun_ns = now_ns();
    write_request(c);
}

/* The length of the whole answer, or 0 while its head is not there. */
static size_t
answer_length(struct connection *c)
{
    c->in[c->in_len] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return 0;
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    if (!length || length > end)
        die("an answer without a length");
    return (size_t)(end + 4 - c->in) + (size_t)strtoul(length + 17, NULL, 10);
}

/* True: the answer is whole. */
static bool
read_answer(struct connection *c)
{
    if (!c->in)
        c->in = malloc(IN_MAX + 1);
    do {
        size_t n = link_read(&c->link, c->in + c->in_len, IN_MAX - c->in_len);
        if (n == 0)
            return false;
        c->in_len += n;
    } while (link_has_more(&c->link));
    size_t length = answer_length(c);
    if (length > IN_MAX)
        die("an answer of more than 2 MiB");
    if (length == 0 || c->in_len < length)
        return false;
    uint64_t now = now_ns();
    bool good = strncmp(c->in + 9, "200", 3) == 0 || strncmp(c->in + 9, "201", 3) == 0;
    if (!good && refused++ == 0)
        fprintf(stderr, "generator: %.*s\n", (int)(length < 600 ? length : 600), c->in);
    if (now >= measure_from_ns) {
        answered += good;
        latency_add((now - c->begun_ns) / 1000);
    }
    last_bytes = length;
    c->in_len = 0;
    return true;
}

static uint64_t
own_cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000U +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void
run(struct connection *connections)
{
    uint64_t start = now_ns(), length = (uint64_t)(o.seconds * 1e9), now, server_us = 0, own_us = 0;
    bool measuring = false;
    measure_from_ns = start + length / 10;
    for (int i = 0; i < o.connections; i++)
        begin(&connections[i]);
    while ((now = now_ns()) < start + length) {
        if (!measuring && now >= measure_from_ns) {
            measuring = true;
            measure_from_ns = now;
            server_us = servers_cpu_us(o.pids);
            own_us = own_cpu_us();
        }
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->sent < c->request_len)
                write_request(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && read_answer(c))
                begin(c);
        }
    }
    server_us = servers_cpu_us(o.pids) - server_us;
    own_us = own_cpu_us() - own_us;
    double done = answered ? (double)answered : 1;
    printf(
        "answers_per_s=%.0f p50_us=%llu p99_us=%llu refused=%llu answer_bytes=%llu server_ns=%.0f"
        " generator_ns=%.0f\n",
        (double)answered * 1e9 / (double)(now - measure_from_ns),
        (unsigned long long)latency_at(0.5), (unsigned long long)latency_at(0.99),
        (unsigned long long)refused, (unsigned long long)last_bytes,
        (double)server_us * 1000 / done, (double)own_us * 1000 / done);
}

static bool
parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--idle") == 0) {
            o.idle = true;
            continue;
        }
        if (strcmp(argv[i], "--port") == 0)
            o.port = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--connections") == 0)
            o.connections = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--rows") == 0)
            o.rows = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            o.seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--credentials") == 0)
            o.credentials = value;
        else if (strcmp(argv[i], "--get") == 0)
            o.get = value;
        else if (strcmp(argv[i], "--post") == 0)
            o.post = value;
        else if (strcmp(argv[i], "--targets") == 0)
            o.targets = value;
        else if (strcmp(argv[i], "--token") == 0)
            o.token = value;
        else if (strcmp(argv[i], "--class") == 0)
            o.class_name = value;
        else if (strcmp(argv[i], "--things") == 0)
            o.things = value;
        else if (strcmp(argv[i], "--pids") == 0)
            o.pids = value;
        else
            return false;
        i++;
    }
    return o.port && (o.idle || o.things || !o.get != !o.post) && o.connections > 0 &&
           o.connections <= CONNECTIONS_MAX && o.rows >= 0 && o.rows <= 100000;
}

static void
read_token(void)
{
    char text[1100] = "";
    FILE *f = o.token ? fopen(o.token, "r") : NULL;
    if (!o.token)
        return;
    if (!f || !fgets(text, sizeof(text), f))
        die(o.token);
    fclose(f);
    text[strcspn(text, "\r\n")] = '\0';
    snprintf(token_line, sizeof(token_line), "Authorization: Bearer %s\r\n", text);
}

static void
open_connection(struct connection *c, FILE *targets)
{
    char folder[600];
    snprintf(c->target, sizeof(c->target), "%s", o.get ? o.get : o.post ? o.post : "/");
    if (targets && !fgets(c->target, sizeof(c->target), targets))
        die("too few targets");
    c->target[strcspn(c->target, "\n")] = '\0';
    c->request = malloc(HEAD_MAX + (size_t)(o.rows + 1) * ROW_MAX);
    const char *number = o.credentials ? strstr(o.credentials, "%d") : NULL;
    if (number)
        snprintf(folder, sizeof(folder), "%.*s%d%s", (int)(number - o.credentials), o.credentials,
                 c->number, number + 2);
    else
        snprintf(folder, sizeof(folder), "%s", o.credentials ? o.credentials : "");
    link_open(&c->link, o.port, o.credentials ? client_context(folder) : NULL, "http/1.1");
    if (!o.things)
        link_nonblocking(&c->link);
}

/* ---- one Thing a connection, before anything is measured ---- */

static void
ask(struct connection *c)
{
    if (link_write(&c->link, c->request, c->request_len) != c->request_len)
        die("a request was not written whole");
    while (!read_answer(c))
        ;
    if (refused)
        exit(1);
}

static void
make_thing(struct connection *c, FILE *topics)
{
    static const char form[] =
        "{\"name\":\"dev-%d\",\"description\":\"bench\",\"Datastreams\":[{\"name\":\"n\","
        "\"description\":\"n\",\"observationType\":"
        "\"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement\","
        "\"unitOfMeasurement\":{\"name\":\"metre\",\"symbol\":\"m\","
        "\"definition\":\"http://www.opengis.net/def/uom/UCUM/0/m\"},"
        "\"properties\":{\"class\":\"%s\"},"
        "\"Sensor\":{\"name\":\"s\",\"description\":\"s\",\"encodingType\":\"text/html\","
        "\"metadata\":\"s\"},\"ObservedProperty\":{\"name\":\"level\",\"definition\":\"urn:level\","
        "\"description\":\"level\"}}],\"Locations\":[{\"name\":\"here\",\"description\":\"here\","
        "\"encodingType\":\"application/geo+json\","
        "\"location\":{\"type\":\"Point\",\"coordinates\":[-79.4,43.7]}}]}";
    char body[2048], path[256];
    int len = snprintf(body, sizeof(body), form, c->number, o.class_name);
    c->request_len =
        (size_t)sprintf(c->request,
                        "POST /v1.1/Things HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        o.port, len, body);
    ask(c);
    const char *location = strcasestr(c->in, "\r\nlocation:");
    const char *at = location ? strstr(location, "/v1.1/") : NULL;
    if (!at || sscanf(at, "%200[^\r\n]", path) != 1)
        die("a Thing without a Location");
    c->request_len = (size_t)sprintf(
        c->request, "GET %s/Datastreams HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, o.port);
    ask(c);
    const char *id = strstr(c->in, "\"@iot.id\":");
    if (!id)
        die("a Thing without a Datastream");
    long stream = strtol(id + 10, NULL, 10);
    fprintf(topics, "v1.1/Datastreams(%ld)/Observations\n", stream);
    /* The first Observation of a Datastream makes its feature, in a commit of its own. */
    len = snprintf(body, sizeof(body), "{\"result\":1}");
    c->request_len = (size_t)sprintf(
        c->request,
        "POST /v1.1/Datastreams(%ld)/Observations HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        stream, o.port, len, body);
    ask(c);
    free(c->in);
    c->in = NULL;
}

static int
make_things(struct connection *connections)
{
    FILE *topics = fopen(o.things, "w");
    if (!topics)
        die(o.things);
    for (int i = 0; i < o.connections; i++) {
        struct connection *c = &connections[i];
        c->number = i + 1;
        open_connection(c, NULL);
        make_thing(c, topics);
        SSL_free(c->link.ssl);
        close(c->link.fd);
        free(c->request);
    }
    return fclose(topics) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: generator --port P (--get TARGET | --post TARGET [--rows R] | --idle)"
                " [--connections N] [--seconds S] [--credentials DIR] [--targets FILE]"
                " [--token FILE] [--pids A,B]\n");
        return 2;
    }
    read_token();
    struct connection *connections = calloc((size_t)o.connections, sizeof(*connections));
    FILE *targets = o.targets ? fopen(o.targets, "r") : NULL;
    if (!connections || (o.targets && !targets))
        die(o.targets ? o.targets : "memory");
    if (o.things)
        return make_things(connections);
    epoll = epoll_create1(0);
    for (int i = 0; i < o.connections; i++) {
        struct connection *c = &connections[i];
        c->number = i + 1;
        open_connection(c, targets);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->link.fd, &event);
    }
    if (o.idle) {
        printf("connected\n");
        fflush(stdout);
        usleep((useconds_t)(o.seconds * 1e6));
        return 0;
    }
    run(connections);
    return answered ? 0 : 1;
}
