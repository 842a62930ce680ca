#include "sensorthings/model.h"

#include <stdarg.h>

#include "base/text.h"
#include "sensorthings/index.h"
#include "sensorthings/json.h"
#include "sensorthings/record.h"

#define PROPERTY(name, shape)                                                                      \
    {                                                                                              \
        name, STA_SHAPE_##shape, true, false                                                       \
    }
#define OPTIONAL(name, shape)                                                                      \
    {                                                                                              \
        name, STA_SHAPE_##shape, false, false                                                      \
    }
#define SERVER(name, shape)                                                                        \
    {                                                                                              \
        name, STA_SHAPE_##shape, false, true                                                       \
    }
#define LINK(name, to, many, stored, mandatory, shown, inverse)                                    \
    {                                                                                              \
        name, STA_##to, many, stored, mandatory, shown, inverse                                    \
    }

/* 18-088 tables 2 to 17; mandatory as in 10.2 "integrity constraints". */
static const struct sta_type_info types[STA_TYPE_COUNT] = {
    [STA_THING] =
        {
            "Things",
            "Thing",
            3,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT), OPTIONAL("properties", OBJECT)},
            6,
            {LINK("Locations", LOCATION, true, true, false, true, LOCATION_THINGS),
             LINK("HistoricalLocations", HISTORICAL_LOCATION, true, false, false, true,
                  HISTORICAL_LOCATION_THING),
             LINK("Datastreams", DATASTREAM, true, false, false, true, DATASTREAM_THING),
             LINK("Feature", FEATURE_OF_INTEREST, false, true, false, false, FEATURE_THINGS),
             LINK("MultiDatastreams", MULTI_DATASTREAM, true, false, false, true, DATASTREAM_THING),
             LINK("TaskingCapabilities", TASKING_CAPABILITY, true, false, false, true,
                  CAPABILITY_THING)},
        },
    [STA_LOCATION] =
        {
            "Locations",
            "Location",
            5,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT), PROPERTY("encodingType", TEXT),
             PROPERTY("location", ANY), OPTIONAL("properties", OBJECT)},
            2,
            {LINK("Things", THING, true, false, false, true, THING_LOCATIONS),
             LINK("HistoricalLocations", HISTORICAL_LOCATION, true, false, false, true,
                  HISTORICAL_LOCATION_LOCATIONS)},
        },
    [STA_HISTORICAL_LOCATION] =
        {
            "HistoricalLocations",
            "HistoricalLocation",
            1,
            {PROPERTY("time", TIME)},
            2,
            {LINK("Thing", THING, false, true, true, true, THING_HISTORICAL_LOCATIONS),
             LINK("Locations", LOCATION, true, true, true, true, LOCATION_HISTORICAL_LOCATIONS)},
        },
    [STA_DATASTREAM] =
        {
            "Datastreams",
            "Datastream",
            8,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT),
             PROPERTY("observationType", TEXT), PROPERTY("unitOfMeasurement", OBJECT),
             OPTIONAL("observedArea", OBJECT), SERVER("phenomenonTime", TIME),
             SERVER("resultTime", TIME), OPTIONAL("properties", OBJECT)},
            5,
            {LINK("Thing", THING, false, true, true, true, THING_DATASTREAMS),
             LINK("Sensor", SENSOR, false, true, true, true, SENSOR_DATASTREAMS),
             LINK("ObservedProperty", OBSERVED_PROPERTY, false, true, true, true,
                  PROPERTY_DATASTREAMS),
             LINK("Observations", OBSERVATION, true, false, false, true, OBSERVATION_DATASTREAM),
             LINK("Features", FEATURE_OF_INTEREST, true, true, false, false, FEATURE_DATASTREAMS)},
        },
    [STA_SENSOR] =
        {
            "Sensors",
            "Sensor",
            5,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT), PROPERTY("encodingType", TEXT),
             PROPERTY("metadata", ANY), OPTIONAL("properties", OBJECT)},
            2,
            {LINK("Datastreams", DATASTREAM, true, false, false, true, DATASTREAM_SENSOR),
             LINK("MultiDatastreams", MULTI_DATASTREAM, true, false, false, true,
                  DATASTREAM_SENSOR)},
        },
    [STA_OBSERVED_PROPERTY] =
        {
            "ObservedProperties",
            "ObservedProperty",
            4,
            {PROPERTY("name", TEXT), PROPERTY("definition", TEXT), PROPERTY("description", TEXT),
             OPTIONAL("properties", OBJECT)},
            2,
            {LINK("Datastreams", DATASTREAM, true, false, false, true, DATASTREAM_PROPERTIES),
             LINK("MultiDatastreams", MULTI_DATASTREAM, true, false, false, true,
                  DATASTREAM_PROPERTIES)},
        },
    [STA_OBSERVATION] =
        {
            "Observations",
            "Observation",
            6,
            {OPTIONAL("phenomenonTime", TIME), PROPERTY("result", ANY),
             OPTIONAL("resultTime", TIME), OPTIONAL("resultQuality", ANY),
             OPTIONAL("validTime", TIME), OPTIONAL("parameters", OBJECT)},
            3,
            {LINK("Datastream", DATASTREAM, false, true, false, true, DATASTREAM_OBSERVATIONS),
             LINK("FeatureOfInterest", FEATURE_OF_INTEREST, false, true, false, true,
                  FEATURE_OBSERVATIONS),
             LINK("MultiDatastream", MULTI_DATASTREAM, false, true, false, true,
                  DATASTREAM_OBSERVATIONS)},
        },
    [STA_FEATURE_OF_INTEREST] =
        {
            "FeaturesOfInterest",
            "FeatureOfInterest",
            5,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT), PROPERTY("encodingType", TEXT),
             PROPERTY("feature", ANY), OPTIONAL("properties", OBJECT)},
            4,
            {LINK("Observations", OBSERVATION, true, false, false, true, OBSERVATION_FEATURE),
             LINK("Datastreams", DATASTREAM, true, false, false, false, DATASTREAM_FEATURES),
             LINK("Things", THING, true, false, false, false, THING_FEATURE),
             LINK("MultiDatastreams", MULTI_DATASTREAM, true, false, false, false,
                  DATASTREAM_FEATURES)},
        },
    [STA_MULTI_DATASTREAM] =
        {
            "MultiDatastreams",
            "MultiDatastream",
            9,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT),
             PROPERTY("observationType", TEXT), PROPERTY("multiObservationDataTypes", LIST),
             PROPERTY("unitOfMeasurements", LIST), OPTIONAL("observedArea", OBJECT),
             SERVER("phenomenonTime", TIME), SERVER("resultTime", TIME),
             OPTIONAL("properties", OBJECT)},
            5,
            {LINK("Thing", THING, false, true, true, true, THING_MULTI_DATASTREAMS),
             LINK("Sensor", SENSOR, false, true, true, true, SENSOR_MULTI_DATASTREAMS),
             LINK("ObservedProperties", OBSERVED_PROPERTY, true, true, true, true,
                  PROPERTY_MULTI_DATASTREAMS),
             LINK("Observations", OBSERVATION, true, false, false, true,
                  OBSERVATION_MULTI_DATASTREAM),
             LINK("Features", FEATURE_OF_INTEREST, true, true, false, false,
                  FEATURE_MULTI_DATASTREAMS)},
        },
    /* 17-079r1 tables 2 to 7. */
    [STA_ACTUATOR] =
        {
            "Actuators",
            "Actuator",
            5,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT), PROPERTY("encodingType", TEXT),
             PROPERTY("metadata", ANY), OPTIONAL("properties", OBJECT)},
            1,
            {LINK("TaskingCapabilities", TASKING_CAPABILITY, true, false, false,
                  true, CAPABILITY_ACTUATOR)},
        },
    [STA_TASKING_CAPABILITY] =
        {
            "TaskingCapabilities",
            "TaskingCapability",
            4,
            {PROPERTY("name", TEXT), PROPERTY("description", TEXT),
             PROPERTY("taskingParameters", OBJECT), OPTIONAL("properties", OBJECT)},
            3,
            {LINK("Thing", THING, false, true, true, true, THING_TASKING_CAPABILITIES),
             LINK("Actuator", ACTUATOR, false, true, true, true, ACTUATOR_CAPABILITIES),
             LINK("Tasks", TASK, true, false, false, true, TASK_CAPABILITY)},
        },
    [STA_TASK] =
        {
            "Tasks",
            "Task",
            3,
            {PROPERTY("taskingParameters", OBJECT), SERVER("creationTime", TIME),
             SERVER("properties", OBJECT)}, /* what became of it: the core writes it */
            1,
            {LINK("TaskingCapability", TASKING_CAPABILITY, false,
                  true, true, true, CAPABILITY_TASKS)},
        },
};

const struct sta_type_info *
sta_type_info(enum sta_type type)
{
    ASSERT(type > STA_NONE && type < STA_TYPE_COUNT);
    return &types[type];
}

enum sta_type
sta_type_of_set(struct bytes name)
{
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        if (bytes_are(name, types[t].set))
            return t;
    return STA_NONE;
}

int
sta_property_index(enum sta_type type, struct bytes name)
{
    const struct sta_type_info *info = sta_type_info(type);
    for (uint32_t i = 0; i < info->properties_count; i++)
        if (bytes_are(name, info->properties[i].name))
            return (int)i;
    return -1;
}

int
sta_relation_index(enum sta_type type, struct bytes name)
{
    const struct sta_type_info *info = sta_type_info(type);
    for (uint32_t i = 0; i < info->relations_count; i++)
        if (info->relations[i].shown && bytes_are(name, info->relations[i].name))
            return (int)i;
    return -1;
}

enum err
sta_fail(struct sta_error *error, int status, size_t position, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(error->text, sizeof(error->text), format, ap);
    va_end(ap);
    error->status = status;
    error->position = position < UINT32_MAX ? (uint32_t)position : UINT32_MAX;
    switch (status) {
    case 404:
        return ERR_NOT_FOUND;
    case 413:
        return ERR_LIMIT;
    case 501:
        return ERR_UNSUPPORTED;
    case 503:
        return ERR_IO;
    default:
        return ERR_MALFORMED;
    }
}

bool
sta_observation_of_id(uint64_t id, uint32_t *out_stream, uint64_t *out_n)
{
    uint64_t stream = id >> 32;
    if (stream < 1 || stream > STA_STREAM_MAX || (uint32_t)id == 0)
        return false;
    *out_stream = (uint32_t)stream;
    *out_n = (uint32_t)id - 1;
    return true;
}

/* ---- the graph -------------------------------------------------------------------------- */

void
sta_graph_init(struct sta_graph *g, uint32_t entities_max, uint64_t bytes_max)
{
    ASSERT(entities_max > 0 && bytes_max > 0);
    *g = (struct sta_graph){.entities_max = entities_max, .bytes_max = bytes_max};
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        g->set[t].next_id = 1;
}

static void
entity_free(struct sta_graph *g, struct sta_entity *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < STA_RELATIONS_MAX; i++) {
        g->bytes -= e->links[i].capacity * sizeof(uint64_t);
        free(e->links[i].p);
    }
    g->bytes -= e->record.len;
    free((void *)(uintptr_t)e->record.p);
    free(e);
}

void
sta_graph_fini(struct sta_graph *g)
{
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        for (uint32_t i = 0; i < g->set[t].count; i++)
            entity_free(g, g->set[t].p[i]);
        free(g->set[t].p);
    }
    sta_index_fini(g);
    *g = (struct sta_graph){0};
}

/* Where the id stands in the set, or would. */
static uint32_t
place_of(const struct sta_graph *g, enum sta_type type, uint64_t id)
{
    uint32_t low = 0, high = g->set[type].count;
    if (high && g->set[type].p[high - 1]->id < id) /* the usual insertion */
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (g->set[type].p[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sta_entity *
sta_graph_get(const struct sta_graph *g, enum sta_type type, uint64_t id)
{
    ASSERT(type > STA_NONE && type < STA_TYPE_COUNT);
    uint32_t at = place_of(g, type, id);
    if (at == g->set[type].count || g->set[type].p[at]->id != id)
        return NULL;
    return g->set[type].p[at];
}

struct sta_entity *
sta_graph_stream(const struct sta_graph *g, uint64_t id)
{
    struct sta_entity *e = sta_graph_get(g, STA_DATASTREAM, id);
    return e ? e : sta_graph_get(g, STA_MULTI_DATASTREAM, id);
}

uint64_t
sta_graph_next_id(const struct sta_graph *g, enum sta_type type)
{
    return g->set[type == STA_MULTI_DATASTREAM ? STA_DATASTREAM : type].next_id;
}

void
sta_graph_skip_ids(struct sta_graph *g, enum sta_type type, uint64_t next)
{
    enum sta_type space = type == STA_MULTI_DATASTREAM ? STA_DATASTREAM : type;
    if (next > g->set[space].next_id)
        g->set[space].next_id = next;
}

static void
ids_insert(struct sta_graph *g, struct sta_ids *ids, uint64_t id, bool sorted)
{
    if (ids->count == ids->capacity) {
        uint32_t capacity = ids->capacity ? ids->capacity * 2 : 2;
        uint64_t *p = realloc(ids->p, capacity * sizeof(*p));
        ASSERT(p); /* bounded by bytes_max, which plans keep; see sta_graph_fits() */
        g->bytes += (capacity - ids->capacity) * sizeof(*p);
        ids->p = p;
        ids->capacity = capacity;
    }
    uint32_t at = ids->count;
    while (sorted && at > 0 && ids->p[at - 1] > id)
        at--;
    memmove(ids->p + at + 1, ids->p + at, (ids->count - at) * sizeof(*ids->p));
    ids->p[at] = id;
    ids->count++;
}

static void
ids_remove(struct sta_ids *ids, uint64_t id)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        if (ids->p[i] != id)
            continue;
        memmove(ids->p + i, ids->p + i + 1, (ids->count - i - 1) * sizeof(*ids->p));
        ids->count--;
        return;
    }
}

bool
sta_graph_fits(const struct sta_graph *g, uint32_t entities, uint64_t bytes)
{
    return entities <= g->entities_max - g->entities && g->bytes <= g->bytes_max &&
           bytes <= g->bytes_max - g->bytes;
}

static enum err
read_links(struct sta_graph *g, struct sta_entity *e, struct bytes links)
{
    const struct sta_type_info *info = sta_type_info(e->type);
    struct bytes key, list, item;
    struct sta_json_walk w = {links, 0};
    if (sta_json_kind(links) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    while (sta_json_next_member(&w, &key, &list)) {
        uint32_t r = 0;
        while (r < info->relations_count && !bytes_are(key, info->relations[r].name))
            r++;
        if (r == info->relations_count || !info->relations[r].stored ||
            sta_json_kind(list) != STA_JSON_ARRAY)
            return ERR_MALFORMED;
        struct sta_json_walk items = {list, 0};
        while (sta_json_next_item(&items, &item)) {
            uint64_t id;
            if (text_u64(item, INT64_MAX, &id) != OK)
                return ERR_MALFORMED;
            ids_insert(g, &e->links[r], id, false);
        }
    }
    return OK;
}

/* Fill an entity from its own copy of a record. */
static enum err
read_record(struct sta_graph *g, struct sta_entity *e)
{
    struct bytes key, value;
    size_t bad;
    if (!sta_json_check(e->record, &bad) || sta_json_kind(e->record) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    struct sta_json_walk w = {e->record, 0};
    while (sta_json_next_member(&w, &key, &value)) {
        int property = sta_property_index(e->type, key);
        enum err err = OK;
        if (property >= 0)
            e->property[property] = value;
        else if (bytes_are(key, STA_RECORD_OWNER) && value.len >= 2)
            err = bytes_copy_text(bytes_of(value.p + 1, value.len - 2), e->owner, sizeof(e->owner));
        else if (bytes_are(key, STA_RECORD_CLASS) && value.len >= 2)
            err = bytes_copy_text(bytes_of(value.p + 1, value.len - 2), e->class_name,
                                  sizeof(e->class_name));
        else if (bytes_are(key, STA_RECORD_LINKS))
            err = read_links(g, e, value);
        else
            err = ERR_MALFORMED;
        if (err != OK)
            return err;
    }
    return OK;
}

static struct sta_entity *
entity_new(struct sta_graph *g, enum sta_type type, uint64_t id, struct bytes record)
{
    struct sta_entity *e = calloc(1, sizeof(*e));
    uint8_t *copy = malloc(record.len);
    ASSERT(e && copy); /* within the limits that were set at start */
    memcpy(copy, record.p, record.len);
    e->type = type;
    e->id = id;
    e->record = bytes_of(copy, record.len);
    g->bytes += record.len;
    return e;
}

static void
set_insert(struct sta_graph *g, struct sta_entity *e)
{
    uint32_t at = place_of(g, e->type, e->id);
    if (g->set[e->type].count == g->set[e->type].capacity) {
        uint32_t capacity = g->set[e->type].capacity ? g->set[e->type].capacity * 2 : 16;
        struct sta_entity **p = realloc(g->set[e->type].p, capacity * sizeof(struct sta_entity *));
        ASSERT(p);
        g->set[e->type].p = p;
        g->set[e->type].capacity = capacity;
    }
    struct sta_entity **p = g->set[e->type].p;
    memmove(p + at + 1, p + at, (g->set[e->type].count - at) * sizeof(struct sta_entity *));
    p[at] = e;
    g->set[e->type].count++;
    g->entities++;
    enum sta_type space = e->type == STA_MULTI_DATASTREAM ? STA_DATASTREAM : e->type;
    if (e->id >= g->set[space].next_id)
        g->set[space].next_id = e->id + 1;
}

enum err
sta_graph_load(struct sta_graph *g, uint8_t type, uint64_t id, struct bytes record)
{
    if (type <= STA_NONE || type >= STA_TYPE_COUNT || type == STA_OBSERVATION || id == 0 ||
        id >> STA_ID_MAX_BITS || record.len == 0 ||
        (sta_is_stream((enum sta_type)type) && id > STA_STREAM_MAX))
        return ERR_MALFORMED;
    if (sta_graph_get(g, (enum sta_type)type, id) ||
        (sta_is_stream((enum sta_type)type) && sta_graph_stream(g, id)))
        return ERR_EXISTS;
    if (!sta_graph_fits(g, 1, record.len))
        return ERR_LIMIT;
    struct sta_entity *e = entity_new(g, (enum sta_type)type, id, record);
    enum err err = read_record(g, e);
    if (err != OK) {
        entity_free(g, e);
        return err;
    }
    set_insert(g, e);
    sta_index_add(g, e);
    return OK;
}

enum err
sta_entity_link(struct sta_graph *g, struct sta_entity *e)
{
    const struct sta_type_info *info = sta_type_info(e->type);
    for (uint32_t r = 0; r < info->relations_count; r++) {
        for (uint32_t i = 0; info->relations[r].stored && i < e->links[r].count; i++) {
            struct sta_entity *to = sta_graph_get(g, info->relations[r].to, e->links[r].p[i]);
            if (!to)
                return ERR_NOT_FOUND;
            ids_insert(g, &to->links[info->relations[r].inverse], e->id, true);
        }
    }
    return OK;
}

static void
entity_unlink(struct sta_graph *g, struct sta_entity *e)
{
    const struct sta_type_info *info = sta_type_info(e->type);
    for (uint32_t r = 0; r < info->relations_count; r++) {
        for (uint32_t i = 0; info->relations[r].stored && i < e->links[r].count; i++) {
            struct sta_entity *to = sta_graph_get(g, info->relations[r].to, e->links[r].p[i]);
            if (to)
                ids_remove(&to->links[info->relations[r].inverse], e->id);
        }
    }
}

enum err
sta_graph_link(struct sta_graph *g)
{
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        for (uint32_t i = 0; i < g->set[t].count; i++) {
            enum err e = sta_entity_link(g, g->set[t].p[i]);
            if (e != OK)
                return e;
        }
    return OK;
}

struct sta_entity *
sta_entity_put(struct sta_graph *g, enum sta_type type, uint64_t id, struct bytes record)
{
    struct sta_entity *old = sta_graph_get(g, type, id);
    if (!old) {
        struct sta_entity *made = entity_new(g, type, id, record);
        enum err e = read_record(g, made);
        ASSERT(e == OK); /* we wrote it */
        set_insert(g, made);
        sta_index_add(g, made);
        return made;
    }
    const struct sta_type_info *info = sta_type_info(type);
    entity_unlink(g, old);
    struct sta_entity *made = entity_new(g, type, id, record);
    enum err e = read_record(g, made);
    ASSERT(e == OK);
    for (uint32_t r = 0; r < info->relations_count; r++) {
        if (info->relations[r].stored)
            continue;
        made->links[r] = old->links[r]; /* the other sides still say so */
        old->links[r] = (struct sta_ids){0};
    }
    g->set[type].p[place_of(g, type, id)] = made;
    sta_index_remove(g, old);
    sta_index_add(g, made);
    entity_free(g, old);
    return made;
}

void
sta_entity_drop(struct sta_graph *g, enum sta_type type, uint64_t id)
{
    struct sta_entity *e = sta_graph_get(g, type, id);
    if (!e)
        return;
    entity_unlink(g, e);
    uint32_t at = place_of(g, type, id);
    struct sta_entity **p = g->set[type].p;
    memmove(p + at, p + at + 1, (g->set[type].count - at - 1) * sizeof(struct sta_entity *));
    g->set[type].count--;
    g->entities--;
    sta_index_remove(g, e);
    entity_free(g, e);
}
