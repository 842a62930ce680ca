#include "services/signals/model.h"

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "services/signals/number.h"

enum {
    GREEN_MAX_S = 60, /* that a green must last at least */
    CLEARS_MAX_S = 60,
};

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

bool
signals_leads_to(const struct signals_source *s, uint32_t lane)
{
    return memchr(s->lanes, (int)lane, s->lanes_count) != NULL;
}

int32_t
signals_next_loop(const struct signals_model *m, uint32_t lane, uint32_t from_m)
{
    int32_t next = -1;
    for (uint32_t j = 0; j < m->loops_count; j++) {
        const struct signals_source *loop = &m->loops[j];
        if (loop->lanes[0] == lane && loop->distance_m < from_m &&
            (next < 0 || loop->distance_m > m->loops[next].distance_m))
            next = (int32_t)j;
    }
    return next;
}

double
signals_usual_turns(uint8_t turn)
{
    static const double usual[] = {[TURN_UNKNOWN] = 2,
                                   [TURN_STRAIGHT] = 6,
                                   [TURN_RIGHT] = 2,
                                   [TURN_LEFT] = 2,
                                   [TURN_ROUND] = 0.1};
    ASSERT(turn < ARRAY_COUNT(usual));
    return usual[turn];
}

uint64_t
signals_name_hash(struct bytes name)
{
    return hash_or_one(hash_bytes(HASH_START, name));
}

/* `count` integers, or nothing: then all are `absent`. */
static enum err
read_sizes(const cJSON *list, uint32_t count, int32_t min, int32_t max, int32_t absent,
           uint16_t *out)
{
    const cJSON *item;
    uint32_t i = 0;
    for (uint32_t k = 0; k < count; k++)
        out[k] = (uint16_t)absent;
    if (!list)
        return OK;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        int32_t v;
        if (i == count || signals_int(item, min, max, &v) != OK)
            return ERR_MALFORMED;
        out[i++] = (uint16_t)v;
    }
    return i == count ? OK : ERR_MALFORMED;
}

/* Indices below `count`, none twice. */
static enum err
read_indices(const cJSON *list, uint32_t count, uint32_t max, uint8_t *out, uint8_t *out_count)
{
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    *out_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        int32_t v;
        if (*out_count == max)
            return ERR_LIMIT;
        if (signals_int(item, 0, (int32_t)count - 1, &v) != OK || memchr(out, v, *out_count))
            return ERR_MALFORMED;
        out[(*out_count)++] = (uint8_t)v;
    }
    return OK;
}

static enum err
read_yields(const cJSON *list, struct signals_model *m)
{
    const cJSON *item;
    uint32_t k = 0;
    if (!list)
        return OK;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        if (k == m->links_count)
            return ERR_MALFORMED;
        enum err e = read_indices(item, m->links_count, SIGNALS_YIELDS_MAX, m->yields[k],
                                  &m->yields_count[k]);
        if (e != OK)
            return e;
        k++;
    }
    return k == m->links_count ? OK : ERR_MALFORMED;
}

/* Loops, or with `feeders` the lanes that lead here from other intersections. */
static enum err
read_sources(const cJSON *list, const struct signals_model *m, bool feeders, uint32_t max,
             struct signals_source *out, uint32_t *out_count)
{
    const cJSON *item;
    if (!list)
        return OK;
    if (!cJSON_IsArray(list))
        return ERR_MALFORMED;
    cJSON_ArrayForEach(item, list)
    {
        if (*out_count == max)
            return ERR_LIMIT;
        struct signals_source *s = &out[(*out_count)++];
        const char *exit = lane_name(cJSON_GetObjectItemCaseSensitive(item, "exit"));
        int32_t m_to_line;
        enum err e = signals_int(cJSON_GetObjectItemCaseSensitive(item, "m"), 1,
                                 SIGNALS_LENGTH_MAX_M, &m_to_line);
        if (e == OK)
            e = read_indices(cJSON_GetObjectItemCaseSensitive(item, "lanes"), m->lanes_count,
                             SIGNALS_REACH_MAX, s->lanes, &s->lanes_count);
        if (e != OK)
            return e;
        if (s->lanes_count == 0 || feeders != (exit != NULL))
            return ERR_MALFORMED;
        s->exit = exit ? signals_name_hash(bytes_text(exit)) : 0;
        s->distance_m = (uint16_t)m_to_line;
    }
    return OK;
}

static enum err
read_kinds(const cJSON *text, struct signals_model *m)
{
    if (!text)
        return OK;
    if (!cJSON_IsString(text) || !text->valuestring || strlen(text->valuestring) != m->lanes_count)
        return ERR_MALFORMED;
    for (uint32_t l = 0; l < m->lanes_count; l++) {
        char c = text->valuestring[l];
        if (c != 'v' && c != 'w')
            return ERR_MALFORMED;
        m->lane_kind[l] = c == 'w' ? LANE_WALK : LANE_VEHICLES;
    }
    return OK;
}

static void
find_walks(struct signals_model *m)
{
    for (uint32_t p = 0; p < m->phases_count; p++) {
        for (uint32_t k = 0; k < m->links_count; k++) {
            if (m->lights[p][k] != LIGHT_RED && m->lane_kind[m->link_lane[k]] == LANE_WALK)
                m->walks[p] |= 1ULL << m->link_lane[k];
        }
    }
}

/* Whom a change stops: who loses green, and vehicles that one of these gives way to. */
static void
find_stopped(const struct signals_model *m, uint32_t from, uint32_t to,
             bool stopped[static SIGNALS_LINKS_MAX])
{
    uint8_t left[SIGNALS_LINKS_MAX]; /* to be looked at: each comes here once */
    uint32_t count = 0;
    for (uint32_t k = 0; k < m->links_count; k++) {
        stopped[k] = m->lights[from][k] != LIGHT_RED && m->lights[to][k] == LIGHT_RED;
        if (stopped[k])
            left[count++] = (uint8_t)k;
    }
    while (count > 0) {
        uint32_t k = left[--count];
        bool yields = signals_gives_way(m, k, m->lights[from][k]);
        for (uint32_t y = 0; yields && y < m->yields_count[k]; y++) {
            uint32_t foe = m->yields[k][y];
            if (stopped[foe] || m->lights[from][foe] == LIGHT_RED ||
                m->lane_kind[m->link_lane[foe]] == LANE_WALK)
                continue;
            stopped[foe] = true;
            left[count++] = (uint8_t)foe;
        }
    }
}

static void
find_stops(struct signals_model *m)
{
    bool stopped[SIGNALS_LINKS_MAX];
    for (uint32_t from = 0; from < m->phases_count; from++) {
        for (uint32_t to = 0; to < m->phases_count; to++) {
            find_stopped(m, from, to, stopped);
            for (uint32_t k = 0; k < m->links_count; k++)
                m->stops[from][k] |= (uint32_t)(stopped[k] && m->lights[to][k] != LIGHT_RED) << to;
        }
    }
}

static bool
same_approach(const struct signals_model *m, uint32_t a, uint32_t b)
{
    bool same = a == b;
    for (uint32_t i = 0; !same && i < m->loops_count; i++)
        same = signals_leads_to(&m->loops[i], a) && signals_leads_to(&m->loops[i], b);
    return same;
}

static void
find_lingering(struct signals_model *m)
{
    for (uint32_t k = 0; k < m->links_count; k++) {
        uint32_t red = 0, green = 0;
        for (uint32_t j = 0; j < m->links_count; j++) {
            bool beside = same_approach(m, m->link_lane[k], m->link_lane[j]);
            for (uint32_t p = 0; beside && p < m->phases_count; p++) {
                red |= (uint32_t)(m->lights[p][j] == LIGHT_RED) << p;
                green |= (uint32_t)(m->lights[p][j] == LIGHT_GREEN) << p;
            }
        }
        for (uint32_t p = 0; p < m->phases_count; p++) {
            bool yields = signals_gives_way(m, k, m->lights[p][k]);
            m->lingers[k] |= (uint32_t)(yields && (red & ~green) >> p & 1) << p;
        }
    }
}

static enum err
read_turns(const cJSON *text, struct signals_model *m)
{
    static const char letters[] = "-srlt"; /* in the order of enum link_turn */
    if (!text)
        return OK;
    if (!cJSON_IsString(text) || !text->valuestring || strlen(text->valuestring) != m->links_count)
        return ERR_MALFORMED;
    for (uint32_t k = 0; k < m->links_count; k++) {
        const char *at = strchr(letters, text->valuestring[k]);
        if (!at)
            return ERR_MALFORMED;
        m->link_turn[k] = (uint8_t)(at - letters);
    }
    return OK;
}

static enum err
read_times(const cJSON *times, struct signals_model *m)
{
    int32_t yellow, all_red, green;
    uint16_t greens[SIGNALS_PHASES_MAX], clears[SIGNALS_PHASES_MAX];
    if (!times)
        return OK;
    enum err e = signals_int(cJSON_GetObjectItemCaseSensitive(times, "yellow"), 1, 10, &yellow);
    if (e == OK)
        e = signals_int(cJSON_GetObjectItemCaseSensitive(times, "all_red"), 0, 20, &all_red);
    if (e == OK)
        e = signals_int(cJSON_GetObjectItemCaseSensitive(times, "minimum_green"), 1, GREEN_MAX_S,
                        &green);
    if (e == OK)
        e = read_sizes(cJSON_GetObjectItemCaseSensitive(times, "minimum_greens"), m->phases_count,
                       1, GREEN_MAX_S, green, greens);
    if (e == OK)
        e = read_sizes(cJSON_GetObjectItemCaseSensitive(times, "pedestrian_clears"),
                       m->phases_count, 0, CLEARS_MAX_S, 0, clears);
    if (e != OK)
        return e;
    m->yellow_s = (uint8_t)yellow;
    m->all_red_s = (uint8_t)all_red;
    for (uint32_t p = 0; p < m->phases_count; p++) {
        m->minimum_s[p] = (uint8_t)greens[p];
        m->clears_s[p] = (uint8_t)clears[p];
    }
    return OK;
}

static enum err
read_street(const cJSON *p, struct signals_model *m)
{
    struct sizes {
        const char *name;
        uint32_t count;
        int32_t max, absent;
        uint16_t *out;
    } sizes[] = {
        {"lane_m", m->lanes_count, SIGNALS_LENGTH_MAX_M, SIGNALS_LENGTH_DEFAULT_M, m->lane_m},
        {"exit_m", m->exits_count, SIGNALS_LENGTH_MAX_M, SIGNALS_LENGTH_DEFAULT_M, m->exit_m},
        {"lane_kmh", m->lanes_count, SIGNALS_KMH_MAX, SIGNALS_KMH_DEFAULT, m->lane_kmh},
        {"exit_kmh", m->exits_count, SIGNALS_KMH_MAX, SIGNALS_KMH_DEFAULT, m->exit_kmh},
    };
    enum err e = OK;
    for (size_t i = 0; i < ARRAY_COUNT(sizes) && e == OK; i++)
        e = read_sizes(cJSON_GetObjectItemCaseSensitive(p, sizes[i].name), sizes[i].count, 1,
                       sizes[i].max, sizes[i].absent, sizes[i].out);
    if (e == OK)
        e = read_kinds(cJSON_GetObjectItemCaseSensitive(p, "kinds"), m);
    if (e == OK)
        e = read_turns(cJSON_GetObjectItemCaseSensitive(p, "turns"), m);
    if (e == OK)
        e = read_yields(cJSON_GetObjectItemCaseSensitive(p, "yields"), m);
    if (e == OK)
        e = read_sources(cJSON_GetObjectItemCaseSensitive(p, "advance"), m, false,
                         SIGNALS_LOOPS_MAX, m->loops, &m->loops_count);
    if (e == OK)
        e = read_sources(cJSON_GetObjectItemCaseSensitive(p, "feeders"), m, true,
                         SIGNALS_FEEDERS_MAX, m->feeders, &m->feeders_count);
    return e == OK ? read_times(cJSON_GetObjectItemCaseSensitive(p, "times"), m) : e;
}

static void
hash_names(const char *const *names, uint32_t count, uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = signals_name_hash(bytes_text(names[i]));
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
        e = read_street(p, &m);
    if (e == OK) {
        find_walks(&m);
        find_stops(&m);
        find_lingering(&m);
        hash_names(lanes, m.lanes_count, m.lane_name);
        hash_names(exits, m.exits_count, m.exit_name);
        *out = m;
    }
    cJSON_Delete(root);
    return e;
}
