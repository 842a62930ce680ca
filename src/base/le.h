/*
 * le.h -- numbers as little-endian bytes, for what lies on disk.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include "base/base.h"

static inline void
le64_put(uint8_t *p, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}
static inline uint64_t
le64_get(const uint8_t *p)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

#endif
