/* sandbox_test.c -- walls that no look from outside can tell: each is tried from within. */
#include "runtime/sandbox.h"
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INSIDE_HOLDS, INSIDE_OPEN, INSIDE_NO_WALL, INSIDE_OLD_KERNEL };

/* The exit status of `inside` in a process that built only these walls. */
static int
within(uint32_t walls, const int *keep, size_t keep_count, int (*inside)(int landlock_abi))
{
    static const struct sandbox_profile profile = {"test", NULL, 0};
    struct sandbox_config config = {
        .profile = &profile, .walls = walls, .keep = keep, .keep_count = keep_count};
    struct sandbox_report report;
    const char *step = "";
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(sandbox_close(&config, &report, &step) == OK ? inside(report.landlock_abi)
                                                           : INSIDE_NO_WALL);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int forgotten, kept;

static int
looks_for_descriptors(int landlock_abi)
{
    (void)landlock_abi;
    bool closed = fcntl(forgotten, F_GETFD) == -1 && errno == EBADF;
    return closed && fcntl(kept, F_GETFD) >= 0 ? INSIDE_HOLDS : INSIDE_OPEN;
}

TEST(what_was_not_given_is_closed)
{
    forgotten = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kept = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(forgotten >= 0 && kept >= 0);
    int keep[] = {0, 1, 2, kept};
    CHECK(within(1U << WALL_DESCRIPTORS, keep, ARRAY_COUNT(keep), looks_for_descriptors) ==
          INSIDE_HOLDS);
    CHECK(within(0, keep, ARRAY_COUNT(keep), looks_for_descriptors) == INSIDE_OPEN);
    close(forgotten);
    close(kept);
}

static int
opens_a_file(int landlock_abi)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? INSIDE_HOLDS : INSIDE_NO_WALL;
    return landlock_abi == 0 ? INSIDE_OLD_KERNEL : INSIDE_OPEN;
}

TEST(landlock_alone_keeps_files_shut)
{
    int seen = within(1U << WALL_NO_NEW_PRIVS | 1U << WALL_LANDLOCK, NULL, 0, opens_a_file);
    if (seen == INSIDE_OLD_KERNEL)
        printf("this kernel has no Landlock: nothing was tried\n");
    else
        CHECK(seen == INSIDE_HOLDS);
    CHECK(within(1U << WALL_NO_NEW_PRIVS, NULL, 0, opens_a_file) != INSIDE_HOLDS);
}
