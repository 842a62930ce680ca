#include "drills/kill/bystander.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static struct sample samples[BYSTANDER_SAMPLES_MAX];
static size_t samples_count;
static atomic_bool ends;
static pthread_t thread;
static int page_fd = -1;

static double
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* What this thread has waited for a processor; 0 where the kernel does not count it. */
static double
starved_ms(void)
{
    unsigned long long ran_ns, starved_ns = 0;
    FILE *f = fopen("/proc/thread-self/schedstat", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &ran_ns, &starved_ns) != 2)
        starved_ns = 0;
    fclose(f);
    return (double)starved_ns / 1e6;
}

static void
sleep_until(double due_ms)
{
    struct timespec t = {(time_t)(due_ms / 1000), 0};
    t.tv_nsec = (long)((due_ms - (double)t.tv_sec * 1000) * 1e6);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0 && !ends)
        ;
}

static void
note(double due_ms, double latency_ms)
{
    if (samples_count < BYSTANDER_SAMPLES_MAX)
        samples[samples_count++] =
            (struct sample){(uint64_t)due_ms, latency_ms > 0 ? latency_ms : 0};
}

static void *
stand_by(void *unused)
{
    static char page[PAGE];
    double due = now_ms();
    (void)unused;
    while (!ends) {
        double starved = starved_ms();
        sleep_until(due);
        page[0]++;
        if (pwrite(page_fd, page, PAGE, 0) != PAGE || fdatasync(page_fd) != 0)
            break;
        double done = now_ms() - (starved_ms() - starved);
        do {
            note(due, done - due);
            due += BYSTANDER_PERIOD_MS;
        } while (due < done);
    }
    return NULL;
}

enum err
bystander_begin(const char *dir)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/bystander", dir) >= sizeof(path))
        return ERR_LIMIT;
    page_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (page_fd < 0 || unlink(path) != 0)
        return ERR_IO;
    return pthread_create(&thread, NULL, stand_by, NULL) == 0 ? OK : ERR_IO;
}

struct sample *
bystander_end(size_t *count)
{
    ends = true;
    pthread_join(thread, NULL);
    close(page_fd);
    *count = samples_count;
    return samples;
}
