/*
 * forecast.h -- seconds until the next green of each signal group, and how sure that is.
 *
 * The plan's intention (control_view.steps) is a point; what became of earlier intentions is the
 * rest. Forecasts that were made while a group was red wait until it turns green; the error goes
 * into a histogram of the row (how the point was found, how far away it was). From the histogram of
 * its row, the junction's own and a share of the zone's, a forecast takes the likeliest window of
 * FORECAST_WITHIN_S around a second, its mass, and quantiles. What was said and how often it then
 * happened corrects the probability once more, so that 80 % said is 80 % happened (R1).
 *
 * Pure: integers, no clock, no allocation; the same calls give the same answers.
 *
 * R1  Over the forecasts of one junction, those said with 75 to 85 % come true in 75 to 85 %:
 *     measured by bench/signals and by forecast_test.c.
 * R2  A group that is not known to be red is not forecast.
 *
 * A signal group is what has the same light in every phase (SAE J2735 SignalGroupID).
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_FORECAST_H
#define SERVICES_SIGNALS_OPTIMIZE_FORECAST_H

#include "services/signals/model.h"
#include "services/signals/optimize/control.h"

enum {
    FORECAST_WITHIN_S = 2, /* "then" means within so many seconds */
    FORECAST_GROUPS_MAX = 64,
    FORECAST_FAR_S = 250,  /* no forecast is farther */
    FORECAST_BINS = 64,    /* errors in seconds, happened minus intended ... */
    FORECAST_EARLY_S = 16, /* ... of which bin 0 is so much too early, or more */
    FORECAST_HORIZONS = 8,
    FORECAST_KINDS = 4,
    FORECAST_ROWS = FORECAST_KINDS * FORECAST_HORIZONS,
    FORECAST_WAITING_MAX = 2048, /* forecasts that wait for what happens */
    FORECAST_EVERY_S = 2,        /* one of so many seconds is learned from */
    FORECAST_TENTHS = 10,
};

/* How often something was said with about this probability, and happened. */
struct forecast_record {
    uint32_t said, happened;
    uint64_t said_permille; /* their sum */
};

/* What a zone's junctions, or one junction, have seen. */
struct forecast_seen {
    uint32_t errors[FORECAST_ROWS][FORECAST_BINS];
    uint32_t errors_count[FORECAST_ROWS];
    struct forecast_record said[FORECAST_ROWS]; /* before the correction */
};

struct forecast_waiting {
    uint32_t made_s;
    uint8_t group, row, intended_s, said_s;
    uint16_t raw_permille, said_permille;
    bool recorded; /* whether it came true */
};

struct forecast {
    uint32_t groups_count;
    uint8_t group_of_link[SIGNALS_LINKS_MAX]; /* FORECAST_GROUPS_MAX: none, it is never served */
    uint32_t served[FORECAST_GROUPS_MAX];     /* a bit for each phase that serves it */
    uint32_t red_since_s[FORECAST_GROUPS_MAX];
    bool red[FORECAST_GROUPS_MAX], seen_red[FORECAST_GROUPS_MAX];
    uint16_t usual_red_s[FORECAST_GROUPS_MAX]; /* a running median; 0: not known */
    int32_t last_phase;
    uint32_t last_s;
    uint32_t waiting_count, waiting_at; /* a ring */
    struct forecast_waiting waiting[FORECAST_WAITING_MAX];
    struct forecast_seen seen;
    struct forecast_record said[FORECAST_TENTHS]; /* what was said in the end */
};

struct forecast_of_group {
    bool known; /* it is red, and the rest is said of its next green */
    bool green;
    uint8_t in_s;      /* seconds from now; it starts within FORECAST_WITHIN_S of it ... */
    uint16_t permille; /* ... with this probability */
    uint8_t q20_s, q50_s, q80_s; /* by then it has started, with 20, 50 and 80 % */
};

/* What nobody has seen yet: a prior that a few dozen events outweigh. */
void forecast_seen_init(struct forecast_seen *zone);

void forecast_init(struct forecast *f, const struct signals_model *model);

/*
 * Once a second, after control_wish(): what is shown, what is intended; `out` has groups_count
 * entries. Seconds of the clock of control.h, which never goes back; a gap in it forgets which
 * lights are red. `zone` is shared by the junctions of a zone, and learns.
 */
void forecast_step(struct forecast *f, struct forecast_seen *zone,
                   const struct signals_model *model, const struct control_view *view,
                   int32_t phase, uint32_t age_s, uint32_t now_s,
                   struct forecast_of_group out[static FORECAST_GROUPS_MAX]);

#endif
