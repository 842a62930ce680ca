#include "field/common/device.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <curl/curl.h>
#include <mosquitto.h>

#include "base/clock.h"
#include "base/text.h"
#include "field/common/fetch.h"
#include "field/common/intake.h"
#include "field/common/session.h"
#include "field/common/status.h"
#include "ledger/note.h"

enum {
    SETUP_TIMEOUT_MS = 5000,
    BACK_OFF_FIRST_MS = 250,
    BACK_OFF_MAX_MS = 8000,
    STATUS_PERIOD_MS = 1000,
    VKEY_BYTES_MAX = 512,
    URL_SIZE = 512,
    WAIT_MAX_MS = 250, /* so that a signal between two system calls is not slept over */
};

enum phase { PHASE_NEW, PHASE_READY };

struct device {
    struct field *field;
    struct field_thing thing;
    uint32_t index;
    enum phase phase;
    uint64_t thing_id;
    uint64_t stream_ids[FIELD_STREAMS_MAX];
    struct fetch_identity identity;
    struct intake intake;
    char zone[LEASE_NAME_SIZE];
    char signer[NOTE_KEY_NAME_MAX + 1];
    struct session session;
    uint64_t due_ms; /* not before: the next attempt to set up or connect */
    uint32_t back_off_ms;
};

struct field {
    const struct field_options *options;
    struct field_calls calls;
    struct clock_source clock;
    uint64_t start_ms, status_ms;
    int64_t start_us;
    struct clock_watch watch;
    bool stop;
    struct device *devices[FIELD_DEVICES_MAX];
    uint32_t devices_count;
    struct pollfd poll[FIELD_DEVICES_MAX];
    struct buf text;   /* of one message, one body, one status file */
    struct buf answer; /* of one question */
    uint64_t dropped, leases_obeyed, leases_refused;
};

static volatile sig_atomic_t signal_came;

static void
on_signal(int number)
{
    (void)number;
    signal_came = 1;
}

static bool
online(const struct field *f)
{
    return f->options->mqtts.port != 0 && f->options->https.port != 0;
}

struct field *
field_new(const struct field_options *options, const struct field_calls *calls)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        mosquitto_lib_init() != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "%s: the network libraries do not start\n", options->program);
        return NULL;
    }
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0 ||
        sigaction(SIGPIPE, &ignore, NULL) != 0)
        return NULL;
    struct field *f = calloc(1, sizeof(*f));
    ASSERT(f);
    f->options = options;
    f->calls = *calls;
    f->clock = clock_system();
    f->start_ms = clock_mono_ms(&f->clock);
    f->start_us = clock_wall_us(&f->clock);
    clock_watch_start(&f->watch, f->start_ms, f->start_us, INT64_MIN);
    buf_init(&f->text, FIELD_THING_BYTES_MAX);
    buf_init(&f->answer, FIELD_ANSWER_BYTES_MAX);
    return f;
}

void
field_free(struct field *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->devices_count; i++) {
        session_fini(&f->devices[i]->session);
        free(f->devices[i]);
    }
    buf_fini(&f->text);
    buf_fini(&f->answer);
    free(f);
    mosquitto_lib_cleanup();
    curl_global_cleanup();
}

uint64_t
field_mono_ms(const struct field *f)
{
    return clock_mono_ms(&f->clock) - f->start_ms;
}

int64_t
field_wall_us(const struct field *f)
{
    return clock_wall_us(&f->clock);
}

int64_t
field_lease_us(const struct field *f)
{
    return f->start_us + (int64_t)field_mono_ms(f) * 1000;
}

static void
watch_clock(struct field *f)
{
    uint64_t mono_ms;
    int64_t wall_us;
    if (!clock_both(&f->clock, &mono_ms, &wall_us))
        return;
    enum clock_event event = clock_watch_look(&f->watch, mono_ms, wall_us);
    if (event != CLOCK_STEADY)
        fprintf(stderr, "event=clock what=%s by_ms=%lld\n", clock_event_text(event),
                (long long)(f->watch.step_us / 1000));
}

/* ---- a device's files ------------------------------------------------------------------- */

/* The warden's verifier key: its name "<zone>.<city>/warden" says the zone too. */
static enum err
read_warden(struct device *d, const char *file)
{
    uint8_t text[VKEY_BYTES_MAX];
    FILE *in = fopen(file, "re");
    if (!in)
        return ERR_NOT_FOUND;
    struct bytes line = bytes_of(text, fread(text, 1, sizeof(text), in));
    fclose(in);
    line.len = bytes_find(line, '\n');
    enum err e = note_parse_verifier_key(line, d->signer, d->intake.reader.public_key);
    if (e != OK)
        return e;
    struct bytes name = bytes_text(d->signer);
    name.len = bytes_find(name, '.');
    if (!text_is_name(name) || bytes_copy_text(name, d->zone, sizeof(d->zone)) != OK)
        return ERR_MALFORMED;
    d->intake.reader.zone = d->zone;
    d->intake.reader.device = d->thing.device;
    d->intake.reader.signer = d->signer;
    return OK;
}

static bool
path_in(const struct field *f, const char *device, const char *name, char out[FETCH_PATH_SIZE])
{
    int n = snprintf(out, FETCH_PATH_SIZE, "%s/%s/%s", f->options->devices, device, name);
    return n > 0 && n < FETCH_PATH_SIZE && access(out, R_OK) == 0;
}

static enum err
read_files(struct field *f, struct device *d)
{
    const char *name = d->thing.device;
    char file[FETCH_PATH_SIZE];
    const char *missing = NULL;
    if (!path_in(f, name, "key.pem", d->identity.key))
        missing = "key.pem";
    else if (!path_in(f, name, "cert.pem", d->identity.certificate))
        missing = "cert.pem";
    else if (!path_in(f, name, "ca.pem", d->identity.issuer))
        missing = "ca.pem";
    else if (d->thing.commands && !path_in(f, name, "warden.vkey", file))
        missing = "warden.vkey";
    if (missing) {
        fprintf(stderr, "%s: cannot read %s/%s/%s\n", f->options->program, f->options->devices,
                name, missing);
        return ERR_NOT_FOUND;
    }
    if (d->thing.commands && read_warden(d, file) != OK) {
        fprintf(stderr, "%s: %s is not a verifier key line\n", f->options->program, file);
        return ERR_MALFORMED;
    }
    if (d->thing.commands) {
        char *end = strrchr(file, '/');
        ASSERT(end);
        *end = '\0';
        enum err e = intake_open(&d->intake, file);
        if (e != OK)
            fprintf(stderr, "%s: %s/sequence: %s\n", f->options->program, file, err_text(e));
        return e;
    }
    return OK;
}

/* ---- leases and acknowledgements, called by the session ----------------------------------- */

/* A replay, or a warden that forgot what it granted: say which number was taken last. */
static void
report_seen(struct field *f, struct device *d)
{
    char topic[64], text[24];
    if (!intake_report_due(&d->intake, clock_mono_ms(&f->clock)))
        return;
    snprintf(topic, sizeof(topic), "leases/%s/seen", d->thing.device);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)d->intake.reader.last_sequence);
    if (session_publish(&d->session, topic, bytes_text(text)) != OK)
        fprintf(stderr, "event=report-not-sent device=%s\n", d->thing.device);
}

static void
on_lease(void *ctx, struct bytes note)
{
    struct device *d = ctx;
    struct field *f = d->field;
    struct lease lease;
    struct intake_time now = {.mono_ms = clock_mono_ms(&f->clock),
                              .wall_us = clock_wall_us(&f->clock),
                              .steady_us = field_lease_us(f)};
    now.doubt = clock_watch_doubt(&f->watch, now.mono_ms);
    enum err e = intake_take(&d->intake, note, &now, &lease);
    if (e == ERR_WRONG_STATE)
        report_seen(f, d);
    if (e == OK)
        e = f->calls.lease(f->calls.ctx, d->index, &lease);
    if (e == OK) {
        f->leases_obeyed++;
        return;
    }
    f->leases_refused++;
    fprintf(stderr, "event=lease-refused device=%s why=\"%s\"\n", d->thing.device, err_text(e));
}

static void
on_settled(void *ctx, uint64_t sent_us, uint64_t latency_us, bool accepted)
{
    struct device *d = ctx;
    d->field->calls.settled(d->field->calls.ctx, d->index, sent_us, latency_us, accepted);
}

enum err
field_add(struct field *f, const struct field_thing *thing, uint32_t *out_device)
{
    ASSERT(thing->streams_count <= FIELD_STREAMS_MAX);
    ASSERT(!thing->commands || f->calls.lease);
    if (f->devices_count == FIELD_DEVICES_MAX)
        return ERR_LIMIT;
    if (!text_is_name(bytes_text(thing->device)))
        return ERR_MALFORMED;
    struct device *d = calloc(1, sizeof(*d));
    ASSERT(d);
    d->field = f;
    d->thing = *thing;
    d->index = f->devices_count;
    d->back_off_ms = BACK_OFF_FIRST_MS;
    if (online(f)) {
        enum err e = ERR_NOT_FOUND;
        if (f->options->devices)
            e = read_files(f, d);
        else
            fprintf(stderr, "%s: --devices DIR is missing\n", f->options->program);
        if (e == OK)
            e = session_init(&d->session, thing->device, &d->identity, &f->options->mqtts,
                             thing->commands ? on_lease : NULL, d);
        if (e != OK) {
            free(d);
            return e;
        }
        if (f->calls.settled)
            session_time(&d->session, on_settled);
    }
    f->devices[f->devices_count] = d;
    *out_device = f->devices_count++;
    return OK;
}

/* ---- the Thing at the city ---------------------------------------------------------------- */

static enum err
ask(struct field *f, struct device *d, const char *path, struct bytes body, struct fetch *out)
{
    char url[URL_SIZE];
    const struct field_address *at = &f->options->https;
    bool six = strchr(at->host, ':') != NULL;
    int n = snprintf(url, sizeof(url), "https://%s%s%s:%u%s", six ? "[" : "", at->host,
                     six ? "]" : "", at->port, path);
    ASSERT(n > 0 && (size_t)n < sizeof(url));
    *out = (struct fetch){
        .url = url, .identity = &d->identity, .body = body, .timeout_ms = SETUP_TIMEOUT_MS};
    buf_reset(&f->answer);
    enum err e = fetch_run(out, &f->answer);
    out->url = NULL;
    if (e != OK)
        snprintf(d->session.why, sizeof(d->session.why), "%s", out->error);
    return e;
}

/* Make the Thing, or learn that it exists (409), and then the ids of its Datastreams. */
static enum err
set_up(struct field *f, struct device *d, const char **out_step)
{
    struct fetch answer;
    *out_step = "creating the Thing";
    buf_reset(&f->text);
    thing_put_json(&f->text, &d->thing);
    enum err e = buf_error(&f->text);
    if (e == OK)
        e = ask(f, d, "/v1.1/Things", buf_bytes(&f->text), &answer);
    if (e == OK && answer.status != 201 && answer.status != 409)
        e = ERR_DENIED;
    if (e == OK)
        e = thing_id_of_location(answer.location, &d->thing_id);
    if (e != OK)
        return e;
    *out_step = "reading the Datastreams";
    char path[64];
    snprintf(path, sizeof(path), "/v1.1/Things(%llu)/Datastreams?$top=100",
             (unsigned long long)d->thing_id);
    e = ask(f, d, path, (struct bytes){0}, &answer);
    if (e == OK && answer.status != 200)
        e = ERR_DENIED;
    if (e == OK)
        e = thing_read_streams(buf_bytes(&f->answer), &d->thing, d->stream_ids);
    return e;
}

static void
back_off(struct device *d, uint64_t now_ms)
{
    /* The device's number spreads the attempts of many devices. */
    d->due_ms = now_ms + d->back_off_ms + (d->index * 7U) % 100U;
    d->back_off_ms = d->back_off_ms >= BACK_OFF_MAX_MS / 2 ? BACK_OFF_MAX_MS : 2 * d->back_off_ms;
}

static void
set_up_due(struct field *f, struct device *d)
{
    const char *step = "";
    enum err e = set_up(f, d, &step);
    if (e == OK) {
        d->phase = PHASE_READY;
        d->back_off_ms = BACK_OFF_FIRST_MS;
        return;
    }
    struct buf said; /* the city's sentence, quoted: it comes from outside */
    buf_init(&said, 2048);
    struct bytes body = buf_bytes(&f->answer);
    text_put_json(&said, bytes_of(body.p, body.len < 200 ? body.len : 200));
    fprintf(stderr,
            "event=set-up-failed device=%s step=\"%s\" why=\"%s\" network=\"%s\" answer=%s\n",
            d->thing.device, step, err_text(e), d->session.why, buf_string(&said));
    buf_fini(&said);
    back_off(d, clock_mono_ms(&f->clock));
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* Connect, or set up, what is due. True when a device still waits to be set up now. */
static bool
start_due(struct field *f)
{
    uint64_t now = clock_mono_ms(&f->clock);
    bool did_set_up = false, more = false;
    for (uint32_t i = 0; i < f->devices_count; i++) {
        struct device *d = f->devices[i];
        if (d->session.connected)
            d->back_off_ms = BACK_OFF_FIRST_MS;
        if (session_open(&d->session) || now < d->due_ms)
            continue;
        if (d->phase == PHASE_NEW) {
            if (did_set_up) {
                more = true; /* one a turn: it blocks */
                continue;
            }
            did_set_up = true;
            set_up_due(f, d);
            continue;
        }
        session_connect(&d->session);
        back_off(d, now); /* forgotten once it is connected */
    }
    return more;
}

static void
poll_sessions(struct field *f, uint32_t wait_ms)
{
    for (uint32_t i = 0; i < f->devices_count; i++)
        f->poll[i] = session_poll(&f->devices[i]->session);
    int n = poll(f->poll, f->devices_count, (int)wait_ms);
    for (uint32_t i = 0; i < f->devices_count; i++)
        session_step(&f->devices[i]->session, n > 0 ? f->poll[i].revents : (short)0);
}

static void
write_status(struct field *f)
{
    struct field_counts c;
    field_get_counts(f, &c);
    buf_reset(&f->text);
    status_put(&f->text, "program", "%s", f->options->program);
    status_put(&f->text, "devices", "%u", c.devices);
    status_put(&f->text, "connected", "%u", c.connected);
    status_put(&f->text, "published", "%llu", (unsigned long long)c.published);
    status_put(&f->text, "acknowledged", "%llu", (unsigned long long)c.acknowledged);
    status_put(&f->text, "refused", "%llu", (unsigned long long)c.refused);
    status_put(&f->text, "dropped", "%llu", (unsigned long long)c.dropped);
    status_put(&f->text, "outstanding", "%llu",
               (unsigned long long)(c.published - c.acknowledged - c.refused));
    status_put(&f->text, "reconnects", "%llu", (unsigned long long)c.reconnects);
    status_put(&f->text, "leases_obeyed", "%llu", (unsigned long long)c.leases_obeyed);
    status_put(&f->text, "leases_refused", "%llu", (unsigned long long)c.leases_refused);
    for (uint32_t i = 0; i < f->devices_count; i++) {
        const struct session *s = &f->devices[i]->session;
        if (s->why[0]) {
            status_put(&f->text, "last_problem", "%s: %s", f->devices[i]->thing.device, s->why);
            break;
        }
    }
    if (f->calls.status)
        f->calls.status(f->calls.ctx, &f->text);
    if (f->options->status && buf_error(&f->text) == OK &&
        status_write(f->options->status, buf_bytes(&f->text)) != OK)
        fprintf(stderr, "event=status-not-written\n");
}

bool
field_turn(struct field *f, uint32_t wait_ms)
{
    watch_clock(f);
    bool more = online(f) && start_due(f);
    poll_sessions(f, more ? 0 : wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    uint64_t now = field_mono_ms(f);
    if (now >= f->status_ms) {
        write_status(f);
        f->status_ms = now + STATUS_PERIOD_MS;
    }
    if (f->options->seconds && now >= f->options->seconds * 1000)
        f->stop = true;
    return !f->stop && !signal_came;
}

void
field_stop(struct field *f)
{
    f->stop = true;
}

void
field_end(struct field *f)
{
    uint64_t until = field_mono_ms(f) + FIELD_END_WAIT_MS;
    struct field_counts c;
    for (;;) {
        field_get_counts(f, &c);
        if (c.published == c.acknowledged + c.refused || field_mono_ms(f) >= until)
            break;
        if (online(f))
            (void)start_due(f); /* a connection that is down now may come back in time */
        poll_sessions(f, 50);
    }
    for (uint32_t i = 0; i < f->devices_count; i++)
        session_close(&f->devices[i]->session);
    write_status(f);
}

/* ---- publishing --------------------------------------------------------------------------- */

bool
field_ready(const struct field *f, uint32_t device)
{
    ASSERT(device < f->devices_count);
    return f->devices[device]->phase == PHASE_READY;
}

enum err
field_publish(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
              struct bytes result)
{
    ASSERT(device < f->devices_count && result.len > 0);
    struct device *d = f->devices[device];
    ASSERT(stream < d->thing.streams_count);
    if (d->phase != PHASE_READY)
        return ERR_AGAIN;
    if (result.len > FIELD_RESULT_MAX)
        return ERR_LIMIT;
    if (session_outstanding(&d->session) >= FIELD_OUTSTANDING_MAX) {
        f->dropped++;
        return ERR_LIMIT;
    }
    char topic[64];
    snprintf(topic, sizeof(topic), "v1.1/Datastreams(%llu)/Observations",
             (unsigned long long)d->stream_ids[stream]);
    buf_reset(&f->text);
    buf_text(&f->text, "{\"phenomenonTime\":\"");
    text_put_time(&f->text, time_us);
    buf_text(&f->text, "\",\"result\":");
    buf_put(&f->text, result);
    buf_byte(&f->text, '}');
    enum err e = buf_error(&f->text);
    return e == OK ? session_publish(&d->session, topic, buf_bytes(&f->text)) : e;
}

enum err
field_publish_number(struct field *f, uint32_t device, uint32_t stream, int64_t time_us,
                     double value)
{
    struct buf text;
    buf_init(&text, TEXT_DOUBLE_MAX);
    text_put_double(&text, value);
    enum err e = buf_error(&text);
    if (e == OK)
        e = field_publish(f, device, stream, time_us, buf_bytes(&text));
    buf_fini(&text);
    return e;
}

void
field_get_answers(const struct field *f, uint32_t device, uint64_t *out_published,
                  uint64_t *out_answered)
{
    ASSERT(device < f->devices_count);
    const struct session *s = &f->devices[device]->session;
    *out_published = s->published;
    *out_answered = s->acknowledged + s->refused;
}

void
field_get_counts(const struct field *f, struct field_counts *out)
{
    struct field_counts c = {.dropped = f->dropped,
                             .leases_obeyed = f->leases_obeyed,
                             .leases_refused = f->leases_refused,
                             .devices = f->devices_count};
    for (uint32_t i = 0; i < f->devices_count; i++) {
        const struct session *s = &f->devices[i]->session;
        c.published += s->published;
        c.acknowledged += s->acknowledged;
        c.refused += s->refused;
        c.reconnects += s->connects > 1 ? s->connects - 1 : 0;
        c.connected += s->connected ? 1 : 0;
    }
    *out = c;
}
