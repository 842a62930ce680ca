#include "services/signals/model.h"

#include <cjson/cJSON.h>

/* An integer in [min, max]; ERR_MALFORMED for anything else, NaN included. */
static enum err
read_int(const cJSON *v, int32_t min, int32_t max, int32_t *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= min && v->valuedouble <= max))
        return ERR_MALFORMED;
    int32_t i = (int32_t)v->valuedouble;
    if ((double)i != v->valuedouble)
        return ERR_MALFORMED;
    *out = i;
    return OK;
}

/* The text of an element that is a name of a lane, or NULL. */
static const char *
lane_name(const cJSON *v)
{
    if (!cJSON_IsString(v) || !v->valuestring)
        return NULL;
    size_t len = strnlen(v->valuestring, SIGNALS_LANE_NAME_MAX + 1);
    return len > 0 && len <= SIGNALS_LANE_NAME_MAX ? v->valuestring : NULL;
}

static enum err
read_names(const cJSON *list, uint32_t max, const char **names, uint32_t *out_count)
{
    uint32_t count = 0;
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = lane_name(item);
        if (!name)
            return ERR_MALFORMED;
        if (count == max)
            return ERR_LIMIT;
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(names[i], name) == 0)
                return ERR_MALFORMED;
        }
        names[count++] = name;
    }
    *out_count = count;
    return count > 0 ? OK : ERR_MALFORMED;
}

static enum err
index_of(const cJSON *v, const char *const *names, uint32_t count, uint8_t *out)
{
    const char *name = lane_name(v);
    for (uint32_t i = 0; name && i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (uint8_t)i;
            return OK;
        }
    }
    return ERR_MALFORMED;
}

static enum err
read_links(const cJSON *list, const char *const *lanes, const char *const *exits,
           struct signals_model *m)
{
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        if (m->links_count == SIGNALS_LINKS_MAX)
            return ERR_LIMIT;
        uint32_t k = m->links_count++;
        enum err e = index_of(cJSON_GetObjectItemCaseSensitive(item, "lane"), lanes, m->lanes_count,
                              &m->link_lane[k]);
        if (e == OK)
            e = index_of(cJSON_GetObjectItemCaseSensitive(item, "exit"), exits, m->exits_count,
                         &m->link_exit[k]);
        if (e != OK)
            return e;
    }
    return m->links_count > 0 ? OK : ERR_MALFORMED;
}

/* Only what is surely green counts; every other letter of SUMO's is red to the controller. */
static enum link_light
light_of(char letter)
{
    return letter == 'G' ? LIGHT_GREEN : letter == 'g' ? LIGHT_YIELDS : LIGHT_RED;
}

static enum err
read_phases(const cJSON *list, struct signals_model *m)
{
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        if (m->phases_count == SIGNALS_PHASES_MAX)
            return ERR_LIMIT;
        if (!cJSON_IsString(item) || !item->valuestring ||
            strnlen(item->valuestring, SIGNALS_LINKS_MAX + 1) != m->links_count)
            return ERR_MALFORMED;
        uint32_t p = m->phases_count++;
        for (uint32_t k = 0; k < m->links_count; k++)
            m->lights[p][k] = (uint8_t)light_of(item->valuestring[k]);
    }
    return m->phases_count > 0 ? OK : ERR_MALFORMED;
}

enum err
signals_model_read(struct bytes thing, struct signals_model *out)
{
    if (thing.len > SIGNALS_JSON_MAX)
        return ERR_LIMIT;
    cJSON *root = cJSON_ParseWithLength((const char *)thing.p, thing.len);
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(root, "properties");
    const char *lanes[SIGNALS_LANES_MAX], *exits[SIGNALS_EXITS_MAX];
    struct signals_model m = {0};
    enum err e = cJSON_IsObject(p) ? OK : ERR_MALFORMED;
    if (e == OK)
        e = read_names(cJSON_GetObjectItemCaseSensitive(p, "lanes"), SIGNALS_LANES_MAX, lanes,
                       &m.lanes_count);
    if (e == OK)
        e = read_names(cJSON_GetObjectItemCaseSensitive(p, "exits"), SIGNALS_EXITS_MAX, exits,
                       &m.exits_count);
    if (e == OK)
        e = read_links(cJSON_GetObjectItemCaseSensitive(p, "links"), lanes, exits, &m);
    if (e == OK)
        e = read_phases(cJSON_GetObjectItemCaseSensitive(p, "phases"), &m);
    if (e == OK)
        *out = m;
    cJSON_Delete(root);
    return e;
}

static enum err
read_counts(const cJSON *list, uint32_t count, uint16_t *out)
{
    const cJSON *item;
    uint32_t i = 0;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        int32_t v;
        if (i == count || read_int(item, 0, SIGNALS_COUNT_MAX, &v) != OK)
            return ERR_MALFORMED;
        out[i++] = (uint16_t)v;
    }
    return i == count ? OK : ERR_MALFORMED;
}

static enum err
read_result(const cJSON *root, const struct signals_model *model, struct signals_counts *c)
{
    int32_t age = 0;
    enum err e = read_int(cJSON_GetObjectItemCaseSensitive(root, "phase"), -1,
                          (int32_t)model->phases_count - 1, &c->phase);
    if (e == OK)
        e = read_int(cJSON_GetObjectItemCaseSensitive(root, "age"), 0, SIGNALS_AGE_MAX_S, &age);
    if (e == OK)
        e = read_counts(cJSON_GetObjectItemCaseSensitive(root, "q"), model->lanes_count,
                        c->standing);
    if (e == OK)
        e = read_counts(cJSON_GetObjectItemCaseSensitive(root, "n"), model->lanes_count, c->near);
    if (e == OK)
        e = read_counts(cJSON_GetObjectItemCaseSensitive(root, "o"), model->exits_count,
                        c->exit_standing);
    for (uint32_t i = 0; e == OK && i < model->lanes_count; i++) {
        if (c->near[i] < c->standing[i])
            e = ERR_MALFORMED;
    }
    c->age_s = (uint32_t)age;
    return e;
}

enum err
signals_counts_read(struct bytes result, const struct signals_model *model,
                    struct signals_counts *out)
{
    if (result.len > SIGNALS_JSON_MAX)
        return ERR_LIMIT;
    struct signals_counts c = {0};
    cJSON *root = cJSON_ParseWithLength((const char *)result.p, result.len);
    enum err e = read_result(root, model, &c);
    if (e == OK)
        *out = c;
    cJSON_Delete(root);
    return e;
}
