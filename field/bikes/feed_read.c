#include "field/bikes/feed_read.h"

#include <cjson/cJSON.h>

void
feed_reset(struct feed *f)
{
    f->stations_count = f->vehicles_count = 0;
    memset(f->rows, 0, sizeof(f->rows));
    memset(f->read, 0, sizeof(f->read));
}

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* 1.x and 2.x feeds write 0 and 1 for booleans now and then. */
static bool
is_true(const cJSON *value, bool otherwise)
{
    if (cJSON_IsNumber(value))
        return value->valuedouble != 0;
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : otherwise;
}

static int32_t
count_of(const cJSON *row, const char *name, const char *older_name)
{
    const cJSON *v = member(row, name);
    if (!v && older_name)
        v = member(row, older_name);
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) || v->valuedouble > 100000)
        return -1;
    return (int32_t)v->valuedouble;
}

/* Ids are printable ASCII without blanks (GBFS); what else they hold is their own matter. */
static bool
read_id(const cJSON *row, const char *name, const char *older_name, char out[FEED_ID_SIZE])
{
    const cJSON *v = member(row, name);
    if (!v && older_name)
        v = member(row, older_name);
    if (!cJSON_IsString(v))
        return false;
    size_t n = strlen(v->valuestring);
    if (n == 0 || n >= FEED_ID_SIZE)
        return false;
    for (size_t i = 0; i < n; i++)
        if (v->valuestring[i] <= ' ' || v->valuestring[i] > '~')
            return false;
    memcpy(out, v->valuestring, n + 1);
    return true;
}

static bool
read_place(const cJSON *row, double *lat, double *lon)
{
    const cJSON *a = member(row, "lat"), *o = member(row, "lon");
    if (!cJSON_IsNumber(a) || !cJSON_IsNumber(o) || !(a->valuedouble >= -90) ||
        a->valuedouble > 90 || !(o->valuedouble >= -180) || o->valuedouble > 180)
        return false;
    *lat = a->valuedouble;
    *lon = o->valuedouble;
    return true;
}

static struct feed_station *
station_of(struct feed *f, const char id[FEED_ID_SIZE])
{
    for (uint32_t i = 0; i < f->stations_count; i++)
        if (strcmp(f->stations[i].id, id) == 0)
            return &f->stations[i];
    if (f->stations_count == FEED_STATIONS_MAX)
        return NULL;
    struct feed_station *s = &f->stations[f->stations_count++];
    *s = (struct feed_station){.capacity = -1, .vehicles = -1, .docks = -1};
    memcpy(s->id, id, FEED_ID_SIZE);
    return s;
}

static bool
read_information(struct feed *f, const cJSON *row)
{
    char id[FEED_ID_SIZE];
    double lat, lon;
    if (!read_id(row, "station_id", NULL, id) || !read_place(row, &lat, &lon))
        return false;
    struct feed_station *s = station_of(f, id);
    if (!s || s->informed) /* a second row of one station is not a second station */
        return false;
    s->informed = true;
    s->lat = lat;
    s->lon = lon;
    s->capacity = count_of(row, "capacity", NULL);
    return true;
}

static bool
read_status(struct feed *f, const cJSON *row)
{
    char id[FEED_ID_SIZE];
    int32_t vehicles = count_of(row, "num_vehicles_available", "num_bikes_available");
    if (!read_id(row, "station_id", NULL, id) || vehicles < 0)
        return false;
    struct feed_station *s = station_of(f, id);
    if (!s || s->reported)
        return false;
    s->reported = true;
    s->vehicles = vehicles;
    s->docks = count_of(row, "num_docks_available", NULL);
    s->installed = is_true(member(row, "is_installed"), true);
    s->renting = is_true(member(row, "is_renting"), true);
    s->returning = is_true(member(row, "is_returning"), true);
    return true;
}

static bool
read_vehicle(struct feed *f, const cJSON *row)
{
    struct feed_vehicle v = {0};
    if (f->vehicles_count == FEED_VEHICLES_MAX || !read_id(row, "vehicle_id", "bike_id", v.id))
        return false;
    v.placed = read_place(row, &v.lat, &v.lon);
    if (!v.placed && !cJSON_IsString(member(row, "station_id")))
        return false; /* nowhere at all */
    v.reserved = is_true(member(row, "is_reserved"), false);
    f->vehicles[f->vehicles_count++] = v;
    return true;
}

enum err
feed_read_file(struct feed *f, enum feed_file which, struct bytes json)
{
    static bool (*const read_row[FEED_URLS])(struct feed *, const cJSON *) = {
        [FEED_STATION_INFORMATION] = read_information,
        [FEED_STATION_STATUS] = read_status,
        [FEED_VEHICLE_STATUS] = read_vehicle,
    };
    if (json.len > FEED_FILE_MAX)
        return ERR_MALFORMED;
    cJSON *root = cJSON_ParseWithLength((const char *)json.p, json.len);
    const cJSON *data = member(root, "data"), *row;
    const cJSON *rows = member(data, which == FEED_VEHICLE_STATUS ? "vehicles" : "stations");
    if (!rows && which == FEED_VEHICLE_STATUS)
        rows = member(data, "bikes"); /* free_bike_status of 2.x */
    if (!cJSON_IsArray(rows)) {
        cJSON_Delete(root);
        return ERR_MALFORMED;
    }
    cJSON_ArrayForEach(row, rows)
    {
        f->rows[which]++;
        if (read_row[which](f, row))
            f->read[which]++;
    }
    cJSON_Delete(root);
    return OK;
}

static int
by_id(const void *a, const void *b)
{
    const struct feed_vehicle *x = a, *y = b;
    return strcmp(x->id, y->id);
}

void
feed_finish(struct feed *f)
{
    qsort(f->vehicles, f->vehicles_count, sizeof(f->vehicles[0]), by_id);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->vehicles_count; i++)
        if (kept == 0 || strcmp(f->vehicles[kept - 1].id, f->vehicles[i].id) != 0)
            f->vehicles[kept++] = f->vehicles[i];
    f->vehicles_count = kept;
}

static void
take_url(const cJSON *feeds, const char *name, char out[FEED_URL_SIZE])
{
    const cJSON *row;
    cJSON_ArrayForEach(row, feeds)
    {
        const cJSON *n = member(row, "name"), *url = member(row, "url");
        if (cJSON_IsString(n) && cJSON_IsString(url) && strcmp(n->valuestring, name) == 0 &&
            strlen(url->valuestring) < FEED_URL_SIZE)
            snprintf(out, FEED_URL_SIZE, "%s", url->valuestring);
    }
}

enum err
feed_read_discovery(struct bytes json, char out[FEED_URLS][FEED_URL_SIZE])
{
    cJSON *root = cJSON_ParseWithLength((const char *)json.p, json.len);
    const cJSON *data = member(root, "data");
    const cJSON *feeds = member(data, "feeds");
    if (!feeds && data) /* 2.x: by language */
        feeds = member(data->child, "feeds");
    if (!cJSON_IsArray(feeds)) {
        cJSON_Delete(root);
        return ERR_MALFORMED;
    }
    for (size_t i = 0; i < FEED_URLS; i++)
        out[i][0] = '\0';
    take_url(feeds, "station_information", out[FEED_STATION_INFORMATION]);
    take_url(feeds, "station_status", out[FEED_STATION_STATUS]);
    take_url(feeds, "free_bike_status", out[FEED_VEHICLE_STATUS]);
    take_url(feeds, "vehicle_status", out[FEED_VEHICLE_STATUS]);
    cJSON_Delete(root);
    return OK;
}
