/*
 * backup_run.h -- one generation of a backup: everything that bringing a city back needs.
 */
#ifndef CLI_BACKUP_RUN_H
#define CLI_BACKUP_RUN_H

#include "cli/backup_place.h"

struct backup_run {
    const char *state;
    const char *only_zone; /* NULL: every zone */
    struct backup_recipients to;
    uint32_t keep; /* generations */
};

/*
 * What is kept for the newest generation only lies with the keys: KEPT_PART is a part of a dump,
 * KEPT_FILE a file of the state directory. Each is kind u8, length of the path u64, path, length
 * u64, bytes.
 */
enum backup_kept_kind { KEPT_PART = 1, KEPT_FILE };
struct backup_kept {
    enum backup_kept_kind kind;
    char path[BACKUP_PATH_MAX + 1];
    struct bytes bytes;
};
void backup_put_kept(struct buf *b, const struct backup_kept *k);
/* ERR_NOT_FOUND: that was all. */
enum err backup_next_kept(struct bytes *left, struct backup_kept *out) MUST_USE;

/* An exit status; what was done, or why not, has been said. */
int backup_make(const struct backup_run *run, const char *directory) MUST_USE;

/* The names under which things are sealed. */
void backup_seal_name(char to[static 128], const char *kind, uint64_t generation, const char *what);

#endif
