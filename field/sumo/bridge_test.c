/*
 * The bridge with a real SUMO and a controller that stands in for the city: it looks at the same
 * counts that the devices publish and gives leases of ten seconds.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "field/sumo/bridge.h"
#include "field/sumo/generate.h"

enum { SECOND_US = 1000000, LEASE_S = 10, CHANGE_S = 10, STREET_S = 900 };

struct place {
    char directory[64], network[128], routes[128];
};

static bool
has_sumo(void)
{
    bool there = access("/usr/bin/sumo", X_OK) == 0 && access("/usr/bin/netgenerate", X_OK) == 0;
    if (!there)
        fprintf(stderr, "skipped: sumo is not installed\n");
    return there;
}

static struct place
city(void)
{
    struct place p = {.directory = "/tmp/bulkhead-sumo-XXXXXX"};
    CHECK(mkdtemp(p.directory));
    CHECK_OK(generate_city(p.directory, 7));
    snprintf(p.network, sizeof(p.network), "%s/demo.net.xml", p.directory);
    snprintf(p.routes, sizeof(p.routes), "%s/demo.rou.xml", p.directory);
    return p;
}

static void
forget(const struct place *p)
{
    static const char *const names[] = {"demo.net.xml", "demo.rou.xml", "trips-city.xml",
                                        "trips-fixed.xml"};
    char path[256];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->directory, names[i]);
        unlink(path);
    }
    CHECK(rmdir(p->directory) == 0);
}

static struct bridge_config
config(const struct place *p)
{
    return (struct bridge_config){
        .world = {.network = p->network, .routes = p->routes, .begin_s = -1, .seed = 7},
        .directory = p->directory,
        .end_s = STREET_S,
        .times = {3, 1, 5, 120},
    };
}

struct fake {
    int32_t phase[64];
    int64_t changed_s[64];
    uint64_t sequence;
    uint64_t leases;
};

/* The phase whose lanes hold the most; a change at most every CHANGE_S. */
static int32_t
choose(const struct site *s, const struct site_counts *c, int32_t now)
{
    int32_t best = now;
    uint32_t most = 0;
    for (uint32_t p = 0; p < s->phases_count; p++) {
        uint32_t sum = 0;
        for (uint32_t l = 0; l < s->lanes_count; l++)
            sum += site_serves(s, p, l) ? 3U * c->standing[l] + c->near[l] : 0;
        if (sum > most || (sum == most && (int32_t)p == now)) {
            most = sum;
            best = (int32_t)p;
        }
    }
    return best < 0 ? 0 : best;
}

static void
control(struct fake *f, struct bridge *b, int64_t t)
{
    uint32_t count;
    struct world *w = bridge_world(b);
    const struct site *sites = world_sites(w, &count);
    CHECK(count <= 64);
    for (uint32_t i = 0; i < count; i++) {
        int32_t wish = choose(&sites[i], world_counts(w, i), f->phase[i]);
        if (wish != f->phase[i] && t - f->changed_s[i] < CHANGE_S)
            wish = f->phase[i];
        if (wish != f->phase[i])
            f->changed_s[i] = t;
        f->phase[i] = wish;
        struct lease l = {.command = "phase-request", .parameters = {{"phase", wish}}};
        l.parameters_count = 1;
        l.expiry_us = (t + LEASE_S) * SECOND_US;
        l.sequence = ++f->sequence;
        CHECK_OK(bridge_lease(b, i, &l));
        f->leases++;
    }
}

/* Every state that SUMO shows is one that the network's own programme lets go together. */
static void
watch(struct bridge *b)
{
    uint32_t count;
    struct world *w = bridge_world(b);
    const struct site *sites = world_sites(w, &count);
    for (uint32_t i = 0; i < count; i++)
        CHECK(site_may_show(&sites[i], world_shown(w, i)));
}

TEST(the_same_seed_gives_the_same_trips_and_another_gives_others)
{
    struct buf a, b;
    uint64_t n, m;
    buf_init(&a, 1 << 24);
    buf_init(&b, 1 << 24);
    generate_trips(7, &a, &n);
    generate_trips(7, &b, &m);
    CHECK(n == m && n > 1000 && bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    buf_reset(&b);
    generate_trips(8, &b, &m);
    CHECK(!bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    buf_fini(&a);
    buf_fini(&b);
}

TEST(leases_make_the_morning_shorter_and_their_end_brings_the_plan_back)
{
    char why[WORLD_WHY_SIZE] = "";
    struct bridge *b;
    struct fake fake = {0};
    struct tripinfo steered, fixed;
    struct traffic_totals running;
    if (!has_sumo())
        return;
    struct place p = city();
    struct bridge_config c = config(&p);
    enum err e = bridge_open(&c, &b, why);
    if (e != OK)
        fprintf(stderr, "%s\n", why);
    CHECK_OK(e);
    for (int64_t t = 0; t < STREET_S; t++) {
        if (t < STREET_S - 60)
            control(&fake, b, t);
        CHECK_OK(bridge_step(b, NULL, t * SECOND_US));
        watch(b);
    }
    CHECK(bridge_step(b, NULL, 0) == ERR_NOT_FOUND);
    struct field_calls calls;
    struct buf lines;
    buf_init(&lines, 4096);
    bridge_calls(b, &calls);
    calls.status(calls.ctx, &lines);
    CHECK(strstr(buf_string(&lines), "fallbacks=9\n")); /* each of nine, once */
    CHECK(strstr(buf_string(&lines), "left_alone=0\n"));
    buf_fini(&lines);
    world_totals(bridge_world(b), &running);
    CHECK_OK(bridge_end(b, &steered, &fixed));
    CHECK(fixed.vehicles > 500 && steered.vehicles == fixed.vehicles);
    fprintf(stderr, "delay %.1f s, on the fixed plan %.1f s, %llu vehicles\n", steered.delay_s,
            fixed.delay_s, (unsigned long long)steered.vehicles);
    CHECK(steered.delay_s < 0.9 * fixed.delay_s);
    /* The running estimate and what SUMO wrote at the end are the same figure. */
    CHECK(running.delay_s > steered.delay_s - 1 && running.delay_s < steered.delay_s + 1);
    bridge_free(b);
    forget(&p);
}

TEST(after_a_warm_up_both_start_from_the_same_street)
{
    char why[WORLD_WHY_SIZE] = "";
    struct bridge *b;
    struct tripinfo steered, fixed;
    struct traffic_totals sum;
    if (!has_sumo())
        return;
    struct place p = city();
    struct bridge_config c = config(&p);
    c.warm_up_s = STREET_S;
    CHECK_OK(bridge_open(&c, &b, why));
    world_totals(bridge_world(b), &sum);
    CHECK(sum.running > 20 && sum.arrived == 0 && sum.delay_s < 1e-6);
    CHECK_OK(bridge_end(b, &steered, &fixed));
    CHECK(steered.vehicles == fixed.vehicles && steered.delay_s - fixed.delay_s < 1e-9 &&
          fixed.delay_s - steered.delay_s < 1e-9);
    bridge_free(b);
    forget(&p);
}

TEST(a_phase_that_is_not_there_and_an_unknown_command_are_refused)
{
    char why[WORLD_WHY_SIZE] = "";
    struct bridge *b;
    if (!has_sumo())
        return;
    struct place p = city();
    struct bridge_config c = config(&p);
    CHECK_OK(bridge_open(&c, &b, why));
    struct lease l = {.command = "phase-request", .parameters = {{"phase", 2}}};
    l.parameters_count = 1;
    CHECK(bridge_lease(b, 0, &l) == ERR_DENIED);
    l.parameters_count = 0;
    CHECK(bridge_lease(b, 0, &l) == ERR_NOT_FOUND);
    l = (struct lease){.command = "all-red", .expiry_us = 1};
    CHECK(bridge_lease(b, 0, &l) == ERR_WRONG_STATE); /* its lights are not held yet */
    l = (struct lease){.command = "open-door"};
    CHECK(bridge_lease(b, 0, &l) == ERR_UNSUPPORTED);
    bridge_free(b);
    forget(&p);
}

TEST(a_scenario_that_is_not_there_is_one_clear_sentence)
{
    char why[WORLD_WHY_SIZE] = "";
    struct bridge *b;
    if (!has_sumo())
        return;
    struct bridge_config c = {.world = {.network = "/nonexistent.net.xml",
                                        .routes = "/nonexistent.rou.xml",
                                        .begin_s = -1},
                              .times = {3, 1, 5, 120}};
    CHECK(bridge_open(&c, &b, why) == ERR_IO && why[0]);
}
