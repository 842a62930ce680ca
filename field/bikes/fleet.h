/*
 * fleet.h -- an operator's stations and dockless vehicles, from a seed. Pure.
 *
 * A vehicle stands, is ridden, and stands elsewhere under a new random id (GBFS: vehicle_id
 * changes after each trip, and never while it is parked).
 */
#ifndef FIELD_FLEET_H
#define FIELD_FLEET_H

#include "base/base.h"
#include "base/random.h"

enum { FLEET_VEHICLES_MAX = 5000, FLEET_STATIONS_MAX = 200, FLEET_ID_SIZE = 33 };

struct fleet_vehicle {
    char id[FLEET_ID_SIZE]; /* of this parking session */
    double lat, lon;
    bool parked;
    uint32_t station;   /* where it is docked, plus 1; 0: it stands free */
    uint64_t change_ms; /* when it leaves or arrives */
};

struct fleet_station {
    double lat, lon;
    uint32_t capacity, docked;
};

struct fleet {
    struct random_source random;
    uint32_t vehicles_count, stations_count;
    struct fleet_vehicle vehicles[FLEET_VEHICLES_MAX];
    struct fleet_station stations[FLEET_STATIONS_MAX];
    uint64_t trips; /* ended so far */
};

void fleet_init(struct fleet *f, struct random_source random, uint32_t vehicles, uint32_t stations);
/* Let everything happen until now_ms; call with times that grow. */
void fleet_step(struct fleet *f, uint64_t now_ms);

#endif
