/* change.c -- what exists is changed or deleted, with what follows from it. */
#include "sensorthings/draft.h"

#include "sensorthings/json.h"
#include "sensorthings/patch.h"

/* ---- the entity as a document --------------------------------------------------------------- */

/* What a client may write of it, as one object. */
static enum err
document_of(struct sta_planner *p, const struct sta_draft *d, struct bytes *out)
{
    const struct sta_type_info *info = sta_type_info(d->type);
    struct buf b;
    buf_init(&b, STORE_ENTITY_BYTES_MAX);
    buf_byte(&b, '{');
    for (uint32_t i = 0; i < info->properties_count; i++) {
        if (info->properties[i].server || d->property[i].len == 0)
            continue;
        buf_format(&b, "%s\"%s\":", b.len > 1 ? "," : "", info->properties[i].name);
        buf_put(&b, d->property[i]);
    }
    buf_byte(&b, '}');
    *out = buf_error(&b) == OK ? arena_dup(p->arena, buf_bytes(&b)) : (struct bytes){0};
    buf_fini(&b);
    return out->p ? OK : sta_draft_full(p);
}

/* The document after the change. */
static enum err
changed(struct sta_planner *p, const struct sta_change *change, struct bytes document,
        struct bytes *out)
{
    if (change->verb == STA_JSON_PATCH) {
        enum err e = sta_json_patch(document, change->body, p->arena, out, p->error);
        if (e == OK && sta_json_kind(*out) != STA_JSON_OBJECT)
            return sta_fail(p->error, 409, 0, "the patch leaves no JSON object");
        return e;
    }
    if (sta_json_kind(change->body) != STA_JSON_OBJECT)
        return sta_fail(p->error, 400, 0, "a change is a JSON object");
    if (change->verb == STA_REPLACE) {
        *out = change->body;
        return OK;
    }
    return sta_json_merge(document, change->body, p->arena, out) == OK ? OK : sta_draft_full(p);
}

enum err
sta_change_entity(struct sta_planner *p, const struct sta_change *change, enum sta_type type,
                  uint64_t id)
{
    const struct sta_type_info *info = sta_type_info(type);
    struct bytes document, after;
    struct sta_draft *d = sta_draft_of(p, type, id);
    if (!d)
        return sta_draft_full(p);
    enum err e = document_of(p, d, &document);
    if (e == OK)
        e = changed(p, change, document, &after);
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < info->properties_count; i++)
        if (!info->properties[i].server)
            d->property[i] = (struct bytes){0};
    return sta_read_members(p, d, after, 1);
}

/* ---- Observations ---------------------------------------------------------------------------- */

static enum err
no_observation(struct sta_planner *p)
{
    return sta_fail(p->error, 404, 0, "there is no such Observation");
}

/* The Observation as it is now, if the maker may have it. */
static enum err
observation_of(struct sta_planner *p, uint64_t id, uint32_t *out_stream, uint64_t *out_n,
               struct observation *out)
{
    const struct sta_source *source = p->maker->source;
    if (!source || !sta_observation_of_id(id, out_stream, out_n))
        return no_observation(p);
    const struct sta_entity *stream = sta_graph_stream(p->g, *out_stream);
    if (!stream || !sta_draft_exists(p, stream->type, stream->id) ||
        !p->maker->rights->may_see(p->maker->rights->ctx, STA_OBSERVATION, stream))
        return no_observation(p);
    for (uint32_t i = 0; i < p->corrections_count; i++) /* changed before, in this plan */
        if (p->corrections[i].stream == *out_stream && p->corrections[i].n == *out_n) {
            *out = p->corrections[i].value;
            return p->corrections[i].withdrawn ? no_observation(p) : OK;
        }
    enum err e = source->get(source->ctx, *out_stream, *out_n, out);
    if (e == ERR_NOT_FOUND || e == ERR_EXPIRED)
        return no_observation(p);
    if (e != OK)
        return sta_fail(p->error, 503, 0, "the store cannot be read now");
    out->text = arena_dup(p->arena, out->text);
    out->extra = arena_dup(p->arena, out->extra);
    return out->text.p && out->extra.p ? OK : sta_draft_full(p);
}

static enum err
correct(struct sta_planner *p, const struct sta_plan_correction *one)
{
    for (uint32_t i = 0; i < p->corrections_count; i++)
        if (p->corrections[i].stream == one->stream && p->corrections[i].n == one->n) {
            p->corrections[i] = *one;
            return OK;
        }
    if (!p->corrections)
        p->corrections =
            arena_take(p->arena, STA_PLAN_CORRECTIONS_MAX * sizeof(struct sta_plan_correction));
    if (!p->corrections)
        return sta_draft_full(p);
    if (p->corrections_count == STA_PLAN_CORRECTIONS_MAX)
        return sta_fail(p->error, 413, 0,
                        "one request changes at most %d Observations; delete some of them first",
                        STA_PLAN_CORRECTIONS_MAX);
    p->corrections[p->corrections_count++] = *one;
    return OK;
}

/* Where it belongs stays as it is: a link may repeat it. */
static enum err
check_stream(struct sta_planner *p, const struct sta_observation *o, uint32_t stream)
{
    if (o->deep)
        return sta_fail(p->error, 400, 0,
                        "a change of an Observation links to what exists, it makes nothing");
    if (o->stream && o->stream != stream)
        return sta_fail(p->error, 400, 0,
                        "an Observation stays in its Datastream; delete it and post another");
    return OK;
}

/* Another Observation of the same feature, looked for in one stream. */
struct search {
    struct sta_planner *p;
    uint32_t stream;
    uint64_t feature, examined;
    bool found;
};

static bool
find_another(void *ctx, uint64_t n, const struct observation *o)
{
    struct search *s = ctx;
    bool same = o->feature_id == s->feature;
    for (uint32_t i = 0; same && i < s->p->corrections_count; i++) {
        const struct sta_plan_correction *one = &s->p->corrections[i];
        if (one->stream == s->stream && one->n == n)
            same = !one->withdrawn && one->value.feature_id == s->feature;
    }
    s->found = same || ++s->examined > STA_PLAN_SEARCH_MAX; /* not known to be the last */
    return !s->found;
}

/* The stream remembers the features of its Observations; the last of one takes it along. */
static enum err
release_feature(struct sta_planner *p, uint32_t stream, uint64_t feature)
{
    const struct sta_source *source = p->maker->source;
    struct search s = {.p = p, .stream = stream, .feature = feature};
    struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX, .descending = true};
    for (uint32_t i = 0; i < p->observations_count; i++)
        s.found = s.found || (p->observations[i].stream == stream &&
                              p->observations[i].value.feature_id == feature);
    for (uint32_t i = 0; i < p->corrections_count; i++)
        s.found = s.found || (p->corrections[i].stream == stream && !p->corrections[i].withdrawn &&
                              p->corrections[i].value.feature_id == feature);
    if (s.found || feature == 0)
        return OK;
    if (source->range(source->ctx, stream, &all, find_another, &s) != OK || s.found)
        return OK;
    return sta_draft_forget(p, stream, feature);
}

enum err
sta_change_observation(struct sta_planner *p, const struct sta_change *change, uint64_t id)
{
    struct sta_plan_correction one = {0};
    struct bytes document, after;
    struct sta_observation o;
    struct buf b;
    enum err e = observation_of(p, id, &one.stream, &one.n, &one.value);
    if (e != OK)
        return e;
    buf_init(&b, STA_OBSERVATION_BYTES_MAX * 2);
    buf_byte(&b, '{');
    sta_observation_members(&b, (struct bytes){0}, one.stream, one.n, &one.value,
                            STA_OBS_ALL & ~(STA_OBS_ID | STA_OBS_LINKS));
    buf_byte(&b, '}');
    document = buf_error(&b) == OK ? arena_dup(p->arena, buf_bytes(&b)) : (struct bytes){0};
    buf_fini(&b);
    e = document.p ? changed(p, change, document, &after) : sta_draft_full(p);
    if (e == OK)
        e = sta_observation_scan(after, p->maker->now_us, p->arena, &o, p->error);
    if (e == OK)
        e = check_stream(p, &o, one.stream);
    if (e == OK && o.feature_given &&
        !sta_draft_exists(p, STA_FEATURE_OF_INTEREST, o.value.feature_id))
        e = sta_fail(p->error, 400, 0, "there is no FeatureOfInterest with id %llu",
                     (unsigned long long)o.value.feature_id);
    if (e == OK && sta_draft_stream_type(p, one.stream) == STA_MULTI_DATASTREAM)
        e = sta_multi_result(sta_draft_types(p, one.stream), &o.value, p->error);
    if (e != OK)
        return e;
    if (!o.feature_given)
        o.value.feature_id = one.value.feature_id;
    if (o.value.feature_id) {
        e = sta_draft_remember(p, one.stream, o.value.feature_id);
        if (e != OK)
            return e;
    }
    uint64_t before = one.value.feature_id;
    one.value = o.value;
    e = correct(p, &one);
    return e == OK && before != o.value.feature_id ? release_feature(p, one.stream, before) : e;
}

enum err
sta_delete_observation(struct sta_planner *p, uint64_t id)
{
    struct sta_plan_correction one = {.withdrawn = true};
    enum err e = observation_of(p, id, &one.stream, &one.n, &one.value);
    if (e == OK)
        e = correct(p, &one);
    p->observations_gone += e == OK;
    return e == OK ? release_feature(p, one.stream, one.value.feature_id) : e;
}

/* ---- deleting entities ------------------------------------------------------------------------
 */

/* What is looked for in a stream: the Observations of one feature. */
struct hunt {
    struct sta_planner *p;
    uint32_t stream;
    uint64_t feature;
    uint64_t *examined;
    enum err error;
};

static bool
withdraw_one(void *ctx, uint64_t n, const struct observation *o)
{
    struct hunt *h = ctx;
    if (++*h->examined > STA_PLAN_EXAMINED_MAX) {
        h->error = sta_fail(h->p->error, 413, 0,
                            "too many Observations to look through; delete those of this "
                            "FeatureOfInterest first");
        return false;
    }
    if (o->feature_id != h->feature)
        return true;
    h->error = correct(h->p, &(struct sta_plan_correction){h->stream, n, true, {0}});
    h->p->observations_gone += h->error == OK;
    return h->error == OK;
}

static enum err
withdraw_all_of(struct sta_planner *p, uint64_t feature)
{
    const struct sta_entity *e = sta_graph_get(p->g, STA_FEATURE_OF_INTEREST, feature);
    const struct sta_source *source = p->maker->source;
    uint64_t examined = 0;
    for (int kind = 0; e && kind < 2; kind++) {
        const struct sta_ids *ids =
            &e->links[kind == 0 ? FEATURE_DATASTREAMS : FEATURE_MULTI_DATASTREAMS];
        for (uint32_t i = 0; i < ids->count; i++) {
            const struct sta_entity *stream = sta_graph_stream(p->g, ids->p[i]);
            struct hunt h = {p, (uint32_t)stream->id, feature, &examined, OK};
            struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX};
            if (!sta_draft_exists(p, stream->type, stream->id) ||
                !p->maker->rights->may_see(p->maker->rights->ctx, STA_OBSERVATION, stream))
                return sta_fail(p->error, 403, 0,
                                "Observations of another's Datastream are of this "
                                "FeatureOfInterest; it stays");
            enum err err =
                source ? source->range(source->ctx, h.stream, &all, withdraw_one, &h) : OK;
            if (err == OK || h.error != OK)
                err = h.error;
            else if (err == ERR_EXPIRED || err == ERR_NOT_FOUND)
                err = OK;
            else
                err = sta_fail(p->error, 503, 0, "the store cannot be read now");
            if (err != OK)
                return err;
        }
    }
    return OK;
}

static bool
links_to(const struct sta_ids *ids, uint64_t id)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] == id)
            return true;
    return false;
}

static void
forget(struct sta_ids *ids, uint64_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->p[i] != id)
            ids->p[kept++] = ids->p[i];
    ids->count = kept;
}

/* The child links to what is deleted: it goes too when it cannot be without, else it forgets. */
static enum err
part_from(struct sta_planner *p, const struct sta_relation *r, uint64_t child, uint64_t id)
{
    const struct sta_relation *back = &sta_type_info(r->to)->relations[r->inverse];
    if (back->mandatory) {
        if (!sta_draft_exists(p, r->to, child))
            return sta_fail(p->error, 403, 0,
                            "a %s that you may not delete belongs to it; it stays",
                            sta_type_info(r->to)->entity);
        return sta_delete_entity(p, r->to, child);
    }
    struct sta_draft *d = sta_draft_of(p, r->to, child);
    if (!d)
        return sta_draft_full(p);
    forget(&d->links[r->inverse], id);
    if (d->type == STA_THING && r->inverse == THING_LOCATIONS)
        d->links[THING_FEATURE].count = 0; /* it was made of that Location */
    return OK;
}

/* All that link to it by one relation: in the graph, and in this plan. */
static enum err
part_all(struct sta_planner *p, enum sta_type type, uint64_t id, uint32_t relation)
{
    const struct sta_relation *r = &sta_type_info(type)->relations[relation];
    const struct sta_entity *e = sta_graph_get(p->g, type, id);
    const struct sta_ids *ids = e ? &e->links[relation] : NULL;
    for (uint32_t i = 0; ids && i < ids->count; i++) {
        const struct sta_draft *d = sta_draft_find(p, r->to, ids->p[i]);
        if (d && (d->gone || !links_to(&d->links[r->inverse], id)))
            continue;
        enum err err = part_from(p, r, ids->p[i], id);
        if (err != OK)
            return err;
    }
    for (uint32_t i = 0; i < p->drafts_count; i++) {
        const struct sta_draft *d = p->drafts[i];
        if (d->type != r->to || d->gone || !links_to(&d->links[r->inverse], id))
            continue;
        enum err err = part_from(p, r, d->id, id);
        if (err != OK)
            return err;
    }
    return OK;
}

/* What lies in the stream goes with it, when the core erases it; what this plan added never comes.
 */
static void
empty_stream(struct sta_planner *p, uint64_t stream)
{
    const struct sta_source *source = p->maker->source;
    struct store_span span = {0};
    uint32_t kept = 0;
    if (source && source->span(source->ctx, (uint32_t)stream, &span) == OK)
        p->observations_gone += span.count;
    for (uint32_t i = 0; i < p->observations_count; i++)
        if (p->observations[i].stream != stream)
            p->observations[kept++] = p->observations[i];
    p->observations_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < p->corrections_count; i++)
        if (p->corrections[i].stream != stream)
            p->corrections[kept++] = p->corrections[i];
    p->corrections_count = kept;
}

enum err
sta_delete_entity(struct sta_planner *p, enum sta_type type, uint64_t id)
{
    const struct sta_type_info *info = sta_type_info(type);
    struct sta_draft *d = sta_draft_of(p, type, id);
    if (!d)
        return sta_draft_full(p);
    d->gone = true;
    enum err e = OK;
    for (uint32_t r = 0; e == OK && r < info->relations_count; r++)
        if (!info->relations[r].stored && info->relations[r].to != STA_OBSERVATION)
            e = part_all(p, type, id, r);
    if (e == OK && type == STA_FEATURE_OF_INTEREST)
        e = withdraw_all_of(p, id);
    if (e == OK && sta_is_stream(type))
        empty_stream(p, id);
    return e;
}
