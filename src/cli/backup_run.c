#include "cli/backup_run.h"

#include "base/clock.h"
#include "base/le.h"
#include "base/text.h"
#include "cli/log_files.h"
#include "cli/zone_copy.h"
#include "ledger/note.h"
#include "store/embedded/dump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_PIECE = 1024 * 1024, KEPT_MAX = 16 * 1024 * 1024, DEPTH_MAX = 6, NAMES_MAX = 4096 };

struct making {
    const struct backup_run *run;
    struct backup_place place;
    struct charter *charter;
    struct backup_index before, now; /* pieces of earlier generations; of this one */
    uint8_t ids_key[32];
    uint32_t generation;
    int64_t time_us;
    struct buf list, sealed;
    struct zone_copy *zone; /* that is being read; told to hold still */
    uint64_t pieces, new_pieces, bytes, new_bytes;
};

void
backup_seal_name(char to[static 128], const char *kind, uint64_t generation, const char *what)
{
    snprintf(to, 128, "%s %llu %s", kind, (unsigned long long)generation, what);
}

/* ---- what is kept with the keys --------------------------------------------------------- */

static void
put_len(struct buf *b, uint64_t len)
{
    uint8_t bytes[8];
    le64_put(bytes, len);
    buf_put(b, bytes_of(bytes, sizeof(bytes)));
}

void
backup_put_kept(struct buf *b, const struct backup_kept *k)
{
    buf_byte(b, (uint8_t)k->kind);
    put_len(b, strlen(k->path));
    buf_text(b, k->path);
    put_len(b, k->bytes.len);
    buf_put(b, k->bytes);
}

static enum err
take_len_bytes(struct bytes *left, struct bytes *out)
{
    if (left->len < 8)
        return ERR_MALFORMED;
    uint64_t len = le64_get(left->p);
    struct bytes rest = bytes_skip(*left, 8);
    if (len > rest.len)
        return ERR_MALFORMED;
    *out = bytes_of(rest.p, (size_t)len);
    *left = bytes_skip(rest, (size_t)len);
    return OK;
}

enum err
backup_next_kept(struct bytes *left, struct backup_kept *out)
{
    struct backup_kept k = {0};
    struct bytes path;
    if (left->len == 0)
        return ERR_NOT_FOUND;
    k.kind = (enum backup_kept_kind)left->p[0];
    *left = bytes_skip(*left, 1);
    enum err e = take_len_bytes(left, &path);
    if (e == OK)
        e = take_len_bytes(left, &k.bytes);
    if (e == OK && !(k.kind == KEPT_PART && path.len == 0) &&
        !(k.kind == KEPT_FILE && backup_is_path(path)))
        e = ERR_MALFORMED;
    if (e == OK)
        e = bytes_copy_text(path, k.path, sizeof(k.path));
    if (e == OK)
        *out = k;
    return e;
}

/* ---- pieces ----------------------------------------------------------------------------- */

/* Seals and writes a file below the place; its size, or 0 after a sentence. */
static uint64_t
write_sealed(struct making *m, const char *file, const char *name, struct bytes plain)
{
    buf_reset(&m->sealed);
    enum err e = backup_seal(&m->run->to, name, plain, &m->sealed);
    if (e != OK)
        fprintf(stderr, "bulkhead: cannot seal %s: %s\n", file, err_text(e));
    return e == OK && backup_write(&m->place, file, buf_bytes(&m->sealed)) ? m->sealed.len : 0;
}

static enum err
put_piece(void *ctx, struct bytes plain)
{
    struct making *m = ctx;
    struct backup_line line = {.kind = LINE_PIECE, .size = plain.len};
    char file[80], name[128];
    crypto_generichash(line.id, sizeof(line.id), plain.p, plain.len, m->ids_key,
                       sizeof(m->ids_key));
    backup_piece_name(file, line.id);
    uint64_t size = backup_index_find(&m->now, line.id);
    if (size == 0) {
        size = backup_index_find(&m->before, line.id);
        if (size && backup_size(&m->place, file) != (int64_t)size)
            size = 0; /* somebody took it */
    }
    if (size == 0) {
        backup_seal_name(name, "piece", 0, file);
        size = write_sealed(m, file, name, plain);
        m->new_pieces++;
        m->new_bytes += size;
    }
    if (size == 0)
        return ERR_IO;
    backup_index_put(&m->now, line.id, size);
    backup_list_put(&m->list, &line);
    m->pieces++;
    m->bytes += size;
    if (m->zone)
        zone_copy_renew(m->zone);
    return buf_error(&m->list);
}

/* ---- files ------------------------------------------------------------------------------ */

static bool
complain(const char *path)
{
    fprintf(stderr, "bulkhead: cannot read %s: %s\n", path, strerror(errno));
    return false;
}

static bool
put_file(struct making *m, const char *path)
{
    static uint8_t piece[FILE_PIECE];
    struct backup_line line = {.kind = LINE_FILE};
    struct disk disk = disk_system();
    struct stat st;
    char full[TOOL_PATH_SIZE + BACKUP_PATH_MAX];
    snprintf(full, sizeof(full), "%s/%s", m->run->state, path);
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        bool gone = errno == ENOENT; /* since it was listed */
        if (fd >= 0)
            close(fd);
        return gone || complain(full);
    }
    line.mode = st.st_mode & 0777;
    line.size = (uint64_t)st.st_size;
    bool good = bytes_copy_text(bytes_text(path), line.path, sizeof(line.path)) == OK;
    backup_list_put(&m->list, &line);
    for (uint64_t at = 0; good && at < line.size;) {
        size_t n = line.size - at < FILE_PIECE ? (size_t)(line.size - at) : FILE_PIECE, got = 0;
        good = disk_read_at(&disk, fd, piece, n, at, &got) == OK && got == n;
        if (!good)
            complain(full);
        good = good && put_piece(m, bytes_of(piece, n)) == OK;
        at += n;
    }
    sodium_memzero(piece, sizeof(piece)); /* it may have been a key */
    close(fd);
    return good;
}

/* Left out: stores, which are read as rows, and what is kept with the keys. */
static bool
is_apart(const char *path)
{
    size_t n = strlen(path);
    return strncmp(path, "zones/", 6) == 0 && ((n > 6 && strcmp(path + n - 6, "/store") == 0) ||
                                               (n > 6 && strcmp(path + n - 6, ".state") == 0));
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * A file, or all that is in a folder, in order of names: a log's `checkpoint` comes before the
 * `entries`, `hashes` and `offsets` that it speaks of, which only grow.
 */
static bool
put_tree(struct making *m, const char *path, int depth)
{
    char full[TOOL_PATH_SIZE + BACKUP_PATH_MAX], *names[NAMES_MAX];
    struct stat st;
    size_t count = 0;
    snprintf(full, sizeof(full), "%s/%s", m->run->state, path);
    if (lstat(full, &st) != 0)
        return errno == ENOENT || complain(full);
    if (is_apart(path) || !backup_is_path(bytes_text(path)))
        return true;
    if (S_ISREG(st.st_mode))
        return put_file(m, path);
    DIR *d = S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? opendir(full) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t n = strlen(entry->d_name);
        bool unfinished = n > 4 && strcmp(entry->d_name + n - 4, ".new") == 0;
        if (entry->d_name[0] != '.' && !unfinished && count < NAMES_MAX)
            names[count++] = strdup(entry->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, count, sizeof(names[0]), by_name);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        char next[TOOL_PATH_SIZE];
        int n = snprintf(next, sizeof(next), "%s/%s", path, names[i]);
        good = good && n > 0 && n <= BACKUP_PATH_MAX && put_tree(m, next, depth + 1);
        free(names[i]);
    }
    return good;
}

/* ---- zones ------------------------------------------------------------------------------ */

enum { KEY_FILES_MAX = 4096 };

struct key_file {
    int64_t until_s;
    struct buf plain;
};
struct key_files {
    struct key_file list[KEY_FILES_MAX];
    size_t count;
};

static struct buf *
key_file(struct key_files *files, int64_t until_s)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->list[i].until_s == until_s)
            return &files->list[i].plain;
    if (files->count == KEY_FILES_MAX)
        return NULL;
    struct key_file *f = &files->list[files->count++];
    f->until_s = until_s;
    buf_init(&f->plain, KEPT_MAX + DUMP_PART_MAX);
    return &f->plain;
}

static enum err
take_keys(void *ctx, int64_t until_s, struct bytes part)
{
    struct backup_kept k = {.kind = KEPT_PART, .bytes = part};
    struct buf *to = key_file(ctx, until_s);
    if (to)
        backup_put_kept(to, &k);
    return to ? buf_error(to) : ERR_LIMIT;
}

/* The zone's small states: of these, too, only the newest is kept. */
static bool
take_states(struct making *m, const char *zone, struct key_files *files)
{
    static const char *const names[] = {"warden.state", "service.state"};
    struct buf *to = key_file(files, 0);
    for (size_t i = 0; to && i < ARRAY_COUNT(names); i++) {
        struct backup_kept k = {.kind = KEPT_FILE};
        char full[TOOL_PATH_SIZE + BACKUP_PATH_MAX];
        struct buf content;
        snprintf(k.path, sizeof(k.path), "zones/%s/%s", zone, names[i]);
        snprintf(full, sizeof(full), "%s/%s", m->run->state, k.path);
        if (access(full, F_OK) != 0)
            continue;
        if (!tool_read_file(full, KEPT_MAX / 2, &content))
            return false;
        k.bytes = buf_bytes(&content);
        backup_put_kept(to, &k);
        buf_fini(&content);
    }
    return to && buf_error(to) == OK;
}

/* Writes each and forgets it. */
static bool
put_keys(struct making *m, const char *zone, struct key_files *files, bool good)
{
    for (size_t i = 0; i < files->count; i++) {
        struct key_file *f = &files->list[i];
        struct backup_line line = {.kind = LINE_KEYS, .until_s = f->until_s, .size = f->plain.len};
        char file[160], name[128];
        snprintf(line.path, sizeof(line.path), "%s", zone);
        crypto_generichash(line.id, sizeof(line.id), f->plain.p, f->plain.len, m->ids_key,
                           sizeof(m->ids_key));
        snprintf(file, sizeof(file), "keys/%s.%u.%lld", zone, m->generation, (long long)f->until_s);
        backup_seal_name(name, "keys", m->generation, zone);
        good = good && write_sealed(m, file, name, buf_bytes(&f->plain)) > 0;
        backup_list_put(&m->list, &line);
        if (f->plain.p)
            sodium_memzero(f->plain.p, f->plain.len);
        buf_fini(&f->plain);
    }
    return good;
}

static bool
put_store(struct making *m, const char *zone, struct zone_copy *copy)
{
    struct store *store = snapshot_store(copy->snapshot);
    struct backup_line line = {.kind = LINE_STORE};
    struct key_files *files = calloc(1, sizeof(*files));
    snprintf(line.path, sizeof(line.path), "%s", zone);
    backup_list_put(&m->list, &line);
    m->zone = copy;
    enum err e = files ? dump_rows(store, put_piece, m) : ERR_LIMIT;
    line.kind = LINE_LEAVES;
    backup_list_put(&m->list, &line);
    if (e == OK)
        e = dump_leaves(store, put_piece, m);
    if (e == OK)
        e = dump_keys(store, m->time_us / 1000000, take_keys, files);
    m->zone = NULL;
    bool good = e == OK && take_states(m, zone, files);
    if (files)
        good = put_keys(m, zone, files, good);
    free(files);
    if (e != OK)
        fprintf(stderr, "bulkhead: zone %s: the store cannot be copied: %s\n", zone, err_text(e));
    return good;
}

/* Until nothing moved while it was read; a piece that was written is not written again. */
static bool
put_zone(struct making *m, const char *zone, bool running)
{
    char scratch[TOOL_PATH_SIZE];
    struct zone_copy copy;
    snprintf(scratch, sizeof(scratch), "%s/zones", m->run->state);
    for (int tries = 0; tries < 5; tries++) {
        size_t begin = m->list.len;
        uint64_t bytes = m->new_bytes;
        enum zone_copy_result r =
            zone_copy_open(m->run->state, m->charter, zone, running, scratch, &copy);
        if (r == ZONE_COPY_NONE)
            printf("zone %s: no store yet\n", zone);
        if (r != ZONE_COPY_OK)
            return r == ZONE_COPY_NONE;
        bool good = put_store(m, zone, &copy);
        bool holds = zone_copy_holds(&copy);
        zone_copy_close(&copy);
        if (good && holds) {
            printf("zone %s: %llu bytes are new\n", zone,
                   (unsigned long long)(m->new_bytes - bytes));
            return true;
        }
        if (!good && holds)
            return false;
        m->list.len = begin;
    }
    fprintf(stderr, "bulkhead: zone %s is written faster than it is read; try again later\n", zone);
    return false;
}

/* ---- the generation --------------------------------------------------------------------- */

/* The key of the pieces' names: made once, so that what stays has the same name again. */
static bool
get_ids_key(struct making *m)
{
    char path[TOOL_PATH_SIZE], next[TOOL_PATH_SIZE + 8];
    struct buf key;
    snprintf(path, sizeof(path), "%s/keys/backup-ids.key", m->run->state);
    snprintf(next, sizeof(next), "%s.new", path);
    if (access(path, F_OK) != 0) {
        randombytes_buf(m->ids_key, sizeof(m->ids_key));
        int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        bool good =
            fd >= 0 && write(fd, m->ids_key, 32) == 32 && fsync(fd) == 0 && rename(next, path) == 0;
        if (fd >= 0)
            close(fd);
        if (!good)
            fprintf(stderr, "bulkhead: cannot write %s: %s\n", path, strerror(errno));
        return good;
    }
    if (!tool_read_file(path, 32, &key))
        return false;
    bool good = key.len == 32;
    if (good)
        memcpy(m->ids_key, key.p, 32);
    else
        fprintf(stderr, "bulkhead: %s is damaged; remove it, and all is written anew\n", path);
    buf_fini(&key);
    return good;
}

static int
by_key(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Who else may open it has other names for the same: nothing is used again that they cannot open.
 */
static void
bind_ids_key(struct making *m)
{
    struct backup_recipients to = m->run->to;
    uint8_t own[32];
    qsort(to.key, to.count, sizeof(to.key[0]), by_key);
    memcpy(own, m->ids_key, sizeof(own));
    crypto_generichash(m->ids_key, sizeof(m->ids_key), to.key[0], to.count * sizeof(to.key[0]), own,
                       sizeof(own));
}

static bool
write_index(struct making *m)
{
    char name[64];
    struct buf index;
    buf_init(&index, BACKUP_LIST_MAX);
    for (size_t i = 0; i < m->now.capacity; i++)
        if (le64_get(m->now.slot[i] + BACKUP_ID_SIZE))
            buf_put(&index, bytes_of(m->now.slot[i], sizeof(m->now.slot[i])));
    snprintf(name, sizeof(name), "generations/%u.part/index", m->generation);
    bool good = buf_error(&index) == OK && backup_write(&m->place, name, buf_bytes(&index));
    buf_fini(&index);
    return good;
}

/* Who made this, when, and of which list: signed by the key of the city's log. */
static bool
write_head(struct making *m)
{
    char origin[NOTE_KEY_NAME_MAX + 1], path[TOOL_PATH_SIZE], name[64];
    uint8_t public_key[32], digest[32];
    struct buf secret, text, note;
    snprintf(path, sizeof(path), "%s/keys/ledger-city.key", m->run->state);
    if (!log_files_key(m->run->state, "city", origin, public_key) ||
        !tool_read_file(path, 64, &secret))
        return false;
    buf_init(&text, BACKUP_HEAD_MAX);
    buf_init(&note, BACKUP_HEAD_MAX);
    crypto_hash_sha256(digest, m->sealed.p, m->sealed.len);
    buf_format(&text, "bulkhead-backup\n%u\n", m->generation);
    text_put_time(&text, m->time_us);
    buf_byte(&text, '\n');
    text_put_hex(&text, bytes_of(digest, sizeof(digest)));
    buf_byte(&text, '\n');
    bool good = secret.len == 64 && note_sign(buf_bytes(&text), origin, secret.p, &note) == OK;
    sodium_memzero(secret.p, secret.len);
    snprintf(name, sizeof(name), "generations/%u.part/head", m->generation);
    good = good && backup_write(&m->place, name, buf_bytes(&note));
    buf_fini(&secret);
    buf_fini(&text);
    buf_fini(&note);
    return good;
}

static bool
write_generation(struct making *m)
{
    char name[64], sealed_as[128];
    backup_list_end(&m->list);
    snprintf(name, sizeof(name), "generations/%u.part/list", m->generation);
    backup_seal_name(sealed_as, "list", m->generation, "");
    return buf_error(&m->list) == OK && write_index(m) &&
           write_sealed(m, name, sealed_as, buf_bytes(&m->list)) > 0 && write_head(m) &&
           backup_complete(&m->place, m->generation);
}

/* A copy of everything leaves the city's processes: that is on the record first. */
static bool
record(const struct making *m)
{
    struct buf entry;
    buf_init(&entry, 4096);
    buf_format(&entry, "{\"event\":\"backup\",\"generation\":%u,\"to\":[", m->generation);
    for (size_t i = 0; i < m->run->to.count; i++) {
        buf_text(&entry, i ? ",\"" : "\"");
        text_put_hex(&entry, bytes_of(m->run->to.key[i], 8));
        buf_byte(&entry, '"');
    }
    buf_text(&entry, "],\"zone\":");
    text_put_json(&entry, bytes_text(m->run->only_zone ? m->run->only_zone : ""));
    buf_format(&entry, ",\"by_uid\":%u}", (unsigned)getuid());
    bool good = tool_record_event(m->run->state, buf_bytes(&entry));
    buf_fini(&entry);
    return good;
}

static bool
put_everything(struct making *m, bool running)
{
    /* Logs before stores: no anchor is of a store that is not copied yet. */
    static const char *const trees[] = {
        "ledger", "charter", "charter.sig", "charter.number", "signers.pub", "witness.policy",
        "keys",   "pki",     "callers",     "devices",        "cut"};
    bool good = true;
    for (size_t i = 0; good && i < ARRAY_COUNT(trees); i++)
        good = put_tree(m, trees[i], 0);
    for (uint32_t z = 0; good && z < m->charter->zones_count; z++)
        if (!m->run->only_zone || strcmp(m->run->only_zone, m->charter->zones[z].name) == 0)
            good = put_zone(m, m->charter->zones[z].name, running);
    return good;
}

static int
make_locked(struct making *m, bool running)
{
    struct clock_source clock = clock_system();
    struct backup_place *p = &m->place;
    struct backup_expired expired;
    char part[64];
    m->time_us = clock_wall_us(&clock);
    m->generation = p->count ? p->generations[p->count - 1] + 1 : 1;
    for (size_t i = 0; i < p->count; i++)
        if (!backup_load_index(p, p->generations[i], &m->before))
            return EXIT_CANNOT;
    snprintf(part, sizeof(part), "generations/%u.part", m->generation);
    if (!get_ids_key(m) || (running && !record(m)))
        return EXIT_CANNOT;
    if (mkdirat(p->fd, part, 0700) != 0) {
        fprintf(stderr, "bulkhead: cannot make %s/%s: %s\n", p->path, part, strerror(errno));
        return EXIT_CANNOT;
    }
    bind_ids_key(m);
    backup_list_begin(&m->list, m->generation, m->time_us, m->ids_key);
    if (!put_everything(m, running) || !write_generation(m))
        return EXIT_CANNOT;
    printf("generation %u: %llu pieces, %llu bytes; new: %llu pieces, %llu bytes\n", m->generation,
           (unsigned long long)m->pieces, (unsigned long long)m->bytes,
           (unsigned long long)m->new_pieces, (unsigned long long)m->new_bytes);
    if (!backup_expire(p, m->run->keep, m->time_us / 1000000, &expired))
        return EXIT_CANNOT;
    if (expired.generations)
        printf("%u older generations and %u pieces removed\n", expired.generations, expired.pieces);
    return EXIT_OK;
}

int
backup_make(const struct backup_run *run, const char *directory)
{
    struct making m = {.run = run};
    struct state_lock lock;
    int status = EXIT_CANNOT;
    m.charter = tool_charter(run->state);
    if (!m.charter)
        return EXIT_CANNOT;
    if (run->only_zone && charter_find_zone(m.charter, bytes_text(run->only_zone)) < 0) {
        fprintf(stderr, "bulkhead: the charter names no zone %s\n", run->only_zone);
        free(m.charter);
        return EXIT_USAGE;
    }
    buf_init(&m.list, BACKUP_LIST_MAX);
    buf_init(&m.sealed, BACKUP_LIST_MAX + BACKUP_SEAL_MAX);
    if (state_lock_open(run->state, &lock)) {
        if (backup_place_open(&m.place, directory, true)) {
            status = make_locked(&m, lock.running);
            backup_place_close(&m.place);
        }
        state_lock_close(&lock);
    }
    backup_index_fini(&m.before);
    backup_index_fini(&m.now);
    buf_fini(&m.list);
    buf_fini(&m.sealed);
    free(m.charter);
    return status;
}
