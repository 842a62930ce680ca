#include "sensorthings/observation.h"
#include "base/random.h"
#include "base/test.h"
#include "base/text.h"

enum { NOON_US = 1000000 };
static const int64_t now_us = 1700000000LL * NOON_US;

static struct arena scratch;
static struct sta_error error;

static int
scan(const char *json, struct sta_observation *out)
{
    if (!scratch.p)
        arena_init(&scratch, 256 * 1024);
    arena_reset(&scratch);
    struct bytes exact = test_exact(bytes_text(json));
    enum err e = sta_observation_scan(exact, now_us, &scratch, out, &error);
    if (e == OK) { /* borrowed pointers must outlive the copy: look at them through the arena */
        out->value.text = arena_dup(&scratch, out->value.text);
        out->value.extra = arena_dup(&scratch, out->value.extra);
    }
    test_exact_free(exact);
    return e == OK ? 200 : error.status;
}

static bool
refused(const char *json, const char *why)
{
    struct sta_observation o = {.stream = 77};
    return scan(json, &o) == 400 && strstr(error.text, why) && o.stream == 77;
}

TEST(an_observation_is_read_whole)
{
    struct sta_observation o;
    CHECK(scan("{\"phenomenonTime\":\"2026-03-01T12:00:00+02:00\",\"result\":20.5,"
               "\"resultTime\":\"2026-03-01T10:00:01Z\",\"Datastream\":{\"@iot.id\":7},"
               "\"FeatureOfInterest\":{\"@iot.id\":3}}",
               &o) == 200);
    CHECK(o.stream == 7 && o.feature_given && o.value.feature_id == 3 && !o.deep);
    CHECK(o.value.kind == RESULT_NUMBER && o.value.number == 20.5);
    CHECK(o.value.result_time_us - o.value.time_us == 1000000);
    CHECK(o.value.time_us == o.value.time_end_us);
}

TEST(what_is_missing_is_filled_in)
{
    struct sta_observation o;
    CHECK(scan(" { \"result\" : true } ", &o) == 200);
    CHECK(o.stream == 0 && o.value.time_us == now_us && o.value.result_time_us == now_us);
    CHECK(o.value.kind == RESULT_BOOL && o.value.number == 1);
    CHECK(scan("{\"result\":1,\"resultTime\":null,"
               "\"phenomenonTime\":\"2026-03-01T12:00:00Z/2026-03-01T13:00:00Z\"}",
               &o) == 200);
    CHECK(o.value.time_end_us - o.value.time_us == 3600LL * NOON_US);
    CHECK(o.value.result_time_us == o.value.time_end_us);
}

TEST(results_keep_their_kind)
{
    struct sta_observation o;
    CHECK(scan("{\"result\":\"open\"}", &o) == 200 && o.value.kind == RESULT_TEXT);
    CHECK(bytes_are(o.value.text, "open"));
    CHECK(scan("{\"result\":\"a\\\"\\u00e9\\ud83d\\ude00\"}", &o) == 200);
    CHECK(bytes_are(o.value.text, "a\"\xc3\xa9\xf0\x9f\x98\x80"));
    CHECK(scan("{\"result\":{\"a\":[1,2]}}", &o) == 200 && o.value.kind == RESULT_JSON);
    CHECK(bytes_are(o.value.text, "{\"a\":[1,2]}"));
    CHECK(scan("{\"result\":12345678901234567890}", &o) == 200 && o.value.kind == RESULT_JSON);
    CHECK(scan("{\"result\":null}", &o) == 200 && o.value.kind == RESULT_JSON);
    CHECK(scan("{\"result\":1,\"parameters\":{\"x\":1},\"resultQuality\":\"good\"}", &o) == 200);
    CHECK(bytes_are(o.value.extra, "{\"resultQuality\":\"good\",\"parameters\":{\"x\":1}}"));
}

TEST(what_stands_inline_is_left_to_the_planner)
{
    struct sta_observation o;
    CHECK(scan("{\"result\":1,\"FeatureOfInterest\":{\"name\":\"x\"}}", &o) == 200 && o.deep);
    CHECK(scan("{\"result\":1,\"Datastream\":{\"name\":\"x\"}}", &o) == 200 && o.deep);
}

TEST(refusals_name_the_reason)
{
    CHECK(refused("", "JSON object") && refused("[]", "JSON object"));
    CHECK(refused("{}", "needs a result"));
    CHECK(refused("{\"result\":1,\"result\":2}", "twice"));
    CHECK(refused("{\"result\":1,\"colour\":2}", "colour"));
    CHECK(refused("{\"result\":1,\"@iot.id\":2}", "@iot.id"));
    CHECK(refused("{\"result\":1}x", "behind"));
    CHECK(refused("{\"result\":1,}", "name in quotes"));
    CHECK(refused("{\"result\":01}", "not JSON") && refused("{\"result\":}", "not JSON"));
    CHECK(refused("{\"result\":\"\xff\"}", "not JSON"));
    CHECK(refused("{\"result\":\"\\u0000\"}", "not JSON"));
    CHECK(refused("{\"result\":\"\\ud800\"}", "not JSON"));
    CHECK(refused("{\"result\":{\"a\":1,\"a\":2}}", "not JSON"));
    CHECK(refused("{\"result\":{\"a\":1,\"\\u0061\":2}}", "not JSON"));
    CHECK(refused("{\"result\":1,\"phenomenonTime\":\"2026-03-01T12:00:00\"}", "with zone"));
    CHECK(refused("{\"result\":1,\"phenomenonTime\":null}", "with zone"));
    CHECK(refused("{\"result\":1,\"phenomenonTime\":"
                  "\"2026-03-01T12:00:00Z/2026-03-01T11:00:00Z\"}",
                  "interval"));
    CHECK(refused("{\"result\":1,\"resultTime\":\"2026-03-01T12:00:00Z/2026-03-02T12:00:00Z\"}",
                  "resultTime"));
    CHECK(refused("{\"result\":1,\"validTime\":7}", "validTime"));
    CHECK(refused("{\"result\":1,\"parameters\":[]}", "parameters"));
    CHECK(refused("{\"result\":1,\"Datastream\":7}", "Datastream"));
    CHECK(refused("{\"result\":1,\"Datastream\":{\"@iot.id\":-7}}", "Datastream"));
    CHECK(refused("{\"result\":1,\"Datastream\":{\"@iot.id\":1,\"name\":\"x\"}}", "Datastream"));
    struct sta_observation o;
    CHECK(scan("{\"result\":1,\"Datastream\":{\"@iot.id\":65536}}", &o) == 404);
}

TEST(the_fast_reader_of_numbers_agrees_with_the_exact_one)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "-1.5",
                                        "0.1",
                                        "123456789012345",
                                        "0.00000000000001",
                                        "99999999999999.9",
                                        "20.10",
                                        "3.14159265358979",
                                        "-0.3"};
    static const char *const others[] = {
        "", "-", ".5", "1.", "01", "1e3", "1234567890123456", "--1", "1.2.3", "+1"};
    double fast, exact;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        CHECK(sta_json_decimal(bytes_text(texts[i]), &fast));
        CHECK_OK(text_double(bytes_text(texts[i]), &exact));
        CHECK(fast == exact);
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        CHECK(!sta_json_decimal(bytes_text(others[i]), &fast));
}

TEST(nesting_is_bounded)
{
    char deep[200] = "{\"result\":";
    size_t n = strlen(deep);
    memset(deep + n, '[', 60);
    memset(deep + n + 60, ']', 60);
    memcpy(deep + n + 120, "}", 2);
    CHECK(refused(deep, "nested too deep"));
}

static void
random_text(struct random_source *r, struct buf *out)
{
    static const char *const pieces[] = {"a", "\"", "\\", "\n", "\xc3\xa9", "/", " ", "\x01", "z"};
    buf_reset(out);
    for (uint64_t n = random_below(r, 12); n > 0; n--)
        buf_text(out, pieces[random_below(r, ARRAY_COUNT(pieces))]);
}

static double
random_number(struct random_source *r)
{
    if (random_below(r, 2))
        return (double)((int64_t)random_below(r, 2000000) - 1000000) / 1000;
    for (;;) {
        uint64_t bits = random_u64(r);
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (v - v == 0 && (v > -9e15 && v < 9e15))
            return v;
    }
}

TEST(what_is_rendered_scans_to_the_same)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf text, json;
    buf_init(&text, 1024);
    buf_init(&json, 64 * 1024);
    for (int i = 0; i < 3000; i++) {
        struct observation o = {.time_us = (int64_t)random_below(&r, 4000000000000000ULL)};
        o.time_end_us = o.time_us + (int64_t)random_below(&r, 3) * 5000;
        o.result_time_us = o.time_us + (int64_t)random_below(&r, 1000000);
        o.kind = (enum result_kind)(1 + random_below(&r, 4));
        random_text(&r, &text);
        if (o.kind == RESULT_NUMBER)
            o.number = random_number(&r);
        else if (o.kind == RESULT_BOOL)
            o.number = (double)random_below(&r, 2);
        else
            o.text = o.kind == RESULT_TEXT ? buf_bytes(&text) : bytes_text("{\"a\":[null]}");
        if (random_below(&r, 2))
            o.extra = bytes_text("{\"resultQuality\":[1],\"parameters\":{}}");
        buf_reset(&json);
        sta_observation_render(&json, bytes_text("x"), 5, 9, &o, 0x3f);
        struct sta_observation back;
        CHECK(scan(buf_string(&json), &back) == 200);
        CHECK(back.value.time_us == o.time_us && back.value.time_end_us == o.time_end_us);
        CHECK(back.value.result_time_us == o.result_time_us && back.value.kind == o.kind);
        CHECK(back.value.number == o.number && bytes_equal(back.value.text, o.text));
        CHECK(bytes_equal(back.value.extra, o.extra));
    }
    buf_fini(&text);
    buf_fini(&json);
}

TEST(every_truncation_is_refused)
{
    const char *json =
        "{\"phenomenonTime\":\"2026-03-01T12:00:00Z\",\"result\":{\"a\":[1,\"\\u00e9\"]},"
        "\"Datastream\":{\"@iot.id\":7}}";
    struct sta_observation o;
    for (size_t n = 0; n < strlen(json); n++) {
        struct bytes exact = test_exact(bytes_of(json, n));
        CHECK(sta_observation_scan(exact, now_us, &scratch, &o, &error) != OK);
        test_exact_free(exact);
    }
}

TEST(rendering_carries_links_and_picks_members)
{
    struct observation o = {
        .time_us = 0, .result_time_us = 500000, .kind = RESULT_NUMBER, .number = -0.25};
    struct buf out;
    buf_init(&out, 4096);
    sta_observation_render(&out, bytes_text("https://c/v1.1"), 1, 0, &o, STA_OBS_ALL);
    CHECK(
        strcmp(
            buf_string(&out),
            "{\"@iot.id\":4294967297,\"@iot.selfLink\":\"https://c/v1.1/Observations(4294967297)\","
            "\"Datastream@iot.navigationLink\":\"https://c/v1.1/Observations(4294967297)/"
            "Datastream\","
            "\"FeatureOfInterest@iot.navigationLink\":"
            "\"https://c/v1.1/Observations(4294967297)/FeatureOfInterest\","
            "\"phenomenonTime\":\"1970-01-01T00:00:00.000Z\",\"result\":-0.25,"
            "\"resultTime\":\"1970-01-01T00:00:00.500Z\"}") == 0);
    buf_reset(&out);
    sta_observation_render(&out, bytes_text("x"), 1, 0, &o, STA_OBS_RESULT);
    CHECK(strcmp(buf_string(&out), "{\"result\":-0.25}") == 0);
    buf_fini(&out);
}

/* ---- rows ---- */

static size_t
rows_of(const char *json, enum err *results, uint32_t *streams, size_t max)
{
    struct sta_rows rows;
    struct sta_observation o;
    size_t n = 0;
    arena_reset(&scratch);
    CHECK_OK(sta_rows_begin(bytes_text(json), &rows, &error));
    while (n < max && sta_rows_next(&rows, now_us, &scratch, &o, &results[n], &error)) {
        streams[n] = results[n] == OK ? o.stream : 0;
        n++;
    }
    return n;
}

TEST(rows_fail_alone)
{
    enum err results[16];
    uint32_t streams[16];
    size_t n = rows_of(
        "[{\"Datastream\":{\"@iot.id\":1},\"components\":[\"phenomenonTime\",\"result\","
        "\"FeatureOfInterest/id\"],\"dataArray@iot.count\":3,\"dataArray\":["
        "[\"2026-03-01T12:00:00Z\",1,1],[\"yesterday\",2,1],[\"2026-03-01T12:00:00Z\",3],"
        "[\"2026-03-01T12:00:00Z\",4,null],[\"2026-03-01T12:00:00Z\",4,1,5],7]},"
        "{\"Datastream\":{\"@iot.id\":0},\"components\":[\"result\"],\"dataArray\":[[1],[2]]},"
        "{\"Datastream\":{\"@iot.id\":2},\"components\":[\"result\"],\"dataArray\":[[5]]},"
        "{\"components\":[\"result\"]}]",
        results, streams, 16);
    CHECK(n == 10);
    static const bool good[] = {true, false, false, true, false, false, false, false, true, false};
    for (size_t i = 0; i < n; i++)
        CHECK((results[i] == OK) == good[i]);
    CHECK(streams[0] == 1 && streams[8] == 2);
}

TEST(a_body_that_is_no_json_is_refused_whole)
{
    struct sta_rows rows;
    CHECK(sta_rows_begin(bytes_text("[{\"dataArray\":[[1]}]"), &rows, &error) != OK);
    CHECK(error.status == 400 && error.position == 18);
    CHECK(sta_rows_begin(bytes_text("{}"), &rows, &error) != OK);
    CHECK(sta_rows_begin(bytes_text(""), &rows, &error) != OK);
}

TEST(the_answer_has_one_entry_per_row)
{
    struct buf out;
    buf_init(&out, 4096);
    uint64_t ids[] = {4294967297, 0};
    sta_rows_answer(&out, bytes_text("b"), ids, 2);
    CHECK(strcmp(buf_string(&out), "[\"b/Observations(4294967297)\",\"error\"]") == 0);
    buf_fini(&out);
}
