/*
 * The file of leaves is a ring. Of what is older than the ring is long only the frontier of the
 * tree is kept: the root of everything goes on, and an inclusion proof or an anchor behind the cut
 * can be made no more. The ledger has anchored that long ago.
 *
 * C1  A leaf's place is its number modulo the ring's length; until the first cut there is no ring.
 * C2  A cut is durable before a leaf is written over.
 */
#include "store/embedded/embedded.h"

enum { CUT_ALIGN = 1024, CUT_STEP = 8192, BYTES_A_LEAF = 1024 /* of the store's space */ };

uint64_t
leaves_ring(const struct store *s)
{
    if (s->ring)
        return s->ring;
    uint64_t ring = s->config.disk_bytes / BYTES_A_LEAF;
    ring = ring < LEAVES_RING_MIN   ? LEAVES_RING_MIN
           : ring > LEAVES_RING_MAX ? LEAVES_RING_MAX
                                    : ring;
    if (ring < s->tree.size) /* of an earlier format: its leaves stay where they are */
        ring = s->tree.size;
    return (ring + LEAVES_PIECE - 1) / LEAVES_PIECE * LEAVES_PIECE;
}

uint64_t
leaves_bytes(const struct store *s, uint64_t size)
{
    uint64_t most = s->ring && size > s->ring ? s->ring : size;
    return most * BATCH_LEAF_SIZE;
}

uint64_t
leaves_end(const struct store *s)
{
    if (s->tree.size <= s->cut.size)
        return 0;
    uint64_t last = s->tree.size - 1;
    if (s->ring && s->cut.size / s->ring != last / s->ring)
        return s->ring * BATCH_LEAF_SIZE;
    return ((s->ring ? last % s->ring : last) + 1) * BATCH_LEAF_SIZE;
}

/* Place of a leaf, and how many may follow it there. */
static uint64_t
place_of(const struct store *s, uint64_t n, uint64_t *out_most)
{
    uint64_t at = s->ring ? n % s->ring : n;
    *out_most = s->ring ? s->ring - at : UINT64_MAX;
    return at * BATCH_LEAF_SIZE;
}

enum err
leaves_write(struct store *s, uint64_t n, struct bytes leaves)
{
    enum err e = OK;
    while (e == OK && leaves.len) {
        uint64_t most;
        uint64_t at = place_of(s, n, &most);
        uint64_t count = leaves.len / BATCH_LEAF_SIZE;
        count = count < most ? count : most;
        e = disk_write_at(&s->config.disk, s->leaves_fd,
                          bytes_of(leaves.p, (size_t)count * BATCH_LEAF_SIZE), at);
        leaves = bytes_skip(leaves, (size_t)count * BATCH_LEAF_SIZE);
        n += count;
    }
    return e;
}

enum err
leaves_read(struct store *s, uint64_t n, size_t count, uint8_t *to)
{
    enum err e = OK;
    while (e == OK && count) {
        uint64_t most;
        uint64_t at = place_of(s, n, &most);
        size_t here = count < most ? count : (size_t)most;
        size_t got;
        e = disk_read_at(&s->config.disk, s->leaves_fd, to, here * BATCH_LEAF_SIZE, at, &got);
        if (e == OK && got != here * BATCH_LEAF_SIZE)
            e = ERR_CRYPTO;
        to += here * BATCH_LEAF_SIZE;
        n += here;
        count -= here;
    }
    return e;
}

static enum err
cut_here(struct store *s, uint64_t ring)
{
    enum err e = sealed_begin(s->sealed);
    if (e == OK)
        e = sealed_put_cut(s->sealed, &s->cutting, ring);
    if (e == OK)
        e = sealed_commit(s->sealed);
    if (e != OK) {
        sealed_rollback(s->sealed);
        return e;
    }
    s->cut = s->cutting;
    s->ring = ring;
    return OK;
}

/* Some leaves nearer to the cut that leaves `keep` of them. */
static enum err
cut_towards(struct store *s, uint64_t keep)
{
    uint64_t ring = leaves_ring(s);
    uint64_t target = (s->tree.size - keep) / CUT_ALIGN * CUT_ALIGN;
    if (s->cutting.size < s->cut.size)
        s->cutting = s->cut;
    if (target <= s->cutting.size)
        return cut_here(s, ring);
    uint64_t left = target - s->cutting.size;
    size_t count = left < CUT_STEP ? (size_t)left : CUT_STEP;
    buf_reset(&s->body);
    uint8_t *p = buf_room(&s->body, count * BATCH_LEAF_SIZE);
    if (!p)
        return ERR_LIMIT;
    enum err e = leaves_read(s, s->cutting.size, count, p);
    for (size_t i = 0; e == OK && i < count; i++)
        tree_add(&s->cutting, p + i * BATCH_LEAF_SIZE);
    return e == OK && s->cutting.size == target ? cut_here(s, ring) : e;
}

enum err
leaves_cut_step(struct store *s, bool *out_more)
{
    uint64_t ring = leaves_ring(s);
    *out_more = s->tree.size - s->cut.size > ring / 4 * 3;
    return *out_more ? cut_towards(s, ring / 2) : OK;
}

enum err
leaves_room(struct store *s, uint64_t size)
{
    enum err e = OK;
    uint64_t ring = leaves_ring(s);
    while (e == OK && size - s->cut.size > ring)
        e = cut_towards(s, ring / 4);
    return e;
}
