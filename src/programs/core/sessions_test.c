/*
 * sessions_test.c -- MQTT in the core: rights of plain and SensorThings topics, what is durable
 * when it is acknowledged, and what survives a restart of the gate, of the core and of the power.
 */
#include "programs/core/core_test.h"

static const struct service silent_service;

static enum err
silent_start(void *self, const struct start *start, const struct service_ports *ports,
             struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}
static const struct service silent_service = {.name = "silent", .start = silent_start};

static void
add_topics(struct start *s, const char *filter, const char *class_name, uint8_t who, uint8_t qos,
           uint32_t retained, const char *except)
{
    struct start_topics *row = &s->topics[s->topics_count++];
    *row = (struct start_topics){
        .who = who, .qos = qos, .retained = retained, .size_bytes = 1000, .line = 60};
    CHECK_OK(bytes_copy_text(bytes_text(filter), row->filter, sizeof(row->filter)));
    CHECK_OK(bytes_copy_text(bytes_text(class_name), row->class_name, sizeof(row->class_name)));
    CHECK_OK(bytes_copy_text(bytes_text(except), row->except, sizeof(row->except)));
}

enum {
    PUBLISH = TOPICS_DEVICES_PUBLISH,
    HEAR = TOPICS_DEVICES_SUBSCRIBE,
    CALL = TOPICS_CALLERS_SUBSCRIBE
};

static void
plan_topics(struct start *s)
{
    add_topics(s, "all/#", "bike-count", PUBLISH | HEAR | CALL, 2, 10, "all/secret/#\nall/no");
    add_topics(s, "own/%d/up", "vehicle-position", PUBLISH | HEAR | CALL, 1, 0, "");
    add_topics(s, "quiet/#", "bike-count", PUBLISH, 2, 10, "");
}

static struct test_city *
new_city(void)
{
    struct test_city *t = city_new(&silent_service);
    t->plan = plan_topics;
    plan_topics(&t->start); /* the core has a pointer to it */
    return t;
}

static int
subscribed_as(struct test_city *t, uint64_t peer, const char *filter, uint8_t options,
              uint32_t identifier)
{
    struct session_subscribe m = {.peer = peer,
                                  .ref = ++t->next_ref,
                                  .options = options,
                                  .identifier = identifier,
                                  .filter = bytes_text(filter)};
    CHECK_OK(CHANNEL_SEND(&t->gate, session_subscribe, &m));
    city_run(t);
    const struct test_output *o = city_output(t, subscribed_id, peer, m.ref);
    return o ? o->reason : -1;
}

static int
published_as(struct test_city *t, uint64_t peer, const char *topic, const char *payload,
             uint8_t flags, uint16_t packet_id)
{
    struct session_publish m = {.peer = peer,
                                .ref = ++t->next_ref,
                                .packet_id = packet_id,
                                .flags = flags,
                                .topic = bytes_text(topic),
                                .payload = bytes_text(payload)};
    CHECK_OK(CHANNEL_SEND(&t->gate, session_publish, &m));
    city_run(t);
    return city_output(t, published_id, peer, m.ref)->reason;
}

static int
released(struct test_city *t, uint64_t peer, uint16_t packet_id)
{
    struct session_release m = {peer, ++t->next_ref, packet_id};
    CHECK_OK(CHANNEL_SEND(&t->gate, session_release, &m));
    city_run(t);
    return city_output(t, published_id, peer, m.ref)->reason;
}

static size_t
heard(const struct test_city *t, uint64_t peer)
{
    size_t n = 0;
    for (size_t i = 0; i < t->outputs_count; i++)
        n += t->outputs[i].id == session_deliver_id && t->outputs[i].peer == peer;
    return n;
}

static const struct test_output *
last_heard(const struct test_city *t, uint64_t peer)
{
    for (size_t i = t->outputs_count; i-- > 0;)
        if (t->outputs[i].id == session_deliver_id && t->outputs[i].peer == peer)
            return &t->outputs[i];
    return NULL;
}

static const struct test_output *
opened(struct test_city *t, uint64_t peer, const char *client_id, const struct session_open *with)
{
    city_session(t, peer, client_id, with);
    city_run(t);
    for (size_t i = t->outputs_count; i-- > 0;)
        if (t->outputs[i].id == session_opened_id && t->outputs[i].peer == peer)
            return &t->outputs[i];
    return NULL;
}

static void
gone(struct test_city *t, uint64_t peer)
{
    struct peer_close m = {peer};
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_close, &m));
    city_run(t);
}

/* The same city after a restart: the memory is gone, and what the store committed is not. */
static void
again(struct test_city *t)
{
    city_end_core(t);
    city_store(t);
    city_start(t);
    city_people(t);
}

static const struct session_open kept = {.version = 5, .session_expiry_s = 1000};

/* ---- rights ------------------------------------------------------------------------------------
 */

TEST(plain_topics_are_refused_unless_the_charter_names_them)
{
    struct test_city *t = new_city();
    static const struct {
        uint64_t peer;
        const char *topic;
        int reason;
    } publishes[] = {
        {1, "all/x", 0},
        {1, "all/secret/x", REASON_NOT_AUTHORISED},
        {1, "all/no", REASON_NOT_AUTHORISED},
        {1, "other", REASON_NOT_AUTHORISED},
        {1, "own/dock-a/up", 0},
        {1, "own/dock-b/up", REASON_NOT_AUTHORISED},
        {2, "own/dock-b/up", 0},
        {1, "own/+/up", REASON_TOPIC_INVALID},
        {1, "own/%d/up", REASON_NOT_AUTHORISED},
        {1, "$SYS/x", REASON_NOT_AUTHORISED},
        {1, "leases/dock-a", REASON_NOT_AUTHORISED},
        {1, "leases/dock-b", REASON_NOT_AUTHORISED},
        {3, "all/x", REASON_NOT_AUTHORISED},
        {5, "all/x", REASON_NOT_AUTHORISED},
    };
    uint64_t leaves, before;
    uint8_t root[32];
    store_head(t->store, &before, root);
    for (size_t i = 0; i < ARRAY_COUNT(publishes); i++)
        CHECK(city_published(t, publishes[i].peer, publishes[i].topic, "m") == publishes[i].reason);
    store_head(t->store, &leaves, root);
    CHECK(leaves - before == ARRAY_COUNT(publishes)); /* each is a decision */
    static const struct {
        const char *filter;
        int reason;
    } filters[] = {
        {"all/x", 1},
        {"all/#", 1},
        {"#", 1}, /* granted: each delivery is checked */
        {"+/dock-a/up", 1},
        {"own/dock-b/up", REASON_NOT_AUTHORISED},
        {"all/secret/y", REASON_UNSPECIFIED}, /* excepted */
        {"all/no", REASON_UNSPECIFIED},
        {"quiet/x", REASON_NOT_AUTHORISED},
        {"$SYS/#", REASON_NOT_AUTHORISED},
        {"leases/dock-b", REASON_NOT_AUTHORISED},
        {"leases/#", REASON_NOT_AUTHORISED},
        {"a/#/b", REASON_TOPIC_INVALID},
        {"$share/g/all/+", 1},
        {"$share/g/leases/dock-a", REASON_NOT_AUTHORISED},
        {"$share/g/v1.1/Things", REASON_SHARED},
        {"$share//x", REASON_TOPIC_INVALID},
        {"v1.1/#", REASON_TOPIC_INVALID},
    };
    for (size_t i = 0; i < ARRAY_COUNT(filters); i++)
        CHECK(subscribed_as(t, 1, filters[i].filter, 1, 0) == filters[i].reason);
    CHECK(subscribed_as(t, 5, "all/x", 1, 0) == REASON_NOT_AUTHORISED);
    CHECK(subscribed_as(t, 1, "own/dock-a/up", 2, 0) == 1); /* as much as the tree allows */
    city_free(t);
}

TEST(a_wildcard_hears_only_what_is_inside)
{
    struct test_city *t = new_city();
    CHECK(subscribed_as(t, 1, "#", 1, 9) == 1);
    CHECK(subscribed_as(t, 1, "leases/dock-a", 1, 0) == 1);
    CHECK(city_published(t, 2, "all/x", "yes") == 0);
    CHECK(heard(t, 1) == 1 && has(&last_heard(t, 1)->body, "yes"));
    CHECK(city_published(t, 2, "own/dock-b/up", "no") == 0);
    CHECK(city_published(t, 2, "quiet/x", "no") == 0);
    CHECK(heard(t, 1) == 1);
    topics_lease(t->core, bytes_text("dock-a"), bytes_text("the note"));
    topics_lease(t->core, bytes_text("dock-b"), bytes_text("another note"));
    city_run(t);
    CHECK(heard(t, 1) == 2 && has(&last_heard(t, 1)->body, "the note")); /* once, by its own */
    city_free(t);
}

TEST(limits_of_a_tree)
{
    struct test_city *t = new_city();
    char large[1002];
    memset(large, 'x', sizeof(large) - 1);
    large[1001] = '\0';
    CHECK(published_as(t, 1, "all/x", large, 1, 1) == REASON_QUOTA);
    CHECK(published_as(t, 1, "own/dock-a/up", "m", 2, 2) == REASON_QOS);
    CHECK(published_as(t, 1, "own/dock-a/up", "m", 1 | 4, 3) == REASON_RETAIN);
    CHECK(published_as(t, 1, "v1.1/Observations", "{}", 1 | 4, 4) == REASON_RETAIN);
    for (int i = 0; i < 11; i++) {
        char name[16];
        snprintf(name, sizeof(name), "all/%d", i);
        CHECK(published_as(t, 1, name, "m", 1 | 4, 5) == (i < 10 ? 0 : REASON_QUOTA));
    }
    static const uint8_t utf8[] = {1, 1};
    struct session_publish m = {.peer = 1,
                                .ref = ++t->next_ref,
                                .packet_id = 6,
                                .flags = 1,
                                .topic = bytes_text("all/x"),
                                .properties = bytes_of(utf8, 2),
                                .payload = bytes_text("\xff")};
    CHECK_OK(CHANNEL_SEND(&t->gate, session_publish, &m));
    city_run(t);
    CHECK(city_output(t, published_id, 1, m.ref)->reason == REASON_PAYLOAD_INVALID);
    city_free(t);
}

/* ---- what is durable ----------------------------------------------------------------------------
 */

TEST(a_kept_session_survives_gate_core_and_power)
{
    struct test_city *t = new_city();
    city_peer(t, 10, PEER_DEVICE, "dock-b");
    const struct test_output *o = opened(t, 10, "kept", &kept);
    CHECK(o->reason == 0 && o->ref == 0);
    CHECK(subscribed_as(t, 10, "all/#", 2, 77) == 2);
    gone(t, 10);
    CHECK(published_as(t, 1, "all/one", "1", 1, 1) == 0);
    CHECK(published_as(t, 1, "all/two", "2", 2, 2) == 0 && released(t, 1, 2) == 0);
    CHECK(published_as(t, 1, "all/kept", "3", 1 | 4, 3) == 0);
    again(t);
    city_peer(t, 11, PEER_DEVICE, "dock-b");
    o = opened(t, 11, "kept", &kept);
    CHECK(o->reason == 0 && o->ref == 1);
    CHECK(heard(t, 11) == 3 && (last_heard(t, 11)->reason & 3) == 1);
    CHECK(strcmp(t->outputs[t->outputs_count - 3].text, "all/one") == 0);
    struct gate_started fresh; /* the gate was killed */
    memset(&fresh, 0, sizeof(fresh));
    CHECK_OK(CHANNEL_SEND(&t->gate, gate_started, &fresh));
    city_peer(t, 12, PEER_DEVICE, "dock-b");
    CHECK(opened(t, 12, "kept", &kept)->ref == 1 && heard(t, 12) == 3);
    CHECK(last_heard(t, 12)->reason & 8); /* DUP */
    for (uint16_t i = 0; i < 3; i++) {
        uint16_t id = (uint16_t)(last_heard(t, 12)->ref - i);
        struct session_ack ack = {12, id, i == 1 ? 5 : 4, 0};
        CHECK_OK(CHANNEL_SEND(&t->gate, session_ack, &ack));
    }
    city_run(t);
    struct session_ack done = {12, (uint16_t)(last_heard(t, 12)->ref - 1), 7, 0};
    CHECK(city_output(t, session_deliver_release_id, 12, done.packet_id));
    CHECK_OK(CHANNEL_SEND(&t->gate, session_ack, &done));
    city_run(t);
    core_tick(t->core);
    city_run(t);
    again(t);
    city_peer(t, 13, PEER_DEVICE, "dock-b");
    CHECK(opened(t, 13, "kept", &kept)->ref == 1 && heard(t, 13) == 0);
    CHECK(subscribed_as(t, 13, "all/kept", 1, 0) == 1);
    CHECK(heard(t, 13) == 1 && last_heard(t, 13)->reason == (1 | 4)); /* retained */
    city_free(t);
}

TEST(nothing_is_acknowledged_or_sent_when_the_disk_fails)
{
    struct test_city *t = new_city();
    CHECK(subscribed_as(t, 1, "all/#", 1, 0) == 1);
    t->disk_fails = true;
    CHECK(city_published(t, 2, "all/x", "m") == REASON_IMPLEMENTATION);
    CHECK(heard(t, 1) == 0);
    city_free(t);
}

TEST(qos_2_has_its_effect_once)
{
    struct test_city *t = new_city();
    CHECK(subscribed_as(t, 1, "all/#", 0, 0) == 0);
    city_peer(t, 10, PEER_DEVICE, "dock-b");
    opened(t, 10, "kept", &kept);
    CHECK(published_as(t, 10, "all/x", "m", 2, 7) == 0);
    CHECK(published_as(t, 10, "all/x", "m", 2 | 8, 7) == 0);
    CHECK(heard(t, 1) == 1);
    again(t);
    CHECK(subscribed_as(t, 1, "all/#", 0, 0) == 0);
    city_peer(t, 11, PEER_DEVICE, "dock-b");
    opened(t, 11, "kept", &kept);
    CHECK(published_as(t, 11, "all/x", "m", 2 | 8, 7) == 0);
    CHECK(heard(t, 1) == 0); /* that was before the power went */
    CHECK(released(t, 11, 7) == 0 && released(t, 11, 7) == REASON_PACKET_ID_NONE);
    CHECK(published_as(t, 11, "all/x", "n", 2, 7) == 0);
    CHECK(heard(t, 1) == 1);
    CHECK(published_as(t, 11, "all/no", "n", 2, 8) == REASON_NOT_AUTHORISED);
    CHECK(released(t, 11, 8) == REASON_PACKET_ID_NONE); /* a refused one is over */
    city_free(t);
}

TEST(a_clean_subscriber_costs_nothing_in_the_store)
{
    struct test_city *t = new_city();
    CHECK(subscribed_as(t, 1, "all/#", 1, 0) == 1);
    for (int i = 0; i < 20; i++)
        CHECK(city_published(t, 2, "all/x", "m") == 0);
    CHECK(heard(t, 1) == 20);
    again(t);
    CHECK(t->core->broker.next_number <= 3); /* two sessions of city_people, and no record */
    city_free(t);
}

TEST(clean_start_and_expiry_end_a_session)
{
    struct test_city *t = new_city();
    city_peer(t, 10, PEER_DEVICE, "dock-b");
    opened(t, 10, "kept", &kept);
    CHECK(subscribed_as(t, 10, "all/#", 1, 0) == 1);
    gone(t, 10);
    struct session_open clean = kept;
    clean.clean_start = 1;
    city_peer(t, 11, PEER_DEVICE, "dock-b");
    CHECK(opened(t, 11, "kept", &clean)->ref == 0);
    again(t); /* what it was told is what is there */
    CHECK(t->core->broker.subscriptions_count == 0 && t->core->broker.sessions_count == 3);
    city_pass(t, 1001 * 1000);
    core_tick(t->core);
    city_run(t);
    CHECK(t->core->broker.sessions_count == 2);
    again(t);
    CHECK(t->core->broker.sessions_count == 2);
    city_free(t);
}

TEST(a_session_is_of_the_name_of_its_certificate)
{
    struct test_city *t = new_city();
    city_peer(t, 10, PEER_DEVICE, "dock-b");
    CHECK(opened(t, 10, "one", &kept)->reason == 0); /* the id of dock-a's */
    CHECK(t->core->broker.session[1].peer == 1 && t->core->broker.sessions_count == 3);
    city_peer(t, 11, PEER_DEVICE, "dock-a");
    CHECK(opened(t, 11, "one", NULL)->reason == 0);
    CHECK(t->core->broker.sessions_count == 3);                             /* and this is */
    CHECK(published_as(t, 1, "all/x", "m", 2, 1) == REASON_NOT_AUTHORISED); /* taken over */
    CHECK(opened(t, 5, "stranger", NULL)->reason == REASON_NOT_AUTHORISED);
    city_peer(t, 12, PEER_DEVICE, "dock-a");
    const struct test_output *o = opened(t, 12, "", NULL);
    CHECK(o->reason == 0 && strncmp(o->text, "dock-a-", 7) == 0);
    city_free(t);
}

/* ---- wills -------------------------------------------------------------------------------------
 */

TEST(a_will_comes_when_the_gate_is_killed)
{
    struct test_city *t = new_city();
    CHECK(subscribed_as(t, 1, "all/#", 1, 0) == 1);
    struct session_open will = {.version = 5,
                                .will_flags = 1 | 1 << 1,
                                .will_topic = bytes_text("all/will"),
                                .will_payload = bytes_text("gone")};
    city_peer(t, 10, PEER_DEVICE, "dock-b");
    CHECK(opened(t, 10, "w", &will)->reason == 0);
    gone(t, 10);
    core_tick(t->core);
    city_run(t);
    CHECK(heard(t, 1) == 1 && has(&last_heard(t, 1)->body, "gone"));
    city_peer(t, 11, PEER_DEVICE, "dock-b");
    opened(t, 11, "w", &will);
    struct session_close bye = {.peer = 11, .reason = 0};
    CHECK_OK(CHANNEL_SEND(&t->gate, session_close, &bye));
    gone(t, 11);
    core_tick(t->core);
    city_run(t);
    CHECK(heard(t, 1) == 1); /* DISCONNECT 0 */
    city_peer(t, 12, PEER_DEVICE, "dock-b");
    opened(t, 12, "w", &will);
    again(t); /* the power goes */
    CHECK(subscribed_as(t, 1, "all/#", 1, 0) == 1);
    core_tick(t->core);
    city_run(t);
    CHECK(heard(t, 1) == 1 && has(&last_heard(t, 1)->body, "gone"));
    static const char *const bad[] = {"v1.1/Observations", "other", "all/no", "leases/dock-b",
                                      "all/+"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        will.will_topic = bytes_text(bad[i]);
        city_peer(t, 20 + i, PEER_DEVICE, "dock-b");
        CHECK(opened(t, 20 + i, "w", &will)->reason >= 0x80);
    }
    city_free(t);
}

/* ---- callers -----------------------------------------------------------------------------------
 */

static uint64_t
caller(struct test_city *t, uint64_t peer, const char *name, const char *purpose, int *out_reason)
{
    char token[TOKEN_TEXT_SIZE];
    city_token(t, name, purpose, token);
    city_peer(t, peer, PEER_CALLER, name);
    struct session_open m = {.version = 5, .session_expiry_s = 1000, .password = bytes_text(token)};
    *out_reason = opened(t, peer, "me", &m)->reason;
    return peer;
}

TEST(a_caller_hears_what_the_purpose_opens_and_the_ledger_has)
{
    struct test_city *t = new_city();
    int reason;
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    uint64_t p = city_thing(t, 2, "dock 2", "vehicle-position");
    CHECK(s == 1 && p == 2);
    CHECK(opened(t, 3, "me", NULL)->reason == REASON_NOT_AUTHORISED); /* no token */
    caller(t, 10, "operator", "operate", &reason);
    CHECK(reason == 0);
    t->ledger_mode = LEDGER_SILENT;
    CHECK(subscribed_as(t, 10, "v1.1/Datastreams(1)/Observations", 1, 0) == -1); /* it waits */
    CHECK(city_recorded(t, "\"classes\":[\"bike-count\"],\"what\":\"subscribe "
                           "v1.1/Datastreams(1)/Observations\""));
    city_pass(t, ASK_WAIT_MS);
    core_tick(t->core);
    city_run(t);
    CHECK(t->core->broker.session[t->core->peers.peer[5].session].subscriptions_count == 0);
    t->ledger_mode = LEDGER_ANSWERS;
    CHECK(subscribed_as(t, 10, "v1.1/Datastreams(1)/Observations", 1, 0) == 1);
    CHECK(subscribed_as(t, 10, "v1.1/Datastreams(2)/Observations", 1, 0) == REASON_NOT_AUTHORISED);
    CHECK(subscribed_as(t, 10, "v1.1/Datastreams(9)/Observations", 1, 0) == REASON_NOT_AUTHORISED);
    CHECK(subscribed_as(t, 10, "v1.1/Observations", 1, 0) == 1);
    CHECK(subscribed_as(t, 10, "all/#", 1, 0) == 1);
    CHECK(subscribed_as(t, 10, "own/dock-a/up", 1, 0) == REASON_NOT_AUTHORISED); /* its class */
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    CHECK(heard(t, 10) == 2);
    CHECK(city_recorded(t, "\"classes\":[\"bike-count\"],\"what\":\"subscribe all/#\""));
    CHECK(t->core->broker.tree.visited == 0); /* an Observation walks no tree */
    CHECK(city_published(t, 2, "v1.1/Datastreams(2)/Observations", "{\"result\":6}") == 0);
    CHECK(heard(t, 10) == 2);
    CHECK(city_published(t, 2, "all/x", "m") == 0 && heard(t, 10) == 3);
    CHECK(published_as(t, 10, "all/x", "m", 1, 1) == REASON_NOT_AUTHORISED);
    city_pass(t, 600 * 1000); /* the token is over */
    for (int i = 0; i < 3; i++)
        core_tick(t->core);
    CHECK(city_published(t, 2, "all/x", "m") == 0 && heard(t, 10) == 3);
    CHECK(t->core->broker.sessions_count == 2);
    caller(t, 11, "operator", "compliance", &reason);
    CHECK(reason == REASON_NOT_AUTHORISED); /* not their purpose */
    city_free(t);
}

/* ---- SensorThings ------------------------------------------------------------------------------
 */

TEST(a_sensorthings_subscription_is_kept_and_hears_changes)
{
    struct test_city *t = new_city();
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(s == 1);
    city_peer(t, 10, PEER_DEVICE, "dock-a");
    opened(t, 10, "kept", &kept);
    CHECK(subscribed_as(t, 10, "v1.1/Datastreams(1)/Observations?$select=result", 2, 3) == 2);
    CHECK(subscribed_as(t, 10, "v1.1/Things(1)/name", 1, 0) == 1);
    gone(t, 10);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    again(t);
    CHECK(t->core->streams[1].hears != 0 && t->core->hears_any != 0);
    city_peer(t, 11, PEER_DEVICE, "dock-a");
    CHECK(opened(t, 11, "kept", &kept)->ref == 1);
    CHECK(heard(t, 11) == 1 && has(&last_heard(t, 11)->body, "\"result\":5"));
    topics_changed(t->core, STA_THING, 1); /* the core does not know what it said before */
    topics_changed(t->core, STA_THING, 1); /* and now it does */
    city_run(t);
    CHECK(heard(t, 11) == 2 && has(&last_heard(t, 11)->body, "dock 1"));
    CHECK(city_answer(t, 1, "PATCH", "/v1.1/Things(1)", "", "{\"description\":\"new\"}")->reason ==
          200);
    CHECK(heard(t, 11) == 2); /* the name is as it was */
    CHECK(city_answer(t, 1, "PATCH", "/v1.1/Things(1)", "", "{\"name\":\"dock 2\"}")->reason ==
          200);
    CHECK(heard(t, 11) == 3 && has(&last_heard(t, 11)->body, "dock 2"));
    topics_changed(t->core, STA_OBSERVATION, sta_observation_id(1, 0)); /* it was corrected */
    city_run(t);
    CHECK(heard(t, 11) == 4);
    struct unsubscribe m = {11, ++t->next_ref,
                            bytes_text("v1.1/Datastreams(1)/Observations?$select=result")};
    CHECK_OK(CHANNEL_SEND(&t->gate, unsubscribe, &m));
    city_run(t);
    CHECK(city_output(t, subscribed_id, 11, m.ref)->reason == 0);
    again(t);
    CHECK(t->core->streams[1].hears == 0 && t->core->hears_any != 0);
    city_free(t);
}
