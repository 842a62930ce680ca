#include "bench/signals/drill.h"

enum { DEAD_FROM_S = 1800 };

/* The planner of every junction is gone for good; executors are on their own. */
static bool
dead_wish(const struct drill_at *at, int32_t *phase)
{
    (void)phase;
    return at->second < DEAD_FROM_S;
}

static void
deaf_options(struct control_options *options)
{
    options->deaf = true;
}

static const struct drill drills[] = {
    {.name = "none", .summary = "nothing happens"},
    {.name = "planner-dead", .summary = "from second 1800 on nobody wishes", .wish = dead_wish},
    {.name = "deaf", .summary = "no announcement of a neighbour arrives", .options = deaf_options},
};

const struct drill *
drill_list(uint32_t *out_count)
{
    *out_count = ARRAY_COUNT(drills);
    return drills;
}

const struct drill *
drill_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(drills); i++) {
        if (strcmp(drills[i].name, name) == 0)
            return &drills[i];
    }
    return NULL;
}
