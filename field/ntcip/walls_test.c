/* What a city half can still do behind its walls, tried in a child of its own. */
#include "base/test.h"
#include "field/ntcip/walls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/bulkhead-walls-XXXXXX";
static char device[64], secret[64], status_file[64], inside[64];
static int abi;
static uint16_t open_port, other_port;

static int
listener(uint16_t *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 4) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

static bool
connects(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return good;
}

static bool
opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The status of a child that closes its walls and then runs `inner`. */
static int
behind(int (*inner)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct walls_config c = {device, status_file, {open_port, 0}};
        const char *step = "";
        _exit(walls_close(&c, &abi, &step) == OK ? inner() : 99);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static int
what_is_kept(void)
{
    int bad = !opens(inside, O_RDONLY);
    bad |= !opens(inside, O_WRONLY | O_CREAT | O_TRUNC) << 1;
    bad |= !opens(status_file, O_WRONLY | O_CREAT | O_TRUNC) << 2;
    bad |= !connects(open_port) << 3;
    bad |= !opens("/etc/hosts", O_RDONLY) << 4;
    return bad;
}

static int
what_is_given_up(void)
{
    if (abi == 0)
        return 0; /* this kernel has no Landlock, which the program says */
    int bad = opens(secret, O_RDONLY);
    bad |= opens(secret, O_WRONLY) << 1;
    bad |= opens("/etc/passwd", O_RDONLY) << 2;
    bad |= opens("/tmp", O_RDONLY | O_DIRECTORY) << 3;
    bad |= (abi >= 4 && connects(other_port)) << 4;
    return bad;
}

static int
starts_a_program(void)
{
    char *const none[] = {NULL};
    execve("/bin/true", none, none);
    return 0;
}

static int
binds(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)!bind(fd, (struct sockaddr *)&at, sizeof(at));
    return 0;
}

static bool
was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

TEST(the_city_half_keeps_what_it_needs_and_nothing_else)
{
    CHECK(mkdtemp(root));
    snprintf(device, sizeof(device), "%s/device", root);
    snprintf(inside, sizeof(inside), "%s/device/key.pem", root);
    snprintf(secret, sizeof(secret), "%s/keys", root);
    CHECK(mkdir(device, 0700) == 0 && opens(inside, O_CREAT | O_WRONLY));
    CHECK(opens(secret, O_CREAT | O_WRONLY));
    char status_folder[64];
    snprintf(status_folder, sizeof(status_folder), "%s/status", root);
    snprintf(status_file, sizeof(status_file), "%s/status/file", root);
    CHECK(mkdir(status_folder, 0700) == 0);
    int a = listener(&open_port), b = listener(&other_port);
    int kept = behind(what_is_kept);
    if (!WIFEXITED(kept) || WEXITSTATUS(kept) != 0)
        fprintf(stderr, "status %x\n", (unsigned)kept);
    CHECK(WIFEXITED(kept) && WEXITSTATUS(kept) == 0);
    CHECK(was_killed(behind(starts_a_program)));
    CHECK(was_killed(behind(binds)));
    int given_up = behind(what_is_given_up);
    if (!WIFEXITED(given_up) || WEXITSTATUS(given_up) != 0)
        fprintf(stderr, "status %x\n", (unsigned)given_up);
    CHECK(WIFEXITED(given_up) && WEXITSTATUS(given_up) == 0);
    close(a);
    close(b);
    test_remove_tree(root);
}
