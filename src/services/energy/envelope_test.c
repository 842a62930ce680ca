#include "programs/warden/envelope.h"

#include "base/random.h"
#include "base/test.h"

/* lease.c of grant is linked with the library; tests here need leases only as values. */

enum { LEASE_MS = 120000, PERIOD_MS = 60000 };

static struct start start;
static char why[ENVELOPE_WHY_SIZE];
static struct envelope_verdict verdict;

static void *
guard_new(int64_t charge, int64_t discharge, int64_t step)
{
    static const char *const names[] = {"maximum-charge", "maximum-discharge", "fleet-step",
                                        "minimum-reserve"};
    const int64_t values[] = {charge, discharge, step, 2000};
    memset(&start, 0, sizeof(start));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(start.envelope[i].name, sizeof(start.envelope[i].name), "%s", names[i]);
        start.envelope[i].value = values[i];
        start.envelope[i].line = (uint32_t)(40 + i);
    }
    start.envelope_count = ARRAY_COUNT(names);
    start.commands[0] = (struct start_command){.name = "battery-setpoint", .lease_ms = LEASE_MS};
    start.commands_count = 1;
    void *state = calloc(1, envelope_this.size);
    ASSERT(state);
    CHECK_OK(envelope_this.init(state, &start, why));
    return state;
}

static struct lease
lease_of(uint32_t battery, int64_t watt)
{
    struct lease l = {.command = "battery-setpoint", .parameters_count = 1};
    snprintf(l.device, sizeof(l.device), "home-%u", battery);
    l.parameters[0] = (struct lease_parameter){.name = "power-w", .value = watt};
    return l;
}

static enum err
ask(void *state, const struct lease *l, uint64_t now_ms, uint64_t lease_ms)
{
    enum err e = envelope_this.check(state, l, 0, now_ms, lease_ms, &verdict);
    if (e == OK)
        envelope_this.granted(state, l, now_ms, lease_ms);
    else
        CHECK(e == ERR_DENIED && verdict.reason[0] && verdict.rule[0]);
    return e;
}

TEST(every_value_of_one_battery_is_inside_or_refused)
{
    void *state = guard_new(50, 30, 100000);
    for (int64_t w = -200; w <= 200; w++) {
        struct lease l = lease_of(1, w);
        enum err e = envelope_this.check(state, &l, 0, 1000, 1000, &verdict);
        CHECK((e == OK) == (w >= -30 && w <= 50));
    }
    struct lease l = lease_of(1, INT64_MIN);
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    l = lease_of(1, INT64_MAX);
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    CHECK(strcmp(verdict.rule, "charter line 40: envelope maximum-charge") == 0);
    free(state);
}

TEST(unknown_parameters_and_commands_are_refused)
{
    void *state = guard_new(50, 50, 100);
    struct lease l = lease_of(1, 10);
    snprintf(l.parameters[1].name, sizeof(l.parameters[1].name), "until-full");
    l.parameters_count = 2;
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    l = lease_of(1, 10);
    snprintf(l.parameters[0].name, sizeof(l.parameters[0].name), "power-kw");
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    l = lease_of(1, 10);
    l.parameters_count = 0;
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    l = lease_of(1, 10);
    snprintf(l.command, sizeof(l.command), "open-breaker");
    CHECK(ask(state, &l, 1000, 1000) == ERR_DENIED);
    free(state);
}

TEST(a_charter_without_a_value_is_refused)
{
    free(guard_new(1, 1, 1));
    for (size_t i = 0; i < 4; i++) {
        struct start_envelope kept = start.envelope[i];
        start.envelope[i].name[0] = '\0';
        void *state = calloc(1, envelope_this.size);
        ASSERT(state);
        CHECK(envelope_this.init(state, &start, why) == ERR_MALFORMED && why[0]);
        start.envelope[i] = kept;
        start.envelope[i].value = -1;
        CHECK(envelope_this.init(state, &start, why) == ERR_MALFORMED);
        start.envelope[i] = kept;
        free(state);
    }
}

/* ---- G2 against the whole history, written down plainly ------------------------------------- */

enum { BATTERIES = 4, HISTORY_MAX = 3000 };
struct grant {
    uint32_t battery;
    int64_t watt;
    uint64_t from_ms, to_ms; /* to: expiry, or the next grant of the same battery */
    bool before, replaced;   /* granted before a restart; another grant ended it */
};
static struct grant history[HISTORY_MAX];
static uint32_t history_count;

static int64_t
true_sum(uint64_t at_ms)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < history_count; i++)
        if (history[i].from_ms <= at_ms && at_ms < history[i].to_ms)
            sum += history[i].watt;
    return sum;
}

static struct grant *
standing(uint32_t battery, uint64_t now_ms)
{
    for (uint32_t i = 0; i < history_count; i++)
        if (history[i].battery == battery && history[i].to_ms > now_ms)
            return &history[i];
    return NULL;
}

/* True if `sum` is within `step` of every sum of the last `window_ms`. */
static bool
true_step(int64_t sum, uint64_t now_ms, uint64_t window_ms, int64_t step)
{
    uint64_t from_ms = now_ms > window_ms ? now_ms - window_ms : 0;
    bool good = llabs(sum - true_sum(from_ms)) <= step && llabs(sum - true_sum(now_ms)) <= step;
    for (uint32_t i = 0; good && i < history_count; i++) {
        const struct grant *g = &history[i];
        if (g->to_ms < from_ms) /* long over */
            continue;
        if (g->from_ms >= from_ms && g->from_ms <= now_ms)
            good = llabs(sum - true_sum(g->from_ms)) <= step;
        if (good && g->to_ms >= from_ms && g->to_ms <= now_ms)
            good = llabs(sum - true_sum(g->to_ms)) <= step;
    }
    return good;
}

TEST(the_fleet_never_steps_too_far_and_is_not_refused_without_reason)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    void *state = guard_new(1000, 1000, 1500);
    uint64_t now_ms = 5000;
    uint32_t granted = 0, refused = 0;
    history_count = 0;
    while (history_count < HISTORY_MAX) {
        now_ms += random_below(&r, 10) ? random_below(&r, 4000) : random_below(&r, 130000);
        uint32_t battery = (uint32_t)random_below(&r, BATTERIES);
        int64_t watt = (int64_t)random_below(&r, 2001) - 1000;
        uint64_t lease_ms = 500 + random_below(&r, 90000);
        struct lease l = lease_of(battery, watt);
        int64_t sum = true_sum(now_ms) + watt;
        struct grant *before = standing(battery, now_ms);
        if (before)
            sum -= before->watt;
        if (ask(state, &l, now_ms, lease_ms) != OK) {
            CHECK(!true_step(sum, now_ms, 62000, 1500));
            refused++;
            continue;
        }
        CHECK(true_step(sum, now_ms, 60000, 1500));
        granted++;
        if (before)
            before->to_ms = now_ms;
        history[history_count++] = (struct grant){
            .battery = battery, .watt = watt, .from_ms = now_ms, .to_ms = now_ms + lease_ms};
    }
    CHECK(granted > 100 && refused > 100);
    free(state);
}

/* ---- G3 ------------------------------------------------------------------------------------- */

TEST(after_a_restart_a_minute_is_waited_for_and_then_the_worst_assumed)
{
    void *state = guard_new(5000, 4000, 30000);
    const uint64_t at = 7000;
    envelope_this.restarted(state, at);
    struct lease l = lease_of(0, 0);
    CHECK(ask(state, &l, at + PERIOD_MS - 1, LEASE_MS) == ERR_DENIED);
    CHECK(strstr(verdict.reason, "started anew") &&
          strcmp(verdict.rule, "charter line 42: envelope fleet-step") == 0);
    /* Who goes to standby may have charged with 5 kW: six of them are 30 kW. */
    for (uint32_t i = 0; i < 7; i++) {
        l = lease_of(i, 0);
        CHECK((ask(state, &l, at + PERIOD_MS, LEASE_MS) == OK) == (i < 6));
    }
    CHECK(strstr(verdict.reason, "7 batteries adopted"));
    /* Nobody knows by how much the six moved, so for a minute they may not move further. */
    l = lease_of(0, 4000);
    CHECK(ask(state, &l, at + PERIOD_MS + 1000, LEASE_MS) == OK); /* 6 x 4 up, and 4 */
    l = lease_of(1, 4000);
    CHECK(ask(state, &l, at + PERIOD_MS + 1000, LEASE_MS) == ERR_DENIED);
    /* From the end of the longest lease on all that stands is known, and a minute later all that
     * stood. */
    l = lease_of(6, 5000);
    CHECK(ask(state, &l, at + LEASE_MS - 1, LEASE_MS) == ERR_DENIED);
    CHECK(ask(state, &l, at + LEASE_MS + 1, LEASE_MS) == OK);
    for (uint32_t i = 7; i < 12; i++) {
        l = lease_of(i, 5000);
        CHECK((ask(state, &l, at + LEASE_MS + 1001, LEASE_MS) == OK) == (i < 11));
    }
    free(state);
}

TEST(long_leases_do_not_keep_the_fleet_out_after_a_restart)
{
    void *state = guard_new(5000, 5000, 50000);
    start.commands[0].lease_ms = 24 * 3600 * 1000;
    CHECK_OK(envelope_this.init(state, &start, why));
    envelope_this.restarted(state, 1000);
    uint64_t now_ms = 1000 + PERIOD_MS;
    for (uint32_t i = 0; i < 50; i++) { /* five a minute, with all they have */
        struct lease l = lease_of(i, i % 2 ? 5000 : -5000);
        while (ask(state, &l, now_ms, 1000) != OK)
            now_ms += 1000;
    }
    CHECK(now_ms <= 1000 + 11 * PERIOD_MS);
    free(state);
}

/* What had been granted at a time, without what a predecessor granted and ran out until now. */
static int64_t
granted_sum(uint64_t at_ms, uint64_t now_ms)
{
    int64_t sum = true_sum(at_ms);
    for (uint32_t i = 0; i < history_count; i++) {
        const struct grant *g = &history[i];
        bool ran_out = g->before && !g->replaced && g->to_ms > at_ms && g->to_ms <= now_ms;
        if (ran_out && g->from_ms <= at_ms)
            sum -= g->watt;
    }
    return sum;
}

static void
check_step(int64_t sum, uint64_t now_ms, int64_t step)
{
    uint64_t from_ms = now_ms - PERIOD_MS;
    CHECK(llabs(sum - granted_sum(from_ms, now_ms)) <= step);
    for (uint32_t i = 0; i < history_count; i++) {
        const uint64_t at_ms[] = {history[i].from_ms, history[i].to_ms};
        for (int k = 0; k < 2; k++)
            CHECK(at_ms[k] < from_ms || at_ms[k] > now_ms ||
                  llabs(sum - granted_sum(at_ms[k], now_ms)) <= step);
    }
}

/* A grant by the guard, and in the history. */
static bool
live(void *state, const struct random_source *r, uint64_t now_ms, int64_t step)
{
    uint32_t battery = (uint32_t)random_below(r, BATTERIES);
    int64_t watt = (int64_t)random_below(r, 2001) - 1000;
    uint64_t lease_ms = 1 + random_below(r, LEASE_MS);
    struct lease l = lease_of(battery, watt);
    if (ask(state, &l, now_ms, lease_ms) != OK)
        return false;
    struct grant *old = standing(battery, now_ms);
    check_step(true_sum(now_ms) - (old ? old->watt : 0) + watt, now_ms, step);
    if (old) {
        old->to_ms = now_ms;
        old->replaced = true;
    }
    history[history_count++] = (struct grant){
        .battery = battery, .watt = watt, .from_ms = now_ms, .to_ms = now_ms + lease_ms};
    return true;
}

TEST(whenever_it_restarts_no_grant_steps_too_far)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    uint32_t adopting = 0;
    for (int life = 0; life < 60; life++) {
        int64_t step = 1000 + (int64_t)random_below(&r, 3000);
        uint64_t now_ms = 500000, end_ms = now_ms + 100000 + random_below(&r, 100000);
        void *state = guard_new(1000, 1000, step);
        history_count = 0;
        for (; now_ms < end_ms; now_ms += random_below(&r, 3000))
            live(state, &r, now_ms, step);
        free(state);
        for (uint32_t i = 0; i < history_count; i++)
            history[i].before = true;
        state = guard_new(1000, 1000, step);
        envelope_this.restarted(state, now_ms);
        for (end_ms = now_ms; now_ms < end_ms + 240000; now_ms += random_below(&r, 3000))
            adopting += live(state, &r, now_ms, step) && now_ms < end_ms + LEASE_MS;
        free(state);
    }
    CHECK(adopting > 60);
}

TEST(more_batteries_than_the_guard_knows_are_refused)
{
    void *state = guard_new(10, 10, 1000000);
    for (uint32_t i = 0; i <= ENVELOPE_DEVICES_MAX; i++) {
        struct lease l = lease_of(i, 1);
        CHECK((ask(state, &l, 1000, 1000) == OK) == (i < ENVELOPE_DEVICES_MAX));
    }
    free(state);
}
