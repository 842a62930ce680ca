/*
 * model.h -- an intersection as it describes itself, and what it counts each second.
 *
 * The Thing's `properties`:
 *
 *   {"phases": ["GGrr", ...],                  one letter a link: G green, g green that yields, r
 * red "links":  [{"lane":"a_0","exit":"b_0"}],  in the order of the letters "lanes":  ["a_0", ...],
 * "exits": ["b_0", ...], "plan":   [{"phase":0,"seconds":42}]}     what it does when nobody asks
 * for anything
 *
 * The result of its Datastream `lanes`:
 *
 *   {"phase":0, "age":12,       what is shown and for how many of its seconds; -1: in between
 *    "q":[...], "n":[...],      a lane: standing vehicles; all vehicles within 200 m
 *    "o":[...]}                 an exit: standing vehicles
 *
 * Both come from devices: every number is an integer in range or the whole is refused.
 */
#ifndef SERVICES_SIGNALS_MODEL_H
#define SERVICES_SIGNALS_MODEL_H

#include "base/base.h"

#define SIGNALS_COMMAND_REQUEST "phase-request"
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
};

enum link_light { LIGHT_RED, LIGHT_YIELDS, LIGHT_GREEN };

struct signals_model {
    uint32_t phases_count, links_count, lanes_count, exits_count;
    uint8_t lights[SIGNALS_PHASES_MAX][SIGNALS_LINKS_MAX]; /* enum link_light */
    uint8_t link_lane[SIGNALS_LINKS_MAX];                  /* index of a lane */
    uint8_t link_exit[SIGNALS_LINKS_MAX];                  /* index of an exit */
};

struct signals_counts {
    int32_t phase; /* -1: between two phases, flashing or unknown */
    uint32_t age_s;
    uint16_t standing[SIGNALS_LANES_MAX];
    uint16_t near[SIGNALS_LANES_MAX]; /* never less than standing */
    uint16_t exit_standing[SIGNALS_EXITS_MAX];
};

/* Read a Thing (an object with member "properties"). ERR_MALFORMED, ERR_LIMIT. */
enum err signals_model_read(struct bytes thing, struct signals_model *out) MUST_USE;

/* Read one result of `lanes` for this model: as many numbers as it has lanes and exits. */
enum err signals_counts_read(struct bytes result, const struct signals_model *model,
                             struct signals_counts *out) MUST_USE;

#endif
