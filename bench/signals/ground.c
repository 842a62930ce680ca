#include "bench/signals/ground.h"

#include <limits.h>

static bool
fail(struct ground *g, const char *why)
{
    snprintf(g->why, sizeof(g->why), "%s", why);
    return false;
}

static void
base_name(const char *path, char *out, size_t size)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    snprintf(out, size, "%.*s", (int)(n - from), path + from);
}

static bool
use_data(struct ground *g, const char *data)
{
    char whole[PATH_MAX];
    if (scenario_find(data, g->configuration) != OK || !realpath(data, whole))
        return fail(g, "--data names neither a folder with a .sumocfg nor one");
    base_name(whole, g->name, sizeof(g->name));
    if (scenario_read(g->configuration, &g->scenario) != OK)
        return fail(g, "cannot read the .sumocfg");
    return true;
}

static bool
use_files(struct ground *g, const char *network, const char *routes)
{
    char whole[PATH_MAX];
    base_name(network, g->name, sizeof(g->name));
    g->scenario = (struct scenario){.begin_s = -1, .end_s = -1};
    if (!realpath(network, whole))
        return fail(g, "the network is not there");
    snprintf(g->scenario.network, sizeof(g->scenario.network), "%s", whole);
    if (!realpath(routes, whole))
        return fail(g, "the routes are not there");
    snprintf(g->scenario.routes, sizeof(g->scenario.routes), "%s", whole);
    return true;
}

typedef enum err text_fn(struct ground *g, struct bytes text);

static enum err
take_programmes(struct ground *g, struct bytes text)
{
    return programmes_read(&g->programmes, text);
}

static enum err
take_walks(struct ground *g, struct bytes text)
{
    struct street *street = NULL;
    enum err e = street_read(text, &street);
    if (e != OK)
        return e;
    programmes_walks(&g->programmes, street);
    street_free(street);
    return OK;
}

static enum err
take_buses(struct ground *g, struct bytes text)
{
    return tripinfo_find_buses(text, &g->buses);
}

/*
 * Read one file after the other. Programmes point into their texts, which therefore stay: `texts`
 * has all its room from the beginning and never moves.
 */
static bool
each_file(struct ground *g, const char *list, bool keep, text_fn *take)
{
    struct bytes rest = bytes_text(list);
    for (;;) {
        char path[SCENARIO_PATH_SIZE];
        struct bytes word = xml_word(&rest);
        if (!word.p)
            return true;
        size_t before = g->texts.len;
        if (bytes_copy_text(word, path, sizeof(path)) != OK || scenario_file(path, &g->texts) != OK)
            return fail(g, "cannot read a file that the scenario names");
        struct bytes text = bytes_skip(buf_bytes(&g->texts), before);
        if (take(g, text) != OK)
            return fail(g, "a file of the scenario is not as SUMO's are");
        if (!keep)
            g->texts.len = before;
    }
}

bool
ground_open(struct ground *g, const char *data, const char *network, const char *routes,
            const char *keep)
{
    if (outputs_open(&g->outputs, keep) != OK)
        return fail(g, "cannot make a folder for what SUMO writes");
    buf_init(&g->texts, SCENARIO_BYTES_MAX);
    if (!buf_room(&g->texts, SCENARIO_BYTES_MAX - 1))
        return fail(g, "no memory");
    bool good = data ? use_data(g, data) : use_files(g, network, routes);
    snprintf(g->trips, sizeof(g->trips), "%s/trips.xml", g->outputs.folder);
    return good && each_file(g, g->scenario.network, true, take_programmes) &&
           each_file(g, g->scenario.additional, true, take_programmes) &&
           each_file(g, g->scenario.routes, false, take_buses) &&
           each_file(g, g->scenario.additional, false, take_buses);
}

bool
ground_programmes(struct ground *g, const struct programme_form *form)
{
    struct buf b;
    uint32_t left;
    if (!each_file(g, g->scenario.network, false, take_walks))
        return false;
    buf_init(&b, SCENARIO_BYTES_MAX);
    programmes_put(&g->programmes, form, &b, &left);
    char path[SCENARIO_PATH_SIZE];
    size_t used = strlen(g->scenario.additional), room = sizeof(g->scenario.additional) - used;
    snprintf(path, sizeof(path), "%s/programmes.add.xml", g->outputs.folder);
    int n = snprintf(g->scenario.additional + used, room, "%s%s", used ? "," : "", path);
    FILE *f = buf_error(&b) == OK && n >= 0 && (size_t)n < room ? fopen(path, "we") : NULL;
    bool good = f && fwrite(b.p, 1, b.len, f) == b.len;
    if (f)
        good = fclose(f) == 0 && good;
    buf_fini(&b);
    if (left > 0)
        fprintf(stderr, "direct: %u programmes keep their own changes: they cannot be cleared\n",
                (unsigned)left);
    return good || fail(g, "cannot write programmes");
}

bool
ground_trips(struct ground *g, struct tripinfo *out)
{
    struct buf b;
    buf_init(&b, TRIPINFO_BYTES_MAX);
    enum err e = scenario_file(g->trips, &b);
    if (e == OK)
        e = tripinfo_read(buf_bytes(&b), &g->buses, out);
    buf_fini(&b);
    return e == OK || fail(g, "sumo left no whole file of trips");
}

void
ground_close(struct ground *g)
{
    outputs_close(&g->outputs);
    buf_fini(&g->texts);
}
