#include "programs/core/core_test.h"

static const struct service plain_service;

static enum err
start_plain(void *self, const struct start *start, const struct service_ports *ports,
            struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}
static const struct service plain_service = {.name = "plain", .start = start_plain};

#define NAMED "{\"name\":\"n\",\"description\":\"d\"}"
#define STREAM_OF(class_name, more)                                                                \
    "{\"name\":\"s\",\"description\":\"d\",\"observationType\":\"x/OM_Measurement\","              \
    "\"unitOfMeasurement\":{\"name\":\"n\",\"symbol\":\"n\",\"definition\":null},"                 \
    "\"properties\":{\"class\":\"" class_name "\"" more "},\"Sensor\":{\"@iot.id\":1},"            \
    "\"ObservedProperty\":{\"@iot.id\":1}}"

static struct test_city *
city(void)
{
    struct test_city *t = city_new(&plain_service);
    CHECK_OK(bytes_copy_text(bytes_text("bike-count"), t->start.callers[1].writes,
                             sizeof(t->start.callers[1].writes)));
    return t;
}

static int
status(struct test_city *t, uint64_t peer, const char *method, const char *target,
       const char *token, const char *body)
{
    const struct test_output *o = city_answer(t, peer, method, target, token, body);
    if (!o)
        return 0;
    if (o->reason >= 400)
        printf("%s %s: %d %.*s\n", method, target, o->reason, (int)o->body.len, (char *)o->body.p);
    return o->reason;
}

static const struct sta_entity *
get(const struct test_city *t, enum sta_type type, uint64_t id)
{
    return sta_graph_get(&t->core->graph, type, id);
}

TEST(a_device_changes_and_deletes_what_is_its_own_and_nothing_else)
{
    struct test_city *t = city();
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(status(t, 1, "PATCH", "/v1.1/Things(1)", "", "{\"description\":\"new\"}") == 200);
    CHECK(has(&t->outputs[t->outputs_count - 1].body, "\"description\":\"new\""));
    CHECK(status(t, 2, "PATCH", "/v1.1/Things(1)", "", "{\"description\":\"no\"}") == 404);
    CHECK(status(t, 2, "DELETE", "/v1.1/Things(1)", "", "") == 404);
    CHECK(status(t, 5, "DELETE", "/v1.1/Things(1)", "", "") == 401);
    CHECK(status(t, 1, "PUT", "/v1.1/Things(1)", "", NAMED) == 200);
    CHECK(status(t, 1, "POST", "/v1.1/ObservedProperties", "",
                 "{\"name\":\"o\",\"definition\":\"http://x\",\"description\":\"d\"}") == 201);
    CHECK(status(t, 1, "POST", "/v1.1/Things(1)/Datastreams", "", STREAM_OF("bike-count", "")) ==
          201);
    CHECK(status(t, 2, "POST", "/v1.1/Things(1)/Datastreams", "", STREAM_OF("bike-count", "")) ==
          404);
    CHECK(status(t, 1, "PATCH", "/v1.1/Datastreams(1)", "",
                 "{\"properties\":{\"class\":\"vehicle-position\"}}") == 400);
    CHECK(status(t, 1, "PATCH", "/v1.1/Datastreams(1)", "", "{\"properties\":{\"minimum\":3}}") ==
          200);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":2}") ==
          REASON_PAYLOAD_INVALID); /* the new rule holds at once */
    uint64_t before, after;
    uint8_t root[32];
    store_head(t->store, &before, root);
    CHECK(status(t, 1, "DELETE", "/v1.1/Datastreams(2)", "", "") == 200);
    store_head(t->store, &after, root);
    CHECK(after == before + 1); /* the deletion is a leaf */
    city_free(t);
}

TEST(what_is_deleted_is_gone_with_its_data_and_its_ids_also_after_a_start)
{
    struct test_city *t = city();
    struct store_span span;
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    CHECK(status(t, 1, "DELETE", "/v1.1/Things(1)", "", "") == 200);
    struct test_output *o = &t->outputs[t->outputs_count - 1];
    CHECK(has(&o->body, "{\"deleted\":{\"entities\":3,\"Observations\":1}}"));
    CHECK(store_span(t->store, 1, &span) != OK || span.count == 0);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") ==
          REASON_NOT_AUTHORISED);
    city_restart(t);
    CHECK(!get(t, STA_THING, 1) && !get(t, STA_DATASTREAM, 1) && get(t, STA_LOCATION, 1));
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 2 && get(t, STA_THING, 2));
    city_free(t);
}

TEST(a_deletion_that_was_not_finished_is_finished_after_a_start)
{
    struct test_city *t = city();
    struct store_span span;
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    /* What the commit of a deletion leaves, when the core ends before the key is destroyed. */
    static const enum sta_type gone[] = {STA_DATASTREAM, STA_THING, STA_HISTORICAL_LOCATION};
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++)
        CHECK_OK(store_put_entity(t->store, (uint8_t)gone[i], 1, (struct bytes){0}));
    CHECK_OK(store_put_entity(t->store, ENTITY_NEXT_ID, STA_DATASTREAM, bytes_text("2")));
    CHECK_OK(store_put_entity(t->store, ENTITY_TO_ERASE, 1, bytes_text("{}")));
    CHECK_OK(store_commit(t->store));
    CHECK_OK(store_span(t->store, 1, &span));
    CHECK(span.count == 1);
    city_restart(t);
    CHECK(store_span(t->store, 1, &span) != OK || span.count == 0);
    CHECK(t->core->to_erase_count == 0);
    city_restart(t);
    CHECK(t->core->to_erase_count == 0); /* it is not done again */
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 2);
    city_free(t);
}

TEST(an_observation_is_corrected_and_taken_back_by_its_device)
{
    struct test_city *t = city();
    struct store_span span;
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations",
                         "{\"result\":6,\"phenomenonTime\":\"2026-09-21T10:00:00Z\"}") == 0);
    CHECK(status(t, 1, "PATCH", "/v1.1/Observations(4294967298)", "",
                 "{\"result\":7,\"phenomenonTime\":\"2026-09-21T09:00:00Z\"}") == 200);
    struct observation o;
    CHECK_OK(store_get(t->store, 1, 1, &o));
    CHECK(o.number == 7);
    CHECK_OK(store_span(t->store, 1, &span));
    CHECK(span.first_us == 1789981200000000LL);
    CHECK(status(t, 1, "PATCH", "/v1.1/Observations(4294967298)", "", "{\"result\":99}") == 400);
    CHECK(status(t, 2, "PATCH", "/v1.1/Observations(4294967298)", "", "{\"result\":8}") == 404);
    CHECK(status(t, 1, "DELETE", "/v1.1/Observations(4294967298)", "", "") == 200);
    CHECK_OK(store_span(t->store, 1, &span));
    CHECK(span.count == 1 && span.first_us > 1789981200000000LL);
    CHECK(status(t, 1, "DELETE", "/v1.1/Observations(4294967298)", "", "") == 404);
    city_free(t);
}

TEST(where_nothing_can_be_changed_every_method_is_refused)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "FROB"};
    static const char *const targets[] = {"/v1.1",
                                          "/v1.1/",
                                          "/v1.1/Things/$ref",
                                          "/v1.1/Things(1)/$ref",
                                          "/v1.1/Things(1)/name",
                                          "/v1.1/Things(1)/name/$value",
                                          "/v1.1/Things(1)/Datastreams/$ref",
                                          "/v1.1/Datastreams(1)/Thing",
                                          "/v1.1/nothing",
                                          "/"};
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    for (size_t m = 0; m < ARRAY_COUNT(methods); m++) {
        for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
            CHECK(status(t, 1, methods[m], targets[i], "", NAMED) >= 400 || i == 7);
            CHECK(status(t, 4, methods[m], targets[i], token, NAMED) >= 400 || i == 7);
        }
        CHECK(status(t, 4, methods[m], "/v1.1/CreateObservations", token, "[]") >= 400 || m == 0);
    }
    city_free(t);
}

TEST(a_person_changes_only_what_the_charter_lets_them_write)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE], auditor[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    city_token(t, "auditor", "compliance", auditor);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(city_thing(t, 1, "dock 2", "vehicle-position") == 2);
    CHECK(status(t, 3, "PATCH", "/v1.1/Things(1)", auditor, "{\"description\":\"x\"}") == 403);
    CHECK(city_recorded(t, "\"event\":\"change-refused\"") &&
          city_recorded(t, "charter line 40: caller auditor"));
    CHECK(status(t, 4, "PATCH", "/v1.1/Things(1)", token, "{\"description\":\"x\"}") == 200);
    CHECK(city_recorded(t, "\"event\":\"change\",\"caller\":\"operator\""));
    CHECK(city_recorded(t, "PATCH /v1.1/Things(1)"));
    CHECK(status(t, 4, "PATCH", "/v1.1/Things(2)", token, "{\"description\":\"x\"}") == 404);
    CHECK(status(t, 4, "DELETE", "/v1.1/Datastreams(2)", token, "") == 404);
    CHECK(status(t, 4, "POST", "/v1.1/Things(1)/Datastreams", token,
                 STREAM_OF("vehicle-position", "")) == 403);
    CHECK(status(t, 4, "PATCH", "/v1.1/Things(1)", token,
                 "{\"properties\":{\"class\":\"vehicle-position\"}}") == 403);
    CHECK(status(t, 4, "DELETE", "/v1.1/Datastreams(1)", token, "") == 200);
    CHECK(!get(t, STA_DATASTREAM, 1) && get(t, STA_DATASTREAM, 2));
    city_free(t);
}

TEST(what_carries_another_class_is_not_theirs_to_change)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(status(t, 1, "POST", "/v1.1/Things(1)/Datastreams", "",
                 STREAM_OF("vehicle-position", "")) == 201);
    CHECK(status(t, 4, "GET", "/v1.1/Things(1)", token, "") == 200);
    CHECK(status(t, 4, "PATCH", "/v1.1/Things(1)", token, "{\"description\":\"x\"}") == 404);
    CHECK(status(t, 4, "PATCH", "/v1.1/Locations(1)", token, "{\"description\":\"x\"}") == 404);
    CHECK(status(t, 4, "PATCH", "/v1.1/Sensors(1)", token, "{\"description\":\"x\"}") == 404);
    CHECK(status(t, 4, "DELETE", "/v1.1/Sensors(1)", token, "") == 404);
    CHECK(status(t, 4, "PATCH", "/v1.1/Datastreams(1)", token, "{\"description\":\"x\"}") == 200);
    city_free(t);
}

TEST(no_record_no_change)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    uint64_t generation = t->core->graph.generation;
    t->ledger_mode = LEDGER_FAILS;
    CHECK(status(t, 4, "DELETE", "/v1.1/Things(1)", token, "") == 503);
    t->ledger_mode = LEDGER_SILENT;
    uint32_t ref = city_ask(t, 4, "DELETE", "/v1.1/Things(1)", token, "");
    city_run(t);
    CHECK(!city_output(t, answer_id, 4, ref) && t->core->graph.generation == generation);
    city_pass(t, ASK_WAIT_MS);
    core_tick(t->core);
    city_run(t);
    CHECK(city_output(t, answer_id, 4, ref)->reason == 503);
    struct recorded late = {t->records_ref[t->records_count - 1], 1};
    CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &late));
    city_run(t);
    CHECK(t->core->graph.generation == generation && get(t, STA_THING, 1));
    city_free(t);
}

TEST(what_changed_in_between_is_seen_when_the_record_comes)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    t->ledger_mode = LEDGER_SILENT;
    uint32_t ref = city_ask(t, 4, "PATCH", "/v1.1/Things(1)", token, "{\"description\":\"x\"}");
    city_run(t);
    CHECK(status(t, 1, "DELETE", "/v1.1/Things(1)", "", "") == 200);
    struct recorded late = {0};
    for (size_t i = 0; i < t->records_count; i++)
        if (has(&t->records[i], "\"event\":\"change\""))
            late.ref = t->records_ref[i];
    CHECK(late.ref);
    late.index = 1;
    CHECK_OK(CHANNEL_SEND(&t->ledger, recorded, &late));
    t->ledger_mode = LEDGER_ANSWERS;
    city_run(t);
    CHECK(city_output(t, answer_id, 4, ref)->reason == 404);
    city_free(t);
}

TEST(a_person_may_give_a_datastream_to_a_device)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    CHECK(status(t, 4, "POST", "/v1.1/Things", token,
                 "{\"name\":\"n\",\"description\":\"d\",\"Locations\":[{\"name\":\"l\","
                 "\"description\":\"d\",\"encodingType\":\"application/geo+json\",\"location\":{"
                 "\"type\":\"Point\",\"coordinates\":[8,47]}}]}") == 201);
    CHECK(status(t, 4, "GET", "/v1.1/Things(1)", token, "") == 200); /* theirs, and empty */
    CHECK(status(t, 4, "POST", "/v1.1/Sensors", token,
                 "{\"name\":\"s\",\"description\":\"d\",\"encodingType\":\"e\",\"metadata\":1}") ==
          201);
    CHECK(status(t, 4, "POST", "/v1.1/ObservedProperties", token,
                 "{\"name\":\"o\",\"definition\":\"http://x\",\"description\":\"d\"}") == 201);
    CHECK(status(t, 4, "POST", "/v1.1/Things(1)/Datastreams", token,
                 STREAM_OF("bike-count", ",\"device\":\"dock-b\"")) == 201);
    CHECK(status(t, 4, "POST", "/v1.1/Things(1)/Datastreams", token, STREAM_OF("bike-count", "")) ==
          201);
    CHECK(city_published(t, 2, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") ==
          REASON_NOT_AUTHORISED);
    CHECK(city_published(t, 2, "v1.1/Datastreams(2)/Observations", "{\"result\":5}") ==
          REASON_NOT_AUTHORISED);
    CHECK(status(t, 4, "POST", "/v1.1/Datastreams(2)/Observations", token, "{\"result\":6}") ==
          201);
    CHECK(status(t, 4, "POST", "/v1.1/Datastreams(2)/Observations", token, "{\"result\":true}") ==
          400);
    CHECK(status(t, 4, "GET", "/v1.1/Datastreams(2)/Observations", token, "") == 200);
    CHECK(has(&t->outputs[t->outputs_count - 1].body, "\"result\":6"));
    city_free(t);
}

TEST(rows_fail_alone_in_order_and_have_one_leaf)
{
    static const char rows[] =
        "[{\"Datastream\":{\"@iot.id\":1},\"components\":[\"phenomenonTime\",\"resultTime\","
        "\"validTime\",\"parameters\",\"result\",\"FeatureOfInterest/"
        "id\"],\"dataArray@iot.count\":3,"
        "\"dataArray\":[[\"2026-09-21T10:00:00Z\",\"2026-09-21T10:00:01Z\",null,{\"a\":1},1,null],"
        "[\"2026-09-21T10:00:02Z\",null,null,null,true,null],"
        "[\"2026-09-21T10:00:03Z\",null,\"2026-09-21T10:00:00Z/2026-09-21T11:00:00Z\",null,3,1]]},"
        "{\"Datastream\":{\"@iot.id\":9},\"components\":[\"result\"],\"dataArray\":[[4]]}]";
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE], auditor[TOKEN_TEXT_SIZE];
    uint64_t before, after;
    uint8_t root[32];
    city_token(t, "operator", "operate", token);
    city_token(t, "auditor", "compliance", auditor);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    store_head(t->store, &before, root);
    struct test_output *o = city_answer(t, 1, "POST", "/v1.1/CreateObservations", "", rows);
    CHECK(o->reason == 201 && has(&o->body, "Observations(4294967297)\",\"error\",\"https"));
    CHECK(has(&o->body, "Observations(4294967298)\",\"error\"]"));
    store_head(t->store, &after, root);
    CHECK(after == before + 1 && t->core->count.stored == 2 && t->core->count.refused == 2);
    CHECK(status(t, 3, "POST", "/v1.1/CreateObservations", auditor, rows) == 403);
    city_forget(t);
    o = city_answer(t, 4, "POST", "/v1.1/CreateObservations", token, rows);
    CHECK(o->reason == 201 && has(&o->body, "4294967299)\",\"error\""));
    CHECK(t->records_count == 1 && city_recorded(t, "\"classes\":[\"bike-count\"]"));
    CHECK(city_recorded(t, "\"event\":\"change\"") && city_recorded(t, "\"rows\":4"));
    t->ledger_mode = LEDGER_FAILS;
    CHECK(status(t, 4, "POST", "/v1.1/CreateObservations", token, rows) == 503);
    CHECK(t->core->count.stored == 4);
    city_free(t);
}

TEST(more_rows_than_a_batch_holds_have_a_leaf_for_each_batch)
{
    enum { ROWS = 10000 };
    struct test_city *t = city();
    struct store_span span;
    struct buf body;
    uint64_t before, after;
    uint8_t root[32];
    buf_init(&body, 1024 * 1024);
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    buf_text(&body, "[{\"Datastream\":{\"@iot.id\":1},\"components\":[\"result\"],\"dataArray\":[");
    for (int i = 0; i < ROWS; i++)
        buf_format(&body, "%s[%d]", i ? "," : "", i % 50);
    buf_text(&body, "]}]");
    store_head(t->store, &before, root);
    struct ask m = {.peer = 1,
                    .ref = ++t->next_ref,
                    .method = bytes_text("POST"),
                    .target = bytes_text("/v1.1/CreateObservations"),
                    .body_length = (uint32_t)body.len};
    CHECK_OK(CHANNEL_SEND(&t->gate, ask, &m));
    for (size_t at = 0; at < body.len; at += 60000) {
        size_t n = body.len - at < 60000 ? body.len - at : 60000;
        struct ask_body part = {1, m.ref, bytes_of(body.p + at, n)};
        CHECK_OK(CHANNEL_SEND(&t->gate, ask_body, &part));
    }
    city_run(t);
    city_run(t);
    struct test_output *o = city_output(t, answer_id, 1, m.ref);
    CHECK(o && o->reason == 201 && !has(&o->body, "error"));
    CHECK_OK(store_span(t->store, 1, &span));
    store_head(t->store, &after, root);
    CHECK(span.count == ROWS && after - before >= 2 && after - before <= 8);
    buf_fini(&body);
    city_free(t);
}

TEST(a_published_observation_may_bring_what_it_belongs_to)
{
    struct test_city *t = city();
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    CHECK(
        city_published(t, 1, "v1.1/Datastreams(1)/Observations",
                       "{\"result\":5,\"FeatureOfInterest\":{\"name\":\"f\",\"description\":\"d\","
                       "\"encodingType\":\"e\",\"feature\":{}}}") == 0);
    CHECK(get(t, STA_FEATURE_OF_INTEREST, 1));
    CHECK(city_published(t, 1, "v1.1/FeaturesOfInterest(1)/Observations",
                         "{\"result\":6,\"Datastream\":{\"@iot.id\":1}}") == 0);
    CHECK(city_published(t, 1, "v1.1/Observations",
                         "{\"result\":7,\"Datastream\":{\"name\":\"s\",\"description\":\"d\","
                         "\"observationType\":\"x/OM_Measurement\",\"unitOfMeasurement\":{\"name\":"
                         "\"n\",\"symbol\":\"n\",\"definition\":null},\"properties\":{\"class\":"
                         "\"bike-count\",\"maximum\":6},\"Thing\":{\"@iot.id\":1},\"Sensor\":{"
                         "\"@iot.id\":1},\"ObservedProperty\":{\"@iot.id\":1}}}") ==
          REASON_PAYLOAD_INVALID); /* above the maximum that it brings itself */
    CHECK(!get(t, STA_DATASTREAM, 2));
    CHECK(t->core->count.stored == 2);
    CHECK(city_published(t, 2, "v1.1/FeaturesOfInterest(1)/Observations",
                         "{\"result\":6,\"Datastream\":{\"@iot.id\":1}}") == REASON_NOT_AUTHORISED);
    city_free(t);
}
