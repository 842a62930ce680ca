/*
 * range.h -- a private city that really runs, in which chosen compartments are breached.
 *
 * The same charter (listening ports chosen by the kernel), its own keys and state in a temporary
 * directory, the plan and the start messages of the supervisor; but every process is started by
 * us, once, and comes back only when it is told to. A compartment is breached by running its drill
 * program in its place: the production objects, and a payload whose one chosen attempt runs after
 * the sandbox closed, with that compartment's own descriptors, channels and filter, while its
 * neighbours run and answer. The attempt finds what the compartment was given with
 * program_given(), and speaks the internal messages with the encoders of the program itself.
 */
#ifndef DRILL_RANGE_H
#define DRILL_RANGE_H

#include "charter/charter.h"
#include "drill/answer.h"
#include "programs/start.h"

#include <sys/types.h>

struct range;

struct range_config {
    const struct charter *charter;
    const char *libexec;       /* production programs */
    const char *drill_libexec; /* the same with the hook */
    uint64_t walls;            /* of breached compartments only; 0: all */
    bool verbose;              /* the processes' log lines go to our standard error */
};

/* Keys, state, sockets, pairs; starts nothing. ERR_IO with a sentence on standard error. */
enum err range_open(const struct range_config *config, struct range **out) MUST_USE;
/* Ends everything and takes the state directory away. NULL is fine. */
void range_close(struct range *r);

/* Start what does not run yet, in the supervisor's order, and wait until all are confined. */
enum err range_start(struct range *r) MUST_USE;
/* End one compartment ("bikes/core"), start the production program in it (anew). */
void range_stop(struct range *r, const char *compartment);
enum err range_restart(struct range *r, const char *compartment) MUST_USE;

/*
 * End what runs in the compartment and run an attempt in its place. Returns when the attempt has
 * begun (ERR_IO: it did not); several compartments can be breached at once. `targets`:
 * "key=value\n" lines, handed to the attempt.
 */
struct range_breach {
    const char *compartment;
    const char *payload; /* path of the object */
    const char *attempt; /* id */
    const char *targets;
};
enum err range_breach(struct range *r, const struct range_breach *b) MUST_USE;
/* The walls of those that are breached from now on, in place of the config's; 0: all. */
void range_walls(struct range *r, uint64_t walls);
/* Wait for its answer, at most wait_ms, with the city running on; then the compartment is empty. */
struct outcome range_answer(struct range *r, const char *compartment, uint32_t wait_ms);

/* A mistake in the plan, for tests that must see it: `to` is given, from its next start on, what
 * `of` is given in this role. ERR_NOT_FOUND; ERR_IO. */
enum err range_misplan(struct range *r, const char *to, const char *of, enum start_fd_role role,
                       const char *name) MUST_USE;

/* What waits in the pairs of empty compartments, for or from nobody, is read away. */
void range_forget(struct range *r);

/* A byte on its control channel: how an attempt that waits is told to go on. */
void range_tell(struct range *r, const char *compartment);
/* What the breached process has written to its standard error so far; "" when there is nothing. */
const char *range_said(struct range *r, const char *compartment);

/* The zone is an island from now on, or no longer: told to all whom it concerns, as the supervisor
 * does, and to those that start later. ERR_NOT_FOUND. */
enum err range_cut(struct range *r, const char *zone, bool cut, const char *reason) MUST_USE;

/* Let the city run: reads heartbeats and log lines of all for so long. */
void range_turn(struct range *r, uint32_t ms);

/* The same until every production process has beaten once more, at most max_ms: then its counters
 * are newer than this call. */
void range_beats(struct range *r, uint32_t max_ms);

/* Our copy of an end that a compartment was given, or -1: to speak or listen in its place. `name`
 * as in the plan, NULL: any. */
int range_end(const struct range *r, const char *compartment, enum start_fd_role role,
              const char *name);

/* What an outside client needs. 0, -1 or NULL when there is none. */
const char *range_state(const struct range *r);
uint16_t range_port(const struct range *r, const char *zone, bool https);
pid_t range_pid(const struct range *r, const char *compartment);
/* A counter of the last heartbeat, by its name in program_counter_names(); 0 when there is none. */
uint64_t range_counter(const struct range *r, const char *compartment, const char *counter);
/* How often the process that runs there now complained of a malformed channel. */
uint32_t range_complaints(const struct range *r, const char *compartment);

#endif
