#include "tests/signals/envelope/storm.h"

enum { SECOND_US = 1000000, SOURCES = 5, WEATHER_S = 1500 };

enum wish_style { WISH_ANY, WISH_HOLD, WISH_TWO, WISH_RARE, WISH_STYLES };
enum call_style { CALL_ALL, CALL_SOME, CALL_FLICKER, CALL_ONE, CALL_SILENT, CALL_STYLES };
enum coming_style { COMING_ALL, COMING_NONE, COMING_CALLS, COMING_FLICKER, COMING_STYLES };
enum inside_style { INSIDE_NONE, INSIDE_SOME, INSIDE_ALWAYS, INSIDE_STYLES };

/* For so many seconds the storm blows from here. */
struct weather {
    enum wish_style wishes;
    enum call_style calls;
    enum coming_style coming;
    enum inside_style inside;
    uint32_t orders, preempts, buses, buttons, faults; /* one in so many seconds; 0: none */
    uint32_t first, second;                            /* phases or lanes that are favoured */
};

struct storm {
    const struct storm_config *config;
    struct storm_result *out;
    struct random_source r;
    struct weather weather;
    struct machine machine;
    struct monitor monitor;
    int64_t now_us;
    uint32_t day_s;
    uint64_t calls, sequence;
    int64_t ordered_until_us;
    bool sources[SOURCES]; /* a pre-emption was accepted and not ended */
    bool heard;
};

static uint32_t
below(struct storm *s, uint32_t bound)
{
    return (uint32_t)random_below(&s->r, bound);
}

static bool
one_in(struct storm *s, uint32_t n)
{
    return n > 0 && below(s, n) == 0;
}

static void
draw_weather(struct storm *s)
{
    static const uint32_t rates[] = {0, 0, 0, 3000, 300, 40};
    static const uint32_t often[] = {0, 500, 60, 10, 2};
    struct weather *w = &s->weather;
    w->wishes = (enum wish_style)below(s, WISH_STYLES);
    w->calls = (enum call_style)below(s, CALL_STYLES);
    w->coming = (enum coming_style)below(s, COMING_STYLES);
    w->inside = (enum inside_style)below(s, INSIDE_STYLES);
    w->orders = rates[below(s, ARRAY_COUNT(rates))];
    w->preempts = rates[below(s, ARRAY_COUNT(rates))];
    w->faults = rates[below(s, ARRAY_COUNT(rates))];
    w->buses = often[below(s, ARRAY_COUNT(often))];
    w->buttons = often[below(s, ARRAY_COUNT(often))];
    w->first = below(s, 1000);
    w->second = below(s, 1000);
}

static enum err
send_event(struct storm *s, struct lights_event e)
{
    e.now_us = s->now_us;
    s->out->events++;
    enum err result = machine_event(&s->machine, &e);
    s->out->refused_events += result != OK;
    return result;
}

/* Mostly right; else of no phase, late, doubled, from before, or for ever. */
static void
send_wish(struct storm *s)
{
    const struct weather *w = &s->weather;
    uint32_t phases = s->config->x->phases_count;
    uint32_t phase = w->wishes == WISH_HOLD  ? w->first % phases
                     : w->wishes == WISH_TWO ? (one_in(s, 2) ? w->first : w->second) % phases
                                             : below(s, phases);
    struct lights_event e = {.kind = LIGHTS_WISH,
                             .phase = phase,
                             .until_us = s->now_us + (int64_t)below(s, 40) * SECOND_US,
                             .sequence = ++s->sequence};
    switch (below(s, 12)) {
    case 0:
        e.until_us = s->now_us - (int64_t)below(s, 100) * SECOND_US;
        break;
    case 1:
        e.sequence -= below(s, 10);
        break;
    case 2:
        e.phase = phases + below(s, 300);
        break;
    case 3:
        e.until_us = INT64_MAX;
        break;
    default:
        break;
    }
    s->out->wishes++;
    s->out->refused_wishes += send_event(s, e) != OK;
}

static void
send_calls(struct storm *s)
{
    uint32_t lanes = s->config->x->lanes_count;
    uint64_t all = lanes == 64 ? UINT64_MAX : (UINT64_C(1) << lanes) - 1;
    s->heard = s->weather.calls != CALL_SILENT;
    if (!s->heard)
        return;
    if (s->weather.calls == CALL_ALL)
        s->calls = all;
    else if (s->weather.calls == CALL_ONE)
        s->calls = UINT64_C(1) << (s->weather.first % lanes);
    else if (s->weather.calls == CALL_FLICKER)
        s->calls = random_u64(&s->r) & all;
    else if (one_in(s, 20))
        s->calls ^= UINT64_C(1) << below(s, lanes);
    uint64_t walks = 0;
    for (uint32_t l = 0; l < lanes; l++)
        walks |= (uint64_t)s->config->x->lane_walk[l] << l;
    s->calls &= ~walks; /* people on foot press buttons */
    uint64_t coming = s->weather.coming == COMING_ALL     ? all
                      : s->weather.coming == COMING_NONE  ? 0
                      : s->weather.coming == COMING_CALLS ? s->calls
                                                          : random_u64(&s->r);
    enum err e = send_event(
        s, (struct lights_event){.kind = LIGHTS_SENSORS, .lanes = s->calls, .coming = coming});
    ASSERT(e == OK);
}

static void
send_people(struct storm *s)
{
    uint32_t lane = below(s, s->config->x->lanes_count + 1);
    if (one_in(s, s->weather.buttons) &&
        send_event(s, (struct lights_event){.kind = LIGHTS_PEDESTRIAN_CALL, .lane = lane}) == OK)
        checker_press(&s->out->checker, lane);
    if (one_in(s, s->weather.buses))
        send_event(s, (struct lights_event){.kind = one_in(s, 3) ? LIGHTS_BUS_OUT : LIGHTS_BUS_CALL,
                                            .lane = lane});
}

static void
send_orders(struct storm *s)
{
    static const enum lights_kind kinds[] = {LIGHTS_FLASH_ON, LIGHTS_FLASH_OFF, LIGHTS_RED_ON,
                                             LIGHTS_RED_OFF,  LIGHTS_MANUAL_ON, LIGHTS_MANUAL_OFF,
                                             LIGHTS_MANUAL_ON};
    if (!one_in(s, s->weather.orders))
        return;
    struct lights_event e = {.kind = kinds[below(s, ARRAY_COUNT(kinds))],
                             .phase = below(s, s->config->x->phases_count + 1),
                             .until_us = s->now_us + (int64_t)below(s, 200) * SECOND_US};
    bool on = e.kind == LIGHTS_FLASH_ON || e.kind == LIGHTS_RED_ON || e.kind == LIGHTS_MANUAL_ON;
    if (send_event(s, e) == OK && on && e.until_us > s->ordered_until_us)
        s->ordered_until_us = e.until_us;
}

static void
send_preempts(struct storm *s)
{
    uint32_t source = below(s, SOURCES);
    struct lights_event call = {
        .kind = LIGHTS_PREEMPT_CALL,
        .source = source,
        .phase = below(s, s->config->x->phases_count + 1),
        .until_us = one_in(s, 2) ? 0 : s->now_us + (int64_t)below(s, 60) * SECOND_US};
    if (one_in(s, s->weather.preempts) && send_event(s, call) == OK)
        s->sources[source] = true;
    if (s->sources[source] && one_in(s, 100)) {
        enum err e =
            send_event(s, (struct lights_event){.kind = LIGHTS_PREEMPT_OUT, .source = source});
        s->sources[source] = e != OK && e != ERR_DENIED; /* it may have ended before */
    }
}

static void
send_faults(struct storm *s)
{
    static const enum lights_kind kinds[] = {LIGHTS_WATCHDOG, LIGHTS_TRIP, LIGHTS_TAKE_OVER,
                                             LIGHTS_START, LIGHTS_EXPIRY};
    if (one_in(s, s->weather.faults) &&
        send_event(s, (struct lights_event){.kind = kinds[below(s, ARRAY_COUNT(kinds))]}) == OK &&
        s->machine.state == MACHINE_FAULT)
        memset(s->sources, 0, sizeof(s->sources));
    if (s->machine.state == MACHINE_FAULT && one_in(s, 30)) {
        enum err e = send_event(s, (struct lights_event){.kind = LIGHTS_RESET});
        ASSERT(e == OK);
    }
}

static void
second(struct storm *s)
{
    char shown[LIGHTS_LINKS_MAX + 1];
    struct machine *m = &s->machine;
    enum machine_state before = m->state;
    struct link_set inside = {0};
    if (s->weather.inside == INSIDE_ALWAYS)
        memset(&inside, 0xff, sizeof(inside));
    else if (s->weather.inside == INSIDE_SOME && one_in(s, 2))
        link_add(&inside, below(s, m->x->links_count));
    s->now_us += SECOND_US;
    s->day_s = one_in(s, 5000) ? below(s, LIGHTS_DAY_S) : (s->day_s + 1) % LIGHTS_DAY_S;
    enum err e = send_event(
        s, (struct lights_event){.kind = LIGHTS_TICK, .inside = inside, .day_s = s->day_s});
    ASSERT(e == OK);
    bool preempted = machine_preempting(m);
    for (uint32_t i = 0; i < SOURCES; i++)
        preempted = preempted || s->sources[i];
    memcpy(shown, m->shown, sizeof(shown));
    if (s->config->distort)
        s->config->distort(s->config->x, s->out->checker.shown, shown);
    checker_second(&s->out->checker,
                   &(struct checker_second){.shown = shown,
                                            .calls = s->calls,
                                            .heard = s->heard,
                                            .preempted = preempted,
                                            .ordered = s->ordered_until_us > s->now_us,
                                            .regular = machine_regular(m)});
    if (!monitor_observe(&s->monitor, shown, preempted)) {
        s->out->checker.violations[VIOLATION_MONITOR]++;
        ASSERT(monitor_reset(&s->monitor, true) == OK);
        monitor_init(&s->monitor, s->config->x);
    }
    s->out->seconds++;
    s->out->seconds_in[m->state]++;
    s->out->changes += m->state != before && m->state == MACHINE_YELLOW;
}

void
storm_run(const struct storm_config *config, struct storm_result *out)
{
    struct random_seeded seeded = {config->seed};
    struct storm s = {
        .config = config, .out = out, .r = random_seeded_source(&seeded), .sequence = 1000};
    *out = (struct storm_result){0};
    machine_init(&s.machine, config->believed ? config->believed : config->x);
    enum err e = send_event(&s, (struct lights_event){.kind = LIGHTS_TAKE_OVER});
    ASSERT(e == OK);
    monitor_init(&s.monitor, config->x);
    checker_init(&out->checker, config->x, s.machine.shown);
    (void)monitor_observe(&s.monitor, s.machine.shown, false);
    while (out->wishes < config->wishes) {
        if (out->seconds % WEATHER_S == 0)
            draw_weather(&s);
        bool rare = s.weather.wishes == WISH_RARE && below(&s, 100) != 0;
        for (uint32_t n = rare ? 0 : 1 + one_in(&s, 4); n > 0; n--)
            send_wish(&s);
        send_calls(&s);
        send_people(&s);
        send_orders(&s);
        send_preempts(&s);
        send_faults(&s);
        second(&s);
    }
    out->forced = s.machine.forced;
    out->grants = s.machine.grants;
    out->trips = s.machine.trips;
}
