/* Any bytes as SUMO's file of trips: figures that are read are figures, and the counts add up. */
#include "base/fuzz.h"
#include "field/sumo/tripinfo.h"

#include <math.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tripinfo t;
    if (tripinfo_read(bytes_of(data, size), NULL, &t) != OK)
        return 0;
    ASSERT(t.undeparted + t.unfinished <= t.vehicles);
    ASSERT(t.delay_s >= 0 && t.waiting_s >= 0 && !isnan(t.delay_s) && !isnan(t.waiting_s));
    return 0;
}
