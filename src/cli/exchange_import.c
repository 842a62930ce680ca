#include "cli/exchange.h"

#include "base/text.h"
#include "cli/exchange_map.h"
#include "cli/tool.h"
#include "sensorthings/json.h"

#include <dirent.h>
#include <unistd.h>

enum {
    FILES_MAX = 100000,
    PAGE_MAX = 64 * 1024 * 1024,
    ROWS_AT_ONCE = 1000,
    REQUEST_AIM = 700 * 1024,
    REFUSED_SHOWN = 50,
    NEWEST = 20,
    BROKEN_MAX = 10,
    ON_ITS_WAY_S = 1,
};

struct importing {
    struct city_client *to;
    const struct exchange_import *how;
    struct exchange_map *map;
    char *files[FILES_MAX];
    size_t files_count;
    struct buf page, request;
    uint64_t row_base; /* where the rows of this group begin in its file */
    bool resumed;      /* an earlier run may have made one thing more than its map tells */
    uint32_t broken;   /* connections */
    struct exchange_counts counts;
};

/* ---- ids ---------------------------------------------------------------------------------- */

static bool
old_key(char to[static 512], const char *set, struct bytes old_id)
{
    return old_id.len < 400 && bytes_find(old_id, '\n') == old_id.len &&
           snprintf(to, 512, "%s %.*s", set, BYTES_PRINTF(old_id)) > 0;
}

static uint64_t
find_link(void *ctx, const char *set, struct bytes old_id)
{
    char key[512];
    return old_key(key, set, old_id) ? exchange_map_find(((struct importing *)ctx)->map, key) : 0;
}

/* ---- pages -------------------------------------------------------------------------------- */

static bool
read_page(struct importing *m, const char *file, struct bytes *out)
{
    char path[TOOL_PATH_SIZE];
    size_t bad = 0;
    buf_fini(&m->page);
    snprintf(path, sizeof(path), "%s/%s", m->how->directory, file);
    if (!tool_read_file(path, PAGE_MAX, &m->page))
        return false;
    struct bytes text = buf_bytes(&m->page);
    if (text.len == 0 || !sta_json_check(text, &bad)) {
        fprintf(stderr, "bulkhead: %s is no JSON: it stops being such at byte %zu\n", path, bad);
        return false;
    }
    text = bytes_skip(text, sta_json_space(text, 0));
    if (sta_json_kind(text) == STA_JSON_OBJECT)
        text = sta_json_member(text, bytes_text("value"));
    *out = text;
    if (text.len && sta_json_kind(text) == STA_JSON_ARRAY)
        return true;
    fprintf(stderr, "bulkhead: %s holds no list and no \"value\" with one\n", path);
    return false;
}

static void
tell_refusal(struct importing *m, const char *file, uint64_t row, struct bytes why)
{
    if (m->counts.refused++ < REFUSED_SHOWN)
        fprintf(stderr, "refused: %s, row %llu: %.*s\n", file,
                (unsigned long long)(m->row_base + row + 1), (int)(why.len < 300 ? why.len : 300),
                (const char *)why.p);
    else if (m->counts.refused == REFUSED_SHOWN + 1)
        fprintf(stderr, "refused: more; they are counted\n");
}

/* The number in the last brackets of a Location. */
static uint64_t
made_id(const char *location)
{
    const char *open = strrchr(location, '('), *end = open ? strchr(open, ')') : NULL;
    uint64_t id = 0;
    return end && text_u64(bytes_of(open + 1, (size_t)(end - open - 1)), UINT64_MAX, &id) == OK ? id
                                                                                                : 0;
}

/*
 * The entity that was made by a run which was ended before its map said so: among the newest of the
 * set, of this name and description, and nobody's yet. 0: there is none.
 */
static bool
find_orphan(struct importing *m, const char *set, struct bytes entity, uint64_t *out_id)
{
    char target[160], key[512];
    struct city_answer a;
    struct bytes item;
    size_t bad;
    *out_id = 0;
    snprintf(target, sizeof(target),
             "/v1.1/%s?$orderby=id%%20desc&$top=%d&$select=id,name,description", set, NEWEST);
    if (!city_client_ask(m->to, target, NULL, true, &a))
        return false;
    struct bytes body = a.http.body;
    if (a.http.status != 200 || !sta_json_check(body, &bad))
        return true;
    body = bytes_skip(body, sta_json_space(body, 0));
    struct sta_json_walk w = {sta_json_member(body, bytes_text("value")), 0};
    while (w.value.len && *out_id == 0 && sta_json_next_item(&w, &item)) {
        struct bytes id = sta_json_member(item, bytes_text("@iot.id"));
        uint64_t number = 0;
        bool same = bytes_equal(sta_json_member(item, bytes_text("name")),
                                sta_json_member(entity, bytes_text("name"))) &&
                    bytes_equal(sta_json_member(item, bytes_text("description")),
                                sta_json_member(entity, bytes_text("description")));
        snprintf(key, sizeof(key), "made %s %.*s", set, id.len < 30 ? (int)id.len : 0,
                 (const char *)id.p);
        if (same && text_u64(id, UINT64_MAX, &number) == OK && !exchange_map_find(m->map, key))
            *out_id = number;
    }
    return true;
}

static bool
keep_entity(struct importing *m, const char *key, uint64_t made)
{
    m->resumed = false;
    m->counts.entities++;
    return exchange_map_keep(m->map, key, made);
}

/* ---- entities ----------------------------------------------------------------------------- */

static bool
import_entity(struct importing *m, const struct exchange_set *set, const char *file, uint64_t row,
              struct bytes entity)
{
    char key[512], target[64];
    struct city_answer a;
    struct bytes id = sta_json_kind(entity) == STA_JSON_OBJECT
                          ? sta_json_member(entity, bytes_text("@iot.id"))
                          : (struct bytes){0};
    if (!id.len || !old_key(key, set->name, id)) {
        tell_refusal(m, file, row, bytes_text("it has no @iot.id"));
        return true;
    }
    if (exchange_map_find(m->map, key))
        return true;
    buf_reset(&m->request);
    enum err e =
        exchange_put_entity(&m->request, set->name, entity, m->how->class_name, find_link, m);
    if (e != OK) {
        tell_refusal(m, file, row,
                     bytes_text(e == ERR_NOT_FOUND
                                    ? "what it is linked to was not brought over, or is not "
                                      "expanded in this page"
                                    : err_text(e)));
        return true;
    }
    struct bytes body = buf_bytes(&m->request);
    uint64_t made = 0;
    if (m->resumed && !find_orphan(m, set->name, entity, &made))
        return false;
    if (made)
        return keep_entity(m, key, made);
    snprintf(target, sizeof(target), "/v1.1/%s", set->name);
    if (!city_client_ask(m->to, target, &body, false, &a))
        return false;
    made = a.http.status == 201 ? made_id(a.location) : 0;
    if (!made) {
        tell_refusal(m, file, row, a.http.body);
        return true;
    }
    return keep_entity(m, key, made);
}

/* SET.json, SET.1.json, SET-anything.json */
static bool
is_of(const char *file, const char *set)
{
    size_t n = strlen(set);
    return strncmp(file, set, n) == 0 && (file[n] == '.' || file[n] == '-');
}

static bool
import_set(struct importing *m, const struct exchange_set *set)
{
    uint64_t before = m->counts.entities;
    for (size_t i = 0; i < m->files_count; i++) {
        struct bytes list, item;
        if (!is_of(m->files[i], set->name))
            continue;
        if (!read_page(m, m->files[i], &list))
            return false;
        struct sta_json_walk w = {list, 0};
        for (uint64_t row = 0; sta_json_next_item(&w, &item); row++)
            if (!import_entity(m, set, m->files[i], row, item))
                return false;
    }
    printf("%s: %llu made\n", set->name, (unsigned long long)(m->counts.entities - before));
    return true;
}

/* ---- rows --------------------------------------------------------------------------------- */

/* The old id of the stream: of its link, or in the name of the file; len 0: neither. */
static struct bytes
stream_of(const char *file, struct bytes group)
{
    struct bytes link = sta_json_member(group, bytes_text("Datastream@iot.navigationLink"));
    struct bytes named = sta_json_member(group, bytes_text("Datastream"));
    if (named.len && sta_json_kind(named) == STA_JSON_OBJECT)
        return sta_json_member(named, bytes_text("@iot.id"));
    if (link.len > 3 && link.p[link.len - 2] == ')') { /* ...Datastreams(12)" */
        size_t end = link.len - 2, at = end;
        while (at > 0 && link.p[at - 1] != '(')
            at--;
        return at ? bytes_of(link.p + at, end - at) : (struct bytes){0};
    }
    const char *dash = strchr(file, '-'), *dot = dash ? strchr(dash, '.') : NULL;
    return dot ? bytes_of(dash + 1, (size_t)(dot - dash - 1)) : (struct bytes){0};
}

/* What became of each row: a link, or "error". */
static void
see_outcome(struct importing *m, const char *file, uint64_t from, struct bytes body)
{
    size_t bad;
    struct bytes item;
    struct sta_json_walk w = {body, 0};
    if (!body.len || !sta_json_check(body, &bad) || sta_json_kind(body) != STA_JSON_ARRAY)
        return;
    for (uint64_t i = from; sta_json_next_item(&w, &item); i++) {
        if (bytes_start(item, "\"error"))
            tell_refusal(m, file, i, bytes_text("the zone does not take it (kind, range, rights)"));
        else
            m->counts.rows++;
    }
}

static uint64_t
count_rows(struct bytes group)
{
    struct sta_json_walk w = {sta_json_member(group, bytes_text("dataArray")), 0};
    struct bytes row;
    uint64_t count = 0;
    while (w.value.len && sta_json_kind(w.value) == STA_JSON_ARRAY && sta_json_next_item(&w, &row))
        count++;
    return count;
}

/* When a row was, and what it said: enough to know it again. */
struct row_mark {
    int64_t time_us;
    double number;
    struct bytes result; /* when it is no number */
};

static bool
mark_of(struct bytes components, struct bytes row, struct row_mark *out)
{
    struct sta_json_walk c = {components, 0}, r = {row, 0};
    struct bytes name, value;
    *out = (struct row_mark){0};
    bool time = false;
    while (sta_json_next_item(&c, &name) && sta_json_next_item(&r, &value)) {
        if (bytes_are(name, "\"phenomenonTime\"") && sta_json_kind(value) == STA_JSON_TEXT) {
            struct bytes text = bytes_of(value.p + 1, value.len - 2);
            text.len = bytes_find(text, '/');
            time = text_time(text, &out->time_us) == OK;
        } else if (bytes_are(name, "\"result\"") && text_double(value, &out->number) != OK) {
            out->result = value;
        }
    }
    return time;
}

static bool
same_mark(const struct row_mark *a, const struct row_mark *b)
{
    return a->time_us == b->time_us && memcmp(&a->number, &b->number, sizeof(a->number)) == 0 &&
           bytes_equal(a->result, b->result);
}

/*
 * A run that was ended, or a connection that broke, may have left rows there that its map does not
 * tell. Rows go in order, so the newest row of the stream, if it is among these, and the one before
 * it, say how far they came. *out_done: the first of [from, to) that is not there.
 */
static bool
find_stored(struct importing *m, struct bytes group, uint64_t stream, uint64_t from, uint64_t to,
            uint64_t *out_done)
{
    char target[200];
    struct city_answer a;
    struct bytes stored, row;
    struct row_mark mark, newest[2] = {0};
    size_t bad, known = 0;
    *out_done = from;
    snprintf(target, sizeof(target),
             "/v1.1/Datastreams(%llu)/Observations?$orderby=id%%20desc&$top=2&$resultFormat="
             "dataArray&$select=phenomenonTime,result",
             (unsigned long long)stream);
    if (!city_client_ask(m->to, target, NULL, true, &a))
        return false;
    if (a.http.status != 200 || !sta_json_check(a.http.body, &bad))
        return true;
    struct bytes body = bytes_skip(a.http.body, sta_json_space(a.http.body, 0));
    stored = sta_json_step(sta_json_member(body, bytes_text("value")), bytes_text("0"));
    struct sta_json_walk w = {sta_json_member(stored, bytes_text("dataArray")), 0};
    struct bytes columns = sta_json_member(stored, bytes_text("components"));
    while (w.value.len && columns.len && known < 2 && sta_json_next_item(&w, &row))
        if (mark_of(columns, row, &newest[known]))
            known++;
    w = (struct sta_json_walk){sta_json_member(group, bytes_text("dataArray")), 0};
    columns = sta_json_member(group, bytes_text("components"));
    struct row_mark before = {0};
    for (uint64_t i = 0; known && i < to && sta_json_next_item(&w, &row); i++) {
        bool good = sta_json_kind(row) == STA_JSON_ARRAY && mark_of(columns, row, &mark);
        if (i >= from && good && same_mark(&mark, &newest[0]) &&
            (i == 0 || known < 2 || same_mark(&before, &newest[1])))
            *out_done = i + 1;
        before = mark;
    }
    return true;
}

/* So many rows that they fit; the same again if a request is too long. */
static bool
import_some(struct importing *m, const char *file, struct bytes group, uint64_t stream,
            uint64_t from, uint64_t *to)
{
    struct city_answer a;
    for (;;) {
        buf_reset(&m->request);
        enum err e = exchange_put_rows(&m->request, group, stream, from, *to, find_link, m);
        if (e == OK && (m->request.len <= REQUEST_AIM || *to - from == 1))
            break;
        if (e != OK && e != ERR_LIMIT) {
            tell_refusal(m, file, from, bytes_text("rows and components do not agree"));
            return true;
        }
        if (*to - from == 1) {
            tell_refusal(m, file, from, bytes_text("the row is too long"));
            return true;
        }
        *to = from + (*to - from) / 2;
    }
    struct bytes body = buf_bytes(&m->request);
    if (!city_client_ask(m->to, "/v1.1/CreateObservations", &body, false, &a)) {
        *to = from; /* look what came of it, and go on */
        m->resumed = true;
        sleep(ON_ITS_WAY_S);
        return m->broken++ < BROKEN_MAX;
    }
    if (a.http.status == 201) {
        see_outcome(m, file, from, a.http.body);
    } else {
        tell_refusal(m, file, from, a.http.body);
        m->counts.refused += *to - from - 1;
    }
    return true;
}

static bool
import_group(struct importing *m, const char *file, uint64_t number, struct bytes group)
{
    char key[512];
    struct bytes old = stream_of(file, group);
    uint64_t stream = old.len ? find_link(m, "Datastreams", old) : 0;
    uint64_t count = count_rows(group);
    snprintf(key, sizeof(key), "rows %s %llu", file, (unsigned long long)number);
    uint64_t done = exchange_map_find(m->map, key);
    if (stream == 0 && count) {
        tell_refusal(m, file, 0, bytes_text("its Datastream was not brought over"));
        m->counts.refused += count - 1;
        return true;
    }
    while (done < count) {
        uint64_t to = count - done < ROWS_AT_ONCE ? count : done + ROWS_AT_ONCE;
        if (m->resumed) {
            uint64_t before = done;
            if (!find_stored(m, group, stream, done, to, &done))
                return false;
            m->resumed = false;
            m->counts.rows += done - before;
            if (done == to && !exchange_map_keep(m->map, key, done))
                return false;
            continue;
        }
        if (!import_some(m, file, group, stream, done, &to))
            return false;
        done = to;
        if (!exchange_map_keep(m->map, key, done))
            return false;
    }
    return true;
}

/* An Observation as an object: a group of one row. */
static bool
import_single(struct importing *m, const char *file, uint64_t number, struct bytes o)
{
    static const char *const names[] = {"phenomenonTime", "result",    "resultTime",
                                        "resultQuality",  "validTime", "parameters"};
    struct bytes old = stream_of(file, o),
                 feature = sta_json_member(o, bytes_text("FeatureOfInterest"));
    struct buf group;
    buf_init(&group, REQUEST_AIM);
    buf_text(&group, "{\"Datastream\":{\"@iot.id\":");
    buf_put(&group, old.len ? old : bytes_text("null"));
    buf_text(&group, "},\"components\":[\"phenomenonTime\",\"result\",\"resultTime\","
                     "\"resultQuality\",\"validTime\",\"parameters\",\"FeatureOfInterest/id\"],"
                     "\"dataArray\":[[");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct bytes value = sta_json_member(o, bytes_text(names[i]));
        buf_put(&group, value.len ? value : bytes_text("null"));
        buf_byte(&group, ',');
    }
    struct bytes id = sta_json_member(feature, bytes_text("@iot.id"));
    buf_put(&group, id.len ? id : bytes_text("null"));
    buf_text(&group, "]]}");
    bool good = buf_error(&group) == OK;
    m->row_base = number;
    if (good)
        good = import_group(m, file, number, buf_bytes(&group));
    else
        tell_refusal(m, file, number, bytes_text("the row is too long"));
    m->row_base = 0;
    bool fits = buf_error(&group) == OK;
    buf_fini(&group);
    return good || !fits;
}

static bool
import_rows(struct importing *m)
{
    for (size_t i = 0; i < m->files_count; i++) {
        struct bytes list, item;
        if (!is_of(m->files[i], "Observations"))
            continue;
        if (!read_page(m, m->files[i], &list))
            return false;
        struct sta_json_walk w = {list, 0};
        for (uint64_t number = 0; sta_json_next_item(&w, &item); number++) {
            bool object = sta_json_kind(item) == STA_JSON_OBJECT;
            bool group = object && sta_json_member(item, bytes_text("dataArray")).len;
            if (!object)
                tell_refusal(m, m->files[i], number, bytes_text("it is no object"));
            else if (!(group ? import_group : import_single)(m, m->files[i], number, item))
                return false;
        }
        if (i % 50 == 0)
            printf("%llu rows so far\n", (unsigned long long)m->counts.rows);
    }
    return true;
}

static int
by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static bool
list_files(struct importing *m)
{
    DIR *d = opendir(m->how->directory);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t n = strlen(entry->d_name);
        if (n > 5 && n < 200 && strcmp(entry->d_name + n - 5, ".json") == 0 &&
            strchr(entry->d_name, ' ') == NULL && m->files_count < FILES_MAX)
            m->files[m->files_count++] = strdup(entry->d_name);
    }
    if (d)
        closedir(d);
    qsort(m->files, m->files_count, sizeof(m->files[0]), by_name);
    if (m->files_count == 0)
        fprintf(stderr, "bulkhead: %s holds no pages (Things.json and so on)\n", m->how->directory);
    return m->files_count > 0;
}

bool
exchange_import(struct city_client *to, const struct exchange_import *how,
                struct exchange_counts *out)
{
    struct importing *m = calloc(1, sizeof(*m));
    ASSERT(m);
    m->to = to;
    m->how = how;
    buf_init(&m->page, 1);
    buf_init(&m->request, 1024 * 1024);
    m->map = list_files(m) ? exchange_map_open(how->map, &m->resumed) : NULL;
    bool good = m->map != NULL;
    if (good && m->resumed)
        sleep(ON_ITS_WAY_S); /* what was asked for by a run that has just been ended */
    for (size_t i = 0; good && i < EXCHANGE_SETS; i++)
        good = import_set(m, &exchange_sets[i]);
    good = good && import_rows(m);
    *out = m->counts;
    for (size_t i = 0; i < m->files_count; i++)
        free(m->files[i]);
    exchange_map_close(m->map);
    buf_fini(&m->page);
    buf_fini(&m->request);
    free(m);
    return good;
}
