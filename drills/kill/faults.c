#include "drills/kill/faults.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

const char *
fault_text(enum fault f)
{
    static const char *const texts[FAULT_COUNT] = {"kill", "stop", "spin"};
    return (unsigned)f < FAULT_COUNT ? texts[f] : "?";
}

/* Write "jmp ." where it stands, and see to it that no interrupted call is begun anew before. */
static bool
poke_loop(pid_t pid)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0)
        return false;
    uint64_t at = registers.rip;
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
    if (errno)
        return false;
    registers.orig_rax = UINT64_MAX;
    long loop = (long)(((uint64_t)word & ~UINT64_C(0xffff)) | 0xfeeb);
    return ptrace(PTRACE_POKETEXT, pid, at, loop) == 0 &&
           ptrace(PTRACE_SETREGS, pid, NULL, &registers) == 0;
}

static enum err
spin(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
        return errno == ESRCH ? ERR_NOT_FOUND : ERR_UNSUPPORTED;
    bool good = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
                waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && poke_loop(pid);
    good = ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 && good;
    return good ? OK : ERR_NOT_FOUND;
}

enum err
fault_inject(enum fault f, pid_t pid)
{
    if (f == FAULT_SPIN)
        return spin(pid);
    return kill(pid, f == FAULT_KILL ? SIGKILL : SIGSTOP) == 0 ? OK : ERR_NOT_FOUND;
}
