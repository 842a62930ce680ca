/* tasks_test.c -- Tasks: recorded, judged by the warden, and followed to their end. */
#include "programs/core/core_test.h"

static enum err
no_start(void *self, const struct start *start, const struct service_ports *ports,
         struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}

static const struct service task_service = {.name = "tasks", .size = 8, .start = no_start};

static const char thing[] =
    "{\"name\":\"dock\",\"description\":\"d\",\"Datastreams\":[{\"name\":\"lease\",\"description\":"
    "\"d\",\"observationType\":\"http://www.opengis.net/def/observationType/OGC-OM/2.0/"
    "OM_CountObservation\",\"unitOfMeasurement\":{\"name\":null,\"symbol\":null,\"definition\":"
    "null},"
    "\"properties\":{\"class\":\"bike-count\"},\"ObservedProperty\":{\"name\":\"l\",\"definition\":"
    "\"urn:l\",\"description\":\"d\"},\"Sensor\":{\"name\":\"s\",\"description\":\"d\","
    "\"encodingType\":\"text/plain\",\"metadata\":\"none\"}}],\"Locations\":[{\"name\":\"l\","
    "\"description\":\"d\",\"encodingType\":\"application/geo+json\",\"location\":{\"type\":"
    "\"Point\",\"coordinates\":[-79,43]}}],\"TaskingCapabilities\":[{\"name\":\"release\","
    "\"description\":\"lets a bicycle go\",\"properties\":{\"command\":\"release\"},"
    "\"taskingParameters\":{\"type\":\"DataRecord\",\"field\":[{\"name\":\"slot\",\"type\":"
    "\"Count\","
    "\"constraint\":{\"interval\":[[1,8]]}}]},\"Actuator\":{\"name\":\"latch\",\"description\":"
    "\"d\","
    "\"encodingType\":\"text/"
    "plain\",\"metadata\":\"none\"}},{\"name\":\"odd\",\"description\":\"d\","
    "\"properties\":{\"command\":\"explode\"},\"taskingParameters\":{\"type\":\"DataRecord\","
    "\"field\":"
    "[]},\"Actuator\":{\"name\":\"a\",\"description\":\"d\",\"encodingType\":\"text/plain\","
    "\"metadata\":\"none\"}}]}";

static char token[TOKEN_TEXT_SIZE];

static struct test_city *
docked(void)
{
    struct test_city *t = city_new(&task_service);
    city_token(t, "operator", "operate", token);
    CHECK(city_answer(t, 1, "POST", "/v1.1/Things", "", thing)->reason == 201);
    return t;
}

static const char lease[] =
    "bulkhead lease v1\nzone bikes\ndevice dock-a\ncommand release\nslot 3\n"
    "not-before 2026-09-01T00:00:00.000Z\nexpiry 2036-09-01T00:00:10.000Z\n"
    "sequence 17\n\n\xe2\x80\x94 key sig\n";

static void
grant_note(struct test_city *t, const char *note)
{
    struct lease_granted m = {t->wish_ref, bytes_text("dock-a"), bytes_text("release"),
                              bytes_text(note)};
    CHECK_OK(CHANNEL_SEND(&t->warden, lease_granted, &m));
    city_run(t);
}

static void
grant(struct test_city *t)
{
    grant_note(t, lease);
}

static uint32_t
ask(struct test_city *t, const char *target, const char *body)
{
    uint32_t ref = city_ask(t, 4, "POST", target, token, body);
    t->wish_ref = 0;
    city_run(t);
    return ref;
}

static bool
reads(struct test_city *t, const char *part)
{
    struct test_output *o = city_answer(t, 4, "GET", "/v1.1/Tasks(1)", token, "");
    return o->reason == 200 && has(&o->body, part);
}

static const char tasks[] = "/v1.1/TaskingCapabilities(1)/Tasks";

TEST(a_task_is_recorded_judged_and_only_then_answered)
{
    struct test_city *t = docked();
    uint32_t ref = ask(t, tasks, "{\"taskingParameters\":{\"slot\":3}}");
    CHECK(strcmp(t->wish_text, "dock-a|release|slot 3\n|operator") == 0);
    CHECK(!city_output(t, answer_id, 4, ref));
    CHECK(reads(t, "\"state\":\"asked\",\"askedBy\":\"operator\",\"approvedBy\":[]"));
    grant(t);
    struct test_output *o = city_output(t, answer_id, 4, ref);
    CHECK(o->reason == 201 && strcmp(o->text, "https://city.test:8444/v1.1/Tasks(1)") == 0);
    CHECK(has(&o->body, "\"state\":\"granted\"") && has(&o->body, "\"sequence\":17"));
    CHECK(has(&o->body, "\"taskingParameters\":{\"slot\":3}"));
    city_free(t);
}

TEST(a_refused_task_stays_readable_with_the_reason)
{
    struct test_city *t = docked();
    uint32_t ref =
        ask(t, "/v1.1/Tasks",
            "{\"taskingParameters\":{\"slot\":3},\"TaskingCapability\":{\"@iot.id\":1}}");
    struct lease_refused m = {t->wish_ref, bytes_text("dock-a"), bytes_text("release"),
                              bytes_text("charter line 50: command release"),
                              bytes_text("too soon")};
    CHECK_OK(CHANNEL_SEND(&t->warden, lease_refused, &m));
    city_run(t);
    CHECK(city_output(t, answer_id, 4, ref)->reason == 201);
    CHECK(reads(t, "\"state\":\"refused\"") && reads(t, "\"reason\":\"too soon\"") &&
          reads(t, "\"rule\":\"charter line 50: command release\""));
    city_free(t);
}

TEST(what_does_not_fit_never_reaches_the_warden)
{
    static const struct {
        const char *target, *body;
        int status;
    } rows[] = {
        {tasks, "", 400},
        {tasks, "{}", 400},
        {tasks, "{\"taskingParameters\":{\"slot\":9}}", 400},
        {tasks, "{\"taskingParameters\":{\"slot\":1,\"x\":1}}", 400},
        {tasks, "{\"taskingParameters\":{\"slot\":1},\"creationTime\":\"2026-01-01T00:00:00Z\"}",
         400},
        {tasks, "{\"taskingParameters\":{\"slot\":1},\"approvals\":7}", 400},
        {tasks, "{\"taskingParameters\":{\"slot\":1},\"TaskingCapability\":{\"@iot.id\":2}}", 400},
        {"/v1.1/Tasks", "{\"taskingParameters\":{\"slot\":1}}", 400},
        {"/v1.1/TaskingCapabilities(9)/Tasks", "{\"taskingParameters\":{\"slot\":1}}", 404},
        {"/v1.1/Things(2)/TaskingCapabilities(1)/Tasks", "{\"taskingParameters\":{\"slot\":1}}",
         404},
        {"/v1.1/TaskingCapabilities(2)/Tasks", "{\"taskingParameters\":{\"x\":1}}", 400},
    };
    struct test_city *t = docked();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t ref = ask(t, rows[i].target, rows[i].body);
        const struct test_output *o = city_output(t, answer_id, 4, ref);
        CHECK(o && o->reason == rows[i].status && t->wish_ref == 0);
    }
    CHECK(t->core->graph.set[STA_TASK].count == 0);
    CHECK(city_recorded(t, "\"what\":\"/v1.1/Tasks\""));
    const char *good = "{\"taskingParameters\":{\"slot\":1}}";
    char other[TOKEN_TEXT_SIZE];
    city_token(t, "auditor", "compliance", other);
    CHECK(city_answer(t, 3, "POST", tasks, other, good)->reason == 403);
    CHECK(city_answer(t, 4, "POST", tasks, "", good)->reason == 401);
    CHECK(city_answer(t, 1, "POST", tasks, "", good)->reason == 401);
    ask(t, "/v1.1/Things(1)/TaskingCapabilities(1)/Tasks", good);
    CHECK(t->wish_ref);
    city_free(t);
}

TEST(a_task_that_can_reach_no_device_is_refused_and_kept)
{
    struct test_city *t = docked();
    uint32_t ref = ask(t, "/v1.1/TaskingCapabilities(2)/Tasks", "{\"taskingParameters\":{}}");
    CHECK(t->wish_ref == 0 && city_output(t, answer_id, 4, ref)->reason == 201);
    CHECK(reads(t, "\"state\":\"refused\"") && reads(t, "names no command"));
    CHECK(reads(t, "\"rule\":\"charter line 20: zone bikes\""));
    CHECK(city_recorded(t, "\"event\":\"command-refused\""));
    t->ledger_mode = LEDGER_FAILS;
    ref = ask(t, "/v1.1/TaskingCapabilities(2)/Tasks", "{\"taskingParameters\":{}}");
    CHECK(city_output(t, answer_id, 4, ref)->reason == 503);
    city_free(t);
}

TEST(a_task_is_done_when_its_device_says_so_and_expires_when_not)
{
    struct test_city *t = docked();
    ask(t, tasks, "{\"taskingParameters\":{\"slot\":3}}");
    grant(t);
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":16}") == 0);
    core_tick(t->core);
    CHECK(reads(t, "\"state\":\"granted\""));
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":17}") == 0);
    core_tick(t->core);
    CHECK(reads(t, "\"state\":\"done\"") && reads(t, "\"sequence\":17"));
    ask(t, tasks, "{\"taskingParameters\":{\"slot\":3}}");
    grant_note(t, "bulkhead lease v1\nzone bikes\ndevice dock-a\ncommand release\nslot 3\n"
                  "not-before 2001-09-01T00:00:00.000Z\nexpiry 2001-09-01T00:00:10.000Z\n"
                  "sequence 18\n\n\xe2\x80\x94 key sig\n");
    core_tick(t->core);
    CHECK(
        has(&city_answer(t, 4, "GET", "/v1.1/Tasks(2)", token, "")->body, "\"state\":\"expired\""));
    city_free(t);
}

TEST(after_a_restart_what_was_asked_is_lost_and_what_was_granted_still_ends)
{
    struct test_city *t = docked();
    ask(t, tasks, "{\"taskingParameters\":{\"slot\":3}}");
    grant(t);
    ask(t, tasks, "{\"taskingParameters\":{\"slot\":4}}");
    city_restart(t);
    struct test_output *o = city_answer(t, 4, "GET", "/v1.1/Tasks(2)", token, "");
    CHECK(o->reason == 200 && has(&o->body, "\"state\":\"lost\""));
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":17}") == 0);
    core_tick(t->core);
    CHECK(reads(t, "\"state\":\"done\""));
    city_free(t);
}

TEST(a_caller_asks_by_mqtt_and_hears_when_it_is_judged)
{
    struct test_city *t = docked();
    const char *topic = "v1.1/TaskingCapabilities(1)/Tasks";
    const char *good = "{\"taskingParameters\":{\"slot\":3}}";
    CHECK(city_published(t, 1, topic, good) == REASON_NOT_AUTHORISED); /* a device */
    CHECK(city_published(t, 4, topic, good) == REASON_NOT_AUTHORISED); /* no token at CONNECT */
    city_peer(t, 10, PEER_CALLER, "operator");
    struct session_open open = {.version = 5, .password = bytes_text(token)};
    city_session(t, 10, "me", &open);
    city_run(t);
    uint32_t ref = city_publish(t, 10, topic, good);
    t->wish_ref = 0;
    city_run(t);
    CHECK(strcmp(t->wish_text, "dock-a|release|slot 3\n|operator") == 0);
    CHECK(!city_output(t, published_id, 10, ref));
    grant(t);
    CHECK(city_output(t, published_id, 10, ref)->reason == 0 && reads(t, "\"state\":\"granted\""));
    CHECK(city_published(t, 10, topic, "{\"taskingParameters\":{}}") == REASON_PAYLOAD_INVALID);
    CHECK(city_published(t, 10, "v1.1/Datastreams(1)/Observations", "{\"result\":1}") ==
          REASON_NOT_AUTHORISED);
    city_pass(t, 900 * 1000);
    CHECK(city_published(t, 10, topic, good) == REASON_NOT_AUTHORISED);
    CHECK(t->core->graph.set[STA_TASK].count == 1);
    city_free(t);
}
