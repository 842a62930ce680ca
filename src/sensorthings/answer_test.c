#include "sensorthings/fixture.h"
#include "base/random.h"
#include "base/test.h"

static struct fixture *
city(void)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    static const char *const bodies[] = {
        "{\"phenomenonTime\":\"2026-03-01T10:00:00Z\",\"result\":5}",
        "{\"phenomenonTime\":\"2026-03-01T09:00:00Z\",\"result\":7.5}",
        "{\"phenomenonTime\":\"2026-03-01T11:00:00Z\",\"result\":\"jam\"}",
        "{\"phenomenonTime\":\"2026-03-01T12:00:00Z/2026-03-01T13:00:00Z\",\"result\":null}",
        "{\"phenomenonTime\":\"2026-03-01T10:00:00Z\",\"result\":-1,\"parameters\":{\"v\":3}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++)
        CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", bodies[i]) == 201);
    CHECK(fixture_post(f, "/v1.1/Datastreams(2)/Observations",
                       "{\"phenomenonTime\":\"2026-03-01T10:30:00Z\",\"result\":50}") == 201);
    CHECK(fixture_post_as(
              f, "secret", "/v1.1/Things",
              "{\"name\":\"bunker\",\"description\":\"d\",\"Locations\":[" FIXTURE_LOCATION
              "],\"Datastreams\":[" FIXTURE_STREAM(
                  "hidden") ",\"Observations\":[{\"result\":99}]}]}") == 201);
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

/* The answer's result values, in order, as one text. */
static bool
results(struct fixture *f, const char *options, const char *expected)
{
    char target[512], list[512];
    size_t len = 0;
    snprintf(target, sizeof(target), "/v1.1/Datastreams(1)/Observations?$select=result%s", options);
    int status = fixture_get_text(f, target);
    const char *body = buf_string(&f->out);
    for (const char *at = strstr(body, "\"result\":"); at; at = strstr(at, "\"result\":")) {
        at += 9;
        size_t n = strcspn(at, "}");
        memcpy(list + len, at, n);
        len += n;
        list[len++] = ' ';
    }
    list[len] = 0;
    bool same = status == 200 && strcmp(list, expected) == 0;
    if (!same)
        printf("%s\n  %d %s\n  %s\n", target, status, list, body);
    return same;
}

TEST(the_root_lists_sets_and_what_holds)
{
    struct fixture *f = city();
    CHECK(says(f, 200, "/v1.1", "{\"name\":\"Things\",\"url\":\"https://c/v1.1/Things\"}"));
    CHECK(says(f, 200, "/v1.1", "req/datamodel/thing\""));
    CHECK(!strstr(buf_string(&f->out), "mqtt"));
    fixture_free(f);
}

TEST(paths_lead_to_entities_sets_properties_and_values)
{
    struct fixture *f = city();
    CHECK(says(f, 200, "/v1.1/Things(1)",
               "{\"@iot.id\":1,\"@iot.selfLink\":\"https://c/v1.1/Things(1)\""));
    CHECK(strstr(buf_string(&f->out),
                 "\"Datastreams@iot.navigationLink\":\"https://c/v1.1/Things(1)/Datastreams\""));
    CHECK(!strstr(buf_string(&f->out), "Feature@iot"));
    CHECK(says(f, 200, "/v1.1/Things(1)/name", "{\"name\":\"junction\"}"));
    CHECK(says(f, 200, "/v1.1/Things(1)/name/$value", NULL));
    CHECK(strcmp(buf_string(&f->out), "junction") == 0);
    CHECK(says(f, 200, "/v1.1/Things(1)/properties/owner/name/$value", "city"));
    CHECK(says(f, 404, "/v1.1/Things(1)/properties/owner/colour", NULL));
    CHECK(says(f, 204, "/v1.1/Observations(4294967297)/parameters/$value", NULL));
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/observedArea",
               "{\"observedArea\":{\"type\":\"Point\","
               "\"coordinates\":[1,2]}}"));
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/phenomenonTime/$value",
               "2026-03-01T09:00:00.000Z/2026-03-01T13:00:00.000Z"));
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/Thing", "\"name\":\"junction\""));
    CHECK(says(f, 200, "/v1.1/Datastreams(2)/Thing/Datastreams(1)/Sensor", "\"metadata\":\"m\""));
    CHECK(says(f, 200, "/v1.1/Things(1)/Datastreams/$ref",
               "[{\"@iot.selfLink\":\"https://c/v1.1/Datastreams(1)\"}"));
    CHECK(says(f, 200, "/v1.1/Things(1)/Datastreams(1)/Observations(4294967297)/FeatureOfInterest",
               "\"square\""));
    CHECK(says(f, 200, "/v1.1/Observations(4294967297)/result/$value", "5"));
    CHECK(says(f, 200, "/v1.1/Observations(4294967301)/parameters/v", "{\"v\":3}"));
    CHECK(says(f, 200, "/v1.1/FeaturesOfInterest(1)/Observations?$top=0&$count=true",
               "\"@iot.count\":6"));
    fixture_free(f);
}

TEST(a_step_must_hold)
{
    struct fixture *f = city();
    CHECK(says(f, 404, "/v1.1/Things(1)/Datastreams(3)", "nothing at this path"));
    CHECK(says(f, 404, "/v1.1/Things(9)", NULL) &&
          says(f, 404, "/v1.1/Things(9)/Datastreams", NULL));
    CHECK(says(f, 404, "/v1.1/Things(9223372036854775807)", NULL));
    CHECK(says(f, 404, "/v1.1/Datastreams(2)/Observations(4294967297)", NULL));
    CHECK(says(f, 404, "/v1.1/Observations(1)", NULL));
    CHECK(says(f, 404, "/v1.1/Observations(4294967396)", NULL));
    fixture_free(f);
}

TEST(options_are_strict)
{
    struct fixture *f = city();
    CHECK(says(f, 400, "/v1.1/Things?$top=-1", "$top") &&
          says(f, 400, "/v1.1/Things?$skip=x", "$skip"));
    CHECK(says(f, 400, "/v1.1/Things?$top=1&$top=1", "twice"));
    CHECK(says(f, 400, "/v1.1/Things?$colour=1", "no query option"));
    CHECK(says(f, 400, "/v1.1/Things?top=1", "no query option"));
    CHECK(says(f, 501, "/v1.1/Things?$search=x", "not supported"));
    CHECK(says(f, 400, "/v1.1/Things?$count=yes", "true or false"));
    CHECK(says(f, 400, "/v1.1/Things?$select=colour", "no 'colour'"));
    CHECK(says(f, 400, "/v1.1/Things?$expand=Sensors", "no relation"));
    CHECK(says(f, 400, "/v1.1/Things?$orderby=name%20up", "asc or desc"));
    CHECK(says(f, 200, "/v1.1/Things?$orderby=length(name)%20desc,name", "value"));
    CHECK(says(f, 400, "/v1.1/Things?$orderby=length(5)", "text"));
    CHECK(says(f, 400, "/v1.1/Things?$orderby=length(name)x", "end of the path"));
    CHECK(says(f, 400, "/v1.1/Things?$orderby=nothing(name)", "nothing"));
    CHECK(says(f, 400, "/v1.1/Things?$expand=Datastreams,", "no relation"));
    CHECK(says(f, 400, "/v1.1/Things?$filter=%zz", "percent-encoded"));
    CHECK(says(f, 400, "/v1.1/Things(1)?$top=1", "one entity"));
    CHECK(says(f, 400, "/v1.1/Things(1)/name?$select=name", "no query options"));
    CHECK(says(f, 400, "/v1.1/Observations?$resultFormat=table", "is dataArray"));
    CHECK(says(f, 400, "/v1.1/Things?$resultFormat=dataArray", "for Observations"));
    CHECK(says(f, 400, "/v1.1/Observations?$resultFormat=dataArray&$expand=Datastream",
               "takes no $expand"));
    CHECK(says(f, 400, "/v1.1/Things?$skiptoken=00", "$skiptoken"));
    fixture_free(f);
}

TEST(filters_compare_by_kind)
{
    struct fixture *f = city();
    CHECK(results(f, "", "7.5 5 -1 \"jam\" null "));
    CHECK(results(f, "&$filter=result gt 0", "7.5 5 "));
    CHECK(results(f, "&$filter=result+gt+0", "7.5 5 "));
    CHECK(results(f, "&$filter=not (result gt 0)", "-1 ")); /* unknown stays unknown */
    CHECK(results(f, "&$filter=result eq 'jam'", "\"jam\" "));
    CHECK(results(f, "&$filter=result eq null", "null "));
    CHECK(results(f, "&$filter=result ne null", "7.5 5 -1 \"jam\" "));
    CHECK(results(f, "&$filter=result eq 5 or result eq 'jam'", "5 \"jam\" "));
    CHECK(results(f, "&$filter=result add 1 mul 2 eq 7", "5 "));
    CHECK(results(f, "&$filter=(result add 1) mul 2 eq 17", "7.5 "));
    CHECK(results(f, "&$filter=result gt 6 or result lt 0 and result gt -5", "7.5 -1 "));
    CHECK(results(f, "&$filter=-result gt 0", "-1 "));
    CHECK(results(f, "&$filter=result div 0 eq 1", ""));
    CHECK(results(f, "&$filter=parameters/v eq 3", "-1 "));
    CHECK(results(f, "&$filter=id eq 4294967297", "5 "));
    CHECK(results(f, "&$filter=Datastream/Thing/properties/owner/name eq 'city' and result eq 5",
                  "5 "));
    CHECK(results(f, "&$filter=round(result) eq 8 or floor(result) eq 7 and ceiling(result) eq 8",
                  "7.5 "));
    fixture_free(f);
}

TEST(filters_know_times)
{
    struct fixture *f = city();
    CHECK(results(f, "&$filter=phenomenonTime gt 2026-03-01T10:00:00Z", "\"jam\" null "));
    CHECK(
        results(f, "&$filter=phenomenonTime ge 2026-03-01T12:00:00%2B02:00", "5 -1 \"jam\" null "));
    CHECK(results(f, "&$filter=phenomenonTime ge 2026-03-01T12:00:00+02:00", "5 -1 \"jam\" null "));
    CHECK(results(f, "&$filter=phenomenonTime lt '2026-03-01T10:00:00Z'", "7.5 "));
    CHECK(results(f, "&$filter=2026-03-01T10:00:00Z gt phenomenonTime", "7.5 "));
    CHECK(results(f, "&$filter=phenomenonTime le 2026-03-01T10:00:00.000Z", "7.5 5 -1 "));
    CHECK(results(f, "&$filter=phenomenonTime eq 2026-03-01T12:00:00Z/2026-03-01T13:00:00Z",
                  "null "));
    CHECK(results(f, "&$filter=hour(phenomenonTime) eq 9", "7.5 "));
    CHECK(results(f,
                  "&$filter=date(phenomenonTime) eq 2026-03-01 and minute(phenomenonTime) eq 0 and "
                  "result eq 5",
                  "5 "));
    CHECK(results(f, "&$filter=time(phenomenonTime) ge 11:00:00", "\"jam\" null "));
    CHECK(results(f, "&$filter=phenomenonTime add duration'PT2H' gt now()", "\"jam\" null "));
    CHECK(results(f, "&$filter=now() sub phenomenonTime gt duration'PT2H30M'", "7.5 "));
    CHECK(results(f,
                  "&$filter=phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() "
                  "and year(phenomenonTime) eq 2026",
                  "7.5 5 -1 \"jam\" null "));
    fixture_free(f);
}

TEST(text_functions_have_the_needle_first)
{
    struct fixture *f = city();
    static const char *const true_ones[] = {"substringof('unct',name)",
                                            "startswith(name,'junc')",
                                            "endswith(name,'ion')",
                                            "length(name) eq 8",
                                            "indexof(name,'n') eq 2",
                                            "substring(name,4) eq 'tion'",
                                            "substring(name,1,2) eq 'un'",
                                            "toupper(name) eq 'JUNCTION'",
                                            "tolower('ABC') eq 'abc'",
                                            "trim('  x ') eq 'x'",
                                            "concat(name,'''s') eq 'junction''s'",
                                            "length('\xc3\xa9') eq 1",
                                            "name gt 'a' and not startswith(name,'x')",
                                            "properties/lanes eq 4",
                                            "properties/none eq null",
                                            "true",
                                            "name ne null"};
    static const char *const false_ones[] = {"substringof(name,'unct')",
                                             "endswith(name,'xjunction')",
                                             "properties/lanes eq '4'",
                                             "false",
                                             "null",
                                             "properties/none gt 1",
                                             "not (properties/none gt 1)"};
    char target[256];
    for (size_t i = 0; i < ARRAY_COUNT(true_ones); i++) {
        snprintf(target, sizeof(target), "/v1.1/Things?$count=true&$top=0&$filter=id eq 1 and (%s)",
                 true_ones[i]);
        CHECK(says(f, 200, target, "\"@iot.count\":1,"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(false_ones); i++) {
        snprintf(target, sizeof(target), "/v1.1/Things?$count=true&$top=0&$filter=id eq 1 and (%s)",
                 false_ones[i]);
        CHECK(says(f, 200, target, "\"@iot.count\":0,"));
    }
    fixture_free(f);
}

TEST(filters_know_places)
{
    struct fixture *f = city(); /* the Location and the feature are at 1 2 */
    static const char *const held[] = {
        "st_within(location,geography'POLYGON ((0 0,4 0,4 4,0 4,0 0))')",
        "geo.intersects(location,geography'POINT (1 2)')",
        "st_intersects(geography'POINT (1 2)',location)",
        "st_equals(location,geography'POINT (1 2)')",
        "not st_disjoint(location,geography'POINT (1 2)')",
        "st_touches(location,geography'LINESTRING (1 2,5 5)')",
        "st_contains(geography'LINESTRING (0 2,5 2)',location)",
        "st_relate(location,geography'LINESTRING (0 2,5 2)','0FFFFF102')",
        "st_crosses(geography'LINESTRING (0 2,5 2)',geography'LINESTRING (1 0,1 5)')",
        "st_overlaps(geography'LINESTRING (0 2,5 2)',geography'LINESTRING (1 2,7 2)')",
        "geo.distance(location,geography'POINT (1 2)') eq 0",
        "geo.distance(location,geography'POINT (1 3)') gt 110500 and "
        "geo.distance(location,geography'POINT (1 3)') lt 110700",
        "round(geo.length(geography'LINESTRING (0 0,1 0)')) eq 111319",
        "geo.length(location) eq null",
        "geo.distance(properties,geography'POINT (1 2)') eq null",
        "Things/Datastreams/Observations/FeatureOfInterest/name eq 'square' and "
        "geo.distance(Things/Locations/location,geography'POINT (1 2)') lt 1",
    };
    static const char *const bad[][2] = {
        {"st_within(name,geography'POINT (1 1)')", "takes a geography as argument 1, not text"},
        {"st_within(location,geography'POINT (1 91)')", "expected WKT"},
        {"st_within(location,'POINT (1 1)')", "takes a geography as argument 2"},
        {"st_relate(location,location,'T')", "pattern of nine"},
        {"location eq geography'POINT (1 1)'", "'eq' cannot compare"},
        {"geo.distance(location,location)", "this is a number"},
    };
    char target[512];
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        snprintf(target, sizeof(target),
                 "/v1.1/Locations?$count=true&$top=1&$filter=id eq 1 and %s", held[i]);
        CHECK(says(f, 200, target, "\"@iot.count\":1,"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(target, sizeof(target), "/v1.1/Locations?$filter=%s", bad[i][0]);
        CHECK(says(f, 400, target, bad[i][1]));
    }
    CHECK(says(f, 200, /* the next link holds the shape as it was written */
               "/v1.1/Observations?$top=1&$filter=geo.distance(FeatureOfInterest/feature,geography'"
               "POINT (1 2)') lt 5&$select=id",
               "geography'POINT%20(1%202)'"));
    fixture_free(f);
}

TEST(an_observed_area_is_the_box_around_what_may_be_seen)
{
    struct fixture *f = city();
    static const char *const places[] = {"[5,1]", "[-3,4]", "[2,9]"};
    char body[400];
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        snprintf(body, sizeof(body),
                 "{\"result\":1,\"FeatureOfInterest\":{\"name\":\"n\",\"description\":\"d\","
                 "\"encodingType\":\"application/geo+json\",\"feature\":{\"type\":\"Point\","
                 "\"coordinates\":%s}}}",
                 places[i]);
        CHECK(fixture_post(f, "/v1.1/Datastreams(1)/Observations", body) == 201);
    }
    static const char box[] = "[[[-3,1],[5,1],[5,9],[-3,9],[-3,1]]]";
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/observedArea", box));
    CHECK(says(f, 200, "/v1.1/Datastreams?$select=observedArea", box));
    CHECK(says(f, 200,
               "/v1.1/Datastreams?$select=id&$filter=st_within(geography'POINT%20(4%208)',"
               "observedArea)",
               "{\"value\":[{\"@iot.id\":1}]}"));
    fixture_free(f);
}

TEST(a_result_time_is_null_unless_it_was_given)
{
    struct fixture *f = city();
    static const char at[] = "/v1.1/Datastreams(1)/Observations";
    CHECK(fixture_post(f, at, "{\"result\":41,\"phenomenonTime\":\"2026-03-02T00:00:00Z\"}") ==
          201);
    CHECK(fixture_post(f, at,
                       "{\"result\":42,\"phenomenonTime\":\"2026-03-02T00:00:00Z\","
                       "\"resultTime\":\"2026-03-02T01:00:00+01:00\",\"parameters\":{}}") == 201);
    CHECK(fixture_post(
              f, at,
              "{\"result\":43,\"phenomenonTime\":\"2026-03-01T00:00:00Z/2026-03-02T00:00:00Z\","
              "\"resultTime\":null}") == 201);
    CHECK(says(f, 200, "/v1.1/Observations?$filter=result%20eq%2041", "\"resultTime\":null"));
    CHECK(says(f, 200, "/v1.1/Observations?$filter=result%20eq%2042",
               "\"resultTime\":\"2026-03-02T00:00:00.000Z\",\"parameters\":{}}"));
    CHECK(says(f, 200, "/v1.1/Observations?$filter=result%20eq%2043", "\"resultTime\":null"));
    CHECK(results(f, "&$filter=result gt 40 and resultTime eq null&$orderby=result", "41 43 "));
    CHECK(results(f, "&$filter=result gt 40&$orderby=resultTime,result", "41 43 42 "));
    CHECK(results(f, "&$filter=result gt 40&$orderby=resultTime desc,result", "42 41 43 "));
    fixture_free(f);
}

TEST(filter_errors_name_place_and_expectation)
{
    struct fixture *f = city();
    static const char *const bad[][2] = {
        {"name gt 5", "at 5: 'gt' cannot compare text and a number"},
        {"name", "this is text"},
        {"name eq", "at 7: expected a property, a literal or '('"},
        {"(name eq 'x'", "expected ')'"},
        {"name eq 'x", "no closing quote"},
        {"colour eq 1", "Thing has no 'colour'"},
        {"name eq 'x' name", "expected an operator or the end"},
        {"length(1) eq 1", "length takes text as argument 1"},
        {"length(name,name) eq 1", "expected ')'"},
        {"foo(name)", "$filter, at 0: expected a function, such as"},
        {"not name eq 'x'", "use parentheses"},
        {"properties eq 1", "cannot compare a JSON object"},
        {"name and true", "'and' takes true or false"},
        {"Locations eq 'x'", "expected '/' and a property of Location"},
        {"id eq 01", "expected a number"},
        {"id add 'x' eq 1", "'add' cannot work on"},
    };
    char target[256];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(target, sizeof(target), "/v1.1/Things?$filter=%s", bad[i][0]);
        CHECK(says(f, 400, target, bad[i][1]));
    }
    fixture_free(f);
}

TEST(order_puts_nulls_first_and_breaks_ties_by_id)
{
    struct fixture *f = city();
    CHECK(results(f, "&$orderby=result", "null -1 5 7.5 \"jam\" "));
    CHECK(results(f, "&$orderby=result desc", "\"jam\" 7.5 5 -1 null "));
    CHECK(results(f, "&$orderby=phenomenonTime desc", "null \"jam\" -1 5 7.5 "));
    CHECK(results(f, "&$orderby=round(result) desc", "7.5 5 -1 null \"jam\" "));
    CHECK(results(f, "&$orderby=concat(Datastream/name,'x'),id desc", "-1 null \"jam\" 7.5 5 "));
    CHECK(results(f, "&$orderby=year(phenomenonTime),id", "5 7.5 \"jam\" null -1 "));
    CHECK(results(f, "&$orderby=phenomenonTime,result", "7.5 -1 5 \"jam\" null "));
    CHECK(results(f, "&$orderby=id desc&$top=2", "-1 null "));
    CHECK(results(f, "&$orderby=result&$skip=1&$top=2", "-1 5 "));
    CHECK(says(f, 200, "/v1.1/Datastreams?$orderby=Thing/name,name desc&$select=name",
               "[{\"name\":\"hidden\"},{\"name\":\"south\"},{\"name\":\"north\"}]"));
    fixture_free(f);
}

TEST(expand_and_select_nest)
{
    struct fixture *f = city();
    CHECK(says(f, 200,
               "/v1.1/Things(1)?$select=name&$expand=Datastreams($select=name;$orderby=name "
               "desc;$top=1;$count=true)",
               "{\"name\":\"junction\",\"Datastreams@iot.count\":2,\"Datastreams\":[{\"name\":"
               "\"south\"}],\"Datastreams@iot.nextLink\":\"https://c/v1.1/Things(1)/"
               "Datastreams?$top=1&$count=true&$select=name&$orderby=name%20desc&$skiptoken="));
    CHECK(says(f, 200, "/v1.1/Things(1)?$expand=Datastreams/Observations($filter=result eq 50)",
               "\"result\":50"));
    CHECK(!strstr(buf_string(&f->out), "\"result\":5,"));
    CHECK(says(f, 200,
               "/v1.1/"
               "Observations(4294967297)?$select=result&$expand=Datastream($select=name),"
               "FeatureOfInterest($select=name)",
               "{\"result\":5,\"Datastream\":{\"name\":\"north\"},\"FeatureOfInterest\":{\"name\":"
               "\"square\"}}"));
    CHECK(says(f, 200, "/v1.1/Things(1)?$select=id", "{\"@iot.id\":1}"));
    CHECK(says(f, 200, "/v1.1/Things(1)?$select=Datastreams",
               "{\"Datastreams@iot.navigationLink\":\"https://c/v1.1/Things(1)/Datastreams\"}"));
    CHECK(says(f, 400, "/v1.1/Things?$expand=Datastreams/Thing/Datastreams/Thing/Datastreams",
               "deep"));
    fixture_free(f);
}

/* Follow next links and gather the results. */
static void
follow(struct fixture *f, const char *target, char *list, size_t size, int pages_max)
{
    char next[2048];
    size_t len = 0;
    snprintf(next, sizeof(next), "%s", target);
    while (next[0]) {
        CHECK(pages_max-- > 0);
        CHECK(fixture_get_text(f, next) == 200);
        const char *body = buf_string(&f->out);
        for (const char *at = body; (at = strstr(at, "\"result\":")) != NULL;) {
            at += 9;
            len += (size_t)snprintf(list + len, size - len, "%.*s ", (int)strcspn(at, "}"), at);
        }
        const char *link = strstr(body, "nextLink\":\"" FIXTURE_BASE);
        next[0] = 0;
        if (link)
            snprintf(next, sizeof(next), "/v1.1%.*s", (int)strcspn(link + 25, "\""), link + 25);
    }
}

TEST(pages_neither_repeat_nor_lose_rows)
{
    struct fixture *f = city();
    static const char *const orders[][2] = {
        {"", "7.5 5 -1 50 \"jam\" null "},
        {"&$orderby=result", "null -1 5 7.5 50 \"jam\" "},
        {"&$orderby=result desc", "\"jam\" 50 7.5 5 -1 null "},
        {"&$orderby=phenomenonTime desc", "null \"jam\" 50 -1 5 7.5 "},
        {"&$orderby=Datastream/name desc,result", "50 null -1 5 7.5 \"jam\" "},
        {"&$filter=result gt -9 and not "
         "substringof('%26',Datastream/name)&$orderby=result&$count=true",
         "-1 5 7.5 50 "},
    };
    f->hidden = "secret";
    for (size_t i = 0; i < ARRAY_COUNT(orders); i++)
        for (int top = 1; top <= 3; top++) {
            char target[256], list[512] = "";
            snprintf(target, sizeof(target), "/v1.1/Observations?$select=result&$top=%d%s", top,
                     orders[i][0]);
            follow(f, target, list, sizeof(list), 8);
            if (strcmp(list, orders[i][1]) != 0)
                printf("%s: %s\n", target, list);
            CHECK(strcmp(list, orders[i][1]) == 0);
        }
    fixture_free(f);
}

TEST(hidden_rows_do_not_exist_whatever_path_leads_there)
{
    struct fixture *f = city();
    CHECK(says(f, 200, "/v1.1/Things(2)", "bunker"));
    CHECK(says(f, 200, "/v1.1/Observations?$count=true", "\"result\":99"));
    f->hidden = "secret";
    static const char *const gone[] = {"/v1.1/Things(2)",
                                       "/v1.1/Datastreams(3)",
                                       "/v1.1/Datastreams(3)/Observations",
                                       "/v1.1/Observations(12884901889)",
                                       "/v1.1/Datastreams(3)/Thing",
                                       "/v1.1/Locations(2)/Things",
                                       "/v1.1/FeaturesOfInterest(2)",
                                       "/v1.1/Things(2)/name/$value",
                                       "/v1.1/Things(2)/Datastreams/$ref"};
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++)
        CHECK(says(f, 404, gone[i], "nothing at this path"));
    CHECK(says(f, 200, "/v1.1/Things?$count=true&$expand=Datastreams/Observations",
               "\"@iot.count\":1"));
    CHECK(!strstr(buf_string(&f->out), "bunker") && !strstr(buf_string(&f->out), ":99"));
    CHECK(says(f, 200, "/v1.1/Observations?$count=true", "\"@iot.count\":6"));
    CHECK(!strstr(buf_string(&f->out), ":99"));
    CHECK(says(f, 200, "/v1.1/Things?$filter=name eq 'bunker'&$count=true", "\"@iot.count\":0"));
    f->hidden = "tester";
    CHECK(says(f, 200, "/v1.1/Observations?$count=true&$top=0", "\"@iot.count\":1"));
    f->hidden = NULL;
    f->values_hidden = true; /* the description may be seen, the values not, nor their times */
    CHECK(says(f, 200, "/v1.1/Datastreams(1)", "\"north\""));
    CHECK(!strstr(buf_string(&f->out), "phenomenonTime"));
    CHECK(says(f, 404, "/v1.1/Observations(4294967297)", NULL));
    CHECK(says(f, 200, "/v1.1/Observations?$count=true", "\"@iot.count\":0"));
    CHECK(says(f, 200, "/v1.1/Datastreams?$filter=phenomenonTime eq null&$count=true",
               "\"@iot.count\":3"));
    fixture_free(f);
}

TEST(budgets_and_reports)
{
    struct fixture *f = city();
    struct sta_request request;
    struct sta_view view = fixture_view(f);
    view.examined_max = 3;
    arena_reset(&f->arena);
    buf_reset(&f->out);
    CHECK_OK(sta_request_parse(bytes_text("/v1.1/Observations"), &f->arena, &request, &f->error));
    CHECK(sta_answer(&view, &request, &f->out, &f->report, &f->error) == ERR_LIMIT);
    CHECK(f->error.status == 413 && f->out.len == 0);
    CHECK(says(f, 200, "/v1.1/Datastreams(1)/Observations", NULL));
    CHECK(f->report.rows == 5 && f->report.classes_count == 1);
    CHECK(strcmp(f->report.classes[0], "signal-state") == 0);
    buf_fini(&f->out);
    buf_init(&f->out, 300);
    view.examined_max = 1000;
    arena_reset(&f->arena);
    CHECK_OK(sta_request_parse(bytes_text("/v1.1/Things"), &f->arena, &request, &f->error));
    CHECK(sta_answer(&view, &request, &f->out, &f->report, &f->error) == ERR_LIMIT);
    fixture_free(f);
}

TEST(subscribers_get_what_touches_their_topic)
{
    struct fixture *f = city();
    struct sta_topic t;
    struct sta_view view = fixture_view(f);
    static const struct {
        const char *topic;
        bool touched;
    } topics[] = {
        {"v1.1/Observations", true},
        {"v1.1/Datastreams(1)/Observations", true},
        {"v1.1/Datastreams(2)/Observations", false},
        {"v1.1/Things(1)/Datastreams(1)/Observations", true},
        {"v1.1/Things(2)/Datastreams(1)/Observations", false},
        {"v1.1/FeaturesOfInterest(1)/Observations", true},
        {"v1.1/FeaturesOfInterest(2)/Observations", false},
        {"v1.1/Observations(4294967297)", true},
        {"v1.1/Observations(4294967298)", false},
        {"v1.1/Things", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(topics); i++) {
        CHECK_OK(sta_topic_parse(bytes_text(topics[i].topic), &t, &f->error));
        CHECK(sta_topic_touched(&f->graph, &t, STA_OBSERVATION, 4294967297, 1) ==
              topics[i].touched);
    }
    CHECK_OK(sta_topic_parse(bytes_text("v1.1/Observations?$select=result"), &t, &f->error));
    arena_reset(&f->arena);
    buf_reset(&f->out);
    CHECK_OK(sta_answer_change(&view, &t, STA_OBSERVATION, 4294967297, &f->out));
    CHECK(strcmp(buf_string(&f->out), "{\"result\":5}") == 0);
    CHECK_OK(sta_topic_parse(bytes_text("v1.1/Things(1)/name"), &t, &f->error));
    CHECK(sta_topic_touched(&f->graph, &t, STA_THING, 1, 0));
    buf_reset(&f->out);
    CHECK_OK(sta_answer_change(&view, &t, STA_THING, 1, &f->out));
    CHECK(strcmp(buf_string(&f->out), "{\"name\":\"junction\"}") == 0);
    f->hidden = "tester";
    CHECK(sta_answer_change(&view, &t, STA_THING, 1, &f->out) == ERR_NOT_FOUND);
    fixture_free(f);
}
