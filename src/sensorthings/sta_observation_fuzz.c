/* Any bytes as an Observation and as a dataArray body; what is accepted renders and scans again. */
#include "sensorthings/observation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static void
round_trip(const struct observation *o)
{
    struct buf first, second;
    struct sta_observation back;
    struct sta_error error;
    buf_init(&first, 1024 * 1024);
    buf_init(&second, 1024 * 1024);
    sta_observation_render(&first, bytes_text("x"), 1, 1, o, 0x3f);
    enum err e = sta_observation_scan(buf_bytes(&first), 0, &arena, &back, &error);
    if (first.len <= STA_OBSERVATION_BYTES_MAX && o->text.len < STORE_TEXT_MAX / 6)
        ASSERT(e == OK);
    if (e == OK) {
        sta_observation_render(&second, bytes_text("x"), 1, 1, &back.value, 0x3f);
        ASSERT(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sta_observation o;
    struct sta_rows rows;
    struct sta_error error;
    enum err row;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    arena_reset(&arena);
    if (sta_observation_scan(bytes_of(data, size), 1, &arena, &o, &error) == OK)
        round_trip(&o.value);
    arena_reset(&arena);
    if (sta_rows_begin(bytes_of(data, size), &rows, &error) == OK)
        while (sta_rows_next(&rows, 1, &arena, &o, &row, &error))
            if (row == OK)
                ASSERT(o.stream >= 1 && o.stream <= STA_STREAM_MAX);
    return 0;
}
