#include "field/sumo/process.h"
#include "field/sumo/traci.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 20, EXIT_NOT_FOUND = 127 };

static enum err
fail(struct sumo_process *s, enum err e, const char *why)
{
    snprintf(s->why, sizeof(s->why), "%s", why);
    return e;
}

static void
pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* A free port of the loopback interface; somebody may take it before SUMO does. */
static int
free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int port = -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        port = ntohs(a.sin_port);
    close(fd);
    return port;
}

static pid_t
spawn(const char *const arguments[])
{
    char *copy[SUMO_ARGUMENTS_MAX + 3];
    size_t n = 0;
    for (; arguments[n]; n++) {
        ASSERT(n < SUMO_ARGUMENTS_MAX + 2);
        memcpy(&copy[n], &arguments[n], sizeof(copy[n])); /* execvp takes them without const */
    }
    copy[n] = NULL;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(1);
    execvp(copy[0], copy);
    _exit(EXIT_NOT_FOUND);
}

/* ERR_AGAIN while nobody listens. */
static enum err
try_connect(struct sumo_process *s, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return ERR_AGAIN;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->fd = fd;
    return OK;
}

static enum err
wait_for(struct sumo_process *s, int port)
{
    for (int waited = 0; waited < SUMO_START_WAIT_MS; waited += RETRY_MS) {
        int status;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
                return fail(s, ERR_NOT_FOUND, "the program sumo is not installed");
            return fail(s, ERR_IO, "sumo ended at its start: is the scenario complete?");
        }
        enum err e = try_connect(s, port);
        if (e != ERR_AGAIN)
            return e;
        pause_ms(RETRY_MS);
    }
    return fail(s, ERR_IO, "sumo does not listen");
}

enum err
sumo_start(struct sumo_process *s, const char *const arguments[])
{
    *s = (struct sumo_process){.fd = -1};
    buf_init(&s->out, TRACI_MESSAGE_MAX);
    buf_init(&s->in, TRACI_MESSAGE_MAX);
    int port = free_port();
    if (port < 0)
        return fail(s, ERR_IO, "no free port on the loopback interface");
    char text[16];
    snprintf(text, sizeof(text), "%d", port);
    const char *all[SUMO_ARGUMENTS_MAX + 3];
    size_t n = 0;
    for (; arguments[n]; n++) {
        ASSERT(n < SUMO_ARGUMENTS_MAX);
        all[n] = arguments[n];
    }
    all[n++] = "--remote-port";
    all[n++] = text;
    all[n] = NULL;
    s->pid = spawn(all);
    if (s->pid < 0) {
        s->pid = 0;
        return fail(s, ERR_IO, "cannot start a process");
    }
    return wait_for(s, port);
}

/* Wait for the descriptor; SUMO_ANSWER_WAIT_MS at most. */
static enum err
ready(struct sumo_process *s, short events)
{
    struct pollfd p = {.fd = s->fd, .events = events};
    for (;;) {
        int n = poll(&p, 1, SUMO_ANSWER_WAIT_MS);
        if (n > 0)
            return OK;
        if (n == 0)
            return fail(s, ERR_IO, "sumo does not answer");
        if (errno != EINTR)
            return fail(s, ERR_IO, "the connection to sumo broke");
    }
}

static enum err
send_all(struct sumo_process *s)
{
    struct bytes rest = buf_bytes(&s->out);
    while (rest.len) {
        enum err e = ready(s, POLLOUT);
        if (e != OK)
            return e;
        ssize_t n = send(s->fd, rest.p, rest.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail(s, ERR_CLOSED, "sumo closed the connection");
        if (n > 0)
            rest = bytes_skip(rest, (size_t)n);
    }
    return OK;
}

/* Until s->in holds `want` bytes. */
static enum err
receive(struct sumo_process *s, size_t want)
{
    while (s->in.len < want) {
        enum err e = ready(s, POLLIN);
        if (e != OK)
            return e;
        uint8_t *room = buf_room(&s->in, want - s->in.len);
        if (!room)
            return fail(s, ERR_LIMIT, "sumo's answer is too long");
        ssize_t n = recv(s->fd, room, want - s->in.len, 0);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            return fail(s, ERR_CLOSED, "sumo closed the connection");
        if (n > 0)
            buf_filled(&s->in, (size_t)n);
    }
    return OK;
}

enum err
sumo_ask(struct sumo_process *s, struct bytes *out_answer)
{
    if (s->fd < 0)
        return fail(s, ERR_CLOSED, "sumo does not run");
    enum err e = traci_end(&s->out);
    if (e == OK)
        e = send_all(s);
    buf_reset(&s->in);
    if (e == OK)
        e = receive(s, 4);
    if (e != OK)
        return e;
    struct traci_reader r = {buf_bytes(&s->in), false};
    uint32_t len = traci_u32(&r);
    if (len < 4 || len > TRACI_MESSAGE_MAX)
        return fail(s, ERR_MALFORMED, "sumo's answer is not TraCI");
    e = receive(s, len);
    if (e != OK)
        return e;
    *out_answer = bytes_skip(buf_bytes(&s->in), 4);
    return OK;
}

static void
reap(struct sumo_process *s)
{
    for (int waited = 0; waited < SUMO_END_WAIT_MS; waited += RETRY_MS) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return;
        }
        pause_ms(RETRY_MS);
    }
    kill(-s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void
sumo_end(struct sumo_process *s)
{
    if (s->fd >= 0) {
        struct bytes answer;
        traci_begin(&s->out);
        traci_put_close(&s->out);
        if (sumo_ask(s, &answer) != OK && s->pid > 0)
            kill(s->pid, SIGTERM);
        close(s->fd);
        s->fd = -1;
    } else if (s->pid > 0) {
        kill(s->pid, SIGTERM);
    }
    if (s->pid > 0)
        reap(s);
    buf_fini(&s->out);
    buf_fini(&s->in);
}

enum err
sumo_run(const char *const arguments[])
{
    pid_t pid = spawn(arguments);
    int status = 0;
    if (pid < 0)
        return ERR_IO;
    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR)
            return ERR_IO;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
        return ERR_NOT_FOUND;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OK : ERR_IO;
}
