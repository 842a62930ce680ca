/*
 * Any bytes as one message of SUMO's: taken apart command by command, and read as every kind of
 * value. What our writers make is taken apart into what they were given.
 */
#include "base/fuzz.h"
#include "field/sumo/traci.h"

#include <math.h>

enum { TEXTS_MAX = 1000 };

static void
read_values(struct bytes content)
{
    struct traci_reader r = {content, false};
    while (!r.bad && r.rest.len) {
        struct traci_reader at = r;
        uint32_t n = 0;
        switch (traci_u8(&at)) {
        case TYPE_INTEGER:
            traci_typed_integer(&r);
            break;
        case TYPE_DOUBLE:
            ASSERT(isfinite(traci_typed_double(&r)));
            break;
        case TYPE_STRING:
            ASSERT(traci_typed_text(&r).len <= TRACI_TEXT_MAX);
            break;
        case TYPE_STRING_LIST:
            n = traci_typed_list(&r);
            for (uint32_t i = 0; i < n && i < TEXTS_MAX && !r.bad; i++)
                traci_text(&r);
            break;
        case TYPE_COMPOUND:
            n = traci_typed_compound(&r);
            ASSERT(n <= TRACI_LIST_MAX);
            break;
        default:
            ASSERT(traci_typed_integer(&r) == 0 || r.bad);
        }
    }
    if (r.bad)
        ASSERT(traci_u8(&r) == 0 && traci_u32(&r) == 0 && traci_double(&r) == 0 &&
               traci_text(&r).len == 0);
}

static void
check_writers(struct bytes in)
{
    static const uint8_t variables[] = {VAR_LANE, VAR_SPEED};
    struct buf b;
    struct bytes object = bytes_of(in.p, in.len < TRACI_TEXT_MAX ? in.len : TRACI_TEXT_MAX), rest;
    uint8_t ids[5], id;
    size_t count = 0;
    buf_init(&b, TRACI_MESSAGE_MAX);
    traci_begin(&b);
    traci_put_get(&b, TRACI_GET_LANE, VAR_LENGTH, object);
    traci_put_light(&b, bytes_text("a"), object);
    traci_put_subscribe(&b, TRACI_SUBSCRIBE_VEHICLE, object, variables, sizeof(variables));
    traci_put_step(&b);
    traci_put_close(&b);
    enum err e = traci_end(&b);
    ASSERT(e == OK);
    rest = bytes_skip(buf_bytes(&b), 4);
    struct bytes content;
    while (traci_next(&rest, &id, &content) == OK) {
        ASSERT(count < sizeof(ids));
        ids[count++] = id;
        if (id == TRACI_GET_LANE) {
            struct traci_reader r = {content, false};
            ASSERT(traci_u8(&r) == VAR_LENGTH && bytes_equal(traci_text(&r), object) && !r.bad);
        }
    }
    ASSERT(rest.len == 0 && count == 5 && ids[4] == TRACI_CLOSE);
    buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size), content, why;
    uint8_t id;
    check_writers(in);
    while (traci_next(&in, &id, &content) == OK) {
        enum err e = traci_status(content, &why);
        ASSERT(e != OK || content.len >= 5);
        read_values(content);
    }
    return 0;
}
