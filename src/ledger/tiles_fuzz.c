/*
 * Any bytes as a tile's path and as a bundle of entries. A path that parses is the one path of its
 * tile; what a tree of the size behind it has for it, is there or is not found.
 */
#include "base/fuzz.h"
#include "ledger/tiles.h"

enum { TILES_SIZE_MAX = 70000 };

struct asked {
    uint64_t size;
    uint32_t tiles;
};

static enum err
read_node(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    const struct asked *a = ctx;
    if (level >= TREE_LEVELS_MAX || index >= a->size >> level)
        return ERR_NOT_FOUND;
    memset(out, (int)level, sizeof(*out));
    return OK;
}

/* The first complete node over the tile's bottom, at each height that one tile holds. */
static void
check_nodes(const struct tile *t, uint64_t size, struct bytes hashes)
{
    for (uint32_t above = 0; above < 8 && 8 * t->level + above < TREE_LEVELS_MAX; above++) {
        uint32_t level = 8 * t->level + above;
        uint64_t index = t->n * TILE_WIDTH >> above;
        struct tree_hash node;
        struct tile found;
        if (index >= size >> level)
            break;
        tile_of_node(level, index, size, &found);
        ASSERT(found.level == t->level && found.n == t->n && found.width == t->width);
        ASSERT(tile_take_node(&found, hashes, level, index, &node) == OK);
        ASSERT(above > 0 || memcmp(node.b, hashes.p, TREE_HASH_SIZE) == 0);
        hashes.len--;
        ASSERT(tile_take_node(&found, hashes, level, index, &node) == ERR_MALFORMED);
        hashes.len++;
    }
}

static enum err
count_tile(void *ctx, const struct tile *t)
{
    struct asked *a = ctx;
    struct tree_reader r = {read_node, a};
    struct buf path, hashes;
    struct tile back;
    buf_init(&path, TILE_PATH_MAX);
    buf_init(&hashes, TILE_WIDTH * TREE_HASH_SIZE);
    tile_put_path(&path, t);
    enum err e = tile_parse_path(buf_bytes(&path), &back);
    ASSERT(e == OK && back.n == t->n && back.level == t->level && back.width == t->width);
    if (t->kind == TILE_HASHES) {
        e = tile_put_hashes(&r, a->size, t, &hashes);
        ASSERT(e == OK && hashes.len == t->width * TREE_HASH_SIZE);
        check_nodes(t, a->size, buf_bytes(&hashes));
    }
    buf_fini(&path);
    buf_fini(&hashes);
    return ++a->tiles < 64 ? OK : ERR_LIMIT;
}

static void
check_path(struct bytes input)
{
    struct asked a = {.size = 0};
    struct tree_reader r = {read_node, &a};
    struct buf out;
    struct tile t;
    if (tile_parse_path(input, &t) != OK)
        return;
    ASSERT(tile_width(t.level, t.n, TREE_SIZE_MAX) <= TILE_WIDTH);
    buf_init(&out, TILE_WIDTH * TREE_HASH_SIZE);
    a.size = t.n % TILES_SIZE_MAX * t.width;
    if (t.kind == TILE_HASHES)
        ASSERT((tile_put_hashes(&r, a.size, &t, &out) == OK) ==
               (tile_width(t.level, t.n, a.size) >= t.width));
    (void)!tile_each(a.size, count_tile, &a);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size), entry;
    struct buf again;
    check_path(input);
    buf_init(&again, size + 1);
    while (tile_take_entry(&input, &entry) == OK)
        tile_put_entry(&again, entry);
    ASSERT(buf_error(&again) == OK && again.len + input.len == size);
    ASSERT(again.len == 0 || memcmp(again.p, data, again.len) == 0);
    buf_fini(&again);
    return 0;
}
