#include "field/sumo/tripinfo.h"

#include "base/hash.h"
#include "field/sumo/xml.h"

#define MG_PER_KG 1e6

enum err
tripinfo_find_buses(struct bytes xml, struct tripinfo_buses *buses)
{
    static const char *const classes[] = {"bus", "coach", "tram", "trolleybus"};
    struct xml_tag tag;
    while (xml_next(&xml, &tag)) {
        struct bytes id = xml_attribute(tag, "id"), kind = xml_attribute(tag, "vClass");
        bool many = false;
        if (!bytes_are(tag.name, "vType") || !id.p || !kind.p)
            continue;
        for (size_t i = 0; i < ARRAY_COUNT(classes); i++)
            many = many || bytes_are(kind, classes[i]);
        if (!many)
            continue;
        if (buses->count == TRIPINFO_BUS_TYPES_MAX)
            return ERR_LIMIT;
        enum err e = bytes_copy_text(id, buses->types[buses->count], TRIPINFO_TYPE_SIZE);
        if (e != OK)
            return e;
        buses->count++;
    }
    return OK;
}

/* A member of a distribution is written as "bus@distribution" or so by no SUMO: names are whole. */
static bool
is_bus(const struct tripinfo_buses *buses, struct bytes type)
{
    for (uint32_t i = 0; buses && i < buses->count; i++) {
        if (bytes_are(type, buses->types[i]))
            return true;
    }
    return false;
}

static double
at_least_0(double v)
{
    return v > 0 ? v : 0;
}

struct sums {
    const struct tripinfo_buses *buses;
    struct tripinfo t;
    double *delays_s;
    uint64_t delays_max;
    double persons, persons_s;
};

static enum err
on_vehicle(struct xml_tag tag, struct sums *s)
{
    double loss = 0, late = 0, depart = 0, arrival = 0, waiting = 0, stops = 0;
    enum err e = xml_double(tag, "timeLoss", &loss);
    if (e == OK)
        e = xml_double(tag, "departDelay", &late);
    if (e == OK)
        e = xml_double(tag, "depart", &depart);
    if (e == OK)
        e = xml_double(tag, "arrival", &arrival);
    if (e == OK)
        e = xml_double(tag, "waitingTime", &waiting);
    if (e == OK && xml_attribute(tag, "waitingCount").p)
        e = xml_double(tag, "waitingCount", &stops);
    if (e != OK || s->t.vehicles == s->delays_max)
        return ERR_MALFORMED;
    if (depart < 0 && late <= 0)
        return OK; /* scheduled for the very end: no second of the simulation was his */
    bool bus = is_bus(s->buses, xml_attribute(tag, "vType"));
    double delay = at_least_0(loss) + at_least_0(late);
    double persons = bus ? TRIPINFO_BUS_PERSONS : TRIPINFO_CAR_PERSONS;
    s->delays_s[s->t.vehicles++] = delay;
    s->t.buses += bus;
    s->t.undeparted += depart < 0;
    s->t.unfinished += depart >= 0 && arrival < 0;
    s->t.delay_s += delay;
    s->t.waiting_s += at_least_0(waiting);
    s->t.stops += at_least_0(stops);
    s->persons += persons;
    s->persons_s += persons * delay;
    return OK;
}

static enum err
on_emissions(struct xml_tag tag, struct sums *s)
{
    double co2 = 0, fuel = 0;
    enum err e = xml_double(tag, "CO2_abs", &co2);
    if (e == OK)
        e = xml_double(tag, "fuel_abs", &fuel);
    s->t.co2_kg += co2 / MG_PER_KG;
    s->t.fuel_kg += fuel / MG_PER_KG;
    return e;
}

/* A stage of somebody's own way. Who has not begun it has no loss yet. */
static enum err
on_walk(struct xml_tag tag, struct sums *s)
{
    double loss = 0;
    if (!xml_attribute(tag, "timeLoss").p)
        return OK;
    enum err e = xml_double(tag, "timeLoss", &loss);
    s->t.walkers++;
    s->t.walker_loss_s += at_least_0(loss);
    s->persons += 1;
    s->persons_s += at_least_0(loss);
    return e;
}

static enum err
on_tag(struct xml_tag tag, struct sums *s)
{
    if (bytes_are(tag.name, "tripinfo"))
        return on_vehicle(tag, s);
    if (bytes_are(tag.name, "emissions"))
        return on_emissions(tag, s);
    if (bytes_are(tag.name, "walk"))
        return on_walk(tag, s);
    return OK;
}

static int
by_size(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static void
finish(struct sums *s)
{
    struct tripinfo *t = &s->t;
    if (t->vehicles > 0) {
        double n = (double)t->vehicles;
        t->delay_s /= n;
        t->waiting_s /= n;
        t->stops /= n;
        qsort(s->delays_s, t->vehicles, sizeof(s->delays_s[0]), by_size);
        t->delay_95_s = s->delays_s[(t->vehicles * 95 + 99) / 100 - 1];
    }
    if (t->walkers > 0)
        t->walker_loss_s /= (double)t->walkers;
    if (s->persons > 0)
        t->person_delay_s = s->persons_s / s->persons;
}

/* The trips begin after the comment in which SUMO writes when it ran, and with what options. */
static struct bytes
trips_of(struct bytes xml)
{
    static const char begin[] = "<tripinfos", end[] = "</tripinfos>";
    const void *at = xml.len ? memmem(xml.p, xml.len, begin, sizeof(begin) - 1) : NULL;
    if (!at || !memmem(xml.p, xml.len, end, sizeof(end) - 1))
        return (struct bytes){0};
    return bytes_skip(xml, (size_t)((const uint8_t *)at - xml.p));
}

enum err
tripinfo_read(struct bytes xml, const struct tripinfo_buses *buses, struct tripinfo *out)
{
    struct sums s = {.buses = buses};
    struct bytes rest = trips_of(xml);
    struct xml_tag tag;
    if (!rest.p)
        return ERR_MALFORMED;
    s.delays_max = rest.len / sizeof("<tripinfo >");
    s.delays_s = malloc((s.delays_max + 1) * sizeof(s.delays_s[0]));
    if (!s.delays_s)
        return ERR_LIMIT;
    s.t.digest = hash_bytes(HASH_START, rest);
    enum err e = OK;
    while (e == OK && xml_next(&rest, &tag))
        e = on_tag(tag, &s);
    if (e == OK) {
        finish(&s);
        *out = s.t;
    }
    free(s.delays_s);
    return e == OK ? OK : ERR_MALFORMED;
}
