/*
 * Any bytes as a packet: its frames, written again, are the packet; and a channel that receives the
 * packet hands out those frames, up to the first that is none.
 */
#include "base/fuzz.h"
#include "wire/channel.h"
#include "wire/fields.h"

#include <sys/socket.h>
#include <unistd.h>

struct seen {
    struct buf again;
    bool stop; /* at the second frame */
    uint32_t count;
};

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct seen *seen = ctx;
    channel_put_frame(&seen->again, id, body);
    return seen->stop && ++seen->count == 2 ? ERR_DENIED : OK;
}

/* As channel_receive() goes through a packet, without a socket. */
static enum err
take_apart(struct bytes packet, struct seen *seen)
{
    while (packet.len) {
        uint16_t id;
        struct bytes body;
        enum err e = channel_next_frame(&packet, &id, &body);
        if (e == OK)
            e = on_frame(seen, id, body);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
through_socket(struct bytes packet, struct seen *seen)
{
    int fds[2];
    struct channel c;
    enum err e = channel_pair(fds);
    ASSERT(e == OK);
    channel_init(&c, fds[0]);
    ssize_t n = write(fds[1], packet.p, packet.len);
    ASSERT(n == (ssize_t)packet.len);
    e = channel_receive(&c, on_frame, seen);
    ASSERT(channel_receive(&c, on_frame, seen) == ERR_AGAIN);
    close(fds[1]);
    ASSERT(channel_receive(&c, on_frame, seen) == ERR_CLOSED);
    channel_fini(&c);
    return e;
}

/* The input's parts as bodies, written and flushed as its bytes say: they arrive whole, in order.
 */
static void
both_ways(struct bytes in)
{
    int fds[2];
    struct channel from, to;
    struct seen sent = {.stop = false}, got = sent;
    enum err e = channel_pair(fds);
    ASSERT(e == OK);
    channel_init(&from, fds[0]);
    channel_init(&to, fds[1]);
    buf_init(&sent.again, CHANNEL_QUEUE_MAX);
    buf_init(&got.again, CHANNEL_QUEUE_MAX);
    while (in.len) {
        uint8_t how = fuzz_byte(&in);
        struct bytes part = fuzz_part(&in);
        part.len = part.len < CHANNEL_FRAME_MAX ? part.len : CHANNEL_FRAME_MAX;
        struct buf *body = channel_body();
        buf_put(body, part);
        for (uint8_t i = 0; i <= (how & 7); i++) {
            e = channel_send(&from, how, buf_bytes(body));
            if (e == OK)
                channel_put_frame(&sent.again, how, buf_bytes(body));
        }
        if (how & 0x40)
            e = channel_flush(&from);
        if (how & 0x80)
            e = channel_receive(&to, on_frame, &got);
        ASSERT(e == OK || e == ERR_AGAIN || e == ERR_LIMIT);
    }
    while (channel_waiting(&from)) {
        e = channel_flush(&from);
        while (channel_receive(&to, on_frame, &got) == OK)
            ;
        ASSERT(e == OK || e == ERR_AGAIN);
    }
    while (channel_receive(&to, on_frame, &got) == OK)
        ;
    ASSERT(bytes_equal(buf_bytes(&sent.again), buf_bytes(&got.again)));
    channel_fini(&to);
    e = channel_send(&from, 1, bytes_text("nobody"));
    ASSERT(e == OK && channel_flush(&from) == ERR_CLOSED && channel_flush(&from) == ERR_CLOSED);
    channel_fini(&from);
    buf_fini(&sent.again);
    buf_fini(&got.again);
}

/* As at a process's start, on a pair that takes descriptors: a packet with one and one without,
 * into a room that may be too small. */
static void
with_descriptor(struct bytes packet, size_t room)
{
    int fds[2], fd = -1;
    uint8_t to[256];
    size_t len = 0;
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
    ASSERT(!failed && room <= sizeof(to));
    for (int give = -1; give <= fds[0]; give += fds[0] + 1) {
        enum err e = channel_send_fd(fds[0], packet, give);
        ASSERT(e == OK);
        e = channel_receive_fd(fds[1], to, room, &len, &fd);
        ASSERT(e == (packet.len <= room ? OK : ERR_MALFORMED));
        ASSERT(e != OK || (len == packet.len && (fd >= 0) == (give >= 0)));
        if (e == OK && fd >= 0)
            close(fd);
    }
    ASSERT(channel_receive_fd(fds[1], to, room, &len, &fd) == ERR_IO); /* nothing is there */
    close(fds[0]);
    ASSERT(channel_receive_fd(fds[1], to, room, &len, &fd) == ERR_CLOSED);
    close(fds[1]);
}

/* The kinds of fields, each on the same bytes. */
static void
read_fields(struct bytes in)
{
    struct reader r = {.rest = in};
    struct bytes text = reader_text(&r, 64);
    ASSERT(text.len <= 64 && (!r.bad || text.len == 0));
    struct buf again;
    buf_init(&again, 128);
    if (reader_finish(&r) == OK) {
        field_blob(&again, text);
        ASSERT(bytes_equal(buf_bytes(&again), in));
    }
    r = (struct reader){.rest = in};
    int64_t v = reader_signed(&r, -5, 1000);
    ASSERT(v >= -5 && v <= 1000);
    buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size - 1 > CHANNEL_PACKET_MAX)
        return 0;
    struct bytes packet = bytes_of(data + 1, size - 1);
    uint8_t *exact = fuzz_exact(packet);
    struct seen one = {.stop = data[0] & 1}, two = one;
    buf_init(&one.again, CHANNEL_PACKET_MAX);
    buf_init(&two.again, CHANNEL_PACKET_MAX);
    enum err e = take_apart(bytes_of(exact, packet.len), &one);
    ASSERT(one.again.len <= packet.len);
    ASSERT(bytes_equal(buf_bytes(&one.again), bytes_of(exact, one.again.len)));
    ASSERT(e != OK || one.again.len == packet.len);
    ASSERT(through_socket(packet, &two) == e);
    ASSERT(bytes_equal(buf_bytes(&one.again), buf_bytes(&two.again)));
    buf_fini(&one.again);
    buf_fini(&two.again);
    read_fields(bytes_of(exact, packet.len));
    both_ways(packet);
    with_descriptor(packet, 1 + (size_t)data[0]);
    free(exact);
    return 0;
}
