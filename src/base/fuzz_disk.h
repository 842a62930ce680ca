/*
 * fuzz_disk.h -- for fuzz targets only: files in memory behind the door of base/disk.h.
 *
 * Descriptor i is files[i]. A file grows up to FUZZ_FILE_MAX; a write behind that fails.
 */
#ifndef BASE_FUZZ_DISK_H
#define BASE_FUZZ_DISK_H

#include "base/disk.h"

enum { FUZZ_FILES = 8, FUZZ_FILE_MAX = 256 * 1024 };

struct fuzz_disk {
    struct {
        uint8_t p[FUZZ_FILE_MAX];
        size_t len;
    } files[FUZZ_FILES];
};

static inline enum err
fuzz_disk_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct fuzz_disk *d = ctx;
    ASSERT(fd >= 0 && fd < FUZZ_FILES);
    if (offset > FUZZ_FILE_MAX || what.len > FUZZ_FILE_MAX - offset)
        return ERR_IO;
    if (d->files[fd].len < offset)
        memset(d->files[fd].p + d->files[fd].len, 0, offset - d->files[fd].len);
    if (what.len)
        memcpy(d->files[fd].p + offset, what.p, what.len);
    if (d->files[fd].len < offset + what.len)
        d->files[fd].len = offset + what.len;
    return OK;
}

static inline enum err
fuzz_disk_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    const struct fuzz_disk *d = ctx;
    ASSERT(fd >= 0 && fd < FUZZ_FILES);
    size_t left = offset < d->files[fd].len ? d->files[fd].len - (size_t)offset : 0;
    *out_len = len < left ? len : left;
    if (*out_len)
        memcpy(to, d->files[fd].p + offset, *out_len);
    return OK;
}

static inline enum err
fuzz_disk_sync(void *ctx, int fd)
{
    (void)ctx;
    ASSERT(fd >= 0 && fd < FUZZ_FILES);
    return OK;
}

/* All files empty. */
static inline struct disk
fuzz_disk(struct fuzz_disk *d)
{
    for (size_t i = 0; i < FUZZ_FILES; i++)
        d->files[i].len = 0;
    return (struct disk){fuzz_disk_write, fuzz_disk_read, fuzz_disk_sync, d};
}

#endif
