/*
 * disk.h -- writing to open files comes in through this door, so that a test can tear it.
 *
 * Files are opened by the supervisor (or before the sandbox closes) and never after.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include "base/base.h"

/*
 * What fails says why: ERR_NO_SPACE, ERR_READ_ONLY, ERR_LIMIT (the file may not grow so large), or
 * ERR_IO. A failed write may have left a part.
 */
struct disk {
    enum err (*write_at)(void *ctx, int fd, struct bytes what, uint64_t offset); /* all of it */
    enum err (*read_at)(void *ctx, int fd, void *to, size_t len, uint64_t offset,
                        size_t *out_len); /* fewer bytes only at the end of the file */
    enum err (*sync)(void *ctx, int fd);  /* fdatasync: OK means durable */
    void *ctx;
};

/* What an errno of the file system means here. */
enum err disk_error(int number);

/* pwrite, pread, fdatasync. */
struct disk disk_system(void);

static inline enum err MUST_USE
disk_write_at(const struct disk *d, int fd, struct bytes what, uint64_t offset)
{
    return d->write_at(d->ctx, fd, what, offset);
}
static inline enum err MUST_USE
disk_read_at(const struct disk *d, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    return d->read_at(d->ctx, fd, to, len, offset, out_len);
}
static inline enum err MUST_USE
disk_sync(const struct disk *d, int fd)
{
    return d->sync(d->ctx, fd);
}

/*
 * Read [from, to) and write the same again, then sync. A reader cannot tell what the disk holds
 * from what only the kernel holds: after a failed sync Linux keeps the bytes, believes them clean,
 * and no later sync writes them. Who takes over what another process wrote last makes it durable
 * so. Bytes behind the end of the file are none.
 */
enum err disk_write_again(const struct disk *d, int fd, uint64_t from, uint64_t to) MUST_USE;

#endif
