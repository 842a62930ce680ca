/* network.c -- sockets of our own, and what can be done with those that we hold. */
#include "drills/attempts/attempt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { HELD_MAX = 256 };

static struct sockaddr_in
loopback(long port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static socklen_t
unix_address(struct sockaddr_un *to, const char *path, int abstract)
{
    size_t len = strlen(path);
    memset(to, 0, sizeof(*to));
    to->sun_family = AF_UNIX;
    if (len + 2 > sizeof(to->sun_path))
        len = sizeof(to->sun_path) - 2;
    memcpy(to->sun_path + abstract, path, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}

static int
connect_unix(const char *path, int abstract, int type)
{
    struct sockaddr_un address;
    socklen_t len = unix_address(&address, path, abstract);
    long fd = syscall(SYS_socket, AF_UNIX, type, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_connect, fd, &address, len));
}

int
connect_abstract(const char *const targets[])
{
    return connect_unix(target(targets, "abstract"), 1, SOCK_STREAM);
}

int
unix_stream_connect(const char *const targets[])
{
    return connect_unix(target(targets, "unix"), 0, SOCK_STREAM);
}

int
unix_datagram(const char *const targets[])
{
    return connect_unix(target(targets, "dgram"), 0, SOCK_DGRAM);
}

int
bind_abstract(const char *const targets[])
{
    struct sockaddr_un address;
    socklen_t len = unix_address(&address, "bulkhead-drill-letter", 1);
    (void)targets;
    long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_bind, fd, &address, len));
}

int
connect_tcp(const char *const targets[])
{
    struct sockaddr_in address = loopback(target_number(targets, "port"));
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_connect, fd, &address, sizeof(address)));
}

int
fast_open(const char *const targets[])
{
    struct sockaddr_in address = loopback(target_number(targets, "port"));
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd < 0
               ? REFUSED
               : OBTAINED(syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN, &address, sizeof(address)));
}

int
listen_anywhere(const char *const targets[])
{
    (void)targets;
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? REFUSED : OBTAINED(syscall(SYS_listen, fd, 1));
}

int
send_udp(const char *const targets[])
{
    struct sockaddr_in address = loopback(target_number(targets, "udp"));
    long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    return fd < 0 ? REFUSED
                  : OBTAINED(syscall(SYS_sendto, fd, "x", 1, 0, &address, sizeof(address)));
}

/* A socket that can be had at all is an object that a compartment has no use for. */
#define SOCKET_ATTEMPT(name, family, type, protocol)                                               \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        return OBTAINED(syscall(SYS_socket, family, type, protocol));                              \
    }
SOCKET_ATTEMPT(raw_socket, AF_INET, SOCK_RAW, IPPROTO_RAW)
SOCKET_ATTEMPT(netlink_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET_ATTEMPT(vsock_socket, AF_VSOCK, SOCK_STREAM, 0)
SOCKET_ATTEMPT(sctp_socket, AF_INET, SOCK_STREAM, IPPROTO_SCTP)
SOCKET_ATTEMPT(mptcp_socket, AF_INET, SOCK_STREAM, 262)
SOCKET_ATTEMPT(packet_socket, AF_PACKET, SOCK_DGRAM, 0)
SOCKET_ATTEMPT(alg_socket, AF_ALG, SOCK_SEQPACKET, 0)

int
unix_pair(const char *const targets[])
{
    int fds[2];
    (void)targets;
    return OBTAINED(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fds));
}

/* ---- with every descriptor that the compartment holds ------------------------------------------
 */

#define WITH_HELD(name, call)                                                                      \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        struct sockaddr_in address = loopback(target_number(targets, "port"));                     \
        int one = 1;                                                                               \
        (void)address, (void)one;                                                                  \
        for (int fd = 0; fd < HELD_MAX; fd++)                                                      \
            if ((call) >= 0)                                                                       \
                return ESCAPED;                                                                    \
        return REFUSED;                                                                            \
    }
WITH_HELD(accept_then_connect, syscall(SYS_connect, fd, &address, sizeof(address)))
WITH_HELD(bind_held, syscall(SYS_bind, fd, &address, sizeof(address)))
WITH_HELD(listen_held, syscall(SYS_listen, fd, 1))
WITH_HELD(socket_option, syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)))
WITH_HELD(ioctl_held, syscall(SYS_ioctl, fd, FIONREAD, &one))
WITH_HELD(fcntl_owner_held, syscall(SYS_fcntl, fd, F_SETOWN, syscall(SYS_getpid)))
WITH_HELD(lock_held, syscall(SYS_flock, fd, LOCK_EX | LOCK_NB))
WITH_HELD(duplicate_held, syscall(SYS_dup, fd))
WITH_HELD(lease_held, syscall(SYS_fcntl, fd, F_SETLEASE, F_RDLCK))

int
fast_open_held(const char *const targets[])
{
    struct sockaddr_in address = loopback(target_number(targets, "port"));
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &part, .msg_iovlen = 1};
    for (int fd = 0; fd < HELD_MAX; fd++)
        if (syscall(SYS_sendmsg, fd, &message, MSG_FASTOPEN | MSG_DONTWAIT) >= 0)
            return ESCAPED;
    return REFUSED;
}

int
send_descriptor(const char *const targets[])
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    int zero = 0;
    (void)targets;
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &zero, sizeof(zero));
    for (int fd = 0; fd < HELD_MAX; fd++)
        if (syscall(SYS_sendmsg, fd, &message, MSG_DONTWAIT) >= 0)
            return ESCAPED;
    return REFUSED;
}

int
socket_owner(const char *const targets[])
{
    int fds[2];
    if (syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return REFUSED;
    return OBTAINED(syscall(SYS_fcntl, fds[0], F_SETOWN, target_number(targets, "pid")));
}

static uint64_t
flood(int fd)
{
    static char packet[4096];
    uint64_t sent = 0;
    for (int i = 0; i < 100000; i++) {
        long n = syscall(SYS_write, fd, packet, sizeof(packet));
        if (n <= 0)
            break;
        sent += (uint64_t)n;
    }
    return sent;
}

/*
 * 400 MB without waiting: the kernel must say "full" long before. First the control channel, that
 * every process has; then whatever is no file (a file refuses nothing of an empty pwrite).
 */
int
flood_channel(const char *const targets[])
{
    const uint64_t much = 400ULL * 1000 * 1000;
    (void)targets;
    if (flood(3) >= much)
        return ESCAPED;
    for (int fd = 4; fd < HELD_MAX; fd++)
        if (syscall(SYS_pwrite64, fd, NULL, 0, 0) < 0 && flood(fd) >= much)
            return ESCAPED;
    return REFUSED;
}

/* A descriptor that nobody gave us on purpose: whatever is readable above what a process holds. */
int
high_descriptor(const char *const targets[])
{
    char byte;
    (void)targets;
    for (int fd = 200; fd < 4096; fd++)
        if (syscall(SYS_read, fd, &byte, 1) >= 0)
            return ESCAPED;
    return REFUSED;
}

int
splice_held(const char *const targets[])
{
    (void)targets;
    for (int from = 0; from < 32; from++)
        for (int to = 0; to < 32; to++)
            if (syscall(SYS_splice, from, NULL, to, NULL, 16, 2) >= 0)
                return ESCAPED;
    return REFUSED;
}

int
vmsplice_held(const char *const targets[])
{
    char bytes[16] = {0};
    struct iovec part = {bytes, sizeof(bytes)};
    (void)targets;
    for (int fd = 0; fd < HELD_MAX; fd++)
        if (syscall(SYS_vmsplice, fd, &part, 1, 2) >= 0)
            return ESCAPED;
    return REFUSED;
}
