#include "programs/core/service.h"

#include <math.h>

#include "base/text.h"
#include "sensorthings/json.h"
#include "services/energy/plan.h"

/*
 * The service of an energy zone. A home is a device with two Datastreams:
 *
 *   "meter"    a number, kW at the connection (positive: buys), the battery's power included
 *   "battery"  {"soc":0.53,"power-w":-300,"capacity-wh":6400,"band":"peak","minute":1035}
 *              band: the meter's tariff register; minute: its local minute of the day
 */
enum {
    HOMES_MAX = 1024,
    PERIODS_MAX = 3,        /* a meter silent for longer is old (specs/energy.md 6.4) */
    PERIOD_FIRST_MS = 5000, /* until two readings told the period */
    PERIOD_LEAST_MS = 1000, /* so that a hiccup of a fast meter is no outage */
    PERIOD_MOST_MS = 3600000,
    WISH_GAP_MS = 1000, /* for one battery; doubles with each refusal */
    WISH_GAP_MOST_MS = 32000,
    DEAD_BAND_W = 50,     /* smaller changes are not worth a lease */
    KILOWATTS_MAX = 1000, /* of one home: more is no home */
    CAPACITY_WH_MAX = 10000000,
};

struct home {
    char device[START_NAME_SIZE];
    uint64_t meter_ms, period_ms; /* monotonic; 0: never */
    double meter_w, battery_w, soc, capacity_wh;
    uint64_t battery_ms;
    uint32_t hour;
    enum tariff_band band, bands[FORECAST_HOURS];
    struct forecast forecast;
    int64_t wished_w;
    uint64_t wished_ms;        /* 0: no wish stands */
    uint64_t tried_ms, gap_ms; /* not again before tried_ms + gap_ms */
    bool active; /* a set-point that is not standby was granted, and no standby since */
};

struct energy {
    struct service_ports ports;
    struct plan_limits limits;
    uint64_t renew_ms; /* a lease is renewed after this */
    bool commands;
    uint32_t homes_count;
    struct home homes[HOMES_MAX];
};

static int64_t
envelope_value(const struct start *start, const char *name, int64_t otherwise)
{
    for (size_t i = 0; i < start->envelope_count; i++)
        if (strcmp(start->envelope[i].name, name) == 0)
            return start->envelope[i].value;
    return otherwise;
}

static enum err
energy_start(void *self, const struct start *start, const struct service_ports *ports,
             struct bytes saved_state)
{
    struct energy *e = self;
    (void)saved_state;
    e->ports = *ports;
    e->limits.charge_max_w = envelope_value(start, "maximum-charge", 0);
    e->limits.discharge_max_w = envelope_value(start, "maximum-discharge", 0);
    e->limits.reserve_centi_percent = envelope_value(start, "minimum-reserve", 10000);
    const struct start_command *c = start_command(start, bytes_text("battery-setpoint"));
    e->commands = c != NULL;
    e->renew_ms = c ? c->lease_ms / 2 : 0;
    return OK;
}

static struct home *
home_find(struct energy *e, struct bytes device)
{
    for (uint32_t i = 0; i < e->homes_count; i++)
        if (bytes_are(device, e->homes[i].device))
            return &e->homes[i];
    return NULL;
}

static struct home *
home_make(struct energy *e, struct bytes device)
{
    struct home *h = home_find(e, device);
    if (h || e->homes_count == HOMES_MAX)
        return h;
    h = &e->homes[e->homes_count];
    if (bytes_copy_text(device, h->device, sizeof(h->device)) != OK)
        return NULL;
    h->period_ms = PERIOD_FIRST_MS;
    h->gap_ms = WISH_GAP_MS;
    e->homes_count++;
    return h;
}

/* ---- readings ------------------------------------------------------------------------------ */

struct battery {
    double soc, power_w, capacity_wh;
    uint64_t minute;
    enum tariff_band band;
};

static enum tariff_band
read_band(struct bytes value)
{
    if (bytes_are(value, "\"off-peak\""))
        return BAND_CHEAP;
    if (bytes_are(value, "\"shoulder\""))
        return BAND_NORMAL;
    if (bytes_are(value, "\"peak\""))
        return BAND_EXPENSIVE;
    return BAND_UNKNOWN;
}

static enum err
read_battery(struct bytes json, struct battery *out)
{
    size_t bad;
    struct battery b;
    if (!sta_json_check(json, &bad) || sta_json_kind(json) != STA_JSON_OBJECT)
        return ERR_MALFORMED;
    if (text_double(sta_json_member(json, bytes_text("soc")), &b.soc) != OK ||
        text_double(sta_json_member(json, bytes_text("power-w")), &b.power_w) != OK ||
        text_double(sta_json_member(json, bytes_text("capacity-wh")), &b.capacity_wh) != OK ||
        text_u64(sta_json_member(json, bytes_text("minute")), 24 * 60 - 1, &b.minute) != OK)
        return ERR_MALFORMED;
    b.band = read_band(sta_json_member(json, bytes_text("band")));
    if (!(b.soc >= 0 && b.soc <= 1) || !(fabs(b.power_w) <= KILOWATTS_MAX * 1000.0) ||
        !(b.capacity_wh > 0 && b.capacity_wh <= CAPACITY_WH_MAX))
        return ERR_MALFORMED;
    *out = b;
    return OK;
}

/* Out-of-range and malformed readings are refused with a sentence, never clipped. */
static enum err
energy_admit(void *self, const struct service_stream *stream, struct observation *o,
             struct arena *arena, char *why)
{
    (void)self;
    (void)arena;
    struct battery b;
    if (bytes_are(stream->name, "meter") &&
        (o->kind != RESULT_NUMBER || !(fabs(o->number) <= KILOWATTS_MAX))) {
        snprintf(why, SERVICE_WHY_SIZE, "a meter reading is a number of kW within +-%d",
                 KILOWATTS_MAX);
        return ERR_DENIED;
    }
    if (bytes_are(stream->name, "battery") &&
        (o->kind != RESULT_JSON || read_battery(o->text, &b) != OK)) {
        snprintf(why, SERVICE_WHY_SIZE,
                 "a battery's state has soc 0..1, power-w, capacity-wh and minute 0..1439");
        return ERR_DENIED;
    }
    return OK;
}

static void
take_meter(struct home *h, double kilowatts, uint64_t now_ms)
{
    if (h->meter_ms) {
        uint64_t gap = now_ms - h->meter_ms;
        gap = gap < PERIOD_LEAST_MS ? PERIOD_LEAST_MS : gap > PERIOD_MOST_MS ? PERIOD_MOST_MS : gap;
        /* A long silence must not teach the service that silence is usual: at most a quarter. */
        uint64_t longest = h->period_ms + h->period_ms / 4;
        h->period_ms = (7 * h->period_ms + (gap < longest ? gap : longest)) / 8;
        if (h->period_ms < PERIOD_LEAST_MS)
            h->period_ms = PERIOD_LEAST_MS;
    }
    h->meter_ms = now_ms;
    h->meter_w = kilowatts * 1000;
}

static void
energy_stored(void *self, const struct service_stream *stream, const struct observation *o)
{
    struct energy *e = self;
    struct home *h = home_make(e, stream->device);
    uint64_t now_ms = e->ports.mono_ms(e->ports.ctx);
    struct battery b;
    if (!h)
        return;
    if (bytes_are(stream->name, "meter") && o->kind == RESULT_NUMBER)
        take_meter(h, o->number, now_ms);
    if (!bytes_are(stream->name, "battery") || o->kind != RESULT_JSON ||
        read_battery(o->text, &b) != OK)
        return;
    h->battery_ms = now_ms;
    h->battery_w = b.power_w;
    h->soc = b.soc;
    h->capacity_wh = b.capacity_wh;
    h->band = b.band;
    h->hour = (uint32_t)(b.minute / 60);
    h->bands[h->hour] = b.band;
    if (h->meter_ms) /* the battery's own power is no part of what the home will need */
        forecast_add(&h->forecast, h->hour, h->meter_w - h->battery_w);
}

/* ---- wishes -------------------------------------------------------------------------------- */

static bool
fresh(const struct home *h, uint64_t now_ms)
{
    uint64_t limit = PERIODS_MAX * h->period_ms;
    return h->meter_ms && h->battery_ms && now_ms - h->meter_ms <= limit &&
           now_ms - h->battery_ms <= limit;
}

static void
wish(struct energy *e, struct home *h, int64_t watt, uint64_t now_ms)
{
    char parameters[40];
    snprintf(parameters, sizeof(parameters), "power-w %lld\n", (long long)watt);
    h->tried_ms = now_ms;
    enum err r = e->ports.wish(e->ports.ctx, bytes_text(h->device), "battery-setpoint",
                               bytes_text(parameters), (uint64_t)(h - e->homes));
    if (r == ERR_UNSUPPORTED)
        e->commands = false;
    if (r != OK)
        return;
    h->wished_w = watt;
    h->wished_ms = now_ms;
}

static void
home_tick(struct energy *e, struct home *h, uint64_t now_ms)
{
    if (h->tried_ms && now_ms - h->tried_ms < h->gap_ms)
        return;
    if (!fresh(h, now_ms)) {
        /* An old meter counts as overload: standby, once; then the lease runs out. */
        if (h->active && !(h->wished_ms && h->wished_w == 0))
            wish(e, h, 0, now_ms);
        return;
    }
    struct plan_home p = {.house_w = h->meter_w - h->battery_w,
                          .soc = h->soc,
                          .capacity_wh = h->capacity_wh,
                          .band = h->band,
                          .forecast = &h->forecast};
    memcpy(p.bands, h->bands, sizeof(p.bands));
    int64_t watt = plan_setpoint_w(&p, &e->limits);
    bool stands = h->wished_ms && now_ms - h->wished_ms < e->renew_ms;
    bool same = llabs(watt - h->wished_w) < DEAD_BAND_W && (watt == 0) == (h->wished_w == 0);
    if (stands ? !same : watt != 0 || h->active)
        wish(e, h, watt, now_ms);
}

static void
energy_tick(void *self)
{
    struct energy *e = self;
    uint64_t now_ms = e->ports.mono_ms(e->ports.ctx);
    for (uint32_t i = 0; i < e->homes_count && e->commands; i++)
        home_tick(e, &e->homes[i], now_ms);
}

static void
energy_verdict(void *self, uint64_t ref, struct bytes device, bool granted, struct bytes reason)
{
    struct energy *e = self;
    (void)reason;
    if (ref >= e->homes_count || !bytes_are(device, e->homes[ref].device))
        return;
    struct home *h = &e->homes[ref];
    if (granted) {
        h->active = h->wished_w != 0;
        h->gap_ms = WISH_GAP_MS;
        return;
    }
    h->wished_ms = 0; /* the lease before it may still stand: a later tick asks again */
    h->gap_ms = 2 * h->gap_ms < WISH_GAP_MOST_MS ? 2 * h->gap_ms : WISH_GAP_MOST_MS;
}

static uint64_t
energy_shown(void *self)
{
    struct energy *e = self;
    uint64_t now_ms = e->ports.mono_ms(e->ports.ctx), count = 0;
    for (uint32_t i = 0; i < e->homes_count; i++)
        count += e->homes[i].active && fresh(&e->homes[i], now_ms) ? 1 : 0;
    return count;
}

const struct service service_this = {
    .name = "energy",
    .size = sizeof(struct energy),
    .start = energy_start,
    .admit = energy_admit,
    .stored = energy_stored,
    .tick = energy_tick,
    .verdict = energy_verdict,
    .shown = energy_shown,
};
