#include "programs/gate/gate.h"

#include "runtime/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_MS = 250,
    PACKETS_PER_ROUND = 16,
    FORGET_PACKETS = 1024, /* more than a pair holds */
};

enum err
gate_init(struct gate *g, const char *zone, uint32_t connections_max, int core_fd,
          struct clock_source clock, uint64_t first_serial)
{
    ASSERT(connections_max > 0 && connections_max <= GATE_CONNECTIONS_MAX);
    struct tls tls = g->tls;
    *g = (struct gate){.tls = tls, .clock = clock, .max = connections_max};
    g->serial = first_serial;
    enum err e = bytes_copy_text(bytes_text(zone), g->zone, sizeof(g->zone));
    ASSERT(e == OK);
    g->pool = calloc(connections_max, sizeof(*g->pool));
    if (!g->pool)
        return ERR_LIMIT;
    channel_init(&g->core, core_fd);
    buf_init(&g->scratch, MQTT_PACKET_MAX);
    return OK;
}

void
gate_fini(struct gate *g)
{
    for (uint32_t i = 0; i < g->touched; i++) {
        if (g->pool[i].state != CONNECTION_FREE)
            gate_drop(g, &g->pool[i]);
    }
    channel_fini(&g->core);
    buf_fini(&g->scratch);
    free(g->pool);
    g->pool = NULL;
}

bool
gate_open_for_input(const struct gate *g)
{
    return channel_waiting(&g->core) < GATE_CORE_WAITING_MAX;
}

void
gate_note(struct gate *g, const char *event, const char *what)
{
    uint64_t second = clock_mono_ms(&g->clock) / 1000;
    if (second != g->note_second) {
        if (g->notes > GATE_NOTES_PER_S)
            log_event("notes_left_out", "count=%llu",
                      (unsigned long long)(g->notes - GATE_NOTES_PER_S));
        g->note_second = second;
        g->notes = 0;
    }
    if (g->notes++ < GATE_NOTES_PER_S)
        log_event(event, "why=%s", log_quote(bytes_text(what)));
}

void
gate_mark(struct gate *g, struct connection *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->dirty_next = g->dirty_head;
    g->dirty_head = c->index + 1;
}

/* ---- the pool ---- */

/* Memory for answers is shared by all clients; the one whose answers pass the limit goes. */
static void
count_out(struct gate *g, struct connection *c)
{
    size_t now = connection_waiting(c);
    g->out_total += now;
    ASSERT(g->out_total >= c->out_counted);
    g->out_total -= c->out_counted;
    c->out_counted = now;
}

static bool
is_stranger(const struct connection *c)
{
    return c->state == CONNECTION_HANDSHAKE || c->identity.kind == PEER_STRANGER;
}

void
gate_drop(struct gate *g, struct connection *c)
{
    ASSERT(c->state != CONNECTION_FREE);
    if (c->state != CONNECTION_CLOSING)
        connection_end(g, c);
    bool stranger = c->identity.kind == PEER_STRANGER;
    if (c->watch.active)
        loop_unwatch(g->loop, &c->watch);
    if (c->watch.fd >= 0)
        close(c->watch.fd);
    tls_close(&c->tls);
    buf_fini(&c->in);
    buf_fini(&c->out);
    c->out_at = 0;
    count_out(g, c);
    if (c->mqtt.state)
        mqtt_session_fini(&c->mqtt);
    if (c->http.reader.state)
        http_reader_fini(&c->http.reader);
    ASSERT(g->count > 0 && g->strangers >= stranger);
    g->count--;
    g->strangers -= stranger;
    /* It may still stand in the list of this round; that link stays. */
    struct connection empty = {.index = c->index,
                               .dirty = c->dirty,
                               .dirty_next = c->dirty_next,
                               .next = g->free_head,
                               .watch.fd = -1};
    *c = empty;
    g->free_head = c->index + 1;
}

/* The stranger between requests or in its handshake that was silent longest; NULL: none is idle. */
static struct connection *
oldest_idle_stranger(struct gate *g)
{
    struct connection *oldest = NULL;
    for (uint32_t i = 0; i < g->touched; i++) {
        struct connection *c = &g->pool[i];
        bool idle = c->state == CONNECTION_HANDSHAKE || c->state == CONNECTION_CLOSING ||
                    (c->state == CONNECTION_OPEN && c->protocol == TLS_HTTP && http_peer_idle(c));
        if (c->state != CONNECTION_FREE && is_stranger(c) && idle &&
            (!oldest || c->heard_ms < oldest->heard_ms))
            oldest = c;
    }
    return oldest;
}

static void on_socket(void *ctx, int fd, unsigned events);

struct connection *
gate_adopt(struct gate *g, int fd, enum tls_protocol protocol)
{
    uint32_t strangers_max = g->max / 4 ? g->max / 4 : 1;
    if (g->count == g->max || g->strangers >= strangers_max) {
        struct connection *oldest = oldest_idle_stranger(g);
        if (!oldest)
            return NULL;
        g->refused++;
        gate_drop(g, oldest);
    }
    ASSERT(g->free_head || g->touched < g->max);
    uint32_t index = g->free_head ? g->free_head - 1 : g->touched;
    struct connection *c = &g->pool[index];
    uint32_t next = c->next, dirty_next = c->dirty_next;
    bool dirty = c->dirty;
    if (tls_open(&c->tls, g->tls.contexts[protocol], false) != OK)
        return NULL;
    if (g->free_head)
        g->free_head = next;
    else
        g->touched++;
    c->index = index;
    g->count++;
    g->strangers++;
    c->state = CONNECTION_HANDSHAKE;
    c->protocol = protocol;
    c->dirty = dirty;
    c->dirty_next = dirty_next;
    c->peer = ++g->serial * GATE_CONNECTIONS_MAX + c->index;
    c->gate = g;
    c->watch = (struct watch){.fd = fd, .fn = on_socket, .ctx = c};
    c->heard_ms = clock_mono_ms(&g->clock);
    c->deadline_ms = c->heard_ms + CONNECTION_HANDSHAKE_MS;
    buf_init(&c->in, CONNECTION_IN_MAX);
    buf_init(&c->out, CONNECTION_OUT_MAX);
    return c;
}

static struct connection *
find_peer(struct gate *g, uint64_t peer)
{
    uint64_t index = peer % GATE_CONNECTIONS_MAX;
    if (index >= g->touched || g->pool[index].peer != peer ||
        g->pool[index].state != CONNECTION_OPEN)
        return NULL;
    return &g->pool[index];
}

/* ---- the network ---- */

/* Write what goes; drop the connection when it is done or broken. */
static void
flush(struct gate *g, struct connection *c)
{
    uint64_t now_ms = clock_mono_ms(&g->clock);
    bool blocked = false;
    while (!blocked && connection_encrypt(c)) {
        ssize_t n = write(c->watch.fd, c->tls.out.p, c->tls.out.len);
        if (n > 0) {
            buf_drop(&c->tls.out, (size_t)n);
            c->stalled_ms = 0;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            blocked = true;
        } else {
            gate_drop(g, c);
            return;
        }
    }
    if (c->tls.out.len == 0 && c->tls.out.capacity > CONNECTION_KEPT)
        buf_fini(&c->tls.out);
    if (blocked && c->stalled_ms == 0)
        c->stalled_ms = now_ms;
    unsigned events = (connection_wants_input(g, c) ? (unsigned)LOOP_READ : 0) |
                      (blocked ? (unsigned)LOOP_WRITE : 0);
    loop_change(g->loop, &c->watch, events);
}

static void
on_socket(void *ctx, int fd, unsigned events)
{
    static uint8_t bytes[CONNECTION_READ_MAX]; /* one thread */
    struct connection *c = ctx;
    struct gate *g = c->gate;
    gate_mark(g, c);
    if (events & LOOP_READ && !connection_wants_input(g, c)) {
        loop_change(g->loop, &c->watch, c->watch.events & ~(unsigned)LOOP_READ);
        return;
    }
    if (!(events & (LOOP_READ | LOOP_HANGUP)))
        return; /* it can be written again: the end of the round does it */
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n > 0)
        connection_take(g, c, bytes_of(bytes, (size_t)n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        gate_drop(g, c);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
    struct gate_listener *l = ctx;
    struct gate *g = l->gate;
    (void)events;
    for (int i = 0; i < GATE_ACCEPTS_PER_ROUND; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0)
            return;
        struct connection *c = gate_adopt(g, client, l->protocol);
        if (!c) {
            g->refused++;
            close(client);
            continue;
        }
        if (loop_watch(g->loop, &c->watch, LOOP_READ) != OK)
            gate_drop(g, c);
    }
}

void
gate_tick(void *gate)
{
    struct gate *g = gate;
    uint64_t now_ms = clock_mono_ms(&g->clock);
    for (uint32_t i = 0; i < g->touched; i++) {
        struct connection *c = &g->pool[i];
        if (c->state == CONNECTION_FREE)
            continue;
        if (c->stalled_ms && now_ms - c->stalled_ms >= CONNECTION_STALL_MS)
            gate_drop(g, c);
        else if (now_ms >= c->deadline_ms)
            connection_expire(g, c);
    }
}

/* ---- the core ---- */

/*
 * The core knows nobody any more: every client has to come again. Those that opened since it said
 * so it does know, so it hears `peer_close` of all and ignores the others.
 */
static void
on_core_started(struct gate *g)
{
    for (uint32_t i = 0; i < g->touched; i++) {
        struct connection *c = &g->pool[i];
        if (c->state != CONNECTION_OPEN)
            continue;
        if (c->protocol == TLS_MQTT)
            mqtt_peer_close(g, c, MQTT_SERVER_UNAVAILABLE);
        else
            connection_end(g, c);
    }
}

enum { FOR_HTTP = 1, FOR_MQTT = 2 };

/* The peer of a message, if it is still there; ERR_MALFORMED when it speaks the other protocol. */
static enum err
peer_for(struct gate *g, uint64_t peer, int protocols, struct connection **out)
{
    *out = find_peer(g, peer);
    if (*out && !(protocols & ((*out)->protocol == TLS_MQTT ? FOR_MQTT : FOR_HTTP)))
        return ERR_MALFORMED;
    return OK;
}

/* `published` answers PUBLISH and PUBREL, `subscribed` the others; who mixes them is broken. */
static enum err
on_verdict(struct gate *g, uint16_t id, uint64_t peer, uint32_t ref, uint8_t reason,
           struct bytes why)
{
    struct connection *c;
    enum err e = peer_for(g, peer, FOR_MQTT, &c);
    uint8_t waits = e == OK && c ? mqtt_session_waits(&c->mqtt, ref) : 0;
    bool of_publish = waits == MQTT_PUBLISH || waits == MQTT_PUBREL;
    if (waits && of_publish != (id == published_id))
        return ERR_MALFORMED;
    if (e == OK && c)
        mqtt_peer_answer(g, c, ref, reason, why);
    return e;
}

static enum err
on_answer(struct gate *g, uint16_t id, struct bytes body)
{
    struct connection *c = NULL;
    struct answer head;
    struct answer_body part;
    enum err e = id == answer_id ? answer_decode(body, &head) : answer_body_decode(body, &part);
    if (e == OK)
        e = peer_for(g, id == answer_id ? head.peer : part.peer, FOR_HTTP, &c);
    if (e != OK || !c)
        return e;
    e = id == answer_id ? http_peer_answer(g, c, &head) : http_peer_part(g, c, &part);
    count_out(g, c);
    if (e == OK && g->out_total > GATE_OUT_TOTAL_MAX) {
        gate_note(g, "out_of_room", "answers wait for clients that do not read");
        gate_drop(g, c);
    }
    return e;
}

/* The client of a delivery; NULL: it is gone. */
static enum err
hand_over(struct gate *g, uint64_t peer, const struct mqtt_publish *m)
{
    struct connection *c;
    enum err e = peer_for(g, peer, FOR_MQTT, &c);
    if (e != OK || !c)
        return e;
    mqtt_peer_deliver(g, c, m);
    count_out(g, c);
    if (g->out_total > GATE_OUT_TOTAL_MAX)
        gate_drop(g, c);
    return OK;
}

static enum err
on_session_deliver(struct gate *g, struct bytes body)
{
    struct session_deliver m;
    enum err e = session_deliver_decode(body, &m);
    if (e != OK)
        return e;
    uint8_t qos = m.flags & 3;
    if (qos == 3 || (m.packet_id != 0) != (qos != 0) || m.topic.len == 0 ||
        m.topic.len > MQTT_TOPIC_MAX || mqtt_properties_check(m.properties, MQTT_DELIVERY) != OK)
        return ERR_MALFORMED;
    struct mqtt_publish p = {.dup = m.flags & 8,
                             .retain = m.flags & 4,
                             .qos = qos,
                             .packet_id = m.packet_id,
                             .topic = m.topic,
                             .properties = m.properties,
                             .payload = m.payload};
    return hand_over(g, m.peer, &p);
}

static enum err
on_session_release(struct gate *g, struct bytes body)
{
    struct connection *c;
    struct session_deliver_release m;
    enum err e = session_deliver_release_decode(body, &m);
    if (e == OK && m.packet_id == 0)
        e = ERR_MALFORMED;
    if (e == OK)
        e = peer_for(g, m.peer, FOR_MQTT, &c);
    if (e == OK && c)
        mqtt_peer_release(g, c, m.packet_id);
    return e;
}

static enum err
on_session_opened(struct gate *g, struct bytes body)
{
    struct connection *c;
    struct session_opened m;
    enum err e = session_opened_decode(body, &m);
    if (e == OK)
        e = peer_for(g, m.peer, FOR_MQTT, &c);
    if (e != OK || !c)
        return e;
    /* A client that asked for a name must get one. */
    if (c->mqtt.state != MQTT_OPENING || (m.reason != 0 && m.reason < 0x80) ||
        (m.reason == 0 && c->mqtt.nameless != (m.client_id.len > 0)))
        return ERR_MALFORMED;
    mqtt_peer_opened(g, c, &m);
    return OK;
}

static enum err
on_peer_drop(struct gate *g, struct bytes body)
{
    struct peer_drop m;
    enum err e = peer_drop_decode(body, &m);
    struct connection *c = e == OK ? find_peer(g, m.peer) : NULL;
    if (!c)
        return e;
    if (c->protocol == TLS_MQTT)
        mqtt_peer_close(g, c, m.reason);
    else
        connection_end(g, c);
    return OK;
}

enum err
gate_core_frame(void *gate, uint16_t id, struct bytes body)
{
    struct gate *g = gate;
    enum err e;
    switch (id) {
    case published_id: {
        struct published m;
        e = published_decode(body, &m);
        return e != OK ? e : on_verdict(g, id, m.peer, m.ref, m.reason, m.why);
    }
    case subscribed_id: {
        struct subscribed m;
        e = subscribed_decode(body, &m);
        return e != OK ? e : on_verdict(g, id, m.peer, m.ref, m.reason, m.why);
    }
    case session_opened_id:
        return on_session_opened(g, body);
    case session_deliver_id:
        return on_session_deliver(g, body);
    case session_deliver_release_id:
        return on_session_release(g, body);
    case answer_id:
    case answer_body_id:
        return on_answer(g, id, body);
    case peer_drop_id:
        return on_peer_drop(g, body);
    case core_started_id: {
        struct core_started m;
        e = core_started_decode(body, &m);
        if (e == OK)
            on_core_started(g);
        return e;
    }
    default:
        return ERR_MALFORMED; /* what is not listed here is refused */
    }
}

/* A core that breaks the order of messages is broken or hostile: end, and be started anew. */
static void
core_is_broken(enum err e)
{
    log_event("core_broken", "error=\"%s\"", err_text(e));
    if (e == ERR_MALFORMED)
        program_complain("core");
    _exit(1);
}

static void
on_core(void *ctx, int fd, unsigned events)
{
    struct gate *g = ctx;
    (void)fd, (void)events;
    for (int i = 0; i < PACKETS_PER_ROUND; i++) {
        enum err e = channel_receive(&g->core, gate_core_frame, g);
        if (e == ERR_AGAIN)
            return;
        if (e != OK)
            core_is_broken(e);
    }
}

/* ---- rounds ---- */

static void
run_marked(struct gate *g)
{
    while (g->dirty_head) {
        uint32_t at = g->dirty_head;
        g->dirty_head = 0;
        while (at) {
            struct connection *c = &g->pool[at - 1];
            at = c->dirty_next;
            if (c->state != CONNECTION_FREE)
                connection_run(g, c);
            if (c->state != CONNECTION_FREE && g->loop)
                flush(g, c);
            if (c->state != CONNECTION_FREE)
                count_out(g, c);
            c->dirty = false;
        }
    }
}

uint32_t
gate_round(void *gate)
{
    struct gate *g = gate;
    run_marked(g);
    /* Whoever was held back in this round is let go on by it too, if the core takes so much now. */
    bool held = g->paused || !gate_open_for_input(g);
    tls_memory_settle();
    enum err e = channel_flush(&g->core);
    if (e != OK && e != ERR_AGAIN)
        core_is_broken(e);
    if (g->loop)
        loop_change(g->loop, &g->core_watch,
                    LOOP_READ | (e == ERR_AGAIN ? (unsigned)LOOP_WRITE : 0));
    g->paused = !gate_open_for_input(g);
    bool resumed = held && !g->paused;
    for (uint32_t i = 0; resumed && i < g->touched; i++) {
        if (g->pool[i].state != CONNECTION_FREE)
            gate_mark(g, &g->pool[i]);
    }
    return resumed ? 0 : UINT32_MAX;
}

enum err
gate_serve(struct gate *g, struct loop *loop)
{
    g->loop = loop;
    struct gate_started m;
    memset(&m, 0, sizeof(m));
    /* What waits is about a predecessor's peers, or a breached core's nonsense: nothing for us. */
    enum err forgot = channel_forget(&g->core, FORGET_PACKETS);
    if (forgot != OK && forgot != ERR_AGAIN)
        return forgot;
    enum err e = CHANNEL_SEND(&g->core, gate_started, &m);
    g->core_watch = (struct watch){.fd = g->core.fd, .fn = on_core, .ctx = g};
    if (e == OK)
        e = loop_watch(loop, &g->core_watch, LOOP_READ);
    for (size_t i = 0; e == OK && i < g->listeners_count; i++) {
        struct gate_listener *l = &g->listeners[i];
        l->gate = g;
        l->watch.fn = on_listener;
        l->watch.ctx = l;
        e = loop_watch(loop, &l->watch, LOOP_READ);
    }
    if (e != OK)
        return e;
    loop_idle(loop, gate_round, g);
    loop_every(loop, TICK_MS, gate_tick, g);
    return OK;
}

void
gate_stop(struct gate *g)
{
    g->stopping = true;
    for (size_t i = 0; i < g->listeners_count; i++)
        loop_unwatch(g->loop, &g->listeners[i].watch);
    for (uint32_t i = 0; i < g->touched; i++) {
        struct connection *c = &g->pool[i];
        if (c->state == CONNECTION_OPEN && c->protocol == TLS_MQTT)
            mqtt_peer_close(g, c, MQTT_SHUTTING_DOWN);
        else if (c->state == CONNECTION_OPEN)
            connection_end(g, c);
    }
    gate_round(g);
}
