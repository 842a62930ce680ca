/*
 * groups.h -- control groups: what a compartment may take of the machine, held by the kernel.
 *
 *   bulkhead/ID/                 the whole city; ID comes from the state directory
 *       supervisor               us: a heavy weight, so that we answer whatever the zones do
 *       city/ledger, city/judge  the same heavy weight
 *       zone-NAME/gate, core...  memory and processor of the charter, one weight for every zone
 *       conduit-NAME/conduit     a little of a processor, whatever a core throws at it
 *
 * Each controller is taken where this host has it: control groups v2 when our own group there is
 * ours to divide (or, as root, its topmost), else v1, else not at all and status says so. The
 * limits of sandbox.h hold in any case.
 *
 *   memory  v2 memory.max, memory.swap.max 0   v1 memory.limit_in_bytes, memory.memsw.*
 *   cpu     v2 cpu.max, cpu.weight             v1 cpu.cfs_quota_us, cpu.shares
 *   pids    1 in the group of each process: it cannot make another
 *
 * Groups that a crash left behind are taken away by the next start of the same state directory.
 */
#ifndef PROGRAMS_SUPERVISOR_GROUPS_H
#define PROGRAMS_SUPERVISOR_GROUPS_H

#include "programs/supervisor/plan.h"

#include <sys/types.h>

enum group_controller { GROUP_MEMORY, GROUP_CPU, GROUP_PIDS, GROUP_CONTROLLERS };
const char *group_controller_text(enum group_controller c);

enum {
    GROUPS_PATH_SIZE = 512,
    GROUPS_PERIOD_US = 20000, /* of the processor: what one may take is taken in small pieces */
    GROUPS_WEIGHT_ZONE = 100,
    GROUPS_WEIGHT_CITY = 1000,
    /*
     * Of a whole city against the rest of the host, the most there is: the kernel shares a group's
     * weight out to the processors by its load on each, so a zone that spins on one would else
     * leave its neighbours on the other with next to nothing against a stranger's program.
     */
    GROUPS_WEIGHT_TOP = 10000,
    GROUPS_CPU_CONDUIT = 10, /* percent: its charter counts messages by the minute */
};

struct groups {
    struct {
        int version;                   /* 0: this host does not let us; 1, 2 */
        char above[GROUPS_PATH_SIZE];  /* .../bulkhead, of all cities: it stays */
        char top[GROUPS_PATH_SIZE];    /* .../bulkhead/ID */
        bool enabled;                  /* version 2: our own group handed it to nobody before */
        char before[GROUPS_PATH_SIZE]; /* where we stood, and go back to at the end */
    } at[GROUP_CONTROLLERS];
};

/* What the kernel is asked to hold for a process of the plan. */
struct group_limits {
    uint64_t memory_bytes; /* of all processes of the zone together */
    uint32_t cpu_percent;  /* of one processor, the same; 0: by weight alone */
    uint32_t weight;
    uint32_t processes; /* of this process's own group */
};
struct group_limits group_limits_of(const struct plan *p, size_t process);

/* The folder of a process's own group, or false when there is none for this controller. */
bool groups_path(const struct groups *g, const struct plan *p, size_t process,
                 enum group_controller c, char out[static GROUPS_PATH_SIZE]);

/* Make the groups of all processes, and step into ours. What cannot be made is left out, whole. */
void groups_open(struct groups *g, const struct plan *p);
/* A new child, before it runs anything: false when it could not be moved. */
bool groups_join(const struct groups *g, const struct plan *p, size_t process, pid_t pid);
/* When every process has ended: step out and take the groups away. */
void groups_close(struct groups *g);

#endif
