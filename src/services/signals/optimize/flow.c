#include "services/signals/optimize/flow.h"

enum { QUEUE_LEAST = 4, DEPARTED_LEAST = 4 };
#define KEEP 0.9        /* of what was learned before, at each green */
#define HALF_SECOND 0.5 /* a crossing is known by the second only */

/* Of the mean of all six, and the sums of those before each. Engineering choice, measured. */
static const double share[FLOW_STARTS] = {1.35, 1.10, 1.00, 0.90, 0.85, 0.82};
static const double sum[FLOW_STARTS + 1] = {0, 1.35, 2.45, 3.45, 4.35, 5.20, 6.02};

double
flow_headway(double headway_s, uint32_t gone)
{
    return headway_s * share[gone < FLOW_STARTS ? gone : FLOW_STARTS - 1];
}

double
flow_time(double headway_s, uint32_t count)
{
    if (count <= FLOW_STARTS)
        return headway_s * sum[count];
    return headway_s * (sum[FLOW_STARTS] + share[FLOW_STARTS - 1] * (double)(count - FLOW_STARTS));
}

void
flow_init(struct flow *f)
{
    *f = (struct flow){.headway_s = FLOW_HEADWAY_S, .start_s = FLOW_START_S};
}

static double
within(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

static void
learn(double *value, double sample, double least, double most)
{
    *value = KEEP * *value + (1 - KEEP) * within(sample, least, most);
}

static void
end(struct flow *f)
{
    f->measures = false;
    if (f->departed < DEPARTED_LEAST)
        return;
    double first_s = f->first_s - HALF_SECOND - f->green_s;
    double last_s = f->last_s - HALF_SECOND - f->green_s;
    learn(&f->start_s, first_s, FLOW_START_LEAST_S, FLOW_START_MOST_S);
    learn(&f->headway_s, (last_s - f->start_s) / flow_time(1, f->departed - 1),
          FLOW_HEADWAY_LEAST_S, FLOW_HEADWAY_MOST_S);
}

void
flow_second(struct flow *f, bool green, uint32_t departed, uint32_t standing, double now_s)
{
    if (!green) {
        if (f->measures)
            end(f);
        f->green_s = now_s; /* the next second may be the first of a green */
        f->departed = 0;
        return;
    }
    if (!f->measures && f->departed == 0 && standing + departed >= QUEUE_LEAST &&
        now_s - f->green_s <= 1)
        f->measures = true;
    if (!f->measures)
        return;
    if (f->departed > 0 && now_s - f->last_s > FLOW_GAP_S) {
        end(f);
        return;
    }
    for (uint32_t i = 0; i < departed; i++) {
        if (f->departed++ == 0)
            f->first_s = now_s;
        f->last_s = now_s;
    }
    if (standing == 0)
        end(f);
}
