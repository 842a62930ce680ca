/* exchange_json.c -- from what one server answered to what another one is asked to make. */
#include "cli/exchange.h"

#include "base/buf.h"
#include "base/text.h"
#include "sensorthings/json.h"

enum { COLUMNS_MAX = 32 };

const struct exchange_set exchange_sets[EXCHANGE_SETS] = {
    {"ObservedProperties", {{NULL, NULL}}},
    {"Sensors", {{NULL, NULL}}},
    {"FeaturesOfInterest", {{NULL, NULL}}},
    {"Locations", {{NULL, NULL}}},
    {"Things", {{"Locations", "Locations"}}},
    {"Datastreams",
     {{"Thing", "Things"}, {"Sensor", "Sensors"}, {"ObservedProperty", "ObservedProperties"}}},
    {"MultiDatastreams",
     {{"Thing", "Things"}, {"Sensor", "Sensors"}, {"ObservedProperties", "ObservedProperties"}}},
};

static struct bytes
member(struct bytes object, const char *name)
{
    return sta_json_member(object, bytes_text(name));
}

/* "@iot.id" of 1.1, "id" of dataArrays. */
static struct bytes
id_of(struct bytes entity)
{
    struct bytes id =
        sta_json_kind(entity) == STA_JSON_OBJECT ? member(entity, "@iot.id") : (struct bytes){0};
    return id;
}

static bool
is_kept_by_servers(struct bytes key)
{
    static const char *const names[] = {"observedArea", "phenomenonTime", "resultTime", "id"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (bytes_are(key, names[i]))
            return true;
    return bytes_find(key, '@') < key.len;
}

static const struct exchange_set *
set_of(const char *name)
{
    for (size_t i = 0; i < EXCHANGE_SETS; i++)
        if (strcmp(exchange_sets[i].name, name) == 0)
            return &exchange_sets[i];
    return NULL;
}

static const struct exchange_link *
link_of(const struct exchange_set *set, struct bytes key)
{
    for (size_t i = 0; i < ARRAY_COUNT(set->links); i++)
        if (set->links[i].name && bytes_are(key, set->links[i].name))
            return &set->links[i];
    return NULL;
}

/* {"@iot.id":NEW}, or a list of such. ERR_NOT_FOUND: the old one was not brought over. */
static enum err
put_link(struct buf *out, const struct exchange_link *link, struct bytes value,
         exchange_link_fn *links, void *ctx)
{
    struct sta_json_walk w = {value, 0};
    struct bytes item = value;
    bool list = sta_json_kind(value) == STA_JSON_ARRAY, first = true;
    if (list)
        buf_byte(out, '[');
    while (list ? sta_json_next_item(&w, &item) : first) {
        struct bytes old_id = id_of(item);
        uint64_t id = old_id.len ? links(ctx, link->set, old_id) : 0;
        if (id == 0)
            return ERR_NOT_FOUND;
        buf_format(out, "%s{\"@iot.id\":%llu}", first ? "" : ",", (unsigned long long)id);
        first = false;
    }
    if (list)
        buf_byte(out, ']');
    return OK;
}

/* The properties, with the data class if they name none. */
static void
put_properties(struct buf *out, struct bytes properties, const char *class_name)
{
    struct bytes class_given = member(properties, "class");
    if (!class_name || class_given.len || sta_json_kind(properties) != STA_JSON_OBJECT) {
        buf_put(out, properties);
        return;
    }
    buf_text(out, "{\"class\":");
    text_put_json(out, bytes_text(class_name));
    struct sta_json_walk w = {properties, 0};
    struct bytes key, value;
    while (sta_json_next_member(&w, &key, &value)) {
        buf_text(out, ",\"");
        buf_put(out, key);
        buf_text(out, "\":");
        buf_put(out, value);
    }
    buf_byte(out, '}');
}

enum err
exchange_put_entity(struct buf *out, const char *set_name, struct bytes entity,
                    const char *class_name, exchange_link_fn *links, void *ctx)
{
    const struct exchange_set *set = set_of(set_name);
    struct sta_json_walk w = {entity, 0};
    struct bytes key, value;
    bool first = true, properties = false;
    bool stream = strstr(set_name, "Datastreams") != NULL;
    if (!set || sta_json_kind(entity) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    buf_byte(out, '{');
    while (sta_json_next_member(&w, &key, &value)) {
        const struct exchange_link *link = link_of(set, key);
        bool nested = sta_json_kind(value) == STA_JSON_ARRAY && !link && key.p[0] >= 'A' &&
                      key.p[0] <= 'Z'; /* what was expanded besides */
        if (is_kept_by_servers(key) || nested || sta_json_kind(value) == STA_JSON_NULL)
            continue;
        buf_text(out, first ? "\"" : ",\"");
        buf_put(out, key);
        buf_text(out, "\":");
        first = false;
        properties |= bytes_are(key, "properties");
        enum err e = OK;
        if (link)
            e = put_link(out, link, value, links, ctx);
        else if (bytes_are(key, "properties"))
            put_properties(out, value, stream ? class_name : NULL);
        else
            buf_put(out, value);
        if (e != OK)
            return e;
    }
    if (stream && class_name && !properties) {
        buf_text(out, first ? "\"properties\":" : ",\"properties\":");
        put_properties(out, bytes_text("{}"), class_name);
    }
    buf_byte(out, '}');
    return buf_error(out);
}

/* ---- rows -------------------------------------------------------------------------------- */

enum column { COLUMN_KEPT, COLUMN_LEFT_OUT, COLUMN_FEATURE };

static size_t
read_columns(struct bytes components, enum column column[static COLUMNS_MAX], struct buf *names)
{
    struct sta_json_walk w = {components, 0};
    struct bytes name;
    size_t count = 0;
    while (sta_json_next_item(&w, &name)) {
        if (count == COLUMNS_MAX)
            return 0;
        enum column *c = &column[count++];
        *c = bytes_are(name, "\"id\"") || bytes_are(name, "\"@iot.id\"") ? COLUMN_LEFT_OUT
             : bytes_are(name, "\"FeatureOfInterest/id\"")               ? COLUMN_FEATURE
                                                                         : COLUMN_KEPT;
        if (*c == COLUMN_LEFT_OUT)
            continue;
        if (names->len)
            buf_byte(names, ',');
        buf_put(names, name);
    }
    return count;
}

static enum err
put_row(struct buf *out, struct bytes row, const enum column *column, size_t columns,
        exchange_link_fn *links, void *ctx)
{
    struct sta_json_walk w = {row, 0};
    struct bytes value;
    size_t i = 0;
    bool first = true;
    if (sta_json_kind(row) != STA_JSON_ARRAY)
        return ERR_MALFORMED;
    buf_byte(out, '[');
    for (; sta_json_next_item(&w, &value); i++) {
        if (i == columns)
            return ERR_MALFORMED;
        if (column[i] == COLUMN_LEFT_OUT)
            continue;
        if (!first)
            buf_byte(out, ',');
        first = false;
        uint64_t id = column[i] == COLUMN_FEATURE && sta_json_kind(value) != STA_JSON_NULL
                          ? links(ctx, "FeaturesOfInterest", value)
                          : 0;
        if (column[i] == COLUMN_KEPT)
            buf_put(out, value);
        else if (id)
            buf_format(out, "%llu", (unsigned long long)id);
        else
            buf_text(out, "null"); /* the server finds the feature of the Thing's Location */
    }
    buf_byte(out, ']');
    return i == columns ? OK : ERR_MALFORMED;
}

enum err
exchange_put_rows(struct buf *out, struct bytes group, uint64_t stream, uint64_t from, uint64_t to,
                  exchange_link_fn *links, void *ctx)
{
    enum column column[COLUMNS_MAX];
    struct bytes components = member(group, "components"), rows = member(group, "dataArray"), row;
    struct buf names;
    if (!components.len || sta_json_kind(components) != STA_JSON_ARRAY || !rows.len ||
        sta_json_kind(rows) != STA_JSON_ARRAY)
        return ERR_MALFORMED;
    buf_init(&names, 4096);
    size_t columns = read_columns(components, column, &names);
    enum err e = columns && buf_error(&names) == OK ? OK : ERR_MALFORMED;
    buf_format(out, "[{\"Datastream\":{\"@iot.id\":%llu},\"components\":[",
               (unsigned long long)stream);
    buf_put(out, buf_bytes(&names));
    buf_text(out, "],\"dataArray\":[");
    buf_fini(&names);
    struct sta_json_walk w = {rows, 0};
    for (uint64_t i = 0; e == OK && i < to && sta_json_next_item(&w, &row); i++) {
        if (i < from)
            continue;
        if (i > from)
            buf_byte(out, ',');
        e = put_row(out, row, column, columns, links, ctx);
    }
    buf_text(out, "]}]");
    return e == OK ? buf_error(out) : e;
}
