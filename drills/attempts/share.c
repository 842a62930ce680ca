/*
 * share.c -- more than the share: every kind of thing that the kernel counts, and objects that a
 * compartment has no use for.
 */
#include "drills/attempts/attempt.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

enum { FDS = 64, ROOM = 4096 };

static uint8_t room[ROOM];

#define OBJECT(name, call)                                                                         \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        return OBTAINED(call);                                                                     \
    }

/* ---- memory ---------------------------------------------------------------------------------- */

OBJECT(lock_on_fault, syscall(SYS_mlock2, room, sizeof(room), 1))
OBJECT(lock_one_page, syscall(SYS_mlock, room, 1))
OBJECT(memory_key, syscall(SYS_pkey_alloc, 0, 0))
OBJECT(seal_memory, syscall(462 /* mseal */, (uintptr_t)room & ~(uintptr_t)4095, 4096, 0))
OBJECT(shadow_stack, syscall(453 /* map_shadow_stack */, 0, 65536, 1))
OBJECT(memory_policy, syscall(SYS_set_mempolicy, 0, NULL, 0))
OBJECT(memory_sync, syscall(SYS_msync, (uintptr_t)room & ~(uintptr_t)4095, 4096, MS_SYNC))

/* More than the largest share of the demo, by the break. */
int
much_break(const char *const targets[])
{
    const uintptr_t much = 4UL << 30;
    (void)targets;
    uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
    return (uintptr_t)syscall(SYS_brk, end + much) == end + much ? ESCAPED : REFUSED;
}

/* ... by one mapping that grows. */
int
much_by_growing(const char *const targets[])
{
    (void)targets;
    long p =
        syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p > 0 && syscall(SYS_mremap, p, 4096, 4L << 30, MREMAP_MAYMOVE) > 0 ? ESCAPED : REFUSED;
}

/* ... by the stack: 256 MiB of it. */
static __attribute__((noinline)) int
deeper(int left)
{
    volatile uint8_t frame[65536];
    frame[0] = (uint8_t)left;
    frame[sizeof(frame) - 1] = frame[0];
    return left ? deeper(left - 1) + frame[0] : frame[0];
}

int
much_stack(const char *const targets[])
{
    (void)targets;
    return deeper(4096) >= 0 ? ESCAPED : REFUSED;
}

/* Mappings that cannot be merged: each one is kernel memory that no share counts. */
int
many_mappings(const char *const targets[])
{
    enum { MANY = 100000 };
    (void)targets;
    for (int i = 0; i < MANY; i++) {
        long p = syscall(SYS_mmap, NULL, 3 * 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p < 0 || syscall(SYS_munmap, p + 4096, 4096) != 0)
            return REFUSED;
    }
    return ESCAPED;
}

/* ---- descriptors, timers, signals, processes --------------------------------------------------
 */

OBJECT(another_queue, syscall(SYS_epoll_create1, 0))
OBJECT(wait_on_many, syscall(SYS_ppoll, NULL, 0, &(struct timespec){0, 1}, NULL, 8))
OBJECT(wait_by_select, syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){0, 1}))
OBJECT(wait_newly, syscall(SYS_epoll_pwait2, 4, room, 1, &(struct timespec){0, 1}, NULL, 8))
OBJECT(alarm_clock,
       syscall(SYS_setitimer, ITIMER_REAL, &(struct itimerval){.it_value = {.tv_sec = 100}}, NULL))
OBJECT(alarm_seconds, syscall(SYS_alarm, 100))
OBJECT(many_signals, syscall(SYS_rt_tgsigqueueinfo, 1, 1, SIGRTMIN, room))
OBJECT(signal_handler, syscall(SYS_rt_sigaction, SIGUSR1, NULL, room, 8))
OBJECT(signal_stack, syscall(SYS_sigaltstack, NULL, room))
OBJECT(signal_mask, syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, room, 8))
OBJECT(semaphores, syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600))
OBJECT(message_queue, syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600))
OBJECT(asynchronous_io, syscall(SYS_io_setup, 1, room))
OBJECT(small_pipe, syscall(SYS_pipe, room))
OBJECT(range_closed, syscall(SYS_close_range, 1000, 2000, 0))
OBJECT(wait_for_child, syscall(SYS_wait4, -1, NULL, 1, NULL) + 1)
OBJECT(barrier_everywhere, syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
OBJECT(restartable, syscall(SYS_rseq, room, 32, 0, 0))
OBJECT(robust_list, syscall(SYS_set_robust_list, room, 24))
OBJECT(thread_area, syscall(SYS_arch_prctl, 0x1003, room))
OBJECT(processor_instruction_off, syscall(SYS_arch_prctl, 0x1012, 0))
OBJECT(feature_request, syscall(SYS_arch_prctl, 0x1023, 18))
OBJECT(core_scheduling, syscall(SYS_prctl, 62, 1, 0, 0, 0))
OBJECT(process_name, syscall(SYS_prctl, PR_SET_NAME, "letter", 0, 0, 0))
OBJECT(death_signal, syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0))
OBJECT(speculation, syscall(SYS_prctl, PR_SET_SPECULATION_CTRL, 0, 2, 0, 0))
OBJECT(timer_slack, syscall(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0, 0))
OBJECT(tracer_of_all, syscall(SYS_prctl, 0x59616d61, -1, 0, 0, 0))
OBJECT(huge_pages_off, syscall(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0))
OBJECT(merge_all_memory, syscall(SYS_prctl, 67 /* PR_SET_MEMORY_MERGE */, 1, 0, 0, 0))
OBJECT(user_dispatch, syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, room))
OBJECT(be_nice, syscall(SYS_setpriority, 0, 0, 19))
OBJECT(yield_processor, syscall(SYS_sched_yield))
OBJECT(deadline, syscall(SYS_sched_setattr, 0, room, 0))
OBJECT(file_mask, syscall(SYS_umask, 0))
OBJECT(write_all_disks, syscall(SYS_sync))
OBJECT(wait_on_words, syscall(449 /* futex_waitv */, room, 1, 0, &(struct timespec){0, 1}, 1))
OBJECT(wake_newly, syscall(454 /* futex_wake */, room, 1, 1, 2))
OBJECT(crash_kernel, syscall(SYS_kexec_load, 0, 0, NULL, 0))

/* Bytes that a neighbour does not take away: the pair must be full long before 64 MiB. */
int
full_pairs(const char *const targets[])
{
    uint64_t sent = 0;
    (void)targets;
    for (int fd = 4; fd < FDS; fd++) {
        if (syscall(SYS_pwrite64, fd, NULL, 0, 0) >= 0)
            continue; /* a file */
        for (long n; (n = syscall(SYS_write, fd, room, sizeof(room))) > 0 && sent < 64 << 20;)
            sent += (uint64_t)n;
    }
    return sent >= 64 << 20 ? ESCAPED : REFUSED;
}

/* A file of the process, beyond what any single one may hold: one block at a time from the end. */
int
fill_disk(const char *const targets[])
{
    (void)targets;
    signal(SIGXFSZ, SIG_IGN);
    for (int fd = 4; fd < FDS; fd++)
        if (syscall(SYS_pwrite64, fd, room, sizeof(room), 100L << 30) > 0)
            return ESCAPED;
    return REFUSED;
}
