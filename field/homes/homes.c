#include "base/clock.h"
#include "base/text.h"
#include "field/common/device.h"
#include "field/common/status.h"
#include "field/homes/district.h"
#include "field/homes/home.h"

/*
 * The program. Time runs faster: one step of `step_minutes` each `step_ms`. Each home publishes
 * its meter and its battery after each step, and a report when its lease changed.
 */
enum {
    HOMES_MAX = 250,
    STEP_MINUTES = 5,
    STEP_MS = 1000,
    FIRST_DAY = 105,             /* mid-April: sun at noon, need in the evening */
    FIRST_MINUTE = 14 * 60 + 30, /* half an hour of it, then the expensive hours */
    STREAM_METER = 0,
    STREAM_BATTERY,
    STREAM_LEASE,
    RESULT_SIZE = 256,
};

static const struct field_stream streams[] = {
    {"meter", "power at the connection, positive when the home buys", "meter-reading",
     FIELD_MEASUREMENT, "kilowatt", "kW"},
    {"battery", "state of the battery and the tariff's register", "battery-state", FIELD_JSON, NULL,
     NULL},
    {"lease", "what became of a lease", "lease-report", FIELD_JSON, NULL, NULL},
};

static const struct field_capability capabilities[] = {
    {"set-point", "power of the battery, positive when it charges", "battery-setpoint",
     "{\"name\":\"power-w\",\"type\":\"Quantity\",\"uom\":{\"code\":\"W\"},\"constraint\":{"
     "\"type\":"
     "\"AllowedValues\",\"interval\":[[-1000000,1000000]]}}"},
};

struct homes {
    struct field_options options;
    uint64_t homes_count, step_minutes, step_ms;
    struct field *field;
    struct random_seeded seeded;
    struct weather weather;
    struct home home[HOMES_MAX];
    char name[HOMES_MAX][TEXT_NAME_MAX + 1];
    uint32_t device[HOMES_MAX];
    uint64_t minute; /* of the simulated year, from FIRST_DAY on */
    uint64_t steps;
};

static void
report_lease(struct homes *p, uint32_t i, const struct lease *lease, int64_t watt, bool obeyed)
{
    char text[RESULT_SIZE];
    int n =
        snprintf(text, sizeof(text), "{\"sequence\":%llu,\"power-w\":%lld,\"obeyed\":%s}",
                 (unsigned long long)lease->sequence, (long long)watt, obeyed ? "true" : "false");
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    if (field_publish(p->field, i, STREAM_LEASE, field_wall_us(p->field),
                      bytes_of(text, (size_t)n)) != OK)
        fprintf(stderr, "event=report-not-sent device=%s\n", p->name[i]);
}

static enum err
on_lease(void *ctx, uint32_t device, const struct lease *lease)
{
    struct homes *p = ctx;
    ASSERT(device < p->homes_count);
    int64_t watt = 0;
    enum err e = ERR_UNSUPPORTED;
    if (strcmp(lease->command, "battery-setpoint") == 0 && lease->parameters_count == 1 &&
        lease_parameter(lease, "power-w", &watt) == OK)
        e = home_command(&p->home[device], watt, lease->expiry_us);
    report_lease(p, device, lease, watt, e == OK);
    return e;
}

static void
sum_costs(const struct homes *p, double *cost, double *idle)
{
    *cost = *idle = 0;
    for (uint64_t i = 0; i < p->homes_count; i++) {
        *cost += home_cost(&p->home[i]);
        *idle += p->home[i].cost_idle;
    }
}

static void
on_status(void *ctx, struct buf *lines)
{
    const struct homes *p = ctx;
    double cost, idle;
    sum_costs(p, &cost, &idle);
    uint64_t of_day = p->minute % 1440;
    status_put(lines, "homes", "%llu", (unsigned long long)p->homes_count);
    status_put(lines, "cost", "%.2f", cost);
    status_put(lines, "cost_idle", "%.2f", idle);
    status_put(lines, "day", "%llu", (unsigned long long)(p->minute / 1440 % 365 + 1));
    status_put(lines, "time", "%02llu:%02llu", (unsigned long long)(of_day / 60),
               (unsigned long long)(of_day % 60));
}

static void
publish_home(struct homes *p, uint32_t i, int64_t wall_us)
{
    const struct home *h = &p->home[i];
    if (!field_ready(p->field, p->device[i]))
        return;
    double kilowatts = (double)(int64_t)(home_net_kw(h) * 1000) / 1000;
    enum err e = field_publish_number(p->field, p->device[i], STREAM_METER, wall_us, kilowatts);
    char text[RESULT_SIZE];
    int n = snprintf(text, sizeof(text),
                     "{\"soc\":%.4f,\"power-w\":%.0f,\"capacity-wh\":%.0f,\"band\":\"%s\","
                     "\"minute\":%llu}",
                     battery_soc(&h->battery), h->battery_kw * 1000 + 0.0,
                     h->battery.capacity_kwh * 1000, tariff_name(tariff_at(p->minute)),
                     (unsigned long long)(p->minute % 1440));
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    if (e == OK)
        e = field_publish(p->field, p->device[i], STREAM_BATTERY, wall_us,
                          bytes_of(text, (size_t)n));
    if (e != OK && e != ERR_LIMIT) /* the limit is counted as dropped */
        fprintf(stderr, "event=not-published device=%s why=\"%s\"\n", p->name[i], err_text(e));
}

static void
step(struct homes *p)
{
    int64_t wall_us = field_wall_us(p->field);
    p->minute += p->step_minutes;
    p->steps++;
    weather_step(&p->weather, p->minute);
    for (uint32_t i = 0; i < p->homes_count; i++) {
        home_step(&p->home[i], &p->weather, p->minute, (double)p->step_minutes,
                  field_lease_us(p->field));
        publish_home(p, i, wall_us);
    }
}

static bool
set_up(struct homes *p)
{
    const struct field_calls calls = {.ctx = p, .lease = on_lease, .status = on_status};
    p->field = field_new(&p->options, &calls);
    if (!p->field)
        return false;
    p->seeded.state = p->options.seed;
    struct random_source random = random_seeded_source(&p->seeded);
    p->weather.random = random;
    p->minute = FIRST_DAY * 1440 + FIRST_MINUTE;
    for (uint32_t i = 0; i < p->homes_count; i++) {
        home_init(&p->home[i], random);
        snprintf(p->name[i], sizeof(p->name[i]), "home-%u", i + 1);
        struct field_thing thing = {.device = p->name[i],
                                    .description = "a home with a solar roof and a battery",
                                    .longitude = -75.70 + 0.002 * (i % 16),
                                    .latitude = 45.40 + 0.002 * (i / 16),
                                    .streams = streams,
                                    .streams_count = ARRAY_COUNT(streams),
                                    .capabilities = capabilities,
                                    .capabilities_count = ARRAY_COUNT(capabilities),
                                    .commands = true};
        if (field_add(p->field, &thing, &p->device[i]) != OK)
            return false;
        ASSERT(p->device[i] == i);
    }
    return true;
}

static int
run_data(const char *directory)
{
    struct district_result r;
    if (district_run(directory, &r) != OK)
        return 3;
    printf("homes=%u hours=%u skipped_rows=%u cost_idle=%.2f cost=%.2f ratio=%.4f\n", r.homes,
           r.hours, r.skipped_rows, r.cost_idle, r.cost, r.cost / r.cost_idle);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct homes p;
    p.options = (struct field_options){
        .program = "homes",
        .summary = "homes with load, sun and batteries, as devices of an energy zone",
        .example = "homes --devices D --mqtts 127.0.0.1:8885 --https 127.0.0.1:8445 --homes 10",
        .seed = 1};
    p.homes_count = 10;
    p.step_minutes = STEP_MINUTES;
    p.step_ms = STEP_MS;
    const struct field_option more[] = {
        {"--homes", "N", OPTION_NUMBER, &p.homes_count, HOMES_MAX, "homes, home-1 to home-N"},
        {"--minutes", "N", OPTION_NUMBER, &p.step_minutes, 60, "simulated minutes in one step"},
        {"--step-ms", "N", OPTION_NUMBER, &p.step_ms, 3600000, "milliseconds for one step"},
    };
    int code = 0;
    if (!field_options_parse(&p.options, more, ARRAY_COUNT(more), argc, argv, &code))
        return code;
    if (p.options.data)
        return run_data(p.options.data);
    if (p.homes_count == 0 || p.step_minutes == 0 || p.step_ms == 0) {
        fprintf(stderr, "homes: --homes, --minutes and --step-ms are at least 1\n");
        return 2;
    }
    if (!set_up(&p))
        return 3;
    uint64_t next_ms = 0;
    do {
        uint64_t now_ms = field_mono_ms(p.field);
        if (now_ms >= next_ms) {
            step(&p);
            next_ms = next_ms + p.step_ms > now_ms ? next_ms + p.step_ms : now_ms + p.step_ms;
        }
        now_ms = field_mono_ms(p.field);
        if (!field_turn(p.field, next_ms > now_ms ? (uint32_t)(next_ms - now_ms) : 0))
            break;
    } while (true);
    field_end(p.field);
    double cost, idle;
    sum_costs(&p, &cost, &idle);
    printf("homes=%llu steps=%llu cost=%.2f cost_idle=%.2f\n", (unsigned long long)p.homes_count,
           (unsigned long long)p.steps, cost, idle);
    field_free(p.field);
    return 0;
}
