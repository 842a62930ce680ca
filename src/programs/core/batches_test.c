#include "programs/core/core_test.h"

#include "sensorthings/json.h"

static enum err
start_plain(void *self, const struct start *start, const struct service_ports *ports,
            struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}
static const struct service plain_service = {.name = "plain", .start = start_plain};

#define MIXED "multipart/mixed; boundary=b"
#define HTTP(request) "--b\r\nContent-Type: application/http\r\n\r\n" request "\r\n"
#define SET(parts) "--b\r\nContent-Type: multipart/mixed; boundary=cs\r\n\r\n" parts "--cs--\r\n"
#define IN_SET(id, request)                                                                        \
    "--cs\r\nContent-Type: application/http\r\nContent-ID: " id "\r\n\r\n" request "\r\n"
#define THING "{\"name\":\"n\",\"description\":\"d\"}"
#define STREAM                                                                                     \
    "{\"name\":\"s\",\"description\":\"d\",\"observationType\":\"x/OM_Measurement\","              \
    "\"unitOfMeasurement\":{\"name\":\"n\",\"symbol\":\"n\",\"definition\":null},"                 \
    "\"properties\":{\"class\":\"bike-count\"},\"Sensor\":{\"@iot.id\":1},"                        \
    "\"ObservedProperty\":{\"@iot.id\":1}}"

static struct test_output *
batch(struct test_city *t, uint64_t peer, const char *token, const char *type, const char *body)
{
    struct ask m = {.peer = peer,
                    .ref = ++t->next_ref,
                    .method = bytes_text("POST"),
                    .target = bytes_text("/v1.1/$batch"),
                    .token = bytes_text(token),
                    .content_type = bytes_text(type),
                    .body_length = (uint32_t)strlen(body)};
    CHECK_OK(CHANNEL_SEND(&t->gate, ask, &m));
    struct ask_body part = {peer, m.ref, bytes_text(body)};
    CHECK_OK(CHANNEL_SEND(&t->gate, ask_body, &part));
    for (int i = 0; i < 8; i++)
        city_run(t);
    return city_output(t, answer_id, peer, m.ref);
}

/* How often it stands there. */
static int
count(struct buf *b, const char *needle)
{
    int n = 0;
    const char *at = buf_string(b);
    while ((at = strstr(at, needle))) {
        n++;
        at++;
    }
    return n;
}

static struct test_city *
city(void)
{
    struct test_city *t = city_new(&plain_service);
    CHECK_OK(bytes_copy_text(bytes_text("bike-count"), t->start.callers[1].writes,
                             sizeof(t->start.callers[1].writes)));
    CHECK(city_thing(t, 1, "dock 1", "bike-count") == 1);
    return t;
}

TEST(requests_run_in_order_and_one_that_fails_stops_nobody)
{
    struct test_city *t = city();
    struct test_output *o =
        batch(t, 1, "", MIXED,
              HTTP("POST /v1.1/Things HTTP/1.1\r\n\r\n" THING)
                  HTTP("POST /v1.1/Things HTTP/1.1\r\n\r\n{}") HTTP("nonsense")
                      HTTP("GET Things(2)/name/$value HTTP/1.1\r\n\r\n")
                          HTTP("POST Datastreams(1)/Observations HTTP/1.1\r\n\r\n{\"result\":5}")
                              HTTP("DELETE Things(2) HTTP/1.1\r\n\r\n")
                                  HTTP("POST /v1.1/$batch HTTP/1.1\r\n\r\n") "--b--\r\n");
    CHECK(o && o->reason == 200);
    CHECK(count(&o->body, "HTTP/1.1 201 ") == 2 && count(&o->body, "HTTP/1.1 400 ") == 3);
    CHECK(count(&o->body, "HTTP/1.1 200 ") == 2 && count(&o->body, "\r\n\r\nn\r\n--") == 1);
    CHECK(count(&o->body, "Location: https://city.test:8444/v1.1/Things(2)") == 1);
    CHECK(has(&o->body, "A batch holds no other batch"));
    CHECK(!sta_graph_get(&t->core->graph, STA_THING, 2) && t->core->count.stored == 1);
    for (size_t i = 0; i < ASKS_MAX; i++)
        CHECK(t->core->asks[i].state == ASK_FREE);
    city_free(t);
}

TEST(a_change_set_is_whole_or_not_there_and_refers_to_itself)
{
    struct test_city *t = city();
    struct test_output *o = batch(
        t, 1, "", MIXED,
        SET(IN_SET("1", "POST Things HTTP/1.1\r\n\r\n" THING)
                IN_SET("2", "POST $1/Datastreams HTTP/1.1\r\n\r\n" STREAM) IN_SET(
                    "3", "POST $2/Observations HTTP/1.1\r\n\r\n{\"result\":5,"
                         "\"FeatureOfInterest\":{\"name\":\"f\",\"description\":\"d\","
                         "\"encodingType\":\"e\",\"feature\":{}}}")
                    IN_SET("4", "PATCH /v1.1/Things(1) HTTP/1.1\r\n\r\n{\"description\":\"z\"}"))
            HTTP("GET $2/Observations HTTP/1.1\r\n\r\n") "--b--");
    CHECK(o && o->reason == 200 && count(&o->body, "HTTP/1.1 201 ") == 3);
    CHECK(count(&o->body, "boundary=set1_") == 1 && count(&o->body, "Content-ID: ") == 4);
    CHECK(has(&o->body, "Observations(8589934593)") && t->core->count.stored == 1);
    const struct sta_entity *s = sta_graph_get(&t->core->graph, STA_DATASTREAM, 2);
    CHECK(s && s->links[DATASTREAM_THING].p[0] == 2);
    uint64_t generation = t->core->graph.generation;
    o = batch(t, 1, "", MIXED,
              SET(IN_SET("1", "POST Things HTTP/1.1\r\n\r\n" THING)
                      IN_SET("2", "DELETE Things(77) HTTP/1.1\r\n\r\n"))
                  HTTP("GET Things HTTP/1.1\r\n\r\n") "--b--");
    CHECK(o->reason == 200 && count(&o->body, "HTTP/1.1 404 ") == 1);
    CHECK(has(&o->body, "request 2 of the change set"));
    CHECK(count(&o->body, "HTTP/1.1 ") == 2 && t->core->graph.generation == generation);
    city_free(t);
}

TEST(the_json_form_answers_in_json)
{
    struct test_city *t = city();
    struct test_output *o = batch(
        t, 1, "", "application/json",
        "{\"requests\":[{\"id\":\"a\",\"method\":\"post\",\"url\":\"Things\",\"atomicityGroup\":"
        "\"g\",\"body\":" THING "},{\"id\":\"b\",\"method\":\"patch\",\"url\":\"$a\","
        "\"atomicityGroup\":\"g\",\"headers\":{\"content-type\":\"application/json-patch+json\"},"
        "\"body\":[{\"op\":\"replace\",\"path\":\"/name\",\"value\":\"two\"}]},"
        "{\"id\":\"c\",\"method\":\"get\",\"url\":\"$a/name\"},"
        "{\"id\":\"d\",\"method\":\"post\",\"url\":\"Things\",\"atomicityGroup\":\"h\",\"body\":{}}"
        ","
        "{\"id\":\"e\",\"method\":\"post\",\"url\":\"Things\",\"atomicityGroup\":\"h\","
        "\"body\":" THING "}]}");
    CHECK(o && o->reason == 200);
    size_t bad;
    CHECK(sta_json_check(buf_bytes(&o->body), &bad));
    CHECK(has(&o->body, "{\"id\":\"a\",\"status\":201,\"headers\":{\"location\":"));
    CHECK(has(&o->body, "{\"id\":\"b\",\"status\":200") && has(&o->body, "{\"name\":\"two\"}"));
    CHECK(has(&o->body, "{\"id\":\"d\",\"status\":400") &&
          has(&o->body, "{\"id\":\"e\",\"status\":400"));
    city_free(t);
}

TEST(each_read_and_each_change_set_of_a_person_is_on_record)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    static const char body[] =
        HTTP("GET Things HTTP/1.1\r\n\r\n") HTTP("GET Datastreams HTTP/1.1\r\n\r\n")
            SET(IN_SET("1", "PATCH Things(1) HTTP/1.1\r\n\r\n{\"description\":\"z\"}")
                    IN_SET("2", "POST Things(1)/Datastreams HTTP/1.1\r\n\r\n" STREAM)) "--b--";
    struct test_output *o = batch(t, 4, token, MIXED, body);
    CHECK(o && o->reason == 200 && count(&o->body, "HTTP/1.1 200 ") == 3);
    CHECK(t->records_count == 3 && city_recorded(t, "a change set of 2 requests"));
    city_forget(t);
    t->ledger_mode = LEDGER_FAILS;
    uint64_t generation = t->core->graph.generation;
    o = batch(t, 4, token, MIXED, body);
    CHECK(o && count(&o->body, "HTTP/1.1 503 ") == 3 && t->core->graph.generation == generation);
    t->ledger_mode = LEDGER_SILENT;
    CHECK(!batch(t, 4, token, MIXED, body)); /* nothing leaves before the first record */
    city_free(t);
}

TEST(a_broken_batch_is_one_refusal)
{
    struct test_city *t = city();
    CHECK(batch(t, 1, "", "text/plain", "x")->reason == 415);
    CHECK(batch(t, 1, "", MIXED, "--b\r\n")->reason == 400);
    CHECK(batch(t, 5, "", MIXED, "--b--\r\n")->reason == 401);
    CHECK(batch(t, 1, "", MIXED, "--b--\r\n")->reason == 200);
    CHECK(city_answer(t, 1, "GET", "/v1.1/$batch", "", "")->reason == 401);
    city_free(t);
}

TEST(a_peer_that_goes_takes_its_batch_along)
{
    struct test_city *t = city();
    char token[TOKEN_TEXT_SIZE];
    city_token(t, "operator", "operate", token);
    t->ledger_mode = LEDGER_SILENT;
    for (int i = 0; i < 10; i++) {
        CHECK(!batch(t, 4, token, MIXED, HTTP("GET Things HTTP/1.1\r\n\r\n") "--b--") || i >= 8);
        if (i == 8)
            CHECK(t->outputs[t->outputs_count - 1].reason >= 429);
    }
    struct peer_close bye = {.peer = 4};
    CHECK_OK(CHANNEL_SEND(&t->gate, peer_close, &bye));
    city_run(t);
    for (size_t i = 0; i < ASKS_MAX; i++)
        CHECK(t->core->asks[i].state == ASK_FREE);
    CHECK(batch(t, 1, "", MIXED, "--b--\r\n")->reason == 200);
    city_free(t);
}
