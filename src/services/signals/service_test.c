/*
 * The service and the envelope together: a fake city clock, a street that never changes its mind,
 * and a warden that is the real envelope.
 */
#include "programs/core/service.h"
#include "programs/warden/envelope.h"
#include "base/random.h"
#include "base/test.h"

enum { STEP_MS = 100, LEASE_MS = 10000 };

struct fake {
    uint64_t now;
    void *envelope;
    const struct service *service;
    void *self;
    uint64_t wishes, refused, changes;
    int64_t phase; /* granted last */
    uint64_t until;
    bool open; /* a wish waits for its verdict */
    uint64_t ref;
    struct lease lease;
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

static uint64_t
mono(void *ctx)
{
    return ((struct fake *)ctx)->now;
}

static void
answer(struct fake *f)
{
    struct envelope_verdict v;
    if (!f->open)
        return;
    f->open = false;
    bool ok = envelope_this.check(f->envelope, &f->lease, 0, f->now, LEASE_MS, &v) == OK;
    if (ok) {
        envelope_this.granted(f->envelope, &f->lease, f->now, LEASE_MS);
        f->changes += f->phase != f->lease.parameters[0].value;
        f->phase = f->lease.parameters[0].value;
        f->until = f->now + LEASE_MS;
    } else {
        f->refused++;
    }
    f->service->verdict(f->self, f->ref, bytes_text(f->lease.device), ok, bytes_text(v.reason));
}

static void
observe(struct fake *f, const char *result)
{
    struct service_stream stream = {.device = bytes_text("junction-a0"),
                                    .name = bytes_text("lanes"),
                                    .class_name = "lane-count"};
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text(result)};
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
    start->commands_count = 1;
    char why[ENVELOPE_WHY_SIZE];
    *f = (struct fake){.now = 1000, .service = &service_this, .phase = -1};
    f->self = calloc(1, service_this.size);
    f->envelope = calloc(1, envelope_this.size);
    CHECK(f->self && f->envelope);
    *ports = (struct service_ports){.ctx = f, .wish = wish, .mono_ms = mono};
    CHECK_OK(envelope_this.init(f->envelope, start, why));
    CHECK_OK(f->service->start(f->self, start, ports, (struct bytes){0}));
    f->service->entity(f->self, "Thing", 1, 1, bytes_text("junction-a0"), bytes_text(thing));
    free(start);
}

static void
end(struct fake *f)
{
    free(f->self);
    free(f->envelope);
}

static void
run(struct fake *f, uint64_t ms, const char *result)
{
    for (uint64_t end_ms = f->now + ms; f->now < end_ms; f->now += STEP_MS) {
        if (result && f->now % 1000 == 0)
            observe(f, result);
        f->service->tick(f->self);
        answer(f);
    }
}

static const char busy_a[] = "{\"phase\":0,\"age\":1,\"q\":[9,0],\"n\":[9,0],\"o\":[0]}";
static const char busy_b[] = "{\"phase\":0,\"age\":1,\"q\":[0,9],\"n\":[0,9],\"o\":[0]}";
static const char both[] = "{\"phase\":0,\"age\":1,\"q\":[9,1],\"n\":[9,1],\"o\":[0]}";

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
    struct observation o = {.kind = RESULT_JSON, .text = bytes_text("{\"q\":[1]}")};
    char why[SERVICE_WHY_SIZE] = "";
    CHECK(f.service->admit(f.self, &stream, &o, NULL, why) == ERR_DENIED && why[0]);
    o = (struct observation){.kind = RESULT_NUMBER, .number = 7};
    CHECK(f.service->admit(f.self, &stream, &o, NULL, why) == ERR_DENIED);
    stream.name = bytes_text("state");
    CHECK_OK(f.service->admit(f.self, &stream, &o, NULL, why));
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
