/*
 * search.h -- which phase to show next: a beam search over sequences of phases, second by second.
 *
 * A plan's cost is the weighted delay of every vehicle that is known or announced, in vehicle
 * seconds: from when it could have crossed the stop line to when the plan lets it. Only the first
 * step of the best plan is ever used (rolling horizon). Sources: specs/signals.md 3.6-3.7, and
 * specs/signals-better.md 1.2-1.4 for cost-to-go and scenarios; Sen & Head 1997 (COP) and Xie et
 * al. 2012 (schedule-driven control) for the family.
 *
 * Pure and deterministic: ties go to the phase that comes first in cyclic order, staying first.
 * Time here counts from the decision, in seconds.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_SEARCH_H
#define SERVICES_SIGNALS_OPTIMIZE_SEARCH_H

#include "services/signals/model.h"
#include "services/signals/optimize/flow.h"

enum {
    SEARCH_HORIZON_S = 30,
    SEARCH_BEAM = 24,
    SEARCH_BRANCH_S = 2,      /* a phase that stays may end at each of these */
    SEARCH_SCENARIOS_MAX = 4, /* guesses of who turns where */
    SEARCH_THRIFT = 2,
    SEARCH_VEHICLES_MAX = 120,
    SEARCH_STEPS_MAX = 8,
    SEARCH_GREEN_MAX_S = 90,
};
#define SEARCH_UNLIMITED 1e9
#define SEARCH_YELLOW_GO_S 1.5 /* of yellow that is still used */
#define SEARCH_WALK_S 7        /* that a walk is shown at least: MUTCD 2009 4E.06 */

struct search_lane {
    uint32_t count;
    double eta_s[SEARCH_VEHICLES_MAX];  /* at the stop line if nothing hinders; never falling; <= 0:
                                           waits */
    double weight[SEARCH_VEHICLES_MAX]; /* of a second that it waits */
    uint8_t link[SEARCH_SCENARIOS_MAX][SEARCH_VEHICLES_MAX];
    uint8_t elsewhere[SEARCH_VEHICLES_MAX]; /* scenarios in which it takes another lane: bits */
    double free_s;                          /* earliest next departure */
    double headway_s;                       /* between two that leave on a green (flow.h), */
    double permissive_s;                    /* on a green that yields, */
    double start_s;                         /* lost when a queue starts */
    uint8_t gone;                           /* of its queue, since it started */
};

struct search_problem {
    const struct signals_model *model;
    bool thrift;        /* there is much to look at: plans change at fewer moments, so that a
                           decision is made within 1 ms */
    uint32_t scenarios; /* 1 .. SEARCH_SCENARIOS_MAX */
    struct search_lane lanes[SIGNALS_LANES_MAX];
    double link_weight[SIGNALS_LINKS_MAX]; /* 0 .. 1: what sending somebody there is worth */
    double exit_room[SIGNALS_EXITS_MAX];   /* vehicles that fit, or SEARCH_UNLIMITED */
    bool stuck[SIGNALS_PHASES_MAX][SIGNALS_LANES_MAX]; /* serves nobody for now */
    uint32_t phase, age_s;                             /* shown, green */
    uint32_t clearance_s, yellow_s;
    uint32_t hold_s; /* its vehicles' green from a change on: a walk is shown (reading.h); else 0 */
    double change_cost; /* vehicle seconds that a change costs beyond its delay */
};

static inline bool
search_is_there(const struct search_lane *l, uint32_t scenario, uint32_t vehicle)
{
    return !(l->elsewhere[vehicle] >> scenario & 1);
}

/* What a second of it costs, when it goes where the scenario has it go. */
static inline double
search_weight(const struct search_problem *p, const struct search_lane *l, uint32_t scenario,
              uint32_t vehicle)
{
    if (!search_is_there(l, scenario, vehicle))
        return 0;
    return l->weight[vehicle] * p->link_weight[l->link[scenario][vehicle]];
}

struct search_result {
    uint32_t phase; /* first step of the best plan; problem.phase: stay */
    double cost;
    double phase_cost[SIGNALS_PHASES_MAX]; /* of the best plan that begins so; < 0: none was kept */
    uint32_t steps_count;
    struct search_step {
        uint8_t phase;
        uint16_t starts_s;
    } steps[SEARCH_STEPS_MAX];
};

/*
 * The place of one more vehicle in its lane's order; its eta is set, the rest is the caller's.
 * There must be room.
 */
uint32_t search_make_room(struct search_problem *p, uint32_t lane, double eta_s);

struct search; /* scratch memory; one is enough for all intersections */
struct search *search_new(void);
void search_free(struct search *s);

void search_run(struct search *s, const struct search_problem *problem, struct search_result *out);

#endif
