/* command_report.c -- bulkhead report: what happened, in pictures and figures. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/disk.h"
#include "cli/report/fetch.h"
#include "cli/report/pictures.h"
#include "cli/report/summary.h"
#include "cli/tool.h"
#include "sensorthings/times.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: bulkhead report signals --state DIR --as NAME --purpose P --out FOLDER [--zone ZONE]\n"
    "                               [--from T] [--to T] [--corridor A,B,C] [--status FILE]\n"
    "Writes into FOLDER what the zone's lights did: index.html with figures, space-time.svg of a\n"
    "street, queues-N.svg of each intersection. T is an ISO 8601 time (the last 30 minutes are\n"
    "taken otherwise); a street is given by its intersections, or the longest straight one is\n"
    "taken. FILE is the status of the street's bridge (STATE/sumo.status), for its delay.\n"
    "example: bulkhead report signals --state run/demo --as operator --purpose operate --out "
    "lights\n";

enum { SPAN_US = 30 * 60 * 1000000, STATUS_BYTES_MAX = 64 * 1024 };
enum { STATE, AS, ZONE, PURPOSE, OUT, FROM, TO, CORRIDOR, STATUS, OPTIONS };

static bool
take_time(const char *text, int64_t *out_us)
{
    int64_t end_us;
    if (!text || sta_time_parse(bytes_text(text), out_us, &end_us) == OK)
        return true;
    fprintf(stderr, "bulkhead: %s is no ISO 8601 time with zone\n", text);
    return false;
}

static bool
take_span(const struct tool_option *o, struct report *r)
{
    struct clock_source clock = clock_system();
    r->to_us = clock_wall_us(&clock);
    if (!take_time(o[TO].value, &r->to_us))
        return false;
    r->from_us = r->to_us - SPAN_US;
    if (!take_time(o[FROM].value, &r->from_us))
        return false;
    if (r->from_us < r->to_us)
        return true;
    fprintf(stderr, "bulkhead: --from is before --to\n");
    return false;
}

/* Nobody asked for the time before anything was stored: the pictures begin with what there is. */
static void
skip_nothing(struct report *r)
{
    int64_t first_us = r->to_us;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->junctions[i]->lights_count && r->junctions[i]->lights[0].at_us < first_us)
            first_us = r->junctions[i]->lights[0].at_us;
    if (first_us > r->from_us && first_us < r->to_us)
        r->from_us = first_us;
}

static void
take_status(const struct tool_option *o, struct report *r)
{
    char path[TOOL_PATH_SIZE];
    struct buf lines;
    snprintf(path, sizeof(path), "%s/sumo.status", o[STATE].value);
    if (!o[STATUS].value && access(path, R_OK) != 0)
        return;
    if (!tool_read_file(o[STATUS].value ? o[STATUS].value : path, STATUS_BYTES_MAX, &lines))
        return;
    report_read_status(r, buf_bytes(&lines));
    buf_fini(&lines);
}

static bool
write_file(const char *folder, const char *name, const struct buf *what)
{
    char path[TOOL_PATH_SIZE];
    struct disk disk = disk_system();
    if (buf_error(what) != OK) {
        fprintf(stderr, "bulkhead: %s would be larger than %d MiB\n", name,
                PICTURE_BYTES_MAX / 1024 / 1024);
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && disk_write_at(&disk, fd, buf_bytes(what), 0) == OK;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

/* NULL: there is no street to draw. False with *out: a name that is not there. */
static bool
find_corridor(const struct tool_option *o, const struct report *r, const struct corridor **out)
{
    static struct corridor c; /* large */
    char missing[REPORT_NAME_SIZE];
    *out = NULL;
    if (!o[CORRIDOR].value) {
        if (corridor_find(r, &c) == OK)
            *out = &c;
        return true;
    }
    enum err e = corridor_named(r, o[CORRIDOR].value, &c, missing);
    if (e == ERR_NOT_FOUND)
        fprintf(stderr, "bulkhead: no intersection is called %s\n", missing);
    else if (e != OK || c.count < 2)
        fprintf(stderr, "bulkhead: a street has 2 to %d intersections\n", CORRIDOR_MAX);
    *out = &c;
    return e == OK && c.count >= 2;
}

static bool
write_all(const char *folder, const struct report *r, const struct corridor *street)
{
    struct buf b;
    char file[SUMMARY_FILE_SIZE];
    bool good = true;
    buf_init(&b, PICTURE_BYTES_MAX);
    if (street) {
        space_time_svg(r, street, &b);
        good = write_file(folder, "space-time.svg", &b);
    }
    for (uint32_t i = 0; good && i < r->count; i++) {
        buf_reset(&b);
        queues_svg(r, r->junctions[i], &b);
        summary_file(i, file);
        good = write_file(folder, file, &b);
    }
    buf_reset(&b);
    summary_html(r, street, &b);
    good = good && write_file(folder, "index.html", &b);
    buf_reset(&b);
    summary_text(r, street, &b);
    if (good)
        printf("%s%s/index.html\n", buf_string(&b), folder);
    buf_fini(&b);
    return good;
}

static int
report_signals(const struct tool_option *o)
{
    static struct report r; /* large */
    const struct corridor *street;
    const char *zone = o[ZONE].value ? o[ZONE].value : "signals";
    snprintf(r.zone, sizeof(r.zone), "%s", zone);
    if (!take_span(o, &r))
        return EXIT_USAGE;
    if (sodium_init() < 0)
        return EXIT_CANNOT;
    struct city_client *c =
        zone_client_open(o[STATE].value, o[AS].value, zone, o[PURPOSE].value, NULL);
    if (!c)
        return EXIT_CANNOT;
    bool good = fetch_signals(c, &r);
    city_client_free(c);
    take_status(o, &r);
    if (!o[FROM].value)
        skip_nothing(&r);
    if (good && r.count == 0) {
        fprintf(stderr, "bulkhead: zone %s shows %s no intersection\n", zone, o[AS].value);
        good = false;
    }
    if (good && mkdir(o[OUT].value, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "bulkhead: cannot make %s: %s\n", o[OUT].value, strerror(errno));
        good = false;
    }
    if (good && !find_corridor(o, &r, &street)) {
        report_free(&r);
        return EXIT_USAGE;
    }
    good = good && write_all(o[OUT].value, &r, street);
    report_free(&r);
    return good ? EXIT_OK : EXIT_CANNOT;
}

int
command_report(int argc, char **argv)
{
    struct tool_option o[OPTIONS] = {
        [STATE] = {"--state", true, NULL},   [AS] = {"--as", true, NULL},
        [ZONE] = {"--zone", true, NULL},     [PURPOSE] = {"--purpose", true, NULL},
        [OUT] = {"--out", true, NULL},       [FROM] = {"--from", true, NULL},
        [TO] = {"--to", true, NULL},         [CORRIDOR] = {"--corridor", true, NULL},
        [STATUS] = {"--status", true, NULL},
    };
    struct tool_words words;
    if (!tool_parse(argc, argv, o, OPTIONS, &words, help))
        return EXIT_USAGE;
    if (words.count != 1 || strcmp(words.list[0], "signals") != 0 || !o[STATE].value ||
        !o[AS].value || !o[PURPOSE].value || !o[OUT].value) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return report_signals(o);
}
