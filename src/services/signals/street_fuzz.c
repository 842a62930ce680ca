/*
 * street_fuzz.c -- what an intersection says of itself, a NUL, and what it counts, through the
 * whole planner: a stranger's device may say anything.
 */
#include "base/fuzz.h"
#include "services/signals/optimize/control.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct control *control;
    static struct signals_model model;
    static struct signals_reading reading;
    static const struct control_options options = {.method = CONTROL_PLAN};
    struct bytes all = bytes_of(data, size);
    size_t cut = bytes_find(all, 0);
    uint32_t index = 0;
    if (signals_model_read(bytes_of(data, cut), &model) != OK)
        return 0;
    control = control_new(1, &options);
    ASSERT(control);
    ASSERT(control_add(control, &model, &index) == OK);
    for (uint64_t second = 1; cut < size && second < 40; second++) {
        struct bytes rest = bytes_of(data + cut + 1, size - cut - 1);
        size_t len = bytes_find(rest, 0);
        if (signals_reading_read(bytes_of(rest.p, len), &model, &reading) == OK)
            control_hear(control, index, &reading, second * 1000);
        int32_t wish = control_wish(control, index, second * 1000);
        ASSERT(wish >= NO_WISH && wish < (int32_t)model.phases_count);
        cut += len + 1;
    }
    control_free(control);
    return 0;
}
