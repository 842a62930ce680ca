/*
 * learn.c -- what a process can learn without opening anything: from the answers of calls that it
 * may make, from what lies in its memory, and from calls that only tell.
 */
#include "drills/attempts/attempt.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <time.h>

enum { FDS = 64, ROOM = 4096 };

static uint8_t room[ROOM];

#define TELLS(name, call)                                                                          \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        return OBTAINED(call);                                                                     \
    }

/* An aligned word that looks like an address of the kernel, all-ones aside. */
static int
holds_kernel_address(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, sizeof(word));
        if (word >= 0xffff800000000000 && word < 0xffffffffff000000)
            return 1;
    }
    return 0;
}

/* Room that is all 0x55 before the call: does the kernel leave a piece of itself in it? */
int
kernel_address_in_stat(const char *const targets[])
{
    (void)targets;
    for (int fd = 0; fd < FDS; fd++) {
        memset(room, 0x55, sizeof(room));
        if (syscall(SYS_fstat, fd, room) == 0 && holds_kernel_address(room, sizeof(struct stat)))
            return ESCAPED;
    }
    return REFUSED;
}

int
kernel_address_in_events(const char *const targets[])
{
    (void)targets;
    for (int fd = 3; fd < FDS; fd++) {
        memset(room, 0x55, sizeof(room));
        if (syscall(SYS_epoll_wait, fd, room, 16, 0) >= 0 && holds_kernel_address(room, ROOM))
            return ESCAPED;
    }
    return REFUSED;
}

/* What the registers hold after a call that only tells our own number. */
int
kernel_address_in_registers(const char *const targets[])
{
    uint64_t left[10];
    long number = SYS_write;
    (void)targets;
    __asm__ volatile("syscall\n\t"
                     "mov %%rdi, 0(%[to])\n\t"
                     "mov %%rsi, 8(%[to])\n\t"
                     "mov %%rdx, 16(%[to])\n\t"
                     "mov %%r8, 24(%[to])\n\t"
                     "mov %%r9, 32(%[to])\n\t"
                     "mov %%r10, 40(%[to])\n\t"
                     "mov %%r12, 48(%[to])\n\t"
                     "mov %%r13, 56(%[to])\n\t"
                     "mov %%r14, 64(%[to])\n\t"
                     "mov %%r15, 72(%[to])"
                     : "+a"(number)
                     : [to] "b"(left), "D"(3L), "S"(0L), "d"(0L)
                     : "rcx", "r8", "r9", "r10", "r11", "memory");
    return holds_kernel_address((const uint8_t *)left, sizeof(left)) ? ESCAPED : REFUSED;
}

/* New memory must be empty: nobody else's bytes. */
int
old_bytes_in_new_memory(const char *const targets[])
{
    enum { SIZE = 4 << 20 };
    (void)targets;
    const uint8_t *p = (const uint8_t *)syscall(SYS_mmap, NULL, SIZE, 3, 0x22, -1, 0);
    if ((intptr_t)p < 0 && (intptr_t)p > -4096)
        return REFUSED;
    for (size_t i = 0; i < SIZE; i += 8)
        if (*(const uint64_t *)(const void *)(p + i))
            return ESCAPED;
    return REFUSED;
}

int
old_bytes_behind_break(const char *const targets[])
{
    enum { SIZE = 1 << 20 };
    (void)targets;
    uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
    uintptr_t begin = (end + 4095) & ~(uintptr_t)4095;
    if ((uintptr_t)syscall(SYS_brk, begin + SIZE) != begin + SIZE)
        return REFUSED;
    for (uintptr_t at = begin; at < begin + SIZE; at += 8)
        if (*(const uint64_t *)at)
            return ESCAPED;
    return REFUSED;
}

/* Beyond the end of a held file: bytes of the page that were another's. */
int
old_bytes_behind_file(const char *const targets[])
{
    (void)targets;
    for (int fd = 3; fd < FDS; fd++) {
        struct stat st;
        if (syscall(SYS_fstat, fd, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (syscall(SYS_pread64, fd, room, sizeof(room), st.st_size) > 0)
            return ESCAPED;
    }
    return REFUSED;
}

/* A number other than 1 would be that of the whole machine, or of a shared namespace. */
int
own_process_number(const char *const targets[])
{
    (void)targets;
    long pid = syscall(SYS_getpid);
    return pid > 1 ? ESCAPED : REFUSED;
}

/* The start message held keys and was wiped: is the canary of the victim anywhere near? */
int
canary_in_stack(const char *const targets[])
{
    const char *secret = target(targets, "canary");
    char inverted[64] = {0};
    size_t len = strlen(secret);
    if (len < 16 || len >= sizeof(inverted))
        return NOT_APPLICABLE;
    const char *here = (const char *)__builtin_frame_address(0);
    for (const char *p = here - 16384; p < here; p++)
        if (memcmp(p, secret, len) == 0)
            return ESCAPED;
    return REFUSED;
}

/* ---- calls that only tell -------------------------------------------------------------------- */

TELLS(tell_parent, syscall(SYS_getppid))
TELLS(tell_user, syscall(SYS_getresuid, room, room + 8, room + 16))
TELLS(tell_thread, syscall(SYS_gettid))
TELLS(tell_session, syscall(SYS_getsid, 0))
TELLS(tell_usage, syscall(SYS_getrusage, RUSAGE_SELF, room))
TELLS(tell_times, syscall(SYS_times, room))
TELLS(tell_processors, syscall(SYS_sched_getaffinity, 0, sizeof(room), room))
TELLS(tell_processor, syscall(SYS_getcpu, room, room + 8, NULL))
TELLS(tell_priority, syscall(SYS_getpriority, 0, 0))
TELLS(tell_scheduling, syscall(SYS_sched_getattr, 0, room, 48, 0))
TELLS(tell_memory_policy, syscall(SYS_get_mempolicy, room, NULL, 0, NULL, 0))
TELLS(tell_resident, syscall(SYS_mincore, (uintptr_t)&strtol & ~(uintptr_t)4095, 4096, room))
TELLS(tell_pages, syscall(SYS_move_pages, 0, 1, (void *[]){room}, NULL, room + 64, 0))
TELLS(tell_capabilities, syscall(SYS_capget, (uint32_t[]){0x20080522, 0}, room))
TELLS(tell_directory, syscall(SYS_getcwd, room, sizeof(room)))
TELLS(tell_file_systems, syscall(SYS_sysfs, 3))
TELLS(tell_disk, syscall(SYS_ustat, 1, room))
TELLS(tell_resolution, syscall(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, room))
TELLS(tell_day, syscall(SYS_gettimeofday, room, room + 16))
TELLS(tell_kernel_time, syscall(SYS_time, NULL))
TELLS(tell_security_modules, syscall(461 /* lsm_list_modules */, room, room + 8, 0))
TELLS(tell_security_self, syscall(459 /* lsm_get_self_attr */, 100, room, room + 8, 0))
TELLS(tell_io_priority, syscall(SYS_ioprio_get, 1, 0))
TELLS(tell_pending, syscall(SYS_rt_sigpending, room, 8))
TELLS(tell_shared_memory, syscall(SYS_shmctl, 0, 14 /* SHM_INFO */, room))
TELLS(tell_queues, syscall(SYS_msgctl, 0, 12 /* MSG_INFO */, room))
