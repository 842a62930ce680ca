/*
 * queues_inside.h -- what the parts of queues.h know of each other; for queues_*.c alone.
 *
 *   queues_approach  a loop before the line, or a neighbour, claims that somebody comes
 *   queues_late      who should have come by now: he stands behind others, or is elsewhere
 *   queues_line      the stop line: who leaves, who stands there, who does not
 *   queues_stuck     a lane that does not move although it is green
 *   queues_lost      seconds that nobody told of
 *   queues_pace      how long it takes from one place to the next where one is seen
 *   queues_shares    who takes which lane and which link, as learned
 *   queues_unseen    lanes whose stop loop is dead
 *   queues_cameras   lists as cameras see them
 *   queues_lights    what the lights allow now
 *   queues_intended  who will come by the neighbours' plans
 *   queues_outlook   what the search is told
 *   queues           the lists, and the order in which a second is heard
 */
#ifndef SERVICES_SIGNALS_OPTIMIZE_QUEUES_INSIDE_H
#define SERVICES_SIGNALS_OPTIMIZE_QUEUES_INSIDE_H

#include "services/signals/optimize/queues.h"

#define QUEUE_PATIENCE_S 120.0 /* unserved for so long: he counts more */
#define GOLDEN 0.6180339887    /* its multiples lie evenly, whatever their number */
#define LATE_GONE_S 12.0       /* who is so much later is elsewhere */

/* ---- queues ---- */

void queue_insert(struct queue_lane *l, struct queue_vehicle v);
struct queue_vehicle queue_pull(struct queue_lane *l, uint32_t at);
/* One who stands at the line and whom nobody announced. */
struct queue_vehicle queue_found(double now_s);
double queue_speed(const struct signals_model *m, uint32_t lane); /* m/s */
/* A loop, or loops_count + a feeder. */
const struct signals_source *queue_source(const struct signals_model *m, uint32_t source);
/* The loop lies on its lane itself, not up the street. */
bool queue_is_own(const struct signals_model *m, const struct signals_source *loop);
/* When he is at the line, as it can be now that the one before him is there at `before_s`. */
double queue_eta(const struct queues *q, uint32_t lane, uint32_t at, double before_s, double now_s);
/* How many come to the line, or to the queue before it, by then; they may be moving up. */
uint32_t queue_by(const struct queues *q, uint32_t lane, double by_s);
/* How many can stand from there to the line. */
uint32_t queue_fit(uint32_t distance_m);
/* 0 .. 1: the weight of what is said of him (Q5). */
double queue_believed(const struct queues *q, uint32_t lane, uint32_t at);

/* ---- queues_approach ---- */

/* Somebody crossed this loop. */
void approach_pass(struct queues *q, uint32_t loop, double at_s);

/* ---- queues_late ---- */

/*
 * The queue reaches its last loop: somebody stands on it, or so many were seen to pass it and wait
 * that the next one cannot (a loop may lie in the gap between two).
 */
bool late_is_full(const struct queue_lane *l);
/*
 * Who stands behind others is not late before they are gone: at the line one follows the other, and
 * so he does over a loop under which the queue stands.
 */
void late_follow(struct queues *q, uint32_t lane, bool departed, double now_s);
/* Whom `source` saw `from_m` before the line of `lane` came over this loop first. */
void late_learn(struct queues *q, uint32_t source, uint32_t lane, uint32_t from_m, uint32_t loop);
/* By how much he is later than that; <= 0: in time. */
double late_by(const struct queue_vehicle *v, double now_s);
/*
 * Who was due at a nearer loop and did not come over it: he stands before it, or went elsewhere. On
 * a lane whose loops are dead, a neighbour's word has to do. Loops before the lane begins count
 * where nearly all who came from his source came over them.
 */
void late_drop(struct queues *q, double now_s);

/* ---- queues_line ---- */

void line_depart(struct queues *q, uint32_t lane, double now_s);
/* Q1: somebody stands at the line. */
void line_present(struct queues *q, uint32_t lane, double now_s);
/* Q2: who should stand here does not. He is on another lane, or nowhere. */
void line_absent(struct queues *q, uint32_t lane, double now_s);
/* The head at its green: what he waits for says where he wants to go. */
void line_watch(struct queues *q, uint32_t lane, double now_s);

/* ---- queues_stuck ---- */

/*
 * A lane whose head does not leave at its green serves nobody in this phase: there is no room
 * ahead, or it never comes to his turn, and a plan that waits for him waits in vain.
 *
 * Who gives way to others who keep coming is found sooner. Mostly he has crossed the line and waits
 * in the junction, with those behind him, and leaves at the latest when the light changes: he is
 * stuck in this green alone, and the sooner it ends the more such turns there are. Where a phase
 * gives him right of way that one is better than to try once more, and all is as for others.
 */
void stuck_watch(struct queues *q, uint32_t lane, double now_s);

/* ---- queues_lost ---- */

/* A second is heard: those between it and the last one were not. */
void lost_hear(struct queues *q, double now_s);
/* Was one not heard, from then on? */
bool lost_since(const struct queues *q, double from_s, double now_s);
/* He was not seen at the loop `at_m` before the line, but may have come over it unheard. */
bool lost_passed(const struct queues *q, uint32_t lane, const struct queue_vehicle *v,
                 uint32_t at_m, double now_s);
/* Who left in the second before this one, if that was not heard. Before this one is. */
void lost_depart(struct queues *q, const struct signals_reading *r, double now_s);

/* ---- queues_pace ---- */

/* From a source to the line of one of its lanes, if nothing hinders: from loop to loop, as learned.
 */
double pace_travel(const struct queues *q, uint32_t source, uint32_t lane);
/* By how much more to the next loop those who are slow there take. */
double pace_slack(const struct queues *q, uint32_t source, uint32_t lane);
/* Somebody can have taken so long from there to this loop. */
bool pace_fits(const struct queues *q, uint32_t from_m, uint32_t loop, double took_s);
/* Whom a source saw `from_m` before the line came over this loop, hindered by no queue. */
void pace_learn(struct queues *q, uint32_t source, uint32_t from_m, uint32_t loop, double took_s);
/* He crossed the line: the same of his last way, if he found a green and nobody before him. */
void pace_learn_departed(struct queues *q, const struct queue_vehicle *v, uint32_t lane,
                         double now_s);

/* ---- queues_shares ---- */

/* Shares become a sequence: whose share is owed most is next. */
uint32_t shares_draw(const double *share, double *credit, uint32_t count);
/* The second loop of a lane, or one that lies close to the line: on its lane one stays. */
bool shares_settled(const struct queues *q, uint32_t source);
/*
 * By lane of his source, the scenarios in which he takes it, a bit each: as many as its share says,
 * the same ones every second. False: it is known that he is on `lane`, where he is the `at`-th.
 */
bool shares_guess_lanes(const struct queues *q, uint32_t lane, uint32_t at,
                        uint8_t out_scenarios[static SIGNALS_REACH_MAX]);
/* Whom `source` saw has taken `lane`. */
void shares_learn_lane(struct queues *q, uint32_t source, uint32_t lane);
/*
 * The link that one who departs now has taken: loops do not tell, so all are possible, each as far
 * as its share and what was seen say; each departure counts once, shared by its links in that
 * proportion (expectation maximisation, one step a vehicle).
 */
uint32_t shares_guess_link(struct queues *q, uint32_t lane, int8_t known);

/* ---- queues_unseen ---- */

/* Which lanes are blind now. */
void unseen_find(struct queues *q, const struct signals_reading *r, double now_s);
/* Who is missing for good, more than came unannounced, has taken a sibling that nobody sees. */
bool unseen_took(struct queues *q, uint32_t lane, struct queue_vehicle v);
/* One came unannounced. */
void unseen_fewer(struct queue_lane *l);
/* Q4: who came unseen, and who left. */
void unseen_imagine(struct queues *q, uint32_t lane, double seconds, double now_s);
/* A lane that may be dead had green. */
void unseen_doubt(struct queues *q, uint32_t lane, double seconds, double now_s);

/* ---- queues_intended ---- */

/* Vehicles that will come to the line of a lane in each second from now on; known until then. */
struct intended {
    double count[SEARCH_HORIZON_S], until_s;
};
/* False: no neighbour who lets vehicles go to this lane says what he intends. */
bool intended_find(const struct queues *q, uint32_t lane, const struct intents_source *sources,
                   double now_s, struct intended *out);

/* ---- queues_cameras ---- */

/* The lists are what is seen. */
void cameras_hear(struct queues *q, const struct signals_reading *r, double now_s);

/* ---- queues_lights ---- */

enum link_light lights_shown(const struct queues *q, uint32_t link);
bool lights_gives_way(const struct queues *q, uint32_t link); /* it may go, and gives way */
bool lights_green(const struct queues *q, uint32_t lane);     /* for one of its links */
/* Every link has right of way: only there a queue leaves as fast as it can. */
bool lights_protected(const struct queues *q, uint32_t lane);
/* Who stands at the line could go: it has right of way, and there is room behind it. */
bool lights_free_way(const struct queues *q, uint32_t lane);
bool lights_full_exit(const struct queues *q, uint32_t lane);
/* Of those who may go now, how many must yield, by the turns that were learned. */
double lights_yielding(const struct queues *q, uint32_t lane);

#endif
