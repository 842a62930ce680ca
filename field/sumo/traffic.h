/*
 * traffic.h -- the vehicles of one simulation: who stands where, and what each one lost. Pure.
 *
 * Delay of a vehicle = timeLoss (seconds lost against driving freely) + departDelay (seconds that
 * it waited to get into the network). The mean is over every vehicle that should have departed so
 * far, the unfinished and those still waiting to be let in included (specs: signals 2).
 */
#ifndef FIELD_SUMO_TRAFFIC_H
#define FIELD_SUMO_TRAFFIC_H

#include "field/sumo/loops.h"
#include "field/sumo/site.h"

enum {
    TRAFFIC_SITES_MAX = 256,
    TRAFFIC_VEHICLES_MAX = 32768, /* a power of two; at most half are used */
    TRAFFIC_LANES_MAX = 32768,    /* of all sites; a power of two, at most half are used */
    TRAFFIC_LANE_USES_MAX = 3,    /* one lane may leave one site and enter another */
};
#define TRAFFIC_STANDING_M_S 0.1 /* slower is standing, as SUMO counts it */
/*
 * Who will not be out of a junction by himself, soon: who turns and is slower than this; who goes
 * straight on and is slower than that: he stood there, behind one who turned, and only starts. Who
 * has passed a stop line inside has his gap.
 */
#define TRAFFIC_STUCK_M_S 4.0
#define TRAFFIC_STARTS_M_S 7.0

struct site_counts {
    uint16_t standing[SITE_LANES_MAX], near[SITE_LANES_MAX], exit_standing[SITE_EXITS_MAX];
    /* Links on whose ways somebody will not be out of the junction; all where it is not known. */
    struct site_links inside;
};

struct traffic;

/* The sites are borrowed for the life of the table. NULL when there is no memory. */
struct traffic *traffic_new(const struct site *sites, uint32_t sites_count);
void traffic_free(struct traffic *t);

/* A second begins: counts are zero. */
void traffic_begin(struct traffic *t, double now_s);
/* A vehicle waits to be let in; it departed; it is on a lane now. ERR_LIMIT: the table is full. */
enum err traffic_pending(struct traffic *t, struct bytes id) MUST_USE;
enum err traffic_departed(struct traffic *t, struct bytes id) MUST_USE;
enum err traffic_moved(struct traffic *t, struct bytes id, struct bytes lane, double position_m,
                       double speed_m_s, double time_loss_s) MUST_USE;
void traffic_arrived(struct traffic *t, struct bytes id);
/* How long it is; loops need it. */
void traffic_measured(struct traffic *t, struct bytes id, double length_m);

/* Somebody on foot stands before this crossing and wants to go over it. */
void traffic_waits(struct traffic *t, struct bytes crossing_edge);

/* What the loops of all sites count from the same vehicles. */
struct loops *traffic_loops(struct traffic *t);

const struct site_counts *traffic_counts(const struct traffic *t, uint32_t site);

struct traffic_totals {
    uint64_t vehicles;                  /* all of the next three */
    uint64_t running, pending, arrived; /* since the mark, if there was one */
    double delay_s;                     /* mean; 0 without vehicles */
};
void traffic_totals(const struct traffic *t, struct traffic_totals *out);

/*
 * Count delays from now on: who arrived already is forgotten, and who is under way or waits to be
 * let in counts with what he loses from now on.
 */
void traffic_mark(struct traffic *t);

#endif
