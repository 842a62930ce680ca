#include "sensorthings/observation.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/json.h"
#include "sensorthings/times.h"

/* The members of an Observation as they stand in the JSON; len 0: absent. */
struct members {
    struct bytes of[STA_OBSERVATION_MEMBERS];
};

static const char *const member_names[STA_OBSERVATION_MEMBERS] = {
    "phenomenonTime", "result",     "resultTime",        "resultQuality",   "validTime",
    "parameters",     "Datastream", "FeatureOfInterest", "MultiDatastream",
};
enum { TIME, RESULT, RESULT_TIME, QUALITY, VALID_TIME, PARAMETERS, DATASTREAM, FEATURE, MULTI };
_Static_assert(1 << RESULT_TIME == STA_OBS_RESULT_TIME, "and with the bits");
_Static_assert(MULTI + 1 == STA_OBSERVATION_MEMBERS, "names and numbers agree");

static int
member_index(struct bytes key)
{
    static const uint8_t lengths[STA_OBSERVATION_MEMBERS] = {14, 6, 10, 13, 9, 10, 10, 17, 15};
    for (int i = 0; i < STA_OBSERVATION_MEMBERS; i++)
        if (key.len == lengths[i] && memcmp(key.p, member_names[i], lengths[i]) == 0)
            return i;
    return -1;
}

/* One pass over the object: keys by name, values checked by the JSON reader. */
static enum err
split(struct bytes s, struct members *out, struct sta_error *error)
{
    size_t bad = 0, at = sta_json_space(s, 0);
    if (at >= s.len || s.p[at] != '{')
        return sta_fail(error, 400, at, "expected an Observation: a JSON object");
    at = sta_json_space(s, at + 1);
    bool empty = at < s.len && s.p[at] == '}';
    while (!empty) {
        size_t key_end = 0;
        if (at < s.len && s.p[at] == '"')
            key_end = at + 1 + bytes_find(bytes_skip(s, at + 1), '"') + 1;
        if (key_end == 0 || key_end > s.len)
            return sta_fail(error, 400, at, "expected a member's name in quotes");
        struct bytes key = bytes_of(s.p + at + 1, key_end - at - 2);
        int index = member_index(key);
        if (index < 0)
            return sta_fail(error, 400, at, "an Observation has no '%.*s' that a client may give",
                            (int)(key.len < 40 ? key.len : 40),
                            (const char *)key.p); /* no name of ours has escapes */
        if (out->of[index].len)
            return sta_fail(error, 400, at, "'%s' is given twice", member_names[index]);
        at = sta_json_space(s, key_end);
        if (at >= s.len || s.p[at] != ':')
            return sta_fail(error, 400, at, "expected ':'");
        at = sta_json_space(s, at + 1);
        size_t end = sta_json_value_end(s, at, 2, &bad);
        if (end == 0)
            return sta_fail(error, 400, bad, "this is not JSON, or it is nested too deep");
        out->of[index] = bytes_of(s.p + at, end - at);
        at = sta_json_space(s, end);
        if (at < s.len && s.p[at] == '}')
            break;
        if (at >= s.len || s.p[at] != ',')
            return sta_fail(error, 400, at, "expected ',' or '}'");
        at = sta_json_space(s, at + 1);
    }
    at = sta_json_space(s, at + 1);
    if (at != s.len)
        return sta_fail(error, 400, at, "something stands behind the Observation");
    return OK;
}

static bool
is_null(struct bytes value)
{
    return bytes_are(value, "null");
}

/* Null stands for an optional member that is not there. */
static bool
given(const struct members *m, int index)
{
    return m->of[index].len && !is_null(m->of[index]);
}

/* A JSON string with an instant or interval. */
static enum err
time_of(struct bytes value, const char *name, bool interval, struct arena *scratch,
        int64_t *out_start, int64_t *out_end, struct sta_error *error)
{
    struct bytes text;
    if (sta_json_text(value, scratch, &text) != OK ||
        sta_time_parse(text, out_start, out_end) != OK || (!interval && *out_start != *out_end))
        return sta_fail(error, 400, 0, "%s is an ISO 8601 time with zone%s", name,
                        interval ? ", or an interval of two with '/'" : "");
    return OK;
}

static enum err
read_times(const struct members *m, int64_t now_us, struct arena *scratch, struct observation *o,
           struct sta_error *error)
{
    int64_t start = now_us, end = now_us, unused;
    if (m->of[TIME].len) {
        enum err e = time_of(m->of[TIME], "phenomenonTime", true, scratch, &start, &end, error);
        if (e != OK)
            return e;
    }
    o->time_us = start;
    o->time_end_us = end;
    o->result_time_us = end;
    if (m->of[RESULT_TIME].len && !is_null(m->of[RESULT_TIME])) {
        enum err e = time_of(m->of[RESULT_TIME], "resultTime", false, scratch, &o->result_time_us,
                             &unused, error);
        if (e != OK)
            return e;
    }
    if (given(m, VALID_TIME))
        return time_of(m->of[VALID_TIME], "validTime", true, scratch, &start, &end, error);
    return OK;
}

static enum err
read_result(struct bytes value, struct arena *scratch, struct observation *o,
            struct sta_error *error)
{
    enum { EXACT_DIGITS = 15 }; /* every integer of so many digits is exact as a double */
    if (value.len == 0)
        return sta_fail(error, 400, 0, "an Observation needs a result");
    o->kind = RESULT_JSON;
    o->text = value;
    switch (sta_json_kind(value)) {
    case STA_JSON_NUMBER:
        if (!sta_json_decimal(value, &o->number) && text_double(value, &o->number) != OK)
            return sta_fail(error, 400, 0, "the result is a number out of range");
        if (value.len > EXACT_DIGITS && fabs(o->number) >= 9007199254740992.0)
            return OK; /* kept as it is written: a double would lose digits */
        o->kind = RESULT_NUMBER;
        o->text = (struct bytes){0};
        return OK;
    case STA_JSON_BOOL:
        o->kind = RESULT_BOOL;
        o->number = value.p[0] == 't';
        o->text = (struct bytes){0};
        return OK;
    case STA_JSON_TEXT:
        o->kind = RESULT_TEXT;
        if (sta_json_text(value, scratch, &o->text) != OK)
            return sta_fail(error, 413, 0, "the result is too long");
        break;
    case STA_JSON_NULL:
    case STA_JSON_OBJECT:
    case STA_JSON_ARRAY:
        break;
    }
    if (o->text.len > STORE_TEXT_MAX)
        return sta_fail(error, 413, 0, "a result has at most %d bytes", STORE_TEXT_MAX);
    return OK;
}

/*
 * Of the times only a resultTime that is the end of the phenomenonTime: without it nobody could
 * tell it from one that was not given.
 */
static bool
stays_in_extra(const struct members *m, const struct observation *o, int index)
{
    return given(m, index) && (index != RESULT_TIME || o->result_time_us == o->time_end_us);
}

/* What the store keeps as it is: one object in canonical order. */
static enum err
read_extra(const struct members *m, struct arena *scratch, struct observation *o,
           struct sta_error *error)
{
    size_t need = 2;
    for (int i = RESULT_TIME; i <= PARAMETERS; i++)
        if (stays_in_extra(m, o, i))
            need += strlen(member_names[i]) + m->of[i].len + 4;
    if (need == 2)
        return OK;
    if (given(m, PARAMETERS) && sta_json_kind(m->of[PARAMETERS]) != STA_JSON_OBJECT)
        return sta_fail(error, 400, 0, "parameters is a JSON object");
    uint8_t *p = need <= STORE_TEXT_MAX ? arena_take(scratch, need) : NULL;
    if (!p)
        return sta_fail(error, 413, 0,
                        "resultQuality, validTime and parameters have at most %d bytes together",
                        STORE_TEXT_MAX);
    size_t len = 0;
    for (int i = RESULT_TIME; i <= PARAMETERS; i++) {
        if (!stays_in_extra(m, o, i))
            continue;
        size_t name = strlen(member_names[i]);
        p[len] = len ? ',' : '{';
        p[len + 1] = '"';
        memcpy(p + len + 2, member_names[i], name);
        memcpy(p + len + 2 + name, "\":", 2);
        memcpy(p + len + 4 + name, m->of[i].p, m->of[i].len);
        len += name + 4 + m->of[i].len;
    }
    p[len++] = '}';
    ASSERT(len <= need);
    o->extra = bytes_of(p, len);
    return OK;
}

enum err
sta_link_read(struct bytes value, uint64_t *out_id)
{
    struct bytes key, id;
    if (value.len == 0 || sta_json_kind(value) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    struct sta_json_walk w = {value, 0};
    if (!sta_json_next_member(&w, &key, &id) || !bytes_are(key, "@iot.id"))
        return sta_json_member(value, bytes_text("@iot.id")).len ? ERR_MALFORMED : ERR_NOT_FOUND;
    if (sta_json_next_member(&w, &key, &value) ||
        text_u64(id, (1ULL << STA_ID_MAX_BITS) - 1, out_id) != OK)
        return ERR_MALFORMED;
    return OK;
}

/* 0 when absent; *deep is set when an entity stands inline. */
static enum err
read_link(struct bytes value, const char *name, uint64_t *out_id, bool *deep,
          struct sta_error *error)
{
    if (value.len == 0)
        return OK;
    enum err e = sta_link_read(value, out_id);
    if (e == ERR_NOT_FOUND) {
        *deep = true;
        return OK;
    }
    if (e != OK)
        return sta_fail(error, 400, 0, "%s is {\"@iot.id\": number} or an entity", name);
    return *out_id ? OK : sta_fail(error, 404, 0, "there is no %s with id 0", name);
}

static enum err
read_members(const struct members *m, int64_t now_us, struct arena *scratch,
             struct sta_observation *o, struct sta_error *error)
{
    uint64_t stream = 0;
    enum err e = read_times(m, now_us, scratch, &o->value, error);
    if (e == OK)
        e = read_result(m->of[RESULT], scratch, &o->value, error);
    if (e == OK)
        e = read_extra(m, scratch, &o->value, error);
    if (e == OK)
        e = read_link(m->of[DATASTREAM], "Datastream", &stream, &o->deep, error);
    if (e == OK && m->of[MULTI].len && m->of[DATASTREAM].len)
        e = sta_fail(error, 400, 0,
                     "an Observation belongs to a Datastream or to a MultiDatastream");
    if (e == OK && m->of[MULTI].len)
        e = read_link(m->of[MULTI], "MultiDatastream", &stream, &o->deep, error);
    o->multi = m->of[MULTI].len != 0;
    if (e == OK && stream > STA_STREAM_MAX)
        e = sta_fail(error, 404, 0, "there is no Datastream with that id");
    if (e == OK)
        e = read_link(m->of[FEATURE], "FeatureOfInterest", &o->value.feature_id, &o->deep, error);
    o->stream = (uint32_t)stream;
    o->feature_given = o->value.feature_id != 0;
    return e;
}

bool
sta_has_result_time(const struct observation *o)
{
    return o->result_time_us != o->time_end_us ||
           (o->extra.len && sta_json_member(o->extra, bytes_text("resultTime")).len);
}

enum err
sta_observation_scan(struct bytes json, int64_t now_us, struct arena *scratch,
                     struct sta_observation *out, struct sta_error *error)
{
    struct members m = {0};
    struct sta_observation o = {0};
    if (json.len > STA_OBSERVATION_BYTES_MAX)
        return sta_fail(error, 413, 0, "an Observation has at most %d bytes",
                        STA_OBSERVATION_BYTES_MAX);
    enum err e = split(json, &m, error);
    if (e == OK)
        e = read_members(&m, now_us, scratch, &o, error);
    if (e == OK)
        *out = o;
    return e;
}

/* ---- dataArray ----------------------------------------------------------------------------- */

enum err
sta_rows_begin(struct bytes body, struct sta_rows *out, struct sta_error *error)
{
    size_t bad = 0;
    if (!sta_json_check(body, &bad))
        return sta_fail(error, 400, bad, "the body is not JSON from here on");
    size_t start = sta_json_space(body, 0);
    if (body.p[start] != '[')
        return sta_fail(error, 400, start,
                        "expected a list of {Datastream, components, dataArray}");
    struct bytes list = bytes_skip(body, start), group;
    struct sta_json_walk w = {list, 0};
    uint64_t rows = 0;
    while (sta_json_next_item(&w, &group)) {
        struct bytes array = sta_json_member(group, bytes_text("dataArray")), row;
        rows++;
        if (array.len == 0 || sta_json_kind(array) != STA_JSON_ARRAY)
            continue;
        struct sta_json_walk r = {array, 0};
        while (sta_json_next_item(&r, &row))
            rows++;
    }
    if (rows > STA_ROWS_MAX)
        return sta_fail(error, 413, 0, "a request has at most %d rows", STA_ROWS_MAX);
    *out = (struct sta_rows){.count = rows, .groups = {list, 0}};
    return OK;
}

/* Which member a component is: "FeatureOfInterest/id" stands for the link. */
static enum err
read_components(struct sta_rows *rows, struct bytes list, struct arena *scratch,
                struct sta_error *error)
{
    struct bytes item, name;
    uint32_t seen = 0;
    rows->components_count = 0;
    if (list.len == 0 || sta_json_kind(list) != STA_JSON_ARRAY)
        return sta_fail(error, 400, 0, "components is a list of names");
    struct sta_json_walk w = {list, 0};
    while (sta_json_next_item(&w, &item)) {
        if (sta_json_text(item, scratch, &name) != OK)
            return sta_fail(error, 400, 0, "components is a list of names");
        int index =
            bytes_are(name, "FeatureOfInterest/id") || bytes_are(name, "FeatureOfInterest/@iot.id")
                ? FEATURE
                : member_index(name);
        if (index < 0 || index == DATASTREAM || index == MULTI ||
            (index == FEATURE && bytes_find(name, '/') == name.len))
            return sta_fail(error, 400, 0, "'%.*s' is no component of an Observation",
                            (int)(name.len < 40 ? name.len : 40), (const char *)name.p);
        if (seen & 1u << index)
            return sta_fail(error, 400, 0, "component '%s' is given twice", member_names[index]);
        seen |= 1u << index;
        ASSERT(rows->components_count < STA_COMPONENTS_MAX);
        rows->components[rows->components_count++] = (uint8_t)index;
    }
    if (!(seen & 1u << RESULT))
        return sta_fail(error, 400, 0, "components need 'result'");
    return OK;
}

static enum err
read_group(struct sta_rows *rows, struct bytes group, struct arena *scratch,
           struct sta_error *error)
{
    struct bytes key, value, datastream = {0}, components = {0}, array = {0};
    uint64_t stream = 0;
    if (sta_json_kind(group) != STA_JSON_OBJECT)
        return sta_fail(error, 400, 0, "expected {Datastream, components, dataArray}");
    struct sta_json_walk w = {group, 0};
    while (sta_json_next_member(&w, &key, &value)) {
        bool multi = bytes_are(key, "MultiDatastream");
        if (multi || bytes_are(key, "Datastream")) {
            if (datastream.len)
                return sta_fail(error, 400, 0, "a group is of a Datastream or a MultiDatastream");
            datastream = value;
            rows->multi = multi;
        } else if (bytes_are(key, "components"))
            components = value;
        else if (bytes_are(key, "dataArray"))
            array = value;
        else if (!bytes_are(key, "dataArray@iot.count"))
            return sta_fail(error, 400, 0, "a dataArray group has no '%.*s'",
                            (int)(key.len < 40 ? key.len : 40), (const char *)key.p);
    }
    if (array.len == 0 || sta_json_kind(array) != STA_JSON_ARRAY)
        return sta_fail(error, 400, 0, "a group needs a dataArray");
    rows->array = (struct sta_json_walk){array, 0};
    rows->in_group = true;
    if (sta_link_read(datastream, &stream) != OK || stream == 0 || stream > STA_STREAM_MAX)
        return sta_fail(error, 400, 0, "%sDatastream is {\"@iot.id\": number}",
                        rows->multi ? "Multi" : "");
    rows->stream = (uint32_t)stream;
    return read_components(rows, components, scratch, error);
}

static enum err
read_row(const struct sta_rows *rows, struct bytes row, int64_t now_us, struct arena *scratch,
         struct sta_observation *out, struct sta_error *error)
{
    struct members m = {0};
    struct sta_observation o = {0};
    struct bytes item, feature = {0};
    uint32_t count = 0;
    if (sta_json_kind(row) != STA_JSON_ARRAY)
        return sta_fail(error, 400, 0, "a row is a list");
    struct sta_json_walk w = {row, 0};
    while (sta_json_next_item(&w, &item)) {
        if (count == rows->components_count)
            return sta_fail(error, 400, 0, "a row has as many values as there are components");
        uint8_t index = rows->components[count++];
        if (index == FEATURE)
            feature = item;
        else
            m.of[index] = item;
    }
    if (count != rows->components_count)
        return sta_fail(error, 400, 0, "a row has as many values as there are components");
    enum err e = read_members(&m, now_us, scratch, &o, error);
    if (e != OK)
        return e;
    if (feature.len && !is_null(feature) &&
        (text_u64(feature, (1ULL << STA_ID_MAX_BITS) - 1, &o.value.feature_id) != OK ||
         o.value.feature_id == 0))
        return sta_fail(error, 400, 0, "FeatureOfInterest/id is a number");
    o.feature_given = o.value.feature_id != 0;
    o.stream = rows->stream;
    o.multi = rows->multi;
    *out = o;
    return OK;
}

bool
sta_rows_next(struct sta_rows *rows, int64_t now_us, struct arena *scratch,
              struct sta_observation *out, enum err *out_row, struct sta_error *error)
{
    struct bytes item;
    for (;;) {
        if (rows->in_group && sta_json_next_item(&rows->array, &item)) {
            *out_row = rows->group_error != OK ? rows->group_error
                                               : read_row(rows, item, now_us, scratch, out, error);
            if (rows->group_error != OK)
                *error = rows->group_why;
            return true;
        }
        if (!sta_json_next_item(&rows->groups, &item))
            return false;
        rows->in_group = false;
        rows->group_error = read_group(rows, item, scratch, &rows->group_why);
        if (!rows->in_group) { /* not even rows to count */
            *out_row = rows->group_error;
            *error = rows->group_why;
            return true;
        }
    }
}
