/*
 * program.h -- the life of every process but the supervisor.
 *
 *   main -> program_run():
 *     receive control.def rows and descriptors on descriptor 3     (trusted: the supervisor)
 *     open()       take keys and descriptors, open what they name, allocate; libraries warm up
 *     sandbox_close()
 *     say `confined`
 *     serve()      watch descriptors in the loop; from here on peers' bytes are read
 *     loop, a heartbeat every 500 ms with counters, until `stop` or the control channel ends
 *
 * The process exits 0 after stop(), 1 when it could not start, lost the supervisor or
 * program_fail().
 */
#ifndef PROGRAMS_PROGRAM_H
#define PROGRAMS_PROGRAM_H

#include "programs/start.h"
#include "runtime/loop.h"
#include "runtime/sandbox.h"

enum { PROGRAM_CONTROL_FD = 3, PROGRAM_COUNTERS = 9, PROGRAM_BEAT_MS = 500 };

struct program {
    const char *kind; /* "gate", "core", ... */
    const struct sandbox_profile *profile;
    /*
     * Before the sandbox. `start` lives as long as the process; its keys are wiped afterwards.
     * Every descriptor in start->fds stays open unless the program closes it and sets fd to -1.
     * Descriptors that open() itself opened and that must stay go through program_keep().
     */
    enum err (*open)(void *self, struct start *start);
    /* After the sandbox: loop_watch() what shall be served. */
    enum err (*serve)(void *self, struct loop *loop);
    /* What `bulkhead status` shows; names in program_counter_names. May be NULL. */
    void (*counters)(void *self, uint64_t out[static PROGRAM_COUNTERS]);
    /* End in order: flush, sync. May be NULL. */
    void (*stop)(void *self);
    struct sandbox_limits limits; /* 0: memory from the charter; 64 files; 16 MiB files */
};

int program_run(const struct program *program, void *self);

/* Inside open(): this descriptor stays. */
void program_keep(int fd);

/* While the loop runs: end it, and exit 1, so that the end is seen as a death and not as obedience.
 */
void program_fail(void);

/*
 * A peer talks nonsense on the channel named `channel` (a zone, a kind: not text from the peer).
 * The caller drops it for a while (mistrust.h); the supervisor puts the complaint on the city's
 * record and in the status.
 * Does nothing in a test that runs no program.
 */
void program_complain(const char *channel);

/* What this process was given at its start, keys wiped; NULL outside program_run(). */
const struct start *program_given(void);

/*
 * What keeps this process from its full work now, in a sentence of small letters, digits and
 * ",.:;-'" that is no peer's text; "" when nothing does. Say it as often as you like: it is sent
 * when it changes, also from open(), and stands in `bulkhead status` and on the city's record.
 */
void program_condition(const char *what);

/* The names of the counters of a kind, "" where there is none; NULL for an unknown kind. */
const char *const *program_counter_names(const char *kind);

#endif
