#include "programs/core/service.h"

#include <math.h>

#include "base/test.h"
#include "services/energy/plan.h"

/* ---- the plan -------------------------------------------------------------------------------- */

TEST(the_plan_stays_inside_every_limit_for_any_input)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    static struct forecast f;
    for (int i = 0; i < 50000; i++) {
        forecast_add(&f, (uint32_t)random_below(&r, 24), (double)random_below(&r, 20000) - 10000);
        struct plan_limits limits = {(int64_t)random_below(&r, 6000),
                                     (int64_t)random_below(&r, 6000),
                                     (int64_t)random_below(&r, 10001)};
        struct plan_home h = {.house_w = (double)random_below(&r, 40000) - 20000,
                              .soc = (double)random_below(&r, 101) / 100,
                              .capacity_wh = 1 + (double)random_below(&r, 20000),
                              .band = (enum tariff_band)random_below(&r, 4),
                              .forecast = &f};
        for (uint32_t k = 0; k < FORECAST_HOURS; k++)
            h.bands[k] = (enum tariff_band)random_below(&r, 4);
        int64_t w = plan_setpoint_w(&h, &limits);
        CHECK(w <= limits.charge_max_w && w >= -limits.discharge_max_w);
        CHECK(h.soc < 1 || w <= 0);
        CHECK(h.soc * 10000 > (double)limits.reserve_centi_percent || w >= 0);
    }
}

TEST(the_plan_takes_own_sun_and_spares_cheap_hours)
{
    static const struct forecast nothing;
    const struct plan_limits limits = {5000, 5000, 2000};
    struct plan_home h = {.house_w = -1800, .soc = 0.5, .capacity_wh = 6400, .forecast = &nothing};
    CHECK(plan_setpoint_w(&h, &limits) == 1800);
    h.band = BAND_EXPENSIVE;
    h.house_w = 1234;
    CHECK(plan_setpoint_w(&h, &limits) == -1230);
    h.band = BAND_CHEAP;
    CHECK(plan_setpoint_w(&h, &limits) == 0);
    h.soc = 0.2; /* at the reserve */
    h.band = BAND_EXPENSIVE;
    CHECK(plan_setpoint_w(&h, &limits) == 0);
}

TEST(a_cheap_hour_fills_for_the_evening_that_is_expected)
{
    static struct forecast f;
    struct plan_home h = {.house_w = 300, .soc = 0.2, .capacity_wh = 6400, .band = BAND_CHEAP};
    const struct plan_limits limits = {5000, 5000, 2000};
    for (uint32_t day = 0; day < 5; day++)
        for (uint32_t hour = 0; hour < 24; hour++)
            forecast_add(&f, hour, hour >= 17 && hour < 21 ? 1000 : hour >= 6 ? 100 : 300);
    for (uint32_t hour = 0; hour < 24; hour++)
        h.bands[hour] = hour < 6                  ? BAND_CHEAP
                        : hour >= 17 && hour < 21 ? BAND_EXPENSIVE
                                                  : BAND_NORMAL;
    forecast_add(&f, 2, 300); /* it is two at night, four cheap hours are left */
    h.forecast = &f;
    uint32_t cheap;
    double need = plan_need_wh(&h, &cheap);
    CHECK(cheap == 4 && need > 4500 && need < 6500);
    int64_t w = plan_setpoint_w(&h, &limits);
    CHECK(w > 500 && w < 2000);
    h.soc = 1;
    CHECK(plan_setpoint_w(&h, &limits) == 0);
}

/* ---- the service with a warden that is written down here --------------------------------------
 */

static uint64_t now_ms;
static uint32_t wishes;
static int64_t wished;
static enum err wish_answer;

static enum err
on_wish(void *ctx, struct bytes device, const char *command, struct bytes parameters, uint64_t ref)
{
    (void)ctx;
    (void)ref;
    CHECK(bytes_are(device, "home-1") && strcmp(command, "battery-setpoint") == 0);
    CHECK(bytes_start(parameters, "power-w ") && parameters.p[parameters.len - 1] == '\n');
    long long value;
    CHECK(sscanf((const char *)parameters.p, "power-w %lld", &value) == 1);
    wished = value;
    wishes++;
    return wish_answer;
}
static uint64_t
on_mono(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static void *
service_new(void)
{
    static struct start start;
    memset(&start, 0, sizeof(start));
    static const struct start_envelope values[] = {
        {"maximum-charge", 5000, 1}, {"maximum-discharge", 5000, 2}, {"minimum-reserve", 2000, 3}};
    memcpy(start.envelope, values, sizeof(values));
    start.envelope_count = ARRAY_COUNT(values);
    snprintf(start.commands[0].name, sizeof(start.commands[0].name), "battery-setpoint");
    start.commands[0].lease_ms = 10000;
    start.commands_count = 1;
    struct service_ports ports = {.wish = on_wish, .mono_ms = on_mono};
    void *self = calloc(1, service_this.size);
    ASSERT(self);
    now_ms = 1000;
    wishes = 0;
    wish_answer = OK;
    CHECK_OK(service_this.start(self, &start, &ports, (struct bytes){0}));
    return self;
}

static const struct service_stream meter = {
    .id = 1, .device = {(const uint8_t *)"home-1", 6}, .name = {(const uint8_t *)"meter", 5}};
static const struct service_stream battery = {
    .id = 2, .device = {(const uint8_t *)"home-1", 6}, .name = {(const uint8_t *)"battery", 7}};

static void
report(void *self, double kilowatts, const char *state)
{
    struct observation m = {.kind = RESULT_NUMBER, .number = kilowatts};
    struct observation b = {.kind = RESULT_JSON, .text = bytes_text(state)};
    char why[SERVICE_WHY_SIZE];
    CHECK_OK(service_this.admit(self, &meter, &m, NULL, why));
    CHECK_OK(service_this.admit(self, &battery, &b, NULL, why));
    service_this.stored(self, &meter, &m);
    service_this.stored(self, &battery, &b);
}

#define STATE(power)                                                                               \
    "{\"soc\":0.5,\"power-w\":" power ",\"capacity-wh\":6400,\"band\":\"peak\",\"minute\":1035}"

TEST(a_silent_meter_means_standby_and_then_silence)
{
    void *self = service_new();
    for (int i = 0; i < 60; i++) {
        report(self, 2.0, STATE("0"));
        service_this.tick(self);
        if (wishes == 1)
            service_this.verdict(self, 0, bytes_text("home-1"), true, (struct bytes){0});
        now_ms += 1000;
    }
    CHECK(wished == -2000 && wishes >= 10 && wishes <= 13); /* renewed, not repeated */
    CHECK(service_this.shown(self) == 1);
    uint32_t before = wishes;
    for (int i = 0; i < 300; i++) {
        service_this.tick(self);
        if (wishes > before)
            service_this.verdict(self, 0, bytes_text("home-1"), true, (struct bytes){0});
        now_ms += 100;
    }
    CHECK(wished == 0 && wishes <= before + 2 && service_this.shown(self) == 0);
    before = wishes;
    now_ms += 100000;
    service_this.tick(self);
    CHECK(wishes == before);
    free(self);
}

TEST(a_refused_wish_is_tried_again_more_and_more_rarely)
{
    void *self = service_new();
    uint32_t seen = 0;
    for (int i = 0; i < 1000; i++) {
        if (i % 10 == 0)
            report(self, 2.0, STATE("0"));
        service_this.tick(self);
        if (wishes > seen)
            service_this.verdict(self, 0, bytes_text("home-1"), false, bytes_text("no"));
        seen = wishes;
        now_ms += 100;
    }
    CHECK(wishes >= 5 && wishes <= 9 && service_this.shown(self) == 0);
    free(self);
}

TEST(the_battery_does_not_chase_its_own_power)
{
    void *self = service_new();
    report(self, 0.0, STATE("-2000")); /* the home takes 2 kW, all from the battery */
    service_this.tick(self);
    CHECK(wishes == 1 && wished == -2000);
    free(self);
}

TEST(readings_that_cannot_be_are_refused_with_a_sentence)
{
    void *self = service_new();
    static const char *const bad[] = {
        "[]",
        "{}",
        STATE("1e9"),
        "{\"soc\":1.1,\"power-w\":0,\"capacity-wh\":1,\"minute\":0}",
        "{\"soc\":1,\"power-w\":0,\"capacity-wh\":0,\"minute\":0}",
        "{\"soc\":1,\"power-w\":0,\"capacity-wh\":1,\"minute\":1440}",
        "{\"soc\":\"1\",\"power-w\":0,\"capacity-wh\":1,\"minute\":0}"};
    char why[SERVICE_WHY_SIZE] = "";
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct observation o = {.kind = RESULT_JSON, .text = bytes_text(bad[i])};
        CHECK(service_this.admit(self, &battery, &o, NULL, why) == ERR_DENIED && why[0]);
    }
    struct observation o = {.kind = RESULT_NUMBER, .number = 1001};
    CHECK(service_this.admit(self, &meter, &o, NULL, why) == ERR_DENIED);
    o.number = (double)NAN;
    CHECK(service_this.admit(self, &meter, &o, NULL, why) == ERR_DENIED);
    o = (struct observation){.kind = RESULT_TEXT, .text = bytes_text("2")};
    CHECK(service_this.admit(self, &meter, &o, NULL, why) == ERR_DENIED);
    free(self);
}
