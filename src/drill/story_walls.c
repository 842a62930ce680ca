#include "drill/story_walls.h"

#include <unistd.h>

enum {
    /* Nothing is stopped by it: a set of walls cannot be empty. */
    NO_WALL = 1 << WALL_DUMPABLE,
    /* The root file system is made inside the mount namespace: they come and go together. */
    PLACES = 1 << WALL_NAMESPACES | 1 << WALL_ROOT,
};

/* What is taken away together, by the wall whose name it has. */
static const struct {
    enum sandbox_wall wall;
    uint32_t bits;
    uint32_t needs; /* it cannot be built without */
} groups[] = {
    {WALL_SECCOMP, 1 << WALL_SECCOMP, 1 << WALL_NO_NEW_PRIVS},
    {WALL_NAMESPACES, PLACES, 0},
    {WALL_UID, 1 << WALL_UID | 1 << WALL_CAPABILITIES, 0},
    {WALL_LANDLOCK, 1 << WALL_LANDLOCK, 1 << WALL_NO_NEW_PRIVS},
    {WALL_LIMITS, 1 << WALL_LIMITS, 0},
};

static bool
is_stopped(struct stage *s, const struct story_step *step, uint32_t walls, struct outcome *out)
{
    *out = story_inside(s, &step->move, NULL, walls);
    return out->answer == ANSWER_REFUSED;
}

void
walls_measure(struct stage *s, const struct story_step *step, const struct outcome *first,
              struct wall_findings *out)
{
    struct outcome o;
    bool root = geteuid() == 0;
    *out = (struct wall_findings){.measured = true, .namespaces_stayed = !root};
    bool by_filter = strcmp(first->how, "killed by SYS") == 0;
    snprintf(out->by, sizeof(out->by), "%s", by_filter ? sandbox_wall_text(WALL_SECCOMP) : "");
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
        uint32_t bit = 1U << groups[i].wall;
        if (groups[i].wall == WALL_NAMESPACES && !root)
            continue;
        out->tried |= bit;
        if (!is_stopped(s, step, SANDBOX_ALL_WALLS & ~groups[i].bits, &o)) {
            out->missed |= bit;
            snprintf(out->by, sizeof(out->by), "%s", sandbox_wall_text(groups[i].wall));
        }
        out->alone |= bit;
        if (is_stopped(s, step, groups[i].bits | groups[i].needs | NO_WALL, &o))
            out->enough |= bit;
    }
    out->reached_without_any =
        !is_stopped(s, step, root ? NO_WALL : NO_WALL | 1 << WALL_NAMESPACES, &o) &&
        o.answer == ANSWER_ESCAPED;
    snprintf(out->reached, sizeof(out->reached), "%.190s", o.said);
    if (!root && !out->reached_without_any)
        out->reached_without_any = o.answer == ANSWER_REFUSED; /* by the namespaces that stayed */
}
