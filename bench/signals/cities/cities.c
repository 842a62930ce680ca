/*
 * cities.c -- five small cities from a seed, for measurements that no public file was tuned to.
 *
 * netgenerate and netconvert draw the streets, the demand is ours (demand.h). The same seed gives
 * the same files. A city is a folder with a .sumocfg, as any other scenario.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/random.h"
#include "base/text.h"
#include "bench/signals/cities/demand.h"
#include "field/sumo/process.h"
#include "field/sumo/scenario.h"

enum { EXIT_USAGE = 2, EXIT_CANNOT = 3, ARGUMENTS_MAX = 40, TEXT_MAX = 64 * 1024 * 1024 };

/* Of the arterial: signals in a row and their distances. */
enum { SIGNALS = 6, SPACING_MIN_M = 170, SPACING_MORE_M = 260, SIDE_M = 260, RIM_M = 350 };

struct city {
    const char *name;
    const char *arguments[ARGUMENTS_MAX]; /* of netgenerate; none: of netconvert, the arterial */
    struct demand demand;
};

static const struct city cities[] = {
    {.name = "irregular", /* blocks of two sizes, one to three lanes, lanes for turning left */
     .arguments = {"--grid",
                   "--grid.x-number",
                   "4",
                   "--grid.y-number",
                   "3",
                   "--grid.x-length",
                   "190",
                   "--grid.y-length",
                   "270",
                   "--grid.attach-length",
                   "260",
                   "--default.lanenumber",
                   "3",
                   "--random-lanenumber",
                   "true",
                   "--turn-lanes",
                   "1",
                   "--turn-lanes.length",
                   "45",
                   "--perturb-x",
                   "norm(0,18)",
                   "--perturb-y",
                   "norm(0,18)",
                   "--default-junction-type",
                   "traffic_light"},
     .demand = {.cars_per_hour = 3000, .through_percent = 900}},
    {.name = "arterial",
     .demand =
         {.cars_per_hour = 5200, .through_percent = 100, .through_only = true, .one_axis = true}},
    {.name = "random", /* streets at any angle; signals where netgenerate guesses them */
     .arguments = {"--rand", "--rand.iterations", "70", "--rand.min-distance", "120",
                   "--rand.max-distance", "320", "--rand.min-angle", "55", "--default.lanenumber",
                   "2", "--random-lanenumber", "true", "--tls.guess", "true",
                   "--tls.guess.threshold", "60"},
     .demand = {.cars_per_hour = 1500, .through_percent = 300}},
    {.name = "walkers", /* people cross, buses stop */
     .arguments = {"--grid", "--grid.number", "3", "--grid.length", "170", "--grid.attach-length",
                   "220", "--default.lanenumber", "2", "--sidewalks.guess", "true",
                   "--crossings.guess", "true", "--default-junction-type", "traffic_light"},
     .demand = {.cars_per_hour = 1900,
                .buses_per_hour = 60,
                .walkers_per_hour = 700,
                .through_percent = 900}},
    {.name = "arrows", /* wide roads; left turns have a phase of their own, and nobody yields */
     .arguments = {"--grid", "--grid.number", "2", "--grid.length", "400", "--grid.attach-length",
                   "350", "--default.lanenumber", "3", "--turn-lanes", "1", "--turn-lanes.length",
                   "100", "--tls.minor-left.max-speed", "0", "--default-junction-type",
                   "traffic_light"},
     .demand = {.cars_per_hour = 3000, .through_percent = 900}},
};

static int
cannot(const char *what)
{
    fprintf(stderr, "cities: %s\n", what);
    return EXIT_CANNOT;
}

static bool
write_file(const char *folder, const char *name, struct bytes text)
{
    char path[SCENARIO_PATH_SIZE];
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return false;
    FILE *f = fopen(path, "we");
    bool good = f && fwrite(text.p, 1, text.len, f) == text.len;
    return f && fclose(f) == 0 && good;
}

/* Two lanes, and before a signal a third one for turning left. */
static void
put_main(struct buf *edges, char way, int number, int from, int to)
{
    bool signal = to > 0 && to <= SIGNALS;
    buf_format(edges,
               "<edge id=\"main%c%d\" from=\"m%d\" to=\"m%d\" numLanes=\"%d\" priority=\"9\" "
               "speed=\"13.89\">%s</edge>\n",
               way, number, from, to, signal ? 3 : 2,
               signal ? "<split pos=\"0\" lanes=\"0 1\"/><split pos=\"-60\" lanes=\"0 1 2\"/>"
                      : "");
}

/* A node a signal, and its side streets' ends; every third side street has no signal. */
static void
put_arterial(uint64_t seed, struct buf *nodes, struct buf *edges)
{
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    int x = 0;
    buf_text(nodes, "<nodes>\n");
    buf_text(edges, "<edges>\n");
    buf_format(nodes, "<node id=\"m0\" x=\"%d\" y=\"0\"/>\n", -RIM_M);
    for (int i = 1; i <= SIGNALS; i++) {
        int lanes = 1 + (int)random_below(&r, 2), priority = 3 + lanes;
        buf_format(nodes, "<node id=\"m%d\" x=\"%d\" y=\"0\" type=\"traffic_light\"/>\n", i, x);
        buf_format(nodes, "<node id=\"n%d\" x=\"%d\" y=\"%d\"/>\n", i, x + 20, SIDE_M);
        buf_format(nodes, "<node id=\"s%d\" x=\"%d\" y=\"%d\"/>\n", i, x - 20, -SIDE_M);
        for (int k = 0; k < 2; k++) {
            char side = k ? 's' : 'n';
            buf_format(edges,
                       "<edge id=\"in%c%d\" from=\"%c%d\" to=\"m%d\" numLanes=\"%d\" "
                       "priority=\"%d\" speed=\"13.89\"/>\n"
                       "<edge id=\"out%c%d\" from=\"m%d\" to=\"%c%d\" numLanes=\"%d\" "
                       "priority=\"%d\" speed=\"13.89\"/>\n",
                       side, i, side, i, i, lanes, priority, side, i, i, side, i, lanes, priority);
        }
        x += SPACING_MIN_M + (int)random_below(&r, SPACING_MORE_M);
    }
    buf_format(nodes, "<node id=\"m%d\" x=\"%d\" y=\"0\"/>\n</nodes>\n", SIGNALS + 1,
               x + RIM_M / 2);
    for (int i = 0; i <= SIGNALS; i++) {
        put_main(edges, 'e', i, i, i + 1);
        put_main(edges, 'w', i, i + 1, i);
    }
    buf_text(edges, "</edges>\n");
}

static bool
draw_arterial(const char *folder, uint64_t seed, const char *network)
{
    struct buf nodes, edges;
    char node_file[SCENARIO_PATH_SIZE], edge_file[SCENARIO_PATH_SIZE];
    buf_init(&nodes, TEXT_MAX);
    buf_init(&edges, TEXT_MAX);
    put_arterial(seed, &nodes, &edges);
    snprintf(node_file, sizeof(node_file), "%s/city.nod.xml", folder);
    snprintf(edge_file, sizeof(edge_file), "%s/city.edg.xml", folder);
    const char *const arguments[] = {
        "netconvert",       "-n",   node_file,           "-e", edge_file,          "-o",    network,
        "--no-turnarounds", "true", "--tls.yellow.time", "3",  "--xml-validation", "never", NULL};
    bool good = write_file(folder, "city.nod.xml", buf_bytes(&nodes)) &&
                write_file(folder, "city.edg.xml", buf_bytes(&edges)) && sumo_run(arguments) == OK;
    buf_fini(&nodes);
    buf_fini(&edges);
    return good;
}

static bool
draw(const struct city *c, uint64_t seed, const char *network)
{
    const char *arguments[ARGUMENTS_MAX + 16] = {"netgenerate"};
    char number[32];
    size_t n = 1;
    for (size_t i = 0; i < ARGUMENTS_MAX && c->arguments[i]; i++)
        arguments[n++] = c->arguments[i];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)(seed % INT32_MAX));
    const char *const always[] = {"--no-turnarounds",
                                  "true",
                                  "--tls.yellow.time",
                                  "3",
                                  "--seed",
                                  number,
                                  "--xml-validation",
                                  "never",
                                  "-o",
                                  network};
    for (size_t i = 0; i < ARRAY_COUNT(always); i++)
        arguments[n++] = always[i];
    return sumo_run(arguments) == OK;
}

static const char configuration[] = "<configuration>\n<input>\n<net-file value=\"city.net.xml\"/>\n"
                                    "<route-files value=\"city.rou.xml\"/>\n</input>\n"
                                    "<time>\n<begin value=\"0\"/>\n<end value=\"3600\"/>\n</time>\n"
                                    "</configuration>\n";

/* Trips of a city from its network. */
static bool
fill(const struct city *c, uint64_t seed, const char *folder, const char *network)
{
    struct buf text, trips;
    buf_init(&text, TEXT_MAX);
    buf_init(&trips, TEXT_MAX);
    bool good = scenario_file(network, &text) == OK &&
                demand_put(&c->demand, buf_bytes(&text), seed, &trips) == OK &&
                write_file(folder, "city.rou.xml", buf_bytes(&trips)) &&
                write_file(folder, "city.sumocfg", bytes_text(configuration));
    buf_fini(&text);
    buf_fini(&trips);
    return good;
}

static bool
make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

int
main(int argc, char **argv)
{
    const char *out = NULL, *only = NULL;
    uint64_t seed = 1;
    bool good = argc % 2 == 1;
    for (int i = 1; i + 1 < argc && good; i += 2) {
        if (strcmp(argv[i], "--out") == 0)
            out = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
        else
            good = strcmp(argv[i], "--seed") == 0 &&
                   text_u64(bytes_text(argv[i + 1]), INT32_MAX, &seed) == OK;
    }
    if (!good || !out) {
        fprintf(stderr, "usage: cities --out DIR [--seed N] [--only NAME]\n");
        return EXIT_USAGE;
    }
    if (!make_folder(out))
        return cannot("cannot make the folder of --out");
    for (size_t i = 0; i < ARRAY_COUNT(cities); i++) {
        const struct city *c = &cities[i];
        char folder[SCENARIO_PATH_SIZE - 32], network[SCENARIO_PATH_SIZE];
        if (only && strcmp(only, c->name) != 0)
            continue;
        if (snprintf(folder, sizeof(folder), "%s/%s", out, c->name) >= (int)sizeof(folder))
            return cannot("the path is too long");
        snprintf(network, sizeof(network), "%s/city.net.xml", folder);
        good = make_folder(folder) &&
               (c->arguments[0] ? draw(c, seed, network) : draw_arterial(folder, seed, network));
        if (!good)
            return cannot("netgenerate or netconvert (Debian package sumo) did not make a network");
        if (!fill(c, seed, folder, network))
            return cannot("cannot write a city");
    }
    return 0;
}
