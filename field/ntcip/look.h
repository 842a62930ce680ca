/*
 * look.h -- one look at the controller: which names are asked for, and what their values mean.
 *
 * Names are asked for in batches of AGENT_NAMES_MAX; the lights are all in the first, so that they
 * are of one moment.
 */
#ifndef FIELD_NTCIP_LOOK_H
#define FIELD_NTCIP_LOOK_H

#include "field/ntcip/control.h"
#include "field/ntcip/timings.h"

enum { LOOK_NAMES_MAX = 16 + 2 * 8 + NTCIP_DETECTORS_MAX, TIMING_NAMES_MAX = 8 * 7 + 1 };

/* What the detectors told: bit 0 is detector 1. */
struct look_detectors {
    uint64_t on, dead;
    uint8_t counts[NTCIP_DETECTORS_MAX]; /* vehicles since the look before */
};

struct look {
    const struct cabinet *cabinet;
    uint8_t groups; /* bits of groups of detectors that the cabinet uses */
    uint64_t last_on;
    bool seen;    /* last_* are of a look before */
    bool volumes; /* the controller counts in periods of one second */
    uint8_t last_sequence;
};

void look_init(struct look *l, const struct cabinet *c);

/* The names of a look, LOOK_NAMES_MAX at most. */
size_t look_names(const struct look *l, struct ntcip_name *out);

/* Their values. A light that is not there makes the whole unknown. */
void look_read(struct look *l, const struct ntcip_value *values, struct ntcip_status *out,
               struct look_detectors *out_detectors);

/* The names of the timings, TIMING_NAMES_MAX at most, and their values. */
size_t look_timing_names(const struct cabinet *c, struct ntcip_name *out);
void look_timings(const struct cabinet *c, const struct ntcip_value *values, struct timings *out);

#endif
