#include "bench/signals/attacks.h"

const struct drill *
drill_list(uint32_t *out_count)
{
    return attacks_list(out_count);
}

const struct drill *
drill_find(const char *name)
{
    uint32_t count;
    const struct drill *list = attacks_list(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    }
    return NULL;
}
