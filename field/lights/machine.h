/*
 * machine.h -- who holds the lights of one intersection: a state machine of states x events. Pure;
 * no allocation; the table is at the end of machine.c, and a pair that is not in it is refused and
 * changes nothing.
 *
 *   OFF -take over-> GREEN/WALK -> CLEARANCE -> YELLOW -> ALL_RED -> BOX_HOLD -> GREEN/WALK,
 *   PREEMPT, MANUAL, RED or FLASH;  any -watchdog, trip-> FAULT -reset-> FLASH -> LEAVE_FLASH
 *
 * A change has a goal: a phase, a pre-emption, a person's hand, all red, flashing. Its target is
 * fixed when it begins. Something more urgent takes the change over when no green that is kept
 * through the change would be lost without a yellow; else it waits for that change, and then for
 * the end that a pre-emption may ask of a green.
 *
 * M1  No two links that cross go together but one that yields (intersection.h); all letters shown
 *     are a phase's, or derived from one by taking green away, or all flash.
 *
 * M2  Whoever loses green shows yellow for its yellow_s, a walk its clearance_s; nobody who gains
 *     green has it before all-red is over. With who gives way and loses green the vehicles are
 *     stopped that he gives way to, though the next phase has them too. Nothing shortens them: no
 *     wish, no person, no pre-emption. When all are red, a change goes on while somebody inside is
 *     in the way of whoever gains green, box_wait_s at most; a lane begins as soon as nobody is in
 *     the way of any link of it that will go, and all to whom it gives way begin too. Who goes in
 *     the next phase as well is in nobody's way.
 *
 * M3  A phase stands for at least the minimum green of its links, a walk for its walk_s; for a
 *     pre-emption at least preempt_minimum_s, and the walk.
 *
 * M4  A wish takes effect at the first second when the green's age is at least its minimum. A wish
 *     that is expired, or whose number is not larger than the last one's, is no wish. Without a
 *     wish the stored plan of the time of day goes on from where it stands (M10).
 *
 * M5  In regular operation each link of a lane whose call stands has green before limit_s
 *     (intersection.h): an arrow of its lane does not help who goes straight on. So each second
 *     asks: if this is done now, can all that are waited for still go in time, the earliest due
 *     first? If not, the one that is due first goes: a forced request. What was asked for, where it
 *     is less than limit_s, is kept as long as that leaves everybody in time.
 *     Under a pre-emption or by order of people red is not counted; afterwards who waited longest
 *     is first, and everybody's limit counts anew.
 *
 * M6  A call of somebody on foot stands until it is served. A phase shows a walk when somebody
 *     calls there, at its beginning or while it is to stay; a walk that nobody can call for, or of
 *     a phase without vehicles, is always shown. Without any word from the sensors for silence_s
 *     every lane counts as calling (recall).
 *
 * M7  A bus may hold its green for bus_extension_s, or end another's green at its minimum; once an
 *     approach in the seconds that the stored plan takes for a cycle, and never against M5.
 *
 * M8  A pre-emption holds its phase until it checks out, or for preempt_longest_s; then that source
 *     is not heard for preempt_cool_s. The first wins; one for the same phase shares it, others
 *     wait. Orders of people wait for it; a flash that stands is left for it through all-red.
 *
 * M9  After flashing all is red for LIGHTS_LEAVE_FLASH_S. FAULT flashes at once and obeys nobody
 *     but a reset; how often one is allowed is the monitor's (monitor.h).
 *
 * M10 What is stored is the most that a row of the plan gets. After its minimum green it ends when
 *     for passage_s nobody came for whom that would end a green, while somebody calls for another
 *     row (gap-out); and the next row is the next that somebody calls for, if anybody does (phase
 *     skip). Who calls: somebody waits or comes and may not go at all; somebody stands who must
 *     yield or stop first, and would not have to there; a link had no green for the longest red
 *     that was asked for, whatever the loops say, so a dead one costs a wait and no more. A row
 *     with a walk that nobody can call for is never left out. A lane for which nobody came for
 *     quiet_s may have dead loops too: its green is as it is stored. A second without a word from
 *     the sensors is no gap, and in a recall the plan runs as it is stored.
 *
 * M11 Wishes that make people wait for nobody are not followed for ever: the device keeps an
 *     account of what they cost (doubt.h), and above its bound it has no wish for DOUBT_S; twice as
 *     long each time that it comes to that again, DOUBT_MOST_S at most, until an hour of wishes
 *     went well. The stored plan runs, M10; what is wished is refused.
 *
 * Seconds are the street's: one LIGHTS_TICK each. Wishes and orders end by the wall clock.
 */
#ifndef FIELD_LIGHTS_MACHINE_H
#define FIELD_LIGHTS_MACHINE_H

#include "field/lights/intersection.h"

enum { LIGHTS_PREEMPTS_MAX = 8 };

#define MACHINE_STATES(X)                                                                          \
    X(OFF, "own programme") /* somebody else holds the lights */                                   \
    X(GREEN, "green")                                                                              \
    X(WALK, "walk")           /* a green phase with people on foot */                              \
    X(CLEARANCE, "clearance") /* they may finish; vehicles of the phase still go */                \
    X(YELLOW, "yellow")                                                                            \
    X(ALL_RED, "all-red")                                                                          \
    X(BOX_HOLD, "full junction")                                                                   \
    X(PREEMPT, "pre-emption")                                                                      \
    X(MANUAL, "by hand")                                                                           \
    X(RED, "all red by order")                                                                     \
    X(FLASH, "flash")                                                                              \
    X(LEAVE_FLASH, "leaving flash")                                                                \
    X(FAULT, "fault")
#define MACHINE_STATE(name, word) MACHINE_##name,
enum machine_state { MACHINE_STATES(MACHINE_STATE) MACHINE_STATES_COUNT };

enum machine_goal { GOAL_PHASE, GOAL_MANUAL, GOAL_RED, GOAL_FLASH, GOAL_PREEMPT };

enum lights_kind {
    LIGHTS_TICK,            /* inside, day_s, now_us */
    LIGHTS_TAKE_OVER,       /* phase, which is shown: by somebody else until now */
    LIGHTS_START,           /* from darkness or flashing, through all-red */
    LIGHTS_WISH,            /* phase, until_us, sequence */
    LIGHTS_EXPIRY,          /* the wish ends now */
    LIGHTS_SENSORS,         /* lanes: all vehicles' calls that stand; coming */
    LIGHTS_VEHICLE_CALL,    /* lane */
    LIGHTS_PEDESTRIAN_CALL, /* lane */
    LIGHTS_BUS_CALL,        /* lane */
    LIGHTS_BUS_OUT,         /* lane */
    LIGHTS_PREEMPT_CALL, /* phase, source; until_us or 0: until it is out; authenticated before */
    LIGHTS_PREEMPT_OUT,  /* source */
    LIGHTS_FLASH_ON,     /* until_us */
    LIGHTS_FLASH_OFF,
    LIGHTS_RED_ON, /* until_us */
    LIGHTS_RED_OFF,
    LIGHTS_MANUAL_ON, /* phase, until_us; again for the next phase */
    LIGHTS_MANUAL_OFF,
    LIGHTS_WATCHDOG,
    LIGHTS_TRIP,
    LIGHTS_RESET,
    LIGHTS_KINDS_COUNT
};

struct lights_event {
    enum lights_kind kind;
    uint32_t phase, lane;
    uint32_t source; /* who pre-empts */
    /*
     * The links on whose ways somebody is in the junction who will not be out of it by himself;
     * all of them where nobody knows which.
     */
    struct link_set inside;
    uint32_t day_s;
    uint64_t lanes, sequence;
    /*
     * Of LIGHTS_SENSORS: lanes for which a vehicle comes that would cross the line in the next
     * seconds, or is crossing it. A device without loops up the street says `lanes` again; one that
     * knows that a lane's loops are dead says that somebody calls and comes there.
     */
    uint64_t coming;
    int64_t now_us; /* of every event: the wall */
    int64_t until_us;
};

struct machine_preempt {
    bool stands, timed_out;
    uint8_t phase;
    uint32_t source;
    uint32_t order;   /* the smallest is the first */
    uint32_t held_s;  /* how long its phase is held; timed out: since when */
    int64_t until_us; /* without a renewal */
};

struct machine_bus {
    bool calls, granted; /* granted: this call has its grant */
    uint8_t lane;
    uint32_t called_s, used_s;
    uint32_t cooled_s; /* until the approach may have another */
};

struct machine {
    const struct intersection *x;
    enum machine_state state;
    enum machine_goal goal; /* of a change; else what the state stands for */
    uint8_t phase;          /* shown, or shown last */
    uint8_t target;         /* of a change; LIGHTS_NO_PHASE: none */
    struct lights_change change;
    uint32_t elapsed_s;  /* in this state; of a phase: its age */
    uint32_t walk_age_s; /* of the walk that began last */
    char shown[LIGHTS_LINKS_MAX + 1];
    uint64_t green_lanes; /* what is shown serves them */
    uint64_t whole_lanes; /* and all of them who ever go together */

    uint8_t plan, row;
    uint32_t row_s;
    bool wished, obeying;
    uint8_t wish_phase;
    int64_t wish_until_us;
    bool numbered;
    uint64_t last_sequence;

    uint64_t vehicles, walkers; /* calls that stand */
    uint64_t coming;
    uint32_t gap_s[LIGHTS_LANES_MAX]; /* nobody came */
    uint32_t red_s[LIGHTS_LINKS_MAX]; /* without green, whoever calls */
    uint32_t silent_s;
    uint32_t wait_s[LIGHTS_LINKS_MAX]; /* a lane of it calls, and it has no green */
    uint32_t due_s[LIGHTS_LINKS_MAX];  /* of it, what counts for the limit */
    bool returning;                    /* after a pre-emption or an order: the longest wait first */

    int64_t now_us;
    struct link_set inside;
    int64_t flash_until_us, red_until_us, manual_until_us;
    uint8_t manual_phase;
    struct machine_preempt preempts[LIGHTS_PREEMPTS_MAX];
    uint32_t preempt_order;
    struct machine_bus buses[LIGHTS_LANES_MAX]; /* an approach */

    bool used;                     /* somebody came to the green that stands */
    uint32_t account_ds, doubt_s;  /* what wishes cost; how long none is followed, */
    uint32_t doubt_next_s, calm_s; /* and the next time; since when all went well */

    uint64_t fallbacks, forced, grants, refused, trips, doubts;
};

/* `x` is checked and outlives the machine. */
void machine_init(struct machine *m, const struct intersection *x);

/*
 * One event. ERR_WRONG_STATE: the table has no such pair. ERR_DENIED: no such phase, lane or
 * source, or not now (M8, M11). ERR_EXPIRED: it ended before it came. ERR_EXISTS: an old or doubled
 * number. ERR_LIMIT. A refused event changes nothing but m->refused. m->shown is what to show now.
 */
enum err machine_event(struct machine *m, const struct lights_event *e) MUST_USE;

/*
 * Seconds for which the phase that is shown would keep its vehicles' green if a change began now:
 * the rest of its walk, and what clears it. 0 without a walk, and in all other states but
 * MACHINE_CLEARANCE, where it is what is left of that.
 */
uint32_t machine_hold_s(const struct machine *m);

/* Neither people nor a pre-emption stand above the calls. */
bool machine_regular(const struct machine *m);
/* An order of people stands. */
bool machine_ordered(const struct machine *m);
/* A pre-emption holds the lights or is on its way to. */
bool machine_preempting(const struct machine *m);

const char *machine_word(enum machine_state state);

#endif
