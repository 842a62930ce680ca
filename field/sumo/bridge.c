#include "field/sumo/bridge.h"
#include "base/text.h"
#include "field/common/status.h"
#include "field/sumo/scenario.h"
#include "field/sumo/silence.h"

enum { LANES, STATE, LEASE, STREAMS_COUNT };
enum { PROPERTIES_MAX = 60 * 1024, PATH_SIZE = 4096 };

/* The city of the generator lies nowhere; a place on paper lets maps draw it to scale. */
#define PAPER_LATITUDE 53.0
#define PAPER_LONGITUDE 8.0
#define METRES_PER_DEGREE 111320.0
#define COS_LATITUDE 0.6018

static const struct field_stream streams[STREAMS_COUNT] = {
    [LANES] = {"lanes", "standing and near vehicles by lane", "lane-count", FIELD_JSON, NULL, NULL},
    [STATE] = {"state", "what is shown, on change", "signal-state", FIELD_JSON, NULL, NULL},
    [LEASE] = {"lease", "sequence of the lease obeyed", "lease-report", FIELD_COUNT, NULL, NULL},
};

struct steered {
    struct executor executor;
    struct buf properties;
    bool connected;  /* has a device */
    uint32_t device; /* its number */
    bool report_lease;
    uint64_t lease_sequence;
    struct silence silence;
    uint64_t silences; /* seconds */
};

struct bridge {
    struct bridge_config config;
    struct world *city, *twin;
    struct steered *sites;
    const struct site *network;
    uint32_t sites_count;
    struct site_left left;
    uint32_t site_of_device[FIELD_DEVICES_MAX];
    uint64_t steps;
    struct traffic_totals last, last_fixed; /* outlive the worlds, for the last status */
    struct buf text;
    char city_trips[PATH_SIZE], fixed_trips[PATH_SIZE];
    const char *why;
};

static enum err
open_worlds(struct bridge *b, char *why)
{
    struct world_config c = b->config.world;
    snprintf(b->city_trips, PATH_SIZE, "%s/trips-city.xml", b->config.directory);
    snprintf(b->fixed_trips, PATH_SIZE, "%s/trips-fixed.xml", b->config.directory);
    char end[32];
    const char *more[5];
    size_t n = 0;
    if (b->config.end_s >= 0) { /* who departs later is no trip of this simulation */
        snprintf(end, sizeof(end), "%.0f", b->config.end_s);
        more[n++] = "--end";
        more[n++] = end;
    }
    if (b->config.demand) {
        more[n++] = "--scale";
        more[n++] = b->config.demand;
    }
    more[n] = NULL;
    c.more = more;
    enum err e = OK;
    c.tripinfo = b->fixed_trips;
    if (!b->config.alone)
        e = world_open(&c, &b->twin, why);
    c.tripinfo = b->city_trips;
    c.no_totals = b->config.alone;
    if (e == OK && !b->config.fixed_only)
        e = world_open(&c, &b->city, why);
    return e;
}

struct world *
bridge_world(struct bridge *b)
{
    return b->city ? b->city : b->twin;
}

static enum err
warm_up(struct bridge *b, char *why)
{
    for (uint64_t i = 0; i < b->config.warm_up_s; i++) {
        enum err e = bridge_step(b, NULL, 0);
        if (e != OK) {
            snprintf(why, WORLD_WHY_SIZE, "the simulation ended while warming up");
            return e;
        }
    }
    if (b->config.warm_up_s > 0) {
        if (b->twin)
            world_mark(b->twin);
        if (b->city)
            world_mark(b->city);
    }
    return OK;
}

/* One that is refused stays under its own programme, and is no device. ERR_DENIED: all are. */
static enum err
open_sites(struct bridge *b, char *why)
{
    uint32_t refused = 0;
    b->network = world_sites(bridge_world(b), &b->sites_count);
    b->left = *world_left(bridge_world(b));
    b->sites = calloc(b->sites_count ? b->sites_count : 1, sizeof(*b->sites));
    ASSERT(b->sites);
    for (uint32_t i = 0; i < b->sites_count; i++) {
        struct executor *x = &b->sites[i].executor;
        buf_init(&b->sites[i].properties, PROPERTIES_MAX);
        if (executor_init(x, &b->network[i], &b->config.times) == OK)
            continue;
        snprintf(why, WORLD_WHY_SIZE, "%s: %s", b->network[i].device, x->why);
        site_leave(&b->left, b->network[i].id, x->why);
        refused++;
    }
    return refused > 0 && refused == b->sites_count ? ERR_DENIED : OK;
}

enum err
bridge_open(const struct bridge_config *config, struct bridge **out, char *why)
{
    struct bridge *b = calloc(1, sizeof(*b));
    ASSERT(b);
    b->config = *config;
    b->why = "";
    buf_init(&b->text, FIELD_RESULT_MAX);
    enum err e = open_worlds(b, why);
    if (e == OK) {
        e = open_sites(b, why);
        if (e == OK)
            e = warm_up(b, why);
    }
    if (e != OK) {
        bridge_free(b);
        return e;
    }
    *out = b;
    return OK;
}

void
bridge_list(const struct bridge *b, FILE *out)
{
    for (uint32_t i = 0; i < b->sites_count; i++) {
        if (b->sites[i].executor.intersection.checked)
            fprintf(out, "%s\n", b->network[i].device);
    }
}

const struct site_left *
bridge_left(const struct bridge *b)
{
    return &b->left;
}

const char *
bridge_why(const struct bridge *b)
{
    return b->why;
}

/* What a person may ask an intersection for; its executor holds it to the site's own phases. */
static const struct field_capability capabilities[] = {
    {"next phase", "asks for the phase that shall be green next", "phase-request",
     "{\"name\":\"phase\",\"label\":\"index of a green phase\",\"type\":\"Count\",\"constraint\":"
     "{\"type\":\"AllowedValues\",\"interval\":[[0,63]]}}"},
    {"flash", "sets the intersection to flashing", "all-flash", ""},
};

enum err
bridge_add_devices(struct bridge *b, struct field *f)
{
    uint32_t added = 0;
    for (uint32_t i = 0; i < b->sites_count; i++) {
        struct steered *s = &b->sites[i];
        const struct site *site = &b->network[i];
        if (!s->executor.intersection.checked)
            continue;
        executor_put_properties(&s->executor, &b->config.times, &s->properties);
        if (buf_error(&s->properties) != OK)
            continue; /* larger than a Thing may be: its own plan is all it gets */
        struct field_thing thing = {
            .device = site->device,
            .description = "signalled intersection",
            .properties = buf_string(&s->properties),
            .longitude = PAPER_LONGITUDE + site->x_m / (METRES_PER_DEGREE * COS_LATITUDE),
            .latitude = PAPER_LATITUDE + site->y_m / METRES_PER_DEGREE,
            .streams = streams,
            .streams_count = STREAMS_COUNT,
            .capabilities = capabilities,
            .capabilities_count = ARRAY_COUNT(capabilities),
            .commands = true,
        };
        if (field_add(f, &thing, &s->device) != OK)
            continue;
        s->connected = true;
        b->site_of_device[s->device] = i;
        added++;
    }
    return added > 0 ? OK : ERR_NOT_FOUND;
}

static enum err
all_red(struct executor *x, int64_t phase, int64_t until_us)
{
    (void)phase;
    return executor_all_red(x, until_us);
}

static enum err
all_flash(struct executor *x, int64_t phase, int64_t until_us)
{
    (void)phase;
    executor_lease_flash(x, until_us);
    return OK;
}

static const struct {
    const char *command;
    bool of_phase;
    enum err (*give)(struct executor *x, int64_t phase, int64_t until_us);
} commands[] = {{"phase-request", true, executor_lease},
                {"preempt", true, executor_preempt},
                {"manual", true, executor_manual},
                {"all-red", false, all_red},
                {"all-flash", false, all_flash}};

enum err
bridge_lease(struct bridge *b, uint32_t site, const struct lease *lease)
{
    ASSERT(site < b->sites_count);
    struct steered *s = &b->sites[site];
    enum err e = ERR_UNSUPPORTED;
    for (size_t i = 0; i < ARRAY_COUNT(commands) && e == ERR_UNSUPPORTED; i++) {
        int64_t phase = 0;
        if (strcmp(lease->command, commands[i].command) != 0)
            continue;
        e = commands[i].of_phase ? lease_parameter(lease, "phase", &phase) : OK;
        if (e == OK)
            e = commands[i].give(&s->executor, phase, lease->expiry_us);
    }
    if (e == OK) {
        s->report_lease = true;
        s->lease_sequence = lease->sequence;
    }
    return e;
}

static enum err
on_lease(void *ctx, uint32_t device, const struct lease *lease)
{
    struct bridge *b = ctx;
    return bridge_lease(b, b->site_of_device[device], lease);
}

static void
on_status(void *ctx, struct buf *lines)
{
    struct bridge *b = ctx;
    uint64_t fallbacks = 0, forced = 0, doubts = 0, silences = 0, tripped = 0;
    for (uint32_t i = 0; i < b->sites_count; i++) {
        fallbacks += b->sites[i].executor.fallbacks;
        forced += b->sites[i].executor.forced;
        doubts += b->sites[i].executor.doubts;
        silences += b->sites[i].silences;
        tripped += b->sites[i].executor.monitor.tripped;
    }
    const struct traffic_totals *shown = b->config.fixed_only ? &b->last_fixed : &b->last;
    status_put(lines, "step", "%llu", (unsigned long long)b->steps);
    status_put(lines, "junctions", "%u", (unsigned)b->sites_count);
    status_put(lines, "left_alone", "%u", (unsigned)bridge_left(b)->count);
    status_put(lines, "vehicles", "%llu", (unsigned long long)shown->vehicles);
    status_put(lines, "vehicles_now", "%llu", (unsigned long long)shown->running);
    status_put(lines, "delay_s", "%.1f", b->config.fixed_only ? 0 : b->last.delay_s);
    status_put(lines, "fixed_delay_s", "%.1f", b->last_fixed.delay_s);
    status_put(lines, "fallbacks", "%llu", (unsigned long long)fallbacks);
    status_put(lines, "silences", "%llu", (unsigned long long)silences);
    status_put(lines, "forced", "%llu", (unsigned long long)forced);
    status_put(lines, "doubts", "%llu", (unsigned long long)doubts);
    status_put(lines, "tripped", "%llu", (unsigned long long)tripped);
}

void
bridge_calls(struct bridge *b, struct field_calls *out)
{
    *out = (struct field_calls){.ctx = b, .lease = on_lease, .status = on_status};
}

/* What cannot be published now is not kept: the next second says it anew. */
static void
publish(struct bridge *b, struct field *f, const struct steered *s, uint32_t stream)
{
    enum err e = buf_error(&b->text);
    if (e == OK)
        e = field_publish(f, s->device, stream, field_wall_us(f), buf_bytes(&b->text));
    (void)e; /* counted as dropped by the field */
}

static void
publish_lanes(struct bridge *b, struct field *f, uint32_t site)
{
    const struct steered *s = &b->sites[site];
    struct site_lights lights = executor_lights(&s->executor);
    buf_reset(&b->text);
    world_put_reading(b->city, site, &lights, &b->text);
    publish(b, f, s, LANES);
}

static void
publish_state(struct bridge *b, struct field *f, const struct steered *s)
{
    const struct executor *x = &s->executor;
    buf_reset(&b->text);
    buf_format(&b->text, "{\"shown\":\"%s\",\"why\":\"%s\"}", x->shown, executor_word(x));
    publish(b, f, s, STATE);
}

/* A city that does not answer any more guides nobody: silence.h. */
static void
hear_silence(struct field *f, struct steered *s, int64_t now_us)
{
    uint64_t published, answered;
    field_get_answers(f, s->device, &published, &answered);
    if (!silence_fell(&s->silence, answered, now_us))
        return;
    s->silences++;
    executor_silence(&s->executor);
}

static void
steer(struct bridge *b, struct field *f, int64_t now_us)
{
    for (uint32_t i = 0; i < b->sites_count; i++) {
        struct steered *s = &b->sites[i];
        struct executor *x = &s->executor;
        const struct site_counts *counts = world_counts(b->city, i);
        bool changed = false;
        if (f && s->connected)
            hear_silence(f, s, now_us);
        if (x->mode == EXECUTOR_NATIVE)
            changed = executor_take_over(x, world_shown(b->city, i));
        else
            changed = executor_step(x, counts->standing, world_loops(b->city, i), &counts->inside,
                                    now_us);
        if (!changed)
            continue;
        world_show(b->city, i, bytes_text(x->shown));
        if (f && s->connected)
            publish_state(b, f, s);
    }
}

/* By tabs: second, device, what it follows, letters shown. */
static void
trace(const struct bridge *b)
{
    for (uint32_t i = 0; i < b->sites_count; i++) {
        const struct executor *x = &b->sites[i].executor;
        if (x->mode != EXECUTOR_NATIVE)
            fprintf(b->config.trace, "%.0f\t%s\t%s\t%s\n", world_time_s(b->city), x->site->device,
                    executor_word(x), x->shown);
    }
    fflush(b->config.trace); /* somebody may be looking */
}

static void
report(struct bridge *b, struct field *f)
{
    for (uint32_t i = 0; i < b->sites_count; i++) {
        struct steered *s = &b->sites[i];
        if (!s->connected)
            continue;
        publish_lanes(b, f, i);
        if (s->report_lease) {
            s->report_lease = false;
            buf_reset(&b->text);
            buf_u64_decimal(&b->text, s->lease_sequence);
            publish(b, f, s, LEASE);
        }
        uint64_t published, answered;
        field_get_answers(f, s->device, &published, &answered);
        silence_said(&s->silence, published, field_lease_us(f));
    }
}

enum err
bridge_step(struct bridge *b, struct field *f, int64_t now_us)
{
    struct world *shown = bridge_world(b);
    if (b->config.end_s >= 0 && world_time_s(shown) >= b->config.end_s)
        return ERR_NOT_FOUND;
    if (b->city && b->steps >= b->config.warm_up_s)
        steer(b, f, now_us);
    enum err e = b->twin ? world_step(b->twin) : OK;
    if (e == OK && b->city)
        e = world_step(b->city);
    if (e != OK) {
        b->why = world_why(shown)[0] ? world_why(shown) : err_text(e);
        return e;
    }
    b->steps++;
    if (b->twin)
        world_totals(b->twin, &b->last_fixed);
    if (b->city && !b->config.alone)
        world_totals(b->city, &b->last);
    if (b->city && b->config.trace)
        trace(b);
    if (b->city && f)
        report(b, f);
    return OK;
}

static void
read_trips(const char *file, struct tripinfo *out)
{
    *out = (struct tripinfo){0};
    if (world_tripinfo(file, out) != OK)
        *out = (struct tripinfo){0};
}

enum err
bridge_end(struct bridge *b, struct tripinfo *out_city, struct tripinfo *out_fixed)
{
    bool steered = b->city != NULL, twin = b->twin != NULL;
    b->why = "";
    world_close(b->city);
    world_close(b->twin);
    b->city = b->twin = NULL;
    *out_city = *out_fixed = (struct tripinfo){0};
    if (steered)
        read_trips(b->city_trips, out_city);
    if (twin)
        read_trips(b->fixed_trips, out_fixed);
    return steered && b->config.trips ? scenario_copy(b->city_trips, b->config.trips) : OK;
}

void
bridge_free(struct bridge *b)
{
    if (!b)
        return;
    world_close(b->city);
    world_close(b->twin);
    for (uint32_t i = 0; b->sites && i < b->sites_count; i++)
        buf_fini(&b->sites[i].properties);
    buf_fini(&b->text);
    free(b->sites);
    free(b);
}
