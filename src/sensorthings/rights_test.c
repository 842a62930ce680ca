/*
 * Two cities made alike. In one, a user may not see what "secret" owns; in the other it was taken
 * away. Whatever is asked, the answers are the same bytes: hidden looks like missing, in paths,
 * filters, orders, counts, expansions and next links.
 */
#include "sensorthings/fixture.h"
#include "sensorthings/record.h"
#include "base/random.h"
#include "base/test.h"

static struct fixture *
mixed_city(void)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things/", "{}") == 400);
    CHECK(fixture_post_as(
              f, "secret", "/v1.1/Things",
              "{\"name\":\"bunker\",\"description\":\"d\",\"Locations\":[" FIXTURE_LOCATION
              "],\"Datastreams\":[" FIXTURE_STREAM("deep") "}]}") == 201);
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("tap") "}") ==
          201);
    CHECK(fixture_post(f, "/v1.1/Things(2)/Datastreams", FIXTURE_STREAM("open") "}") == 201);
    CHECK(fixture_post(f, "/v1.1/Things",
                       "{\"name\":\"alley\",\"description\":\"d\",\"properties\":{\"lanes\":1},"
                       "\"Locations\":[" FIXTURE_LOCATION "]}") == 201);
    struct random_seeded seeded = {7};
    struct random_source r = random_seeded_source(&seeded);
    for (int i = 0; i < 60; i++) {
        char path[64], body[200];
        snprintf(path, sizeof(path), "/v1.1/Datastreams(%d)/Observations", 1 + i % 5);
        snprintf(body, sizeof(body),
                 "{\"phenomenonTime\":\"2026-03-01T%02d:00:00Z\",\"result\":%d}",
                 (int)random_below(&r, 24), (int)random_below(&r, 9));
        CHECK(fixture_post(f, path, body) == 201);
    }
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things(3)/Locations", FIXTURE_LOCATION) == 201);
    return f;
}

static void
take_away(struct fixture *f, const char *owner)
{
    static const enum sta_type order[] = {
        STA_HISTORICAL_LOCATION, STA_DATASTREAM,         STA_THING, STA_LOCATION, STA_SENSOR,
        STA_OBSERVED_PROPERTY,   STA_FEATURE_OF_INTEREST};
    for (size_t t = 0; t < ARRAY_COUNT(order); t++)
        for (uint32_t i = f->graph.set[order[t]].count; i-- > 0;) {
            const struct sta_entity *e = f->graph.set[order[t]].p[i];
            if (strcmp(e->owner, owner) == 0)
                sta_entity_drop(&f->graph, order[t], e->id);
        }
}

static const char *
one_of(struct random_source *r, const char *const *list, size_t count)
{
    return list[random_below(r, count)];
}
#define ONE_OF(r, list) one_of(r, list, ARRAY_COUNT(list))

static void
random_target(struct random_source *r, char *out, size_t size)
{
    static const char *const streams[] = {"/Datastreams", "/Things(1)/Datastreams",
                                          "/Things(2)/Datastreams", "/Sensors(3)/Datastreams"};
    static const char *const things[] = {"/Things", "/Locations(1)/Things", "/Locations(2)/Things",
                                         "/Locations(4)/Things"};
    static const char *const values[] = {"/Observations",
                                         "/Datastreams(1)/Observations",
                                         "/Datastreams(3)/Observations",
                                         "/Datastreams(4)/Observations",
                                         "/Datastreams(5)/Observations",
                                         "/FeaturesOfInterest(1)/Observations",
                                         "/FeaturesOfInterest(2)/Observations"};
    static const char *const ones[] = {"/Things(1)",
                                       "/Things(2)",
                                       "/Datastreams(5)/Thing",
                                       "/Datastreams(4)/Thing/name",
                                       "/Observations(12884901889)",
                                       "/Observations(21474836481)/Datastream",
                                       "/Observations(21474836481)/FeatureOfInterest",
                                       "/Things(3)/Locations/$ref",
                                       "/Things(2)/Datastreams(5)/Observations(21474836481)"};
    static const char *const stream_filters[] = {
        "", "&$filter=Thing/name eq 'bunker'", "&$filter=Thing/name ne null",
        "&$filter=name gt 'o'", "&$filter=phenomenonTime gt 2026-03-01T00:00:00Z"};
    static const char *const thing_filters[] = {"", "&$filter=properties/lanes gt 0",
                                                "&$filter=substringof('e',name)"};
    static const char *const value_filters[] = {"",
                                                "&$filter=Datastream/Thing/name eq 'bunker'",
                                                "&$filter=not (FeatureOfInterest/name eq 'square')",
                                                "&$filter=result gt 4",
                                                "&$filter=Datastream/Thing/id eq null",
                                                "&$filter=phenomenonTime ge 2026-03-01T12:00:00Z"};
    static const char *const stream_orders[] = {"", "&$orderby=Thing/name desc,name",
                                                "&$orderby=phenomenonTime desc"};
    static const char *const thing_orders[] = {"", "&$orderby=name desc"};
    static const char *const value_orders[] = {"", "&$orderby=result",
                                               "&$orderby=Datastream/Thing/name,result desc",
                                               "&$orderby=phenomenonTime desc"};
    static const char *const stream_expands[] = {
        "", "&$expand=Thing,Observations($count=true;$top=2)", "&$expand=Thing/Locations"};
    static const char *const thing_expands[] = {
        "", "&$expand=Datastreams/Observations",
        "&$expand=Locations,HistoricalLocations($count=true)"};
    static const char *const value_expands[] = {"", "&$expand=Datastream/Thing,FeatureOfInterest"};
    static const char *const pages[] = {"$top=2", "$top=3&$count=true", "$count=true",
                                        "$skip=1&$top=4", "$top=0&$count=true"};
    switch (random_below(r, 4)) {
    case 0:
        snprintf(out, size, "/v1.1%s?%s%s%s%s", ONE_OF(r, streams), ONE_OF(r, pages),
                 ONE_OF(r, stream_filters), ONE_OF(r, stream_orders), ONE_OF(r, stream_expands));
        break;
    case 1:
        snprintf(out, size, "/v1.1%s?%s%s%s%s", ONE_OF(r, things), ONE_OF(r, pages),
                 ONE_OF(r, thing_filters), ONE_OF(r, thing_orders), ONE_OF(r, thing_expands));
        break;
    case 2:
        snprintf(out, size, "/v1.1%s", ONE_OF(r, ones));
        break;
    default:
        snprintf(out, size, "/v1.1%s?%s%s%s%s", ONE_OF(r, values), ONE_OF(r, pages),
                 ONE_OF(r, value_filters), ONE_OF(r, value_orders), ONE_OF(r, value_expands));
        break;
    }
}

TEST(hidden_rows_and_missing_rows_give_the_same_bytes)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct fixture *hidden = mixed_city(), *missing = mixed_city();
    int found = 0;
    hidden->hidden = "secret";
    take_away(missing, "secret");
    for (int i = 0; i < 3000; i++) {
        char target[512];
        random_target(&r, target, sizeof(target));
        int a = fixture_get_text(hidden, target), b = fixture_get_text(missing, target);
        if (a != b || !bytes_equal(buf_bytes(&hidden->out), buf_bytes(&missing->out)))
            printf("%s\n%d %s\n%d %s\n", target, a, buf_string(&hidden->out), b,
                   buf_string(&missing->out));
        CHECK(a == b && (a == 200 || a == 404));
        CHECK(bytes_equal(buf_bytes(&hidden->out), buf_bytes(&missing->out)));
        CHECK(!strstr(buf_string(&hidden->out), "bunker"));
        found += a == 200;
    }
    CHECK(found > 1000);
    fixture_free(hidden);
    fixture_free(missing);
}
