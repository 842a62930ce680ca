#include "base/disk.h"

#include <errno.h>
#include <unistd.h>

static enum err
system_write_at(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    (void)ctx;
    while (what.len) {
        ssize_t n = pwrite(fd, what.p, what.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
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
    return fdatasync(fd) == 0 ? OK : ERR_IO;
}

struct disk
disk_system(void)
{
    return (struct disk){system_write_at, system_read_at, system_sync, NULL};
}
