/*
 * sumo.c -- the bridge's program: options, files, pace.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/text.h"
#include "field/common/device.h"
#include "field/sumo/bridge.h"
#include "field/sumo/generate.h"
#include "field/sumo/network.h"
#include "field/sumo/outputs.h"
#include "field/sumo/pace.h"
#include "field/sumo/scenario.h"

enum {
    EXIT_USAGE = 2,
    EXIT_CANNOT = 3,
    STEPS_PER_SECOND_MAX = 1000,
    SECONDS_MAX = 86400 * 7,
    WARM_UP_S = 1200, /* the generated morning is near its peak then */
};

struct arguments {
    struct field_options shared;
    const char *network, *routes, *generate, *trace, *trips, *demand;
    uint64_t begin_s, end_s, warm_up_s, steps_per_second;
    uint64_t yellow_s, all_red_s, minimum_green_s, maximum_red_s;
    bool fixed, alone, cameras, list, lock_step;
};

#define NOT_GIVEN UINT64_MAX

static bool
parse(struct arguments *a, int argc, char **argv, int *out_exit)
{
    const struct field_option more[] = {
        {"--generate", "DIR", OPTION_TEXT, &a->generate, 0,
         "make a city from the seed; alone: and end"},
        {"--net", "DIR|FILE", OPTION_TEXT, &a->network, 0, "what --generate made; a network"},
        {"--routes", "FILE", OPTION_TEXT, &a->routes, 0, "the network's demand"},
        {"--begin", "S", OPTION_NUMBER, &a->begin_s, SECONDS_MAX, "first second"},
        {"--end", "S", OPTION_NUMBER, &a->end_s, SECONDS_MAX, "last second"},
        {"--warm-up", "S", OPTION_NUMBER, &a->warm_up_s, 3600, "seconds on the network's own plan"},
        {"--steps-per-second", "N", OPTION_NUMBER, &a->steps_per_second, STEPS_PER_SECOND_MAX,
         "pace (1); 0: as fast as it goes"},
        {"--lock-step", NULL, OPTION_FLAG, &a->lock_step, 0,
         "no second before the city has answered the last"},
        {"--yellow", "S", OPTION_NUMBER, &a->yellow_s, 6, "of every change (3)"},
        {"--all-red", "S", OPTION_NUMBER, &a->all_red_s, 6, "of every change (1)"},
        {"--minimum-green", "S", OPTION_NUMBER, &a->minimum_green_s, 60, "of every phase (5)"},
        {"--maximum-red", "S", OPTION_NUMBER, &a->maximum_red_s, 600, "for who waits (120)"},
        {"--trace", "FILE", OPTION_TEXT, &a->trace, 0, "write what is shown, each second"},
        {"--fixed", NULL, OPTION_FLAG, &a->fixed, 0, "the network's own plan alone, no city"},
        {"--alone", NULL, OPTION_FLAG, &a->alone, 0, "only the steered simulation"},
        {"--cameras", NULL, OPTION_FLAG, &a->cameras, 0, "tell vehicles too, not only loops"},
        {"--demand", "X", OPTION_TEXT, &a->demand, 0, "times the routes' (1)"},
        {"--trips", "FILE", OPTION_TEXT, &a->trips, 0, "what SUMO writes of its trips"},
        {"--list", NULL, OPTION_FLAG, &a->list, 0, "print the devices' names and end"},
    };
    a->shared.program = "sumo";
    a->shared.summary = "Traffic signals of a SUMO simulation as devices of a signals zone.";
    a->shared.example = "sumo --generate /tmp/streets --seed 7 "
                        "--devices /tmp/devices --mqtts 127.0.0.1:8884 --https 127.0.0.1:8444";
    if (!field_options_parse(&a->shared, more, ARRAY_COUNT(more), argc, argv, out_exit))
        return false;
    int sources = (a->generate != NULL) + (a->network != NULL) + (a->shared.data != NULL);
    *out_exit = EXIT_USAGE;
    if (sources != 1)
        fprintf(stderr, "sumo: give one of --generate, --net, --data; see --help\n");
    else if (a->yellow_s < SITE_YELLOW_MIN_S || a->minimum_green_s < LIGHTS_GREEN_MIN_S ||
             a->maximum_red_s < LIGHTS_RED_MIN_S)
        fprintf(stderr,
                "sumo: --yellow is at least %d s, --minimum-green %d s, --maximum-red %d s\n",
                SITE_YELLOW_MIN_S, LIGHTS_GREEN_MIN_S, LIGHTS_RED_MIN_S);
    else
        return true;
    return false;
}

struct files {
    char configuration[WORLD_PATH_SIZE], network[WORLD_PATH_SIZE], routes[WORLD_PATH_SIZE];
    struct scenario scenario;
};

static int
cannot(const char *what)
{
    fprintf(stderr, "sumo: %s\n", what);
    return EXIT_CANNOT;
}

static int
make_city(const struct arguments *a)
{
    if (mkdir(a->generate, 0700) != 0 && errno != EEXIST)
        return cannot("cannot make the directory of --generate");
    enum err e = generate_city(a->generate, a->shared.seed);
    if (e == ERR_NOT_FOUND)
        return cannot("the program netgenerate is not installed (Debian package sumo)");
    return e == OK ? 0 : cannot("cannot write the generated city");
}

/* A directory that --generate made. */
static void
use_city(const char *directory, struct arguments *a, struct files *files, struct bridge_config *c)
{
    snprintf(files->network, WORLD_PATH_SIZE, "%s/demo.net.xml", directory);
    snprintf(files->routes, WORLD_PATH_SIZE, "%s/demo.rou.xml", directory);
    c->world.network = files->network;
    c->world.routes = files->routes;
    c->directory = directory;
    if (c->end_s < 0)
        c->end_s = GENERATE_MORNING_S;
    if (a->warm_up_s == NOT_GIVEN)
        a->warm_up_s = WARM_UP_S;
}

static int
find_files(struct arguments *a, struct files *files, struct bridge_config *c)
{
    struct stat st;
    if (a->shared.data) {
        if (scenario_find(a->shared.data, files->configuration) != OK)
            return cannot("--data DIR holds no .sumocfg file");
        if (scenario_read(files->configuration, &files->scenario) != OK)
            return cannot("cannot read the .sumocfg file");
        c->world.configuration = files->configuration;
        if (c->end_s < 0)
            c->end_s = files->scenario.end_s;
        return 0;
    }
    int code = a->generate ? make_city(a) : 0;
    const char *from = a->generate ? a->generate : a->network;
    if (code != 0)
        return code;
    if (stat(from, &st) != 0)
        return cannot("the network is not there: make one with --generate DIR");
    if (S_ISDIR(st.st_mode)) {
        use_city(from, a, files, c);
        return 0;
    }
    if (!a->routes)
        return cannot("--net FILE needs --routes FILE");
    c->world.network = a->network;
    c->world.routes = a->routes;
    return 0;
}

/* Steps at the wished pace until the field or the street ends. ERR_AGAIN: pace_begin(). */
static enum err
run(const struct arguments *a, struct bridge *b, struct field *f)
{
    struct pace p;
    enum err e = pace_begin(&p, f, a->steps_per_second, a->lock_step);
    if (e != OK)
        return e == ERR_CLOSED ? OK : e;
    do {
        e = bridge_step(b, f, field_lease_us(f));
    } while (e == OK && pace_wait(&p, f));
    pace_end(&p);
    printf("steps=%llu steps_per_second=%.1f expired=%llu\n", (unsigned long long)p.steps,
           pace_measured(&p), (unsigned long long)p.expired);
    return e;
}

static void
print_trips(const char *name, const struct tripinfo *t)
{
    if (t->vehicles > 0)
        printf("%s=%.3f vehicles=%llu unfinished=%llu undeparted=%llu trips=%016llx\n", name,
               t->delay_s, (unsigned long long)t->vehicles, (unsigned long long)t->unfinished,
               (unsigned long long)t->undeparted, (unsigned long long)t->digest);
}

static int
print_end(struct bridge *b)
{
    struct tripinfo city, fixed;
    enum err e = bridge_end(b, &city, &fixed);
    print_trips("delay_s", &city);
    print_trips("fixed_delay_s", &fixed);
    return e == OK ? 0 : cannot("cannot write the file of --trips");
}

static int
serve(const struct arguments *a, const struct bridge_config *c)
{
    char why[WORLD_WHY_SIZE] = "";
    struct bridge *b;
    struct field_calls calls;
    if (bridge_open(c, &b, why) != OK)
        return cannot(why);
    network_tell_left(bridge_left(b), "sumo", stderr);
    if (a->list) {
        bridge_list(b, stdout);
        bridge_free(b);
        return 0;
    }
    bridge_calls(b, &calls);
    struct field *f = field_new(&a->shared, &calls);
    int code = f ? 0 : EXIT_CANNOT;
    if (f && !c->fixed_only && bridge_add_devices(b, f) != OK)
        code = cannot("no intersection has keys in --devices; --list prints their names");
    if (code == 0) {
        enum err e = run(a, b, f);
        if (e == ERR_AGAIN)
            code = cannot("--lock-step waits for every intersection, and some did not connect");
        else if (e != OK && e != ERR_NOT_FOUND)
            code = cannot(bridge_why(b));
        field_end(f);
        int trips = print_end(b);
        code = code == 0 ? trips : code;
    }
    field_free(f);
    bridge_free(b);
    return code;
}

int
main(int argc, char **argv)
{
    struct arguments a = {.begin_s = NOT_GIVEN,
                          .end_s = NOT_GIVEN,
                          .warm_up_s = NOT_GIVEN,
                          .steps_per_second = 1,
                          .yellow_s = 3,
                          .all_red_s = 1,
                          .minimum_green_s = 5,
                          .maximum_red_s = 120};
    static struct files files;
    struct outputs outputs = {0};
    int code;
    if (!parse(&a, argc, argv, &code))
        return code;
    struct bridge_config c = {
        .world = {.begin_s = a.begin_s == NOT_GIVEN ? -1 : (double)a.begin_s,
                  .seed = a.shared.seed,
                  .cameras = a.cameras},
        .end_s = a.end_s == NOT_GIVEN ? -1 : (double)a.end_s,
        .times = {(uint32_t)a.yellow_s, (uint32_t)a.all_red_s, (uint32_t)a.minimum_green_s,
                  (uint32_t)a.maximum_red_s},
        .fixed_only = a.fixed || a.list,
        .alone = a.alone && !a.fixed && !a.list,
        .trips = a.trips,
        .demand = a.demand,
    };
    if (a.generate && !a.fixed && !a.list && a.shared.mqtts.port == 0)
        return make_city(&a);
    code = find_files(&a, &files, &c);
    if (code != 0)
        return code;
    c.warm_up_s = a.list || a.warm_up_s == NOT_GIVEN ? 0 : a.warm_up_s;
    if (a.trace && (c.trace = fopen(a.trace, "we")) == NULL)
        return cannot("cannot write the file of --trace");
    if (!c.directory) { /* the files are not ours to write beside */
        if (outputs_open(&outputs, NULL) != OK)
            return cannot("cannot make a temporary folder");
        c.directory = outputs.folder;
        c.world.outputs = outputs.prefix;
    }
    code = serve(&a, &c);
    outputs_close(&outputs);
    if (c.trace && fclose(c.trace) != 0)
        code = cannot("the file of --trace is not complete");
    return code;
}
