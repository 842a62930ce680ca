/* feed.c -- plan_feed(): what a process is told at its start: its own part and nothing else. */
#include "programs/supervisor/plan.h"

#include "programs/limits.h"
#include "programs/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

struct feed {
    const struct plan *plan;
    int socket_fd;
    struct buf packet, framed; /* one size from the start: a key in them is moved nowhere */
    enum err error;
};

static void
send_body(struct feed *f, uint16_t id, int fd)
{
    buf_reset(&f->framed);
    channel_put_frame(&f->framed, id, buf_bytes(&f->packet));
    if (f->error == OK)
        f->error = buf_error(&f->framed);
    if (f->error == OK)
        f->error = channel_send_fd(f->socket_fd, buf_bytes(&f->framed), fd);
    sodium_memzero(f->framed.p, f->framed.len); /* it may have held a key */
    sodium_memzero(f->packet.p, f->packet.len);
}

#define FEED_FD(f, name, descriptor, ...)                                                          \
    do {                                                                                           \
        struct name m_ = {__VA_ARGS__};                                                            \
        buf_reset(&(f)->packet);                                                                   \
        name##_encode(&m_, &(f)->packet);                                                          \
        send_body(f, name##_id, descriptor);                                                       \
    } while (0)
#define FEED(f, name, ...) FEED_FD(f, name, -1, __VA_ARGS__)

/* The names of the set bits, one blank between. */
static const char *
names_of(char *to, size_t size, uint64_t bits, const void *first, size_t stride, uint32_t count)
{
    size_t at = 0;
    to[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        if (!(bits >> i & 1))
            continue;
        const char *name = (const char *)first + i * stride;
        int n = snprintf(to + at, size - at, "%s%s", at ? " " : "", name);
        ASSERT(n > 0 && (size_t)n < size - at);
        at += (size_t)n;
    }
    return to;
}

static void
feed_key(struct feed *f, enum start_key_role role, const char *name, const char *file, size_t len)
{
    char path[PLAN_PATH_SIZE + 160];
    uint8_t key[64];
    snprintf(path, sizeof(path), "%s/keys/%s", f->plan->state, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && read(fd, key, sizeof(key)) == (ssize_t)len;
    if (fd >= 0)
        close(fd);
    if (!good) {
        fprintf(stderr, "supervisor event=key_unreadable file=%s\n", path);
        f->error = ERR_IO;
        return;
    }
    FEED(f, give_key, (uint8_t)role, bytes_text(name), bytes_of(key, len));
    sodium_memzero(key, sizeof(key));
}

static void
feed_text(struct feed *f, enum start_text_role role, const char *file)
{
    char path[PLAN_PATH_SIZE + 160];
    uint8_t text[32768];
    snprintf(path, sizeof(path), "%s/pki/%s", f->plan->state, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0) {
        fprintf(stderr, "supervisor event=file_unreadable file=%s\n", path);
        f->error = ERR_IO;
        return;
    }
    FEED(f, give_text, (uint8_t)role, bytes_of(text, (size_t)n));
    sodium_memzero(text, sizeof(text));
}

/* Callers that may ask in this zone; zone -1: all of them. */
static void
feed_callers(struct feed *f, int32_t zone)
{
    const struct charter *c = f->plan->charter;
    for (uint32_t i = 0; i < c->callers_count; i++) {
        const struct charter_caller *caller = &c->callers[i];
        char zones[2049], purposes[4097], writes[4097];
        if (zone >= 0 && !(caller->zones >> zone & 1))
            continue;
        names_of(zones, sizeof(zones), caller->zones, c->zones[0].name, sizeof(c->zones[0]),
                 c->zones_count);
        names_of(purposes, sizeof(purposes), caller->purposes, c->purposes[0].name,
                 sizeof(c->purposes[0]), c->purposes_count);
        FEED(f, give_caller, bytes_text(caller->name), bytes_text(caller->role), bytes_text(zones),
             bytes_text(purposes), caller->place.line);
        if (!caller->writes || zone < 0) /* the judge and the ledger write nothing */
            continue;
        names_of(writes, sizeof(writes), caller->writes, c->classes[0].name, sizeof(c->classes[0]),
                 c->classes_count);
        FEED(f, give_writes, bytes_text(caller->name), bytes_text(writes));
    }
}

static void
feed_conduit(struct feed *f, const struct charter_conduit *conduit)
{
    const struct charter *c = f->plan->charter;
    char carries[513];
    uint64_t all = (1ULL << conduit->carries_count) - 1;
    names_of(carries, sizeof(carries), all, conduit->carries[0], sizeof(conduit->carries[0]),
             conduit->carries_count);
    FEED(f, give_conduit, bytes_text(conduit->name), bytes_text(c->zones[conduit->from].name),
         bytes_text(c->zones[conduit->to].name), bytes_text(carries),
         bytes_text(conduit->purpose >= 0 ? c->purposes[conduit->purpose].name : ""),
         conduit->group, conduit->rate_per_hour, conduit->place.line);
}

static void
feed_topics(struct feed *f, const struct charter_topics *t)
{
    char except[811];
    size_t at = 0;
    except[0] = '\0';
    for (uint32_t i = 0; i < t->except_count; i++)
        at +=
            (size_t)snprintf(except + at, sizeof(except) - at, "%s%s", i ? "\n" : "", t->except[i]);
    ASSERT(at < sizeof(except) && t->class_index >= 0);
    unsigned who = (t->publish_devices ? 1u : 0) | (t->subscribe_devices ? 2u : 0) |
                   (t->subscribe_callers ? 4u : 0);
    FEED(f, give_topics, bytes_text(t->filter),
         bytes_text(f->plan->charter->classes[t->class_index].name), (uint8_t)who, (uint8_t)t->qos,
         t->retained, t->size_bytes, bytes_text(except), t->place.line);
}

static void
feed_zone_rows(struct feed *f, int32_t z, enum process_kind kind)
{
    const struct charter *c = f->plan->charter;
    const struct charter_zone *zone = &c->zones[z];
    for (uint32_t i = 0; kind == PROCESS_CORE && i < c->classes_count; i++) {
        char purposes[4097];
        if (!(zone->holds >> i & 1))
            continue;
        names_of(purposes, sizeof(purposes), charter_class_purposes(c, i), c->purposes[0].name,
                 sizeof(c->purposes[0]), c->purposes_count);
        FEED(f, give_class, bytes_text(c->classes[i].name), c->classes[i].personal,
             c->classes[i].keep_s, bytes_text(purposes), c->classes[i].place.line);
    }
    for (uint32_t i = 0; kind == PROCESS_CORE && i < zone->topics_count; i++)
        feed_topics(f, &zone->topics[i]);
    for (uint32_t i = 0; kind != PROCESS_GATE && i < zone->commands_count; i++)
        FEED(f, give_command, bytes_text(zone->commands[i].name), zone->commands[i].lease_ms,
             zone->commands[i].rate_per_hour, zone->commands[i].people,
             zone->commands[i].place.line);
    /* The core plans inside the limits; the warden is the one who holds them. */
    bool limits = kind == PROCESS_WARDEN || kind == PROCESS_CORE;
    for (uint32_t i = 0; limits && i < zone->envelope_count; i++)
        FEED(f, give_envelope, bytes_text(zone->envelope[i].name), zone->envelope[i].value,
             zone->envelope[i].place.line);
    for (uint32_t i = 0; kind == PROCESS_CORE && i < c->conduits_count; i++)
        if ((int32_t)c->conduits[i].from == z || (int32_t)c->conduits[i].to == z)
            feed_conduit(f, &c->conduits[i]);
    if (kind != PROCESS_GATE)
        feed_callers(f, z);
}

static void
feed_gate(struct feed *f, const struct charter_zone *zone)
{
    char file[128];
    snprintf(file, sizeof(file), "gate-%s.key", zone->name);
    feed_text(f, TEXT_TLS_KEY_PEM, file);
    snprintf(file, sizeof(file), "gate-%s.pem", zone->name);
    feed_text(f, TEXT_TLS_CERTIFICATE_PEM, file);
    snprintf(file, sizeof(file), "issuer-%s.pem", zone->name);
    feed_text(f, TEXT_DEVICE_ISSUER_PEM, file);
    feed_text(f, TEXT_PEOPLE_ISSUER_PEM, "issuer-people.pem");
    FEED(f, give_number, NUMBER_CONNECTIONS_MAX, limits_gate_connections(zone->memory_bytes));
}

/* The zone's first listener of the kind as a URL; what it was before when there is none. */
static void
listener_url(const struct charter_zone *zone, bool https, char *url, size_t size)
{
    for (uint32_t i = 0; i < zone->listen_count; i++) {
        const struct charter_listen *l = &zone->listen[i];
        if (l->https != https)
            continue;
        bool v6 = strchr(l->host, ':') != NULL;
        snprintf(url, size, "%s://%s%s%s:%u", https ? "https" : "mqtts", v6 ? "[" : "", l->host,
                 v6 ? "]" : "", l->port);
        break;
    }
}

/* Where absolute links point, and where the same is spoken by MQTT. */
static void
feed_urls(struct feed *f, const struct charter_zone *zone)
{
    char base[128] = "https://localhost", mqtt[128] = "";
    listener_url(zone, true, base, sizeof(base));
    listener_url(zone, false, mqtt, sizeof(mqtt));
    FEED(f, give_text, TEXT_BASE_URL, bytes_text(base));
    if (mqtt[0])
        FEED(f, give_text, TEXT_MQTT_URL, bytes_text(mqtt));
}

static void
feed_keys(struct feed *f, const struct plan_process *process)
{
    const struct charter *c = f->plan->charter;
    const char *zone = process->zone >= 0 ? c->zones[process->zone].name : "";
    char name[129], file[128];
    switch (process->kind) {
    case PROCESS_LEDGER:
        snprintf(name, sizeof(name), "%s/city", c->origin);
        feed_key(f, KEY_LEDGER_SECRET, name, "ledger-city.key", 64);
        for (uint32_t i = 0; i < c->zones_count; i++) {
            snprintf(name, sizeof(name), "%s/%s", c->origin, c->zones[i].name);
            snprintf(file, sizeof(file), "ledger-%s.key", c->zones[i].name);
            feed_key(f, KEY_LEDGER_SECRET, name, file, 64);
        }
        break;
    case PROCESS_JUDGE:
        feed_key(f, KEY_JUDGE_SECRET, "judge", "judge.key", 64);
        feed_text(f, TEXT_PEOPLE_ISSUER_PEM, "issuer-people.pem");
        break;
    case PROCESS_WARDEN:
        snprintf(name, sizeof(name), "%s.%s/warden", zone, c->origin);
        snprintf(file, sizeof(file), "warden-%s.key", zone);
        feed_key(f, KEY_WARDEN_SECRET, name, file, 64);
        feed_key(f, KEY_JUDGE_PUBLIC, "judge", "judge.pub", 32);
        break;
    case PROCESS_CORE:
        snprintf(file, sizeof(file), "store-%s.key", zone);
        feed_key(f, KEY_STORE_MASTER, zone, file, 32);
        feed_key(f, KEY_JUDGE_PUBLIC, "judge", "judge.pub", 32);
        break;
    case PROCESS_CONDUIT:
    case PROCESS_GATE:
    case PROCESS_KINDS:
        break;
    }
}

enum err
plan_feed(struct plan *p, size_t i, int socket_fd)
{
    const struct charter *c = p->charter;
    const struct plan_process *process = &p->processes[i];
    const struct charter_zone *zone = process->zone >= 0 ? &c->zones[process->zone] : NULL;
    struct feed f = {.plan = p, .socket_fd = socket_fd};
    uint32_t site = 0;
    buf_init(&f.packet, CHANNEL_PACKET_MAX);
    buf_init(&f.framed, CHANNEL_PACKET_MAX);
    if (!buf_room(&f.packet, CHANNEL_PACKET_MAX) || !buf_room(&f.framed, CHANNEL_PACKET_MAX))
        f.error = ERR_LIMIT;
    while (zone && site < c->sites_count && !(zone->sites >> site & 1))
        site++;
    FEED(&f, give_zone,
         bytes_text(zone                    ? zone->name
                    : process->conduit >= 0 ? c->conduits[process->conduit].name
                                            : "city"),
         bytes_text(zone ? zone->service : ""), (uint8_t)(zone ? zone->tier : 0),
         bytes_text(c->city), bytes_text(c->origin), zone ? zone->place.line : c->city_place.line,
         bytes_of(p->digest, 32), zone ? zone->memory_bytes : LIMITS_CITY_MEMORY_BYTES,
         zone ? zone->disk_bytes : 4ULL << 30, zone ? zone->messages_per_s : 20000,
         bytes_text(site < c->sites_count ? c->sites[site] : ""));
    feed_keys(&f, process);
    if (process->kind == PROCESS_JUDGE)
        feed_callers(&f, -1);
    if (process->conduit >= 0)
        feed_conduit(&f, &c->conduits[process->conduit]);
    if (zone)
        feed_zone_rows(&f, process->zone, process->kind);
    if (process->kind == PROCESS_GATE)
        feed_gate(&f, zone);
    if (process->kind == PROCESS_CORE)
        feed_urls(&f, zone);
    for (uint32_t z = 0; z < c->zones_count; z++)
        if ((p->cut >> z & 1) && plan_island_concerns(p, i, z))
            FEED(&f, cut_off, bytes_text(c->zones[z].name), 1, bytes_text(p->islands[z].reason));
    if (p->walls)
        FEED(&f, give_number, NUMBER_WALLS, p->walls);
    FEED(&f, give_number, NUMBER_UID, process->uid);
    for (size_t k = 0; k < p->ends_count; k++)
        if (p->ends[k].process == i)
            FEED_FD(&f, give_descriptor, p->ends[k].fd, (uint8_t)p->ends[k].role,
                    bytes_text(p->ends[k].name));
    struct begin none;
    buf_reset(&f.packet);
    begin_encode(&none, &f.packet);
    send_body(&f, begin_id, -1);
    buf_fini(&f.packet);
    buf_fini(&f.framed);
    return f.error;
}
