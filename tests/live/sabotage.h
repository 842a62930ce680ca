/*
 * sabotage.h -- change a running, confined process from inside, as nobody should be able to.
 *
 * As root: the process is held with ptrace, its filter is suspended (PTRACE_O_SUSPEND_SECCOMP),
 * one call is made in it, and it goes on. For tests of who notices.
 */
#ifndef TESTS_LIVE_SABOTAGE_H
#define TESTS_LIVE_SABOTAGE_H

#include "base/base.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

static inline bool
sabotage_step(pid_t pid)
{
    int status;
    return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 &&
           waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
}

/* One system call in a held process; its answer, or -1. The code is put back. */
static inline long
sabotage_call(pid_t pid, long number, long a, long b, long c, long d, long e)
{
    struct user_regs_struct before, regs;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &before) != 0)
        return -1;
    regs = before;
    /* SYSENTER was left or will be restarted: begin a call of our own at the same place. */
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, pid, (void *)before.rip, NULL);
    if (errno || ptrace(PTRACE_POKETEXT, pid, (void *)before.rip,
                        (void *)((code & ~0xffffL) | 0x050fL)) != 0)
        return -1;
    regs.rax = (unsigned long)number;
    regs.orig_rax = (unsigned long)-1;
    regs.rdi = (unsigned long)a;
    regs.rsi = (unsigned long)b;
    regs.rdx = (unsigned long)c;
    regs.r10 = (unsigned long)d;
    regs.r8 = (unsigned long)e;
    regs.r9 = 0;
    bool good = ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0 && sabotage_step(pid) &&
                ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0;
    good = ptrace(PTRACE_POKETEXT, pid, (void *)before.rip, (void *)code) == 0 &&
           ptrace(PTRACE_SETREGS, pid, NULL, &before) == 0 && good;
    long answer = (long)regs.rax;
    return good && (answer >= 0 || answer < -4095) ? answer : -1;
}

/* A second filter, which allows everything: its bytes go onto fresh memory of the process. */
static inline long
sabotage_filter(pid_t pid)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    long at = sabotage_call(pid, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (at < 0)
        return -1;
    struct sock_fprog program = {.len = 1, .filter = (struct sock_filter *)(at + 64)};
    long words[3];
    memcpy(words, &program, sizeof(program));
    memcpy(&words[2], &allow, sizeof(allow));
    if (ptrace(PTRACE_POKEDATA, pid, (void *)at, (void *)words[0]) != 0 ||
        ptrace(PTRACE_POKEDATA, pid, (void *)(at + 8), (void *)words[1]) != 0 ||
        ptrace(PTRACE_POKEDATA, pid, (void *)(at + 64), (void *)words[2]) != 0)
        return -1;
    return sabotage_call(pid, SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, at, 0, 0);
}

static inline long
sabotage_act(pid_t pid, const char *action)
{
    if (strcmp(action, "extra") == 0)
        return sabotage_call(pid, SYS_dup, 0, 0, 0, 0, 0);
    if (strcmp(action, "closed") == 0)
        return sabotage_call(pid, SYS_close, 4, 0, 0, 0, 0);
    if (strcmp(action, "both") == 0)
        return sabotage_call(pid, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (strcmp(action, "code") == 0)
        return sabotage_call(pid, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (strcmp(action, "dumpable") == 0)
        return sabotage_call(pid, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (strcmp(action, "filter") == 0)
        return sabotage_filter(pid);
    if (strcmp(action, "limit") == 0) {
        long at = sabotage_call(pid, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (at < 0 || ptrace(PTRACE_POKEDATA, pid, (void *)at, (void *)255L) != 0 ||
            ptrace(PTRACE_POKEDATA, pid, (void *)(at + 8), (void *)255L) != 0)
            return -1;
        return sabotage_call(pid, SYS_setrlimit, RLIMIT_NOFILE, at, 0, 0, 0);
    }
    return -1;
}

/* True when it was done. */
static inline bool
sabotage(pid_t pid, const char *action)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_SUSPEND_SECCOMP) != 0)
        return false;
    bool held = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
                waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
    bool done = held && sabotage_act(pid, action) >= 0;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return done;
}

#endif
