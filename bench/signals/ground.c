#include "bench/signals/ground.h"

#include <limits.h>

#include "field/sumo/process.h"

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

static enum err
write_file(const char *path, struct bytes text)
{
    FILE *f = fopen(path, "we");
    bool good = f && fwrite(text.p, 1, text.len, f) == text.len;
    if (f)
        good = fclose(f) == 0 && good;
    return good ? OK : ERR_IO;
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
        enum err e = bytes_copy_text(word, path, sizeof(path));
        if (e == OK)
            e = scenario_file(path, &g->texts);
        if (e == OK)
            e = take(g, bytes_skip(buf_bytes(&g->texts), before));
        if (e != OK) {
            snprintf(g->why, sizeof(g->why), "the scenario's file %.*s: %s",
                     (int)(word.len < 200 ? word.len : 200), (const char *)word.p, err_text(e));
            return false;
        }
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
    turns_init(&g->turns);
    g->turns_longest_m = -1;
    if (!buf_room(&g->texts, SCENARIO_BYTES_MAX - 1))
        return fail(g, "no memory");
    bool good = data ? use_data(g, data) : use_files(g, network, routes);
    snprintf(g->trips, sizeof(g->trips), "%s/trips.xml", g->outputs.folder);
    return good && each_file(g, g->scenario.network, true, take_programmes) &&
           each_file(g, g->scenario.additional, true, take_programmes) &&
           each_file(g, g->scenario.routes, false, take_buses) &&
           each_file(g, g->scenario.additional, false, take_buses);
}

/* --- who turns round --- */

static enum err
take_streets(struct ground *g, struct bytes text)
{
    return turns_read_network(&g->turns, text, g->turns_longest_m);
}

static enum err
take_routes(struct ground *g, struct bytes text)
{
    return turns_read_routes(&g->turns, text);
}

static enum err
take_ways(struct ground *g, struct bytes text)
{
    return turns_read_ways(&g->turns, text);
}

/* What has no route gets the way that SUMO's own router finds. */
static bool
find_ways(struct ground *g)
{
    char ways[SCENARIO_PATH_SIZE];
    const struct scenario *s = &g->scenario;
    snprintf(ways, sizeof(ways), "%s/ways.xml", g->outputs.folder);
    const char *const arguments[] = {
        "duarouter",   "-n",      s->network, "-r",
        s->routes,     "-o",      ways,       "--ignore-errors",
        "true",        "--begin", "0",        s->additional[0] ? "--additional-files" : NULL,
        s->additional, NULL};
    if (sumo_run(arguments) != OK)
        return fail(g, "duarouter (Debian package sumo) finds no ways for the trips");
    return each_file(g, ways, true, take_ways);
}

/* One file without them, written to `to`; with NULL there must be none in it. */
static bool
leave_out(struct ground *g, const char *path, const double times_s[2], const char *to,
          uint32_t *out_count)
{
    struct buf text, b;
    uint32_t before = *out_count;
    buf_init(&text, SCENARIO_BYTES_MAX);
    buf_init(&b, SCENARIO_BYTES_MAX);
    enum err e = scenario_file(path, &text);
    if (e == OK)
        e = turns_leave_out(&g->turns, buf_bytes(&text), times_s[0], times_s[1], &b, out_count);
    if (e == OK && to)
        e = write_file(to, buf_bytes(&b));
    bool stays = e == OK && !to && b.len == text.len && *out_count == before;
    buf_fini(&text);
    buf_fini(&b);
    if (e == OK && !to && !stays)
        return fail(g, "somebody in an additional file turns round");
    return e == OK ||
           fail(g, e == ERR_UNSUPPORTED ? g->turns.why : "cannot leave out who turns round");
}

bool
ground_without_turnarounds(struct ground *g, double longest_m, double begin_s, double end_s,
                           uint32_t *out_count)
{
    const double times_s[2] = {begin_s, end_s};
    struct scenario *s = &g->scenario;
    struct bytes routes = bytes_text(s->routes), additional = bytes_text(s->additional), word;
    char path[SCENARIO_PATH_SIZE], list[SCENARIO_LIST_SIZE] = "";
    *out_count = 0;
    g->turns_longest_m = longest_m;
    if (!each_file(g, s->network, true, take_streets) ||
        !each_file(g, s->additional, true, take_routes) ||
        !each_file(g, s->routes, true, take_routes) || (g->turns.trips && !find_ways(g)))
        return false;
    while ((word = xml_word(&additional)).p) {
        if (bytes_copy_text(word, path, sizeof(path)) != OK ||
            !leave_out(g, path, times_s, NULL, out_count))
            return false;
    }
    for (unsigned n = 0; (word = xml_word(&routes)).p; n++) {
        size_t used = strlen(list);
        int more = snprintf(list + used, sizeof(list) - used, "%s%s/without-%u.rou.xml",
                            n > 0 ? "," : "", g->outputs.folder, n);
        if (more < 0 || (size_t)more >= sizeof(list) - used ||
            bytes_copy_text(word, path, sizeof(path)) != OK ||
            !leave_out(g, path, times_s, list + used + (n > 0), out_count))
            return false;
    }
    snprintf(s->routes, sizeof(s->routes), "%s", list);
    return true;
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
    bool good =
        buf_error(&b) == OK && n >= 0 && (size_t)n < room && write_file(path, buf_bytes(&b)) == OK;
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
    turns_fini(&g->turns);
}
