#include "field/common/seen.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SEEN_TEXT_MAX = 24 };

enum err
seen_read(const char *folder, uint64_t *out)
{
    char text[SEEN_TEXT_MAX];
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return ERR_IO;
    int fd = openat(dir, "sequence", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool none = fd < 0 && errno == ENOENT;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    close(dir);
    if (fd >= 0)
        close(fd);
    if (none)
        *out = 0;
    if (none || n < 0)
        return none ? OK : ERR_IO;
    struct bytes line = bytes_of(text, (size_t)n);
    size_t end = bytes_find(line, '\n');
    if (end + 1 != line.len || text_u64(bytes_of(text, end), UINT64_MAX, out) != OK)
        return ERR_MALFORMED;
    return OK;
}

static enum err
write_whole(int fd, const char *text, size_t len)
{
    bool good = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && good ? OK : ERR_IO;
}

enum err
seen_write(const char *folder, uint64_t sequence)
{
    char text[SEEN_TEXT_MAX];
    int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)sequence);
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return ERR_IO;
    enum err e = ERR_IO;
    int fd =
        openat(dir, "sequence.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        e = write_whole(fd, text, (size_t)n);
    if (e == OK && (renameat(dir, "sequence.new", dir, "sequence") != 0 || fsync(dir) != 0))
        e = ERR_IO;
    close(dir);
    return e;
}
