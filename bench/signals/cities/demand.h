/*
 * demand.h -- who drives and walks through a generated network: trips from a seed. Pure.
 *
 * Edges that begin or end at the edge of the city carry most of it. Each edge has a weight of its
 * own, so that no two approaches are alike; the hour has a peak.
 */
#ifndef BENCH_SIGNALS_CITIES_DEMAND_H
#define BENCH_SIGNALS_CITIES_DEMAND_H

#include "base/base.h"
#include "base/buf.h"

enum { DEMAND_EDGES_MAX = 4096, DEMAND_SECONDS = 3600 };

struct demand {
    uint32_t cars_per_hour; /* at the peak; half of it at the ends of the hour */
    uint32_t buses_per_hour, walkers_per_hour;
    uint32_t through_percent; /* of the weight that streets at the city's edge have */
    bool through_only;        /* nobody begins or ends within */
    bool one_axis;            /* most traffic goes along the streets called main */
};

/* Append a whole route file for this network. ERR_MALFORMED: it has no two edges; ERR_LIMIT. */
enum err demand_put(const struct demand *d, struct bytes network, uint64_t seed,
                    struct buf *out) MUST_USE;

#endif
