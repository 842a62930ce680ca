/* A packet of the other half, which may be a breached one: what is accepted re-encodes to itself.
 */
#include "base/fuzz.h"
#include "field/ntcip/halves.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct half_wish w;
    struct half_confined c;
    struct half_report r;
    struct buf again;
    uint8_t *copy = fuzz_exact(bytes_of(data, size));
    struct bytes body = bytes_of(copy, size);
    buf_init(&again, size + 1);
    if (half_wish_decode(body, &w) == OK) {
        half_wish_encode(&w, &again);
        ASSERT(bytes_equal(buf_bytes(&again), body));
    }
    buf_reset(&again);
    if (half_confined_decode(body, &c) == OK) {
        half_confined_encode(&c, &again);
        ASSERT(bytes_equal(buf_bytes(&again), body));
    }
    buf_reset(&again);
    if (half_report_decode(body, &r) == OK) {
        half_report_encode(&r, &again);
        ASSERT(bytes_equal(buf_bytes(&again), body));
    }
    buf_fini(&again);
    free(copy);
    return 0;
}
