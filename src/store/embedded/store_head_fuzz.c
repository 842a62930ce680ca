/* Whatever head_decode() accepts must come back from being encoded and decoded again. */
#include "store/embedded/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head a;
    static struct head b;
    struct buf out;
    if (size > HEAD_PLAIN_MAX || head_decode(bytes_of(data, size), &a) != OK)
        return 0;
    buf_init(&out, HEAD_PLAIN_MAX);
    enum err e = head_encode(&a, &out);
    ASSERT(e == OK);
    e = head_decode(buf_bytes(&out), &b);
    ASSERT(e == OK && a.step == b.step && a.count == b.count);
    ASSERT(memcmp(&a.all, &b.all, sizeof a.all) == 0);
    for (size_t i = 0; i < a.count; i++)
        ASSERT(memcmp(&a.bucket[i], &b.bucket[i], sizeof a.bucket[i]) == 0);
    buf_fini(&out);
    return 0;
}
