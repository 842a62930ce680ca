/* filter_path.c -- paths of the expression language: steps, the sets they go through, members. */
#include "sensorthings/filter_words.h"
#include "sensorthings/path.h"

static enum sta_kind
property_kind(enum sta_type type, int property, uint32_t members)
{
    switch (sta_type_info(type)->properties[property].shape) {
    case STA_SHAPE_TEXT:
        return members ? STA_NULL : STA_TEXT;
    case STA_SHAPE_TIME:
        return members ? STA_NULL : STA_TIME;
    case STA_SHAPE_OBJECT:
    case STA_SHAPE_LIST:
        return members ? STA_UNKNOWN_KIND : STA_JSON;
    case STA_SHAPE_ANY:
        break;
    }
    return STA_UNKNOWN_KIND;
}

/* The path goes into a set: the one that an earlier path entered by the same steps, or a new one.
 */
static enum err
enter_set(struct sta_filter_parser *p, struct sta_expr_path *path)
{
    uint32_t steps = path->relations_count - path->from, i = 0;
    const uint8_t *relations = path->relations + path->from;
    for (; i < p->sets.count; i++) {
        const struct sta_filter_set *s = &p->sets.of[i];
        if (s->parent == path->set && s->relations_count == steps &&
            memcmp(s->relations, relations, steps) == 0)
            break;
    }
    if (i == STA_FILTER_SETS_MAX)
        return sta_fail(p->error, 400, p->at,
                        "at %zu: the paths of a filter go through at most %d different sets", p->at,
                        STA_FILTER_SETS_MAX);
    if (i == p->sets.count) {
        struct sta_filter_set *s = &p->sets.of[p->sets.count++];
        *s = (struct sta_filter_set){
            .parent = path->set, .type = path->type, .relations_count = steps};
        memcpy(s->relations, relations, steps);
    }
    path->set = (uint8_t)(i + 1);
    path->from = (uint8_t)path->relations_count;
    return OK;
}

/* One step of a path; *out_done when the property (or the id) is reached. */
static enum err
path_step(struct sta_filter_parser *p, struct sta_expr_path *path, struct bytes name,
          bool *out_done)
{
    int relation = sta_relation_index(path->type, name);
    *out_done = true;
    path->property = sta_property_index(path->type, name);
    if (path->property >= 0 || bytes_are(name, "id") || bytes_are(name, "@iot.id"))
        return OK;
    const struct sta_type_info *info = sta_type_info(path->type);
    char names[STA_NAMES_SIZE];
    if (relation < 0)
        return sta_fail(p->error, 400, p->at, "at %zu: %s has no '%.*s'; it has id, %s", p->at,
                        info->entity, (int)(name.len < 40 ? name.len : 40), (const char *)name.p,
                        sta_names_of(path->type, names));
    if (info->relations[relation].many && p->to_one)
        return sta_fail(p->error, 400, p->at,
                        "at %zu: '%s' are many, and rows are ordered by one value; name a path to "
                        "one, such as Thing/name",
                        p->at, info->relations[relation].name);
    if (path->relations_count == STA_FILTER_PATH_MAX)
        return sta_fail(p->error, 400, p->at, "at %zu: the path has more than %d steps", p->at,
                        STA_FILTER_PATH_MAX);
    path->relations[path->relations_count++] = (uint8_t)relation;
    path->type = info->relations[relation].to;
    *out_done = false;
    return info->relations[relation].many ? enter_set(p, path) : OK;
}

enum err
sta_filter_read_path(struct sta_filter_parser *p, struct sta_expr **out)
{
    struct sta_expr_path *path = arena_take(p->arena, sizeof(*path));
    enum err e = sta_filter_node(p, STA_OP_PATH, p->at, out);
    bool done = false;
    if (e != OK)
        return e;
    if (!path)
        return sta_fail(p->error, 413, p->at, "the expression is too long");
    path->type = p->type;
    for (;;) {
        struct bytes name = sta_filter_peek(p);
        if (name.len == 0)
            return sta_filter_expected(p, p->at, "a property, a literal or '('");
        if (!done) {
            e = path_step(p, path, name, &done);
            if (e != OK)
                return e;
        } else if (path->property < 0 || path->members_count == STA_FILTER_PATH_MAX) {
            return sta_filter_expected(p, p->at, "the end of the path");
        } else {
            path->members[path->members_count++] = name;
        }
        p->at += name.len;
        if (p->at == p->s.len || p->s.p[p->at] != '/')
            break;
        p->at++;
    }
    if (!done)
        return sta_fail(p->error, 400, p->at, "at %zu: expected '/' and a property of %s", p->at,
                        sta_type_info(path->type)->entity);
    (*out)->path = path;
    (*out)->kind = path->property < 0
                       ? STA_NUMBER
                       : property_kind(path->type, path->property, path->members_count);
    return OK;
}
