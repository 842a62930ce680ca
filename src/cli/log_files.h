/*
 * log_files.h -- a log's files under STATE/ledger, opened for reading while the ledger runs.
 *
 * Everything is checked against STATE/keys/ledger-LOG.vkey (or another verifier key that the person
 * brings along): the tool believes the signed checkpoint and nothing else.
 */
#ifndef CLI_LOG_FILES_H
#define CLI_LOG_FILES_H

#include "ledger/log.h"

enum { LOG_FILES_LOGS_MAX = 64, LOG_FILES_NAME_SIZE = 49 };

struct log_files {
    char name[LOG_FILES_NAME_SIZE];
    char origin[NOTE_KEY_NAME_MAX + 1];
    char verifier_key[512];
    int fds[4];
    struct log log;
};

/* The names of all logs of a city, sorted. False after a sentence. */
struct log_names {
    char list[LOG_FILES_LOGS_MAX][LOG_FILES_NAME_SIZE];
    size_t count;
};
bool log_files_names(const char *state, struct log_names *out) MUST_USE;

/* Origin and key out of STATE/keys/ledger-LOG.vkey. False after a sentence. */
bool log_files_key(const char *state, const char *name,
                   char out_origin[static NOTE_KEY_NAME_MAX + 1],
                   uint8_t out_key[static 32]) MUST_USE;

/*
 * Open one log; `verifier_key` NULL: that of the state directory. An exit status; a sentence has
 * been said unless it is 0: 1 the checkpoint or what lies under it does not hold, 3 cannot be read.
 */
int log_files_open(const char *state, const char *name, const char *verifier_key,
                   struct log_files *out) MUST_USE;
void log_files_close(struct log_files *f);

/*
 * Go through every entry under the checkpoint: its hash, every stored node, the root, and that
 * the anchored journal heads only grow. OK, or ERR_CRYPTO with a sentence in out_why.
 */
struct log_verdict {
    uint64_t entries, anchors;
    char why[300];
};
enum err log_files_verify(const struct log_files *f, struct log_verdict *out) MUST_USE;

/* The static tree of tlog-tiles in `directory` (made if it is not there). False after a sentence.
 */
bool log_files_export(const struct log_files *f, const char *directory) MUST_USE;

#endif
