#include "field/bikes/fleet.h"

#include <math.h>

#include "base/buf.h"
#include "base/text.h"

enum {
    HUBS = 5,
    PARKED_MS = 120000,
    PARKED_LEAST_MS = 8000,
    RIDE_MS = 25000,
    RIDE_LEAST_MS = 8000
};

/* Where people go; places of an invented city. */
static const double hubs[HUBS][2] = {{45.4215, -75.6972},
                                     {45.4120, -75.6800},
                                     {45.4300, -75.7150},
                                     {45.4050, -75.7100},
                                     {45.4360, -75.6750}};

static double
unit(const struct random_source *r)
{
    return (double)(random_u64(r) >> 11) / 9007199254740992.0;
}

static uint64_t
wait_ms(const struct random_source *r, uint64_t least, uint64_t mean)
{
    return least + (uint64_t)(-log(1 - unit(r)) * (double)mean);
}

/* Around a hub: sums of four make a bell of about 300 m. */
static void
draw_place(const struct random_source *r, double *lat, double *lon)
{
    uint64_t hub = random_below(r, HUBS);
    double north = 0, east = 0;
    for (int i = 0; i < 4; i++) {
        north += unit(r) - 0.5;
        east += unit(r) - 0.5;
    }
    *lat = hubs[hub][0] + north * 0.0050;
    *lon = hubs[hub][1] + east * 0.0070;
}

/* Stand: at a station with a free dock now and then, else where the ride ended. */
static void
arrive(struct fleet *f, struct fleet_vehicle *v, uint64_t now_ms)
{
    uint8_t id[(FLEET_ID_SIZE - 1) / 2];
    random_fill(&f->random, id, sizeof(id));
    struct buf hex;
    buf_init(&hex, FLEET_ID_SIZE);
    text_put_hex(&hex, bytes_of(id, sizeof(id)));
    snprintf(v->id, sizeof(v->id), "%s", buf_string(&hex));
    buf_fini(&hex);
    draw_place(&f->random, &v->lat, &v->lon);
    v->parked = true;
    v->station = 0;
    v->change_ms = now_ms + wait_ms(&f->random, PARKED_LEAST_MS, PARKED_MS);
    if (f->stations_count == 0 || random_below(&f->random, 3) != 0)
        return;
    uint32_t s = (uint32_t)random_below(&f->random, f->stations_count);
    if (f->stations[s].docked == f->stations[s].capacity)
        return;
    f->stations[s].docked++;
    v->station = s + 1;
}

static void
leave(struct fleet *f, struct fleet_vehicle *v, uint64_t now_ms)
{
    if (v->station) {
        ASSERT(f->stations[v->station - 1].docked > 0);
        f->stations[v->station - 1].docked--;
    }
    v->station = 0;
    v->parked = false;
    v->id[0] = '\0';
    v->change_ms = now_ms + wait_ms(&f->random, RIDE_LEAST_MS, RIDE_MS);
}

void
fleet_init(struct fleet *f, struct random_source random, uint32_t vehicles, uint32_t stations)
{
    ASSERT(vehicles <= FLEET_VEHICLES_MAX && stations <= FLEET_STATIONS_MAX);
    memset(f, 0, sizeof(*f));
    f->random = random;
    f->vehicles_count = vehicles;
    f->stations_count = stations;
    for (uint32_t i = 0; i < stations; i++) {
        draw_place(&random, &f->stations[i].lat, &f->stations[i].lon);
        f->stations[i].capacity = 10 + (uint32_t)random_below(&random, 20);
    }
    for (uint32_t i = 0; i < vehicles; i++)
        arrive(f, &f->vehicles[i], 0);
}

void
fleet_step(struct fleet *f, uint64_t now_ms)
{
    for (uint32_t i = 0; i < f->vehicles_count; i++) {
        struct fleet_vehicle *v = &f->vehicles[i];
        if (v->change_ms > now_ms)
            continue;
        if (v->parked) {
            leave(f, v, now_ms);
        } else {
            arrive(f, v, now_ms);
            f->trips++;
        }
    }
}
