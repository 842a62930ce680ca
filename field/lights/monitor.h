/*
 * monitor.h -- a second opinion on what is shown, second by second. Pure; no allocation.
 *
 * It shares nothing with the machine but intersection.h: it keeps its own clock of every link and
 * compares what is shown now with what was shown before. A fault latches: from then on the only
 * thing to show is flashing, until a reset. The first two trips within 24 h may be reset by whoever
 * may; the third and every further one by hand, at the cabinet.
 *
 * This is not the malfunction management unit (MMU) of a cabinet, and does not replace it. A real
 * one is hardware of its own, sees voltages and not letters, acts within half a second, and cannot
 * be reached from any network. This one finds faults of our own program.
 *
 * O1  Two links that cross go together only if one of them yields; yellow counts as the green that
 *     it was.
 *
 * O2  Green is left by yellow of at least yellow_s, a walk by a clearance of at least clearance_s;
 *     then red.
 *
 * O3  A green stands for its minimum, under a pre-emption for preempt_minimum_s; a walk for walk_s.
 *
 * O4  Nobody gets green before all that cross his way have been red for their all_red_s.
 *
 * O5  All flash or nobody does; after it all are red for LIGHTS_LEAVE_FLASH_S.
 *
 * O6  Who goes by giving way does not see yellow while a vehicle that he gives way to keeps green.
 */
#ifndef FIELD_LIGHTS_MONITOR_H
#define FIELD_LIGHTS_MONITOR_H

#include "field/lights/intersection.h"

enum { MONITOR_TRIPS = 3, MONITOR_WINDOW_S = 86400, MONITOR_WHY_SIZE = 120 };

#define MONITOR_FAULTS(X)                                                                          \
    X(NONE, "nothing")                                                                             \
    X(CONFLICT, "crossing links go together")                                                      \
    X(LETTER, "a letter that is never shown there")                                                \
    X(SHORT_YELLOW, "a green ended without its yellow")                                            \
    X(SHORT_GREEN, "a green was shorter than its minimum")                                         \
    X(SHORT_WALK, "a walk was shorter than its minimum")                                           \
    X(SHORT_CLEARANCE, "a walk ended without its clearance")                                       \
    X(SHORT_RED, "a green came before who crosses had cleared")                                    \
    X(YELLOW_TRAP, "who gives way has yellow before those he gives way to")                        \
    X(AFTER_FLASH, "a green came too early after flashing")                                        \
    X(SILENCE, "nothing was shown in time")
#define MONITOR_FAULT(name, word) MONITOR_##name,
enum monitor_fault { MONITOR_FAULTS(MONITOR_FAULT) MONITOR_FAULTS_COUNT };

struct monitor_link {
    char shows;
    char had;         /* the green that a yellow was */
    bool flashed;     /* no green since it flashed */
    uint32_t since_s; /* shows green, yellow, red or flashing for so long */
};

struct monitor {
    const struct intersection *x;
    bool watching, tripped;
    enum monitor_fault fault; /* the last one */
    uint32_t link, other;
    uint64_t now_s; /* its own count of seconds */
    uint64_t trips;
    uint64_t trip_s[MONITOR_TRIPS]; /* the newest ones, in turn */
    struct monitor_link links[LIGHTS_LINKS_MAX];
};

void monitor_init(struct monitor *o, const struct intersection *x);

/*
 * One second of what is shown; `preempted`: whoever receives emergency calls has one standing.
 * True: all is well. False: show flashing, it has tripped, now or before.
 */
bool monitor_observe(struct monitor *o, const char *shown, bool preempted);

/* A second went by and nobody said what is shown: a trip. */
void monitor_silence(struct monitor *o);

/* ERR_WRONG_STATE: it did not trip. ERR_DENIED: only by hand. */
enum err monitor_reset(struct monitor *o, bool by_hand) MUST_USE;

/* The last trip in words. */
void monitor_why(const struct monitor *o, char *why);

#endif
