/*
 * generate.h -- a small city from a seed: a grid of signalled intersections and its morning.
 *
 * netgenerate draws the streets; the trips are ours: they enter at the edge of the city, more of
 * them from the west and the south, more of them towards the peak, and turn at each intersection by
 * fixed shares until they leave. The same seed gives the same files, byte for byte.
 */
#ifndef FIELD_SUMO_GENERATE_H
#define FIELD_SUMO_GENERATE_H

#include "base/base.h"
#include "base/buf.h"

enum {
    GENERATE_SIDE = 3, /* intersections in a row */
    GENERATE_STREET_M = 200,
    GENERATE_ENTRY_M = 300,
    GENERATE_MORNING_S = 7200,
    GENERATE_PEAK_S = 1500, /* after the begin */
    GENERATE_HOPS_MAX = 12,
};

/* The trips as SUMO reads them; *out_count: how many. */
void generate_trips(uint64_t seed, struct buf *out, uint64_t *out_count);

/*
 * Write DIR/demo.net.xml and DIR/demo.rou.xml; the directory must exist. ERR_NOT_FOUND: netgenerate
 * is not installed; ERR_IO.
 */
enum err generate_city(const char *directory, uint64_t seed) MUST_USE;

#endif
