/* index_test.c -- the index never misses a row that passes, whatever was put, changed and taken. */
#include "sensorthings/index.h"

#include "base/test.h"
#include "base/random.h"
#include "sensorthings/record.h"

enum { PLACES = 400, ROUNDS = 3000 };

static struct random_source dice;

static uint32_t
roll(uint32_t sides)
{
    return (uint32_t)(random_u64(&dice) % sides);
}

static void
put(struct sta_graph *g, uint64_t id)
{
    static const char *const names[] = {"bridge", "tank \\\"7\\\"", "well", "17"};
    char place[400], thing[400];
    double x = -79 + roll(300) / 1000.0, y = 43 + roll(300) / 1000.0;
    if (roll(10) == 0)
        snprintf(place, sizeof(place),
                 "{\"@owner\":\"o\",\"@class\":\"\",\"name\":\"l\",\"location\":{\"type\":"
                 "\"Polygon\",\"coordinates\":[[[%f,%f],[%f,%f],[%f,%f],[%f,%f]]]},\"@links\":{}}",
                 x, y, x + 0.1, y, x, y + 0.1, x, y);
    else
        snprintf(place, sizeof(place),
                 "{\"@owner\":\"o\",\"@class\":\"\",\"name\":\"l\",\"location\":{\"type\":"
                 "\"Point\",\"coordinates\":[%f,%f]},\"@links\":{}}",
                 x, y);
    snprintf(thing, sizeof(thing),
             "{\"@owner\":\"o\",\"@class\":\"\",\"name\":\"%s\",\"properties\":{\"floor\":%u,"
             "\"deep\":{\"a\":1}},\"@links\":{\"Locations\":[%llu]}}",
             names[roll(4)], roll(5), (unsigned long long)id);
    struct sta_entity *e = sta_entity_put(g, STA_LOCATION, id, bytes_text(place));
    CHECK_OK(sta_entity_link(g, e));
    e = sta_entity_put(g, STA_THING, id, bytes_text(thing));
    CHECK_OK(sta_entity_link(g, e));
}

static void
draw_filter(char *out, size_t size)
{
    static const char *const wholes[] = {
        "name eq 'bridge'",
        "'tank \"7\"' eq name",
        "properties/floor eq %u",
        "properties/floor eq %u and name eq 'well'",
        "properties/floor eq %u or name eq 'well'",
        "properties/floor eq %u or name ne 'well'",
        "not (properties/floor eq %u)",
        "properties/deep/a eq 1",
        "id eq %u",
        "startswith(name,'b') and properties/floor eq %u",
    };
    static const char *const places[] = {
        "st_within(Locations/location,geography'POLYGON((%1$f %2$f,%3$f %2$f,%3$f %4$f,%1$f "
        "%2$f))')",
        "st_intersects(Locations/location,geography'LINESTRING(%1$f %2$f,%3$f %4$f)')",
        "st_disjoint(Locations/location,geography'LINESTRING(%1$f %2$f,%3$f %4$f)')",
        "geo.intersects(geography'POINT(%1$f %2$f)',Locations/location)",
        "geo.distance(Locations/location,geography'POINT(%1$f %2$f)') lt 5000",
        "2000 ge geo.distance(Locations/location,geography'POINT(%1$f %2$f)')",
        "geo.distance(Locations/location,geography'POINT(%1$f %2$f)') gt 500",
    };
    double x = -79 + roll(300) / 1000.0, y = 43 + roll(300) / 1000.0;
    double w = roll(200) / 1000.0 + 0.0005, h = roll(200) / 1000.0 + 0.0005;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (roll(2))
        snprintf(out, size, wholes[roll(ARRAY_COUNT(wholes))], roll(6));
    else
        snprintf(out, size, places[roll(ARRAY_COUNT(places))], x, y, x + w, y + h);
#pragma GCC diagnostic pop
}

static bool
all_seen(void *ctx, enum sta_type type, const struct sta_entity *e)
{
    (void)ctx, (void)type, (void)e;
    return true;
}

static const struct sta_rights everybody = {all_seen, NULL};

/* All rows that pass are among the candidates, which come once each and in order. */
static bool
ask(const struct sta_graph *g, const char *text, struct arena *arena)
{
    static struct arena scratch;
    const struct sta_expr *filter;
    struct sta_error error = {0};
    struct sta_ids ids;
    uint64_t examined = 0;
    if (!scratch.p)
        arena_init(&scratch, 1024 * 1024);
    arena_reset(arena);
    CHECK_OK(sta_filter_parse(bytes_text(text), STA_THING, arena, &filter, &error));
    if (!sta_index_candidates(g, STA_THING, filter, arena, &ids))
        return false;
    struct sta_scope scope = {.graph = g,
                              .rights = &everybody,
                              .scratch = &scratch,
                              .examined = &examined,
                              .examined_max = UINT64_MAX};
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->set[STA_THING].count; i++) {
        const struct sta_entity *e = g->set[STA_THING].p[i];
        const struct sta_row row = {.type = STA_THING, .entity = e};
        arena_reset(&scratch);
        while (at < ids.count && ids.p[at] < e->id)
            at++;
        bool candidate = at < ids.count && ids.p[at] == e->id;
        if (sta_filter_holds(filter, &scope, &row) && !candidate) {
            fprintf(stderr, "missed Things(%llu): %s\n", (unsigned long long)e->id, text);
            CHECK(candidate);
        }
    }
    for (uint32_t i = 1; i < ids.count; i++)
        CHECK(ids.p[i - 1] < ids.p[i]);
    return true;
}

TEST(no_row_that_passes_is_missed_whatever_changes)
{
    struct random_seeded seeded = {.state = test_seed()};
    struct sta_graph g;
    struct arena arena;
    char text[400];
    uint32_t known = 0;
    dice = random_seeded_source(&seeded);
    arena_init(&arena, 4 * 1024 * 1024);
    sta_graph_init(&g, 10000, 64 * 1024 * 1024);
    for (uint64_t id = 1; id <= PLACES; id++)
        put(&g, id);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t id = 1 + roll(PLACES);
        if (roll(4) == 0) {
            sta_entity_drop(&g, STA_THING, id);
            sta_entity_drop(&g, STA_LOCATION, id);
        } else {
            put(&g, id);
        }
        draw_filter(text, sizeof(text));
        known += ask(&g, text, &arena);
    }
    CHECK(known > ROUNDS / 5 && known < ROUNDS);
    for (uint64_t id = 1; id <= PLACES; id++) {
        sta_entity_drop(&g, STA_THING, id);
        sta_entity_drop(&g, STA_LOCATION, id);
    }
    CHECK(g.index.used == 0);
    sta_graph_fini(&g);
    arena_fini(&arena);
}

TEST(a_question_with_few_answers_has_few_candidates)
{
    struct random_seeded seeded = {.state = 7};
    struct sta_graph g;
    struct arena arena;
    struct sta_error error = {0};
    struct sta_ids ids;
    const struct sta_expr *filter;
    dice = random_seeded_source(&seeded);
    arena_init(&arena, 4 * 1024 * 1024);
    sta_graph_init(&g, 100000, 256 * 1024 * 1024);
    for (uint64_t id = 1; id <= 20000; id++)
        put(&g, id);
    static const char near[] =
        "geo.distance(Locations/location,geography'POINT(-78.9 43.1)') lt 300 and name eq 'well'";
    CHECK_OK(sta_filter_parse(bytes_text(near), STA_THING, &arena, &filter, &error));
    CHECK(sta_index_candidates(&g, STA_THING, filter, &arena, &ids));
    CHECK(ids.count > 0 && ids.count < 6000); /* the large ones are a tenth */
    CHECK_OK(sta_filter_parse(bytes_text("id eq 17"), STA_THING, &arena, &filter, &error));
    CHECK(sta_index_candidates(&g, STA_THING, filter, &arena, &ids) && ids.count == 1);
    sta_graph_fini(&g);
    arena_fini(&arena);
}
