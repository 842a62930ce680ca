#include "services/signals/optimize/places.h"

static bool
is_better(const struct place *a, const struct place *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

void
places_sort(struct place *places, uint32_t count)
{
    for (uint32_t gap = count / 16 + 1; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < count; i++) {
            struct place x = places[i];
            uint32_t k = i;
            for (; k >= gap && !is_better(&places[k - gap], &x); k -= gap)
                places[k] = places[k - gap];
            places[k] = x;
        }
    }
}
