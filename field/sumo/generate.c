#include "field/sumo/generate.h"
#include "base/random.h"
#include "field/sumo/process.h"

enum {
    PATH_SIZE = 4096,
    TRIPS_BYTES_MAX = 64 * 1024 * 1024,
    PER_MILLE = 1000,
    STRAIGHT_SHARE = 620, /* of a thousand; the rest turns */
    RIGHT_SHARE = 200,
    BASE_RATE = 60, /* vehicles of an entry in 1000 s, before the peak */
    PEAK_RATE = 170,
    WIDTH_S = 1200, /* of the peak */
    HEAVY = 14,     /* tenths: from west and south */
    LIGHT = 7,
    SIDES = 4,
};

/* Headings in clockwise order, so that a right turn is + 1. */
enum heading { NORTH, EAST, SOUTH, WEST };
static const int step_x[] = {0, 1, 0, -1}, step_y[] = {1, 0, -1, 0};

/* The name that netgenerate gives to the place at (x, y): "B2", or at the edge "left2". */
static void
put_place(struct buf *b, int x, int y)
{
    if (x < 0)
        buf_format(b, "left%d", y);
    else if (x >= GENERATE_SIDE)
        buf_format(b, "right%d", y);
    else if (y < 0)
        buf_format(b, "bottom%d", x);
    else if (y >= GENERATE_SIDE)
        buf_format(b, "top%d", x);
    else
        buf_format(b, "%c%d", 'A' + x, y);
}

static bool
inside(int x, int y)
{
    return x >= 0 && y >= 0 && x < GENERATE_SIDE && y < GENERATE_SIDE;
}

/* One trip from the edge at (x, y) to where its turns lead it. */
static void
put_route(struct buf *b, const struct random_source *r, int x, int y, enum heading heading)
{
    for (int hops = 0;; hops++) {
        int to_x = x + step_x[heading], to_y = y + step_y[heading];
        buf_text(b, hops ? " " : "");
        put_place(b, x, y);
        put_place(b, to_x, to_y);
        x = to_x;
        y = to_y;
        if (!inside(x, y))
            return;
        uint64_t turn = random_below(r, PER_MILLE);
        if (hops < GENERATE_HOPS_MAX && turn >= STRAIGHT_SHARE)
            heading = (enum heading)((heading + (turn < STRAIGHT_SHARE + RIGHT_SHARE ? 1 : 3)) % 4);
    }
}

/* A bell of integers: 1000 at the peak, 0 far from it. */
static uint64_t
peak_share(uint64_t t)
{
    uint64_t away = t > GENERATE_PEAK_S ? t - GENERATE_PEAK_S : GENERATE_PEAK_S - t;
    if (away >= WIDTH_S)
        return 0;
    uint64_t x = PER_MILLE - away * PER_MILLE / WIDTH_S;
    return x * x * (3 * PER_MILLE - 2 * x) / (PER_MILLE * PER_MILLE);
}

void
generate_trips(uint64_t seed, struct buf *out, uint64_t *out_count)
{
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    uint64_t count = 0;
    buf_text(out, "<routes>\n<vType id=\"car\" speedDev=\"0.1\" length=\"4.3\"/>\n");
    for (uint64_t t = 0; t < GENERATE_MORNING_S; t++) {
        uint64_t rate = BASE_RATE + (PEAK_RATE - BASE_RATE) * peak_share(t) / PER_MILLE;
        for (int entry = 0; entry < SIDES * GENERATE_SIDE; entry++) {
            enum heading heading = (enum heading)(entry / GENERATE_SIDE);
            int at = entry % GENERATE_SIDE;
            uint64_t tenths = heading == NORTH || heading == EAST ? HEAVY : LIGHT;
            if (random_below(&r, PER_MILLE * 10) >= rate * tenths)
                continue;
            int x = heading == EAST ? -1 : heading == WEST ? GENERATE_SIDE : at;
            int y = heading == NORTH ? -1 : heading == SOUTH ? GENERATE_SIDE : at;
            buf_format(out,
                       "<vehicle id=\"v%llu\" type=\"car\" depart=\"%llu\" departLane=\"best\" "
                       "departSpeed=\"max\"><route edges=\"",
                       (unsigned long long)count++, (unsigned long long)t);
            put_route(out, &r, x, y, heading);
            buf_text(out, "\"/></vehicle>\n");
        }
    }
    buf_text(out, "</routes>\n");
    *out_count = count;
}

static enum err
write_file(const char *path, struct bytes text)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return ERR_IO;
    bool written = fwrite(text.p, 1, text.len, f) == text.len;
    return fclose(f) == 0 && written ? OK : ERR_IO;
}

static enum err
write_network(const char *path, uint64_t seed)
{
    char side[16], street[16], entry[16], number[32];
    snprintf(side, sizeof(side), "%d", GENERATE_SIDE);
    snprintf(street, sizeof(street), "%d", GENERATE_STREET_M);
    snprintf(entry, sizeof(entry), "%d", GENERATE_ENTRY_M);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)(seed % INT32_MAX));
    const char *const arguments[] = {"netgenerate",
                                     "--grid",
                                     "--grid.number",
                                     side,
                                     "--grid.length",
                                     street,
                                     "--grid.attach-length",
                                     entry,
                                     "--default.lanenumber",
                                     "3",
                                     "--default-junction-type",
                                     "traffic_light",
                                     "--no-turnarounds",
                                     "true",
                                     "--tls.yellow.time",
                                     "3",
                                     "--xml-validation",
                                     "never",
                                     "--seed",
                                     number,
                                     "-o",
                                     path,
                                     NULL};
    return sumo_run(arguments);
}

enum err
generate_city(const char *directory, uint64_t seed)
{
    char path[PATH_SIZE];
    uint64_t count;
    struct buf trips;
    if (snprintf(path, sizeof(path), "%s/demo.net.xml", directory) >= (int)sizeof(path))
        return ERR_LIMIT;
    enum err e = write_network(path, seed);
    if (e != OK)
        return e;
    if (snprintf(path, sizeof(path), "%s/demo.rou.xml", directory) >= (int)sizeof(path))
        return ERR_LIMIT;
    buf_init(&trips, TRIPS_BYTES_MAX);
    generate_trips(seed, &trips, &count);
    e = buf_error(&trips);
    if (e == OK)
        e = write_file(path, buf_bytes(&trips));
    buf_fini(&trips);
    return e;
}
