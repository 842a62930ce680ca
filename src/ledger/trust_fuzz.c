#include "base/base.h"
#include "ledger/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is written again to the same policy, and the quorum can only gain by witnesses.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trust first, second;
    struct trust_fault fault = {0, NULL};
    struct buf once, twice;
    buf_init(&once, 2 * TRUST_BYTES_MAX);
    buf_init(&twice, 2 * TRUST_BYTES_MAX);
    if (trust_parse(bytes_of(data, size), &first, &fault) == OK) {
        trust_put(&once, &first);
        ASSERT(trust_parse(buf_bytes(&once), &second, &fault) == OK);
        trust_put(&twice, &second);
        ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
        bool none = trust_is_quorum(&first, 0);
        ASSERT(!none || trust_is_quorum(&first, UINT32_MAX));
        ASSERT(first.quorum != TRUST_NOBODY ? !none : none);
    } else {
        ASSERT(fault.why);
    }
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
