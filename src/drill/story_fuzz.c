#include "drill/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted means the same after it was written again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct story story, again;
    char why[STORY_WHY_SIZE];
    uint32_t line;
    struct buf first, second;
    if (story_parse(bytes_of(data, size), &story, &line, why) != OK)
        return 0;
    buf_init(&first, 4 * STORY_BYTES_MAX);
    buf_init(&second, 4 * STORY_BYTES_MAX);
    story_put(&story, &first);
    if (first.len <= STORY_BYTES_MAX) {
        ASSERT(story_parse(buf_bytes(&first), &again, &line, why) == OK);
        story_put(&again, &second);
        ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
