/* story_walls.h -- what a move would have reached without each wall of the sandbox. */
#ifndef DRILL_STORY_WALLS_H
#define DRILL_STORY_WALLS_H

#include "drill/moves.h"
#include "runtime/sandbox.h"

struct wall_findings {
    bool measured;
    char by[32];     /* the wall that stopped it with all standing */
    uint32_t tried;  /* walls that were taken away, one at a time */
    uint32_t missed; /* of those: the move got through */
    uint32_t alone;  /* walls that were tried alone */
    uint32_t enough; /* of those: it stopped the move by itself */
    bool reached_without_any;
    bool namespaces_stayed; /* not root: they cannot be taken away */
    char reached[200];      /* what it got, in its words, with no wall at all */
};

/* `first`: how it ended with every wall. The move runs again for each row. */
void walls_measure(struct stage *s, const struct story_step *step, const struct outcome *first,
                   struct wall_findings *out);

/* A move inside, with these walls (0: all), and perhaps a second one elsewhere. */
struct outcome story_inside(struct stage *s, const struct story_move *m,
                            const struct story_move *also, uint64_t walls);

#endif
