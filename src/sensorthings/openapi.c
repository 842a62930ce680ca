/* openapi.c -- the service as an OpenAPI 3.0.3 document. */
#include "base/text.h"
#include "sensorthings/page.h"
#include "sensorthings/root.h"

static const char *
schema_of(enum sta_shape shape)
{
    switch (shape) {
    case STA_SHAPE_TEXT:
        return "{\"type\":\"string\"}";
    case STA_SHAPE_OBJECT:
        return "{\"type\":\"object\"}";
    case STA_SHAPE_LIST:
        return "{\"type\":\"array\",\"items\":{}}";
    case STA_SHAPE_TIME:
        return "{\"type\":\"string\",\"description\":\"ISO 8601: an instant with zone, or two with "
               "a slash between\"}";
    case STA_SHAPE_ANY:
        break;
    }
    return "{}";
}

static const char *
option_help(const char *name)
{
    static const char *const help[][2] = {
        {"$top", "integer\"},\"description\":\"at most so many; pages hold 100 if it is not said"},
        {"$skip", "integer\"},\"description\":\"leave out so many; follow @iot.nextLink instead"},
        {"$count", "boolean\"},\"description\":\"@iot.count: how many there are in all"},
        {"$orderby", "string\"},\"description\":\"paths to one value, each with asc or desc"},
        {"$select", "string\"},\"description\":\"properties and relations, with commas"},
        {"$expand", "string\"},\"description\":\"relations inline; options in parentheses with ;"},
        {"$filter", "string\"},\"description\":\"an expression, as result gt 5 and "
                    "Datastream/name eq 'x'"},
        {"$resultFormat", "string\"},\"description\":\"dataArray: Observations as rows"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(help); i++)
        if (strcmp(name, help[i][0]) == 0)
            return help[i][1];
    return "string\"},\"description\":\"";
}

static void
put_parameters(struct buf *out)
{
    buf_text(out, "\"parameters\":{\"id\":{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
                  "\"schema\":{\"type\":\"integer\",\"format\":\"int64\"}}");
    const char *name;
    for (uint32_t i = 0; (name = sta_option_name(i)) != NULL; i++)
        buf_format(out, ",\"%s\":{\"name\":\"%s\",\"in\":\"query\",\"schema\":{\"type\":\"%s\"}",
                   name + 1, name, option_help(name));
    buf_byte(out, '}');
}

static void
put_schema(const struct sta_view *view, enum sta_type type, struct buf *out)
{
    const struct sta_type_info *info = sta_type_info(type);
    sta_separate(out);
    buf_format(out, "\"%s\":{\"type\":\"object\",\"required\":[", info->entity);
    for (uint32_t i = 0; i < info->properties_count; i++) {
        if (!info->properties[i].mandatory)
            continue;
        sta_separate(out);
        buf_format(out, "\"%s\"", info->properties[i].name);
    }
    buf_text(out, "],\"properties\":{\"@iot.id\":{\"type\":\"integer\",\"readOnly\":true},"
                  "\"@iot.selfLink\":{\"type\":\"string\",\"readOnly\":true}");
    for (uint32_t i = 0; i < info->properties_count; i++) {
        const struct sta_property *p = &info->properties[i];
        buf_format(out, ",\"%s\":%s", p->name, schema_of(p->shape));
        if (p->server && schema_of(p->shape)[1] == '"') {
            out->len -= out->len && !out->overflow;
            buf_text(out, ",\"readOnly\":true}");
        }
    }
    for (uint32_t r = 0; r < info->relations_count; r++) {
        const struct sta_relation *to = &info->relations[r];
        if (!to->shown || !sta_set_shown(view, to->to))
            continue;
        buf_format(out, ",\"%s@iot.navigationLink\":{\"type\":\"string\",\"readOnly\":true}",
                   to->name);
        buf_format(out,
                   to->many ? ",\"%s\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/"
                              "schemas/%s\"}}"
                            : ",\"%s\":{\"$ref\":\"#/components/schemas/%s\"}",
                   to->name, sta_type_info(to->to)->entity);
    }
    buf_text(out, "}}");
}

/* The "get" of a path: of a set, with all options, or of one entity. */
static void
put_get(struct buf *out, const char *what, enum sta_type type, bool many, bool has_id)
{
    buf_format(out, "\"get\":{\"summary\":\"%s\",\"parameters\":[", what);
    if (has_id)
        buf_text(out, "{\"$ref\":\"#/components/parameters/id\"}");
    const char *name;
    for (uint32_t i = 0; (name = sta_option_name(i)) != NULL; i++) {
        bool of_one = strcmp(name, "$select") == 0 || strcmp(name, "$expand") == 0;
        bool of_rows = strcmp(name, "$resultFormat") == 0;
        if ((!many && !of_one) || (of_rows && type != STA_OBSERVATION))
            continue;
        sta_separate(out);
        buf_format(out, "{\"$ref\":\"#/components/parameters/%s\"}", name + 1);
    }
    const char *entity = sta_type_info(type)->entity;
    buf_text(out, "],\"responses\":{\"200\":{\"description\":\"found\",\"content\":{\"application/"
                  "json\":{\"schema\":");
    if (many)
        buf_format(out,
                   "{\"type\":\"object\",\"properties\":{\"@iot.count\":{\"type\":\"integer\"},"
                   "\"@iot.nextLink\":{\"type\":\"string\"},\"value\":{\"type\":\"array\","
                   "\"items\":{\"$ref\":\"#/components/schemas/%s\"}}}}",
                   entity);
    else
        buf_format(out, "{\"$ref\":\"#/components/schemas/%s\"}", entity);
    buf_text(out, "}}},\"default\":{\"$ref\":\"#/components/responses/error\"}}}");
}

static void
put_post(struct buf *out, const char *entity)
{
    buf_format(out,
               ",\"post\":{\"summary\":\"make a %s, with what it needs inside or linked\","
               "\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/"
               "components/schemas/%s\"}}}},\"responses\":{\"201\":{\"description\":\"made\"},"
               "\"default\":{\"$ref\":\"#/components/responses/error\"}}}",
               entity, entity);
}

/* Of one entity, by its own path. */
static void
put_changes(struct buf *out, enum sta_type type)
{
    static const char *const methods[][2] = {
        {"patch", "change the properties and links that are given"},
        {"put", "replace all properties"},
    };
    for (size_t i = 0; type != STA_TASK && i < ARRAY_COUNT(methods); i++) {
        buf_format(out,
                   ",\"%s\":{\"summary\":\"%s\",\"parameters\":[{\"$ref\":\"#/components/"
                   "parameters/id\"}],\"requestBody\":{\"content\":{\"application/json\":{"
                   "\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}",
                   methods[i][0], methods[i][1], sta_type_info(type)->entity);
        if (i == 0)
            buf_text(out, ",\"application/json-patch+json\":{\"schema\":{\"type\":\"array\","
                          "\"items\":{\"type\":\"object\"}}}");
        buf_text(out, "}},\"responses\":{\"200\":{\"description\":\"changed\"},\"default\":{"
                      "\"$ref\":\"#/components/responses/error\"}}}");
    }
    buf_text(out, ",\"delete\":{\"summary\":\"delete it, and what cannot be without it\","
                  "\"parameters\":[{\"$ref\":\"#/components/parameters/id\"}],\"responses\":{"
                  "\"200\":{\"description\":\"deleted\"},\"default\":{\"$ref\":\"#/components/"
                  "responses/error\"}}}");
}

static void
put_paths_of(const struct sta_view *view, enum sta_type type, struct buf *out)
{
    const struct sta_type_info *info = sta_type_info(type);
    buf_format(out, ",\"/%s\":{", info->set);
    put_get(out, "the set", type, true, false);
    put_post(out, info->entity);
    buf_format(out, "},\"/%s({id})\":{", info->set);
    put_get(out, "one entity", type, false, true);
    put_changes(out, type);
    buf_byte(out, '}');
    for (uint32_t i = 0; i < info->properties_count; i++) {
        static const char *const tails[] = {"", "/$value"};
        for (size_t t = 0; t < ARRAY_COUNT(tails); t++)
            buf_format(out,
                       ",\"/%s({id})/%s%s\":{\"get\":{\"summary\":\"one property\",\"parameters\":"
                       "[{\"$ref\":\"#/components/parameters/id\"}],\"responses\":{\"200\":{"
                       "\"description\":\"its value\"},\"204\":{\"description\":\"it has none\"},"
                       "\"default\":{\"$ref\":\"#/components/responses/error\"}}}}",
                       info->set, info->properties[i].name, tails[t]);
    }
    for (uint32_t r = 0; r < info->relations_count; r++) {
        const struct sta_relation *to = &info->relations[r];
        if (!to->shown || !sta_set_shown(view, to->to))
            continue;
        buf_format(out, ",\"/%s({id})/%s\":{", info->set, to->name);
        put_get(out, "what it is related to", to->to, to->many, true);
        buf_format(out, "},\"/%s({id})/%s/$ref\":{", info->set, to->name);
        buf_text(out, "\"get\":{\"summary\":\"the links alone\",\"parameters\":[{\"$ref\":\"#/"
                      "components/parameters/id\"}],\"responses\":{\"200\":{\"description\":"
                      "\"found\"},\"default\":{\"$ref\":\"#/components/responses/error\"}}}}");
    }
}

static const char others[] =
    "\"/\":{\"get\":{\"summary\":\"the service root: sets, and what of the standard holds\","
    "\"security\":[],\"responses\":{\"200\":{\"description\":\"found\"}}}},"
    "\"/api\":{\"get\":{\"summary\":\"this document\",\"security\":[],\"responses\":{\"200\":{"
    "\"description\":\"found\"}}}},"
    "\"/CreateObservations\":{\"post\":{\"summary\":\"many Observations as rows; each fails "
    "alone\",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"type\":\"array\","
    "\"items\":{\"type\":\"object\"}}}}},\"responses\":{\"201\":{\"description\":\"for each row a "
    "link, or the word error\"},\"default\":{\"$ref\":\"#/components/responses/error\"}}}},"
    "\"/$batch\":{\"post\":{\"summary\":\"many requests in one; a change set is all or nothing\","
    "\"requestBody\":{\"content\":{\"multipart/mixed\":{},\"application/json\":{\"schema\":{"
    "\"type\":\"object\"}}}},\"responses\":{\"200\":{\"description\":\"an answer for each\"},"
    "\"default\":{\"$ref\":\"#/components/responses/error\"}}}},"
    "\"/Rollups\":{\"get\":{\"summary\":\"numbers of a Datastream by minute, hour or day; no part "
    "of the standard\",\"parameters\":[{\"name\":\"datastream\",\"in\":\"query\",\"required\":true,"
    "\"schema\":{\"type\":\"integer\"}},{\"name\":\"step\",\"in\":\"query\",\"required\":true,"
    "\"schema\":{\"type\":\"string\",\"enum\":[\"minute\",\"hour\",\"day\"]}},{\"name\":\"from\","
    "\"in\":\"query\",\"schema\":{\"type\":\"string\",\"format\":\"date-time\"}},{\"name\":\"to\","
    "\"in\":\"query\",\"schema\":{\"type\":\"string\",\"format\":\"date-time\"}}],\"responses\":{"
    "\"200\":{\"description\":\"columns of equal length\"},\"default\":{\"$ref\":\"#/components/"
    "responses/error\"}}}}";

void
sta_openapi_put(const struct sta_view *view, struct buf *out)
{
    buf_text(out, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"A zone of a city on Bulkhead: OGC "
                  "SensorThings API\",\"version\":\"1.1\"},\"servers\":[{\"url\":");
    text_put_json(out, view->base_url);
    buf_text(out, "}],\"security\":[{\"certificate\":[],\"token\":[]}],\"paths\":{");
    buf_text(out, others);
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        if (sta_set_shown(view, t))
            put_paths_of(view, t, out);
    buf_text(out, "},\"components\":{\"securitySchemes\":{\"certificate\":{\"type\":\"http\","
                  "\"scheme\":\"mutual\",\"description\":\"a TLS certificate of the city's people, "
                  "or of a device\"},\"token\":{\"type\":\"http\",\"scheme\":\"bearer\","
                  "\"description\":\"of the judge: bulkhead token\"}},");
    put_parameters(out);
    buf_text(out, ",\"responses\":{\"error\":{\"description\":\"what was wrong, in a sentence\","
                  "\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
                  "\"properties\":{\"code\":{\"type\":\"integer\"},\"type\":{\"type\":\"string\"},"
                  "\"message\":{\"type\":\"string\"}}}}}}},\"schemas\":{");
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        if (sta_set_shown(view, t))
            put_schema(view, t, out);
    buf_text(out, "}}}");
}
