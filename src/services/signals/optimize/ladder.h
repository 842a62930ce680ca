/*
 * ladder.h -- how well an intersection can be guided with what still works, and why no better.
 *
 * Down at once, to the rung that what is heard allows; up one rung at a time, each after
 * LADDER_GOOD_MS in which nothing needed the lower one. Two exceptions, so that a restart or a lost
 * second does not cost half an hour: the first reading puts it where it belongs, and one gap of up
 * to LADDER_GAP_MS in LADDER_GOOD_MS leads back to where it stood.
 *
 * L1  The rung is never better than what the sight of this second allows.
 * L2  Without a fresh reading it is RUNG_LOCAL: nobody wishes on what is old.
 * L3  Between two steps up lie LADDER_GOOD_MS without a relapse.
 *
 * Pure. Source: specs/signals.md 3.9.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_LADDER_H
#define SERVICES_SIGNALS_OPTIMIZE_LADDER_H

#include "services/signals/optimize/control.h"

enum {
    LADDER_GOOD_MS = 600000,
    LADDER_GAP_MS = 60000,
    LADDER_WHY_SIZE = 96,
};

/* What is known in one second. */
struct ladder_sight {
    bool heard;               /* any reading ever */
    uint64_t heard_ms;        /* when the last one came */
    uint32_t lanes, blind;    /* for vehicles; of them without a loop that can be believed */
    uint32_t feeders, silent; /* neighbours that feed it; of them without a fresh reading */
    uint32_t blind_lane;      /* one of the blind: the first */
    const char *blind_why;
    uint64_t blind_ms; /* since when */
};

struct ladder {
    enum control_rung rung;
    bool begun;
    uint64_t good_ms;         /* nothing needed this rung since then */
    enum control_rung before; /* the gap */
    uint64_t gap_ms, forgiven_ms;
    bool in_gap, any_forgiven;
    char why[LADDER_WHY_SIZE];
};

void ladder_init(struct ladder *l);

/* The rung that such a sight allows. */
enum control_rung ladder_allows(const struct ladder_sight *s, uint64_t now_ms);

/* One second; the rung from now on, with its reason in l->why. */
enum control_rung ladder_step(struct ladder *l, const struct ladder_sight *s, uint64_t now_ms);

#endif
