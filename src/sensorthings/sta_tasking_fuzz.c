/* A record and the values of a Task, as two JSON texts with a NUL between them: what passes the
 * checks becomes parameters that a lease can hold, or is refused with a sentence. */
#include "sensorthings/tasking.h"

#include "base/fuzz.h"
#include "sensorthings/json.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct sta_error error = {0};
    struct buf out;
    size_t bad, cut = 0;
    if (arena.p == NULL)
        arena_init(&arena, 64 * 1024);
    while (cut < size && data[cut])
        cut++;
    struct bytes record = bytes_of(data, cut);
    struct bytes values = bytes_skip(bytes_of(data, size), cut + (cut < size));
    arena_reset(&arena);
    if (!sta_json_check(record, &bad))
        return 0;
    if (sta_tasking_check(record, &arena, &error) != OK) {
        ASSERT(error.status >= 400 && error.text[0]);
        return 0;
    }
    if (!sta_json_check(values, &bad))
        return 0;
    buf_init(&out, 512);
    enum err e = sta_task_check(record, values, &arena, &error);
    if (e == OK)
        e = sta_task_parameters(record, values, &arena, &out, &error);
    ASSERT(e == OK || (error.status >= 400 && error.text[0]));
    for (size_t i = 0; e == OK && i < out.len; i++)
        ASSERT(out.p[i] == '\n' || (out.p[i] >= ' ' && out.p[i] < 0x7f));
    buf_fini(&out);
    return 0;
}
