#include "programs/warden/envelope.h"

#include "base/random.h"
#include "base/test.h"

/* lease.c of grant is linked with the library; tests here need leases only as values. */

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
        struct grant *before = NULL;
        for (uint32_t i = 0; i < history_count; i++)
            if (history[i].battery == battery && history[i].to_ms > now_ms)
                before = &history[i];
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
        history[history_count++] = (struct grant){battery, watt, now_ms, now_ms + lease_ms};
    }
    CHECK(granted > 100 && refused > 100);
    free(state);
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
