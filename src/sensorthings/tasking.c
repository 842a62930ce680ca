#include "sensorthings/tasking.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/json.h"
#include "sensorthings/times.h"

enum kind {
    KIND_NONE,
    KIND_BOOLEAN,
    KIND_TEXT,
    KIND_CATEGORY,
    KIND_COUNT,
    KIND_QUANTITY,
    KIND_TIME,
    KIND_COUNT_RANGE,
    KIND_QUANTITY_RANGE,
    KIND_TIME_RANGE,
    KIND_RECORD,
    KIND_COUNT_OF_KINDS
};

static const char *const kind_names[KIND_COUNT_OF_KINDS] = {
    [KIND_BOOLEAN] = "Boolean",        [KIND_TEXT] = "Text",
    [KIND_CATEGORY] = "Category",      [KIND_COUNT] = "Count",
    [KIND_QUANTITY] = "Quantity",      [KIND_TIME] = "Time",
    [KIND_COUNT_RANGE] = "CountRange", [KIND_QUANTITY_RANGE] = "QuantityRange",
    [KIND_TIME_RANGE] = "TimeRange",   [KIND_RECORD] = "DataRecord",
};

struct field {
    enum kind kind;
    struct bytes json; /* the component */
    struct bytes name; /* plain text */
    bool needed;
    struct bytes standing; /* its `value`: stands where a Task gives none; or empty */
};

/* What all functions below work with. */
struct task {
    struct arena *arena;
    struct sta_error *error;
};

static enum err
wrong(const struct task *t, struct bytes name, const char *what)
{
    return sta_fail(t->error, 400, 0, "taskingParameters: field %.*s %s",
                    (int)(name.len < 48 ? name.len : 48), (const char *)name.p, what);
}

static struct bytes
member(struct bytes object, const char *name)
{
    return sta_json_member(object, bytes_text(name));
}

/* A member that is a string, as plain text; empty when it is none. */
static struct bytes
text_member(const struct task *t, struct bytes object, const char *name)
{
    struct bytes out = {0};
    struct bytes value = member(object, name);
    if (value.len == 0 || sta_json_text(value, t->arena, &out) != OK)
        return (struct bytes){0};
    return out;
}

static enum kind
kind_of(struct bytes name)
{
    for (enum kind k = KIND_BOOLEAN; k < KIND_COUNT_OF_KINDS; k++)
        if (bytes_are(name, kind_names[k]))
            return k;
    return KIND_NONE;
}

static bool
is_number(struct bytes value, double *out)
{
    return value.len && sta_json_kind(value) == STA_JSON_NUMBER && text_double(value, out) == OK;
}

static bool
is_time(const struct task *t, struct bytes value, int64_t *out_us)
{
    struct bytes text;
    return value.len && sta_json_text(value, t->arena, &text) == OK &&
           text_time(text, out_us) == OK;
}

/* The two ends of a JSON array of two; false when it is none. */
static bool
pair_of(struct bytes value, struct bytes out[static 2])
{
    struct bytes more;
    if (value.len == 0 || sta_json_kind(value) != STA_JSON_ARRAY)
        return false;
    struct sta_json_walk w = {value, 0};
    return sta_json_next_item(&w, &out[0]) && sta_json_next_item(&w, &out[1]) &&
           !sta_json_next_item(&w, &more);
}

/* ---- constraints ------------------------------------------------------------------------------
 */

/* A number or a time on one axis; infinities as SWE writes them. */
static bool
on_axis(const struct task *t, enum kind kind, struct bytes value, double *out)
{
    int64_t us;
    struct bytes text;
    if (kind == KIND_TIME || kind == KIND_TIME_RANGE) {
        if (!is_time(t, value, &us))
            return false;
        *out = (double)us;
        return true;
    }
    if (is_number(value, out))
        return true;
    if (value.len == 0 || sta_json_text(value, t->arena, &text) != OK)
        return false;
    bool below = bytes_are(text, "-Infinity") || bytes_are(text, "-INF");
    if (!below && !bytes_are(text, "Infinity") && !bytes_are(text, "INF"))
        return false;
    *out = below ? -INFINITY : INFINITY;
    return true;
}

static bool
wants_tokens(enum kind kind)
{
    return kind == KIND_TEXT || kind == KIND_CATEGORY;
}

/* The constraint's parts have the shapes that inside() counts on. */
static enum err
check_constraint(const struct task *t, const struct field *f)
{
    struct bytes constraint = member(f->json, "constraint");
    if (constraint.len == 0)
        return OK;
    if (sta_json_kind(constraint) != STA_JSON_OBJECT)
        return wrong(t, f->name, "has a constraint that is no object.");
    struct bytes type = text_member(t, constraint, "type");
    const char *expected = wants_tokens(f->kind)                                ? "AllowedTokens"
                           : f->kind == KIND_TIME || f->kind == KIND_TIME_RANGE ? "AllowedTimes"
                                                                                : "AllowedValues";
    if (type.len && !bytes_are(type, expected))
        return wrong(t, f->name, "has a constraint of another type than its own.");
    if (member(constraint, "pattern").len)
        return sta_fail(t->error, 501, 0,
                        "taskingParameters: patterns are not served; list the values of %.*s.",
                        BYTES_PRINTF(f->name));
    struct bytes item, ends[2], values = member(constraint, "value");
    if (values.len && sta_json_kind(values) != STA_JSON_ARRAY)
        return wrong(t, f->name, "has a constraint whose value is no list.");
    struct sta_json_walk w = {values, 0};
    double low, high;
    while (values.len && sta_json_next_item(&w, &item))
        if (wants_tokens(f->kind) ? sta_json_kind(item) != STA_JSON_TEXT
                                  : !on_axis(t, f->kind, item, &low))
            return wrong(t, f->name, "has a constraint with a value of another kind.");
    struct bytes intervals = member(constraint, "interval");
    if (intervals.len && (wants_tokens(f->kind) || sta_json_kind(intervals) != STA_JSON_ARRAY))
        return wrong(t, f->name, "has a constraint whose interval is no list of pairs.");
    w = (struct sta_json_walk){intervals, 0};
    while (intervals.len && sta_json_next_item(&w, &item))
        if (!pair_of(item, ends) || !on_axis(t, f->kind, ends[0], &low) ||
            !on_axis(t, f->kind, ends[1], &high) || low > high)
            return wrong(t, f->name,
                         "has an interval that is no pair of a lower and an upper end.");
    return OK;
}

/* True if the constraint of the field allows the value; without a constraint all is allowed. */
static bool
token_allowed(const struct task *t, const struct field *f, struct bytes text)
{
    struct bytes item, one, values = member(member(f->json, "constraint"), "value");
    struct sta_json_walk w = {values, 0};
    while (values.len && sta_json_next_item(&w, &item))
        if (sta_json_text(item, t->arena, &one) == OK && bytes_equal(one, text))
            return true;
    return values.len == 0;
}

static bool
axis_allowed(const struct task *t, const struct field *f, double v)
{
    double low, high;
    struct bytes item, ends[2];
    struct bytes constraint = member(f->json, "constraint");
    struct bytes values = member(constraint, "value"), intervals = member(constraint, "interval");
    struct sta_json_walk w = {values, 0};
    while (values.len && sta_json_next_item(&w, &item))
        if (on_axis(t, f->kind, item, &low) && low == v)
            return true;
    w = (struct sta_json_walk){intervals, 0};
    while (intervals.len && sta_json_next_item(&w, &item))
        if (pair_of(item, ends) && on_axis(t, f->kind, ends[0], &low) &&
            on_axis(t, f->kind, ends[1], &high) && low <= v && v <= high)
            return true;
    return values.len == 0 && intervals.len == 0;
}

/* ---- one value --------------------------------------------------------------------------------
 */

static bool
is_whole(double v)
{
    return v == floor(v) && fabs(v) <= 9007199254740991.0;
}

static enum err
check_axis(const struct task *t, const struct field *f, struct bytes value, double *out)
{
    bool time = f->kind == KIND_TIME || f->kind == KIND_TIME_RANGE;
    bool count = f->kind == KIND_COUNT || f->kind == KIND_COUNT_RANGE;
    int64_t us = 0;
    if (time ? !is_time(t, value, &us) : !is_number(value, out))
        return wrong(t, f->name,
                     time ? "takes a time with a zone: 2026-03-01T12:00:00Z." : "takes a number.");
    if (time)
        *out = (double)us;
    if (count && !is_whole(*out))
        return wrong(t, f->name, "takes a whole number.");
    if (!axis_allowed(t, f, *out))
        return wrong(t, f->name, "is outside what its constraint allows.");
    return OK;
}

static enum err check_values(const struct task *t, struct bytes record, struct bytes values,
                             uint32_t depth);

static enum err
check_value(const struct task *t, const struct field *f, struct bytes value, uint32_t depth)
{
    double low, high;
    struct bytes text, ends[2];
    enum err e;
    switch (f->kind) {
    case KIND_BOOLEAN:
        return sta_json_kind(value) == STA_JSON_BOOL ? OK
                                                     : wrong(t, f->name, "takes true or false.");
    case KIND_TEXT:
    case KIND_CATEGORY:
        if (sta_json_text(value, t->arena, &text) != OK)
            return wrong(t, f->name, "takes a text.");
        return token_allowed(t, f, text) ? OK : wrong(t, f->name, "is none of the allowed values.");
    case KIND_COUNT:
    case KIND_QUANTITY:
    case KIND_TIME:
        return check_axis(t, f, value, &low);
    case KIND_COUNT_RANGE:
    case KIND_QUANTITY_RANGE:
    case KIND_TIME_RANGE:
        if (!pair_of(value, ends))
            return wrong(t, f->name, "takes a list of two: lower and upper end.");
        e = check_axis(t, f, ends[0], &low);
        if (e == OK)
            e = check_axis(t, f, ends[1], &high);
        if (e == OK && low > high)
            e = wrong(t, f->name, "has a lower end above its upper end.");
        return e;
    case KIND_RECORD:
        if (sta_json_kind(value) != STA_JSON_OBJECT)
            return wrong(t, f->name, "takes an object with its own fields.");
        return check_values(t, f->json, value, depth + 1);
    case KIND_NONE:
    case KIND_COUNT_OF_KINDS:
        break;
    }
    return wrong(t, f->name, "has no type.");
}

/* ---- the record -------------------------------------------------------------------------------
 */

static struct bytes
fields_of(struct bytes record)
{
    struct bytes fields = member(record, "field");
    return fields.len ? fields : member(record, "fields");
}

static enum err
read_field(const struct task *t, struct bytes json, struct field *out)
{
    *out = (struct field){.json = json};
    if (sta_json_kind(json) != STA_JSON_OBJECT)
        return sta_fail(t->error, 400, 0, "taskingParameters: each field is an object.");
    out->name = text_member(t, json, "name");
    struct bytes type = text_member(t, json, "type");
    struct bytes optional = member(json, "optional");
    if (out->name.len == 0 || out->name.len > TEXT_NAME_MAX)
        return sta_fail(t->error, 400, 0,
                        "taskingParameters: each field has a name of 1 to 48 bytes.");
    if (type.len == 0)
        return wrong(t, out->name, "needs a type: Boolean, Text, Category, Count, Quantity, Time.");
    out->kind = kind_of(type);
    if (out->kind == KIND_NONE)
        return sta_fail(
            t->error, 501, 0,
            "taskingParameters: field %.*s: components of this type are not served; use "
            "Boolean, Text, Category, Count, Quantity, Time, their ranges, DataRecord.",
            BYTES_PRINTF(out->name));
    if (optional.len && sta_json_kind(optional) != STA_JSON_BOOL)
        return wrong(t, out->name, "says optional with something else than true or false.");
    out->standing = member(json, "value");
    out->needed = out->standing.len == 0 && !(optional.len && optional.p[0] == 't');
    return OK;
}

/* All fields of a checked record, or one at a time of an unchecked one. */
static enum err
read_fields(const struct task *t, struct bytes record,
            struct field out[static STA_TASKING_FIELDS_MAX], uint32_t *out_count)
{
    struct bytes item, fields = fields_of(record);
    if (fields.len == 0 || sta_json_kind(fields) != STA_JSON_ARRAY)
        return sta_fail(t->error, 400, 0, "taskingParameters: a DataRecord has a list \"field\".");
    struct sta_json_walk w = {fields, 0};
    uint32_t count = 0;
    while (sta_json_next_item(&w, &item)) {
        if (count == STA_TASKING_FIELDS_MAX)
            return sta_fail(t->error, 400, 0, "taskingParameters: at most %d fields.",
                            STA_TASKING_FIELDS_MAX);
        enum err e = read_field(t, item, &out[count]);
        if (e != OK)
            return e;
        for (uint32_t i = 0; i < count; i++)
            if (bytes_equal(out[i].name, out[count].name))
                return wrong(t, out[count].name, "is there twice.");
        count++;
    }
    *out_count = count;
    return OK;
}

/* Too long for the stack at each depth: in the arena. */
static struct field *
fields_new(const struct task *t)
{
    struct field *fields = arena_take(t->arena, STA_TASKING_FIELDS_MAX * sizeof(*fields));
    if (!fields)
        (void)sta_fail(t->error, 413, 0, "taskingParameters are too long.");
    return fields;
}

static enum err
check_record(const struct task *t, struct bytes record, uint32_t depth)
{
    uint32_t count = 0;
    if (depth > STA_TASKING_DEPTH_MAX)
        return sta_fail(t->error, 400, 0, "taskingParameters: at most %d records in each other.",
                        STA_TASKING_DEPTH_MAX);
    if (sta_json_kind(record) != STA_JSON_OBJECT ||
        !bytes_are(text_member(t, record, "type"), "DataRecord"))
        return sta_fail(
            t->error, 400, 0,
            "taskingParameters is a DataRecord: {\"type\":\"DataRecord\",\"field\":[...]}");
    struct field *fields = fields_new(t);
    if (!fields)
        return ERR_LIMIT;
    enum err e = read_fields(t, record, fields, &count);
    for (uint32_t i = 0; e == OK && i < count; i++) {
        if (fields[i].kind == KIND_RECORD)
            e = check_record(t, fields[i].json, depth + 1);
        else
            e = check_constraint(t, &fields[i]);
        if (e == OK && fields[i].standing.len)
            e = check_value(t, &fields[i], fields[i].standing, depth);
    }
    return e;
}

static enum err
check_values(const struct task *t, struct bytes record, struct bytes values, uint32_t depth)
{
    uint32_t count = 0;
    struct field *fields = fields_new(t);
    ASSERT(depth <= STA_TASKING_DEPTH_MAX); /* check_record() saw to it */
    if (!fields)
        return ERR_LIMIT;
    enum err e = read_fields(t, record, fields, &count);
    struct bytes key, value;
    struct sta_json_walk w = {values, 0};
    while (e == OK && sta_json_next_member(&w, &key, &value)) {
        uint32_t i = 0;
        while (i < count && !bytes_equal(fields[i].name, key))
            i++;
        if (i == count)
            return wrong(t, key, "is none of this TaskingCapability's.");
        fields[i].needed = false;
        e = check_value(t, &fields[i], value, depth);
    }
    for (uint32_t i = 0; e == OK && i < count; i++)
        if (fields[i].needed)
            e = wrong(t, fields[i].name, "is missing.");
    return e;
}

enum err
sta_tasking_check(struct bytes record, struct arena *arena, struct sta_error *error)
{
    struct task t = {arena, error};
    return check_record(&t, record, 1);
}

enum err
sta_task_check(struct bytes record, struct bytes values, struct arena *arena,
               struct sta_error *error)
{
    struct task t = {arena, error};
    if (values.len == 0 || sta_json_kind(values) != STA_JSON_OBJECT)
        return sta_fail(error, 400, 0, "A Task's taskingParameters is an object of field values.");
    return check_values(&t, record, values, 1);
}

/* ---- as a command's parameters ------------------------------------------------------------------
 */

static int
by_name(const void *a, const void *b)
{
    struct bytes x = ((const struct field *)a)->name, y = ((const struct field *)b)->name;
    int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static enum err
put_parameter(const struct task *t, const struct field *f, struct bytes value, struct buf *out)
{
    double v;
    if (!text_is_name(f->name))
        return wrong(t, f->name, "is no parameter of a command: use a-z, 0-9 and single -.");
    if (sta_json_kind(value) == STA_JSON_BOOL)
        v = value.p[0] == 't';
    else if (!is_number(value, &v) || !is_whole(v))
        return wrong(t, f->name, "goes into a command, which carries whole numbers only.");
    buf_put(out, f->name);
    buf_format(out, " %lld\n", (long long)v);
    return OK;
}

enum err
sta_task_parameters(struct bytes record, struct bytes values, struct arena *arena, struct buf *out,
                    struct sta_error *error)
{
    struct task t = {arena, error};
    uint32_t count = 0;
    struct field *fields = fields_new(&t);
    enum err e = fields ? read_fields(&t, record, fields, &count) : ERR_LIMIT;
    if (e == OK)
        qsort(fields, count, sizeof(fields[0]), by_name);
    for (uint32_t i = 0; e == OK && i < count; i++) {
        struct bytes value = sta_json_member(values, fields[i].name);
        value = value.len ? value : fields[i].standing;
        if (value.len)
            e = put_parameter(&t, &fields[i], value, out);
    }
    return e;
}
