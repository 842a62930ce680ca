/*
 * snapshot.h -- a store as it is at one moment, read from outside while its core may be writing.
 *
 * Nothing of the store is written: what opening it changes goes into an empty directory, and what
 * is not changed is read from the store's own files. So no second copy of the container is made.
 *
 * N1  The container's main file stands still (store_hold() in the core; snapshot_still() tells).
 * N2  The write-ahead file is read before the journal: what the container lacks is in the journal.
 * N3  The journal is read from its newest byte backwards: a batch that is there has all before it.
 * N4  Whatever else may have happened meanwhile is noticed, and the caller tries again. Of leaves
 *     that were written over, for their ring was full, only the tree says so: it does not hold.
 *
 * One at a time in a process, and no other store is open in it.
 */
#ifndef STORE_EMBEDDED_SNAPSHOT_H
#define STORE_EMBEDDED_SNAPSHOT_H

#include "store/store.h"

struct snapshot;

struct snapshot_config {
    char zone[STORE_NAME_SIZE];
    uint8_t master_key[32];
    int store_fd;   /* the store's directory */
    int scratch_fd; /* an empty directory; the caller removes what is in it */
    struct disk disk;
    struct random_source random;
};

/*
 * Everything that is acknowledged is in it, and all of it in the container: sealed under the keys
 * that its streams have. ERR_AGAIN: the files moved meanwhile; ERR_CRYPTO: they do not open.
 */
enum err snapshot_open(const struct snapshot_config *config, struct snapshot **out) MUST_USE;
void snapshot_close(struct snapshot *s);
/* True if the main file stood still since it was opened: what was read holds. */
bool snapshot_still(const struct snapshot *s);
/* For reading, while the snapshot is open. */
struct store *snapshot_store(struct snapshot *s);

#endif
