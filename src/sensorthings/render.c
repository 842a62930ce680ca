#include "sensorthings/observation.h"

#include "base/text.h"
#include "sensorthings/json.h"
#include "sensorthings/times.h"

static void
separate(struct buf *out, size_t start)
{
    if (out->len > start)
        buf_byte(out, ',');
}

void
sta_result_put(struct buf *out, const struct observation *o)
{
    switch (o->kind) {
    case RESULT_NUMBER:
        sta_number_put(out, o->number);
        break;
    case RESULT_BOOL:
        buf_text(out, o->number != 0 ? "true" : "false");
        break;
    case RESULT_TEXT:
        text_put_json(out, o->text);
        break;
    case RESULT_JSON:
        buf_put(out, o->text);
        break;
    }
}

static void
put_control(struct buf *out, struct bytes base_url, uint64_t id, uint32_t what)
{
    /* The id, and four links that begin alike: the usual answer holds a hundred of them. */
    struct bytes name =
        what & STA_OBS_OF_MULTI ? bytes_text("MultiDatastream") : bytes_text("Datastream");
    bool with_id = what & STA_OBS_ID;
    uint8_t digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (uint8_t)('0' + id % 10);
        id /= 10;
    } while (id);
    struct bytes self[] = {base_url, bytes_text("/Observations("),
                           bytes_of(digits + first, sizeof(digits) - first)};
    struct bytes parts[] = {with_id ? bytes_text("\"@iot.id\":") : (struct bytes){0},
                            with_id ? self[2] : (struct bytes){0},
                            with_id ? bytes_text(",\"@iot.selfLink\":\"")
                                    : bytes_text("\"@iot.selfLink\":\""),
                            self[0],
                            self[1],
                            self[2],
                            bytes_text(")\",\""),
                            name,
                            bytes_text("@iot.navigationLink\":\""),
                            self[0],
                            self[1],
                            self[2],
                            bytes_text(")/"),
                            name,
                            bytes_text("\",\"FeatureOfInterest@iot.navigationLink\":\""),
                            self[0],
                            self[1],
                            self[2],
                            bytes_text(")/FeatureOfInterest\"")};
    size_t need = 0, at = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        need += parts[i].len;
    uint8_t *room = buf_room(out, need);
    for (size_t i = 0; room && i < ARRAY_COUNT(parts); i++) {
        if (parts[i].len)
            memcpy(room + at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    if (room)
        buf_filled(out, need);
}

/* resultQuality, validTime, parameters: as they stand in `extra`. */
static void
put_extra(struct buf *out, size_t start, struct bytes extra, uint32_t what)
{
    const uint32_t rare = STA_OBS_RESULT_QUALITY | STA_OBS_VALID_TIME | STA_OBS_PARAMETERS;
    struct bytes key, value;
    struct sta_json_walk w = {extra, 0};
    while (sta_json_next_member(&w, &key, &value)) {
        int property = sta_property_index(STA_OBSERVATION, key);
        if (property < 0 || !(what & rare & 1u << property))
            continue;
        separate(out, start);
        buf_byte(out, '"');
        buf_put(out, key);
        buf_text(out, "\":");
        buf_put(out, value);
    }
}

void
sta_observation_members(struct buf *out, struct bytes base_url, uint32_t stream, uint64_t n,
                        const struct observation *o, uint32_t what)
{
    uint64_t id = sta_observation_id(stream, n);
    size_t start = out->len;
    if (what & STA_OBS_LINKS) {
        put_control(out, base_url, id, what);
    } else if (what & STA_OBS_ID) {
        buf_text(out, "\"@iot.id\":");
        buf_u64_decimal(out, id);
    }
    if (what & STA_OBS_PHENOMENON_TIME) {
        separate(out, start);
        buf_text(out, "\"phenomenonTime\":");
        sta_time_put(out, o->time_us, o->time_end_us);
    }
    if (what & STA_OBS_RESULT) {
        separate(out, start);
        buf_text(out, "\"result\":");
        sta_result_put(out, o);
    }
    if (what & STA_OBS_RESULT_TIME) {
        separate(out, start);
        buf_text(out, "\"resultTime\":");
        if (sta_has_result_time(o))
            sta_time_put(out, o->result_time_us, o->result_time_us);
        else
            buf_text(out, "null");
    }
    if (o->extra.len && what & (STA_OBS_RESULT_QUALITY | STA_OBS_VALID_TIME | STA_OBS_PARAMETERS))
        put_extra(out, start, o->extra, what);
}

bool
sta_observation_value(struct buf *out, const struct observation *o, uint32_t which)
{
    static const char *const rare[] = {"resultQuality", "validTime", "parameters"};
    if (which == STA_OBS_PHENOMENON_TIME) {
        sta_time_put(out, o->time_us, o->time_end_us);
    } else if (which == STA_OBS_RESULT) {
        sta_result_put(out, o);
    } else if (which == STA_OBS_RESULT_TIME) {
        if (!sta_has_result_time(o))
            return false;
        sta_time_put(out, o->result_time_us, o->result_time_us);
    } else {
        int at = which == STA_OBS_RESULT_QUALITY ? 0 : which == STA_OBS_VALID_TIME ? 1 : 2;
        struct bytes value = sta_json_member(o->extra, bytes_text(rare[at]));
        buf_put(out, value);
        return value.len > 0;
    }
    return true;
}

void
sta_observation_render(struct buf *out, struct bytes base_url, uint32_t stream, uint64_t n,
                       const struct observation *o, uint32_t what)
{
    buf_byte(out, '{');
    sta_observation_members(out, base_url, stream, n, o, what);
    buf_byte(out, '}');
}

void
sta_rows_answer(struct buf *out, struct bytes base_url, const uint64_t *ids, size_t count)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_byte(out, ',');
        if (ids[i] == 0) {
            buf_text(out, "\"error\"");
            continue;
        }
        buf_byte(out, '"');
        buf_put(out, base_url);
        buf_text(out, "/Observations(");
        buf_u64_decimal(out, ids[i]);
        buf_text(out, ")\"");
    }
    buf_byte(out, ']');
}
