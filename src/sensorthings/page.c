#include "sensorthings/page.h"

#include "sensorthings/area.h"
#include "sensorthings/json.h"
#include "sensorthings/observation.h"
#include "sensorthings/times.h"

uint64_t
sta_row_id(const struct sta_row *row)
{
    return row->type == STA_OBSERVATION ? sta_observation_id((uint32_t)row->entity->id, row->n)
                                        : row->entity->id;
}

void
sta_separate(struct buf *out)
{
    if (out->len && out->p[out->len - 1] != '{' && out->p[out->len - 1] != '[')
        buf_byte(out, ',');
}

static const struct sta_expand *
expanded(const struct sta_query *q, uint32_t relation)
{
    for (const struct sta_expand *x = q->expand; x; x = x->next)
        if (x->relation == relation)
            return x;
    return NULL;
}

/* ---- one row ---- */

static void
put_links(struct sta_run *run, const struct sta_query *q, const struct sta_row *row,
          struct buf *out)
{
    const struct sta_type_info *info = sta_type_info(row->type);
    if (!q->has_select || q->select_id) {
        sta_separate(out);
        buf_text(out, "\"@iot.id\":");
        buf_u64_decimal(out, sta_row_id(row));
    }
    if (!q->has_select) {
        buf_text(out, ",\"@iot.selfLink\":\"");
        sta_self_link(run->view->base_url, row->type, sta_row_id(row), out);
        buf_byte(out, '"');
    }
    for (uint32_t r = 0; r < info->relations_count; r++) {
        enum sta_type to = info->relations[r].to;
        if (!info->relations[r].shown || expanded(q, r) ||
            (sta_is_tasking(to) && !run->view->graph->tasking) ||
            (row->type == STA_OBSERVATION && sta_is_stream(to) && row->entity->type != to) ||
            (q->has_select && !(q->select_relations & 1u << r)))
            continue;
        sta_separate(out);
        buf_byte(out, '"');
        buf_text(out, info->relations[r].name);
        buf_text(out, "@iot.navigationLink\":\"");
        sta_self_link(run->view->base_url, row->type, sta_row_id(row), out);
        buf_byte(out, '/');
        buf_text(out, info->relations[r].name);
        buf_byte(out, '"');
    }
}

bool
sta_property_put(struct sta_run *run, const struct sta_entity *e, uint32_t property,
                 struct buf *out)
{
    const struct sta_property *p = &sta_type_info(e->type)->properties[property];
    int64_t start, end;
    if (sta_is_stream(e->type) && e->property[property].len == 0 &&
        strcmp(p->name, "observedArea") == 0)
        return sta_observed_area(run->view->graph, run->scope.rights, e, run->scope.scratch, out);
    if (!p->server || !sta_is_stream(e->type)) { /* a Task's are in its record */
        buf_put(out, e->property[property]);
        return e->property[property].len > 0;
    }
    if (!sta_stream_times(&run->scope, e, strcmp(p->name, "resultTime") == 0, &start, &end))
        return false;
    sta_time_put(out, start, end);
    return true;
}

static void
put_properties(struct sta_run *run, const struct sta_query *q, const struct sta_entity *e,
               struct buf *out)
{
    const struct sta_type_info *info = sta_type_info(e->type);
    for (uint32_t i = 0; i < info->properties_count; i++) {
        if (q->has_select && !(q->select & 1u << i))
            continue;
        size_t before = out->len;
        sta_separate(out);
        buf_byte(out, '"');
        buf_text(out, info->properties[i].name);
        buf_text(out, "\":");
        if (!sta_property_put(run, e, i, out) && !out->overflow)
            out->len = before;
    }
}

static enum err
put_expansions(struct sta_run *run, const struct sta_query *q, const struct sta_row *row,
               struct buf *out, uint32_t depth)
{
    const struct sta_type_info *info = sta_type_info(row->type);
    enum err e = OK;
    for (const struct sta_expand *x = q->expand; e == OK && x; x = x->next) {
        const struct sta_relation *r = &info->relations[x->relation];
        if (!r->many) {
            const struct sta_entity *to = sta_related(&run->scope, row, x->relation);
            const struct sta_row inner = {.type = r->to, .entity = to};
            sta_separate(out);
            buf_format(out, "\"%s\":", r->name);
            if (!to)
                buf_text(out, "null");
            else if ((e = sta_examine(run)) == OK)
                e = sta_row_put(run, x->query, &inner, out, depth + 1);
            continue;
        }
        const struct sta_set set = {r->to, row->entity, x->relation};
        const struct sta_place place = {.row = row, .relation = r->name};
        e = sta_page_put(run, x->query, &set, STA_PAGE_ROWS, r->name, &place, out, depth + 1);
    }
    return e;
}

enum err
sta_row_put(struct sta_run *run, const struct sta_query *q, const struct sta_row *row,
            struct buf *out, uint32_t depth)
{
    ASSERT(depth <= STA_EXPAND_DEPTH_MAX);
    sta_count_row(run, row->entity);
    if (row->type == STA_OBSERVATION && !q->has_select && !q->expand) { /* nearly every row */
        sta_observation_render(out, run->view->base_url, (uint32_t)row->entity->id, row->n,
                               row->observation, STA_OBS_ALL | sta_of_multi(row->entity));
        return OK;
    }
    buf_byte(out, '{');
    put_links(run, q, row, out);
    if (row->type == STA_OBSERVATION) {
        size_t before = out->len;
        sta_separate(out);
        size_t start = out->len;
        sta_observation_members(out, run->view->base_url, (uint32_t)row->entity->id, row->n,
                                row->observation, q->has_select ? q->select : 0x3f);
        if (out->len == start && !out->overflow)
            out->len = before;
    } else {
        put_properties(run, q, row->entity, out);
    }
    enum err e = put_expansions(run, q, row, out, depth);
    buf_byte(out, '}');
    return e;
}

/* ---- pages ---- */

static void
put_place(const struct sta_run *run, const struct sta_place *place, struct buf *out)
{
    if (!place->path) {
        sta_self_link(run->view->base_url, place->row->type, sta_row_id(place->row), out);
        buf_byte(out, '/');
        buf_text(out, place->relation);
        return;
    }
    struct buf path;
    buf_init(&path, 16 * 1024);
    sta_path_print(place->path, &path);
    ASSERT(bytes_start(buf_bytes(&path), "/v1.1")); /* which ends base_url already */
    buf_put(out, run->view->base_url);
    buf_put(out, bytes_skip(buf_bytes(&path), 5));
    buf_fini(&path);
}

static void
put_next_link(const struct sta_run *run, const struct sta_query *q, const char *prefix,
              const struct sta_place *place, const struct sta_value *keys, uint64_t id,
              struct buf *out)
{
    sta_separate(out);
    buf_format(out, "\"%s@iot.nextLink\":\"", prefix);
    put_place(run, place, out);
    buf_byte(out, '?');
    size_t start = out->len;
    sta_query_print(q, out);
    buf_text(out, out->len > start ? "&$skiptoken=" : "$skiptoken=");
    sta_cursor_print(keys, q->order_count, id, out);
    buf_byte(out, '"');
}

/* The list of a page while it is written. */
struct list {
    struct sta_run *run;
    const struct sta_query *q;
    enum sta_page_kind kind;
    struct buf *out;
    uint32_t depth;
    uint32_t components; /* DATA_ARRAY: bit set of STA_OBS_*, and FEATURE_COMPONENT */
    bool wider;          /* a row holds what the components leave out */
    uint32_t count;
};

enum {
    FEATURE_COMPONENT = 1 << 9,
    RARE = STA_OBS_RESULT_QUALITY | STA_OBS_VALID_TIME | STA_OBS_PARAMETERS,
};

/* With $select what it names; else what a row has without the rare ones, until one is met. */
static uint32_t
components_of(const struct sta_query *q)
{
    if (!q->has_select)
        return STA_OBS_ID | STA_OBS_PHENOMENON_TIME | STA_OBS_RESULT | STA_OBS_RESULT_TIME;
    uint32_t what = q->select & 0x3f;
    what |= q->select_id ? (uint32_t)STA_OBS_ID : 0;
    return what | (q->select_relations & 1u << OBSERVATION_FEATURE ? FEATURE_COMPONENT : 0);
}

static void
put_group_begin(struct list *l, const struct sta_entity *stream)
{
    const struct sta_type_info *info = sta_type_info(STA_OBSERVATION);
    struct buf *out = l->out;
    sta_separate(out);
    buf_format(out, "{\"%s@iot.navigationLink\":\"", sta_type_info(stream->type)->entity);
    sta_self_link(l->run->view->base_url, stream->type, stream->id, out);
    buf_text(out, "\",\"components\":[");
    if (l->components & STA_OBS_ID)
        buf_text(out, "\"id\"");
    for (uint32_t i = 0; i < info->properties_count; i++) {
        if (!(l->components & 1u << i))
            continue;
        sta_separate(out);
        buf_format(out, "\"%s\"", info->properties[i].name);
    }
    if (l->components & FEATURE_COMPONENT) {
        sta_separate(out);
        buf_text(out, "\"FeatureOfInterest/id\"");
    }
    buf_text(out, "],\"dataArray\":[");
    l->count = 0;
}

static void
put_group_end(struct list *l)
{
    buf_format(l->out, "],\"dataArray@iot.count\":%u}", l->count);
}

static void
put_components(struct list *l, const struct sta_row *row)
{
    const struct observation *o = row->observation;
    struct buf *out = l->out;
    buf_byte(out, '[');
    if (l->components & STA_OBS_ID)
        buf_u64_decimal(out, sta_row_id(row));
    for (uint32_t i = 0; i < sta_type_info(STA_OBSERVATION)->properties_count; i++) {
        if (!(l->components & 1u << i))
            continue;
        sta_separate(out);
        if (!sta_observation_value(out, o, 1u << i))
            buf_text(out, "null");
    }
    if (l->components & FEATURE_COMPONENT) {
        const struct sta_entity *e = sta_related(&l->run->scope, row, OBSERVATION_FEATURE);
        sta_separate(out);
        if (e)
            buf_u64_decimal(out, e->id);
        else
            buf_text(out, "null");
    }
    buf_byte(out, ']');
    l->wider = l->wider || (!l->q->has_select && o->extra.len && !(l->components & RARE));
}

static enum err
put_item(struct list *l, const struct sta_row *row)
{
    enum err e = OK;
    if (l->count++)
        buf_byte(l->out, ',');
    if (l->kind == STA_PAGE_ROWS) {
        e = sta_row_put(l->run, l->q, row, l->out, l->depth);
    } else {
        sta_count_row(l->run, row->entity);
        if (l->kind == STA_PAGE_DATA_ARRAY) {
            put_components(l, row);
        } else {
            buf_text(l->out, "{\"@iot.selfLink\":\"");
            sta_self_link(l->run->view->base_url, row->type, sta_row_id(row), l->out);
            buf_text(l->out, "\"}");
        }
    }
    if (e == OK && buf_error(l->out) != OK)
        e = sta_fail(l->run->error, 413, 0,
                     "the answer has more than %zu bytes; ask for less with $top, $select or fewer "
                     "$expand",
                     l->out->max);
    return e;
}

/* ---- rows as the store gives them: the usual question, without a second look ---- */

struct flow {
    struct list list;
    const struct sta_entity *stream;
    uint64_t skip, want;
    bool more;
    struct sta_value last_key;
    uint64_t last_id;
    enum err err;
};

/* One Datastream's observations in their own order, nothing that reads the store again. */
static bool
may_flow(const struct sta_query *q, const struct sta_set *set, uint64_t page)
{
    return page > 0 && set->type == STA_OBSERVATION && set->parent &&
           sta_is_stream(set->parent->type) && q->order_count == 1 && sta_led_by_time(q) &&
           !q->expand && !(q->count && q->filter) && !(q->filter && q->filter->op == STA_OP_ANY) &&
           (!q->has_cursor || (q->cursor[0].kind == STA_TIME &&
                               q->cursor_id >> 32 == set->parent->id && (uint32_t)q->cursor_id));
}

static bool
on_flow(void *ctx, uint64_t n, const struct observation *o)
{
    struct flow *f = ctx;
    struct sta_run *run = f->list.run;
    const struct sta_row row = {STA_OBSERVATION, f->stream, n, o};
    f->err = sta_examine(run);
    if (f->err != OK)
        return false;
    if (f->list.q->filter) {
        arena_reset(&run->scratch);
        bool holds = sta_filter_holds(f->list.q->filter, &run->scope, &row);
        f->err = sta_trouble_fail(run);
        if (f->err != OK)
            return false;
        if (!holds)
            return true;
    }
    if (f->skip) {
        f->skip--;
        return true;
    }
    if (f->want == 0) {
        f->more = true;
        return false;
    }
    f->want--;
    f->last_key = (struct sta_value){.kind = STA_TIME, .time_us = o->time_us};
    f->last_id = sta_observation_id((uint32_t)f->stream->id, n);
    f->err = put_item(&f->list, &row);
    return f->err == OK && !f->list.wider;
}

static enum err
flow(struct flow *f)
{
    const struct sta_query *q = f->list.q;
    struct sta_run *run = f->list.run;
    const struct sta_source *source = run->view->source;
    struct store_range range = {
        .from_us = INT64_MIN, .to_us = INT64_MAX, .descending = q->order[0].descending};
    if (q->filter)
        sta_filter_time_bounds(q->filter, 0, &range.from_us, &range.to_us);
    if (q->has_cursor) {
        range.after = true;
        range.after_us = q->cursor[0].time_us;
        range.after_n = (uint32_t)q->cursor_id - 1;
    }
    if (range.from_us >= range.to_us || !sta_visible(run, STA_OBSERVATION, f->stream))
        return OK;
    enum err e = source->range(source->ctx, (uint32_t)f->stream->id, &range, on_flow, f);
    if (f->err != OK)
        return f->err;
    return e == OK || e == ERR_EXPIRED || e == ERR_NOT_FOUND ? OK : sta_store_failed(run);
}

static enum err
put_flow(struct sta_run *run, const struct sta_query *q, const struct sta_set *set,
         struct list list, const char *name, const struct sta_place *place)
{
    struct buf *out = list.out;
    const char *prefix = name ? name : "";
    struct flow f = {.stream = set->parent};
    struct store_span span = {0};
    const struct sta_source *source = run->view->source;
    if (q->count) { /* without a filter: the store knows it */
        bool seen = sta_visible(run, STA_OBSERVATION, f.stream) &&
                    source->span(source->ctx, (uint32_t)f.stream->id, &span) == OK;
        sta_separate(out);
        buf_format(out, "\"%s@iot.count\":%llu", prefix,
                   seen ? (unsigned long long)span.count : 0ULL);
    }
    sta_separate(out);
    buf_format(out, "\"%s\":[", name ? name : "value");
    size_t mark = out->len;
    const struct sta_report before = run->report;
    enum err e;
    for (;;) {
        f = (struct flow){.list = list, .stream = set->parent};
        f.want = q->has_top && q->top < STA_TOP_MAX ? q->top
                 : q->has_top                       ? STA_TOP_MAX
                                                    : STA_TOP_DEFAULT;
        f.skip = q->has_cursor ? 0 : q->skip;
        if (list.kind == STA_PAGE_DATA_ARRAY)
            put_group_begin(&f.list, f.stream);
        size_t rows = out->len;
        e = flow(&f);
        if (e != OK)
            return e;
        if (!f.list.wider) {
            if (list.kind == STA_PAGE_DATA_ARRAY && out->len > rows)
                put_group_end(&f.list);
            else if (list.kind == STA_PAGE_DATA_ARRAY && !out->overflow)
                out->len = mark; /* no rows: no group */
            break;
        }
        list.components |= RARE; /* once more, wider */
        out->len = mark;
        run->report = before;
    }
    buf_byte(out, ']');
    if (f.more)
        put_next_link(run, q, prefix, place, &f.last_key, f.last_id, out);
    return OK;
}

/* ---- rows that were gathered first ---- */

static enum err
put_slot(struct list *l, const struct sta_slot *slot)
{
    struct sta_row row;
    struct observation space;
    if (l->kind == STA_PAGE_REFS)
        return put_item(l, &slot->row);
    enum err e = sta_slot_row(l->run, slot, &row, &space);
    return e == OK ? put_item(l, &row) : e;
}

/* A group for each Datastream, in the order in which their first rows come. */
static enum err
put_groups(struct list *l, const struct sta_page *page)
{
    enum err e = OK;
    bool *done = arena_take(l->run->view->arena, page->count + 1);
    if (!done)
        return sta_fail(l->run->error, 413, 0,
                        "the request needs too much memory; ask for less with $top");
    for (uint32_t first = 0; e == OK && first < page->count; first++) {
        if (done[first])
            continue;
        const struct sta_entity *stream = page->slots[first]->row.entity;
        put_group_begin(l, stream);
        for (uint32_t i = first; e == OK && i < page->count; i++) {
            if (page->slots[i]->row.entity != stream)
                continue;
            done[i] = true;
            e = put_slot(l, page->slots[i]);
        }
        put_group_end(l);
    }
    return e;
}

static enum err
put_gathered(struct list *l, const struct sta_page *page)
{
    size_t mark = l->out->len;
    const struct sta_report before = l->run->report;
    enum err e = OK;
    if (l->kind != STA_PAGE_DATA_ARRAY) {
        for (uint32_t i = 0; e == OK && i < page->count; i++)
            e = put_slot(l, page->slots[i]);
        return e;
    }
    e = put_groups(l, page);
    if (e != OK || !l->wider)
        return e;
    l->components |= RARE; /* once more, wider */
    l->wider = false;
    l->out->len = mark;
    l->run->report = before;
    return put_groups(l, page);
}

enum err
sta_page_put(struct sta_run *run, const struct sta_query *q, const struct sta_set *set,
             enum sta_page_kind kind, const char *name, const struct sta_place *place,
             struct buf *out, uint32_t depth)
{
    struct sta_page page;
    size_t mark = run->view->arena->used;
    const char *prefix = name ? name : "";
    struct list list = {.run = run, .q = q, .kind = kind, .out = out, .depth = depth};
    list.components = components_of(q);
    if (may_flow(q, set, q->has_top ? q->top : 1))
        return put_flow(run, q, set, list, name, place);
    enum err e = sta_collect(run, q, set, &page);
    if (e != OK)
        return e;
    if (q->count) {
        sta_separate(out);
        buf_format(out, "\"%s@iot.count\":%llu", prefix, (unsigned long long)page.total);
    }
    sta_separate(out);
    buf_format(out, "\"%s\":[", name ? name : "value");
    e = put_gathered(&list, &page);
    buf_byte(out, ']');
    if (e == OK && page.more) {
        const struct sta_slot *last = page.slots[page.count - 1];
        put_next_link(run, q, prefix, place, last->keys, last->id, out);
    }
    run->view->arena->used = mark; /* what an expansion took is free for the next row's */
    return e;
}
