#include "sensorthings/tasking.h"

#include "base/test.h"
#include "sensorthings/json.h"

#define RECORD(fields) "{\"type\":\"DataRecord\",\"field\":[" fields "]}"

static struct arena arena;
static struct sta_error error;

static struct bytes
json(const char *text)
{
    size_t bad;
    CHECK(sta_json_check(bytes_text(text), &bad));
    return bytes_text(text);
}

static enum err
record(const char *text)
{
    if (arena.p == NULL)
        arena_init(&arena, 256 * 1024);
    arena_reset(&arena);
    memset(&error, 0, sizeof(error));
    return sta_tasking_check(json(text), &arena, &error);
}

static enum err
values(const char *of, const char *text)
{
    CHECK_OK(record(of));
    arena_reset(&arena);
    return sta_task_check(json(of), json(text), &arena, &error);
}

static bool
says(const char *part)
{
    return strstr(error.text, part) != NULL;
}

TEST(a_record_names_its_fields_once_with_types_that_are_served)
{
    CHECK_OK(record(RECORD("")));
    CHECK_OK(record(RECORD("{\"name\":\"phase\",\"type\":\"Count\"}")));
    CHECK(record("[]") == ERR_MALFORMED);
    CHECK(record("{\"type\":\"Vector\",\"field\":[]}") == ERR_MALFORMED);
    CHECK(record("{\"type\":\"DataRecord\"}") == ERR_MALFORMED);
    CHECK(record(RECORD("7")) == ERR_MALFORMED);
    CHECK(record(RECORD("{\"type\":\"Count\"}")) == ERR_MALFORMED);
    CHECK(record(RECORD("{\"name\":\"a\"}")) == ERR_MALFORMED && says("field a needs a type"));
    CHECK(record(RECORD("{\"name\":\"a\",\"type\":\"DataArray\"}")) == ERR_UNSUPPORTED);
    CHECK(
        record(RECORD("{\"name\":\"a\",\"type\":\"Count\"},{\"name\":\"a\",\"type\":\"Text\"}")) ==
        ERR_MALFORMED);
    CHECK(says("twice"));
    CHECK(record(RECORD("{\"name\":\"a\",\"type\":\"Count\",\"optional\":1}")) == ERR_MALFORMED);
}

TEST(a_constraint_has_the_shape_of_its_field)
{
#define WITH(type, constraint)                                                                     \
    RECORD("{\"name\":\"a\",\"type\":\"" type "\",\"constraint\":" constraint "}")
    CHECK_OK(record(WITH("Count", "{\"type\":\"AllowedValues\",\"interval\":[[1,8]]}")));
    CHECK_OK(record(WITH("Quantity", "{\"interval\":[[\"-Infinity\",0.5]],\"value\":[7]}")));
    CHECK_OK(record(WITH("Text", "{\"type\":\"AllowedTokens\",\"value\":[\"x\"]}")));
    CHECK_OK(
        record(WITH("Time", "{\"type\":\"AllowedTimes\",\"interval\":[[\"2026-01-01T00:00:00Z\","
                            "\"2027-01-01T00:00:00Z\"]]}")));
    CHECK(record(WITH("Count", "7")) == ERR_MALFORMED);
    CHECK(record(WITH("Count", "{\"type\":\"AllowedTokens\"}")) == ERR_MALFORMED);
    CHECK(record(WITH("Count", "{\"value\":[\"x\"]}")) == ERR_MALFORMED);
    CHECK(record(WITH("Count", "{\"value\":3}")) == ERR_MALFORMED);
    CHECK(record(WITH("Count", "{\"interval\":[[8,1]]}")) == ERR_MALFORMED);
    CHECK(record(WITH("Count", "{\"interval\":[[1,2,3]]}")) == ERR_MALFORMED);
    CHECK(record(WITH("Text", "{\"interval\":[[1,2]]}")) == ERR_MALFORMED);
    CHECK(record(WITH("Text", "{\"pattern\":\".*\"}")) == ERR_UNSUPPORTED);
}

TEST(a_standing_value_fits_its_own_field)
{
    CHECK_OK(record(RECORD("{\"name\":\"a\",\"type\":\"Count\",\"value\":3}")));
    CHECK(record(RECORD("{\"name\":\"a\",\"type\":\"Count\",\"value\":\"3\"}")) == ERR_MALFORMED);
    CHECK_OK(values(RECORD("{\"name\":\"a\",\"type\":\"Count\",\"value\":3}"), "{}"));
}

TEST(a_task_gives_what_is_asked_for_and_nothing_else)
{
    const char *r =
        RECORD("{\"name\":\"n\",\"type\":\"Count\",\"constraint\":{\"interval\":[[1,8]],"
               "\"value\":[20]}},{\"name\":\"why\",\"type\":\"Text\",\"optional\":true}");
    CHECK_OK(values(r, "{\"n\":1}"));
    CHECK_OK(values(r, "{\"n\":8,\"why\":\"x\"}"));
    CHECK_OK(values(r, "{\"n\":20}"));
    CHECK(values(r, "{}") == ERR_MALFORMED && says("field n is missing"));
    CHECK(values(r, "{\"n\":9}") == ERR_MALFORMED && says("field n is outside"));
    CHECK(values(r, "{\"n\":1.5}") == ERR_MALFORMED && says("whole"));
    CHECK(values(r, "{\"n\":\"1\"}") == ERR_MALFORMED && says("number"));
    CHECK(values(r, "{\"n\":null}") == ERR_MALFORMED);
    CHECK(values(r, "{\"n\":1,\"m\":1}") == ERR_MALFORMED && says("field m is none"));
    CHECK(values(r, "{\"n\":1,\"why\":2}") == ERR_MALFORMED);
    CHECK(values(r, "[1]") == ERR_MALFORMED);
}

TEST(each_type_takes_its_own_values_only)
{
    static const struct {
        const char *type, *good, *bad;
    } rows[] = {
        {"Boolean", "true", "1"},
        {"Text", "\"x\"", "7"},
        {"Category", "\"x\"", "{}"},
        {"Count", "-3", "0.5"},
        {"Quantity", "0.5", "\"0.5\""},
        {"Time", "\"2026-03-01T12:00:00+02:00\"", "\"2026-03-01\""},
        {"CountRange", "[1,2]", "[1,2.5]"},
        {"QuantityRange", "[0.5,0.5]", "[2,1]"},
        {"TimeRange", "[\"2026-03-01T12:00:00Z\",\"2026-03-02T12:00:00Z\"]", "[1,2]"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char r[200], good[200], bad[200];
        snprintf(r, sizeof(r), RECORD("{\"name\":\"a\",\"type\":\"%s\"}"), rows[i].type);
        snprintf(good, sizeof(good), "{\"a\":%s}", rows[i].good);
        snprintf(bad, sizeof(bad), "{\"a\":%s}", rows[i].bad);
        CHECK_OK(values(r, good));
        CHECK(values(r, bad) == ERR_MALFORMED && says("field a takes") + says("lower end") > 0);
    }
}

TEST(records_stand_in_records_up_to_a_depth)
{
    const char *two = RECORD("{\"name\":\"a\",\"type\":\"DataRecord\",\"field\":[{\"name\":\"b\","
                             "\"type\":\"Boolean\"}]}");
    CHECK_OK(values(two, "{\"a\":{\"b\":true}}"));
    CHECK(values(two, "{\"a\":{}}") == ERR_MALFORMED && says("field b is missing"));
    CHECK(values(two, "{\"a\":true}") == ERR_MALFORMED);
    char deep[2000] = "{\"type\":\"DataRecord\",\"field\":[]}";
    for (int i = 0; i < STA_TASKING_DEPTH_MAX; i++) {
        char outer[2000];
        snprintf(outer, sizeof(outer), RECORD("{\"name\":\"a\",%.1900s"), deep + 1);
        CHECK(record(deep) == OK);
        memcpy(deep, outer, sizeof(deep));
    }
    CHECK(record(deep) == ERR_MALFORMED && says("records in each other"));
}

TEST(a_command_carries_whole_numbers_in_the_order_of_their_names)
{
    const char *r = RECORD("{\"name\":\"phase\",\"type\":\"Count\"},{\"name\":\"hold-s\",\"type\":"
                           "\"Quantity\",\"value\":5},{\"name\":\"b\",\"type\":\"Boolean\","
                           "\"optional\":true}");
    struct buf out;
    buf_init(&out, 512);
    CHECK_OK(values(r, "{\"phase\":3}"));
    CHECK_OK(sta_task_parameters(json(r), json("{\"phase\":3}"), &arena, &out, &error));
    CHECK(bytes_are(buf_bytes(&out), "hold-s 5\nphase 3\n"));
    buf_reset(&out);
    const char *all = "{\"b\":true,\"phase\":-3,\"hold-s\":0}";
    CHECK_OK(sta_task_parameters(json(r), json(all), &arena, &out, &error));
    CHECK(bytes_are(buf_bytes(&out), "b 1\nhold-s 0\nphase -3\n"));
    CHECK(sta_task_parameters(json(r), json("{\"phase\":1,\"hold-s\":0.5}"), &arena, &out,
                              &error) == ERR_MALFORMED);
    const char *text = RECORD("{\"name\":\"phase\",\"type\":\"Text\"}");
    CHECK(sta_task_parameters(json(text), json("{\"phase\":\"1\"}"), &arena, &out, &error) ==
          ERR_MALFORMED);
    const char *name = RECORD("{\"name\":\"Phase 1\",\"type\":\"Count\"}");
    CHECK(sta_task_parameters(json(name), json("{\"Phase 1\":1}"), &arena, &out, &error) ==
          ERR_MALFORMED);
    buf_fini(&out);
}
