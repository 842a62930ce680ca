/*
 * flow.h -- how fast a queue leaves one lane: learned from its greens, within bounds.
 *
 * A green that began with a queue is measured: when the first one crossed the line, and when the
 * last one who had to stand did (the saturation flow of HCM 2010, chapter 31, measured with
 * stop-line loops; a gap ends it). The headway begins as specs/signals.md 3.7 has it, the start as
 * was measured (docs/signals.md). Pure.
 *
 * Headways fall along a queue until it flows (Greenshields, Schapiro & Ericksen 1947): the first
 * ones still speed up at the line. A lane's headway is the mean of the first FLOW_STARTS, and the
 * one behind each is a fixed share of it; it is what makes a queue that starts after the start-up
 * loss end when it did.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_FLOW_H
#define SERVICES_SIGNALS_OPTIMIZE_FLOW_H

#include "base/base.h"

#define FLOW_HEADWAY_S 1.9 /* priors */
#define FLOW_START_S 1.0
#define FLOW_HEADWAY_LEAST_S 1.5 /* bounds: 1,370 to 2,930 vehicles an hour once it flows */
#define FLOW_HEADWAY_MOST_S 3.2
#define FLOW_START_LEAST_S FLOW_START_S /* a plan that thinks it less changes for too little */
#define FLOW_START_MOST_S 4.0
#define FLOW_GAP_S 5 /* between two that cross: the second was held up, or no part of the queue */

enum { FLOW_STARTS = 6 }; /* so many leave until a queue flows */

struct flow {
    double headway_s, start_s;
    /* the green that is measured */
    bool measures;
    uint32_t departed;
    double green_s, first_s, last_s;
};

/* Behind the one who leaves when `gone` of his queue have left; FLOW_STARTS: it flows. */
double flow_headway(double headway_s, uint32_t gone);
/* Of a queue that starts: from its first one until `count` have left and one more may. */
double flow_time(double headway_s, uint32_t count);

void flow_init(struct flow *f);

/*
 * One second: whether the lane is green (with right of way), who crossed the line in it, and how
 * many are left of the queue at its end, be they on their way already.
 */
void flow_second(struct flow *f, bool green, uint32_t departed, uint32_t standing, double now_s);

#endif
