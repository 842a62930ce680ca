/* build.c -- JSON becomes drafts: what the members of an entity may be, and what stands inside it.
 */
#include "sensorthings/draft.h"

#include "base/text.h"
#include "sensorthings/json.h"
#include "sensorthings/record.h"
#include "sensorthings/tasking.h"
#include "sensorthings/times.h"

/* ---- reading -------------------------------------------------------------------------------- */

static bool
is_control(struct bytes key)
{
    static const char end[] = "@iot.navigationLink";
    return bytes_are(key, "id") || bytes_are(key, "selfLink") || bytes_start(key, "@iot.") ||
           (key.len > strlen(end) && bytes_are(bytes_skip(key, key.len - strlen(end)), end));
}

/* A date and time, written again in UTC. */
static enum err
canonical_time(struct sta_planner *p, const char *name, struct bytes *value)
{
    struct bytes text;
    int64_t start, end;
    if (sta_json_text(*value, p->arena, &text) != OK || sta_time_parse(text, &start, &end) != OK)
        return sta_fail(p->error, 400, 0, "'%s' is an ISO 8601 time with zone", name);
    struct buf out;
    buf_init(&out, 128);
    sta_time_put(&out, start, end);
    *value = arena_dup(p->arena, buf_bytes(&out));
    buf_fini(&out);
    return value->p ? OK : sta_draft_full(p);
}

static enum err
check_unit(struct sta_planner *p, struct bytes unit)
{
    static const char *const members[] = {"name", "symbol", "definition"};
    for (size_t i = 0; i < ARRAY_COUNT(members); i++)
        if (sta_json_kind(unit) != STA_JSON_OBJECT ||
            sta_json_member(unit, bytes_text(members[i])).len == 0)
            return sta_fail(p->error, 400, 0, "unitOfMeasurement needs '%s' (or null)", members[i]);
    return OK;
}

static enum err
check_multi_list(struct sta_planner *p, int index, struct bytes list)
{
    struct sta_json_walk w = {list, 0};
    struct bytes item;
    while (sta_json_next_item(&w, &item)) {
        enum err e = OK;
        if (index == MULTI_UNITS)
            e = check_unit(p, item);
        else if (sta_json_kind(item) != STA_JSON_TEXT)
            e = sta_fail(p->error, 400, 0, "multiObservationDataTypes is a list of texts");
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
check_complex(struct sta_planner *p, struct bytes value)
{
    static const char end[] = "OM_ComplexObservation\"";
    if (value.len > sizeof(end) && bytes_are(bytes_skip(value, value.len - strlen(end)), end))
        return OK;
    return sta_fail(p->error, 400, 0,
                    "the observationType of a MultiDatastream is OM_ComplexObservation");
}

/* The name that stands under `key` of properties; len 0: none. */
static struct bytes
label(struct sta_planner *p, struct bytes properties, const char *key)
{
    struct bytes value = sta_json_member(properties, bytes_text(key)), text;
    if (value.len && sta_json_text(value, p->arena, &text) == OK && text_is_name(text))
        return text;
    return (struct bytes){0};
}

/* properties.class and properties.device: what the rights on the entity follow. A class that was
 * given stays when new properties do not name one, so that nothing is opened by leaving it out. */
static enum err
read_labels(struct sta_planner *p, struct sta_draft *d, struct bytes properties)
{
    struct bytes class_name = label(p, properties, "class");
    struct bytes device = label(p, properties, "device");
    if (class_name.len && !d->fresh && sta_is_stream(d->type) &&
        !bytes_equal(class_name, d->class_name))
        return sta_fail(p->error, 400, 0,
                        "a %s keeps its data class, under which its Observations are stored; make "
                        "another one",
                        sta_type_info(d->type)->entity);
    if (class_name.len)
        d->class_name = class_name;
    if (device.len && p->maker->names_owner)
        d->owner = device;
    return OK;
}

static enum err
read_property(struct sta_planner *p, struct sta_draft *d, int index, struct bytes value)
{
    const struct sta_property *property = &sta_type_info(d->type)->properties[index];
    enum sta_json_kind kind = sta_json_kind(value);
    if (property->server)
        return sta_fail(p->error, 400, 0, "'%s' of a %s is kept by the service, not given",
                        property->name, sta_type_info(d->type)->entity);
    if (kind == STA_JSON_NULL)
        return property->mandatory ? sta_fail(p->error, 400, 0, "'%s' of a %s may not be null",
                                              property->name, sta_type_info(d->type)->entity)
                                   : OK;
    if (property->shape == STA_SHAPE_TEXT && kind != STA_JSON_TEXT)
        return sta_fail(p->error, 400, 0, "'%s' is text", property->name);
    if (property->shape == STA_SHAPE_OBJECT && kind != STA_JSON_OBJECT)
        return sta_fail(p->error, 400, 0, "'%s' is a JSON object", property->name);
    if (property->shape == STA_SHAPE_LIST && kind != STA_JSON_ARRAY)
        return sta_fail(p->error, 400, 0, "'%s' is a list", property->name);
    d->property[index] = value;
    if (property->shape == STA_SHAPE_TIME)
        return canonical_time(p, property->name, &d->property[index]);
    if (strcmp(property->name, "unitOfMeasurement") == 0)
        return check_unit(p, value);
    if (d->type == STA_TASKING_CAPABILITY && index == CAPABILITY_PARAMETERS)
        return sta_tasking_check(value, p->arena, p->error);
    if (d->type == STA_MULTI_DATASTREAM && property->shape == STA_SHAPE_LIST)
        return check_multi_list(p, index, value);
    if (d->type == STA_MULTI_DATASTREAM && index == DATASTREAM_OBSERVATION_TYPE)
        return check_complex(p, value);
    return strcmp(property->name, "properties") == 0 ? read_labels(p, d, value) : OK;
}

static enum err
read_related(struct sta_planner *p, const struct sta_draft *d, int relation, struct bytes value,
             uint32_t depth)
{
    const struct sta_relation *r = &sta_type_info(d->type)->relations[relation];
    const struct sta_parent here = {d->type, d->id, relation};
    uint64_t id = 0;
    if (sta_json_kind(value) != STA_JSON_OBJECT)
        return sta_fail(p->error, 400, 0, "'%s' is %s", r->name,
                        r->many ? "a list of objects" : "an object");
    enum err e = sta_link_read(value, &id);
    if (e == ERR_NOT_FOUND && p->links_only)
        return sta_fail(p->error, 400, 0,
                        "'%s' of a change is {\"@iot.id\": number}; new entities are made by POST",
                        r->name);
    if (e == ERR_NOT_FOUND)
        return sta_build(p, r->to, value, &here, depth + 1, &id);
    if (e != OK)
        return sta_fail(p->error, 400, 0, "'%s' is {\"@iot.id\": number} or an entity", r->name);
    if (r->to == STA_OBSERVATION)
        return sta_fail(p->error, 400, 0, "Observations are not moved by linking to them");
    if (!sta_draft_exists(p, r->to, id))
        return sta_fail(p->error, 400, 0, "'%s' names %s(%llu), which does not exist", r->name,
                        sta_type_info(r->to)->set, (unsigned long long)id);
    return sta_draft_link_both(p, d->type, d->id, relation, id);
}

static enum err
read_relation(struct sta_planner *p, struct sta_draft *d, int relation, struct bytes value,
              uint32_t depth)
{
    const struct sta_relation *r = &sta_type_info(d->type)->relations[relation];
    struct bytes item;
    if (!r->many)
        return read_related(p, d, relation, value, depth);
    if (p->links_only && r->stored && d->type != STA_THING) /* the list is the new list */
        d->links[relation].count = 0;
    if (sta_json_kind(value) != STA_JSON_ARRAY)
        return sta_fail(p->error, 400, 0, "'%s' is a list", r->name);
    struct sta_json_walk w = {value, 0};
    while (sta_json_next_item(&w, &item)) {
        enum err e = read_related(p, d, relation, item, depth);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
unknown_member(struct sta_planner *p, enum sta_type type, struct bytes key)
{
    int len = (int)(key.len < 40 ? key.len : 40);
    if (is_control(key))
        return sta_fail(p->error, 400, 0, "'%.*s' is given by the service, not by clients", len,
                        (const char *)key.p);
    return sta_fail(p->error, 400, 0, "%s has no '%.*s'", sta_type_info(type)->entity, len,
                    (const char *)key.p);
}

/* In which order relations are read, whatever order they are written in: a Datastream's
 * Observations need the Location of its Thing. */
static int
pass_of(enum sta_type to)
{
    return to == STA_OBSERVATION ? 3 : sta_is_stream(to) || to == STA_TASKING_CAPABILITY ? 2 : 1;
}

enum err
sta_read_members(struct sta_planner *p, struct sta_draft *d, struct bytes json, uint32_t depth)
{
    const struct sta_type_info *info = sta_type_info(d->type);
    struct bytes key, value;
    for (int pass = 0; pass < 4; pass++) {
        struct sta_json_walk w = {json, 0};
        while (sta_json_next_member(&w, &key, &value)) {
            int property = sta_property_index(d->type, key);
            int relation = sta_relation_index(d->type, key);
            enum err e = OK;
            if (property < 0 && relation < 0)
                return unknown_member(p, d->type, key);
            if (property >= 0 && pass == 0)
                e = read_property(p, d, property, value);
            else if (relation >= 0 && pass == pass_of(info->relations[relation].to))
                e = read_relation(p, d, relation, value, depth);
            if (e != OK)
                return e;
        }
    }
    return OK;
}

/* ---- building -------------------------------------------------------------------------------- */

/* A link of an Observation, or the entity that stands there; 0: neither. */
static enum err
observation_link(struct sta_planner *p, struct bytes json, enum sta_type to, uint32_t depth,
                 uint64_t *out_id)
{
    uint64_t id = 0;
    struct bytes inner = sta_json_member(json, bytes_text(sta_type_info(to)->entity));
    if (inner.len == 0)
        return OK;
    enum err e = sta_link_read(inner, &id);
    if (e == ERR_NOT_FOUND)
        return sta_build(p, to, inner, NULL, depth + 1, out_id);
    if (e != OK)
        return sta_fail(p->error, 400, 0, "'%s' is {\"@iot.id\": number} or an entity",
                        sta_type_info(to)->entity);
    *out_id = id;
    return OK;
}

/* The stream that the Observation belongs to: of the kind that is named. */
static enum err
observation_stream(struct sta_planner *p, struct bytes json, const struct sta_parent *parent,
                   uint32_t depth, uint64_t *out)
{
    uint64_t ids[2] = {0, 0};
    static const enum sta_type types[2] = {STA_DATASTREAM, STA_MULTI_DATASTREAM};
    for (int i = 0; i < 2; i++) {
        bool here = parent && parent->type == types[i];
        enum err e = observation_link(p, json, types[i], depth, &ids[i]);
        if (e != OK)
            return e;
        if (here && ids[i] && ids[i] != parent->id)
            return sta_fail(p->error, 400, 0, "the Observation names another %s than the path",
                            sta_type_info(types[i])->entity);
        if (here)
            ids[i] = parent->id;
    }
    if (ids[0] && ids[1])
        return sta_fail(p->error, 400, 0,
                        "an Observation belongs to a Datastream or to a MultiDatastream");
    if (ids[0] == 0 && ids[1] == 0)
        return sta_fail(p->error, 400, 0, "an Observation needs a Datastream");
    int kind = ids[0] ? 0 : 1;
    if (!sta_draft_exists(p, types[kind], ids[kind]))
        return sta_fail(p->error, 404, 0, "there is no %s with id %llu",
                        sta_type_info(types[kind])->entity, (unsigned long long)ids[kind]);
    *out = ids[kind];
    return OK;
}

static enum err
observation_feature(struct sta_planner *p, struct bytes json, const struct sta_parent *parent,
                    uint64_t stream, uint32_t depth, uint64_t *out)
{
    bool here = parent && parent->type == STA_FEATURE_OF_INTEREST;
    enum err e = observation_link(p, json, STA_FEATURE_OF_INTEREST, depth, out);
    if (e != OK)
        return e;
    if (here && *out && *out != parent->id)
        return sta_fail(p->error, 400, 0,
                        "the Observation names another FeatureOfInterest than the path");
    if (here)
        *out = parent->id;
    if (*out == 0)
        return sta_draft_thing_feature(p, sta_draft_thing(p, stream), out);
    if (!sta_draft_exists(p, STA_FEATURE_OF_INTEREST, *out))
        return sta_fail(p->error, 400, 0, "there is no FeatureOfInterest with id %llu",
                        (unsigned long long)*out);
    return OK;
}

static enum err
plan_observation(struct sta_planner *p, struct bytes json, const struct sta_parent *parent,
                 uint32_t depth)
{
    struct sta_observation o;
    uint64_t stream = 0, feature = 0;
    if (parent && !sta_is_stream(parent->type) && parent->type != STA_FEATURE_OF_INTEREST)
        return sta_fail(p->error, 400, 0, "Observations belong to a Datastream");
    enum err e = sta_observation_scan(json, p->maker->now_us, p->arena, &o, p->error);
    if (e == OK)
        e = observation_stream(p, json, parent, depth, &stream);
    if (e == OK)
        e = observation_feature(p, json, parent, stream, depth, &feature);
    if (e == OK)
        e = sta_draft_remember(p, stream, feature);
    if (e == OK && sta_draft_stream_type(p, stream) == STA_MULTI_DATASTREAM)
        e = sta_multi_result(sta_draft_types(p, stream), &o.value, p->error);
    if (e != OK)
        return e;
    if (p->observations_count == STA_PLAN_OBSERVATIONS_MAX)
        return sta_draft_full(p);
    o.value.feature_id = feature;
    p->observations[p->observations_count++] =
        (struct sta_plan_observation){.stream = (uint32_t)stream, .value = o.value};
    return OK;
}

static uint32_t
items_of(struct bytes list)
{
    struct sta_json_walk w = {list, 0};
    struct bytes item;
    uint32_t count = 0;
    while (sta_json_next_item(&w, &item))
        count++;
    return count;
}

/* Types, units and ObservedProperties of a MultiDatastream go together, one by one. */
static enum err
check_multi(struct sta_planner *p, const struct sta_draft *d)
{
    uint32_t wanted = d->links[DATASTREAM_PROPERTIES].count;
    uint32_t types = items_of(d->property[MULTI_TYPES]);
    uint32_t units = items_of(d->property[MULTI_UNITS]);
    if (wanted > STA_COMPONENTS_OF_RESULT_MAX)
        return sta_fail(p->error, 413, 0, "a MultiDatastream has at most %d ObservedProperties",
                        STA_COMPONENTS_OF_RESULT_MAX);
    if (types != wanted || units != wanted)
        return sta_fail(p->error, 400, 0,
                        "a MultiDatastream has as many multiObservationDataTypes (%u) and "
                        "unitOfMeasurements (%u) as different ObservedProperties (%u), in their "
                        "order",
                        types, units, wanted);
    return OK;
}

/* "location" of a Location and "feature" of a FeatureOfInterest, when they say they are GeoJSON. */
static enum err
check_place(struct sta_planner *p, const struct sta_draft *d)
{
    enum { ENCODING = 2, PLACE = 3 }; /* of both */
    struct bytes encoding = d->property[ENCODING];
    bool geojson = bytes_are(encoding, "\"application/geo+json\"") ||
                   bytes_are(encoding, "\"application/vnd.geo+json\"");
    if (!geojson || sta_json_kind(d->property[PLACE]) == STA_JSON_OBJECT)
        return OK;
    return sta_fail(p->error, 400, 0, "'%s' is a JSON object, as its encodingType says",
                    sta_type_info(d->type)->properties[PLACE].name);
}

enum err
sta_check_mandatory(struct sta_planner *p, const struct sta_draft *d)
{
    const struct sta_type_info *info = sta_type_info(d->type);
    for (uint32_t i = 0; i < info->properties_count; i++)
        if (info->properties[i].mandatory && d->property[i].len == 0)
            return sta_fail(p->error, 400, 0, "a %s needs '%s'", info->entity,
                            info->properties[i].name);
    for (uint32_t r = 0; r < info->relations_count; r++)
        if (info->relations[r].mandatory && d->links[r].count == 0)
            return sta_fail(p->error, 400, 0, "a %s needs a link '%s'", info->entity,
                            info->relations[r].name);
    if (d->type == STA_LOCATION || d->type == STA_FEATURE_OF_INTEREST)
        return check_place(p, d);
    return d->type == STA_MULTI_DATASTREAM ? check_multi(p, d) : OK;
}

enum err
sta_build(struct sta_planner *p, enum sta_type type, struct bytes json,
          const struct sta_parent *parent, uint32_t depth, uint64_t *out_id)
{
    if (depth > STA_PLAN_DEPTH_MAX)
        return sta_fail(p->error, 400, 0, "entities are nested more than %d deep",
                        STA_PLAN_DEPTH_MAX);
    if (sta_json_kind(json) != STA_JSON_OBJECT)
        return sta_fail(p->error, 400, 0, "a %s is a JSON object", sta_type_info(type)->entity);
    if (type == STA_OBSERVATION) {
        *out_id = 0;
        return plan_observation(p, json, parent, depth);
    }
    if (type == STA_TASK)
        return sta_fail(p->error, 400, 0,
                        "a Task is asked for by itself, not inside another entity");
    if (sta_is_stream(type) && p->next_id[STA_DATASTREAM] > STA_STREAM_MAX)
        return sta_fail(p->error, 413, 0, "this zone has no room for another Datastream");
    struct sta_draft *d = sta_draft_new(p, type, sta_draft_next_id(p, type), true);
    if (!d)
        return sta_draft_full(p);
    enum err e = OK;
    d->manual = type == STA_HISTORICAL_LOCATION;
    if (parent)
        e = sta_draft_link_both(p, parent->type, parent->id, parent->relation, d->id);
    if (type == STA_MULTI_DATASTREAM) /* the only one there is */
        d->property[DATASTREAM_OBSERVATION_TYPE] = bytes_text(STA_COMPLEX_OBSERVATION);
    if (e == OK)
        e = sta_read_members(p, d, json, depth);
    *out_id = d->id;
    return e;
}

/* "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement" in quotes, and its kin. */
static bool
fits_type(struct bytes value, struct bytes type)
{
    static const struct {
        const char *end;
        enum sta_json_kind kind;
    } rows[] = {
        {"/OM_Measurement\"", STA_JSON_NUMBER},
        {"/OM_CountObservation\"", STA_JSON_NUMBER},
        {"/OM_CategoryObservation\"", STA_JSON_TEXT},
        {"/OM_TruthObservation\"", STA_JSON_BOOL},
    };
    enum sta_json_kind kind = sta_json_kind(value);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t n = strlen(rows[i].end);
        if (type.len >= n && memcmp(type.p + type.len - n, rows[i].end, n) == 0)
            return kind == rows[i].kind || kind == STA_JSON_NULL;
    }
    return true;
}

enum err
sta_multi_result(struct bytes types, const struct observation *o, struct sta_error *error)
{
    uint32_t wanted = items_of(types), at = 0;
    if (o->kind != RESULT_JSON || sta_json_kind(o->text) != STA_JSON_ARRAY ||
        items_of(o->text) != wanted)
        return sta_fail(error, 400, 0,
                        "the result of this MultiDatastream is a list of %u values, one for each "
                        "ObservedProperty",
                        wanted);
    struct sta_json_walk t = {types, 0}, v = {o->text, 0};
    struct bytes type, value;
    for (; sta_json_next_item(&t, &type) && sta_json_next_item(&v, &value); at++)
        if (!fits_type(value, type))
            return sta_fail(error, 400, 0, "value %u of the result is not of the kind %.*s", at + 1,
                            (int)(type.len < 120 ? type.len : 120), (const char *)type.p);
    return OK;
}
