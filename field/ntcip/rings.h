/*
 * rings.h -- which NEMA phases may be green together: the same side of the barrier, different
 * rings.
 */
#ifndef FIELD_NTCIP_RINGS_H
#define FIELD_NTCIP_RINGS_H

#include "field/ntcip/objects.h"

enum { RINGS_MAX = 4, BARRIERS_MAX = 4 };

struct rings {
    uint8_t ring[NTCIP_PHASES + 1]; /* by phase; 0: the phase is not used */
    uint8_t side[NTCIP_PHASES + 1]; /* between which barriers; 0: none was said */
};

bool rings_compatible(const struct rings *r, uint32_t a, uint32_t b);

/* Bits of all phases that are used. */
uint8_t rings_phases(const struct rings *r);

/* Two phases of `shown` that may not go together; false when there are none. */
bool rings_conflict(const struct rings *r, uint8_t shown, uint32_t *out_a, uint32_t *out_b);

#endif
