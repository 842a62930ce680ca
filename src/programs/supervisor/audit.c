#include "programs/supervisor/audit.h"

#include "base/clock.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORD_SIZE = 9216,            /* longer than any record */
    QUEUE_BYTES = 4 * 1024 * 1024, /* some thousand deaths of others between two of ours */
    RECORDS_MAX = 16384,           /* looked at for one death */
    PATIENCE_MS = 5,
};

/*
 * The value of the next field, which must be `name`; without one the rest becomes empty, so that
 * all that follow fail too. No value holds a blank: what a process may choose is put in quotes by
 * the kernel, and in hexadecimal when it holds a blank, a quote or a control character.
 */
static struct bytes
field(struct bytes *rest, const char *name)
{
    size_t head = strlen(name);
    if (!bytes_start(*rest, name))
        return *rest = (struct bytes){0};
    size_t end = bytes_find(*rest, ' ');
    struct bytes value = bytes_of(rest->p + head, end - head);
    *rest = bytes_skip(*rest, end < rest->len ? end + 1 : end);
    return value;
}

static bool
decimal(struct bytes text, uint32_t *out)
{
    uint64_t value;
    if (text_u64(text, UINT32_MAX, &value) != OK)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool
hexadecimal(struct bytes text, uint32_t *out)
{
    uint8_t b[4];
    if (text_hex(text, b, sizeof(b)) != OK)
        return false;
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

enum err
audit_parse(struct bytes record, struct audit_kill *out)
{
    struct audit_kill k = {0};
    if (!bytes_start(record, "audit("))
        return ERR_NOT_FOUND;
    struct bytes rest = bytes_skip(record, bytes_find(record, ')'));
    bool good = bytes_are(field(&rest, "):"), "");
    good = good && field(&rest, "auid=").len && decimal(field(&rest, "uid="), &k.uid);
    good = good && field(&rest, "gid=").len && field(&rest, "ses=").len;
    while (rest.len && !bytes_start(rest, "pid=") && !bytes_start(rest, "comm="))
        field(&rest, ""); /* the label of a security module */
    good = good && decimal(field(&rest, "pid="), &k.pid);
    good = good && field(&rest, "comm=").len && field(&rest, "exe=").len;
    good = good && bytes_are(field(&rest, "sig="), "31");
    good = good && hexadecimal(field(&rest, "arch="), &k.arch);
    good = good && decimal(field(&rest, "syscall="), &k.call);
    if (!good)
        return ERR_NOT_FOUND;
    *out = k;
    return OK;
}

void
audit_call_text(const struct audit_kill *kill, char out[static AUDIT_CALL_SIZE])
{
    char *name = seccomp_syscall_resolve_num_arch(kill->arch, (int)kill->call);
    snprintf(out, AUDIT_CALL_SIZE, "%s:%u", name ? name : "unnamed", kill->call);
    free(name);
}

int
audit_open(void)
{
    static const char initial[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */
    /* Deliver if the message's type is AUDIT_SECCOMP. */
    struct sock_filter only_kills[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_SECCOMP), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = {ARRAY_COUNT(only_kills), only_kills};
    struct sockaddr_nl log = {.nl_family = AF_NETLINK,
                              .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1)};
    int room = QUEUE_BYTES;
    char ours[32] = "";
    if (readlink("/proc/self/ns/pid", ours, sizeof(ours) - 1) < 0 || strcmp(ours, initial) != 0)
        return -1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0 &&
        bind(fd, (struct sockaddr *)&log, sizeof(log)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Look through what came since the last look: all of it, the next death has its own. */
static bool
find(int fd, uint32_t pid, uint32_t uid, struct audit_kill *out)
{
    static uint8_t record[RECORD_SIZE];
    bool found = false;
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        struct audit_kill k;
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(fd, record, sizeof(record), 0, (struct sockaddr *)&from, &from_len);
        if (n < 0 && errno != ENOBUFS) /* some were dropped: there were too many */
            break;
        if (n < NLMSG_HDRLEN || from.nl_pid != 0) /* 0: the kernel */
            continue;
        struct bytes text = bytes_of(record + NLMSG_HDRLEN, (size_t)n - NLMSG_HDRLEN);
        if (audit_parse(text, &k) == OK && k.pid == pid && k.uid == uid) {
            *out = k;
            found = true;
        }
    }
    return found;
}

void
audit_last_call(int fd, uint32_t pid, uint32_t uid, char out[static AUDIT_CALL_SIZE])
{
    struct audit_kill k;
    struct clock_source clock = clock_system();
    uint64_t until_ms = clock_mono_ms(&clock) + PATIENCE_MS;
    snprintf(out, AUDIT_CALL_SIZE, "unknown");
    while (fd >= 0 && clock_mono_ms(&clock) < until_ms) {
        struct pollfd more = {.fd = fd, .events = POLLIN};
        if (find(fd, pid, uid, &k)) {
            audit_call_text(&k, out);
            return;
        }
        if (poll(&more, 1, 1) < 0 && errno != EINTR)
            return;
    }
}
