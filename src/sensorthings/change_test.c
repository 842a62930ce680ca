#include "sensorthings/fixture.h"
#include "base/test.h"

static struct sta_plan plan;

static bool
refused(struct fixture *f, int status, const char *why, enum sta_verb verb, const char *path,
        const char *body)
{
    uint64_t generation = f->graph.generation;
    int is = fixture_change(f, verb, path, body, &plan);
    if (is == status && strstr(f->error.text, why) && f->graph.generation == generation)
        return true;
    printf("%d %s\n", is, f->error.text);
    return false;
}

static bool
shows(struct fixture *f, const char *target, const char *part)
{
    int status = fixture_get_text(f, target);
    buf_byte(&f->out, 0);
    if (status == 200 && strstr(buf_string(&f->out), part))
        return true;
    printf("%d %s\n", status, buf_string(&f->out));
    return false;
}

TEST(a_merge_changes_members_of_the_top_level)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Things(1)", "{\"description\":\"new\"}", &plan) ==
          200);
    CHECK(shows(f, "/v1.1/Things(1)", "\"description\":\"new\""));
    CHECK(shows(f, "/v1.1/Things(1)", "\"lanes\":4"));
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Things(1)", "{\"properties\":{\"a\":1}}", &plan) ==
          200);
    CHECK(shows(f, "/v1.1/Things(1)", "\"properties\":{\"a\":1}"));
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Datastreams(1)/Thing", "{\"properties\":null}",
                         &plan) == 200);
    CHECK(shows(f, "/v1.1/Things(1)", "\"name\":\"junction\"") &&
          !strstr(buf_string(&f->out), "\"a\""));
    CHECK(refused(f, 400, "may not be null", STA_MERGE, "/v1.1/Things(1)", "{\"name\":null}"));
    CHECK(refused(f, 400, "by the service", STA_MERGE, "/v1.1/Things(1)", "{\"@iot.id\":2}"));
    CHECK(refused(f, 400, "'colour'", STA_MERGE, "/v1.1/Things(1)", "{\"colour\":2}"));
    CHECK(refused(f, 400, "kept by the service", STA_MERGE, "/v1.1/Datastreams(1)",
                  "{\"resultTime\":\"2026-01-01T00:00:00Z\"}"));
    CHECK(refused(f, 404, "no Thing", STA_MERGE, "/v1.1/Things(2)", "{\"name\":\"x\"}"));
    CHECK(refused(f, 405, "one entity", STA_MERGE, "/v1.1/Things", "{\"name\":\"x\"}"));
    CHECK(refused(f, 501, "$ref", STA_DELETE, "/v1.1/Datastreams(1)/Thing/$ref", ""));
    CHECK(refused(f, 404, "no Datastream", STA_MERGE, "/v1.1/Things(1)/Datastreams(9)", "{}"));
    CHECK(refused(f, 400, "JSON object", STA_MERGE, "/v1.1/Things(1)", "[]"));
    fixture_free(f);
}

TEST(a_replacement_needs_what_is_mandatory_and_drops_the_rest)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(
        refused(f, 400, "needs 'description'", STA_REPLACE, "/v1.1/Things(1)", "{\"name\":\"x\"}"));
    CHECK(fixture_change(f, STA_REPLACE, "/v1.1/Things(1)",
                         "{\"name\":\"x\",\"description\":\"y\"}", &plan) == 200);
    CHECK(shows(f, "/v1.1/Things(1)", "\"name\":\"x\"") && !strstr(buf_string(&f->out), "lanes"));
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_DATASTREAMS].count == 2);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_LOCATIONS].count == 1);
    fixture_free(f);
}

TEST(a_json_patch_is_whole_or_not_there)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_change(f, STA_JSON_PATCH, "/v1.1/Things(1)",
                         "[{\"op\":\"test\",\"path\":\"/properties/lanes\",\"value\":4},"
                         "{\"op\":\"replace\",\"path\":\"/properties/lanes\",\"value\":5},"
                         "{\"op\":\"remove\",\"path\":\"/properties/owner\"}]",
                         &plan) == 200);
    CHECK(shows(f, "/v1.1/Things(1)", "\"properties\":{\"lanes\":5}"));
    CHECK(refused(f, 409, "does not hold", STA_JSON_PATCH, "/v1.1/Things(1)",
                  "[{\"op\":\"replace\",\"path\":\"/name\",\"value\":\"z\"},"
                  "{\"op\":\"test\",\"path\":\"/properties/lanes\",\"value\":4}]"));
    CHECK(shows(f, "/v1.1/Things(1)", "\"name\":\"junction\""));
    CHECK(refused(f, 400, "needs 'name'", STA_JSON_PATCH, "/v1.1/Things(1)",
                  "[{\"op\":\"remove\",\"path\":\"/name\"}]"));
    fixture_free(f);
}

TEST(links_change_with_a_change)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Things", "{\"name\":\"two\",\"description\":\"d\"}") == 201);
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Datastreams(1)", "{\"Thing\":{\"@iot.id\":2}}",
                         &plan) == 200);
    CHECK(shows(f, "/v1.1/Datastreams(1)/Thing", "\"two\""));
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_DATASTREAMS].count == 1);
    CHECK(refused(f, 404, "no Datastream", STA_MERGE, "/v1.1/Things(1)/Datastreams(1)", "{}"));
    CHECK(refused(f, 400, "does not exist", STA_MERGE, "/v1.1/Datastreams(1)",
                  "{\"Thing\":{\"@iot.id\":7}}"));
    CHECK(refused(f, 400, "made by POST", STA_MERGE, "/v1.1/Datastreams(1)",
                  "{\"Thing\":{\"name\":\"n\",\"description\":\"d\"}}"));
    CHECK(refused(f, 400, "keeps its data class", STA_MERGE, "/v1.1/Datastreams(1)",
                  "{\"properties\":{\"class\":\"other\"}}"));
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Datastreams(1)", "{\"properties\":{}}", &plan) ==
          200);
    CHECK(strcmp(sta_graph_get(&f->graph, STA_DATASTREAM, 1)->class_name, "signal-state") == 0);
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Things(2)",
                         "{\"Datastreams\":[{\"@iot.id\":2}],\"Locations\":[{\"@iot.id\":1}]}",
                         &plan) == 200);
    CHECK(sta_graph_get(&f->graph, STA_THING, 2)->links[THING_DATASTREAMS].count == 2);
    CHECK(sta_graph_get(&f->graph, STA_THING, 2)->links[THING_HISTORICAL_LOCATIONS].count == 1);
    fixture_free(f);
}

TEST(a_newer_place_in_the_past_is_the_place_now)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Locations", FIXTURE_LOCATION) == 201);
    const char *older = "{\"time\":\"2020-01-01T00:00:00Z\",\"Thing\":{\"@iot.id\":1},"
                        "\"Locations\":[{\"@iot.id\":2}]}";
    CHECK(fixture_post(f, "/v1.1/HistoricalLocations", older) == 201);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_LOCATIONS].p[0] == 1);
    const char *newer = "{\"time\":\"2030-01-01T00:00:00Z\",\"Thing\":{\"@iot.id\":1},"
                        "\"Locations\":[{\"@iot.id\":2}]}";
    CHECK(fixture_post(f, "/v1.1/HistoricalLocations", newer) == 201);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_LOCATIONS].p[0] == 2);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_LOCATIONS].count == 1);
    CHECK(f->graph.set[STA_HISTORICAL_LOCATION].count == 3); /* none was written by itself */
    fixture_free(f);
}

TEST(a_deleted_thing_takes_its_streams_and_history_and_leaves_its_place)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":1}") == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(2)/Observations", "{\"result\":2}") == 201);
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/Things(1)", "", &plan) == 200);
    CHECK(plan.entities_gone == 4 && plan.observations_gone == 2); /* Thing, 2 streams, 1 history */
    CHECK(f->graph.set[STA_THING].count == 0 && f->graph.set[STA_DATASTREAM].count == 0);
    CHECK(f->graph.set[STA_HISTORICAL_LOCATION].count == 0);
    CHECK(f->graph.set[STA_LOCATION].count == 1 && f->graph.set[STA_SENSOR].count == 2);
    CHECK(sta_graph_get(&f->graph, STA_LOCATION, 1)->links[LOCATION_THINGS].count == 0);
    CHECK(refused(f, 404, "no Thing", STA_DELETE, "/v1.1/Things(1)", ""));
    CHECK(fixture_post(f, "/v1.1/Things", "{\"name\":\"n\",\"description\":\"d\"}") == 201);
    CHECK(sta_graph_get(&f->graph, STA_THING, 2)); /* the id is not given again */
    fixture_free(f);
}

TEST(sensors_and_properties_take_their_streams_and_a_location_its_history)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/Sensors(1)", "", &plan) == 200);
    CHECK(f->graph.set[STA_DATASTREAM].count == 1 && f->graph.set[STA_SENSOR].count == 1);
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/ObservedProperties(2)", "", &plan) == 200);
    CHECK(f->graph.set[STA_DATASTREAM].count == 0);
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/Locations(1)", "", &plan) == 200);
    CHECK(f->graph.set[STA_HISTORICAL_LOCATION].count == 0);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_LOCATIONS].count == 0);
    fixture_free(f);
}

TEST(a_feature_takes_its_observations)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":1}") == 201);
    CHECK(fixture_post(f, "/v1.1/Things(1)/Locations", FIXTURE_LOCATION) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":2}") == 201);
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/FeaturesOfInterest(1)", "", &plan) == 200);
    CHECK(plan.observations_gone == 1 && plan.entities_gone == 1);
    CHECK(f->withdrawn[1][0] && !f->withdrawn[1][1]);
    const struct sta_ids *known =
        &sta_graph_get(&f->graph, STA_DATASTREAM, 1)->links[DATASTREAM_FEATURES];
    CHECK(known->count == 1 && known->p[0] == 2);
    fixture_free(f);
}

TEST(an_observation_is_corrected_and_taken_back)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations",
                       "{\"result\":1,\"parameters\":{\"a\":1}}") == 201);
    const char *path = "/v1.1/Observations(4294967297)";
    CHECK(fixture_change(f, STA_MERGE, path, "{\"result\":7}", &plan) == 200);
    CHECK(plan.corrections_count == 1 && f->rows[1][0].number == 7);
    CHECK(f->rows[1][0].feature_id == 1 && f->rows[1][0].extra.len);
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Datastreams(1)/Observations(4294967297)",
                         "{\"parameters\":null,\"phenomenonTime\":\"2026-01-01T00:00:00Z\"}",
                         &plan) == 200);
    CHECK(f->rows[1][0].extra.len == 0 && f->rows[1][0].time_us < f->now_us);
    CHECK(fixture_change(f, STA_MERGE, path, "{\"parameters\":{\"b\":1}}", &plan) == 200);
    CHECK(f->rows[1][0].extra.len);
    CHECK(fixture_change(f, STA_JSON_PATCH, path, "[{\"op\":\"remove\",\"path\":\"/parameters\"}]",
                         &plan) == 200);
    CHECK(f->rows[1][0].extra.len == 0);
    CHECK(fixture_change(f, STA_REPLACE, path, "{\"result\":\"text\"}", &plan) == 200);
    CHECK(f->rows[1][0].kind == RESULT_TEXT);
    CHECK(refused(f, 400, "needs a result", STA_REPLACE, path, "{}"));
    CHECK(refused(f, 400, "stays in its", STA_MERGE, path, "{\"Datastream\":{\"@iot.id\":2}}"));
    CHECK(refused(f, 404, "no Observation", STA_MERGE,
                  "/v1.1/Datastreams(2)/Observations(4294967297)", "{\"result\":1}"));
    f->values_hidden = true;
    CHECK(refused(f, 404, "no such", STA_DELETE, path, ""));
    f->values_hidden = false;
    CHECK(fixture_change(f, STA_DELETE, path, "", &plan) == 200 && plan.observations_gone == 1);
    CHECK(refused(f, 404, "no such", STA_DELETE, path, ""));
    fixture_free(f);
}

TEST(what_carries_something_of_another_stays)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post_as(f, "stranger", "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("s") "}") ==
          201);
    f->hidden = "stranger";
    CHECK(refused(f, 403, "may not delete", STA_DELETE, "/v1.1/Things(1)", ""));
    CHECK(f->graph.set[STA_DATASTREAM].count == 3);
    fixture_free(f);
}

TEST(several_changes_are_one_plan)
{
    struct fixture *f = fixture_new();
    struct sta_maker maker = {.owner = bytes_text("tester"), .rights = &f->rights};
    enum sta_type type;
    uint64_t id;
    CHECK(fixture_junction(f) == 201);
    arena_reset(&f->arena);
    struct sta_planner *p = sta_planner_new(&f->graph, &maker, &f->arena, &f->error);
    struct sta_change one = {.verb = STA_CREATE,
                             .body = bytes_text("{\"name\":\"n\",\"description\":\"d\"}")};
    CHECK_OK(sta_path_parse(bytes_text("/v1.1/Things"), &one.path, &f->error));
    CHECK_OK(sta_planner_add(p, &one, &type, &id));
    CHECK(type == STA_THING && id == 2);
    one.body = bytes_text(FIXTURE_STREAM("x") "}");
    CHECK_OK(sta_path_parse(bytes_text("/v1.1/Things(2)/Datastreams"), &one.path, &f->error));
    CHECK_OK(sta_planner_add(p, &one, &type, &id));
    one.verb = STA_DELETE;
    CHECK_OK(sta_path_parse(bytes_text("/v1.1/Things(1)"), &one.path, &f->error));
    CHECK_OK(sta_planner_add(p, &one, &type, &id));
    CHECK_OK(sta_path_parse(bytes_text("/v1.1/Things(2)/Datastreams(3)"), &one.path, &f->error));
    CHECK_OK(sta_planner_add(p, &one, &type, &id));
    CHECK_OK(sta_planner_finish(p, &plan));
    fixture_apply(f, &plan);
    CHECK(f->graph.set[STA_THING].count == 1 && f->graph.set[STA_DATASTREAM].count == 0);
    fixture_free(f);
}

TEST(properties_may_name_the_device_that_owns_what_a_person_makes)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post_as(f, "@clerk", "/v1.1/Things",
                          "{\"name\":\"n\",\"description\":\"d\",\"properties\":{\"device\":"
                          "\"dock-a\"}}") == 201);
    CHECK(strcmp(sta_graph_get(&f->graph, STA_THING, 2)->owner, "dock-a") == 0);
    CHECK(fixture_post_as(f, "@clerk", "/v1.1/Things", "{\"name\":\"n\",\"description\":\"d\"}") ==
          201);
    CHECK(strcmp(sta_graph_get(&f->graph, STA_THING, 3)->owner, "@clerk") == 0);
    CHECK(fixture_post_as(f, "dock-b", "/v1.1/Things",
                          "{\"name\":\"n\",\"description\":\"d\",\"properties\":{\"device\":"
                          "\"dock-a\"}}") == 201);
    CHECK(strcmp(sta_graph_get(&f->graph, STA_THING, 4)->owner, "dock-b") == 0);
    fixture_free(f);
}

TEST(the_observed_area_follows_what_is_observed)
{
#define AT(x, y)                                                                                   \
    "{\"result\":1,\"FeatureOfInterest\":{\"name\":\"f\",\"description\":\"d\",\"encodingType\":"  \
    "\"application/geo+json\",\"feature\":{\"type\":\"Point\",\"coordinates\":[" #x "," #y "]}}}"
    struct fixture *f = fixture_new();
    const char *path = "/v1.1/Datastreams(1)/Observations";
    CHECK(fixture_junction(f) == 201);
    CHECK(shows(f, "/v1.1/Datastreams(1)", "signal") &&
          !strstr(buf_string(&f->out), "observedArea"));
    CHECK(fixture_post(f, path, AT(8, 49)) == 201);
    CHECK(shows(f, "/v1.1/Datastreams(1)",
                "\"observedArea\":{\"type\":\"Point\",\"coordinates\":[8,49]}"));
    CHECK(fixture_post(f, path, AT(9, 48)) == 201);
    CHECK(shows(f, "/v1.1/Datastreams(1)",
                "\"observedArea\":{\"type\":\"Polygon\",\"coordinates\":[[[8,48],[9,48],[9,49],"
                "[8,49],[8,48]]]}"));
    CHECK(fixture_change(f, STA_MERGE, "/v1.1/Observations(4294967297)",
                         "{\"FeatureOfInterest\":{\"@iot.id\":2}}", &plan) == 200);
    CHECK(shows(f, "/v1.1/Datastreams(1)", "\"coordinates\":[9,48]}"));
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/Observations(4294967297)", "", &plan) == 200);
    CHECK(shows(f, "/v1.1/Datastreams(1)", "\"coordinates\":[9,48]}")); /* one is left */
    CHECK(fixture_change(f, STA_DELETE, "/v1.1/Observations(4294967298)", "", &plan) == 200);
    CHECK(shows(f, "/v1.1/Datastreams(1)", "signal") &&
          !strstr(buf_string(&f->out), "observedArea"));
    fixture_free(f);
}
