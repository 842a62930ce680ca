#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "field/bikes/bridge.h"
#include "field/bikes/feed_read.h"
#include "field/bikes/fleet.h"
#include "field/bikes/operator.h"
#include "field/common/device.h"
#include "field/common/fetch.h"
#include "field/common/status.h"

/*
 * The program, in three roles: the bridge (an operator's device at the city), the operator's feed
 * (--operator), and a reader of feed files (--data).
 */
enum {
    FETCH_MS = 3000,
    POLL_MS = 5000,
    REPEAT_MS = 55000,   /* every parked vehicle is repeated within this */
    DISCOVER_POLLS = 20, /* gbfs.json is read anew: feeds move */
    STREAM_STATIONS = 0,
    STREAM_VEHICLES,
    PATH_SIZE = 1024,
    CHUNK = 65536,
};

static const struct field_stream streams[] = {
    {"stations", "how full the stations are", "station-status", FIELD_JSON, NULL, NULL},
    {"vehicles", "vehicles that stand free", "vehicle-position", FIELD_JSON, NULL, NULL},
};

struct bikes {
    struct field_options options;
    const char *feed_url;
    const char *device_name;
    uint64_t poll_ms, vehicles, stations, port;
    bool operator_role;
    struct field *field;
    uint32_t device;
    struct feed feeds[2], *now, *before;
    char urls[FEED_URLS][FEED_URL_SIZE];
    struct buf body, part;
    uint64_t polls, failures;
};

static enum err
get(struct bikes *p, const char *url)
{
    struct fetch f = {.url = url, .timeout_ms = FETCH_MS};
    buf_reset(&p->body);
    enum err e = fetch_run(&f, &p->body);
    if (e == OK && f.status != 200)
        e = ERR_NOT_FOUND;
    if (e != OK)
        fprintf(stderr, "event=feed-not-read status=%ld why=\"%s\"\n", f.status,
                f.error[0] ? f.error : err_text(e));
    return e;
}

/* One reading into p->now. Files that the feed does not have are no error; a broken one is. */
static enum err
read_feed(struct bikes *p)
{
    enum err e = OK;
    if (p->polls % DISCOVER_POLLS == 0 || p->urls[FEED_STATION_STATUS][0] == '\0') {
        e = get(p, p->feed_url);
        if (e == OK)
            e = feed_read_discovery(buf_bytes(&p->body), p->urls);
    }
    feed_reset(p->now);
    for (size_t i = 0; i < FEED_URLS && e == OK; i++) {
        if (p->urls[i][0] == '\0')
            continue;
        e = get(p, p->urls[i]);
        if (e == OK)
            e = feed_read_file(p->now, (enum feed_file)i, buf_bytes(&p->body));
    }
    feed_finish(p->now);
    return e;
}

static bool
publish_vehicle(void *ctx, struct bytes result)
{
    struct bikes *p = ctx;
    enum err e =
        field_publish(p->field, p->device, STREAM_VEHICLES, field_wall_us(p->field), result);
    return e == OK;
}

static void
publish(struct bikes *p)
{
    uint32_t at = 0;
    uint32_t turns = (uint32_t)(REPEAT_MS / p->poll_ms);
    while (bridge_stations(p->now, &at, &p->part))
        if (field_publish(p->field, p->device, STREAM_STATIONS, field_wall_us(p->field),
                          buf_bytes(&p->part)) != OK)
            break; /* counted as dropped; the next reading says it anew */
    bridge_vehicles(p->before, p->now, (uint32_t)p->polls, turns ? turns : 1, publish_vehicle, p);
}

static void
poll_feed(struct bikes *p)
{
    if (!field_ready(p->field, p->device))
        return;
    enum err e = read_feed(p);
    p->polls++;
    if (e != OK) {
        p->failures++;
        p->urls[FEED_STATION_STATUS][0] = '\0'; /* perhaps it moved */
        return;
    }
    publish(p);
    struct feed *swap = p->before;
    p->before = p->now;
    p->now = swap;
}

static void
on_status(void *ctx, struct buf *lines)
{
    const struct bikes *p = ctx;
    status_put(lines, "stations", "%u", p->before->stations_count);
    status_put(lines, "vehicles", "%u", p->before->vehicles_count);
    status_put(lines, "polls", "%llu", (unsigned long long)p->polls);
    status_put(lines, "failures", "%llu", (unsigned long long)p->failures);
}

static int
run_bridge(struct bikes *p)
{
    const struct field_calls calls = {.ctx = p, .status = on_status};
    const struct field_thing thing = {.device = p->device_name,
                                      .description = "a bike operator's bridge",
                                      .longitude = -75.69,
                                      .latitude = 45.42,
                                      .streams = streams,
                                      .streams_count = ARRAY_COUNT(streams)};
    p->field = field_new(&p->options, &calls);
    if (!p->field || field_add(p->field, &thing, &p->device) != OK)
        return 3;
    uint64_t next_ms = 0;
    uint32_t wait_ms = 0;
    while (field_turn(p->field, wait_ms)) {
        uint64_t now_ms = field_mono_ms(p->field);
        if (now_ms >= next_ms && field_ready(p->field, p->device)) {
            poll_feed(p);
            next_ms = now_ms + p->poll_ms;
        }
        now_ms = field_mono_ms(p->field);
        wait_ms = next_ms > now_ms ? (uint32_t)(next_ms - now_ms) : 50;
    }
    field_end(p->field);
    printf("stations=%u vehicles=%u polls=%llu failures=%llu\n", p->before->stations_count,
           p->before->vehicles_count, (unsigned long long)p->polls,
           (unsigned long long)p->failures);
    field_free(p->field);
    return 0;
}

/* ---- --data: files in a directory --------------------------------------------------------- */

static enum err
load(struct bikes *p, const char *name)
{
    char file[PATH_SIZE];
    snprintf(file, sizeof(file), "%s/%s.json", p->options.data, name);
    FILE *in = fopen(file, "re");
    if (!in)
        return ERR_NOT_FOUND;
    buf_reset(&p->body);
    uint8_t *room;
    size_t n = 1;
    while (n > 0 && (room = buf_room(&p->body, CHUNK)) != NULL) {
        n = fread(room, 1, CHUNK, in);
        buf_filled(&p->body, n);
    }
    fclose(in);
    return buf_error(&p->body);
}

static int
run_data(struct bikes *p)
{
    static const char *const names[FEED_URLS] = {"station_information", "station_status",
                                                 "vehicle_status"};
    uint32_t files = 0;
    for (size_t i = 0; i < FEED_URLS; i++) {
        enum err e = load(p, names[i]);
        if (e == ERR_NOT_FOUND && i == FEED_VEHICLE_STATUS)
            e = load(p, "free_bike_status");
        if (e == ERR_NOT_FOUND)
            continue;
        if (e == OK)
            e = feed_read_file(p->now, (enum feed_file)i, buf_bytes(&p->body));
        if (e != OK) {
            fprintf(stderr, "bikes: %s.json: %s\n", names[i], err_text(e));
            return 1;
        }
        files++;
    }
    feed_finish(p->now);
    if (files == 0) {
        fprintf(stderr, "bikes: no feed files in %s\n", p->options.data);
        return 3;
    }
    const struct feed *f = p->now;
    printf("stations=%u stations_in_file=%u reports=%u reports_in_file=%u vehicles=%u "
           "vehicles_in_file=%u\n",
           f->read[FEED_STATION_INFORMATION], f->rows[FEED_STATION_INFORMATION],
           f->read[FEED_STATION_STATUS], f->rows[FEED_STATION_STATUS], f->vehicles_count,
           f->rows[FEED_VEHICLE_STATUS]);
    return 0;
}

static int
run(struct bikes *p)
{
    if (p->operator_role) {
        const struct operator_config config = {(uint16_t)p->port, p->options.seconds,
                                               p->options.seed, (uint32_t)p->vehicles,
                                               (uint32_t)p->stations};
        return operator_run(&config);
    }
    buf_init(&p->body, FEED_FILE_MAX);
    buf_init(&p->part, BRIDGE_PART_MAX);
    p->now = &p->feeds[0];
    p->before = &p->feeds[1];
    if (p->options.data)
        return run_data(p);
    if (!p->feed_url || p->options.mqtts.port == 0 || p->options.https.port == 0) {
        fprintf(stderr, "bikes: the bridge needs --feed, --mqtts and --https; see --help\n");
        return 2;
    }
    return run_bridge(p);
}

int
main(int argc, char **argv)
{
    static struct bikes p;
    p.options = (struct field_options){
        .program = "bikes",
        .summary = "a bike operator's bridge to the city, or its feed",
        .example = "bikes --operator --port 8099 & bikes --feed http://127.0.0.1:8099/gbfs.json "
                   "--devices D --mqtts 127.0.0.1:8886 --https 127.0.0.1:8446",
        .seed = 1};
    p.device_name = "operator-bikes";
    p.poll_ms = POLL_MS;
    p.vehicles = 240;
    p.stations = 30;
    p.port = 8099;
    const struct field_option more[] = {
        {"--feed", "URL", OPTION_TEXT, &p.feed_url, 0, "gbfs.json of the operator's feed"},
        {"--device", "NAME", OPTION_TEXT, &p.device_name, 0, "the bridge's device name"},
        {"--poll-ms", "N", OPTION_NUMBER, &p.poll_ms, REPEAT_MS, "between two readings"},
        {"--operator", NULL, OPTION_FLAG, &p.operator_role, 0, "serve a feed instead"},
        {"--port", "N", OPTION_NUMBER, &p.port, UINT16_MAX, "of the feed, on 127.0.0.1"},
        {"--vehicles", "N", OPTION_NUMBER, &p.vehicles, FLEET_VEHICLES_MAX, "in the feed"},
        {"--stations", "N", OPTION_NUMBER, &p.stations, FLEET_STATIONS_MAX, "in the feed"},
    };
    int code = 0;
    if (!field_options_parse(&p.options, more, ARRAY_COUNT(more), argc, argv, &code))
        return code;
    if (p.poll_ms == 0 || p.port == 0) {
        fprintf(stderr, "bikes: --poll-ms and --port are at least 1\n");
        return 2;
    }
    code = run(&p);
    buf_fini(&p.body);
    buf_fini(&p.part);
    return code;
}
