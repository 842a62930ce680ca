/*
 * timings.h -- what the controller times by itself, compared with the envelope. Pure.
 *
 * Calls and force-offs choose what is served; how long yellow, red clearance, walk and a minimum
 * green last is the controller's own timing, and this adapter never writes it. So a controller
 * whose timing is weaker than the envelope, or that does not tell it, is not commanded at all.
 */
#ifndef FIELD_NTCIP_TIMINGS_H
#define FIELD_NTCIP_TIMINGS_H

#include "field/ntcip/cabinet.h"

/* Read of each phase that is used. */
enum ntcip_timing {
    TIMING_MINIMUM_GREEN,
    TIMING_MAXIMUM_1,
    TIMING_YELLOW,
    TIMING_RED_CLEAR,
    TIMING_WALK,
    TIMING_PED_CLEAR,
    TIMING_RING,
    TIMINGS_COUNT
};

enum timing_rule {
    RULE_NONE,
    RULE_NOT_TOLD,      /* an object is not there, or out of its range */
    RULE_MINIMUM_GREEN, /* shorter than the envelope's */
    RULE_MAXIMUM_GREEN, /* longer than the envelope's, or below the minimum green */
    RULE_YELLOW,        /* shorter */
    RULE_RED_CLEAR,     /* shorter */
    RULE_WALK,          /* of a crossing: shorter */
    RULE_PED_CLEAR,     /* of a crossing: shorter */
    RULE_RING,          /* the phase is in another ring than the file says */
    RULE_BACKUP_TIME,   /* 0 (off), or longer than the file says */
    RULES_COUNT
};
const char *timing_rule_text(enum timing_rule rule);
const char *timing_text(enum ntcip_timing timing);

struct timings {
    struct ntcip_value phase[NTCIP_PHASES + 1][TIMINGS_COUNT];
    struct ntcip_value backup_s;
};

enum ntcip_object timing_object(enum ntcip_timing timing);

/* What is wrong first: figures in the object's unit (seconds, or tenths for yellow and red). */
struct timing_finding {
    enum timing_rule rule;
    uint32_t phase; /* 0: the whole unit */
    enum ntcip_timing timing;
    int32_t has, wants;
};

/* OK, or ERR_DENIED with the finding. */
enum err timings_check(const struct cabinet *c, const struct timings *t,
                       struct timing_finding *out) MUST_USE;

/* Two readings of the same cabinet that differ in a figure that matters. */
bool timings_equal(const struct cabinet *c, const struct timings *a, const struct timings *b);

#endif
