/*
 * intersection.h -- what never changes about a signalled intersection: who crosses whom, the
 * phases, the times, the stored plans. Pure; no allocation. Everything the machine and the monitor
 * know of the street is here, and intersection_check() refuses what does not fit before a light is
 * lit.
 *
 * A link is one signal group; a phase is one letter a link (docs: SUMO "Traffic_Lights"):
 *   G green, g green that yields, s stop and go (a turn on red), r red.
 * Between phases also y: yellow, or, on a walk, its clearance (flashing don't walk); o: flashing.
 *
 * Two links that cross may only go together if one of them shows g or s and yields to the other.
 * All of this is checked for each phase and for each state between each two phases.
 *
 * Who waits inside for a gap and sees yellow takes it that those he gives way to see it too, and
 * turns (the yellow trap; MUTCD 2009 2C.48 warns of it by a sign). So nobody who shows g loses it
 * while vehicles that he gives way to keep theirs: they get yellow and red with him, and green
 * again in the phase that comes.
 *
 * Lanes are who can call: each is served by a phase in which one of its links shows G, g or s. Who
 * stands there goes by one of its links, and no loop tells by which: so he calls for all of them.
 *
 * The longest red. Some phases (the cover) together let every link of a lane go that ever goes. A
 * round is the longest that it can take to show each of them once, each with its worst change
 * (clearance, yellow, all-red, the wait for a full junction) and its minimum green, after a change
 * that is just under way. No order of calls can need more than a round, so what is guaranteed for a
 * link is limit_s = the larger of what was asked for (maximum_red_s, pedestrian_wait_s) and
 * round_s; `strict` refuses an intersection where it is more. Where it is more, what was asked for
 * is still kept whenever nobody's limit_s is broken by it.
 *
 * Where the values come from: specs/signals.md 5.2 (MUTCD 2009 4D.26, 4E.06; FHWA Signal Timing
 * Manual).
 */
#ifndef FIELD_LIGHTS_INTERSECTION_H
#define FIELD_LIGHTS_INTERSECTION_H

#include "base/base.h"

enum {
    LIGHTS_LINKS_MAX = 128,
    LIGHTS_WORDS = LIGHTS_LINKS_MAX / 64, /* of a set of links */
    LIGHTS_PHASES_MAX = 32,
    LIGHTS_LANES_MAX = 64,
    LIGHTS_PLANS_MAX = 8,
    LIGHTS_ROWS_MAX = 64,
    LIGHTS_WHY_SIZE = 240,
    LIGHTS_NO_PHASE = 0xff,

    LIGHTS_YELLOW_MIN_S = 3,
    LIGHTS_YELLOW_MAX_S = 6,
    LIGHTS_ALL_RED_MAX_S = 6,
    LIGHTS_GREEN_MIN_S = 4, /* a turn; 5 and more for who goes straight on */
    LIGHTS_GREEN_MAX_S = 60,
    LIGHTS_WALK_MIN_S = 7,
    LIGHTS_WALK_BUFFER_S = 3, /* red, after the clearance and before who crosses goes */
    LIGHTS_CLEARANCE_MIN_S = 4,
    LIGHTS_CLEARANCE_MAX_S = 60,
    LIGHTS_RED_MIN_S = 60,
    LIGHTS_RED_MAX_S = 600,
    LIGHTS_BOX_MAX_S = 15,
    LIGHTS_LEAVE_FLASH_S = 6,
    LIGHTS_ROUND_MAX_S = 600, /* more phases than one junction can serve */
    LIGHTS_DAY_S = 86400,
};

struct link_set {
    uint64_t word[LIGHTS_WORDS];
};

struct lights_link {
    bool walk;                                    /* people on foot: G walk, y clearance */
    uint8_t yellow_s, all_red_s, minimum_green_s; /* of a walk: its buffer */
    uint8_t walk_s, clearance_s;                  /* of a walk only */
};

struct lights_row {
    uint8_t phase;
    uint16_t seconds;
};
struct lights_plan {
    uint32_t from_s; /* of the day; the last plan of a day goes on until the first */
    uint32_t rows_count;
    struct lights_row rows[LIGHTS_ROWS_MAX];
};

/* How one phase becomes another. Without a link that ends, the time of those that go is kept. */
struct lights_change {
    uint8_t clearance_s, yellow_s, all_red_s;
    bool all_stop; /* nobody keeps a green: the junction is waited for */
};

struct intersection {
    uint32_t links_count, phases_count, lanes_count, plans_count;
    struct lights_link links[LIGHTS_LINKS_MAX];
    char phases[LIGHTS_PHASES_MAX][LIGHTS_LINKS_MAX + 1];
    struct link_set crosses[LIGHTS_LINKS_MAX];
    struct link_set
        yields[LIGHTS_LINKS_MAX]; /* a link: those that it gives way to when it shows g */
    struct link_set blocks[LIGHTS_LINKS_MAX]; /* besides: whose way is not clear with him inside */
    struct link_set lane_links[LIGHTS_LANES_MAX];
    bool lane_walk[LIGHTS_LANES_MAX];
    uint8_t lane_approach[LIGHTS_LANES_MAX]; /* buses: one grant a cycle and approach */
    struct lights_plan plans[LIGHTS_PLANS_MAX];

    uint16_t maximum_red_s, pedestrian_wait_s;
    uint16_t preempt_minimum_s, preempt_longest_s, preempt_cool_s;
    uint16_t bus_extension_s, bus_longest_s;
    uint16_t box_wait_s, silence_s;
    uint16_t passage_s; /* nobody comes for so long: a gap that ends a row of the stored plan; */
    uint16_t quiet_s;   /* and for so long: loops that are not believed */
    bool strict;

    /* by intersection_check() */
    bool checked;
    struct link_set goes[LIGHTS_PHASES_MAX];  /* G or g */
    struct link_set walks[LIGHTS_PHASES_MAX]; /* G on a walk */
    struct link_set lets[LIGHTS_PHASES_MAX];  /* G, g or s */
    uint64_t serves[LIGHTS_PHASES_MAX];       /* a bit a lane */
    uint64_t link_lanes[LIGHTS_LINKS_MAX];    /* whose it is; none if no phase lets it go */
    /* of a lane, all that go in some phase; none where no phase lets them all go */
    struct link_set whole[LIGHTS_LANES_MAX];
    /* of a phase, at most; the same without its walks; and when a pre-emption ends it */
    uint16_t minimum_s[LIGHTS_PHASES_MAX], plain_s[LIGHTS_PHASES_MAX], early_s[LIGHTS_PHASES_MAX];
    uint16_t walk_s[LIGHTS_PHASES_MAX];   /* a walk of it that was begun, */
    uint16_t clears_s[LIGHTS_PHASES_MAX]; /* and what clears it; both at most */
    bool walks_only[LIGHTS_PHASES_MAX];
    struct link_set pushed; /* walks that are shown when somebody called */
    /* worst change, whichever walks are shown; and of all into a phase */
    uint16_t change_s[LIGHTS_PHASES_MAX][LIGHTS_PHASES_MAX];
    uint16_t into_s[LIGHTS_PHASES_MAX];
    uint32_t cover_count;
    uint8_t cover[LIGHTS_PHASES_MAX];
    uint8_t serving[LIGHTS_LINKS_MAX]; /* the phase of the cover that lets a link go */
    uint8_t best[LIGHTS_LANES_MAX];    /* a phase that lets most links of a lane go */
    uint16_t asked_s[LIGHTS_LINKS_MAX], limit_s[LIGHTS_LINKS_MAX];
    uint16_t round_s;
};

static inline bool
link_in(const struct link_set *s, uint32_t link)
{
    return s->word[link / 64] >> (link % 64) & 1;
}
static inline void
link_add(struct link_set *s, uint32_t link)
{
    s->word[link / 64] |= UINT64_C(1) << (link % 64);
}
static inline bool
link_any(const struct link_set *s)
{
    return (s->word[0] | s->word[1]) != 0;
}

/* Red, flashing, yellow: 0; stop and go 1; green that yields 2; green 3. */
static inline uint32_t
letter_strength(char letter)
{
    return letter == 'G' ? 3 : letter == 'g' ? 2 : letter == 's' ? 1 : 0;
}

/* No links yet; the specification's times for all that has one. */
void intersection_init(struct intersection *x, uint32_t links_count);

/* ERR_MALFORMED: another length or letter; ERR_LIMIT. */
enum err intersection_add_phase(struct intersection *x, struct bytes letters) MUST_USE;
/* ERR_LIMIT. The links of a lane are added with link_add(). */
enum err intersection_add_lane(struct intersection *x, uint32_t *out_lane) MUST_USE;
/* One more stored plan, empty. ERR_LIMIT. */
enum err intersection_add_plan(struct intersection *x, uint32_t from_s) MUST_USE;
/* A row of the newest plan. ERR_LIMIT, ERR_WRONG_STATE: no plan. */
enum err intersection_add_row(struct intersection *x, uint32_t phase, uint32_t seconds) MUST_USE;

void intersection_cross(struct intersection *x, uint32_t a, uint32_t b);
/* `link` gives way to `to` when it shows g. */
void intersection_yield(struct intersection *x, uint32_t link, uint32_t to);
/* What it takes to clear a walk over `decimetres`, at 1.07 m/s. */
uint8_t intersection_clearance_s(uint32_t decimetres);
/* A walk over `decimetres`: cleared, and then red for its buffer. */
void intersection_walk(struct intersection *x, uint32_t link, uint32_t decimetres);

/*
 * Check and derive. ERR_DENIED: *why (LIGHTS_WHY_SIZE) is a sentence that names the phase and the
 * links, and x->checked stays false.
 */
enum err intersection_check(struct intersection *x, char *why) MUST_USE;

/*
 * May these letters stand together? `was` has for a link that shows y the letter that it had
 * before. On false the two links that cross.
 */
bool intersection_fits(const struct intersection *x, const char *shown, const char *was,
                       uint32_t *out_a, uint32_t *out_b);

enum lights_stage { STAGE_CLEARANCE, STAGE_YELLOW, STAGE_RED };
/*
 * What is shown on the way from a phase to another: who loses green is yellow, then red, and with
 * who gives way the vehicles that he gives way to; who keeps it shows the weaker of the two; who
 * gains waits. `to` LIGHTS_NO_PHASE: everybody loses.
 */
void intersection_between(const struct intersection *x, const char *from, uint32_t to,
                          enum lights_stage stage, char *out);
/* The times of it. */
struct lights_change intersection_change(const struct intersection *x, const char *from,
                                         uint32_t to);

/* The stored plan of this second of the day. */
uint32_t intersection_plan_of(const struct intersection *x, uint32_t day_s);

#endif
