/*
 * test_disk.h -- for tests: a disk that knows which files hold writes that no sync followed.
 *
 * A killed process cannot show a missing fdatasync, as the kernel still has the bytes; this can.
 */
#ifndef BASE_TEST_DISK_H
#define BASE_TEST_DISK_H

#include "base/disk.h"
#include "base/test.h"

enum { TEST_DISK_FILES = 1024 };

struct test_disk {
    struct disk below;
    uint32_t writes;
    uint32_t unsynced[TEST_DISK_FILES]; /* by descriptor */
};

static inline enum err
test_disk_write_at(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct test_disk *d = ctx;
    CHECK(fd >= 0 && fd < TEST_DISK_FILES);
    d->writes++;
    d->unsynced[fd]++;
    return disk_write_at(&d->below, fd, what, offset);
}

static inline enum err
test_disk_read_at(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    struct test_disk *d = ctx;
    return disk_read_at(&d->below, fd, to, len, offset, out_len);
}

static inline enum err
test_disk_sync(void *ctx, int fd)
{
    struct test_disk *d = ctx;
    CHECK(fd >= 0 && fd < TEST_DISK_FILES);
    d->unsynced[fd] = 0;
    return disk_sync(&d->below, fd);
}

/* Over the real disk. */
static inline struct disk
test_disk(struct test_disk *d)
{
    *d = (struct test_disk){.below = disk_system()};
    return (struct disk){test_disk_write_at, test_disk_read_at, test_disk_sync, d};
}

static inline bool
test_disk_is_durable(const struct test_disk *d)
{
    for (size_t fd = 0; fd < TEST_DISK_FILES; fd++)
        if (d->unsynced[fd])
            return false;
    return true;
}

#endif
