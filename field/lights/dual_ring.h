/*
 * dual_ring.h -- an intersection from the eight phases of a dual ring (NEMA TS 2), as a controller
 * has them.
 *
 *      ring 1:  1 2 | 3 4        two phases go together if they stand on the same side of the
 *      ring 2:  5 6 | 7 8        barrier and in different rings
 *
 * 1, 3, 5, 7 are turns across the oncoming 2, 4, 6, 8 (1 across 2, 3 across 4, 5 across 6, 7 across
 * 8). A ring's phase k is link k - 1; the walk beside an even phase k is link 7 + k / 2. Each
 * phase, and then each walk that there is, is a lane of its own. The intersection's phases are all
 * pairs that go together, 1+5, 1+6, 2+5, 2+6, 3+7, 3+8, 4+7, 4+8; the stored plan serves the
 * barrier's sides in turn.
 */
#ifndef FIELD_LIGHTS_DUAL_RING_H
#define FIELD_LIGHTS_DUAL_RING_H

#include "field/lights/intersection.h"

enum {
    DUAL_RING_PHASES = 8,
    DUAL_RING_WALKS = 4,
    DUAL_RING_LINKS = DUAL_RING_PHASES + DUAL_RING_WALKS
};

struct ring_phase {
    uint8_t minimum_green_s, yellow_s, all_red_s;
    uint16_t plan_s;      /* green in the stored plan */
    uint16_t crossing_dm; /* of the walk beside an even phase; 0: none */
    bool permissive;      /* a turn that may also go, yielding, while the oncoming has green */
};

struct dual_ring {
    struct ring_phase phases[DUAL_RING_PHASES]; /* phase k is [k - 1] */
};

/* May phases a and b (1 to 8) go together? */
bool dual_ring_compatible(uint32_t a, uint32_t b);

/* Not yet checked: intersection_check() is the caller's. ERR_LIMIT, ERR_MALFORMED. */
enum err dual_ring_build(const struct dual_ring *r, struct intersection *out) MUST_USE;

#endif
