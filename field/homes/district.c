#include "field/homes/district.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "base/text.h"
#include "field/homes/battery.h"

enum { PATH_SIZE = 1024, LINE_SIZE = 4096, SCHEMA_MAX = 4 * 1024 * 1024, NUMBER_MAX = 10000 };

struct series {
    double *v; /* DISTRICT_HOURS_MAX, taken at start */
    uint32_t count;
};

struct district_home {
    struct series load, sun;
    double roof_kw, capacity_kwh, power_kw;
};

struct district {
    struct district_home homes[DISTRICT_HOMES_MAX];
    struct series price;
    uint32_t homes_count, skipped;
};

/* The n-th comma-separated field of a line. */
static struct bytes
field_at(struct bytes line, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        size_t at = bytes_find(line, ',');
        if (at == line.len)
            return (struct bytes){0};
        line = bytes_skip(line, at + 1);
    }
    line.len = bytes_find(line, ',');
    return line;
}

static bool
column_of(struct bytes header, const char *name, uint32_t *out)
{
    for (uint32_t i = 0; i < 64; i++) {
        if (bytes_are(field_at(header, i), name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static struct bytes
read_line(FILE *in, char *line)
{
    if (!fgets(line, LINE_SIZE, in))
        return (struct bytes){0};
    struct bytes b = bytes_text(line);
    while (b.len && (b.p[b.len - 1] == '\n' || b.p[b.len - 1] == '\r'))
        b.len--;
    return b;
}

/* Read up to two columns of a file. Lines whose columns are no numbers are counted as skipped. */
static enum err
read_csv(const char *file, const char *const names[], struct series *const to[], uint32_t columns,
         uint32_t *skipped)
{
    char line[LINE_SIZE];
    uint32_t at[2] = {0};
    ASSERT(columns <= ARRAY_COUNT(at));
    FILE *in = fopen(file, "re");
    if (!in)
        return ERR_NOT_FOUND;
    struct bytes header = read_line(in, line);
    enum err e = OK;
    for (uint32_t i = 0; i < columns && e == OK; i++)
        e = column_of(header, names[i], &at[i]) ? OK : ERR_MALFORMED;
    while (e == OK) {
        struct bytes row = read_line(in, line);
        double value[2];
        if (row.p == NULL)
            break;
        bool good = true;
        for (uint32_t i = 0; i < columns; i++)
            good = good && text_double(field_at(row, at[i]), &value[i]) == OK;
        if (!good) {
            (*skipped)++;
            continue;
        }
        for (uint32_t i = 0; i < columns && e == OK; i++) {
            if (to[i]->count == DISTRICT_HOURS_MAX)
                e = ERR_LIMIT;
            else
                to[i]->v[to[i]->count++] = value[i];
        }
    }
    fclose(in);
    return e;
}

static double
attribute(const cJSON *building, const char *part, const char *name, double otherwise)
{
    const cJSON *p = cJSON_GetObjectItemCaseSensitive(building, part);
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(p, "attributes");
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(a, name);
    return cJSON_IsNumber(v) && v->valuedouble > 0 ? v->valuedouble : otherwise;
}

static cJSON *
read_schema(const char *directory)
{
    char file[PATH_SIZE];
    snprintf(file, sizeof(file), "%s/schema.json", directory);
    FILE *in = fopen(file, "re");
    if (!in)
        return NULL;
    struct buf text;
    buf_init(&text, SCHEMA_MAX);
    uint8_t *room;
    size_t n = 1;
    while (n > 0 && (room = buf_room(&text, LINE_SIZE)) != NULL) {
        n = fread(room, 1, LINE_SIZE, in);
        buf_filled(&text, n);
    }
    fclose(in);
    cJSON *schema = text.overflow ? NULL : cJSON_ParseWithLength((const char *)text.p, text.len);
    buf_fini(&text);
    return schema;
}

static double *
series_new(void)
{
    double *v = calloc(DISTRICT_HOURS_MAX, sizeof(double));
    ASSERT(v);
    return v;
}

/* Homes are numbered from 1 or from anywhere; every Building_N.csv up to NUMBER_MAX is read. */
static enum err
read_homes(struct district *d, const char *directory, const cJSON *schema)
{
    static const char *const names[] = {"non_shiftable_load", "solar_generation"};
    const cJSON *buildings = cJSON_GetObjectItemCaseSensitive(schema, "buildings");
    for (uint32_t n = 1; n <= NUMBER_MAX && d->homes_count < DISTRICT_HOMES_MAX; n++) {
        char name[32], file[PATH_SIZE];
        snprintf(name, sizeof(name), "Building_%u", n);
        snprintf(file, sizeof(file), "%s/%s.csv", directory, name);
        struct district_home *h = &d->homes[d->homes_count];
        if (!h->load.v) {
            h->load.v = series_new();
            h->sun.v = series_new();
        }
        struct series *const to[] = {&h->load, &h->sun};
        enum err e = read_csv(file, names, to, 2, &d->skipped);
        if (e == ERR_NOT_FOUND)
            continue;
        if (e != OK) {
            fprintf(stderr, "homes: %s: %s\n", file, err_text(e));
            return e;
        }
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(buildings, name);
        h->roof_kw = attribute(b, "pv", "nominal_power", 4);
        h->capacity_kwh = attribute(b, "electrical_storage", "capacity", 6.4);
        h->power_kw = attribute(b, "electrical_storage", "nominal_power", 5);
        d->homes_count++;
    }
    return OK;
}

double
district_greedy(double load_kwh, double sun_kwh, double capacity_kwh)
{
    return fmax(-1, fmin(1, (sun_kwh - load_kwh) / capacity_kwh));
}

/* specs/energy.md 2.1: what is decided with hour t acts in hour t+1. */
static void
run(const struct district *d, struct district_result *r)
{
    struct battery batteries[DISTRICT_HOMES_MAX];
    double action[DISTRICT_HOMES_MAX] = {0};
    for (uint32_t b = 0; b < d->homes_count; b++)
        battery_init(&batteries[b], d->homes[b].capacity_kwh, d->homes[b].power_kw);
    for (uint32_t t = 0; t < r->hours; t++) {
        double idle = 0, planned = 0;
        for (uint32_t b = 0; b < d->homes_count; b++) {
            const struct district_home *h = &d->homes[b];
            double sun = h->sun.v[t] * h->roof_kw / 1000, net = h->load.v[t] - sun;
            double asked = action[b] * batteries[b].capacity_kwh;
            idle += net;
            planned += net + (t > 0 ? battery_step(&batteries[b], asked, 1) : 0);
            action[b] = district_greedy(h->load.v[t], sun, batteries[b].capacity_kwh);
        }
        r->cost_idle += fmax(0, idle) * d->price.v[t];
        r->cost += fmax(0, planned) * d->price.v[t];
    }
}

static enum err
load(struct district *d, const char *directory)
{
    static const char *const price_name[] = {"electricity_pricing"};
    char file[PATH_SIZE];
    d->price.v = series_new();
    struct series *const to[] = {&d->price};
    snprintf(file, sizeof(file), "%s/pricing.csv", directory);
    enum err e = read_csv(file, price_name, to, 1, &d->skipped);
    if (e != OK) {
        fprintf(stderr, "homes: %s: %s\n", file, err_text(e));
        return e;
    }
    cJSON *schema = read_schema(directory);
    if (!schema)
        fprintf(stderr, "homes: no schema.json: 4 kW roofs, batteries of 6.4 kWh and 5 kW\n");
    e = read_homes(d, directory, schema);
    cJSON_Delete(schema);
    if (e == OK && d->homes_count == 0) {
        fprintf(stderr, "homes: no Building_N.csv in %s\n", directory);
        e = ERR_NOT_FOUND;
    }
    return e;
}

enum err
district_run(const char *directory, struct district_result *out)
{
    struct district *d = calloc(1, sizeof(*d));
    ASSERT(d);
    enum err e = load(d, directory);
    if (e == OK) {
        struct district_result r = {
            .homes = d->homes_count, .hours = d->price.count, .skipped_rows = d->skipped};
        for (uint32_t b = 0; b < d->homes_count; b++)
            if (d->homes[b].load.count < r.hours)
                r.hours = d->homes[b].load.count;
        run(d, &r);
        *out = r;
    }
    for (uint32_t b = 0; b < DISTRICT_HOMES_MAX; b++) {
        free(d->homes[b].load.v);
        free(d->homes[b].sun.v);
    }
    free(d->price.v);
    free(d);
    return e;
}
