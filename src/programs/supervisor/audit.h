/*
 * audit.h -- which system call a killed process had tried: from the kernel, not from the process.
 *
 * A process that its filter kills leaves an audit record (AUDIT_SECCOMP). The supervisor of a root
 * city hears them on the audit system's multicast group, beside an audit daemon if there is one;
 * the kernel's log would have them too, but drops all beyond ten in five seconds. Who may not hear
 * (an ordinary user, another pid namespace) gets "unknown".
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
 * The text of one AUDIT_SECCOMP record: "audit(TIME:SERIAL): auid=... pid=... comm=...
 * syscall=...". ERR_NOT_FOUND: it is none of a kill. Names that the process may have chosen are
 * quoted by the kernel so that they hold no blank; nothing else in it is the process's.
 */
enum err audit_parse(struct bytes record, struct audit_kill *out) MUST_USE;

/* "socket:41", or "unnamed:999" for a number without a name. */
void audit_call_text(const struct audit_kill *kill, char out[static AUDIT_CALL_SIZE]);

/*
 * Hear the records from now on; -1 where we may not (CAP_AUDIT_READ, wanted for this call only),
 * or where they would name processes by other numbers than ours.
 */
int audit_open(void);

/*
 * What the process that just ended with SIGSYS had tried, or "unknown". Waits a few milliseconds
 * for the kernel to write it. `fd` may be -1.
 */
void audit_last_call(int fd, uint32_t pid, uint32_t uid, char out[static AUDIT_CALL_SIZE]);

#endif
