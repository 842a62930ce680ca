/* secrets_test.c -- a limit that is too small for keys is noticed. */
#include "programs/secrets.h"
#include "base/test.h"

#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether an ordinary user's process with this limit sees its secret as locked. */
static bool
locked_under(rlim_t bytes)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct rlimit both = {bytes, bytes};
        if (setrlimit(RLIMIT_MEMLOCK, &both) != 0 ||
            (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
            _exit(2);
        uint8_t *secret = sodium_malloc(32);
        _exit(secret && secrets_locked() ? 1 : 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 2);
    return WEXITSTATUS(status) == 1;
}

TEST(a_limit_that_is_too_small_is_noticed)
{
    CHECK(sodium_init() >= 0);
    if (test_sanitized())
        return;
    CHECK(locked_under(64 * 1024));
    CHECK(!locked_under(0));
}
