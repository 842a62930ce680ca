/* processes.c -- other processes: their memory, signals, priorities; new processes and privilege.
 */
#include "drills/attempts/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static long
victim(const char *const targets[])
{
    return target_number(targets, "pid");
}

int
ptrace_victim(const char *const targets[])
{
    return OBTAINED(syscall(SYS_ptrace, PTRACE_SEIZE, victim(targets), 0, 0));
}

int
read_victim(const char *const targets[])
{
    char here[16];
    struct iovec local = {here, sizeof(here)};
    struct iovec remote = {(void *)(uintptr_t)target_number(targets, "memory"), sizeof(here)};
    return OBTAINED(syscall(SYS_process_vm_readv, victim(targets), &local, 1, &remote, 1, 0) - 1);
}

int
kcmp_victim(const char *const targets[])
{
    return OBTAINED(syscall(SYS_kcmp, syscall(SYS_getpid), victim(targets), KCMP_FILE, 0, 0));
}

static int
perf_on(long pid)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                         .size = sizeof(attributes),
                                         .config = PERF_COUNT_SW_TASK_CLOCK,
                                         .exclude_kernel = 1};
    return OBTAINED(syscall(SYS_perf_event_open, &attributes, pid, -1, -1, 0));
}

int
perf_victim(const char *const targets[])
{
    return perf_on(victim(targets));
}

int
perf_self(const char *const targets[])
{
    (void)targets;
    return perf_on(0);
}

int
signal_zero(const char *const targets[])
{
    return OBTAINED(syscall(SYS_kill, victim(targets), 0));
}

int
thread_signal(const char *const targets[])
{
    return OBTAINED(syscall(SYS_tgkill, victim(targets), victim(targets), 0));
}

int
queue_signal(const char *const targets[])
{
    siginfo_t info = {.si_code = -1};
    return OBTAINED(syscall(SYS_rt_sigqueueinfo, victim(targets), 0, &info));
}

int
signal_parent(const char *const targets[])
{
    (void)targets;
    long parent = syscall(SYS_getppid);
    return parent == 0 ? OBTAINED(syscall(SYS_kill, 1, SIGCONT) - 1)
                       : OBTAINED(syscall(SYS_kill, parent, 0));
}

int
signal_everybody(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_kill, -1, 0));
}

int
pin_victim(const char *const targets[])
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    return OBTAINED(syscall(SYS_sched_setaffinity, victim(targets), sizeof(one), &one));
}

int
io_priority(const char *const targets[])
{
    return OBTAINED(syscall(SYS_ioprio_set, 1, victim(targets), 3 << 13));
}

int
limits_victim(const char *const targets[])
{
    struct rlimit old;
    return OBTAINED(syscall(SYS_prlimit64, victim(targets), RLIMIT_NOFILE, NULL, &old));
}

int
limits_raise(const char *const targets[])
{
    struct rlimit more = {1 << 20, 1 << 20};
    (void)targets;
    return OBTAINED(syscall(SYS_prlimit64, 0, RLIMIT_NPROC, &more, NULL));
}

int
node_memory(const char *const targets[])
{
    unsigned long from = 1, to = 1;
    return OBTAINED(syscall(SYS_migrate_pages, victim(targets), 1, &from, &to));
}

int
pidfd(const char *const targets[])
{
    return OBTAINED(syscall(SYS_pidfd_open, victim(targets), 0));
}

int
pidfd_parent(const char *const targets[])
{
    (void)targets;
    long fd = syscall(SYS_pidfd_open, 1, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

int
advise_victim(const char *const targets[])
{
    struct iovec part = {(void *)(uintptr_t)target_number(targets, "memory"), 4096};
    long fd = syscall(SYS_pidfd_open, victim(targets), 0);
    return OBTAINED(syscall(SYS_process_madvise, fd, &part, 1, MADV_COLD, 0));
}

int
shared_anonymous_mark(const char *const targets[])
{
    void *head;
    size_t len;
    return OBTAINED(syscall(SYS_get_robust_list, victim(targets), &head, &len));
}

int
group_of_processes(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_setsid));
}

/* ---- new processes, new code -------------------------------------------------------------------
 */

static int
parent_of(long pid)
{
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    if (pid > 0)
        syscall(SYS_wait4, pid, NULL, 0, NULL);
    return OBTAINED(pid);
}

int
fork_child(const char *const targets[])
{
    (void)targets;
    return parent_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

int
vfork_child(const char *const targets[])
{
    (void)targets;
    return parent_of(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
}

int
clone3_child(const char *const targets[])
{
    struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    (void)targets;
    return parent_of(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

/* A plain fork by clone3: the thread itself would need a stack that this test does not want to own.
 */
int
new_thread(const char *const targets[])
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    (void)targets;
    return parent_of(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

int
many_children(const char *const targets[])
{
    int made = 0;
    (void)targets;
    for (int i = 0; i < 400; i++) {
        long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            struct timespec nap = {.tv_sec = 1};
            syscall(SYS_nanosleep, &nap, NULL);
            syscall(SYS_exit_group, 0);
        }
        made += pid > 0;
    }
    return made > 0 ? ESCAPED : REFUSED;
}

/* A shell that came to run says so itself, by the status that means "escaped". */
int
exec_program(const char *const targets[])
{
    static char program[] = "/bin/sh", option[] = "-c", text[] = "exit 41";
    char *const arguments[] = {program, option, text, NULL};
    (void)targets;
    syscall(SYS_execve, program, arguments, NULL);
    return REFUSED;
}

/* The hook of the new image sees the mark and ends with the same status. */
int
exec_self(const char *const targets[])
{
    static char program[] = "/proc/self/exe", mark[] = "DRILL_EXECED=1";
    char *const arguments[] = {program, NULL};
    char *const environment[] = {mark, NULL};
    (void)targets;
    syscall(SYS_execve, program, arguments, environment);
    return REFUSED;
}

int
exec_memfd(const char *const targets[])
{
    (void)targets;
    long fd = syscall(SYS_memfd_create, "x", 0);
    if (fd < 0)
        return REFUSED;
    syscall(SYS_execveat, fd, "", NULL, NULL, 0x1000);
    return errno == EACCES || errno == EPERM ? REFUSED : ESCAPED;
}

int
executable_memory(const char *const targets[])
{
    (void)targets;
    long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p > 0 ? ESCAPED : REFUSED;
}

int
protect_executable(const char *const targets[])
{
    uintptr_t page = (uintptr_t)&targets & ~(uintptr_t)4095;
    return OBTAINED(syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
}

int
pkey_executable(const char *const targets[])
{
    uintptr_t page = (uintptr_t)&targets & ~(uintptr_t)4095;
    return OBTAINED(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, -1));
}

int
map_executable_file(const char *const targets[])
{
    (void)targets;
    for (int fd = 0; fd < 64; fd++)
        if (syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) > 0)
            return ESCAPED;
    return REFUSED;
}

int
huge_address_hint(const char *const targets[])
{
    (void)targets;
    long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0);
    return p > 0 ? ESCAPED : REFUSED;
}

int
remap_pages(const char *const targets[])
{
    (void)targets;
    uintptr_t page = (uintptr_t)&targets & ~(uintptr_t)4095;
    return OBTAINED(syscall(SYS_remap_file_pages, page, 4096, 0, 0, 0));
}

/* ---- privilege and namespaces -------------------------------------------------------------------
 */

int
new_user_namespace(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_unshare, CLONE_NEWUSER));
}

int
join_namespace(const char *const targets[])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/ns/net", victim(targets));
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_setns, fd, 0));
}

int
change_root(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_chroot, "/"));
}

static int
raise_capability(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct one[2] = {{1 << CAP_KILL, 1 << CAP_KILL, 1 << CAP_KILL}};
    return OBTAINED(syscall(SYS_capset, &head, one));
}

/* As user 0 of a user namespace without capabilities, to be user 0 is nothing: then ask for one. */
int
become_root(const char *const targets[])
{
    (void)targets;
    if (syscall(SYS_geteuid) == 0)
        return raise_capability();
    return OBTAINED(syscall(SYS_setuid, 0));
}

int
ask_capability(const char *const targets[])
{
    (void)targets;
    return raise_capability();
}

int
dumpable_again(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
}

int
no_filter(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_prctl, PR_SET_SECCOMP, 1, 0, 0, 0));
}

int
child_subreaper(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

int
personality_call(const char *const targets[])
{
    (void)targets;
    return OBTAINED(syscall(SYS_personality, ADDR_NO_RANDOMIZE));
}

int
real_time(const char *const targets[])
{
    struct sched_param one = {.sched_priority = 1};
    (void)targets;
    return OBTAINED(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &one));
}
