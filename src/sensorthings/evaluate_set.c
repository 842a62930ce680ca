/* evaluate_set.c -- filters whose paths go through sets: is there a choice of members? */
#include "sensorthings/evaluate.h"

#include "sensorthings/batch.h"

struct search {
    const struct sta_expr *any;
    struct sta_scope *scope;
    const struct sta_row *row;
};

static bool choose(struct search *s, uint32_t index);

/* One member of the set: does the rest hold with it? */
static bool
try_member(struct search *s, uint32_t index, const struct sta_row *member)
{
    struct sta_scope *scope = s->scope;
    size_t mark = scope->scratch->used;
    if (++*scope->examined > scope->examined_max) {
        scope->trouble = STA_TROUBLE_ROWS;
        return false;
    }
    scope->member[index] = *member;
    bool holds = choose(s, index + 1);
    scope->scratch->used = mark;
    return holds;
}

/* Members of one stream; *out_any becomes true when there was one. */
static bool
try_stream(struct search *s, uint32_t index, const struct sta_entity *stream, uint64_t feature,
           bool *out_any)
{
    struct sta_scope *scope = s->scope;
    struct sta_batch batch = {.range = {.from_us = INT64_MIN, .to_us = INT64_MAX}};
    size_t mark = scope->scratch->used;
    bool holds = false;
    if (!scope->rights->may_see(scope->rights->ctx, STA_OBSERVATION, stream))
        return false;
    sta_filter_time_bounds(s->any, (uint8_t)(index + 1), &batch.range.from_us, &batch.range.to_us);
    while (!holds && scope->trouble == STA_TROUBLE_NONE && !batch.ended) {
        scope->scratch->used = mark;
        if (sta_batch_next(&batch, scope->source, (uint32_t)stream->id, scope->scratch) != OK) {
            scope->trouble = STA_TROUBLE_STORE;
            break;
        }
        for (uint32_t i = 0; !holds && scope->trouble == STA_TROUBLE_NONE && i < batch.count; i++) {
            const struct sta_row member = {STA_OBSERVATION, stream, batch.rows[i].n,
                                           &batch.rows[i].o};
            if (feature && batch.rows[i].o.feature_id != feature)
                continue;
            *out_any = true;
            holds = try_member(s, index, &member);
        }
    }
    scope->scratch->used = mark;
    return holds;
}

/* Observations of a feature: in all streams that have some. */
static bool
try_feature(struct search *s, uint32_t index, const struct sta_entity *feature, bool *out_any)
{
    static const uint8_t relations[] = {FEATURE_DATASTREAMS, FEATURE_MULTI_DATASTREAMS};
    struct sta_scope *scope = s->scope;
    bool holds = false;
    for (size_t r = 0; r < ARRAY_COUNT(relations); r++) {
        const struct sta_ids *ids = &feature->links[relations[r]];
        for (uint32_t i = 0; !holds && scope->trouble == STA_TROUBLE_NONE && i < ids->count; i++) {
            const struct sta_entity *e = sta_graph_stream(scope->graph, ids->p[i]);
            holds = e && try_stream(s, index, e, feature->id, out_any);
        }
    }
    return holds;
}

static bool
try_members(struct search *s, uint32_t index, const struct sta_entity *parent, uint8_t relation,
            bool *out_any)
{
    struct sta_scope *scope = s->scope;
    const struct sta_filter_set *set = &s->any->sets->of[index];
    bool observations = set->type == STA_OBSERVATION, holds = false;
    bool of_feature = observations && parent->type == STA_FEATURE_OF_INTEREST;
    if (observations && !of_feature)
        return try_stream(s, index, parent, 0, out_any);
    if (of_feature)
        return try_feature(s, index, parent, out_any);
    const struct sta_ids *ids = &parent->links[relation];
    for (uint32_t i = 0; !holds && scope->trouble == STA_TROUBLE_NONE && i < ids->count; i++) {
        const struct sta_entity *e = sta_graph_get(scope->graph, set->type, ids->p[i]);
        const struct sta_row member = {.type = set->type, .entity = e};
        if (!e || !scope->rights->may_see(scope->rights->ctx, set->type, e))
            continue;
        *out_any = true;
        holds = try_member(s, index, &member);
    }
    return holds;
}

static bool
choose(struct search *s, uint32_t index)
{
    const struct sta_filter_sets *sets = s->any->sets;
    struct sta_scope *scope = s->scope;
    if (index == sets->count)
        return sta_filter_holds(s->any->args[0], scope, s->row);
    const struct sta_filter_set *set = &sets->of[index];
    struct sta_row at = set->parent ? scope->member[set->parent - 1] : *s->row;
    uint32_t last = set->relations_count - 1;
    for (uint32_t i = 0; at.entity && i < last; i++) {
        const struct sta_entity *e = sta_related(scope, &at, set->relations[i]);
        at = (struct sta_row){.type = sta_type_info(at.type)->relations[set->relations[i]].to,
                              .entity = e};
    }
    bool any = false;
    if (at.entity && try_members(s, index, at.entity, set->relations[last], &any))
        return true;
    if (any || scope->trouble != STA_TROUBLE_NONE)
        return false;
    scope->member[index] = (struct sta_row){.type = set->type};
    return choose(s, index + 1);
}

bool
sta_filter_any(const struct sta_expr *expr, struct sta_scope *scope, const struct sta_row *row)
{
    ASSERT(expr->op == STA_OP_ANY && expr->sets->count <= STA_FILTER_SETS_MAX);
    struct search s = {expr, scope, row};
    return choose(&s, 0);
}

void
sta_filter_time_bounds(const struct sta_expr *e, uint8_t set, int64_t *from_us, int64_t *to_us)
{
    if (e->op == STA_OP_AND) {
        sta_filter_time_bounds(e->args[0], set, from_us, to_us);
        sta_filter_time_bounds(e->args[1], set, from_us, to_us);
        return;
    }
    if (e->op == STA_OP_ANY) {
        sta_filter_time_bounds(e->args[0], set, from_us, to_us);
        return;
    }
    if (e->op < STA_OP_EQ || e->op > STA_OP_LE || e->op == STA_OP_NE)
        return;
    bool mirrored = e->args[0]->op == STA_OP_LITERAL;
    const struct sta_expr *path = e->args[mirrored], *literal = e->args[!mirrored];
    if (path->op != STA_OP_PATH || literal->op != STA_OP_LITERAL || literal->kind != STA_TIME ||
        path->path->type != STA_OBSERVATION || path->path->set != set ||
        path->path->relations_count != path->path->from || path->path->property != 0 ||
        path->path->members_count)
        return;
    int64_t start = literal->literal.time_us;
    bool lower = e->op == STA_OP_GT || e->op == STA_OP_GE;
    bool upper = e->op == STA_OP_LT || e->op == STA_OP_LE;
    bool from = mirrored ? upper : lower, to = mirrored ? lower : upper;
    /* A row's interval begins at or after the literal's start, or at or before it: wide enough
     * for every operator, and the filter itself still decides. */
    if ((from || e->op == STA_OP_EQ) && *from_us < start)
        *from_us = start;
    if ((to || e->op == STA_OP_EQ) && *to_us > start + 1)
        *to_us = start + 1;
}
