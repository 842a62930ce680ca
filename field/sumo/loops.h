/*
 * loops.h -- what loops in the street and buttons at crossings would have counted in one second.
 * Pure.
 *
 * The simulation tells where vehicles are; a city has loops. So a vehicle's two positions, a second
 * apart, are turned into what a loop sees of it: its front has passed, or its body lies on it. Who
 * it is serves for nothing else, and leaves with no reading.
 *
 * Stop loops cover the last LOOPS_STOP_M before the line and count fronts that leave the lane into
 * the junction; loops upstream are LOOPS_LENGTH_M long. services/signals/reading.h is what comes
 * of it.
 */
#ifndef FIELD_SUMO_LOOPS_H
#define FIELD_SUMO_LOOPS_H

#include "field/sumo/site.h"

enum {
    LOOPS_STOP_M = 6,
    LOOPS_LENGTH_M = 2,
    LOOPS_BEGIN_M = 20, /* of a street: who appears here has driven for a second at most */
    LOOPS_CARS_MAX = 1024,
    LOOPS_CROSSED_MAX = 9,    /* in one second, as reading.h has it */
    LOOPS_CARS_M = 200,       /* cameras see so far */
    LOOPS_PLACES_MAX = 32768, /* lanes of all sites that matter; a power of two, half are used */
    LOOPS_USES_MAX = 65536,
};

struct loops_car {
    uint8_t lane;
    int16_t link; /* -1: not known */
    uint16_t distance_dm, speed_cm_s;
};
struct loops_counts {
    uint8_t stop[SITE_LANES_MAX], advance[SITE_LOOPS_MAX];
    bool stop_on[SITE_LANES_MAX], advance_on[SITE_LOOPS_MAX];
    uint32_t cars_count;
    struct loops_car cars[LOOPS_CARS_MAX];
};

/* What is remembered of a vehicle from second to second. Zeroes: it was not seen yet. */
struct loops_track {
    uint64_t edge, box; /* hashes of where it was; box 0: in no junction */
    uint32_t place;     /* of its lane, + 1; 0: a lane that does not matter */
    double position_m;
    double length_m; /* 0: not known, like a car */
};

struct loops;

/* The sites are borrowed for the life of the loops. NULL: no memory, or too many lanes. */
struct loops *loops_new(const struct site *sites, uint32_t sites_count);
void loops_free(struct loops *l);

/* A second begins: nothing was counted in it. */
void loops_begin(struct loops *l);
/* A vehicle is here at the end of the second; the track becomes that. */
void loops_moved(struct loops *l, struct loops_track *track, struct bytes lane, double position_m);
/* Somebody on foot stands and wants to go over this crossing. */
void loops_waits(struct loops *l, struct bytes crossing_edge);
/* A camera sees a vehicle: the signal before it, the letter of its link, how far, how fast. */
void loops_camera(struct loops *l, struct bytes signal, struct bytes lane, uint32_t letter,
                  double distance_m, double speed_m_s);
/*
 * One before whom there is no signal, because his trip ends on this lane or beyond the next
 * junction: on a lane that leads to a signal a camera sees him like everybody. Where he wants to
 * go nobody can tell.
 */
void loops_camera_ends(struct loops *l, struct bytes lane, double position_m, double speed_m_s);

const struct loops_counts *loops_counts(const struct loops *l, uint32_t site);

/* One reading without its braces, as services/signals/reading.h has it. */
void loops_put_reading(const struct loops *l, uint32_t site, const struct site_lights *lights,
                       bool cars, struct buf *b);

#endif
