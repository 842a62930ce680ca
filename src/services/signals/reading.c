#include "services/signals/reading.h"

#include <cjson/cJSON.h>

#include "services/signals/number.h"

static enum err
read_crossed(const cJSON *list, uint32_t count, uint8_t *out)
{
    const cJSON *item;
    uint32_t i = 0;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        int32_t v;
        if (i == count || signals_int(item, 0, SIGNALS_CROSSED_MAX, &v) != OK)
            return ERR_MALFORMED;
        out[i++] = (uint8_t)v;
    }
    return i == count ? OK : ERR_MALFORMED;
}

/* One digit each, 0 or 1. */
static enum err
read_flags(const cJSON *text, uint32_t count, bool *out)
{
    if (!cJSON_IsString(text) || !text->valuestring || strlen(text->valuestring) != count)
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        char c = text->valuestring[i];
        if (c != '0' && c != '1')
            return ERR_MALFORMED;
        out[i] = c == '1';
    }
    return OK;
}

static enum err
read_car(const cJSON *list, const struct signals_model *m, struct signals_car *out)
{
    int32_t lane, dm, speed, link;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 4)
        return ERR_MALFORMED;
    const cJSON *v = list->child;
    if (signals_int(v, 0, (int32_t)m->lanes_count - 1, &lane) != OK ||
        signals_int(v->next, 0, SIGNALS_DISTANCE_MAX_DM, &dm) != OK ||
        signals_int(v->next->next, 0, SIGNALS_SPEED_MAX_CM_S, &speed) != OK ||
        signals_int(v->next->next->next, -1, (int32_t)m->links_count - 1, &link) != OK)
        return ERR_MALFORMED;
    if (link >= 0 && m->link_lane[link] != lane)
        return ERR_MALFORMED;
    *out = (struct signals_car){(uint8_t)lane, (int8_t)link, (uint16_t)dm, (uint16_t)speed};
    return OK;
}

static enum err
read_cars(const cJSON *list, const struct signals_model *m, struct signals_reading *r)
{
    const cJSON *item;
    if (!list)
        return OK;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    r->has_cars = true;
    cJSON_ArrayForEach(item, list)
    {
        if (r->cars_count == SIGNALS_CARS_MAX)
            return ERR_LIMIT;
        enum err e = read_car(item, m, &r->cars[r->cars_count++]);
        if (e != OK)
            return e;
    }
    return OK;
}

/* Each known member, each once. */
static enum err
check_members(const cJSON *root)
{
    static const char *const known[] = {"phase",   "age",     "hold",       "leaves", "stop",
                                        "stop_on", "advance", "advance_on", "dead",   "cars"};
    bool seen[ARRAY_COUNT(known)] = {0};
    const cJSON *member;
    if (!cJSON_IsObject(root))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(member, root)
    {
        size_t i = 0;
        while (i < ARRAY_COUNT(known) && strcmp(member->string, known[i]) != 0)
            i++;
        if (i == ARRAY_COUNT(known) || seen[i])
            return ERR_MALFORMED;
        seen[i] = true;
    }
    return OK;
}

/* Members that may be absent. */
static enum err
read_walk(const cJSON *root, struct signals_reading *r)
{
    const cJSON *hold = cJSON_GetObjectItemCaseSensitive(root, "hold");
    const cJSON *leaves = cJSON_GetObjectItemCaseSensitive(root, "leaves");
    int32_t hold_s = 0;
    if (hold && signals_int(hold, 0, SIGNALS_HOLD_MAX_S, &hold_s) != OK)
        return ERR_MALFORMED;
    if (leaves && !cJSON_IsTrue(leaves))
        return ERR_MALFORMED;
    if ((hold || leaves) && r->phase < 0)
        return ERR_MALFORMED;
    r->hold_s = (uint32_t)hold_s;
    r->leaves = leaves != NULL;
    return OK;
}

static enum err
read_result(const cJSON *root, const struct signals_model *m, struct signals_reading *r)
{
    int32_t age = 0;
    enum err e = check_members(root);
    if (e == OK)
        e = signals_int(cJSON_GetObjectItemCaseSensitive(root, "phase"), -1,
                        (int32_t)m->phases_count - 1, &r->phase);
    if (e == OK)
        e = signals_int(cJSON_GetObjectItemCaseSensitive(root, "age"), 0, SIGNALS_AGE_MAX_S, &age);
    r->age_s = (uint32_t)age;
    if (e == OK)
        e = read_walk(root, r);
    if (e == OK)
        e = read_crossed(cJSON_GetObjectItemCaseSensitive(root, "stop"), m->lanes_count, r->stop);
    if (e == OK)
        e = read_flags(cJSON_GetObjectItemCaseSensitive(root, "stop_on"), m->lanes_count,
                       r->stop_on);
    if (e == OK)
        e = read_crossed(cJSON_GetObjectItemCaseSensitive(root, "advance"), m->loops_count,
                         r->advance);
    if (e == OK)
        e = read_flags(cJSON_GetObjectItemCaseSensitive(root, "advance_on"), m->loops_count,
                       r->advance_on);
    const cJSON *dead = cJSON_GetObjectItemCaseSensitive(root, "dead");
    if (e == OK && dead)
        e = read_flags(dead, m->lanes_count, r->dead);
    return e == OK ? read_cars(cJSON_GetObjectItemCaseSensitive(root, "cars"), m, r) : e;
}

enum err
signals_reading_read(struct bytes result, const struct signals_model *model,
                     struct signals_reading *out)
{
    if (result.len > SIGNALS_JSON_MAX)
        return ERR_LIMIT;
    struct signals_reading r = {0};
    cJSON *root = cJSON_ParseWithLength((const char *)result.p, result.len);
    enum err e = read_result(root, model, &r);
    if (e == OK)
        *out = r;
    cJSON_Delete(root);
    return e;
}

enum err
signals_reading_without_cars(struct bytes result, struct arena *arena, struct bytes *out)
{
    cJSON *root = cJSON_ParseWithLength((const char *)result.p, result.len);
    cJSON_DeleteItemFromObjectCaseSensitive(root, "cars");
    char *text = root ? cJSON_PrintUnformatted(root) : NULL;
    enum err e = text ? OK : ERR_MALFORMED;
    struct bytes copy = text ? arena_dup(arena, bytes_text(text)) : (struct bytes){0};
    if (e == OK && !copy.p)
        e = ERR_LIMIT;
    if (e == OK)
        *out = copy;
    cJSON_free(text);
    cJSON_Delete(root);
    return e;
}
