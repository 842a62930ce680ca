#include "sensorthings/fixture.h"
#include "base/test.h"

/* Datastream 1 with n rows one minute apart, two at a time share a minute; 2 with every third. */
static struct fixture *
rows(int n)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    for (int i = 0; i < n; i++) {
        char body[200];
        snprintf(body, sizeof(body),
                 "{\"phenomenonTime\":\"2026-03-01T10:%02d:00Z\",\"result\":%d}", i / 2, i);
        CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", body) == 201);
        if (i % 3 == 0)
            CHECK(fixture_post(f, "/v1.1/Datastreams(2)/Observations", body) == 201);
    }
    return f;
}

static bool
says(struct fixture *f, int status, const char *target, const char *what)
{
    int is = fixture_get_text(f, target);
    bool all = is == status && (!what || strstr(buf_string(&f->out), what));
    if (!all)
        printf("%s\n  %d %s\n", target, is, buf_string(&f->out));
    return all;
}

/* Follow next links; what stands behind `mark` up to `end` in each page, joined. */
static int
follow(struct fixture *f, const char *target, const char *mark, const char *end, char *list,
       size_t size)
{
    char next[4096];
    size_t len = 0;
    int pages = 0;
    snprintf(next, sizeof(next), "%s", target);
    list[0] = 0;
    while (next[0]) {
        CHECK(++pages < 100);
        CHECK(fixture_get_text(f, next) == 200);
        const char *body = buf_string(&f->out);
        for (const char *at = body; (at = strstr(at, mark)) != NULL;) {
            at += strlen(mark);
            len += (size_t)snprintf(list + len, size - len, "%.*s ", (int)strcspn(at, end), at);
            CHECK(len < size);
        }
        const char *link = strstr(body, "nextLink\":\"" FIXTURE_BASE);
        next[0] = 0;
        if (link)
            snprintf(next, sizeof(next), "/v1.1%.*s", (int)strcspn(link + 25, "\""), link + 25);
    }
    return pages;
}

TEST(a_data_array_has_a_group_for_each_stream)
{
    struct fixture *f = rows(4);
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/Observations?$resultFormat=dataArray&$top=2", NULL));
    CHECK(bytes_start(
        buf_bytes(&f->out),
        "{\"value\":[{\"Datastream@iot.navigationLink\":\"https://c/v1.1/Datastreams(1)\","
        "\"components\":[\"id\",\"phenomenonTime\",\"result\",\"resultTime\"],\"dataArray\":["
        "[4294967297,\"2026-03-01T10:00:00.000Z\",0,null],"
        "[4294967298,\"2026-03-01T10:00:00.000Z\",1,null]],"
        "\"dataArray@iot.count\":2}],\"@iot.nextLink\":\"https://c/v1.1/Datastreams(1)/"
        "Observations?$top=2&$resultFormat=dataArray&$skiptoken="));
    CHECK(f->report.rows == 2);
    CHECK(says(f, 200,
               "/v1.1/Observations?$resultFormat=dataArray&$select=result&$count=true&$orderby="
               "result desc",
               "{\"@iot.count\":6,\"value\":[{\"Datastream@iot.navigationLink\":\"https://c/v1.1/"
               "Datastreams(2)\",\"components\":[\"result\"],\"dataArray\":[[3],[0]],\"dataArray@"
               "iot.count\":2},{\"Datastream@iot.navigationLink\":\"https://c/v1.1/Datastreams(1)\""
               ",\"components\":[\"result\"],\"dataArray\":[[3],[2],[1],[0]],\"dataArray@iot.count"
               "\":4}]}"));
    CHECK(says(f, 200,
               "/v1.1/Datastreams(1)/"
               "Observations?$resultFormat=dataArray&$select=id,FeatureOfInterest&$top=1",
               "\"components\":[\"id\",\"FeatureOfInterest/id\"],\"dataArray\":[[4294967297,1]]"));
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/Observations?$resultFormat=dataArray&$filter=false",
               "{\"value\":[]}"));
    fixture_free(f);
}

TEST(a_data_array_leaves_nothing_out_that_a_row_has)
{
    struct fixture *f = rows(2);
    CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations",
                       "{\"phenomenonTime\":\"2026-03-01T11:00:00Z\",\"result\":\"x\","
                       "\"parameters\":{\"p\":1}}") == 201);
    static const char *const targets[] = {
        "/v1.1/Datastreams(1)/Observations?$resultFormat=dataArray",
        "/v1.1/Datastreams(1)/Observations?$resultFormat=dataArray&$orderby=id"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        CHECK(says(f, 200, targets[i],
                   "\"components\":[\"id\",\"phenomenonTime\",\"result\",\"resultTime\","
                   "\"resultQuality\",\"validTime\",\"parameters\"]"));
        CHECK(strstr(buf_string(&f->out), "null,null,null],"));
        CHECK(strstr(buf_string(&f->out), "\"x\",null,null,null,{\"p\":1}]],\"dataArray@iot."
                                          "count\":3}]}"));
        CHECK(f->report.rows == 3);
    }
    fixture_free(f);
}

TEST(every_order_and_form_pages_without_loss)
{
    struct fixture *f = rows(11);
    static const char *const plain = "0 1 2 3 4 5 6 7 8 9 10 ";
    static const char *const back = "10 9 8 7 6 5 4 3 2 1 0 ";
    static const char *const asked[][2] = {
        {"/v1.1/Datastreams(1)/Observations?", plain},
        {"/v1.1/Datastreams(1)/Observations?$orderby=phenomenonTime desc&", back},
        {"/v1.1/Datastreams(1)/Observations?$orderby=result&", plain},
        {"/v1.1/Datastreams(1)/Observations?$orderby=id desc&", back},
        {"/v1.1/Datastreams(1)/Observations?$filter=result mod 2 eq 0&", "0 2 4 6 8 10 "},
        {"/v1.1/Datastreams(1)/Observations?$skip=3&", "3 4 5 6 7 8 9 10 "},
        {"/v1.1/Datastreams(1)/Observations?$count=true&", plain},
        {"/v1.1/Datastreams(1)/Observations?$count=true&$filter=result gt 7&", "8 9 10 "},
    };
    char target[512];
    static char list[64 * 1024];
    for (size_t i = 0; i < ARRAY_COUNT(asked); i++)
        for (int top = 1; top <= 12; top++) {
            snprintf(target, sizeof(target), "%s$select=result&$top=%d", asked[i][0], top);
            follow(f, target, "\"result\":", "},", list, sizeof(list));
            CHECK(strcmp(list, asked[i][1]) == 0);
            snprintf(target, sizeof(target), "%s$select=result&$resultFormat=dataArray&$top=%d",
                     asked[i][0], top);
            follow(f, target, "[[", "{", list, sizeof(list));
            for (const char *want = asked[i][1]; *want; want += strcspn(want, " ") + 1)
                CHECK(strstr(list, (char[]){want[0], 0}));
        }
    CHECK(follow(f, "/v1.1/Datastreams(1)/Observations/$ref?$top=4", "Observations(4294967", ")",
                 list, sizeof(list)) == 3);
    CHECK(strcmp(list, "297 298 299 300 301 302 303 304 305 306 307 ") == 0);
    fixture_free(f);
}

TEST(next_links_of_expansions_go_on)
{
    struct fixture *f = rows(6);
    char target[4096];
    CHECK(says(f, 200, "/v1.1/Things?$expand=Datastreams/Observations($top=2;$select=result)",
               "\"Observations\":[{\"result\":0},{\"result\":1}],\"Observations@iot.nextLink\":"
               "\"https://c/v1.1/Datastreams(1)/Observations?$top=2&$select=result&$skiptoken="));
    const char *link = strstr(buf_string(&f->out), "nextLink\":\"" FIXTURE_BASE) + 25;
    snprintf(target, sizeof(target), "/v1.1%.*s", (int)strcspn(link, "\""), link);
    CHECK(says(f, 200, target, "{\"value\":[{\"result\":2},{\"result\":3}],\"@iot.nextLink\":"));
    fixture_free(f);
}

TEST(paths_through_sets_ask_for_one_member)
{
    struct fixture *f = rows(6);
    static const char *const things[][2] = {
        {"Datastreams/name eq 'south'", "1"},
        {"Datastreams/name eq 'east'", "0"},
        {"Datastreams/Observations/result gt 4", "1"},
        {"Datastreams/Observations/result gt 5", "0"},
        /* one Datastream and one Observation for both: 5 is in north only */
        {"Datastreams/name eq 'south' and Datastreams/Observations/result eq 3", "1"},
        {"Datastreams/name eq 'south' and Datastreams/Observations/result eq 5", "0"},
        {"Datastreams/Observations/result eq 3 and Datastreams/Observations/phenomenonTime lt "
         "2026-03-01T10:01:00Z",
         "0"},
        {"Datastreams/Observations/result eq 3 and Datastreams/Observations/phenomenonTime ge "
         "2026-03-01T10:01:00Z",
         "1"},
        {"Datastreams/Observations/FeatureOfInterest/name eq 'square'", "1"},
        {"Locations/name eq 'square' and Datastreams/name eq 'north'", "1"},
        {"Locations/name eq 'circle' or Datastreams/name eq 'north'", "1"},
        {"HistoricalLocations/time gt 2000-01-01T00:00:00Z", "1"},
        {"Datastreams/Sensor/Datastreams/Thing/name eq 'junction'", "1"},
    };
    char target[512], count[32];
    for (size_t i = 0; i < ARRAY_COUNT(things); i++) {
        snprintf(target, sizeof(target), "/v1.1/Things?$count=true&$top=0&$filter=%s",
                 things[i][0]);
        snprintf(count, sizeof(count), "\"@iot.count\":%s,", things[i][1]);
        CHECK(says(f, 200, target, count));
    }
    /* an Observation whose Datastream has a larger one, page by page */
    char list[256];
    follow(f,
           "/v1.1/Observations?$select=result&$top=1&$filter=Datastream/Observations/result gt 4",
           "\"result\":", "},", list, sizeof(list));
    CHECK(strcmp(list, "0 1 2 3 4 5 ") == 0);
    CHECK(says(f, 400, "/v1.1/Things?$orderby=Datastreams/name", "ordered by one value"));
    CHECK(says(f, 200,
               "/v1.1/Things?$top=1&$filter=Datastreams/name ne 'x'&$select=name&$expand="
               "Datastreams($filter=Observations/result eq 5;$select=name)",
               "\"Datastreams\":[{\"name\":\"north\"}]"));
    fixture_free(f);
}

TEST(members_of_sets_count_against_the_budget)
{
    struct fixture *f = rows(20);
    struct sta_request request;
    struct sta_view view = fixture_view(f);
    view.examined_max = 15;
    arena_reset(&f->arena);
    buf_reset(&f->out);
    CHECK_OK(sta_request_parse(bytes_text("/v1.1/Things?$filter=Datastreams/Observations/result%20"
                                          "gt%2099"),
                               &f->arena, &request, &f->error));
    CHECK(sta_answer(&view, &request, &f->out, &f->report, &f->error) == ERR_LIMIT);
    CHECK(f->error.status == 413 && strstr(f->error.text, "more than 15 rows"));
    fixture_free(f);
}

TEST(multi_datastreams_are_read_like_datastreams)
{
    struct fixture *f = rows(2);
    CHECK(fixture_post(f, "/v1.1/Things(1)/MultiDatastreams",
                       FIXTURE_MULTI("\"OM_Measurement\",\"OM_CountObservation\"",
                                     FIXTURE_UNIT "," FIXTURE_UNIT) "}") == 201);
    for (int i = 0; i < 3; i++) {
        char body[200];
        snprintf(body, sizeof(body),
                 "{\"phenomenonTime\":\"2026-03-01T11:%02d:00Z\",\"result\":[%d.5,%d]}", i, i,
                 10 + i);
        CHECK(fixture_post(f, "/v1.1/MultiDatastreams(3)/Observations", body) == 201);
    }
    CHECK(says(f, 200, "/v1.1/MultiDatastreams(3)/Observations?$top=1",
               "\"MultiDatastream@iot.navigationLink\":\"https://c/v1.1/"
               "Observations(12884901889)/MultiDatastream\""));
    CHECK(!strstr(buf_string(&f->out), "\"Datastream@iot"));
    CHECK(says(f, 200, "/v1.1/MultiDatastreams(3)/Observations?$top=1&$select=Datastream,result",
               "{\"value\":[{\"result\":[0.5,10]}]"));
    CHECK(says(f, 200,
               "/v1.1/Observations?$resultFormat=dataArray&$select=result&$filter=result/1 gt 10",
               "{\"value\":[{\"MultiDatastream@iot.navigationLink\":\"https://c/v1.1/"
               "MultiDatastreams(3)\",\"components\":[\"result\"],\"dataArray\":[[[1.5,11]],"
               "[[2.5,12]]],\"dataArray@iot.count\":2}]}"));
    CHECK(says(f, 200, "/v1.1/MultiDatastreams(3)/ObservedProperties?$select=name",
               "[{\"name\":\"speed\"},{\"name\":\"count\"}]"));
    /* made in another order than their ids have: the order is that of the results' parts */
    CHECK(fixture_post(
              f, "/v1.1/MultiDatastreams",
              "{\"name\":\"turned\",\"description\":\"d\",\"multiObservationDataTypes\":["
              "\"OM_Measurement\",\"OM_Measurement\",\"OM_Measurement\"],"
              "\"unitOfMeasurements\":[" FIXTURE_UNIT "," FIXTURE_UNIT "," FIXTURE_UNIT
              "],\"Thing\":{\"@iot.id\":1},\"Sensor\":{\"@iot.id\":1},"
              "\"ObservedProperties\":[{\"@iot.id\":4},{\"@iot.id\":1},{\"@iot.id\":3}]}") == 201);
    for (int top = 1; top <= 4; top++) {
        char target[128], list[128];
        snprintf(target, sizeof(target),
                 "/v1.1/MultiDatastreams(4)/ObservedProperties?$select=id&$top=%d", top);
        follow(f, target, "\"@iot.id\":", "}", list, sizeof(list));
        CHECK(strcmp(list, "4 1 3 ") == 0);
    }
    CHECK(says(f, 200,
               "/v1.1/MultiDatastreams(4)/ObservedProperties?$select=id&$orderby=id&$skip=1",
               "[{\"@iot.id\":3},{\"@iot.id\":4}]"));
    CHECK(says(f, 200,
               "/v1.1/MultiDatastreams(4)/ObservedProperties?$select=id&$skip=1&$count=true",
               "{\"@iot.count\":3,\"value\":[{\"@iot.id\":1},{\"@iot.id\":3}]"));
    CHECK(says(f, 200, "/v1.1/MultiDatastreams(4)?$expand=ObservedProperties($select=id)",
               "\"ObservedProperties\":[{\"@iot.id\":4},{\"@iot.id\":1},{\"@iot.id\":3}]"));
    CHECK(says(f, 200, "/v1.1/Observations(12884901889)/MultiDatastream/name/$value", "m"));
    CHECK(says(f, 404, "/v1.1/Observations(12884901889)/Datastream", NULL));
    CHECK(says(f, 200, "/v1.1/Observations(12884901889)/result/1/$value", "10"));
    CHECK(says(f, 200,
               "/v1.1/Things?$filter=MultiDatastreams/Observations/result/0 gt "
               "2&$expand=MultiDatastreams($select=name;$expand=Observations($top=1;$orderby="
               "phenomenonTime desc;$select=result))&$select=name",
               "{\"name\":\"junction\",\"MultiDatastreams\":[{\"name\":\"m\",\"Observations\":[{"
               "\"result\":[2.5,12]}]"));
    CHECK(says(f, 200, "/v1.1/FeaturesOfInterest(1)/Observations?$top=0&$count=true",
               "\"@iot.count\":6"));
    CHECK(says(f, 200,
               "/v1.1/FeaturesOfInterest?$top=0&$count=true&$filter=Observations/result/1 eq 11",
               "\"@iot.count\":1"));
    CHECK(says(f, 200, "/v1.1/Observations?$top=0&$count=true&$filter=MultiDatastream/id eq 3",
               "\"@iot.count\":3"));
    CHECK(says(f, 200, "/v1.1/MultiDatastreams(3)/phenomenonTime/$value",
               "2026-03-01T11:00:00.000Z/2026-03-01T11:02:00.000Z"));
    CHECK(says(f, 404, "/v1.1/Actuators", NULL)); /* a zone without commands */
    fixture_free(f);
}

TEST(streams_that_cannot_matter_are_not_opened)
{
    struct fixture *f = rows(6);
    for (int i = 0; i < 30; i++) { /* streams 3 to 32, each an hour later than the one before */
        char path[64], body[120];
        CHECK(fixture_post(f, "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("more") "}") == 201);
        snprintf(path, sizeof(path), "/v1.1/Datastreams(%d)/Observations", 3 + i);
        snprintf(body, sizeof(body),
                 "{\"phenomenonTime\":\"2026-03-%02dT00:00:00Z\",\"result\":%d}", 2 + i % 28,
                 100 + i);
        CHECK(fixture_post(f, path, body) == 201);
    }
    CHECK(says(f, 200, "/v1.1/Observations?$top=2&$select=result",
               "[{\"result\":0},{\"result\":1}]"));
    CHECK(f->report.examined < 4 * 20);
    CHECK(says(f, 200, "/v1.1/Observations?$top=1&$select=result&$orderby=phenomenonTime desc",
               "[{\"result\":127}]"));
    CHECK(f->report.examined < 4 * 20);
    CHECK(says(f, 200,
               "/v1.1/Observations?$count=true&$top=1&$select=result&$filter=Datastream/name eq "
               "'more' and Datastream/id eq 9 and Datastream/Thing/name ne null",
               "{\"@iot.count\":1,\"value\":[{\"result\":106}]}"));
    CHECK(f->report.examined < 2 * 20);
    CHECK(says(f, 200,
               "/v1.1/Observations?$count=true&$top=0&$filter=Datastream/name eq 'more' or result "
               "eq 5",
               "\"@iot.count\":31"));
    fixture_free(f);
}
