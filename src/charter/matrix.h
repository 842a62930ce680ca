/*
 * matrix.h -- who touches whom: for every compartment, if it alone is breached, what it can do to
 * every other one, by message kind; predicted from the charter and the rules of the plan.
 *
 * A cell (from, to) says what native code of an attacker's choice in `from` can do, while all
 * others are honest and running:
 *
 *   r  reads      bytes that `to` keeps or says come into its hands
 *   w  writes     `to` keeps, counts or passes on what it chose
 *   c  commands   `to` makes a lease that it asked for, or passes on one that it made
 *   d  disturbs   `to` serves somebody else worse: it waits, or has lost what it served with
 *
 * What everybody can do is no cell: to be silent towards the peers of one's own channels, to
 * destroy what one's own descriptors open. `bulkhead drill --matrix` measures the same matrix in
 * a running copy of the city and prints it in the same format.
 */
#ifndef CHARTER_MATRIX_H
#define CHARTER_MATRIX_H

#include "charter/charter.h"

enum matrix_kind {
    MATRIX_LEDGER,
    MATRIX_JUDGE,
    MATRIX_GATE,
    MATRIX_CORE,
    MATRIX_WARDEN,
    MATRIX_CONDUIT,
    MATRIX_KINDS
};

enum matrix_effect { MATRIX_READ = 1, MATRIX_WRITE = 2, MATRIX_COMMAND = 4, MATRIX_DISTURB = 8 };

enum {
    MATRIX_MAX = 2 + 3 * CHARTER_ZONES_MAX + CHARTER_CONDUITS_MAX,
    MATRIX_NAME_SIZE = CHARTER_NAME_SIZE + 16,
};

struct matrix_compartment {
    enum matrix_kind kind;
    int32_t zone;                /* index in the charter; -1: the city's */
    int32_t conduit;             /* index; -1 */
    char name[MATRIX_NAME_SIZE]; /* "signals/core", "city/ledger", "bike-counts/conduit" */
};

struct matrix {
    const struct charter *charter;
    struct matrix_compartment compartments[MATRIX_MAX];
    uint32_t count;
    uint8_t cells[MATRIX_MAX][MATRIX_MAX]; /* [from][to]: bit set of enum matrix_effect */
};

/* The compartments of a charter, every cell empty. *m is large: give it a heap object. */
void matrix_list(struct matrix *m, const struct charter *c);
/* The same with every cell filled as the charter and the plan say. */
void matrix_predict(struct matrix *m, const struct charter *c);
/* Index of a compartment, or -1. */
int32_t matrix_find(const struct matrix *m, const char *name);

/* What all processes of one zone can do, together, to those of another. */
uint8_t matrix_between(const struct matrix *m, int32_t from_zone, int32_t to_zone);

/* "rw-d" */
void matrix_letters(uint8_t cell, char out[static 5]);
/* The kinds of messages that carry an effect between two compartments: names, ", " between; "?" for
 * what no table carries. */
const char *matrix_by(const struct matrix *m, uint32_t from, uint32_t to, enum matrix_effect e);

/* True if anything can ever pass: this release's conduits carry counts, and no commands. */
bool matrix_conduit_passes(const struct charter *c, uint32_t conduit);
/* Somebody who may read in a zone: the first caller and purpose that the charter allows. */
bool matrix_reader(const struct charter *c, uint32_t zone, uint32_t *out_caller,
                   uint32_t *out_purpose);
/* Somebody who may ask for a command there that needs no second person. */
bool matrix_commander(const struct charter *c, uint32_t zone, uint32_t *out_caller,
                      uint32_t *out_command);
/* A command that the zone's own core gets without people, or NULL. */
const struct charter_command *matrix_command(const struct charter *c, uint32_t zone);
/* The zone listens for https: strangers and callers can ask at its gate. */
bool matrix_has_https(const struct charter *c, uint32_t zone);

/* The body: cells, zones, notes. The same for a predicted and a measured matrix that are equal. */
void matrix_put_text(struct buf *b, const struct matrix *m);
/* One line: {"compartments":[...],"cells":[{"from","to","effects","by":{...}}]} */
void matrix_put_json(struct buf *b, const struct matrix *m);
/* A picture that a councillor can read; stand-alone SVG 1.1. */
void matrix_put_svg(struct buf *b, const struct matrix *m);

/* Each cell in which they differ, as a line; how many. */
uint32_t matrix_put_difference(struct buf *b, const struct matrix *predicted,
                               const struct matrix *measured);

#endif
