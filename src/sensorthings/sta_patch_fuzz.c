/* Two texts, one as a document and one as its JSON Patch: what comes out is JSON, or a refusal. */
#include "base/fuzz.h"
#include "sensorthings/json.h"
#include "sensorthings/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct bytes in = bytes_of(data, size);
    struct sta_error error = {0};
    size_t bad;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    arena_reset(&arena);
    size_t cut = bytes_find(in, '\n');
    struct bytes document = bytes_of(data, cut), out;
    struct bytes patch = cut < size ? bytes_skip(in, cut + 1) : (struct bytes){0};
    if (!sta_json_check(document, &bad) || !sta_json_check(patch, &bad) || document.p[0] <= ' ' ||
        patch.p[0] <= ' ')
        return 0;
    enum err e = sta_json_patch(document, patch, &arena, &out, &error);
    ASSERT(e == OK ? sta_json_check(out, &bad) : error.status >= 400 && error.text[0]);
    ASSERT(e != OK || sta_json_same(out, out, &arena));
    if (sta_json_kind(document) == STA_JSON_OBJECT && sta_json_kind(patch) == STA_JSON_OBJECT &&
        sta_json_merge(document, patch, &arena, &out) == OK)
        ASSERT(sta_json_kind(out) == STA_JSON_OBJECT);
    return 0;
}
