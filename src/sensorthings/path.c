#include "sensorthings/path.h"

#include "base/text.h"

/* The decoded path while it is read. */
struct reader {
    struct bytes text;
    size_t at;
    struct sta_path *path;
    struct sta_error *error;
};

static int
hex_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum err
decode(struct bytes target, uint8_t *to, size_t size, struct bytes *out, struct sta_error *error)
{
    size_t len = 0;
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.p[i];
        if (c == '%') {
            int high = i + 2 < target.len ? hex_of(target.p[i + 1]) : -1;
            int low = i + 2 < target.len ? hex_of(target.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return sta_fail(error, 400, i, "a '%%' in a path is followed by two hex digits");
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (len == size)
            return sta_fail(error, 414, i, "a path has at most %d bytes", STA_PATH_BYTES_MAX);
        to[len++] = c;
    }
    *out = bytes_of(to, len);
    for (size_t i = 0; i < len; i++)
        if (to[i] < 0x20 || to[i] == 0x7f)
            return sta_fail(error, 400, i, "a path holds no control characters");
    if (!text_is_utf8(*out))
        return sta_fail(error, 400, 0, "a path is UTF-8");
    return OK;
}

/* Up to the next '/' or '(', outside of them. */
static struct bytes
take_name(struct reader *r)
{
    size_t start = r->at;
    while (r->at < r->text.len && r->text.p[r->at] != '/' && r->text.p[r->at] != '(')
        r->at++;
    return bytes_of(r->text.p + start, r->at - start);
}

/* A text id: quotes, '' inside for one quote. It is well formed and names nothing here. */
static enum err
take_text_id(struct reader *r)
{
    for (r->at++; r->at < r->text.len; r->at++) {
        if (r->text.p[r->at] != '\'')
            continue;
        if (r->at + 1 < r->text.len && r->text.p[r->at + 1] == '\'') {
            r->at++;
            continue;
        }
        r->at++;
        if (r->at < r->text.len && r->text.p[r->at] == ')')
            return sta_fail(r->error, 404, r->at, "ids are numbers here; no entity has a text id");
        break;
    }
    return sta_fail(r->error, 400, r->at, "expected '' and ')' at the end of a text id");
}

static enum err
take_id(struct reader *r, struct sta_step *step)
{
    ASSERT(r->text.p[r->at] == '(');
    r->at++;
    if (r->at < r->text.len && r->text.p[r->at] == '\'')
        return take_text_id(r);
    size_t start = r->at;
    while (r->at < r->text.len && r->text.p[r->at] != ')' && r->text.p[r->at] != '/')
        r->at++;
    if (r->at == r->text.len || r->text.p[r->at] != ')')
        return sta_fail(r->error, 400, r->at, "expected ')' after an id");
    struct bytes digits = bytes_of(r->text.p + start, r->at - start);
    uint64_t id = 0;
    bool negative = digits.len > 1 && digits.p[0] == '-';
    enum err e = text_u64(bytes_skip(digits, negative), INT64_MAX, &id);
    if (e == ERR_LIMIT)
        return sta_fail(r->error, 404, start, "no entity has an id that large");
    if (e == OK && negative)
        return sta_fail(r->error, 404, start, "no entity has an id below 1");
    if (e != OK)
        return sta_fail(r->error, 400, start, "expected a number as id, as in Things(1)");
    r->at++;
    step->has_id = true;
    step->many = false;
    step->id = id;
    return OK;
}

/* An id behind a step, and then '/' or the end. */
static enum err
end_step(struct reader *r, struct sta_step *step, bool may_have_id)
{
    if (r->at < r->text.len && r->text.p[r->at] == '(') {
        if (!may_have_id)
            return sta_fail(r->error, 404, r->at,
                            "a relation to one entity takes no id: Thing, not Thing(1)");
        enum err e = take_id(r, step);
        if (e != OK)
            return e;
    }
    if (r->at < r->text.len && r->text.p[r->at] != '/')
        return sta_fail(r->error, 400, r->at, "expected '/' after an id");
    r->path->kind = step->many ? STA_PATH_SET : STA_PATH_ENTITY;
    return OK;
}

static enum err
take_first(struct reader *r)
{
    struct bytes name = take_name(r);
    if (bytes_are(name, "CreateObservations") && r->at == r->text.len) {
        r->path->kind = STA_PATH_CREATE_OBSERVATIONS;
        return OK;
    }
    if (bytes_are(name, "$batch"))
        return sta_fail(r->error, 405, 0, "a batch is sent by POST");
    if (bytes_are(name, "api") && r->at == r->text.len) {
        r->path->kind = STA_PATH_API;
        return OK;
    }
    if (bytes_are(name, "Rollups") && r->at == r->text.len) {
        r->path->kind = STA_PATH_ROLLUPS;
        return OK;
    }
    enum sta_type type = sta_type_of_set(name);
    if (type == STA_NONE)
        return sta_fail(r->error, 404, 0,
                        "there is no entity set of that name; GET /v1.1 lists those that are");
    struct sta_step *step = &r->path->steps[r->path->steps_count++];
    *step = (struct sta_step){.type = type, .many = true};
    return end_step(r, step, true);
}

/* Members of a JSON property, and $value. */
static enum err
take_members(struct reader *r)
{
    struct sta_path *p = r->path;
    p->kind = STA_PATH_PROPERTY;
    while (r->at < r->text.len) {
        size_t start = ++r->at;
        while (r->at < r->text.len && r->text.p[r->at] != '/')
            r->at++;
        struct bytes name = bytes_of(r->text.p + start, r->at - start);
        if (bytes_are(name, "$value") && r->at == r->text.len) {
            p->kind = STA_PATH_VALUE;
            return OK;
        }
        if (name.len == 0)
            return sta_fail(r->error, 400, start, "expected a name after '/'");
        if (p->property_is_id || p->members_count == STA_MEMBERS_MAX ||
            bytes_copy_text(name, p->members[p->members_count], STA_NAME_SIZE) != OK)
            return sta_fail(r->error, 404, start, "the property has no such member");
        p->members_count++;
    }
    return OK;
}

const char *
sta_names_of(enum sta_type type, char out[static STA_NAMES_SIZE])
{
    const struct sta_type_info *info = sta_type_info(type);
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < info->properties_count + info->relations_count; i++) {
        bool property = i < info->properties_count;
        const struct sta_relation *r =
            property ? NULL : &info->relations[i - info->properties_count];
        if (r && (!r->shown || sta_is_tasking(r->to)))
            continue;
        int n = snprintf(out + len, STA_NAMES_SIZE - len, "%s%s", len ? ", " : "",
                         property ? info->properties[i].name : r->name);
        ASSERT(n > 0);
        if ((size_t)n >= STA_NAMES_SIZE - len) {
            out[len] = '\0';
            break;
        }
        len += (size_t)n;
    }
    return out;
}

static enum err
take_step(struct reader *r)
{
    struct sta_path *p = r->path;
    struct sta_step *last = &p->steps[p->steps_count - 1];
    char names[STA_NAMES_SIZE];
    size_t start = ++r->at;
    struct bytes name = take_name(r);
    if (name.len == 0)
        return sta_fail(r->error, 400, start, "expected a name after '/'");
    if (bytes_are(name, "$ref") && r->at == r->text.len) {
        p->ref = true;
        return OK;
    }
    if (last->many)
        return sta_fail(r->error, 404, start,
                        "a set has no '%.*s'; name one of its entities first, as in %s(1)/%.*s",
                        (int)(name.len < 40 ? name.len : 40), (const char *)name.p,
                        sta_type_info(last->type)->set, (int)(name.len < 40 ? name.len : 40),
                        (const char *)name.p);
    int relation = sta_relation_index(last->type, name);
    if (relation >= 0) {
        const struct sta_relation *to = &sta_type_info(last->type)->relations[relation];
        if (p->steps_count == STA_STEPS_MAX)
            return sta_fail(r->error, 404, start, "a path has at most %d steps", STA_STEPS_MAX);
        struct sta_step *step = &p->steps[p->steps_count++];
        *step = (struct sta_step){.type = to->to, .relation = (uint8_t)relation, .many = to->many};
        return end_step(r, step, to->many);
    }
    int property = sta_property_index(last->type, name);
    p->property_is_id = bytes_are(name, "id") || bytes_are(name, "@iot.id");
    if ((property < 0 && !p->property_is_id) || (r->at < r->text.len && r->text.p[r->at] == '('))
        return sta_fail(r->error, 404, start, "%s has no '%.*s'; it has %s",
                        sta_type_info(last->type)->entity, (int)(name.len < 40 ? name.len : 40),
                        (const char *)name.p, sta_names_of(last->type, names));
    p->property = property < 0 ? 0 : (uint8_t)property;
    return take_members(r);
}

/* What stands behind "v1.1". */
static enum err
parse_rest(struct bytes text, struct sta_path *out, struct sta_error *error)
{
    struct sta_path path = {.kind = STA_PATH_ROOT};
    struct reader r = {text, 0, &path, error};
    if (text.len > 0 && text.p[0] != '/')
        return sta_fail(error, 404, 0, "the service is at /v1.1; GET / says how to go on");
    if (text.len > 1) {
        r.at = 1;
        enum err e = take_first(&r);
        while (e == OK && r.at < text.len && !path.ref)
            e = take_step(&r);
        if (e != OK)
            return e;
    }
    *out = path;
    return OK;
}

enum err
sta_path_parse(struct bytes target, struct sta_path *out, struct sta_error *error)
{
    uint8_t decoded[STA_PATH_BYTES_MAX];
    struct bytes text;
    enum err e = decode(target, decoded, sizeof(decoded), &text, error);
    if (e != OK)
        return e;
    if (!bytes_start(text, "/v1.1"))
        return sta_fail(error, 404, 0, "the service is at /v1.1; GET / says how to go on");
    return parse_rest(bytes_skip(text, 5), out, error);
}

void
sta_path_print(const struct sta_path *path, struct buf *out)
{
    buf_text(out, "/v1.1");
    if (path->kind == STA_PATH_CREATE_OBSERVATIONS)
        buf_text(out, "/CreateObservations");
    if (path->kind == STA_PATH_API)
        buf_text(out, "/api");
    if (path->kind == STA_PATH_ROLLUPS)
        buf_text(out, "/Rollups");
    for (uint32_t i = 0; i < path->steps_count; i++) {
        const struct sta_step *step = &path->steps[i];
        const char *name =
            i == 0 ? sta_type_info(step->type)->set
                   : sta_type_info(path->steps[i - 1].type)->relations[step->relation].name;
        buf_byte(out, '/');
        buf_text(out, name);
        if (step->has_id)
            buf_format(out, "(%llu)", (unsigned long long)step->id);
    }
    if (path->ref)
        buf_text(out, "/$ref");
    if (path->kind != STA_PATH_PROPERTY && path->kind != STA_PATH_VALUE)
        return;
    buf_byte(out, '/');
    buf_text(out, path->property_is_id
                      ? "id"
                      : sta_type_info(sta_path_type(path))->properties[path->property].name);
    for (uint32_t i = 0; i < path->members_count; i++) {
        buf_byte(out, '/');
        for (const char *c = path->members[i]; *c; c++) {
            if (*c == '%' || *c == '?' || *c == '#' || *c == ' ')
                buf_format(out, "%%%02X", (unsigned)*c);
            else
                buf_byte(out, (uint8_t)*c);
        }
    }
    if (path->kind == STA_PATH_VALUE)
        buf_text(out, "/$value");
}

/* ---- topics ------------------------------------------------------------------------------- */

static enum err
topic_path(struct bytes topic, struct sta_path *out, struct sta_error *error)
{
    for (size_t i = 0; i < topic.len; i++) {
        uint8_t c = topic.p[i];
        if (c == '+' || c == '#')
            return sta_fail(error, 400, i, "wildcards have no meaning in SensorThings topics");
        if (c < 0x20 || c == 0x7f || c == '%')
            return sta_fail(error, 400, i, "a topic holds no control characters and no '%%'");
    }
    if (!bytes_start(topic, "v1.1/") || !text_is_utf8(topic) || topic.len > STA_PATH_BYTES_MAX)
        return sta_fail(error, 404, 0, "topics here start with v1.1/");
    return parse_rest(bytes_skip(topic, 4), out, error);
}

static enum err
topic_select(struct bytes options, enum sta_type type, uint32_t *out, struct sta_error *error)
{
    if (!bytes_start(options, "$select="))
        return sta_fail(error, 400, 0, "a topic takes $select only");
    struct bytes list = bytes_skip(options, 8);
    uint32_t select = 0;
    for (;;) {
        size_t end = bytes_find(list, ',');
        struct bytes name = bytes_of(list.p, end);
        int property = sta_property_index(type, name);
        if (property < 0)
            return sta_fail(error, 400, 0, "$select names a property that %s does not have",
                            sta_type_info(type)->entity);
        if (select & 1u << property)
            return sta_fail(error, 400, 0, "$select names a property twice");
        select |= 1u << property;
        if (end == list.len)
            break;
        list = bytes_skip(list, end + 1);
    }
    *out = select;
    return OK;
}

enum err
sta_topic_parse(struct bytes topic, struct sta_topic *out, struct sta_error *error)
{
    struct sta_topic t = {0};
    size_t question = bytes_find(topic, '?');
    enum err e = topic_path(bytes_of(topic.p, question), &t.path, error);
    if (e != OK)
        return e;
    if (t.path.steps_count == 0 || t.path.kind == STA_PATH_VALUE || t.path.ref ||
        t.path.property_is_id || t.path.members_count)
        return sta_fail(error, 404, 0, "a topic names a set, an entity or a property");
    if (question < topic.len) {
        if (t.path.kind != STA_PATH_SET)
            return sta_fail(error, 400, question, "$select stands behind a set");
        e = topic_select(bytes_skip(topic, question + 1), sta_path_type(&t.path), &t.select, error);
        if (e != OK)
            return e;
    }
    *out = t;
    return OK;
}

enum err
sta_topic_parse_publish(struct bytes topic, struct sta_path *out, struct sta_error *error)
{
    struct sta_path path = {0};
    if (bytes_find(topic, '?') < topic.len)
        return sta_fail(error, 404, 0, "observations are not published to a topic with options");
    enum err e = topic_path(topic, &path, error);
    if (e != OK)
        return e;
    bool parent =
        path.steps_count == 2 && path.steps[0].has_id &&
        (sta_is_stream(path.steps[0].type) || path.steps[0].type == STA_FEATURE_OF_INTEREST);
    if (path.kind != STA_PATH_SET || path.ref || sta_path_type(&path) != STA_OBSERVATION ||
        (path.steps_count != 1 && !parent))
        return sta_fail(error, 404, 0,
                        "observations are published to Observations, Datastreams(n)/Observations, "
                        "MultiDatastreams(n)/Observations or FeaturesOfInterest(n)/Observations");
    *out = path;
    return OK;
}

/* The entity that a step leads to from `from`; NULL: none. Steps to Observations do not come here.
 */
static const struct sta_entity *
step_to(const struct sta_graph *g, const struct sta_entity *from, const struct sta_step *step)
{
    const struct sta_ids *links = &from->links[step->relation];
    if (!step->has_id)
        return links->count ? sta_graph_get(g, step->type, links->p[0]) : NULL;
    for (uint32_t i = 0; i < links->count; i++)
        if (links->p[i] == step->id)
            return sta_graph_get(g, step->type, step->id);
    return NULL;
}

bool
sta_topic_touched(const struct sta_graph *g, const struct sta_topic *topic, enum sta_type type,
                  uint64_t id, uint64_t feature_id)
{
    const struct sta_path *p = &topic->path;
    ASSERT(p->steps_count > 0); /* sta_topic_parse() made it */
    const struct sta_step *last = &p->steps[p->steps_count - 1];
    if (last->type != type || (last->has_id && last->id != id))
        return false;
    if (p->steps_count == 1)
        return true;
    const struct sta_entity *at = p->steps[0].type == STA_OBSERVATION
                                      ? NULL
                                      : sta_graph_get(g, p->steps[0].type, p->steps[0].id);
    for (uint32_t i = 1; at && i + 1 < p->steps_count; i++)
        at = p->steps[i].type == STA_OBSERVATION ? NULL : step_to(g, at, &p->steps[i]);
    if (!at)
        return false;
    if (type == STA_OBSERVATION)
        return sta_is_stream(at->type)               ? at->id == id >> 32
               : at->type == STA_FEATURE_OF_INTEREST ? at->id == feature_id
                                                     : false;
    const struct sta_ids *links = &at->links[last->relation];
    for (uint32_t i = 0; i < links->count; i++)
        if (links->p[i] == id)
            return true;
    return false;
}
