#include "base/base.h"
#include "grant/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct lease lease;
    memset(&lease, 0, sizeof(lease));
    struct buf again;
    buf_init(&again, LEASE_BYTES_MAX);
    if (lease_parse_text(input, &lease) == OK) {
        ASSERT(lease_put_text(&lease, &again) == OK);
        ASSERT(bytes_equal(buf_bytes(&again), input));
    }
    if (lease_parse_parameters(input, &lease) == OK) {
        for (uint32_t i = 1; i < lease.parameters_count; i++)
            ASSERT(strcmp(lease.parameters[i - 1].name, lease.parameters[i].name) < 0);
    }
    struct lease_reader reader = {.zone = "signals", .device = "a", .signer = "w"};
    ASSERT(lease_open(&reader, input, 0, &lease) != OK); /* nobody signed it */
    buf_fini(&again);
    return 0;
}
