/*
 * queues.h -- who is on the way to one intersection and who stands there, as far as loops tell.
 *
 * A vehicle enters a lane's list when it crosses an advance loop (or a neighbour lets it go), is
 * confirmed by each loop that it passes, and leaves at the stop line. Loops know no identity, so
 * the list is an estimate: which lane a vehicle chooses is drawn by learned shares (without random
 * numbers), and what the stop line shows moves it when the guess was wrong. With `cars` the list is
 * what the cameras saw.
 *
 * Q1  A lane whose stop loop is occupied has at least one vehicle at the line (but Q6).
 * Q2  A lane whose stop loop was free for QUEUE_EMPTY_S of its green has none that stands.
 * Q3  No list is longer than the lane's part that it describes can hold.
 * Q4  A lane whose stop loop is dead (blind.h) is filled by claims and learned rates, and by a
 *     queue that stands over its nearest loop, and emptied as its lights allow.
 * Q5  A claim weighs what its source is trusted (trust.h); whoever stands on a stop loop weighs 1.
 * Q6  Who crosses the line still lies on its loop: that second says nothing of who comes after him;
 *     and where he gives way, no second does before the loop is free or his light changes.
 * Q7  Who was due at a loop in a second that was not heard came over it. Who stood at the line
 *     before it, under green, and is there no more or should not be, left in it.
 *
 * Seconds are the control's clock. Pure; integers and doubles, no random numbers.
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_QUEUES_H
#define SERVICES_SIGNALS_OPTIMIZE_QUEUES_H

#include "services/signals/optimize/blind.h"
#include "services/signals/optimize/flow.h"
#include "services/signals/optimize/intents.h"
#include "services/signals/optimize/search.h"
#include "services/signals/optimize/spill.h"
#include "services/signals/optimize/trust.h"
#include "services/signals/reading.h"

enum {
    QUEUE_VEHICLES_MAX = SEARCH_VEHICLES_MAX,
    QUEUE_SOURCES_MAX = SIGNALS_LOOPS_MAX + SIGNALS_FEEDERS_MAX,
    QUEUE_EMPTY_S = 3,
    QUEUE_GONE_MAX = 4,
};
#define QUEUE_CROSS_S 2.0   /* from a stop line to the exit */
#define QUEUE_VEHICLE_M 7.5 /* a standing vehicle with its gap */

struct queue_vehicle {
    double eta_s;    /* at the stop line, if nothing hinders */
    double due_s;    /* there, given who stands before him: later is late */
    double seen_s;   /* at the last place where it was seen */
    double slack_s;  /* whoever is seen there may take so much longer */
    uint16_t from_m; /* of the last place where it was seen */
    uint8_t source;  /* loop, or loops_count + feeder; QUEUE_SOURCES_MAX: the stop loop alone */
    int8_t link;     /* -1: not known */
};

/* One who was given up: he may come after all. */
struct queue_gone {
    double seen_s;
    uint16_t from_m;
    uint8_t source;
};

struct queue_lane {
    uint32_t count;
    struct queue_vehicle v[QUEUE_VEHICLES_MAX]; /* in order of eta */
    double departed_s, green_since_s, served_s;
    double free_since_s, busy_since_s; /* of the stop loop */
    double per_s;                      /* arrivals, smoothed over QUEUE_RATE_S */
    uint32_t left;                     /* over the line in this green */
    uint8_t left_by;                   /* the link that the last one took, as was guessed */
    bool green, on;
    uint16_t inner_m; /* its nearest loop before the line; 0: none */
    bool stands;      /* it lies on the lane itself, and a queue stands over it, */
    bool covered;     /* somebody stands on that loop, */
    bool held;        /* or on one before the lane begins */
    struct flow flow;
    double stuck_until_s[SIGNALS_PHASES_MAX];
    uint64_t siblings; /* lanes that a vehicle on its way here may take instead */
    struct queue_gone gone[QUEUE_GONE_MAX];
    uint32_t gone_count;
    double missing; /* announced and not seen, less seen and not announced */
    uint32_t holds; /* vehicles, from its farthest source to the line */
};

struct queues {
    const struct signals_model *model;
    struct queue_lane lanes[SIGNALS_LANES_MAX];
    double reach[QUEUE_SOURCES_MAX][SIGNALS_REACH_MAX];  /* how many took that lane; decays */
    double credit[QUEUE_SOURCES_MAX][SIGNALS_REACH_MAX]; /* whose turn it is */
    /* From a source to the next place where one is seen, in the time at the speed limit: what half
     * of all need, and what nearly all do. */
    double pace[QUEUE_SOURCES_MAX], slow[QUEUE_SOURCES_MAX];
    double met[QUEUE_SOURCES_MAX];  /* share of those who came that the next loop was the first to
                                       see */
    double turn[SIGNALS_LINKS_MAX]; /* how many took that link; decays */
    double turn_credit[SIGNALS_LINKS_MAX];
    double proof[SIGNALS_LINKS_MAX]; /* against the head of the lane taking that link */
    double heard_s;
    uint64_t unheard; /* seconds of which no reading was heard, a bit each, the last one first */
    bool sees;        /* the lists are what cameras saw */
    int32_t phase, green_phase;          /* shown; and shown last */
    bool leaves;                         /* it is left: people on foot do not go any more */
    uint8_t departed[SIGNALS_LINKS_MAX]; /* in the last second, by the link that was guessed */
    uint64_t full_exits;                 /* no room there, as the control knows */
    struct trust trust;
    struct blind blind;
    struct spill spill;
};

/* The model is borrowed. */
void queues_init(struct queues *q, const struct signals_model *model, double now_s);

/* Believe everybody: neither trust nor guesses of what is dead. */
void queues_believe(struct queues *q);

/* One second of loops; with `cars` and !loops_only, of vehicles. */
void queues_hear(struct queues *q, const struct signals_reading *r, bool loops_only, double now_s);

/* A neighbour let one go into this feeder at `now_s`. */
void queues_coming(struct queues *q, uint32_t feeder, double now_s);

/* Vehicles that stand, and all. */
uint32_t queues_standing(const struct queues *q, uint32_t lane, double now_s);
/* The same, each as far as it is believed. */
double queues_standing_weight(const struct queues *q, uint32_t lane, double now_s);
/* How far what is said of a lane is believed now, 0 .. 1. */
double queues_trust(const struct queues *q, uint32_t lane);

/*
 * The lanes of a problem: etas from now on, weights, links by scenario, headways. `sources` by
 * feeder: what the neighbours intend, or NULL when none can be heard.
 */
void queues_fill(const struct queues *q, const struct intents_source *sources,
                 struct search_problem *p, double now_s);

#endif
