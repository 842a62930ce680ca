#include "programs/supervisor/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOCKED_BYTES = 64 * 1024 * 1024 }; /* that a child may lock before its own limits: keys */

static bool
limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit both = {most, most};
    return setrlimit(what, &both) == 0;
}

/* Of those that we have; nothing to inherit. */
static bool
keep(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}};
    if (syscall(SYS_capget, &head, sets) != 0)
        return false;
    for (int half = 0; half < 2; half++) {
        sets[half].permitted &= (uint32_t)(permitted >> (32 * half));
        sets[half].effective = sets[half].permitted & (uint32_t)(effective >> (32 * half));
        sets[half].inheritable = 0;
    }
    return syscall(SYS_capset, &head, sets) == 0;
}

static bool
bound(uint64_t capabilities)
{
    for (int c = 0; c < 64; c++)
        if (!(capabilities >> c & 1) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0 && errno != EINVAL)
            return false;
    return true;
}

static bool
reaches(const char *folder)
{
    return faccessat(AT_FDCWD, folder, R_OK | X_OK, AT_EACCESS) == 0;
}

static bool
drop_capabilities(const char *state, const char *libexec)
{
    uint64_t kept = CONFINE_KEPT;
    if (!keep(UINT64_MAX, kept)) /* what is in reach without the rest? */
        return false;
    if (!reaches(state) || !reaches(libexec))
        kept |= CONFINE_MAYBE;
    return bound(kept) && keep(kept, kept);
}

enum err
confine_supervisor(const char *state, const char *libexec, const char **out_step)
{
    bool root = geteuid() == 0; /* an ordinary user has none to give up, and none to bound */
    *out_step = "limits";
    if (!limit(RLIMIT_CORE, 0))
        return ERR_IO;
    if (root) /* or, in a container that forbids it, what there is: a child says when it is short */
        (void)limit(RLIMIT_MEMLOCK, LOCKED_BYTES);
    *out_step = "capabilities";
    if (root && !drop_capabilities(state, libexec))
        return ERR_IO;
    *out_step = "no-new-privs";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_IO;
    *out_step = "dumpable";
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? OK : ERR_IO;
}
