#include "cli/exchange.h"

#include "base/disk.h"
#include "base/text.h"
#include "cli/tool.h"
#include "cli/zone_client.h"
#include "sensorthings/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGET_SIZE = ZONE_CLIENT_TARGET_SIZE, STREAMS_MAX = 65536 };

struct exporting {
    struct city_client *from;
    const char *directory;
    uint64_t *streams; /* ids of Datastreams, for their rows */
    size_t streams_count;
    struct exchange_counts counts;
};

static const char *const sets[][2] = {
    {"ObservedProperties", ""},
    {"Sensors", ""},
    {"FeaturesOfInterest", ""},
    {"Locations", ""},
    {"Things", "&$expand=Locations($select=id)"},
    {"Datastreams", "&$expand=Thing($select=id),Sensor($select=id),ObservedProperty($select=id)"},
    {"MultiDatastreams",
     "&$expand=Thing($select=id),Sensor($select=id),ObservedProperties($select=id)"},
};

static bool
write_page(const struct exporting *x, const char *name, uint32_t page, struct bytes body)
{
    char path[TOOL_PATH_SIZE];
    struct disk disk = disk_system();
    snprintf(path, sizeof(path), "%s/%s.%u.json", x->directory, name, page);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && disk_write_at(&disk, fd, body, 0) == OK;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

typedef void page_fn(struct exporting *x, struct bytes item);

static bool
export_pages(struct exporting *x, const char *name, const char *first, page_fn *each)
{
    char target[TARGET_SIZE];
    struct city_answer a;
    struct bytes item;
    size_t bad;
    snprintf(target, sizeof(target), "%s", first);
    for (uint32_t page = 1;; page++) {
        if (!city_client_ask(x->from, target, NULL, true, &a))
            return false;
        struct bytes body = a.http.body;
        if (a.http.status != 200 || !sta_json_check(body, &bad)) {
            fprintf(stderr, "bulkhead: %s: %u %.*s\n", target, a.http.status,
                    (int)(body.len < 300 ? body.len : 300), (const char *)body.p);
            return false;
        }
        size_t at = sta_json_space(body, 0);
        body = bytes_skip(body, at);
        struct sta_json_walk w = {sta_json_member(body, bytes_text("value")), 0};
        if (w.value.len == 0)
            return false;
        uint64_t items = 0;
        while (sta_json_next_item(&w, &item)) {
            each(x, item);
            items++;
        }
        if ((items || page == 1) && !write_page(x, name, page, body))
            return false;
        if (!zone_client_next(body, target))
            return true;
    }
}

static void
see_entity(struct exporting *x, struct bytes item)
{
    (void)item;
    x->counts.entities++;
}

static void
see_stream(struct exporting *x, struct bytes item)
{
    struct bytes id = sta_json_member(item, bytes_text("@iot.id"));
    x->counts.entities++;
    if (x->streams_count < STREAMS_MAX && id.len &&
        text_u64(id, UINT64_MAX, &x->streams[x->streams_count]) == OK)
        x->streams_count++;
}

static void
see_rows(struct exporting *x, struct bytes group)
{
    struct sta_json_walk w = {sta_json_member(group, bytes_text("dataArray")), 0};
    struct bytes row;
    while (w.value.len && sta_json_next_item(&w, &row))
        x->counts.rows++;
}

static bool
export_all(struct exporting *x)
{
    char target[TARGET_SIZE], name[80];
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        snprintf(target, sizeof(target), "/v1.1/%s?$top=200%s", sets[i][0], sets[i][1]);
        if (!export_pages(x, sets[i][0], target,
                          strcmp(sets[i][0], "Datastreams") == 0 ? see_stream : see_entity))
            return false;
    }
    printf("%llu entities\n", (unsigned long long)x->counts.entities);
    for (size_t i = 0; i < x->streams_count; i++) {
        unsigned long long id = x->streams[i];
        snprintf(name, sizeof(name), "Observations-%llu", id);
        snprintf(target, sizeof(target),
                 "/v1.1/Datastreams(%llu)/Observations?$resultFormat=dataArray&$top=1000"
                 "&$orderby=phenomenonTime&$select=phenomenonTime,result,resultTime,resultQuality,"
                 "validTime,parameters,FeatureOfInterest",
                 id);
        if (!export_pages(x, name, target, see_rows))
            return false;
        printf("Datastreams(%llu): %llu rows so far\n", id, (unsigned long long)x->counts.rows);
    }
    return true;
}

bool
exchange_export(struct city_client *from, const char *directory, struct exchange_counts *out)
{
    struct exporting x = {.from = from, .directory = directory};
    if (mkdir(directory, 0700) != 0) {
        fprintf(stderr, "bulkhead: cannot make %s: %s\n", directory, strerror(errno));
        return false;
    }
    x.streams = calloc(STREAMS_MAX, sizeof(x.streams[0]));
    bool good = x.streams && export_all(&x);
    free(x.streams);
    *out = x.counts;
    return good;
}
