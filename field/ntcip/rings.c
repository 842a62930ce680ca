#include "field/ntcip/rings.h"

bool
rings_compatible(const struct rings *r, uint32_t a, uint32_t b)
{
    ASSERT(a >= 1 && a <= NTCIP_PHASES && b >= 1 && b <= NTCIP_PHASES);
    if (r->ring[a] == 0 || r->ring[b] == 0)
        return false;
    return a == b || (r->ring[a] != r->ring[b] && r->side[a] == r->side[b]);
}

uint8_t
rings_phases(const struct rings *r)
{
    uint8_t all = 0;
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++)
        if (r->ring[p] != 0)
            all |= PHASE_BIT(p);
    return all;
}

bool
rings_conflict(const struct rings *r, uint8_t shown, uint32_t *out_a, uint32_t *out_b)
{
    for (uint32_t a = 1; a <= NTCIP_PHASES; a++)
        for (uint32_t b = a; b <= NTCIP_PHASES; b++)
            if ((shown & PHASE_BIT(a)) && (shown & PHASE_BIT(b)) && !rings_compatible(r, a, b)) {
                *out_a = a;
                *out_b = b;
                return true;
            }
    return false;
}
