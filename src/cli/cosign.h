/*
 * cosign.h -- a log's newest checkpoint to its witnesses, and their cosignatures back.
 *
 * The ledger has no network, so the administrator's tool carries: it reads checkpoint and tiles
 * through STATE/ledger.sock, proves to each witness that the log grew out of what that witness saw
 * last, and keeps what comes back beside the log's files (sighting.h).
 */
#ifndef CLI_COSIGN_H
#define CLI_COSIGN_H

#include "base/base.h"
#include "ledger/trust.h"

enum cosign_result {
    COSIGN_DONE,
    COSIGN_NOTHING_YET,  /* the log has no checkpoint, or the ledger does not answer */
    COSIGN_UNREACHABLE,  /* nobody is there, or they talk nonsense */
    COSIGN_REFUSED,      /* by the witness, for a reason of its own */
    COSIGN_CONTRADICTED, /* forked or rolled back: the log is not what the witness saw */
};

/* What became of one witness, for a person. */
struct cosign_report {
    enum cosign_result result;
    char text[600];
};

/*
 * One round for one log. reports[] has a row for each witness of `trust`; *out_enough says whether
 * they were a quorum, and then `cosigned` is this checkpoint. False after a sentence: the round
 * could not begin.
 */
bool cosign_log(const char *state, const char *log, const struct trust *trust,
                struct cosign_report reports[static TRUST_WITNESSES_MAX],
                bool *out_enough) MUST_USE;

#endif
