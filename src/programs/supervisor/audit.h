/*
 * audit.h -- which system call a killed process had tried: from the kernel, not from the process.
 *
 * A process that its filter kills leaves a record in the kernel's log (type 1326). The supervisor
 * of a root city reads /dev/kmsg for it; who may not (an ordinary user, another pid namespace)
 * gets "unknown", and so does everybody when the kernel drops records because there are too many.
 */
#ifndef PROGRAMS_SUPERVISOR_AUDIT_H
#define PROGRAMS_SUPERVISOR_AUDIT_H

#include "base/base.h"

enum { AUDIT_CALL_SIZE = 48 };

struct audit_kill {
    uint32_t uid, pid; /* of the dead process, as the initial namespaces name it */
    uint32_t arch;     /* AUDIT_ARCH_... */
    uint32_t call;     /* the number in that architecture's table */
};

/*
 * One record of /dev/kmsg: "PRIORITY,SEQUENCE,TIME,FLAGS;audit: type=1326 ...". ERR_NOT_FOUND: it
 * is none of a SECCOMP kill by the kernel itself (the facility tells: a program that writes to the
 * log cannot have the kernel's). A name that the process chose itself stands behind the fields
 * that are believed, or is quoted by the kernel.
 */
enum err audit_parse(struct bytes record, struct audit_kill *out) MUST_USE;

/* "socket:41", or "unnamed:999" for a number without a name. */
void audit_call_text(const struct audit_kill *kill, char out[static AUDIT_CALL_SIZE]);

/* The kernel's log from now on; -1 where it cannot be read or would name other processes. */
int audit_open(void);

/*
 * What the process that just ended with SIGSYS had tried, or "unknown". Waits a few milliseconds
 * for the kernel to write it. `fd` may be -1.
 */
void audit_last_call(int fd, uint32_t pid, uint32_t uid, char out[static AUDIT_CALL_SIZE]);

#endif
