/*
 * core.c -- a breached gate, a breached ledger and a breached warden around one core: nothing is
 * stored that no device of that Datastream published, no data leaves before `recorded` nor to
 * somebody who may not read it, no lease is handed on that no warden sent, nor to another device.
 */
#include "drills/messages/play.h"

#include "programs/core/core_test.h"

enum { EPISODE = 20000, BATCH = 24, KEPT = 512, PEERS = 8, STREAMS = 3, OPEN_MAX = 8192 };

extern const struct field_row gate_core_rows[], ledger_rows[], core_warden_rows[];

static enum err
still_start(void *self, const struct start *start, const struct service_ports *ports,
            struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}
static const struct service still_service = {.name = "still", .size = 8, .start = still_start};

static struct test_city *t;
static struct maker ledger_maker, warden_maker;
static unsigned steps;
static char topics[STREAMS][64], tokens[3][TOKEN_TEXT_SIZE]; /* auditor's, operator's, forged */
static const char *const owners[STREAMS] = {"dock-a", "dock-b", "dock-a"};

/* ---- what is true, as far as the gate has said ------------------------------------------------
 */

/* A peer that the gate has opened; the gate may say of them what it likes. */
struct known {
    bool open;
    uint64_t id;
    uint8_t kind;
    char name[49];
    uint8_t key[32];
};
static struct known peers[OPEN_MAX];
static size_t peers_count;

/* A publish or question that was taken, in a ring. */
struct said {
    bool used, may_store, may_succeed, is_reader;
    uint64_t peer;
    uint32_t ref;
};
static struct said publishes[KEPT], asks[KEPT];
static size_t publishes_next, asks_next;
static uint64_t may_store, posts, recorded, data_answers, leases_given;
static uint64_t record_refs[KEPT];
static size_t records_next;

static struct known *
known_peer(uint64_t id)
{
    for (size_t i = 0; i < peers_count; i++)
        if (peers[i].open && peers[i].id == id)
            return &peers[i];
    return NULL;
}

static struct known *
new_peer(uint64_t id)
{
    size_t i = 0;
    while (i < peers_count && peers[i].open)
        i++;
    CHECK(i < OPEN_MAX);
    peers_count += i == peers_count;
    peers[i] = (struct known){.open = true, .id = id};
    return &peers[i];
}

static void
learn_open(const struct peer_open *m)
{
    struct known *k = new_peer(m->peer);
    k->kind = m->kind;
    CHECK_OK(bytes_copy_text(m->name, k->name, sizeof(k->name)));
    if (m->key_digest.len == sizeof(k->key))
        memcpy(k->key, m->key_digest.p, sizeof(k->key));
}

/*
 * "all/#" but for "all/secret/#": see plan() below. A filter's "/#" takes its parent level in too,
 * and no level that only begins alike (MQTT 5.0 4.7.1.2): "all/secret" is secret, "all/secrets" is
 * not.
 */
static bool
for_all(struct bytes topic)
{
    return bytes_start(topic, "all/") && !bytes_start(topic, "all/secret/") &&
           !bytes_are(topic, "all/secret");
}

/* The trees of plan() below, said once more. */
static bool
may_say(const struct known *k, struct bytes topic)
{
    char own[64], seen[64];
    snprintf(own, sizeof(own), "own/%s/up", k->name);
    snprintf(seen, sizeof(seen), "leases/%s/seen", k->name);
    return k->kind == PEER_DEVICE &&
           (for_all(topic) || bytes_are(topic, own) || bytes_are(topic, seen));
}

static void
learn_publish(const struct publish *m)
{
    const struct known *k = known_peer(m->peer);
    struct said *s = &publishes[publishes_next++ % KEPT];
    *s = (struct said){.used = true, .peer = m->peer, .ref = m->ref};
    for (size_t i = 0; i < STREAMS; i++)
        s->may_store |= k && k->open && k->kind == PEER_DEVICE && bytes_are(m->topic, topics[i]) &&
                        strcmp(k->name, owners[i]) == 0;
    may_store += s->may_store;
    s->may_succeed = s->may_store || (k && k->open && may_say(k, m->topic));
}

/* QoS 2 that came before is answered again, whatever it says now. */
static void
learn_session_publish(const struct session_publish *m)
{
    struct publish p = {m->peer, m->ref, m->topic, m->payload};
    learn_publish(&p);
    publishes[(publishes_next - 1) % KEPT].may_succeed |= (m->flags & 3) == 2;
}

/* A release is answered like a publish. */
static void
learn_release(const struct session_release *m)
{
    publishes[publishes_next++ % KEPT] =
        (struct said){.used = true, .may_succeed = true, .peer = m->peer, .ref = m->ref};
}

static void
learn_ask(const struct ask *m)
{
    const struct known *k = known_peer(m->peer);
    uint8_t auditor[32];
    key_of("auditor", auditor);
    struct said *s = &asks[asks_next++ % KEPT];
    *s = (struct said){.used = true, .peer = m->peer, .ref = m->ref};
    bool own = k && k->open && k->kind == PEER_DEVICE && strcmp(k->name, "dock-a") == 0;
    s->is_reader = own || (k && k->open && k->kind == PEER_CALLER &&
                           bytes_are(m->token, tokens[0]) && memcmp(k->key, auditor, 32) == 0);
    s->may_store = k && k->open && k->kind == PEER_DEVICE;
    posts += s->may_store;
}

static void
learn(const struct frame *f)
{
    struct bytes body = buf_bytes(&f->body);
    struct peer_open open;
    struct peer_close gone;
    struct publish publish;
    struct session_publish with_properties;
    struct session_release release;
    struct ask ask;
    struct gate_started started;
    if (f->id == peer_open_id && peer_open_decode(body, &open) == OK)
        learn_open(&open);
    else if (f->id == peer_close_id && peer_close_decode(body, &gone) == OK) {
        if (known_peer(gone.peer))
            known_peer(gone.peer)->open = false;
    } else if (f->id == gate_started_id && gate_started_decode(body, &started) == OK)
        peers_count = 0;
    else if (f->id == publish_id && publish_decode(body, &publish) == OK)
        learn_publish(&publish);
    else if (f->id == session_publish_id && session_publish_decode(body, &with_properties) == OK)
        learn_session_publish(&with_properties);
    else if (f->id == session_release_id && session_release_decode(body, &release) == OK)
        learn_release(&release);
    else if (f->id == ask_id && ask_decode(body, &ask) == OK)
        learn_ask(&ask);
}

static struct said *
find(struct said *list, uint64_t peer, uint32_t ref)
{
    for (size_t i = 0; i < KEPT; i++)
        if (list[i].used && list[i].peer == peer && list[i].ref == ref)
            return &list[i];
    return NULL;
}

/* ---- plausible values -------------------------------------------------------------------------
 */

static const char *const names[PEERS] = {"",         "dock-a", "dock-b", "auditor",
                                         "operator", "",       "dock-a", "dock-b"};
static const uint8_t kinds[PEERS] = {PEER_STRANGER, PEER_DEVICE,   PEER_DEVICE, PEER_CALLER,
                                     PEER_CALLER,   PEER_STRANGER, PEER_DEVICE, PEER_DEVICE};

static bool
fill_text(struct maker *m, const char *field, struct value *out)
{
    static const char *const payloads[] = {
        "{\"result\":5}",
        "{\"result\":50}",
        "{\"result\":51}",
        "{\"result\":\"x\"}",
        "{}",
        "[",
        "",
        "17",
        "{\"result\":3,\"phenomenonTime\":\"2026-09-21T14:13:00Z\"}"};
    static const char *const methods[] = {"GET", "GET", "GET", "POST", "PATCH", "DELETE", "HEAD"};
    static const char *const targets[] = {"/v1.1/Things",
                                          "/v1.1/Observations",
                                          "/v1.1/Observations?$top=5",
                                          "/v1.1/Datastreams",
                                          "/v1.1/Datastreams(1)/Observations",
                                          "/v1.1/Datastreams(2)/Observations",
                                          "/v1.1/Datastreams(3)/Observations",
                                          "/v1.1/Datastreams(3)/Observations?$expand=Datastream",
                                          "/v1.1/Commands",
                                          "/v1.1/Things(1)/Datastreams?$expand=Observations",
                                          "/",
                                          "/v1.1"};
    static const char *const filters[] = {"leases/dock-a",
                                          "leases/dock-b",
                                          "leases/#",
                                          "#",
                                          "v1.1/Datastreams(1)/Observations",
                                          "v1.1/Datastreams(3)/Observations",
                                          "v1.1/Datastreams(2)/Observations?$select=result",
                                          "v1.1/Observations",
                                          "v1.1/Things(1)/name",
                                          "v1.1/Things",
                                          "all/#",
                                          "all/secret/x",
                                          "own/dock-a/up",
                                          "+/+/up",
                                          "$share/g/all/#",
                                          "$share/g/v1.1/Things",
                                          "a/#/b"};
    static const char *const plain[] = {
        "all/x",         "all/secret/x", "all/secret",    "all/secrets",        "own/dock-a/up",
        "own/dock-b/up", "nowhere",      "leases/dock-a", "leases/dock-a/seen", "all/+"};
    static const char *const clients[] = {"one", "two", "three", ""};
    static const char *const words[] = {"application/json", "text/plain"};
    if (strcmp(field, "will_topic") == 0 || (strcmp(field, "topic") == 0 && maker_chance(m, 40)))
        out->bytes = maker_word(m, plain, ARRAY_COUNT(plain));
    else if (strcmp(field, "topic") == 0)
        out->bytes = bytes_text(topics[maker_random(m, STREAMS)]);
    else if (strcmp(field, "client_id") == 0)
        out->bytes = maker_word(m, clients, ARRAY_COUNT(clients));
    else if (strcmp(field, "password") == 0)
        out->bytes = bytes_text(tokens[maker_random(m, 3)]);
    else if (strstr(field, "properties") && maker_chance(m, 80))
        out->bytes = bytes_of("\x02\0\0\0\x05\x01\x01", maker_chance(m, 50) ? 7 : 0);
    else if (strcmp(field, "payload") == 0 || strcmp(field, "part") == 0)
        out->bytes = maker_word(m, payloads, ARRAY_COUNT(payloads));
    else if (strcmp(field, "method") == 0)
        out->bytes = maker_word(m, methods, ARRAY_COUNT(methods));
    else if (strcmp(field, "target") == 0)
        out->bytes = maker_word(m, targets, ARRAY_COUNT(targets));
    else if (strcmp(field, "token") == 0)
        out->bytes = bytes_text(maker_chance(m, 20) ? "" : tokens[maker_random(m, 3)]);
    else if (strcmp(field, "filter") == 0)
        out->bytes = maker_word(m, filters, ARRAY_COUNT(filters));
    else if (strcmp(field, "content_type") == 0)
        out->bytes = maker_word(m, words, ARRAY_COUNT(words));
    else
        return false;
    return true;
}

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static uint64_t peer;
    static uint8_t key[32];
    (void)message;
    if (strcmp(field, "peer") == 0)
        out->number = peer = 1 + maker_random(m, PEERS - 1);
    else if (strcmp(field, "kind") == 0)
        out->number = kinds[peer % PEERS];
    else if (strcmp(field, "name") == 0)
        out->bytes = bytes_text(names[peer % PEERS]);
    else if (strcmp(field, "key_digest") == 0) {
        key_of(names[peer % PEERS], key);
        out->bytes = bytes_of(key, names[peer % PEERS][0] ? sizeof(key) : 0);
    } else if (strcmp(field, "ref") == 0)
        out->number = maker_random(m, 1000000);
    else if (strcmp(field, "packet_id") == 0)
        out->number = 1 + maker_random(m, 8);
    else if (strcmp(field, "will_flags") == 0)
        out->number = maker_chance(m, 50) ? 0 : maker_random(m, 16);
    else if (strcmp(field, "session_expiry_s") == 0)
        out->number = maker_random(m, 3) * 10;
    else if (strcmp(field, "type") == 0)
        out->number = 4 + maker_random(m, 4);
    else if (strcmp(field, "body_length") == 0)
        out->number = maker_chance(m, 70) ? 0 : maker_random(m, 60);
    else
        return fill_text(m, field, out);
    return true;
}

static bool
fill_ledger(struct maker *m, const char *message, const char *field, struct value *out)
{
    (void)message;
    if (strcmp(field, "ref") != 0)
        return false;
    out->number = record_refs[maker_random(m, KEPT)];
    return true;
}

static bool
fill_warden(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const devices[] = {"dock-a", "dock-b", "dock-c", "auditor"};
    (void)message;
    if (strcmp(field, "ref") == 0)
        out->number = maker_random(m, 50);
    else if (strcmp(field, "device") == 0)
        out->bytes = maker_word(m, devices, ARRAY_COUNT(devices));
    else if (strcmp(field, "note") == 0)
        out->bytes = bytes_text("a note that the warden made");
    else
        return false;
    return true;
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* Trees of plain topics, as in may_say(). */
static void
plan(struct start *s)
{
    static const struct start_topics rows[] = {
        {.filter = "all/#",
         .class_name = "bike-count",
         .except = "all/secret/#",
         .who = 7,
         .qos = 2,
         .retained = 5,
         .size_bytes = 1000},
        {.filter = "own/%d/up",
         .class_name = "vehicle-position",
         .who = 3,
         .qos = 1,
         .size_bytes = 1000},
    };
    memcpy(s->topics, rows, sizeof(rows));
    s->topics_count = ARRAY_COUNT(rows);
}

static void
begin_core(void)
{
    t = city_new(&still_service);
    t->plan = plan;
    plan(&t->start);
    for (size_t i = 0; i < STREAMS; i++) {
        uint64_t device = strcmp(owners[i], "dock-a") == 0 ? 1 : 2;
        uint64_t s = city_thing(t, device, i == 2 ? "hidden" : "dock",
                                i == 2 ? "vehicle-position" : "bike-count");
        CHECK(s);
        snprintf(topics[i], sizeof(topics[i]), "v1.1/Datastreams(%llu)/Observations",
                 (unsigned long long)s);
    }
    city_token(t, "auditor", "compliance", tokens[0]);
    city_token(t, "operator", "operate", tokens[1]);
    memcpy(tokens[2], tokens[0], sizeof(tokens[2]));
    tokens[2][strlen(tokens[2]) / 2] ^= 1;
    CHECK(city_published(t, 1, topics[2], "{\"result\":7,\"parameters\":{\"s\":77777}}") == 0);
    city_forget(t);
    peers_count = 0;
    for (size_t i = 1; i < 6; i++) {
        struct known *k = new_peer(i);
        k->kind = kinds[i];
        snprintf(k->name, sizeof(k->name), "%s", names[i]);
        key_of(names[i], k->key);
    }
    memset(publishes, 0, sizeof(publishes));
    memset(asks, 0, sizeof(asks));
    memset(record_refs, 0, sizeof(record_refs));
    may_store = posts = recorded = data_answers = leases_given = 0;
    maker_init(&ledger_maker, maker_random(&play.maker, UINT64_MAX), ledger_rows, 0x0381, 0x0382,
               fill_ledger);
    maker_init(&warden_maker, maker_random(&play.maker, UINT64_MAX), core_warden_rows, 0x0281,
               0x02ff, fill_warden);
    steps = 0;
}

static void
end_core(void)
{
    HOLDS(t->core->count.stored <= 1 + may_store + posts);
    city_free(t);
    maker_fini(&ledger_maker);
    maker_fini(&warden_maker);
}

/* ---- what comes out ---------------------------------------------------------------------------
 */

static uint64_t answer_peer;
static uint32_t answer_ref;
static int answer_status;

static void
hear_body(const struct answer_body *m)
{
    static const char secret[] = "77777", data[] = "\"result\"";
    HOLDS(m->peer == answer_peer && m->ref == answer_ref);
    const struct said *ask = find(asks, m->peer, m->ref);
    HOLDS(ask != NULL);
    bool has_data = memmem(m->part.p, m->part.len, data, sizeof(data) - 1) != NULL;
    bool has_secret = memmem(m->part.p, m->part.len, secret, sizeof(secret) - 1) != NULL;
    HOLDS(!has_secret || ask->is_reader);
    if (answer_status == 200 && has_data) {
        play.effects++;
        HOLDS(++data_answers <= recorded || ask->may_store); /* a device sees its own */
    }
}

/* Whatever was subscribed by whomever: nobody hears what is not theirs. */
static void
hear_deliver(const struct session_deliver *m)
{
    char lease[80], own[80];
    const struct known *k = known_peer(m->peer);
    HOLDS(k != NULL && k->kind != PEER_STRANGER && (m->flags & 3) < 3);
    HOLDS(((m->flags & 3) == 0) == (m->packet_id == 0));
    snprintf(lease, sizeof(lease), "leases/%s", k->name);
    snprintf(own, sizeof(own), "own/%s/up", k->name);
    if (bytes_start(m->topic, "leases/"))
        HOLDS(k->kind == PEER_DEVICE && bytes_are(m->topic, lease) && leases_given > 0);
    else if (bytes_start(m->topic, "own/"))
        HOLDS(k->kind == PEER_DEVICE && bytes_are(m->topic, own));
    else
        HOLDS(for_all(m->topic) || bytes_start(m->topic, "v1.1/"));
    for (size_t i = 0; i < STREAMS; i++)
        if (bytes_start(m->topic, topics[i])) /* the third is hidden from who may only operate */
            HOLDS(k->kind == PEER_DEVICE ? strcmp(k->name, owners[i]) == 0
                                         : i != 2 || strcmp(k->name, "auditor") == 0);
    play.effects++;
}

/* One publish is answered once; a good answer belongs to one that could be stored. */
static void
hear_published(const struct published *m)
{
    struct said *said = NULL;
    for (size_t i = 0; i < KEPT; i++) {
        struct said *s = &publishes[i];
        bool same = s->used && s->peer == m->peer && s->ref == m->ref;
        if (same && (!said || s->may_succeed == (m->reason < 0x80)))
            said = s;
    }
    HOLDS(said != NULL);
    HOLDS(m->reason >= 0x80 || said->may_succeed);
    play.effects += m->reason < 0x80;
    said->used = false;
}

static enum err
gate_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct published p;
    struct subscribed s;
    struct session_deliver d;
    struct session_deliver_release release;
    struct session_opened o;
    struct answer a;
    struct answer_body part;
    (void)ctx;
    if (id == published_id) {
        HOLDS(published_decode(body, &p) == OK);
        hear_published(&p);
    } else if (id == subscribed_id) {
        HOLDS(subscribed_decode(body, &s) == OK);
    } else if (id == session_opened_id) {
        HOLDS(session_opened_decode(body, &o) == OK);
    } else if (id == session_deliver_release_id) {
        HOLDS(session_deliver_release_decode(body, &release) == OK && release.packet_id);
    } else if (id == session_deliver_id) {
        HOLDS(session_deliver_decode(body, &d) == OK);
        hear_deliver(&d);
    } else if (id == answer_id) {
        HOLDS(answer_decode(body, &a) == OK);
        HOLDS(find(asks, a.peer, a.ref) != NULL);
        answer_peer = a.peer, answer_ref = a.ref, answer_status = a.status;
    } else if (id == answer_body_id) {
        HOLDS(answer_body_decode(body, &part) == OK);
        hear_body(&part);
    } else {
        HOLDS(id == peer_drop_id || id == core_started_id);
    }
    return OK;
}

static void
ledger_says(uint16_t id, struct bytes body)
{
    struct recorded m;
    bool is_good = id == recorded_id && recorded_decode(body, &m) == OK;
    for (size_t i = 0; is_good && i < KEPT; i++)
        if (record_refs[i] && record_refs[i] == m.ref) {
            record_refs[i] = 0;
            recorded++;
            break;
        }
    (void)!record_frame(t->core, id, body);
}

static enum err
ledger_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct record m;
    (void)ctx;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(m.entry.len > 1 && m.entry.p[0] == '{' && m.entry.p[m.entry.len - 1] == '}');
    record_refs[records_next++ % KEPT] = m.ref;
    struct buf b;
    struct recorded good = {m.ref, records_next};
    struct record_failed bad = {m.ref, bytes_text("disk full")};
    buf_init(&b, 512);
    unsigned what = (unsigned)maker_random(&ledger_maker, 10);
    if (what < 6)
        recorded_encode(&good, &b);
    else if (what < 8)
        record_failed_encode(&bad, &b);
    if (b.len)
        ledger_says(what < 6 ? recorded_id : record_failed_id, buf_bytes(&b));
    buf_fini(&b);
    return OK;
}

static enum err
warden_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct wish m;
    struct sequence_seen seen;
    (void)ctx;
    HOLDS((id == wish_id && wish_decode(body, &m) == OK) ||
          (id == sequence_seen_id && sequence_seen_decode(body, &seen) == OK &&
           bytes_start(seen.device, "dock-")));
    return OK;
}

static enum err
conduit_hears(void *ctx, uint16_t id, struct bytes body)
{
    (void)ctx, (void)id, (void)body;
    HOLDS(!"this service sends nothing on its conduit");
    return OK;
}

static void
let_all_hear(void)
{
    static channel_frame_fn *const fns[] = {gate_hears, ledger_hears, warden_hears, conduit_hears};
    struct channel *const ends[] = {&t->gate, &t->ledger, &t->warden, &t->conduit};
    for (int i = 0; i < 4; i++) {
        (void)core_round(t->core);
        for (size_t k = 0; k < ARRAY_COUNT(ends); k++)
            while (channel_receive(ends[k], fns[k], NULL) == OK)
                continue;
    }
}

static void
gate_says(const struct frame *f)
{
    struct bytes exact = test_exact(buf_bytes(&f->body));
    enum err e = gate_frame(t->core, f->id, exact);
    test_exact_free(exact);
    if (e == OK)
        learn(f);
    play_count(e);
    HOLDS(t->core->count.stored <= 1 + may_store + posts);
}

static void
step(void)
{
    for (uint64_t n = 1 + maker_random(&play.maker, BATCH); n; n--, steps++) {
        const struct frame *f = maker_next(&play.maker);
        unsigned percent = f->id == gate_started_id ? 3 : f->id == peer_close_id ? 30 : 100;
        if (!maker_chance(&play.maker, percent))
            continue; /* it forgets those who could attack */
        gate_says(f);
    }
    if (maker_chance(&ledger_maker, 40)) {
        const struct frame *f = maker_next(&ledger_maker);
        ledger_says(f->id, buf_bytes(&f->body));
        play.maker.made++;
    }
    if (maker_chance(&warden_maker, 40)) {
        const struct frame *f = maker_next(&warden_maker);
        leases_given += f->id == lease_granted_id;
        (void)!commands_frame(t->core, f->id, buf_bytes(&f->body));
        play.maker.made++;
    }
    let_all_hear();
    t->clock.mono_ms += maker_random(&play.maker, 400);
    t->clock.wall_us += (int64_t)maker_random(&play.maker, 400) * 1000;
    if (maker_chance(&play.maker, 10))
        core_tick(t->core);
    HOLDS(t->core->count.stored <= 1 + may_store + posts);
    if (steps >= EPISODE) {
        end_core();
        begin_core();
    }
}

static void
stop(void)
{
    end_core();
    HOLDS(play.effects > 0);
}

const struct receiver receiver_this = {
    "core", "gate, ledger, warden", gate_core_rows, 0x0101, 0x017f, fill, begin_core, step, stop};
