/*
 * hash.h -- FNV-1a, 64 bits: spreads names over a table, or tells whether two texts differ. It has
 * no secret: who may choose the bytes may choose them to collide, so where that would gain
 * somebody something, begin with a number that nobody outside knows.
 *
 * Source: draft-eastlake-fnv-21, section 2 and 5 (constants). Begin with HASH_START; the same
 * bytes in several calls have the hash of all of them in one.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t
hash_byte(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t
hash_bytes(uint64_t hash, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = hash_byte(hash, text.p[i]);
    return hash;
}

/* The eight bytes of the number, the lowest first: alike on every machine. */
static inline uint64_t
hash_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        hash = hash_byte(hash, (uint8_t)(number >> 8 * i));
    return hash;
}

/* For tables that take the lowest bits, which alone spread little: the upper half goes into them.
 */
static inline uint64_t
hash_folded(uint64_t hash)
{
    return hash ^ hash >> 32;
}

/* For tables in which 0 is a free place. */
static inline uint64_t
hash_or_one(uint64_t hash)
{
    return hash ? hash : 1;
}

#endif
