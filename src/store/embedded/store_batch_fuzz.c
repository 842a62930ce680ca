/* Whatever batch_next() accepts must re-encode to the very bytes. */
#include "store/embedded/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[STORE_BATCH_BYTES_MAX];
    struct batch b;
    batch_init(&b, again, sizeof again);
    struct batch_reader reader = {.left = bytes_of(data, size)};
    struct record r;
    if (size > sizeof again / 2)
        return 0;
    while (batch_next(&reader, &r) == OK) {
        size_t before = size - reader.left.len;
        ASSERT(batch_put(&b, &r) == OK);
        ASSERT(b.len == before && memcmp(again, data, before) == 0);
    }
    return 0;
}
