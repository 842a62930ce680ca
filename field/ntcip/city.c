#include "field/ntcip/city.h"
#include "base/text.h"
#include "field/common/fetch.h"
#include "field/common/status.h"
#include "field/ntcip/control.h"
#include "field/ntcip/halves.h"
#include "field/ntcip/reading.h"
#include "field/ntcip/timings.h"
#include "field/ntcip/walls.h"
#include "services/signals/model.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LANES, STATE, LEASE, CABINET, STREAMS_COUNT };
enum { TURN_MS = 50, WISH_MS = 1000, LEASE_MAX_MS = 60000, EXIT_BROKEN = 1, EXIT_CANNOT = 3 };

static const struct field_stream streams[STREAMS_COUNT] = {
    [LANES] = {"lanes", "what the loops count, by lane", "lane-count", FIELD_JSON, NULL, NULL},
    [STATE] = {"state", "what is shown, on change", "signal-state", FIELD_JSON, NULL, NULL},
    [LEASE] = {"lease", "sequence of the lease obeyed", "lease-report", FIELD_COUNT, NULL, NULL},
    [CABINET] = {"cabinet", "whether the controller may be commanded, and why not", "signal-state",
                 FIELD_JSON, NULL, NULL},
};

static const struct field_capability capabilities[] = {
    {"next phase", "asks for the phase that shall be green next", SIGNALS_COMMAND_REQUEST,
     "{\"name\":\"phase\",\"label\":\"index of a stage\",\"type\":\"Count\",\"constraint\":"
     "{\"type\":\"AllowedValues\",\"interval\":[[0,15]]}}"},
};

/* Commands that name a stage, in order of rank. Red everywhere and flashing are the controller's.
 */
static const char *const commands[] = {SIGNALS_COMMAND_REQUEST, SIGNALS_COMMAND_PREEMPT,
                                       SIGNALS_COMMAND_MANUAL};
enum { RANKS = ARRAY_COUNT(commands) };

struct held {
    int64_t stage, until_us; /* until_us 0: never */
};

struct city {
    const struct cabinet *cabinet;
    struct field *field;
    uint32_t device;
    int street_fd;
    struct half_report report; /* the last; its counts are borrowed and gone */
    bool reported, published;
    uint64_t heard_ms, wished_ms;
    struct held held[RANKS];
    bool report_lease;
    uint64_t lease_sequence;
    struct buf text;
};

/* ---- the city ------------------------------------------------------------------------------- */

static enum err
on_lease(void *ctx, uint32_t device, const struct lease *lease)
{
    struct city *y = ctx;
    int64_t stage = -1;
    uint32_t rank = 0;
    (void)device;
    while (rank < RANKS && strcmp(lease->command, commands[rank]) != 0)
        rank++;
    if (rank == RANKS)
        return ERR_UNSUPPORTED;
    enum err e = lease_parameter(lease, "phase", &stage);
    if (e == OK && (stage < 0 || stage >= (int64_t)y->cabinet->stages_count))
        e = ERR_DENIED;
    if (e != OK)
        return e;
    y->held[rank] = (struct held){stage, lease->expiry_us};
    y->wished_ms = 0; /* at once */
    y->report_lease = true;
    y->lease_sequence = lease->sequence;
    return OK;
}

static void
on_status(void *ctx, struct buf *lines)
{
    struct city *y = ctx;
    const struct half_report *r = &y->report;
    status_put(lines, "cabinet", "%s", y->cabinet->name);
    status_put(lines, "known", "%u", (unsigned)r->known);
    status_put(lines, "why", "%s", control_why_text((enum control_why)r->why));
    status_put(lines, "stage", "%d", (int)r->stage - 1);
    status_put(lines, "rule", "%s", timing_rule_text((enum timing_rule)r->rule));
    status_put(lines, "questions", "%llu", (unsigned long long)r->questions);
    status_put(lines, "unanswered", "%llu", (unsigned long long)r->unanswered);
    status_put(lines, "sets", "%llu", (unsigned long long)r->sets);
}

/* What cannot be published now is not kept: the next second says it anew. */
static bool
publish(struct city *y, uint32_t stream)
{
    struct field *f = y->field;
    enum err e = buf_error(&y->text);
    if (e == OK)
        e = field_publish(f, y->device, stream, field_wall_us(f), buf_bytes(&y->text));
    return e == OK;
}

static void
publish_report(struct city *y, const struct half_report *r)
{
    bool first = !y->published;
    if (!field_ready(y->field, y->device))
        return;
    buf_reset(&y->text);
    reading_put_lanes(&y->text, y->cabinet, r);
    y->published = publish(y, LANES) || y->published;
    if (first || reading_state_differs(r, &y->report)) {
        buf_reset(&y->text);
        reading_put_state(&y->text, y->cabinet, r);
        (void)publish(y, STATE);
    }
    if (first || reading_cabinet_differs(r, &y->report)) {
        buf_reset(&y->text);
        reading_put_cabinet(&y->text, r);
        (void)publish(y, CABINET);
    }
    if (!y->report_lease)
        return;
    buf_reset(&y->text);
    buf_u64_decimal(&y->text, y->lease_sequence);
    y->report_lease = !publish(y, LEASE);
}

/* ---- the street half ------------------------------------------------------------------------ */

static void
say_change(const struct city *y, const struct half_report *r)
{
    if (y->reported && r->why == y->report.why && r->rule == y->report.rule)
        return;
    fprintf(stderr, "event=%s cabinet=%s why=\"%s\" rule=\"%s\" phase=%u has=%lld wants=%lld\n",
            r->why <= WHY_WAITS ? "commands" : "no-commands", y->cabinet->name,
            control_why_text((enum control_why)r->why), timing_rule_text((enum timing_rule)r->rule),
            (unsigned)r->phase, (long long)r->has, (long long)r->wants);
}

static bool
is_sound(const struct half_report *r, const struct cabinet *c)
{
    return r->why < WHYS_COUNT && r->stage <= c->stages_count && r->problem < ERR_COUNT &&
           r->rule < RULES_COUNT && r->timing < TIMINGS_COUNT &&
           r->counts.len == NTCIP_DETECTORS_MAX;
}

static enum err
take(struct city *y, uint16_t id, struct bytes body)
{
    struct half_confined walls;
    struct half_report r;
    y->heard_ms = field_mono_ms(y->field);
    if (id == half_confined_id && half_confined_decode(body, &walls) == OK) {
        fprintf(stderr, "event=confined half=street walls=%x landlock=%u\n", (unsigned)walls.walls,
                (unsigned)walls.landlock);
        return OK;
    }
    if (id != half_report_id || half_report_decode(body, &r) != OK || !is_sound(&r, y->cabinet))
        return ERR_MALFORMED;
    say_change(y, &r);
    publish_report(y, &r);
    y->report = r;
    y->report.counts = (struct bytes){0};
    y->reported = true;
    return OK;
}

static enum err
hear(struct city *y)
{
    uint8_t packet[HALVES_PACKET_MAX];
    struct bytes body;
    uint16_t id = 0;
    for (;;) {
        enum err e = halves_receive(y->street_fd, packet, &id, &body);
        if (e == OK)
            e = take(y, id, body);
        if (e != OK)
            return e == ERR_AGAIN ? OK : e;
    }
}

/* Once a second, and at once when there is a new one: how much of the lease is left. */
static enum err
wish(struct city *y, uint64_t now_ms)
{
    struct half_wish w = {.stage = 0};
    if (y->wished_ms != 0 && now_ms < y->wished_ms + WISH_MS)
        return OK;
    for (uint32_t rank = 0; rank < RANKS; rank++) {
        int64_t left_ms = (y->held[rank].until_us - field_lease_us(y->field)) / 1000;
        if (left_ms <= 0)
            continue;
        w.stage = (uint8_t)(y->held[rank].stage + 1); /* the last, highest one counts */
        w.valid_ms = (uint32_t)(left_ms < LEASE_MAX_MS ? left_ms : LEASE_MAX_MS);
    }
    buf_reset(&y->text);
    half_wish_encode(&w, &y->text);
    y->wished_ms = now_ms ? now_ms : 1;
    enum err e = halves_send(y->street_fd, half_wish_id, &y->text);
    return e == ERR_AGAIN ? OK : e; /* it hangs: the silence will tell */
}

static enum err
turn(struct city *y)
{
    uint64_t now = field_mono_ms(y->field);
    enum err e = hear(y);
    if (e == OK)
        e = wish(y, now);
    if (e == OK && now > y->heard_ms + CITY_SILENCE_MS)
        e = ERR_EXPIRED;
    return e;
}

/* ---- begin and end -------------------------------------------------------------------------- */

/* The street half's end: by itself once its socket is closed, or by force. */
static int
end_street(struct city *y, pid_t street)
{
    int status = 0;
    close(y->street_fd);
    for (int i = 0; i < 200; i++) {
        pid_t ended = waitpid(street, &status, WNOHANG);
        if (ended == street)
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BROKEN;
        if (ended < 0)
            return EXIT_BROKEN;
        usleep(10000);
    }
    kill(street, SIGKILL);
    (void)!waitpid(street, &status, 0);
    return EXIT_BROKEN;
}

static bool
set_up(struct city *y, const struct field_options *options, const char *properties)
{
    const struct field_calls calls = {.ctx = y, .lease = on_lease, .status = on_status};
    struct field_thing thing = {.device = y->cabinet->name,
                                .description = "signalled intersection behind NTCIP 1202",
                                .properties = properties,
                                .streams = streams,
                                .streams_count = STREAMS_COUNT,
                                .capabilities = capabilities,
                                .capabilities_count = ARRAY_COUNT(capabilities),
                                .commands = true};
    y->field = field_new(options, &calls);
    return y->field && field_add(y->field, &thing, &y->device) == OK;
}

/* The folder of the device's files as the field opens them, and the two ports of the gate. */
static bool
close_walls(const struct field_options *o, const struct cabinet *c)
{
    char folder[FETCH_PATH_SIZE];
    struct walls_config config = {.status_file = o->status,
                                  .ports = {o->mqtts.port, o->https.port}};
    const char *step = "";
    int abi = 0;
    if (o->devices) {
        snprintf(folder, sizeof(folder), "%s/%s", o->devices, c->name);
        config.device_folder = folder;
    }
    if (walls_close(&config, &abi, &step) == OK) {
        fprintf(stderr, "event=confined half=city landlock=%d\n", abi);
        return true;
    }
    fprintf(stderr, "ntcip: cannot be confined: %s\n", step);
    return false;
}

int
city_run(const struct field_options *options, const struct cabinet *c, const char *properties,
         int street_fd, pid_t street)
{
    static struct city y;
    y = (struct city){.cabinet = c, .street_fd = street_fd};
    buf_init(&y.text, FIELD_RESULT_MAX);
    bool good = set_up(&y, options, properties) && close_walls(options, c);
    enum err e = good ? OK : ERR_NOT_FOUND;
    int status = e == OK ? 0 : EXIT_CANNOT;
    if (e == OK) {
        y.heard_ms = field_mono_ms(y.field);
        do
            e = turn(&y);
        while (e == OK && field_turn(y.field, TURN_MS));
        field_end(y.field);
    }
    if (e != OK && status == 0) {
        fprintf(stderr, "event=street-half-ended cabinet=%s why=\"%s\"\n", c->name, err_text(e));
        status = EXIT_BROKEN;
    }
    int ended = end_street(&y, street);
    field_free(y.field);
    return status == 0 || ended == EXIT_CANNOT ? ended : status;
}
