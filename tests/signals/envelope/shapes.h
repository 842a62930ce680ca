/*
 * shapes.h -- intersections for the storm: by hand, from dual rings, and at random.
 */
#ifndef TESTS_SIGNALS_ENVELOPE_SHAPES_H
#define TESTS_SIGNALS_ENVELOPE_SHAPES_H

#include "base/random.h"
#include "field/lights/intersection.h"

enum shape {
    SHAPE_TWO_PHASES,
    SHAPE_PERMISSIVE_LEFTS, /* four phases, turns on red, two plans */
    SHAPE_RINGS,
    SHAPE_RINGS_WALKS,
    SHAPE_CROSSINGS, /* walks beside vehicles and a phase for people only */
    SHAPE_ARROW,     /* who turns from a lane may go with a phase that keeps its others */
    SHAPE_RANDOM,    /* links, who crosses whom, phases, times, lanes, walks: drawn */
    SHAPES_COUNT
};

const char *shape_name(enum shape shape);

/* A checked intersection; only SHAPE_RANDOM draws. */
void shape_make(enum shape shape, const struct random_source *r, struct intersection *out);

#endif
