/*
 * control.h -- the intersections of one zone, guided together: readings go in, wishes come out.
 *
 * Pure: no clock, no I/O, no random numbers; the same calls in the same order give the same wishes
 * to the last bit. Everything is allocated by control_new(); nothing after it. Advice only: what a
 * wish may do is decided by the warden and by the executor of the intersection.
 *
 * Each second, for each intersection: control_hear() with its reading, then control_wish(). Time is
 * in ms of one clock that never goes back; a reading that is older than CONTROL_STALE_MS leads to
 * no wish. Method, constants and their sources: services/signals/README.md.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_CONTROL_H
#define SERVICES_SIGNALS_OPTIMIZE_CONTROL_H

#include "services/signals/reading.h"

enum { CONTROL_JUNCTIONS_MAX = 256, CONTROL_STALE_MS = 3000, CONTROL_CALLS_MAX = 8, NO_WISH = -1 };

enum control_method {
    CONTROL_PLAN,     /* rolling-horizon search (search.h), with everything that helps it */
    CONTROL_PRIORITY, /* Laemmer-Helbing priorities (priority.h): the fall-back and yardstick */
    CONTROL_PRESSURE, /* max pressure (pressure.h) on the same estimates */
    CONTROL_METHODS_COUNT
};

struct control_options {
    enum control_method method;
    bool loops_only; /* ignore `cars` even where they come */
    bool deaf;       /* ignore what neighbours announce (drills, measurements) */
    bool trusting;   /* believe all that is heard: trust.h, blind.h do nothing (measurements) */
};

/* How well an intersection is guided; the ladder of specs/signals.md 3.9. */
enum control_rung {
    RUNG_PLAN,    /* all sensors good */
    RUNG_VIRTUAL, /* some lanes are dead: virtual queues stand in for them */
    RUNG_RATES,   /* most lanes are dead: the same, mostly over learned rates */
    RUNG_LOCAL,   /* no sensor can be believed: no wish, the executor follows its own plan */
    RUNGS_COUNT
};

/* Somebody who may be served before others; already authenticated and limited by the caller. */
struct control_call {
    uint8_t lane;
    uint16_t weight;   /* in vehicles, 1 .. 50 */
    uint64_t eta_ms;   /* at the stop line */
    uint64_t until_ms; /* the call is forgotten then */
};

struct control;

/* NULL when there is no memory. */
struct control *control_new(uint32_t junctions_max, const struct control_options *options);
void control_free(struct control *c);

/* One more intersection; ERR_LIMIT. What it said of its exits links it to its neighbours. */
enum err control_add(struct control *c, const struct signals_model *model,
                     uint32_t *out_index) MUST_USE;
/* It describes itself anew; what was learned of the old shape is forgotten. */
void control_change(struct control *c, uint32_t index, const struct signals_model *model);

/* The reading must have been read for this model. False: it cannot be of now (news.h) and was not
 * heard; nobody should be told of it either. */
bool control_hear(struct control *c, uint32_t index, const struct signals_reading *reading,
                  uint64_t now_ms);
/* ERR_LIMIT: too many calls stand; ERR_MALFORMED: no such lane. */
enum err control_hear_call(struct control *c, uint32_t index, const struct control_call *call,
                           uint64_t now_ms) MUST_USE;

/*
 * The phase that shall be shown from the next second on, or NO_WISH: nobody is there, or nothing is
 * known. The phase that is shown is a wish too: to stay. Once a second for each intersection, after
 * its reading.
 */
int32_t control_wish(struct control *c, uint32_t index, uint64_t now_ms);

/* What operators see of the last decision. Valid until the next call for this intersection. */
struct control_view {
    enum control_rung rung;
    const char *rung_why; /* a few words with counts; may change once a minute */
    int32_t wish;
    int32_t second_best;                       /* phase of the best alternative; NO_WISH: none */
    int32_t cost_ds, second_cost_ds;           /* of both plans, vehicle-seconds x 10 */
    int32_t phase_cost_ds[SIGNALS_PHASES_MAX]; /* best plan that starts so; -1: not looked at */
    uint16_t queue[SIGNALS_LANES_MAX];         /* estimated vehicles that stand */
    uint16_t near[SIGNALS_LANES_MAX];          /* and all that are under way to the line */
    uint8_t trust_percent[SIGNALS_LANES_MAX];  /* 0: its stop loop is dead */
    uint64_t decided_ms;                       /* when costs and steps were worked out; 0: never */
    /* What the plan intended then: from starts_s seconds later on, phase. Green starts only. */
    uint32_t steps_count;
    struct control_step {
        uint8_t phase;
        uint16_t starts_s;
    } steps[8];
};
const struct control_view *control_view(const struct control *c, uint32_t index);

#endif
