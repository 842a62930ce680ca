/* core_test.c -- the promises of core.h, C1 to C4, with every other process played by the test. */
#include "programs/core/core_test.h"

/* ---- a service that does next to nothing ---------------------------------------------------- */

struct quiet {
    struct service_ports ports;
    uint64_t stored, granted, refused, entities;
    double last;
    char saved[16];
    char reason[64];
};

static enum err
quiet_start(void *self, const struct start *start, const struct service_ports *ports,
            struct bytes saved)
{
    struct quiet *q = self;
    (void)start;
    q->ports = *ports;
    return saved.len ? bytes_copy_text(saved, q->saved, sizeof(q->saved)) : OK;
}

static void
quiet_entity(void *self, const char *type, uint64_t id, uint64_t thing, struct bytes device,
             struct bytes json)
{
    CHECK(id && thing && device.len && json.len && type);
    ((struct quiet *)self)->entities++;
}

/* 13 is refused, 14 is taken and not kept. */
static enum err
quiet_admit(void *self, const struct service_stream *stream, struct observation *o,
            struct arena *arena, char *why)
{
    (void)self, (void)arena;
    CHECK(stream->device.len && stream->class_name[0]);
    if (o->number == 14)
        return ERR_EXISTS;
    if (o->number != 13)
        return OK;
    snprintf(why, SERVICE_WHY_SIZE, "thirteen is unlucky");
    return ERR_DENIED;
}

static void
quiet_stored(void *self, const struct service_stream *stream, const struct observation *o)
{
    struct quiet *q = self;
    CHECK(bytes_are(stream->name, "bikes"));
    q->stored++;
    q->last = o->number;
}

static void
quiet_verdict(void *self, uint64_t ref, struct bytes device, bool granted, struct bytes reason)
{
    struct quiet *q = self;
    CHECK(ref == 77 && bytes_are(device, "dock-a"));
    q->granted += granted;
    q->refused += !granted;
    CHECK_OK(bytes_copy_text(reason, q->reason, sizeof(q->reason)));
}

static const struct service quiet_service = {
    .name = "quiet",
    .size = sizeof(struct quiet),
    .start = quiet_start,
    .entity = quiet_entity,
    .admit = quiet_admit,
    .stored = quiet_stored,
    .verdict = quiet_verdict,
};

static char topic[64];

static const char *
topic_of(uint64_t stream)
{
    snprintf(topic, sizeof(topic), "v1.1/Datastreams(%llu)/Observations",
             (unsigned long long)stream);
    return topic;
}

/* ---- C1: durable first ------------------------------------------------------------------------
 */

TEST(a_published_observation_is_stored_and_acknowledged)
{
    struct test_city *t = city_new(&quiet_service);
    struct quiet *q = t->core->self;
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(s && q->entities == 2);
    CHECK(city_published(t, 1, topic_of(s), "{\"result\":5}") == 0);
    CHECK(q->stored == 1 && q->last == 5 && t->core->count.stored == 1);
    struct store_span span;
    CHECK_OK(store_span(t->store, (uint32_t)s, &span));
    CHECK(span.count == 1);
    uint64_t leaves;
    uint8_t root[32];
    store_head(t->store, &leaves, root);
    CHECK(leaves == 1);
    city_free(t);
}

/* A publish and a POST in one batch whose commit fails, and one more behind it. */
TEST(nothing_is_acknowledged_when_the_disk_fails)
{
    struct test_city *t = city_new(&quiet_service);
    struct quiet *q = t->core->self;
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, topic_of(s), "{\"result\":5}") == 0); /* its feature is made */
    t->disk_fails = true;
    char target[80];
    snprintf(target, sizeof(target), "/%s", topic_of(s));
    uint32_t published = city_publish(t, 1, topic_of(s), "{\"result\":6}");
    uint32_t posted = city_ask(t, 1, "POST", target, "", "{\"result\":7}");
    city_run(t);
    CHECK(city_output(t, published_id, 1, published)->reason == REASON_IMPLEMENTATION);
    const struct test_output *o = city_output(t, answer_id, 1, posted);
    CHECK(o->reason == 503 && o->text[0] == '\0');
    t->disk_fails = false; /* a disk that lied once is not trusted */
    CHECK(city_published(t, 1, topic_of(s), "{\"result\":8}") == REASON_IMPLEMENTATION);
    CHECK(q->stored == 1 && q->last == 5 && t->core->count.stored == 1);
    city_free(t);
}

TEST(the_acknowledgement_comes_with_the_round_and_not_before)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    uint32_t ref = city_publish(t, 1, topic_of(s), "{\"result\":5}");
    CHECK_OK(channel_flush(&t->gate));
    core_read(t->core);
    link_flush(&t->core->gate, true);
    CHECK(channel_receive(&t->gate, gate_end, t) == ERR_AGAIN); /* decided, and not yet durable */
    city_run(t);
    CHECK(city_output(t, published_id, 1, ref)->reason == 0);
    city_free(t);
}

TEST(the_same_message_twice_is_kept_once_and_acknowledged_twice)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    const char *payload = "{\"result\":5,\"phenomenonTime\":\"2026-09-01T00:00:00Z\"}";
    CHECK(city_published(t, 1, topic_of(s), payload) == 0);
    uint32_t a = city_publish(t, 1, topic_of(s), payload);
    uint32_t b = city_publish(t, 1, topic_of(s), payload);
    city_run(t);
    CHECK(city_output(t, published_id, 1, a)->reason == 0);
    CHECK(city_output(t, published_id, 1, b)->reason == 0);
    struct store_span span;
    CHECK_OK(store_span(t->store, (uint32_t)s, &span));
    CHECK(span.count == 1 && t->core->count.again == 2);
    city_free(t);
}

TEST(what_was_acknowledged_is_there_after_a_restart)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, topic_of(s), "{\"result\":5}") == 0);
    struct quiet *q = t->core->self;
    CHECK_OK(q->ports.save(q->ports.ctx, bytes_text("one")));
    CHECK_OK(q->ports.save(q->ports.ctx, bytes_text("two")));
    city_restart(t);
    q = t->core->self;
    CHECK(q->entities == 2 && strcmp(q->saved, "two") == 0);
    CHECK(city_published(t, 1, topic_of(s), "{\"result\":6}") == 0);
    struct store_span span;
    CHECK_OK(store_span(t->store, (uint32_t)s, &span));
    CHECK(span.count == 2);
    city_free(t);
}

/* ---- C3: a device writes to its own -------------------------------------------------------------
 */

TEST(a_device_cannot_write_to_anothers_datastream)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 2, topic_of(s), "{\"result\":5}") == REASON_NOT_AUTHORISED);
    CHECK(city_published(t, 3, topic_of(s), "{\"result\":5}") == REASON_NOT_AUTHORISED);
    CHECK(city_published(t, 5, topic_of(s), "{\"result\":5}") == REASON_NOT_AUTHORISED);
    char link[100], target[80];
    snprintf(link, sizeof(link), "{\"result\":5,\"Datastream\":{\"@iot.id\":%llu}}",
             (unsigned long long)s);
    CHECK(city_published(t, 2, "v1.1/Observations", link) == REASON_NOT_AUTHORISED);
    CHECK(city_published(t, 1, "v1.1/Observations", link) == 0);
    snprintf(target, sizeof(target), "/%s", topic_of(s));
    CHECK(city_answer(t, 2, "POST", target, "", "{\"result\":5}")->reason == 404);
    CHECK(city_answer(t, 1, "POST", target, "", "{\"result\":5}")->reason == 201);
    CHECK(city_answer(t, 4, "POST", target, "", "{\"result\":5}")->reason == 401); /* no token */
    CHECK(t->core->count.stored == 2 && t->core->count.refused == 6);
    uint64_t leaves;
    uint8_t root[32];
    store_head(t->store, &leaves, root);
    CHECK(leaves == 7); /* a leaf for each decision, refused ones too */
    city_free(t);
}

TEST(what_does_not_fit_is_refused_with_its_reason)
{
    static const struct {
        const char *payload;
        int reason;
    } rows[] = {
        {"{\"result\":50}", 0},
        {"{\"result\":51}", REASON_PAYLOAD_INVALID},
        {"{\"result\":-1}", REASON_PAYLOAD_INVALID},
        {"{\"result\":\"five\"}", REASON_PAYLOAD_INVALID},
        {"{\"result\":true}", REASON_PAYLOAD_INVALID},
        {"{\"result\":5", REASON_PAYLOAD_INVALID},
        {"", REASON_PAYLOAD_INVALID},
        {"{\"result\":5,\"phenomenonTime\":\"2036-01-01T00:00:00Z\"}", REASON_PAYLOAD_INVALID},
        {"{\"result\":13}", REASON_NOT_AUTHORISED}, /* the service */
        {"{\"result\":14}", 0},                     /* taken, not kept */
    };
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK(city_published(t, 1, topic_of(s), rows[i].payload) == rows[i].reason);
    CHECK(city_published(t, 1, "v1.1/Things", "{\"result\":5}") == REASON_TOPIC_INVALID);
    CHECK(city_published(t, 1, "v1.1/#", "{\"result\":5}") == REASON_TOPIC_INVALID);
    CHECK(t->core->count.stored == 1 && t->core->count.not_kept == 1);
    city_free(t);
}

TEST(a_device_over_its_share_is_refused_and_others_are_not)
{
    struct test_city *t = city_new(&quiet_service);
    t->start.messages_per_s = 40; /* 11 a second for one device, twice that at once */
    uint64_t a = city_thing(t, 1, "dock 1", "bike-count");
    uint64_t b = city_thing(t, 2, "dock 2", "bike-count");
    for (int i = 0; i < 21; i++) /* the Thing was one of them */
        CHECK(city_published(t, 1, topic_of(a), "{\"result\":5}") == 0);
    CHECK(city_published(t, 1, topic_of(a), "{\"result\":5}") == REASON_QUOTA);
    CHECK(city_published(t, 2, topic_of(b), "{\"result\":5}") == 0);
    city_pass(t, 1000);
    CHECK(city_published(t, 1, topic_of(a), "{\"result\":5}") == 0);
    city_free(t);
}

TEST(a_thing_is_made_once_under_the_classes_of_the_charter)
{
    struct test_city *t = city_new(&quiet_service);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 0);
    struct test_output *o = &t->outputs[t->outputs_count - 1];
    CHECK(o->reason == 409 && strstr(o->text, "https://city.test:8444/v1.1/Things("));
    CHECK(city_thing(t, 2, "dock 1", "bike-count") == 2); /* another device's name is free */
    CHECK(city_thing(t, 1, "dock 2", "face-print") == 0);
    o = &t->outputs[t->outputs_count - 1];
    CHECK(o->reason == 403 && has(&o->body, "\"rule\":\"charter line 20: zone bikes\""));
    CHECK(city_thing(t, 1, "dock 2", "") == 0);
    CHECK(t->outputs[t->outputs_count - 1].reason == 400);
    CHECK(city_answer(t, 3, "POST", "/v1.1/Things", "", "{\"name\":\"x\"}")->reason == 401);
    CHECK(city_answer(t, 5, "POST", "/v1.1/Things", "", "{\"name\":\"x\"}")->reason == 401);
    CHECK(city_answer(t, 1, "POST", "/v1.1/Sensors", "", "{\"name\":\"x\"}")->reason == 400);
    CHECK(city_answer(t, 1, "DELETE", "/v1.1/Things", "", "")->reason == 405);
    CHECK(city_answer(t, 1, "BREW", "/v1.1/Things(1)", "", "")->reason == 501);
    city_free(t);
}

TEST(a_device_finds_its_own_things_and_no_others)
{
    struct test_city *t = city_new(&quiet_service);
    CHECK(city_thing(t, 1, "mine", "bike-count") && city_thing(t, 2, "theirs", "bike-count"));
    CHECK(city_published(t, 1, topic_of(1), "{\"result\":5}") == 0);
    struct test_output *o = city_answer(t, 1, "GET", "/v1.1/Things?$expand=Datastreams", "", "");
    CHECK(o->reason == 200 && has(&o->body, "mine") && !has(&o->body, "theirs"));
    CHECK(has(&o->body, "Datastreams(1)"));
    CHECK(city_answer(t, 1, "GET", "/v1.1/Things(2)", "", "")->reason == 404);
    o = city_answer(t, 1, "GET", "/v1.1/Datastreams(1)/Observations", "", "");
    CHECK(o->reason != 200 || !has(&o->body, "\"result\":5"));
    CHECK(t->records_count == 0);
    city_free(t);
}

TEST(many_rows_in_one_request_fail_alone)
{
    struct test_city *t = city_new(&quiet_service);
    CHECK(city_thing(t, 1, "mine", "bike-count") == 1);
    CHECK(city_thing(t, 2, "theirs", "bike-count") == 2);
    struct test_output *o = city_answer(
        t, 1, "POST", "/v1.1/CreateObservations", "",
        "[{\"Datastream\":{\"@iot.id\":1},\"components\":[\"phenomenonTime\",\"result\"],"
        "\"dataArray@iot.count\":3,\"dataArray\":[[\"2026-09-01T00:00:00Z\",1],"
        "[\"2026-09-01T00:00:01Z\",99],[\"2026-09-01T00:00:02Z\",3]]},"
        "{\"Datastream\":{\"@iot.id\":2},\"components\":[\"result\"],\"dataArray\":[[4]]}]");
    CHECK(o->reason == 201 && has(&o->body, "error"));
    CHECK(t->core->count.stored == 2 && t->core->count.refused == 2);
    city_free(t);
}

/* ---- C2 and C4: questions ---------------------------------------------------------------------
 */

TEST(a_read_leaves_after_its_record_and_not_before)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, topic_of(1), "{\"result\":5}") == 0);
    city_token(t, "auditor", "compliance", token);
    t->ledger_mode = LEDGER_SILENT;
    const char *target = "/v1.1/Datastreams(1)/Observations?$top=3&$filter=result%20gt%201";
    uint32_t ref = city_ask(t, 3, "GET", target, token, "");
    city_run(t);
    CHECK(!city_output(t, answer_id, 3, ref) && t->records_count == 1);
    CHECK(city_recorded(t, "\"event\":\"read\",\"caller\":\"auditor\",\"role\":\"auditor\","
                           "\"purpose\":\"compliance\",\"classes\":[\"bike-count\"]"));
    CHECK(city_recorded(t, "Datastreams(1)/Observations?$top&$filter\",\"rows\":1"));
    CHECK(!city_recorded(t, "gt")); /* no values */
    struct recorded late = {t->records_ref[0], 0};
    CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &late));
    city_run(t);
    struct test_output *o = city_output(t, answer_id, 3, ref);
    CHECK(o && o->reason == 200 && has(&o->body, "\"result\":5"));
    city_free(t);
}

TEST(without_the_ledger_no_answer_leaves_and_ingest_goes_on)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_thing(t, 1, "dock 1", "bike-count");
    city_token(t, "auditor", "compliance", token);
    t->ledger_mode = LEDGER_FAILS;
    struct test_output *o = city_answer(t, 3, "GET", "/v1.1/Things", token, "");
    CHECK(o->reason == 503 && !has(&o->body, "dock 1"));
    t->ledger_mode = LEDGER_SILENT;
    uint32_t ref = city_ask(t, 3, "GET", "/v1.1/Things", token, "");
    city_run(t);
    CHECK(!city_output(t, answer_id, 3, ref));
    uint64_t stale = t->records_ref[t->records_count - 1];
    city_pass(t, ASK_WAIT_MS);
    core_tick(t->core);
    city_run(t);
    o = city_output(t, answer_id, 3, ref);
    CHECK(o->reason == 503 && !has(&o->body, "dock 1"));
    struct recorded late = {stale, 0}; /* too late: nobody waits for it */
    CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &late));
    city_run(t);
    close(t->ledger.fd);
    t->ledger.fd = -1;
    o = city_answer(t, 3, "GET", "/v1.1/Things", token, "");
    CHECK(o->reason == 503 && !has(&o->body, "dock 1"));
    CHECK(city_published(t, 1, topic_of(1), "{\"result\":5}") == 0);
    city_free(t);
}

static int
status_with(struct test_city *t, uint64_t peer, const struct token *token)
{
    char text[TOKEN_TEXT_SIZE];
    city_sign(t, token, text);
    return city_answer(t, peer, "GET", "/v1.1/Things", text, "")->reason;
}

TEST(only_a_token_of_this_zone_this_key_and_this_hour_opens)
{
    struct test_city *t = city_new(&quiet_service);
    city_thing(t, 1, "dock 1", "bike-count");
    struct token good = city_grant(t, "auditor", "auditor", "compliance");
    CHECK(status_with(t, 3, &good) == 200);
    CHECK(status_with(t, 4, &good) == 401); /* another's key */
    CHECK(status_with(t, 5, &good) == 401); /* no certificate */
    CHECK(status_with(t, 1, &good) == 401); /* a device */
    struct token bad = good;
    bad.expiry_us = t->clock.wall_us - 1;
    CHECK(status_with(t, 3, &bad) == 401);
    bad = good;
    CHECK_OK(bytes_copy_text(bytes_text("signals"), bad.zone, sizeof(bad.zone)));
    CHECK(status_with(t, 3, &bad) == 401);
    bad = good;
    CHECK_OK(bytes_copy_text(bytes_text("operator"), bad.role, sizeof(bad.role)));
    CHECK(status_with(t, 3, &bad) == 403); /* the charter says another role */
    bad = city_grant(t, "auditor", "auditor", "billing");
    CHECK(status_with(t, 3, &bad) == 403); /* a purpose that is not the caller's */
    bad = city_grant(t, "auditor", "auditor", "research");
    CHECK(status_with(t, 3, &bad) == 403); /* a purpose that no class here has */
    CHECK(city_recorded(t, "\"event\":\"read-refused\"") &&
          city_recorded(t, "\"rule\":\"charter line 40: caller auditor\""));
    bad = good;
    bad.approval = true;
    CHECK(status_with(t, 3, &bad) == 401);
    char text[TOKEN_TEXT_SIZE];
    city_sign(t, &good, text);
    size_t at = strlen(text) - 5;
    text[at] = text[at] == 'A' ? 'B' : 'A';
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", text, "")->reason == 401);
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", "", "")->reason == 401);
    CHECK(city_answer(t, 5, "GET", "/v1.1", "", "")->reason == 200);
    CHECK(city_answer(t, 5, "GET", "/v1.1/Things", "", "")->reason == 401);
    city_free(t);
}

TEST(rows_of_a_class_without_the_purpose_do_not_exist)
{
    struct test_city *t = city_new(&quiet_service);
    char operate[TOKEN_TEXT_SIZE], compliance[TOKEN_TEXT_SIZE];
    CHECK(city_thing(t, 1, "open", "bike-count") == 1);
    CHECK(city_thing(t, 1, "private", "vehicle-position") == 2);
    CHECK(city_published(t, 1, topic_of(2), "{\"result\":42}") == 0);
    city_token(t, "operator", "operate", operate);
    city_token(t, "auditor", "compliance", compliance);
    static const char *const sets[] = {"/v1.1/Things?$count=true&$expand=Datastreams,Locations",
                                       "/v1.1/Datastreams?$count=true",
                                       "/v1.1/Locations?$count=true", "/v1.1/Sensors?$count=true",
                                       "/v1.1/FeaturesOfInterest?$count=true"};
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct test_output *o = city_answer(t, 4, "GET", sets[i], operate, "");
        CHECK(o->reason == 200 && !has(&o->body, "private") && !has(&o->body, "(2)") &&
              !has(&o->body, "\"@iot.count\":2"));
    }
    CHECK(city_answer(t, 4, "GET", "/v1.1/Datastreams(2)", operate, "")->reason == 404);
    CHECK(city_answer(t, 4, "GET", "/v1.1/Datastreams(2)/Observations", operate, "")->reason ==
          404);
    CHECK(!city_recorded(t, "vehicle-position"));
    struct test_output *o =
        city_answer(t, 3, "GET", "/v1.1/Datastreams(2)/Observations", compliance, "");
    CHECK(o->reason == 200 && has(&o->body, "\"result\":42"));
    CHECK(city_recorded(t, "\"classes\":[\"vehicle-position\"]"));
    city_free(t);
}

TEST(auditors_see_where_data_lies)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_thing(t, 1, "dock 1", "bike-count");
    city_token(t, "auditor", "compliance", token);
    struct test_output *o = city_answer(t, 3, "GET", "/where", token, "");
    CHECK(o->reason == 200 && has(&o->body, "\"copies\":[{\"file\":"));
    CHECK(city_recorded(t, "\"what\":\"/where\""));
    city_token(t, "operator", "operate", token);
    CHECK(city_answer(t, 4, "GET", "/where", token, "")->reason == 403);
    city_free(t);
}

TEST(the_journals_head_is_anchored_while_it_changes)
{
    struct test_city *t = city_new(&quiet_service);
    city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, topic_of(1), "{\"result\":5}") == 0);
    core_tick(t->core);
    city_run(t);
    CHECK(t->records_count == 1 && city_recorded(t, "\"event\":\"anchor\",\"zone\":\"bikes\","
                                                    "\"size\":1,\"root\":\""));
    core_tick(t->core);
    city_run(t);
    CHECK(t->records_count == 1); /* it did not change */
    CHECK(city_published(t, 1, topic_of(1), "{\"result\":6}") == 0);
    core_tick(t->core);
    city_run(t);
    CHECK(t->records_count == 2 && city_recorded(t, "\"size\":2"));
    city_free(t);
}

/* Telemetry goes on without a ledger, up to the outbox's end; then everybody waits, and nothing is
 * lost or twice when it comes back. */
TEST(a_full_outbox_stops_reading_and_loses_nothing)
{
    enum { MESSAGES = 60, OUTBOX = 20 };
    struct test_city *t = city_new(&quiet_service);
    uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(t->core->outbox_max == OUTBOX_DECISIONS_MAX);
    t->core->outbox_max = OUTBOX;
    t->ledger_mode = LEDGER_SILENT;
    uint32_t refs[MESSAGES];
    int acknowledged = 0;
    CHECK(core_condition(t->core)[0] == '\0');
    for (int i = 0; i < MESSAGES; i++) {
        char payload[100];
        snprintf(payload, sizeof(payload),
                 "{\"result\":5,\"phenomenonTime\":\"2026-09-01T00:00:%02dZ\"}", i);
        refs[i] = city_publish(t, 1, topic_of(s), payload);
        core_tick(t->core);
        city_run(t);
        acknowledged += city_output(t, published_id, 1, refs[i]) != NULL;
    }
    CHECK(acknowledged == OUTBOX && record_outbox_full(t->core));
    CHECK(strncmp(core_condition(t->core), "back-pressure", 13) == 0);
    struct store_span span;
    CHECK_OK(store_span(t->store, (uint32_t)s, &span));
    CHECK(span.count == OUTBOX);
    city_pass(t, ASK_WAIT_MS); /* the anchor that was not answered is given up */
    core_tick(t->core);
    t->ledger_mode = LEDGER_FAILS;
    city_run(t);
    CHECK(record_outbox_full(t->core)); /* a refused anchor covers nothing */
    t->ledger_mode = LEDGER_ANSWERS;
    for (int i = 0; i < 6; i++) {
        core_tick(t->core);
        city_run(t);
    }
    for (int i = 0; i < MESSAGES; i++)
        CHECK(city_output(t, published_id, 1, refs[i])->reason == 0);
    CHECK_OK(store_span(t->store, (uint32_t)s, &span));
    CHECK(span.count == MESSAGES && !record_outbox_full(t->core));
    CHECK(core_condition(t->core)[0] == '\0' && city_recorded(t, "\"size\":60"));
    city_free(t);
}

TEST(the_outbox_is_smaller_where_the_disk_is_small)
{
    struct test_city *t = city_new(&quiet_service);
    t->start.disk_bytes = 16 * 1024 * 1024;
    city_end_core(t);
    city_store(t);
    city_start(t);
    CHECK(t->core->outbox_max == OUTBOX_DECISIONS_MAX); /* city_start() forgets the row */
    core_close(t->core);
    t->start.disk_bytes = 16 * 1024 * 1024;
    struct core_config config = {&t->start, t->service, t->store, clock_fake_source(&t->clock),
                                 random_system()};
    CHECK_OK(core_open(&config, &t->core));
    CHECK(t->core->outbox_max == 16 * 1024);
    city_free(t);
}

/* Set back or forth by hours: on the record, and nobody is answered until it has run for a minute;
 * devices are heard all the time. */
TEST(a_clock_that_was_set_stops_reads_for_a_minute)
{
    static const int64_t hours[] = {-5, 5};
    for (size_t i = 0; i < ARRAY_COUNT(hours); i++) {
        struct test_city *t = city_new(&quiet_service);
        uint64_t s = city_thing(t, 1, "dock 1", "bike-count");
        char token[TOKEN_TEXT_SIZE];
        city_pass(t, 1000);
        core_tick(t->core);
        city_token(t, "auditor", "compliance", token);
        CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 200);
        t->clock.wall_us += hours[i] * 3600 * 1000000;
        city_pass(t, 1000);
        core_tick(t->core);
        city_run(t);
        CHECK(city_recorded(t, hours[i] < 0 ? "\"what\":\"step\",\"by_ms\":-18000000"
                                            : "\"what\":\"step\",\"by_ms\":18000000"));
        CHECK(strstr(core_condition(t->core), "clock"));
        CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 503);
        CHECK(city_published(t, 1, topic_of(s), "{\"result\":5}") == 0);
        struct zone_count count = {bytes_text("centre"), 12, 0, 60};
        CHECK(conduits_count(t->core, &count) == ERR_AGAIN);
        for (int k = 0; k < CLOCK_DOUBT_MS / 1000; k++) {
            city_pass(t, 1000);
            core_tick(t->core);
            city_run(t);
        }
        CHECK(core_condition(t->core)[0] == '\0');
        /* Of before: expired, or from a future that is none. */
        CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 401);
        city_token(t, "auditor", "compliance", token);
        CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 200);
        size_t events = 0;
        for (size_t k = 0; k < t->records_count; k++)
            events += has(&t->records[k], "\"event\":\"clock\"");
        CHECK(events == 1); /* told once */
        city_free(t);
    }
}

TEST(a_clock_that_was_rolled_back_while_the_core_was_down_is_found)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    t->clock.wall_us -= (int64_t)3600 * 1000000;
    city_restart(t);
    core_tick(t->core);
    city_run(t);
    CHECK(city_recorded(t, "\"event\":\"clock\",\"process\":\"core\",\"zone\":\"bikes\","
                           "\"what\":\"roll-back\",\"by_ms\":-3600000"));
    city_token(t, "auditor", "compliance", token);
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 503);
    city_free(t);
}

/* The event stays until it is durable. */
TEST(a_clock_event_is_told_again_until_the_ledger_has_it)
{
    struct test_city *t = city_new(&quiet_service);
    t->ledger_mode = LEDGER_FAILS;
    t->clock.wall_us += (int64_t)3600 * 1000000;
    core_tick(t->core);
    city_run(t);
    t->ledger_mode = LEDGER_ANSWERS;
    city_forget(t);
    city_pass(t, 100);
    core_tick(t->core);
    city_run(t);
    CHECK(city_recorded(t, "\"event\":\"clock\""));
    city_forget(t);
    city_pass(t, 100);
    core_tick(t->core);
    city_run(t);
    CHECK(!city_recorded(t, "\"event\":\"clock\""));
    city_free(t);
}

TEST(destroyed_keys_are_told_to_the_ledger)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t stream = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(stream);
    core_tick(t->core);
    CHECK_OK(store_erase_stream(t->store, (uint32_t)stream));
    core_tick(t->core);
    city_run(t);
    CHECK(!city_recorded(t, "key-destruction")); /* looked at every ten seconds */
    city_pass(t, 11000);
    core_tick(t->core);
    city_run(t);
    CHECK(city_recorded(t, "\"event\":\"key-destruction\",\"zone\":\"bikes\",\"keys\":1"));
    city_free(t);
}

/* Found by drills/messages: 0 is the peer of every free subscription. */
TEST(a_peer_called_nought_does_not_exist)
{
    struct test_city *t = city_new(&quiet_service);
    city_peer(t, 0, PEER_STRANGER, "");
    struct peer_close m = {0};
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_close, &m));
    city_run(t);
    CHECK(!t->core->gate.up && t->core->peers.count == 5); /* such a gate is not heard any more */
    city_free(t);
}

/* What is no message, on a channel of the core. */
static void
talk_nonsense(struct test_city *t, struct channel *c)
{
    CHECK_OK(channel_send(c, 0x7777, bytes_text("not a message")));
    city_run(t);
}

static void
pass(struct test_city *t, uint64_t ms)
{
    city_pass(t, ms);
    core_tick(t->core);
    city_run(t);
}

TEST(a_gate_is_heard_again_after_its_pause_and_begins_anew)
{
    struct test_city *t = city_new(&quiet_service);
    uint64_t stream = city_thing(t, 1, "dock 1", "bike-count");
    const char *to = topic_of(stream);
    CHECK(stream && t->begun == 1);
    talk_nonsense(t, &t->gate);
    CHECK(!t->core->gate.up);
    uint32_t early = city_publish(t, 1, to, "{\"result\":1}");
    talk_nonsense(t, &t->gate); /* what the breached one still wrote */
    pass(t, MISTRUST_FIRST_MS - 1);
    CHECK(!t->core->gate.up && !city_output(t, published_id, 1, early) && t->begun == 1);
    pass(t, 1);
    CHECK(t->core->gate.up && t->begun == 2 && t->core->peers.count == 0);
    uint32_t unknown = city_publish(t, 1, to, "{\"result\":2}"); /* not opened anew */
    city_run(t);
    CHECK(!city_output(t, published_id, 1, early) && !city_output(t, published_id, 1, unknown));
    city_people(t);
    CHECK(t->core->gate.up && city_published(t, 1, to, "{\"result\":3}") == 0);
    CHECK(t->core->count.stored == 1);
    talk_nonsense(t, &t->gate);
    pass(t, 2 * MISTRUST_FIRST_MS - 1);
    CHECK(!t->core->gate.up);
    pass(t, 1);
    CHECK(t->core->gate.up && t->begun == 3);
    city_free(t);
}

TEST(a_ledger_is_heard_again_after_its_pause_and_gets_the_anchor_again)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "auditor", "compliance", token);
    uint64_t stream = city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, topic_of(stream), "{\"result\":1}") == 0);
    t->ledger_mode = LEDGER_SILENT;
    core_tick(t->core);
    city_run(t);
    CHECK(city_recorded(t, "\"event\":\"anchor\"") && t->core->anchor_ref);
    t->ledger_mode = LEDGER_ANSWERS;
    talk_nonsense(t, &t->ledger);
    CHECK(!t->core->ledger.up);
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 503);
    city_forget(t);
    pass(t, MISTRUST_FIRST_MS - 1);
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 503);
    pass(t, 1);
    CHECK(t->core->ledger.up && city_recorded(t, "\"event\":\"anchor\""));
    CHECK(city_answer(t, 3, "GET", "/v1.1/Things", token, "")->reason == 200);
    city_free(t);
}

TEST(a_warden_and_a_conduit_are_heard_again_too)
{
    struct test_city *t = city_new(&quiet_service);
    talk_nonsense(t, &t->warden);
    talk_nonsense(t, &t->conduit);
    CHECK(!t->core->warden.up && !t->core->conduits[0].link.up);
    pass(t, MISTRUST_FIRST_MS - 1);
    CHECK(!t->core->warden.up && !t->core->conduits[0].link.up);
    pass(t, 1);
    CHECK(t->core->warden.up && t->core->conduits[0].link.up && t->core->gate.up);
    CHECK(t->begun == 1); /* the gate did nothing wrong */
    city_free(t);
}
