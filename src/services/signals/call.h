/*
 * call.h -- what a vehicle says when it asks to be served before others: the result of its
 * Datastream `call`, about once a second while it drives up to an intersection.
 *
 *   {"junction":"junction-a", "lane":"a_0",   the next intersection, and the lane to its stop line
 *    "kind":"bus",                            or "emergency": must be what it was enrolled as
 *    "eta":12.5, "distance":180,              seconds and metres to the stop line
 *    "late":120}                              a bus: seconds behind its timetable (0)
 *
 * Nothing else may be in it. phenomenonTime says when it was so and must be there: what the core
 * sets in its place is when the call came. calls.h says who is heard.
 */
#ifndef SERVICES_SIGNALS_CALL_H
#define SERVICES_SIGNALS_CALL_H

#include "programs/start.h"
#include "programs/vehicles.h"

enum {
    CALL_JSON_MAX = 1024,
    CALL_ETA_MAX_MS = 60000,
    CALL_DISTANCE_MAX_M = 2000,
    CALL_LATE_MAX_S = 7200,
};

struct call {
    char junction[START_NAME_SIZE];
    uint64_t lane; /* signals_name_hash() */
    enum vehicle_kind kind;
    uint32_t eta_ms, distance_m;
    int32_t late_s; /* below 0: it is early */
};

/* ERR_MALFORMED, ERR_LIMIT; *out is written on OK only. */
enum err call_read(struct bytes result, struct call *out) MUST_USE;

#endif
