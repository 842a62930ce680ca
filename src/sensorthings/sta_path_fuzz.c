/* Any bytes as a path and as a topic; what is accepted prints and parses to itself. */
#include "base/fuzz.h"
#include "sensorthings/fixture.h"

/* Which entities of a small city a topic is about: some, all or none, but never one of another
 * type. */
static void
check_touched(const struct sta_topic *topic)
{
    static struct fixture *city;
    if (!city) {
        city = fixture_new();
        int status = fixture_junction(city);
        ASSERT(status == 201);
    }
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++)
        for (uint64_t id = 1; id <= 3; id++) {
            uint64_t at = t == STA_OBSERVATION ? sta_observation_id(1, id) : id;
            if (sta_topic_touched(&city->graph, topic, t, at, id))
                ASSERT(sta_path_type(&topic->path) == t);
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sta_path path, again;
    struct sta_topic topic;
    struct sta_error error;
    struct buf first, second;
    if (sta_topic_parse(bytes_of(data, size), &topic, &error) == OK)
        check_touched(&topic);
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
