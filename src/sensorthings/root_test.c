#include "sensorthings/fixture.h"
#include "base/test.h"

static bool
has(struct fixture *f, const char *what)
{
    return strstr(buf_string(&f->out), what) != NULL;
}

static int
get(struct fixture *f, const char *target, const char *mqtt)
{
    struct sta_request request;
    struct sta_view view = fixture_view(f);
    view.mqtt_url = bytes_text(mqtt);
    arena_reset(&f->arena);
    buf_reset(&f->out);
    if (sta_request_parse(bytes_text(target), &f->arena, &request, &f->error) != OK ||
        sta_answer(&view, &request, &f->out, &f->report, &f->error) != OK)
        return f->error.status;
    size_t bad;
    CHECK(sta_json_check(buf_bytes(&f->out), &bad));
    return 200;
}

TEST(the_root_says_exactly_what_holds)
{
    static const char *const always[] = {
        "datamodel/thing",
        "datamodel/location",
        "datamodel/historical-location",
        "datamodel/datastream",
        "datamodel/sensor",
        "datamodel/observed-property",
        "datamodel/observation",
        "datamodel/feature-of-interest",
        "datamodel/entity-control-information",
        "resource-path",
        "request-data",
        "create-update-delete",
        "batch-request",
        "multi-datastream",
        "data-array",
    };
    struct fixture *f = fixture_new();
    CHECK(get(f, "/v1.1", "") == 200);
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        char text[120];
        snprintf(text, sizeof(text), "/iot_sensing/1.1/req/%s\"", always[i]);
        CHECK(has(f, text));
    }
    CHECK(!has(f, "mqtt") && !has(f, "iot_tasking") && !has(f, "Actuators"));
    CHECK(has(f, "{\"name\":\"MultiDatastreams\",\"url\":\"https://c/v1.1/MultiDatastreams\"}"));
    CHECK(get(f, "/v1.1/", "mqtts://c:8883") == 200);
    CHECK(has(f, "req/create-observations-via-mqtt\":{\"endpoints\":[\"mqtts://c:8883\"],"
                 "\"topics\":[\"v1.1/Observations\","));
    CHECK(!has(f, "iot_tasking"));
    f->graph.tasking = true;
    CHECK(get(f, "/v1.1", "mqtts://c:8883") == 200);
    CHECK(has(f, "iot_tasking/1.0/req/task\"") && has(f, "\"name\":\"TaskingCapabilities\""));
    CHECK(has(f, "iot_tasking/1.0/req/receive-updates-via-mqtt"));
    CHECK(has(f, "iot_tasking/1.0/req/create-tasks-via-mqtt"));
    fixture_free(f);
}

/* Every GET of the document is there: nothing in it is unknown to the path and option parsers. */
TEST(the_openapi_document_names_what_is_there)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    f->graph.tasking = true;
    CHECK(get(f, "/v1.1/api", "") == 200);
    struct bytes document = arena_dup(&f->kept, buf_bytes(&f->out)), key, value;
    struct sta_json_walk w = {sta_json_member(document, bytes_text("paths")), 0};
    uint32_t paths = 0, relations = 0, properties = 0;
    while (sta_json_next_member(&w, &key, &value)) {
        char target[256];
        size_t id = 0;
        bool readable = sta_json_member(value, bytes_text("get")).len > 0;
        if (!readable || bytes_are(key, "/Rollups"))
            continue;
        while (id + 4 < key.len && memcmp(key.p + id, "{id}", 4) != 0)
            id++;
        if (id + 4 < key.len)
            snprintf(target, sizeof(target), "/v1.1%.*s1%.*s", (int)id, (const char *)key.p,
                     (int)(key.len - id - 4), (const char *)key.p + id + 4);
        else
            snprintf(target, sizeof(target), "/v1.1%.*s", BYTES_PRINTF(key));
        int status = fixture_get_text(f, target);
        CHECK(status == 200 || status == 204 ||
              (status == 404 && strstr(f->error.text, "nothing at this path")));
        paths++;
    }
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        const struct sta_type_info *info = sta_type_info(t);
        properties += info->properties_count;
        for (uint32_t r = 0; r < info->relations_count; r++)
            relations += info->relations[r].shown;
    }
    CHECK(paths == 2 + 2 * (STA_TYPE_COUNT - 1) + 2 * properties + 2 * relations);
    struct bytes parameters = sta_json_member(sta_json_member(document, bytes_text("components")),
                                              bytes_text("parameters"));
    for (uint32_t i = 0; sta_option_name(i); i++)
        CHECK(sta_json_member(parameters, bytes_text(sta_option_name(i) + 1)).len > 0);
    f->graph.tasking = false;
    CHECK(get(f, "/v1.1/api", "") == 200 && !has(f, "Tasks"));
    fixture_free(f);
}

TEST(a_visitor_is_told_where_to_go)
{
    struct fixture *f = fixture_new();
    struct sta_view view = fixture_view(f);
    size_t bad;
    view.mqtt_url = bytes_text("mqtts://c\"<:1");
    buf_reset(&f->out);
    sta_welcome(&view, false, &f->out);
    CHECK(sta_json_check(buf_bytes(&f->out), &bad) && has(f, "https://c/v1.1/api"));
    buf_reset(&f->out);
    sta_welcome(&view, true, &f->out);
    CHECK(has(f, "<!doctype html>") && has(f, "bulkhead token") && !has(f, "<script"));
    CHECK(has(f, "mqtts://c&#34;&#60;:1"));
    fixture_free(f);
}

TEST(json_for_people_is_the_same_json)
{
    static const char *const texts[][2] = {
        {"{\"a\":[1,{\"b\":\"x,{\\\"\"}],\"c\":{},\"d\":[]}",
         "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"\"\n    }\n  ],\n  \"c\": {},\n  "
         "\"d\": []\n}\n"},
        {"[ 1 , true,null ]", "[\n  1,\n  true,\n  null\n]\n"},
        {"\"x\"", "\"x\"\n"},
        {"{}", "{}\n"},
    };
    struct buf out, again;
    buf_init(&out, 4096);
    buf_init(&again, 4096);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        buf_reset(&out);
        buf_reset(&again);
        sta_json_pretty(bytes_text(texts[i][0]), &out);
        CHECK(strcmp(buf_string(&out), texts[i][1]) == 0);
        sta_json_pretty(buf_bytes(&out), &again);
        CHECK(bytes_equal(buf_bytes(&out), buf_bytes(&again)));
    }
    buf_fini(&out);
    buf_fini(&again);
}

TEST(rollups_are_columns)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    for (int i = 0; i < 6; i++) {
        char body[120];
        snprintf(body, sizeof(body),
                 "{\"phenomenonTime\":\"2026-03-01T1%d:%d0:00Z\",\"result\":%d}", i / 3, i % 3, i);
        CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", body) == 201);
    }
    CHECK(fixture_get_text(f, "/v1.1/Rollups?datastream=1&step=hour") == 200);
    CHECK(strcmp(buf_string(&f->out),
                 "{\"Datastream@iot.navigationLink\":\"https://c/v1.1/Datastreams(1)\",\"step\":"
                 "\"hour\",\"start\":[\"2026-03-01T10:00:00.000Z\",\"2026-03-01T11:00:00.000Z\"],"
                 "\"count\":[3,3],\"min\":[0,3],\"max\":[2,5],\"sum\":[3,12],\"first\":[0,3],"
                 "\"last\":[2,5]}") == 0);
    CHECK(f->report.rows == 2 && f->report.classes_count == 1);
    CHECK(fixture_get_text(f, "/v1.1/Rollups?datastream=1&step=minute&from=2026-03-01T13:00:00+02:"
                              "00&to=2026-03-01T11:15:00Z") == 200);
    CHECK(strstr(buf_string(&f->out), "\"count\":[1,1]"));
    static const char *const bad[][2] = {
        {"", "needs datastream"},
        {"?step=hour", "needs datastream"},
        {"?datastream=1&step=week", "minute, hour or day"},
        {"?datastream=x&step=day", "id of a Datastream"},
        {"?datastream=1&step=day&step=day", "twice"},
        {"?datastream=1&step=day&from=yesterday", "ISO 8601"},
        {"?datastream=1&step=day&$top=1", "Rollups takes"},
    };
    char target[200];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(target, sizeof(target), "/v1.1/Rollups%s", bad[i][0]);
        CHECK(fixture_get_text(f, target) == 400 && strstr(f->error.text, bad[i][1]));
    }
    CHECK(fixture_get_text(f, "/v1.1/Rollups?datastream=9&step=day") == 404);
    f->values_hidden = true;
    CHECK(fixture_get_text(f, "/v1.1/Rollups?datastream=1&step=day") == 200);
    CHECK(strstr(buf_string(&f->out), "\"start\":[],\"count\":[]"));
    f->hidden = "tester";
    CHECK(fixture_get_text(f, "/v1.1/Rollups?datastream=1&step=day") == 404);
    fixture_free(f);
}
