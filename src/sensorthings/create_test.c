#include "sensorthings/fixture.h"
#include "base/test.h"

static bool
refused(struct fixture *f, int status, const char *why, const char *path, const char *body)
{
    uint32_t entities = f->graph.entities;
    int is = fixture_post(f, path, body);
    if (is == status && strstr(f->error.text, why) && f->graph.entities == entities)
        return true;
    printf("%d %s\n", is, f->error.text);
    return false;
}

TEST(a_deep_insert_makes_everything_and_links_it)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(f->graph.set[STA_DATASTREAM].count == 2 && f->graph.set[STA_SENSOR].count == 2);
    const struct sta_entity *thing = sta_graph_get(&f->graph, STA_THING, 1);
    const struct sta_entity *stream = sta_graph_get(&f->graph, STA_DATASTREAM, 2);
    CHECK(thing && strcmp(thing->owner, "tester") == 0 && stream);
    CHECK(strcmp(stream->class_name, "signal-state") == 0);
    CHECK(thing->links[THING_DATASTREAMS].count == 2 && stream->links[DATASTREAM_THING].p[0] == 1);
    CHECK(thing->links[THING_LOCATIONS].count == 1);
    CHECK(f->graph.set[STA_HISTORICAL_LOCATION].count == 1); /* written by itself */
    CHECK(thing->links[THING_HISTORICAL_LOCATIONS].count == 1);
    fixture_free(f);
}

TEST(records_load_to_the_same_graph)
{
    struct fixture *f = fixture_new();
    struct sta_graph again;
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":1}") == 201);
    sta_graph_init(&again, 2000, 4 * 1024 * 1024);
    for (enum sta_type t = STA_TYPE_COUNT - 1; t >= STA_THING; t--)
        for (uint32_t i = 0; i < f->graph.set[t].count; i++)
            CHECK_OK(sta_graph_load(&again, (uint8_t)t, f->graph.set[t].p[i]->id,
                                    f->graph.set[t].p[i]->record));
    CHECK_OK(sta_graph_link(&again));
    CHECK(again.entities == f->graph.entities);
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        CHECK(again.set[t].next_id == f->graph.set[t].next_id);
        for (uint32_t i = 0; i < again.set[t].count; i++)
            for (uint32_t r = 0; r < STA_RELATIONS_MAX; r++) {
                const struct sta_ids *a = &again.set[t].p[i]->links[r];
                const struct sta_ids *b = &f->graph.set[t].p[i]->links[r];
                CHECK(a->count == b->count);
                CHECK(a->count == 0 || memcmp(a->p, b->p, a->count * sizeof(*a->p)) == 0);
            }
    }
    CHECK(sta_graph_load(&again, STA_THING, 1, bytes_text("{}")) == ERR_EXISTS);
    CHECK(sta_graph_load(&again, STA_THING, 9, bytes_text("{\"x\":1}")) == ERR_MALFORMED);
    CHECK(sta_graph_load(&again, STA_THING, 9, bytes_text("{")) == ERR_MALFORMED);
    CHECK(sta_graph_load(&again, 14, 9, bytes_text("{}")) == ERR_MALFORMED);
    CHECK_OK(sta_graph_load(&again, STA_THING, 9, bytes_text("{\"@links\":{\"Locations\":[77]}}")));
    CHECK(sta_graph_link(&again) == ERR_NOT_FOUND);
    sta_graph_fini(&again);
    fixture_free(f);
}

TEST(what_is_missing_or_unknown_is_named)
{
    struct fixture *f = fixture_new();
    CHECK(refused(f, 400, "'description'", "/v1.1/Things", "{\"name\":\"x\"}"));
    CHECK(refused(f, 400, "'colour'", "/v1.1/Things", "{\"colour\":1}"));
    CHECK(refused(f, 400, "by the service", "/v1.1/Things", "{\"@iot.id\":1}"));
    CHECK(refused(f, 400, "by the service", "/v1.1/Things", "{\"selfLink\":\"x\"}"));
    CHECK(refused(f, 400, "'name' is text", "/v1.1/Things", "{\"name\":1,\"description\":\"d\"}"));
    CHECK(refused(f, 400, "may not be null", "/v1.1/Things", "{\"name\":null}"));
    CHECK(refused(f, 400, "a link 'Thing'", "/v1.1/Datastreams", FIXTURE_STREAM("x") "}"));
    CHECK(refused(f, 400, "not JSON", "/v1.1/Things", "{\"name\":\"x\",\"name\":\"y\"}"));
    CHECK(refused(f, 400, "does not exist", "/v1.1/Things",
                  "{\"name\":\"x\",\"description\":\"d\",\"Locations\":[{\"@iot.id\":9}]}"));
    CHECK(refused(f, 400, "JSON object", "/v1.1/Things", "[]"));
    CHECK(refused(f, 405, "POST to a set", "/v1.1/Things(1)", "{}"));
    CHECK(refused(f, 404, "leads to no", "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("x") "}"));
    CHECK(refused(f, 400, "'Sensor'", "/v1.1/Things",
                  "{\"name\":\"x\",\"description\":\"d\",\"Datastreams\":[{\"name\":\"n\","
                  "\"description\":\"d\",\"observationType\":\"o\",\"unitOfMeasurement\":"
                  "{\"name\":\"\",\"symbol\":\"\",\"definition\":\"\"}," FIXTURE_PROPERTY "}]}"));
    CHECK(refused(f, 400, "unitOfMeasurement needs 'symbol'", "/v1.1/Datastreams",
                  "{\"unitOfMeasurement\":{\"name\":\"m\"}}"));
    CHECK(refused(f, 400, "kept by the service", "/v1.1/Datastreams",
                  "{\"phenomenonTime\":\"2026-03-01T12:00:00Z\"}"));
    CHECK(f->graph.entities == 0 && f->graph.set[STA_THING].next_id == 1);
    fixture_free(f);
}

TEST(a_relation_in_the_path_links_by_itself)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("east") "}") == 201);
    CHECK(sta_graph_get(&f->graph, STA_DATASTREAM, 3)->links[DATASTREAM_THING].p[0] == 1);
    CHECK(fixture_post(f, "/v1.1/Datastreams",
                       FIXTURE_STREAM("west") ",\"Thing\":{\"@iot.id\":1}}") == 201);
    CHECK(sta_graph_get(&f->graph, STA_THING, 1)->links[THING_DATASTREAMS].count == 4);
    CHECK(refused(f, 400, "one Thing, and two", "/v1.1/Things(1)/Datastreams",
                  FIXTURE_STREAM("x") ",\"Thing\":{\"name\":\"n\",\"description\":\"d\"}}"));
    fixture_free(f);
}

TEST(a_new_location_replaces_the_old_and_is_history)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":1}") == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(2)/Observations", "{\"result\":1}") == 201);
    CHECK(f->graph.set[STA_FEATURE_OF_INTEREST].count == 1); /* made once, reused */
    CHECK(f->rows[1][0].feature_id == 1 && f->rows[2][0].feature_id == 1);
    CHECK(fixture_post(f, "/v1.1/Things(1)/Locations", FIXTURE_LOCATION) == 201);
    const struct sta_entity *thing = sta_graph_get(&f->graph, STA_THING, 1);
    CHECK(thing->links[THING_LOCATIONS].count == 1 && thing->links[THING_LOCATIONS].p[0] == 2);
    CHECK(thing->links[THING_HISTORICAL_LOCATIONS].count == 2);
    CHECK(sta_graph_get(&f->graph, STA_LOCATION, 1)->links[LOCATION_THINGS].count == 0);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", "{\"result\":2}") == 201);
    CHECK(f->rows[1][1].feature_id == 2); /* the place is another one */
    CHECK(sta_graph_get(&f->graph, STA_DATASTREAM, 1)->links[DATASTREAM_FEATURES].count == 2);
    fixture_free(f);
}

TEST(observations_need_a_datastream_and_a_feature)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_post(f, "/v1.1/Things",
                       "{\"name\":\"x\",\"description\":\"d\",\"Datastreams\":[" FIXTURE_STREAM(
                           "n") "}]}") == 201);
    CHECK(refused(f, 400, "no Location", "/v1.1/Datastreams(1)/Observations", "{\"result\":1}"));
    CHECK(refused(f, 400, "needs a Datastream", "/v1.1/Observations", "{\"result\":1}"));
    CHECK(refused(f, 404, "no Datastream", "/v1.1/Observations",
                  "{\"result\":1,\"Datastream\":{\"@iot.id\":7}}"));
    CHECK(refused(f, 400, "another Datastream", "/v1.1/Datastreams(1)/Observations",
                  "{\"result\":1,\"Datastream\":{\"@iot.id\":7}}"));
    CHECK(refused(f, 400, "no FeatureOfInterest", "/v1.1/Datastreams(1)/Observations",
                  "{\"result\":1,\"FeatureOfInterest\":{\"@iot.id\":7}}"));
    CHECK(
        fixture_post(f, "/v1.1/Observations",
                     "{\"result\":1,\"Datastream\":{\"@iot.id\":1},\"FeatureOfInterest\":{\"name\":"
                     "\"f\",\"description\":\"d\",\"encodingType\":\"e\",\"feature\":{}}}") == 201);
    CHECK(f->rows[1][0].feature_id == 1);
    fixture_free(f);
}

TEST(a_deep_thing_may_bring_its_observations_in_any_order_of_members)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_post(f, "/v1.1/Things",
                       "{\"name\":\"x\",\"description\":\"d\",\"Datastreams\":[" FIXTURE_STREAM(
                           "n") ",\"Observations\":[{\"result\":1},{\"result\":2}]}],"
                                "\"Locations\":[" FIXTURE_LOCATION "]}") == 201);
    CHECK(f->counts[1] == 2 && f->rows[1][1].number == 2 && f->rows[1][1].feature_id == 1);
    fixture_free(f);
}

TEST(the_fast_way_asks_for_a_feature_once)
{
    struct fixture *f = fixture_new();
    struct sta_observation o;
    struct sta_plan plan;
    uint64_t feature = 0;
    struct sta_maker maker = {
        .owner = bytes_text("dev"), .now_us = f->now_us, .rights = &f->rights};
    CHECK(fixture_junction(f) == 201);
    arena_reset(&f->arena);
    CHECK_OK(sta_observation_scan(bytes_text("{\"result\":1,\"Datastream\":{\"@iot.id\":2}}"),
                                  f->now_us, &f->arena, &o, &f->error));
    CHECK(sta_plan_feature(&f->graph, &o, &maker, &f->arena, &feature, &plan, &f->error) ==
          ERR_AGAIN);
    fixture_apply(f, &plan);
    CHECK_OK(sta_plan_feature(&f->graph, &o, &maker, &f->arena, &feature, &plan, &f->error));
    CHECK(feature == 1);
    o.stream = 9;
    CHECK(sta_plan_feature(&f->graph, &o, &maker, &f->arena, &feature, &plan, &f->error) ==
          ERR_NOT_FOUND);
    fixture_free(f);
}

TEST(what_may_not_be_seen_cannot_be_linked_to)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    f->hidden = "tester";
    CHECK(refused(f, 400, "does not exist", "/v1.1/Datastreams",
                  FIXTURE_STREAM("x") ",\"Thing\":{\"@iot.id\":1}}"));
    CHECK(refused(f, 404, "leads to no", "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("x") "}"));
    fixture_free(f);
}

TEST(limits_hold)
{
    struct fixture *f = fixture_new();
    f->graph.entities_max = 3;
    CHECK(refused(f, 413, "no room", "/v1.1/Things",
                  "{\"name\":\"x\",\"description\":\"d\",\"Locations\":[" FIXTURE_LOCATION
                  "," FIXTURE_LOCATION "," FIXTURE_LOCATION "]}"));
    fixture_free(f);
}

TEST(relations_by_number_are_those_of_the_table)
{
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        const struct sta_type_info *info = sta_type_info(t);
        CHECK(info->relations_count <= STA_RELATIONS_MAX);
        CHECK(info->properties_count <= STA_PROPERTIES_MAX);
        CHECK(sta_type_of_set(bytes_text(info->set)) == t);
        for (uint32_t r = 0; r < info->relations_count; r++) {
            const struct sta_relation *there =
                &sta_type_info(info->relations[r].to)->relations[info->relations[r].inverse];
            CHECK(there->to == t && there->inverse == r);
            CHECK(t == STA_OBSERVATION || there->to == STA_OBSERVATION ||
                  info->relations[r].to == STA_OBSERVATION ||
                  info->relations[r].stored != there->stored);
        }
    }
    CHECK(sta_type_info(STA_DATASTREAM)->relations_count ==
          sta_type_info(STA_MULTI_DATASTREAM)->relations_count);
}

TEST(a_multidatastream_has_as_many_types_and_units_as_properties)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    const char *path = "/v1.1/Things(1)/MultiDatastreams";
    CHECK(fixture_post(f, path, FIXTURE_MULTI("\"a\",\"b\"", FIXTURE_UNIT "," FIXTURE_UNIT) "}") ==
          201);
    const struct sta_entity *multi = sta_graph_get(&f->graph, STA_MULTI_DATASTREAM, 3);
    CHECK(multi && sta_graph_stream(&f->graph, 3) == multi); /* ids of one space */
    CHECK(multi->links[DATASTREAM_PROPERTIES].count == 2);
    CHECK(bytes_are(multi->property[DATASTREAM_OBSERVATION_TYPE], STA_COMPLEX_OBSERVATION));
    CHECK(fixture_post(f, "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("east") "}") == 201);
    CHECK(sta_graph_get(&f->graph, STA_DATASTREAM, 4));
    CHECK(refused(f, 400, "as many", path, FIXTURE_MULTI("\"a\"", FIXTURE_UNIT) "}"));
    CHECK(refused(f, 400, "as many", path, FIXTURE_MULTI("\"a\",\"b\"", FIXTURE_UNIT) "}"));
    CHECK(refused(f, 400, "list of texts", path, FIXTURE_MULTI("1,2", FIXTURE_UNIT) "}"));
    CHECK(refused(f, 400, "needs 'name'", path, FIXTURE_MULTI("\"a\",\"b\"", "1,2") "}"));
    CHECK(refused(f, 400, "is a list", path, "{\"unitOfMeasurements\":{}}"));
    CHECK(refused(f, 400, "OM_Complex", path, "{\"observationType\":\"OM_Measurement\"}"));
    fixture_free(f);
}

TEST(an_observation_of_a_multidatastream_is_a_list_of_that_length)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Things(1)/MultiDatastreams",
                       FIXTURE_MULTI("\"a\",\"b\"", FIXTURE_UNIT "," FIXTURE_UNIT) "}") == 201);
    const char *path = "/v1.1/MultiDatastreams(3)/Observations";
    CHECK(fixture_post(f, path, "{\"result\":[1,2]}") == 201);
    CHECK(fixture_post(f, "/v1.1/Observations",
                       "{\"result\":[3,4],\"MultiDatastream\":{\"@iot.id\":3}}") == 201);
    CHECK(f->counts[3] == 2);
    CHECK(refused(f, 400, "list of 2", path, "{\"result\":[1]}"));
    CHECK(refused(f, 400, "list of 2", path, "{\"result\":1}"));
    CHECK(refused(f, 400, "or to a Multi", "/v1.1/Observations",
                  "{\"result\":1,\"MultiDatastream\":{\"@iot.id\":3},"
                  "\"Datastream\":{\"@iot.id\":1}}"));
    CHECK(refused(f, 404, "no MultiDatastream", "/v1.1/Observations",
                  "{\"result\":[1,2],\"MultiDatastream\":{\"@iot.id\":1}}"));
    CHECK(refused(f, 404, "no Datastream", "/v1.1/Observations",
                  "{\"result\":[1,2],\"Datastream\":{\"@iot.id\":3}}"));
    CHECK(fixture_get_text(f, "/v1.1/MultiDatastreams(3)/Observations") == 200);
    CHECK(strstr(buf_string(&f->out), "[3,4]"));
    fixture_free(f);
}

TEST(what_is_tasked_belongs_to_thing_and_actuator)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post(f, "/v1.1/Things(1)/TaskingCapabilities",
                       "{\"name\":\"c\",\"description\":\"d\",\"taskingParameters\":{\"type\":"
                       "\"DataRecord\",\"field\":[]},"
                       "\"Actuator\":{\"name\":\"a\",\"description\":\"d\",\"encodingType\":\"e\","
                       "\"metadata\":1}}") == 201);
    CHECK(sta_graph_get(&f->graph, STA_ACTUATOR, 1)->links[ACTUATOR_CAPABILITIES].count == 1);
    CHECK(refused(f, 400, "by itself", "/v1.1/TaskingCapabilities(1)/Tasks", "{}"));
    CHECK(refused(f, 400, "DataRecord", "/v1.1/Things(1)/TaskingCapabilities",
                  "{\"name\":\"c\",\"description\":\"d\",\"taskingParameters\":{}}"));
    CHECK(fixture_get_text(f, "/v1.1") == 200 && !strstr(buf_string(&f->out), "Task"));
    f->graph.tasking = true;
    CHECK(fixture_get_text(f, "/v1.1") == 200 && strstr(buf_string(&f->out), "/Tasks"));
    fixture_free(f);
}
