#include "cli/log_files.h"

#include "base/text.h"
#include "cli/tool.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

bool
log_files_names(const char *state, struct log_names *out)
{
    char path[TOOL_PATH_SIZE];
    snprintf(path, sizeof(path), "%s/ledger", state);
    DIR *folder = opendir(path);
    struct dirent *entry;
    out->count = 0;
    while (folder && (entry = readdir(folder)) != NULL) {
        struct bytes name = bytes_text(entry->d_name);
        if (out->count < LOG_FILES_LOGS_MAX && text_is_name(name) &&
            bytes_copy_text(name, out->list[out->count], LOG_FILES_NAME_SIZE) == OK)
            out->count++;
    }
    if (folder)
        closedir(folder);
    qsort(out->list, out->count, sizeof(out->list[0]), compare_names);
    if (out->count == 0)
        fprintf(stderr, "bulkhead: %s: no ledger is there\n", path);
    return out->count > 0;
}

static bool
read_verifier_key(const char *state, const char *name, const char *verifier_key,
                  struct log_files *f, uint8_t out_key[static 32])
{
    char path[TOOL_PATH_SIZE];
    struct buf file;
    struct bytes text;
    snprintf(path, sizeof(path), "%s/keys/ledger-%s.vkey", state, name);
    if (verifier_key) {
        buf_init(&file, 512);
        buf_text(&file, verifier_key);
    } else if (!tool_read_file(path, 511, &file)) {
        return false;
    }
    text = buf_bytes(&file);
    if (text.len && text.p[text.len - 1] == '\n')
        text.len--;
    bool good = note_parse_verifier_key(text, f->origin, out_key) == OK &&
                bytes_copy_text(text, f->verifier_key, sizeof(f->verifier_key)) == OK;
    if (!good)
        fprintf(stderr, "bulkhead: %s is no verifier key (name+id+key)\n",
                verifier_key ? verifier_key : path);
    buf_fini(&file);
    return good;
}

bool
log_files_key(const char *state, const char *name, char out_origin[static NOTE_KEY_NAME_MAX + 1],
              uint8_t out_key[static 32])
{
    struct log_files *f = calloc(1, sizeof(*f));
    bool good = f && read_verifier_key(state, name, NULL, f, out_key);
    if (good)
        memcpy(out_origin, f->origin, sizeof(f->origin));
    free(f);
    return good;
}

/* The files hold less than this checkpoint says? False: they hold enough, but something else. */
static bool
is_cut_short(const struct log_files *f)
{
    struct stat entries, offsets, hashes;
    uint64_t size = f->log.signed_checkpoint.size;
    if (fstat(f->fds[0], &entries) != 0 || fstat(f->fds[1], &offsets) != 0 ||
        fstat(f->fds[2], &hashes) != 0)
        return false;
    return (uint64_t)entries.st_size < f->log.entries_end || (size > 0 && entries.st_size == 0) ||
           (uint64_t)offsets.st_size < size * 8 ||
           (uint64_t)hashes.st_size < tree_stored_count(size) * TREE_HASH_SIZE;
}

/* Why a log whose checkpoint or tree does not hold was not opened. */
static void
tell_refusal(const struct log_files *f)
{
    uint64_t size = f->log.signed_checkpoint.size;
    if (f->log.signed_checkpoint.origin[0] == '\0')
        fprintf(stderr,
                "bulkhead: log %s DOES NOT HOLD: its checkpoint is not signed by the key %s\n",
                f->name, f->verifier_key);
    else if (is_cut_short(f))
        fprintf(stderr,
                "bulkhead: log %s DOES NOT HOLD: truncated: its signed checkpoint tells of %llu "
                "entries, and the files end before\n",
                f->name, (unsigned long long)size);
    else
        fprintf(stderr,
                "bulkhead: log %s DOES NOT HOLD: edited: the hashes under its signed checkpoint "
                "of %llu entries are not those that were signed\n",
                f->name, (unsigned long long)size);
}

int
log_files_open(const char *state, const char *name, const char *verifier_key, struct log_files *out)
{
    static const char *const names[] = {"entries", "offsets", "hashes", "checkpoint"};
    struct log_config config = {.disk = disk_system(), .read_only = true, .origin = out->origin};
    char path[TOOL_PATH_SIZE];
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        out->fds[i] = -1;
    if (bytes_copy_text(bytes_text(name), out->name, sizeof(out->name)) != OK ||
        !text_is_name(bytes_text(name))) {
        fprintf(stderr, "bulkhead: no log can be called '%s'\n", name);
        return EXIT_CANNOT;
    }
    if (!read_verifier_key(state, name, verifier_key, out, config.public_key))
        return EXIT_CANNOT;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/ledger/%s/%s", state, name, names[i]);
        out->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (out->fds[i] < 0) {
            fprintf(stderr, "bulkhead: cannot read %s: %s\n", path, strerror(errno));
            log_files_close(out);
            return EXIT_CANNOT;
        }
    }
    config.entries_fd = out->fds[0];
    config.offsets_fd = out->fds[1];
    config.hashes_fd = out->fds[2];
    config.checkpoint_fd = out->fds[3];
    enum err e = log_open(&out->log, &config);
    if (e != OK) {
        if (e == ERR_CRYPTO)
            tell_refusal(out);
        else
            fprintf(stderr, "bulkhead: log %s: %s\n", name, err_text(e));
        log_files_close(out);
        return e == ERR_CRYPTO ? EXIT_DOES_NOT_HOLD : EXIT_CANNOT;
    }
    return EXIT_OK;
}

void
log_files_close(struct log_files *f)
{
    log_close(&f->log);
    for (size_t i = 0; i < ARRAY_COUNT(f->fds); i++)
        if (f->fds[i] >= 0)
            close(f->fds[i]);
}

/* ---- verify ---------------------------------------------------------------------------- */

struct anchor {
    uint64_t size;
    char root[65];
};

/* An anchor tells the journal's size and root: it may grow, and never be another at one size. */
static bool
check_anchor(struct bytes entry, uint64_t index, struct anchor *last, struct log_verdict *v)
{
    if (!bytes_start(entry, "{\"event\":\"anchor\""))
        return true;
    cJSON *json = cJSON_ParseWithLength((const char *)entry.p, entry.len);
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(json, "size");
    const cJSON *root = cJSON_GetObjectItemCaseSensitive(json, "root");
    bool good = cJSON_IsNumber(size) && size->valuedouble >= 0 && size->valuedouble < 0x1p53 &&
                cJSON_IsString(root) && strlen(root->valuestring) == 64;
    if (!good) {
        snprintf(v->why, sizeof(v->why), "entry %llu is an anchor without size and root",
                 (unsigned long long)index);
    } else {
        uint64_t n = (uint64_t)size->valuedouble;
        good = n > last->size || (n == last->size && strcmp(last->root, root->valuestring) == 0);
        if (!good)
            snprintf(
                v->why, sizeof(v->why),
                "entry %llu: the journal's head went from size %llu to %llu%s: it was rewritten",
                (unsigned long long)index, (unsigned long long)last->size, (unsigned long long)n,
                n == last->size ? " with another root" : "");
        last->size = n;
        snprintf(last->root, sizeof(last->root), "%s", root->valuestring);
        v->anchors++;
    }
    cJSON_Delete(json);
    return good;
}

/* The entry's hash and every node that it completed, against those in the file. */
static bool
check_nodes(const struct tree_reader *r, struct tree_edge *edge, struct bytes entry,
            struct log_verdict *v)
{
    struct tree_hash leaf, done[TREE_LEVELS_MAX], stored;
    uint64_t index = edge->size;
    tree_hash_leaf(entry, &leaf);
    uint32_t count = tree_edge_append(edge, &leaf, done);
    for (uint32_t level = 0; level < count; level++) {
        if (r->read(r->ctx, level, index >> level, &stored) == OK &&
            tree_hash_equal(&stored, &done[level]))
            continue;
        snprintf(v->why, sizeof(v->why),
                 "edited: entry %llu was changed: its hash at level %u is not the stored one",
                 (unsigned long long)index, level);
        return false;
    }
    return true;
}

enum err
log_files_verify(const struct log_files *f, struct log_verdict *out)
{
    struct tree_reader r = log_reader(&f->log);
    struct tree_edge edge = {.size = 0};
    struct anchor last = {0, ""};
    struct log_verdict v = {0};
    struct buf entry;
    bool good = true;
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    while (good && edge.size < log_size(&f->log)) {
        uint64_t index = edge.size;
        buf_reset(&entry);
        good = log_put_entry(&f->log, index, &entry) == OK;
        if (!good)
            snprintf(v.why, sizeof(v.why), "edited: entry %llu cannot be read any more",
                     (unsigned long long)index);
        good = good && check_nodes(&r, &edge, buf_bytes(&entry), &v) &&
               check_anchor(buf_bytes(&entry), index, &last, &v);
    }
    buf_fini(&entry);
    struct tree_hash root;
    tree_edge_root(&edge, &root);
    if (good && f->log.generation > 0 && !tree_hash_equal(&root, &f->log.signed_checkpoint.root)) {
        snprintf(v.why, sizeof(v.why), "the tree's root is not the signed one");
        good = false;
    }
    v.entries = edge.size;
    *out = v;
    return good ? OK : ERR_CRYPTO;
}

/* ---- export ---------------------------------------------------------------------------- */

struct export
{
    const struct log_files *files;
    const char *directory;
    struct buf bytes;
};

/* DIRECTORY/path, its folders made on the way. */
static bool
write_under(const char *directory, const char *path, struct bytes what)
{
    char full[TOOL_PATH_SIZE];
    int n = snprintf(full, sizeof(full), "%s/%s", directory, path);
    if (n < 0 || (size_t)n >= sizeof(full))
        return false;
    for (char *slash = strchr(full + strlen(directory), '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = mkdir(full, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    FILE *f = fopen(full, "we");
    if (!f)
        return false;
    bool good = what.len == 0 || fwrite(what.p, 1, what.len, f) == what.len;
    return fclose(f) == 0 && good;
}

static enum err
export_tile(void *ctx, const struct tile *t)
{
    struct export *x = ctx;
    struct buf path;
    buf_init(&path, TILE_PATH_MAX);
    tile_put_path(&path, t);
    buf_reset(&x->bytes);
    enum err e = log_put_tile(&x->files->log, t, &x->bytes);
    if (e == OK && !write_under(x->directory, buf_string(&path), buf_bytes(&x->bytes)))
        e = ERR_IO;
    buf_fini(&path);
    return e;
}

bool
log_files_export(const struct log_files *f, const char *directory)
{
    struct export x = {.files = f, .directory = directory};
    char key[sizeof(f->verifier_key) + 1];
    snprintf(key, sizeof(key), "%s\n", f->verifier_key);
    buf_init(&x.bytes, LOG_BUNDLE_BYTES_MAX);
    enum err e = tile_each(log_size(&f->log), export_tile, &x);
    buf_fini(&x.bytes);
    /* The checkpoint last: whoever finds one finds what lies under it. */
    bool good = e == OK && write_under(directory, "verifier-key", bytes_text(key)) &&
                write_under(directory, "checkpoint", log_note(&f->log));
    if (!good)
        fprintf(stderr, "bulkhead: cannot write the tree under %s: %s\n", directory,
                strerror(errno));
    return good;
}
