/*
 * fixture.h -- for tests and fuzz targets: a graph, and a store in memory, filled by plans.
 */
#ifndef SENSORTHINGS_FIXTURE_H
#define SENSORTHINGS_FIXTURE_H

#include "sensorthings/answer.h"
#include "sensorthings/create.h"

enum { FIXTURE_STREAMS = 64, FIXTURE_ROWS = 512 };

struct fixture {
    struct sta_graph graph;
    struct sta_source source;
    struct sta_rights rights;
    struct arena arena, kept;
    struct observation rows[FIXTURE_STREAMS][FIXTURE_ROWS];
    uint64_t counts[FIXTURE_STREAMS];
    bool withdrawn[FIXTURE_STREAMS][FIXTURE_ROWS];
    const char *hidden; /* entities of this owner may not be seen */
    bool in_range;
    bool values_hidden; /* no Observation may be seen */
    int64_t now_us;
    struct sta_error error;
    struct buf out;
    struct sta_report report;
};

static inline enum err
fixture_get(void *ctx, uint32_t stream, uint64_t n, struct observation *out)
{
    struct fixture *f = ctx;
    if (stream >= FIXTURE_STREAMS || n >= f->counts[stream] || f->withdrawn[stream][n])
        return ERR_NOT_FOUND;
    *out = f->rows[stream][n];
    return OK;
}

/* The rows of a stream in order of (time, n): small, so sorted anew each time. */
static inline enum err
fixture_range(void *ctx, uint32_t stream, const struct store_range *range,
              store_observation_fn *each, void *each_ctx)
{
    struct fixture *f = ctx;
    ASSERT(!f->in_range); /* a store may not bear it */
    uint64_t order[FIXTURE_ROWS], count = f->counts[stream];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = i;
        for (; at > 0 && f->rows[stream][order[at - 1]].time_us > f->rows[stream][i].time_us; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = order[range->descending ? count - 1 - i : i];
        const struct observation *o = &f->rows[stream][n];
        if (o->time_us < range->from_us || o->time_us >= range->to_us || f->withdrawn[stream][n])
            continue;
        int where =
            o->time_us < range->after_us || (o->time_us == range->after_us && n < range->after_n)
                ? -1
                : o->time_us > range->after_us || n > range->after_n;
        if (range->after && (range->descending ? where >= 0 : where <= 0))
            continue;
        f->in_range = true;
        bool go_on = each(each_ctx, n, o);
        f->in_range = false;
        if (!go_on)
            break;
    }
    return OK;
}

static inline enum err
fixture_span(void *ctx, uint32_t stream, struct store_span *out)
{
    struct fixture *f = ctx;
    if (stream >= FIXTURE_STREAMS)
        return ERR_NOT_FOUND;
    *out = (struct store_span){.count = f->counts[stream]};
    for (uint64_t i = 0; i < f->counts[stream]; i++) {
        const struct observation *o = &f->rows[stream][i];
        if (i == 0 || o->time_us < out->first_us)
            out->first_us = o->time_us;
        if (i == 0 || o->time_end_us > out->last_us)
            out->last_us = o->time_end_us;
        if (i == 0 || o->result_time_us < out->first_result_us)
            out->first_result_us = o->result_time_us;
        if (i == 0 || o->result_time_us > out->last_result_us)
            out->last_result_us = o->result_time_us;
    }
    return OK;
}

static inline enum err
fixture_rollups(void *ctx, uint32_t stream, enum store_step step, int64_t from_us, int64_t to_us,
                store_rollup_fn *each, void *each_ctx)
{
    const struct fixture *f = ctx;
    int64_t length = step == STORE_MINUTE ? 60000000LL
                     : step == STORE_HOUR ? 3600000000LL
                                          : 86400000000LL;
    int64_t next = from_us;
    for (;;) { /* small: the earliest step that is left, again and again */
        struct store_rollup r = {.start_us = INT64_MAX};
        for (uint64_t i = 0; i < f->counts[stream]; i++) {
            const struct observation *o = &f->rows[stream][i];
            int64_t start = o->time_us - ((o->time_us % length) + length) % length;
            if (o->kind == RESULT_NUMBER && start >= next && start < to_us && start < r.start_us)
                r.start_us = start;
        }
        if (r.start_us == INT64_MAX)
            return OK;
        for (uint64_t i = 0; i < f->counts[stream]; i++) {
            const struct observation *o = &f->rows[stream][i];
            if (o->kind != RESULT_NUMBER || o->time_us < r.start_us ||
                o->time_us >= r.start_us + length)
                continue;
            r.min = r.count == 0 || o->number < r.min ? o->number : r.min;
            r.max = r.count == 0 || o->number > r.max ? o->number : r.max;
            r.first = r.count == 0 ? o->number : r.first;
            r.last = o->number;
            r.sum += o->number;
            r.count++;
        }
        if (!each(each_ctx, &r))
            return OK;
        next = r.start_us + 1;
    }
}

static inline bool
fixture_may_see(void *ctx, enum sta_type type, const struct sta_entity *e)
{
    const struct fixture *f = ctx;
    if (type == STA_OBSERVATION && f->values_hidden)
        return false;
    return !f->hidden || strcmp(e->owner, f->hidden) != 0;
}

static inline struct fixture *
fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ASSERT(f);
    sta_graph_init(&f->graph, 2000, 4 * 1024 * 1024);
    f->source = (struct sta_source){fixture_get, fixture_range, fixture_span, fixture_rollups, f};
    f->rights = (struct sta_rights){fixture_may_see, f};
    arena_init(&f->arena, STA_ARENA_BYTES);
    arena_init(&f->kept, 4 * 1024 * 1024);
    buf_init(&f->out, 1024 * 1024);
    f->now_us = 1772366400000000LL; /* 2026-03-01T12:00:00Z */
    return f;
}

static inline void
fixture_free(struct fixture *f)
{
    sta_graph_fini(&f->graph);
    arena_fini(&f->arena);
    arena_fini(&f->kept);
    buf_fini(&f->out);
    free(f);
}

/* What a core does with a plan, without durability. */
static inline void
fixture_apply(struct fixture *f, struct sta_plan *plan)
{
    for (uint32_t i = 0; i < plan->observations_count; i++) {
        struct sta_plan_observation *o = &plan->observations[i];
        ASSERT(o->stream < FIXTURE_STREAMS && f->counts[o->stream] < FIXTURE_ROWS);
        o->value.text = arena_dup(&f->kept, o->value.text);
        o->value.extra = arena_dup(&f->kept, o->value.extra);
        o->n = f->counts[o->stream]++;
        f->rows[o->stream][o->n] = o->value;
    }
    for (uint32_t i = 0; i < plan->corrections_count; i++) {
        const struct sta_plan_correction *o = &plan->corrections[i];
        struct observation *row = &f->rows[o->stream][o->n];
        *row = o->value;
        row->text = arena_dup(&f->kept, o->value.text);
        row->extra = arena_dup(&f->kept, o->value.extra);
        f->withdrawn[o->stream][o->n] |= o->withdrawn;
    }
    sta_plan_apply(&f->graph, plan);
}

/* POST; the status that a core would answer. */
static inline int
fixture_post_as(struct fixture *f, const char *owner, const char *path, const char *body)
{
    struct sta_path p;
    struct sta_plan plan;
    struct sta_maker maker = {.owner = bytes_text(owner),
                              .now_us = f->now_us,
                              .rights = &f->rights,
                              .source = &f->source,
                              .names_owner = owner[0] == '@'};
    arena_reset(&f->arena);
    f->error = (struct sta_error){0};
    if (sta_path_parse(bytes_text(path), &p, &f->error) != OK ||
        sta_plan_create(&f->graph, &p, bytes_text(body), &maker, &f->arena, &plan, &f->error) != OK)
        return f->error.status;
    fixture_apply(f, &plan);
    return 201;
}

/* A change of what is there; the status that a core would answer. The plan's counts stay. */
static inline int
fixture_change(struct fixture *f, enum sta_verb verb, const char *path, const char *body,
               struct sta_plan *out)
{
    struct sta_change change = {.verb = verb, .body = bytes_text(body)};
    struct sta_maker maker = {.owner = bytes_text("tester"),
                              .now_us = f->now_us,
                              .rights = &f->rights,
                              .source = &f->source};
    arena_reset(&f->arena);
    f->error = (struct sta_error){0};
    if (sta_path_parse(bytes_text(path), &change.path, &f->error) != OK ||
        sta_plan_change(&f->graph, &change, &maker, &f->arena, out, &f->error) != OK)
        return f->error.status;
    fixture_apply(f, out);
    return 200;
}

static inline int
fixture_post(struct fixture *f, const char *path, const char *body)
{
    return fixture_post_as(f, "tester", path, body);
}

#define FIXTURE_BASE "https://c/v1.1"

static inline struct sta_view
fixture_view(struct fixture *f)
{
    return (struct sta_view){.graph = &f->graph,
                             .source = &f->source,
                             .rights = &f->rights,
                             .base_url = bytes_text(FIXTURE_BASE),
                             .now_us = f->now_us,
                             .examined_max = 10000,
                             .arena = &f->arena};
}

/* GET; the status, with the body (or the error's sentence) in f->out. */
static inline int
fixture_get_bytes(struct fixture *f, struct bytes target)
{
    struct sta_request request;
    struct sta_view view = fixture_view(f);
    arena_reset(&f->arena);
    buf_reset(&f->out);
    f->error = (struct sta_error){0};
    if (sta_request_parse(target, &f->arena, &request, &f->error) != OK ||
        sta_answer(&view, &request, &f->out, &f->report, &f->error) != OK) {
        sta_error_render(&f->error, 0, &f->out);
        return f->error.status;
    }
    return f->report.status;
}

static inline int
fixture_get_text(struct fixture *f, const char *target)
{
    return fixture_get_bytes(f, bytes_text(target));
}

#define FIXTURE_SENSOR                                                                             \
    "\"Sensor\":{\"name\":\"s\",\"description\":\"d\",\"encodingType\":\"application/pdf\","       \
    "\"metadata\":\"m\"}"
#define FIXTURE_PROPERTY                                                                           \
    "\"ObservedProperty\":{\"name\":\"flow\",\"definition\":\"http://x\",\"description\":\"d\"}"
#define FIXTURE_LOCATION                                                                           \
    "{\"name\":\"square\",\"description\":\"d\",\"encodingType\":\"application/geo+json\","        \
    "\"location\":{\"type\":\"Point\",\"coordinates\":[1,2]}}"
#define FIXTURE_STREAM(name)                                                                       \
    "{\"name\":\"" name "\",\"description\":\"d\",\"observationType\":\"OM_Measurement\","         \
    "\"unitOfMeasurement\":{\"name\":\"m\",\"symbol\":\"m\",\"definition\":null},"                 \
    "\"properties\":{\"class\":\"signal-state\"}," FIXTURE_SENSOR "," FIXTURE_PROPERTY

/* A MultiDatastream of speed and count, below a Thing. */
#define FIXTURE_MULTI(types, units)                                                                \
    "{\"name\":\"m\",\"description\":\"d\",\"multiObservationDataTypes\":[" types                  \
    "],\"unitOfMeasurements\":[" units                                                             \
    "],\"properties\":{\"class\":\"signal-state\"}," FIXTURE_SENSOR                                \
    ",\"ObservedProperties\":[{\"name\":\"speed\",\"definition\":\"http://x\","                    \
    "\"description\":\"d\"},{\"name\":\"count\",\"definition\":\"http://y\",\"description\":"      \
    "\"d\"}]"
#define FIXTURE_UNIT "{\"name\":\"m\",\"symbol\":\"m\",\"definition\":null}"

/* Thing 1 "junction" with Location 1 and Datastreams 1 "north", 2 "south". */
static inline int
fixture_junction(struct fixture *f)
{
    return fixture_post(
        f, "/v1.1/Things",
        "{\"name\":\"junction\",\"description\":\"d\",\"properties\":{\"owner\":"
        "{\"name\":\"city\"},\"lanes\":4},\"Locations\":[" FIXTURE_LOCATION "],"
        "\"Datastreams\":[" FIXTURE_STREAM("north") "}," FIXTURE_STREAM("south") "}]}");
}

#endif
