/*
 * shapes.c -- calls that programs may make, in shapes that no program makes them in: other flags,
 * other clocks, other operations, other addresses.
 *
 * SHAPE: the shape itself is foreign, so to be answered at all, even with an error, is an escape.
 * The others are shapes that a filter cannot tell from good ones: there the call must obtain
 * nothing.
 */
#include "drills/attempts/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum { PAGE = 4096, FDS = 64 };

/* Numbers that Debian 12's headers do not all have. */
enum {
    NEW_MAP_DROPPABLE = 0x08,
    NEW_MADV_COLLAPSE = 25,
    NEW_MADV_SOFT_OFFLINE = 101,
    NEW_MADV_GUARD_INSTALL = 102,
    OLD_FUTEX_FD = 2
};

static uint8_t pages[4 * PAGE] __attribute__((aligned(PAGE)));

#define SHAPE(name, call)                                                                          \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        uint32_t word = 0, word2 = 0;                                                              \
        struct timespec soon = {.tv_nsec = 1000};                                                  \
        (void)targets, (void)word, (void)word2, (void)soon;                                        \
        (void)(call);                                                                              \
        return ESCAPED;                                                                            \
    }

/* ---- memory ---------------------------------------------------------------------------------- */

static long
map(long address, long protection, long flags)
{
    return syscall(SYS_mmap, address, PAGE, protection, flags, -1, 0);
}
enum { RW = PROT_READ | PROT_WRITE, OURS = MAP_PRIVATE | MAP_ANONYMOUS };

SHAPE(map_shared, map(0, RW, MAP_SHARED | MAP_ANONYMOUS))
SHAPE(map_huge, syscall(SYS_mmap, 0, 2 << 20, RW, OURS | MAP_HUGETLB, -1, 0))
SHAPE(map_grows_down, map(0, RW, OURS | MAP_GROWSDOWN))
SHAPE(map_null_page, map(0, RW, OURS | MAP_FIXED))
SHAPE(map_over_code, map((long)(uintptr_t)pages, RW, OURS | MAP_FIXED))
SHAPE(map_kernel_half, map(LONG_MIN, RW, OURS | MAP_FIXED_NOREPLACE))
SHAPE(map_low, map(0, RW, OURS | MAP_32BIT))
SHAPE(map_locked, map(0, RW, OURS | MAP_LOCKED))
SHAPE(map_populate, map(0, RW, OURS | MAP_POPULATE))
SHAPE(map_droppable, map(0, RW, MAP_ANONYMOUS | NEW_MAP_DROPPABLE))
SHAPE(map_no_access, map(0, PROT_NONE, OURS))
SHAPE(protect_code,
      syscall(SYS_mprotect, (uintptr_t)&protect_code & ~(uintptr_t)(PAGE - 1), PAGE, RW))
SHAPE(protect_grows, syscall(SYS_mprotect, pages, PAGE, PROT_READ | PROT_GROWSDOWN))
SHAPE(move_fixed,
      syscall(SYS_mremap, pages, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, pages + 2 * PAGE))
SHAPE(move_leaving, syscall(SYS_mremap, pages, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0))
SHAPE(advise_merge, syscall(SYS_madvise, pages, PAGE, MADV_MERGEABLE))
SHAPE(advise_poison, syscall(SYS_madvise, pages, PAGE, MADV_HWPOISON))
SHAPE(advise_offline, syscall(SYS_madvise, pages, PAGE, NEW_MADV_SOFT_OFFLINE))
SHAPE(advise_huge, syscall(SYS_madvise, pages, PAGE, MADV_HUGEPAGE))
SHAPE(advise_collapse, syscall(SYS_madvise, pages, PAGE, NEW_MADV_COLLAPSE))
SHAPE(advise_populate, syscall(SYS_madvise, pages, PAGE, MADV_POPULATE_WRITE))
SHAPE(advise_fork, syscall(SYS_madvise, pages, PAGE, MADV_WIPEONFORK))
SHAPE(advise_dump, syscall(SYS_madvise, pages, PAGE, MADV_DODUMP))
SHAPE(advise_guard, syscall(SYS_madvise, pages, PAGE, NEW_MADV_GUARD_INSTALL))
/* Pages of libraries are shared with every other process: push them out, see who takes them in. */
SHAPE(advise_library_out,
      syscall(SYS_madvise, (uintptr_t)&strtol & ~(uintptr_t)(PAGE - 1), PAGE, MADV_PAGEOUT))

/* Twice the same pages: what the old size 0 gives of shared memory. */
int
move_twice(const char *const targets[])
{
    (void)targets;
    long p = syscall(SYS_mremap, pages, 0, PAGE, MREMAP_MAYMOVE);
    return p > 0 ? ESCAPED : REFUSED;
}

/* The kernel's clock pages and the code beside them, made larger: can what lies behind be read? */
int
grow_clock_page(const char *const targets[])
{
    enum { GROWN = 64, CLOCK_PAGES = 4 /* before the code, in every kernel since 4.14 */ };
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
    (void)targets;
    for (uintptr_t at = vdso - CLOCK_PAGES * PAGE; vdso && at <= vdso; at += PAGE) {
        long p = syscall(SYS_mremap, at, PAGE, GROWN * PAGE, MREMAP_MAYMOVE);
        if (p < 0)
            continue;
        for (volatile uint8_t *byte = (uint8_t *)p + 8 * PAGE; byte < (uint8_t *)p + GROWN * PAGE;)
            byte += 1 + (*byte & 0); /* a page that is not there ends us */
        return ESCAPED;
    }
    return REFUSED;
}

/* ---- waiting --------------------------------------------------------------------------------- */

SHAPE(futex_priority, syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, &soon, NULL, 0))
SHAPE(futex_requeue_priority,
      syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &word2, 0))
SHAPE(futex_wait_requeue, syscall(SYS_futex, &word, FUTEX_WAIT_REQUEUE_PI, 1, &soon, &word2, 0))
SHAPE(futex_requeue, syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &word2, 0))
SHAPE(futex_operation, syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &word2, 0))
SHAPE(futex_descriptor, syscall(SYS_futex, &word, OLD_FUTEX_FD, 0, NULL, NULL, 0))
SHAPE(futex_shared, syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0))
SHAPE(futex_wall_clock,
      syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &soon, NULL, -1))
SHAPE(sleep_processor_clock,
      syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &soon, NULL))
SHAPE(sleep_until, syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &soon, NULL))
SHAPE(sleep_alarm, syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME_ALARM, 0, &soon, NULL))

/* ---- clocks and chance ----------------------------------------------------------------------- */

/* The clock that counts another process's processor time: clock id ~pid << 3 | 2. */
int
victims_clock(const char *const targets[])
{
    struct timespec t;
    long clock = ~target_number(targets, "pid") << 3 | 2;
    return OBTAINED(syscall(SYS_clock_gettime, clock, &t));
}

/* The parent's, whose number inside a namespace of processes does not exist. */
int
starters_clock(const char *const targets[])
{
    struct timespec t;
    (void)targets;
    for (long pid = 2; pid < 100000; pid += 97)
        if (syscall(SYS_clock_gettime, ~pid << 3 | 2, &t) == 0)
            return ESCAPED;
    return REFUSED;
}

/* A descriptor read as a clock device: ~fd << 3 | 3. */
int
descriptor_clock(const char *const targets[])
{
    struct timespec t;
    (void)targets;
    for (long fd = 0; fd < FDS; fd++)
        if (syscall(SYS_clock_gettime, ~fd << 3 | 3, &t) == 0)
            return ESCAPED;
    return REFUSED;
}

SHAPE(clock_of_machine, syscall(SYS_clock_gettime, CLOCK_BOOTTIME_ALARM, &soon))
SHAPE(clock_of_thread, syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &soon))
SHAPE(random_blocking, syscall(SYS_getrandom, pages, 1, 2 /* GRND_RANDOM */))
SHAPE(random_insecure, syscall(SYS_getrandom, pages, 1, 4 /* GRND_INSECURE */))

/* ---- files that it holds --------------------------------------------------------------------- */

/* A path in a call that is meant for descriptors: the flag allows it, only the root is empty. */
int
stat_by_path(const char *const targets[])
{
    struct stat st;
    return OBTAINED(syscall(SYS_newfstatat, AT_FDCWD, target(targets, "file"), &st, AT_EMPTY_PATH));
}

int
stat_host_root(const char *const targets[])
{
    static const char *const paths[] = {"/proc/self/exe", "/etc/passwd", "/usr", "/dev/null",
                                        "/../etc",        "../tmp",      "/sys"};
    struct stat st;
    (void)targets;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (syscall(SYS_newfstatat, AT_FDCWD, paths[i], &st, AT_EMPTY_PATH) == 0)
            return ESCAPED;
    return REFUSED;
}

/* Behind the largest file that any share allows, in every way that a size can be wrong. */
int
write_far(const char *const targets[])
{
    static const long offsets[] = {LONG_MAX, LONG_MAX - 1, 1L << 62, 1L << 50, 1L << 44, -1, -4096};
    (void)targets;
    signal(SIGXFSZ, SIG_IGN);
    for (int fd = 0; fd < FDS; fd++)
        for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
            if (syscall(SYS_pwrite64, fd, "x", 1, offsets[i]) > 0 && fd > 2)
                return ESCAPED;
    return REFUSED;
}

int
grow_far(const char *const targets[])
{
    (void)targets;
    signal(SIGXFSZ, SIG_IGN);
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_ftruncate, fd, 1L << 44) == 0)
            return ESCAPED;
    return REFUSED;
}

int
read_far(const char *const targets[])
{
    static const long offsets[] = {-1, LONG_MIN, -4096};
    char byte;
    (void)targets;
    for (int fd = 3; fd < FDS; fd++)
        for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
            if (syscall(SYS_pread64, fd, &byte, 1, offsets[i]) > 0)
                return ESCAPED;
    return REFUSED;
}

/* ---- hostile addresses ----------------------------------------------------------------------- */

static const uint64_t kernel_addresses[] = {
    0xffffffff81000000, /* its code */
    0xffff888000000000, /* all memory, mapped once more */
    0xffffc90000000000, /* its own allocations */
    0xfffffe0000000000, /* entry area */
    0xffffffffff600000, /* the old clock page */
    0x00007ffffffff000, /* the hole between */
    0x8000000000000000, /* no address at all */
};
enum { KERNEL_ADDRESSES = sizeof(kernel_addresses) / sizeof(*kernel_addresses) };

/* Let the kernel read its own memory for us, into the log pipe and the channel. */
int
write_kernel_memory(const char *const targets[])
{
    (void)targets;
    for (int i = 0; i < KERNEL_ADDRESSES; i++)
        for (int fd = 2; fd < 4; fd++)
            if (syscall(SYS_write, fd, kernel_addresses[i], 8) > 0)
                return ESCAPED;
    return REFUSED;
}

/* Let the kernel write chance over itself. */
int
random_over_kernel(const char *const targets[])
{
    (void)targets;
    for (int i = 0; i < KERNEL_ADDRESSES; i++)
        if (syscall(SYS_getrandom, kernel_addresses[i], 8, 0) > 0)
            return ESCAPED;
    return REFUSED;
}

int
events_over_kernel(const char *const targets[])
{
    (void)targets;
    for (int epoll = 3; epoll < FDS; epoll++)
        for (int i = 0; i < KERNEL_ADDRESSES; i++)
            if (syscall(SYS_epoll_wait, epoll, kernel_addresses[i], 1, 0) > 0)
                return ESCAPED;
    return REFUSED;
}

int
clock_over_kernel(const char *const targets[])
{
    (void)targets;
    for (int i = 0; i < KERNEL_ADDRESSES; i++)
        if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, kernel_addresses[i]) == 0)
            return ESCAPED;
    return REFUSED;
}

/* Lengths that wrap: the kernel must not touch what lies behind the buffer. */
int
hostile_length(const char *const targets[])
{
    (void)targets;
    long p = map(0, RW, OURS);
    if (p < 0 || syscall(SYS_munmap, p + PAGE, PAGE) != 0)
        return REFUSED;
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_read, fd, p + PAGE - 1, LONG_MAX) > 1)
            return ESCAPED;
    return REFUSED;
}

/* ---- epoll and the listening socket ---------------------------------------------------------- */

/* The epoll descriptor in itself. */
int
epoll_in_itself(const char *const targets[])
{
    struct epoll_event event = {.events = EPOLLIN};
    (void)targets;
    for (int fd = 3; fd < FDS; fd++)
        if (syscall(SYS_epoll_ctl, fd, EPOLL_CTL_ADD, fd, &event) == 0)
            return ESCAPED;
    return REFUSED;
}

SHAPE(epoll_operation, syscall(SYS_epoll_ctl, 4, 17, 3, pages))

/* The caller's address is asked for: nobody here needs to know it. */
int
accept_with_address(const char *const targets[])
{
    uint32_t size = PAGE;
    (void)targets;
    for (int fd = 0; fd < FDS; fd++)
        (void)syscall(SYS_accept4, fd, pages, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return ESCAPED;
}

int
accept_from_channel(const char *const targets[])
{
    (void)targets;
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_accept4, fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) >= 0)
            return ESCAPED;
    return REFUSED;
}

/* A blocking socket that an exec would inherit. */
SHAPE(accept_inheritable, syscall(SYS_accept4, 4, NULL, NULL, 0))
