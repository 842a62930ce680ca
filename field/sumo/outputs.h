/*
 * outputs.h -- a private folder for all that a scenario lets SUMO write.
 *
 * SUMO writes what a scenario's files name as outputs beside those files, and they are not ours to
 * write beside. Its option --output-prefix goes before the last part of every such name, whoever
 * names it and wherever it leads: `prefix` climbs from there to the root and down into the folder.
 * So every output lies in the folder under its last part; what we ask SUMO for, trips, too.
 */
#ifndef FIELD_SUMO_OUTPUTS_H
#define FIELD_SUMO_OUTPUTS_H

#include "base/base.h"

enum { OUTPUTS_FOLDER_SIZE = 256, OUTPUTS_UP = 64, OUTPUTS_PREFIX_SIZE = 512 };

struct outputs {
    char folder[OUTPUTS_FOLDER_SIZE]; /* "": none */
    char prefix[OUTPUTS_PREFIX_SIZE];
    bool kept;
};

/* One in `keep`, which stays; or with NULL a new one in TMPDIR. ERR_IO, ERR_LIMIT. */
enum err outputs_open(struct outputs *o, const char *keep) MUST_USE;
/* Remove it and the files in it. One that was not opened, zeroed, is fine. */
void outputs_close(struct outputs *o);

#endif
