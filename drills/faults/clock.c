/*
 * clock.c -- a wall clock that a test can set without touching the machine's, for processes that
 * are started with this library loaded before them. The file that BULKHEAD_TEST_CLOCK names is
 * mapped at the start (before any sandbox closes) and holds an int64_t: seconds to add.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;
static int (*real_gettime)(clockid_t, struct timespec *);

static void __attribute__((constructor)) map_clock(void)
{
    const char *path = getenv("BULKHEAD_TEST_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        offset_s = p;
    close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = real_gettime(id, ts);
    if (rc == 0 && offset_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += *offset_s;
    return rc;
}

time_t
time(time_t *out)
{
    struct timespec ts = {0};
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts = {0};
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    *tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
    return 0;
}
