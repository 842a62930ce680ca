/*
 * table_fuzz.h -- a fuzz target for one message table: two bytes of id, then a body. A body that a
 * decoder takes is what its encoder writes, byte for byte; an id that is not in the table is
 * nothing.
 *
 *   #define FUZZ_TABLE "programs/judge.def"
 *   #include "programs/table_fuzz.h"
 */
#include "base/fuzz.h"
#include "programs/messages.h"
#include "wire/channel.h"

#define MESSAGE(name, number)                                                                      \
    static void check_##name(struct bytes body)                                                    \
    {                                                                                              \
        struct name m;                                                                             \
        if (name##_decode(body, &m) != OK)                                                         \
            return;                                                                                \
        struct buf again;                                                                          \
        buf_init(&again, CHANNEL_FRAME_MAX);                                                       \
        name##_encode(&m, &again);                                                                 \
        ASSERT(bytes_equal(buf_bytes(&again), body));                                              \
        buf_fini(&again);                                                                          \
    }
#define U8(field, max)
#define U16(field, max)
#define U32(field, max)
#define U64(field, max)
#define I64(field, min, max)
#define TEXT(field, max)
#define BLOB(field, max)
#define END(name)
#include FUZZ_TABLE
#undef MESSAGE
#define MESSAGE(name, number)                                                                      \
    case number:                                                                                   \
        check_##name(body);                                                                        \
        break;

static void
check_message(uint16_t id, struct bytes body)
{
    switch (id) {
#include FUZZ_TABLE
    default:
        break;
    }
}
#include "wire/table_undefine.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size - 2 > CHANNEL_FRAME_MAX)
        return 0;
    struct bytes body = bytes_of(data + 2, size - 2);
    uint8_t *exact = fuzz_exact(body);
    check_message((uint16_t)(data[0] << 8 | data[1]), bytes_of(exact, body.len));
    free(exact);
    return 0;
}
