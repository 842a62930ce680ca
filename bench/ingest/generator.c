/*
 * generator.c -- one load generator for every MQTT server: QoS 1 publishes over mutual TLS 1.3.
 *
 *   generator --port P --topics FILE --connections N --seconds S
 *             [--credentials DIR]   DIR/dev-I/{key,cert,ca}.pem of connection I; else plain TCP
 *             [--window W]          closed loop: each connection keeps W publishes in flight
 *             [--rate R]            open loop: R publishes a second over all connections, each sent
 *                                   when it is due, and timed from then, whatever became of others
 *             [--bytes B]           of the payload (100)
 *             [--version 4|5]       MQTT 3.1.1 or 5 (5)
 *             [--pids A,B,...]      processes of the server, for their processor time
 *             [--idle]              connect, say "connected" and wait for S seconds
 *
 * Connection I has client id dev-I (from 1) and line I of the topics file. Payloads are
 * Observations: times to the microsecond that rise within a connection, a result, and for more
 * bytes a note. Measuring begins when all are connected, and after a tenth of the time. Prints one
 * line: acknowledged publishes per second, latency percentiles in microseconds, refusals, processor
 * time of server and generator per publish.
 */
#include "../lib/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 16000,
    WINDOW_MAX = 256,
    TOPIC_MAX = 128,
    BYTES_MAX = 8192,
    PACKET_ROOM = TOPIC_MAX + BYTES_MAX + 16,
    OPEN_WINDOW = 1024, /* in flight on one connection with --rate, at most */
    IN_REST = 64,
};

struct connection {
    struct link link;
    int number;
    uint16_t next_id;
    unsigned in_flight;
    uint64_t *due_ns; /* by packet id modulo its size */
    uint8_t rest[IN_REST];
    size_t rest_len;
    uint8_t *out;
    size_t out_len, out_size;
    uint64_t sequence;
    int64_t last_us;
    uint8_t *packet; /* the whole PUBLISH; times, result and id are written over */
    size_t packet_len, id_at, payload_at;
    bool waits; /* for EPOLLOUT */
};

static struct options {
    int port, connections, window, bytes, version;
    double seconds, rate;
    const char *credentials, *topics, *pids;
    bool idle;
} o = {.connections = 50, .window = 20, .bytes = 100, .version = 5, .seconds = 3};

static uint64_t acknowledged, refused, measure_from_ns;
static unsigned slots; /* of due_ns: a power of two */
static int epoll;

/* CONNECT, clean start, no properties; waits for CONNACK. */
static void
mqtt_connect(struct connection *c)
{
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', (uint8_t)o.version, 2, 2, 88};
    uint8_t answer[512];
    size_t at = 12;
    if (o.version == 5)
        packet[at++] = 0;
    int id_len = snprintf((char *)packet + at + 2, 32, "dev-%d", c->number);
    packet[at + 1] = (uint8_t)id_len;
    packet[1] = (uint8_t)(at + (size_t)id_len);
    if (link_write(&c->link, packet, at + 2 + (size_t)id_len) == 0)
        die("CONNECT");
    size_t n = link_read(&c->link, answer, sizeof(answer));
    if (n < 4 || answer[0] != 0x20 || answer[3] != 0) {
        fprintf(stderr, "generator: dev-%d is refused (reason 0x%02x)\n", c->number,
                n >= 4 ? answer[3] : 0);
        exit(1);
    }
}

/* The PUBLISH of this connection, once: "phenomenonTime" to the microsecond, "resultTime" to the
 * second. */
static void
make_packet(struct connection *c, const char *topic)
{
    static const char form[] = "{\"phenomenonTime\":\"2026-01-01T00:00:00.000000Z\","
                               "\"resultTime\":\"2026-01-01T00:00:00Z\",\"result\":100.25";
    size_t topic_len = strlen(topic), payload = (size_t)o.bytes;
    size_t length = 2 + topic_len + 2 + (o.version == 5) + payload;
    uint8_t *p = c->packet = malloc(PACKET_ROOM);
    *p++ = 0x32;
    for (size_t left = length; left; left /= 128) /* the shortest form: MQTT 5 section 1.5.5 */
        *p++ = (uint8_t)(left % 128 | (left >= 128 ? 128 : 0));
    *p++ = (uint8_t)(topic_len >> 8);
    *p++ = (uint8_t)topic_len;
    memcpy(p, topic, topic_len);
    p += topic_len;
    c->id_at = (size_t)(p - c->packet);
    p += 2;
    if (o.version == 5)
        *p++ = 0;
    c->payload_at = (size_t)(p - c->packet);
    memcpy(p, form, sizeof(form) - 1);
    if (payload > sizeof(form)) {
        static const char note[] = ",\"parameters\":{\"note\":\"";
        size_t at = sizeof(form) - 1;
        memcpy(p + at, note, sizeof(note) - 1);
        at += sizeof(note) - 1;
        memset(p + at, 'n', payload - at - 3);
        memcpy(p + payload - 3, "\"}}", 3);
    } else {
        p[payload - 1] = '}';
    }
    c->packet_len = c->payload_at + payload;
}

static void
open_connection(struct connection *c, FILE *topics)
{
    char folder[400], topic[TOPIC_MAX];
    if (!fgets(topic, sizeof(topic), topics))
        die("too few topics");
    topic[strcspn(topic, "\n")] = '\0';
    make_packet(c, topic);
    snprintf(folder, sizeof(folder), "%s/dev-%d", o.credentials ? o.credentials : "", c->number);
    link_open(&c->link, o.port, o.credentials ? client_context(folder) : NULL, "mqtt");
    mqtt_connect(c);
    link_nonblocking(&c->link);
    c->out_size = (o.rate > 0 ? OPEN_WINDOW : (size_t)o.window) * c->packet_len;
    c->out = malloc(c->out_size);
    c->due_ns = calloc(slots, sizeof(*c->due_ns));
    if (!c->out || !c->due_ns)
        die("memory");
}

static void
put_publish(struct connection *c, uint64_t due_ns, int64_t wall_us)
{
    if (wall_us <= c->last_us)
        wall_us = c->last_us + 1; /* a device does not measure twice in a microsecond */
    c->last_us = wall_us;
    uint8_t *payload = c->packet + c->payload_at;
    char *time = (char *)payload + 19;
    memcpy(time, second_text(wall_us / 1000000), SECOND_TEXT);
    memcpy(time + 27 + 16, time, SECOND_TEXT);
    unsigned digits = (unsigned)(wall_us % 1000000);
    for (int i = 25; i > 19; i--, digits /= 10)
        time[i] = (char)('0' + digits % 10);
    unsigned result = 100 + (unsigned)(c->sequence++ % 900);
    char *value = time + 27 + 16 + 20 + 11;
    value[0] = (char)('0' + result / 100);
    value[1] = (char)('0' + result / 10 % 10);
    value[2] = (char)('0' + result % 10);
    c->next_id = (uint16_t)(c->next_id + 1);
    if (c->next_id == 0)
        c->next_id = 1;
    c->packet[c->id_at] = (uint8_t)(c->next_id >> 8);
    c->packet[c->id_at + 1] = (uint8_t)c->next_id;
    memcpy(c->out + c->out_len, c->packet, c->packet_len);
    c->out_len += c->packet_len;
    c->due_ns[c->next_id & (slots - 1)] = due_ns;
    c->in_flight++;
}

static int64_t
wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
write_out(struct connection *c)
{
    size_t at = 0;
    while (at < c->out_len) {
        size_t n = link_write(&c->link, c->out + at, c->out_len - at);
        if (n == 0)
            break;
        at += n;
    }
    if (at && at < c->out_len)
        memmove(c->out, c->out + at, c->out_len - at);
    c->out_len -= at;
    bool waits = c->out_len > 0;
    if (waits != c->waits) {
        struct epoll_event event = {.events = EPOLLIN | (waits ? (uint32_t)EPOLLOUT : 0),
                                    .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->link.fd, &event);
        c->waits = waits;
    }
}

static void
fill_and_write(struct connection *c)
{
    int64_t us = wall_us();
    uint64_t ns = now_ns();
    while (c->in_flight < (unsigned)o.window && c->out_len + c->packet_len <= c->out_size)
        put_publish(c, ns, us);
    write_out(c);
}

static void
take_puback(struct connection *c, const uint8_t *body, size_t len, uint64_t now)
{
    uint16_t id = (uint16_t)(body[0] << 8 | body[1]);
    uint64_t due = c->due_ns[id & (slots - 1)];
    c->in_flight--;
    if (len > 2 && body[2] >= 0x80)
        refused++;
    else if (now >= measure_from_ns)
        acknowledged++;
    if (now >= measure_from_ns)
        latency_add((now - due) / 1000);
}

static void
read_answers(struct connection *c)
{
    static uint8_t in[65536];
    size_t n;
    do {
        memcpy(in, c->rest, c->rest_len);
        n = link_read(&c->link, in + c->rest_len, sizeof(in) - c->rest_len);
        size_t len = c->rest_len + n, at = 0;
        uint64_t now = now_ns();
        while (len - at >= 2 && len - at >= 2U + in[at + 1]) {
            if (in[at] == 0x40)
                take_puback(c, in + at + 2, in[at + 1], now);
            else if (in[at] == 0xe0)
                die("the server disconnected us");
            at += 2U + in[at + 1];
        }
        c->rest_len = len - at;
        if (c->rest_len > IN_REST)
            die("a packet that is no PUBACK");
        memcpy(c->rest, in + at, c->rest_len);
    } while (n && link_has_more(&c->link)); /* else epoll says so again */
}

/* Everything that is due by now; connections take turns. */
static void
send_due(struct connection *connections, uint64_t start_ns, uint64_t now, uint64_t *sent)
{
    uint64_t due = (uint64_t)((double)(now - start_ns) * o.rate / 1e9);
    int64_t us = wall_us();
    while (*sent < due) {
        struct connection *c = &connections[*sent % (uint64_t)o.connections];
        if (c->in_flight >= OPEN_WINDOW)
            die("the server is more than 1024 publishes of one connection behind the rate");
        put_publish(c, start_ns + (uint64_t)((double)*sent * 1e9 / o.rate), us);
        write_out(c);
        ++*sent;
    }
}

static void
take_events(uint64_t wait_ns)
{
    struct epoll_event events[256];
    struct timespec wait = {(time_t)(wait_ns / 1000000000U), (long)(wait_ns % 1000000000U)};
    int n = epoll_pwait2(epoll, events, 256, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_answers(c);
        if (o.rate > 0)
            write_out(c);
        else
            fill_and_write(c);
    }
}

struct figures {
    double seconds;
    uint64_t server_us, own_us;
};

static uint64_t
own_cpu_us(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000U +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static struct figures
run(struct connection *connections)
{
    uint64_t start = now_ns(), length = (uint64_t)(o.seconds * 1e9), end = start + length, sent = 0;
    uint64_t server_us = 0, own_us = 0, now;
    measure_from_ns = start + length / 10;
    bool measuring = false;
    for (int i = 0; o.rate <= 0 && i < o.connections; i++)
        fill_and_write(&connections[i]);
    while ((now = now_ns()) < end) {
        if (!measuring && now >= measure_from_ns) {
            measuring = true;
            measure_from_ns = now;
            server_us = servers_cpu_us(o.pids);
            own_us = own_cpu_us();
        }
        if (o.rate > 0)
            send_due(connections, start, now, &sent);
        uint64_t wait_ns = 100000000;
        if (o.rate > 0) { /* until the next one is due */
            uint64_t next = start + (uint64_t)((double)sent * 1e9 / o.rate);
            now = now_ns();
            wait_ns = next > now ? next - now : 0;
        }
        take_events(wait_ns);
    }
    return (struct figures){(double)(now - measure_from_ns) / 1e9,
                            servers_cpu_us(o.pids) - server_us, own_cpu_us() - own_us};
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
        else if (strcmp(argv[i], "--window") == 0)
            o.window = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--bytes") == 0)
            o.bytes = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--version") == 0)
            o.version = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            o.seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--rate") == 0)
            o.rate = strtod(value, NULL);
        else if (strcmp(argv[i], "--credentials") == 0)
            o.credentials = value;
        else if (strcmp(argv[i], "--topics") == 0)
            o.topics = value;
        else if (strcmp(argv[i], "--pids") == 0)
            o.pids = value;
        else
            return false;
        i++;
    }
    return o.port && o.topics && o.connections > 0 && o.connections <= CONNECTIONS_MAX &&
           o.window > 0 && o.window <= WINDOW_MAX && (o.version == 4 || o.version == 5) &&
           o.bytes <= BYTES_MAX && (o.bytes == 100 || o.bytes >= 128);
}

int
main(int argc, char **argv)
{
    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: generator --port P --topics FILE [--credentials DIR] [--connections N]"
                " [--window W | --rate R] [--seconds S] [--bytes B] [--version 4|5]"
                " [--pids A,B] [--idle]\n");
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* wake when a publish is due, not 50 us later */
    struct connection *connections = calloc((size_t)o.connections, sizeof(*connections));
    FILE *topics = fopen(o.topics, "r");
    if (!connections || !topics)
        die(o.topics);
    unsigned window = o.rate > 0 ? OPEN_WINDOW : (unsigned)o.window;
    for (slots = 1; slots < 2 * window;)
        slots *= 2;
    epoll = epoll_create1(0);
    for (int i = 0; i < o.connections; i++) {
        struct connection *c = &connections[i];
        c->number = i + 1;
        open_connection(c, topics);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->link.fd, &event);
    }
    if (o.idle) {
        printf("connected\n");
        fflush(stdout);
        usleep((useconds_t)(o.seconds * 1e6));
        return 0;
    }
    struct figures f = run(connections);
    double done = acknowledged ? (double)acknowledged : 1;
    printf("acks_per_s=%.0f p50_us=%llu p99_us=%llu p999_us=%llu refused=%llu server_ns=%.0f"
           " generator_ns=%.0f\n",
           (double)acknowledged / f.seconds, (unsigned long long)latency_at(0.5),
           (unsigned long long)latency_at(0.99), (unsigned long long)latency_at(0.999),
           (unsigned long long)refused, (double)f.server_us * 1000 / done,
           (double)f.own_us * 1000 / done);
    return acknowledged ? 0 : 1;
}
