/* reach.c -- out of the compartment by the kernel's doors: sockets, files, memory, signals. */
#include "drills/stories/moves/move.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int
connect_port(const char *const targets[])
{
    long port = given_number(targets, "port", 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || syscall(SYS_connect, fd, &to, sizeof(to)) != 0) {
        note("no connection: %s", strerror(errno));
        return REFUSED;
    }
    note("a connection to the gate stood");
    return REACHED;
}

int
read_file(const char *const targets[])
{
    char bytes[64];
    long fd = syscall(SYS_openat, AT_FDCWD, given(targets, "path", ""), O_RDONLY, 0);
    long n = fd < 0 ? -1 : syscall(SYS_read, fd, bytes, sizeof(bytes));
    if (n <= 0) {
        note("not read: %s", strerror(errno));
        return REFUSED;
    }
    note("%ld bytes of the file were read", n);
    return REACHED;
}

/* The first mapped address of a process, from its own list. */
static unsigned long
first_address(long pid)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0 || syscall(SYS_read, fd, text, sizeof(text) - 1) <= 0)
        return 0;
    return strtoul(text, NULL, 16);
}

int
read_memory(const char *const targets[])
{
    char path[64], bytes[16];
    long pid = given_number(targets, "pid", 0);
    unsigned long address = first_address(pid);
    snprintf(path, sizeof(path), "/proc/%ld/mem", pid);
    long fd = address ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0) : -1;
    if (fd < 0 || syscall(SYS_pread64, fd, bytes, sizeof(bytes), address) != sizeof(bytes)) {
        note("not read: %s", strerror(errno));
        return REFUSED;
    }
    note("%zu bytes of the other process's memory were read", sizeof(bytes));
    return REACHED;
}

/* Signal 0 asks the same question and ends nobody: what is proved is the right to. */
int
signal_process(const char *const targets[])
{
    if (syscall(SYS_kill, given_number(targets, "pid", -1), 0) != 0) {
        note("not reached: %s", strerror(errno));
        return REFUSED;
    }
    note("the other process could be ended");
    return REACHED;
}
