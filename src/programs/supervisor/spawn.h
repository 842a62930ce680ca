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

#endif
