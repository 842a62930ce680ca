/*
 * report.h -- the intersections of a zone, and what was seen of them between two instants.
 *
 * Filled from JSON that devices wrote: every count is bounded, what does not fit or is not so is
 * left out, and a text keeps its bytes (whoever writes it escapes it).
 */
#ifndef CLI_REPORT_REPORT_H
#define CLI_REPORT_REPORT_H

#include "base/base.h"
#include "base/buf.h"

enum {
    REPORT_JUNCTIONS_MAX = 256,
    REPORT_LANES_MAX = 64,
    REPORT_LINKS_MAX = 128,
    REPORT_PHASES_MAX = 32,
    REPORT_FEEDERS_MAX = 64,
    REPORT_NAME_SIZE = 101,
    REPORT_TEXT_SIZE = 400,
    REPORT_ROWS_MAX = 20000, /* of one kind and intersection */
    REPORT_RUNGS = 4,
    REPORT_METRES_UNKNOWN = 200, /* between two of which neither says how far it is */
};

/* What is shown from an instant on: a letter a link, as SUMO writes them. */
struct report_light {
    int64_t at_us;
    char shown[REPORT_LINKS_MAX + 1];
};

struct report_queue {
    int64_t at_us;
    uint16_t standing[REPORT_LANES_MAX];
};

struct report_rung {
    int64_t at_us;
    uint8_t rung;
};

/* The Datastreams of an intersection that are asked; 0: it has none. */
struct report_streams {
    uint64_t state, lanes, queue, why, rung, refusals;
};

struct report_feeder {
    char exit[REPORT_NAME_SIZE]; /* a lane that leaves another intersection */
    uint32_t metres;
    uint64_t lanes; /* bits: ours that it leads to */
};

struct report_junction {
    char name[REPORT_NAME_SIZE];
    bool placed;
    double longitude, latitude;
    uint32_t lanes_count, links_count, phases_count, exits_count, feeders_count;
    char lane[REPORT_LANES_MAX][REPORT_NAME_SIZE], exit[REPORT_LANES_MAX][REPORT_NAME_SIZE];
    uint32_t lane_kmh[REPORT_LANES_MAX]; /* 0: not said */
    uint8_t link_lane[REPORT_LINKS_MAX], link_exit[REPORT_LINKS_MAX];
    char phase[REPORT_PHASES_MAX][REPORT_LINKS_MAX + 1];
    struct report_feeder feeders[REPORT_FEEDERS_MAX];
    struct report_streams streams;
    struct report_light *lights; /* REPORT_ROWS_MAX of each, by time */
    struct report_queue *queues;
    struct report_rung *rungs;
    uint32_t lights_count, queues_count, rungs_count;
    uint64_t granted,
        refused; /* as last said, and the first that was said, so that both are known */
    uint64_t granted_first, refused_first;
    bool counted;
    char reason[REPORT_TEXT_SIZE]; /* of the last refusal */
    char why[REPORT_TEXT_SIZE];    /* what was said last */
};

struct report {
    char zone[REPORT_NAME_SIZE];
    int64_t from_us, to_us;
    bool has_delay; /* of the street's bridge */
    double delay_s, fixed_delay_s;
    uint32_t count;
    struct report_junction *junctions[REPORT_JUNCTIONS_MAX];
};

void report_free(struct report *r);

/* ---- read.c ------------------------------------------------------------------------------------
 */

/* A Thing with its Locations and Datastreams expanded. ERR_MALFORMED: it is no intersection;
 * ERR_LIMIT. */
enum err report_read_thing(struct report *r, struct bytes thing) MUST_USE;

/* One Observation with phenomenonTime and result; what is not so is left out. `each` of one
 * stream, by time. */
typedef void report_row_fn(struct report_junction *j, struct bytes observation);
void report_read_state(struct report_junction *j, struct bytes observation);
void report_read_lanes(struct report_junction *j, struct bytes observation); /* the same lights */
void report_read_queue(struct report_junction *j, struct bytes observation);
void report_read_rung(struct report_junction *j, struct bytes observation);
void report_read_refusals(struct report_junction *j, struct bytes observation);
void report_read_why(struct report_junction *j, struct bytes observation);

/* key=value lines of the bridge's status. */
void report_read_status(struct report *r, struct bytes lines);

/* ---- what is shown -----------------------------------------------------------------------------
 */

enum report_colour { REPORT_DARK, REPORT_RED, REPORT_YELLOW, REPORT_GREEN };

/* The best that one of these links (bits by index) shows in that light. */
struct report_links {
    bool is[REPORT_LINKS_MAX];
};
enum report_colour report_colour_of(const struct report_junction *j,
                                    const struct report_light *light,
                                    const struct report_links *links);
/* At an instant; *inout_at remembers the place for the next, later instant (begin with 0). */
enum report_colour report_colour_at(const struct report_junction *j,
                                    const struct report_links *links, int64_t at_us,
                                    uint32_t *inout_at);
struct report_links report_links_of_lane(const struct report_junction *j, uint32_t lane);

#endif
