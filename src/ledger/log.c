#include "ledger/log.h"

#include <sodium.h>

#define SLOT_TITLE "BHCKPT1\n"

enum {
    TITLE_SIZE = 8,
    SLOT_HEAD_SIZE = TITLE_SIZE + 8 + 4,
    OFFSET_SIZE = 8,
    ZERO_CHUNK_SIZE = 4096,
};
_Static_assert(SLOT_HEAD_SIZE + CHECKPOINT_NOTE_MAX + 32 <= LOG_SLOT_SIZE, "a note fits a slot");
_Static_assert((int)LOG_ENTRY_BYTES_MAX <= (int)TILE_ENTRY_BYTES_MAX, "an entry fits a bundle");

static void
put_number(uint8_t *out, size_t width, uint64_t v)
{
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static uint64_t
get_number(const uint8_t *p, size_t width)
{
    uint64_t v = 0;
    for (size_t i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- reading --------------------------------------------------------------------------- */

/* All `len` bytes, or ERR_NOT_FOUND when the file is too short. */
static enum err
read_all(const struct log *l, int fd, void *to, size_t len, uint64_t offset)
{
    size_t got = 0;
    enum err e = disk_read_at(&l->config.disk, fd, to, len, offset, &got);
    if (e != OK)
        return e;
    return got == len ? OK : ERR_NOT_FOUND;
}

static enum err
read_node(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    const struct log *l = ctx;
    if (level >= TREE_LEVELS_MAX || index >= l->edge.size >> level)
        return ERR_NOT_FOUND;
    return read_all(l, l->config.hashes_fd, out->b, TREE_HASH_SIZE,
                    tree_stored_position(level, index) * TREE_HASH_SIZE);
}

struct tree_reader
log_reader(const struct log *l)
{
    return (struct tree_reader){read_node, (void *)(uintptr_t)l};
}

void
log_root(const struct log *l, struct tree_hash *out)
{
    tree_edge_root(&l->edge, out);
}

/* Where the first `count` entries end. */
static enum err
read_end(const struct log *l, uint64_t count, uint64_t *out)
{
    uint8_t b[OFFSET_SIZE];
    if (count == 0) {
        *out = 0;
        return OK;
    }
    enum err e = read_all(l, l->config.offsets_fd, b, sizeof(b), (count - 1) * OFFSET_SIZE);
    if (e == OK)
        *out = get_number(b, sizeof(b));
    return e;
}

/* The bytes of the entries [from, to), each behind its length. */
static enum err
put_entries(const struct log *l, uint64_t from, uint64_t to, struct buf *out)
{
    uint64_t start = 0, end = 0;
    if (from >= to || to > l->edge.size)
        return ERR_NOT_FOUND;
    enum err e = read_end(l, from, &start);
    if (e == OK)
        e = read_end(l, to, &end);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    if (end < start || end - start > LOG_BUNDLE_BYTES_MAX)
        return ERR_CRYPTO;
    uint8_t *room = buf_room(out, (size_t)(end - start));
    if (!room)
        return ERR_LIMIT;
    e = read_all(l, l->config.entries_fd, room, (size_t)(end - start), start);
    if (e == OK)
        buf_filled(out, (size_t)(end - start));
    return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
}

enum err
log_put_entry(const struct log *l, uint64_t index, struct buf *out)
{
    struct buf bundle;
    buf_init(&bundle, 2 + LOG_ENTRY_BYTES_MAX);
    enum err e = put_entries(l, index, index + 1, &bundle);
    struct bytes rest = buf_bytes(&bundle), entry;
    if (e == ERR_LIMIT || (e == OK && (tile_take_entry(&rest, &entry) != OK || rest.len)))
        e = ERR_CRYPTO;
    if (e == OK) {
        buf_put(out, entry);
        e = buf_error(out);
    }
    buf_fini(&bundle);
    return e;
}

enum err
log_put_tile(const struct log *l, const struct tile *t, struct buf *out)
{
    struct tree_reader r = log_reader(l);
    if (t->kind == TILE_HASHES)
        return tile_put_hashes(&r, l->edge.size, t, out);
    if (tile_width(0, t->n, l->edge.size) < t->width)
        return ERR_NOT_FOUND;
    return put_entries(l, t->n * TILE_WIDTH, t->n * TILE_WIDTH + t->width, out);
}

/* ---- checkpoints ----------------------------------------------------------------------- */

struct slot {
    uint64_t generation;
    size_t note_len;
    uint8_t bytes[LOG_SLOT_SIZE];
};

/* True when the slot holds a checkpoint that was written to its end. */
static enum err
read_slot(const struct log *l, uint64_t which, struct slot *out, bool *out_whole)
{
    size_t got = 0;
    uint8_t digest[crypto_hash_sha256_BYTES];
    enum err e = disk_read_at(&l->config.disk, l->config.checkpoint_fd, out->bytes,
                              sizeof(out->bytes), which * LOG_SLOT_SIZE, &got);
    *out_whole = false;
    if (e != OK || got < SLOT_HEAD_SIZE || memcmp(out->bytes, SLOT_TITLE, TITLE_SIZE) != 0)
        return e;
    out->generation = get_number(out->bytes + TITLE_SIZE, 8);
    out->note_len = (size_t)get_number(out->bytes + TITLE_SIZE + 8, 4);
    size_t signed_len = SLOT_HEAD_SIZE + out->note_len;
    if (out->note_len > CHECKPOINT_NOTE_MAX || got < signed_len + sizeof(digest))
        return OK;
    crypto_hash_sha256(digest, out->bytes, signed_len);
    *out_whole = memcmp(digest, out->bytes + signed_len, sizeof(digest)) == 0;
    return OK;
}

/* The newest whole checkpoint into the log; none is fine: then nothing was ever signed. */
static enum err
load_checkpoint(struct log *l)
{
    struct slot *slot = malloc(2 * sizeof(*slot)), *newest = NULL;
    if (!slot)
        return ERR_LIMIT;
    enum err e = OK;
    for (uint64_t i = 0; e == OK && i < 2; i++) {
        bool whole = false;
        e = read_slot(l, i, &slot[i], &whole);
        if (e == OK && whole && (!newest || slot[i].generation > newest->generation))
            newest = &slot[i];
    }
    if (e == OK && newest) {
        struct bytes note = bytes_of(newest->bytes + SLOT_HEAD_SIZE, newest->note_len);
        /* Whole and yet not ours: somebody wrote here, or the key was exchanged. */
        if (checkpoint_open(note, l->config.origin, l->config.public_key, &l->signed_checkpoint) !=
            OK)
            e = ERR_CRYPTO;
        l->generation = newest->generation;
        buf_put(&l->note, note);
    }
    free(slot);
    return e;
}

static enum err
write_slot(struct log *l, struct bytes note)
{
    struct buf slot;
    uint8_t head[SLOT_HEAD_SIZE], digest[crypto_hash_sha256_BYTES];
    ASSERT(note.len <= CHECKPOINT_NOTE_MAX);
    memcpy(head, SLOT_TITLE, TITLE_SIZE);
    put_number(head + TITLE_SIZE, 8, l->generation + 1);
    put_number(head + TITLE_SIZE + 8, 4, note.len);
    buf_init(&slot, LOG_SLOT_SIZE);
    buf_put(&slot, bytes_of(head, sizeof(head)));
    buf_put(&slot, note);
    enum err e = buf_error(&slot);
    if (e == OK) {
        crypto_hash_sha256(digest, slot.p, slot.len);
        buf_put(&slot, bytes_of(digest, sizeof(digest)));
        e = buf_error(&slot);
    }
    if (e == OK)
        e = disk_write_at(&l->config.disk, l->config.checkpoint_fd, buf_bytes(&slot),
                          (l->generation + 1) % 2 * LOG_SLOT_SIZE);
    if (e == OK)
        e = disk_sync(&l->config.disk, l->config.checkpoint_fd);
    buf_fini(&slot);
    return e;
}

static enum err
sign_note(const struct log *l, const struct checkpoint *c, const uint8_t secret[static 64],
          struct buf *out)
{
    struct buf text;
    buf_init(&text, CHECKPOINT_TEXT_MAX);
    enum err e = checkpoint_put_text(&text, c);
    if (e == OK)
        e = note_sign(buf_bytes(&text), l->config.origin, secret, out);
    buf_fini(&text);
    return e;
}

enum err
log_sign(struct log *l, const uint8_t secret[static 64], const char *extension)
{
    ASSERT(!l->config.read_only);
    if (l->failed != OK)
        return l->failed;
    if (l->generation > 0 && l->signed_checkpoint.size == l->edge.size &&
        strcmp(l->signed_checkpoint.extension, extension) == 0)
        return OK;
    struct checkpoint c;
    memset(&c, 0, sizeof(c));
    struct buf note;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    c.size = l->edge.size;
    log_root(l, &c.root);
    enum err e = bytes_copy_text(bytes_text(l->config.origin), c.origin, sizeof(c.origin));
    if (e == OK)
        e = bytes_copy_text(bytes_text(extension), c.extension, sizeof(c.extension));
    if (e == OK)
        e = sign_note(l, &c, secret, &note);
    if (e == OK) {
        e = disk_sync(&l->config.disk, l->config.offsets_fd); /* L4 */
        if (e == OK)
            e = write_slot(l, buf_bytes(&note));
        l->failed = e;
    }
    if (e == OK) {
        l->generation++;
        l->signed_checkpoint = c;
        buf_reset(&l->note);
        buf_put(&l->note, buf_bytes(&note));
    }
    buf_fini(&note);
    return e;
}

/* ---- appending ------------------------------------------------------------------------- */

enum err
log_append(struct log *l, struct bytes entry, uint64_t *out_index)
{
    ASSERT(!l->config.read_only);
    if (l->failed != OK)
        return l->failed;
    if (entry.len == 0 || entry.len > LOG_ENTRY_BYTES_MAX)
        return ERR_MALFORMED;
    if (l->pending.size - l->edge.size == LOG_BATCH_ENTRIES_MAX ||
        l->batch_entries.len + 2 + entry.len > LOG_BATCH_BYTES_MAX ||
        l->pending.size == TREE_SIZE_MAX)
        return ERR_LIMIT;
    struct tree_hash leaf, done[TREE_LEVELS_MAX];
    uint8_t end[OFFSET_SIZE];
    tree_hash_leaf(entry, &leaf);
    uint64_t index = l->pending.size;
    uint32_t count = tree_edge_append(&l->pending, &leaf, done);
    tile_put_entry(&l->batch_entries, entry);
    put_number(end, sizeof(end), l->entries_end + l->batch_entries.len);
    buf_put(&l->batch_offsets, bytes_of(end, sizeof(end)));
    buf_put(&l->batch_hashes, bytes_of(done, count * sizeof(done[0])));
    if (buf_error(&l->batch_entries) != OK || buf_error(&l->batch_offsets) != OK ||
        buf_error(&l->batch_hashes) != OK) {
        l->failed = ERR_LIMIT; /* no memory: the batch cannot be trusted any more */
        return l->failed;
    }
    *out_index = index;
    return OK;
}

static void
forget_batch(struct log *l)
{
    l->pending = l->edge;
    buf_reset(&l->batch_entries);
    buf_reset(&l->batch_offsets);
    buf_reset(&l->batch_hashes);
}

enum err
log_commit(struct log *l)
{
    ASSERT(!l->config.read_only);
    const struct disk *disk = &l->config.disk;
    if (l->failed != OK)
        return l->failed;
    if (!log_dirty(l))
        return OK;
    enum err e =
        disk_write_at(disk, l->config.entries_fd, buf_bytes(&l->batch_entries), l->entries_end);
    if (e == OK)
        e = disk_write_at(disk, l->config.hashes_fd, buf_bytes(&l->batch_hashes),
                          tree_stored_count(l->edge.size) * TREE_HASH_SIZE);
    if (e == OK)
        e = disk_write_at(disk, l->config.offsets_fd, buf_bytes(&l->batch_offsets),
                          l->edge.size * OFFSET_SIZE);
    if (e == OK)
        e = disk_sync(disk, l->config.entries_fd);
    if (e == OK)
        e = disk_sync(disk, l->config.hashes_fd);
    if (e != OK) {
        l->failed = e;
        forget_batch(l);
        return e;
    }
    l->entries_end += l->batch_entries.len;
    l->edge = l->pending;
    forget_batch(l);
    return OK;
}

/* ---- recovery -------------------------------------------------------------------------- */

/* The tree under the newest checkpoint must be there and have its root (L4). */
static enum err
recover_checkpoint(struct log *l)
{
    struct tree_reader r = log_reader(l);
    struct tree_edge edge;
    struct tree_hash root;
    uint64_t size = l->generation > 0 ? l->signed_checkpoint.size : 0;
    uint8_t last = 0;
    l->edge.size = size; /* read_node() asks for it */
    enum err e = tree_read_edge(&r, size, &edge);
    if (e == OK) {
        tree_edge_root(&edge, &root);
        if (l->generation > 0 && !tree_hash_equal(&root, &l->signed_checkpoint.root))
            e = ERR_CRYPTO;
    }
    if (e == OK)
        e = read_end(l, size, &l->entries_end);
    if (e == OK && l->entries_end > 0)
        e = read_all(l, l->config.entries_fd, &last, 1, l->entries_end - 1);
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
    l->edge = edge;
    return OK;
}

/* Reads the entry at entries_end; ERR_NOT_FOUND when no whole one is there. */
static enum err
read_next(const struct log *l, uint8_t entry[static LOG_ENTRY_BYTES_MAX], size_t *out_len)
{
    uint8_t head[2];
    enum err e = read_all(l, l->config.entries_fd, head, sizeof(head), l->entries_end);
    if (e != OK)
        return e;
    size_t len = (size_t)get_number(head, sizeof(head));
    if (len == 0 || len > LOG_ENTRY_BYTES_MAX)
        return ERR_NOT_FOUND;
    *out_len = len;
    return read_all(l, l->config.entries_fd, entry, len, l->entries_end + sizeof(head));
}

/* Counts one entry behind the checkpoint, if it is whole and its hashes agree (L2). */
static enum err
recover_entry(struct log *l, uint8_t entry[static LOG_ENTRY_BYTES_MAX])
{
    struct tree_hash leaf, done[TREE_LEVELS_MAX], stored[TREE_LEVELS_MAX];
    struct tree_edge next = l->edge;
    uint8_t end[OFFSET_SIZE];
    size_t len = 0;
    enum err e = read_next(l, entry, &len);
    if (e != OK)
        return e;
    tree_hash_leaf(bytes_of(entry, len), &leaf);
    uint32_t count = tree_edge_append(&next, &leaf, done);
    e = read_all(l, l->config.hashes_fd, stored, count * sizeof(stored[0]),
                 tree_stored_count(l->edge.size) * TREE_HASH_SIZE);
    if (e != OK)
        return e;
    if (memcmp(stored, done, count * sizeof(done[0])) != 0)
        return ERR_NOT_FOUND;
    put_number(end, sizeof(end), l->entries_end + 2 + len);
    e = disk_write_at(&l->config.disk, l->config.offsets_fd, bytes_of(end, sizeof(end)),
                      l->edge.size * OFFSET_SIZE);
    if (e != OK)
        return e;
    l->entries_end += 2 + len;
    l->edge = next;
    return OK;
}

/*
 * Overwrites what stands behind the hashes that count, to the end of the file (L3); zeros too: they
 * may be somebody's who could not sync them.
 */
static enum err
zero_tail(const struct log *l)
{
    static const uint8_t zeros[ZERO_CHUNK_SIZE];
    uint8_t chunk[ZERO_CHUNK_SIZE];
    uint64_t at = tree_stored_count(l->edge.size) * TREE_HASH_SIZE;
    for (;;) {
        size_t got = 0;
        enum err e =
            disk_read_at(&l->config.disk, l->config.hashes_fd, chunk, sizeof(chunk), at, &got);
        if (e != OK || got == 0)
            return e;
        e = disk_write_at(&l->config.disk, l->config.hashes_fd, bytes_of(zeros, got), at);
        if (e != OK)
            return e;
        at += got;
    }
}

/* What counts now may be in the kernel's memory only: of a process that was killed (L5). */
static enum err
keep_tail(const struct log *l, uint64_t entries_from, uint64_t size_from)
{
    const struct disk *disk = &l->config.disk;
    enum err e = disk_write_again(disk, l->config.entries_fd, entries_from, l->entries_end);
    if (e == OK)
        e = disk_write_again(disk, l->config.hashes_fd,
                             tree_stored_count(size_from) * TREE_HASH_SIZE,
                             tree_stored_count(l->edge.size) * TREE_HASH_SIZE);
    if (e == OK)
        e = disk_sync(disk, l->config.offsets_fd);
    if (e == OK && l->generation > 0)
        e = disk_write_again(disk, l->config.checkpoint_fd, l->generation % 2 * LOG_SLOT_SIZE,
                             (l->generation % 2 + 1) * LOG_SLOT_SIZE);
    return e;
}

static enum err
recover_tail(struct log *l)
{
    uint8_t *entry = malloc(LOG_ENTRY_BYTES_MAX);
    if (!entry)
        return ERR_LIMIT;
    uint64_t entries_from = l->entries_end, size_from = l->edge.size;
    enum err e = OK;
    while (e == OK)
        e = recover_entry(l, entry);
    free(entry);
    if (e == ERR_NOT_FOUND)
        e = zero_tail(l);
    return e == OK ? keep_tail(l, entries_from, size_from) : e;
}

/* The entry is the one that the tree says. */
static enum err
check_entry(const struct log *l, uint64_t index, struct buf *entry)
{
    struct tree_hash leaf, stored;
    buf_reset(entry);
    enum err e = log_put_entry(l, index, entry);
    if (e != OK)
        return e;
    tree_hash_leaf(buf_bytes(entry), &leaf);
    e = read_node((void *)(uintptr_t)l, 0, index, &stored);
    return e == OK && !tree_hash_equal(&leaf, &stored) ? ERR_CRYPTO : e;
}

enum err
log_check(const struct log *l, uint64_t from, uint64_t to)
{
    struct buf entry;
    enum err e = OK;
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    for (uint64_t i = from; e == OK && i < to && i < l->edge.size; i++)
        e = check_entry(l, i, &entry);
    buf_fini(&entry);
    return e;
}

enum err
log_open(struct log *l, const struct log_config *config)
{
    ASSERT(note_is_key_name(bytes_text(config->origin)));
    memset(l, 0, sizeof(*l));
    l->config = *config;
    buf_init(&l->note, CHECKPOINT_NOTE_MAX);
    buf_init(&l->batch_entries, LOG_BATCH_BYTES_MAX);
    buf_init(&l->batch_offsets, LOG_BATCH_ENTRIES_MAX * OFFSET_SIZE);
    /* n leaves complete at most 2n + levels nodes, wherever they start. */
    buf_init(&l->batch_hashes, (2 * LOG_BATCH_ENTRIES_MAX + TREE_LEVELS_MAX) * TREE_HASH_SIZE);
    enum err e = load_checkpoint(l);
    if (e == OK)
        e = recover_checkpoint(l);
    if (e == OK && !config->read_only)
        e = recover_tail(l);
    if (e == OK && !config->read_only)
        e = log_check(l, l->edge.size > LOG_LOOKED_AT ? l->edge.size - LOG_LOOKED_AT : 0,
                      l->edge.size);
    if (e == OK)
        l->pending = l->edge;
    else
        log_close(l);
    return e;
}

void
log_close(struct log *l)
{
    buf_fini(&l->note);
    buf_fini(&l->batch_entries);
    buf_fini(&l->batch_offsets);
    buf_fini(&l->batch_hashes);
    l->failed = ERR_CLOSED;
}
