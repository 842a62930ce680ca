/*
 * bridge.h -- the two simulations, their executors and the city, second by second.
 *
 * `city` is steered by what executors show; `twin` sees the same demand and runs the network's own
 * programme to the end. With fixed_only there is only the twin and no city, with `alone` no twin.
 */
#ifndef FIELD_SUMO_BRIDGE_H
#define FIELD_SUMO_BRIDGE_H

#include "field/common/device.h"
#include "field/sumo/executor.h"
#include "field/sumo/world.h"

struct bridge_config {
    struct world_config world; /* tripinfo is chosen by the bridge */
    const char *directory;     /* for the trips that SUMO writes */
    double end_s;              /* of the simulation; < 0: none */
    uint64_t warm_up_s; /* both run their own programme for so long, unpaced; delays count after */
    struct executor_times times;
    bool fixed_only;
    bool alone;         /* no twin, and no figures but those of the trips: for measurements */
    const char *demand; /* a number: times that of the routes; NULL: 1 */
    const char *trips;  /* where the city's go at the end, from the directory; or NULL */
    FILE *trace;        /* or NULL: a line for each intersection and second */
};

struct bridge;

/* Start the simulations. On failure *why (WORLD_WHY_SIZE) says why. */
enum err bridge_open(const struct bridge_config *config, struct bridge **out, char *why) MUST_USE;

/* The callbacks for field_new(). */
void bridge_calls(struct bridge *b, struct field_calls *out);

/* Add the devices of all intersections; those without keys follow their plan. ERR_NOT_FOUND: none.
 */
enum err bridge_add_devices(struct bridge *b, struct field *f) MUST_USE;

/* A lease that was verified, also for tests. ERR_DENIED, ERR_UNSUPPORTED. */
enum err bridge_lease(struct bridge *b, uint32_t site, const struct lease *lease) MUST_USE;

/* One second of the street, at `now_us` of the wall. `f` may be NULL. ERR_NOT_FOUND: it ended. */
enum err bridge_step(struct bridge *b, struct field *f, int64_t now_us) MUST_USE;

/* One device name a line. */
void bridge_list(const struct bridge *b, FILE *out);

/* The world that is shown: the city, or the twin with fixed_only. */
struct world *bridge_world(struct bridge *b);
/* Intersections under their own programme, which are no devices. */
const struct site_left *bridge_left(const struct bridge *b);
const char *bridge_why(const struct bridge *b);

/*
 * End the simulations and read what they wrote. Figures of trips that were not written or not
 * steered have vehicles == 0. ERR_IO: config.trips could not be written.
 */
enum err bridge_end(struct bridge *b, struct tripinfo *out_city,
                    struct tripinfo *out_fixed) MUST_USE;
void bridge_free(struct bridge *b);

#endif
