#include "field/common/thing.h"

#include <cjson/cJSON.h>

#include "base/text.h"

#define OM "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
static const char *const observation_types[] = {
    [FIELD_MEASUREMENT] = OM "OM_Measurement",
    [FIELD_COUNT] = OM "OM_CountObservation",
    [FIELD_TRUTH] = OM "OM_TruthObservation",
    [FIELD_JSON] = OM "OM_Observation",
};

static void
put_member(struct buf *b, const char *name, const char *value)
{
    text_put_json(b, bytes_text(name));
    buf_byte(b, ':');
    if (value)
        text_put_json(b, bytes_text(value));
    else
        buf_text(b, "null");
}

static void
put_stream(struct buf *b, const struct field_stream *s)
{
    buf_byte(b, '{');
    put_member(b, "name", s->name);
    buf_byte(b, ',');
    put_member(b, "description", s->description);
    buf_byte(b, ',');
    put_member(b, "observationType", observation_types[s->result]);
    buf_text(b, ",\"unitOfMeasurement\":{");
    put_member(b, "name", s->unit_name);
    buf_byte(b, ',');
    put_member(b, "symbol", s->unit_symbol);
    buf_text(b, ",\"definition\":null},\"properties\":{");
    put_member(b, "class", s->class_name);
    buf_text(b, "},\"ObservedProperty\":{");
    put_member(b, "name", s->name);
    buf_byte(b, ',');
    put_member(b, "definition", s->description);
    buf_byte(b, ',');
    put_member(b, "description", s->description);
    buf_text(b, "},\"Sensor\":{");
    put_member(b, "name", s->name);
    buf_byte(b, ',');
    put_member(b, "description", s->description);
    buf_text(b, ",\"encodingType\":\"text/plain\",\"metadata\":\"none\"}}");
}

static void
put_capability(struct buf *b, const struct field_capability *c)
{
    buf_byte(b, '{');
    put_member(b, "name", c->name);
    buf_byte(b, ',');
    put_member(b, "description", c->description);
    buf_text(b, ",\"properties\":{");
    put_member(b, "command", c->command);
    buf_text(b, "},\"taskingParameters\":{\"type\":\"DataRecord\",\"field\":[");
    buf_text(b, c->fields);
    buf_text(b, "]},\"Actuator\":{");
    put_member(b, "name", c->name);
    buf_byte(b, ',');
    put_member(b, "description", c->description);
    buf_text(b, ",\"encodingType\":\"text/plain\",\"metadata\":\"none\"}}");
}

void
thing_put_json(struct buf *b, const struct field_thing *thing)
{
    ASSERT(thing->streams_count <= FIELD_STREAMS_MAX);
    buf_byte(b, '{');
    put_member(b, "name", thing->device);
    buf_byte(b, ',');
    put_member(b, "description", thing->description);
    if (thing->properties) {
        buf_text(b, ",\"properties\":");
        buf_text(b, thing->properties);
    }
    buf_text(b, ",\"Locations\":[{");
    put_member(b, "name", thing->device);
    buf_text(b, ",\"description\":\"where it stands\",\"encodingType\":\"application/geo+json\","
                "\"location\":{\"type\":\"Point\",\"coordinates\":[");
    text_put_double(b, thing->longitude);
    buf_byte(b, ',');
    text_put_double(b, thing->latitude);
    buf_text(b, "]}}],\"Datastreams\":[");
    for (uint32_t i = 0; i < thing->streams_count; i++) {
        if (i > 0)
            buf_byte(b, ',');
        put_stream(b, &thing->streams[i]);
    }
    buf_text(b, "]");
    for (uint32_t i = 0; i < thing->capabilities_count; i++) {
        buf_text(b, i > 0 ? "," : ",\"TaskingCapabilities\":[");
        put_capability(b, &thing->capabilities[i]);
    }
    buf_text(b, thing->capabilities_count ? "]}" : "}");
}

enum err
thing_id_of_location(const char *location, uint64_t *out)
{
    static const char before[] = "/Things(";
    const char *at = strstr(location, before);
    if (!at)
        return ERR_MALFORMED;
    struct bytes rest = bytes_text(at + sizeof(before) - 1);
    size_t n = bytes_find(rest, ')');
    if (n == rest.len || n + 1 != rest.len)
        return ERR_MALFORMED;
    return text_u64(bytes_of(rest.p, n), (UINT64_C(1) << 53) - 1, out);
}

static enum err
read_streams(const cJSON *value, const struct field_thing *thing, uint64_t *out_ids)
{
    if (!cJSON_IsArray(value))
        return ERR_MALFORMED;
    uint64_t ids[FIELD_STREAMS_MAX] = {0};
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(item, "@iot.id");
        if (!cJSON_IsString(name) || !cJSON_IsNumber(id) || !(id->valuedouble >= 1) ||
            id->valuedouble > 9007199254740991.0)
            return ERR_MALFORMED;
        for (uint32_t i = 0; i < thing->streams_count; i++)
            if (bytes_are(bytes_text(name->valuestring), thing->streams[i].name))
                ids[i] = (uint64_t)id->valuedouble;
    }
    for (uint32_t i = 0; i < thing->streams_count; i++)
        if (ids[i] == 0)
            return ERR_NOT_FOUND;
    memcpy(out_ids, ids, sizeof(ids));
    return OK;
}

enum err
thing_read_streams(struct bytes json, const struct field_thing *thing,
                   uint64_t out_ids[static FIELD_STREAMS_MAX])
{
    ASSERT(thing->streams_count <= FIELD_STREAMS_MAX);
    cJSON *root = cJSON_ParseWithLength((const char *)json.p, json.len);
    enum err e = read_streams(cJSON_GetObjectItemCaseSensitive(root, "value"), thing, out_ids);
    cJSON_Delete(root);
    return e;
}
