/*
 * checker.h -- a third opinion, of the tests only: what was shown, as a history of seconds at which
 * each link's green and yellow began and ended, against the rules; and how long each call has
 * waited.
 */
#ifndef TESTS_SIGNALS_ENVELOPE_CHECKER_H
#define TESTS_SIGNALS_ENVELOPE_CHECKER_H

#include "field/lights/intersection.h"

#define VIOLATIONS(X)                                                                              \
    X(CONFLICT, "conflicting greens")                                                              \
    X(YELLOW, "short yellows")                                                                     \
    X(GREEN, "short greens")                                                                       \
    X(WALK, "short walks")                                                                         \
    X(CLEARANCE, "short clearances")                                                               \
    X(TRAP, "yellows before those who are given way to")                                           \
    X(ALL_RED, "short all-reds")                                                                   \
    X(FLASH, "hasty ends of flashing")                                                             \
    X(LETTER, "letters of no phase")                                                               \
    X(RED, "reds longer than the limit with a call")                                               \
    X(IRREGULAR, "seconds without regular operation or a reason")                                  \
    X(MONITOR, "trips of the monitor")
#define VIOLATION(name, words) VIOLATION_##name,
enum violation { VIOLATIONS(VIOLATION) VIOLATIONS_COUNT };

const char *violation_words(enum violation v);

/* What the checker is told besides the letters; nothing of it by the machine but `regular`. */
struct checker_second {
    const char *shown;
    uint64_t calls; /* vehicles' calls that stand; a recall is the checker's own */
    bool heard;     /* the sensors said something this second */
    bool preempted, ordered, regular;
};

struct checker_link {
    char last_green; /* G or g; 0: none yet, or flashing since */
    int64_t green_at, yellow_at, red_at;
};

struct checker {
    const struct intersection *x;
    int64_t now;
    char shown[LIGHTS_LINKS_MAX + 1];
    struct checker_link links[LIGHTS_LINKS_MAX];
    int64_t flash_end; /* the last second that flashed */
    int64_t reason_at; /* the last second with an order, a pre-emption or a fault */
    int64_t heard_at;
    uint64_t walkers;
    bool ever[LIGHTS_LINKS_MAX];           /* goes in some phase */
    int64_t red_since[LIGHTS_LINKS_MAX];   /* -1: green, or nobody calls */
    uint32_t longest_red_s, longest_share; /* the worst of all links, and in % of its limit */
    uint64_t violations[VIOLATIONS_COUNT];
    char first[200]; /* the first violation in words */
};

void checker_init(struct checker *c, const struct intersection *x, const char *shown);
/* Somebody on foot pressed the button of a lane. */
void checker_press(struct checker *c, uint32_t lane);
void checker_second(struct checker *c, const struct checker_second *s);
uint64_t checker_violations(const struct checker *c);

#endif
