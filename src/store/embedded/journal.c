#include "store/embedded/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

static const char segment_magic[] = "BHSEG001";
static const char batch_magic[] = "BHBATCH1";
enum { MAGIC_SIZE = 8, PAYLOAD_SIZE = KEY_SIZE + 24 + TREE_LEVELS * TREE_HASH_SIZE };
enum { HEADER_SIZE = 16 + PAYLOAD_SIZE + SEAL_OVERHEAD };
enum { BEHIND_PIECE = 64 * 1024 };
_Static_assert(BEHIND_PIECE % JOURNAL_ALIGN == 0, "whole steps");
_Static_assert((int)HEADER_SIZE <= (int)JOURNAL_FIRST, "a header fits its place");

/* What a segment's header holds beside its key. */
struct header {
    uint64_t sequence;
    uint64_t next_batch;
    int64_t opened_us;
    struct tree tree;
};

struct segment *
journal_segment(struct journal *j, uint64_t sequence)
{
    for (uint32_t i = 0; i < j->segment_count; i++) {
        if (j->segment[i].sequence == sequence)
            return &j->segment[i];
    }
    return NULL;
}

static enum err
fill_with_zeros(struct journal *j, int fd)
{
    memset(j->frame, 0, JOURNAL_FRAME_MAX);
    for (uint64_t at = 0; at < j->segment_bytes;) {
        uint64_t n = j->segment_bytes - at;
        if (n > STORE_BATCH_BYTES_MAX)
            n = STORE_BATCH_BYTES_MAX;
        enum err e = disk_write_at(&j->disk, fd, bytes_of(j->frame, n), at);
        if (e != OK)
            return e;
        at += n;
    }
    return disk_sync(&j->disk, fd); /* the size too */
}

enum err
journal_open(struct journal *j, int directory_fd, bool create)
{
    ASSERT(j->segment_count >= 2 && j->segment_count <= JOURNAL_SEGMENTS_MAX);
    j->frame = malloc(JOURNAL_FRAME_MAX);
    if (!j->frame)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < j->segment_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "journal.%u", i);
        int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
        int fd = openat(directory_fd, name, flags, 0600);
        if (fd < 0)
            return disk_error(errno);
        j->segment[i].fd = fd;
        enum err e = create ? fill_with_zeros(j, fd) : OK;
        if (e != OK)
            return e;
    }
    return create && fsync(directory_fd) != 0 ? disk_error(errno) : OK;
}

void
journal_close(struct journal *j)
{
    for (uint32_t i = 0; i < j->segment_count; i++) {
        if (j->segment[i].fd >= 0)
            close(j->segment[i].fd);
    }
    free(j->frame);
    j->frame = NULL;
}

static struct seal_name
header_name(const struct journal *j, const struct segment *s, uint64_t sequence)
{
    return (struct seal_name){SEAL_SEGMENT, j->zone, {(uint64_t)(s - j->segment), sequence}};
}

static enum err
header_write(struct journal *j, struct segment *s, const struct header *h)
{
    uint8_t page[JOURNAL_FIRST] = {0};
    memcpy(page, segment_magic, MAGIC_SIZE);
    le64_put(page + 8, h->sequence);
    uint8_t *payload = page + 16 + SEAL_NONCE_SIZE;
    memcpy(payload, j->keys->segment, KEY_SIZE);
    le64_put(payload + KEY_SIZE, h->next_batch);
    le64_put(payload + KEY_SIZE + 8, (uint64_t)h->opened_us);
    le64_put(payload + KEY_SIZE + 16, h->tree.size);
    memcpy(payload + KEY_SIZE + 24, h->tree.node, sizeof h->tree.node);
    struct seal_name name = header_name(j, s, h->sequence);
    seal_put(page + 16, j->keys->wrap, &j->random, &name, bytes_of(payload, PAYLOAD_SIZE));
    enum err e = disk_write_at(&j->disk, s->fd, bytes_of(page, sizeof page), 0);
    if (e == OK)
        e = disk_sync(&j->disk, s->fd);
    return e;
}

/* ERR_NOT_FOUND: zeros; ERR_CRYPTO: something else. The key goes to keys->scratch. */
static enum err
header_read(struct journal *j, struct segment *s, struct header *out)
{
    uint8_t page[JOURNAL_FIRST];
    size_t got;
    enum err e = disk_read_at(&j->disk, s->fd, page, sizeof page, 0, &got);
    if (e != OK || got != sizeof page)
        return e == OK ? ERR_IO : e;
    if (sodium_is_zero(page, sizeof page))
        return ERR_NOT_FOUND;
    if (memcmp(page, segment_magic, MAGIC_SIZE) != 0 ||
        !sodium_is_zero(page + HEADER_SIZE, sizeof page - HEADER_SIZE))
        return ERR_CRYPTO;
    uint64_t sequence = le64_get(page + 8);
    struct seal_name name = header_name(j, s, sequence);
    uint8_t payload[PAYLOAD_SIZE];
    e = seal_get(payload, j->keys->wrap, &name, bytes_of(page + 16, PAYLOAD_SIZE + SEAL_OVERHEAD));
    if (e != OK || sequence == 0)
        return ERR_CRYPTO;
    memcpy(j->keys->scratch, payload, KEY_SIZE);
    out->sequence = sequence;
    out->next_batch = le64_get(payload + KEY_SIZE);
    out->opened_us = (int64_t)le64_get(payload + KEY_SIZE + 8);
    out->tree.size = le64_get(payload + KEY_SIZE + 16);
    memcpy(out->tree.node, payload + KEY_SIZE + 24, sizeof out->tree.node);
    sodium_memzero(payload, sizeof payload);
    return OK;
}

static enum err
header_erase(struct journal *j, struct segment *s)
{
    uint8_t page[JOURNAL_FIRST] = {0};
    enum err e = disk_write_at(&j->disk, s->fd, bytes_of(page, sizeof page), 0);
    if (e == OK)
        e = disk_sync(&j->disk, s->fd);
    s->clean = e == OK;
    return e;
}

static uint64_t
frame_size(size_t plain)
{
    uint64_t n = JOURNAL_HEAD_SIZE + SEAL_OVERHEAD + (uint64_t)plain;
    return (n + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN;
}

static struct seal_name
batch_name(const struct journal *j, uint64_t segment, uint64_t batch, uint64_t offset,
           uint64_t plain)
{
    return (struct seal_name){SEAL_BATCH, j->zone, {segment, batch, offset, plain}};
}

/* The clear numbers of a frame; ERR_NOT_FOUND: there is none. */
static enum err
frame_head(const struct journal *j, const struct segment *s, uint64_t offset, uint64_t *out_batch,
           uint64_t *out_plain)
{
    uint8_t head[JOURNAL_HEAD_SIZE];
    size_t got;
    if (offset + JOURNAL_ALIGN > j->segment_bytes)
        return ERR_NOT_FOUND;
    enum err e = disk_read_at(&j->disk, s->fd, head, sizeof head, offset, &got);
    if (e != OK)
        return e; /* not an end: what cannot be read may have been acknowledged */
    if (got != sizeof head || memcmp(head, batch_magic, MAGIC_SIZE) != 0)
        return ERR_NOT_FOUND;
    *out_batch = le64_get(head + 8);
    *out_plain = le64_get(head + 16);
    bool fits = *out_plain >= 1 && *out_plain <= JOURNAL_PLAIN_MAX &&
                offset + frame_size((size_t)*out_plain) <= j->segment_bytes;
    return fits ? OK : ERR_NOT_FOUND;
}

/* Reads the frame at offset into j->frame and opens it there; ERR_NOT_FOUND: it is not whole. */
static enum err
frame_read(struct journal *j, const struct segment *s, uint64_t offset, uint64_t batch,
           uint64_t plain)
{
    size_t got;
    size_t size = (size_t)frame_size((size_t)plain);
    enum err e = disk_read_at(&j->disk, s->fd, j->frame, size, offset, &got);
    if (e != OK)
        return e;
    size_t used = JOURNAL_HEAD_SIZE + SEAL_OVERHEAD + (size_t)plain;
    if (got != size || !sodium_is_zero(j->frame + used, size - used))
        return ERR_NOT_FOUND;
    struct seal_name name = batch_name(j, s->sequence, batch, offset, plain);
    e = seal_get(j->frame + JOURNAL_PLAIN_AT, j->keys->scratch, &name,
                 bytes_of(j->frame + JOURNAL_HEAD_SIZE, (size_t)plain + SEAL_OVERHEAD));
    return e == OK ? OK : ERR_NOT_FOUND;
}

/* The frame at offset is batch number `from` or, with `later`, any after it; then it is opened. */
static enum err
frame_find(struct journal *j, const struct segment *s, uint64_t offset, uint64_t from, bool later,
           uint64_t *out_plain)
{
    uint64_t batch = 0;
    enum err e = frame_head(j, s, offset, &batch, out_plain);
    if (e == OK && batch != from && !(later && batch > from))
        e = ERR_NOT_FOUND;
    return e == OK ? frame_read(j, s, offset, batch, *out_plain) : e;
}

/* A whole batch behind the end of the readable ones is no torn write (J4). Looked at in big pieces.
 */
static enum err
check_behind(struct journal *j, const struct segment *s, uint64_t offset)
{
    static uint8_t piece[BEHIND_PIECE]; /* one thread; too long for the stack */
    uint64_t plain;
    for (uint64_t from = offset + JOURNAL_ALIGN; from < j->segment_bytes; from += sizeof piece) {
        size_t got;
        enum err e = disk_read_at(&j->disk, s->fd, piece, sizeof piece, from, &got);
        if (e != OK)
            return e;
        for (size_t at = 0; at + JOURNAL_ALIGN <= got; at += JOURNAL_ALIGN) {
            e = memcmp(piece + at, batch_magic, MAGIC_SIZE) == 0
                    ? frame_find(j, s, from + at, j->next_batch, true, &plain)
                    : ERR_NOT_FOUND;
            if (e != ERR_NOT_FOUND)
                return e == OK ? ERR_CRYPTO : e;
        }
    }
    return OK;
}

/*
 * The last header and the last batch may be in the kernel's memory only (states 2 and 3): of a
 * writer that was killed, or whose sync failed. Before anything is built on them they are durable.
 */
static enum err
keep_last(struct journal *j, const struct segment *s, uint64_t last, uint64_t end)
{
    enum err e = disk_write_again(&j->disk, s->fd, 0, JOURNAL_FIRST);
    return e == OK && last < end ? disk_write_again(&j->disk, s->fd, last, end) : e;
}

static enum err
replay_segment(struct journal *j, struct segment *s, journal_batch_fn *each, void *ctx)
{
    uint64_t at = JOURNAL_FIRST;
    uint64_t last = at;
    uint64_t plain;
    enum err e;
    while ((e = frame_find(j, s, at, j->next_batch, false, &plain)) == OK) {
        e = each(ctx, s->sequence, bytes_of(j->frame + JOURNAL_PLAIN_AT, (size_t)plain));
        if (e != OK)
            return e;
        last = at;
        at += frame_size((size_t)plain);
        j->next_batch++;
    }
    j->offset = at;
    if (e == ERR_NOT_FOUND)
        e = check_behind(j, s, at);
    return e == OK && s->sequence == j->active ? keep_last(j, s, last, at) : e;
}

/* Which file holds which segment. A broken header is a free segment, if nothing hangs on it. */
static enum err
read_headers(struct journal *j, bool broken[static JOURNAL_SEGMENTS_MAX])
{
    for (uint32_t i = 0; i < j->segment_count; i++) {
        struct header h;
        enum err e = header_read(j, &j->segment[i], &h);
        if (e != OK && e != ERR_NOT_FOUND && e != ERR_CRYPTO)
            return e;
        broken[i] = e == ERR_CRYPTO;
        j->segment[i].clean = e == ERR_NOT_FOUND;
        j->segment[i].sequence = e == OK && h.sequence >= j->low ? h.sequence : 0;
        j->segment[i].opened_us = e == OK ? h.opened_us : 0;
        if (j->segment[i].sequence > j->active)
            j->active = j->segment[i].sequence;
    }
    return OK;
}

enum err
journal_replay(struct journal *j, struct tree *tree, journal_batch_fn *each, void *ctx)
{
    bool broken[JOURNAL_SEGMENTS_MAX] = {false};
    j->active = 0;
    j->next_batch = 1;
    enum err e = read_headers(j, broken);
    for (uint64_t sequence = j->low; e == OK && sequence <= j->active; sequence++) {
        struct segment *s = journal_segment(j, sequence);
        struct header h;
        e = s ? header_read(j, s, &h) : ERR_CRYPTO;
        if (e != OK)
            return e == ERR_NOT_FOUND ? ERR_CRYPTO : e;
        memcpy(j->keys->segment, j->keys->scratch, KEY_SIZE);
        if (sequence == j->low) {
            *tree = h.tree;
            j->next_batch = h.next_batch;
        } else if (h.next_batch != j->next_batch || !tree_equal(tree, &h.tree)) {
            return ERR_CRYPTO;
        }
        e = replay_segment(j, s, each, ctx);
    }
    if (e == OK && j->active == 0 && j->low != 1)
        e = ERR_CRYPTO; /* only a journal that was never used has no segment */
    for (uint32_t i = 0; e == OK && i < j->segment_count; i++) {
        struct segment *s = &j->segment[i];
        uint64_t batch = 0;
        uint64_t plain;
        enum err found =
            broken[i] ? frame_head(j, s, JOURNAL_FIRST, &batch, &plain) : ERR_NOT_FOUND;
        if (found != OK && found != ERR_NOT_FOUND)
            e = found;
        else if (found == OK && batch >= j->next_batch)
            e = ERR_CRYPTO; /* J2: batches came after a header that is no more */
        else if (s->sequence == 0 && !s->clean)
            e = header_erase(j, s);
    }
    return e;
}

bool
journal_fits(const struct journal *j, size_t plain)
{
    return j->active && j->offset + frame_size(plain) <= j->segment_bytes;
}

uint32_t
journal_free_count(const struct journal *j)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->segment_count; i++)
        n += j->segment[i].sequence == 0 && j->segment[i].clean;
    return n;
}

enum err
journal_advance(struct journal *j, const struct tree *tree)
{
    for (uint32_t i = 0; i < j->segment_count; i++) {
        struct segment *s = &j->segment[i];
        if (s->sequence != 0 || !s->clean)
            continue;
        random_fill(&j->random, j->keys->segment, KEY_SIZE);
        struct header h = {.sequence = j->active ? j->active + 1 : 1,
                           .next_batch = j->next_batch,
                           .opened_us = clock_wall_us(&j->clock),
                           .tree = *tree};
        s->clean = false;
        enum err e = header_write(j, s, &h);
        if (e != OK)
            return e;
        s->sequence = j->active = h.sequence;
        s->opened_us = h.opened_us;
        j->offset = JOURNAL_FIRST;
        return OK;
    }
    return ERR_LIMIT;
}

enum err
journal_append(struct journal *j, size_t plain)
{
    ASSERT(plain >= 1 && plain <= JOURNAL_PLAIN_MAX);
    ASSERT(journal_fits(j, plain));
    struct segment *s = journal_segment(j, j->active);
    ASSERT(s);
    memcpy(j->frame, batch_magic, MAGIC_SIZE);
    le64_put(j->frame + 8, j->next_batch);
    le64_put(j->frame + 16, plain);
    struct seal_name name = batch_name(j, s->sequence, j->next_batch, j->offset, plain);
    seal_put(j->frame + JOURNAL_HEAD_SIZE, j->keys->segment, &j->random, &name,
             bytes_of(j->frame + JOURNAL_PLAIN_AT, plain));
    size_t used = JOURNAL_HEAD_SIZE + SEAL_OVERHEAD + plain;
    size_t size = (size_t)frame_size(plain);
    memset(j->frame + used, 0, size - used);
    enum err e = disk_write_at(&j->disk, s->fd, bytes_of(j->frame, size), j->offset);
    if (e == OK)
        e = disk_sync(&j->disk, s->fd);
    if (e != OK)
        return e;
    j->offset += size;
    j->next_batch++;
    return OK;
}

enum err
journal_recycle(struct journal *j)
{
    ASSERT(j->low < j->active);
    struct segment *s = journal_segment(j, j->low);
    ASSERT(s);
    s->sequence = 0;
    j->low++;
    return header_erase(j, s);
}
