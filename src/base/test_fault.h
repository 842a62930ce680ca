/*
 * test_fault.h -- for tests: a disk on which one chosen operation goes wrong, and which forgets.
 *
 * It lies over real files and remembers, for each sector of 512 bytes that was written, what the
 * disk itself holds: what was there at the last sync. fault_power_cut() puts that back, for all of
 * these sectors or for a random part. A sync that fails loses its sectors as Linux does: they stay
 * readable, count as clean, and no later sync writes them; only writing them again can.
 * Nothing here syncs really: durable is what the model says.
 */
#ifndef BASE_TEST_FAULT_H
#define BASE_TEST_FAULT_H

#include "base/disk.h"
#include "base/random.h"
#include "base/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_FULL,      /* from the n-th write on: no space, but for bytes that the file has */
    FAULT_READ_ONLY, /* from the n-th write or sync on: a file system that went read-only */
    FAULT_WRITE,     /* the n-th write fails and leaves nothing */
    FAULT_SHORT,     /* the n-th write leaves a part and fails */
    FAULT_SYNC,      /* the n-th sync fails; what it should have written is lost */
    FAULT_READ,      /* the n-th read fails */
    FAULT_POWER,     /* from the n-th write or sync on nothing works; the write is torn */
    FAULT_KINDS
};
enum fault_loss { LOSS_NONE, LOSS_SOME, LOSS_ALL, LOSS_KINDS };

enum { FAULT_SECTOR = 512, FAULT_FILES = 16, FAULT_SECTORS = 1 << 15, FAULT_SLOTS = 1 << 16 };

struct fault_file {
    dev_t device;
    ino_t inode;
    int fd; /* our own */
    uint64_t durable_size;
};
struct fault_sector {
    uint32_t file;
    bool lost; /* a sync failed over it */
    uint64_t number;
    uint8_t durable[FAULT_SECTOR];
};

struct fault_disk {
    enum fault_kind kind;
    uint64_t at, count; /* which operation of the kind, from 1; 0: none. How many there were */
    bool struck, healed;
    struct random_seeded seeded;
    struct fault_file files[FAULT_FILES];
    uint32_t files_count;
    uint32_t sectors_count;
    uint32_t index[FAULT_SLOTS]; /* row + 1 in sectors; open hashing */
    struct fault_sector sectors[FAULT_SECTORS];
};
static struct fault_disk fault_now; /* SQLite's calls have no context: one a process */

static inline struct fault_file *
fault_file_of(int fd)
{
    struct stat s;
    CHECK(fstat(fd, &s) == 0);
    for (uint32_t i = 0; i < fault_now.files_count; i++)
        if (fault_now.files[i].inode == s.st_ino && fault_now.files[i].device == s.st_dev)
            return &fault_now.files[i];
    CHECK(fault_now.files_count < FAULT_FILES);
    struct fault_file *f = &fault_now.files[fault_now.files_count++];
    *f = (struct fault_file){s.st_dev, s.st_ino, dup(fd), (uint64_t)s.st_size};
    CHECK(f->fd >= 0);
    return f;
}

/* The sector's row, or NULL. */
static inline struct fault_sector *
fault_sector_of(uint32_t file, uint64_t number, uint32_t *out_slot)
{
    for (uint64_t h = number * 0x9e3779b97f4a7c15u + file;; h++) {
        uint32_t slot = (uint32_t)(h % FAULT_SLOTS), row = fault_now.index[slot];
        *out_slot = slot;
        if (row == 0)
            return NULL;
        struct fault_sector *s = &fault_now.sectors[row - 1];
        if (s->file == file && s->number == number)
            return s;
    }
}

/* Before bytes change: what the disk holds there, unless that is known already. */
static inline void
fault_remember(struct fault_file *f, uint64_t from, uint64_t to)
{
    struct fault_disk *d = &fault_now;
    uint32_t file = (uint32_t)(f - d->files), slot;
    for (uint64_t n = from / FAULT_SECTOR; n * FAULT_SECTOR < to; n++) {
        struct fault_sector *s = fault_sector_of(file, n, &slot);
        if (!s) {
            CHECK(d->sectors_count < FAULT_SECTORS);
            s = &d->sectors[d->sectors_count++];
            d->index[slot] = d->sectors_count;
            *s = (struct fault_sector){.file = file, .number = n};
            CHECK(pread(f->fd, s->durable, FAULT_SECTOR, (off_t)(n * FAULT_SECTOR)) >= 0);
        }
        s->lost = false;
    }
}

/* The file's sectors are durable now; those that a failed sync lost are so with `lost_too` only. */
static inline void
fault_forget(uint32_t file, bool lost_too)
{
    struct fault_disk *d = &fault_now;
    uint32_t kept = 0, slot;
    for (uint32_t i = 0; i < d->sectors_count; i++)
        if (d->sectors[i].file != file || (d->sectors[i].lost && !lost_too))
            d->sectors[kept++] = d->sectors[i];
    d->sectors_count = kept;
    memset(d->index, 0, sizeof d->index);
    for (uint32_t i = 0; i < kept; i++) {
        CHECK(!fault_sector_of(d->sectors[i].file, d->sectors[i].number, &slot));
        d->index[slot] = i + 1;
    }
}

/* Does the fault strike this operation? */
static inline bool
fault_strikes(bool is_write, bool is_sync)
{
    struct fault_disk *d = &fault_now;
    static const struct {
        bool write, sync, read, lasts;
    } of[FAULT_KINDS] = {
        [FAULT_FULL] = {.write = true, .lasts = true},
        [FAULT_READ_ONLY] = {.write = true, .sync = true, .lasts = true},
        [FAULT_WRITE] = {.write = true},
        [FAULT_SHORT] = {.write = true},
        [FAULT_SYNC] = {.sync = true},
        [FAULT_READ] = {.read = true},
        [FAULT_POWER] = {.write = true, .sync = true, .lasts = true},
    };
    bool counts = is_write ? of[d->kind].write : is_sync ? of[d->kind].sync : of[d->kind].read;
    if (!counts || d->healed)
        return false;
    d->count++;
    bool strikes = d->at && (d->count == d->at || (d->struck && of[d->kind].lasts));
    d->struck |= strikes;
    return strikes;
}

static inline enum err
fault_write_at(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct fault_disk *d = &fault_now;
    struct disk real = disk_system();
    struct stat s;
    (void)ctx;
    bool first = !d->struck;
    CHECK(fstat(fd, &s) == 0);
    enum err e = OK;
    bool grows = offset + what.len > (uint64_t)s.st_size;
    if ((d->kind != FAULT_FULL || grows) && fault_strikes(true, false)) {
        struct random_source r = random_seeded_source(&d->seeded);
        e = d->kind == FAULT_FULL        ? ERR_NO_SPACE
            : d->kind == FAULT_READ_ONLY ? ERR_READ_ONLY
                                         : ERR_IO;
        bool torn = d->kind == FAULT_SHORT || d->kind == FAULT_FULL || d->kind == FAULT_POWER;
        what.len = torn && first ? (size_t)random_below(&r, what.len + 1) : 0;
    }
    if (what.len) {
        fault_remember(fault_file_of(fd), offset, offset + what.len);
        CHECK_OK(disk_write_at(&real, fd, what, offset));
    }
    return e;
}

static inline enum err
fault_read_at(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    struct disk real = disk_system();
    (void)ctx;
    if (fault_strikes(false, false))
        return ERR_IO;
    return disk_read_at(&real, fd, to, len, offset, out_len);
}

static inline enum err
fault_sync(void *ctx, int fd)
{
    struct fault_disk *d = &fault_now;
    (void)ctx;
    struct stat s;
    CHECK(fstat(fd, &s) == 0);
    if (!S_ISREG(s.st_mode))
        return fault_strikes(false, true) ? ERR_IO : OK; /* a directory */
    struct fault_file *f = fault_file_of(fd);
    uint32_t file = (uint32_t)(f - d->files);
    if (!fault_strikes(false, true)) {
        f->durable_size = (uint64_t)s.st_size;
        fault_forget(file, false);
        return OK;
    }
    for (uint32_t i = 0; d->kind == FAULT_SYNC && i < d->sectors_count; i++)
        d->sectors[i].lost |= d->sectors[i].file == file;
    return d->kind == FAULT_READ_ONLY ? ERR_READ_ONLY : ERR_IO;
}

/* SQLite empties its write-ahead file so; counted as a write. */
static inline int
fault_truncate(int fd, off_t size)
{
    struct stat s;
    CHECK(fstat(fd, &s) == 0);
    if (fault_now.kind != FAULT_FULL && fault_strikes(true, false)) {
        errno = fault_now.kind == FAULT_READ_ONLY ? EROFS : EIO;
        return -1;
    }
    if (s.st_size > size)
        fault_remember(fault_file_of(fd), (uint64_t)size, (uint64_t)s.st_size);
    return ftruncate(fd, size);
}

static inline void
fault_fini(void)
{
    struct fault_disk *d = &fault_now;
    for (uint32_t i = 0; i < d->files_count; i++)
        close(d->files[i].fd);
    d->kind = FAULT_NONE;
    d->count = d->at = d->files_count = d->sectors_count = 0;
    d->struck = d->healed = false;
    memset(d->index, 0, sizeof d->index);
}

/* The n-th operation of a kind will fail; at 0 none. */
static inline struct disk
fault_disk(enum fault_kind kind, uint64_t at, uint64_t seed)
{
    struct fault_disk *d = &fault_now;
    fault_fini();
    d->kind = kind;
    d->at = at;
    d->seeded.state = seed;
    return (struct disk){fault_write_at, fault_read_at, fault_sync, NULL};
}

/* The disk works again; what was lost is lost. */
static inline void
fault_heal(void)
{
    fault_now.healed = true;
}

/* The machine loses its power: of what was not durable all, some or nothing is gone. */
static inline void
fault_power_cut(enum fault_loss loss)
{
    struct fault_disk *d = &fault_now;
    struct random_source r = random_seeded_source(&d->seeded);
    for (uint32_t i = 0; loss != LOSS_NONE && i < d->sectors_count; i++) {
        const struct fault_sector *s = &d->sectors[i];
        if (loss == LOSS_SOME && !s->lost && random_below(&r, 2))
            continue;
        CHECK(pwrite(d->files[s->file].fd, s->durable, FAULT_SECTOR,
                     (off_t)(s->number * FAULT_SECTOR)) == FAULT_SECTOR);
    }
    for (uint32_t i = 0; i < d->files_count; i++) {
        struct stat st;
        CHECK(fstat(d->files[i].fd, &st) == 0);
        if (loss == LOSS_ALL)
            CHECK(ftruncate(d->files[i].fd, (off_t)d->files[i].durable_size) == 0);
        if (loss != LOSS_NONE)
            fault_forget(i, true);
        if (loss == LOSS_SOME)
            d->files[i].durable_size = (uint64_t)st.st_size;
    }
}

#endif
