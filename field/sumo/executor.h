/*
 * executor.h -- an intersection of a simulation in the hands of field/lights. Pure: one step a
 * second.
 *
 * The rules are the machine's (field/lights/machine.h), the second opinion is the monitor's; here
 * a network's signal becomes an intersection, and letters become SUMO's. A link of field/lights is
 * a letter of the state; two letters cross if the ways of any of their connections do, and one
 * yields if each of its connections that crosses the other's gives way. A network that does not say
 * who crosses whom, or whose own phases do not fit what it says, is held to its phases: two letters
 * cross if no phase lets both go. A walk is a letter of which all lanes are crossings.
 *
 * Seconds are the street's (the simulation's); a lease ends by the wall clock.
 */
#ifndef FIELD_SUMO_EXECUTOR_H
#define FIELD_SUMO_EXECUTOR_H

#include "field/lights/machine.h"
#include "field/lights/monitor.h"
#include "field/sumo/coming.h"
#include "field/sumo/site.h"

struct executor_times {
    uint32_t yellow_s, all_red_s, minimum_green_s, maximum_red_s;
};

enum executor_mode {
    EXECUTOR_NATIVE,  /* SUMO's own programme still runs: waiting for one of its green states */
    EXECUTOR_GREEN,   /* a phase stands */
    EXECUTOR_BETWEEN, /* all else */
};

struct executor {
    const struct site *site;
    struct intersection intersection;
    struct machine machine;
    struct monitor monitor;
    struct coming coming;              /* by its loops */
    bool by_matrix;                    /* the network's own word on who crosses whom holds */
    char why[LIGHTS_WHY_SIZE];         /* else why not */
    uint8_t lane_of[LIGHTS_LANES_MAX]; /* the site's lane of each of the intersection's */
    uint64_t sequence;
    int64_t flash_until_us; /* asked for before the lights were held */

    /* as of the last step */
    enum executor_mode mode;
    uint32_t phase;     /* that stands or stood last */
    uint32_t elapsed_s; /* in this state */
    uint32_t green_s;   /* for how long the phase has stood, or stood before it was left */
    uint64_t fallbacks, forced, doubts;
    char shown[SITE_LETTERS_MAX + 1]; /* as SUMO has them */
};

/* ERR_DENIED: x->why says what does not fit. Then it stays EXECUTOR_NATIVE for ever. */
enum err executor_init(struct executor *x, const struct site *site,
                       const struct executor_times *times) MUST_USE;

/* Take over when SUMO shows one of the phases. True if the executor holds the lights now. */
bool executor_take_over(struct executor *x, struct bytes shown);

/* ERR_DENIED: the intersection has no such phase, or doubts what it is wished. ERR_EXPIRED. */
enum err executor_lease(struct executor *x, int64_t phase, int64_t until_us) MUST_USE;
void executor_lease_flash(struct executor *x, int64_t until_us);
/*
 * Likewise, of higher rank (services/signals/envelope.c E4): an emergency vehicle's phase, renewed
 * while it comes, ERR_DENIED while an order of people stands; a person's hand on a phase; all red.
 * ERR_WRONG_STATE: the lights are not held yet, or have tripped.
 */
enum err executor_preempt(struct executor *x, int64_t phase, int64_t until_us) MUST_USE;
enum err executor_manual(struct executor *x, int64_t phase, int64_t until_us) MUST_USE;
enum err executor_all_red(struct executor *x, int64_t until_us) MUST_USE;
/* Whoever leased is silent: the lease for a phase ends now. What people ordered goes on. */
void executor_silence(struct executor *x);

/*
 * One second goes by. `waiting` holds a number for each lane of the site; `inside` the links on
 * whose ways somebody is in the junction (traffic.h), NULL: none; `counts` what its loops counted,
 * NULL: it has none, and for whoever waits somebody comes. x->shown is what to show now; true if it
 * changed.
 */
bool executor_step(struct executor *x, const uint16_t *waiting, const struct loops_counts *counts,
                   const struct site_links *inside, int64_t now_us);

/* What the lights show, for a reading. */
struct site_lights executor_lights(const struct executor *x);

/* The Thing's properties, with the times that it was made with and the minimums that it keeps. */
void executor_put_properties(const struct executor *x, const struct executor_times *times,
                             struct buf *b);

/* Who crosses whom and who yields, by the network's word alone. */
void executor_cross_by_street(struct intersection *x, const struct site *s);

/* "lease", "plan", "plan: leases are doubted", or what the machine is doing. */
const char *executor_word(const struct executor *x);

#endif
