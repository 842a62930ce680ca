/*
 * Whatever chunk_decode() accepts must survive being encoded and decoded again, unchanged; and so
 * must any bytes that are zipped, and whatever unzips.
 */
#include "store/embedded/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_zip(struct bytes in)
{
    static struct zipper *z;
    struct buf zipped, plain;
    if (!z)
        z = zipper_new();
    ASSERT(z);
    buf_init(&zipped, CHUNK_PLAIN_MAX + 16 * 1024);
    buf_init(&plain, CHUNK_PLAIN_MAX);
    enum err e = chunk_zip(z, in, &zipped);
    ASSERT(e == OK);
    e = chunk_unzip(z, buf_bytes(&zipped), &plain);
    ASSERT(in.len == 0 || (e == OK && bytes_equal(buf_bytes(&plain), in)));
    buf_reset(&plain);
    e = chunk_unzip(z, in, &plain);
    ASSERT(e == OK || e == ERR_MALFORMED);
    buf_fini(&zipped);
    buf_fini(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 4096)
        check_zip(bytes_of(data, size));
    static struct observation a[CHUNK_POINTS_MAX];
    static struct observation b[CHUNK_POINTS_MAX];
    size_t count = 0;
    size_t again = 0;
    if (size > CHUNK_PLAIN_MAX / 8 || chunk_decode(bytes_of(data, size), a, &count) != OK)
        return 0;
    struct buf plain;
    buf_init(&plain, CHUNK_PLAIN_MAX * 4);
    ASSERT(chunk_encode(a, count, &plain) == OK);
    ASSERT(chunk_decode(buf_bytes(&plain), b, &again) == OK && again == count);
    for (size_t i = 0; i < count; i++)
        ASSERT(observation_same(&a[i], &b[i]) && a[i].result_time_us == b[i].result_time_us &&
               a[i].feature_id == b[i].feature_id);
    buf_fini(&plain);
    return 0;
}
