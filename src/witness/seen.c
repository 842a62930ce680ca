#include "witness/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define NEW_FILE "new"

enum err
seen_open(struct seen *s, const char *folder)
{
    *s = (struct seen){.disk = disk_system(), .lock_fd = -1};
    s->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder_fd < 0)
        return ERR_IO;
    s->lock_fd = openat(s->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err e = s->lock_fd < 0                              ? ERR_IO
                 : flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0 ? OK
                 : errno == EWOULDBLOCK                      ? ERR_EXISTS
                                                             : ERR_IO;
    if (e != OK)
        seen_close(s);
    return e;
}

void
seen_close(struct seen *s)
{
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    if (s->folder_fd >= 0)
        close(s->folder_fd);
    s->lock_fd = s->folder_fd = -1;
}

enum err
seen_read(const struct seen *s, const char *file, struct buf *out)
{
    int fd = openat(s->folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    uint8_t chunk[1024];
    uint64_t at = 0;
    size_t got = 0;
    enum err e = OK;
    do {
        e = disk_read_at(&s->disk, fd, chunk, sizeof(chunk), at, &got);
        if (e == OK)
            buf_put(out, bytes_of(chunk, got));
        at += got;
    } while (e == OK && got == sizeof(chunk) && buf_error(out) == OK);
    close(fd);
    return e == OK ? buf_error(out) : e;
}

enum err
seen_keep(struct seen *s, const char *file, struct bytes what)
{
    int fd =
        openat(s->folder_fd, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ERR_IO;
    enum err e = disk_write_at(&s->disk, fd, what, 0);
    if (e == OK)
        e = disk_sync(&s->disk, fd);
    if (close(fd) != 0 && e == OK)
        e = ERR_IO;
    if (e == OK && renameat(s->folder_fd, NEW_FILE, s->folder_fd, file) != 0)
        e = ERR_IO;
    return e == OK ? disk_sync(&s->disk, s->folder_fd) : e;
}
