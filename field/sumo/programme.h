/*
 * programme.h -- the shipped programmes of all signals, written anew for comparisons. Pure.
 *
 * What stands last for a signal, in the network and then in the additional files, is what SUMO
 * runs. The result is an additional file whose programmes, loaded last, take their place.
 *
 * What is written anew gives people on foot the time that field/lights gives them (walks.h): the
 * law asks for it, whoever plans. A programme that is compared as it was shipped is not written
 * anew, and its walks end as they were shipped.
 */
#ifndef FIELD_SUMO_PROGRAMME_H
#define FIELD_SUMO_PROGRAMME_H

#include "field/sumo/street.h"

enum {
    PROGRAMME_SIGNALS_MAX = 1024,
    PROGRAMME_PHASES_MAX = 128,
    PROGRAMME_YELLOW_MIN_S = 3,
    PROGRAMME_YELLOW_MAX_S = 4,
};

struct programme_phase {
    struct bytes state;
    double seconds;
};
struct programme {
    struct bytes id, offset;
    uint8_t walk_s[SITE_LETTERS_MAX]; /* of a walk its clearance; 0: vehicles */
    uint32_t count;
    struct programme_phase phases[PROGRAMME_PHASES_MAX];
};
struct programmes {
    uint32_t count;
    struct programme list[PROGRAMME_SIGNALS_MAX];
};

/* The programmes of one more file; `xml` is borrowed. ERR_LIMIT, ERR_MALFORMED. */
enum err programmes_read(struct programmes *p, struct bytes xml) MUST_USE;

/* Which letters of the programmes that were read are walks, in their network, and how long. */
void programmes_walks(struct programmes *p, const struct street *t);

/* The yellow that is comparable with what is shipped: the longest up to 4 s, at least 3 s. */
uint32_t programmes_yellow_s(const struct programmes *p);

/* How programmes are written anew. */
struct programme_form {
    bool clear;    /* every change takes yellow_s and all_red_s, stages keep their length */
    bool actuated; /* green states may be cut short and prolonged by detectors */
    uint32_t yellow_s, all_red_s;
    uint32_t minimum_s, maximum_s; /* of an actuated green */
};

/* Append a whole additional file. *out_left: programmes that had to be left as they are. */
void programmes_put(const struct programmes *p, const struct programme_form *form, struct buf *b,
                    uint32_t *out_left);

#endif
