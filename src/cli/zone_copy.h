/*
 * zone_copy.h -- a zone's store as it is now, opened for reading beside its running core.
 */
#ifndef CLI_ZONE_COPY_H
#define CLI_ZONE_COPY_H

#include "charter/charter.h"
#include "cli/tool.h"
#include "store/embedded/snapshot.h"

/* Is a city up on this state? While it is not, nobody else may start one: the lock is held. */
struct state_lock {
    bool running;
    int fd;
};
/* False after a sentence: it is starting or stopping, or there is none. */
bool state_lock_open(const char *state, struct state_lock *out) MUST_USE;
void state_lock_close(struct state_lock *l);

struct zone_copy {
    const char *state;
    const char *zone;
    bool running; /* its core may be writing */
    char scratch[TOOL_PATH_SIZE];
    int store_fd, scratch_fd;
    uint64_t held_ms; /* when the core was last told to hold still */
    struct snapshot *snapshot;
};

enum zone_copy_result {
    ZONE_COPY_OK,
    ZONE_COPY_NONE,   /* it has no store */
    ZONE_COPY_CLOSED, /* what is there does not open: its bytes or its key were changed, */
    ZONE_COPY_FAILED, /* or it cannot be looked at now */
};
/*
 * Tries again while the files move. `scratch` is a folder on a disk with room for the zone's
 * journal. ZONE_COPY_CLOSED and ZONE_COPY_FAILED after a sentence.
 */
enum zone_copy_result zone_copy_open(const char *state, const struct charter *c, const char *zone,
                                     bool running, const char *scratch,
                                     struct zone_copy *out) MUST_USE;
/* Call now and then: the core is told to hold still for longer. */
void zone_copy_renew(struct zone_copy *z);
/* True when all that was read belongs together. */
bool zone_copy_holds(const struct zone_copy *z);
void zone_copy_close(struct zone_copy *z);

/* Remove a folder and the plain files in it; nothing deeper. */
void remove_flat(const char *folder);

#endif
