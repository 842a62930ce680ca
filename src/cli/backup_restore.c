#include "cli/backup_restore.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/backup_run.h"
#include "cli/zone_copy.h"
#include "ledger/note.h"
#include "programs/warden/sequence.h"
#include "store/embedded/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

struct restoring {
    const struct backup_restore *how;
    struct backup_place place;
    int state_fd;
    uint64_t newest;            /* the generation whose keys are there */
    struct buf list, keys_list; /* of the one that is wanted; of the newest */
    uint8_t ids_key[32];
    struct buf sealed, plain;
    struct undump *undump; /* of the zone that is being filled */
    int store_fd;
    char zone[BACKUP_PATH_MAX + 1];
    bool leaves;
    int file_fd; /* that is being filled */
    uint64_t file_at;
    uint64_t files, pieces;
};

/* ---- what was made by whom -------------------------------------------------------------- */

/* The head's text: "bulkhead-backup", generation, time, digest of `list`; one a line. */
static bool
check_head(struct bytes text, uint64_t generation, struct bytes sealed_list)
{
    uint8_t digest[32];
    struct buf tail, head;
    crypto_hash_sha256(digest, sealed_list.p, sealed_list.len);
    buf_init(&tail, 128);
    buf_init(&head, 128);
    buf_byte(&tail, '\n');
    text_put_hex(&tail, bytes_of(digest, sizeof(digest)));
    buf_byte(&tail, '\n');
    buf_format(&head, "bulkhead-backup\n%llu\n", (unsigned long long)generation);
    bool good = bytes_start(text, buf_string(&head)) && text.len > tail.len &&
                memcmp(text.p + text.len - tail.len, tail.p, tail.len) == 0;
    buf_fini(&tail);
    buf_fini(&head);
    return good;
}

static bool
check_maker(const struct restoring *r, uint64_t generation, struct bytes sealed_list)
{
    char name[64], key_name[NOTE_KEY_NAME_MAX + 1];
    uint8_t key[32];
    struct buf head;
    struct note note;
    struct bytes text;
    snprintf(name, sizeof(name), "generations/%llu/head", (unsigned long long)generation);
    if (!backup_read(&r->place, name, BACKUP_HEAD_MAX, &head))
        return false;
    bool good = note_parse(buf_bytes(&head), &note) == OK;
    const char *vkey = r->how->verifier_key;
    if (good && vkey) {
        good = note_parse_verifier_key(bytes_text(vkey), key_name, key) == OK &&
               note_open(buf_bytes(&head), key_name, key, &text) == OK;
    } else if (good) {
        text = note.text;
        printf("generation %llu says that it was made by %.*s; --vkey checks that\n",
               (unsigned long long)generation, BYTES_PRINTF(note.signatures[0].name));
    }
    good = good && check_head(text, generation, sealed_list);
    if (!good)
        fprintf(stderr,
                "bulkhead: generation %llu DOES NOT HOLD: its head is not signed by this key, or "
                "for another list\n",
                (unsigned long long)generation);
    buf_fini(&head);
    return good;
}

static bool
unseal(struct restoring *r, const char *file, const char *name, struct buf *to)
{
    enum err e = backup_unseal(r->how->with, name, buf_bytes(&r->sealed), to);
    if (e == ERR_NOT_FOUND)
        fprintf(stderr, "bulkhead: %s/%s is not encrypted to this key\n", r->place.path, file);
    else if (e != OK)
        fprintf(stderr, "bulkhead: %s/%s DOES NOT HOLD: %s\n", r->place.path, file, err_text(e));
    return e == OK;
}

/* A list, with its maker checked. */
static bool
open_list(struct restoring *r, uint64_t generation, struct buf *to)
{
    char file[64], name[128];
    struct buf sealed = r->sealed;
    snprintf(file, sizeof(file), "generations/%llu/list", (unsigned long long)generation);
    backup_seal_name(name, "list", generation, "");
    buf_init(to, BACKUP_LIST_MAX);
    if (!backup_read(&r->place, file, BACKUP_LIST_MAX, &r->sealed)) {
        r->sealed = sealed;
        return false;
    }
    bool good = check_maker(r, generation, buf_bytes(&r->sealed)) && unseal(r, file, name, to);
    buf_fini(&r->sealed);
    r->sealed = sealed;
    return good;
}

/* ---- pieces ----------------------------------------------------------------------------- */

/* The piece's bytes in r->plain, checked against its name. */
static bool
open_sealed(struct restoring *r, const char *file, const char *name, const struct backup_line *line)
{
    uint8_t id[BACKUP_ID_SIZE];
    buf_reset(&r->plain);
    buf_fini(&r->sealed);
    if (!backup_read(&r->place, file, BACKUP_PIECE_MAX * 4 + BACKUP_SEAL_MAX, &r->sealed) ||
        !unseal(r, file, name, &r->plain))
        return false;
    crypto_generichash(id, sizeof(id), r->plain.p, r->plain.len, r->ids_key, sizeof(r->ids_key));
    bool good = r->plain.len == line->size && memcmp(id, line->id, sizeof(id)) == 0;
    if (!good)
        fprintf(stderr, "bulkhead: %s/%s DOES NOT HOLD: it is not what the list names\n",
                r->place.path, file);
    return good;
}

static bool
complain(const struct restoring *r, const char *name)
{
    fprintf(stderr, "bulkhead: cannot write %s.part/%s: %s\n", r->how->state, name,
            strerror(errno));
    return false;
}

/* The folders on the way to a path. */
static bool
make_folders(const struct restoring *r, const char *path)
{
    char part[BACKUP_PATH_MAX + 1];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdirat(r->state_fd, part, 0700) != 0 && errno != EEXIST)
            return complain(r, part);
    }
    return true;
}

static bool
close_file(struct restoring *r)
{
    bool good = r->file_fd < 0 || close(r->file_fd) == 0;
    r->file_fd = -1;
    return good;
}

static bool
begin_file(struct restoring *r, const char *path, uint32_t mode)
{
    if (!make_folders(r, path))
        return false;
    r->file_at = 0;
    r->files++;
    r->file_fd =
        openat(r->state_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    return r->file_fd >= 0 || complain(r, path);
}

static bool
begin_store(struct restoring *r, const char *zone)
{
    struct store_config config = {
        .clock = clock_system(), .random = random_system(), .disk = disk_system()};
    char path[TOOL_PATH_SIZE + BACKUP_PATH_MAX];
    struct buf key;
    snprintf(r->zone, sizeof(r->zone), "%s", zone);
    if (bytes_copy_text(bytes_text(zone), config.zone, sizeof(config.zone)) != OK)
        return false;
    snprintf(path, sizeof(path), "%s.part/keys/store-%s.key", r->how->state, zone);
    if (!tool_read_file(path, 32, &key))
        return false;
    bool good = key.len == 32;
    if (good)
        memcpy(config.master_key, key.p, 32);
    buf_fini(&key);
    snprintf(path, sizeof(path), "zones/%s/store/", zone);
    good = good && make_folders(r, path);
    r->store_fd = good ? openat(r->state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    config.directory_fd = r->store_fd;
    enum err e = config.directory_fd >= 0 ? undump_open(&config, &r->undump) : ERR_IO;
    sodium_memzero(config.master_key, sizeof(config.master_key));
    if (e != OK)
        fprintf(stderr, "bulkhead: zone %s: its store cannot be made: %s\n", zone, err_text(e));
    return e == OK;
}

static bool
take_piece(struct restoring *r, const struct backup_line *line)
{
    struct disk disk = disk_system();
    char file[80], name[128];
    backup_piece_name(file, line->id);
    backup_seal_name(name, "piece", 0, file);
    if (!open_sealed(r, file, name, line))
        return false;
    struct bytes plain = buf_bytes(&r->plain);
    enum err e = ERR_MALFORMED;
    r->pieces++;
    if (r->undump)
        e = r->leaves ? undump_leaves(r->undump, plain) : undump_part(r->undump, plain);
    else if (r->file_fd >= 0)
        e = disk_write_at(&disk, r->file_fd, plain, r->file_at);
    r->file_at += plain.len;
    if (e != OK)
        fprintf(stderr, "bulkhead: %s/%s cannot be brought back: %s\n", r->place.path, file,
                err_text(e));
    return e == OK;
}

/* ---- keys ------------------------------------------------------------------------------- */

/* Parts into the store, small states to their places. */
static bool
take_kept(struct restoring *r)
{
    struct disk disk = disk_system();
    struct bytes left = buf_bytes(&r->plain);
    struct backup_kept k;
    enum err e;
    while ((e = backup_next_kept(&left, &k)) == OK) {
        if (k.kind == KEPT_PART) {
            e = undump_part(r->undump, k.bytes);
        } else {
            e = begin_file(r, k.path, 0600) ? disk_write_at(&disk, r->file_fd, k.bytes, 0) : ERR_IO;
            if (!close_file(r))
                e = ERR_IO;
        }
        if (e != OK)
            break;
    }
    if (e != ERR_NOT_FOUND)
        fprintf(stderr, "bulkhead: zone %s: its keys cannot be brought back: %s\n", r->zone,
                err_text(e));
    return e == ERR_NOT_FOUND;
}

/* All keys of the zone that are still there, of the newest generation. */
static bool
take_keys(struct restoring *r)
{
    struct backup_list l;
    struct backup_line line;
    char file[BACKUP_PATH_MAX + 80], name[128];
    uint8_t own[32];
    uint32_t gone = 0;
    bool good = true;
    enum err e = backup_list_open(buf_bytes(&r->keys_list), &l);
    memcpy(own, r->ids_key, sizeof(own));
    if (e == OK)
        memcpy(r->ids_key, l.ids_key, sizeof(r->ids_key));
    while (good && e == OK && (e = backup_list_next(&l, &line)) == OK) {
        if (line.kind != LINE_KEYS || strcmp(line.path, r->zone) != 0)
            continue;
        snprintf(file, sizeof(file), "keys/%s.%llu.%lld", r->zone, (unsigned long long)r->newest,
                 (long long)line.until_s);
        backup_seal_name(name, "keys", r->newest, r->zone);
        if (line.until_s && backup_size(&r->place, file) < 0) {
            gone++;
            continue;
        }
        good = open_sealed(r, file, name, &line) && take_kept(r);
        sodium_memzero(r->plain.p, r->plain.len);
    }
    memcpy(r->ids_key, own, sizeof(own));
    if (gone)
        printf("zone %s: %u files of keys were destroyed when their time was over\n", r->zone,
               gone);
    return good && e == ERR_NOT_FOUND;
}

static bool
end_store(struct restoring *r)
{
    if (!r->undump)
        return true;
    bool good = take_keys(r);
    enum err e = good ? undump_finish(r->undump) : ERR_IO;
    undump_close(r->undump);
    r->undump = NULL;
    close(r->store_fd);
    if (good && e != OK)
        fprintf(stderr, "bulkhead: zone %s: its store is not whole: %s\n", r->zone, err_text(e));
    return e == OK;
}

/* ---- the whole -------------------------------------------------------------------------- */

static bool
take_line(struct restoring *r, const struct backup_line *line)
{
    switch (line->kind) {
    case LINE_FILE:
        return close_file(r) && end_store(r) && begin_file(r, line->path, line->mode);
    case LINE_STORE:
        r->leaves = false;
        return close_file(r) && end_store(r) && begin_store(r, line->path);
    case LINE_LEAVES:
        r->leaves = true;
        return r->undump != NULL;
    case LINE_PIECE:
        return take_piece(r, line);
    case LINE_KEYS:
        return true; /* those of the newest generation: take_keys() */
    }
    return false;
}

static bool
take_all(struct restoring *r)
{
    struct backup_list l;
    struct backup_line line;
    enum err e = backup_list_open(buf_bytes(&r->list), &l);
    if (e == OK)
        memcpy(r->ids_key, l.ids_key, sizeof(r->ids_key));
    while (e == OK && (e = backup_list_next(&l, &line)) == OK)
        if (!take_line(r, &line))
            return false;
    if (e != ERR_NOT_FOUND)
        fprintf(stderr, "bulkhead: the list of this generation: %s\n",
                e == ERR_UNSUPPORTED ? "a newer program made it" : err_text(e));
    return e == ERR_NOT_FOUND && close_file(r) && end_store(r);
}

/*
 * Leases were numbered on after this was copied. Nobody knows how far; devices say so when they
 * meet a number that they took already, and so much is left out that they rarely need to.
 */
static bool
raise_warden(const struct restoring *r, const char *zone)
{
    char path[BACKUP_PATH_MAX + 32];
    struct disk disk = disk_system();
    struct sequence s;
    uint64_t number;
    snprintf(path, sizeof(path), "zones/%s/warden.state", zone);
    int fd = openat(r->state_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    enum err e = sequence_open(&s, &disk, fd);
    if (e == OK && !s.first_start)
        e = sequence_raise(&s, s.next + SEQUENCE_JUMP_MAX - 1);
    if (e == OK && !s.first_start)
        e = sequence_take(&s, &number);
    close(fd);
    if (e != OK)
        fprintf(stderr, "bulkhead: zone %s: warden.state: %s\n", zone, err_text(e));
    return e == OK;
}

static bool
raise_wardens(const struct restoring *r)
{
    struct backup_list l;
    struct backup_line line;
    enum err e = backup_list_open(buf_bytes(&r->list), &l);
    while (e == OK && (e = backup_list_next(&l, &line)) == OK)
        if (line.kind == LINE_STORE && !raise_warden(r, line.path))
            return false;
    return e == ERR_NOT_FOUND;
}

static bool
open_lists(struct restoring *r)
{
    const struct backup_place *p = &r->place;
    uint64_t wanted = r->how->generation;
    bool there = false;
    if (p->count == 0) {
        fprintf(stderr, "bulkhead: %s holds no generation\n", p->path);
        return false;
    }
    r->newest = p->generations[p->count - 1];
    if (wanted == 0)
        wanted = r->newest;
    for (size_t i = 0; i < p->count; i++)
        there |= p->generations[i] == wanted;
    if (!there) {
        fprintf(stderr, "bulkhead: %s holds no generation %llu; it holds", p->path,
                (unsigned long long)wanted);
        for (size_t i = 0; i < p->count; i++)
            fprintf(stderr, " %u", p->generations[i]);
        fprintf(stderr, "\n");
        return false;
    }
    if (!open_list(r, r->newest, &r->keys_list))
        return false;
    if (wanted != r->newest)
        return open_list(r, wanted, &r->list);
    buf_init(&r->list, BACKUP_LIST_MAX);
    buf_put(&r->list, buf_bytes(&r->keys_list));
    return true;
}

static bool
make_state(struct restoring *r, const char *part)
{
    if (access(r->how->state, F_OK) == 0) {
        fprintf(stderr, "bulkhead: %s is there already; nothing is written over\n", r->how->state);
        return false;
    }
    if (mkdir(part, 0700) != 0) {
        fprintf(stderr, "bulkhead: cannot make %s: %s%s\n", part, strerror(errno),
                errno == EEXIST ? "; it is of a restore that did not end: remove it" : "");
        return false;
    }
    r->state_fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return r->state_fd >= 0 || complain(r, ".");
}

int
backup_bring_back(const struct backup_restore *how)
{
    struct restoring r = {.how = how, .state_fd = -1, .file_fd = -1};
    char part[TOOL_PATH_SIZE];
    snprintf(part, sizeof(part), "%s.part", how->state);
    if (!backup_place_open(&r.place, how->from, false))
        return EXIT_CANNOT;
    buf_init(&r.plain, BACKUP_PIECE_MAX * 4);
    buf_init(&r.sealed, 1);
    bool good = open_lists(&r) && make_state(&r, part);
    bool whole =
        good && take_all(&r) && (!how->for_use || raise_wardens(&r)) && syncfs(r.state_fd) == 0;
    if (whole)
        printf("brought back %llu files and %llu pieces\n", (unsigned long long)r.files,
               (unsigned long long)r.pieces);
    undump_close(r.undump);
    if (r.state_fd >= 0)
        close(r.state_fd);
    backup_place_close(&r.place);
    buf_fini(&r.list);
    buf_fini(&r.keys_list);
    buf_fini(&r.sealed);
    buf_fini(&r.plain);
    return whole ? EXIT_OK : good ? EXIT_DOES_NOT_HOLD : EXIT_CANNOT;
}
