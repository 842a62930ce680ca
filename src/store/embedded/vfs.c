/*
 * SQLite asks the system through a table of calls that can be replaced (xSetSystemCall). A core
 * lives in an empty file system and dies on open, unlink and fcntl, so:
 *   - names are looked up in the directory's descriptor, and only while a store is opened;
 *   - locks are taken then, held for good (locking_mode=EXCLUSIVE), and given back by close();
 *   - reads and writes go through the store's disk;
 *   - a file is written over before it is cut;
 *   - fstat is the plain system call, because glibc's fstat is newfstatat with an empty path.
 */
#include "store/embedded/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int directory = -1;
static struct disk disk;
static enum err trouble;

/* The path below the directory; NULL with errno set when there is none to be had. */
static const char *
below(const char *path)
{
    size_t n = sizeof VFS_DIRECTORY - 1;
    errno = EACCES;
    if (directory < 0 || strncmp(path, VFS_DIRECTORY, n) != 0)
        return NULL;
    if (path[n] == 0)
        return ".";
    return path[n] == '/' && !strchr(path + n + 1, '/') ? path + n + 1 : NULL;
}

/*
 * The write-ahead file is read back as far as it is whole, durable or not, and then built upon: so
 * it is made durable first. SQLite has the database's lock when it opens it.
 */
static int
write_ahead_again(int fd)
{
    struct stat s;
    if (syscall(SYS_fstat, fd, &s) == 0 &&
        disk_write_again(&disk, fd, 0, (uint64_t)s.st_size) == OK)
        return fd;
    close(fd);
    errno = EIO;
    return -1;
}

/* SQLite tries again to read only what it could not open to write: that is of no use here. */
static int
vfs_open(const char *path, int flags, int mode)
{
    const char *name = below(path);
    size_t n = name ? strlen(name) : 0;
    if (!name)
        return -1;
    if ((flags & O_ACCMODE) != O_RDWR && strcmp(name, ".") != 0) {
        errno = EROFS;
        return -1;
    }
    int fd = openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode & 0600);
    if (fd < 0 && errno == EROFS)
        trouble = ERR_READ_ONLY;
    return fd >= 0 && n > 4 && strcmp(name + n - 4, "-wal") == 0 ? write_ahead_again(fd) : fd;
}

static int
vfs_access(const char *path, int mode)
{
    const char *name = below(path);
    return name ? faccessat(directory, name, mode, 0) : -1;
}

static int
vfs_stat(const char *path, struct stat *out)
{
    const char *name = below(path);
    return name ? fstatat(directory, name, out, AT_SYMLINK_NOFOLLOW) : -1;
}

static int
vfs_fstat(int fd, struct stat *out)
{
    return (int)syscall(SYS_fstat, fd, out);
}

static int
vfs_unlink(const char *path)
{
    const char *name = below(path);
    return name ? unlinkat(directory, name, 0) : -1;
}

static ssize_t
vfs_readlink(const char *path, char *to, size_t size)
{
    (void)path;
    (void)to;
    (void)size;
    errno = EINVAL; /* no link: vfs_stat does not follow any */
    return -1;
}

static int
vfs_fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return directory < 0 ? 0 : fcntl(fd, command, argument);
}

static ssize_t
vfs_pread(int fd, void *to, size_t len, off_t offset)
{
    size_t got = 0;
    enum err e = disk_read_at(&disk, fd, to, len, (uint64_t)offset, &got);
    if (e == OK)
        return (ssize_t)got;
    trouble = e;
    errno = EIO;
    return -1;
}

static ssize_t
vfs_pwrite(int fd, const void *from, size_t len, off_t offset)
{
    enum err e = disk_write_at(&disk, fd, bytes_of(from, len), (uint64_t)offset);
    if (e == OK)
        return (ssize_t)len;
    trouble = e;
    errno = e == ERR_NO_SPACE ? ENOSPC : e == ERR_READ_ONLY ? EROFS : EIO;
    return -1;
}

/*
 * What is cut off is written over first: the file system gives the blocks back as they are, and
 * there may stand pages of the write-ahead file with keys that were destroyed since.
 */
static int
vfs_truncate(int fd, off_t size)
{
    static const uint8_t zeros[64 * 1024];
    struct stat s;
    enum err e = OK;
    if (syscall(SYS_fstat, fd, &s) != 0)
        return -1;
    for (off_t at = size; e == OK && at < s.st_size; at += (off_t)sizeof zeros) {
        off_t left = s.st_size - at;
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        e = disk_write_at(&disk, fd, bytes_of(zeros, n), (uint64_t)at);
    }
    if (e == OK && s.st_size > size)
        e = disk_sync(&disk, fd);
    if (e == OK)
        return ftruncate(fd, size);
    trouble = e;
    errno = EIO;
    return -1;
}

static void
replace(sqlite3_vfs *vfs, const char *name, sqlite3_syscall_ptr call)
{
    int rc = vfs->xSetSystemCall(vfs, name, call);
    ASSERT(rc == SQLITE_OK);
}

void
vfs_allow(int directory_fd, const struct disk *through)
{
    ASSERT(directory < 0 && directory_fd >= 0);
    static bool replaced;
    directory = directory_fd;
    disk = *through;
    if (replaced)
        return;
    replaced = true;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    ASSERT(vfs);
    replace(vfs, "open", (sqlite3_syscall_ptr)vfs_open);
    replace(vfs, "access", (sqlite3_syscall_ptr)vfs_access);
    replace(vfs, "stat", (sqlite3_syscall_ptr)vfs_stat);
    replace(vfs, "lstat", (sqlite3_syscall_ptr)vfs_stat);
    replace(vfs, "fstat", (sqlite3_syscall_ptr)vfs_fstat);
    replace(vfs, "unlink", (sqlite3_syscall_ptr)vfs_unlink);
    replace(vfs, "readlink", (sqlite3_syscall_ptr)vfs_readlink);
    replace(vfs, "fcntl", (sqlite3_syscall_ptr)vfs_fcntl);
    replace(vfs, "pread", (sqlite3_syscall_ptr)vfs_pread);
    replace(vfs, "pread64", (sqlite3_syscall_ptr)vfs_pread);
    replace(vfs, "pwrite", (sqlite3_syscall_ptr)vfs_pwrite);
    replace(vfs, "pwrite64", (sqlite3_syscall_ptr)vfs_pwrite);
    replace(vfs, "ftruncate", (sqlite3_syscall_ptr)vfs_truncate);
    char seed[8];
    sqlite3_randomness(sizeof seed, seed); /* asks for its seed now or never */
}

enum err
vfs_trouble(void)
{
    enum err e = trouble;
    trouble = OK;
    return e;
}

void
vfs_deny(void)
{
    directory = -1;
}
