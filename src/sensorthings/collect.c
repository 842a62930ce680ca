#include "sensorthings/collect.h"

#include "sensorthings/index.h"

#include "sensorthings/batch.h"

/* To open a stream costs about as much as so many rows. */
enum { STREAM_COST = 16 };

/* A page while it fills: slots in final order, at most `want`; the last falls out. */
struct pile {
    struct sta_run *run;
    const struct sta_query *q;
    struct sta_slot **slots;
    uint32_t count, want;
    uint64_t total;
    uint64_t feature; /* Observations of this feature only; 0: any */
    bool counting;    /* every row must be looked at for the total */
    bool in_order;    /* rows come in the order of the answer: ids, or a list as it was given */
    bool behind;      /* in_order: the row at hand lies before the page's cursor */
    uint64_t skip;    /* in_order: rows still to leave out */
    const struct sta_entity *stream;
    enum err err;
};

enum err
sta_trouble_fail(struct sta_run *run)
{
    switch (run->scope.trouble) {
    case STA_TROUBLE_NONE:
        return OK;
    case STA_TROUBLE_TEXTS:
        return sta_fail(run->error, 413, 0,
                        "the filter makes more text than a request may; compare shorter ones");
    case STA_TROUBLE_ROWS:
        return sta_fail(run->error, 413, 0,
                        "the query looks at more than %llu rows; narrow it with $filter on "
                        "phenomenonTime or a path",
                        (unsigned long long)run->view->examined_max);
    case STA_TROUBLE_POINTS:
        return sta_fail(run->error, 413, 0,
                        "the geometries of the query have too many points together; ask with a "
                        "simpler shape, or narrow the query by other conditions in front");
    case STA_TROUBLE_STORE:
        break;
    }
    return sta_fail(run->error, 503, 0, "the store cannot be read now; try again");
}

enum err
sta_store_failed(struct sta_run *run)
{
    run->scope.trouble = STA_TROUBLE_STORE;
    return sta_trouble_fail(run);
}

bool
sta_visible(const struct sta_run *run, enum sta_type type, const struct sta_entity *e)
{
    return e && run->view->rights->may_see(run->view->rights->ctx, type, e);
}

enum err
sta_examine_many(struct sta_run *run, uint64_t rows)
{
    run->report.examined += rows;
    if (run->report.examined > run->view->examined_max) {
        run->scope.trouble = STA_TROUBLE_ROWS;
        return sta_trouble_fail(run);
    }
    return OK;
}

enum err
sta_examine(struct sta_run *run)
{
    return sta_examine_many(run, 1);
}

void
sta_count_row(struct sta_run *run, const struct sta_entity *e)
{
    struct sta_report *r = &run->report;
    r->rows++;
    if (!e->class_name[0])
        return;
    for (uint32_t i = 0; i < r->classes_count; i++)
        if (strcmp(r->classes[i], e->class_name) == 0)
            return;
    if (r->classes_count == STA_CLASSES_MAX)
        r->classes_cut = true;
    else
        r->classes[r->classes_count++] = e->class_name;
}

static int
compare_keys(const struct sta_query *q, const struct sta_value *a, uint64_t a_id,
             const struct sta_value *b, uint64_t b_id)
{
    bool descending = false;
    for (uint32_t i = 0; i < q->order_count; i++) {
        descending = q->order[i].descending;
        int c = sta_value_order(&a[i], &b[i]);
        if (c)
            return descending ? -c : c;
    }
    int c = (a_id > b_id) - (a_id < b_id);
    return descending ? -c : c;
}

/* Room for a slot: a new one, or the last, which then falls out. NULL: the arena is full. */
static struct sta_slot *
take_slot(struct pile *p)
{
    struct arena *arena = p->run->view->arena;
    uint32_t keys = p->q->order_count;
    if (p->count == p->want)
        return p->slots[--p->count];
    struct sta_slot *s = arena_take(arena, sizeof(*s));
    struct sta_value *values = arena_take(arena, (keys ? keys : 1) * sizeof(*values));
    if (s && values)
        s->keys = values;
    return values ? s : NULL;
}

/* Keys into a slot; a slot that is used again has room for their texts already. */
static enum err
keep_keys(struct pile *p, struct sta_slot *s, const struct sta_value *keys)
{
    for (uint32_t i = 0; i < p->q->order_count; i++) {
        struct sta_value v = keys[i];
        if (v.kind == STA_JSON || v.kind == STA_GEOMETRY)
            v = (struct sta_value){.kind = STA_NULL};
        if (v.kind == STA_TEXT) {
            if (!s->texts)
                s->texts =
                    arena_take(p->run->view->arena, (size_t)p->q->order_count * STA_ORDER_TEXT_MAX);
            if (!s->texts)
                return ERR_LIMIT;
            uint8_t *text = s->texts + (size_t)i * STA_ORDER_TEXT_MAX;
            v.text.len = v.text.len < STA_ORDER_TEXT_MAX ? v.text.len : STA_ORDER_TEXT_MAX;
            if (v.text.len)
                memcpy(text, v.text.p, v.text.len);
            v.text.p = text;
        }
        s->keys[i] = v;
    }
    return OK;
}

static enum err
arena_full(struct sta_run *run)
{
    return sta_fail(run->error, 413, 0,
                    "the answer needs more memory than a request may have; ask for smaller pages, "
                    "and follow @iot.nextLink instead of a large $skip");
}

/* Insert behind every slot that comes before it. */
static enum err
insert(struct pile *p, const struct sta_row *row, uint64_t id, const struct sta_value *keys)
{
    uint32_t low = p->in_order ? p->count : 0, high = p->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_keys(p->q, p->slots[middle]->keys, p->slots[middle]->id, keys, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->want)
        return OK;
    struct sta_slot *s = take_slot(p);
    if (!s || keep_keys(p, s, keys) != OK)
        return arena_full(p->run);
    s->row = *row;
    s->row.observation = NULL;
    s->id = id;
    memmove(p->slots + low + 1, p->slots + low, (p->count - low) * sizeof(struct sta_slot *));
    p->slots[low] = s;
    p->count++;
    return OK;
}

/* One candidate that may be seen. */
static enum err
offer(struct pile *p, const struct sta_row *row, uint64_t id)
{
    struct sta_run *run = p->run;
    struct sta_value keys[STA_ORDER_KEYS_MAX];
    enum err e = sta_examine(run);
    if (e != OK)
        return e;
    arena_reset(&run->scratch);
    bool holds = !p->q->filter || sta_filter_holds(p->q->filter, &run->scope, row);
    for (uint32_t i = 0; holds && i < p->q->order_count; i++)
        sta_filter_value(p->q->order[i].expr, &run->scope, row, &keys[i]);
    if (run->scope.trouble != STA_TROUBLE_NONE)
        return sta_trouble_fail(run);
    if (!holds)
        return OK;
    p->total += p->counting; /* else the store says it */
    if (p->behind)
        return OK;
    if (p->skip) {
        p->skip--;
        return OK;
    }
    if (!p->in_order && p->q->has_cursor &&
        compare_keys(p->q, keys, id, p->q->cursor, p->q->cursor_id) <= 0)
        return OK;
    return insert(p, row, id, keys);
}

/* ---- entities ---- */

static bool
ids_have(const struct sta_ids *ids, uint64_t id)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] == id)
            return true;
    return false;
}

static enum err
collect_entities(struct pile *p, const struct sta_set *set)
{
    const struct sta_graph *g = p->run->view->graph;
    const struct sta_ids *ids = set->parent ? &set->parent->links[set->relation] : NULL;
    struct sta_ids some;
    if (!ids && p->q->filter &&
        sta_index_candidates(g, set->type, p->q->filter, p->run->view->arena, &some))
        ids = &some;
    uint32_t count = ids ? ids->count : g->set[set->type].count;
    bool given = set->parent && sta_type_info(set->parent->type)->relations[set->relation].stored;
    bool passed = !given || !p->q->has_cursor || !ids_have(ids, p->q->cursor_id);
    for (uint32_t i = 0; i < count; i++) {
        const struct sta_entity *e =
            ids ? sta_graph_get(g, set->type, ids->p[i]) : g->set[set->type].p[i];
        bool at_cursor = e && p->q->has_cursor && e->id == p->q->cursor_id;
        p->behind = p->in_order && e && p->q->has_cursor &&
                    (given ? !passed || at_cursor : e->id <= p->q->cursor_id);
        passed = passed || at_cursor;
        if (p->behind && !p->counting)
            continue;
        if (!e || !sta_visible(p->run, set->type, e)) /* of ids, in a filter, any may be named */
            continue;
        const struct sta_row row = {.type = set->type, .entity = e};
        enum err err = offer(p, &row, e->id);
        if (err != OK)
            return err;
        if (p->in_order && !p->counting && p->count == p->want)
            return OK;
    }
    return OK;
}

/* ---- observations ---- */

bool
sta_led_by_time(const struct sta_query *q)
{
    const struct sta_expr_path *path = q->order[0].expr->path;
    return path && path->type == STA_OBSERVATION && path->relations_count == 0 &&
           path->property == 0 && path->members_count == 0;
}

/* No row at this time can come into the page any more. */
static bool
too_late(const struct pile *p, int64_t time_us)
{
    if (p->count < p->want || p->counting || !sta_led_by_time(p->q))
        return false;
    if (p->want == 0)
        return true;
    int64_t last_us = p->slots[p->count - 1]->keys[0].time_us;
    return p->q->order[0].descending ? time_us < last_us : time_us > last_us;
}

static bool
on_observation(void *ctx, uint64_t n, const struct observation *o)
{
    struct pile *p = ctx;
    const struct sta_row row = {STA_OBSERVATION, p->stream, n, o};
    if (too_late(p, o->time_us))
        return false;
    if (p->feature && o->feature_id != p->feature) {
        p->err = sta_examine(p->run);
        return p->err == OK;
    }
    p->err = offer(p, &row, sta_observation_id((uint32_t)p->stream->id, n));
    return p->err == OK;
}

/* For filters that read the store for each row. */
static enum err
collect_batches(struct pile *p, const struct store_range *range)
{
    struct sta_run *run = p->run;
    struct sta_batch batch = {.range = *range};
    bool go_on = true;
    while (go_on && !batch.ended) {
        arena_reset(&run->batches);
        if (sta_batch_next(&batch, run->view->source, (uint32_t)p->stream->id, &run->batches) != OK)
            return sta_store_failed(run);
        for (uint32_t i = 0; go_on && i < batch.count; i++)
            go_on = on_observation(p, batch.rows[i].n, &batch.rows[i].o);
    }
    return p->err;
}

/* True if nothing in it depends on the Observation but whose it is: paths begin at its stream. */
static bool
of_stream_alone(const struct sta_expr *e)
{
    if (e->op == STA_OP_ANY)
        return false;
    if (e->op == STA_OP_PATH) {
        const struct sta_expr_path *path = e->path;
        return path->set == 0 && path->relations_count > 0 &&
               sta_is_stream(sta_type_info(STA_OBSERVATION)->relations[path->relations[0]].to);
    }
    for (uint32_t i = 0; i < e->args_count; i++)
        if (!of_stream_alone(e->args[i]))
            return false;
    return true;
}

/* False if no Observation of the stream can pass: what the filter says of the stream is not so. */
static bool
stream_may_pass(struct pile *p, const struct sta_expr *e, const struct sta_entity *stream)
{
    const struct sta_row row = {.type = STA_OBSERVATION, .entity = stream};
    if (e->op == STA_OP_AND)
        return stream_may_pass(p, e->args[0], stream) && stream_may_pass(p, e->args[1], stream);
    return !of_stream_alone(e) || sta_filter_holds(e, &p->run->scope, &row);
}

/* A stream with Observations that may be in the page. */
struct candidate {
    const struct sta_entity *stream;
    int64_t edge_us; /* of its first Observation; of its last when they come backwards */
};

static enum err
collect_stream(struct pile *p, const struct sta_entity *stream)
{
    struct sta_run *run = p->run;
    const struct sta_source *source = run->view->source;
    bool by_time = sta_led_by_time(p->q), nested = p->q->filter && p->q->filter->op == STA_OP_ANY;
    struct store_range range = {.from_us = INT64_MIN,
                                .to_us = INT64_MAX,
                                .descending = by_time && p->q->order[0].descending};
    if (p->q->filter)
        sta_filter_time_bounds(p->q->filter, 0, &range.from_us, &range.to_us);
    if (p->q->has_cursor && !p->counting && by_time && p->q->cursor[0].kind == STA_TIME) {
        int64_t at_us = p->q->cursor[0].time_us;
        if (!range.descending && range.from_us < at_us)
            range.from_us = at_us;
        if (range.descending && at_us < range.to_us)
            range.to_us = at_us + 1;
    }
    p->stream = stream;
    if (range.from_us >= range.to_us)
        return OK;
    enum err e = sta_examine_many(run, STREAM_COST);
    if (e != OK)
        return e;
    if (nested) /* reads the store itself */
        return collect_batches(p, &range);
    e = source->range(source->ctx, (uint32_t)stream->id, &range, on_observation, p);
    if (p->err != OK)
        return p->err;
    return e == OK || e == ERR_EXPIRED || e == ERR_NOT_FOUND ? OK : sta_store_failed(run);
}

/* Put it on the list if it counts and may hold a row of the page. */
static enum err
look_at_stream(struct pile *p, const struct sta_entity *stream, struct candidate *list,
               uint32_t *count)
{
    struct sta_run *run = p->run;
    const struct sta_source *source = run->view->source;
    struct store_span span;
    if (!sta_visible(run, STA_OBSERVATION, stream))
        return OK;
    arena_reset(&run->scratch);
    bool passes = !p->q->filter || stream_may_pass(p, p->q->filter, stream);
    if (run->scope.trouble != STA_TROUBLE_NONE)
        return sta_trouble_fail(run);
    if (!passes)
        return OK;
    enum err e = source->span(source->ctx, (uint32_t)stream->id, &span);
    if (e == ERR_NOT_FOUND || e == ERR_EXPIRED || (e == OK && span.count == 0))
        return OK;
    if (e != OK)
        return sta_store_failed(run);
    if (p->q->count && !p->counting)
        p->total += span.count; /* the store knows it */
    bool backwards = sta_led_by_time(p->q) && p->q->order[0].descending;
    if (p->want || p->counting)
        list[(*count)++] = (struct candidate){stream, backwards ? span.last_us : span.first_us};
    return OK;
}

static bool
comes_later(const struct pile *p, const struct candidate *a, const struct candidate *b)
{
    if (a->edge_us != b->edge_us)
        return (a->edge_us > b->edge_us) != p->q->order[0].descending;
    return a->stream->id > b->stream->id;
}

static void
sift(const struct pile *p, struct candidate *list, uint32_t at, uint32_t count)
{
    struct candidate k = list[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_later(p, &list[child + 1], &list[child]))
            child++;
        if (!comes_later(p, &list[child], &k))
            break;
        list[at] = list[child];
    }
    list[at] = k;
}

/* Those whose Observations begin first come first: when the page is full, all others are too late.
 */
static void
sort_candidates(const struct pile *p, struct candidate *list, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(p, list, i, count);
    for (uint32_t left = count; left-- > 1;) {
        struct candidate k = list[0];
        list[0] = list[left];
        list[left] = k;
        sift(p, list, 0, left);
    }
}

static enum err
collect_observations(struct pile *p, const struct sta_set *set)
{
    const struct sta_graph *g = p->run->view->graph;
    const struct sta_entity *parent = set->parent;
    bool one = parent && sta_is_stream(parent->type);
    uint32_t most = one ? 1 : g->set[STA_DATASTREAM].count + g->set[STA_MULTI_DATASTREAM].count;
    uint32_t count = 0;
    struct candidate *list = arena_take(p->run->view->arena, (most + 1) * sizeof(*list));
    enum err e = list ? OK : arena_full(p->run);
    ASSERT(one || !parent || parent->type == STA_FEATURE_OF_INTEREST);
    if (e == OK && one)
        e = look_at_stream(p, parent, list, &count);
    p->feature = parent && !one ? parent->id : 0;
    for (int kind = 0; !one && kind < 2; kind++) {
        enum sta_type type = kind == 0 ? STA_DATASTREAM : STA_MULTI_DATASTREAM;
        int relation = kind == 0 ? FEATURE_DATASTREAMS : FEATURE_MULTI_DATASTREAMS;
        const struct sta_ids *ids = parent ? &parent->links[relation] : NULL;
        uint32_t streams = ids ? ids->count : g->set[type].count;
        for (uint32_t i = 0; e == OK && i < streams; i++)
            e = look_at_stream(p, ids ? sta_graph_get(g, type, ids->p[i]) : g->set[type].p[i], list,
                               &count);
    }
    if (e == OK && sta_led_by_time(p->q) && !p->counting)
        sort_candidates(p, list, count);
    for (uint32_t i = 0; e == OK && i < count; i++)
        if (!too_late(p, list[i].edge_us))
            e = collect_stream(p, list[i].stream);
    return e;
}

enum err
sta_collect(struct sta_run *run, const struct sta_query *q, const struct sta_set *set,
            struct sta_page *out)
{
    uint64_t page = q->has_top ? q->top : STA_TOP_DEFAULT;
    uint64_t skip = q->has_cursor ? 0 : q->skip; /* the cursor stands behind what was skipped */
    page = page < STA_TOP_MAX ? page : STA_TOP_MAX;
    struct pile p = {.run = run, .q = q};
    p.counting = q->count && (set->type != STA_OBSERVATION || q->filter ||
                              (set->parent && set->parent->type == STA_FEATURE_OF_INTEREST));
    p.in_order = set->type != STA_OBSERVATION && q->order_count == 0;
    if (p.in_order) {
        p.skip = skip;
        skip = 0;
    }
    p.want = page ? (uint32_t)(skip + page + 1) : 0;
    p.slots = arena_take(run->view->arena, (p.want + 1) * sizeof(struct sta_slot *));
    if (!p.slots)
        return arena_full(run);
    enum err e = OK;
    if (p.want || q->count)
        e = set->type == STA_OBSERVATION ? collect_observations(&p, set)
                                         : collect_entities(&p, set);
    if (e != OK)
        return e;
    ASSERT(run->scope.trouble == STA_TROUBLE_NONE);
    uint32_t first = skip < p.count ? (uint32_t)skip : p.count;
    *out = (struct sta_page){.slots = p.slots + first, .count = p.count - first, .total = p.total};
    if (out->count > page) {
        out->count = (uint32_t)page;
        out->more = true;
    }
    return OK;
}

enum err
sta_slot_row(struct sta_run *run, const struct sta_slot *slot, struct sta_row *out,
             struct observation *space)
{
    *out = slot->row;
    if (slot->row.type != STA_OBSERVATION)
        return OK;
    const struct sta_source *source = run->view->source;
    if (source->get(source->ctx, (uint32_t)slot->row.entity->id, slot->row.n, space) != OK)
        return sta_store_failed(run);
    out->observation = space;
    return OK;
}
