#include "services/signals/call.h"

#include <cjson/cJSON.h>

#include "base/text.h"
#include "services/signals/model.h"
#include "services/signals/number.h"

/* Each member is one that a call has, and none is there twice. */
static bool
has_known_members(const cJSON *root)
{
    static const char *const known[] = {"junction", "lane", "kind", "eta", "distance", "late"};
    uint32_t seen = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        uint32_t bit = 0;
        for (size_t i = 0; item->string && i < ARRAY_COUNT(known); i++)
            if (strcmp(item->string, known[i]) == 0)
                bit = 1u << i;
        if (bit == 0 || (seen & bit))
            return false;
        seen |= bit;
    }
    return true;
}

static struct bytes
text_of(const cJSON *root, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(root, name);
    return cJSON_IsString(v) && v->valuestring ? bytes_text(v->valuestring) : (struct bytes){0};
}

static enum err
read_names(const cJSON *root, struct call *out)
{
    struct bytes junction = text_of(root, "junction"), lane = text_of(root, "lane");
    struct bytes kind = text_of(root, "kind");
    if (!text_is_name(junction) || lane.len == 0 || lane.len > SIGNALS_LANE_NAME_MAX)
        return ERR_MALFORMED;
    out->lane = signals_name_hash(lane);
    for (enum vehicle_kind k = VEHICLE_BUS; k < VEHICLE_KINDS_COUNT; k++)
        if (bytes_are(kind, vehicle_word(k)))
            out->kind = k;
    if (out->kind == VEHICLE_NONE)
        return ERR_MALFORMED;
    return bytes_copy_text(junction, out->junction, sizeof(out->junction));
}

static enum err
read_numbers(const cJSON *root, struct call *out)
{
    const cJSON *eta = cJSON_GetObjectItemCaseSensitive(root, "eta");
    const cJSON *late = cJSON_GetObjectItemCaseSensitive(root, "late");
    int32_t distance;
    if (!cJSON_IsNumber(eta) ||
        !(eta->valuedouble >= 0 && eta->valuedouble * 1000 <= CALL_ETA_MAX_MS))
        return ERR_MALFORMED;
    out->eta_ms = (uint32_t)(eta->valuedouble * 1000);
    enum err e = signals_int(cJSON_GetObjectItemCaseSensitive(root, "distance"), 0,
                             CALL_DISTANCE_MAX_M, &distance);
    if (e != OK)
        return e;
    out->distance_m = (uint32_t)distance;
    return late ? signals_int(late, -CALL_LATE_MAX_S, CALL_LATE_MAX_S, &out->late_s) : OK;
}

enum err
call_read(struct bytes result, struct call *out)
{
    if (result.len > CALL_JSON_MAX)
        return ERR_LIMIT;
    struct call call = {0};
    cJSON *root = cJSON_ParseWithLength((const char *)result.p, result.len);
    enum err e = cJSON_IsObject(root) && has_known_members(root) ? OK : ERR_MALFORMED;
    if (e == OK)
        e = read_names(root, &call);
    if (e == OK)
        e = read_numbers(root, &call);
    if (e == OK)
        *out = call;
    cJSON_Delete(root);
    return e;
}
