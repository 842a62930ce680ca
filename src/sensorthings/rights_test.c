/*
 * Two cities made alike. In one, a user may not see some rows; in the other those rows were taken
 * away. Whatever is asked, the answers are the same bytes: hidden looks like missing, in paths,
 * links, filters, orders, counts, expansions, next links, rollups and topics.
 *
 * BULKHEAD_RIGHTS_QUERIES=N asks N random questions for each user instead of a few thousand in all.
 */
#include "sensorthings/fixture.h"
#include "sensorthings/record.h"
#include "base/random.h"
#include "base/test.h"

/* ---- the city ---- */

static void
make_values(struct fixture *f)
{
    struct random_seeded seeded = {7};
    struct random_source r = random_seeded_source(&seeded);
    for (int i = 0; i < 90; i++) {
        int stream = 1 + i % 7;
        bool multi = stream >= 6;
        char path[64], body[240];
        snprintf(path, sizeof(path), "/v1.1/%s(%d)/Observations",
                 multi ? "MultiDatastreams" : "Datastreams", stream);
        int hour = (int)random_below(&r, 24), value = (int)random_below(&r, 9);
        const char *quote = i % 11 == 0 ? "\"" : "";
        if (multi)
            snprintf(body, sizeof(body),
                     "{\"phenomenonTime\":\"2026-03-01T%02d:00:00Z\",\"result\":[%d,3]}", hour,
                     value);
        else
            snprintf(body, sizeof(body),
                     "{\"phenomenonTime\":\"2026-03-01T%02d:00:00Z\",\"result\":%s%d%s%s}", hour,
                     quote, value, quote, i % 5 == 0 ? ",\"parameters\":{\"p\":1}" : "");
        CHECK(fixture_post(f, path, body) == 201);
    }
}

#define UNITS FIXTURE_UNIT "," FIXTURE_UNIT
#define TYPES "\"OM_Measurement\",\"OM_CountObservation\""

/* Rows of "tester", "secret" and "vendor", linked across. */
static struct fixture *
mixed_city(void)
{
    struct fixture *f = fixture_new();
    CHECK(fixture_junction(f) == 201);
    CHECK(fixture_post_as(
              f, "secret", "/v1.1/Things",
              "{\"name\":\"bunker\",\"description\":\"d\",\"Locations\":[" FIXTURE_LOCATION
              "],\"Datastreams\":[" FIXTURE_STREAM("deep") "}]}") == 201);
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things(1)/Datastreams", FIXTURE_STREAM("tap") "}") ==
          201);
    CHECK(fixture_post_as(f, "vendor", "/v1.1/Things(2)/Datastreams", FIXTURE_STREAM("open") "}") ==
          201);
    CHECK(fixture_post_as(f, "vendor", "/v1.1/Things(1)/MultiDatastreams",
                          FIXTURE_MULTI(TYPES, UNITS) "}") == 201);
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things(1)/MultiDatastreams",
                          FIXTURE_MULTI(TYPES, UNITS) "}") == 201);
    CHECK(fixture_post_as(f, "vendor", "/v1.1/Things",
                          "{\"name\":\"alley\",\"description\":\"d\",\"properties\":{\"lanes\":1,"
                          "\"list\":[1,{\"a\":\"x\"}]},\"Locations\":[" FIXTURE_LOCATION
                          "]}") == 201);
    make_values(f);
    CHECK(fixture_post_as(f, "secret", "/v1.1/Things(3)/Locations", FIXTURE_LOCATION) == 201);
    return f;
}

static void
take_away(struct fixture *f, const char *owner)
{
    static const enum sta_type order[] = {STA_HISTORICAL_LOCATION,
                                          STA_DATASTREAM,
                                          STA_MULTI_DATASTREAM,
                                          STA_THING,
                                          STA_LOCATION,
                                          STA_SENSOR,
                                          STA_OBSERVED_PROPERTY,
                                          STA_FEATURE_OF_INTEREST};
    for (size_t t = 0; t < ARRAY_COUNT(order); t++)
        for (uint32_t i = f->graph.set[order[t]].count; i-- > 0;) {
            const struct sta_entity *e = f->graph.set[order[t]].p[i];
            if (strcmp(e->owner, owner) == 0)
                sta_entity_drop(&f->graph, order[t], e->id);
        }
}

/* ---- random questions ---- */

struct asking {
    struct random_source *r;
    struct buf *out;
};

static uint32_t
below(const struct asking *a, uint32_t n)
{
    return (uint32_t)random_below(a->r, n);
}

static enum sta_type
any_type(const struct asking *a)
{
    enum sta_type t = (enum sta_type)(1 + below(a, STA_MULTI_DATASTREAM));
    return below(a, 3) ? t : below(a, 2) ? STA_OBSERVATION : STA_THING;
}

/* A relation that is shown; NULL: the type has none (or chance has it so). */
static const struct sta_relation *
any_relation(const struct asking *a, enum sta_type type)
{
    const struct sta_type_info *info = sta_type_info(type);
    const struct sta_relation *r = &info->relations[below(a, info->relations_count)];
    return r->shown && !sta_is_tasking(r->to) ? r : NULL;
}

static const struct sta_property *
any_property(const struct asking *a, enum sta_type type)
{
    const struct sta_type_info *info = sta_type_info(type);
    return &info->properties[below(a, info->properties_count)];
}

static void
put_id(const struct asking *a, enum sta_type type)
{
    if (type == STA_OBSERVATION)
        buf_format(a->out, "(%llu)",
                   (unsigned long long)sta_observation_id(1 + below(a, 7), below(a, 4)));
    else
        buf_format(a->out, "(%u)", 1 + below(a, sta_is_stream(type) ? 7 : 4));
}

/* A path inside an expression, of at most so many relations, to a value. */
static void
put_value_path(const struct asking *a, enum sta_type type, bool to_one)
{
    for (uint32_t i = below(a, 4); i > 0; i--) {
        const struct sta_relation *r = any_relation(a, type);
        if (!r || (to_one && r->many))
            continue;
        buf_format(a->out, "%s/", r->name);
        type = r->to;
    }
    const struct sta_property *p = any_property(a, type);
    if (below(a, 6) == 0) {
        buf_text(a->out, "id");
        return;
    }
    buf_text(a->out, p->name);
    if (strcmp(p->name, "properties") == 0)
        buf_text(a->out, below(a, 2) ? "/lanes" : "/owner/name");
    else if (strcmp(p->name, "unitOfMeasurement") == 0)
        buf_text(a->out, "/name");
    else if (strcmp(p->name, "result") == 0 && below(a, 4) == 0)
        buf_text(a->out, "/1");
    else if (p->shape == STA_SHAPE_LIST)
        buf_text(a->out, "/0");
    else if (p->shape == STA_SHAPE_OBJECT)
        buf_text(a->out, "/type");
}

static void
put_literal(const struct asking *a)
{
    static const char *const literals[] = {"0",        "3",       "5.5",
                                           "'bunker'", "'north'", "'square'",
                                           "'open'",   "null",    "'2026-03-01T12:00:00Z'",
                                           "'m'",      "4",       "'speed'",
                                           "'city'"};
    buf_text(a->out, literals[below(a, ARRAY_COUNT(literals))]);
}

static void
put_condition(const struct asking *a, enum sta_type type, int depth)
{
    static const char *const operators[] = {"eq", "ne", "gt", "ge", "lt", "le"};
    static const char *const calls[] = {"startswith", "endswith"};
    switch (below(a, depth > 2 ? 5 : 9)) {
    case 0:
        buf_text(a->out, "substringof('e',");
        put_value_path(a, type, false);
        buf_byte(a->out, ')');
        break;
    case 1:
        buf_format(a->out, "%s(", calls[below(a, 2)]);
        put_value_path(a, type, false);
        buf_text(a->out, below(a, 2) ? ",'b')" : ",'n')");
        break;
    case 2:
        buf_format(a->out, "hour(");
        put_value_path(a, type, false);
        buf_format(a->out, ") lt %u", below(a, 24));
        break;
    case 5:
        buf_text(a->out, "not (");
        put_condition(a, type, depth + 1);
        buf_byte(a->out, ')');
        break;
    case 6:
    case 7:
        buf_byte(a->out, '(');
        put_condition(a, type, depth + 1);
        buf_text(a->out, below(a, 2) ? " and " : " or ");
        put_condition(a, type, depth + 1);
        buf_byte(a->out, ')');
        break;
    case 8:
        buf_text(a->out, "geo.distance(");
        put_value_path(a, type, false);
        buf_format(a->out, ",geography'POINT (1 2)') lt %u", below(a, 100));
        break;
    default:
        put_value_path(a, type, false);
        buf_format(a->out, " %s ", operators[below(a, 6)]);
        put_literal(a);
        break;
    }
}

/* Options for a set; `separator` is '&', or ';' inside an expansion. */
static void put_options(const struct asking *a, enum sta_type type, char separator, int depth);

static void
put_expand(const struct asking *a, enum sta_type type, int depth)
{
    uint32_t count = 0;
    for (uint32_t i = 1 + below(a, 2); i > 0; i--) {
        const struct sta_relation *r = any_relation(a, type);
        if (!r)
            continue;
        buf_format(a->out, "%s%s", count++ ? "," : "", r->name);
        if (r->many && below(a, 2)) {
            buf_byte(a->out, '(');
            put_options(a, r->to, ';', depth + 1);
            buf_byte(a->out, ')');
        }
    }
    if (count == 0)
        buf_text(a->out, sta_type_info(type)->relations[0].name);
}

static void
put_options(const struct asking *a, enum sta_type type, char separator, int depth)
{
    char between[2] = {separator, 0};
    buf_format(a->out, "$top=%u", below(a, 6));
    if (below(a, 2))
        buf_format(a->out, "%s$count=true", between);
    if (below(a, 5) == 0)
        buf_format(a->out, "%s$skip=%u", between, below(a, 3));
    if (below(a, 2)) {
        buf_format(a->out, "%s$filter=", between);
        put_condition(a, type, 0);
    }
    if (below(a, 3) == 0) {
        buf_format(a->out, "%s$orderby=", between);
        put_value_path(a, type, true);
        buf_text(a->out, below(a, 2) ? " desc" : "");
    }
    if (below(a, 4) == 0) {
        buf_format(a->out, "%s$select=id,%s", between, any_property(a, type)->name);
        const struct sta_relation *r = any_relation(a, type);
        if (r)
            buf_format(a->out, ",%s", r->name);
    }
    if (depth < 3 && below(a, 3) == 0) {
        buf_format(a->out, "%s$expand=", between);
        put_expand(a, type, depth);
    } else if (depth == 0 && type == STA_OBSERVATION && below(a, 3) == 0) {
        buf_format(a->out, "%s$resultFormat=dataArray", between);
    }
}

static void
put_question(const struct asking *a)
{
    enum sta_type type = any_type(a);
    bool many = true;
    if (below(a, 40) == 0) {
        buf_format(a->out, "/v1.1/Rollups?datastream=%u&step=hour", 1 + below(a, 7));
        return;
    }
    buf_format(a->out, "/v1.1/%s", sta_type_info(type)->set);
    for (uint32_t i = below(a, 5); i > 0; i--) {
        if (many)
            put_id(a, type);
        many = false;
        const struct sta_relation *r = any_relation(a, type);
        if (!r)
            break;
        buf_format(a->out, "/%s", r->name);
        type = r->to;
        many = r->many;
    }
    if (many && below(a, 4) == 0) {
        put_id(a, type);
        many = false;
    }
    if (!many && below(a, 3) == 0) {
        buf_format(a->out, "/%s%s", any_property(a, type)->name, below(a, 2) ? "/$value" : "");
    } else if (below(a, 6) == 0) {
        buf_text(a->out, "/$ref");
        if (many && below(a, 2))
            buf_text(a->out, "?$top=1");
    } else if (many) {
        buf_byte(a->out, '?');
        put_options(a, type, '&', 0);
    } else if (below(a, 2)) {
        buf_text(a->out, "?$expand=");
        put_expand(a, type, 0);
    }
}

/* ---- asking both ---- */

struct both {
    struct fixture *hidden, *missing;
    int found, followed, delivered;
};

static bool
same(struct both *b, const char *target)
{
    int x = fixture_get_text(b->hidden, target), y = fixture_get_text(b->missing, target);
    bool equal =
        x == y && bytes_equal(buf_bytes(&b->hidden->out), buf_bytes(&b->missing->out)) && x != 500;
    if (!equal)
        printf("%s\n%d %s\n%d %s\n", target, x, buf_string(&b->hidden->out), y,
               buf_string(&b->missing->out));
    b->found += x == 200;
    return equal;
}

/* The question, and as many pages behind its next links. */
static void
ask_both(struct both *b, const char *target)
{
    char next[8192];
    snprintf(next, sizeof(next), "%s", target);
    for (int pages = 0; next[0] && pages < 4; pages++) {
        CHECK(same(b, next));
        const char *link = strstr(buf_string(&b->hidden->out), "nextLink\":\"" FIXTURE_BASE);
        next[0] = 0;
        if (link) {
            snprintf(next, sizeof(next), "/v1.1%.*s", (int)strcspn(link + 25, "\""), link + 25);
            b->followed++;
        }
    }
}

static void
put_topic(const struct asking *a)
{
    enum sta_type type = any_type(a);
    buf_format(a->out, "v1.1/%s", sta_type_info(type)->set);
    bool many = true;
    for (uint32_t i = below(a, 4); i > 0; i--) {
        if (many)
            put_id(a, type);
        many = false;
        const struct sta_relation *r = any_relation(a, type);
        if (!r)
            break;
        buf_format(a->out, "/%s", r->name);
        type = r->to;
        many = r->many;
    }
    if (!many && below(a, 3) == 0)
        buf_format(a->out, "/%s", any_property(a, type)->name);
}

/* What a change of the entity delivers to the topic; nothing: "". */
static const char *
delivered(struct fixture *f, const struct sta_topic *t, enum sta_type type, uint64_t id)
{
    struct sta_view view = fixture_view(f);
    uint32_t stream;
    uint64_t n, feature = 0;
    arena_reset(&f->arena);
    buf_reset(&f->out);
    if (type == STA_OBSERVATION && sta_observation_of_id(id, &stream, &n) && n < f->counts[stream])
        feature = f->rows[stream][n].feature_id;
    if (sta_topic_touched(&f->graph, t, type, id, feature) &&
        sta_answer_change(&view, t, type, id, &f->out) != OK)
        buf_reset(&f->out);
    return buf_string(&f->out);
}

static void
deliver_both(struct both *b, const struct asking *a)
{
    struct sta_topic t;
    struct sta_error error;
    buf_reset(a->out);
    put_topic(a);
    if (sta_topic_parse(buf_bytes(a->out), &t, &error) != OK)
        return;
    enum sta_type type = sta_path_type(&t.path);
    for (uint32_t id = 1; id <= 7; id++) {
        uint64_t of = type == STA_OBSERVATION ? sta_observation_id(id, below(a, 3)) : id;
        const char *x = delivered(b->hidden, &t, type, of),
                   *y = delivered(b->missing, &t, type, of);
        if (strcmp(x, y) != 0)
            printf("%s %llu\n%s\n%s\n", buf_string(a->out), (unsigned long long)of, x, y);
        CHECK(strcmp(x, y) == 0);
        b->delivered += x[0] != 0;
    }
}

static long
questions(void)
{
    const char *asked = getenv("BULKHEAD_RIGHTS_QUERIES");
    long n = asked ? strtol(asked, NULL, 10) : 0;
    return n > 0 ? n : 2000;
}

static void
compare_cities(struct both *b)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf text;
    buf_init(&text, 64 * 1024);
    const struct asking a = {&r, &text};
    long n = questions();
    for (long i = 0; i < n; i++) {
        buf_reset(&text);
        put_question(&a);
        ask_both(b, buf_string(&text));
        if (i % 4 == 0)
            deliver_both(b, &a);
    }
    printf("%ld questions: %d answers, %d pages more, %d deliveries\n", n, b->found, b->followed,
           b->delivered);
    CHECK(b->found > n / 3 && b->followed > n / 20 && b->delivered > n / 100);
    buf_fini(&text);
    fixture_free(b->hidden);
    fixture_free(b->missing);
}

TEST(hidden_rows_and_missing_rows_give_the_same_bytes)
{
    static const char *const owners[] = {"secret", "vendor"};
    for (size_t i = 0; i < ARRAY_COUNT(owners); i++) {
        struct both b = {.hidden = mixed_city(), .missing = mixed_city()};
        b.hidden->hidden = owners[i];
        take_away(b.missing, owners[i]);
        compare_cities(&b);
    }
}

TEST(hidden_values_and_missing_values_give_the_same_bytes)
{
    struct both b = {.hidden = mixed_city(), .missing = mixed_city()};
    b.hidden->values_hidden = true;
    memset(b.missing->counts, 0, sizeof(b.missing->counts));
    compare_cities(&b);
}

/* Every shape of path to one hidden row of each kind, by hand. */
TEST(every_shape_of_path_to_a_hidden_row_finds_nothing)
{
    static const char *const shapes[] = {
        "/v1.1/Things(2)",
        "/v1.1/Things(2)/name",
        "/v1.1/Things(2)/name/$value",
        "/v1.1/Things(2)/$ref",
        "/v1.1/Things(2)/Datastreams",
        "/v1.1/Things(2)/Datastreams/$ref",
        "/v1.1/Things(2)/Datastreams(5)",
        "/v1.1/Things(2)/Datastreams(5)/Observations",
        "/v1.1/Datastreams(5)/Thing",
        "/v1.1/Datastreams(5)/Thing/$ref",
        "/v1.1/Datastreams(5)/Thing/Locations",
        "/v1.1/Datastreams(3)",
        "/v1.1/Datastreams(3)/Observations",
        "/v1.1/Datastreams(3)/Observations/$ref",
        "/v1.1/Things(1)/Datastreams(4)",
        "/v1.1/Things(1)/MultiDatastreams(7)",
        "/v1.1/MultiDatastreams(7)/Observations",
        "/v1.1/Observations(12884901889)",
        "/v1.1/Observations(12884901889)/result/$value",
        "/v1.1/Observations(12884901889)/Datastream",
        "/v1.1/Observations(30064771073)/MultiDatastream",
        "/v1.1/Rollups?datastream=3&step=day",
    };
    static const char *const sets[] = {
        "/v1.1/Things?$count=true&$top=0&$filter=name eq 'bunker'",
        "/v1.1/Datastreams?$count=true&$top=0&$filter=Thing/name eq 'bunker'",
        "/v1.1/Observations?$count=true&$top=0&$filter=Datastream/Thing/name eq 'bunker'",
        "/v1.1/Observations?$count=true&$top=0&$filter=Datastream/name eq 'deep'",
        "/v1.1/Things?$count=true&$top=0&$filter=Datastreams/name eq 'tap'",
        "/v1.1/Things?$count=true&$top=0&$filter=MultiDatastreams/id eq 7",
        "/v1.1/Sensors?$count=true&$top=0&$filter=Datastreams/Thing/name eq 'bunker'",
    };
    struct fixture *f = mixed_city();
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++)
        CHECK(fixture_get_text(f, shapes[i]) == 200); /* they are there */
    f->hidden = "secret";
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        int status = fixture_get_text(f, shapes[i]);
        if (status != 404)
            printf("%s: %d %s\n", shapes[i], status, buf_string(&f->out));
        CHECK(status == 404);
    }
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        CHECK(fixture_get_text(f, sets[i]) == 200);
        CHECK(strstr(buf_string(&f->out), "\"@iot.count\":0,"));
    }
    fixture_free(f);
}
