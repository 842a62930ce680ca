#include "field/sumo/scenario.h"

#include <dirent.h>
#include <sys/stat.h>
#include <zlib.h>

#include "field/sumo/xml.h"

static bool
is_configuration(const char *name)
{
    static const char end[] = ".sumocfg";
    size_t n = strlen(name), m = sizeof(end) - 1;
    return n > m && strcmp(name + n - m, end) == 0;
}

enum err
scenario_find(const char *data, char out[static SCENARIO_PATH_SIZE])
{
    char whole[PATH_MAX], name[NAME_MAX + 1] = "";
    struct stat st;
    if (!realpath(data, whole) || stat(whole, &st) != 0)
        return ERR_NOT_FOUND;
    if (!S_ISDIR(st.st_mode))
        return bytes_copy_text(bytes_text(whole), out, SCENARIO_PATH_SIZE);
    DIR *d = opendir(whole);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (is_configuration(e->d_name) && (!name[0] || strcmp(e->d_name, name) < 0))
            snprintf(name, sizeof(name), "%s", e->d_name);
    }
    if (d)
        closedir(d);
    if (!name[0] || snprintf(out, SCENARIO_PATH_SIZE, "%s/%s", whole, name) >= SCENARIO_PATH_SIZE)
        return ERR_NOT_FOUND;
    return OK;
}

/* Add the files of a list to another one, each from the directory on. */
static enum err
add_files(struct bytes list, const char *directory, char *to, size_t size)
{
    for (;;) {
        struct bytes word = xml_word(&list);
        if (!word.p)
            return OK;
        size_t used = strlen(to);
        bool whole = word.p[0] == '/' || !directory[0];
        int n = snprintf(to + used, size - used, "%s%s%s%.*s", used ? "," : "",
                         whole ? "" : directory, whole ? "" : "/", BYTES_PRINTF(word));
        if (n < 0 || (size_t)n >= size - used)
            return ERR_LIMIT;
    }
}

enum err
scenario_parse(struct bytes xml, const char *directory, struct scenario *out)
{
    static const char *const route_names[] = {"route-files", "routes"};
    struct scenario s = {.begin_s = -1, .end_s = -1};
    struct xml_tag tag;
    enum err e = OK;
    while (e == OK && xml_next(&xml, &tag)) {
        struct bytes value = xml_attribute(tag, "value");
        bool routes = false;
        for (size_t i = 0; i < ARRAY_COUNT(route_names); i++)
            routes = routes || bytes_are(tag.name, route_names[i]);
        if (bytes_are(tag.name, "net-file") || bytes_are(tag.name, "net"))
            e = add_files(value, directory, s.network, sizeof(s.network));
        else if (routes)
            e = add_files(value, directory, s.routes, sizeof(s.routes));
        else if (bytes_are(tag.name, "additional-files") || bytes_are(tag.name, "additional"))
            e = add_files(value, directory, s.additional, sizeof(s.additional));
        else if (bytes_are(tag.name, "begin"))
            e = xml_double(tag, "value", &s.begin_s);
        else if (bytes_are(tag.name, "end"))
            e = xml_double(tag, "value", &s.end_s);
    }
    if (e == OK && !s.network[0])
        e = ERR_MALFORMED;
    if (e == OK)
        *out = s;
    return e;
}

enum err
scenario_file(const char *path, struct buf *out)
{
    gzFile f = gzopen(path, "re");
    int n = 1, why = Z_OK;
    if (!f)
        return ERR_IO;
    while (n > 0) {
        uint8_t *room = buf_room(out, 65536);
        n = room ? gzread(f, room, 65536) : 0;
        if (n > 0)
            buf_filled(out, (size_t)n);
    }
    gzerror(f, &why);
    gzclose(f);
    if (why == Z_OK)
        return buf_error(out);
    return why == Z_ERRNO ? ERR_IO : ERR_MALFORMED; /* Z_BUF_ERROR: it ends too early */
}

enum err
scenario_copy(const char *from, const char *to)
{
    static uint8_t some[65536];
    FILE *in = fopen(from, "re"), *out = in ? fopen(to, "we") : NULL;
    bool good = out != NULL;
    for (size_t n = 1; good && n > 0;) {
        n = fread(some, 1, sizeof(some), in);
        good = fwrite(some, 1, n, out) == n;
    }
    good = good && !ferror(in);
    if (out)
        good = fclose(out) == 0 && good;
    if (in)
        fclose(in);
    return good ? OK : ERR_IO;
}

static void
directory_of(const char *path, char out[static SCENARIO_PATH_SIZE])
{
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 0;
    snprintf(out, SCENARIO_PATH_SIZE, "%.*s", n, path);
}

enum err
scenario_read(const char *configuration, struct scenario *out)
{
    char directory[SCENARIO_PATH_SIZE];
    struct buf text;
    buf_init(&text, SCENARIO_BYTES_MAX);
    enum err e = scenario_file(configuration, &text);
    directory_of(configuration, directory);
    if (e == OK)
        e = scenario_parse(buf_bytes(&text), directory, out);
    buf_fini(&text);
    return e;
}

enum err
scenario_network(const char *configuration, const char *network,
                 char out[static SCENARIO_PATH_SIZE])
{
    if (!configuration)
        return bytes_copy_text(bytes_text(network), out, SCENARIO_PATH_SIZE);
    struct scenario s;
    enum err e = scenario_read(configuration, &s);
    return e == OK ? bytes_copy_text(bytes_text(s.network), out, SCENARIO_PATH_SIZE) : e;
}
