/*
 * suggest.h -- the nearest known word to one that is not known, for "did you mean".
 */
#ifndef CHARTER_SUGGEST_H
#define CHARTER_SUGGEST_H

#include "base/base.h"

struct suggest {
    struct bytes found;
    const char *best; /* NULL: nothing near enough */
    size_t distance;
};

static inline struct suggest
suggest_for(struct bytes found)
{
    return (struct suggest){found, NULL, 0};
}

/* Offer one known word; it is borrowed. The first of equally near ones stays. */
void suggest_offer(struct suggest *s, const char *known);

/* Single-letter edits and swaps of neighbours between a and b; at most 48 bytes of each count. */
size_t suggest_distance(struct bytes a, struct bytes b);

#endif
