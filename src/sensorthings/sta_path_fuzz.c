/* Any bytes as a path and as a topic; what is accepted prints and parses to itself. */
#include "sensorthings/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sta_path path, again;
    struct sta_topic topic;
    struct sta_error error;
    struct buf first, second;
    (void)!sta_topic_parse(bytes_of(data, size), &topic, &error);
    (void)!sta_topic_parse_publish(bytes_of(data, size), &path, &error);
    if (sta_path_parse(bytes_of(data, size), &path, &error) != OK)
        return 0;
    buf_init(&first, 64 * 1024);
    buf_init(&second, 64 * 1024);
    sta_path_print(&path, &first);
    enum err e = sta_path_parse(buf_bytes(&first), &again, &error);
    ASSERT(e == OK);
    sta_path_print(&again, &second);
    ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
