/*
 * confine.h -- the supervisor gives up what it does not need, once everything is open.
 *
 * As root it keeps these capabilities, also in the bounding set that its children start with, each
 * of which proves itself by a test that takes it away (tests/supervisor):
 *
 *   sys_admin        new namespaces; each child's empty root
 *   setuid, setgid   each child's own user
 *   setpcap          each child's empty bounding set
 *   kill             ending a hung child, which runs as another user
 *   dac_override     only where the state or the programs lie below a folder that is not root's
 *
 * And in any case: no new privileges, no core file, not dumpable. It has no system-call filter of
 * its own: a child would inherit it, and children must execute, mount and map code before they have
 * walls; a list that allows that would refuse nothing that matters.
 */
#ifndef PROGRAMS_SUPERVISOR_CONFINE_H
#define PROGRAMS_SUPERVISOR_CONFINE_H

#include "base/base.h"

#include <linux/capability.h>

#define CONFINE_BIT(capability) (1ULL << (capability))
#define CONFINE_KEPT                                                                               \
    (CONFINE_BIT(CAP_SYS_ADMIN) | CONFINE_BIT(CAP_SETUID) | CONFINE_BIT(CAP_SETGID) |              \
     CONFINE_BIT(CAP_SETPCAP) | CONFINE_BIT(CAP_KILL))
#define CONFINE_MAYBE CONFINE_BIT(CAP_DAC_OVERRIDE)

/* ERR_IO with the failing step in *out_step. */
enum err confine_supervisor(const char *state, const char *libexec, const char **out_step) MUST_USE;

#endif
