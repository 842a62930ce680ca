/*
 * radius.h -- the blast radius: what a fully breached zone reaches elsewhere, from the charter.
 *
 * For every zone, if every one of its processes runs the attacker's code: what can be read,
 * written, commanded and disturbed in other zones, by message kind and conduit. Direct effects
 * are certain; effects through a further conduit are listed as indirect.
 */
#ifndef CHARTER_RADIUS_H
#define CHARTER_RADIUS_H

#include "charter/charter.h"

enum reach { REACH_READ, REACH_WRITE, REACH_COMMAND, REACH_DISTURB, REACH_COUNT };
const char *reach_text(enum reach r);

enum { RADIUS_MAX = CHARTER_ZONES_MAX * 32 };

struct radius_row {
    uint32_t zone;    /* where the effect is */
    uint32_t conduit; /* the (first) conduit it goes through */
    enum reach reach;
    bool indirect; /* needs the next zone to believe what it is told */
    char kind[CHARTER_NAME_SIZE];
};

struct radius {
    uint32_t zone; /* who is breached */
    struct radius_row rows[RADIUS_MAX];
    uint32_t count;
};

void radius_of(const struct charter *c, uint32_t zone, struct radius *out);

/* In words, for the terminal. */
void radius_put_text(struct buf *b, const struct charter *c);
/* {"ok":..., "findings":[...], "zones":[{"zone":..., "reaches":[...]}]} with charter findings, as
 * one line; c == NULL for a text that did not parse. */
void radius_put_json(struct buf *b, const struct charter *c, const char *file,
                     const struct charter_findings *findings);
/* A picture of zones, conduits and processes; stand-alone SVG 1.1, readable by a councillor. */
void radius_put_svg(struct buf *b, const struct charter *c);

#endif
