#include "broker/budget.h"

enum { OVERHEAD = 16 }; /* about what the heap adds to each */

void *
budget_take(struct budget *b, size_t size)
{
    size_t whole = size + OVERHEAD;
    if (whole < size || whole > b->max - b->used)
        return NULL;
    void *p = calloc(1, size);
    if (p)
        b->used += whole;
    return p;
}

void
budget_give(struct budget *b, void *p, size_t size)
{
    if (!p)
        return;
    ASSERT(b->used >= size + OVERHEAD);
    b->used -= size + OVERHEAD;
    free(p);
}
