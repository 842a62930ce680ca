/*
 * approvals.h -- how many different people approved exactly these bytes. Pure.
 *
 * Approvals are tokens of the judge (token.h), one a line. Two count as two only when caller, role
 * and key all differ: one person with two names, two people with one key, or two of one office
 * are one.
 */
#ifndef GRANT_APPROVALS_H
#define GRANT_APPROVALS_H

#include "grant/token.h"

/* Commands are asked and approved for this purpose and no other. */
#define APPROVALS_PURPOSE "operate"
enum { APPROVALS_MAX = 16 };

/* What is approved, by whom it may be, and under whose signature. */
struct approvals {
    const char *zone;
    const uint8_t *judge_public; /* 32 bytes */
    uint8_t digest[32];          /* SHA-256 of the exact bytes */
    int64_t now_us;
    bool (*may)(void *ctx, const struct token *t); /* may this person approve at all? */
    void *ctx;
};

/* Lines that are no such approval do not count, and do no harm. At most APPROVALS_MAX. */
uint32_t approvals_count(const struct approvals *a, struct bytes lines);

#endif
