/*
 * street.h -- a SUMO network file (.net.xml), for what its remote control does not tell: who gives
 * way to whom, and what lies before an intersection. Pure.
 *
 * Edges have lanes; a connection leads from lane to lane, over lanes inside a junction ("via"),
 * under a letter of a signal's state or under none. A junction's requests say of each of its
 * connections, in the order of its incoming lanes, which others cross it (`foes`) and which go
 * first (`response`); the rightmost character is connection 0.
 */
#ifndef FIELD_SUMO_STREET_H
#define FIELD_SUMO_STREET_H

#include "field/sumo/site.h"

enum {
    STREET_BYTES_MAX = 512 * 1024 * 1024,
    STREET_LANES_MAX = 1024 * 1024,
    STREET_CONNECTIONS_MAX = 1024 * 1024,
    STREET_FEED_MAX_M = 600,   /* farther exits of other signals do not feed */
    STREET_LOOP_SHORT_M = 150, /* with less street than this behind it, a loop lies upstream too */
    STREET_LOOP_NEAR_M = 40,   /* of the second loop of a lane, */
    STREET_LOOP_LEAST_M = 15, /* or half way to the first; not nearer than this, or up the street */
    STREET_LOOP_MIDDLE_M = 90,   /* there, where several lanes begin that have place for one: 6 s */
    STREET_LOOP_LANE_MIN_M = 15, /* on a shorter lane upstream a vehicle may not be seen */
    STREET_WALK_MAX = 512,       /* lanes that are looked at before one intersection */
};

struct street;

/* `xml` is borrowed for the life of the street. ERR_MALFORMED, which a text without lanes is too;
 * ERR_LIMIT. */
enum err street_read(struct bytes xml, struct street **out) MUST_USE;
void street_free(struct street *t);

/*
 * Fill in what the site's links, lanes and exits are in this network: lengths, speeds, conflicts,
 * loops, feeders. What the network does not hold stays unknown; has_conflicts says that it holds
 * every link and whom it crosses.
 */
void street_describe(const struct street *t, struct site *s);

/*
 * For each letter of a signal that only people on foot go by, the length of its longest crossing;
 * for all others -1.
 */
void street_walks(const struct street *t, struct bytes signal,
                  double out_m[static SITE_LETTERS_MAX]);

#endif
