/* sample.h -- for tests: the cabinet of the manual page, and a controller that fits it. */
#ifndef FIELD_NTCIP_SAMPLE_H
#define FIELD_NTCIP_SAMPLE_H

#include "field/ntcip/timings.h"

#define SAMPLE_HEAD                                                                                \
    "cabinet crossing-12\nagent 127.0.0.1:1161\nuser bulkhead\nauth sha-256\nprivacy "             \
    "aes-128\nreplays serial\n"                                                                    \
    "keys /etc/bulkhead/crossing-12\nbackup 5s\n"
#define SAMPLE_ENVELOPE                                                                            \
    "envelope minimum-green 5s yellow 3s all-red 1.5s maximum-green 60s maximum-red 120s\n"
#define SAMPLE_PHASES                                                                              \
    "ring 1 2 3 4\nring 5 6 7 8\nside 1 2 5 6\nside 3 4 7 8\ncrossing 2 walk 7s clearance 12s\n"
#define SAMPLE_STAGES "stage 2 6\nstage 4 8\nstage 1 5\nstage 2 5\n"
#define SAMPLE SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES SAMPLE_STAGES "lane 1 2\nlane -\nloop 9\n"

static inline struct cabinet
sample_cabinet(void)
{
    struct cabinet c;
    char why[CABINET_WHY_SIZE] = "";
    enum err e = cabinet_parse(bytes_text(SAMPLE), &c, why);
    if (e != OK)
        fprintf(stderr, "%s\n", why);
    ASSERT(e == OK);
    return c;
}

/* Timings that are exactly what the sample's envelope wants. */
static inline struct timings
sample_timings(const struct cabinet *c)
{
    struct timings t = {.backup_s = {true, c->backup_s}};
    for (uint32_t p = 1; p <= NTCIP_PHASES; p++) {
        t.phase[p][TIMING_MINIMUM_GREEN] = (struct ntcip_value){true, c->minimum_green_s};
        t.phase[p][TIMING_MAXIMUM_1] = (struct ntcip_value){true, c->maximum_green_s};
        t.phase[p][TIMING_YELLOW] = (struct ntcip_value){true, c->yellow_ds};
        t.phase[p][TIMING_RED_CLEAR] = (struct ntcip_value){true, c->all_red_ds};
        t.phase[p][TIMING_WALK] = (struct ntcip_value){true, c->walk_s[p]};
        t.phase[p][TIMING_PED_CLEAR] = (struct ntcip_value){true, c->ped_clearance_s[p]};
        t.phase[p][TIMING_RING] = (struct ntcip_value){true, c->rings.ring[p]};
    }
    return t;
}

#endif
