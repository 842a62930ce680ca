/*
 * tripinfo.h -- what SUMO wrote about every trip, added up. Pure.
 *
 * Delay of a trip = timeLoss + departDelay. Trips under way at the end count with what they lost so
 * far; who was never let in counts from his scheduled departure to the end.
 */
#ifndef FIELD_SUMO_TRIPINFO_H
#define FIELD_SUMO_TRIPINFO_H

#include "base/base.h"

enum {
    TRIPINFO_BYTES_MAX = 256 * 1024 * 1024,
    TRIPINFO_BUS_TYPES_MAX = 64,
    TRIPINFO_TYPE_SIZE = 64,
};
#define TRIPINFO_BUS_PERSONS 20.0
#define TRIPINFO_CAR_PERSONS 1.3

/* The vehicle types that carry many. */
struct tripinfo_buses {
    uint32_t count;
    char types[TRIPINFO_BUS_TYPES_MAX][TRIPINFO_TYPE_SIZE];
};
/* Add those of a file with vType elements, by their vClass. ERR_LIMIT. */
enum err tripinfo_find_buses(struct bytes xml, struct tripinfo_buses *buses) MUST_USE;

struct tripinfo {
    uint64_t vehicles;      /* all lines: finished, under way, never let in */
    uint64_t undeparted;    /* of them never let in */
    uint64_t unfinished;    /* of them under way */
    double delay_s;         /* mean of timeLoss + departDelay over all */
    double delay_95_s;      /* which 95 of 100 do not exceed */
    double waiting_s;       /* mean of waitingTime */
    double stops;           /* mean of waitingCount */
    double co2_kg, fuel_kg; /* sums; 0 unless SUMO was asked for emissions */
    double person_delay_s;  /* mean with TRIPINFO_*_PERSONS in a vehicle, and who walks or rides */
    uint64_t buses, walkers;
    double walker_loss_s; /* mean of what people on foot lost */
    uint64_t digest;      /* of all trips as written: the same trips, the same digest */
};

/*
 * Add up an output of --tripinfo-output with write-unfinished and write-undeparted. ERR_MALFORMED
 * when a line lacks a figure or the file is cut. `buses` may be NULL.
 */
enum err tripinfo_read(struct bytes xml, const struct tripinfo_buses *buses,
                       struct tripinfo *out) MUST_USE;

#endif
