#include "programs/supervisor/spawn.h"

#include "programs/program.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return good;
}

/* Inside its user namespace the child is user 0 without any capability; outside it is us. */
static bool
map_user(pid_t pid)
{
    char path[64], line[64];
    snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
    if (!write_file(path, "deny"))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
    snprintf(line, sizeof(line), "0 %u 1", geteuid());
    if (!write_file(path, line))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
    snprintf(line, sizeof(line), "0 %u 1", getegid());
    return write_file(path, line);
}

/* Runs in the child: only async-signal-safe calls. */
static void __attribute__((noreturn))
child(const char *program, int ready_fd, int control_fd, int log_fd, char *const environment[])
{
    char byte;
    sigset_t none;
    if (read(ready_fd, &byte, 1) != 1) /* wait for the maps of users */
        _exit(120);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    int null_fd = open("/dev/null", O_RDWR);
    int control = fcntl(control_fd, F_DUPFD, 16);
    int log = fcntl(log_fd, F_DUPFD, 16);
    if (null_fd < 0 || control < 0 || log < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
        dup2(log, 2) < 0 || dup2(control, PROGRAM_CONTROL_FD) < 0 ||
        close_range(PROGRAM_CONTROL_FD + 1, ~0U, 0) != 0)
        _exit(121);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *const arguments[] = {(char *)(uintptr_t)program, NULL};
    execve(program, arguments, environment);
    _exit(122);
}

static uint64_t
inode_of(int fd)
{
    struct stat st = {0};
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

enum err
spawn_placed(const char *program, bool namespaces, bool user_namespace, char *const environment[],
             const struct spawn_place *place, struct spawned *out)
{
    static char utc[] = "TZ=UTC0";
    static char *const plain[] = {utc, NULL};
    int control[2] = {-1, -1}, log[2] = {-1, -1}, ready[2] = {-1, -1};
    enum err e = ERR_IO;
    pid_t pid = -1;
    unsigned long flags = SIGCHLD;
    struct timeval patience = {.tv_sec = 5};

    if (namespaces)
        flags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWCGROUP | (user_namespace ? CLONE_NEWUSER : 0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0 ||
        pipe2(log, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0)
        goto out;
    if (setsockopt(control[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        fcntl(log[0], F_SETFL, O_NONBLOCK) != 0)
        goto out;
    channel_refuse_fds(control[0]);
    /* A child that is not dumpable belongs to root, and an ordinary user could not map its user. */
    int dumpable = prctl(PR_GET_DUMPABLE);
    if (user_namespace && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
        goto out;
    pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (pid == 0)
        child(program, ready[0], control[1], log[1], environment ? environment : plain);
    if (pid < 0) {
        e = errno == EPERM || errno == ENOSPC || errno == EINVAL ? ERR_UNSUPPORTED : ERR_IO;
        goto out;
    }
    if (namespaces && user_namespace && !map_user(pid)) {
        e = ERR_UNSUPPORTED;
        goto out;
    }
    if (place && !place->place(place->ctx, pid))
        goto out;
    if (user_namespace && prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) != 0)
        goto out;
    if (write(ready[1], "g", 1) != 1)
        goto out;
    *out = (struct spawned){pid, control[0], log[0], inode_of(control[1]), inode_of(log[1])};
    control[0] = log[0] = -1;
    pid = -1;
    e = OK;
out:;
    int error = errno;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    int all[] = {control[0], control[1], log[0], log[1], ready[0], ready[1]};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        if (all[i] >= 0)
            close(all[i]);
    errno = error;
    return e;
}

enum err
spawn(const char *program, bool namespaces, bool user_namespace, char *const environment[],
      struct spawned *out)
{
    return spawn_placed(program, namespaces, user_namespace, environment, NULL, out);
}
