/*
 * model.h -- an intersection as it describes itself: the `properties` of its Thing.
 *
 * Five members must be there:
 *
 * - "phases": ["GGrr", ...]: one letter a link: G green, g green that yields, r red
 * - "links": [{"lane":"a_0","exit":"b_0"}, ...]: in the order of the letters
 * - "lanes": ["a_0", ...] and "exits": ["b_0", ...]
 * - "plan": [{"phase":0,"seconds":42}, ...]: what it does when nobody asks for anything
 *
 * What follows lets it be guided well; what is missing has the default in brackets:
 *
 * - "lane_m", "lane_kmh": of each lane, from its start to the stop line [200 m, 50 km/h]
 * - "exit_m", "exit_kmh": of each lane that leaves [200 m, 50 km/h]
 * - "kinds": "vvwv": one letter a lane: v vehicles, w people on foot [v]
 * - "turns": "srlt": one letter a link: straight on, right, left, round; - not known [-]
 * - "yields": [[2,5], [], ...]: for each link, the links it gives way to [none]
 * - "advance": [{"m":200,"lanes":[0,1]}, ...]: a loop before the stop line, how far, and the lanes
 *   that a vehicle there can still reach, the likeliest first [no loop]
 * - "feeders": [{"exit":"z_0","m":340,"lanes":[0]}, ...]: a lane that leaves another intersection
 *   and leads here, and how far it is from its start to our stop line [none]
 * - "times": {"yellow":3,"all_red":1,"minimum_green":5,"minimum_greens":[5,7]}: seconds that its
 *   executor keeps; of each phase, where a walk makes some longer [all are minimum_green]
 * - "pedestrian_clears":[12,0], in "times": of each phase, the seconds that clear its walks before
 *   its yellow, while its vehicles still have green [0] (MUTCD 2009 4E.06: pedestrian change
 *   interval)
 *
 * Lanes and exits are known to other intersections by the hash of their names only. What it counts
 * each second: reading.h. All of it comes from devices: every number is an integer in range or the
 * whole is refused.
 */
#ifndef SERVICES_SIGNALS_MODEL_H
#define SERVICES_SIGNALS_MODEL_H

#include "base/base.h"

#define SIGNALS_COMMAND_REQUEST "phase-request"
#define SIGNALS_COMMAND_PREEMPT "preempt" /* for an emergency vehicle */
#define SIGNALS_COMMAND_MANUAL "manual"   /* a person holds a phase */
#define SIGNALS_COMMAND_ALL_RED "all-red"
#define SIGNALS_COMMAND_FLASH "all-flash"

enum {
    SIGNALS_PHASES_MAX = 32,
    SIGNALS_LINKS_MAX = 128,
    SIGNALS_LANES_MAX = 64,
    SIGNALS_EXITS_MAX = 64,
    SIGNALS_LANE_NAME_MAX = 100,
    SIGNALS_COUNT_MAX = 1000, /* vehicles on one lane */
    SIGNALS_AGE_MAX_S = 86400,
    SIGNALS_JSON_MAX = 64 * 1024,
    SIGNALS_LOOPS_MAX = 128,
    SIGNALS_FEEDERS_MAX = 64,
    SIGNALS_REACH_MAX = 8,   /* lanes that a vehicle at one loop can reach */
    SIGNALS_YIELDS_MAX = 16, /* links that one link gives way to */
    SIGNALS_LENGTH_MAX_M = 5000,
    SIGNALS_KMH_MAX = 130,
    SIGNALS_LENGTH_DEFAULT_M = 200,
    SIGNALS_KMH_DEFAULT = 50,
};

enum link_turn { TURN_UNKNOWN, TURN_STRAIGHT, TURN_RIGHT, TURN_LEFT, TURN_ROUND };
enum lane_kind { LANE_VEHICLES, LANE_WALK };

/* Where a vehicle is seen on its way to the stop lines. */
struct signals_source {
    uint64_t exit; /* signals_name_hash() of a feeder's exit; 0 for a loop */
    uint16_t distance_m;
    uint8_t lanes_count;
    uint8_t lanes[SIGNALS_REACH_MAX];
};

enum link_light { LIGHT_RED, LIGHT_YIELDS, LIGHT_GREEN };

struct signals_model {
    uint32_t phases_count, links_count, lanes_count, exits_count;
    uint8_t lights[SIGNALS_PHASES_MAX][SIGNALS_LINKS_MAX];               /* enum link_light */
    uint8_t link_lane[SIGNALS_LINKS_MAX];                                /* index of a lane */
    uint8_t link_exit[SIGNALS_LINKS_MAX];                                /* index of an exit */
    uint64_t lane_name[SIGNALS_LANES_MAX], exit_name[SIGNALS_EXITS_MAX]; /* signals_name_hash() */
    uint8_t lane_kind[SIGNALS_LANES_MAX];                                /* enum lane_kind */
    uint16_t lane_m[SIGNALS_LANES_MAX], exit_m[SIGNALS_EXITS_MAX];
    uint16_t lane_kmh[SIGNALS_LANES_MAX], exit_kmh[SIGNALS_EXITS_MAX];
    uint8_t link_turn[SIGNALS_LINKS_MAX]; /* enum link_turn */
    uint8_t yields_count[SIGNALS_LINKS_MAX];
    uint8_t yields[SIGNALS_LINKS_MAX][SIGNALS_YIELDS_MAX];
    uint32_t loops_count, feeders_count;
    struct signals_source loops[SIGNALS_LOOPS_MAX], feeders[SIGNALS_FEEDERS_MAX];
    uint8_t yellow_s, all_red_s;           /* 0 yellow: it did not say */
    uint8_t minimum_s[SIGNALS_PHASES_MAX]; /* of a phase's green */
    uint8_t clears_s[SIGNALS_PHASES_MAX];  /* of its walks */
    uint64_t walks[SIGNALS_PHASES_MAX];    /* lanes of people on foot that it lets go: bits */
    /* Phases (bits) that have a link's green as this one has, but a change to them stops it:
       somebody who gives way to it loses his green then (field/lights/intersection.h, yellow trap).
     */
    uint32_t stops[SIGNALS_PHASES_MAX][SIGNALS_LINKS_MAX];
    /* Phases (bits) in which this link may still go, giving way, while others of its approach have
       red and none has right of way. A plan does not count on it: who he gives way to are many
       then, and he may stand behind somebody who has red. An approach: lanes that a loop leads to.
     */
    uint32_t lingers[SIGNALS_LINKS_MAX];
};

/* With this light (enum link_light) it may go, and gives way to somebody. */
static inline bool
signals_gives_way(const struct signals_model *m, uint32_t link, uint8_t light)
{
    return light == LIGHT_YIELDS && m->yields_count[link] > 0;
}

/* Names are compared by this; never 0. */
uint64_t signals_name_hash(struct bytes name);

/* Whom this loop or neighbour sees may come to this lane. */
bool signals_leads_to(const struct signals_source *s, uint32_t lane);
/* Of the loops before this lane's line the farthest that is nearer than `from_m`; -1: none. */
int32_t signals_next_loop(const struct signals_model *m, uint32_t lane, uint32_t from_m);

/* Of some ten vehicles, where nothing is known yet, so many turn so (enum link_turn): most go
 * straight on. Engineering choice. */
double signals_usual_turns(uint8_t turn);

/* Read a Thing (an object with member "properties"). ERR_MALFORMED, ERR_LIMIT. */
enum err signals_model_read(struct bytes thing, struct signals_model *out) MUST_USE;

#endif
