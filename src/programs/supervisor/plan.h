/*
 * plan.h -- from a charter to the list of processes and everything that each one holds.
 *
 * The list is the architecture: what is not in it does not exist. plan_make() opens every socket,
 * file and pair there is; a process gets its own and nothing else, again at every restart. Pairs
 * stay open here on both sides, so that a neighbour does not notice a restart.
 */
#ifndef PROGRAMS_SUPERVISOR_PLAN_H
#define PROGRAMS_SUPERVISOR_PLAN_H

#include "charter/charter.h"
#include "programs/island.h"
#include "programs/start.h"
#include "wire/channel.h"

enum process_kind {
    PROCESS_LEDGER,
    PROCESS_JUDGE,
    PROCESS_WARDEN,
    PROCESS_CORE,
    PROCESS_CONDUIT,
    PROCESS_GATE,
    PROCESS_KINDS
};
const char *process_kind_text(enum process_kind kind);

enum {
    PLAN_PROCESSES_MAX = 2 + 3 * CHARTER_ZONES_MAX + CHARTER_CONDUITS_MAX,
    PLAN_ENDS_MAX = 4096,
    PLAN_PATH_SIZE = 512,
    PLAN_UID_BASE = 1879000000, /* root mode: user of process i is base + i */
};

/* One descriptor that a process is given. */
struct plan_end {
    uint32_t process; /* index; PLAN_SUPERVISOR for our own */
    enum start_fd_role role;
    char name[129];
    int fd;
    bool pair;     /* one end of a pair; the other one is given to `peer` */
    uint32_t peer; /* index; PLAN_SUPERVISOR */
};
enum { PLAN_SUPERVISOR = UINT32_MAX };

struct plan_process {
    enum process_kind kind;
    int32_t zone;    /* index in the charter; -1: the city's */
    int32_t conduit; /* index; -1 */
    char name[128];  /* "signals/core", "city/ledger", "bike-counts/conduit" */
    char program[PLAN_PATH_SIZE + 80];
    uint32_t uid; /* 0 in user-namespace mode */
};

struct plan {
    const struct charter *charter;
    uint8_t digest[32];
    char state[PLAN_PATH_SIZE];
    char libexec[PLAN_PATH_SIZE];
    bool user_namespaces; /* not root: a user namespace for each process */
    uint64_t walls;       /* 0: all */
    struct plan_process processes[PLAN_PROCESSES_MAX];
    size_t processes_count;
    struct plan_end ends[PLAN_ENDS_MAX];
    size_t ends_count;
    uint32_t cut; /* bit set over zones: islands, see island.h */
    struct island islands[CHARTER_ZONES_MAX];
    char why[400]; /* a sentence, after a failure */
};

/* The processes only; opens nothing. */
void plan_list(struct plan *p, const struct charter *c, const char *state, const char *libexec);

/*
 * Open all sockets, files and pairs. ERR_IO with a sentence in p->why (port in use, disk full, no
 * right); what was opened is closed by plan_close(), which also takes the Unix sockets off the
 * disk.
 */
enum err plan_open(struct plan *p) MUST_USE;
void plan_close(struct plan *p);

/* Descriptor of one of the supervisor's own ends, or -1. */
int plan_own_end(const struct plan *p, enum start_fd_role role);

/* True if process i must know that zone z is cut off: its core, its conduits, the judge. */
bool plan_island_concerns(const struct plan *p, size_t i, uint32_t z);

/*
 * Send process i everything it starts with, over `socket_fd` (blocking): rows, keys, texts,
 * descriptors, `begin`.
 */
enum err plan_feed(struct plan *p, size_t i, int socket_fd) MUST_USE;

#endif
