/* What a city answers to a device that sets itself up: any bytes as the list of Datastreams, and as
 * the Location of a Thing. Ids that are read are ids, one for each stream. */
#include "base/fuzz.h"
#include "field/common/thing.h"

static const struct field_stream streams[] = {
    {.name = "level", .description = "d", .class_name = "water-level", .unit_name = "m"},
    {.name = "flow", .description = "d", .class_name = "water-level", .result = FIELD_COUNT},
};
static const struct field_thing thing = {.device = "brook-1",
                                         .description = "a \"sensor\"",
                                         .properties = "{}",
                                         .streams = streams,
                                         .streams_count = 2};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t ids[FIELD_STREAMS_MAX], id = 0;
    char location[256];
    struct bytes in = bytes_of(data, size);
    if (thing_read_streams(in, &thing, ids) == OK)
        for (uint32_t i = 0; i < thing.streams_count; i++)
            ASSERT(ids[i] >= 1 && ids[i] <= UINT64_C(1) << 53);
    if (bytes_copy_text(in, location, sizeof(location)) == OK &&
        thing_id_of_location(location, &id) == OK)
        ASSERT(id < UINT64_C(1) << 53);
    struct buf b;
    buf_init(&b, FIELD_THING_BYTES_MAX);
    thing_put_json(&b, &thing);
    ASSERT(buf_error(&b) == OK && thing_read_streams(buf_bytes(&b), &thing, ids) != OK);
    buf_fini(&b);
    return 0;
}
