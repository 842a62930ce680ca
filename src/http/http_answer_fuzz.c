#include "base/base.h"
#include "http/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is whole is not whole when a byte is missing, and is too much with one more. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_answer a, less;
    struct bytes in = bytes_of(data, size);
    if (http_answer_parse(in, &a) != OK)
        return 0;
    ASSERT(a.status >= 200 && a.status <= 599);
    ASSERT(a.body.len == 0 || a.body.p + a.body.len == data + size);
    ASSERT(http_answer_parse(bytes_of(data, size - 1), &less) != OK);
    return 0;
}
