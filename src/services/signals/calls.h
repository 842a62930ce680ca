/*
 * calls.h -- which buses and emergency vehicles are served before others.
 *
 * Pure: time goes in, decisions come out; no allocation. A refusal is a sentence with its rule,
 * which the vehicle hears and the store keeps; a pre-emption is a wish for the command `preempt`,
 * which the warden permits or refuses and writes into the ledger. People on foot are not here:
 * they call by the loops of lanes of kind `w` (reading.h, `stop_on`), and that they do not wait
 * longer than 90 s is kept by the planner, and by the executor of the intersection (its M5).
 *
 * C1  The kind of a vehicle is what the city enrolled it as (programs/vehicles.h). One that calls
 *     itself something else is refused.
 * C2  A call is at most CALLS_FRESH_MS old, and at most that far ahead of our clock.
 * C3  The times of one vehicle's calls rise: none is heard twice.
 * C4  A vehicle calls once a second, an intersection hears CALLS_A_SECOND of each kind.
 * C5  The lane is one of the intersection, for vehicles, and some phase serves it.
 * C6  Distance and eta fit the lane: no further away than the lane and CALLS_BEFORE_LANE_M, no
 *     faster than the limit with what such a vehicle may exceed it by.
 * C7  From call to call a vehicle comes nearer, and no faster than it can drive. One that came no
 *     nearer for CALLS_STANDS_MS, or is on its way to one intersection for CALLS_APPROACH_MS, is
 *     not heard there any more until it was silent for CALLS_PAUSE_MS.
 * C8  It calls another intersection only when it can have driven what it said was left.
 * C9  One pre-emption at a time at an intersection: who came first is first, who goes the same way
 *     goes with it, another way waits. It lasts at most CALLS_PREEMPT_MS; then that way rests for
 *     CALLS_COOL_DOWN_MS. Those of different ways that follow each other within that time last
 *     together no longer either.
 * C10 One bus in each direction of an intersection, until a green of that direction has ended.
 *
 * What remains: who steals the key of an emergency vehicle can pre-empt one intersection after the
 * other, as slowly as it would drive, within the budget and cool-down of the warden
 * (envelope.c E6). A gate that was breached can speak for every vehicle, within the same.
 */
#ifndef SERVICES_SIGNALS_CALLS_H
#define SERVICES_SIGNALS_CALLS_H

#include "services/signals/call.h"
#include "services/signals/model.h"
#include "services/signals/optimize/control.h"

enum {
    CALLS_VEHICLES_MAX = 256,
    CALLS_FRESH_MS = 2000,     /* specs: a signed request is fresh for 2 s */
    CALLS_A_SECOND = 5,        /* of each kind, at one intersection */
    CALLS_BEFORE_LANE_M = 300, /* 20 s at 50 km/h before the lane begins */
    CALLS_STANDS_MS = 60000,   /* longer than a red that is pre-empted can last */
    CALLS_APPROACH_MS = 180000,
    CALLS_PAUSE_MS = 60000,
    CALLS_SILENT_MS = 3000,    /* then it has passed, or was lost */
    CALLS_LEAD_MS = 30000,     /* no green is taken away for who is further off than this */
    CALLS_PREEMPT_MS = 120000, /* specs: until check-out or 120 s */
    CALLS_COOL_DOWN_MS = 60000,
    CALLS_RETRY_MS = 1000,
    CALLS_CYCLE_MS = 180000, /* a bus that was served without us seeing a green end */
    CALLS_BUS_WEIGHT = 5,    /* vehicles; specs 3.6: 5 to 20, by lateness */
    CALLS_BUS_WEIGHT_MAX = 20,
    CALLS_LATE_S_PER_WEIGHT = 12, /* 3 minutes late: the most */
    CALLS_EARLY_S = 60,           /* a bus that is earlier than this needs no help */
    CALLS_WHY_SIZE = 200,
};

struct calls_vehicle {
    char name[START_NAME_SIZE]; /* empty: the row is free */
    enum vehicle_kind kind;
    int64_t time_us;            /* of its last call */
    uint64_t heard_ms, good_ms; /* when we last heard one, and one that was good */
    uint64_t credit_ms, credit_since_ms;
    uint32_t junction;
    uint8_t lane;
    int32_t phase;       /* that serves it */
    uint32_t distance_m; /* when it was good */
    int64_t said_us;     /* when it was at that distance */
    uint32_t speed_cm_s; /* the most that it can drive there */
    uint64_t eta_ms;     /* at the stop line, by our clock */
    int32_t late_s;
    uint64_t since_ms; /* of this approach */
    uint32_t nearest_m;
    uint64_t nearer_ms; /* when it last came nearer */
};

struct calls_junction {
    uint64_t credit_ms[VEHICLE_KINDS_COUNT], credit_since_ms[VEHICLE_KINDS_COUNT];
    int32_t phase;               /* that is pre-empted, or -1 */
    uint64_t since_ms, until_ms; /* of it and those that it followed; of its lease */
    uint64_t retry_ms;
    uint64_t end_ms[SIGNALS_PHASES_MAX]; /* of the last pre-emption of each phase; 0: none */
    int32_t shown;
    uint32_t bus[SIGNALS_PHASES_MAX]; /* 1 + index of the vehicle that was granted; 0: none */
    uint64_t bus_since_ms[SIGNALS_PHASES_MAX];
};

struct calls {
    uint64_t heard, refused, preempted;
    struct calls_vehicle vehicles[CALLS_VEHICLES_MAX];
    struct calls_junction junctions[CONTROL_JUNCTIONS_MAX];
};

/* Who calls, and when it came. */
struct calls_from {
    struct bytes device; /* as its certificate proved */
    int64_t time_us;     /* phenomenonTime */
    int64_t wall_us;     /* our clock */
    uint64_t now_ms;     /* monotonic, here and below */
};

void calls_init(struct calls *c);

/*
 * A call for intersection `junction`, which describes itself as `model`; NULL when there is no such
 * one. OK, or ERR_DENIED with the rule in `why` (CALLS_WHY_SIZE).
 */
enum err calls_hear(struct calls *c, const struct calls_from *from, const struct call *call,
                    uint32_t junction, const struct signals_model *model, char *why) MUST_USE;

/* What an intersection owes to who called. */
struct calls_need {
    int32_t preempt; /* wish the command `preempt` for this phase now; -1: do not */
    bool preempted;  /* a pre-emption stands: any other wish would be refused */
    uint32_t buses_count;
    struct control_call buses[CONTROL_CALLS_MAX]; /* good for the next second */
};

/*
 * Once a second for each intersection. `shown` is the phase that it shows or -1, `lease_ms` the
 * charter's lease of `preempt`, 0 when there is no such command.
 */
void calls_due(struct calls *c, uint32_t junction, int32_t shown, uint64_t lease_ms,
               uint64_t now_ms, struct calls_need *out);

/* The warden's answer to a wish for `preempt`. */
void calls_answered(struct calls *c, uint32_t junction, int32_t phase, bool granted,
                    uint64_t lease_ms, uint64_t now_ms);

/* The phase that serves a lane best, `preferred` among equals, else the first; -1: none does. */
int32_t calls_phase(const struct signals_model *model, uint32_t lane, int32_t preferred);

#endif
