#include "store/embedded/snapshot.h"

#include "store/embedded/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    PIECE = 64 * 1024,
    QUIET_US = 20 * 1000, /* of a file's times, which are as exact as the kernel's tick */
    QUIET_TRIES = 200,
    WAL_HEAD = 32,
};

static const char *const overlaid[] = {"store.db", "leaves"};
enum { OVERLAYS = ARRAY_COUNT(overlaid) };

/* A file of the store that is read where it lies until a block of it is written. */
struct overlay {
    int live_fd;
    dev_t device;
    ino_t inode; /* of its sparse twin in the scratch directory */
    uint64_t live_blocks;
    uint8_t *written; /* one byte a block */
};

struct snapshot {
    struct snapshot_config config;
    struct overlay overlay[OVERLAYS];
    struct stat main; /* of the live store.db, when it stood still */
    struct store *store;
};

/* ---- the disk that the store is opened with --------------------------------------------- */

static struct overlay *
overlay_of(struct snapshot *s, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    for (size_t i = 0; i < OVERLAYS; i++)
        if (s->overlay[i].inode == st.st_ino && s->overlay[i].device == st.st_dev)
            return &s->overlay[i];
    return NULL;
}

static bool
is_live(const struct overlay *o, uint64_t block)
{
    return block < o->live_blocks && !o->written[block];
}

static enum err
overlay_read(void *ctx, int fd, void *to, size_t len, uint64_t offset, size_t *out_len)
{
    struct snapshot *s = ctx;
    const struct overlay *o = overlay_of(s, fd);
    enum err e = disk_read_at(&s->config.disk, fd, to, len, offset, out_len);
    if (!o || e != OK)
        return e;
    for (uint64_t at = offset, end = offset + *out_len; e == OK && at < end;) {
        uint64_t block = at / BLOCK, run = block + 1;
        bool live = is_live(o, block);
        while (run * BLOCK < end && is_live(o, run) == live)
            run++;
        uint64_t to_here = run * BLOCK < end ? run * BLOCK : end;
        size_t got = 0;
        if (live)
            e = disk_read_at(&s->config.disk, o->live_fd, (uint8_t *)to + (at - offset),
                             (size_t)(to_here - at), at, &got);
        if (live && e == OK && got != to_here - at)
            e = ERR_IO;
        at = to_here;
    }
    return e;
}

/* A block that will be written in part. */
static enum err
bring(struct snapshot *s, const struct overlay *o, int fd, uint64_t block)
{
    uint8_t bytes[BLOCK];
    size_t got;
    if (!is_live(o, block))
        return OK;
    enum err e =
        disk_read_at(&s->config.disk, o->live_fd, bytes, sizeof bytes, block * BLOCK, &got);
    return e == OK ? disk_write_at(&s->config.disk, fd, bytes_of(bytes, got), block * BLOCK) : e;
}

static enum err
overlay_write(void *ctx, int fd, struct bytes what, uint64_t offset)
{
    struct snapshot *s = ctx;
    struct overlay *o = overlay_of(s, fd);
    enum err e = OK;
    if (o && what.len) {
        uint64_t last = (offset + what.len - 1) / BLOCK;
        if (offset % BLOCK)
            e = bring(s, o, fd, offset / BLOCK);
        if (e == OK && (offset + what.len) % BLOCK)
            e = bring(s, o, fd, last);
        for (uint64_t b = offset / BLOCK; e == OK && b <= last && b < o->live_blocks; b++)
            o->written[b] = 1;
    }
    return e == OK ? disk_write_at(&s->config.disk, fd, what, offset) : e;
}

/* Nothing here outlives the process. */
static enum err
overlay_sync(void *ctx, int fd)
{
    (void)ctx, (void)fd;
    return OK;
}

/* ---- making the twin -------------------------------------------------------------------- */

static int
open_live(const struct snapshot *s, const char *name)
{
    return openat(s->config.store_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int
open_twin(const struct snapshot *s, const char *name)
{
    return openat(s->config.scratch_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static enum err
overlay_open(struct snapshot *s, size_t i)
{
    struct overlay *o = &s->overlay[i];
    struct stat live, twin;
    o->live_fd = open_live(s, overlaid[i]);
    int fd = o->live_fd >= 0 ? open_twin(s, overlaid[i]) : -1;
    enum err e = fd >= 0 ? OK : disk_error(errno);
    if (e == OK && (fstat(o->live_fd, &live) != 0 || ftruncate(fd, live.st_size) != 0 ||
                    fstat(fd, &twin) != 0))
        e = disk_error(errno);
    if (e == OK) {
        o->device = twin.st_dev;
        o->inode = twin.st_ino;
        o->live_blocks = ((uint64_t)live.st_size + BLOCK - 1) / BLOCK;
        o->written = calloc(1, o->live_blocks + 1);
        e = o->written ? OK : ERR_LIMIT;
    }
    if (fd >= 0)
        close(fd);
    return e;
}

static bool
same_times(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

/* N1: until the file's last change is so long ago that a later one must show in its times. */
static enum err
wait_for_quiet(struct snapshot *s)
{
    for (int i = 0; i < QUIET_TRIES; i++) {
        struct timespec now, pause = {.tv_nsec = QUIET_US * 1000L / 2};
        if (fstatat(s->config.store_fd, "store.db", &s->main, AT_SYMLINK_NOFOLLOW) != 0 ||
            clock_gettime(CLOCK_REALTIME, &now) != 0)
            return disk_error(errno);
        int64_t age_us = ((int64_t)now.tv_sec - (int64_t)s->main.st_mtim.tv_sec) * 1000000 +
                         (now.tv_nsec - s->main.st_mtim.tv_nsec) / 1000;
        if (age_us > QUIET_US || age_us < -QUIET_US)
            return OK;
        nanosleep(&pause, NULL);
    }
    return ERR_AGAIN;
}

static enum err
copy_bytes(const struct snapshot *s, int from, int to, uint64_t begin, uint64_t end)
{
    static uint8_t piece[PIECE]; /* one thread */
    size_t got = 0;
    enum err e = disk_read_at(&s->config.disk, from, piece, (size_t)(end - begin), begin, &got);
    return e == OK && got ? disk_write_at(&s->config.disk, to, bytes_of(piece, got), begin) : e;
}

/*
 * The write-ahead file, forwards: what is torn at its end does not count. Its head is the same
 * afterwards, or it was begun anew while it was read. ERR_AGAIN.
 */
static enum err
copy_write_ahead(struct snapshot *s)
{
    uint8_t before[WAL_HEAD], after[WAL_HEAD];
    struct stat st;
    size_t got = 0;
    int live = open_live(s, "store.db-wal");
    if (live < 0)
        return errno == ENOENT ? OK : disk_error(errno); /* never opened, or closed in order */
    int twin = open_twin(s, "store.db-wal");
    enum err e = twin >= 0 && fstat(live, &st) == 0 ? OK : disk_error(errno);
    if (e == OK)
        e = disk_read_at(&s->config.disk, live, before, sizeof before, 0, &got);
    size_t head = got;
    for (uint64_t at = 0; e == OK && at < (uint64_t)st.st_size; at += PIECE)
        e = copy_bytes(s, live, twin, at, at + PIECE);
    if (e == OK)
        e = disk_read_at(&s->config.disk, live, after, sizeof after, 0, &got);
    if (e == OK && (got != head || memcmp(before, after, head) != 0))
        e = ERR_AGAIN;
    close(live);
    if (twin >= 0)
        close(twin);
    return e;
}

struct segment_file {
    uint32_t number; /* of the file */
    int fd;
    uint64_t sequence, size, end;
};

/* Where the batches of a segment end, by their clear heads. */
static enum err
find_end(const struct snapshot *s, struct segment_file *f)
{
    uint8_t head[JOURNAL_HEAD_SIZE];
    uint64_t next = 0;
    size_t got = 0;
    enum err e = disk_read_at(&s->config.disk, f->fd, head, sizeof head, 0, &got);
    f->sequence = got >= 16 ? le64_get(head + 8) : 0;
    f->end = JOURNAL_FIRST;
    while (e == OK && f->end + JOURNAL_ALIGN <= f->size) {
        e = disk_read_at(&s->config.disk, f->fd, head, sizeof head, f->end, &got);
        uint64_t plain = got == sizeof head ? le64_get(head + 16) : 0;
        if (e != OK || plain == 0 || plain > JOURNAL_PLAIN_MAX ||
            memcmp(head, "BHBATCH1", 8) != 0 || (next && le64_get(head + 8) != next))
            break;
        next = le64_get(head + 8) + 1;
        uint64_t used = JOURNAL_HEAD_SIZE + SEAL_OVERHEAD + plain;
        f->end += (used + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN;
    }
    if (f->end > f->size)
        f->end = f->size;
    return e;
}

/* N3: from its end to its head; the rest of the twin is a hole. */
static enum err
copy_segment(const struct snapshot *s, const struct segment_file *f)
{
    char name[32];
    snprintf(name, sizeof name, "journal.%u", f->number);
    int twin = open_twin(s, name);
    enum err e = twin >= 0 && ftruncate(twin, (off_t)f->size) == 0 ? OK : disk_error(errno);
    uint64_t end = f->sequence ? f->end : 0;
    while (e == OK && end > 0) {
        uint64_t begin = (end - 1) / PIECE * PIECE;
        e = copy_bytes(s, f->fd, twin, begin, end);
        end = begin;
    }
    if (twin >= 0)
        close(twin);
    return e;
}

static int
newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct segment_file *)a)->sequence;
    uint64_t y = ((const struct segment_file *)b)->sequence;
    return x < y ? 1 : x > y ? -1 : 0;
}

static enum err
copy_journal(struct snapshot *s)
{
    struct segment_file files[JOURNAL_SEGMENTS_MAX];
    struct stat st;
    uint32_t count = 0;
    enum err e = OK;
    for (; e == OK && count < JOURNAL_SEGMENTS_MAX; count++) {
        char name[32];
        snprintf(name, sizeof name, "journal.%u", count);
        files[count] = (struct segment_file){.number = count, .fd = open_live(s, name)};
        if (files[count].fd < 0)
            break;
        e = fstat(files[count].fd, &st) == 0 ? OK : disk_error(errno);
        files[count].size = e == OK ? (uint64_t)st.st_size : 0;
        if (e == OK)
            e = find_end(s, &files[count]);
    }
    qsort(files, count, sizeof files[0], newest_first);
    for (uint32_t i = 0; i < count; i++) {
        if (e == OK)
            e = copy_segment(s, &files[i]);
        close(files[i].fd);
    }
    return e;
}

/* ---- the snapshot ----------------------------------------------------------------------- */

/* No key is old enough to be changed for one that the store would not know. */
static int64_t
no_wall(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint64_t
mono(void *ctx)
{
    (void)ctx;
    struct clock_source system = clock_system();
    return clock_mono_ms(&system);
}

static enum err
settle(struct store *s)
{
    bool more = true;
    enum err e = OK;
    while (e == OK && more)
        e = seal_step(s, s->journal.active, &more);
    return e;
}

static enum err
open_twins(struct snapshot *s)
{
    struct store_config config = {
        .directory_fd = s->config.scratch_fd,
        .disk_bytes = UINT64_C(1) << 42, /* whatever the store may take */
        .clock = {.mono_ms = mono, .wall_us = no_wall},
        .random = s->config.random,
        .disk = {overlay_write, overlay_read, overlay_sync, s},
    };
    memcpy(config.zone, s->config.zone, sizeof config.zone);
    memcpy(config.master_key, s->config.master_key, sizeof config.master_key);
    enum err e = store_open(&config, &s->store);
    sodium_memzero(config.master_key, sizeof config.master_key);
    return e == OK ? settle(s->store) : e;
}

enum err
snapshot_open(const struct snapshot_config *config, struct snapshot **out)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_LIMIT;
    s->config = *config;
    for (size_t i = 0; i < OVERLAYS; i++)
        s->overlay[i].live_fd = -1;
    enum err e = wait_for_quiet(s);
    if (e == OK)
        e = copy_write_ahead(s); /* N2 */
    if (e == OK)
        e = copy_journal(s);
    for (size_t i = 0; e == OK && i < OVERLAYS; i++)
        e = overlay_open(s, i);
    if (e == OK)
        e = open_twins(s);
    sodium_memzero(s->config.master_key, sizeof s->config.master_key);
    if (e != OK) {
        bool moved = !snapshot_still(s);
        snapshot_close(s);
        return moved ? ERR_AGAIN : e;
    }
    *out = s;
    return OK;
}

void
snapshot_close(struct snapshot *s)
{
    if (!s)
        return;
    store_close(s->store);
    for (size_t i = 0; i < OVERLAYS; i++) {
        if (s->overlay[i].live_fd >= 0)
            close(s->overlay[i].live_fd);
        free(s->overlay[i].written);
    }
    free(s);
}

bool
snapshot_still(const struct snapshot *s)
{
    struct stat now;
    return fstatat(s->config.store_fd, "store.db", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           same_times(&now, &s->main);
}

struct store *
snapshot_store(struct snapshot *s)
{
    return s->store;
}
