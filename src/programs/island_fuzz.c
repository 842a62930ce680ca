/* Any bytes as the record of a cut: what parses is written again as it was. */
#include "base/fuzz.h"
#include "programs/island.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct island island;
    struct buf again;
    buf_init(&again, ISLAND_TEXT_MAX);
    if (island_parse_text(in, &island) == OK) {
        ASSERT(island_is_reason(bytes_text(island.reason)));
        island_put_text(&again, &island);
        ASSERT(bytes_equal(buf_bytes(&again), in));
    }
    buf_reset(&again);
    if (size <= 48)
        island_put_rejoin(&again, in, 0);
    buf_fini(&again);
    return 0;
}
