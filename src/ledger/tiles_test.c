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
