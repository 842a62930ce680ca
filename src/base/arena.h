/*
 * arena.h -- memory that lives as long as one call.
 *
 * One block, taken at start (failure there ends the process); arena_take() moves a mark,
 * arena_reset() moves it back. Full means NULL, which callers turn into ERR_LIMIT.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena {
    uint8_t *p;
    size_t size;
    size_t used;
};

void arena_init(struct arena *a, size_t size);
void arena_fini(struct arena *a);
static inline void
arena_reset(struct arena *a)
{
    a->used = 0;
}

/* Zeroed memory, aligned for anything; NULL when full. Lives until the reset. */
void *arena_take(struct arena *a, size_t size) MUST_USE;

/* A copy of the bytes (NUL-terminated, the NUL not counted); p == NULL when full. */
struct bytes arena_dup(struct arena *a, struct bytes from) MUST_USE;

#endif
