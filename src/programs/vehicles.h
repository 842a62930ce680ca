/*
 * vehicles.h -- what a city vouches for when it enrols a vehicle: its kind, in its name.
 *
 * A name is given once, by `bulkhead device add`, on the record of the city's log; it stands in the
 * certificate that every connection proves, and nobody else can have it. So `emergency-7` is an
 * emergency vehicle because the city said so (`--as emergency`), never because it says so itself.
 */
#ifndef PROGRAMS_VEHICLES_H
#define PROGRAMS_VEHICLES_H

#include "base/base.h"

enum vehicle_kind { VEHICLE_NONE, VEHICLE_BUS, VEHICLE_EMERGENCY, VEHICLE_KINDS_COUNT };

/* "bus", "emergency"; of VEHICLE_NONE "none". */
static inline const char *
vehicle_word(enum vehicle_kind kind)
{
    static const char *const words[VEHICLE_KINDS_COUNT] = {"none", "bus", "emergency"};
    ASSERT(kind < VEHICLE_KINDS_COUNT);
    return words[kind];
}

/* What a device of this name was enrolled as: "bus-12", "emergency-7". */
static inline enum vehicle_kind
vehicle_kind(struct bytes device)
{
    if (bytes_start(device, "emergency-"))
        return VEHICLE_EMERGENCY;
    return bytes_start(device, "bus-") ? VEHICLE_BUS : VEHICLE_NONE;
}

#endif
