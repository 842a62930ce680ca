/*
 * spawn.h -- fork and exec one program into namespaces of its own.
 */
#ifndef PROGRAMS_SUPERVISOR_SPAWN_H
#define PROGRAMS_SUPERVISOR_SPAWN_H

#include "base/base.h"

#include <sys/types.h>

struct spawned {
    pid_t pid;
    int control_fd; /* our end of the control channel; blocking with a 5 s send time-out */
    int log_fd;     /* read end of the child's standard error, non-blocking */
    uint64_t control_inode, log_inode; /* of the child's ends */
};

/*
 * Start `program` in new mount, pid, network, IPC, UTS and control-group namespaces (and a user
 * namespace when `user_namespace`). It gets /dev/null on 0 and 1, a pipe on 2, the control socket
 * on 3, nothing else, and the environment `environment` (NULL: just TZ=UTC0). `namespaces` false
 * (the drill, one wall at a time) leaves it in ours. ERR_UNSUPPORTED when the kernel refuses the
 * namespaces; ERR_IO otherwise; errno says why.
 */
enum err spawn(const char *program, bool namespaces, bool user_namespace, char *const environment[],
               struct spawned *out) MUST_USE;

/* The same, and `place` is told of the child before it runs anything; false ends it: ERR_IO. */
struct spawn_place {
    bool (*place)(void *ctx, pid_t pid);
    void *ctx;
};
enum err spawn_placed(const char *program, bool namespaces, bool user_namespace,
                      char *const environment[], const struct spawn_place *place,
                      struct spawned *out) MUST_USE;

#endif
