#include "programs/core/core.h"

#include <cjson/cJSON.h>

static struct arena *json_arena;

static void *
json_take(size_t size)
{
    return arena_take(json_arena, size);
}

static void
json_keep(void *p)
{
    (void)p; /* the arena gives everything back at once */
}

void
json_memory(struct arena *arena)
{
    json_arena = arena;
    cJSON_Hooks hooks = {json_take, json_keep};
    cJSON_InitHooks(&hooks);
}

enum err
json_plain(struct bytes json, char *to, size_t size)
{
    if (json.len < 2 || json.p[0] != '"' || json.p[json.len - 1] != '"')
        return ERR_MALFORMED;
    struct bytes inner = bytes_of(json.p + 1, json.len - 2);
    if (bytes_find(inner, '\\') == inner.len)
        return bytes_copy_text(inner, to, size);
    cJSON *value = cJSON_ParseWithLength((const char *)json.p, json.len);
    if (!cJSON_IsString(value))
        return ERR_MALFORMED;
    return bytes_copy_text(bytes_text(value->valuestring), to, size);
}

static struct bytes
property_of(const struct sta_entity *e, const char *name)
{
    int index = sta_property_index(e->type, bytes_text(name));
    ASSERT(index >= 0);
    return e->property[index];
}

/* "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement" and its kin. */
static enum stream_rule
rule_of(struct bytes observation_type)
{
    static const struct {
        const char *end;
        enum stream_rule rule;
    } rows[] = {
        {"/OM_Measurement\"", RULE_NUMBER},
        {"/OM_CountObservation\"", RULE_INTEGER},
        {"/OM_CategoryObservation\"", RULE_TEXT},
        {"/OM_TruthObservation\"", RULE_BOOL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t n = strlen(rows[i].end);
        if (observation_type.len >= n &&
            memcmp(observation_type.p + observation_type.len - n, rows[i].end, n) == 0)
            return rows[i].rule;
    }
    return RULE_ANY;
}

void
streams_learn(struct core *c, const struct sta_entity *e)
{
    ASSERT(sta_is_stream(e->type) && e->id >= 1 && e->id < STORE_STREAMS_MAX);
    struct stream *s = &c->streams[e->id];
    uint32_t hears = s->hears;
    *s = (struct stream){.used = true, .hears = hears, .class_index = -1};
    const struct start_class *row = start_class(c->start, bytes_text(e->class_name));
    if (row)
        s->class_index = (int16_t)(row - c->start->classes);
    if (e->links[DATASTREAM_THING].count)
        s->thing = e->links[DATASTREAM_THING].p[0];
    memcpy(s->owner, e->owner, sizeof(s->owner));
    if (json_plain(property_of(e, "name"), s->name, sizeof(s->name)) != OK)
        s->name[0] = '\0'; /* too long for a service to care about; kept in full in the graph */
    s->multi = e->type == STA_MULTI_DATASTREAM;
    s->own = tells_own(s->owner);
    s->tells_leases = !s->own && strcmp(s->name, "lease") == 0;
    s->rule = (uint8_t)rule_of(property_of(e, "observationType"));
    struct bytes properties = property_of(e, "properties");
    cJSON *tree =
        properties.len ? cJSON_ParseWithLength((const char *)properties.p, properties.len) : NULL;
    const cJSON *minimum = cJSON_GetObjectItemCaseSensitive(tree, "minimum");
    const cJSON *maximum = cJSON_GetObjectItemCaseSensitive(tree, "maximum");
    s->has_minimum = cJSON_IsNumber(minimum);
    s->minimum = s->has_minimum ? minimum->valuedouble : 0;
    s->has_maximum = cJSON_IsNumber(maximum);
    s->maximum = s->has_maximum ? maximum->valuedouble : 0;
}

void
streams_describe(const struct core *c, uint32_t id, struct service_stream *out)
{
    ASSERT(id < STORE_STREAMS_MAX && c->streams[id].used);
    const struct stream *s = &c->streams[id];
    const struct start_class *row = s->class_index >= 0 ? &c->start->classes[s->class_index] : NULL;
    *out = (struct service_stream){
        .id = id,
        .device = bytes_text(s->owner),
        .name = bytes_text(s->name),
        .thing = s->thing,
        .class_name = row ? row->name : "",
        .personal = row ? row->personal : true,
    };
}

void
streams_tell(struct core *c, enum sta_type type, uint64_t id)
{
    if (!c->service->entity || (type != STA_THING && type != STA_DATASTREAM))
        return;
    const struct sta_entity *e = sta_graph_get(&c->graph, type, id);
    if (!e || tells_own(e->owner))
        return;
    uint64_t thing = id;
    if (type == STA_DATASTREAM)
        thing = e->links[DATASTREAM_THING].count ? e->links[DATASTREAM_THING].p[0] : 0;
    c->service->entity(c->self, sta_type_info(type)->entity, id, thing, bytes_text(e->owner),
                       e->record);
}
