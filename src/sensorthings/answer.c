#include "sensorthings/answer.h"

#include "base/text.h"
#include "sensorthings/page.h"
#include "sensorthings/json.h"
#include "sensorthings/observation.h"
#include "sensorthings/root.h"
#include "sensorthings/times.h"

void
sta_self_link(struct bytes base_url, enum sta_type type, uint64_t id, struct buf *out)
{
    buf_put(out, base_url);
    buf_byte(out, '/');
    buf_text(out, sta_type_info(type)->set);
    buf_byte(out, '(');
    buf_u64_decimal(out, id);
    buf_byte(out, ')');
}

/* ---- paths ---- */

/* Where a path leads: one row, or a set. */
struct place {
    bool is_set;
    struct sta_row row;
    struct observation observation;
    struct sta_set set;
};

static enum err
not_found(struct sta_run *run)
{
    return sta_fail(run->error, 404, 0,
                    "there is nothing at this path, or nothing that you may see");
}

static enum err
go_to_observation(struct sta_run *run, const struct sta_entity *parent, uint64_t id,
                  struct place *at)
{
    uint32_t stream;
    uint64_t n;
    const struct sta_source *source = run->view->source;
    if (!sta_observation_of_id(id, &stream, &n))
        return not_found(run);
    const struct sta_entity *e = sta_graph_stream(run->view->graph, stream);
    if (!sta_visible(run, STA_OBSERVATION, e) ||
        (parent && sta_is_stream(parent->type) && parent != e))
        return not_found(run);
    enum err err = source->get(source->ctx, stream, n, &at->observation);
    if (err == ERR_NOT_FOUND || err == ERR_EXPIRED)
        return not_found(run);
    if (err != OK)
        return sta_fail(run->error, 503, 0, "the store cannot be read now; try again");
    if (parent && parent->type == STA_FEATURE_OF_INTEREST &&
        at->observation.feature_id != parent->id)
        return not_found(run);
    /* What was read is borrowed until the store is read again, which may be while it is used. */
    at->observation.text = arena_dup(run->view->arena, at->observation.text);
    at->observation.extra = arena_dup(run->view->arena, at->observation.extra);
    if (!at->observation.text.p || !at->observation.extra.p)
        return sta_fail(run->error, 413, 0,
                        "the request needs too much memory; ask for less with $top");
    at->row = (struct sta_row){STA_OBSERVATION, e, n, &at->observation};
    return OK;
}

static enum err
go_step(struct sta_run *run, const struct sta_step *step, bool first, struct place *at)
{
    const struct sta_entity *parent = first ? NULL : at->row.entity;
    enum err e = sta_examine(run);
    if (e != OK)
        return e;
    if (step->many) {
        at->is_set = true;
        at->set = (struct sta_set){step->type, parent, step->relation};
        return OK;
    }
    if (step->type == STA_OBSERVATION)
        return go_to_observation(run, parent, step->id, at);
    const struct sta_entity *to;
    if (step->has_id) {
        to = sta_graph_get(run->view->graph, step->type, step->id);
        bool holds = first;
        for (uint32_t i = 0; parent && i < parent->links[step->relation].count; i++)
            holds = holds || parent->links[step->relation].p[i] == step->id;
        if (!holds || !sta_visible(run, step->type, to))
            return not_found(run);
    } else {
        to = sta_related(&run->scope, &at->row, step->relation);
        if (!to)
            return not_found(run);
    }
    at->row = (struct sta_row){.type = step->type, .entity = to};
    return OK;
}

static enum err
go(struct sta_run *run, const struct sta_path *path, struct place *out)
{
    for (uint32_t i = 0; i < path->steps_count; i++) {
        if (sta_is_tasking(path->steps[i].type) && !run->view->graph->tasking)
            return not_found(run);
        enum err e = go_step(run, &path->steps[i], i == 0, out);
        if (e != OK)
            return e;
    }
    return OK;
}

/* ---- answers ---- */

/* The bare JSON of the property that the path names; false when it has no value. */
static bool
property_json(struct sta_run *run, const struct sta_path *path, const struct sta_row *row,
              struct buf *out)
{
    if (path->property_is_id) {
        buf_u64_decimal(out, sta_row_id(row));
        return true;
    }
    if (row->type != STA_OBSERVATION)
        return sta_property_put(run, row->entity, path->property, out);
    return sta_observation_value(out, row->observation, 1u << path->property) && !out->overflow;
}

static enum err
put_named(struct sta_run *run, const struct sta_path *path, struct bytes value, struct buf *out)
{
    const char *name = path->members_count ? path->members[path->members_count - 1]
                       : path->property_is_id
                           ? "@iot.id"
                           : sta_type_info(sta_path_type(path))->properties[path->property].name;
    struct bytes text;
    if (path->kind == STA_PATH_PROPERTY) {
        buf_byte(out, '{');
        text_put_json(out, bytes_text(name));
        buf_byte(out, ':');
        buf_put(out, value);
        buf_byte(out, '}');
        return OK;
    }
    run->report.content_type = "text/plain;charset=utf-8";
    if (sta_json_kind(value) != STA_JSON_TEXT)
        text = value;
    else if (sta_json_text(value, run->view->arena, &text) != OK)
        return sta_fail(run->error, 413, 0, "the value is too long");
    buf_put(out, text);
    return OK;
}

static enum err
put_one_property(struct sta_run *run, const struct sta_path *path, const struct sta_row *row,
                 struct buf *out)
{
    struct buf json;
    buf_init(&json, STORE_ENTITY_BYTES_MAX);
    bool there = property_json(run, path, row, &json);
    struct bytes value = buf_bytes(&json);
    for (uint32_t i = 0; there && i < path->members_count; i++) {
        value = sta_json_step(value, bytes_text(path->members[i]));
        there = value.len > 0;
    }
    sta_count_row(run, row->entity);
    enum err e = OK;
    if (there)
        e = put_named(run, path, value, out);
    else if (path->members_count)
        e = not_found(run);
    else
        run->report.status = 204;
    buf_fini(&json);
    return e;
}

/* The link to one entity alone. */
static enum err
put_ref(struct sta_run *run, const struct sta_row *row, struct buf *out)
{
    buf_text(out, "{\"@iot.selfLink\":\"");
    sta_self_link(run->view->base_url, row->type, sta_row_id(row), out);
    buf_text(out, "\"}");
    sta_count_row(run, row->entity);
    return OK;
}

static enum err
put_set(struct sta_run *run, const struct sta_request *request, const struct place *at,
        struct buf *out)
{
    const struct sta_place place = {.path = &request->path};
    enum sta_page_kind kind = request->path.ref           ? STA_PAGE_REFS
                              : request->query.data_array ? STA_PAGE_DATA_ARRAY
                                                          : STA_PAGE_ROWS;
    buf_byte(out, '{');
    enum err e = sta_page_put(run, &request->query, &at->set, kind, NULL, &place, out, 0);
    buf_byte(out, '}');
    return e;
}

/* A part of the view's arena that is not cleared: its user clears what it takes. */
static bool
carve(struct arena *from, size_t size, struct arena *out)
{
    size_t at = (from->used + 15) & ~(size_t)15;
    if (at > from->size || size > from->size - at)
        return false;
    *out = (struct arena){.p = from->p + at, .size = size};
    from->used = at + size;
    return true;
}

static enum err
run_init(struct sta_run *run, const struct sta_view *view, struct sta_error *error)
{
    *run = (struct sta_run){.view = view, .error = error};
    run->report.status = 200;
    run->report.content_type = "application/json";
    if (!carve(view->arena, STA_SCRATCH_BYTES, &run->scratch) ||
        !carve(view->arena, STA_BATCHES_BYTES, &run->batches))
        return sta_fail(error, 413, 0, "the request needs too much memory; ask for less with $top");
    run->scope = (struct sta_scope){.graph = view->graph,
                                    .source = view->source,
                                    .rights = view->rights,
                                    .scratch = &run->scratch,
                                    .now_us = view->now_us,
                                    .examined = &run->report.examined,
                                    .examined_max = view->examined_max};
    return OK;
}

/* What a path leads to. */
static enum err
put_place(struct sta_run *run, const struct sta_request *request, struct buf *out)
{
    struct place at = {0};
    enum err e = go(run, &request->path, &at);
    if (e != OK)
        return e;
    if (request->path.kind == STA_PATH_SET)
        return put_set(run, request, &at, out);
    if (request->path.ref)
        return put_ref(run, &at.row, out);
    if (request->path.kind == STA_PATH_ENTITY)
        return sta_row_put(run, &request->query, &at.row, out, 0);
    return put_one_property(run, &request->path, &at.row, out);
}

static enum err
put_answer(struct sta_run *run, const struct sta_request *request, struct buf *out)
{
    switch (request->path.kind) {
    case STA_PATH_ROOT:
        sta_root_put(run->view, out);
        return OK;
    case STA_PATH_API:
        sta_openapi_put(run->view, out);
        return OK;
    case STA_PATH_ROLLUPS:
        return sta_rollups_put(run, &request->rollups, out);
    case STA_PATH_CREATE_OBSERVATIONS:
        return sta_fail(run->error, 405, 0, "CreateObservations takes POST");
    case STA_PATH_SET:
    case STA_PATH_ENTITY:
    case STA_PATH_PROPERTY:
    case STA_PATH_VALUE:
        break;
    }
    return put_place(run, request, out);
}

enum err
sta_answer(const struct sta_view *view, const struct sta_request *request, struct buf *out,
           struct sta_report *report, struct sta_error *error)
{
    struct sta_run run;
    size_t before = out->len;
    enum err e = run_init(&run, view, error);
    if (e == OK)
        e = put_answer(&run, request, out);
    if (e == OK && buf_error(out) != OK)
        e = sta_fail(error, 413, 0, "the answer has more than %zu bytes; ask for less with $top",
                     out->max);
    if (e == OK)
        *report = run.report;
    else
        out->len = before;
    return e;
}

enum err
sta_request_parse(struct bytes target, struct arena *arena, struct sta_request *out,
                  struct sta_error *error)
{
    struct sta_request request = {0};
    size_t question = bytes_find(target, '?');
    struct bytes options = bytes_skip(target, question < target.len ? question + 1 : question);
    enum err e = sta_path_parse(bytes_of(target.p, question), &request.path, error);
    if (e != OK)
        return e;
    enum sta_path_kind kind = request.path.kind;
    if (kind == STA_PATH_ROLLUPS) {
        e = sta_rollups_parse(options, arena, &request.rollups, error);
        if (e == OK)
            *out = request;
        return e;
    }
    if (options.len && kind != STA_PATH_SET && kind != STA_PATH_ENTITY)
        return sta_fail(error, 400, question,
                        "this path takes no query options; they stand behind a set or an entity");
    if (sta_path_type(&request.path))
        e = sta_query_parse(options, sta_path_type(&request.path), arena, &request.query, error);
    const struct sta_query *q = &request.query;
    if (e == OK && kind == STA_PATH_ENTITY &&
        (q->has_top || q->has_skip || q->count || q->filter || q->has_cursor ||
         (q->order_count && !q->order_implicit)))
        return sta_fail(
            error, 400, question,
            "one entity takes $select and $expand only; the other options are for sets");
    if (e == OK && request.path.ref && (q->expand || q->has_select || q->data_array))
        return sta_fail(error, 400, question,
                        "links take no $select, no $expand and no $resultFormat");
    if (e == OK && q->data_array && kind != STA_PATH_SET)
        return sta_fail(error, 400, question,
                        "$resultFormat=dataArray is for sets of Observations");
    if (e == OK)
        *out = request;
    return e;
}

enum err
sta_answer_entity(const struct sta_view *view, enum sta_type type, uint64_t id, struct buf *out)
{
    struct sta_error error;
    struct sta_report report;
    struct sta_request request = {.path = {.kind = STA_PATH_ENTITY, .steps_count = 1},
                                  .query = {.type = type}};
    request.path.steps[0] = (struct sta_step){.type = type, .has_id = true, .id = id};
    return sta_answer(view, &request, out, &report, &error);
}

/* Every entity that the topic leads through may be seen: else what comes would tell of it. */
static bool
topic_seen(const struct sta_view *view, const struct sta_path *path)
{
    const struct sta_scope scope = {.graph = view->graph, .rights = view->rights};
    const struct sta_entity *at = NULL;
    for (uint32_t i = 0; i + 1 < path->steps_count; i++) {
        const struct sta_step *step = &path->steps[i];
        if (step->type == STA_OBSERVATION)
            return false; /* nothing is delivered through one */
        if (step->has_id) {
            at = sta_graph_get(view->graph, step->type, step->id);
            at = at && view->rights->may_see(view->rights->ctx, step->type, at) ? at : NULL;
        } else if (at) {
            const struct sta_row row = {.type = at->type, .entity = at};
            at = sta_related(&scope, &row, step->relation);
        }
        if (!at)
            return false;
    }
    return true;
}

enum err
sta_answer_change(const struct sta_view *view, const struct sta_topic *topic, enum sta_type type,
                  uint64_t id, struct buf *out)
{
    struct sta_error error;
    struct sta_report report;
    struct sta_request request = {.path = {.kind = STA_PATH_ENTITY, .steps_count = 1},
                                  .query = {.type = type}};
    request.path.steps[0] = (struct sta_step){.type = type, .has_id = true, .id = id};
    if (!topic_seen(view, &topic->path))
        return ERR_NOT_FOUND;
    request.query.has_select = topic->select != 0;
    request.query.select = topic->select;
    if (topic->path.kind == STA_PATH_PROPERTY) {
        request.path.kind = STA_PATH_PROPERTY;
        request.path.property = topic->path.property;
    }
    return sta_answer(view, &request, out, &report, &error);
}

void
sta_error_render(const struct sta_error *error, uint32_t charter_line, struct buf *out)
{
    buf_format(out, "{\"code\":%d,\"type\":\"error\",\"message\":", error->status);
    text_put_json(out, bytes_text(error->text));
    if (charter_line)
        buf_format(out, ",\"charterLine\":%u", charter_line);
    buf_byte(out, '}');
}
