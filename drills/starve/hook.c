/*
 * hook.c -- an attacker inside a running compartment, who waits to be told.
 *
 * Linked into the drill's copies of core and gate, which otherwise are the production programs:
 * the same objects, walls, start messages, supervisor. SIGUSR1 with a number (sigqueue) makes the
 * process misuse for a moment what it holds; then it goes on as if nothing had been. Its
 * filter stays: a call that is not in the table kills it, which is one of the means.
 */
#include "base/base.h"
#include "drills/starve/means.h"
#include "programs/messages.h"
#include "programs/program.h"
#include "wire/channel.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 20, FRAME_MAX = 16384, HEARTBEAT_NOW_AND_THEN_MS = 400 };

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The first descriptor that it was given of this role, or -1. */
static int
given(enum start_fd_role role)
{
    const struct start *start = program_given();
    for (size_t i = 0; start && i < start->fds_count; i++)
        if (start->fds[i].role == role && start->fds[i].fd >= 0)
            return start->fds[i].fd;
    return -1;
}

/* One frame again and again, as fast as the channel takes it; full is no reason to rest. */
static void
flood(int fd, uint16_t id, const struct buf *body, uint64_t until_ms)
{
    struct buf packet;
    buf_init(&packet, CHANNEL_PACKET_MAX);
    while (packet.len + body->len + 16 < FRAME_MAX || packet.len == 0)
        channel_put_frame(&packet, id, buf_bytes(body));
    while (now_ms() < until_ms)
        if (write(fd, packet.p, packet.len) < 0 && errno != EAGAIN)
            break;
    buf_fini(&packet);
}

static void
flood_ledger(uint64_t until_ms, size_t entry_bytes)
{
    static uint8_t entry[8192];
    struct buf body;
    memset(entry, 'x', sizeof(entry));
    struct record m = {.ref = 1, .entry = bytes_of(entry, entry_bytes)};
    buf_init(&body, sizeof(entry) + 64);
    record_encode(&m, &body);
    flood(given(FD_LEDGER), record_id, &body, until_ms);
    buf_fini(&body);
}

static void
flood_conduit(uint64_t until_ms)
{
    struct buf body;
    struct zone_count m = {0};
    buf_init(&body, 1024);
    zone_count_encode(&m, &body);
    flood(given(FD_CONDUIT), zone_count_id, &body, until_ms);
    buf_fini(&body);
}

static void
flood_supervisor(uint64_t until_ms)
{
    struct buf body;
    struct heartbeat m = {0};
    buf_init(&body, 1024);
    heartbeat_encode(&m, &body);
    flood(PROGRAM_CONTROL_FD, heartbeat_id, &body, until_ms);
    buf_fini(&body);
}

static void
flood_log_lines(uint64_t until_ms)
{
    static char lines[4096];
    for (size_t i = 0; i < sizeof(lines); i++)
        lines[i] = i % 16 == 15 ? '\n' : 'x';
    while (now_ms() < until_ms && write(2, lines, sizeof(lines)) > 0)
        ;
}

/* Everything that it may have; kept, so that the next time there is less. */
static void
eat_memory(uint64_t until_ms)
{
    while (now_ms() < until_ms) {
        uint8_t *p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; p != MAP_FAILED && i < PIECE; i += 4096)
            p[i] = 1;
    }
}

/* Its own state file, up to the limit and over it again and again. */
static void
fill_disk(uint64_t until_ms)
{
    static uint8_t piece[PIECE];
    int fd = given(FD_SERVICE_STATE);
    off_t at = PIECE; /* what stands in front stays whole: the zone lives on */
    while (fd >= 0 && now_ms() < until_ms) {
        if (pwrite(fd, piece, sizeof(piece), at) < 0)
            break; /* SIGXFSZ ends it before, at the limit */
        at = at < ((off_t)32 << 20) ? at + PIECE : PIECE;
        if (at == PIECE)
            fdatasync(fd);
    }
}

static void
spin(uint64_t until_ms)
{
    while (now_ms() < until_ms)
        ;
}

static void
on_told(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    uint64_t until = now_ms() + HEARTBEAT_NOW_AND_THEN_MS;
    switch ((enum means)info->si_value.sival_int) {
    case MEANS_CPU:
        spin(until);
        break;
    case MEANS_MEMORY:
        eat_memory(until);
        break;
    case MEANS_DISK:
        fill_disk(until);
        break;
    case MEANS_RECORDS:
        flood_ledger(until, 32);
        break;
    case MEANS_LOG_ENTRIES:
        flood_ledger(until, 8000);
        break;
    case MEANS_CONDUIT:
        flood_conduit(until);
        break;
    case MEANS_HEARTBEATS:
        flood_supervisor(until);
        break;
    case MEANS_LOG_LINES:
        flood_log_lines(until);
        break;
    case MEANS_PROCESSES:
        (void)fork(); /* its filter kills it: a storm of restarts */
        break;
    case MEANS_DESCRIPTORS:
        while (dup(0) >= 0)
            ;
        break;
    case MEANS_CRASH:
        __builtin_trap();
    case MEANS_COUNT:
        break;
    }
}

__attribute__((constructor)) static void
wait_to_be_told(void)
{
    struct sigaction action = {.sa_sigaction = on_told, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGUSR1, &action, NULL);
}
