/*
 * survey.h -- what the parts of a measurement share (measure.c, voices.c); nobody else's.
 */
#ifndef DRILL_SURVEY_H
#define DRILL_SURVEY_H

#include "base/random.h"
#include "charter/matrix.h"
#include "drill/range.h"

enum {
    SURVEY_MARK_SIZE = 24,
    SURVEY_TOKEN_SIZE = 1025,
    SURVEY_PATIENCE_MS = 700,    /* an honest answer takes a few */
    SURVEY_NONCE_COUNT = 400000, /* what drills/matrix sends as a count */
    SURVEY_NONCE_CELL = 31,      /* and where: cell-12031-9031 */
};

struct survey {
    const struct charter *charter; /* with the copy's ports, by range_port() */
    struct range *range;
    struct matrix *m;
    struct random_source random;
    char marks[MATRIX_MAX][SURVEY_MARK_SIZE]; /* "canary-<16 hex>" of each compartment */
    uint32_t columns[CHARTER_CONDUITS_MAX];   /* of the cell that a conduit's mark counts in */
    char nonce[SURVEY_MARK_SIZE];             /* of this round */
    char tokens[CHARTER_ZONES_MAX][SURVEY_TOKEN_SIZE];
    char commands[CHARTER_ZONES_MAX][SURVEY_TOKEN_SIZE]; /* tokens that may command */
    uint64_t leases[CHARTER_ZONES_MAX]; /* that honest callers got since the core's start */
    uint32_t breached;                  /* index of this round's compartment */
    uint32_t devices;                   /* for names that were never used */
};

/* ---- voices.c: speaking in the place of honest processes, and as clients --------------------- */

/* The Thing of the device "keeper", with the core's mark in it. */
enum err voices_plant(struct survey *s) MUST_USE;
/* Tokens for all zones, from the judge. False: it grants none where the charter allows one. */
bool voices_tokens(struct survey *s);
/* Every process says once what it says to its peers, with its mark in it; counts are not. */
void voices_say(struct survey *s);
/* A stranger asks at the gate for a path that is the gate's mark. True: the nonce is the answer. */
bool voices_stranger(struct survey *s, uint32_t zone);
/* The core at the conduit's beginning says a count with the conduit's mark. */
void voices_count(struct survey *s, uint32_t conduit);
/* Which step a conduit's count has among those that lead to the same core. */
uint32_t voices_count_of(const struct survey *s, uint32_t conduit);

/* The gate answers a stranger's question with what its core says. */
bool voices_gate_serves(struct survey *s, uint32_t zone);
/* A caller reads; a caller commands: true where nobody may. */
bool voices_core_reads(struct survey *s, uint32_t zone);
bool voices_core_commands(struct survey *s, uint32_t zone);
/* The warden makes a lease, where the charter lets one be made without people. */
bool voices_warden_grants(struct survey *s, uint32_t zone);
bool voices_judge_grants(struct survey *s);
/* The core's store shows the device NONCE a Thing of its own. *out_answered: it answered at all. */
bool voices_core_holds(struct survey *s, uint32_t zone, bool *out_answered);

#endif
