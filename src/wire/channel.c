#include "wire/channel.h"

#include "wire/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_HEAD = 6, QUEUE_HEAD = 4 };

void
channel_init(struct channel *c, int fd)
{
    *c = (struct channel){.fd = fd};
    buf_init(&c->packet, CHANNEL_PACKET_MAX);
    buf_init(&c->queue, CHANNEL_QUEUE_MAX);
}

void
channel_fini(struct channel *c)
{
    buf_fini(&c->packet);
    buf_fini(&c->queue);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void
channel_put_frame(struct buf *b, uint16_t id, struct bytes body)
{
    field_unsigned(b, 2, id);
    field_blob(b, body);
}

enum err
channel_next_frame(struct bytes *rest, uint16_t *out_id, struct bytes *out_body)
{
    struct reader r = {.rest = *rest};
    uint16_t id = (uint16_t)reader_unsigned(&r, 2, UINT16_MAX);
    struct bytes body = reader_blob(&r, CHANNEL_FRAME_MAX);
    if (r.bad)
        return ERR_MALFORMED;
    *rest = r.rest;
    *out_id = id;
    *out_body = body;
    return OK;
}

/* Move the open packet to the queue. */
static enum err
finish_packet(struct channel *c)
{
    if (c->packet.len == 0)
        return OK;
    if (c->queue.max - c->queue.len < c->packet.len + QUEUE_HEAD)
        return ERR_LIMIT;
    field_unsigned(&c->queue, QUEUE_HEAD, c->packet.len);
    buf_put(&c->queue, buf_bytes(&c->packet));
    ASSERT(!c->queue.overflow);
    buf_reset(&c->packet);
    return OK;
}

enum err
channel_send(struct channel *c, uint16_t id, struct bytes body)
{
    ASSERT(body.len <= CHANNEL_FRAME_MAX);
    if (c->packet.len + FRAME_HEAD + body.len > CHANNEL_PACKET_MAX) {
        enum err e = finish_packet(c);
        if (e != OK)
            return e;
    }
    channel_put_frame(&c->packet, id, body);
    ASSERT(!c->packet.overflow);
    return OK;
}

size_t
channel_frame_begin(struct channel *c, uint16_t id)
{
    size_t start = c->packet.len;
    field_unsigned(&c->packet, 2, id);
    field_unsigned(&c->packet, 4, 0);
    return start;
}

enum err
channel_frame_end(struct channel *c, size_t start)
{
    if (!c->packet.overflow) {
        uint32_t length = (uint32_t)(c->packet.len - start - FRAME_HEAD);
        uint8_t *p = c->packet.p + start + 2;
        for (int i = 0; i < 4; i++)
            p[i] = (uint8_t)(length >> (24 - 8 * i));
        return OK;
    }
    ASSERT(start > 0); /* a message of a table fits into a packet of its own */
    c->packet.len = start;
    c->packet.overflow = false;
    enum err e = finish_packet(c);
    return e == OK ? ERR_AGAIN : e;
}

struct buf *
channel_body(void)
{
    static struct buf body; /* one thread; kept between calls so that it stops allocating */
    if (body.max == 0)
        buf_init(&body, CHANNEL_FRAME_MAX);
    buf_reset(&body);
    return &body;
}

size_t
channel_waiting(const struct channel *c)
{
    return c->queue.len - c->queue_at + c->packet.len;
}

static void
queue_compact(struct channel *c)
{
    if (c->queue_at == c->queue.len) {
        buf_reset(&c->queue);
        c->queue_at = 0;
    } else if (c->queue_at > CHANNEL_QUEUE_MAX / 4) {
        buf_drop(&c->queue, c->queue_at);
        c->queue_at = 0;
    }
}

static enum err
write_packet(struct channel *c, struct bytes packet)
{
    for (;;) {
        ssize_t n = write(c->fd, packet.p, packet.len);
        if (n == (ssize_t)packet.len)
            return OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
            return ERR_AGAIN;
        c->broken = true;
        return n < 0 && (errno == EPIPE || errno == ECONNRESET) ? ERR_CLOSED : ERR_IO;
    }
}

enum err
channel_flush(struct channel *c)
{
    if (c->broken)
        return ERR_CLOSED;
    enum err e = OK;
    while (e == OK && c->queue_at < c->queue.len) {
        struct reader r = {.rest = bytes_skip(buf_bytes(&c->queue), c->queue_at)};
        size_t len = (size_t)reader_unsigned(&r, QUEUE_HEAD, CHANNEL_PACKET_MAX);
        e = write_packet(c, bytes_of(r.rest.p, len));
        if (e == OK)
            c->queue_at += QUEUE_HEAD + len;
    }
    queue_compact(c);
    if (e != OK || c->packet.len == 0)
        return e;
    e = write_packet(c, buf_bytes(&c->packet)); /* the common case copies nothing */
    if (e == OK)
        buf_reset(&c->packet);
    return e;
}

/* One packet, good until the next call: one thread, and a handler never receives. */
static enum err
read_packet(const struct channel *c, struct bytes *out)
{
    static uint8_t packet[CHANNEL_PACKET_MAX + 1];
    ssize_t n = read(c->fd, packet, sizeof(packet));
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_AGAIN
               : errno == ECONNRESET             ? ERR_CLOSED
                                                 : ERR_IO;
    *out = bytes_of(packet, (size_t)n);
    return OK;
}

enum err
channel_forget(struct channel *c, uint32_t packets_max)
{
    struct bytes packet;
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < packets_max; i++)
        e = read_packet(c, &packet); /* an empty one too: an end has no end of them */
    if (e != ERR_AGAIN)
        return e == OK ? ERR_AGAIN : e;
    buf_reset(&c->packet);
    buf_reset(&c->queue);
    c->queue_at = 0;
    c->broken = false;
    return OK;
}

enum err
channel_receive(struct channel *c, channel_frame_fn *each, void *ctx)
{
    struct bytes rest;
    enum err got = read_packet(c, &rest);
    if (got != OK)
        return got;
    if (rest.len == 0)
        return ERR_CLOSED;
    if (rest.len > CHANNEL_PACKET_MAX)
        return ERR_MALFORMED;
    while (rest.len) {
        uint16_t id;
        struct bytes body;
        enum err e = channel_next_frame(&rest, &id, &body);
        if (e == OK)
            e = each(ctx, id, body);
        if (e != OK)
            return e;
    }
    return OK;
}

bool
channel_refuse_fds(int socket_fd)
{
    enum { SO_PASSRIGHTS_NUMBER = 83 }; /* Debian 12's headers do not know it */
    int off = 0;
    return setsockopt(socket_fd, SOL_SOCKET, SO_PASSRIGHTS_NUMBER, &off, sizeof(off)) == 0;
}

enum err
channel_pair(int out_fds[static 2])
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return ERR_IO;
    int size = 4 * CHANNEL_PACKET_MAX; /* the kernel may give less: then packets wait in turn */
    for (int i = 0; i < 2; i++)
        if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) {
            close(fds[0]);
            close(fds[1]);
            return ERR_IO;
        }
    for (int i = 0; i < 2; i++) {
        channel_refuse_fds(fds[i]);
        out_fds[i] = fds[i];
    }
    return OK;
}

enum err
channel_send_fd(int socket_fd, struct bytes packet, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)(uintptr_t)packet.p, packet.len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.room);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)packet.len)
        return OK;
    return n < 0 && errno == EAGAIN ? ERR_AGAIN : ERR_IO;
}

enum err
channel_receive_fd(int socket_fd, void *packet, size_t size, size_t *out_len, int *out_fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {packet, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    ssize_t n;
    do
        n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ERR_IO;
    if (n == 0)
        return ERR_CLOSED;
    int fd = -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof(int));
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (fd >= 0)
            close(fd);
        return ERR_MALFORMED;
    }
    *out_len = (size_t)n;
    *out_fd = fd;
    return OK;
}
