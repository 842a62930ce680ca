/*
 * generator.c -- one load generator for every MQTT server: QoS 1 publishes over mutual TLS 1.3.
 *
 *   generator --port P --credentials DIR --topics FILE --connections N --window W --seconds S
 *
 * Connection i uses DIR/dev-I/{key,cert,ca}.pem, client id dev-I (from 1) and line i of the topics
 * file. Each keeps W publishes in flight, for S seconds after all are connected. Prints one line:
 * acknowledged publishes per second, latency percentiles in microseconds, errors. MQTT 5 packets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 2000,
    WINDOW_MAX = 256,
    TOPIC_MAX = 128,
    BUFFER = 65536,
    SAMPLES_MAX = 1 << 22,
};

struct connection {
    SSL *ssl;
    int fd;
    int number;
    char topic[TOPIC_MAX];
    uint16_t next_id;
    int in_flight;
    uint64_t sent_ns[65536 / 64]; /* by packet id modulo its size; the window is smaller */
    uint8_t in[BUFFER];
    size_t in_len;
    uint8_t out[BUFFER];
    size_t out_len;
    uint64_t sequence;
};

struct options {
    int port, connections, window;
    double seconds;
    const char *credentials, *topics;
};

static uint32_t samples[SAMPLES_MAX];
static size_t samples_count;
static uint64_t acknowledged, refused;

static uint64_t
now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void
die(const char *what)
{
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int
connect_tcp(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static SSL_CTX *
context_of(const char *folder)
{
    char path[512];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
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
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

/* CONNECT, MQTT 5, clean start, no properties; waits for CONNACK. */
static void
mqtt_connect(struct connection *c)
{
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0, 0, 0};
    uint8_t answer[256];
    int id_len = snprintf((char *)packet + 15, 32, "dev-%d", c->number);
    packet[14] = (uint8_t)id_len;
    packet[1] = (uint8_t)(13 + id_len);
    if (SSL_write(c->ssl, packet, 15 + id_len) <= 0)
        die("CONNECT");
    int n = SSL_read(c->ssl, answer, sizeof(answer));
    if (n < 4 || answer[0] != 0x20 || answer[3] != 0) {
        fprintf(stderr, "generator: dev-%d is refused (reason 0x%02x)\n", c->number,
                n >= 4 ? answer[3] : 0);
        exit(1);
    }
}

static void
open_connection(struct connection *c, const struct options *o, FILE *topics)
{
    char folder[400];
    snprintf(folder, sizeof(folder), "%s/dev-%d", o->credentials, c->number);
    if (!fgets(c->topic, sizeof(c->topic), topics))
        die("too few topics");
    c->topic[strcspn(c->topic, "\n")] = '\0';
    SSL_CTX *ctx = context_of(folder);
    c->fd = connect_tcp(o->port);
    c->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_alpn_protos(c->ssl, (const unsigned char *)"\x04mqtt", 5);
    if (SSL_connect(c->ssl) != 1)
        die("TLS handshake");
    mqtt_connect(c);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

/* One PUBLISH at the end of the out buffer: an observation of about 100 bytes, times all different.
 */
static void
put_publish(struct connection *c)
{
    char payload[160];
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    int payload_len =
        snprintf(payload, sizeof(payload),
                 "{\"phenomenonTime\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"result\":%llu.5}",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 ts.tv_nsec / 1000, (unsigned long long)(c->sequence++ % 1000));
    size_t topic_len = strlen(c->topic), length = 2 + topic_len + 2 + 1 + (size_t)payload_len;
    uint8_t *p = c->out + c->out_len;
    c->next_id = (uint16_t)(c->next_id + 1);
    if (c->next_id == 0)
        c->next_id = 1;
    *p++ = 0x32;
    if (length < 128) { /* the shortest form is the only one: MQTT 5 section 1.5.5 */
        *p++ = (uint8_t)length;
    } else {
        *p++ = (uint8_t)(length % 128 | 128);
        *p++ = (uint8_t)(length / 128);
    }
    *p++ = (uint8_t)(topic_len >> 8);
    *p++ = (uint8_t)topic_len;
    memcpy(p, c->topic, topic_len);
    p += topic_len;
    *p++ = (uint8_t)(c->next_id >> 8);
    *p++ = (uint8_t)c->next_id;
    *p++ = 0;
    memcpy(p, payload, (size_t)payload_len);
    p += payload_len;
    c->out_len = (size_t)(p - c->out);
    c->sent_ns[c->next_id % 1024] = now_ns();
    c->in_flight++;
}

static void
fill_and_write(struct connection *c, int window, bool more)
{
    while (more && c->in_flight < window && c->out_len + 512 < sizeof(c->out))
        put_publish(c);
    while (c->out_len) {
        int n = SSL_write(c->ssl, c->out, (int)c->out_len);
        if (n <= 0) {
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE)
                die("write");
            return;
        }
        memmove(c->out, c->out + n, c->out_len - (size_t)n);
        c->out_len -= (size_t)n;
    }
}

static void
take_puback(struct connection *c, const uint8_t *body, size_t len)
{
    uint16_t id = (uint16_t)(body[0] << 8 | body[1]);
    uint64_t us = (now_ns() - c->sent_ns[id % 1024]) / 1000;
    if (samples_count < SAMPLES_MAX)
        samples[samples_count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    c->in_flight--;
    if (len > 2 && body[2] >= 0x80)
        refused++;
    else
        acknowledged++;
}

static void
read_answers(struct connection *c)
{
    int n;
    while ((n = SSL_read(c->ssl, c->in + c->in_len, (int)(sizeof(c->in) - c->in_len))) > 0) {
        size_t at = 0;
        c->in_len += (size_t)n;
        while (c->in_len - at >= 2 && c->in_len - at >= 2U + c->in[at + 1]) {
            if (c->in[at] == 0x40)
                take_puback(c, c->in + at + 2, c->in[at + 1]);
            else if (c->in[at] == 0xe0)
                die("the server disconnected us");
            at += 2U + c->in[at + 1];
        }
        memmove(c->in, c->in + at, c->in_len - at);
        c->in_len -= at;
    }
    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
        die("read");
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double
run(struct connection *connections, const struct options *o)
{
    int epoll = epoll_create1(0);
    for (int i = 0; i < o->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    uint64_t start = now_ns(), end = start + (uint64_t)(o->seconds * 1e9);
    for (int i = 0; i < o->connections; i++)
        fill_and_write(&connections[i], o->window, true);
    while (now_ns() < end) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            read_answers(c);
            fill_and_write(c, o->window, true);
        }
    }
    close(epoll);
    return (double)(now_ns() - start) / 1e9;
}

static bool
parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--port") == 0)
            o->port = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--connections") == 0)
            o->connections = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--window") == 0)
            o->window = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--credentials") == 0)
            o->credentials = value;
        else if (strcmp(argv[i], "--topics") == 0)
            o->topics = value;
        else
            return false;
    }
    return o->port && o->credentials && o->topics && o->connections > 0 &&
           o->connections <= CONNECTIONS_MAX && o->window > 0 && o->window <= WINDOW_MAX;
}

int
main(int argc, char **argv)
{
    struct options o = {.connections = 50, .window = 20, .seconds = 3};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: generator --port P --credentials DIR --topics FILE"
                        " [--connections N] [--window W] [--seconds S]\n");
        return 2;
    }
    struct connection *connections = calloc((size_t)o.connections, sizeof(*connections));
    FILE *topics = fopen(o.topics, "r");
    if (!connections || !topics)
        die(o.topics);
    for (int i = 0; i < o.connections; i++) {
        connections[i].number = i + 1;
        open_connection(&connections[i], &o, topics);
    }
    double seconds = run(connections, &o);
    qsort(samples, samples_count, sizeof(*samples), compare);
    uint32_t p50 = samples_count ? samples[samples_count / 2] : 0;
    uint32_t p99 = samples_count ? samples[samples_count * 99 / 100] : 0;
    printf("acks_per_s=%.0f p50_us=%u p99_us=%u refused=%llu\n", (double)acknowledged / seconds,
           p50, p99, (unsigned long long)refused);
    return acknowledged ? 0 : 1;
}
