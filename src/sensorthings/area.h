/*
 * area.h -- the observedArea of a Datastream: the box around all features that its observations are
 * of. It is worked out when it is asked for, from the at most STA_FEATURES_MAX features that the
 * Datastream remembers, so it is right after late data and deleted features; one that a client gave
 * stands instead.
 */
#ifndef SENSORTHINGS_AREA_H
#define SENSORTHINGS_AREA_H

#include "base/arena.h"
#include "base/buf.h"
#include "sensorthings/model.h"

/*
 * Appends GeoJSON: a Polygon, a Point when the box is one. Only of features that these rights let
 * see. False: none has a place, and nothing was appended. What the scratch arena holds stays; it is
 * as full as before.
 */
bool sta_observed_area(const struct sta_graph *g, const struct sta_rights *rights,
                       const struct sta_entity *stream, struct arena *scratch, struct buf *out);

#endif
