/*
 * sighting.h -- a checkpoint that a log and a witness both signed, and what it means for the log
 * that we have. Notes stand beside the log's files, in STATE/ledger/LOG:
 *
 *   cosigned            the newest note that enough witnesses cosigned
 *   witness-<8 hex>     the newest note of the witness with this key id
 */
#ifndef CLI_SIGHTING_H
#define CLI_SIGHTING_H

#include "ledger/checkpoint.h"
#include "ledger/trust.h"

enum { SIGHTING_NOTE_MAX = 16 * 1024, SIGHTING_FILE_SIZE = 24, SIGHTING_SENTENCE_MAX = 500 };
#define SIGHTING_COSIGNED "cosigned"

struct sighting {
    struct checkpoint checkpoint;
    uint64_t time_s; /* when the witness saw it */
};

/* Which log is meant, by its key. */
struct sighting_log {
    char origin[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
};

/* ERR_CRYPTO unless both signed this note; ERR_MALFORMED. */
enum err sighting_read(struct bytes note, const struct sighting_log *log, const struct cosigner *c,
                       struct sighting *out) MUST_USE;

/* The name of a witness's file. */
void sighting_file(const struct cosigner *c, char out[static SIGHTING_FILE_SIZE]);
/* What stands in a file of STATE/ledger/LOG; false when there is none. `out` is made. */
bool sighting_load(const char *state, const char *log, const char *file, struct buf *out);

/* GET the witness's own newest note. ERR_NOT_FOUND: it has cosigned nothing; else as the client. */
enum err sighting_fetch(const char *url, const struct sighting_log *log, struct buf *out) MUST_USE;

/*
 * Hold it against the first `size` entries that we have. OK: it is one of ours. ERR_CRYPTO: the log
 * is forked; ERR_EXPIRED: the log was rolled back; ERR_IO: the tree cannot be read. The sentence
 * says it to a person.
 */
enum err sighting_judge(const struct sighting *s, const char *witness, const struct tree_reader *r,
                        uint64_t size, char out_sentence[static SIGHTING_SENTENCE_MAX]) MUST_USE;

/* STATE/witness.policy, or this file. An exit status; a sentence was said unless it is 0. With
 * `path` NULL no such file is fine: then *out has no witness and *out_there is false. */
int sighting_policy(const char *state, const char *path, struct trust *out,
                    bool *out_there) MUST_USE;

#endif
