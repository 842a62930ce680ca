/*
 * The service and the envelope together: a fake city clock, a street that never changes its mind,
 * and a warden that is the real envelope.
 */
#include "programs/core/service.h"
#include "programs/warden/envelope.h"
#include "base/random.h"
#include "base/test.h"

enum { STEP_MS = 100, LEASE_MS = 10000, PREEMPT_MS = 15000 };

struct fake {
    uint64_t now;
    void *envelope;
    const struct service *service;
    void *self;
    uint64_t wishes, refused, changes, preempted;
    int64_t phase;    /* granted last */
    uint64_t changed; /* when another one was */
    uint64_t until;
    bool open; /* a wish waits for its verdict */
    uint64_t ref;
    struct lease lease;
    uint32_t told; /* what people heard */
    char why[1000];
};

static enum err
wish(void *ctx, struct bytes device, const char *command, struct bytes parameters, uint64_t ref)
{
    struct fake *f = ctx;
    CHECK(!f->open && bytes_are(device, "junction-a0"));
    CHECK(bytes_start(parameters, "phase ") && parameters.p[parameters.len - 1] == '\n');
    f->lease = (struct lease){.parameters_count = 1};
    CHECK_OK(bytes_copy_text(device, f->lease.device, sizeof(f->lease.device)));
    CHECK_OK(bytes_copy_text(bytes_text(command), f->lease.command, sizeof(f->lease.command)));
    f->lease.parameters[0] = (struct lease_parameter){"phase", parameters.p[6] - '0'};
    f->open = true;
    f->ref = ref;
    f->wishes++;
    return OK;
}

static enum err
tell(void *ctx, uint64_t thing, const struct service_voice *voice, double number, struct bytes text)
{
    struct fake *f = ctx;
    CHECK(thing == 1 && number == 0 && text.len);
    f->told++;
    if (strcmp(voice->name, "why") == 0)
        CHECK_OK(bytes_copy_text(text, f->why, sizeof(f->why)));
    return OK;
}

static uint64_t
mono(void *ctx)
{
    return ((struct fake *)ctx)->now;
}

static int64_t
wall(void *ctx)
{
    return (int64_t)((struct fake *)ctx)->now * 1000;
}

static void
answer(struct fake *f)
{
    struct envelope_verdict v;
    if (!f->open)
        return;
    f->open = false;
    bool preempt = strcmp(f->lease.command, "preempt") == 0;
    uint64_t lease_ms = preempt ? PREEMPT_MS : LEASE_MS;
    bool ok = envelope_this.check(f->envelope, &f->lease, 0, f->now, lease_ms, &v) == OK;
    if (ok) {
        envelope_this.granted(f->envelope, &f->lease, f->now, lease_ms);
        f->preempted += preempt;
        if (f->phase != f->lease.parameters[0].value) {
            f->changes++;
            f->changed = f->now;
        }
        f->phase = f->lease.parameters[0].value;
        f->until = f->now + lease_ms;
    } else {
        f->refused++;
    }
    f->service->verdict(f->self, f->ref, bytes_text(f->lease.device), ok, bytes_text(v.reason));
}

/* The street shows what was granted, after five seconds of clearance. Where one stands, another
 * follows for ever: on green, one leaves every two seconds. */
static const char *
reading(const struct fake *f, const char *stands)
{
    static char text[200];
    uint64_t since = (f->now - f->changed) / 1000;
    bool green = f->phase < 0 || f->changes == 1 || since >= 5;
    int64_t phase = f->phase < 0 ? 0 : f->phase;
    bool leaves = green && stands[phase] == '1' && f->now / 1000 % 2 == 0;
    snprintf(text, sizeof(text),
             "{\"phase\":%d,\"age\":%u,\"stop\":[%d,%d],\"stop_on\":\"%s\",\"advance\":[],"
             "\"advance_on\":\"\"}",
             green ? (int)phase : -1, (unsigned)(green && since >= 5 ? since - 5 : since),
             leaves && phase == 0, leaves && phase == 1, stands);
    return text;
}

static void
observe_at(struct fake *f, const char *result, int64_t time_us)
{
    struct service_stream stream = {.device = bytes_text("junction-a0"),
                                    .name = bytes_text("lanes"),
                                    .class_name = "lane-count"};
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text(result), .time_us = time_us};
    char why[SERVICE_WHY_SIZE];
    CHECK_OK(f->service->admit(f->self, &stream, &o, NULL, why));
    f->service->stored(f->self, &stream, &o);
}

static void
begin(struct fake *f, struct service_ports *ports)
{
    static const char thing[] =
        "{\"properties\":{\"phases\":[\"Gr\",\"rG\"],\"lanes\":[\"a\",\"b\"],\"exits\":[\"x\"],"
        "\"links\":[{\"lane\":\"a\",\"exit\":\"x\"},{\"lane\":\"b\",\"exit\":\"x\"}]}}";
    static const struct start_envelope values[] = {{"minimum-green", 5000, 1},
                                                   {"yellow", 3000, 1},
                                                   {"all-red", 2000, 1},
                                                   {"maximum-red", 120000, 1}};
    struct start *start = calloc(1, sizeof(*start));
    CHECK(start);
    memcpy(start->envelope, values, sizeof(values));
    start->envelope_count = ARRAY_COUNT(values);
    start->commands[0] = (struct start_command){"phase-request", LEASE_MS, 7200, 0, 2};
    start->commands[1] = (struct start_command){"preempt", PREEMPT_MS, 480, 0, 3};
    start->commands_count = 2;
    char why[ENVELOPE_WHY_SIZE];
    *f = (struct fake){.now = 1000, .service = &service_this, .phase = -1};
    f->self = calloc(1, service_this.size);
    f->envelope = calloc(1, envelope_this.size);
    CHECK(f->self && f->envelope);
    *ports = (struct service_ports){
        .ctx = f, .wish = wish, .tell = tell, .mono_ms = mono, .wall_us = wall};
    CHECK_OK(envelope_this.init(f->envelope, start, why));
    CHECK_OK(f->service->start(f->self, start, ports, (struct bytes){0}));
    f->service->entity(f->self, "Thing", 1, 1, bytes_text("junction-a0"), bytes_text(thing));
    free(start);
}

static void
end(struct fake *f)
{
    f->service->end(f->self);
    free(f->self);
    free(f->envelope);
}

static void
run(struct fake *f, uint64_t ms, const char *stands)
{
    for (uint64_t end_ms = f->now + ms; f->now < end_ms; f->now += STEP_MS) {
        if (stands && f->now % 1000 == 0)
            observe_at(f, reading(f, stands), wall(f));
        answer(f);
        f->service->tick(f->self);
    }
}

static const char busy_a[] = "10", busy_b[] = "01", both[] = "11";

TEST(a_lease_is_kept_alive_and_never_refused_while_the_street_asks_for_it)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    for (int i = 0; i < 60; i++) {
        run(&f, 1000, busy_a);
        CHECK(f.until > f.now && f.phase == 0);
    }
    CHECK(f.wishes <= 60000 / (LEASE_MS / 2) + 2); /* each is an entry of the ledger */
    run(&f, 30000, busy_b);
    CHECK(f.phase == 1 && f.changes == 2 && f.refused == 0);
    end(&f);
}

/* What people hear: why, while it is heard of, and that it is not, when it is not. */
TEST(people_are_told_why_and_of_silence)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    run(&f, 20000, busy_a);
    CHECK(f.told > 6 && f.told < 60 && strstr(f.why, "phase 0 stays"));
    uint32_t told = f.told;
    run(&f, 60000, NULL);
    CHECK(strcmp(f.why, "nothing is heard of it; it follows its own plan") == 0);
    CHECK(f.told - told < 8); /* said once each */
    end(&f);
}

TEST(nobody_waits_at_red_and_the_warden_never_has_to_say_so)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    run(&f, 600000, both);
    CHECK(f.refused == 0 && f.changes > 5 && f.until > f.now);
    end(&f);
}

TEST(old_counts_lead_to_no_wish_and_the_lease_runs_out)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    run(&f, 20000, busy_a);
    run(&f, 4000, NULL);
    uint64_t wishes = f.wishes;
    run(&f, 20000, NULL);
    CHECK(f.wishes == wishes && f.until < f.now);
    end(&f);
}

TEST(counts_that_do_not_fit_the_intersection_are_refused_with_a_sentence)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    struct service_stream stream = {.device = bytes_text("junction-a0"),
                                    .name = bytes_text("lanes")};
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text("{\"stop\":[1]}")};
    char why[SERVICE_WHY_SIZE] = "";
    CHECK(f.service->admit(f.self, &stream, &o, NULL, why) == ERR_DENIED && why[0]);
    o = (struct observation){.kind = RESULT_NUMBER, .number = 7};
    CHECK(f.service->admit(f.self, &stream, &o, NULL, why) == ERR_DENIED);
    stream.name = bytes_text("state");
    CHECK_OK(f.service->admit(f.self, &stream, &o, NULL, why));
    end(&f);
}

TEST(a_reading_of_another_time_guides_nothing)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    run(&f, 20000, busy_a);
    run(&f, 9000, NULL);
    uint64_t wishes = f.wishes;
    const char *text = reading(&f, busy_a);
    observe_at(&f, text, wall(&f) - 4000000); /* too old */
    observe_at(&f, text, wall(&f) + 3000000); /* of a clock that is ahead */
    observe_at(&f, text, 20000000);           /* said before */
    f.service->tick(f.self);
    answer(&f);
    CHECK(f.wishes == wishes);
    observe_at(&f, text, wall(&f));
    f.service->tick(f.self);
    CHECK(f.wishes == wishes + 1);
    answer(&f);
    end(&f);
}

TEST(what_cameras_see_guides_and_is_not_stored)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    static const char text[] =
        "{\"phase\":0,\"age\":3,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[],"
        "\"advance_on\":\"\",\"cars\":[[0,150,0,0],[0,400,900,-1]]}";
    struct service_stream stream = {.device = bytes_text("junction-a0"),
                                    .name = bytes_text("lanes")};
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text(text), .time_us = wall(&f)};
    char why[SERVICE_WHY_SIZE];
    struct arena arena;
    arena_init(&arena, 4096);
    CHECK_OK(f.service->admit(f.self, &stream, &o, &arena, why));
    CHECK(bytes_are(o.text,
                    "{\"phase\":0,\"age\":3,\"stop\":[0,0],\"stop_on\":\"00\",\"advance\":[],"
                    "\"advance_on\":\"\"}"));
    f.service->stored(f.self, &stream, &o);
    f.service->tick(f.self);
    CHECK(f.wishes == 1); /* for the two that only the camera saw */
    answer(&f);
    arena_fini(&arena);
    end(&f);
}

TEST(bikes_are_counted_and_change_no_light)
{
    struct fake f;
    struct service_ports ports;
    begin(&f, &ports);
    struct zone_count count = {.area = bytes_text("harbour"), .count = 12};
    f.service->counted(f.self, "bike-counts", &count);
    count = (struct zone_count){.area = bytes_text("hill"), .count = 30};
    f.service->counted(f.self, "bike-counts", &count);
    count.count = 20;
    f.service->counted(f.self, "bike-counts", &count);
    CHECK(f.service->shown(f.self) == 32 && f.wishes == 0);
    end(&f);
}

/* A vehicle says that it comes over lane b, so far away; `kind` is what it says it is. */
static enum err
call_from(struct fake *f, const char *device, const char *kind, unsigned distance_m, char *why)
{
    char text[200];
    struct service_stream stream = {.device = bytes_text(device),
                                    .name = bytes_text("call"),
                                    .class_name = "priority-call",
                                    .own_time = true};
    snprintf(text, sizeof(text),
             "{\"junction\":\"junction-a0\",\"lane\":\"b\",\"kind\":\"%s\",\"eta\":%u,"
             "\"distance\":%u}",
             kind, distance_m / 10, distance_m);
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text(text), .time_us = wall(f)};
    enum err e = f->service->admit(f->self, &stream, &o, NULL, why);
    if (e == OK)
        f->service->stored(f->self, &stream, &o);
    return e;
}

TEST(an_emergency_vehicle_gets_its_way_and_then_it_rests)
{
    struct fake f;
    struct service_ports ports;
    char why[SERVICE_WHY_SIZE] = "";
    begin(&f, &ports);
    run(&f, 34000, busy_a); /* everybody waits on the other lane */
    CHECK(f.phase == 0 && f.preempted == 0);
    for (unsigned m = 200; m > 0; m -= 10) {
        CHECK_OK(call_from(&f, "emergency-1", "emergency", m, why));
        run(&f, 1000, busy_a);
        CHECK(f.phase == 1);
    }
    CHECK(f.preempted >= 2 && f.refused == 0); /* renewed, and nothing else was wished meanwhile */
    run(&f, PREEMPT_MS + 11000, busy_a);
    CHECK(f.phase == 0 && f.refused == 0);
    CHECK(call_from(&f, "emergency-2", "emergency", 150, why) == ERR_DENIED && strstr(why, "C9"));
    run(&f, 5000, busy_a);
    CHECK(f.phase == 0);
    end(&f);
}

TEST(who_is_no_emergency_vehicle_moves_nothing)
{
    struct fake f;
    struct service_ports ports;
    char why[SERVICE_WHY_SIZE] = "";
    begin(&f, &ports);
    run(&f, 34000, busy_a);
    for (unsigned m = 200; m > 0; m -= 10) {
        CHECK(call_from(&f, "bus-1", "emergency", m, why) == ERR_DENIED && strstr(why, "C1"));
        CHECK(call_from(&f, "junction-a0", "emergency", m, why) == ERR_DENIED);
        CHECK(call_from(&f, "emergency-1", "fire", m, why) == ERR_DENIED);
        run(&f, 1000, busy_a);
    }
    CHECK(f.preempted == 0 && f.refused == 0);
    end(&f);
}

TEST(a_call_without_a_time_of_its_own_is_not_fresh)
{
    struct fake f;
    struct service_ports ports;
    struct service_stream stream = {.device = bytes_text("bus-1"), .name = bytes_text("call")};
    struct observation o = {
        .kind = RESULT_JSON,
        .text =
            bytes_text("{\"junction\":\"junction-a0\",\"lane\":\"b\",\"kind\":\"bus\",\"eta\":9,"
                       "\"distance\":90}")};
    char why[SERVICE_WHY_SIZE] = "";
    begin(&f, &ports);
    o.time_us = wall(&f);
    CHECK(f.service->admit(f.self, &stream, &o, NULL, why) == ERR_DENIED && strstr(why, "C2"));
    stream.own_time = true;
    CHECK_OK(f.service->admit(f.self, &stream, &o, NULL, why));
    end(&f);
}
