/*
 * seen.h -- a witness's memory: one small text file a log in a folder of its own.
 *
 *   lock                       held while a witness runs: two on one folder would contradict
 *   <hex>                      the newest cosigned note (<hex>: SHA-256 of the log's origin)
 *   <hex>.fork                 a signed checkpoint that contradicts a cosigned one, if ever seen
 *   new                        being written; a crash may leave it, and it means nothing
 *
 * A file is written under another name, synced, renamed over the old one, and the folder synced: a
 * crash leaves the old file or the new one, whole.
 */
#ifndef WITNESS_SEEN_H
#define WITNESS_SEEN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/disk.h"

struct seen {
    struct disk disk;
    int folder_fd, lock_fd;
};

/* ERR_IO; ERR_EXISTS: another witness holds the folder. */
enum err seen_open(struct seen *s, const char *folder) MUST_USE;
void seen_close(struct seen *s);

/* ERR_NOT_FOUND: nothing was ever kept; ERR_LIMIT: longer than the buffer's maximum; ERR_IO. */
enum err seen_read(const struct seen *s, const char *file, struct buf *out) MUST_USE;
/* ERR_IO: what the disk holds now is not known; ask it again only after a restart. */
enum err seen_keep(struct seen *s, const char *file, struct bytes what) MUST_USE;

#endif
