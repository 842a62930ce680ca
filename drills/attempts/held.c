/*
 * held.c -- every descriptor that a compartment holds (sockets that listen, connections, ends of
 * pairs, files, the log pipe, the event queue, /dev/null), and every operation that the kernel
 * has for one of them. Each is done on all of them: one success is an escape.
 */
#include "drills/attempts/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/io_uring.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>

enum { FDS = 64, ROOM = 4096 };

/* Numbers that Debian 12's headers do not all have. */
enum {
    NEW_SIOCUNIXFILE = 0x89e0,
    NEW_SO_PASSRIGHTS = 83,
    NEW_SO_PEERPIDFD = 77,
    NEW_SCM_PIDFD = 4,
    NEW_F_DUPFD_QUERY = 1027,
    NEW_EPIOCGPARAMS = (int)0x80088a02,
    NEW_SYS_fchmodat2 = 452,
    NEW_SYS_cachestat = 451,
    NEW_SYS_statmount = 457,
    NEW_SYS_listmount = 458,
    NEW_SYS_file_getattr = 468,
    NEW_SYS_setxattrat = 463,
    NEW_PIDFD_SELF = -10000
};

static char room[ROOM] __attribute__((aligned(16)));
static uint32_t size;
static int one = 1;

#define EACH_HELD(name, call)                                                                      \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        for (int fd = 0; fd < FDS; fd++) {                                                         \
            memset(room, 0, sizeof(room));                                                         \
            size = sizeof(int);                                                                    \
            if ((long)(call) >= 0)                                                                 \
                return ESCAPED;                                                                    \
        }                                                                                          \
        return REFUSED;                                                                            \
    }

/* ---- ioctl ----------------------------------------------------------------------------------- */

#define CONTROL(name, number, argument) EACH_HELD(name, syscall(SYS_ioctl, fd, number, argument))
CONTROL(control_unix_file, NEW_SIOCUNIXFILE, 0) /* opens the file behind a Unix socket */
CONTROL(control_async, FIOASYNC, &one)
CONTROL(control_owner, SIOCSPGRP, &one)
CONTROL(control_clone_file, FICLONE, 0)
CONTROL(control_extents, FS_IOC_FIEMAP, room)
CONTROL(control_flags, FS_IOC_GETFLAGS, room)
CONTROL(control_interfaces, SIOCGIFCONF, room)
CONTROL(control_arrival_time, 0x8906 /* SIOCGSTAMP */, room)
CONTROL(control_out_queue, SIOCOUTQ, room)
CONTROL(control_event_queue, NEW_EPIOCGPARAMS, room) /* busy polling */
CONTROL(control_inherit, FIONCLEX, 0)
CONTROL(control_terminal, TIOCGWINSZ, room)

/* ---- fcntl ----------------------------------------------------------------------------------- */

#define COMMAND(name, number, argument) EACH_HELD(name, syscall(SYS_fcntl, fd, number, argument))
COMMAND(command_duplicate, F_DUPFD, 10)
COMMAND(command_status, F_GETFL, 0)
COMMAND(command_block, F_SETFL, 0) /* the supervisor shares the description */
COMMAND(command_append, F_SETFL, O_APPEND | O_ASYNC)
COMMAND(command_inherit, F_SETFD, 0)
COMMAND(command_notify, F_NOTIFY, DN_CREATE)
COMMAND(command_pipe_size, F_SETPIPE_SZ, 1 << 20)
COMMAND(command_seals, F_ADD_SEALS, F_SEAL_WRITE)
COMMAND(command_owner, F_GETOWN, 0)
COMMAND(command_same, NEW_F_DUPFD_QUERY, 3)
COMMAND(command_hint, 1036 /* F_SET_RW_HINT */, room)

static int
lock_each(int command)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_fcntl, fd, command, &whole) == 0)
            return ESCAPED;
    return REFUSED;
}

int
command_lock(const char *const targets[])
{
    (void)targets;
    return lock_each(F_SETLK);
}

int
command_description_lock(const char *const targets[])
{
    (void)targets;
    return lock_each(F_OFD_SETLK);
}

/* ---- options of sockets ---------------------------------------------------------------------- */

#define TAKE(name, level, option)                                                                  \
    EACH_HELD(name, syscall(SYS_getsockopt, fd, level, option, room, &size))
#define GIVE(name, level, option)                                                                  \
    EACH_HELD(name, syscall(SYS_setsockopt, fd, level, option, &one, sizeof(one)))
TAKE(option_peer_user, SOL_SOCKET, SO_PEERCRED)         /* tells the number of a process outside */
TAKE(option_peer_process, SOL_SOCKET, NEW_SO_PEERPIDFD) /* a handle to it */
TAKE(option_peer_groups, SOL_SOCKET, SO_PEERGROUPS)
TAKE(option_peer_label, SOL_SOCKET, SO_PEERSEC)
TAKE(option_cookie, SOL_SOCKET, SO_COOKIE) /* a counter of the whole machine */
TAKE(option_memory, SOL_SOCKET, SO_MEMINFO)
TAKE(option_connection, IPPROTO_TCP, TCP_INFO)
GIVE(option_take_rights, SOL_SOCKET, NEW_SO_PASSRIGHTS) /* descriptors may come again */
GIVE(option_take_users, SOL_SOCKET, SO_PASSCRED)
GIVE(option_peek, SOL_SOCKET, SO_PEEK_OFF)
GIVE(option_send_more, SOL_SOCKET, SO_SNDBUF)
GIVE(option_send_force, SOL_SOCKET, SO_SNDBUFFORCE)
GIVE(option_busy_poll, SOL_SOCKET, SO_BUSY_POLL)
GIVE(option_timestamps, SOL_SOCKET, SO_TIMESTAMPING)
GIVE(option_zero_copy, SOL_SOCKET, SO_ZEROCOPY)
GIVE(option_port_share, SOL_SOCKET, SO_REUSEPORT)
GIVE(option_fast_open, IPPROTO_TCP, TCP_FASTOPEN)
GIVE(option_fast_open_connect, IPPROTO_TCP, TCP_FASTOPEN_CONNECT)
GIVE(option_repair, IPPROTO_TCP, TCP_REPAIR)
GIVE(option_transparent, IPPROTO_IP, IP_TRANSPARENT)

int
option_filter(const char *const targets[])
{
    struct sock_filter accept_all = {0x06, 0, 0, 0xffffffff};
    struct sock_fprog program = {1, &accept_all};
    (void)targets;
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ==
            0)
            return ESCAPED;
    return REFUSED;
}

/* TLS in the kernel, on the gate's own connections. */
EACH_HELD(option_kernel_tls, syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_ULP, "tls", 4))
EACH_HELD(option_interface, syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))

/* ---- talking through sockets ----------------------------------------------------------------- */

EACH_HELD(socket_shut, syscall(SYS_shutdown, fd, SHUT_RD))
EACH_HELD(socket_name, syscall(SYS_getsockname, fd, room, &size))
EACH_HELD(socket_peer_name, syscall(SYS_getpeername, fd, room, &size))
EACH_HELD(socket_receive, syscall(SYS_recvfrom, fd, room, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL))
EACH_HELD(socket_send, syscall(SYS_sendto, fd, "x", 1, MSG_OOB | MSG_DONTWAIT, NULL, 0))

static struct msghdr
message_with(struct iovec *part, int type, const void *data, size_t len)
{
    struct msghdr m = {.msg_iov = part, .msg_iovlen = 1, .msg_control = room};
    m.msg_controllen = type < 0 ? sizeof(room) : CMSG_SPACE(len);
    if (type < 0)
        return m;
    struct cmsghdr *head = (struct cmsghdr *)(void *)room; /* CMSG_FIRSTHDR(&m) */
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = type;
    head->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(head), data, len);
    return m;
}

/* One message over every channel, the supervisor's too, with something that travels beside it. */
static int
send_each(int type, const void *data, size_t len)
{
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr m = message_with(&part, type, data, len);
    for (int fd = 3; fd < FDS; fd++)
        if (syscall(SYS_sendmsg, fd, &m, MSG_DONTWAIT) >= 0)
            return ESCAPED;
    return REFUSED;
}

int
pass_all_descriptors(const char *const targets[])
{
    int fds[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    (void)targets;
    return send_each(SCM_RIGHTS, fds, sizeof(fds));
}

int
pass_false_user(const char *const targets[])
{
    struct ucred nobody = {1, 0, 0};
    (void)targets;
    return send_each(SCM_CREDENTIALS, &nobody, sizeof(nobody));
}

int
pass_process(const char *const targets[])
{
    (void)targets;
    return send_each(NEW_SCM_PIDFD, &one, sizeof(one));
}

int
pass_send_time(const char *const targets[])
{
    uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;
    (void)targets;
    return send_each(SO_TIMESTAMPING, &flags, sizeof(flags));
}

static int
receive_each(long call, int flags)
{
    char byte;
    struct iovec part = {&byte, 1};
    struct mmsghdr many = {.msg_hdr = message_with(&part, -1, NULL, 0)};
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(call, fd, &many, 1, flags, NULL) >= 0)
            return ESCAPED;
    return REFUSED;
}

int
receive_many(const char *const targets[])
{
    (void)targets;
    return receive_each(SYS_recvmmsg, MSG_DONTWAIT);
}

int
send_many(const char *const targets[])
{
    (void)targets;
    return receive_each(SYS_sendmmsg, MSG_DONTWAIT);
}

/* A descriptor that somebody has sent us, waiting beside a packet. */
int
receive_descriptor(const char *const targets[])
{
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr m = message_with(&part, -1, NULL, 0);
    (void)targets;
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_recvmsg, fd, &m, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) >= 0)
            return ESCAPED;
    return REFUSED;
}

/* ---- moving bytes without touching them -------------------------------------------------------
 */

#define BETWEEN(name, call)                                                                        \
    int name(const char *const targets[])                                                          \
    {                                                                                              \
        (void)targets;                                                                             \
        for (int from = 0; from < 16; from++)                                                      \
            for (int to = 0; to < 16; to++)                                                        \
                if ((call) >= 0)                                                                   \
                    return ESCAPED;                                                                \
        return REFUSED;                                                                            \
    }
BETWEEN(move_sendfile, syscall(SYS_sendfile, to, from, NULL, 1))
BETWEEN(move_tee, syscall(SYS_tee, from, to, 1, SPLICE_F_NONBLOCK))
BETWEEN(move_copy_range, syscall(SYS_copy_file_range, from, NULL, to, NULL, 1, 0))

/* ---- files ----------------------------------------------------------------------------------- */

EACH_HELD(file_punch, syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 1))
EACH_HELD(file_allocate, syscall(SYS_fallocate, fd, 0, 0, 1L << 20))
EACH_HELD(file_sync_range, syscall(SYS_sync_file_range, fd, 0, 0, 7))
EACH_HELD(file_sync_all, syscall(SYS_syncfs, fd)) /* of everybody on this disk */
EACH_HELD(file_read_ahead, syscall(SYS_readahead, fd, 0, 4096))
EACH_HELD(file_advise, syscall(SYS_fadvise64, fd, 0, 0, 4))
EACH_HELD(file_cached, syscall(NEW_SYS_cachestat, fd, room, room + 64, 0))
EACH_HELD(file_attribute_set, syscall(SYS_fsetxattr, fd, "user.letter", "x", 1, 0))
EACH_HELD(file_attribute_list, syscall(SYS_flistxattr, fd, room, sizeof(room)))
EACH_HELD(file_attribute_at,
          syscall(NEW_SYS_setxattrat, fd, "", AT_EMPTY_PATH, "user.letter", room, 16))
EACH_HELD(file_flags_at, syscall(NEW_SYS_file_getattr, fd, "", room, 24, AT_EMPTY_PATH))
EACH_HELD(file_mode, syscall(SYS_fchmod, fd, 0666))
EACH_HELD(file_mode_at, syscall(NEW_SYS_fchmodat2, fd, "", 0666, AT_EMPTY_PATH))
EACH_HELD(file_owner, syscall(SYS_fchownat, fd, "", -1, -1, AT_EMPTY_PATH))
EACH_HELD(file_times, syscall(SYS_utimensat, fd, NULL, NULL, 0)) /* a letter box of 30 digits */
EACH_HELD(file_system, syscall(SYS_fstatfs, fd, room))           /* how full is the city's disk */
EACH_HELD(file_stat, syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, room))
EACH_HELD(file_seek, syscall(SYS_lseek, fd, 1, SEEK_CUR)) /* a place that is shared */
EACH_HELD(file_directory, syscall(SYS_fchdir, fd))
EACH_HELD(file_entries, syscall(SYS_getdents64, fd, room, sizeof(room)))
EACH_HELD(file_open_beside, syscall(SYS_openat, fd, "..", O_RDONLY | O_DIRECTORY, 0))
EACH_HELD(file_open_again, syscall(SYS_openat, fd, "", O_PATH, 0))
EACH_HELD(file_handle, syscall(SYS_name_to_handle_at, fd, "", room, &size, AT_EMPTY_PATH))
EACH_HELD(file_exec, syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH))
EACH_HELD(file_map,
          (long)(uintptr_t)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) - 1)
EACH_HELD(file_read_cached, syscall(SYS_preadv2, fd, &(struct iovec){room, 1}, 1, 0L, 0L, 8))
EACH_HELD(file_watch, syscall(SYS_inotify_add_watch, fd, "/", 1))
EACH_HELD(file_mount_list, syscall(NEW_SYS_listmount, room, room + 64, 8, 0))
EACH_HELD(file_mount, syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", 4))
EACH_HELD(file_quota, syscall(443 /* quotactl_fd */, fd, 0x80000700, 0, room))
EACH_HELD(ring_register, syscall(SYS_io_uring_register, fd, 0, NULL, 0))
EACH_HELD(ring_enter, syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0))

/* A name in the shared folder for a file that has none there. */
int
file_link_out(const char *const targets[])
{
    char path[512];
    snprintf(path, sizeof(path), "%s/from-inside", target(targets, "dir"));
    for (int fd = 0; fd < FDS; fd++)
        if (syscall(SYS_linkat, fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
            return ESCAPED;
    return REFUSED;
}

/* ---- handles of processes -------------------------------------------------------------------- */

EACH_HELD(handle_signal, syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0))
EACH_HELD(handle_release, syscall(448 /* process_mrelease */, fd, 0))
EACH_HELD(handle_self, syscall(SYS_pidfd_getfd, NEW_PIDFD_SELF, fd, 0))
