#include "sensorthings/path.h"
#include "base/random.h"
#include "base/test.h"

static int
status_of(const char *text, struct sta_path *out)
{
    struct sta_error error = {0};
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = sta_path_parse(exact, out, &error);
    test_exact_free(exact);
    CHECK(e == OK || error.text[0]);
    return e == OK ? 200 : error.status;
}

static bool
prints_itself(const char *text)
{
    struct sta_path p;
    struct buf out;
    buf_init(&out, 4096);
    CHECK(status_of(text, &p) == 200);
    sta_path_print(&p, &out);
    bool same = bytes_are(buf_bytes(&out), text);
    buf_fini(&out);
    return same;
}

TEST(paths_are_read_and_written_the_same)
{
    static const char *const paths[] = {
        "/v1.1",
        "/v1.1/Things",
        "/v1.1/Things(1)",
        "/v1.1/Things(9223372036854775807)",
        "/v1.1/Things(1)/name",
        "/v1.1/Things(1)/name/$value",
        "/v1.1/Things(1)/properties/owner/name",
        "/v1.1/Things(1)/Datastreams/$ref",
        "/v1.1/Things(1)/Datastreams(2)/Observations(3)/FeatureOfInterest",
        "/v1.1/Datastreams(1)/Thing/Locations(4)/HistoricalLocations",
        "/v1.1/CreateObservations",
        "/v1.1/Things(1)/id",
    };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
        CHECK(prints_itself(paths[i]));
}

TEST(kinds_follow_the_last_step)
{
    struct sta_path p;
    CHECK(status_of("/v1.1/", &p) == 200 && p.kind == STA_PATH_ROOT);
    CHECK(status_of("/v1.1/Things", &p) == 200 && p.kind == STA_PATH_SET);
    CHECK(status_of("/v1.1/Datastreams(1)/Thing", &p) == 200 && p.kind == STA_PATH_ENTITY);
    CHECK(p.steps_count == 2 && sta_path_type(&p) == STA_THING);
    CHECK(status_of("/v1.1/Things(1)/Datastreams", &p) == 200 && p.kind == STA_PATH_SET);
    CHECK(status_of("/v1.1/Things%281%29/n%61me", &p) == 200 && p.kind == STA_PATH_PROPERTY);
}

TEST(ids_are_strict)
{
    struct sta_path p = {.steps_count = 7};
    CHECK(status_of("/v1.1/Things(9223372036854775808)", &p) == 404);
    CHECK(status_of("/v1.1/Things(99999999999999999999999)", &p) == 404);
    CHECK(status_of("/v1.1/Things('abc')", &p) == 404);
    CHECK(status_of("/v1.1/Things('a''b)/c')", &p) == 404);
    CHECK(status_of("/v1.1/Things('abc)", &p) == 400);
    CHECK(status_of("/v1.1/Things(-1)", &p) == 404);
    CHECK(status_of("/v1.1/Things()", &p) == 400);
    CHECK(status_of("/v1.1/Things(1", &p) == 400);
    CHECK(status_of("/v1.1/Things(01)", &p) == 400);
    CHECK(status_of("/v1.1/Things(1)x", &p) == 400);
    CHECK(status_of("/v1.1/Things(1)(2)", &p) == 400);
    CHECK(p.steps_count == 7); /* untouched on failure */
}

TEST(what_is_not_there_is_404_and_what_is_no_path_is_400)
{
    struct sta_path p;
    CHECK(status_of("/v1.0/Things", &p) == 404 && status_of("", &p) == 404);
    CHECK(status_of("/v1.1x", &p) == 404 && status_of("/v1.1/Vehicles", &p) == 404);
    CHECK(status_of("/v1.1/things", &p) == 404);
    CHECK(status_of("/v1.1/Things(1)/colour", &p) == 404);
    CHECK(status_of("/v1.1/Things/name", &p) == 404);
    CHECK(status_of("/v1.1/Datastreams(1)/Thing(1)", &p) == 404);
    CHECK(status_of("/v1.1/Things(1)/Feature", &p) == 404); /* ours, not shown */
    CHECK(status_of("/v1.1/Things(1)//name", &p) == 400);
    CHECK(status_of("/v1.1/Things(1)/na%00me", &p) == 400);
    CHECK(status_of("/v1.1/Things(1)/%c3", &p) == 400);
    CHECK(status_of("/v1.1/Things%2", &p) == 400 && status_of("/v1.1/Things%zz", &p) == 400);
    CHECK(status_of("/v1.1/$batch", &p) == 405);
    char many[1024] = "/v1.1/Things(1)";
    size_t len = strlen(many);
    for (int i = 0; i < 20; i++) {
        memcpy(many + len, "/Datastreams(1)/Thing", 22);
        len += 21;
    }
    CHECK(status_of(many, &p) == 404);
}

static int
topic_status(const char *text, struct sta_topic *out)
{
    struct sta_error error = {0};
    return sta_topic_parse(bytes_text(text), out, &error) == OK ? 200 : error.status;
}

static int
publish_status(const char *text)
{
    struct sta_error error = {0};
    struct sta_path p;
    return sta_topic_parse_publish(bytes_text(text), &p, &error) == OK ? 200 : error.status;
}

TEST(topics_have_no_wildcards_and_no_encodings)
{
    struct sta_topic t;
    CHECK(topic_status("v1.1/Datastreams(1)/Observations", &t) == 200 && t.select == 0);
    CHECK(topic_status("v1.1/Things(1)/name", &t) == 200 && t.path.kind == STA_PATH_PROPERTY);
    CHECK(topic_status("v1.1/Observations?$select=phenomenonTime,result", &t) == 200);
    CHECK(t.select == 3);
    CHECK(topic_status("v1.1/Observations?$select=result,result", &t) == 400);
    CHECK(topic_status("v1.1/Observations?$select=colour", &t) == 400);
    CHECK(topic_status("v1.1/Observations?$filter=result", &t) == 400);
    CHECK(topic_status("v1.1/+/Observations", &t) == 400);
    CHECK(topic_status("v1.1/#", &t) == 400 && topic_status("#", &t) == 400);
    CHECK(topic_status("v1.1/Things%281%29", &t) == 400);
    CHECK(topic_status("/v1.1/Things(1)", &t) == 404);
    CHECK(topic_status("v1.1", &t) == 404 && topic_status("v1.1/", &t) == 404);
    CHECK(topic_status("v1.1/Things(1)/name/$value", &t) == 404);
}

TEST(observations_are_published_to_three_kinds_of_topic)
{
    CHECK(publish_status("v1.1/Observations") == 200);
    CHECK(publish_status("v1.1/Datastreams(1)/Observations") == 200);
    CHECK(publish_status("v1.1/FeaturesOfInterest(1)/Observations") == 200);
    CHECK(publish_status("v1.1/Things") == 404);
    CHECK(publish_status("v1.1/Observations(1)") == 404);
    CHECK(publish_status("v1.1/Things(1)/Datastreams(1)/Observations") == 404);
    CHECK(publish_status("v1.1/Observations?$select=result") == 404);
    CHECK(publish_status("v1.1/Observations/$ref") == 404);
}

TEST(truncations_never_read_past_the_end)
{
    const char *text = "/v1.1/Things(1)/Datastreams(22)/Observations('a''')/properties/a/$value";
    struct sta_path p;
    struct sta_error error;
    for (size_t n = 0; n <= strlen(text); n++) {
        struct bytes exact = test_exact(bytes_of(text, n));
        (void)!sta_path_parse(exact, &p, &error);
        test_exact_free(exact);
    }
}
