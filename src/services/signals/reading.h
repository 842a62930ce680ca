/*
 * reading.h -- what an intersection counts in one second: the result of its Datastream `lanes`.
 *
 * - "phase":0, "age":12: what is shown, and for how many whole seconds before this one; phase -1:
 * in between
 * - "hold":19: for so many seconds the phase's vehicles would still have green if a change began
 *   now: the rest of its walk, and what clears it; absent: 0, no walk is shown
 * - "leaves":true: that change has begun; the phase is the one that is left; else absent
 * - "stop":[1,0], "stop_on":"01": of each lane, vehicles that crossed the stop line in this second,
 *   and whether somebody stands on its loop at the end of it (for people on foot: has called)
 * - "advance":[0,2], "advance_on":"10": the same of each loop of the model, in its order
 * - "dead":"01": of each lane, its stop loop is known to be broken; may be absent
 * - "cars":[[lane,dm,cm_s,link], ...]: with cameras or radar only: vehicles on their way to the
 * stop line, how far and how fast, and the link or -1. No identity.
 *
 * Loops are the realistic profile; `cars` in addition makes the full one. Positions of `cars` are
 * dropped after the decision and never stored. A member that is not named here is refused: nobody
 * stores by this way what nobody asked for.
 */
#ifndef SERVICES_SIGNALS_READING_H
#define SERVICES_SIGNALS_READING_H

#include "base/arena.h"
#include "services/signals/model.h"

enum {
    SIGNALS_CARS_MAX = 1024,
    SIGNALS_HOLD_MAX_S = 255,
    SIGNALS_CROSSED_MAX = 9, /* vehicles over one loop in one second */
    SIGNALS_DISTANCE_MAX_DM = 50000,
    SIGNALS_SPEED_MAX_CM_S = 7000,
};

struct signals_car {
    uint8_t lane;
    int8_t link; /* -1: not known */
    uint16_t distance_dm, speed_cm_s;
};

struct signals_reading {
    int32_t phase; /* -1: between two phases, flashing or unknown */
    uint32_t age_s, hold_s;
    bool leaves;
    uint8_t stop[SIGNALS_LANES_MAX], advance[SIGNALS_LOOPS_MAX];
    bool stop_on[SIGNALS_LANES_MAX], advance_on[SIGNALS_LOOPS_MAX];
    bool dead[SIGNALS_LANES_MAX];
    bool has_cars;
    uint32_t cars_count;
    struct signals_car cars[SIGNALS_CARS_MAX]; /* in any order */
};

/* Read one result for this model. ERR_MALFORMED, ERR_LIMIT; *out is written on OK only. */
enum err signals_reading_read(struct bytes result, const struct signals_model *model,
                              struct signals_reading *out) MUST_USE;

/* The same reading without `cars`, from the arena. ERR_MALFORMED, ERR_LIMIT. */
enum err signals_reading_without_cars(struct bytes result, struct arena *arena,
                                      struct bytes *out) MUST_USE;

#endif
