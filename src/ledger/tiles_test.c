#include "base/test.h"
#include "ledger/tiles.h"

TEST(paths_are_written_and_read_as_specified)
{
    static const struct {
        struct tile tile;
        const char *path;
    } rows[] = {
        {{TILE_HASHES, 0, 0, 256}, "tile/0/000"},
        {{TILE_HASHES, 0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{TILE_HASHES, 0, 1234067, 5}, "tile/0/x001/x234/067.p/5"},
        {{TILE_HASHES, 63, 999, 255}, "tile/63/999.p/255"},
        {{TILE_HASHES, 2, 1000, 1}, "tile/2/x001/000.p/1"},
        {{TILE_ENTRIES, 0, 273, 112}, "tile/entries/273.p/112"},
        {{TILE_ENTRIES, 0, 1000000, 256}, "tile/entries/x001/x000/000"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf b;
        buf_init(&b, TILE_PATH_MAX);
        tile_put_path(&b, &rows[i].tile);
        CHECK(bytes_are(buf_bytes(&b), rows[i].path));
        struct tile t;
        CHECK_OK(tile_parse_path(buf_bytes(&b), &t));
        CHECK(t.kind == rows[i].tile.kind && t.level == rows[i].tile.level &&
              t.n == rows[i].tile.n && t.width == rows[i].tile.width);
        buf_fini(&b);
    }
}

TEST(paths_that_are_none)
{
    static const char *const paths[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/002/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.q/1",
        "tile/0//000",
        "/tile/0/000",
        "tile/entries/../000",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/data/000",
        "checkpoint",
    };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct tile t;
        struct bytes exact = test_exact(bytes_text(paths[i]));
        CHECK(tile_parse_path(exact, &t) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}

TEST(widths_follow_the_formula)
{
    CHECK(tile_width(0, 0, 0) == 0);
    CHECK(tile_width(0, 0, 1) == 1);
    CHECK(tile_width(0, 0, 256) == 256);
    CHECK(tile_width(0, 1, 256) == 0);
    CHECK(tile_width(1, 0, 256) == 1);
    CHECK(tile_width(0, 273, 70000) == 112);
    CHECK(tile_width(1, 1, 70000) == 17);
    CHECK(tile_width(2, 0, 70000) == 1);
    CHECK(tile_width(3, 0, 70000) == 0);
    CHECK(tile_width(63, 0, 70000) == 0);
}

TEST(bundles_give_their_entries_back)
{
    struct buf b;
    buf_init(&b, 100000);
    uint8_t large[TILE_ENTRY_BYTES_MAX];
    memset(large, 'x', sizeof(large));
    tile_put_entry(&b, bytes_text("one"));
    tile_put_entry(&b, bytes_text(""));
    tile_put_entry(&b, bytes_of(large, sizeof(large)));
    struct bytes rest = buf_bytes(&b), entry;
    CHECK_OK(tile_take_entry(&rest, &entry));
    CHECK(bytes_are(entry, "one"));
    CHECK_OK(tile_take_entry(&rest, &entry));
    CHECK(entry.len == 0);
    CHECK_OK(tile_take_entry(&rest, &entry));
    CHECK(entry.len == sizeof(large) && rest.len == 0);
    CHECK(tile_take_entry(&rest, &entry) == ERR_MALFORMED);
    for (size_t n = 0; n < 5; n++) {
        struct bytes exact = test_exact(bytes_of(b.p, n)), at = exact;
        CHECK(tile_take_entry(&at, &entry) == ERR_MALFORMED);
        test_exact_free(exact);
    }
    buf_fini(&b);
}

/* ---- nodes out of tiles -------------------------------------------------------------------------
 */

enum { ENTRIES = 70000 };
static struct tree_hash stored[2 * ENTRIES];

static enum err
read_stored(void *ctx, uint32_t level, uint64_t index, struct tree_hash *out)
{
    (void)ctx;
    *out = stored[tree_stored_position(level, index)];
    return OK;
}

static void
fill_stored(void)
{
    struct tree_edge edge = {.size = 0};
    uint64_t count = 0;
    while (edge.size < ENTRIES) {
        struct tree_hash leaf, done[TREE_LEVELS_MAX];
        tree_hash_leaf(bytes_of(&edge.size, sizeof(edge.size)), &leaf);
        uint32_t n = tree_edge_append(&edge, &leaf, done);
        memcpy(stored + count, done, n * sizeof(done[0]));
        count += n;
    }
}

/* Every 97th node of every level, and the last one, of trees of several sizes. */
TEST(a_node_is_found_in_its_tile)
{
    static const uint64_t sizes[] = {1, 2, 255, 256, 257, 1000, 65536, ENTRIES};
    struct tree_reader r = {read_stored, NULL};
    struct buf b;
    buf_init(&b, TILE_WIDTH * TREE_HASH_SIZE);
    fill_stored();
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
        for (uint32_t level = 0; sizes[i] >> level; level++)
            for (uint64_t k = 0, nodes = sizes[i] >> level; k < nodes;
                 k = k + 97 < nodes || k == nodes - 1 ? k + 97 : nodes - 1) {
                struct tile t;
                struct tree_hash node, expected;
                tile_of_node(level, k, sizes[i], &t);
                buf_reset(&b);
                CHECK_OK(tile_put_hashes(&r, sizes[i], &t, &b));
                struct bytes exact = test_exact(buf_bytes(&b));
                CHECK_OK(tile_take_node(&t, exact, level, k, &node));
                CHECK_OK(read_stored(NULL, level, k, &expected));
                CHECK(tree_hash_equal(&node, &expected));
                CHECK(tile_take_node(&t, bytes_of(exact.p, exact.len - 1), level, k, &node) ==
                      ERR_MALFORMED);
                test_exact_free(exact);
            }
    buf_fini(&b);
}
