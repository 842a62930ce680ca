#include "base/disk.h"

#include <errno.h>
#include <unistd.h>

enum { PART_BYTES = 64 * 1024 };

enum err
disk_error(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case EROFS:
        return ERR_READ_ONLY;
    case EFBIG:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}

static enum err
system_write_at(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx;
    while (what.len) {
        ssize_t n = pwrite(fd, what.p, what.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? disk_error(errno) : ERR_IO;
        what = bytes_skip(what, (size_t)n);
        offset += (uint64_t)n;
    }
    return OK;
}

static enum err
system_read_at(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    (void)ctx;
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, (uint8_t *)to + got, len - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *out_len = got;
    return OK;
}

static enum err
system_sync(void *ctx, int fd)
{
    (void)ctx;
    return fdatasync(fd) == 0 ? OK : disk_error(errno);
}

struct disk
disk_system(void)
{
    return (struct disk){system_write_at, system_read_at, system_sync, NULL};
}

enum err
disk_write_again(const struct disk *d, int fd, uint64_t from, uint64_t to)
{
    static uint8_t part[PART_BYTES]; /* one thread; too long for the stack */
    while (from < to) {
        size_t n = to - from < sizeof(part) ? (size_t)(to - from) : sizeof(part), got = 0;
        enum err e = disk_read_at(d, fd, part, n, from, &got);
        if (e == OK && got)
            e = disk_write_at(d, fd, bytes_of(part, got), from);
        if (e != OK)
            return e;
        if (got < n)
            break;
        from += got;
    }
    return disk_sync(d, fd);
}
