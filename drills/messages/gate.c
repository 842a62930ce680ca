/*
 * gate.c -- a breached core at its gate: no publish is acknowledged that the core did not answer,
 * no client gets what was meant for another, nobody unproven gets anything, and what is malformed
 * or in the wrong direction changes nothing.
 */
#include "drills/messages/play.h"

#include "programs/gate/gate_test.c"

enum { CLIENTS = 3, DEVICES = 2, REFS_MAX = 8, EPISODE = 400 };

extern const struct field_row gate_core_rows[];
static struct world world;
static struct client clients[CLIENTS];           /* dock-7 and dock-8 by MQTT, a caller by HTTP */
static uint32_t publish_refs[DEVICES][REFS_MAX]; /* sent to the core, not answered yet */
static uint32_t sent[DEVICES], publish_count[DEVICES], acknowledged[DEVICES], answered[DEVICES];
static char marks[CLIENTS][32];
static unsigned steps;

static uint64_t
some_peer(struct maker *m)
{
    size_t i = (size_t)maker_random(m, CLIENTS + 1);
    return i < CLIENTS ? clients[i].peer : clients[0].peer + maker_random(m, 9);
}

/* Frames that fit together: refs and payloads go with the peer that was named before them. */
static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static uint64_t peer;
    size_t i = 0;
    if (strcmp(field, "peer") == 0)
        peer = some_peer(m);
    while (i < CLIENTS - 1 && clients[i].peer != peer)
        i++;
    if (strcmp(field, "peer") == 0)
        out->number = peer;
    else if (strcmp(field, "ref") == 0)
        out->number = i < DEVICES ? publish_refs[i][0] + maker_chance(m, 20) : world.ref;
    else if (strcmp(field, "payload") == 0 || strcmp(field, "part") == 0)
        out->bytes = bytes_text(clients[i].peer == peer ? marks[i] : "");
    else if (strcmp(field, "topic") == 0)
        out->bytes = bytes_text(maker_chance(m, 80) ? "leases/dock" : "a/+/#");
    else if (strcmp(field, "body_length") == 0)
        out->number = maker_random(m, 40);
    else if (strcmp(field, "status") == 0)
        out->number = maker_chance(m, 50) ? 200 : 404;
    else if (strcmp(field, "reason") == 0 && strcmp(message, "peer_drop") != 0)
        out->number = 0;
    else if (strcmp(field, "flags") == 0)
        out->number = maker_random(m, 16);
    else if (strcmp(field, "packet_id") == 0)
        out->number = maker_chance(m, 95) ? 1 + maker_random(m, 9) : 0;
    else if (strcmp(field, "properties") == 0)
        out->bytes = bytes_of("\x0b\1", maker_chance(m, 95) ? 0 : maker_random(m, 3));
    else
        return false;
    return true;
}

static void
begin_world(void)
{
    world_init(&world, 16);
    client_init(&clients[0], &world, TLS_MQTT, &device);
    client_init(&clients[1], &world, TLS_MQTT, &other);
    client_init(&clients[2], &world, TLS_HTTP, &caller);
    come_up(&clients[0], MQTT_V311);
    come_up(&clients[1], MQTT_V311);
    SAY(&clients[2], "GET /v1.1/Things HTTP/1.1\r\nHost: h\r\n\r\n");
    core_log(&world);
    for (size_t i = 0; i < CLIENTS; i++) {
        snprintf(marks[i], sizeof(marks[i]), "only-for-%zu-%llu!", i,
                 (unsigned long long)clients[i].peer);
        buf_reset(&clients[i].got);
    }
    memset(publish_refs, 0, sizeof(publish_refs));
    memset(sent, 0, sizeof(sent));
    memset(publish_count, 0, sizeof(publish_count));
    memset(acknowledged, 0, sizeof(acknowledged));
    memset(answered, 0, sizeof(answered));
    steps = 0;
}

static void
end_world(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_fini(&clients[i]);
    world_fini(&world);
}

/* What the gate sent to the core: publishes that wait for their answer. */
static enum err
core_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct publish m;
    (void)ctx;
    if (id != publish_id)
        return OK;
    HOLDS(publish_decode(body, &m) == OK);
    for (size_t i = 0; i < DEVICES; i++)
        if (clients[i].peer == m.peer && m.ref)
            publish_refs[i][publish_count[i]++ - answered[i]] = m.ref;
    return OK;
}

static void
listen_to_gate(void)
{
    do {
        gate_round(&world.gate);
        while (channel_receive(&world.core, core_hears, NULL) == OK)
            continue;
    } while (channel_waiting(&world.gate.core));
}

/* A device publishes with QoS 1 through its TLS session. */
static void
publish_once(size_t i)
{
    if (!is_there(&clients[i]) || clients[i].closed || sent[i] - answered[i] >= REFS_MAX)
        return;
    uint8_t packet[] = {0x32, 6, 0, 1, 'a', 0, (uint8_t)(sent[i] % 200 + 1), 'x'};
    pump(&clients[i]);
    if (tls_write(&clients[i].s, bytes_of(packet, sizeof(packet))) != OK)
        return;
    sent[i]++;
    pump(&clients[i]);
    listen_to_gate();
}

/* True when this frame answers a publish that waits. */
static void
note_answer(const struct frame *f)
{
    struct published m;
    if (f->id != published_id || published_decode(buf_bytes(&f->body), &m) != OK)
        return;
    for (size_t i = 0; i < DEVICES; i++) {
        uint32_t waiting = publish_count[i] - answered[i];
        for (uint32_t k = 0; clients[i].peer == m.peer && k < waiting; k++) {
            if (publish_refs[i][k] != m.ref)
                continue;
            memmove(&publish_refs[i][k], &publish_refs[i][k + 1],
                    (waiting - k - 1) * sizeof(publish_refs[i][0]));
            answered[i]++;
            break;
        }
    }
}

/* PUBACKs among the whole packets that a device received; a torn one at the end stays. */
static uint32_t
take_acknowledgements(struct buf *got)
{
    uint32_t count = 0;
    size_t at = 0;
    for (;;) {
        size_t length = 0, head = 1;
        unsigned shift = 0;
        do {
            if (at + head >= got->len) {
                buf_drop(got, at);
                return count;
            }
            length |= (size_t)(got->p[at + head] & 127) << shift;
            shift += 7;
        } while (got->p[at + head++] & 128 && shift < 28);
        if (at + head + length > got->len) {
            buf_drop(got, at);
            return count;
        }
        count += got->p[at] == 0x40;
        at += head + length;
    }
}

static void
look_at_clients(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *x = &clients[i];
        pump(x);
        for (size_t k = 0; k < CLIENTS; k++)
            HOLDS(k == i || x->got.len == 0 ||
                  !memmem(x->got.p, x->got.len, marks[k], strlen(marks[k])));
        if (i >= DEVICES) {
            play.effects += x->got.len != 0;
            buf_reset(&x->got);
            continue;
        }
        uint32_t news = take_acknowledgements(&x->got);
        acknowledged[i] += news;
        play.effects += news;
        HOLDS(acknowledged[i] <= answered[i]);
    }
}

static bool
is_from_core(uint16_t id)
{
    static const uint16_t ids[] = {
        published_id,      subscribed_id,      answer_id,
        answer_body_id,    peer_drop_id,       core_started_id,
        session_opened_id, session_deliver_id, session_deliver_release_id};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void
step(void)
{
    if (maker_chance(&play.maker, 25))
        publish_once((size_t)maker_random(&play.maker, DEVICES));
    listen_to_gate();
    uint64_t total = world.gate.out_total, publishes = world.gate.publishes;
    uint32_t count = world.gate.count;
    const struct frame *f = maker_next(&play.maker);
    if ((f->id == core_started_id || f->id == peer_drop_id) && !maker_chance(&play.maker, 3))
        return; /* they end connections, and with them what could be attacked */
    note_answer(f);
    struct bytes exact = test_exact(buf_bytes(&f->body));
    enum err e = gate_core_frame(&world.gate, f->id, exact);
    test_exact_free(exact);
    play_count(e);
    HOLDS(e == OK || e == ERR_MALFORMED);
    HOLDS(e == ERR_MALFORMED || is_from_core(f->id));
    HOLDS(world.gate.publishes == publishes);
    if (e == ERR_MALFORMED && !is_from_core(f->id))
        HOLDS(world.gate.out_total == total && world.gate.count == count);
    gate_round(&world.gate);
    if (++steps % 4 == 0 || play.maker.made % 64 == 0)
        look_at_clients();
    if (steps >= EPISODE || !is_there(&clients[0]) || !is_there(&clients[1])) {
        look_at_clients();
        end_world();
        begin_world();
    }
}

static void
stop(void)
{
    end_world();
    HOLDS(play.effects > 0);
}

const struct receiver receiver_this = {"gate", "core",      gate_core_rows, 0x0181, 0x01ff,
                                       fill,   begin_world, step,           stop};
