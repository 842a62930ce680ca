/*
 * minimise.h -- what may be kept of what an operator sends. Pure.
 *
 * Lists of what is allowed, not of what is forbidden: a field that nobody thought of is dropped.
 */
#ifndef SERVICES_BIKES_MINIMISE_H
#define SERVICES_BIKES_MINIMISE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "privacy/coarsen.h"

enum {
    STATIONS_MAX = 4000, /* rows in one report */
    VEHICLE_ID_MAX = 255,
    STATIONS_BYTES_MAX = 48 * 1024,
};

struct vehicle_row {
    struct bytes vehicle; /* as the operator calls it; for the table of sessions only */
    struct place place;   /* when parked */
    bool parked;          /* false: it left */
};

/*
 * True when a checked JSON value, at any depth, has a member that belongs to a trip or a rider:
 * trip_id, start and end, origin, route, user, ... *out_key is that member's name.
 */
bool minimise_is_trip(struct bytes json, struct bytes *out_key);

/* One row {"vehicle_id","lat","lon","parked"}; whatever else it holds is not looked at.
 * ERR_MALFORMED. */
enum err minimise_vehicle(struct bytes json, struct arena *arena, struct vehicle_row *out) MUST_USE;

/*
 * A list of stations with the allowed fields alone. ERR_MALFORMED: no list of objects with
 * station ids; ERR_LIMIT.
 */
enum err minimise_stations(struct bytes json, struct buf *out) MUST_USE;

#endif
