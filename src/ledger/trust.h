/*
 * trust.h -- a trust policy file (c2sp.org/tlog-policy): which logs, which witnesses, how many.
 * Pure.
 *
 *   log     <verifier key> [url]
 *   witness <name> <verifier key of type 0x04> [url]
 *   group   <name> <k | any | all> <name> ...
 *   quorum  <name | none>
 *
 * A checkpoint is good when one of the logs signed it and the quorum cosigned it. Without a `log`
 * line the reader knows the log from elsewhere. Empty lines and lines with '#' say nothing.
 */
#ifndef LEDGER_TRUST_H
#define LEDGER_TRUST_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/cosignature.h"

enum {
    TRUST_LOGS_MAX = 32,
    TRUST_WITNESSES_MAX = 32,
    TRUST_GROUPS_MAX = 32,
    TRUST_NAMES_MAX = TRUST_WITNESSES_MAX + TRUST_GROUPS_MAX,
    TRUST_NAME_MAX = 128,
    TRUST_URL_MAX = 200,
    TRUST_BYTES_MAX = 64 * 1024,
    TRUST_NOBODY = -1, /* the quorum `none` */
};

struct trust_log {
    char origin[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    char url[TRUST_URL_MAX + 1]; /* empty: none */
};
struct trust_witness {
    char name[TRUST_NAME_MAX + 1]; /* in this file only */
    struct cosigner cosigner;
    char url[TRUST_URL_MAX + 1];
};
/* A member is a witness (its index) or a group (TRUST_WITNESSES_MAX + its index, a lower one). */
struct trust_group {
    char name[TRUST_NAME_MAX + 1];
    uint32_t need; /* 1 .. members_count */
    uint32_t members_count;
    uint8_t members[TRUST_NAMES_MAX];
};
struct trust {
    struct trust_log logs[TRUST_LOGS_MAX];
    struct trust_witness witnesses[TRUST_WITNESSES_MAX];
    struct trust_group groups[TRUST_GROUPS_MAX];
    uint32_t logs_count, witnesses_count, groups_count;
    int quorum; /* a member, or TRUST_NOBODY */
};

/*
 * ERR_MALFORMED, ERR_LIMIT; then *out is untouched and *out_fault tells the line, from 1 (or the
 * number of lines when something is missing), and why (static text).
 */
struct trust_fault {
    uint32_t line;
    const char *why;
};
enum err trust_parse(struct bytes text, struct trust *out, struct trust_fault *out_fault) MUST_USE;
/* The same policy; parsed and put again it is the same text. */
void trust_put(struct buf *b, const struct trust *t);

/* True when these witnesses (a bit each) are enough. */
bool trust_is_quorum(const struct trust *t, uint32_t cosigned);

#endif
