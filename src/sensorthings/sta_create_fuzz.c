/* Any bytes as the body of a POST; what is planned is stored, applied, and loads again. */
#include "sensorthings/draft.h"
#include "sensorthings/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a plan takes before its first entity, and little more. */
enum {
    SMALL_ARENA_BYTES = STA_PLAN_OBSERVATIONS_MAX * sizeof(struct sta_plan_observation) +
                        sizeof(struct sta_planner) + 512,
    SMALL_ARENA_STEP = 1024,
};

static const char *const paths[] = {
    "/v1.1/Things",
    "/v1.1/Locations",
    "/v1.1/Things(1)/Datastreams",
    "/v1.1/Observations",
    "/v1.1/Datastreams",
    "/v1.1/Things(1)/Locations",
    "/v1.1/Datastreams(1)/Observations",
    "/v1.1/HistoricalLocations",
    "/v1.1/Sensors",
    "/v1.1/FeaturesOfInterest",
    "/v1.1/ObservedProperties",
    "/v1.1/Things(9)/Locations",
    "/v1.1/Things(1)",
    "/v1.1/Locations(1)/Things",
    "/v1.1/CreateObservations",
    "/v1.1/Sensors(1)/Datastreams",
    "/v1.1/Things(1)/MultiDatastreams",
    "/v1.1/MultiDatastreams(1)/Observations",
    "/v1.1/Things(1)/TaskingCapabilities",
};

/* The same body as a change of something that is there, and a deletion. */
static void
change(struct fixture *f, uint8_t which, struct bytes body, const struct sta_maker *maker,
       struct arena *arena)
{
    static const char *const targets[] = {"/v1.1/Things(1)", "/v1.1/Datastreams(1)",
                                          "/v1.1/Locations(1)", "/v1.1/Datastreams(1)/Sensor"};
    static const enum sta_verb verbs[] = {STA_MERGE, STA_REPLACE, STA_JSON_PATCH, STA_DELETE};
    struct sta_change one = {.verb = verbs[which / 4 % 4], .body = body};
    struct sta_plan plan;
    enum err e = sta_path_parse(bytes_text(targets[which % 4]), &one.path, &f->error);
    ASSERT(e == OK);
    e = sta_plan_change(&f->graph, &one, maker, arena, &plan, &f->error);
    ASSERT(e == OK || (f->error.status >= 400 && f->error.status < 500 && f->error.text[0]));
    if (e == OK)
        sta_plan_apply(&f->graph, &plan);
}

/* The same body as a published Observation: its feature is known, or planned and then known. */
static void
observe(struct fixture *f, struct bytes body, const struct sta_maker *maker, struct arena *arena)
{
    struct sta_observation o;
    struct sta_plan plan;
    uint64_t feature = 0;
    if (sta_observation_scan(body, 0, arena, &o, &f->error) != OK)
        return;
    o.stream = o.stream ? o.stream : 1;
    enum err e = sta_plan_feature(&f->graph, &o, maker, arena, &feature, &plan, &f->error);
    if (e == ERR_AGAIN) {
        sta_plan_apply(&f->graph, &plan);
        e = sta_plan_feature(&f->graph, &o, maker, arena, &feature, &plan, &f->error);
        ASSERT(e == OK);
    }
    ASSERT((e == OK) == (feature != 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    static struct fixture f;
    struct sta_graph again;
    struct sta_path path;
    struct sta_plan plan;
    if (size == 0)
        return 0;
    if (!arena.p)
        arena_init(&arena, STA_ARENA_BYTES);
    arena.size = STA_ARENA_BYTES;
    arena_reset(&arena);
    sta_graph_init(&f.graph, 2000, 4 * 1024 * 1024);
    f.rights = (struct sta_rights){fixture_may_see, &f};
    f.source = (struct sta_source){fixture_get, fixture_range, fixture_span, fixture_rollups, &f};
    const struct sta_maker maker = {
        .owner = bytes_text("fuzz"), .now_us = 0, .rights = &f.rights, .source = &f.source};
    static const char thing[] =
        "{\"name\":\"junction\",\"description\":\"d\",\"Locations\":[" FIXTURE_LOCATION
        "],\"Datastreams\":[" FIXTURE_STREAM("n") "}]}";
    enum err e = sta_path_parse(bytes_text(paths[0]), &path, &f.error);
    ASSERT(e == OK);
    e = sta_plan_create(&f.graph, &path, bytes_text(thing), &maker, &arena, &plan, &f.error);
    ASSERT(e == OK);
    sta_plan_apply(&f.graph, &plan);
    arena_reset(&arena);
    arena.size =
        data[0] & 0x80 ? SMALL_ARENA_BYTES : STA_ARENA_BYTES; /* what has no room says so */
    e = sta_path_parse(bytes_text(paths[data[0] % ARRAY_COUNT(paths)]), &path, &f.error);
    ASSERT(e == OK);
    e = sta_plan_create(&f.graph, &path, bytes_of(data + 1, size - 1), &maker, &arena, &plan,
                        &f.error);
    ASSERT(e == OK || (f.error.status >= 400 && f.error.status < 500 && f.error.text[0]));
    if (e == OK)
        sta_plan_apply(&f.graph, &plan);
    arena.size = STA_ARENA_BYTES;
    change(&f, data[0], bytes_of(data + 1, size - 1), &maker, &arena);
    observe(&f, bytes_of(data + 1, size - 1), &maker, &arena);
    sta_graph_init(&again, 2000, 4 * 1024 * 1024);
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        for (uint32_t i = 0; i < f.graph.set[t].count; i++) {
            e = sta_graph_load(&again, (uint8_t)t, f.graph.set[t].p[i]->id,
                               f.graph.set[t].p[i]->record);
            ASSERT(e == OK);
        }
    e = sta_graph_link(&again);
    ASSERT(e == OK && again.entities == f.graph.entities);
    sta_graph_fini(&again);
    sta_graph_fini(&f.graph);
    return 0;
}
