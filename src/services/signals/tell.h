/*
 * tell.h -- what people are told of one intersection: six Datastreams of the service's own.
 *
 *   queue          {"phase":0,"age":12,"standing":{"a_0":3,...},"near":{"a_0":5,...}}
 *   why            why this phase now, a sentence for an operator
 *   trust          {"a_0":100,...}: per cent, of what each lane's sensors say
 *   rung           {"rung":0,"name":"plan","why":"all sensors are good"}: the ladder of control.h
 *   refusals       {"granted":340,"refused":2,"phase":1,"reason":"..."}: of the warden; the last
 * one time-to-green  {"phase":0,"movements":[{"signalGroup":1,"lanes":["a_0"],"eventState":
 *                   "stop-And-Remain","in_s":12,"probability":0.81,"q_s":[11,12,15],"timing":{
 *                   "minEndTime":1234,"maxEndTime":2345,"likelyTime":1290,"confidence":8}}],
 *                   "record":{"said":0.79,"happened":0.81,"times":412}}
 *
 * Lanes by the names that the intersection gave them. The last one's words are those of SAE J2735
 * (SPaT: MovementState, MovementPhaseState, TimeChangeDetails, TimeMark in tenths of a second of
 * the hour in UTC, TimeIntervalConfidence); `in_s` seconds, within two of it with `probability`,
 * `q_s` the seconds by which it has started with 20, 50 and 80 %. minEndTime is what clearance and
 * minimum green allow; maxEndTime holds while a call stands, and is absent without a maximum red.
 * `record` is what became of those of this intersection that were said with 70 to 90 %.
 *
 * Pure. Said on change and not too often, so that 100 intersections stay far below 200 a second:
 *
 * T1  tell_second() calls `say` for a voice only when something of it changed, and not before its
 *     pause is over.
 * T2  What a device named stands in JSON with escapes, whatever it is.
 */
#ifndef SERVICES_SIGNALS_TELL_H
#define SERVICES_SIGNALS_TELL_H

#include "base/buf.h"
#include "programs/core/service.h"
#include "services/signals/optimize/forecast.h"

enum tell_voice {
    TELL_QUEUE,
    TELL_WHY,
    TELL_TRUST,
    TELL_RUNG,
    TELL_REFUSALS,
    TELL_TIME_TO_GREEN,
    TELL_VOICES
};
extern const struct service_voice tell_voices[TELL_VOICES];

struct tell_names {
    char lane[SIGNALS_LANES_MAX][SIGNALS_LANE_NAME_MAX + 1];
};

/* One intersection. The caller fills names and model with tell_describe() only. */
struct tell {
    struct signals_model model;
    struct tell_names names;
    struct forecast forecast;
    struct forecast_of_group said[FORECAST_GROUPS_MAX];
    uint64_t served_ms[SIGNALS_LANES_MAX]; /* when nobody stood there, or it was green, last */
    uint64_t granted, refused;
    int32_t refused_phase;
    int32_t told_phase; /* when times to green were said last */
    char reason[160];
    struct {
        uint64_t key;    /* of what was said; 0: nothing yet */
        uint64_t due_ms; /* not before */
    } voice[TELL_VOICES];
};

/* Static in the caller's hands: large. */
struct tell_second {
    const struct control_view *view;
    int32_t phase;                 /* what is shown; -1: in between */
    uint32_t age_s, maximum_red_s; /* 0: the charter has none */
    uint64_t now_ms;
    int64_t wall_us;
    bool silent; /* nothing has been heard of it for some seconds: phase and age are old */
};

typedef void tell_fn(void *ctx, const struct service_voice *voice, struct bytes text);

/* It describes itself anew: its Thing, which was read as this model. What was learned of the old
 * shape is forgotten; counts of the warden's answers stay. ERR_MALFORMED: no lanes' names. */
enum err tell_describe(struct tell *t, const struct signals_model *model,
                       struct bytes thing) MUST_USE;

/* The warden's answer to a wish. */
void tell_verdict(struct tell *t, int32_t phase, bool granted, struct bytes reason);

/* Once a second, after control_wish(); also while it is silent. */
void tell_second(struct tell *t, struct forecast_seen *zone, const struct tell_second *now,
                 tell_fn *say, void *ctx);

/* TimeIntervalConfidence (SAE J2735) of a probability: the highest class that it reaches. */
uint32_t tell_confidence(uint32_t permille);

/* Why, in words: appended to `out`. Part of tell_second(), here for its test. */
void tell_why(const struct tell *t, const struct tell_second *now, struct buf *out);

#endif
