/*
 * executor.h -- the part of an intersection that holds the lights. Pure: one step a second.
 *
 * It is the device side of a lease, and safe without anybody else:
 *
 * X1  Only states that site_may_show() allows are shown.
 * X2  Between two phases every link that loses its green shows yellow for yellow_s and red for
 *     all_red_s before a link that gains green gets it.
 *     All-red goes on while somebody is still inside the junction, BOX_WAIT_S longer at most;
 *     where some link keeps its green through the change, it does not.
 * X3  A phase stands for at least minimum_green_s.
 * X4  Without a valid lease the intersection follows its own fixed plan, from where it stands.
 * X5  A lane with somebody waiting gets green before its red is longer than maximum_red_s and one
 *     change (with a minimum green of a change that is under way), whatever is leased. It does not
 *     hold while people have ordered flashing.
 *
 * Seconds are the street's (the simulation's); a lease ends by the wall clock.
 */
#ifndef FIELD_SUMO_FORMER_H
#define FIELD_SUMO_FORMER_H

#include "field/sumo/site.h"

enum { FORMER_LEAVE_FLASH_S = 6, FORMER_BOX_WAIT_S = 8 };

struct former_times {
    uint32_t yellow_s, all_red_s, minimum_green_s, maximum_red_s;
};

enum former_mode {
    FORMER_NATIVE, /* SUMO's own programme still runs: waiting for one of its green states */
    FORMER_GREEN,
    FORMER_YELLOW,
    FORMER_ALL_RED,
    FORMER_FLASH,
    FORMER_MODES_COUNT
};

struct former {
    const struct site *site;
    enum former_mode mode;
    uint32_t phase, target; /* target: while yellow or all-red */
    bool to_flash, from_flash;
    uint32_t elapsed_s; /* in this mode */
    uint32_t plan_row;
    int32_t leased; /* phase; -1: none */
    int64_t lease_until_us, flash_until_us;
    bool obeying; /* a lease was valid at the last step */
    uint64_t fallbacks, forced;
    uint32_t red_s[SITE_LANES_MAX]; /* how long a waiting lane has had no green */
    char shown[SITE_LETTERS_MAX + 1];
};

void former_init(struct former *x, const struct site *site);

/* Take over when SUMO shows one of the phases. True if the executor holds the lights now. */
bool former_take_over(struct former *x, struct bytes shown);

/* ERR_DENIED: the intersection has no such phase. */
enum err former_lease(struct former *x, int64_t phase, int64_t until_us) MUST_USE;
void former_lease_flash(struct former *x, int64_t until_us);
/* Whoever leased is silent: the lease for a phase ends now. What people ordered goes on. */
void former_silence(struct former *x);

/*
 * One second goes by. `waiting` holds a number for each lane, `inside` how many are in the
 * junction. x->shown is what to show now; true if it changed.
 */
bool former_step(struct former *x, const struct former_times *times, const uint16_t *waiting,
                 uint32_t inside, int64_t now_us);

/* "plan", "lease", "yellow", "all-red", "flash" or "own programme". */
const char *former_word(const struct former *x);

#endif
