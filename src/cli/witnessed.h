/*
 * witnessed.h -- what `log verify` says of a log's witnesses: who saw how much of it and when,
 * whether that is the log that we have, and whether enough of them did.
 */
#ifndef CLI_WITNESSED_H
#define CLI_WITNESSED_H

#include "cli/log_files.h"
#include "ledger/trust.h"

/*
 * Prints a line for each witness and one for the quorum. `ask`: ask those witnesses that have an
 * address for their newest note, besides the notes that stand beside the log. EXIT_OK, or
 * EXIT_DOES_NOT_HOLD when one contradicts or they are not enough.
 */
int witnessed_verify(const char *state, const struct log_files *f, const struct trust *trust,
                     bool ask) MUST_USE;

/*
 * The newest note with enough cosignatures, if it is one of this log's own and covers `at_least`
 * entries. `out` is made when it is true.
 */
bool witnessed_note(const char *state, const struct log_files *f, uint64_t at_least,
                    struct buf *out, struct checkpoint *out_checkpoint) MUST_USE;

#endif
