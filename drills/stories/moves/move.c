#include "drills/stories/moves/move.h"

#include <stdarg.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { NOTE_SIZE = 900, REST_MS = 5, FDS_MAX = 300 };

const char *
given(const char *const targets[], const char *key, const char *otherwise)
{
    size_t len = strlen(key);
    for (size_t i = 0; targets[i]; i++)
        if (strncmp(targets[i], key, len) == 0 && targets[i][len] == '=')
            return targets[i] + len + 1;
    return otherwise;
}

long
given_number(const char *const targets[], const char *key, long otherwise)
{
    const char *text = given(targets, key, NULL);
    return text ? strtol(text, NULL, 0) : otherwise;
}

void
note(const char *format, ...)
{
    char line[NOTE_SIZE];
    va_list ap;
    int n = snprintf(line, sizeof(line), "note: ");
    va_start(ap, format);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
    va_end(ap);
    if (n > NOTE_SIZE - 2)
        n = NOTE_SIZE - 2;
    line[n] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
        return;
}

uint64_t
mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The descriptor that the program's own loop waits with: nothing is watched yet, so it only sleeps.
 */
static int
waiting_fd(void)
{
    static int found = -1;
    struct epoll_event event;
    for (int fd = STDERR_FILENO + 1; found < 0 && fd < FDS_MAX; fd++)
        if (epoll_wait(fd, &event, 1, 0) >= 0)
            found = fd;
    return found;
}

void
rest_ms(uint32_t ms)
{
    struct epoll_event event;
    if (epoll_wait(waiting_fd(), &event, 1, (int)ms) < 0)
        return;
}

bool
held_channel(enum start_fd_role role, const char *name, struct channel *out)
{
    const struct start *start = program_given();
    int fd = start ? start_fd(start, role, name) : -1;
    if (fd >= 0)
        channel_init(out, fd);
    return fd >= 0;
}

void
hear_now(struct channel *c, channel_frame_fn *each, void *ctx)
{
    enum err e = channel_receive(c, each, ctx);
    (void)e; /* whatever it was, the next call says it again */
}

bool
hear_until(struct channel *c, uint32_t ms, channel_frame_fn *each, void *ctx)
{
    uint64_t end = mono_ms() + ms;
    while (mono_ms() < end) {
        enum err e = channel_receive(c, each, ctx);
        if (e == ERR_CLOSED)
            return true;
        if (e == ERR_AGAIN)
            rest_ms(REST_MS);
    }
    return false;
}

const struct drill_attempt drill_attempts[] = {
#define MOVE(id, function, what) {id, what, function},
#include "drills/stories/moves/moves.def"
#undef MOVE
    {0},
};
