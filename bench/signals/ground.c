#include "bench/signals/ground.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
fail(struct ground *g, const char *why)
{
    snprintf(g->why, sizeof(g->why), "%s", why);
    return false;
}

static bool
ends(const char *name, const char *with)
{
    size_t n = strlen(name), m = strlen(with);
    return n > m && strcmp(name + n - m, with) == 0;
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

/* The .sumocfg of a folder: the first by name. */
static bool
find_configuration(const char *directory, char out[static NAME_MAX + 1])
{
    DIR *d = opendir(directory);
    out[0] = '\0';
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (ends(e->d_name, ".sumocfg") && (!out[0] || strcmp(e->d_name, out) < 0))
            snprintf(out, NAME_MAX + 1, "%s", e->d_name);
    }
    if (d)
        closedir(d);
    return out[0] != '\0';
}

/* The file that SUMO writes for this tag of a configuration or an additional file. */
static struct bytes
output_of(struct xml_tag tag)
{
    static const char *const read[] = {"variableSpeedSign", "rerouter", "calibrator"};
    char name[64] = "";
    if (bytes_copy_text(tag.name, name, sizeof(name)) != OK)
        return (struct bytes){0};
    if (ends(name, "output") || ends(name, "log") || strcmp(name, "log") == 0)
        return xml_attribute(tag, "value");
    for (size_t i = 0; i < ARRAY_COUNT(read); i++) {
        if (strcmp(name, read[i]) == 0)
            return (struct bytes){0};
    }
    struct bytes file = xml_attribute(tag, "file");
    return file.p ? file : xml_attribute(tag, "dest");
}

/* Whether the files in `texts`, as far as they were read, let SUMO write a file of this name. */
static bool
is_output(const struct ground *g, const char *name)
{
    struct bytes rest = buf_bytes(&g->texts);
    struct xml_tag tag;
    while (xml_next(&rest, &tag)) {
        if (bytes_are(output_of(tag), name))
            return true;
    }
    return false;
}

static bool
link_files(struct ground *g, const char *directory)
{
    DIR *d = opendir(directory);
    bool good = d != NULL;
    for (struct dirent *e; good && (e = readdir(d)) != NULL;) {
        char from[PATH_MAX], to[PATH_MAX];
        if (e->d_name[0] == '.' || is_output(g, e->d_name))
            continue;
        good = snprintf(from, sizeof(from), "%s/%s", directory, e->d_name) < (int)sizeof(from) &&
               snprintf(to, sizeof(to), "%s/%s", g->folder, e->d_name) < (int)sizeof(to) &&
               symlink(from, to) == 0;
    }
    if (d)
        closedir(d);
    return good || fail(g, "cannot link the scenario's files");
}

/* Read a list of files behind each other. */
static bool
read_files(struct ground *g, const char *list)
{
    struct bytes rest = bytes_text(list);
    for (;;) {
        char path[SCENARIO_PATH_SIZE];
        struct bytes word = xml_word(&rest);
        if (!word.p)
            return true;
        if (bytes_copy_text(word, path, sizeof(path)) != OK || scenario_file(path, &g->texts) != OK)
            return fail(g, "cannot read a file that the scenario names");
    }
}

static bool
use_data(struct ground *g, const char *data)
{
    char whole[PATH_MAX], name[NAME_MAX + 1], path[SCENARIO_PATH_SIZE];
    struct stat st;
    if (!realpath(data, whole) || stat(whole, &st) != 0)
        return fail(g, "--data names nothing that is there");
    base_name(whole, g->name, sizeof(g->name));
    bool folder = S_ISDIR(st.st_mode);
    if (folder && !find_configuration(whole, name))
        return fail(g, "the folder holds no .sumocfg");
    if (!folder) {
        base_name(whole, name, sizeof(name));
        *strrchr(whole, '/') = '\0';
    }
    int n = snprintf(path, sizeof(path), "%s/%s", whole, name);
    if (n >= (int)sizeof(path) || scenario_read(path, &g->scenario) != OK)
        return fail(g, "cannot read the .sumocfg");
    bool good =
        read_files(g, path) && read_files(g, g->scenario.additional) && link_files(g, whole);
    g->texts.len = 0;
    snprintf(g->configuration, sizeof(g->configuration), "%s/%s", g->folder, name);
    if (good && scenario_read(g->configuration, &g->scenario) != OK)
        return fail(g, "cannot read the .sumocfg");
    return good;
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
ground_open(struct ground *g, const char *data, const char *network, const char *routes)
{
    const char *base = getenv("TMPDIR");
    snprintf(g->folder, sizeof(g->folder), "%.40s/signals.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(g->folder)) {
        g->folder[0] = '\0';
        return fail(g, "cannot make a temporary folder");
    }
    buf_init(&g->texts, SCENARIO_BYTES_MAX);
    if (!buf_room(&g->texts, SCENARIO_BYTES_MAX - 1))
        return fail(g, "no memory");
    bool good = data ? use_data(g, data) : use_files(g, network, routes);
    snprintf(g->trips, sizeof(g->trips), "%s/trips.xml", g->folder);
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
    buf_init(&b, SCENARIO_BYTES_MAX);
    programmes_put(&g->programmes, form, &b, &left);
    char path[SCENARIO_PATH_SIZE];
    size_t used = strlen(g->scenario.additional), room = sizeof(g->scenario.additional) - used;
    snprintf(path, sizeof(path), "%s/programmes.add.xml", g->folder);
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
    DIR *d = g->folder[0] ? opendir(g->folder) : NULL;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
    if (g->folder[0])
        rmdir(g->folder);
    buf_fini(&g->texts);
}
