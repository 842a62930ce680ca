#include "bench/signals/cities/demand.h"

#include "base/random.h"
#include "field/sumo/xml.h"

enum {
    PER_MILLE = 1000,
    WEIGHT_MAX = 4,    /* of an edge, against the least */
    EDGE_WEIGHT = 100, /* percent of an ordinary edge */
    MAIN_WEIGHT = 8,
    TRUCK_PERCENT = 6,
    STOP_AT_M = 40,
    TRIES = 32,
};

struct edge {
    struct bytes id, from, to;
    uint64_t starts, ends; /* weights */
    uint32_t bus_lane, lanes;
    double length_m;
};
struct edges {
    uint32_t count;
    struct edge list[DEMAND_EDGES_MAX];
    uint64_t starts, ends;
    uint64_t reached[DEMAND_EDGES_MAX][DEMAND_EDGES_MAX / 64]; /* by edge, a bit each */
};

static bool
is_rim(struct bytes network, struct bytes junction)
{
    struct xml_tag tag;
    while (xml_next(&network, &tag)) {
        if (bytes_are(tag.name, "junction") && bytes_equal(xml_attribute(tag, "id"), junction))
            return bytes_are(xml_attribute(tag, "type"), "dead_end");
    }
    return false;
}

static enum err
read_edges(struct bytes network, struct edges *e)
{
    struct bytes rest = network;
    struct xml_tag tag;
    bool inside = true;
    while (xml_next(&rest, &tag)) {
        if (bytes_are(tag.name, "edge")) {
            inside = xml_attribute(tag, "function").p != NULL;
            if (inside)
                continue;
            if (e->count == DEMAND_EDGES_MAX)
                return ERR_LIMIT;
            e->list[e->count++] = (struct edge){.id = xml_attribute(tag, "id"),
                                                .from = xml_attribute(tag, "from"),
                                                .to = xml_attribute(tag, "to")};
        } else if (bytes_are(tag.name, "lane") && !inside) {
            struct edge *last = &e->list[e->count - 1];
            bool foot = bytes_are(xml_attribute(tag, "allow"), "pedestrian");
            last->bus_lane = foot ? last->lanes + 1 : last->bus_lane;
            last->lanes++;
            if (xml_double(tag, "length", &last->length_m) != OK)
                return ERR_MALFORMED;
        }
    }
    return e->count >= 2 ? OK : ERR_MALFORMED;
}

static uint32_t
find_edge(const struct edges *e, struct bytes id)
{
    uint32_t i = 0;
    while (i < e->count && !bytes_equal(e->list[i].id, id))
        i++;
    return i;
}

static bool
is_reached(const struct edges *e, uint32_t from, uint32_t to)
{
    return e->reached[from][to / 64] >> to % 64 & 1;
}

/* From which edges one comes to which: at once, then by way of each (Warshall 1962). */
static void
read_connections(struct bytes network, struct edges *e)
{
    struct xml_tag tag;
    while (xml_next(&network, &tag)) {
        if (!bytes_are(tag.name, "connection"))
            continue;
        uint32_t from = find_edge(e, xml_attribute(tag, "from"));
        uint32_t to = find_edge(e, xml_attribute(tag, "to"));
        if (from < e->count && to < e->count) /* what lies inside a junction is in no list */
            e->reached[from][to / 64] |= UINT64_C(1) << to % 64;
    }
    for (uint32_t by = 0; by < e->count; by++) {
        for (uint32_t from = 0; from < e->count; from++) {
            for (uint32_t i = 0; is_reached(e, from, by) && i <= (e->count - 1) / 64; i++)
                e->reached[from][i] |= e->reached[by][i];
        }
    }
}

static void
weigh(struct edges *e, const struct demand *d, struct bytes network, const struct random_source *r)
{
    for (uint32_t i = 0; i < e->count; i++) {
        struct edge *x = &e->list[i];
        uint64_t main = d->one_axis && bytes_start(x->id, "main") ? MAIN_WEIGHT : 1;
        bool comes = is_rim(network, x->from), leaves = is_rim(network, x->to);
        uint64_t start = (1 + random_below(r, WEIGHT_MAX)) * main;
        uint64_t end = (1 + random_below(r, WEIGHT_MAX)) * main;
        uint64_t within = d->through_only ? 0 : EDGE_WEIGHT;
        /* Where lanes for turning begin, a street is split: trips know its first part only. */
        bool part = bytes_find(x->from, '.') < x->from.len;
        /* Who leaves the city does not turn round, and nobody gets to a street that comes in. */
        x->starts = leaves || part ? 0 : start * (comes ? d->through_percent : within);
        x->ends = comes || part ? 0 : end * (leaves ? d->through_percent : within);
        e->starts += x->starts;
        e->ends += x->ends;
    }
}

static const struct edge *
draw(const struct edges *e, bool start, const struct random_source *r)
{
    uint64_t at = random_below(r, start ? e->starts : e->ends);
    for (uint32_t i = 0; i < e->count; i++) {
        uint64_t weight = start ? e->list[i].starts : e->list[i].ends;
        if (at < weight)
            return &e->list[i];
        at -= weight;
    }
    return &e->list[e->count - 1];
}

/* Two edges that are not the same street there and back; one-way streets may lead nowhere else. */
static bool
draw_trip(const struct edges *e, const struct random_source *r, const struct edge *out[static 2])
{
    for (int i = 0; i < TRIES; i++) {
        const struct edge *a = draw(e, true, r), *b = draw(e, false, r);
        if (a == b || bytes_equal(a->from, b->to) ||
            !is_reached(e, (uint32_t)(a - e->list), (uint32_t)(b - e->list)))
            continue;
        out[0] = a;
        out[1] = b;
        return true;
    }
    return false;
}

/* Of a thousand: a half at the ends, everything at two fifths of the hour. */
static uint64_t
share(uint64_t second)
{
    uint64_t peak = DEMAND_SECONDS * 2 / 5;
    uint64_t away = second > peak ? (second - peak) * PER_MILLE / (DEMAND_SECONDS - peak)
                                  : (peak - second) * PER_MILLE / peak;
    return PER_MILLE - away / 2;
}

static bool
happens(uint64_t per_hour, uint64_t thousandths, const struct random_source *r)
{
    return random_below(r, (uint64_t)3600 * PER_MILLE) < per_hour * thousandths;
}

static void
put_trip(struct buf *b, const char *type, uint64_t number, uint64_t second,
         const struct edge *const trip[static 2])
{
    buf_format(b,
               "<trip id=\"%s%llu\" type=\"%s\" depart=\"%llu\" departLane=\"best\" "
               "departSpeed=\"max\" from=\"%.*s\" to=\"%.*s\"",
               type, (unsigned long long)number, type, (unsigned long long)second,
               BYTES_PRINTF(trip[0]->id), BYTES_PRINTF(trip[1]->id));
}

static void
put_bus(struct buf *b, uint64_t number, uint64_t second, const struct edge *const trip[static 2])
{
    put_trip(b, "bus", number, second, trip);
    buf_text(b, ">");
    for (int i = 0; i < 2; i++) {
        if (trip[i]->length_m > 2 * STOP_AT_M && trip[i]->bus_lane < trip[i]->lanes)
            buf_format(b, "<stop lane=\"%.*s_%u\" endPos=\"%d\" duration=\"20\"/>",
                       BYTES_PRINTF(trip[i]->id), (unsigned)trip[i]->bus_lane, STOP_AT_M);
    }
    buf_text(b, "</trip>\n");
}

static const char types[] =
    "<routes>\n"
    "<vType id=\"car\" speedDev=\"0.1\" length=\"4.5\"/>\n"
    "<vType id=\"truck\" vClass=\"truck\" speedDev=\"0.1\" length=\"10\" accel=\"1.3\" "
    "maxSpeed=\"25\"/>\n"
    "<vType id=\"bus\" vClass=\"bus\" length=\"12\" accel=\"1.2\" maxSpeed=\"20\"/>\n";

static void
put_second(const struct demand *d, const struct edges *e, uint64_t second,
           const struct random_source *r, struct buf *out)
{
    const struct edge *trip[2];
    /* At most one of each in a second and lottery: three draws of a third serve busy cities. */
    for (uint64_t draws = 0; draws < 3; draws++) {
        bool truck = random_below(r, 100) < TRUCK_PERCENT;
        if (happens(d->cars_per_hour / 3, share(second), r) && draw_trip(e, r, trip)) {
            put_trip(out, truck ? "truck" : "car", second * 3 + draws, second, trip);
            buf_text(out, "/>\n");
        }
    }
    if (happens(d->buses_per_hour, PER_MILLE, r) && draw_trip(e, r, trip))
        put_bus(out, second, second, trip);
    if (happens(d->walkers_per_hour, PER_MILLE, r) && draw_trip(e, r, trip))
        buf_format(out,
                   "<person id=\"walker%llu\" depart=\"%llu\"><walk from=\"%.*s\" "
                   "to=\"%.*s\"/></person>\n",
                   (unsigned long long)second, (unsigned long long)second,
                   BYTES_PRINTF(trip[0]->id), BYTES_PRINTF(trip[1]->id));
}

enum err
demand_put(const struct demand *d, struct bytes network, uint64_t seed, struct buf *out)
{
    static struct edges e;
    struct random_seeded seeded = {seed};
    struct random_source r = random_seeded_source(&seeded);
    memset(&e, 0, sizeof(e)); /* too large for the stack */
    enum err err = read_edges(network, &e);
    if (err != OK)
        return err;
    read_connections(network, &e);
    weigh(&e, d, network, &r);
    if (e.starts == 0 || e.ends == 0)
        return ERR_MALFORMED;
    buf_text(out, types);
    for (uint64_t second = 0; second < DEMAND_SECONDS; second++)
        put_second(d, &e, second, &r, out);
    buf_text(out, "</routes>\n");
    return buf_error(out);
}
