/*
 * bridge.h -- from two readings of a feed to the observations that say what changed. Pure.
 */
#ifndef FIELD_BRIDGE_H
#define FIELD_BRIDGE_H

#include "base/base.h"
#include "base/buf.h"
#include "field/bikes/feed_read.h"

enum { BRIDGE_PART_MAX = 28 * 1024, BRIDGE_ROW_MAX = 512 };

/* One result for the Datastream "vehicles". False ends the walk. */
typedef bool bridge_vehicle_fn(void *ctx, struct bytes result);

/*
 * Everything that the city must hear about vehicles: those that are gone (no place), those that are
 * new or moved, and of the rest the share `turn` of `turns`, so that after `turns` readings each
 * was repeated. Both feeds are finished. Vehicles in docks or reserved are not parked.
 */
void bridge_vehicles(const struct feed *before, const struct feed *now, uint32_t turn,
                     uint32_t turns, bridge_vehicle_fn *each, void *ctx);

/*
 * A list of stations from *at on, as many as fit into BRIDGE_PART_MAX; moves *at. False when no
 * stations are left. Only stations that were reported.
 */
bool bridge_stations(const struct feed *f, uint32_t *at, struct buf *out);

#endif
