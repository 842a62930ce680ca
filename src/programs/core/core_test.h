/*
 * core_test.h -- one core in one process, with the test at the other end of every channel.
 *
 * The store is the real one, in a temporary directory; its disk can be told to fail. The ledger
 * and the warden are the test's: they answer, fail, or stay silent. For tests only, which is why
 * everything is static here: nothing of it comes into a library.
 */
#ifndef PROGRAMS_CORE_CORE_TEST_H
#define PROGRAMS_CORE_CORE_TEST_H

#include "base/test.h"
#include "programs/core/core.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

enum { TEST_OUTPUTS_MAX = 256, TEST_RECORDS_MAX = 256, TOKEN_TEXT_SIZE = 1100 };

/* What the core said to the gate; texts are copies. */
struct test_output {
    uint16_t id;
    uint64_t peer;
    uint32_t ref;
    int reason;     /* or status */
    char text[512]; /* why, topic or Location */
    struct buf body;
};

enum test_ledger { LEDGER_ANSWERS, LEDGER_SILENT, LEDGER_FAILS };

struct test_city {
    struct start start;
    const struct service *service;
    void (*plan)(struct start *); /* more rows of the charter; may be NULL */
    struct core *core;
    struct store *store;
    struct clock_fake clock;
    char directory[64];
    bool disk_fails;
    uint8_t judge_secret[64];
    struct channel gate, ledger, warden, conduit;
    struct test_output outputs[TEST_OUTPUTS_MAX];
    size_t outputs_count;
    enum test_ledger ledger_mode;
    struct buf records[TEST_RECORDS_MAX];
    uint64_t records_ref[TEST_RECORDS_MAX];
    size_t records_count;
    uint64_t wish_ref; /* of the last wish; 0: none came */
    char wish_text[1024];
    uint64_t counts, seen;
    uint32_t begun; /* how often the core said `core_started` */
    uint32_t next_ref;
};

static enum err
torn_sync(void *ctx, int fd)
{
    struct test_city *t = ctx;
    return t->disk_fails ? ERR_IO : fdatasync(fd) == 0 ? OK : ERR_IO;
}
static enum err
plain_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct disk d = disk_system();
    (void)ctx;
    return disk_write_at(&d, fd, what, offset);
}
static enum err
plain_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    struct disk d = disk_system();
    (void)ctx;
    return disk_read_at(&d, fd, to, len, offset, out_len);
}

static void
city_store(struct test_city *t)
{
    struct store_config config = {
        .zone = "bikes",
        .directory_fd = open(t->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .disk_bytes = 512u * 1024 * 1024,
        .clock = clock_fake_source(&t->clock),
        .random = random_system(),
        .disk = {plain_write, plain_read, torn_sync, t},
    };
    memset(config.master_key, 7, sizeof(config.master_key));
    CHECK(config.directory_fd >= 0);
    CHECK_OK(store_open(&config, &t->store));
    close(config.directory_fd);
}

static void
add_class(struct start *s, const char *name, const char *purposes, bool personal, uint32_t line)
{
    struct start_class *row = &s->classes[s->classes_count++];
    *row = (struct start_class){.personal = personal, .keep_s = 86400, .line = line};
    CHECK_OK(bytes_copy_text(bytes_text(name), row->name, sizeof(row->name)));
    CHECK_OK(bytes_copy_text(bytes_text(purposes), row->purposes, sizeof(row->purposes)));
}

static void
add_caller(struct start *s, const char *name, const char *role, const char *purposes, uint32_t line)
{
    struct start_caller *row = &s->callers[s->callers_count++];
    *row = (struct start_caller){.line = line, .zones = "bikes signals"};
    CHECK_OK(bytes_copy_text(bytes_text(name), row->name, sizeof(row->name)));
    CHECK_OK(bytes_copy_text(bytes_text(role), row->role, sizeof(row->role)));
    CHECK_OK(bytes_copy_text(bytes_text(purposes), row->purposes, sizeof(row->purposes)));
}

static void
add_pair(struct start *s, enum start_fd_role role, const char *name, struct channel *mine)
{
    int fds[2];
    CHECK_OK(channel_pair(fds));
    channel_init(mine, fds[0]);
    struct start_fd *row = &s->fds[s->fds_count++];
    *row = (struct start_fd){.role = role, .fd = fds[1]};
    CHECK_OK(bytes_copy_text(bytes_text(name), row->name, sizeof(row->name)));
}

static void
city_start(struct test_city *t)
{
    struct start *s = &t->start;
    memset(s, 0, sizeof(*s));
    CHECK_OK(bytes_copy_text(bytes_text("bikes"), s->zone, sizeof(s->zone)));
    CHECK_OK(bytes_copy_text(bytes_text("hall"), s->site, sizeof(s->site)));
    s->zone_line = 20;
    add_class(s, "bike-count", "operate compliance", false, 30);
    add_class(s, "vehicle-position", "compliance", true, 31);
    add_class(s, "billing-row", "billing", true, 32);
    add_caller(s, "auditor", "auditor", "compliance operate research", 40);
    add_caller(s, "operator", "operator", "operate", 41);
    s->commands[s->commands_count++] = (struct start_command){"release", 10000, 3600, 0, 50};
    s->conduits[s->conduits_count++] = (struct start_conduit){
        .name = "bike-counts", .from = "bikes", .to = "signals", .carries = "zone-count"};
    struct start_key *judge = start_key_new(s), *master = start_key_new(s);
    CHECK(judge && master);
    *judge = (struct start_key){.role = KEY_JUDGE_PUBLIC, .len = 32};
    memcpy(judge->key, t->judge_secret + 32, 32);
    *master = (struct start_key){.role = KEY_STORE_MASTER, .len = 32};
    memset(master->key, 7, 32);
    s->texts[0].role = TEXT_BASE_URL;
    buf_init(&s->texts[0].text, 100);
    buf_text(&s->texts[0].text, "https://city.test:8444");
    s->texts_count = 1;
    add_pair(s, FD_GATE, "", &t->gate);
    add_pair(s, FD_LEDGER, "bikes", &t->ledger);
    add_pair(s, FD_WARDEN, "", &t->warden);
    add_pair(s, FD_CONDUIT, "bike-counts", &t->conduit);
    char path[100];
    snprintf(path, sizeof(path), "%s/service.state", t->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    s->fds[s->fds_count++] = (struct start_fd){.role = FD_SERVICE_STATE, .fd = fd};
    if (t->plan)
        t->plan(s);
    struct core_config config = {s, t->service, t->store, clock_fake_source(&t->clock),
                                 random_system()};
    CHECK_OK(core_open(&config, &t->core));
}

/* ---- the other ends -------------------------------------------------------------------------- */

static struct test_output *
city_add(struct test_city *t, uint16_t id, uint64_t peer, uint32_t ref, int reason,
         struct bytes text)
{
    CHECK(t->outputs_count < TEST_OUTPUTS_MAX);
    struct test_output *o = &t->outputs[t->outputs_count++];
    *o = (struct test_output){.id = id, .peer = peer, .ref = ref, .reason = reason};
    size_t n = text.len < sizeof(o->text) - 1 ? text.len : sizeof(o->text) - 1;
    if (n)
        memcpy(o->text, text.p, n);
    buf_init(&o->body, ASK_ANSWER_MAX);
    return o;
}

static struct test_output *
city_output(struct test_city *t, uint16_t id, uint64_t peer, uint32_t ref)
{
    for (size_t i = 0; i < t->outputs_count; i++)
        if (t->outputs[i].id == id && t->outputs[i].peer == peer && t->outputs[i].ref == ref)
            return &t->outputs[i];
    return NULL;
}

static enum err
gate_end(void *ctx, uint16_t id, struct bytes body)
{
    struct test_city *t = ctx;
    struct published p;
    struct subscribed s;
    struct session_deliver d;
    struct session_opened o;
    struct session_deliver_release release;
    struct answer a;
    struct answer_body part;
    if (id == published_id && published_decode(body, &p) == OK)
        city_add(t, id, p.peer, p.ref, p.reason, p.why);
    else if (id == subscribed_id && subscribed_decode(body, &s) == OK)
        city_add(t, id, s.peer, s.ref, s.reason, s.why);
    else if (id == session_deliver_id && session_deliver_decode(body, &d) == OK)
        buf_put(&city_add(t, id, d.peer, d.packet_id, d.flags, d.topic)->body, d.payload);
    else if (id == session_opened_id && session_opened_decode(body, &o) == OK)
        city_add(t, id, o.peer, o.session_present, o.reason, o.client_id.len ? o.client_id : o.why);
    else if (id == session_deliver_release_id &&
             session_deliver_release_decode(body, &release) == OK)
        city_add(t, id, release.peer, release.packet_id, 0, (struct bytes){0});
    else if (id == answer_id && answer_decode(body, &a) == OK)
        city_add(t, id, a.peer, a.ref, a.status, a.location);
    else if (id == answer_body_id && answer_body_decode(body, &part) == OK)
        buf_put(&city_output(t, answer_id, part.peer, part.ref)->body, part.part);
    else if (id == core_started_id)
        t->begun++;
    else
        CHECK(id == peer_drop_id);
    return OK;
}

static enum err
ledger_end(void *ctx, uint16_t id, struct bytes body)
{
    struct test_city *t = ctx;
    struct record m;
    CHECK(id == record_id && record_decode(body, &m) == OK && t->records_count < TEST_RECORDS_MAX);
    struct buf *copy = &t->records[t->records_count];
    buf_init(copy, m.entry.len + 1);
    buf_put(copy, m.entry);
    t->records_ref[t->records_count++] = m.ref;
    struct recorded good = {m.ref, t->records_count};
    struct record_failed bad = {m.ref, bytes_text("disk full")};
    if (t->ledger_mode == LEDGER_ANSWERS)
        CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &good));
    if (t->ledger_mode == LEDGER_FAILS)
        CHECK_OK(CHANNEL_SEND(&t->ledger, record_failed, &bad));
    return OK;
}

static enum err
warden_end(void *ctx, uint16_t id, struct bytes body)
{
    struct test_city *t = ctx;
    struct wish m;
    struct sequence_seen seen;
    if (id == sequence_seen_id && sequence_seen_decode(body, &seen) == OK) {
        t->seen = seen.sequence;
        return OK;
    }
    CHECK(id == wish_id && wish_decode(body, &m) == OK);
    t->wish_ref = m.ref;
    snprintf(t->wish_text, sizeof(t->wish_text), "%.*s|%.*s|%.*s|%.*s", BYTES_PRINTF(m.device),
             BYTES_PRINTF(m.command), BYTES_PRINTF(m.parameters), BYTES_PRINTF(m.asked_by));
    return OK;
}

static enum err
conduit_end(void *ctx, uint16_t id, struct bytes body)
{
    struct test_city *t = ctx;
    struct zone_count m;
    CHECK(id == zone_count_id && zone_count_decode(body, &m) == OK);
    t->counts += m.count;
    return OK;
}

/* Let everything work until nothing moves any more. */
static void
city_run(struct test_city *t)
{
    static const struct {
        size_t channel;
        channel_frame_fn *fn;
    } ends[] = {
        {offsetof(struct test_city, gate), gate_end},
        {offsetof(struct test_city, ledger), ledger_end},
        {offsetof(struct test_city, warden), warden_end},
        {offsetof(struct test_city, conduit), conduit_end},
    };
    for (int i = 0; i < 8; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(ends); k++) {
            struct channel *c = (struct channel *)(void *)((char *)t + ends[k].channel);
            if (c->fd < 0)
                continue;
            enum err e = OK;
            while (e == OK)
                e = channel_receive(c, ends[k].fn, t);
            e = channel_flush(c);
            CHECK(e == OK || e == ERR_AGAIN || e == ERR_CLOSED);
        }
        core_read(t->core);
        core_round(t->core);
    }
}

/* ---- what the test says ------------------------------------------------------------------------
 */

static void
key_of(const char *name, uint8_t out[static 32])
{
    crypto_hash_sha256(out, (const uint8_t *)name, strlen(name));
}

static void
city_peer(struct test_city *t, uint64_t id, enum peer_kind kind, const char *name)
{
    uint8_t key[32];
    key_of(name, key);
    struct peer_open m = {.peer = id, .kind = (uint8_t)kind, .name = bytes_text(name)};
    if (kind != PEER_STRANGER)
        m.key_digest = bytes_of(key, sizeof(key));
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_open, &m));
}

/* CONNECT of MQTT 5; `with` may hold a will, a password and another expiry, or be NULL. */
static void
city_session(struct test_city *t, uint64_t peer, const char *client_id,
             const struct session_open *with)
{
    struct session_open m = {.version = 5};
    if (with)
        m = *with;
    m.peer = peer;
    m.receive_maximum = m.receive_maximum ? m.receive_maximum : 65535;
    m.client_id = bytes_text(client_id);
    CHECK_OK(CHANNEL_SEND(&t->gate, session_open, &m));
}

static uint32_t
city_publish(struct test_city *t, uint64_t peer, const char *topic, const char *payload)
{
    struct publish m = {peer, ++t->next_ref, bytes_text(topic), bytes_text(payload)};
    CHECK_OK(CHANNEL_SEND(&t->gate, publish, &m));
    return m.ref;
}

static uint32_t
city_ask(struct test_city *t, uint64_t peer, const char *method, const char *target,
         const char *token, const char *body)
{
    struct ask m = {.peer = peer,
                    .ref = ++t->next_ref,
                    .method = bytes_text(method),
                    .target = bytes_text(target),
                    .token = bytes_text(token),
                    .content_type = bytes_text("application/json"),
                    .body_length = (uint32_t)strlen(body)};
    CHECK_OK(CHANNEL_SEND(&t->gate, ask, &m));
    struct ask_body part = {peer, m.ref, bytes_text(body)};
    if (part.part.len)
        CHECK_OK(CHANNEL_SEND(&t->gate, ask_body, &part));
    return m.ref;
}

static UNUSED uint32_t
city_subscribe(struct test_city *t, uint64_t peer, const char *filter)
{
    struct subscribe m = {peer, ++t->next_ref, bytes_text(filter), 1};
    CHECK_OK(CHANNEL_SEND(&t->gate, subscribe, &m));
    return m.ref;
}

/* Ask, let everything work, and give the answer (NULL while it is held). */
static struct test_output *
city_answer(struct test_city *t, uint64_t peer, const char *method, const char *target,
            const char *token, const char *body)
{
    uint32_t ref = city_ask(t, peer, method, target, token, body);
    city_run(t);
    return city_output(t, answer_id, peer, ref);
}

static UNUSED int
city_published(struct test_city *t, uint64_t peer, const char *topic, const char *payload)
{
    uint32_t ref = city_publish(t, peer, topic, payload);
    city_run(t);
    const struct test_output *o = city_output(t, published_id, peer, ref);
    CHECK(o);
    return o->reason;
}

static struct token
city_grant(const struct test_city *t, const char *caller, const char *role, const char *purpose)
{
    struct token token = {.expiry_us = t->clock.wall_us + 600 * 1000000LL};
    CHECK_OK(bytes_copy_text(bytes_text(caller), token.caller, sizeof(token.caller)));
    CHECK_OK(bytes_copy_text(bytes_text(role), token.role, sizeof(token.role)));
    CHECK_OK(bytes_copy_text(bytes_text("bikes"), token.zone, sizeof(token.zone)));
    CHECK_OK(bytes_copy_text(bytes_text(purpose), token.purpose, sizeof(token.purpose)));
    key_of(caller, token.key_digest);
    return token;
}

static void
city_sign(const struct test_city *t, const struct token *token, char out[static TOKEN_TEXT_SIZE])
{
    struct buf b;
    buf_init(&b, TOKEN_BYTES_MAX);
    CHECK_OK(token_sign(token, t->judge_secret, &b));
    CHECK_OK(bytes_copy_text(buf_bytes(&b), out, TOKEN_TEXT_SIZE));
    buf_fini(&b);
}

static UNUSED void
city_token(const struct test_city *t, const char *caller, const char *purpose,
           char out[static TOKEN_TEXT_SIZE])
{
    struct token token = city_grant(t, caller, caller, purpose);
    city_sign(t, &token, out);
}

static UNUSED bool
has(const struct buf *b, const char *needle)
{
    return b->len && memmem(b->p, b->len, needle, strlen(needle)) != NULL;
}

static UNUSED bool
city_recorded(const struct test_city *t, const char *needle)
{
    for (size_t i = 0; i < t->records_count; i++)
        if (has(&t->records[i], needle))
            return true;
    return false;
}

/* A Thing with a Location and one Datastream; answers the Datastream's id, 0 when refused. */
static UNUSED uint64_t
city_thing(struct test_city *t, uint64_t peer, const char *name, const char *class_name)
{
    char body[2000];
    snprintf(
        body, sizeof(body),
        "{\"name\":\"%s\",\"description\":\"d\",\"Locations\":[{\"name\":\"l\","
        "\"description\":\"d\",\"encodingType\":\"application/geo+json\",\"location\":{"
        "\"type\":\"Point\",\"coordinates\":[8,47]}}],\"Datastreams\":[{\"name\":\"bikes\","
        "\"description\":\"d\",\"observationType\":\"http://www.opengis.net/def/"
        "observationType/OGC-OM/2.0/OM_Measurement\",\"unitOfMeasurement\":{\"name\":\"n\","
        "\"symbol\":\"n\",\"definition\":\"n\"},\"properties\":{\"class\":\"%s\",\"minimum\":0,"
        "\"maximum\":50},\"Sensor\":{\"name\":\"s\",\"description\":\"d\",\"encodingType\":"
        "\"text/plain\",\"metadata\":\"m\"},\"ObservedProperty\":{\"name\":\"o\","
        "\"definition\":\"http://x.test/o\",\"description\":\"d\"}}]}",
        name, class_name);
    uint32_t before = t->core->graph.set[STA_DATASTREAM].count;
    struct test_output *o = city_answer(t, peer, "POST", "/v1.1/Things", "", body);
    CHECK(o);
    if (o->reason != 201)
        return 0;
    CHECK(t->core->graph.set[STA_DATASTREAM].count == before + 1);
    return t->core->graph.set[STA_DATASTREAM].p[before]->id;
}

static void
city_people(struct test_city *t)
{
    struct gate_started first;
    memset(&first, 0, sizeof(first));
    CHECK_OK(CHANNEL_SEND(&t->gate, gate_started, &first));
    city_peer(t, 1, PEER_DEVICE, "dock-a");
    city_peer(t, 2, PEER_DEVICE, "dock-b");
    city_peer(t, 3, PEER_CALLER, "auditor");
    city_peer(t, 4, PEER_CALLER, "operator");
    city_peer(t, 5, PEER_STRANGER, "");
    city_session(t, 1, "one", NULL);
    city_session(t, 2, "two", NULL);
    city_run(t);
    while (t->outputs_count) /* what the test looks at comes later */
        buf_fini(&t->outputs[--t->outputs_count].body);
}

/* Zone "bikes"; peers 1 dock-a, 2 dock-b (devices), 3 auditor, 4 operator (callers), 5 stranger. */
static struct test_city *
city_new(const struct service *service)
{
    struct test_city *t = calloc(1, sizeof(*t));
    CHECK(t && sodium_init() >= 0);
    uint8_t public_key[32];
    crypto_sign_keypair(public_key, t->judge_secret);
    t->service = service;
    t->clock = (struct clock_fake){100000, 1790000000LL * 1000000};
    snprintf(t->directory, sizeof(t->directory), "/tmp/core_test.XXXXXX");
    CHECK(mkdtemp(t->directory));
    city_store(t);
    city_start(t);
    city_people(t);
    return t;
}

/* Both clocks go on. */
static UNUSED void
city_pass(struct test_city *t, uint64_t ms)
{
    t->clock.mono_ms += ms;
    t->clock.wall_us += (int64_t)ms * 1000;
}

/* What came out so far is forgotten. */
static void
city_forget(struct test_city *t)
{
    for (size_t i = 0; i < t->outputs_count; i++)
        buf_fini(&t->outputs[i].body);
    for (size_t i = 0; i < t->records_count; i++)
        buf_fini(&t->records[i]);
    t->outputs_count = t->records_count = 0;
}

static void
city_end_core(struct test_city *t)
{
    city_forget(t);
    core_close(t->core);
    channel_fini(&t->gate);
    channel_fini(&t->ledger);
    channel_fini(&t->warden);
    channel_fini(&t->conduit);
    close(start_fd(&t->start, FD_SERVICE_STATE, NULL));
    buf_fini(&t->start.texts[0].text);
    store_close(t->store);
}

/* The same directory, a new core: as after a restart. */
static UNUSED void
city_restart(struct test_city *t)
{
    city_end_core(t);
    city_store(t);
    city_start(t);
    city_people(t);
}

static void
city_free(struct test_city *t)
{
    city_end_core(t);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf -- '%s'", t->directory);
    CHECK(system(command) == 0);
    free(t);
}

#endif
