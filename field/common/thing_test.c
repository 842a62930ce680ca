#include "field/common/thing.h"

#include "base/test.h"
#include "field/common/options.h"
#include "field/common/status.h"
#include "sensorthings/json.h"
#include "sensorthings/tasking.h"

static const struct field_stream streams[] = {
    {"level", "water \"above\" the floor", "water-level", FIELD_MEASUREMENT, "metre", "m"},
    {"pump", "whether it runs", "water-level", FIELD_TRUTH, NULL, NULL},
};
static const struct field_capability capabilities[] = {
    {"empty", "lets the water out", "drain", "{\"name\":\"litres\",\"type\":\"Count\"}"},
    {"fill", "lets water in", "fill", ""},
};
static const struct field_thing thing = {.device = "tank-1",
                                         .description = "a tank",
                                         .longitude = -75.7,
                                         .latitude = 45.4,
                                         .streams = streams,
                                         .streams_count = 2,
                                         .capabilities = capabilities,
                                         .capabilities_count = 2};

TEST(a_thing_is_json_with_its_classes)
{
    struct buf b;
    size_t bad;
    buf_init(&b, FIELD_THING_BYTES_MAX);
    thing_put_json(&b, &thing);
    CHECK_OK(buf_error(&b));
    CHECK(sta_json_check(buf_bytes(&b), &bad));
    struct bytes list = sta_json_member(buf_bytes(&b), bytes_text("Datastreams"));
    struct sta_json_walk walk = {list, 0};
    struct bytes row;
    uint32_t rows = 0;
    while (sta_json_next_item(&walk, &row)) {
        struct bytes p = sta_json_member(row, bytes_text("properties"));
        CHECK(bytes_are(sta_json_member(p, bytes_text("class")), "\"water-level\""));
        rows++;
    }
    CHECK(rows == 2);
    walk = (struct sta_json_walk){sta_json_member(buf_bytes(&b), bytes_text("TaskingCapabilities")),
                                  0};
    while (sta_json_next_item(&walk, &row)) {
        struct arena arena;
        struct sta_error error = {0};
        arena_init(&arena, 64 * 1024);
        struct bytes record = sta_json_member(row, bytes_text("taskingParameters"));
        CHECK_OK(sta_tasking_check(record, &arena, &error));
        arena_fini(&arena);
        rows--;
    }
    CHECK(rows == 0);
    buf_fini(&b);
}

TEST(a_location_gives_an_id_or_nothing)
{
    static const char *const bad[] = {"",
                                      "/v1.1/Things",
                                      "/v1.1/Things()",
                                      "/v1.1/Things(1",
                                      "/v1.1/Things(1)/x",
                                      "/v1.1/Things(-1)",
                                      "/v1.1/Things(99999999999999999)"};
    uint64_t id = 7;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(thing_id_of_location(bad[i], &id) != OK && id == 7);
    CHECK_OK(thing_id_of_location("https://c:8444/v1.1/Things(17)", &id));
    CHECK(id == 17);
}

TEST(stream_ids_are_found_by_name_in_any_order)
{
    uint64_t ids[FIELD_STREAMS_MAX] = {0};
    static const char good[] = "{\"value\":[{\"name\":\"pump\",\"@iot.id\":9},"
                               "{\"name\":\"other\",\"@iot.id\":1},"
                               "{\"name\":\"level\",\"@iot.id\":8}]}";
    struct bytes exact = test_exact(bytes_text(good));
    CHECK_OK(thing_read_streams(exact, &thing, ids));
    CHECK(ids[0] == 8 && ids[1] == 9);
    for (size_t n = 0; n < exact.len; n++) {
        struct bytes cut = test_exact(bytes_of(exact.p, n));
        CHECK(thing_read_streams(cut, &thing, ids) != OK);
        test_exact_free(cut);
    }
    test_exact_free(exact);
    CHECK(thing_read_streams(bytes_text("{\"value\":[{\"name\":\"pump\",\"@iot.id\":9}]}"), &thing,
                             ids) == ERR_NOT_FOUND);
    CHECK(thing_read_streams(bytes_text("{\"value\":[{\"name\":\"pump\",\"@iot.id\":0}]}"), &thing,
                             ids) == ERR_MALFORMED);
    CHECK(ids[0] == 8);
}

TEST(addresses_and_options_are_read_whole_or_refused)
{
    static const char *const bad[] = {"",        "x",    "x:",    ":1",     "x:0",
                                      "x:65536", "x:1 ", "a:b:1", "[::1:1", "x:+1"};
    struct field_address a;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(field_address_parse(bad[i], &a) == ERR_MALFORMED);
    CHECK_OK(field_address_parse("[::1]:8884", &a));
    CHECK(strcmp(a.host, "::1") == 0 && a.port == 8884);
    struct field_options o = {.program = "test", .summary = "s", .example = "e"};
    uint64_t homes = 3;
    const struct field_option more[] = {{"--homes", "N", OPTION_NUMBER, &homes, 10, "homes"}};
    char *good[] = {(char[]){"test"}, (char[]){"--homes"}, (char[]){"10"}, (char[]){"--seconds"},
                    (char[]){"5"}};
    int code = 7;
    CHECK(field_options_parse(&o, more, 1, 5, good, &code));
    CHECK(homes == 10 && o.seconds == 5 && code == 7);
    char *high[] = {(char[]){"test"}, (char[]){"--homes"}, (char[]){"11"}};
    CHECK(!field_options_parse(&o, more, 1, 3, high, &code) && code == 2 && homes == 10);
    CHECK(!field_options_parse(&o, more, 1, 2, high, &code) && code == 2);
    char *unknown[] = {(char[]){"test"}, (char[]){"--trips"}};
    CHECK(!field_options_parse(&o, more, 1, 2, unknown, &code) && code == 2);
}

TEST(a_status_line_is_one_line)
{
    struct buf b;
    buf_init(&b, 1000);
    status_put(&b, "why", "%s", "two\nlines=1\r");
    CHECK(bytes_are(buf_bytes(&b), "why=two lines=1 \n"));
    CHECK(status_write("/nonexistent-directory/status", buf_bytes(&b)) == ERR_IO);
    buf_fini(&b);
}
