/*
 * direct.c -- one simulation of a scenario under one controller, and what came of it: for speed
 * without a city, but through the same texts (specs: signals 2, 4).
 *
 * Run A: changes as in the publications, that is no all-red and a yellow of 3 s, or 4 s where the
 * scenario's own programmes have one; `fixed` and `actuated` change as shipped. Run B: 3 s yellow
 * and 1 s all-red for every controller. `fixed` in run A is what the network was published with, to
 * the letter; where programmes are written anew, as `actuated` is and both in run B, people on foot
 * have the time to clear a crossing that the executor gives them (field/sumo/walks.h).
 */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "bench/signals/drive.h"
#include "bench/signals/ground.h"
#include "field/sumo/generate.h"
#include "field/sumo/network.h"

enum {
    EXIT_USAGE = 2,
    EXIT_CANNOT = 3,
    MINIMUM_GREEN_S = 7,
    MAXIMUM_RED_S = 120,
    ACTUATED_MAXIMUM_S = 90,
    MORE_MAX = 24,
};

enum controller { PLAN, PRIORITY, PRESSURE, FIXED, ACTUATED, CONTROLLERS_COUNT };
static const char *const controllers[CONTROLLERS_COUNT] = {"plan", "priority", "pressure", "fixed",
                                                           "actuated"};

struct arguments {
    const char *through, *data, *network, *routes, *controller, *sensing, *run, *demand, *drill;
    const char *seed, *begin, *end, *yellow, *all_red, *minimum_green, *trips, *counts, *outputs;
    const char *without_turnarounds;
    bool json, quiet, emissions, forecast, help, drills, properties, programme_only;
};
struct option {
    const char *name, *value, *what;
    const char **text;
    bool *flag;
};

struct measured {
    struct tripinfo trips;
    struct drive_result drive;
    double seconds; /* of the street */
};

static int
cannot(const char *what)
{
    fprintf(stderr, "direct: %s\n", what);
    return EXIT_CANNOT;
}

static void
help(const struct option *options, size_t count)
{
    printf("direct: one simulation under one controller.\n\n"
           "usage: direct --data DIR|FILE.sumocfg [--controller NAME] [--run a|b] [--seed N]\n\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-22s %-14s %s\n", options[i].name, options[i].value ? options[i].value : "",
               options[i].what);
}

static bool
parse(struct arguments *a, int argc, char **argv)
{
    const struct option options[] = {
        {"--data", "DIR|FILE", "a scenario", &a->data, NULL},
        {"--net", "FILE", "instead: a network", &a->network, NULL},
        {"--routes", "FILE", "and its demand", &a->routes, NULL},
        {"--controller", "NAME", "plan, priority, pressure, fixed, actuated", &a->controller, NULL},
        {"--sensing", "realistic|full", "loops, or cameras too", &a->sensing, NULL},
        {"--run", "a|b", "changes as published, or 3 s + 1 s for all", &a->run, NULL},
        {"--seed", "N", "of SUMO (1)", &a->seed, NULL},
        {"--demand", "X", "times the scenario's (1)", &a->demand, NULL},
        {"--without-turnarounds", "M",
         "nobody turns round unsignalled on streets of up to M metres", &a->without_turnarounds,
         NULL},
        {"--begin", "S", "first second (the scenario's)", &a->begin, NULL},
        {"--end", "S", "last second (the scenario's; one hour)", &a->end, NULL},
        {"--yellow", "S", "instead of the run's", &a->yellow, NULL},
        {"--all-red", "S", "instead of the run's", &a->all_red, NULL},
        {"--minimum-green", "S", "instead of 7", &a->minimum_green, NULL},
        {"--through", "PROGRAM", "that has a city plan: bench/signals/through", &a->through, NULL},
        {"--drill", "NAME", "an attack or a failure; --drills lists them", &a->drill, NULL},
        {"--trips", "FILE", "keep what SUMO wrote of all trips", &a->trips, NULL},
        {"--outputs", "DIR", "keep there what the scenario lets SUMO write", &a->outputs, NULL},
        {"--counts", "FILE", "write what each loop counted in all", &a->counts, NULL},
        {"--emissions", NULL, "CO2 and fuel too (slower)", NULL, &a->emissions},
        {"--forecast", NULL, "seconds to green: how often what was said happened", NULL,
         &a->forecast},
        {"--programme-only", NULL, "no phases beside the programme's; not with --through", NULL,
         &a->programme_only},
        {"--json", NULL, "one line of JSON", NULL, &a->json},
        {"--quiet", NULL, "no figures", NULL, &a->quiet},
        {"--properties", NULL, "what the intersections say of themselves, and end", NULL,
         &a->properties},
        {"--drills", NULL, "list the drills", NULL, &a->drills},
        {"--help", NULL, "this", NULL, &a->help},
    };
    for (int i = 1; i < argc; i++) {
        const struct option *found = NULL;
        for (size_t k = 0; k < ARRAY_COUNT(options) && !found; k++)
            found = strcmp(argv[i], options[k].name) == 0 ? &options[k] : NULL;
        if (found && found->flag) {
            *found->flag = true;
        } else if (found && i + 1 < argc) {
            *found->text = argv[++i];
        } else {
            fprintf(stderr, "direct: %s: not an option, or its value is missing; see --help\n",
                    argv[i]);
            return false;
        }
    }
    if (a->help)
        help(options, ARRAY_COUNT(options));
    return true;
}

/* The whole number of an option that was given; what it holds already otherwise. */
static bool
whole(const char *text, uint64_t max, uint64_t *out)
{
    return !text || text_u64(bytes_text(text), max, out) == OK;
}

static bool
number(const char *text, double *out)
{
    return !text || text_double(bytes_text(text), out) == OK;
}

struct plan {
    enum controller controller;
    bool run_b, full;
    uint64_t seed;
    double demand, begin_s, end_s;
    double turnarounds_m; /* < 0: everybody drives */
    uint32_t left_out;
    struct executor_times times;
    const struct drill *drill;
};

static bool
read_times(const struct arguments *a, uint32_t shipped_yellow_s, struct plan *p)
{
    uint64_t yellow = p->run_b ? 3 : shipped_yellow_s, all_red = p->run_b ? 1 : 0;
    uint64_t green = MINIMUM_GREEN_S;
    if (!whole(a->yellow, 6, &yellow) || !whole(a->all_red, 6, &all_red) ||
        !whole(a->minimum_green, 60, &green) || yellow < SITE_YELLOW_MIN_S)
        return false;
    p->times = (struct executor_times){(uint32_t)yellow, (uint32_t)all_red, (uint32_t)green,
                                       MAXIMUM_RED_S};
    return true;
}

static bool
read_plan(const struct arguments *a, struct plan *p)
{
    const char *name = a->controller ? a->controller : "plan";
    *p = (struct plan){.seed = 1, .demand = 1, .begin_s = -1, .end_s = -1, .turnarounds_m = -1};
    while (p->controller < CONTROLLERS_COUNT && strcmp(name, controllers[p->controller]) != 0)
        p->controller++;
    p->run_b = a->run && strcmp(a->run, "b") == 0;
    p->full = a->sensing && strcmp(a->sensing, "full") == 0;
    p->drill = drill_find(a->drill ? a->drill : "none");
    return p->controller < CONTROLLERS_COUNT && p->drill && whole(a->seed, INT32_MAX, &p->seed) &&
           number(a->demand, &p->demand) && number(a->begin, &p->begin_s) &&
           number(a->end, &p->end_s) && number(a->without_turnarounds, &p->turnarounds_m) &&
           (!a->run || p->run_b || strcmp(a->run, "a") == 0) &&
           (!a->sensing || p->full || strcmp(a->sensing, "realistic") == 0);
}

/* What SUMO is told beside the scenario. */
struct extra {
    const char *list[MORE_MAX];
    size_t count;
    char end[32], demand[32];
};

static void
add(struct extra *x, const char *name, const char *value)
{
    ASSERT(x->count + 2 < MORE_MAX);
    x->list[x->count++] = name;
    x->list[x->count++] = value;
    x->list[x->count] = NULL;
}

static void
fill(struct extra *x, const struct plan *p, const struct ground *g, const struct arguments *a)
{
    snprintf(x->end, sizeof(x->end), "%.0f", p->end_s);
    add(x, "--end", x->end);
    if (p->demand < 1 || p->demand > 1) {
        snprintf(x->demand, sizeof(x->demand), "%.3f", p->demand);
        add(x, "--scale", x->demand);
    }
    if (p->turnarounds_m >= 0 && g->configuration[0])
        add(x, "--route-files", g->scenario.routes);
    if (g->scenario.additional[0])
        add(x, "--additional-files", g->scenario.additional);
    if (a->emissions)
        add(x, "--device.emissions.probability", "1");
}

/* `fixed` and `actuated`: SUMO alone. */
static bool
run_shipped(const struct plan *p, const struct world_config *world, struct ground *g,
            struct measured *m)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (world_run(world, p->end_s, &m->drive.stuck, g->why) != OK)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &to);
    m->drive.wall_s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    m->drive.steps = (uint64_t)m->seconds;
    return true;
}

static bool
run_driven(const struct plan *p, const struct world_config *world, struct ground *g,
           struct measured *m, const struct arguments *a)
{
    static const enum control_method methods[] = {
        [PLAN] = CONTROL_PLAN, [PRIORITY] = CONTROL_PRIORITY, [PRESSURE] = CONTROL_PRESSURE};
    struct drive_config c = {.world = *world,
                             .times = p->times,
                             .method = methods[p->controller],
                             .loops_only = !p->full,
                             .forecast = a->forecast,
                             .drill = p->drill,
                             .end_s = p->end_s,
                             .seed = p->seed};
    c.counts = a->counts ? fopen(a->counts, "we") : NULL;
    if (a->counts && !c.counts)
        return snprintf(g->why, sizeof(g->why), "cannot write --counts") < 0;
    bool good = drive(&c, &m->drive, g->why);
    return (!c.counts || fclose(c.counts) == 0) && good;
}

/*
 * A city plans, and a bridge to it holds the lights: PROGRAM gets field/sumo's arguments. What only
 * the planner knows stays 0.
 */
static bool
run_through(const struct plan *p, const struct world_config *world, struct ground *g,
            struct measured *m, const char *program)
{
    char numbers[8][32];
    const double values[8] = {p->begin_s,
                              p->end_s,
                              (double)p->seed,
                              p->times.yellow_s,
                              p->times.all_red_s,
                              p->times.minimum_green_s,
                              p->times.maximum_red_s,
                              p->demand};
    static const char *const names[8] = {"--begin",       "--end",     "--seed",
                                         "--yellow",      "--all-red", "--minimum-green",
                                         "--maximum-red", "--demand"};
    const char *list[MORE_MAX * 2];
    size_t n = 0;
    list[n++] = program;
    list[n++] = world->configuration ? "--data" : "--net";
    list[n++] = world->configuration ? world->configuration : world->network;
    if (!world->configuration) {
        list[n++] = "--routes";
        list[n++] = world->routes;
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(numbers[i], sizeof(numbers[i]), i == 7 ? "%.3f" : "%.0f", values[i]);
        list[n++] = names[i];
        list[n++] = numbers[i];
    }
    list[n++] = "--alone";
    list[n++] = "--trips";
    list[n++] = world->tripinfo;
    if (p->full)
        list[n++] = "--cameras";
    list[n] = NULL;
    ASSERT(n < ARRAY_COUNT(list));
    struct timespec from, to;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(2, 1);
        execv(program, (char *const *)(uintptr_t)list);
        _exit(127);
    }
    bool good =
        pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    clock_gettime(CLOCK_MONOTONIC, &to);
    m->drive.wall_s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    m->drive.steps = (uint64_t)m->seconds;
    return good || snprintf(g->why, sizeof(g->why), "the city of --through did not work") < 0;
}

/* One Thing a line. */
static bool
print_properties(const struct plan *p, const struct world_config *world, struct ground *g)
{
    static struct executor x; /* too large for the stack */
    struct world *w = NULL;
    struct buf b;
    uint32_t count;
    if (world_open(world, &w, g->why) != OK)
        return false;
    const struct site *sites = world_sites(w, &count);
    buf_init(&b, SCENARIO_BYTES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (executor_init(&x, &sites[i], &p->times) != OK)
            continue; /* it is left to its own programme, and is no device */
        buf_format(&b, "{\"name\":\"%s\",\"properties\":", sites[i].device);
        executor_put_properties(&x, &p->times, &b);
        buf_text(&b, "}\n");
    }
    bool good = buf_error(&b) == OK && fwrite(b.p, 1, b.len, stdout) == b.len;
    buf_fini(&b);
    world_close(w);
    return good;
}

static bool
make_programmes(const struct plan *p, struct ground *g)
{
    bool shipped = p->controller == FIXED || p->controller == ACTUATED;
    struct programme_form form = {.clear = p->run_b,
                                  .actuated = p->controller == ACTUATED,
                                  .yellow_s = p->times.yellow_s,
                                  .all_red_s = p->times.all_red_s,
                                  .minimum_s = p->times.minimum_green_s,
                                  .maximum_s = ACTUATED_MAXIMUM_S};
    if (!shipped || (p->controller == FIXED && !p->run_b))
        return true;
    return ground_programmes(g, &form);
}

static bool
measure(const struct arguments *a, struct plan *p, struct ground *g, struct measured *m)
{
    struct extra extra = {.count = 0};
    const struct scenario *s = &g->scenario;
    if (!read_times(a, programmes_yellow_s(&g->programmes), p))
        return snprintf(g->why, sizeof(g->why), "a time is out of range") < 0;
    if (p->begin_s < 0)
        p->begin_s = s->begin_s < 0 ? 0 : s->begin_s;
    if (p->end_s < 0)
        p->end_s = s->end_s < 0 ? p->begin_s + GROUND_LENGTH_S : s->end_s;
    m->seconds = p->end_s - p->begin_s;
    if (p->turnarounds_m >= 0 && a->through)
        return snprintf(g->why, sizeof(g->why), "--through drives everybody") < 0;
    if (p->turnarounds_m >= 0 &&
        !ground_without_turnarounds(g, p->turnarounds_m, p->begin_s, p->end_s, &p->left_out))
        return false;
    if (!make_programmes(p, g))
        return false;
    fill(&extra, p, g, a);
    struct world_config world = {.configuration = g->configuration[0] ? g->configuration : NULL,
                                 .network = g->configuration[0] ? NULL : s->network,
                                 .routes = g->configuration[0] ? NULL : s->routes,
                                 .outputs = g->outputs.prefix,
                                 .tripinfo = g->trips,
                                 .begin_s = p->begin_s,
                                 .seed = p->seed,
                                 .more = extra.list,
                                 .cameras = p->full,
                                 .programme_only = a->programme_only,
                                 .no_totals = true};
    if (a->properties)
        return print_properties(p, &world, g);
    bool shipped = p->controller == FIXED || p->controller == ACTUATED;
    bool good = a->through && !shipped ? run_through(p, &world, g, m, a->through)
                : shipped              ? run_shipped(p, &world, g, m)
                                       : run_driven(p, &world, g, m, a);
    return good && ground_trips(g, &m->trips);
}

/* One table: how a figure is called, what it is. */
struct figure {
    const char *name;
    double value;
    int decimals;
    bool known;
};

static size_t
figures(const struct plan *p, const struct measured *m, const struct arguments *a,
        struct figure out[static 32])
{
    const struct tripinfo *t = &m->trips;
    const struct drive_result *d = &m->drive;
    bool driven = p->controller != FIXED && p->controller != ACTUATED && !a->through;
    double arrived = (double)(t->vehicles - t->unfinished - t->undeparted);
    double changes =
        d->junctions > 0 ? (double)d->changes / d->junctions / (m->seconds / GROUND_LENGTH_S) : 0;
    const struct figure list[] = {
        {"without_turnarounds_m", p->turnarounds_m, 1, p->turnarounds_m >= 0},
        {"left_out", p->left_out, 0, p->turnarounds_m >= 0},
        {"vehicles", (double)t->vehicles, 0, true},
        {"delay_s", t->delay_s, 3, true},
        {"delay_95_s", t->delay_95_s, 2, true},
        {"waiting_s", t->waiting_s, 3, true},
        {"stops", t->stops, 3, true},
        {"served", arrived, 0, true},
        {"unfinished", (double)t->unfinished, 0, true},
        {"never_inserted", (double)t->undeparted, 0, true},
        {"stuck", (double)d->stuck, 0, true},
        {"person_delay_s", t->person_delay_s, 3, true},
        {"buses", (double)t->buses, 0, true},
        {"walkers", (double)t->walkers, 0, true},
        {"walker_loss_s", t->walker_loss_s, 3, t->walkers > 0},
        {"co2_kg", t->co2_kg, 3, a->emissions},
        {"fuel_kg", t->fuel_kg, 3, a->emissions},
        {"junctions", d->junctions, 0, driven},
        {"left_alone", d->left.count, 0, driven},
        {"changes_per_hour", changes, 1, driven},
        {"forced", (double)d->forced, 0, driven},
        {"doubts", (double)d->doubts, 0, driven},
        {"monitor_trips", (double)d->monitor_trips, 0, driven},
        {"decision_95_us", d->decision_95_us, 0, driven},
        {"steps_per_s", d->wall_s > 0 ? (double)d->steps / d->wall_s : 0, 0, true},
    };
    memcpy(out, list, sizeof(list));
    return ARRAY_COUNT(list);
}

/* As JSON, for each row: how often it was said, what was said in permille, what happened. */
static void
report_said(const struct said_table *t, bool json)
{
    printf(json ? ",\"said\":[" : "\nof the next green, to 2 s:");
    for (uint32_t i = 0; i < SAID_ROWS; i++) {
        double n = t->said[i] ? (double)t->said[i] : 1;
        double said = (double)t->permille[i] / n, happened = 1000 * (double)t->happened[i] / n;
        if (json)
            printf("%s[%llu,%.0f,%.0f]", i ? "," : "", (unsigned long long)t->said[i], said,
                   happened);
        else if (t->said[i])
            printf("\nsaid %.1f %% happened %.1f %% (%llu times)", said / 10, happened / 10,
                   (unsigned long long)t->said[i]);
    }
    if (json)
        printf("]");
}

static void
report(const struct arguments *a, const struct plan *p, const struct ground *g,
       const struct measured *m)
{
    struct figure list[32];
    size_t count = figures(p, m, a, list);
    const char *open = a->json ? "\"" : "", *close = a->json ? "\":" : "=";
    const char *between = a->json ? "," : "\n";
    const char *sensing = p->full ? "full" : "realistic";
    if (a->json)
        printf("{\"scenario\":\"%s\",\"controller\":\"%s\",\"run\":\"%s\",\"sensing\":\"%s\","
               "\"seed\":%llu,\"demand\":%.3f,\"drill\":\"%s\",\"yellow_s\":%u,\"all_red_s\":%u,"
               "\"trips\":\"%016llx\"",
               g->name, controllers[p->controller], p->run_b ? "b" : "a", sensing,
               (unsigned long long)p->seed, p->demand, p->drill->name, (unsigned)p->times.yellow_s,
               (unsigned)p->times.all_red_s, (unsigned long long)m->trips.digest);
    else
        printf("%s under %s, run %s, %s sensing, seed %llu", g->name, controllers[p->controller],
               p->run_b ? "b" : "a", sensing, (unsigned long long)p->seed);
    for (size_t i = 0; i < count; i++) {
        if (list[i].known)
            printf("%s%s%s%s%.*f", between, open, list[i].name, close, list[i].decimals,
                   list[i].value);
    }
    if (a->forecast)
        report_said(&m->drive.said, a->json);
    printf(a->json ? "}\n" : "\n");
    network_tell_left(&m->drive.left, "direct", stderr);
}

static void
list_drills(void)
{
    uint32_t count;
    const struct drill *list = drill_list(&count);
    for (uint32_t i = 0; i < count; i++)
        printf("%-16s %s\n", list[i].name, list[i].summary);
}

int
main(int argc, char **argv)
{
    static struct ground g;
    struct arguments a = {0};
    struct measured m = {0};
    struct plan p;
    if (!parse(&a, argc, argv) || !read_plan(&a, &p)) {
        fprintf(stderr, "direct: a value is not one that this knows; see --help\n");
        return EXIT_USAGE;
    }
    if (a.drills)
        list_drills();
    if (a.help || a.drills)
        return 0;
    if (!a.data && (!a.network || !a.routes)) {
        fprintf(stderr, "direct: give --data, or --net and --routes\n");
        return EXIT_USAGE;
    }
    bool good = ground_open(&g, a.data, a.network, a.routes, a.outputs) && measure(&a, &p, &g, &m);
    if (good && a.trips && !a.properties && scenario_copy(g.trips, a.trips) != OK)
        good = snprintf(g.why, sizeof(g.why), "cannot write --trips") < 0;
    if (good && !a.quiet && !a.properties)
        report(&a, &p, &g, &m);
    ground_close(&g);
    return good ? 0 : cannot(g.why);
}
