#include "base/base.h"
#include "ledger/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct checkpoint c;
    struct proof p;
    struct buf again;
    buf_init(&again, CHECKPOINT_PROOF_MAX + NOTE_BYTES_MAX);
    if (checkpoint_parse_text(input, &c) == OK) {
        ASSERT(checkpoint_put_text(&again, &c) == OK);
        ASSERT(bytes_equal(buf_bytes(&again), input));
        buf_reset(&again);
    }
    if (proof_parse(input, &p) == OK) {
        proof_put(&again, &p);
        ASSERT(bytes_equal(buf_bytes(&again), input));
    }
    buf_fini(&again);
    return 0;
}
