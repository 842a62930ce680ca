/*
 * world.h -- one running simulation: its intersections, its vehicles, second by second.
 *
 * Two worlds with the same files and seed see the same demand; one may be steered, the other runs
 * the network's own programme.
 */
#ifndef FIELD_SUMO_WORLD_H
#define FIELD_SUMO_WORLD_H

#include "field/sumo/site.h"
#include "field/sumo/traffic.h"
#include "field/sumo/tripinfo.h"

enum { WORLD_PATH_SIZE = 4096, WORLD_WHY_SIZE = 300, WORLD_STUCK_S = 300 };

struct world_config {
    const char *configuration;    /* a .sumocfg, or NULL */
    const char *network, *routes; /* in the place of the configuration's; NULL with one */
    const char *outputs;          /* the prefix of outputs.h, or NULL */
    const char *tripinfo;         /* file to write, or NULL; with `outputs` in its folder */
    double begin_s;               /* < 0: the configuration's */
    uint64_t seed;
    const char *const *more; /* further arguments for SUMO, up to a NULL; or NULL */
    bool cameras;            /* vehicles before the stop lines, not only what loops count */
    bool programme_only;     /* no phases but the programme's: stages.h adds none */
    bool no_totals;          /* world_totals() is not asked for: spares SUMO the figures */
};

struct world;

/* Start SUMO, read the intersections. On failure *why (WORLD_WHY_SIZE) says why. */
enum err world_open(const struct world_config *config, struct world **out, char *why) MUST_USE;

/* One second. What world_show() asked for is shown in it. ERR_CLOSED: SUMO is gone. */
enum err world_step(struct world *w) MUST_USE;

double world_time_s(const struct world *w);
const struct site *world_sites(const struct world *w, uint32_t *out_count);
/* Signals that we do not steer, and why. */
const struct site_left *world_left(const struct world *w);
const struct site_counts *world_counts(const struct world *w, uint32_t site);
/* What its loops counted in the last second. */
const struct loops_counts *world_loops(const struct world *w, uint32_t site);
/* What SUMO shows there since the last step. */
struct bytes world_shown(const struct world *w, uint32_t site);
void world_show(struct world *w, uint32_t site, struct bytes state);
/*
 * What its sensors say of the last second, and its executor of the lights: an object as
 * services/signals/reading.h has it.
 */
void world_put_reading(const struct world *w, uint32_t site, const struct site_lights *lights,
                       struct buf *b);
void world_totals(const struct world *w, struct traffic_totals *out);
/* Count delays from now on; see traffic_mark(). */
void world_mark(struct world *w);
const char *world_why(const struct world *w);

/* Vehicles that have stood for WORLD_STUCK_S now, without a break. */
enum err world_stuck(struct world *w, uint64_t *out) MUST_USE;

/* A whole simulation on the network's own programmes, as fast as SUMO goes. */
enum err world_run(const struct world_config *config, double end_s, uint64_t *out_stuck,
                   char *why) MUST_USE;

/* End SUMO; it writes its trips then. NULL is fine. */
void world_close(struct world *w);

/* The figures of a file that a closed world wrote. ERR_IO, ERR_MALFORMED. */
enum err world_tripinfo(const char *file, struct tripinfo *out) MUST_USE;

#endif
