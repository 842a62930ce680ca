/*
 * budget.h -- memory of objects that come and go, with one stated maximum for all of them.
 *
 * What a session keeps has as many sizes as strangers have topics, so it comes from the heap; the
 * budget is what bounds it. Full means NULL, which callers turn into ERR_LIMIT.
 */
#ifndef BROKER_BUDGET_H
#define BROKER_BUDGET_H

#include "base/base.h"

struct budget {
    size_t used, max;
};

/* Zeroed memory, or NULL. Give it back with the same size. */
void *budget_take(struct budget *b, size_t size) MUST_USE;
void budget_give(struct budget *b, void *p, size_t size);

#endif
