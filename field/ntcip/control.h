/*
 * control.h -- what is written to the controller this second: pure, one step a second.
 *
 * A wish for a stage becomes a vehicle call to its phases, an omit of all others, a force-off of
 * those that are green and not in it, a hold of those that are green and in it. The controller
 * still times minimum green, walk, clearance, yellow and red by itself.
 *
 * K1  Without a wish the last thing written is zeros; then nothing, and unitBackupTime returns the
 *     controller to its own plan.
 * K2  Nothing is commanded while what the controller shows is unknown, or it flashes, reports an
 *     alarm, is pre-empted or under manual control.
 * K3  A force-off goes only to a phase that has been seen green for the envelope's minimum green
 *     and shows neither walk nor pedestrian clearance.
 * K4  While a phase that somebody calls has been red for the envelope's maximum, the wish is not
 *     followed: the controller serves by its own plan until that phase was green.
 * K5  A hold lasts no longer than the envelope's maximum green while somebody calls elsewhere.
 * K6  The monitor: conflicting greens or yellows, a phase with two colours or none, or a green that
 *     turned red without yellow between two looks stop the commands; conflicts twice in a row, and
 *     the missing yellow, for good, until a person has started the adapter anew.
 */
#ifndef FIELD_NTCIP_CONTROL_H
#define FIELD_NTCIP_CONTROL_H

#include "field/ntcip/cabinet.h"

/* What one look at the controller told. Bits are phases. */
struct ntcip_status {
    bool known; /* all of it was answered, in range */
    uint8_t reds, yellows, greens, walks, ped_clears, veh_calls, ped_calls;
    uint8_t control, flash, alarm_1, short_alarm;
};

/* unitControlStatus, unitFlashStatus, shortAlarmStatus: the values that are acted on. */
enum {
    CONTROL_STATUS_MANUAL = 5,
    FLASH_STATUS_NOT = 2,
    ALARM_1_MMU_FLASH = 0x10,
    ALARM_1_LOCAL_FLASH = 0x20,
    SHORT_ALARM_PREEMPT = 0x01,
    SHORT_ALARM_FLASH = 0x02,
    SHORT_ALARM_LOCAL_OVERRIDE = 0x08,
    SHORT_ALARM_CRITICAL = 0x80,
};

/* Why this second's orders are what they are. */
#define CONTROL_WHYS(X)                                                                            \
    X(LOCAL, "no lease: the controller's own plan")                                                \
    X(FOLLOWS, "a lease is followed")                                                              \
    X(WAITS, "a lease waits for minimum green or people on foot")                                  \
    X(STARVED, "a phase waited for the maximum red: the controller's own plan")                    \
    X(UNKNOWN, "the controller does not answer")                                                   \
    X(FLASHES, "the controller flashes")                                                           \
    X(ALARM, "the controller reports an alarm")                                                    \
    X(PREEMPTED, "the controller is pre-empted")                                                   \
    X(MANUAL, "the controller is under manual control")                                            \
    X(COLOURS, "a phase shows two colours or none")                                                \
    X(CONFLICT, "conflicting phases are shown")                                                    \
    X(NO_YELLOW, "a green ended without yellow")                                                   \
    X(TIMING, "the controller's timing is weaker than the envelope")

enum control_why {
#define X(name, text) WHY_##name,
    CONTROL_WHYS(X)
#undef X
        WHYS_COUNT
};
const char *control_why_text(enum control_why why);

struct control_orders {
    bool write; /* or nothing is sent this second */
    uint8_t omit, hold, force_off, call;
    enum control_why why;
};

struct control {
    const struct cabinet *cabinet;
    uint32_t green_s[NTCIP_PHASES + 1]; /* for how long it has been seen green */
    uint32_t waits_s[NTCIP_PHASES + 1]; /* red or yellow while somebody calls */
    uint32_t age_s;                     /* since reds, yellows or greens changed */
    uint8_t last_greens, last_yellows;
    bool looked;            /* last_* are of the second before */
    bool starved;           /* K4 acts */
    uint8_t starving;       /* whom it is for */
    uint8_t conflicts;      /* in a row */
    enum control_why fault; /* for good; 0 (WHY_LOCAL): none */
    bool wrote; /* something that is not zero stands at the controller, as far as we know */
};

void control_init(struct control *k, const struct cabinet *c);

/*
 * One second. `stage`: what the lease wishes, -1 for none; `timing_good`: timings_check() is OK.
 * The caller says with control_sent() whether the orders arrived.
 */
struct control_orders control_step(struct control *k, const struct ntcip_status *s, int stage,
                                   bool timing_good);
/* A look came late: what lies between it and the one before was not seen. */
void control_missed(struct control *k);
void control_sent(struct control *k, const struct control_orders *orders, bool arrived);

/* The stage that is green, or -1: exactly its phases, and nobody yellow. */
int control_stage(const struct control *k, const struct ntcip_status *s);

#endif
