#include "base/base.h"
#include "grant/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct token token;
    struct buf again;
    buf_init(&again, TOKEN_BYTES_MAX);
    if (token_parse_text(input, &token) == OK) {
        ASSERT(token_put_text(&token, &again) == OK);
        ASSERT(bytes_equal(buf_bytes(&again), input));
    }
    static const uint8_t none[32] = {0};
    ASSERT(token_open(input, none, "bikes", none, 0, &token) != OK); /* nobody signed it */
    buf_fini(&again);
    return 0;
}
