/* What a visitor, a browser and HEAD are answered, and rollups. */
#include "programs/core/core_test.h"

static enum err
no_start(void *self, const struct start *start, const struct service_ports *ports,
         struct bytes saved)
{
    (void)self, (void)start, (void)ports, (void)saved;
    return OK;
}

static const struct service quiet_service = {.name = "quiet", .size = 8, .start = no_start};

static struct test_output *
browse(struct test_city *t, uint64_t peer, const char *method, const char *target,
       const char *token)
{
    struct ask m = {.peer = peer,
                    .ref = ++t->next_ref,
                    .method = bytes_text(method),
                    .target = bytes_text(target),
                    .token = bytes_text(token),
                    .content_type = bytes_text("text/html")};
    CHECK_OK(CHANNEL_SEND(&t->gate, ask, &m));
    city_run(t);
    return city_output(t, answer_id, peer, m.ref);
}

TEST(everybody_may_read_how_to_go_on)
{
    struct test_city *t = city_new(&quiet_service);
    static const char *const open[] = {"/", "/v1.1", "/v1.1/", "/v1.1/api"};
    for (size_t i = 0; i < ARRAY_COUNT(open); i++) {
        struct test_output *o = city_answer(t, 5, "GET", open[i], "", "");
        CHECK(o && o->reason == 200 && has(&o->body, "/v1.1"));
        o = browse(t, 5, "HEAD", open[i], "");
        CHECK(o && o->reason == 200);
    }
    CHECK(has(&browse(t, 5, "GET", "/", "")->body, "<!doctype html>"));
    CHECK(has(&browse(t, 5, "GET", "/v1.1", "")->body, "{\n  \"value\": [\n"));
    CHECK(city_answer(t, 5, "GET", "/v1.1/Things", "", "")->reason == 401);
    CHECK(city_answer(t, 5, "GET", "/v1.1/Rollups?datastream=1&step=day", "", "")->reason == 401);
    CHECK(city_answer(t, 5, "POST", "/", "", "{}")->reason >= 400);
    CHECK(t->records_count == 0);
    city_free(t);
}

TEST(a_browser_gets_lines_and_a_program_bytes)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_thing(t, 1, "dock 1", "bike-count");
    city_token(t, "auditor", "compliance", token);
    CHECK(has(&browse(t, 3, "GET", "/v1.1/Things(1)", token)->body, "\n  \"name\": \"dock 1\",\n"));
    CHECK(
        has(&city_answer(t, 3, "GET", "/v1.1/Things(1)", token, "")->body, "\"name\":\"dock 1\","));
    struct test_output *o = browse(t, 3, "GET", "/v1.1/Things(1)/name/$value", token);
    CHECK(o->reason == 200 && bytes_are(buf_bytes(&o->body), "dock 1"));
    city_free(t);
}

TEST(rollups_are_read_like_observations)
{
    struct test_city *t = city_new(&quiet_service);
    char token[TOKEN_TEXT_SIZE];
    city_thing(t, 1, "dock 1", "bike-count");
    CHECK(city_published(t, 1, "v1.1/Datastreams(1)/Observations", "{\"result\":5}") == 0);
    city_token(t, "auditor", "compliance", token);
    struct test_output *o =
        city_answer(t, 3, "GET", "/v1.1/Rollups?datastream=1&step=day", token, "");
    CHECK(o->reason == 200 && has(&o->body, "\"count\":[1]") && has(&o->body, "\"last\":[5]"));
    CHECK(city_recorded(t, "\"classes\":[\"bike-count\"]"));
    CHECK(city_recorded(t, "Rollups(Datastreams(1))?datastream&step\",\"rows\":1"));
    CHECK(city_answer(t, 3, "GET", "/v1.1/Rollups?datastream=2&step=day", token, "")->reason ==
          404);
    city_free(t);
}
