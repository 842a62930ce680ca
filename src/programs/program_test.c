#include "programs/program.h"
#include "base/test.h"
#include "programs/messages.h"
#include "runtime/sandbox.h"
#include "wire/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WALL_LEAST = 1U << WALL_DUMPABLE }; /* the test ends like a program, and is none */

static bool fails;

static void
fail_now(void *ctx)
{
    (void)ctx;
    program_fail();
}

static enum err
test_open(void *self, struct start *start)
{
    (void)self, (void)start;
    return OK;
}

static enum err
test_serve(void *self, struct loop *loop)
{
    (void)self;
    if (fails)
        loop_every(loop, 1, fail_now, NULL);
    return OK;
}

/* The exit status of a program that is started, and told to stop unless it ends by itself. */
static int
status_of_run(bool stopped)
{
    static const struct sandbox_profile profile = {"test", NULL, 0};
    static const struct program program = {
        .kind = "conduit", .profile = &profile, .open = test_open, .serve = test_serve};
    int pair[2], status;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (pair[1] != PROGRAM_CONTROL_FD && dup2(pair[1], PROGRAM_CONTROL_FD) < 0)
            _exit(99);
        _exit(program_run(&program, NULL) == 0 ? 98
                                               : 97); /* it returns only when it cannot start */
    }
    close(pair[1]);
    struct channel c;
    struct give_number walls = {NUMBER_WALLS, WALL_LEAST};
    struct begin begin;
    struct stop stop;
    channel_init(&c, pair[0]);
    CHECK_OK(CHANNEL_SEND(&c, give_number, &walls));
    CHECK_OK(CHANNEL_SEND(&c, begin, &begin));
    CHECK_OK(channel_flush(&c));
    uint8_t first[CHANNEL_PACKET_MAX];
    CHECK(read(pair[0], first, sizeof(first)) > 0); /* `confined` */
    if (stopped) {
        CHECK_OK(CHANNEL_SEND(&c, stop, &stop));
        CHECK_OK(channel_flush(&c));
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    channel_fini(&c);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(who_was_told_to_stop_ends_well)
{
    fails = false;
    CHECK(status_of_run(true) == 0);
}

TEST(who_ends_unasked_is_seen_as_dead)
{
    fails = true;
    CHECK(status_of_run(false) == 1);
}
