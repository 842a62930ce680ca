#include "base/arena.h"

#include <stdalign.h>

void
arena_init(struct arena *a, size_t size)
{
    ASSERT(size > 0);
    *a = (struct arena){.p = malloc(size), .size = size};
    ASSERT(a->p);
}

void
arena_fini(struct arena *a)
{
    free(a->p);
    *a = (struct arena){0};
}

void *
arena_take(struct arena *a, size_t size)
{
    size_t align = alignof(max_align_t);
    size_t start = (a->used + align - 1) & ~(align - 1);
    if (start > a->size || size > a->size - start)
        return NULL;
    a->used = start + size;
    memset(a->p + start, 0, size);
    return a->p + start;
}

struct bytes
arena_dup(struct arena *a, struct bytes from)
{
    uint8_t *p = from.len < SIZE_MAX ? arena_take(a, from.len + 1) : NULL;
    if (!p)
        return (struct bytes){0};
    if (from.len)
        memcpy(p, from.p, from.len);
    return bytes_of(p, from.len);
}
