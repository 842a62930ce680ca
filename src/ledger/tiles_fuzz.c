#include "base/base.h"
#include "ledger/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size), entry;
    struct tile t;
    if (tile_parse_path(input, &t) == OK)
        ASSERT(tile_width(t.level, t.n, TREE_SIZE_MAX) <= TILE_WIDTH);
    struct buf again;
    buf_init(&again, size + 1);
    while (tile_take_entry(&input, &entry) == OK)
        tile_put_entry(&again, entry);
    ASSERT(buf_error(&again) == OK && again.len + input.len == size);
    ASSERT(again.len == 0 || memcmp(again.p, data, again.len) == 0);
    buf_fini(&again);
    return 0;
}
