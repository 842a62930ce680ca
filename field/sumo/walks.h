/*
 * walks.h -- the time that people on foot have in a programme that is written anew. Pure.
 *
 * A rival whose pedestrians get less time than they need is none. So a walk ends here as it does
 * under field/lights (machine.h M2, M3; intersection.h, where the times come from):
 *
 * W1  A walk that ends was green for LIGHTS_WALK_MIN_S.
 * W2  Between its end and the first green that was not shown with it lie its clearance, during
 *     which whoever else had green keeps it, and LIGHTS_WALK_BUFFER_S, of which yellow is a part.
 * W3  A state that differs from the one before only by walks that lost their green is such a
 *     clearance, and is made long enough. Where there is none it is put in: the state before
 *     without the walks, and without yellow.
 * W4  What a clearance gains the walk before it loses, as far as W1 lets it: vehicles keep their
 *     greens, the programme its length.
 *
 * A programme without walks, and one in which they have their time, stays as it is.
 */
#ifndef FIELD_SUMO_WALKS_H
#define FIELD_SUMO_WALKS_H

#include "field/sumo/site.h"

enum { TIMETABLE_ROWS_MAX = 512 };

struct timetable_row {
    struct bytes state;
    double seconds;
    bool held;        /* detectors neither cut nor prolong it */
    bool clears;      /* of a walk: least_s is all that it needs */
    uint32_t least_s; /* detectors leave it at least that */
};
struct timetable {
    uint32_t count, made;
    struct timetable_row rows[TIMETABLE_ROWS_MAX];
    uint8_t letters[TIMETABLE_ROWS_MAX][SITE_LETTERS_MAX]; /* of states that were made here */
};

/* At the end. `state` is borrowed. */
void timetable_add(struct timetable *t, struct bytes state, double seconds, bool held);
/* A copy of the state's letters that lasts as long as the table; at most SITE_LETTERS_MAX. */
struct bytes timetable_keep(struct timetable *t, struct bytes state);

/* `walk_s`: each letter's clearance, 0 for vehicles. True if the states differ, but only so. */
bool walks_only_end(struct bytes from, struct bytes to,
                    const uint8_t walk_s[static SITE_LETTERS_MAX]);

/* W1-W4. There is room for as many rows more as walks end. A table whose states are not all of one
 * length stays as it is. */
void walks_make_time(struct timetable *t, const uint8_t walk_s[static SITE_LETTERS_MAX]);

#endif
