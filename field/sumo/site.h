/*
 * site.h -- one signalled intersection as its network file has it: what never changes. Pure.
 *
 * A state is one letter a signal index (SUMO "Simulation/Traffic_Lights"): G green, g green that
 * yields, s stop and go, y yellow, r red, o flashing. The phases are the network's own green
 * states, each once, and what stages.h adds; everything that is ever shown is one of them, or
 * derived from one of them by taking green away (site_may_show()), or flashing. A light that only
 * flashes or is off (O) while others work is shown as what it tells its drivers: to give way (g),
 * or to go (G); such a light alone makes no green state.
 */
#ifndef FIELD_SUMO_SITE_H
#define FIELD_SUMO_SITE_H

#include "base/base.h"
#include "base/buf.h"

enum {
    SITE_ID_SIZE = 101,
    SITE_DEVICE_SIZE = 49,
    SITE_LETTERS_MAX = 128,
    SITE_PHASES_MAX = 32,
    SITE_LINKS_MAX = 128,
    SITE_LANES_MAX = 64,
    SITE_EXITS_MAX = 64,
    SITE_PLAN_MAX = 64,
    SITE_BOXES_MAX = 8,
    SITE_LOOPS_MAX = 128,
    SITE_FEEDERS_MAX = 64,
    SITE_REACH_MAX = 8,     /* lanes that a vehicle at one place can still reach */
    SITE_YIELDS_MAX = 16,   /* of one link */
    SITE_LOOP_MAX_M = 200,  /* before the stop line: where the farthest loop lies */
    SITE_NEAR_M = 200,      /* of the stop line: what counts as near */
    SITE_GREEN_MIN_S = 4,   /* a shorter green state of the programme is part of a change */
    SITE_YELLOW_MIN_S = 3,  /* whatever the programme says */
    SITE_CROSSING_DM = 100, /* where the network does not say how long one is */
    SITE_LEFT_MAX = 16,     /* intersections left alone of which it is told why, */
    SITE_WHY_SIZE = 240,    /* in so many bytes */
};

struct site_link {
    uint8_t letter, lane, exit;
    char turn; /* s straight on, l left, r right, t round; 0: not known */
};
struct site_plan {
    uint8_t phase;
    uint32_t seconds;
};

/* Lanes of the site that are reached from one place, the likeliest first. */
struct site_reach {
    uint8_t count, lanes[SITE_REACH_MAX];
};
/* A loop in the street before the stop lines; `lane` may lie upstream of the site's own. */
struct site_loop {
    char lane[SITE_ID_SIZE];
    double position_m;   /* of its near edge, from the lane's start */
    uint32_t distance_m; /* to the stop line */
    struct site_reach reach;
};
/* A lane that leaves another signal and leads here. */
struct site_feeder {
    char exit[SITE_ID_SIZE];
    uint32_t distance_m; /* from its start to the stop line */
    struct site_reach reach;
};
struct site_links {
    uint64_t bits[SITE_LINKS_MAX / 64];
};

/* What the executor of an intersection keeps. */
struct site_times {
    uint32_t yellow_s, all_red_s, minimum_green_s;
    const uint16_t *minimum_s; /* of each phase's green; NULL: all are minimum_green_s */
    const uint16_t *clears_s;  /* what clears the walks of each phase; NULL: none has any */
};

/* What its lights say of themselves (services/signals/reading.h). */
struct site_lights {
    int32_t phase; /* -1: in between */
    uint32_t age_s, hold_s;
    bool leaves;
};

struct site {
    char id[SITE_ID_SIZE];
    char device[SITE_DEVICE_SIZE];
    double x_m, y_m;
    uint32_t letters_count, phases_count, plan_count;
    char last[SITE_LETTERS_MAX + 1]; /* the state that was added last, */
    double last_s;                   /* and for how long it stands by now */
    char phases[SITE_PHASES_MAX][SITE_LETTERS_MAX + 1];
    struct site_plan plan[SITE_PLAN_MAX];
    uint32_t links_count, lanes_count, exits_count;
    struct site_link links[SITE_LINKS_MAX];
    char lanes[SITE_LANES_MAX][SITE_ID_SIZE];
    char exits[SITE_EXITS_MAX][SITE_ID_SIZE];
    char across[SITE_LINKS_MAX][SITE_ID_SIZE]; /* a link's lane inside the junction; may be "" */
    double lane_length_m[SITE_LANES_MAX], exit_length_m[SITE_EXITS_MAX]; /* 0: not known */
    double lane_m_s[SITE_LANES_MAX], exit_m_s[SITE_EXITS_MAX];           /* 0: not known */
    bool lane_walks[SITE_LANES_MAX];             /* a crossing for people on foot */
    bool has_street;                             /* what follows is known, */
    bool has_conflicts;                          /* and of all links who crosses whom */
    struct site_links conflicts[SITE_LINKS_MAX]; /* the links whose ways cross this one's */
    struct site_links gives_way[SITE_LINKS_MAX]; /* of them, those that go first when both may */
    /*
     * Ways with a stop line of their own inside the junction, where who turns waits for a gap, and
     * the links that he gives way to there; conflicts does not have all of them.
     */
    struct site_links inner_line, gives_way_inside[SITE_LINKS_MAX];
    uint32_t loops_count, feeders_count;
    struct site_loop loops[SITE_LOOPS_MAX];
    struct site_feeder feeders[SITE_FEEDERS_MAX];
    uint32_t boxes_count; /* the areas where its links cross: ":A0" for lanes ":A0_3_0" */
    char boxes[SITE_BOXES_MAX][SITE_ID_SIZE];
};

/* One more state of the programme; one that repeats the last goes on. ERR_MALFORMED: another
 * length; ERR_LIMIT. */
enum err site_add_state(struct site *s, struct bytes state, double seconds) MUST_USE;

/* One more connection. ERR_LIMIT, ERR_MALFORMED. */
enum err site_add_link(struct site *s, uint32_t letter, struct bytes lane,
                       struct bytes exit) MUST_USE;
/* One more crossing for people on foot: a lane that is its own exit. */
enum err site_add_crossing(struct site *s, uint32_t letter, struct bytes crossing) MUST_USE;

/* The length of a crossing that field/lights is told. */
uint32_t site_crossing_dm(double length_m);

bool site_has(const struct site_links *set, uint32_t link);
void site_put(struct site_links *set, uint32_t link);

/* "a" of "a_2": the edge of a lane; of another name the name. */
struct bytes site_edge_of(struct bytes lane);

/* The area that a lane inside the junction belongs to, ":A0" of ":A0_3_0"; empty for others. */
struct bytes site_box_of(struct bytes lane);
/* One more lane inside the junction. ERR_LIMIT. */
enum err site_add_box(struct site *s, struct bytes lane) MUST_USE;

/*
 * OK when there are two phases to choose from and somebody to serve; else ERR_UNSUPPORTED, and only
 * then *why is a sentence of the program's own.
 */
enum err site_usable(const struct site *s, const char **why) MUST_USE;

/* Intersections that cannot be steered: how many, and of the first ones why. */
struct site_left {
    uint32_t count;
    struct {
        char id[SITE_ID_SIZE];
        char why[SITE_WHY_SIZE];
    } first[SITE_LEFT_MAX];
};
/* One more; of its id what is not printable ASCII is told as "?". */
void site_leave(struct site_left *left, const char *id, const char *why);

/* "junction-" and the id as a name; ERR_LIMIT when that is too long. */
enum err site_name(struct site *s) MUST_USE;

bool site_serves(const struct site *s, uint32_t phase, uint32_t lane);

/* The phase whose letters these are, or -1. */
int32_t site_phase_of(const struct site *s, struct bytes state);

/*
 * What is shown between two phases: links that lose their green are yellow, or red once `cleared`;
 * links that keep it show the weaker of the two; all others are red. `out` holds letters_count + 1.
 */
void site_between(const struct site *s, uint32_t from, uint32_t to, bool cleared, char *out);

/*
 * The monitor, apart from what made the state: true if some phase gives every link at least what is
 * shown here (yellow counts as green), or if all flash. So no two links ever go together that no
 * phase lets go together.
 */
bool site_may_show(const struct site *s, struct bytes state);

/* The Thing's properties, services/signals/model.h. `times` may be NULL. */
void site_put_properties(const struct site *s, const struct site_times *times, struct buf *b);

#endif
