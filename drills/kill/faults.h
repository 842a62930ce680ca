/*
 * faults.h -- three ways in which a process goes wrong, done to a running one from outside.
 */
#ifndef DRILLS_KILL_FAULTS_H
#define DRILLS_KILL_FAULTS_H

#include "base/base.h"

#include <sys/types.h>

enum fault {
    FAULT_KILL, /* kill -9 */
    FAULT_STOP, /* SIGSTOP: it hangs and holds everything */
    FAULT_SPIN, /* its next instruction jumps to itself: it hangs and eats its processor */
    FAULT_COUNT
};
const char *fault_text(enum fault f);

/*
 * ERR_NOT_FOUND: it ended meanwhile. ERR_UNSUPPORTED: a loop is put in with ptrace, which only
 * root may do to a process that is not dumpable. x86-64.
 */
enum err fault_inject(enum fault f, pid_t pid) MUST_USE;

#endif
