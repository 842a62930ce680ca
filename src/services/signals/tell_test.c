/* tell_test.c -- what people read, word by word, and how often. */
#include "services/signals/tell.h"

#include "base/test.h"

#include <cjson/cJSON.h>

static const char thing_text[] =
    "{\"name\":\"x\",\"properties\":{\"phases\":[\"Gr\",\"rg\"],"
    "\"links\":[{\"lane\":\"a_0\",\"exit\":\"o_0\"},{\"lane\":\"b\\\"1\",\"exit\":\"o_0\"}],"
    "\"lanes\":[\"a_0\",\"b\\\"1\"],\"exits\":[\"o_0\"],\"plan\":[{\"phase\":0,\"seconds\":30}],"
    "\"times\":{\"yellow\":3,\"all_red\":1,\"minimum_green\":5,\"minimum_greens\":[6,5]}}}";

struct heard {
    uint32_t count[TELL_VOICES];
    char text[TELL_VOICES][TELL_BYTES_MAX + 1];
};

static void
hear(void *ctx, const struct service_voice *voice, struct bytes text)
{
    struct heard *h = ctx;
    size_t v = (size_t)(voice - tell_voices);
    CHECK(v < TELL_VOICES);
    h->count[v]++;
    CHECK_OK(bytes_copy_text(text, h->text[v], sizeof(h->text[v])));
}

static struct tell *
described(void)
{
    struct tell *t = calloc(1, sizeof(*t));
    struct signals_model m;
    CHECK(t);
    CHECK_OK(signals_model_read(bytes_text(thing_text), &m));
    CHECK_OK(tell_describe(t, &m, bytes_text(thing_text)));
    CHECK(strcmp(t->names.lane[0], "a_0") == 0 && strcmp(t->names.lane[1], "b\"1") == 0);
    return t;
}

static struct control_view
plan_view(void)
{
    struct control_view v = {.rung = RUNG_PLAN,
                             .rung_why = "all sensors are good",
                             .wish = 0,
                             .second_best = 1,
                             .cost_ds = 770,
                             .second_cost_ds = 1180,
                             .phase_cost_ds = {770, 1180},
                             .queue = {0, 4},
                             .near = {2, 6},
                             .trust_percent = {100, 100},
                             .decided_ms = 99000};
    return v;
}

static const char *
why_of(const struct tell *t, const struct tell_second *now)
{
    static struct buf b;
    if (b.max == 0)
        buf_init(&b, 1000);
    buf_reset(&b);
    tell_why(t, now, &b);
    return buf_string(&b);
}

TEST(the_reason_is_a_sentence_for_an_operator)
{
    struct tell *t = described();
    struct control_view v = plan_view();
    struct tell_second now = {.view = &v, .phase = 0, .age_s = 9, .now_ms = 100000};
    CHECK(strcmp(why_of(t, &now),
                 "phase 0 stays: changing to 1 would cost 41 veh·s more (118 against 77)") == 0);
    t->served_ms[0] = 100000;
    t->served_ms[1] = 62000;
    CHECK(strcmp(why_of(t, &now),
                 "phase 0 stays: changing to 1 would cost 41 veh·s more (118 against 77); 4 wait "
                 "on lane b\"1, for 38 s") == 0);
    v.wish = 1;
    v.second_best = 0;
    v.cost_ds = 300;
    v.phase_cost_ds[0] = v.second_cost_ds = 904;
    CHECK(strcmp(why_of(t, &now),
                 "phase 0 ends for 1: staying would cost 60 veh·s more (90 against 30); 4 wait on "
                 "lane b\"1, for 38 s") == 0);
    t->served_ms[1] = 99000; /* a second is not worth a word */
    v.second_cost_ds = v.phase_cost_ds[0] = 302;
    CHECK(strcmp(why_of(t, &now), "phase 0 ends for 1: staying would cost as much (30 veh·s)") ==
          0);
    now.phase = -1;
    CHECK(strstr(why_of(t, &now), "on the way to phase 1: phase 0 would cost as much"));
    v.second_best = NO_WISH;
    now.phase = 1;
    CHECK(strcmp(why_of(t, &now), "phase 1 stays: no other is worth a change") == 0);
    v.rung = RUNG_VIRTUAL;
    v.rung_why = "lanes are dead";
    CHECK(strstr(why_of(t, &now), "; virtual queues: lanes are dead"));
    v.rung = RUNG_RATES;
    CHECK(
        strstr(why_of(t, &now), "phase 1 stays: no other is worth a change; learned rates: lanes"));
    v.rung = RUNG_PLAN;
    v.second_best = 0;
    now.now_ms += 20000;
    t->served_ms[1] += 20000;
    t->served_ms[0] += 20000;
    CHECK(strcmp(why_of(t, &now), "phase 1 stays") == 0);
    now.silent = true;
    CHECK(strcmp(why_of(t, &now), "nothing is heard of it; it follows its own plan") == 0);
    now.silent = false;
    v.wish = NO_WISH;
    v.rung = RUNG_LOCAL;
    CHECK(strcmp(why_of(t, &now), "no wish, it follows its own plan: lanes are dead") == 0);
    v.rung = RUNG_PLAN;
    CHECK(strcmp(why_of(t, &now), "no wish, it follows its own plan: nobody is there") == 0);
    free(t);
}

static double
number(const cJSON *in, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(in, name);
    CHECK(cJSON_IsNumber(v));
    return v->valuedouble;
}

TEST(all_but_the_reason_is_json_with_the_lanes_names)
{
    static struct forecast_seen zone;
    static struct heard h;
    struct tell *t = described();
    struct control_view v = plan_view();
    struct tell_second now = {.view = &v,
                              .phase = 0,
                              .age_s = 2,
                              .maximum_red_s = 120,
                              .now_ms = 100000,
                              .wall_us = 1790000000LL * 1000000};
    forecast_seen_init(&zone);
    memset(&h, 0, sizeof(h));
    v.decided_ms = 100000;
    v.steps_count = 1;
    v.steps[0] = (struct control_step){1, 11};
    tell_verdict(t, 1, false, bytes_text("too \"early\""));
    tell_verdict(t, 0, true, (struct bytes){0});
    tell_second(t, &zone, &now, hear, &h);
    for (int i = 0; i < TELL_VOICES; i++) {
        CHECK(h.count[i] == 1 && tell_voices[i].name && tell_voices[i].of);
        cJSON *tree = cJSON_Parse(h.text[i]);
        CHECK((i == TELL_WHY) == (tell_voices[i].kind == RESULT_TEXT));
        CHECK(i == TELL_WHY || cJSON_IsObject(tree));
        cJSON_Delete(tree);
    }
    CHECK(strcmp(h.text[TELL_QUEUE], "{\"phase\":0,\"age\":2,\"standing\":{\"a_0\":0,\"b\\\"1\":4},"
                                     "\"near\":{\"a_0\":2,\"b\\\"1\":6}}") == 0);
    CHECK(strcmp(h.text[TELL_TRUST], "{\"a_0\":100,\"b\\\"1\":100}") == 0);
    CHECK(strcmp(h.text[TELL_RUNG],
                 "{\"rung\":0,\"name\":\"plan\",\"why\":\"all sensors are good\"}") == 0);
    CHECK(strcmp(h.text[TELL_REFUSALS], "{\"granted\":1,\"refused\":1,\"phase\":1,"
                                        "\"reason\":\"too \\\"early\\\"\"}") == 0);
    cJSON *tree = cJSON_Parse(h.text[TELL_TIME_TO_GREEN]);
    const cJSON *moves = cJSON_GetObjectItemCaseSensitive(tree, "movements");
    CHECK(cJSON_GetArraySize(moves) == 2);
    const cJSON *green = cJSON_GetArrayItem(moves, 0), *red = cJSON_GetArrayItem(moves, 1);
    CHECK(number(green, "signalGroup") == 1 && number(red, "signalGroup") == 2);
    CHECK(strstr(h.text[TELL_TIME_TO_GREEN], "\"protected-Movement-Allowed\"}"));
    CHECK(number(red, "in_s") == 11);
    double p = number(red, "probability");
    CHECK(p > 0 && p < 1);
    const cJSON *timing = cJSON_GetObjectItemCaseSensitive(red, "timing");
    uint32_t mark = (uint32_t)(1790000000LL * 10 % 36000);
    CHECK(number(timing, "likelyTime") == (mark + 110) % 36000);
    CHECK(number(timing, "minEndTime") ==
          (mark + 80) % 36000); /* 4 of the phase's own minimum green, 3 + 1 */
    CHECK(number(timing, "maxEndTime") == (mark + 1180) % 36000); /* red for 2 s */
    CHECK(number(timing, "confidence") == tell_confidence((uint32_t)(p * 1000 + 0.5)));
    cJSON_Delete(tree);
    free(t);
}

TEST(nothing_new_is_not_said_again_and_news_wait_for_their_pause)
{
    static struct forecast_seen zone;
    static struct heard h;
    struct tell *t = described();
    struct control_view v = plan_view();
    struct tell_second now = {.view = &v, .phase = 0, .now_ms = 100000, .wall_us = 1};
    forecast_seen_init(&zone);
    memset(&h, 0, sizeof(h));
    v.steps_count = 0;
    for (int i = 0; i < 60; i++) {
        tell_second(t, &zone, &now, hear, &h);
        now.now_ms += 1000;
        now.age_s++;
    }
    CHECK(h.count[TELL_QUEUE] == 1 && h.count[TELL_TRUST] == 1 && h.count[TELL_RUNG] == 1);
    CHECK(h.count[TELL_REFUSALS] == 2); /* grants are counted on, each minute */
    CHECK(h.count[TELL_WHY] == 3);      /* new figures every 20 s */
    CHECK(h.count[TELL_TIME_TO_GREEN] <= 30);
    v.queue[0] = 1;
    tell_second(t, &zone, &now, hear, &h);
    CHECK(h.count[TELL_QUEUE] == 2);
    for (int i = 0; i < 4; i++) {
        v.queue[0]++;
        now.now_ms += 1000;
        tell_second(t, &zone, &now, hear, &h);
    }
    CHECK(h.count[TELL_QUEUE] == 2);
    now.now_ms += 1000;
    tell_second(t, &zone, &now, hear, &h);
    CHECK(h.count[TELL_QUEUE] == 3 && strstr(h.text[TELL_QUEUE], "{\"a_0\":5"));
    v.rung = RUNG_LOCAL;
    v.rung_why = "no sensor is believed";
    now.now_ms += 1000;
    tell_second(t, &zone, &now, hear, &h);
    CHECK(h.count[TELL_RUNG] == 2 && strstr(h.text[TELL_RUNG], "\"its own plan\""));
    free(t);
}

/* T1: an intersection whose figures change every second, for an hour. */
TEST(a_hundred_busy_intersections_stay_below_the_budget)
{
    static struct forecast_seen zone;
    static struct heard h;
    struct tell *t = described();
    struct control_view v = plan_view();
    struct tell_second now = {.view = &v, .phase = 0, .now_ms = 100000, .wall_us = 1};
    forecast_seen_init(&zone);
    memset(&h, 0, sizeof(h));
    for (uint32_t i = 0; i < 3600; i++) {
        uint32_t in = i % 12; /* eight seconds of green, four on the way */
        now.phase = in < 8 ? (int32_t)(i / 12 % 2) : -1;
        now.age_s = in < 8 ? in : in - 8;
        v.queue[0] = (uint16_t)(i % 7);
        v.near[1] = (uint16_t)(i % 11);
        v.trust_percent[0] = (uint8_t)(50 + i % 50);
        v.wish = now.phase < 0 ? (int32_t)((i / 12 + 1) % 2) : now.phase;
        v.second_best = 1 - v.wish;
        v.decided_ms = now.now_ms;
        v.steps_count = 1;
        v.steps[0] = (struct control_step){(uint8_t)((i / 12 + 1) % 2), (uint16_t)(12 - in)};
        tell_second(t, &zone, &now, hear, &h);
        now.now_ms += 1000;
        now.wall_us += 1000000;
    }
    uint32_t all = 0;
    for (int i = 0; i < TELL_VOICES; i++)
        all += h.count[i];
    CHECK(all * 100 / 3600 < 150); /* of the 200 a second that the core takes */
    CHECK(h.count[TELL_QUEUE] > 300 && h.count[TELL_TIME_TO_GREEN] > 500);
    free(t);
}

/* Two phases as a clock: after an hour it knows, and says how well it knew. */
TEST(the_record_stands_beside_the_forecast)
{
    static struct forecast_seen zone;
    static struct heard h;
    struct tell *t = described();
    struct control_view v = plan_view();
    struct tell_second now = {.view = &v, .now_ms = 100000, .wall_us = 1};
    forecast_seen_init(&zone);
    memset(&h, 0, sizeof(h));
    for (uint32_t i = 0; i < 3600; i++) {
        uint32_t in = i % 14;
        now.phase = in < 10 ? (int32_t)(i / 14 % 2) : -1;
        now.age_s = in < 10 ? in : in - 10;
        v.steps_count = 0;
        v.wish = NO_WISH;
        tell_second(t, &zone, &now, hear, &h);
        now.now_ms += 1000;
        now.wall_us += 1000000;
    }
    cJSON *tree = cJSON_Parse(h.text[TELL_TIME_TO_GREEN]);
    const cJSON *record = cJSON_GetObjectItemCaseSensitive(tree, "record");
    CHECK(record && number(record, "said") >= 0.7 && number(record, "said") <= 0.9);
    CHECK(number(record, "happened") > 0.9 && number(record, "times") >= 30); /* it was modest */
    cJSON_Delete(tree);
    free(t);
}

TEST(confidence_is_that_of_the_standard)
{
    static const struct {
        uint32_t permille, class;
    } rows[] = {{0, 0},   {359, 0}, {360, 1},  {500, 2},  {680, 5},  {800, 7},
                {810, 8}, {850, 9}, {900, 10}, {979, 13}, {980, 14}, {1000, 15}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK(tell_confidence(rows[i].permille) == rows[i].class);
}

TEST(many_lanes_with_long_names_still_fit_or_say_how_many_did_not)
{
    static struct forecast_seen zone;
    static struct signals_model m;
    struct heard *h = calloc(1, sizeof(*h));
    struct tell *t = calloc(1, sizeof(*t));
    struct control_view v = {.rung_why = "x", .wish = 0, .second_best = NO_WISH};
    struct tell_second now = {.view = &v, .phase = 0, .now_ms = 5000, .wall_us = 1};
    CHECK(t && h);
    m.phases_count = 32;
    m.links_count = m.lanes_count = 64;
    m.exits_count = 1;
    for (uint32_t k = 0; k < 64; k++) {
        m.link_lane[k] = (uint8_t)k;
        m.lights[k % 32][k] = LIGHT_GREEN;
        m.lights[(k + k / 32) % 32][k] = LIGHT_YIELDS;
    }
    struct buf b;
    buf_init(&b, 65536);
    buf_text(&b, "{\"properties\":{\"lanes\":[");
    for (int k = 0; k < 64; k++)
        buf_format(&b, "%s\"%c%099d\"", k ? "," : "", 'a', k);
    buf_text(&b, "]}}");
    CHECK_OK(tell_describe(t, &m, buf_bytes(&b)));
    CHECK(t->forecast.groups_count == 64);
    forecast_seen_init(&zone);
    tell_second(t, &zone, &now, hear, h);
    CHECK(h->count[TELL_QUEUE] == 1 && h->count[TELL_TIME_TO_GREEN] == 1);
    cJSON *tree = cJSON_Parse(h->text[TELL_TIME_TO_GREEN]);
    const cJSON *moves = cJSON_GetObjectItemCaseSensitive(tree, "movements");
    CHECK(tree && cJSON_GetArraySize(moves) + number(tree, "more") == 64);
    cJSON_Delete(tree);
    free(h);
    free(t);
    buf_fini(&b);
}
