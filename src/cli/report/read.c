#include "cli/report/report.h"

#include "base/text.h"
#include "sensorthings/times.h"

#include <cjson/cJSON.h>
#include <math.h>

/* ---- small things ------------------------------------------------------------------------------
 */

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Cut, if need be, between letters; a text that is none becomes "". What XML cannot hold (control
 * characters, U+FFFE and U+FFFF) becomes a question mark. */
static void
take_text(const cJSON *value, char *to, size_t size)
{
    to[0] = '\0';
    if (!cJSON_IsString(value))
        return;
    snprintf(to, size, "%s", value->valuestring);
    size_t n = strlen(to);
    while (n && !text_is_utf8(bytes_text(to)))
        to[--n] = '\0';
    for (size_t i = 0; i < n; i++) {
        bool no_letter =
            i + 2 < n && memcmp(to + i, "\xef\xbf", 2) == 0 && ((uint8_t)to[i + 2] & 0xfe) == 0xbe;
        if (no_letter)
            to[i] = to[i + 1] = to[i + 2] = '?';
        else if ((uint8_t)to[i] < ' ' || to[i] == 0x7f)
            to[i] = '?';
    }
}

static uint64_t
take_count(const cJSON *value, uint64_t max)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0) || value->valuedouble > (double)max)
        return 0;
    return (uint64_t)value->valuedouble;
}

static uint32_t
take_names(const cJSON *list, char (*to)[REPORT_NAME_SIZE], uint32_t max)
{
    const cJSON *item;
    uint32_t n = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (n == max)
            break;
        take_text(item, to[n++], REPORT_NAME_SIZE);
    }
    return n;
}

static uint32_t
index_of(const cJSON *value, char (*names)[REPORT_NAME_SIZE], uint32_t count)
{
    char name[REPORT_NAME_SIZE];
    take_text(value, name, sizeof(name));
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return count;
}

/* ---- an intersection ---------------------------------------------------------------------------
 */

static enum err
read_links(struct report_junction *j, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (j->links_count == REPORT_LINKS_MAX)
            return ERR_LIMIT;
        uint32_t lane = index_of(member(item, "lane"), j->lane, j->lanes_count);
        uint32_t exit = index_of(member(item, "exit"), j->exit, j->exits_count);
        if (lane == j->lanes_count || exit == j->exits_count)
            return ERR_MALFORMED;
        j->link_lane[j->links_count] = (uint8_t)lane;
        j->link_exit[j->links_count++] = (uint8_t)exit;
    }
    return j->links_count ? OK : ERR_MALFORMED;
}

static enum err
read_phases(struct report_junction *j, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (j->phases_count == REPORT_PHASES_MAX)
            return ERR_LIMIT;
        char *to = j->phase[j->phases_count++];
        take_text(item, to, REPORT_LINKS_MAX + 1);
        if (strlen(to) != j->links_count)
            return ERR_MALFORMED;
    }
    return OK;
}

static void
read_feeders(struct report_junction *j, const cJSON *list)
{
    const cJSON *item, *lane;
    cJSON_ArrayForEach(item, list)
    {
        if (j->feeders_count == REPORT_FEEDERS_MAX)
            return;
        struct report_feeder *f = &j->feeders[j->feeders_count++];
        *f = (struct report_feeder){.metres = (uint32_t)take_count(member(item, "m"), 100000)};
        take_text(member(item, "exit"), f->exit, sizeof(f->exit));
        cJSON_ArrayForEach(lane, member(item, "lanes"))
        {
            uint64_t l = cJSON_IsNumber(lane) ? take_count(lane, 1000) : j->lanes_count;
            if (l < j->lanes_count)
                f->lanes |= 1ULL << l;
        }
    }
}
_Static_assert(REPORT_LANES_MAX <= 64, "a bit for each lane");

static enum err
read_shape(struct report_junction *j, const cJSON *properties)
{
    const cJSON *item;
    uint32_t l = 0;
    if (!cJSON_IsArray(member(properties, "phases")) || !cJSON_IsArray(member(properties, "links")))
        return ERR_MALFORMED;
    j->lanes_count = take_names(member(properties, "lanes"), j->lane, REPORT_LANES_MAX);
    j->exits_count = take_names(member(properties, "exits"), j->exit, REPORT_LANES_MAX);
    enum err e = read_links(j, member(properties, "links"));
    if (e == OK)
        e = read_phases(j, member(properties, "phases"));
    cJSON_ArrayForEach(item, member(properties, "lane_kmh"))
    {
        if (l < j->lanes_count)
            j->lane_kmh[l++] = (uint32_t)take_count(item, 300);
    }
    read_feeders(j, member(properties, "feeders"));
    return e;
}

/* The first Location that is a point on the earth. */
static void
read_place(struct report_junction *j, const cJSON *locations)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, locations)
    {
        const cJSON *at = member(member(item, "location"), "coordinates");
        const cJSON *x = cJSON_GetArrayItem(at, 0), *y = cJSON_GetArrayItem(at, 1);
        if (j->placed || !cJSON_IsNumber(x) || !cJSON_IsNumber(y) ||
            !(fabs(x->valuedouble) <= 180) || !(fabs(y->valuedouble) <= 90))
            continue;
        j->placed = true;
        j->longitude = x->valuedouble;
        j->latitude = y->valuedouble;
    }
}

static void
read_streams(struct report_junction *j, const cJSON *list)
{
    struct {
        const char *name;
        uint64_t *id;
    } rows[] = {{"state", &j->streams.state}, {"lanes", &j->streams.lanes},
                {"queue", &j->streams.queue}, {"why", &j->streams.why},
                {"rung", &j->streams.rung},   {"refusals", &j->streams.refusals}};
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *name = member(item, "name");
        for (size_t i = 0; i < ARRAY_COUNT(rows) && cJSON_IsString(name); i++)
            if (strcmp(name->valuestring, rows[i].name) == 0)
                *rows[i].id = take_count(member(item, "@iot.id"), 1ULL << 32);
    }
}

static struct report_junction *
junction_new(void)
{
    struct report_junction *j = calloc(1, sizeof(*j));
    ASSERT(j);
    j->lights = calloc(REPORT_ROWS_MAX, sizeof(j->lights[0]));
    j->queues = calloc(REPORT_ROWS_MAX, sizeof(j->queues[0]));
    j->rungs = calloc(REPORT_ROWS_MAX, sizeof(j->rungs[0]));
    ASSERT(j->lights && j->queues && j->rungs);
    return j;
}

enum err
report_read_thing(struct report *r, struct bytes thing)
{
    if (r->count == REPORT_JUNCTIONS_MAX)
        return ERR_LIMIT;
    cJSON *tree = cJSON_ParseWithLength((const char *)thing.p, thing.len);
    struct report_junction *j = junction_new();
    r->junctions[r->count++] = j;
    take_text(member(tree, "name"), j->name, sizeof(j->name));
    enum err e = read_shape(j, member(tree, "properties"));
    read_place(j, member(tree, "Locations"));
    read_streams(j, member(tree, "Datastreams"));
    cJSON_Delete(tree);
    if (e == OK)
        return OK;
    struct report gone = {.count = 1, .junctions = {j}};
    r->count--;
    report_free(&gone);
    return e;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* NULL unless it has a time, not before *last_us. The caller deletes the tree. */
static cJSON *
row_of(struct bytes observation, int64_t last_us, int64_t *out_us)
{
    int64_t end_us;
    cJSON *tree = cJSON_ParseWithLength((const char *)observation.p, observation.len);
    const cJSON *time = member(tree, "phenomenonTime");
    if (cJSON_IsString(time) &&
        sta_time_parse(bytes_text(time->valuestring), out_us, &end_us) == OK && *out_us >= last_us)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

static void
add_light(struct report_junction *j, int64_t at_us, const char *shown)
{
    uint32_t n = j->lights_count;
    if (n && strcmp(j->lights[n - 1].shown, shown) == 0)
        return;
    if (n && j->lights[n - 1].at_us == at_us)
        n = --j->lights_count; /* the later one counts */
    if (n == REPORT_ROWS_MAX)
        return;
    j->lights[n].at_us = at_us;
    memcpy(j->lights[n].shown, shown, j->links_count);
    j->lights[n].shown[j->links_count] = '\0';
    j->lights_count++;
}

static int64_t
last_light(const struct report_junction *j)
{
    return j->lights_count ? j->lights[j->lights_count - 1].at_us : INT64_MIN;
}

void
report_read_state(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    char shown[REPORT_LINKS_MAX + 1];
    cJSON *tree = row_of(observation, last_light(j), &at_us);
    take_text(member(member(tree, "result"), "shown"), shown, sizeof(shown));
    if (tree && strlen(shown) == j->links_count)
        add_light(j, at_us, shown);
    cJSON_Delete(tree);
}

/* Between two phases what was green is yellow, and all else red: so it is with every executor. */
static void
between(const struct report_junction *j, char shown[static REPORT_LINKS_MAX + 1])
{
    const char *last = j->lights_count ? j->lights[j->lights_count - 1].shown : "";
    for (uint32_t k = 0; k < j->links_count; k++)
        shown[k] = last[0] && strchr("Ggy", last[k]) ? 'y' : 'r';
    shown[j->links_count] = '\0';
}

void
report_read_lanes(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    char shown[REPORT_LINKS_MAX + 1];
    cJSON *tree = row_of(observation, last_light(j), &at_us);
    const cJSON *phase = member(member(tree, "result"), "phase");
    if (cJSON_IsNumber(phase) && phase->valuedouble == -1) {
        between(j, shown);
        add_light(j, at_us, shown);
    } else if (cJSON_IsNumber(phase) && phase->valuedouble >= 0 &&
               phase->valuedouble < j->phases_count) {
        add_light(j, at_us, j->phase[(uint32_t)phase->valuedouble]);
    }
    cJSON_Delete(tree);
}

void
report_read_queue(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    uint32_t n = j->queues_count;
    cJSON *tree = row_of(observation, n ? j->queues[n - 1].at_us : INT64_MIN, &at_us);
    const cJSON *standing = member(member(tree, "result"), "standing");
    if (cJSON_IsObject(standing) && n < REPORT_ROWS_MAX) {
        j->queues[n].at_us = at_us;
        for (uint32_t l = 0; l < j->lanes_count; l++)
            j->queues[n].standing[l] = (uint16_t)take_count(member(standing, j->lane[l]), 10000);
        j->queues_count++;
    }
    cJSON_Delete(tree);
}

void
report_read_rung(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    uint32_t n = j->rungs_count;
    cJSON *tree = row_of(observation, n ? j->rungs[n - 1].at_us : INT64_MIN, &at_us);
    const cJSON *rung = member(member(tree, "result"), "rung");
    if (cJSON_IsNumber(rung) && rung->valuedouble >= 0 && rung->valuedouble < REPORT_RUNGS &&
        n < REPORT_ROWS_MAX)
        j->rungs[j->rungs_count++] = (struct report_rung){at_us, (uint8_t)rung->valuedouble};
    cJSON_Delete(tree);
}

void
report_read_refusals(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    cJSON *tree = row_of(observation, INT64_MIN, &at_us);
    const cJSON *result = member(tree, "result");
    if (cJSON_IsObject(result)) {
        j->granted = take_count(member(result, "granted"), 1ULL << 50);
        j->refused = take_count(member(result, "refused"), 1ULL << 50);
        if (!j->counted) {
            j->granted_first = j->granted;
            j->refused_first = j->refused;
        }
        j->counted = true;
        take_text(member(result, "reason"), j->reason, sizeof(j->reason));
    }
    cJSON_Delete(tree);
}

void
report_read_why(struct report_junction *j, struct bytes observation)
{
    int64_t at_us;
    cJSON *tree = row_of(observation, INT64_MIN, &at_us);
    if (cJSON_IsString(member(tree, "result")))
        take_text(member(tree, "result"), j->why, sizeof(j->why));
    cJSON_Delete(tree);
}

/* ---- the bridge's status -----------------------------------------------------------------------
 */

static bool
status_number(struct bytes line, const char *key, double *out)
{
    size_t n = strlen(key);
    return line.len > n && memcmp(line.p, key, n) == 0 &&
           text_double(bytes_skip(line, n), out) == OK;
}

void
report_read_status(struct report *r, struct bytes lines)
{
    bool delay = false, fixed = false;
    while (lines.len) {
        size_t end = bytes_find(lines, '\n');
        struct bytes line = bytes_of(lines.p, end);
        delay = status_number(line, "delay_s=", &r->delay_s) || delay;
        fixed = status_number(line, "fixed_delay_s=", &r->fixed_delay_s) || fixed;
        lines = bytes_skip(lines, end < lines.len ? end + 1 : end);
    }
    r->has_delay = delay && fixed && r->fixed_delay_s > 0; /* else no simulation has a fixed plan */
}
