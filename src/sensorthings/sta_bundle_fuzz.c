/* Any bytes as a batch: the first line is the content type, the rest the body. */
#include "base/fuzz.h"
#include "sensorthings/bundle.h"
#include "sensorthings/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct bytes in = bytes_of(data, size);
    struct sta_bundle bundle;
    struct sta_error error = {0};
    if (!arena.p)
        arena_init(&arena, STA_BUNDLE_ARENA_BYTES);
    arena_reset(&arena);
    size_t cut = bytes_find(in, '\n');
    struct bytes body = cut < size ? bytes_skip(in, cut + 1) : (struct bytes){0};
    uint8_t *exact = fuzz_exact(body);
    enum err e =
        sta_bundle_read(bytes_of(data, cut), bytes_of(exact, body.len), &arena, &bundle, &error);
    ASSERT(e == OK || (error.status >= 400 && error.status < 500 && error.text[0]));
    for (uint32_t i = 0; e == OK && i < bundle.count; i++) {
        struct sta_bundle_part *part = &bundle.parts[i];
        ASSERT(part->set <= bundle.sets && (part->error.status || part->method.len));
        if (part->error.status)
            continue;
        if (sta_bundle_refer(part, bytes_text("1"), bytes_text("/v1.1/Things(7)"), 7, &arena) ==
                OK &&
            sta_bundle_target(part, &arena) == OK)
            ASSERT(part->target.len == 0 || part->target.p[0] == '/');
    }
    free(exact);
    return 0;
}
