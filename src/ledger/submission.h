/*
 * submission.h -- what a log hands to a witness (c2sp.org/tlog-witness v1.0.0). Pure.
 *
 *   old 20852014                 the size that the witness cosigned last
 *   <base64 hash> ...            at most 63 lines: a consistency proof from there
 *
 *   <the signed checkpoint>
 */
#ifndef LEDGER_SUBMISSION_H
#define LEDGER_SUBMISSION_H

#include "base/base.h"
#include "base/buf.h"
#include "ledger/note.h"
#include "ledger/tree.h"

enum { SUBMISSION_BYTES_MAX = 16 * 1024 };

struct submission {
    uint64_t old_size;
    struct tree_proof proof;
    struct bytes checkpoint; /* the signed note, borrowed; its form alone was looked at */
};

/* ERR_MALFORMED, ERR_LIMIT. submission_put() gives the same bytes. */
enum err submission_parse(struct bytes body, struct submission *out) MUST_USE;
void submission_put(struct buf *b, const struct submission *s);

#endif
