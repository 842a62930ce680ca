#include "sensorthings/rollups.h"

#include "base/text.h"
#include "sensorthings/page.h"
#include "sensorthings/times.h"

static const char *const step_names[] = {
    [STORE_MINUTE] = "minute", [STORE_HOUR] = "hour", [STORE_DAY] = "day"};

enum { DATASTREAM, STEP, FROM, TO, OPTIONS };
static const char *const option_names[OPTIONS] = {"datastream", "step", "from", "to"};

static enum err
take_value(int option, struct bytes value, struct sta_rollups *q, struct sta_error *error)
{
    int64_t start = 0, end = 0;
    if (option == DATASTREAM) {
        if (text_u64(value, INT64_MAX, &q->datastream) == OK)
            return OK;
        return sta_fail(error, 400, 0, "datastream is the id of a Datastream, a number");
    }
    if (option == STEP) {
        for (uint32_t i = STORE_MINUTE; i <= STORE_DAY; i++)
            if (bytes_are(value, step_names[i]))
                q->step = (enum store_step)i;
        return q->step ? OK : sta_fail(error, 400, 0, "step is minute, hour or day");
    }
    for (size_t i = 0; i < value.len; i++) /* "+02:00" that was not percent-encoded */
        if (value.p[i] == ' ')
            ((uint8_t *)(uintptr_t)value.p)[i] = '+';
    if (sta_time_parse(value, &start, &end) != OK || start != end)
        return sta_fail(error, 400, 0,
                        "%s is an ISO 8601 time with zone, such as "
                        "2026-03-01T00:00:00Z",
                        option_names[option]);
    *(option == FROM ? &q->from_us : &q->to_us) = start;
    return OK;
}

enum err
sta_rollups_parse(struct bytes options, struct arena *arena, struct sta_rollups *out,
                  struct sta_error *error)
{
    struct sta_rollups q = {.from_us = INT64_MIN, .to_us = INT64_MAX};
    uint32_t seen = 0;
    while (options.len) {
        size_t end = bytes_find(options, '&'), equals;
        struct bytes part = bytes_of(options.p, end), value;
        options = bytes_skip(options, end < options.len ? end + 1 : end);
        equals = bytes_find(part, '=');
        int option = 0;
        while (option < OPTIONS && !bytes_are(bytes_of(part.p, equals), option_names[option]))
            option++;
        if (option == OPTIONS || equals == part.len)
            return sta_fail(error, 400, 0,
                            "Rollups takes datastream=ID, step=minute, hour or day, from=TIME and "
                            "to=TIME");
        if (seen & 1u << option)
            return sta_fail(error, 400, 0, "%s is given twice", option_names[option]);
        seen |= 1u << option;
        if (sta_percent_decode(bytes_skip(part, equals + 1), true, arena, &value) != OK)
            return sta_fail(error, 400, 0,
                            "a query is percent-encoded UTF-8 without NUL: %%XX for a byte, %%25 "
                            "for a percent sign");
        enum err e = take_value(option, value, &q, error);
        if (e != OK)
            return e;
    }
    if (!(seen & 1u << DATASTREAM) || !(seen & 1u << STEP))
        return sta_fail(error, 400, 0, "Rollups needs datastream=ID and step=minute, hour or day");
    *out = q;
    return OK;
}

struct gathering {
    struct sta_run *run;
    struct store_rollup *rows;
    uint32_t count;
    enum err err;
};

static bool
on_rollup(void *ctx, const struct store_rollup *r)
{
    struct gathering *g = ctx;
    if (g->count == STA_ROLLUPS_MAX) {
        g->err = sta_fail(g->run->error, 413, 0,
                          "an answer holds at most %d steps; ask for a coarser step or a shorter "
                          "time",
                          STA_ROLLUPS_MAX);
        return false;
    }
    g->rows[g->count++] = *r;
    return true;
}

static void
put_column(const struct gathering *g, const char *name, size_t offset, struct buf *out)
{
    buf_format(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < g->count; i++) {
        double v;
        memcpy(&v, (const uint8_t *)&g->rows[i] + offset, sizeof(v));
        if (i)
            buf_byte(out, ',');
        if (v - v == 0)
            sta_number_put(out, v);
        else
            buf_text(out, "null"); /* a sum beyond every number */
    }
    buf_byte(out, ']');
}

static void
put_columns(const struct gathering *g, struct buf *out)
{
    buf_text(out, ",\"start\":[");
    for (uint32_t i = 0; i < g->count; i++) {
        if (i)
            buf_byte(out, ',');
        sta_time_put(out, g->rows[i].start_us, g->rows[i].start_us);
    }
    buf_text(out, "],\"count\":[");
    for (uint32_t i = 0; i < g->count; i++) {
        if (i)
            buf_byte(out, ',');
        buf_u64_decimal(out, g->rows[i].count);
    }
    buf_byte(out, ']');
    put_column(g, "min", offsetof(struct store_rollup, min), out);
    put_column(g, "max", offsetof(struct store_rollup, max), out);
    put_column(g, "sum", offsetof(struct store_rollup, sum), out);
    put_column(g, "first", offsetof(struct store_rollup, first), out);
    put_column(g, "last", offsetof(struct store_rollup, last), out);
}

enum err
sta_rollups_put(struct sta_run *run, const struct sta_rollups *q, struct buf *out)
{
    const struct sta_source *source = run->view->source;
    const struct sta_entity *stream =
        sta_graph_get(run->view->graph, STA_DATASTREAM, q->datastream);
    struct gathering g = {.run = run};
    if (!sta_visible(run, STA_DATASTREAM, stream))
        return sta_fail(run->error, 404, 0, "there is no Datastream %llu",
                        (unsigned long long)q->datastream);
    g.rows = arena_take(run->view->arena, STA_ROLLUPS_MAX * sizeof(*g.rows));
    if (!g.rows)
        return sta_fail(run->error, 413, 0, "the request needs too much memory");
    enum err e = OK;
    if (sta_visible(run, STA_OBSERVATION, stream)) /* else as if there were none */
        e = source->rollups(source->ctx, (uint32_t)stream->id, q->step, q->from_us, q->to_us,
                            on_rollup, &g);
    if (g.err != OK)
        return g.err;
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_EXPIRED)
        return sta_store_failed(run);
    sta_count_row(run, stream);
    run->report.rows = run->report.examined = g.count;
    buf_text(out, "{\"Datastream@iot.navigationLink\":\"");
    sta_self_link(run->view->base_url, STA_DATASTREAM, stream->id, out);
    buf_format(out, "\",\"step\":\"%s\"", step_names[q->step]);
    put_columns(&g, out);
    buf_byte(out, '}');
    return OK;
}
