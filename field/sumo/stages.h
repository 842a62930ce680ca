/*
 * stages.h -- phases that an intersection's conflict matrix permits beside those of its programme.
 * Pure.
 *
 * A programme is one cycle through a few of the sets of links that may go together; whoever decides
 * second by second can use the others too. Signal engineers find phases from a conflict matrix by
 * hand; here it is the search for all largest sets (Bron and Kerbosch 1973). What is added is
 * careful:
 *
 * S1  Each lane sees only pictures that some phase of the programme shows it too: links of one
 *     lane that the programme never lets go alone are not let go alone here.
 * S2  Two links that cross go together only where a phase of the programme has them so, one of them
 *     yielding; all others must not cross at all.
 * S3  A link that the programme never shows G is not shown G.
 * S4  Nothing is added where the network does not say of all links whom they cross, where the
 *     programme itself does not fit the matrix, or where any change from or to a phase would not
 *     (field/lights/intersection.h).
 * S5  Only what lets more go: no phase is added that another one covers, a turn on red counting as
 *     much as a green one. Of too many, those that show most green, then those found first.
 * S6  Only what lets go at least all that some phase of the programme does, or only such who go
 *     together in one, or a street as a whole that no phase of the programme lets go so: where left
 *     turns have phases of their own, one approach at a time serves uneven streets (the phases 1+6
 *     and 2+5 of a dual ring). Other mixtures of parts of several phases serve saturated streets
 *     badly (bologna_acosta: more than twice the delay, measured).
 * S7  Where the green of who gives way would end before that of those he gives way to, they are
 *     stopped with him (yellow trap, field/lights/intersection.h). He may go on giving way instead,
 *     while the rest of his approach has red (MUTCD 2009 4D.20: a flashing yellow arrow; drawn so
 *     by cologne3's own programme): such a phase stands in the place of one added above if no
 *     change from or to it stops anybody more, else beside it. S1 to S4 hold for it.
 */
#ifndef FIELD_SUMO_STAGES_H
#define FIELD_SUMO_STAGES_H

#include "field/sumo/site.h"

enum {
    STAGES_ADDED_MAX = 8,  /* by S5 */
    STAGES_BESIDE_MAX = 8, /* by S7 */
};

/* Append to s->phases, after street_describe(). The plan stays as it is. */
void stages_add(struct site *s);

#endif
