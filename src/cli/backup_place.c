#include "cli/backup_place.h"

#include "base/le.h"
#include "base/text.h"
#include "cli/zone_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char readme[] =
    "This is a backup of a Bulkhead city. It is encrypted; `bulkhead restore --from DIR --key K`\n"
    "brings it back, and bulkhead(1) says what lies here. Never mix the files of two backups.\n"
    "Run `bulkhead backup expire --to DIR` every day, also when the city is no more: it destroys\n"
    "keys whose time is over, and needs no key itself.\n";

/* ---- index ------------------------------------------------------------------------------ */

void
backup_index_fini(struct backup_index *x)
{
    free(x->slot);
    *x = (struct backup_index){0};
}

static uint8_t *
slot_of(const struct backup_index *x, const uint8_t id[static BACKUP_ID_SIZE])
{
    for (size_t at = (size_t)le64_get(id) % x->capacity;; at = (at + 1) % x->capacity) {
        uint8_t *slot = x->slot[at];
        if (le64_get(slot + BACKUP_ID_SIZE) == 0 || memcmp(slot, id, BACKUP_ID_SIZE) == 0)
            return slot;
    }
}

uint64_t
backup_index_find(const struct backup_index *x, const uint8_t id[static BACKUP_ID_SIZE])
{
    return x->capacity ? le64_get(slot_of(x, id) + BACKUP_ID_SIZE) : 0;
}

void
backup_index_put(struct backup_index *x, const uint8_t id[static BACKUP_ID_SIZE], uint64_t size)
{
    ASSERT(size > 0);
    if (x->count * 2 >= x->capacity) {
        struct backup_index next = {.capacity = x->capacity ? 2 * x->capacity : 1024};
        next.slot = calloc(next.capacity, sizeof(next.slot[0]));
        ASSERT(next.slot);
        for (size_t i = 0; i < x->capacity; i++)
            if (le64_get(x->slot[i] + BACKUP_ID_SIZE)) {
                memcpy(slot_of(&next, x->slot[i]), x->slot[i], sizeof(next.slot[0]));
                next.count++;
            }
        free(x->slot);
        *x = next;
    }
    uint8_t *slot = slot_of(x, id);
    x->count += le64_get(slot + BACKUP_ID_SIZE) == 0;
    memcpy(slot, id, BACKUP_ID_SIZE);
    le64_put(slot + BACKUP_ID_SIZE, size);
}

/* ---- files ------------------------------------------------------------------------------ */

static bool
complain(const struct backup_place *p, const char *what, const char *name)
{
    fprintf(stderr, "bulkhead: cannot %s %s/%s: %s\n", what, p->path, name, strerror(errno));
    return false;
}

bool
backup_read(const struct backup_place *p, const char *name, size_t max, struct buf *out)
{
    struct stat st;
    buf_init(out, max + 1);
    int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size <= max;
    uint8_t *room = good ? buf_room(out, (size_t)st.st_size + 1) : NULL;
    size_t got = 0;
    struct disk disk = disk_system();
    good = room && disk_read_at(&disk, fd, room, (size_t)st.st_size, 0, &got) == OK &&
           got == (size_t)st.st_size;
    if (fd >= 0)
        close(fd);
    if (good)
        buf_filled(out, got);
    else
        complain(p, "read", name);
    return good;
}

bool
backup_write(const struct backup_place *p, const char *name, struct bytes what)
{
    struct disk disk = disk_system();
    int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && disk_write_at(&disk, fd, what, 0) == OK;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    return good || complain(p, "write", name);
}

int64_t
backup_size(const struct backup_place *p, const char *name)
{
    struct stat st;
    return fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) ? st.st_size
                                                                                      : -1;
}

void
backup_piece_name(char to[static 80], const uint8_t id[static BACKUP_ID_SIZE])
{
    int n = snprintf(to, 80, "pieces/%02x/", id[0]);
    for (size_t i = 0; i < BACKUP_ID_SIZE; i++)
        n += snprintf(to + n, 80 - (size_t)n, "%02x", id[i]);
}

/* ---- the place -------------------------------------------------------------------------- */

static int
upwards(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static DIR *
open_folder(const struct backup_place *p, const char *name)
{
    int fd = openat(p->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !d)
        close(fd);
    return d;
}

static bool
list_generations(struct backup_place *p)
{
    DIR *d = open_folder(p, "generations");
    uint64_t number;
    p->count = 0;
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (text_u64(bytes_text(entry->d_name), UINT32_MAX, &number) == OK && number > 0 &&
            p->count < BACKUP_GENERATIONS_MAX)
            p->generations[p->count++] = (uint32_t)number;
    if (d)
        closedir(d);
    qsort(p->generations, p->count, sizeof(p->generations[0]), upwards);
    return d || complain(p, "read", "generations");
}

/* What a run that was killed left: it never was a generation. */
static void
remove_parts(struct backup_place *p)
{
    DIR *d = open_folder(p, "generations");
    char path[TOOL_PATH_SIZE + 300];
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t n = strlen(entry->d_name);
        snprintf(path, sizeof(path), "%s/generations/%s", p->path, entry->d_name);
        if (n > 5 && strcmp(entry->d_name + n - 5, ".part") == 0)
            remove_flat(path);
    }
    if (d)
        closedir(d);
}

static bool
make_folders(struct backup_place *p)
{
    static const char *const names[] = {"pieces", "keys", "generations"};
    char name[32];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (mkdirat(p->fd, names[i], 0700) != 0 && errno != EEXIST)
            return complain(p, "make", names[i]);
    for (unsigned i = 0; i < 256; i++) {
        snprintf(name, sizeof(name), "pieces/%02x", i);
        if (mkdirat(p->fd, name, 0700) != 0 && errno != EEXIST)
            return complain(p, "make", name);
    }
    p->lock_fd = openat(p->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->lock_fd < 0 || flock(p->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "bulkhead: another backup is being made or expired in %s\n", p->path);
        return false;
    }
    remove_parts(p);
    return backup_size(p, "README") == (int64_t)sizeof(readme) - 1 ||
           backup_write(p, "README", bytes_text(readme));
}

bool
backup_place_open(struct backup_place *p, const char *path, bool make)
{
    *p = (struct backup_place){.fd = -1, .lock_fd = -1};
    int n = snprintf(p->path, sizeof(p->path), "%s", path);
    bool good = n > 0 && (size_t)n < sizeof(p->path);
    if (good && make && mkdir(path, 0700) != 0 && errno != EEXIST)
        good = false;
    if (good)
        p->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0) {
        fprintf(stderr, "bulkhead: cannot open the backup %s: %s\n", path, strerror(errno));
        return false;
    }
    if ((!make || make_folders(p)) && list_generations(p))
        return true;
    backup_place_close(p);
    return false;
}

void
backup_place_close(struct backup_place *p)
{
    if (p->fd >= 0)
        close(p->fd);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    p->fd = p->lock_fd = -1;
}

bool
backup_load_index(const struct backup_place *p, uint32_t generation, struct backup_index *x)
{
    char name[64];
    struct buf file;
    snprintf(name, sizeof(name), "generations/%u/index", generation);
    if (!backup_read(p, name, BACKUP_LIST_MAX, &file))
        return false;
    enum { ROW = BACKUP_ID_SIZE + 8 };
    bool good = file.len % ROW == 0;
    for (size_t at = 0; good && at < file.len; at += ROW) {
        uint64_t size = le64_get(file.p + at + BACKUP_ID_SIZE);
        good = size > 0;
        if (good)
            backup_index_put(x, file.p + at, size);
    }
    buf_fini(&file);
    if (!good)
        fprintf(stderr, "bulkhead: %s/%s is damaged\n", p->path, name);
    return good;
}

/* ---- destroying ------------------------------------------------------------------------- */

/* Written over, synced, then removed: no block that is freed holds it. */
static bool
destroy(const struct backup_place *p, const char *name)
{
    static const uint8_t zeros[64 * 1024];
    struct disk disk = disk_system();
    struct stat st;
    int fd = openat(p->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    for (uint64_t at = 0; good && at < (uint64_t)st.st_size; at += sizeof(zeros)) {
        uint64_t left = (uint64_t)st.st_size - at;
        size_t n = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
        good = disk_write_at(&disk, fd, bytes_of(zeros, n), at) == OK;
    }
    good = good && fsync(fd) == 0 && unlinkat(p->fd, name, 0) == 0;
    if (fd >= 0)
        close(fd);
    return good || complain(p, "destroy", name);
}

/* ZONE.GEN.UNTIL, as numbers. */
static bool
parse_keys_name(const char *name, uint64_t *generation, uint64_t *until_s)
{
    const char *second = strrchr(name, '.');
    const char *first =
        second && second > name ? memrchr(name, '.', (size_t)(second - name)) : NULL;
    return first &&
           text_u64(bytes_of(first + 1, (size_t)(second - first - 1)), UINT32_MAX, generation) ==
               OK &&
           text_u64(bytes_text(second + 1), INT64_MAX, until_s) == OK;
}

/* Keys of other generations than this one (0: of any), and keys whose time is over. */
static bool
destroy_keys(struct backup_place *p, uint32_t but_of, int64_t now_s, uint32_t *out_count)
{
    DIR *d = open_folder(p, "keys");
    char name[320];
    bool good = d != NULL;
    for (struct dirent *entry; good && (entry = readdir(d));) {
        uint64_t of = 0, until_s = 0;
        if (entry->d_name[0] == '.' || !parse_keys_name(entry->d_name, &of, &until_s))
            continue;
        bool over = until_s > 0 && (int64_t)until_s <= now_s;
        snprintf(name, sizeof(name), "keys/%s", entry->d_name);
        if (of != but_of || over) {
            good = destroy(p, name);
            ++*out_count;
        }
    }
    if (d)
        closedir(d);
    return good;
}

bool
backup_complete(struct backup_place *p, uint32_t generation)
{
    char part[64], name[64];
    uint32_t count = 0;
    snprintf(part, sizeof(part), "generations/%u.part", generation);
    snprintf(name, sizeof(name), "generations/%u", generation);
    int folder = openat(p->fd, "generations", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && syncfs(p->fd) == 0 && renameat(p->fd, part, p->fd, name) == 0 &&
                fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    if (!good)
        return complain(p, "complete", name);
    return destroy_keys(p, generation, 0, &count) && list_generations(p);
}

static bool
remove_pieces(struct backup_place *p, const struct backup_index *named, uint32_t *out_count)
{
    char folder[32], name[320];
    uint8_t id[BACKUP_ID_SIZE];
    for (unsigned i = 0; i < 256; i++) {
        snprintf(folder, sizeof(folder), "pieces/%02x", i);
        DIR *d = open_folder(p, folder);
        if (!d)
            return complain(p, "read", folder);
        for (struct dirent *entry; (entry = readdir(d));) {
            if (text_hex(bytes_text(entry->d_name), id, sizeof(id)) != OK ||
                backup_index_find(named, id))
                continue;
            snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
            unlinkat(p->fd, name, 0);
            ++*out_count;
        }
        closedir(d);
    }
    return true;
}

/* Renamed first: half of a generation never has a generation's name. */
static void
remove_generation(struct backup_place *p, uint32_t generation)
{
    char part[64], name[64], path[TOOL_PATH_SIZE + 80];
    snprintf(part, sizeof(part), "generations/%u.part", generation);
    snprintf(name, sizeof(name), "generations/%u", generation);
    snprintf(path, sizeof(path), "%s/%s", p->path, part);
    if (renameat(p->fd, name, p->fd, part) == 0)
        remove_flat(path);
}

bool
backup_expire(struct backup_place *p, uint32_t keep, int64_t now_s, struct backup_expired *out)
{
    struct backup_index named = {0};
    *out = (struct backup_expired){0};
    uint32_t newest = p->count ? p->generations[p->count - 1] : 0;
    bool good = destroy_keys(p, newest, now_s, &out->keys);
    for (; good && p->count - out->generations > keep; out->generations++)
        remove_generation(p, p->generations[out->generations]);
    good = good && list_generations(p);
    for (size_t i = 0; good && i < p->count; i++)
        good = backup_load_index(p, p->generations[i], &named);
    good = good && remove_pieces(p, &named, &out->pieces);
    backup_index_fini(&named);
    return good && syncfs(p->fd) == 0;
}
