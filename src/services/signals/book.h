/*
 * book.h -- what was granted to one intersection, and what is worth asking the warden for. Pure.
 *
 * The warden's answer to each wish becomes an entry of the ledger, so a wish that changes nothing,
 * or that will surely be refused, is not made: the book keeps the same clock of changes and holds
 * as the envelope (envelope.c E1, E2). Where the two disagree the envelope is right.
 */
#ifndef SERVICES_SIGNALS_BOOK_H
#define SERVICES_SIGNALS_BOOK_H

#include "base/base.h"

struct book_rules {
    uint64_t lease_ms, maximum_red_ms;
    uint64_t change_ms; /* minimum green, yellow and all-red */
};

struct book {
    int32_t granted; /* the phase of the last lease; -1: none */
    uint64_t changed_ms, held_since_ms, until_ms;
};

void book_init(struct book *b);

/* The phase to ask for when the planner wishes this one; -1: nothing. */
int32_t book_ask(const struct book *b, const struct book_rules *rules, int32_t wished,
                 uint64_t now_ms);

/* `lease_ms` may be another command's, whose grants may come before a change is due. */
void book_granted(struct book *b, const struct book_rules *rules, int32_t phase, uint64_t lease_ms,
                  uint64_t now_ms);

#endif
